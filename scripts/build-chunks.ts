/** Which files of the package are loaded together: what every server needs is in a few large ones. */
import { join } from 'node:path';
import type { ChunkingContext, CodeSplittingGroup } from 'rolldown';

/** What a module brings with it: the modules that are always loaded with it. */
class Loading {
  readonly #source: string;
  readonly #context: ChunkingContext;
  readonly #found = new Map<string, ReadonlySet<string>>();

  constructor(source: string, context: ChunkingContext) {
    this.#source = source;
    this.#context = context;
  }

  with(path: string): ReadonlySet<string> {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found = new Set([path]);
    for (const one of found) {
      for (const imported of this.#context.getModuleInfo(one)?.importedIds ?? []) {
        found.add(imported);
      }
    }
    this.#found.set(path, found);
    return found;
  }

  /** Whether whoever imports `name`, a path below `src/`, loads this module. */
  isLoadedBy(name: string, path: string): boolean {
    return this.with(this.#pathOf(name)).has(path);
  }

  loads(path: string, name: string): boolean {
    return this.with(path).has(this.#pathOf(name));
  }

  #pathOf(name: string): string {
    return join(this.#source, ...name.split('/'));
  }
}

interface Chunk {
  readonly name: string;
  has(path: string, loading: Loading): boolean;
}

const epoll = 'driver/readiness/epoll-backend.ts';
const ioUring = 'driver/io-uring/io-uring-backend.ts';
const kqueue = 'driver/readiness/kqueue-backend.ts';
const foreign = 'ffi/index.ts';
/** Of `gnet/stream` and `gnet/http`: too little for a file of its own. */
const garbage = 'host/chunk-garbage.ts';

/**
 * A file costs a program about a millisecond of its start, however small it is. What is in none of these is
 * divided by who loads it.
 */
const chunks: readonly Chunk[] = [
  // Some programs use nothing else of the package.
  { name: 'codec', has: (path, loading) => loading.isLoadedBy('codec/index.ts', path) },
  // Not to be touched where there is no FFI; the calls that only one system has stay apart.
  {
    name: 'native',
    has: (path, loading) =>
      loading.isLoadedBy(epoll, path) &&
      loading.isLoadedBy(kqueue, path) &&
      loading.loads(path, foreign),
  },
  {
    name: 'linux',
    has: (path, loading) =>
      loading.isLoadedBy(epoll, path) &&
      loading.isLoadedBy(ioUring, path) &&
      loading.loads(path, foreign),
  },
  {
    name: 'main',
    has: (path, loading) =>
      loading.isLoadedBy('index.ts', path) ||
      loading.isLoadedBy(garbage, path) ||
      (loading.isLoadedBy(epoll, path) && !loading.loads(path, foreign)),
  },
];

/** The groups of modules that the bundler is given. */
export function chunkGroups(source: string): CodeSplittingGroup[] {
  return chunks.map(({ name, has }, at) => {
    let loading: Loading | undefined;
    return {
      debugName: name,
      priority: chunks.length - at,
      name(path, context) {
        loading ??= new Loading(source, context);
        return has(path, loading) ? name : null;
      },
    };
  });
}
