/** ARCHITECTURE.md lists the rooms that the checks know, in the same order. */
import type { Finding, Project } from './project.ts';
import { rooms } from './rooms.ts';

const document = 'ARCHITECTURE.md';

/** The names at the beginning of lines in the first block of code, without `/` and `.ts`. */
function listedRooms(text: string): { names: string[]; line: number } {
  const start = text.indexOf('```');
  const block = text.slice(start, text.indexOf('```', start + 3));
  const names = [...block.matchAll(/^ {2}([a-z]+)(?:\/|\.ts) {2,}\S/gm)].map(
    ([, name = '']) => name,
  );
  return { names, line: text.slice(0, start).split('\n').length };
}

export function roomListFindings(project: Project): Finding[] {
  const text = project.texts.get(document);
  if (text === undefined) return [];
  const { names, line } = listedRooms(text);
  if (names.join() === rooms.join()) return [];
  const message = `lists the rooms ${names.join(', ')}; scripts/layers has ${rooms.join(', ')}`;
  return [{ file: document, line, message }];
}
