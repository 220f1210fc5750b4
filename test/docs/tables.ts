import { readFileSync } from 'node:fs';

/** The names in the first cells of each table of a document, without those of header rows. */
export function tablesOf(document: string): string[][] {
  const text = readFileSync(new URL(`../../docs/${document}`, import.meta.url), 'utf8');
  const tables = text.matchAll(/(?:^\|.*(?:\n|$))+/gm);
  return [...tables].map(([rows]) => {
    return [...rows.matchAll(/^\| `([^`|]+)` \|/gm)].map((match) => match[1] ?? '');
  });
}

/** Those of all tables together. */
export function firstCells(document: string): string[] {
  return tablesOf(document).flat();
}
