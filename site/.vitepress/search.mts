/** How the site finds pages: what goes into its index, and what comes first. */
import type { DefaultTheme } from 'vitepress';

/** Sources are found by way of the pages that lead to them; examples are worth finding by themselves. */
const isLeftOut = (path: string): boolean => /^source\/(?!examples\/)/.test(path);

/** The headings of the API's reference below a member: one each for its parameters, what it returns, ... */
const belowMembers = /^#{4,} /gm;

export const search: DefaultTheme.LocalSearchOptions = {
  _render(text, env, md) {
    if (isLeftOut(env.relativePath)) return '';
    const { highlight } = md.options;
    // The index has words alone, so colours of code would be work for nothing.
    md.options.highlight = null;
    try {
      const isReference = env.relativePath.startsWith('reference/');
      return md.render(isReference ? text.replaceAll(belowMembers, '') : text, env);
    } finally {
      md.options.highlight = highlight;
    }
  },
  miniSearch: {
    // VitePress sends these functions to the browser as text: they can use nothing from outside.
    searchOptions: {
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
      processTerm: (term) =>
        /^(?:an?|and|do|does|for|from|how|i|in|is|my|of|on|the|to|what|when|with)$/i.test(term)
          ? null
          : term.toLowerCase(),
      // What tells how to do a thing comes first, then the reference, then how gnet was made.
      boostDocument(id) {
        if (/\/reference\/.*\/overview\.html/.test(id)) return 0.3;
        const isBehind =
          /\/(?:reference|source|findings|decisions|specification|benchmark|reliability|surprises|design|architecture|contributing|changelog|coming-from-go|connection-life|zh)\b/;
        return isBehind.test(id) ? 0.15 : 1;
      },
    },
  },
};
