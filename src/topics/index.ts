/** Publishing and subscribing by name, over the loops of a server and, with a backplane, processes. */
export type { Backplane, Deliver, PublishOptions } from './backplane.ts';
export type { PresenceOptions } from './presence.ts';
export type { Subscriber } from './subscriber.ts';
export {
  type Delivered,
  type SlowPolicy,
  Topics,
  type TopicsOptions,
  topics,
} from './topics.ts';
export { ErrTopicsClosed } from './topics-closed.ts';
