/**
 * Streams of commands beside redis-server. It may run none of them, and so answers each with one line of
 * an error: it must find as many commands as ours, and an error of the protocol where ours does.
 */
import { connect, type Socket } from 'node:net';
import { ByteSource } from 'gnet/testing';
import { RespCodec } from '../../examples/redis/resp-codec.ts';
import { startRedisServer } from '../examples/redis-server.ts';
import { missing } from '../support/outside-client.ts';
import type { OpenJudge } from './judge.ts';

/** These are allowed to everybody, or end the connection; and behind a zero it looks for no end of a line. */
const elsewhere = /quit|hello|reset|auth|post|host:|\0/i;
/** It takes what stands behind a bulk string, or behind `\r`, for the end of a line, whatever it is. */
const onlyOurs = 'a bulk string is longer than its length says';
const bareReturn = /\r(?!\n)/;

interface Found {
  readonly commands: number;
  readonly error: string;
}

function ours(bytes: Buffer): Found {
  const codec = new RespCodec();
  const source = new ByteSource();
  source.receive(Buffer.from(bytes));
  let commands = 0;
  for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
    commands += codec.batch.count;
    if (codec.batch.protocolError !== null) return { commands, error: codec.batch.protocolError };
  }
  return { commands, error: '' };
}

/** It answers what has come, and closes when it sees our end. */
async function ofRedis(path: string, bytes: Buffer): Promise<Found> {
  const socket: Socket = connect(path);
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  socket.on('error', () => {});
  socket.end(bytes);
  await new Promise((resolve) => socket.on('close', resolve));
  const lines = text.split('\r\n').filter((line) => line !== '');
  const error = lines.find((line) => line.startsWith('-ERR Protocol error')) ?? '';
  return { commands: lines.length - (error === '' ? 0 : 1), error };
}

function compare(bytes: Buffer, own: Found, theirs: Found): string {
  const text = bytes.toString('latin1');
  const what = `${JSON.stringify(text)}: ${JSON.stringify(own)}, redis ${JSON.stringify(theirs)}`;
  const isStricter = own.error === onlyOurs || (own.error !== '' && bareReturn.test(text));
  if (isStricter && theirs.commands >= own.commands) return '';
  if (own.commands !== theirs.commands) return what;
  // Ours has lower limits.
  return own.error === '' && theirs.error !== '' ? what : '';
}

export async function openRedis(): Promise<OpenJudge | null> {
  if (missing('redis-server') !== false) return null;
  const server = await startRedisServer('--user', 'default', 'on', 'nopass', '-@all');
  return {
    judge: async (bytes) => {
      if (elsewhere.test(bytes.toString('latin1'))) return null;
      return compare(bytes, ours(bytes), await ofRedis(server.path, bytes));
    },
    close: () => server.stop(),
  };
}
