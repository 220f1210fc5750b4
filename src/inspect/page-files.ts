/**
 * The files of the page. This module is for the repository, which runs unbuilt: it takes the types out
 * of the page's own modules, and takes uPlot from where npm has put it. The build puts a module in its
 * place that has the bundled files in it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

/** By path, without the slash in front; each with its content type. */
export type PageFiles = ReadonlyMap<string, { readonly type: string; readonly text: string }>;

const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';

export function pageFiles(): PageFiles {
  const read = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8');
  const plots = dirname(createRequire(import.meta.url).resolve('uplot'));
  const files = new Map([
    ['', { type: 'text/html; charset=utf-8', text: read('index.html') }],
    ['uplot.js', { type: script, text: readFileSync(join(plots, 'uPlot.esm.js'), 'utf8') }],
    [
      'page.css',
      { type: style, text: readFileSync(join(plots, 'uPlot.min.css'), 'utf8') + read('page.css') },
    ],
  ]);
  for (const name of readdirSync(new URL('./page/', import.meta.url))) {
    if (!name.endsWith('.ts')) continue;
    const text = stripTypeScriptTypes(read(name)).replaceAll("from 'uplot'", "from './uplot.js'");
    files.set(name === 'page.ts' ? 'page.js' : name, { type: script, text });
  }
  return files;
}
