import { bsdCalls } from './bsd/calls.ts';
import { linuxCalls } from './linux/calls.ts';
import type { SystemCalls } from './system-contract.ts';
import { ofThisSystem } from './this-system.ts';

/** See `SystemCalls`. */
export const {
  acceptRaw,
  receiveRaw,
  sendRaw,
  receiveMessageRaw,
  sendMessageRaw,
  receiveMessagesRaw,
  sendMessagesRaw,
  fcntlRaw,
  ioctlRaw,
  sendQueueRequest,
  batchHeader,
  socketName,
  spreadingOption,
  discardAdvice,
  schedulingRaw,
}: SystemCalls = ofThisSystem({ linux: linuxCalls, bsd: bsdCalls })();
