const EMPTY = Buffer.alloc(0);
const FIRST_ARGUMENTS = 64;

/**
 * Whole commands as offsets into the bytes they arrived in:
 *
 *   commandEnds   one number per command: how many arguments there are up to and with it
 *   offsets       two numbers per argument: where it starts and where it ends
 *
 * A batch whose last command is not complete yet also holds the state of the parser.
 */
export class CommandBatch {
  /** Decoded, and not answered yet. */
  isFresh = false;
  bytes: Buffer = EMPTY;
  count = 0;
  argumentCount = 0;
  commandEnds: Int32Array = new Int32Array(FIRST_ARGUMENTS);
  offsets: Int32Array = new Int32Array(FIRST_ARGUMENTS * 2);
  /** What was wrong with the bytes after these commands; nothing after it was read. */
  protocolError: string | null = null;

  // Of the parser, from here on.
  /** First byte of the command that is being read. */
  commandStart = 0;
  /** Next byte to look at. */
  position = 0;
  /** Arguments of that command that are still to come; 0 before its header was read. */
  argumentsLeft = 0;
  /** Bytes of an inline command that were searched for its end. */
  searched = 0;
  /** With fewer bytes available, looking again is pointless. */
  needed = 0;

  clear(): void {
    this.count = 0;
    this.argumentCount = 0;
    this.protocolError = null;
    this.commandStart = 0;
    this.position = 0;
    this.argumentsLeft = 0;
    this.searched = 0;
    this.needed = 0;
  }

  addArgument(start: number, end: number): void {
    const index = this.argumentCount * 2;
    if (index === this.offsets.length) this.offsets = doubled(this.offsets);
    this.offsets[index] = start;
    this.offsets[index + 1] = end;
    this.argumentCount++;
  }

  /** All arguments since the last call are one command. */
  endCommand(): void {
    if (this.count === this.commandEnds.length) this.commandEnds = doubled(this.commandEnds);
    this.commandEnds[this.count++] = this.argumentCount;
  }

  /** Moves the unfinished command to a batch of its own, counted from its first byte. */
  splitUnfinished(): CommandBatch {
    const rest = new CommandBatch();
    const first = this.count === 0 ? 0 : (this.commandEnds[this.count - 1] as number);
    const by = this.commandStart;
    for (let index = first; index < this.argumentCount; index++) {
      const start = this.offsets[index * 2] as number;
      rest.addArgument(start - by, (this.offsets[index * 2 + 1] as number) - by);
    }
    this.argumentCount = first;
    rest.position = this.position - by;
    rest.argumentsLeft = this.argumentsLeft;
    rest.searched = this.searched;
    rest.needed = this.needed - by;
    return rest;
  }
}

function doubled(array: Int32Array): Int32Array {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
