import net from 'node:net';
import tls from 'node:tls';
import { Random, targetOf } from 'gnet/testing';
import { answerCommands } from './client-process.ts';

export interface HandshakePlan {
  readonly address: string;
  readonly ca: string;
  readonly connections: number;
  readonly seed: number;
}

export interface HandshakeResult {
  /** Those that came to `onOpened` for sure. */
  readonly whole: number;
  readonly resumed: number;
  readonly aborted: number;
}

type Version = 'TLSv1.2' | 'TLSv1.3';

/** Of each version, made once: reading certificates takes longer than a handshake. */
const contexts = new Map<Version, tls.SecureContext>();

function contextOf(ca: string, version: Version): tls.SecureContext {
  let context = contexts.get(version);
  if (context === undefined) {
    context = tls.createSecureContext({ ca, maxVersion: version });
    contexts.set(version, context);
  }
  return context;
}

/** At the same time. */
const atOnce = 8;

let session: Buffer | undefined;

/** One that is broken off after so many bytes of what this side sends, or in the midst of the answer. */
function abort(address: string, ca: string, random: Random): Promise<void> {
  const bytesMax = random.below(700);
  const resets = random.below(2) === 0;
  return new Promise((resolve) => {
    const plain = net.connect({ ...targetOf(address), noDelay: true });
    const giveUp = (): void => {
      if (resets) plain.resetAndDestroy();
      else plain.destroy();
    };
    plain.on('error', () => {});
    plain.on('close', () => resolve());
    plain.on('connect', () => {
      const socket = tls.connect({
        socket: plain,
        secureContext: contextOf(ca, 'TLSv1.3'),
        servername: 'localhost',
      });
      socket.on('error', () => {});
      // Some leave when the server has answered, others while it is at it.
      plain.once('data', giveUp);
      setTimeout(giveUp, bytesMax % 4);
    });
  });
}

/** To the end, with an echo. */
function whole(address: string, ca: string, random: Random): Promise<boolean> {
  const offered = random.below(3) > 0 ? session : undefined;
  const version = random.below(4) === 0 ? 'TLSv1.2' : 'TLSv1.3';
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      ...targetOf(address),
      secureContext: contextOf(ca, version),
      servername: 'localhost',
      ...(offered && { session: offered }),
    });
    socket.on('session', (given: Buffer) => {
      session = given;
    });
    let resumed = false;
    socket.on('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write('hello');
    });
    socket.on('data', () => socket.end());
    socket.on('error', reject);
    socket.on('close', () => resolve(resumed));
  });
}

answerCommands(async (plan: HandshakePlan): Promise<HandshakeResult> => {
  const { address, ca, connections, seed } = plan;
  const random = new Random(seed);
  const result = { whole: 0, resumed: 0, aborted: 0 };
  let left = connections;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left--;
      if (random.below(3) === 0) {
        await abort(address, ca, random);
        result.aborted++;
      } else {
        if (await whole(address, ca, random)) result.resumed++;
        result.whole++;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return result;
});
