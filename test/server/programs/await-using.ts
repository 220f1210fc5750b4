/** In a file of its own: Node 22 cannot parse `await using`. */
import { serve } from 'gnet';

/** The address of a server that is down again. */
export async function addressOfDisposed(): Promise<string> {
  await using server = await serve({}, 'tcp://127.0.0.1:0');
  return server.addr;
}
