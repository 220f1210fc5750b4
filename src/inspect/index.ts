/** A small page that shows running servers in a browser, and its data for programs. */
export { inspect, type Inspected } from './inspect.ts';
export type { InspectOptions, Inspector } from './options.ts';
export type {
  ConnectionPage,
  ConnectionRow,
  ProcessFacts,
  ServerFacts,
  Snapshot,
} from './protocol.ts';
