import type { LoopHost } from '../../host/index.ts';
import { datagramReusePortMissing, reusePortMissing } from '../../host/runtime-features.ts';
import type { Backend } from '../backend.ts';
import type { Endpoint } from '../contract.ts';
import { describeSocket } from './describe-socket.ts';
import { createNodeDriver, optionsWithoutEffect } from './node-driver.ts';
import { probeSockets } from './probe.ts';

/** @throws when the runtime's sockets do not work here. */
export function nodeBackend(host: LoopHost & { requestTurn(): void }): Backend {
  probeSockets();
  const create: Backend['create'] = (events, settings) =>
    createNodeDriver(events, settings, () => host.requestTurn());
  return {
    name: 'node',
    host,
    describeSocket,
    create,
    handsOver: false,
    oneLoopBecause,
    optionsWithoutEffect,
  };
}

function oneLoopBecause(kind: Endpoint['kind']): string | null {
  if (kind === 'tcp') return reusePortMissing();
  if (kind === 'udp') return datagramReusePortMissing();
  return 'sockets of the runtime cannot be handed to other threads, and a path belongs to one socket';
}
