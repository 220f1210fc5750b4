/**
 * The FFI of this runtime, best first. Importing this throws where there is none: drivers that need
 * it are imported dynamically, after the choice (`driver/choice.ts`).
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import { errorOf } from '../base/thrown.ts';
import type { ForeignInterface } from './contract.ts';
import { createKoffiInterface, findKoffi } from './koffi.ts';
import { createNodeInterface, findNodeFfi } from './node.ts';

export type {
  Address,
  ForeignAddressFunction,
  ForeignFunction,
  ForeignLibrary,
  Word,
} from './contract.ts';

/** A function of every C library, to see whether calling is possible and allowed at all. */
const probeSymbol = 'getpid';

function works(candidate: ForeignInterface): boolean {
  return candidate.lookup(probeSymbol, 0)() === process.pid;
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
  const chosen =
    attempt('node:ffi', () => {
      const nodeFfi = findNodeFfi();
      return nodeFfi === undefined ? 'this runtime has none' : createNodeInterface(nodeFfi);
    }) ??
    attempt('koffi', () => {
      // Its binary ends Bun's process as soon as it is loaded.
      if (process.versions['bun'] !== undefined) return 'not for Bun';
      const koffi = findKoffi();
      return koffi instanceof Error ? firstLine(koffi) : createKoffiInterface(koffi);
    });
  if (chosen !== undefined) return chosen;
  throw new ErrUnsupportedPlatform(
    `cannot call the kernel: this runtime has no usable FFI (${reasons.join('; ')}); use Node 26.10 ` +
      'or newer, with --allow-ffi under --permission, or install koffi',
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
