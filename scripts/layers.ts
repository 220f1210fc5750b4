/**
 * The house rules that neither the compiler nor the linter knows: who may import whom, which room may
 * name an operating system or a runtime, files of one system that are used as if every one had them,
 * whether ARCHITECTURE.md lists the same rooms, where tests live, cycles, dead files, long files,
 * leftovers, machine paths. (Long functions are found by the linter.) Prints `file:line: error: ...` and
 * fails if there is any.
 *
 *     npm run layers
 */
import { fileURLToPath } from 'node:url';
import { cycleFindings, deadFileFindings } from './layers/graph.ts';
import { type Finding, readProject } from './layers/project.ts';
import { roomListFindings } from './layers/room-list.ts';
import { roomFindings, wordFindings } from './layers/rooms.ts';
import { systemPathFindings } from './layers/system-paths.ts';
import { systemFindings } from './layers/systems.ts';
import { testPlaceFindings } from './layers/test-places.ts';
import { textFindings } from './layers/text.ts';

/** Everything wrong in the repository at `root`, by file and line. */
export function checkLayers(root: string): Finding[] {
  const project = readProject(root);
  const findings = [
    ...roomFindings(project),
    ...roomListFindings(project),
    ...systemFindings(project),
    ...systemPathFindings(project),
    ...wordFindings(project),
    ...cycleFindings(project),
    ...deadFileFindings(project),
    ...testPlaceFindings(project),
    ...textFindings(project),
  ];
  return findings.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

if (import.meta.main) {
  const findings = checkLayers(fileURLToPath(new URL('..', import.meta.url)));
  for (const { file, line, message } of findings)
    console.error(`${file}:${line}: error: ${message}`);
  if (findings.length > 0) process.exitCode = 1;
  else console.log('layers: every rule holds');
}
