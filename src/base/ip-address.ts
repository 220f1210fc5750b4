/** What is an IP address, by the rules of `node:net`, which takes milliseconds to load for that. */

/** The sockets of the runtime, loaded when they are first needed. */
export function runtimeNet(): typeof import('node:net') {
  return process.getBuiltinModule('node:net');
}

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const fourOctets = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

export function isIPv4(text: string): boolean {
  return fourOctets.test(text);
}

export function isIPv6(text: string): boolean {
  if (text === '::' || text === '::1') return true;
  return text.includes(':') && runtimeNet().isIPv6(text);
}

/** The family of an address; 0 for what is none. */
export function isIP(text: string): 0 | 4 | 6 {
  if (isIPv4(text)) return 4;
  return isIPv6(text) ? 6 : 0;
}
