/** Publishing and subscribing by name, over the loops of a server and, with a backplane, processes. */
export type { Backplane } from './backplane.ts';
export { type SlowPolicy, type Subscriber, Topics, type TopicsOptions, topics } from './topics.ts';
