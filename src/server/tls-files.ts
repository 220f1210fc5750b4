import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TlsContextOptions, TlsServerOptions } from '../tls/options/types.ts';

/** How often the files are looked at: a call of stat(2) each, and renewals are not in a hurry. */
const lookMs = 2_000;
const beginOfContents = '-----BEGIN ';

/** Calls `changed` when a file that the options name has changed. */
export class TlsFiles {
  readonly #paths: readonly string[];
  readonly #timer: NodeJS.Timeout;
  #seen: string;

  constructor(options: TlsServerOptions, changed: () => void) {
    this.#paths = [options, ...Object.values(options.contexts ?? {})].flatMap(pathsIn);
    this.#seen = this.#look();
    this.#timer = setInterval(() => {
      const now = this.#look();
      if (now === this.#seen) return;
      this.#seen = now;
      changed();
    }, lookMs).unref();
  }

  /** A file that is being replaced may be missing for a moment. */
  #look(): string {
    return this.#paths
      .map((path) => {
        const stats = statSync(path, { throwIfNoEntry: false });
        return stats === undefined ? 'none' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
      })
      .join('\n');
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function pathsIn({ key, cert, pfx, ca, crl }: TlsContextOptions): string[] {
  return [key, cert, pfx, ca, crl].flat().flatMap((given: unknown) => {
    if (typeof given === 'string') return given.includes(beginOfContents) ? [] : [given];
    if (given instanceof URL) return [fileURLToPath(given)];
    if (typeof given !== 'object' || given === null || given instanceof Uint8Array) return [];
    const { pem, buf } = given as { readonly pem?: string; readonly buf?: string };
    return pathsIn({ key: pem, cert: buf } as TlsContextOptions);
  });
}
