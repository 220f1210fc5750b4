import { crc32 } from 'node:zlib';

/** A peer whose address text is built only on demand. */
export interface Addressed {
  readonly remoteAddress: string;
}

/** Picks the loop of a new connection: its index. */
export interface Balancer {
  /** `loads` has an entry per loop; the peer's address is asked for only where it matters. */
  pick(loads: readonly number[], peer: Addressed): number;
}

/** The same numbers as the option `loadBalancing`. */
export const balancerKind = { roundRobin: 0, leastConnections: 1, sourceAddressHash: 2 } as const;

class RoundRobinBalancer implements Balancer {
  #next = 0;
  pick(loads: readonly number[]): number {
    const picked = this.#next % loads.length;
    this.#next = picked + 1;
    return picked;
  }
}

/** From loop 0 on; a later one must have fewer. */
class LeastConnectionsBalancer implements Balancer {
  pick(loads: readonly number[]): number {
    let least = 0;
    for (let index = 1; index < loads.length; index++) {
      if ((loads[index] as number) < (loads[least] as number)) least = index;
    }
    return least;
  }
}

/** CRC-32 (IEEE) of the peer's address as text; every unnamed Unix peer is `@`. */
class SourceAddressHashBalancer implements Balancer {
  pick(loads: readonly number[], peer: Addressed): number {
    return crc32(peer.remoteAddress) % loads.length;
  }
}

export function createBalancer(kind: number): Balancer {
  if (kind === balancerKind.leastConnections) return new LeastConnectionsBalancer();
  if (kind === balancerKind.sourceAddressHash) return new SourceAddressHashBalancer();
  return new RoundRobinBalancer();
}
