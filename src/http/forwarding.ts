/**
 * Requests of clients that are sent on with `fetch`, and responses of `fetch` that are sent as answers. What
 * is about one connection is of no meaning on the other (RFC 9110, 7.6.1), and fetch refuses most of it.
 */
import {
  codingsOfNodeStreams,
  codingsOfRuntime,
  codingsOfUndici,
  type FetchCodings,
} from '../host/fetch-codings.ts';
import { trimBlanks } from './characters.ts';
import { isHeaderName } from './response-head.ts';
import { RealResponse } from './web-stand-in.ts';

/** Besides what `Connection` names. What is for the next proxy alone belongs to them (RFC 9110, 11.7). */
const ofOneConnection: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Takes away what is about the connection that the request came on. */
export function removeConnectionHeaders(headers: Headers): void {
  for (const named of (headers.get('connection') ?? '').split(',')) {
    const name = trimBlanks(named);
    // What is no name says nothing, and would throw.
    if (isHeaderName(name)) headers.delete(name);
  }
  for (const name of ofOneConnection) headers.delete(name);
}

/** What of a response says how it is to be sent on: the runtime's own, or that of another package. */
export interface SentOn {
  /** Empty or missing for one that a program has made. */
  readonly url?: string;
  readonly headers: Iterable<[string, string]>;
  readonly body: unknown;
}

const ofRuntime = codingsOfRuntime();

function codingsOf(response: SentOn): FetchCodings {
  if (response instanceof RealResponse) return ofRuntime;
  return response.body instanceof ReadableStream ? codingsOfUndici : codingsOfNodeStreams;
}

/** Whether `fetch` has unpacked its body, and its headers tell of the packed one. */
function isUnpacked(response: SentOn, coding: string): boolean {
  if (coding === '' || response.body === null) return false;
  const { names, takesSeveral } = codingsOf(response);
  const given = coding.toLowerCase().split(',');
  return (takesSeveral || given.length === 1) && given.every((name) => names.has(trimBlanks(name)));
}

/**
 * The headers of an answer. Of what came from `fetch`, those are missing that are about the connection it
 * came on, or about a packed body that has been unpacked.
 */
export function headersToSend(response: SentOn): Iterable<[string, string]> {
  const { url = '', headers } = response;
  if (url === '') return headers;
  const pairs = [...headers];
  const dropped = new Set(joined(pairs, 'connection').toLowerCase().split(',').map(trimBlanks));
  if (isUnpacked(response, joined(pairs, 'content-encoding'))) {
    dropped.add('content-encoding').add('content-length');
  }
  return pairs.filter(([given]) => {
    const name = given.toLowerCase();
    return !(ofOneConnection.has(name) || dropped.has(name));
  });
}

function joined(pairs: readonly [string, string][], wanted: string): string {
  const values: string[] = [];
  for (const [name, value] of pairs) if (name.toLowerCase() === wanted) values.push(value);
  return values.join(',');
}
