import { ErrUnsupportedPlatform, type GnetError } from '../../base/errors.ts';
import { hasAbstractNames } from '../../base/unix-address.ts';
import type { Slab } from '../../buffer/slab.ts';
import type {
  DatagramPeer,
  Driver,
  DriverEvents,
  DriverSettings,
  Endpoint,
  SocketOptions,
} from '../contract.ts';

const probeSettings: DriverSettings = { readBufferBytes: 4_096, headroomBytes: 0 };
const probeByte = 0x67;
const patienceMs = 1_000;
/** No timer fires meanwhile: what the driver lets rest is looked after between two waits. */
const sliceMs = 10;
/** A process that was stopped for longer than that finds what has come only when it looks. */
const waitsAtLeast = patienceMs / sliceMs;
const options: SocketOptions = {
  backlog: 1,
  reusePort: false,
  tcpNoDelay: false,
  keepAliveSeconds: 0,
  receiveBufferBytes: 0,
  sendBufferBytes: 0,
};
/** Where the kernel names Unix sockets no file is needed, and no right to the network. */
const endpoint: Endpoint = hasAbstractNames()
  ? { kind: 'unix', path: '@' }
  : { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 };

/** What is called there, as it was printed. */
function addressOf(listener: Endpoint, printed: string): Endpoint {
  if (listener.kind === 'unix') return { ...listener, path: printed };
  return { ...listener, port: Number(printed.slice(printed.lastIndexOf(':') + 1)) };
}

const callerSlot = 0;
const calleeSlot = 1;

/** Calls itself over the loopback, says one byte and hears it again. */
class LoopbackProbe implements DriverEvents {
  readonly driver: Driver;
  heard = false;
  #error: GnetError | null = null;

  constructor(create: (events: DriverEvents, settings: DriverSettings) => Driver) {
    this.driver = create(this, probeSettings);
  }

  run(): void {
    const { driver } = this;
    driver.listen(0, endpoint, options);
    driver.startAccepting(0);
    driver.connect(callerSlot, 1, addressOf(endpoint, driver.listenerAddress(0)), options);
    const giveUpAt = performance.now() + patienceMs;
    const isPatient = (): boolean => waits < waitsAtLeast || performance.now() < giveUpAt;
    let waits = 0;
    for (; !this.heard && this.#error === null && isPatient(); waits++) driver.wait(sliceMs);
    if (this.#error !== null) throw this.#error;
    if (this.heard) return;
    throw new ErrUnsupportedPlatform(
      `cannot use ${driver.name}: an echo over loopback did not come back within ${patienceMs} ms`,
    );
  }

  #say(slot: number): void {
    const slab = this.driver.slabPool(probeSettings.readBufferBytes).take();
    slab.bytes[0] = probeByte;
    this.driver.send(slot, slab, 0, 1);
    slab.home.release(slab);
  }

  accepted(_listener: number, descriptor: number): void {
    this.driver.openStream(calleeSlot, 1, descriptor, options);
  }
  connected(slot: number): void {
    this.#say(slot);
  }
  received(slot: number, _generation: number, slab: Slab, start: number): void {
    if (slab.bytes[start] !== probeByte) return;
    if (slot === calleeSlot) this.#say(slot);
    else this.heard = true;
  }
  failed(_slot: number, _generation: number, error: GnetError): void {
    this.#error = error;
  }
  acceptRested(_listener: number, error: GnetError): void {
    this.#error = error;
  }
  ended(): void {}
  writable(slot: number): void {
    this.#say(slot);
  }
  datagram(
    _endpoint: number,
    _slab: Slab,
    _start: number,
    _end: number,
    _peer: DatagramPeer,
  ): void {}
  datagramFailed(): void {}
}

/**
 * Tries a native driver for real: listen, connect, accept, send, receive, close.
 * @throws what did not work, with nothing left open.
 */
export function probeLoopback(
  create: (events: DriverEvents, settings: DriverSettings) => Driver,
): void {
  const probe = new LoopbackProbe(create);
  try {
    probe.run();
  } finally {
    probe.driver.close();
  }
}
