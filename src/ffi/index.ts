/**
 * The FFI of this runtime, best first. Importing this throws where there is none: drivers that need
 * it are imported dynamically, after the choice (`driver/choose-driver.ts`).
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import { errorOf } from '../base/thrown.ts';
import { createBunInterface, findBunFfi } from './bun.ts';
import { cLibraryName } from './c-library.ts';
import type { ForeignInterface } from './contract.ts';
import { createDenoInterface, findDeno } from './deno.ts';
import { createKoffiInterface, findKoffi } from './koffi.ts';
import { createNodeInterface, findNodeFfi } from './node.ts';

export { cLibraryName } from './c-library.ts';
export type {
  Address,
  ForeignAddressFunction,
  ForeignFunction,
  ForeignLibrary,
  Word,
} from './contract.ts';

/** A function of every C library, to see whether calling is possible and allowed at all. */
const probeSymbol = 'getpid';

/** What this runtime calls its FFI. */
const ownName =
  process.versions['bun'] !== undefined
    ? 'bun:ffi'
    : process.versions['deno'] !== undefined
      ? 'Deno.dlopen'
      : 'node:ffi';

function works(candidate: ForeignInterface): boolean {
  return candidate.lookup(probeSymbol, 0)() === process.pid;
}

/** The runtime's own FFI, or why it cannot be used; undefined on an older Node. */
function ownInterface(): ForeignInterface | string | undefined {
  const nodeFfi = findNodeFfi();
  if (nodeFfi !== undefined) return createNodeInterface(nodeFfi);
  const bunFfi = findBunFfi();
  if (bunFfi !== undefined) return createBunInterface(bunFfi, cLibraryName());
  const deno = findDeno(cLibraryName());
  if (deno === undefined || typeof deno === 'string') return deno;
  return createDenoInterface(deno, cLibraryName());
}

function choose(): ForeignInterface {
  const reasons: string[] = [];
  const attempt = (name: string, create: () => ForeignInterface | string) => {
    try {
      const made = create();
      if (typeof made !== 'string' && works(made)) return made;
      reasons.push(`${name}: ${typeof made === 'string' ? made : 'calls do not work'}`);
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`);
    }
    return undefined;
  };
  const own = attempt(ownName, () => ownInterface() ?? 'this runtime has none');
  if (own !== undefined) return own;
  // koffi is for Node: its binary ends Bun's process as soon as it is loaded, and needs the same
  // permission of Deno as Deno's own FFI.
  if (ownName === 'node:ffi') {
    const chosen = attempt('koffi', () => {
      const koffi = findKoffi();
      return koffi instanceof Error ? firstLine(koffi) : createKoffiInterface(koffi);
    });
    if (chosen !== undefined) return chosen;
  }
  const hint =
    ownName === 'node:ffi'
      ? '; use Node 26.10 or newer, with --allow-ffi under --permission, or install koffi'
      : '';
  throw new ErrUnsupportedPlatform(
    `cannot call the kernel: this runtime has no usable FFI (${reasons.join('; ')})${hint}`,
  );
}

function firstLine(error: unknown): string {
  const text = errorOf(error).message;
  return text.split('\n', 1)[0] ?? text;
}

export const foreignInterface: ForeignInterface = choose();

// Module constants, so that the JIT sees the functions themselves at their call sites.
export const word = foreignInterface.word;
export const addressAt = foreignInterface.addressAt;
export const nullAddress = foreignInterface.nullAddress;
