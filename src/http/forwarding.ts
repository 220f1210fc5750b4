/**
 * Requests of clients that are sent on with `fetch`, and responses of `fetch` that are sent as answers. What
 * is about one connection is of no meaning on the other (RFC 9110, 7.6.1), and fetch refuses most of it.
 */

const ofOneConnection: readonly string[] = [
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Takes away what is about the connection that the request came on. */
export function removeConnectionHeaders(headers: Headers): void {
  for (const named of (headers.get('connection') ?? '').split(',')) {
    const name = named.trim();
    // What is no name says nothing, and would throw.
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers.delete(name);
  }
  for (const name of ofOneConnection) headers.delete(name);
}

/** What fetch undoes by itself, and leaves in the headers. */
const undone = /^\s*(?:(?:x-)?gzip|deflate|br)(?:\s*,\s*(?:(?:x-)?gzip|deflate|br))*\s*$/i;

/** Whether it came from `fetch`, which has unpacked its body: these headers tell of the packed one. */
function isUnpacked(response: Response): boolean {
  if (response.url === '' || response.body === null) return false;
  return undone.test(response.headers.get('content-encoding') ?? '');
}

/** Its headers, without those of a packed body that has been unpacked. */
export function headersToSend(response: Response): Headers {
  if (!isUnpacked(response)) return response.headers;
  const headers = new Headers(response.headers);
  headers.delete('content-encoding');
  headers.delete('content-length');
  return headers;
}
