/**
 * An echo server on the bare driver that GNET_DRIVER names, which counts its system calls by kind. Serves
 * one connection after the other, as many as the first argument says; prints its address, then the counts
 * as JSON.
 */
import { foreignInterface } from '../../../src/ffi/index.ts';
import * as linux from '../../../src/platform/linux-x64.ts';
import type { Driver, DriverEvents, SocketOptions } from '../../../src/driver/contract.ts';

type Word = bigint | number;

const counts: Record<string, number> = {};
const byNumber = new Map(
  Object.entries(linux.syscallNumbers).map(([name, number]) => [Number(number), name]),
);

/** epoll has a call for each, kqueue one for both. */
function kindOf(name: string, args: readonly Word[]): string {
  if (name === 'epoll_wait') return 'wait';
  if (name === 'epoll_ctl') return 'change';
  if (/kevent/.test(name)) return Number(args[2]) === 0 ? 'wait' : 'change';
  if (name === 'syscall') return byNumber.get(Number(args[0])) ?? name;
  return name === 'accept4' ? 'accept' : name;
}

const counted =
  /^(?:epoll_wait|epoll_ctl|.*kevent.*|syscall|recvfrom|sendto|accept4?|close|fcntl|shutdown|[gs]etsockopt)$/;
const lookup = foreignInterface.lookup.bind(foreignInterface);
foreignInterface.lookup = (name, argumentCount) => {
  const real = lookup(name, argumentCount);
  if (!counted.test(name)) return real;
  return (...args) => {
    const kind = kindOf(name, args);
    counts[kind] = (counts[kind] ?? 0) + 1;
    return real(...args);
  };
};

const { chooseBackend } = await import('../../../src/driver/choose-driver.ts');
const { noEvents } = await import('../../../src/driver/no-events.ts');

const options: SocketOptions = {
  backlog: 16,
  reusePort: false,
  tcpNoDelay: true,
  keepAliveSeconds: 0,
  receiveBufferBytes: 0,
  sendBufferBytes: 0,
};
const slot = 0;
let generation = 0;
let left = Number(process.argv[2]);

const backend = await chooseBackend('auto');
const events: DriverEvents = {
  ...noEvents,
  accepted: (_listener, descriptor) => driver.openStream(slot, ++generation, descriptor, options),
  received: (_slot, _generation, slab, start, end) =>
    void driver.send(slot, slab, start, end - start),
  ended() {
    driver.closeStream(slot, false);
    left--;
  },
};
const settings = { readBufferBytes: 4_096, headroomBytes: 0 };
const driver: Driver = backend.create(events, settings);
driver.listen(0, { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 }, options);
driver.startAccepting(0);
process.stdout.write(`${driver.listenerAddress(0)}\n`, () => {
  // From here on nothing but the driver runs: each wait ends by an event.
  for (const kind of Object.keys(counts)) delete counts[kind];
  while (left > 0) driver.wait(-1);
  console.log(JSON.stringify(counts));
  driver.close();
});
