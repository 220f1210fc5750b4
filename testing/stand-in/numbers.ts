/** Numbers of a system and Linux's for the same thing, by the names that both have. */
import { linuxConstants } from './kernel.ts';
import type { StandInTables } from './systems.ts';

type Numbers = Readonly<Record<string, number | undefined>>;
const linux: Numbers = linuxConstants;

/** Names that only the system has, and what Linux calls the same. */
const otherNames: Readonly<Record<string, string>> = {
  TCP_KEEPALIVE: 'TCP_KEEPIDLE',
  SO_REUSEPORT_LB: 'SO_REUSEPORT',
  IP_RECVDSTADDR: 'IP_PKTINFO',
};
/** The same name for another thing. */
const notAlike: ReadonlySet<string> = new Set(['IP_PKTINFO', 'IP_RECVPKTINFO', 'TCP_INFO']);

const levels: Readonly<Record<string, RegExp>> = {
  SOL_SOCKET: /^SO_/,
  IPPROTO_TCP: /^TCP_/,
  IPPROTO_IP: /^(?:IP|MCAST)_/,
  IPPROTO_IPV6: /^(?:IPV6|MCAST)_/,
};

export interface SocketOption {
  readonly name: string;
  readonly level: number;
  readonly option: number;
}

/** Of one system. */
export class StandInNumbers {
  readonly #own: Numbers;
  readonly #options = new Map<string, SocketOption>();
  readonly #messageFlags: [number, number][] = [];

  constructor({ constants }: StandInTables) {
    this.#own = constants;
    for (const [levelName, pattern] of Object.entries(levels)) {
      const own = this.#own[levelName] ?? -1;
      const level = linux[levelName] ?? -1;
      for (const [name, number] of Object.entries(this.#own)) {
        if (!pattern.test(name) || notAlike.has(name)) continue;
        const option = linux[otherNames[name] ?? name];
        const key = `${own}/${number}`;
        // IP_SENDSRCADDR and IP_RECVDSTADDR are one number.
        if (option !== undefined) this.#options.set(key, { name, level, option });
      }
    }
    for (const [name, number] of Object.entries(this.#own)) {
      const other = linux[name];
      if (name.startsWith('MSG_') && number !== undefined && other !== undefined) {
        this.#messageFlags.push([number, other]);
      }
    }
  }

  /** Undefined for one that Linux does not have alike. */
  option(level: number, option: number): SocketOption | undefined {
    return this.#options.get(`${level}/${option}`);
  }

  /** The system's number of that name, or -1. */
  own(name: string): number {
    return this.#own[name] ?? -1;
  }

  familyToLinux(family: number): number {
    return family === this.own('AF_INET6') ? linuxConstants.AF_INET6 : family;
  }

  familyFromLinux(family: number): number {
    return family === linuxConstants.AF_INET6 ? this.own('AF_INET6') : family;
  }

  /** SOCK_STREAM and its flags. */
  typeToLinux(type: number): number {
    const flags = ['SOCK_NONBLOCK', 'SOCK_CLOEXEC'] as const;
    let result = type & 0xf;
    for (const name of flags) {
      const own = this.#own[name];
      if (own !== undefined && (type & own) !== 0) result |= linuxConstants[name];
    }
    return result;
  }

  messageFlagsToLinux(flags: number): number {
    return this.#messageFlags.reduce((sum, [own, other]) => sum | (flags & own ? other : 0), 0);
  }

  messageFlagsFromLinux(flags: number): number {
    return this.#messageFlags.reduce((sum, [own, other]) => sum | (flags & other ? own : 0), 0);
  }
}
