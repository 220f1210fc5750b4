import { type Client, client } from '../index.ts';

/**
 * The loop of this thread for sockets that `connect` makes: there while one of them is, so that the
 * process can end as it does with `node:net`.
 */
let shared: { readonly client: Promise<Client>; users: number } | null = null;

/** Each call is answered by one of `leaveClient`. */
export function joinClient(): Promise<Client> {
  shared ??= { client: client({}, { logLevel: 'warn' }), users: 0 };
  shared.users++;
  return shared.client;
}

export function leaveClient(): void {
  const left = shared;
  if (left === null || --left.users > 0) return;
  shared = null;
  void left.client.then((made) => made.stop()).catch(() => {});
}
