/**
 * What a peer is: a program that does the same work as ours, in its own process. Adding one
 * means adding a folder `bench/peers/<name>/` whose `peer.ts` exports a `Peer`, or several that
 * share the folder, as its default.
 */

import { existsSync, readdirSync } from 'node:fs';
import type { Command } from './command.ts';

/** Where a server listens; TCP and UDP on 127.0.0.1. */
export type Endpoint =
  | { readonly protocol: 'tcp' | 'udp'; readonly port: number }
  | { readonly protocol: 'unix'; readonly path: string };

export interface Peer {
  /** What `--peers` selects; the folder's name, with something behind it when it has several. */
  readonly name: string;
  /** For tables and plots. */
  readonly title: string;
  /** Names of the work it can do; see `work.ts`. */
  readonly works: readonly string[];
  /** Why it cannot do this work on this machine, in words for the reader; null when it can. */
  unavailable(work: string): string | null;
  /**
   * Fetches and builds what comes from another package manager; `npm run bench:install` calls it.
   * A peer without it needs nothing more than the tools of the system.
   */
  readonly installation?: Installation;
  /** Builds it, once per work and run. Throws with the tool's own message. */
  build(work: string): void;
  /** Times the warm-up of the others, for a runtime that takes longer to compile; 1 if left out. */
  readonly warmupFactor?: number;
  /** Versions of what its figures depend on, such as compiler or runtime. */
  versions(): Readonly<Record<string, string>>;
  /** How to start a server for this work in the foreground; a proxy passes on to `backend`. */
  server(work: string, endpoint: Endpoint, backend?: Endpoint): Command;
}

export interface Installation {
  /** The program that installs it. */
  readonly tool: string;
  /** What is there once it is installed. */
  readonly product: string;
  /** Throws with the tool's own message. */
  run(): void;
}

const PEERS_FOLDER = new URL('../peers/', import.meta.url);

/** Every peer in the tree, ours first, then by name. */
export async function loadPeers(): Promise<Peer[]> {
  // A folder without it is what an installation left of a peer that is not in this revision.
  const folders = readdirSync(PEERS_FOLDER, { withFileTypes: true }).filter((entry) =>
    existsSync(new URL(`${entry.name}/peer.ts`, PEERS_FOLDER)),
  );
  const peers = await Promise.all(
    folders.map(async (folder) => {
      const url = new URL(`${folder.name}/peer.ts`, PEERS_FOLDER);
      const exported = ((await import(url.href)) as { default: Peer | readonly Peer[] }).default;
      return peersOf(folder.name, [exported].flat());
    }),
  );
  return peers.flat().sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function peersOf(folder: string, peers: readonly Peer[]): readonly Peer[] {
  const stranger = peers.find(({ name }) => name !== folder && !name.startsWith(`${folder}-`));
  if (stranger === undefined) return peers;
  throw new Error(`the peer in bench/peers/${folder} is named '${stranger.name}'`);
}

/** The peer that the others are compared with. */
export const SUBJECT = 'gnet';

/** Whether a server is ours, with whatever driver or handler. */
export function isOurs(name: string): boolean {
  return name === SUBJECT || /^gnet-(?!v\d)/.test(name);
}

function rank(peer: Peer): number {
  return peer.name === SUBJECT ? 0 : isOurs(peer.name) ? 1 : 2;
}
