import { ErrInvalidNetworkAddress, ErrRestartInProgress } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { forgetGiven } from './given-addresses.ts';
import type { ResolvedOptions } from './options.ts';
import type { OwnAddress } from './own-addresses.ts';
import type { ListenAddresses } from './listen-addresses.ts';
import { wantsTls } from './server-tls.ts';
import { WhereToListen } from './where-to-listen.ts';

/** A server that runs, as far as it matters here. */
export interface Listener {
  readonly plan: { readonly options: ResolvedOptions; readonly backend: Backend };
  readonly places: ListenAddresses;
  readonly group: LoopGroup;
  /** Nothing is accepted yet. */
  readonly holds: boolean;
  /** A restart is under way: another process has what was listened on when it began. */
  readonly isHandingOver: boolean;
  readonly over: Promise<void>;
  /** Other threads learn where it listens. */
  show(): void;
}

function mustStay({ isHandingOver }: Listener, action: string): void {
  if (!isHandingOver) return;
  throw new ErrRestartInProgress(
    `cannot ${action}: the addresses are being handed over to another process; wait until the restart ` +
      'has succeeded or failed',
  );
}

/** All sockets of an address, or none of them. */
async function openAll(
  text: string,
  endpoints: readonly Endpoint[],
  { places, group, holds }: Listener,
): Promise<readonly OwnAddress[]> {
  const found: OwnAddress[] = [];
  try {
    for (const endpoint of endpoints) {
      found.push({ endpoint, address: await group.listen(endpoint, holds) });
    }
  } catch (error) {
    // They have their numbers, in the loops and here.
    for (const at of places.add(text, found)) {
      await group.unlisten(at);
      places.close(at);
    }
    throw error;
  }
  places.add(text, found);
  return found;
}

/**
 * Opens one more address of a server that runs; what the process before listened on there goes along.
 * @throws as `serve` does for an address.
 */
export async function listenFurther(text: string, server: Listener): Promise<string> {
  mustStay(server, `listen on '${text}'`);
  const where = new WhereToListen([text]);
  const { plan, places } = server;
  try {
    wantsTls(plan.options, where.parsed);
    await where.lookUp();
    where.complete(plan.backend, places.own);
    const found = await openAll(text, where.endpoints, server);
    server.show();
    void server.over.then(() => where.ended());
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
  mustStay(server, `unlisten '${address}'`);
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
    forgetGiven(places.close(at));
    server.show();
  }
}
