/** Publishing and subscribing by name, over the loops of a server and, with a backplane, processes. */
export type {
  Backplane,
  BackplaneHub,
  Deliver,
  Delivered,
  DeliverStored,
  PublishOptions,
} from './backplane.ts';
export type { PresenceOptions } from './presence.ts';
export type { Subscriber } from './subscriber.ts';
export {
  type SlowPolicy,
  Topics,
  type TopicsOptions,
  topics,
} from './topics.ts';
export { ErrTopicReserved, ErrTopicsClosed, ErrTopicTooLong } from './errors.ts';
