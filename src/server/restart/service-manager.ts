import { environment } from '../../base/environment.ts';
import { errorOf } from '../../base/thrown.ts';
import { hasParent } from './below-parent.ts';
import type { Backend } from '../../driver/backend.ts';
import type { Logger } from '../../logging/logger.ts';

/** Where systemd, or whoever does as it does, hears of a service. sd_notify(3) */
const socketVariable = 'NOTIFY_SOCKET';

/** The clock of the system's messages: microseconds since the machine began. */
function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1_000n;
}

/** What is told to whoever supervises this process, if it wants to hear of it. */
export class ServiceManager {
  readonly #backend: Pick<Backend, 'native' | 'name'>;
  readonly #logger: Logger;

  constructor(backend: Pick<Backend, 'native' | 'name'>, logger: Logger) {
    this.#backend = backend;
    this.#logger = logger;
  }

  /** It serves. */
  ready(): void {
    this.#tell('READY=1');
  }

  reloading(): void {
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`);
  }

  /** That process is the service from now on, and serves. */
  handedOver(pid: number): void {
    // A parent that stays is what is supervised.
    this.#tell(hasParent ? 'READY=1' : `MAINPID=${pid}\nREADY=1`);
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  #tell(state: string): void {
    const path = environment[socketVariable];
    if (path === undefined || !/^[@/]/.test(path)) return;
    const { native, name } = this.#backend;
    try {
      if (native === undefined) {
        throw new Error(`the driver ${name} cannot send to ${socketVariable}`);
      }
      native.sendToPath(path, Buffer.from(`${state}\n`));
    } catch (error) {
      const what = 'the service manager could not be told';
      this.#logger.warn(what, { state, err: errorOf(error) });
    }
  }
}
