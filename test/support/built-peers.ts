/** Peers in other languages that are built for the tests, once for all of their files. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(root, 'node_modules/.cache/peers');

/** A program, or why there is none. */
export interface BuiltPeer {
  readonly path: string;
  readonly missing: false | string;
}

interface Plan {
  readonly name: string;
  /** Below `test/support`. */
  readonly source: string;
  readonly program: string;
  readonly command: (folder: string) => readonly string[];
}

/** In a folder of this process first: another one may build the same. */
function built({ name, source, program, command }: Plan): BuiltPeer {
  const path = join(cache, program);
  const from = join(root, 'test/support', source);
  if (isNewer(path, from)) return { path, missing: false };
  mkdirSync(cache, { recursive: true });
  const own = `${path}-${process.pid}`;
  const [tool = '', ...args] = command(own);
  const { status, stderr, error } = spawnSync(tool, args, { cwd: from, encoding: 'utf8' });
  if (status !== 0) {
    return { path, missing: `no ${name} here: ${(stderr || String(error)).trim().slice(-200)}` };
  }
  renameSync(own, path);
  return { path, missing: false };
}

function isNewer(path: string, source: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return readdirSync(source).every((name) => statSync(join(source, name)).mtimeMs < made);
}

/** Go's net/http, gorilla/websocket, coder/websocket and go-redis. */
export function goPeer(): BuiltPeer {
  return built({
    name: 'Go with its modules',
    source: 'go-peer',
    program: 'go-peer',
    command: (path) => ['go', 'build', '-o', path, '.'],
  });
}

/** tungstenite and reqwest. Their crates take minutes to build, so they are built where asked for. */
export function rustPeer(): BuiltPeer {
  if (process.env['GNET_JUDGES'] !== 'all') {
    return { path: '', missing: 'tungstenite and reqwest take long to build: set GNET_JUDGES=all' };
  }
  const target = join(cache, 'rust');
  const build = `cargo build --quiet --locked --target-dir '${target}'`;
  return built({
    name: 'Rust with its crates',
    source: 'rust-peer',
    program: 'rust-peer',
    command: (path) => ['sh', '-c', `${build} && cp '${target}/debug/rust-peer' '${path}'`],
  });
}
