import { ErrInvalidOption } from '../base/errors.ts';
import { milliseconds, nearestName, wholeNumber } from '../base/option-checks.ts';
import type { KeepAlive } from '../driver/contract.ts';
import type { KeepAliveTimes } from './conn.ts';

/** What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL, and for TCP_KEEPCNT. */
const secondsMax = 32_767;
const probesMax = 127;

const time = milliseconds(secondsMax * 1_000);
const probes = wholeNumber(1, probesMax, 'probes');
const names = ['idle', 'interval', 'count'] as const;

/** In the units that drivers take. @throws ErrInvalidOption */
export function keepAliveSettings(on: boolean, times: KeepAliveTimes): KeepAlive {
  for (const name of Object.keys(times)) {
    if (names.some((known) => known === name)) continue;
    const nearest = nearestName(name, names);
    const hint = nearest === undefined ? `there are ${names.join(', ')}` : `is it ${nearest}?`;
    throw new ErrInvalidOption(`cannot set keep-alive by ${name}: there is no such time; ${hint}`);
  }
  const seconds = (name: 'idle' | 'interval'): number => {
    const given = times[name];
    return given === undefined ? 0 : Math.ceil(time(name, given) / 1_000);
  };
  return {
    on: Boolean(on),
    idleSeconds: seconds('idle'),
    intervalSeconds: seconds('interval'),
    probes: times.count === undefined ? 0 : probes('count', times.count),
  };
}
