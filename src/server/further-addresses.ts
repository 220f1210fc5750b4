import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { ResolvedOptions } from './options.ts';
import { wantsTls } from './server-tls.ts';
import { WhereToListen } from './where-to-listen.ts';

/**
 * Opens one more address of a server that runs; what the process before listened on there goes along.
 * @throws as `serve` does for an address.
 */
export async function listenFurther(
  text: string,
  { options, backend }: { readonly options: ResolvedOptions; readonly backend: Backend },
  open: (endpoints: readonly Endpoint[]) => Promise<string>,
): Promise<string> {
  const where = new WhereToListen([text]);
  try {
    wantsTls(options, where.parsed);
    await where.lookUp();
    where.complete(backend);
    const address = await open(where.endpoints);
    // Its server is held as a whole, and accepts here when it does elsewhere.
    where.hold({ accept() {}, useTicketKeys() {}, takenOver() {} });
    return address;
  } catch (error) {
    where.failed(error);
    throw error;
  }
}
