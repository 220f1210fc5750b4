/**
 * Streams of requests beside Node's own parser. It refuses some that ours takes, such as a repeated length;
 * but what both take must be the same, or a proxy and a server disagree where a request begins.
 */
import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { HttpEvent, HttpParser } from '../../src/http/index.ts';

interface Request {
  readonly method: string;
  readonly target: string;
  body: string;
  /** It has come to its end. */
  isWhole: boolean;
}

/** Turns of the runtime in which Node has read a stream that is all there. */
const turnsMax = 12;
/** These hand the connection over, or wait for an answer. */
const elsewhere = /upgrade|connect |expect/i;

async function ofNode(bytes: Buffer): Promise<readonly Request[]> {
  const requests: Request[] = [];
  const server: Server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const one: Request = { method, target: url, body: '', isWhole: false };
    requests.push(one);
    request.setEncoding('latin1');
    request.on('data', (text: string) => {
      one.body += text;
    });
    request.on('error', () => {});
    request.on('end', () => {
      one.isWhole = true;
      response.end();
    });
  });
  const stream = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  stream.on('error', () => {});
  server.on('clientError', () => {});
  server.emit('connection', stream);
  stream.push(bytes);
  stream.push(null);
  for (let count = 0; count < turnsMax; count++) await turn();
  stream.destroy();
  return requests;
}

/** Those that are whole. */
function ours(bytes: Buffer): readonly Request[] {
  const parser = new HttpParser({ bodyLengthMax: 1_024 });
  const requests: Request[] = [];
  let position = 0;
  let next: Request = { method: '', target: '', body: '', isWhole: true };
  for (;;) {
    const event = parser.next(bytes, position, bytes.length);
    position = parser.position;
    if (event === HttpEvent.More || event === HttpEvent.Failed) return requests;
    if (event === HttpEvent.Head) {
      const { head } = parser;
      next = { method: head.methodText(), target: head.targetText(), body: '', isWhole: true };
    } else if (event === HttpEvent.Data) {
      next.body += bytes.toString('latin1', parser.dataStart, parser.dataEnd);
    } else requests.push(next);
  }
}

/** What Node makes otherwise of the stream, or ''; null when they cannot be compared. */
export async function besideNode(bytes: Buffer): Promise<string | null> {
  if (elsewhere.test(bytes.toString('latin1'))) return null;
  const own = ours(bytes);
  const theirs = await ofNode(bytes);
  for (const [index, { method, target, body }] of own.entries()) {
    const other = theirs[index];
    const what = `${JSON.stringify(bytes.toString('latin1'))}: request ${index}`;
    if (other === undefined) return '';
    // Ours has only the path of an absolute target.
    const sameTarget = other.target === target || !other.target.startsWith('/');
    const sameBody = other.body === body || !other.isWhole;
    if (other.method !== method || !sameBody || !sameTarget) {
      return `${what}: Node takes ${JSON.stringify(other)}`;
    }
  }
  return '';
}
