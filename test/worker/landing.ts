/** Clients of servers over `handlers/loops.ts`, which hear where they have landed. */
import type { Server } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { connect, type TestScope, text } from '../support/rig.ts';
import { handlerModule } from './pool-rig.ts';

export const telling: URL = handlerModule('loops.ts');

export interface Landed {
  readonly client: RawClient;
  readonly loop: number;
  readonly id: number;
  readonly remoteAddr: string;
}

/** Connects and hears where it landed. */
export async function land(t: TestScope, server: Server): Promise<Landed> {
  return hear(await connect(t, server.addr));
}

export async function hear(client: RawClient): Promise<Landed> {
  let line = '';
  while (!line.endsWith('\n')) line += text(await client.readExactly(1));
  const [loop, id, remoteAddr] = line.trimEnd().split(' ') as [string, string, string];
  return { client, loop: Number(loop), id: Number(id), remoteAddr };
}

export async function landMany(t: TestScope, server: Server, count: number): Promise<Landed[]> {
  const all: Landed[] = [];
  for (let one = 0; one < count; one++) all.push(await land(t, server));
  return all;
}

/**
 * A connection of that loop, which may be a successor that is still to come. Where each loop listens by
 * itself, who came to the queue of one that dies is reset with it: the next one tries again.
 */
export async function landIn(t: TestScope, address: string, loop: number): Promise<RawClient> {
  for (;;) {
    const client = await connect(t, address).catch(unlessRefused);
    const landed = client === null ? null : await hear(client).catch(() => null);
    if (landed?.loop === loop) return landed.client;
    client?.destroy();
  }
}

/** Nobody listens: trying again is of no use. */
function unlessRefused(error: NodeJS.ErrnoException): null {
  if (error.code === 'ECONNREFUSED') throw error;
  return null;
}

/** One connection of each loop, whoever decides where they land. */
export async function landInEach(t: TestScope, server: Server): Promise<Landed[]> {
  const found: Landed[] = [];
  while (Object.keys(found).length < server.numEventLoop) {
    const landed = await land(t, server);
    if (found[landed.loop] === undefined) found[landed.loop] = landed;
    else landed.client.destroy();
  }
  return found;
}

export const loopsOf = (all: readonly Landed[]): number[] => all.map(({ loop }) => loop);
