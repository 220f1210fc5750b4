import { chooseBackend } from '../../src/driver/choose-driver.ts';
import {
  type Outcome,
  type SlowReading,
  slowReading,
  temperaments,
  waysToClose,
} from '../support/slow-readers.ts';
import type { Soak, SoakContext } from './contract.ts';

const drivers = ['epoll', 'io_uring', 'node'] as const;

function describe({ driver, temperament, way }: SlowReading): string {
  return `${driver}, ${temperament} reader, ${way}`;
}

function check(reading: SlowReading, { received, ending, error }: Outcome): void {
  if (received === reading.bytes && ending === 'end' && error === undefined) return;
  throw new Error(`${describe(reading)}: ${received} bytes, then ${ending}; ${error?.message}`);
}

async function run({ small, progress, note }: SoakContext): Promise<void> {
  const bytes = (small ? 3 : 8) * 1_024 * 1_024;
  const bytesPerSecond = small ? 600_000 : 100_000;
  const closeTimeout = small ? 1_500 : 5_000;
  const readings: SlowReading[] = [];
  for (const driver of drivers) {
    const works = await chooseBackend(driver).then(
      () => true,
      () => false,
    );
    if (!works) {
      note(`${driver} does not work here`);
      continue;
    }
    for (const way of waysToClose) {
      for (const temperament of temperaments) {
        readings.push({ driver, temperament, way, bytes, bytesPerSecond, closeTimeout });
      }
    }
  }
  let done = 0;
  const one = async (reading: SlowReading): Promise<void> => {
    check(reading, await slowReading(reading));
    progress(++done / readings.length, describe(reading));
  };
  await Promise.all(readings.map(one));
  note(`${done} slow readers got all of their ${bytes} bytes and then the end`);
}

export const patientClose: Soak = {
  name: 'patient-close',
  title: '8 MiB and a close, an end, a stop or a proxy, to readers that take 100 KB/s',
  run,
};
