/** A thread that writes by handles: numbered writes to each, in order, until told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ConnHandle, connHandle } from 'gnet';

export interface WritingPlan {
  readonly thread: number;
  readonly handles: readonly ConnHandle[];
  readonly writes: number;
}

export interface WritingResult {
  readonly taken: number;
  readonly refused: number;
  /** What else happened: nothing is expected. */
  readonly other: readonly string[];
}

/** Writes that may be under way at a time. */
const window = 512;

async function write({ thread, handles, writes }: WritingPlan): Promise<WritingResult> {
  const conns = handles.map((handle) => connHandle(handle));
  let taken = 0;
  let refused = 0;
  const other: string[] = [];
  let underWay = 0;
  let freed: (() => void) | null = null;
  const settled = (): void => {
    underWay--;
    freed?.();
    freed = null;
  };
  for (let index = 0; index < writes; index++) {
    const at = index % conns.length;
    // Every line names its connection and its sender, and is numbered per sender.
    const line = `${handles[at]?.id} ${thread} ${index}\n`;
    underWay++;
    let calls = 0;
    conns[at]?.write(line).then(
      () => {
        taken++;
        if (++calls > 1) other.push('settled twice');
        settled();
      },
      (error: { code?: string }) => {
        refused++;
        if (error.code !== 'ErrConnClosed') other.push(String(error));
        settled();
      },
    );
    while (underWay >= window) {
      await new Promise<void>((resolve) => {
        freed = resolve;
      });
    }
  }
  while (underWay > 0) {
    await new Promise<void>((resolve) => {
      freed = resolve;
    });
  }
  return { taken, refused, other };
}

parentPort?.postMessage(await write(workerData as WritingPlan));
