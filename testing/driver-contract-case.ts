import type { Endpoint } from '../src/driver/contract.ts';
import type { PeerSide, Transport } from './driver-peers.ts';
import type { DriverRig } from './driver-rig.ts';

export type ContractCase = (rig: DriverRig) => Promise<void> | void;

/** By title; a case that needs another read buffer than usual says so. */
export type ContractCases = Readonly<
  Record<string, ContractCase | { readonly readBufferBytes: number; readonly run: ContractCase }>
>;

/** Thrown by a case that finds out that it cannot run on this machine or driver. */
export class Skip extends Error {}

/** @throws Skip on a system that does not tell; for when something is open. */
export function descriptorsThatAreTold(peers: PeerSide): readonly string[] {
  const open = peers.openDescriptors();
  if (open.length === 0) throw new Skip('this system does not tell what a process has open');
  return open;
}

export const transports: readonly Transport[] = ['tcp4', 'tcp6', 'unix', 'abstract'];

export function skipUnsupported(rig: DriverRig, transport: Transport): void {
  const reason = rig.peers.unsupported(transport);
  if (reason !== undefined) throw new Skip(reason);
}

/** Turns in which nothing may happen; enough for everything under way to have arrived. */
export const quietTurns = 40;

/** A known port of loopback, or of `host`. */
export const tcp4At = (port: number, host = '127.0.0.1'): Endpoint => ({
  kind: 'tcp',
  family: 4,
  v6Only: false,
  host,
  port,
});
