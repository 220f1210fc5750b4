import { readFileSync } from 'node:fs';

/** The names in the first cells of all tables of a document, without those of header rows. */
export function firstCells(document: string): string[] {
  const text = readFileSync(new URL(`../../docs/${document}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^\| `([^`|]+)` \|/gm)].map((match) => match[1] ?? '');
}
