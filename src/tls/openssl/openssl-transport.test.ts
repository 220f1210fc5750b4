import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { makeFamily } from '../../../testing/certificates.ts';
import { Random } from 'gnet/testing';
import { contextPair } from '../../../testing/tls-end.ts';
import type { GnetError } from '../../base/errors.ts';
import { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { nativeSlabPool } from '../../driver/native/native-memory.ts';
import type { Transport } from '../../driver/transport.ts';
import { ClientSession } from './client-session.ts';
import { ServerSession } from './server-session.ts';
import { sessionCounters, type TlsSession } from './session.ts';
import { cipherSlabBytes, plainSlabBytes, type TlsReceiver } from '../transport-contract.ts';
import { TlsTransport } from './openssl-transport.ts';

const readBytes = 65_536;
const pools = {
  plain: nativeSlabPool(plainSlabBytes(readBytes)),
  cipher: nativeSlabPool(cipherSlabBytes),
};
const family = makeFamily();

/** A transport that takes as much as there is room for, and says `writable` when there is more. */
class Wire implements Transport {
  room = Number.MAX_SAFE_INTEGER;
  sent: Buffer = Buffer.alloc(0);
  sends = 0;
  awaited = false;
  shut = false;
  closed: 'no' | 'in order' | 'reset' = 'no';
  paused = false;

  #take(bytes: Uint8Array): number {
    assert.ok(!this.awaited && !this.shut && this.closed === 'no', 'the contract is kept');
    this.sends++;
    const count = Math.min(bytes.length, this.room);
    this.sent = Buffer.concat([this.sent, bytes.subarray(0, count)]);
    this.room -= count;
    if (count < bytes.length) this.awaited = true;
    return count;
  }

  send(_slot: number, slab: Slab, offset: number, length: number): number {
    return this.#take(slab.bytes.subarray(offset, offset + length));
  }

  sendBytes(_slot: number, bytes: Uint8Array): number {
    return this.#take(bytes);
  }

  flush(_slot: number, queue: OutboundQueue): boolean {
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      const length = slab.end - slab.start;
      const taken = this.#take(slab.bytes.subarray(slab.start, slab.end));
      queue.consume(taken);
      if (taken < length) return false;
    }
    return true;
  }

  pauseReading(): void {
    this.paused = true;
  }

  unsentBytes(): number {
    return 0;
  }

  handedOver(): boolean {
    return true;
  }

  resumeReading(): void {
    this.paused = false;
  }

  shutdownWrite(): void {
    assert.ok(!this.awaited, 'everything has left before the end');
    this.shut = true;
  }

  closeStream(_slot: number, abort: boolean): void {
    this.closed = abort ? 'reset' : 'in order';
  }
}

/** What a connection does: it keeps what is not taken, and flushes when it is told to. */
class User implements TlsReceiver {
  readonly slot = 1;
  readonly generation = 1;
  readonly wire = new Wire();
  readonly queue = new OutboundQueue(nativeSlabPool(65_536));
  readonly tls: TlsTransport;
  received_: Buffer = Buffer.alloc(0);
  events: string[] = [];
  error: GnetError | null = null;
  onOpened: (() => void) | null = null;
  onReceived: (() => void) | null = null;

  constructor(session: TlsSession) {
    this.tls = new TlsTransport(session, this.wire, this, pools);
  }

  opened(): void {
    this.events.push('opened');
    this.onOpened?.();
  }

  received(slab: Slab, start: number, end: number): void {
    assert.ok(!this.wire.paused);
    this.received_ = Buffer.concat([this.received_, slab.bytes.subarray(start, end)]);
    this.onReceived?.();
  }

  bytesCame(): void {}

  ended(): void {
    this.events.push('ended');
  }

  endedEarly(error: GnetError): void {
    this.events.push('endedEarly');
    this.error = error;
  }

  refused(error: GnetError): void {
    this.events.push('refused');
    this.error = error;
  }

  failed(error: GnetError): void {
    this.events.push('failed');
    this.error = error;
  }

  writable(): void {
    this.events.push('writable');
    this.queue.checkInvariants();
    this.tls.flush(this.slot, this.queue);
  }

  write(data: Buffer, direct = false): void {
    let taken = 0;
    if (this.queue.length === 0) {
      if (direct) taken = this.tls.sendBytes(this.slot, data);
      else {
        const slab = nativeSlabPool(2 ** 20).take();
        slab.bytes.set(data);
        taken = this.tls.send(this.slot, slab, 0, data.length);
        slab.home.release(slab);
      }
    }
    assert.ok(taken >= 0);
    this.queue.push(data, taken, data.length);
  }
}

const input = nativeSlabPool(readBytes).take();

/** Moves at most `count` bytes from one user's wire to the other one. */
function carry(from: User, to: User, count: number): number {
  const bytes = from.wire.sent.subarray(0, Math.min(count, readBytes));
  from.wire.sent = from.wire.sent.subarray(bytes.length);
  input.bytes.set(bytes);
  if (bytes.length > 0) to.tls.received(input, 0, bytes.length);
  return bytes.length;
}

function makeRoom(user: User, room: number): void {
  user.wire.room = room;
  if (!user.wire.awaited) return;
  user.wire.awaited = false;
  user.tls.writable();
}

function settle(first: User, second: User): void {
  for (let round = 0; round < 1_000; round++) {
    makeRoom(first, Number.MAX_SAFE_INTEGER);
    makeRoom(second, Number.MAX_SAFE_INTEGER);
    if (carry(first, second, readBytes) + carry(second, first, readBytes) === 0) return;
  }
  assert.fail('both sides go on sending for ever');
}

function users(): { server: User; client: User } {
  const contexts = contextPair(family);
  const server = new User(new ServerSession({ contextFor: () => contexts.server }));
  const names = { serverName: 'localhost', expectedName: 'localhost', session: undefined };
  const client = new User(new ClientSession(contexts.client, names));
  return { server, client };
}

function close(...all: User[]): void {
  for (const user of all) {
    user.tls.closeStream(1, true);
    user.tls.closeStream(1, true);
    user.queue.clear();
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

suite('a transport of TLS', () => {
  test('what is sent when it opens arrives', () => {
    const { server, client } = users();
    server.onOpened = () => server.write(Buffer.from('welcome'));
    client.onOpened = () => client.write(Buffer.from('hello'));
    client.tls.opened();
    server.tls.opened();
    settle(client, server);
    assert.equal(client.received_.toString(), 'welcome');
    assert.equal(server.received_.toString(), 'hello');
    assert.deepEqual(client.events, ['opened']);
    assert.deepEqual(server.events, ['opened']);
    close(client, server);
  });

  test('the end of the handshake leaves with what the program sends first', () => {
    const { server, client } = users();
    server.onReceived = () => server.write(Buffer.from('answer'));
    client.onOpened = () => client.write(Buffer.from('question'));
    client.tls.opened();
    server.tls.opened();
    settle(client, server);
    assert.equal(client.received_.toString(), 'answer');
    // Each side: its part of the handshake, and all the rest.
    assert.deepEqual([client.wire.sends, server.wire.sends], [2, 2]);
    close(client, server);
  });

  test('nothing leaves any more when the program resets at the first bytes, or as it opens', () => {
    for (const when of ['onReceived', 'onOpened'] as const) {
      const { server, client } = users();
      server[when] = () => server.tls.closeStream(1, true);
      client.onOpened = () => client.write(Buffer.from('question'));
      client.tls.opened();
      server.tls.opened();
      // The wire refuses what comes behind a reset, and nobody else may have a slab of ours.
      settle(client, server);
      assert.equal(server.wire.closed, 'reset');
      const [one, other] = [pools.cipher.take(), pools.cipher.take()];
      assert.notEqual(one, other);
      pools.cipher.release(one);
      pools.cipher.release(other);
      close(client, server);
    }
  });

  test('the end of the handshake leaves, too, when the program sends nothing, or ends at once', () => {
    for (const onOpened of [null, (user: User) => user.tls.shutdownWrite(1)]) {
      const { server, client } = users();
      if (onOpened !== null) server.onOpened = () => onOpened(server);
      client.tls.opened();
      server.tls.opened();
      settle(client, server);
      client.write(Buffer.from('question'));
      settle(client, server);
      assert.equal(server.received_.toString(), 'question');
      assert.deepEqual(client.events, onOpened === null ? ['opened'] : ['opened', 'ended']);
      assert.equal(client.tls.session.facts().protocol, 'TLSv1.3');
      close(client, server);
    }
  });

  for (let seed = 1; seed <= 12; seed++) {
    test(`seed ${seed}: bytes in order through a wire that takes little, and ends in order`, () => {
      const live = sessionCounters.live;
      const random = new Random(seed);
      const { server, client } = users();
      client.tls.opened();
      server.tls.opened();
      const written = new Map([
        [client, [] as Buffer[]],
        [server, [] as Buffer[]],
      ]);
      for (let step = 0; step < 400; step++) {
        const [one, other] = random.below(2) === 0 ? [client, server] : [server, client];
        makeRoom(one, random.below(4) === 0 ? 0 : random.below(40_000));
        carry(one, other, random.below(5) === 0 ? 1 + random.below(20) : readBytes);
        if (!one.events.includes('opened') || random.below(3) > 0) continue;
        const data = Buffer.alloc(random.below(random.below(2) === 0 ? 200 : 150_000), step);
        written.get(one)?.push(data);
        one.write(data, random.below(3) === 0);
        if (random.below(10) === 0 && !one.wire.awaited) {
          one.tls.session.updateKeys();
          // As after any call: what it has written goes out first.
          one.tls.handshake();
        }
      }
      settle(client, server);
      for (const user of [client, server]) {
        assert.equal(user.error, null);
        assert.equal(user.queue.length, 0);
        user.tls.shutdownWrite(1);
        assert.equal(user.wire.shut, true);
      }
      settle(client, server);
      assert.equal(
        digest(server.received_),
        digest(Buffer.concat(written.get(client) as Buffer[])),
      );
      assert.equal(
        digest(client.received_),
        digest(Buffer.concat(written.get(server) as Buffer[])),
      );
      for (const user of [client, server]) {
        user.tls.ended();
        assert.equal(user.events.filter((event) => event === 'ended').length, 1);
        assert.equal(user.events.at(-1), 'ended');
      }
      close(client, server);
      assert.equal(sessionCounters.live, live);
    });
  }

  test('bytes count as taken when their records have left', () => {
    const { server, client } = users();
    client.tls.opened();
    settle(client, server);
    client.wire.room = 0;
    client.write(Buffer.alloc(60_000));
    assert.equal(client.queue.length, 60_000);
    makeRoom(client, 16_384);
    assert.equal(client.queue.length, 60_000, 'a record that has not left as a whole is not taken');
    makeRoom(client, 100);
    assert.equal(client.queue.length, 60_000 - 16_384);
    makeRoom(client, 2 * 16_500);
    assert.equal(client.queue.length, 60_000 - 3 * 16_384);
    makeRoom(client, 60_000);
    assert.equal(client.queue.length, 0);
    settle(client, server);
    assert.equal(server.received_.length, 60_000);
    close(client, server);
  });

  test('our end waits until everything is out', () => {
    const { server, client } = users();
    client.tls.opened();
    settle(client, server);
    client.wire.room = 0;
    client.tls.shutdownWrite(1);
    assert.equal(client.wire.shut, false);
    makeRoom(client, 10);
    assert.equal(client.wire.shut, false);
    makeRoom(client, 100);
    assert.equal(client.wire.shut, true);
    settle(client, server);
    assert.deepEqual(server.events, ['opened', 'ended']);
    close(client, server);
  });

  test('a cut-off, a refusal and plain text are told apart', () => {
    const cut = users();
    cut.client.tls.opened();
    settle(cut.client, cut.server);
    cut.server.tls.ended();
    assert.deepEqual(cut.server.events, ['opened', 'endedEarly']);
    assert.equal(cut.server.error?.code, 'ErrTlsTruncated');
    close(cut.client, cut.server);

    const plain = users();
    plain.server.tls.opened();
    input.bytes.write('GET / HTTP/1.1\r\n');
    plain.server.tls.received(input, 0, 16);
    plain.server.tls.received(input, 0, 16);
    assert.deepEqual(plain.server.events, ['refused']);
    assert.equal(plain.server.error?.code, 'ErrTlsPlainText');
    plain.server.tls.ended();
    assert.deepEqual(plain.server.events, ['refused', 'ended']);
    close(plain.client, plain.server);

    const contexts = contextPair(family);
    const stranger = new User(
      new ClientSession(contexts.client, {
        serverName: 'x.test',
        expectedName: 'x.test',
        session: undefined,
      }),
    );
    const server = new User(new ServerSession({ contextFor: () => contexts.server }));
    stranger.tls.opened();
    settle(stranger, server);
    assert.deepEqual(stranger.events, ['refused']);
    assert.equal(stranger.error?.code, 'ErrTlsCertificate');
    assert.equal(server.events.at(-1), 'refused');
    assert.equal(server.error?.code, 'ErrTlsAlert');
    close(stranger, server);
  });

  test('a peer that asks for new keys and reads no answer is refused, with a bounded queue', () => {
    const { server, client } = users();
    client.tls.opened();
    settle(client, server);
    server.wire.room = 0;
    const roundsMax = 10_000;
    let rounds = 0;
    for (; rounds < roundsMax && server.error === null; rounds++) {
      client.tls.session.updateKeys();
      client.write(Buffer.from('x'));
      carry(client, server, readBytes);
    }
    assert.equal(server.error?.code, 'ErrTlsRecord');
    assert.match(server.error?.message ?? '', /new keys.* does not read/);
    assert.ok(rounds > 100, `${rounds} answers were allowed`);
    close(client, server);
  });

  test('close in order says so to the peer; a reset does not', () => {
    for (const abort of [false, true]) {
      const { server, client } = users();
      client.tls.opened();
      settle(client, server);
      client.tls.closeStream(1, abort);
      assert.equal(client.wire.closed, abort ? 'reset' : 'in order');
      carry(client, server, readBytes);
      assert.equal(server.events.includes('ended'), !abort);
      close(client, server);
    }
  });
});
