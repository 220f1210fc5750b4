import net from 'node:net';
import { targetOf } from 'gnet/testing';
import { answerCommands } from './client-process.ts';
import { FrameBlocks } from './frame-blocks.ts';

export interface FramesPlan {
  readonly address: string;
  readonly connections: number;
  /** Of each connection. */
  readonly blocks: number;
  readonly seed: number;
}

/** Of one connection, under way at a time. */
const blocksUnderWay = 4;

/** Everything must come back byte for byte, then the end. */
function echoBlocks({ address, blocks, seed }: FramesPlan, at: number): Promise<void> {
  const source = new FrameBlocks(seed + at);
  const sent: Buffer[] = [];
  let begun = 0;
  let offset = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true });
    const fail = (problem: string): void => {
      reject(new Error(`connection ${at}, block ${done}, offset ${offset}: ${problem}`));
      socket.destroy();
    };
    const send = (): void => {
      while (sent.length < blocksUnderWay && begun < blocks) {
        const block = source.next();
        sent.push(block);
        socket.write(block);
        if (++begun === blocks) socket.end();
      }
    };
    socket.on('connect', send);
    socket.on('data', (piece: Buffer) => {
      for (let from = 0; from < piece.length; ) {
        const block = sent[0];
        if (block === undefined) return fail('more comes back than was sent');
        const length = Math.min(piece.length - from, block.length - offset);
        if (block.compare(piece, from, from + length, offset, offset + length) !== 0) {
          return fail('other bytes come back');
        }
        from += length;
        offset += length;
        if (offset < block.length) continue;
        sent.shift();
        done++;
        offset = 0;
      }
      send();
    });
    socket.on('end', () => (done === blocks ? resolve() : fail('it ends early')));
    socket.on('error', (error) => fail(String(error)));
  });
}

answerCommands(async (plan: FramesPlan): Promise<null> => {
  const indexes = Array.from({ length: plan.connections }, (_, at) => at);
  await Promise.all(indexes.map((at) => echoBlocks(plan, at)));
  return null;
});
