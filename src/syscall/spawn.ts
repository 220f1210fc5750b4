/**
 * Starting a program by posix_spawn(3), which copies nothing of this process: fork(2) copies its page
 * tables, and stands still for that, a tenth of a second for each half a gigabyte.
 *
 *   memory: [ pid | file actions | argv, envp | texts ]
 */
import { type Address, addressAt, foreignInterface, nullAddress, word } from '../ffi/index.ts';
import { errnoNumber } from '../platform/index.ts';
import { mapMemory, type NativeMemory } from './memory.ts';

/** See `SpawnPlan` of the backend. */
interface Plan {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly directory: string | null;
  readonly descriptors: readonly number[];
}

const actionsOffset = 64;
/** Opaque; 80 bytes in the C libraries of Linux. */
const actionsBytes = 448;
const listsOffset = actionsOffset + actionsBytes;
const pointerBytes = 8;

const noSuchFile = errnoNumber('ENOENT') as number;

/** The memory of the last call, which the next one uses again if it is large enough. */
let kept: NativeMemory | null = null;

function memoryOf(byteLength: number): NativeMemory {
  if (kept === null || kept.buffer.byteLength < byteLength) kept = mapMemory(byteLength);
  return kept;
}

interface Written {
  readonly memory: NativeMemory;
  readonly command: Address;
  readonly argv: Address;
  readonly envp: Address;
  readonly directory: Address | null;
}

/** Writes lists of pointers, and the texts behind them. */
function write({ command, args, environment, directory }: Plan): Written {
  const argv = [command, ...args];
  const texts = [...argv, ...environment, ...(directory === null ? [] : [directory])];
  const encoded = texts.map((text) => Buffer.from(`${text}\0`));
  const textsOffset = listsOffset + (argv.length + 1 + environment.length + 1) * pointerBytes;
  const textBytes = encoded.reduce((sum, { length }) => sum + length, 0);
  const memory = memoryOf(textsOffset + textBytes);
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  bytes.fill(0, 0, textsOffset);
  let at = textsOffset;
  const addresses = encoded.map((text) => {
    bytes.set(text, at);
    const address = addressAt(memory.address, at);
    at += text.length;
    return address;
  });
  const list = (offset: number, from: readonly Address[]): Address => {
    from.forEach((address, index) => {
      view.setBigUint64(offset + index * pointerBytes, BigInt(address), true);
    });
    return addressAt(memory.address, offset);
  };
  const environmentOffset = listsOffset + (argv.length + 1) * pointerBytes;
  const environmentEnd = argv.length + environment.length;
  return {
    memory,
    command: addresses[0] as Address,
    argv: list(listsOffset, addresses.slice(0, argv.length)),
    envp: list(environmentOffset, addresses.slice(argv.length, environmentEnd)),
    directory: addresses[environmentEnd] ?? null,
  };
}

/** Calls that add to the list of what happens between fork and exec. */
function fileActions(actions: Address) {
  const duplicate = foreignInterface.lookup('posix_spawn_file_actions_adddup2', 3);
  const close = foreignInterface.lookup('posix_spawn_file_actions_addclose', 2);
  return {
    duplicate: (from: number, to: number) => duplicate(actions, word(from), word(to)),
    close: (descriptor: number) => close(actions, word(descriptor)),
  };
}

/** First out of each other's way, then to their places, which an exec does not close. */
function placeDescriptors(actions: Address, { descriptors }: Plan): number {
  const { duplicate, close } = fileActions(actions);
  const between = numbersBetween(descriptors);
  let error = 0;
  descriptors.forEach((descriptor, at) => {
    error ||= duplicate(descriptor, between[at] as number);
  });
  between.forEach((number, at) => {
    error ||= duplicate(number, at) || close(number);
  });
  return error;
}

/**
 * As many numbers as there are descriptors, none of which is one of them, or the place of one. The lowest:
 * behind the highest descriptor there may be none that the limit allows. Whatever else has them now is
 * closed by the exec anyway.
 */
function numbersBetween(descriptors: readonly number[]): readonly number[] {
  const found: number[] = [];
  for (let number = descriptors.length; found.length < descriptors.length; number++) {
    if (!descriptors.includes(number)) found.push(number);
  }
  return found;
}

/**
 * The process id, or minus an errno. Waits for the exec: what hinders it is told. A program without a name
 * cannot be there: that is told without a child, for whose turn on a CPU this thread would wait.
 * @throws Error where the C library lacks a part of it.
 */
export function spawnProcess(plan: Plan): number {
  const { memory, command, argv, envp, directory } = write(plan);
  const actions = addressAt(memory.address, actionsOffset);
  const spawn = foreignInterface.lookup('posix_spawn', 6);
  const initialize = foreignInterface.lookup('posix_spawn_file_actions_init', 1);
  const destroy = foreignInterface.lookup('posix_spawn_file_actions_destroy', 1);
  const change =
    directory === null ? null : foreignInterface.lookup('posix_spawn_file_actions_addchdir_np', 2);
  let error = initialize(actions);
  if (error !== 0) return -error;
  try {
    if (change !== null) error = change(actions, directory as Address);
    error ||= placeDescriptors(actions, plan);
    if (plan.command === '') error ||= noSuchFile;
    error ||= spawn(memory.address, command, actions, nullAddress, argv, envp);
  } finally {
    destroy(actions);
  }
  return error === 0 ? new DataView(memory.buffer).getInt32(0, true) : -error;
}
