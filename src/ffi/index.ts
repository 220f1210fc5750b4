/**
 * The FFI of this runtime, best first. Importing this throws where there is none: drivers that need
 * it are imported dynamically, after the choice (`driver/choice.ts`).
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import type { ForeignInterface } from './contract.ts';
import { createNodeInterface, findNodeFfi } from './node.ts';

export type { Address, ForeignAddressFunction, ForeignFunction, Word } from './contract.ts';

function choose(): ForeignInterface {
  const nodeFfi = findNodeFfi();
  if (nodeFfi !== undefined) return createNodeInterface(nodeFfi);
  throw new ErrUnsupportedPlatform(
    'cannot call the kernel: this runtime has no usable FFI; use Node 26.10 or newer, with --allow-ffi under --permission',
  );
}

export const foreignInterface: ForeignInterface = choose();

// Module constants, so that the JIT sees the functions themselves at their call sites.
export const word = foreignInterface.word;
export const addressAt = foreignInterface.addressAt;
export const nullAddress = foreignInterface.nullAddress;
