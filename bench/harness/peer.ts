/**
 * What a peer is: a program that does the same work as ours, in its own process. Adding one
 * means adding a folder `bench/peers/<name>/` whose `peer.ts` exports a `Peer` as its default.
 */

import { readdirSync } from 'node:fs';
import type { Command } from './command.ts';

/** Where a server listens; TCP and UDP on 127.0.0.1. */
export type Endpoint =
  | { readonly protocol: 'tcp' | 'udp'; readonly port: number }
  | { readonly protocol: 'unix'; readonly path: string };

export interface Peer {
  /** The folder's name; what `--peers` selects. */
  readonly name: string;
  /** For tables and plots. */
  readonly title: string;
  /** Names of the work it can do; see `work.ts`. */
  readonly works: readonly string[];
  /** Why it cannot run on this machine, in words for the reader; null when it can. */
  unavailable(): string | null;
  /** Builds it, once per run of the benchmark. Throws with the tool's own message. */
  build(): void;
  /** Versions of what its figures depend on, such as compiler or runtime. */
  versions(): Readonly<Record<string, string>>;
  /** How to start a server for this work in the foreground. */
  server(work: string, endpoint: Endpoint): Command;
}

const PEERS_FOLDER = new URL('../peers/', import.meta.url);

/** Every peer in the tree, ours first, then by name. */
export async function loadPeers(): Promise<Peer[]> {
  const folders = readdirSync(PEERS_FOLDER, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const peers = await Promise.all(
    folders.map(async (folder) => {
      const url = new URL(`${folder.name}/peer.ts`, PEERS_FOLDER);
      const peer = ((await import(url.href)) as { default: Peer }).default;
      if (peer.name !== folder.name) {
        throw new Error(`the peer in bench/peers/${folder.name} is named '${peer.name}'`);
      }
      return peer;
    }),
  );
  return peers.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** The peer that the others are compared with. */
export const SUBJECT = 'gnet';

function rank(peer: Peer): number {
  return peer.name === SUBJECT ? 0 : 1;
}
