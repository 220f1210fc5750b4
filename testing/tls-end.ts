import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { nativeSlabPool } from '../src/driver/native/native-memory.ts';
import { ClientSession, type ClientSettings } from '../src/tls/openssl/client-session.ts';
import { TlsContext } from '../src/tls/openssl/context.ts';
import type { ContextSettings } from '../src/tls/context-settings.ts';
import { ERR_peek_last_error } from '../src/tls/openssl/bindings.ts';
import { pemBlocks } from '../src/tls/options/pem.ts';
import { ServerSession } from '../src/tls/openssl/server-session.ts';
import type { TlsSession } from '../src/tls/openssl/session.ts';
import { TlsState } from '../src/tls/session-states.ts';
import type { Certificate } from './certificates.ts';

const slabBytes = 65_536;

/** Settings that say nothing. */
export const plainSettings: ContextSettings = {
  identities: [],
  trusted: [],
  revocations: [],
  minVersion: 0x303,
  maxVersion: 0x304,
  ciphers: undefined,
  cipherSuites: undefined,
  groups: undefined,
  signatureAlgorithms: undefined,
  honorCipherOrder: true,
  protocols: [],
  requestCert: false,
  rejectUnauthorized: true,
  ignoreTruncation: false,
  sessionTimeout: 300,
  sessionIdContext: createHash('sha256').update('test').digest(),
  ticketKeys: undefined,
  keylog: undefined,
};

/** A certificate with the chain behind it, and its key. */
export function identityOf(leaf: Certificate, ...chain: Certificate[]) {
  const [key] = pemBlocks(leaf.key);
  return {
    chain: [leaf.der, ...chain.map(({ der }) => der)],
    key: (key as { der: Uint8Array }).der,
  };
}

/** A session with memory around it: buffers in, buffers out. */
export class TlsEnd {
  readonly session: TlsSession;
  readonly #input = nativeSlabPool(slabBytes).take();
  readonly #plain = nativeSlabPool(slabBytes).take();
  readonly #cipher = nativeSlabPool(slabBytes).take();
  /** Everything that was received, in clear. */
  received: Buffer = Buffer.alloc(0);
  /** Times that `read` had plaintext. */
  reads = 0;

  constructor(session: TlsSession) {
    this.session = session;
  }

  /** Gives bytes from the other side; what comes out of it is in `received`. */
  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += slabBytes) {
      const count = Math.min(slabBytes, bytes.length - at);
      this.#input.bytes.set(bytes.subarray(at, at + count));
      this.session.receive(this.#input, 0, count);
      this.#pending.push(...this.#advance());
    }
  }

  readonly #pending: Buffer[] = [];

  #advance(): Buffer[] {
    const output: Buffer[] = [];
    const { session } = this;
    const open = session.handshake();
    output.push(...this.#drain());
    session.tellKeys();
    if (!open) return output;
    for (;;) {
      const count = session.read(this.#plain, 0, slabBytes);
      if (count === 0) break;
      this.reads++;
      this.received = Buffer.concat([this.received, this.#plain.bytes.subarray(0, count)]);
    }
    output.push(...this.#drain());
    return output;
  }

  #drain(): Buffer[] {
    const output: Buffer[] = [];
    for (;;) {
      const count = this.session.takeOutput(this.#cipher, 0, slabBytes);
      if (count === 0) return output;
      output.push(Buffer.from(this.#cipher.bytes.subarray(0, count)));
    }
  }

  /** Goes on without input: a client's first message, or after the choice of a context. */
  advance(): void {
    this.#pending.push(...this.#advance());
  }

  /** What is to be sent to the other side. */
  take(): Buffer {
    return Buffer.concat(this.#pending.splice(0));
  }

  write(data: Uint8Array | string): boolean {
    const bytes = Buffer.from(data as string);
    for (let at = 0; at < bytes.length; at += slabBytes) {
      const count = Math.min(slabBytes, bytes.length - at);
      this.#plain.bytes.set(bytes.subarray(at, at + count));
      if (!this.session.write(this.#plain, 0, count)) return false;
      this.#pending.push(...this.#drain());
    }
    return true;
  }

  close(): void {
    this.session.close();
    this.#pending.push(...this.#drain());
  }

  updateKeys(): void {
    this.session.updateKeys();
    this.#pending.push(...this.#drain());
  }

  get open(): boolean {
    return this.session.state === TlsState.Open;
  }

  /** Gives back the memory alone; the session lives on. */
  release(): void {
    for (const slab of [this.#input, this.#plain, this.#cipher]) {
      nativeSlabPool(slabBytes).release(slab);
    }
  }

  free(): void {
    this.session.free();
    this.release();
  }
}

/** Moves bytes between both until neither has any; `piece` is how many at a time. */
export function exchange(
  first: TlsEnd,
  second: TlsEnd,
  piece: number = Number.MAX_SAFE_INTEGER,
): void {
  const roundsMax = 100;
  for (let round = 0; round < roundsMax; round++) {
    const moved = [deliver(first, second, piece), deliver(second, first, piece)];
    if (!moved.includes(true)) return;
  }
  throw new Error('both sides go on sending for ever');
}

function deliver(from: TlsEnd, to: TlsEnd, piece: number): boolean {
  const bytes = from.take();
  for (let at = 0; at < bytes.length; at += piece) to.feed(bytes.subarray(at, at + piece));
  return bytes.length > 0;
}

export function serverEnd(context: TlsContext): TlsEnd {
  return new TlsEnd(new ServerSession({ contextFor: () => context }));
}

export function clientEnd(context: TlsContext, settings: Partial<ClientSettings> = {}): TlsEnd {
  const end = new TlsEnd(
    new ClientSession(context, {
      serverName: 'localhost',
      expectedName: 'localhost',
      session: undefined,
      ...settings,
    }),
  );
  end.advance();
  return end;
}

type Family = { root: Certificate; middle: Certificate; leaf: Certificate };

/** Both sides' contexts around one family of certificates. */
export function contextPair(
  family: Family,
  server: Partial<ContextSettings> = {},
  client: Partial<ContextSettings> = {},
): { server: TlsContext; client: TlsContext } {
  const identities = [identityOf(family.leaf, family.middle)];
  return {
    server: new TlsContext('server', { ...plainSettings, identities, ...server }),
    client: new TlsContext('client', { ...plainSettings, trusted: [family.root.der], ...client }),
  };
}

/** Both sides after as much of a handshake as there is; `done` gives everything back. */
export function connectedPair(
  family: Family,
  server: Partial<ContextSettings> = {},
  client: Partial<ContextSettings> = {},
  piece?: number,
) {
  const contexts = contextPair(family, server, client);
  const ends = { server: serverEnd(contexts.server), client: clientEnd(contexts.client) };
  exchange(ends.client, ends.server, piece);
  const done = (): void => {
    ends.server.free();
    ends.client.free();
    contexts.server.dispose();
    contexts.client.dispose();
    assert.equal(ERR_peek_last_error(), 0, 'nothing is left in the error queue of the thread');
  };
  return { ...ends, contexts, done };
}
