import type { Endpoint, GivenSocket } from './contract.ts';

/** A driver has made it its own: from now on it closes it. */
export function markTaken({ taken }: GivenSocket): void {
  if (taken !== undefined) Atomics.store(taken, 0, 1);
}

/** As it would be opened if nothing were given. */
export function withoutGiven(endpoint: Endpoint): Endpoint {
  const { given: _given, ...bare } = endpoint;
  return bare;
}

function withOne(endpoint: Endpoint, socket: GivenSocket): Endpoint {
  return { ...endpoint, given: [socket] };
}

/** One endpoint per given socket, or the endpoint itself where none is given. Never empty. */
export function eachGiven(endpoint: Endpoint): [Endpoint, ...Endpoint[]] {
  const [first, ...others] = endpoint.given ?? [];
  if (first === undefined) return [endpoint];
  return [withOne(endpoint, first), ...others.map((socket) => withOne(endpoint, socket))];
}

/** What one loop listens on: an endpoint, and which of the server's it is. */
export interface LoopEndpoint {
  readonly of: number;
  readonly endpoint: Endpoint;
}

/** Given sockets last: where another address cannot be had, they stay the caller's. */
export function givenLast(endpoints: readonly Endpoint[]): readonly LoopEndpoint[] {
  const all = endpoints.map((endpoint, of) => ({ of, endpoint }));
  const isGiven = ({ endpoint }: LoopEndpoint): boolean => endpoint.given !== undefined;
  return [...all.filter((one) => !isGiven(one)), ...all.filter(isGiven)];
}

/**
 * What loop `index` of `loops` listens on by itself, where each of them has sockets of its own. Given
 * sockets are dealt out, for none may be left without a reader: what waits in it would be lost.
 * @param opensMore a loop for which there is none opens one beside them, as SO_REUSEPORT allows.
 */
export function endpointsOfLoop(
  endpoints: readonly Endpoint[],
  index: number,
  loops: number,
  opensMore: boolean,
): LoopEndpoint[] {
  const own: LoopEndpoint[] = [];
  /** Behind the others, so that those are in the order of the addresses. */
  const further: LoopEndpoint[] = [];
  endpoints.forEach((endpoint, of) => {
    const { given = [] } = endpoint;
    const dealt = given.filter((_, at) => at % loops === index);
    const [first, ...others] = dealt.map((socket) => ({ of, endpoint: withOne(endpoint, socket) }));
    if (first !== undefined) own.push(first);
    else if (given.length === 0 || opensMore) own.push({ of, endpoint: withoutGiven(endpoint) });
    further.push(...others);
  });
  return [...own, ...further];
}
