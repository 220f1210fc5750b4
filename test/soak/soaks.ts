import { churn } from './churn.ts';
import type { Soak } from './contract.ts';
import { crossThreadWrites } from './cross-thread-writes.ts';
import { cycles } from './cycles.ts';
import { echo } from './echo.ts';
import { handshakes } from './handshakes.ts';
import { hellos } from './hellos.ts';
import { httpChurn } from './http-churn.ts';
import { frames } from './frames.ts';
import { evenLoops, loopCycles } from './loops.ts';
import { patientClose } from './patient-close.ts';
import { restarts } from './restarts.ts';
import { slowReaders } from './slow-readers.ts';
import { stopUnderLoad } from './stop-under-load.ts';
import { tinyRingPressure } from './tiny-ring.ts';

export const soaks: readonly Soak[] = [
  echo,
  frames,
  churn,
  httpChurn,
  cycles,
  slowReaders,
  patientClose,
  crossThreadWrites,
  evenLoops,
  loopCycles,
  stopUnderLoad,
  tinyRingPressure,
  handshakes,
  hellos,
  restarts,
];
