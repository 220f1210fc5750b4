import { deepStrictEqual } from 'node:assert';
import type { TestClient } from './test-client.ts';

/** A frame as a test writes it: text stands for the bytes of a frame. */
export type ExpectedFrame<Frame> = Frame | string | Uint8Array;

/**
 * Waits for as many frames as are expected, and compares them. What comes after them is left for the next
 * call.
 * @throws AssertionError if they differ; Error if the connection ends before, or, in a simulation, if
 * nothing is under way any more.
 */
export async function expectFrames<Frame>(
  client: TestClient<Frame>,
  expected: readonly ExpectedFrame<Frame>[],
): Promise<void> {
  const frames: unknown[] = [];
  for (const wanted of expected) {
    let frame: Frame;
    try {
      frame = await client.readFrame();
    } catch (error) {
      const message = `after ${frames.length} of ${expected.length} frames: ${(error as Error).message}`;
      throw new Error(message, { cause: error });
    }
    frames.push(comparable(frame, wanted));
  }
  deepStrictEqual(
    frames,
    expected.map((wanted) => comparable(wanted, wanted)),
  );
}

/** Bytes that are compared with text become text, so that the difference can be read. */
function comparable(frame: unknown, wanted: unknown): unknown {
  if (!(frame instanceof Uint8Array)) return frame;
  const bytes = Buffer.from(frame);
  return typeof wanted === 'string' ? bytes.toString() : bytes;
}
