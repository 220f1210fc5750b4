/** Rules about the graph of imports: no cycles, no files that nothing reaches. */
import { type Finding, type Project, resolveImport } from './project.ts';
import { pageFolder } from './rooms.ts';

/** What browsers load, and what `npx gnet` runs. */
const otherEntries = [`${pageFolder}page.ts`, 'src/command/gnet.ts'];

/**
 * Circles of imports, of types too: two files that describe each other are read as one. A dynamic
 * import is a choice at run time and counts as none.
 */
export function cycleFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const trail: string[] = [];

  const visit = (path: string): void => {
    if (done.has(path)) return;
    trail.push(path);
    for (const { specifier, line, dynamic } of project.typeScript.get(path)?.imports ?? []) {
      if (dynamic) continue;
      const target = resolveImport(path, specifier);
      if (target === undefined) continue;
      const at = trail.indexOf(target);
      if (at < 0) visit(target);
      else {
        const cycle = [...trail.slice(at), target].join(' -> ');
        findings.push({ file: path, line, message: `import cycle: ${cycle}` });
      }
    }
    trail.pop();
    done.add(path);
  };

  for (const path of project.typeScript.keys()) visit(path);
  return findings;
}

/** Files of src/ that no entry of `exports`, no test, example, script or other tool reaches. */
export function deadFileFindings(project: Project): Finding[] {
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { specifier } of project.typeScript.get(path)?.imports ?? []) {
      const target = resolveImport(path, specifier);
      if (target !== undefined) reach(target);
    }
  };
  const isRoot = (path: string): boolean =>
    !path.startsWith('src/') || path.endsWith('.test.ts') || otherEntries.includes(path);
  for (const path of [...project.entries, ...project.typeScript.keys()]) {
    if (project.entries.includes(path) || isRoot(path)) reach(path);
  }
  return [...project.typeScript.keys()]
    .filter((path) => !reached.has(path))
    .map((file) => ({
      file,
      line: 1,
      message: 'dead file: nothing that is exported or run reaches it',
    }));
}
