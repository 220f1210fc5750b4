/** How the package gets the runtime's own modules: without the loader of ECMAScript modules. */
import type { Plugin } from 'rolldown';

const prefix = '\0builtin:';

/**
 * An `import` of one of them copies its namespace and reads every member for that: those of `node:fs` load
 * streams and promises of files that nobody asked for. Members that nobody uses are dropped here.
 */
async function moduleOf(specifier: string): Promise<string> {
  const members = Object.keys(await import(specifier)).filter((name) => name !== 'default');
  const exported = members.map(
    (name, at) =>
      `const m${at} = /* @__PURE__ */ member('${name}');\nexport { m${at} as ${name} };`,
  );
  return [
    `const own = /* @__PURE__ */ process.getBuiltinModule('${specifier}');`,
    'const member = (name) => own[name];',
    'export default own;',
    ...exported,
  ].join('\n');
}

export const builtinModules: Plugin = {
  name: "the runtime's modules",
  resolveId: {
    filter: { id: /^node:/ },
    handler: (specifier, _importer, { kind }) =>
      // What is imported only when it is needed may take its time.
      kind === 'dynamic-import'
        ? { id: specifier, external: true }
        : { id: `${prefix}${specifier}`, moduleSideEffects: false },
  },
  load: {
    filter: { id: new RegExp(`^${prefix}`) },
    handler: async (id) => ({ code: await moduleOf(id.slice(prefix.length)), moduleType: 'js' }),
  },
};
