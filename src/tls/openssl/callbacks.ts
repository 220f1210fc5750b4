/**
 * What OpenSSL calls back in this thread: machine code that only copies to and from `cell`, memory that
 * both sides see. Filled before a call of OpenSSL and read after it, on one thread, so that nothing can
 * come between.
 */
import { type Address, addressAt } from '../../ffi/index.ts';
import { constants } from './constants.ts';
import { type Programs, programsByCpu } from './machine-code.ts';
import { allocate, turnIntoCode } from './native-memory.ts';

/** Bytes of `cell`, as the programs know them. */
const layout = {
  protocolAddress: 0,
  protocolLength: 8,
  protocolResult: 12,
  alerts: 16,
  keysCursor: 32,
  keysEnd: 40,
  protocol: 64,
  keys: 512,
  size: 16_384,
} as const;

const memory = allocate(layout.size);
const bytes = Buffer.from(memory.buffer);
const view = new DataView(memory.buffer);
const sentAlertOffset = layout.alerts + constants.SSL_CB_WRITE;

view.setBigUint64(layout.protocolAddress, BigInt(addressAt(memory.address, layout.protocol)), true);
view.setInt32(layout.protocolResult, constants.SSL_TLSEXT_ERR_ALERT_FATAL, true);

function resetKeys(): void {
  view.setBigUint64(layout.keysCursor, BigInt(addressAt(memory.address, layout.keys)), true);
}
resetKeys();
view.setBigUint64(layout.keysEnd, BigInt(addressAt(memory.address, layout.size - 1)), true);

/** Addresses of the functions; undefined where machine code cannot be had. */
export type CallbackAddresses = Readonly<Record<keyof Programs, Address>>;

function prepare(programs: Programs | undefined): CallbackAddresses | undefined {
  if (programs === undefined) return undefined;
  const page = allocate(4_096);
  const code = new Uint8Array(page.buffer);
  let end = 0;
  const place = (program: Uint8Array): Address => {
    const start = end;
    code.set(program, start);
    end = (start + program.length + 15) & ~15;
    return addressAt(page.address, start);
  };
  const at = (offset: number): bigint => BigInt(addressAt(memory.address, offset));
  const addresses: CallbackAddresses = {
    selectProtocol: place(programs.selectProtocol(0n)),
    noteAlert: place(programs.noteAlert(at(layout.alerts))),
    noteKey: place(programs.noteKey(at(layout.keysCursor))),
    yes: place(programs.yes(0n)),
    zero: place(programs.zero(0n)),
  };
  return turnIntoCode(page) ? addresses : undefined;
}

export const callbacks: CallbackAddresses | undefined = prepare(programsByCpu[process.arch]);

/** The argument of `selectProtocol`. */
export const protocolArgument: Address = memory.address;

/** What the next handshakes answer to a client that offers protocols; null refuses. */
export function chooseProtocol(protocol: Uint8Array | null): void {
  view.setInt32(
    layout.protocolResult,
    protocol === null ? constants.SSL_TLSEXT_ERR_ALERT_FATAL : constants.SSL_TLSEXT_ERR_OK,
    true,
  );
  if (protocol === null) return;
  bytes.set(protocol, layout.protocol);
  view.setUint8(layout.protocolLength, protocol.length);
}

/** The number of the fatal alert that was sent since the last call, or -1. */
export function takeSentAlert(): number {
  const value = view.getInt32(sentAlertOffset, true);
  view.setInt32(sentAlertOffset, 0, true);
  const fatal = 2;
  return value >> 8 === fatal ? value & 0xff : -1;
}

/** Lines for a key log since the last call, each with its line end; empty without any. */
export function takeKeyLines(): string {
  const cursor = view.getBigUint64(layout.keysCursor, true);
  const length = Number(cursor - BigInt(addressAt(memory.address, layout.keys)));
  if (length === 0) return '';
  const lines = bytes.toString('latin1', layout.keys, layout.keys + length);
  bytes.fill(0, layout.keys, layout.keys + length);
  resetKeys();
  return lines;
}
