/** Who may import what only one operating system has: a folder of src/syscall/. */
import { type Finding, isTest, type Project, resolveImport } from './project.ts';

const systemFolder = /^src\/syscall\/[^/]+\//;

const allowed = [
  systemFolder,
  // These choose.
  /^src\/syscall\/(?:datagram-control|errno-location|system-calls)\.ts$/,
  /^src\/driver\/pin-thread\.ts$/,
  // These are made of it.
  /^src\/driver\/readiness\/(?:epoll|kqueue)\.ts$/,
  /^src\/driver\/(?:io-uring|waker)\//,
  /^src\/host\/sleeper\.ts$/,
];

/** What several systems share goes through the files that choose. */
export function systemFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const { path, imports } of project.typeScript.values()) {
    if (isTest(path) || allowed.some((pattern) => pattern.test(path))) continue;
    for (const { specifier, line } of imports) {
      const target = resolveImport(path, specifier);
      if (target === undefined || !systemFolder.test(target)) continue;
      const message = `imports ${target}, which only one system has: go through system-calls.ts`;
      findings.push({ file: path, line, message });
    }
  }
  return findings;
}
