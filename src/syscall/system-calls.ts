import { linuxCalls } from './linux/calls.ts';
import type { SystemCalls } from './system-contract.ts';
import { ofThisSystem } from './this-system.ts';

/** See `SystemCalls`. */
export const { acceptRaw, receiveMessagesRaw, sendMessagesRaw, sendQueueRequest }: SystemCalls =
  ofThisSystem({ linux: linuxCalls })();
