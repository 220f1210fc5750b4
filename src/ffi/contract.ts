/**
 * What the rooms above need from a runtime's FFI, and nothing more. One file per runtime meets it;
 * `index.ts` picks one. Addresses are opaque outside this room: only `addressAt` computes with them.
 */

/** An address in this process: a `bigint` on Node, a number on runtimes that want one. */
export type Address = bigint | number;

/** What an integer argument of a foreign function must be turned into: see `word`. */
export type Word = bigint | number;

/**
 * A foreign function. Every argument is a machine word (`word(n)` or an address) and the result a
 * 32-bit integer, because on Node only such signatures are called without a slow wrapper.
 */
export type ForeignFunction = (...args: Word[]) => number;

/** As `ForeignFunction`, but the result is an address. */
export type ForeignAddressFunction = (...args: Word[]) => Address;

/** Where functions are looked up: the process itself, or one shared library. */
export interface ForeignLibrary {
  /**
   * The function `name` with `argumentCount` words. Resolve once per thread and keep the function in a
   * module constant.
   * @throws Error when there is no such symbol.
   */
  lookup(name: string, argumentCount: number): ForeignFunction;
  lookupAddress(name: string, argumentCount: number): ForeignAddressFunction;
}

/** Looks up in the C library, and in what the runtime's own executable exports. */
export interface ForeignInterface extends ForeignLibrary {
  /** Whose it is. */
  readonly name: 'node:ffi' | 'koffi' | 'bun:ffi' | 'Deno.dlopen';
  readonly nullAddress: Address;
  /**
   * The shared library of that name or path, which stays open as long as the thread lives.
   * @throws Error when there is none, or it cannot be loaded.
   */
  open(path: string): ForeignLibrary;
  /** An integer as an argument; negative numbers keep their low 32 bits. Folded away by the JIT. */
  word(value: number): Word;
  /** The address `offset` bytes behind `base`. */
  addressAt(base: Address, offset: number): Address;
  /**
   * The `byteLength` bytes at `address` as an ArrayBuffer, not copied. The memory must outlive every
   * view of it: it is never unmapped once a view was given out. Programs cannot transfer a view to
   * another thread where the runtime can forbid it.
   */
  view(address: Address, byteLength: number): ArrayBuffer;
  /**
   * Where the bytes of `bytes` are now. Good until control returns to JavaScript that could detach or
   * collect them: for one call, with `bytes` still referenced after it. Of no bytes it is an address
   * that nothing may be read from: the null address, where the runtime has no other.
   */
  addressOf(bytes: Uint8Array): Address;
  /** The runtime's event loop (`uv_loop_t*`) of this thread, or the null address. */
  currentEventLoop(): Address;
}
