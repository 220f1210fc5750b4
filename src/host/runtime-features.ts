/**
 * Whether the runtime's own sockets know SO_REUSEPORT: Node from 22.12 and 23.1 on. Older ones would
 * leave the option out without a word.
 */
export function knowsReusePort(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}
