/**
 * The functions that OpenSSL calls back, as machine code of a few instructions each. They only copy
 * what stands in native memory (`callbacks.ts`): calling JavaScript from C ends the process when its
 * thread is terminated at that moment (docs/decisions/0027). Checked by running them, and against an
 * assembler's output; comments give the instructions.
 */

/** The program of one function, with `address` as a constant inside. */
type Program = (address: bigint) => Uint8Array;

export interface Programs {
  /**
   * `alpn_select_cb(ssl, out, outlen, in, inlen, arg)`: `*out = arg[0..8]`, `*outlen = arg[8]`, returns
   * `arg[12..16]`.
   */
  readonly selectProtocol: Program;
  /** `info_callback(ssl, where, value)`: an alert's value goes to `address + (where & 12)`. */
  readonly noteAlert: Program;
  /**
   * `keylog_cb(ssl, line)`: copies the line and a line end to where `address[0..8]` points, and moves
   * that on; nothing when it would pass `address[8..16]`.
   */
  readonly noteKey: Program;
  /** Anything that asks whether to go on: returns 1. */
  readonly yes: Program;
  /** Anything whose 0 is a success: returns 0. */
  readonly zero: Program;
}

/** The eight bytes of a 64-bit constant, little-endian. */
function constantBytes(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

const bytes = (...parts: (number | number[])[]): Uint8Array => Uint8Array.from(parts.flat());

/** The System V calling convention: rdi, rsi, rdx, rcx, r8, r9; the result in eax. */
const endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];

const x64: Programs = {
  selectProtocol: () =>
    bytes(
      endbr64,
      [0x49, 0x8b, 0x01], // mov rax, [r9]
      [0x48, 0x89, 0x06], // mov [rsi], rax
      [0x41, 0x8a, 0x41, 0x08], // mov al, [r9 + 8]
      [0x88, 0x02], // mov [rdx], al
      [0x41, 0x8b, 0x41, 0x0c], // mov eax, [r9 + 12]
      0xc3, // ret
    ),
  noteAlert: (address) =>
    bytes(
      endbr64,
      [0xf7, 0xc6, 0x00, 0x40, 0x00, 0x00], // test esi, SSL_CB_ALERT
      [0x74, 0x10], // jz to ret
      [0x48, 0xb8, ...constantBytes(address)], // mov rax, address
      [0x83, 0xe6, 0x0c], // and esi, 12
      [0x89, 0x14, 0x30], // mov [rax + rsi], edx
      0xc3, // ret
    ),
  noteKey: (address) =>
    bytes(
      endbr64,
      [0x48, 0xb8, ...constantBytes(address)], // mov rax, address
      [0x48, 0x8b, 0x10], // mov rdx, [rax]
      [0x48, 0x8b, 0x48, 0x08], // mov rcx, [rax + 8]
      [0x48, 0x39, 0xca], // loop: cmp rdx, rcx
      [0x73, 0x1c], // jae to ret
      [0x44, 0x8a, 0x06], // mov r8b, [rsi]
      [0x45, 0x84, 0xc0], // test r8b, r8b
      [0x74, 0x0b], // jz to end
      [0x44, 0x88, 0x02], // mov [rdx], r8b
      [0x48, 0xff, 0xc2], // inc rdx
      [0x48, 0xff, 0xc6], // inc rsi
      [0xeb, 0xe8], // jmp to loop
      [0xc6, 0x02, 0x0a], // end: mov byte [rdx], 10
      [0x48, 0xff, 0xc2], // inc rdx
      [0x48, 0x89, 0x10], // mov [rax], rdx
      0xc3, // ret
    ),
  yes: () => bytes(endbr64, [0xb8, 0x01, 0x00, 0x00, 0x00], 0xc3), // mov eax, 1; ret
  zero: () => bytes(endbr64, [0x31, 0xc0], 0xc3), // xor eax, eax; ret
};

/** Instructions of 32 bits, and a constant behind them that `ldr` finds. */
function arm64Program(instructions: readonly number[], constant?: bigint): Uint8Array {
  const length = instructions.length * 4;
  const program = new DataView(new ArrayBuffer(constant === undefined ? length : length + 8));
  for (const [index, word] of instructions.entries()) program.setUint32(index * 4, word, true);
  if (constant !== undefined) program.setBigUint64(length, constant, true);
  return new Uint8Array(program.buffer);
}

/** The standard calling convention (AAPCS64): x0 to x5; the result in w0. */
const arm64: Programs = {
  selectProtocol: () =>
    arm64Program([
      0xd503245f, // bti c
      0xf94000a6, // ldr x6, [x5]
      0xf9000026, // str x6, [x1]
      0x394020a6, // ldrb w6, [x5, #8]
      0x39000046, // strb w6, [x2]
      0xb9400ca0, // ldr w0, [x5, #12]
      0xd65f03c0, // ret
    ]),
  noteAlert: (address) =>
    arm64Program(
      [
        0xd503245f, // bti c
        0x36700081, // tbz w1, #14, to ret
        0x58000083, // ldr x3, =address
        0x121e0421, // and w1, w1, #12
        0xb8216862, // str w2, [x3, x1]
        0xd65f03c0, // ret
      ],
      address,
    ),
  noteKey: (address) =>
    arm64Program(
      [
        0xd503245f, // bti c
        0x580001a2, // ldr x2, =address
        0xf9400043, // ldr x3, [x2]
        0xf9400444, // ldr x4, [x2, #8]
        0xeb04007f, // loop: cmp x3, x4
        0x54000102, // b.hs to ret
        0x38401425, // ldrb w5, [x1], #1
        0x34000065, // cbz w5, to end
        0x38001465, // strb w5, [x3], #1
        0x17fffffb, // b to loop
        0x52800145, // end: mov w5, #10
        0x38001465, // strb w5, [x3], #1
        0xf9000043, // str x3, [x2]
        0xd65f03c0, // ret
      ],
      address,
    ),
  yes: () => arm64Program([0xd503245f, 0x52800020, 0xd65f03c0]), // bti c; mov w0, #1; ret
  zero: () => arm64Program([0xd503245f, 0x52800000, 0xd65f03c0]), // bti c; mov w0, #0; ret
};

/** By CPU in Node's words; undefined where there are none. */
export const programsByCpu: Readonly<Record<string, Programs | undefined>> = { x64, arm64 };
