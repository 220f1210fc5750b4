import { ErrInvalidNetworkAddress } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import type { ResolvedOptions } from './options.ts';
import type { Places } from './places.ts';
import { wantsTls } from './server-tls.ts';
import { WhereToListen } from './where-to-listen.ts';

/** A server that runs, as far as it matters here. */
export interface Listener {
  readonly plan: { readonly options: ResolvedOptions; readonly backend: Backend };
  readonly places: Places;
  readonly group: LoopGroup;
  /** Nothing is accepted yet. */
  readonly holds: boolean;
}

/**
 * Opens one more address of a server that runs; what the process before listened on there goes along.
 * @throws as `serve` does for an address.
 */
export async function listenFurther(text: string, server: Listener): Promise<string> {
  const where = new WhereToListen([text]);
  const { plan, places, group, holds } = server;
  try {
    wantsTls(plan.options, where.parsed);
    await where.lookUp();
    where.complete(plan.backend);
    const found: { endpoint: Endpoint; address: string }[] = [];
    for (const endpoint of where.endpoints) {
      found.push({ endpoint, address: await group.listen(endpoint, holds) });
    }
    places.add(text, found);
    // Its server is held as a whole, and accepts here when it does elsewhere.
    where.hold({ accept() {}, useTicketKeys() {}, takenOver() {} });
    return found[0]?.address ?? '';
  } catch (error) {
    where.failed(error);
    throw error;
  }
}

/** Closes an address of a server that runs. @throws ErrInvalidNetworkAddress for one that it has not. */
export async function unlistenAddress(address: string, server: Listener): Promise<void> {
  const { places, group } = server;
  const found = places.find(address);
  if (found.length === 0) {
    const where = places.addresses.join(', ');
    throw new ErrInvalidNetworkAddress(
      `cannot unlisten '${address}': the server does not listen there, only on ${where}`,
      { address },
    );
  }
  for (const at of found) {
    await group.unlisten(at);
    places.close(at);
  }
}
