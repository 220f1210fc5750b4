/** The page of gnet/inspect, for the package: with uPlot in it, and without a file beside it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** The source of the module that takes the place of `src/inspect/page-files.ts`. */
export async function builtPageFiles(root: string): Promise<string> {
  const folder = join(root, 'src', 'inspect', 'page');
  const plots = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const style = await build({
    stdin: {
      contents: `@import 'uplot/dist/uPlot.min.css'; @import './page.css';`,
      loader: 'css',
      resolveDir: folder,
    },
    bundle: true,
    minify: true,
    write: false,
    target: 'es2022',
  });
  const script = await build({
    entryPoints: [join(folder, 'page.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
  });
  const licence = readFileSync(join(plots, 'LICENSE'), 'utf8').trim();
  const notice = `/*! With uPlot, https://github.com/leeoniya/uPlot:\n\n${licence}\n*/\n`;
  const files = [
    ['', 'text/html; charset=utf-8', readFileSync(join(folder, 'index.html'), 'utf8')],
    ['page.css', 'text/css; charset=utf-8', style.outputFiles[0]?.text],
    ['page.js', 'text/javascript; charset=utf-8', `${notice}${script.outputFiles[0]?.text}`],
  ].map(([path, type, text]) => [path, { type, text }]);
  return `export const pageFiles = () => new Map(${JSON.stringify(files)});\n`;
}
