import type { Conn } from '../index.ts';

/** `setKeepAlive` of `net.Socket` takes milliseconds, one by one or by name; a connection by name. */
export function keepAliveOf(given: readonly unknown[]): Parameters<Conn['setKeepAlive']> {
  const [first, delay, interval, count] = given;
  if (typeof first === 'object' && first !== null) {
    const named = first as Record<string, unknown>;
    return keepAliveOf([named['enable'], named['initialDelay'], named['interval'], named['count']]);
  }
  return [
    first === undefined ? false : Boolean(first),
    {
      ...(positive(delay) && { idle: delay }),
      ...(positive(interval) && { interval }),
      ...(positive(count) && { count }),
    },
  ];
}

function positive(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}
