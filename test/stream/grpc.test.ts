/** gRPC between two processes: the server over connections of gnet, the client as it comes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { runProgram } from '../support/program.ts';
import { talk } from './programs/grpc-talk.ts';

interface Talk extends grpc.Client {
  Say(text: string, done: grpc.requestCallback<string>): grpc.ClientUnaryCall;
  Count(upTo: string): grpc.ClientReadableStream<string>;
  Chat(): grpc.ClientDuplexStream<string, string>;
}

test('one answer, an error, many answers, and talk both ways', async (t) => {
  const program = runProgram(t, 'test/stream/programs/grpc-server.ts');
  const [address = ''] = await program.line(/listens on (\S+)/);
  const Client = grpc.makeGenericClientConstructor(talk, 'Talk');
  const client = new Client(address, grpc.credentials.createInsecure()) as unknown as Talk;
  t.after(() => client.close());

  const say = (text: string): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      client.Say(text, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  const large = 'x'.repeat(3_000_000);
  assert.deepEqual(await Promise.all(['hi', large].map(say)), ['hi', large]);
  await assert.rejects(say('fail'), { code: grpc.status.NOT_FOUND, details: 'nobody' });

  const counted: string[] = [];
  for await (const text of client.Count('2000')) counted.push(String(text));
  assert.equal(counted.length, 2_000);
  assert.equal(counted.at(-1), '1999');

  const chat = client.Chat();
  const heard: string[] = [];
  chat.write('one');
  for await (const text of chat) {
    heard.push(String(text));
    if (heard.length === 1) chat.write('two');
    else chat.end();
  }
  assert.deepEqual(heard, ['one!', 'two!']);
});
