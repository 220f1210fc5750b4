import { ErrConnClosed, ErrUnsupportedOp } from '../base/errors.ts';
import { asBoolean, int32Max, milliseconds, wholeNumber } from '../base/option-checks.ts';
import type { SocketSetting } from '../driver/contract.ts';
import { remoteAddress } from './addresses.ts';
import type { Bytes, KeepAliveTimes, TcpInfo } from './conn.ts';
import { lacksDescriptors, sendDescriptors } from './descriptors.ts';
import { setTimeouts } from './timeout-passed.ts';
import { keepAliveSettings } from './keep-alive.ts';
import { type Connection, ConnectionRecord } from './record.ts';
import { mark, State } from './states.ts';

const socketBytes = wholeNumber(1, int32Max, 'bytes');
/** The kernel's own limit of a time to linger. */
const lingerSeconds = wholeNumber(-int32Max, 65_535, 'seconds');
const userTimeout = milliseconds(int32Max);

function datagramsOnly(name: string, hint: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(`cannot use ${name} on a stream: it is for datagrams; ${hint}`);
}

/** Nothing can be set any more. */
function isOver(c: ConnectionRecord): boolean {
  return c.state >= State.Ending;
}

function set(c: ConnectionRecord, action: string, setting: SocketSetting, value: number): void {
  const { driver } = c.owner;
  if (driver.set === undefined) throw lacksDescriptors(c, action);
  if (!isOver(c)) driver.set(c.slot, setting, value);
}

/** The descriptor, which is the program's to close. */
function given(c: ConnectionRecord, descriptor: number): number {
  const { leaks } = c.owner;
  return leaks === null ? descriptor : leaks.gave(c as unknown as Connection, descriptor);
}

/** What a program may set of the socket under a connection, and ask of it: see `Conn`. */
export class SocketFace extends ConnectionRecord {
  /** Of datagrams. */
  get typeOfService(): number {
    return -1;
  }

  sendAll(): number {
    throw datagramsOnly('sendAll', 'write with asyncWrite');
  }

  setTypeOfService(): void {
    throw datagramsOnly('setTypeOfService', 'only a dialled UDP socket has it');
  }

  setNoDelay(on: boolean): void {
    if (!isOver(this)) this.owner.driver.wish(this.slot, { noDelay: on });
  }

  setKeepAlive(on: boolean, times: KeepAliveTimes = {}): void {
    const keepAlive = keepAliveSettings(on, times);
    if (!isOver(this)) this.owner.driver.wish(this.slot, { keepAlive });
  }

  setLinger(seconds: number): void {
    const given = lingerSeconds('the time to linger', seconds);
    if (isOver(this)) return;
    if (given === 0) this.marks |= mark.abortive;
    else this.marks &= ~mark.abortive;
    const ofServer = this.owner.settings.timeouts.closeTimeout;
    const closeTimeout = given > 0 ? given * 1_000 : ofServer;
    setTimeouts(this as unknown as Connection, { closeTimeout });
    // Also when the process dies without a close of ours.
    this.owner.driver.set?.(this.slot, 'lingerReset', given === 0 ? 1 : 0);
  }

  setReadBuffer(bytes: number): void {
    set(this, 'setReadBuffer', 'receiveBuffer', socketBytes('the receive buffer', bytes));
  }

  setWriteBuffer(bytes: number): void {
    set(this, 'setWriteBuffer', 'sendBuffer', socketBytes('the send buffer', bytes));
  }

  setUserTimeout(ms: number): void {
    set(this, 'setUserTimeout', 'userTimeout', Math.ceil(userTimeout('the user timeout', ms)));
  }

  setQuickAck(on: boolean): void {
    set(this, 'setQuickAck', 'quickAck', asBoolean('quickAck', on) ? 1 : 0);
  }

  tcpInfo(): TcpInfo | undefined {
    if (isOver(this)) return undefined;
    return this.owner.driver.tcpInfo?.(this.slot) ?? undefined;
  }

  sendDescriptor(descriptor: number | readonly number[], data: Bytes): boolean {
    return sendDescriptors(this as unknown as Connection, descriptor, data);
  }

  receiveDescriptor(): number {
    const { driver } = this.owner;
    if (driver.takeDescriptor === undefined) throw lacksDescriptors(this, 'receive a descriptor');
    return isOver(this) ? -1 : given(this, driver.takeDescriptor(this.slot));
  }

  dup(): number {
    const { driver } = this.owner;
    if (driver.duplicateStream === undefined) throw lacksDescriptors(this, 'dup a connection');
    if (!isOver(this)) return given(this, driver.duplicateStream(this.slot));
    throw new ErrConnClosed(
      `cannot dup the connection to ${remoteAddress(this)}: it is closed; do it before`,
    );
  }
}
