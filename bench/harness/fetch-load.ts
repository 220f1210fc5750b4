/** Requests to one path of an app, by `wrk`. */

import { fileURLToPath } from 'node:url';
import { buildWindow, foreignLoadMissing } from './foreign-load.ts';
import { addressText, type Load } from './load.ts';
import { runWrk } from './wrk-load.ts';

const SCRIPT = fileURLToPath(new URL('../wrk/fetch.lua', import.meta.url));

export interface FetchLoadOptions {
  readonly path: string;
  /** Bytes of the body of a POST; a GET when left out. */
  readonly bodyLength?: number;
  /** What the answer must be. */
  readonly isRight: (text: string) => boolean;
}

export function fetchLoad(options: FetchLoadOptions): Load {
  const { path, bodyLength = 0, isRight } = options;
  const method = bodyLength > 0 ? 'POST' : 'GET';
  const plan = { script: SCRIPT, path, parameters: [method, String(bodyLength)] };
  return {
    name: 'wrk',
    unavailable: () => foreignLoadMissing('wrk', 'wrk'),
    build: buildWindow,
    async run(run) {
      // The load looks at status lines only.
      const body = bodyLength > 0 ? { body: 'x'.repeat(bodyLength) } : {};
      const answer = await fetch(`http://${addressText(run.endpoint)}${path}`, { method, ...body });
      const text = await answer.text();
      if (answer.status !== 200 || !isRight(text)) {
        throw new Error(`${path} is answered ${answer.status} ${text.slice(0, 200)}`);
      }
      if (run.warmupSeconds > 0) await runWrk(run, run.warmupSeconds, plan);
      return runWrk(run, run.seconds, plan);
    },
  };
}
