import { noFaults, type SimulatedFaults } from '../driver/simulated/index.ts';
import { ErrInvalidOption } from '../index.ts';

const known = Object.keys(noFaults) as readonly (keyof SimulatedFaults)[];

/** @throws ErrInvalidOption naming what is no fault, or no probability. */
export function withoutFaultsBut(given: Partial<SimulatedFaults>): SimulatedFaults {
  for (const [name, value] of Object.entries(given)) {
    if (!known.includes(name as keyof SimulatedFaults)) {
      throw new ErrInvalidOption(
        `cannot simulate the fault ${name}: there is none of that name; known are ${known.join(', ')}`,
      );
    }
    const most = name === 'delayTurnsMax' ? 1_000 : 1;
    if (typeof value === 'number' && value >= 0 && value <= most) continue;
    throw new ErrInvalidOption(
      `cannot simulate the fault ${name}=${String(value)}: give a number from 0 to ${most}`,
    );
  }
  return { ...noFaults, ...given };
}
