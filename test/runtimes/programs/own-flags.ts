/** Prints what stands before its file in the command that started it. */
import { runtimeArguments } from '../../../src/host/runtime-features.ts';

console.log(JSON.stringify(runtimeArguments()));
