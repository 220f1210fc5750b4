/**
 * Records of TLS that are changed on their way from a client. What comes out of a session is always a
 * beginning of what was sent; then it goes on, has ended, or failed with one of the typed errors.
 */
import assert from 'node:assert/strict';
import { sessionCounters } from '../src/tls/openssl/session.ts';
import { TlsState } from '../src/tls/session-states.ts';
import { makeFamily } from './certificates.ts';
import { clientEnd, contextPair, exchange, serverEnd } from './tls-end.ts';

const family = makeFamily();
/** Both versions, because their records differ. */
const pairs = [0x303, 0x304].map((version) =>
  contextPair(family, {}, { minVersion: version, maxVersion: version }),
);
const messages = [
  'hello',
  'x'.repeat(300),
  '',
  'the last one, behind which the client says goodbye',
] as const;
const sent = Buffer.from(messages.join(''));
const expected = new Set([
  'ErrTlsRecord',
  'ErrTlsAlert',
  'ErrTlsHandshake',
  'ErrTlsPlainText',
  'ErrTlsTruncated',
]);
const recordHeaderBytes = 5;

/** Each four bytes of the input change the stream: what is done, where (two bytes), with which byte. */
function changed(stream: Buffer, input: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(stream);
  for (let at = 2; at + 4 <= Math.min(input.length, 34); at += 4) {
    const [deed = 0, high = 0, low = 0, value = 0] = input.subarray(at, at + 4);
    if (bytes.length === 0) return bytes;
    const place = (high * 256 + low) % bytes.length;
    const end = Math.min(bytes.length, place + 1 + (value % 64));
    const [before, piece, after] = [
      bytes.subarray(0, place),
      bytes.subarray(place, end),
      bytes.subarray(end),
    ];
    switch (deed % 7) {
      case 0:
        bytes[place] = value;
        break;
      case 1:
        bytes[place] = (bytes[place] as number) ^ (1 << (value & 7));
        break;
      case 2: // left out
        bytes = Buffer.concat([before, after]);
        break;
      case 3: // twice
        bytes = Buffer.concat([before, piece, piece, after]);
        break;
      case 4: // cut off
        bytes = Buffer.from(before);
        break;
      case 5: // a record that nobody encrypted
        bytes = Buffer.concat([recordStart(bytes, place, value), bytes]);
        break;
      default:
        bytes = withoutRecord(bytes, value);
    }
  }
  return bytes;
}

function recordStart(bytes: Buffer, place: number, value: number): Buffer {
  const body = Buffer.from(bytes.subarray(0, place % 40));
  return Buffer.concat([Buffer.from([20 + (value % 5), 3, 3, 0, body.length]), body]);
}

/** All but one record, where they still are whole. */
function withoutRecord(bytes: Buffer, index: number): Buffer {
  let start = 0;
  for (let count = index % 4; count >= 0; count--) {
    if (start + recordHeaderBytes > bytes.length) return bytes;
    const end = start + recordHeaderBytes + bytes.readUInt16BE(start + 3);
    if (count === 0) return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    start = end;
  }
  return bytes;
}

/** How often each outcome came. */
export const recordOutcomes: Map<string, number> = new Map();

/** @throws when a changed stream gives other plaintext, another error, or leaves something behind. */
export function runRecords(input: Buffer): void {
  const live = sessionCounters.live;
  const contexts = pairs[(input[0] ?? 0) % pairs.length] as (typeof pairs)[number];
  const [client, server] = [clientEnd(contexts.client), serverEnd(contexts.server)];
  try {
    exchange(client, server);
    assert.ok(client.open && server.open);
    for (const message of messages) client.write(message);
    client.close();
    const stream = client.take();
    const bytes = changed(stream, input);
    const piece = 1 + ((input[1] ?? 0) % 200);
    for (let at = 0; at < bytes.length; at += piece) server.feed(bytes.subarray(at, at + piece));
    const { state, failure } = server.session;
    const { received } = server;
    assert.ok(received.equals(sent.subarray(0, received.length)), 'other plaintext comes out');
    if (bytes.equals(stream)) assert.equal(received.length, sent.length);
    if (state === TlsState.Failed) {
      assert.ok(failure !== null && expected.has(failure.code), failure?.stack ?? 'no failure');
    } else assert.equal(state, TlsState.Open);
    const outcome = failure?.code ?? `open, ${received.length === sent.length ? 'all' : 'a part'}`;
    recordOutcomes.set(outcome, (recordOutcomes.get(outcome) ?? 0) + 1);
  } finally {
    client.free();
    server.free();
  }
  assert.equal(sessionCounters.live, live);
}
