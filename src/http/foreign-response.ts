import { headersToSend } from './forwarding.ts';
import { LightResponse } from './light-response.ts';
import { RealResponse } from './web-stand-in.ts';

/** What a Response of another package, such as undici or a ponyfill, has of the runtime's own. */
interface ForeignResponse {
  /** Missing in small ones. */
  readonly url?: string;
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<[string, string]>;
  readonly body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null;
}

/** What a handler returned. @throws TypeError if it is no Response, whoever made the class. */
export function asResponse(value: unknown): Response {
  if (value instanceof RealResponse) return value;
  if (!isForeign(value)) {
    throw new TypeError(
      `Cannot answer the request: the handler returned ${value === null ? 'null' : typeof value}; ` +
        'return a Response, or a promise of one',
    );
  }
  const { status, statusText = '', body } = value;
  const init = { status, statusText, headers: [...headersToSend(value)] };
  return new LightResponse(body, init) as unknown as Response;
}

function isForeign(value: unknown): value is ForeignResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, body, arrayBuffer } = value as Record<string, unknown>;
  if (typeof status !== 'number' || typeof arrayBuffer !== 'function') return false;
  if (typeof headers !== 'object' || headers === null || !(Symbol.iterator in headers))
    return false;
  return body === null || (typeof body === 'object' && Symbol.asyncIterator in (body as object));
}
