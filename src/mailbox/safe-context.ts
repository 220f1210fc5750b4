/** The safe context of a connection between threads: values go as bytes, and come over a channel. */
import { BroadcastChannel, threadId } from 'node:worker_threads';
import { ErrInvalidReply } from '../base/errors.ts';
import type { Settle } from './sender.ts';
import { uncopied } from './uncopied-context.ts';

/** Loaded when a context is first sent: few programs do that. */
const v8 = () => process.getBuiltinModule('node:v8');

/** @throws ErrInvalidReply for what cannot go to other threads, such as a function. */
export function packContext(value: unknown): Uint8Array {
  try {
    return v8().serialize(value);
  } catch (error) {
    const why = (error as Error).message;
    throw new ErrInvalidReply(
      `cannot set the safe context: ${why}; give what postMessage takes, without shared memory`,
      { cause: error },
    );
  }
}

/** @throws RangeError where it is nested deeper than the stack of this thread allows. */
export function unpackContext(bytes: Uint8Array): unknown {
  return v8().deserialize(bytes);
}

/** The loop's side. @throws DataCloneError, and what the program's own accessors throw. */
export function tellOver(channel: string, value: unknown): void {
  const answering = new BroadcastChannel(channel);
  try {
    answering.postMessage([value]); // undefined alone would come as null
  } finally {
    answering.close();
  }
}

let asked = 0;

/**
 * Asks for a value.
 * @param post sends the name of the channel to the loop; what it settles with is whether there is one.
 */
export function askOver(post: (channel: string, settle: Settle) => void): Promise<unknown> {
  asked++;
  const channel = new BroadcastChannel(`gnet context ${threadId} ${asked}`);
  return new Promise((resolve, reject) => {
    channel.onmessage = (message) => {
      channel.close();
      resolve((message as { readonly data: readonly [unknown] }).data[0]);
    };
    channel.onmessageerror = ({ data }: { readonly data?: unknown }) => {
      channel.close();
      reject(uncopied(data ?? new Error('it could not be read here')));
    };
    post(channel.name, {
      resolve() {}, // the value is on its way
      reject(error) {
        channel.close();
        reject(error);
      },
    });
  });
}
