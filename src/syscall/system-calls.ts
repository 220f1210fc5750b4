/**
 * Calls that each system has in a way of its own. A file for each system, all with the same exports;
 * pktinfo(7), which is one more of them, is `packet-info.ts`, and errno's address `errno-location.ts`.
 */
export { acceptRaw, receiveMessagesRaw, sendMessagesRaw, sendQueueRequest } from './linux-calls.ts';
