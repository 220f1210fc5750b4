import type { Backend } from './backend.ts';

const backendOf = Symbol.for('gnet.driver.backend');

/** A driver as a value, for the option `driver`: the simulated one of `gnet/testing`. */
export interface GivenDriver {
  readonly name: string;
}

export function giveDriver(backend: Backend): GivenDriver {
  return Object.freeze({ name: backend.name, [backendOf]: backend });
}

/** Undefined for what is no such value. */
export function backendGiven(value: unknown): Backend | undefined {
  return typeof value === 'object' && value !== null
    ? (value as { [backendOf]?: Backend })[backendOf]
    : undefined;
}
