/** recvmsg(2) and sendmsg(2): headers of another layout, and control messages of other kinds. */
import type { Word } from '../../src/ffi/index.ts';
import { addressFromLinux, addressToLinux, nameMax } from './addresses.ts';
import { answer } from './errno.ts';
import { linuxConstants, linuxLayouts, Memory, real, word } from './kernel.ts';
import type { StandInNumbers } from './numbers.ts';
import type { StandInTables } from './systems.ts';

const own = 0;
const theirs = 256;
const nameOffset = 512;
const ownControl = 1_024;
const theirControl = 8_192;
const memory = new Memory(16_384);
const linux = linuxLayouts.msghdr.fields;
const linuxHeader = linuxLayouts.cmsghdr;
const pktinfo = linuxLayouts.inPktinfo;
const alignLinux = (bytes: number): number => Math.ceil(bytes / 8) * 8;

interface Control {
  readonly level: number;
  readonly type: number;
  readonly data: Buffer;
}

export class Messages {
  readonly #tables: StandInTables;
  readonly #numbers: StandInNumbers;

  constructor(tables: StandInTables, numbers: StandInNumbers) {
    this.#tables = tables;
    this.#numbers = numbers;
  }

  receive(socket: Word, message: Word, flags: number): number {
    const { fields, size } = this.#tables.layouts.msghdr;
    memory.take(own, message, size);
    const nameRoom = memory.view.getInt32(own + fields.namelen.offset, true);
    const controlRoom = memory.view.getInt32(own + fields.controllen.offset, true);
    this.#copyHead();
    memory.view.setBigUint64(theirs + linux.name.offset, BigInt(memory.at(nameOffset)), true);
    memory.view.setInt32(theirs + linux.namelen.offset, nameRoom > 0 ? nameMax : 0, true);
    const control = controlRoom > 0 ? 4_096 : 0;
    memory.view.setBigInt64(theirs + linux.controllen.offset, BigInt(control), true);
    const result = real('recvmsg', 3)(socket, memory.at(theirs), word(flags));
    if (result < 0) return answer(result);
    this.#giveName(nameRoom);
    const given = Number(memory.view.getBigInt64(theirs + linux.controllen.offset, true));
    const written = this.#write(this.#readLinux(given));
    const { controllen, flags: flagsField, control: controlField } = fields;
    const address = memory.view.getBigUint64(own + controlField.offset, true);
    memory.give(ownControl, address, Math.min(written, controlRoom));
    memory.view.setInt32(own + controllen.offset, Math.min(written, controlRoom), true);
    const said = memory.view.getInt32(theirs + linux.flags.offset, true);
    const all = this.#numbers.messageFlagsFromLinux(said);
    memory.view.setInt32(own + flagsField.offset, all, true);
    memory.give(own, message, size);
    return result;
  }

  send(socket: Word, message: Word, flags: number): number {
    const { fields, size } = this.#tables.layouts.msghdr;
    memory.take(own, message, size);
    this.#copyHead();
    const nameLength = memory.view.getInt32(own + fields.namelen.offset, true);
    const name = memory.view.getBigUint64(own + fields.name.offset, true);
    memory.take(nameOffset, name, nameLength);
    if (nameLength > 0) addressToLinux(memory, nameOffset, this.#numbers);
    const at = BigInt(nameLength > 0 ? memory.at(nameOffset) : 0);
    memory.view.setBigUint64(theirs + linux.name.offset, at, true);
    memory.view.setInt32(theirs + linux.namelen.offset, nameLength, true);
    const length = memory.view.getInt32(own + fields.controllen.offset, true);
    memory.take(ownControl, memory.view.getBigUint64(own + fields.control.offset, true), length);
    const written = this.#writeLinux(this.#read(length));
    memory.view.setBigInt64(theirs + linux.controllen.offset, BigInt(written), true);
    return answer(real('sendmsg', 3)(socket, memory.at(theirs), word(flags)));
  }

  /** Where the bytes are; and the control messages, in memory of our own. */
  #copyHead(): void {
    const { iov, iovlen } = this.#tables.layouts.msghdr.fields;
    const { view } = memory;
    view.setBigUint64(theirs + linux.iov.offset, view.getBigUint64(own + iov.offset, true), true);
    const count = BigInt(view.getInt32(own + iovlen.offset, true));
    view.setBigInt64(theirs + linux.iovlen.offset, count, true);
    view.setBigUint64(theirs + linux.control.offset, BigInt(memory.at(theirControl)), true);
    view.setInt32(theirs + linux.flags.offset, 0, true);
  }

  #giveName(room: number): void {
    const { fields } = this.#tables.layouts.msghdr;
    const length = memory.view.getInt32(theirs + linux.namelen.offset, true);
    const all = room > 0 ? addressFromLinux(memory, nameOffset, length, this.#numbers) : 0;
    const name = memory.view.getBigUint64(own + fields.name.offset, true);
    memory.give(nameOffset, name, Math.min(all, room));
    memory.view.setInt32(own + fields.namelen.offset, all, true);
  }

  // -- control messages -----------------------------------------------------------------------------

  #readLinux(length: number): Control[] {
    const found: Control[] = [];
    for (let at = theirControl; at + linuxHeader.size <= theirControl + length; ) {
      const bytes = Number(memory.view.getBigUint64(at, true));
      const level = memory.view.getInt32(at + 8, true);
      const type = memory.view.getInt32(at + 12, true);
      const data = Buffer.from(memory.bytes.subarray(at + linuxHeader.size, at + bytes));
      const one = this.#fromLinux(level, type, data);
      if (one !== null) found.push(one);
      at += alignLinux(bytes);
    }
    return found;
  }

  #fromLinux(level: number, type: number, data: Buffer): Control | null {
    const { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, SCM_RIGHTS } = linuxConstants;
    const name = (text: string): number => this.#numbers.own(text);
    if (level === SOL_SOCKET && type === SCM_RIGHTS) {
      return { level: name('SOL_SOCKET'), type: name('SCM_RIGHTS'), data };
    }
    if (level === IPPROTO_IP && type === linuxConstants.IP_PKTINFO) {
      // The address that it was sent to, be it a broadcast's.
      const { offset } = pktinfo.fields.addr;
      const address = data.subarray(offset, offset + 4);
      return { level: IPPROTO_IP, type: name('IP_RECVDSTADDR'), data: address };
    }
    if (level === IPPROTO_IP && type === linuxConstants.IP_TOS) {
      return { level: IPPROTO_IP, type: name('IP_RECVTOS'), data };
    }
    if (level !== IPPROTO_IPV6) return null;
    if (type === linuxConstants.IPV6_PKTINFO) return { level, type: name('IPV6_PKTINFO'), data };
    if (type === linuxConstants.IPV6_TCLASS) return { level, type: name('IPV6_TCLASS'), data };
    return null;
  }

  #align(bytes: number): number {
    const { cmsgAlignment } = this.#tables;
    return Math.ceil(bytes / cmsgAlignment) * cmsgAlignment;
  }

  #write(all: readonly Control[]): number {
    const { size } = this.#tables.layouts.cmsghdr;
    let at = ownControl;
    for (const { level, type, data } of all) {
      const start = this.#align(size);
      memory.bytes.fill(0, at, at + start + this.#align(data.length));
      memory.view.setUint32(at, start + data.length, true);
      memory.view.setInt32(at + 4, level, true);
      memory.view.setInt32(at + 8, type, true);
      memory.bytes.set(data, at + start);
      at += start + this.#align(data.length);
    }
    return at - ownControl;
  }

  #read(length: number): Control[] {
    const { size } = this.#tables.layouts.cmsghdr;
    const found: Control[] = [];
    for (let at = ownControl; at + size <= ownControl + length; ) {
      const bytes = memory.view.getUint32(at, true);
      if (bytes < size) break;
      const level = memory.view.getInt32(at + 4, true);
      const type = memory.view.getInt32(at + 8, true);
      const data = Buffer.from(memory.bytes.subarray(at + this.#align(size), at + bytes));
      found.push(this.#toLinux(level, type, data));
      at += this.#align(bytes);
    }
    return found;
  }

  #toLinux(level: number, type: number, data: Buffer): Control {
    const name = (text: string): number => this.#numbers.own(text);
    const { IPPROTO_IP, IPPROTO_IPV6 } = linuxConstants;
    if (level === name('SOL_SOCKET') && type === name('SCM_RIGHTS')) {
      return { level: linuxConstants.SOL_SOCKET, type: linuxConstants.SCM_RIGHTS, data };
    }
    if (level === IPPROTO_IP && type === name('IP_SENDSRCADDR')) {
      const info = Buffer.alloc(pktinfo.size);
      info.set(data, pktinfo.fields.spec_dst.offset);
      return { level, type: linuxConstants.IP_PKTINFO, data: info };
    }
    if (level === IPPROTO_IP && type === name('IP_PKTINFO')) {
      return { level, type: linuxConstants.IP_PKTINFO, data };
    }
    if (level === IPPROTO_IPV6 && type === name('IPV6_PKTINFO')) {
      return { level, type: linuxConstants.IPV6_PKTINFO, data };
    }
    throw new RangeError(`the stand-in does not know a control message ${level}/${type}`);
  }

  #writeLinux(all: readonly Control[]): number {
    let at = theirControl;
    for (const { level, type, data } of all) {
      const bytes = linuxHeader.size + data.length;
      memory.bytes.fill(0, at, at + alignLinux(bytes));
      memory.view.setBigUint64(at, BigInt(bytes), true);
      memory.view.setInt32(at + 8, level, true);
      memory.view.setInt32(at + 12, type, true);
      memory.bytes.set(data, at + linuxHeader.size);
      at += alignLinux(bytes);
    }
    return at - theirControl;
  }
}
