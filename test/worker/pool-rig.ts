/** Servers over handler modules on several loops, for tests. */
import { type Options, type Server, serve } from 'gnet';
import { freeAddress, type Report, recordingLogger, type TestScope } from '../support/rig.ts';
import { rememberSecured, serverOptions } from '../support/transport.ts';

export type Transport = 'tcp' | 'udp' | 'unix';

export interface PoolRig {
  readonly server: Server;
  readonly reports: Report[];
}

/** The URL of a file of `handlers`, with a query that it reads. */
export function handlerModule(name: string, query: Record<string, string | boolean> = {}): URL {
  const url = new URL(`./handlers/${name}`, import.meta.url);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
  return url;
}

export async function startLoops(
  t: TestScope,
  module: URL,
  options: Options,
  address: string | readonly string[] = 'tcp://127.0.0.1:0',
): Promise<PoolRig> {
  const reports: Report[] = [];
  const all = { logger: recordingLogger(reports), ...serverOptions(address), ...options };
  const server = await serve(module, address, all);
  const forget = all.tls === undefined ? undefined : rememberSecured(server.addrs);
  t.after(() => {
    forget?.();
    return server.close();
  });
  return { server, reports };
}

export { freeAddress };
