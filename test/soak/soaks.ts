import { churn } from './churn.ts';
import type { Soak } from './contract.ts';
import { cycles } from './cycles.ts';
import { echo } from './echo.ts';
import { slowReaders } from './slow-readers.ts';

export const soaks: readonly Soak[] = [echo, churn, cycles, slowReaders];
