/**
 * The tables of docs/options.md, made of the doc comments of `Options`: each option is described once.
 * Which table an option stands in, and where, is the document's; a test fails when the words differ.
 *
 *     node scripts/option-tables.ts      writes the rows again
 */
import { readFileSync, writeFileSync } from 'node:fs';

const source = new URL('../src/server/option-types.ts', import.meta.url);
const document = new URL('../docs/options.md', import.meta.url);

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** As the cell of a table begins: a sentence does with a capital letter, unless it is a name. */
function inCell(text: string): string {
  return /^(?!Unix )[A-Z][a-z]|^A /.test(text)
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text;
}

const withLinks = (text: string): string =>
  text.replaceAll(/docs\/(([a-z-]+)\.md(?:#[a-z-]+)?)/g, (_, target: string, name: string) => {
    const words = name === 'tls' || name === 'udp' ? name.toUpperCase() : name.replaceAll('-', ' ');
    return `[${words}](${target})`;
  });

const withPowers = (text: string): string =>
  text.replaceAll(/\^(\d+)/g, (_, digits: string) =>
    [...digits].map((digit) => superscripts[Number(digit)]).join(''),
  );

/** A comment is what the option means, and in a last paragraph `Values. Default: value.` */
function rowOf(name: string, comment: string): string {
  const words = comment.replaceAll(/^ *\* ?/gm, '').trim();
  const [meaning = '', last = ''] = words
    .split(/\n\n(?=[\s\S]*$)/)
    .map((part) => part.replaceAll(/\s+/g, ' '));
  const found = /^(.+?)\. Default: (.+)\.$/.exec(last);
  if (found === null)
    throw new Error(`${name}: its doc comment ends without "Values. Default: value."`);
  const [, values = '', usual = ''] = found;
  const text = withLinks(inCell(meaning.replace(/\.$/, '')));
  return `| \`${name}\` | ${withPowers(inCell(values).replace(/^milliseconds/, 'ms'))} | ${usual} | ${text} |`;
}

/** The row of each option, by its name. */
function optionRows(text: string): ReadonlyMap<string, string> {
  const start = text.indexOf('export interface Options<');
  const body = text.slice(start, text.indexOf('\n}\n', start));
  const members = body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)\?:/g);
  return new Map([...members].map(([, comment = '', name = '']) => [name, rowOf(name, comment)]));
}

/** The document with its rows as the doc comments have them. */
export function withOptionRows(text: string): string {
  const rows = optionRows(readFileSync(source, 'utf8'));
  return text.replaceAll(/^\| `(\w+)` \|.*$/gm, (row, name: string) => rows.get(name) ?? row);
}

if (import.meta.main) writeFileSync(document, withOptionRows(readFileSync(document, 'utf8')));
