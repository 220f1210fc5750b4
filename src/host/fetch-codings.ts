import zlib from 'node:zlib';

/** The packed bodies that a `fetch` unpacks, though it leaves their headers as they came. */
export interface FetchCodings {
  /** In lower case, as `Content-Encoding` names them. */
  readonly names: ReadonlySet<string>;
  /** Whether it also unpacks what was packed more than once. */
  readonly takesSeveral: boolean;
}

const usual = ['gzip', 'x-gzip', 'deflate', 'br'];
const knowsZstd = 'createZstdDecompress' in zlib;

/** A package that reads bodies with streams of Node, such as node-fetch. */
export const codingsOfNodeStreams: FetchCodings = { names: new Set(usual), takesSeveral: false };

/** An installed undici, from 7.11 on. */
export const codingsOfUndici: FetchCodings = {
  names: new Set(knowsZstd ? [...usual, 'zstd'] : usual),
  takesSeveral: true,
};

/** The runtime's own `fetch`; nothing but its version tells what it unpacks. */
export function codingsOfRuntime(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
  hasZstd = knowsZstd,
): FetchCodings {
  if (versions['deno'] !== undefined) {
    return { names: new Set(['gzip', 'br']), takesSeveral: false };
  }
  if (versions['bun'] !== undefined) {
    return { names: new Set([...usual, 'zstd']), takesSeveral: false };
  }
  const [major = 0, minor = 0] = (versions['undici'] ?? '').split('.').map(Number);
  const isRecent = major > 7 || (major === 7 && minor >= 11);
  return { names: new Set(isRecent && hasZstd ? [...usual, 'zstd'] : usual), takesSeveral: true };
}
