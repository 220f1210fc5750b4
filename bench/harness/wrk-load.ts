/** `wrk`, the load generator for HTTP. */

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { buildWindow, foreignLoadMissing, runInWindow } from './foreign-load.ts';
import { addressText, type Load, type LoadResult, type LoadRun } from './load.ts';
import type { Endpoint } from './peer.ts';
import { isSecure, makeTlsFiles } from './tls-files.ts';

const SCRIPT = fileURLToPath(new URL('../wrk/plaintext.lua', import.meta.url));
const REQUEST = 'GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const BODY = 'Hello, World!';
const CHECKED_REQUESTS = 16;
const CHECK_TIMEOUT_MS = 5_000;

const UNTOLD = { p50: null, p99: null, p999: null, max: null };

interface WrkOutput {
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly latencyUs: LoadResult['latencyUs'];
}

/** What is asked for, and by which script. */
export interface WrkPlan {
  readonly script: string;
  readonly path: string;
  readonly parameters: readonly string[];
}

export function wrkLoad(): Load {
  return {
    name: 'wrk',
    unavailable: () => foreignLoadMissing('wrk', 'wrk'),
    build() {
      buildWindow();
      makeTlsFiles();
    },
    async run(run) {
      await checkPipelinedAnswers(run.endpoint, isSecure(run.work));
      const plan = { script: SCRIPT, path: '/plaintext', parameters: [`${run.case.pipeline}`] };
      if (run.warmupSeconds > 0) await runWrk(run, run.warmupSeconds, plan);
      return runWrk(run, run.seconds, plan);
    },
  };
}

export async function runWrk(run: LoadRun, wish: number, plan: WrkPlan): Promise<LoadResult> {
  // It takes whole seconds only.
  const seconds = Math.max(1, Math.round(wish));
  const args = ['-t1', `-c${run.case.connections}`, `-d${seconds}s`, '-s', plan.script];
  const scheme = isSecure(run.work) ? 'https' : 'http';
  args.push(`${scheme}://${addressText(run.endpoint)}${plan.path}`, '--', ...plan.parameters);
  const { output, window } = await runInWindow(run, { program: 'wrk', args }, seconds);
  const found = JSON.parse(output.trimEnd().split('\n').pop() ?? '') as WrkOutput;
  if (found.errors !== 0) throw new Error(`wrk counted ${found.errors} errors`);
  // Its own clock: the window also has its start and its end, where nothing is asked for.
  return {
    ...window,
    requests: found.requests,
    bytes: 0,
    seconds: found.seconds,
    // Of requests that are sent together it times the last one only, and then corrects the others.
    latencyUs: run.case.pipeline === 1 ? found.latencyUs : UNTOLD,
    lost: 0,
  };
}

/** The load looks at status lines only, so what a server answers is checked here. */
async function checkPipelinedAnswers(endpoint: Endpoint, secure: boolean): Promise<void> {
  if (endpoint.protocol !== 'tcp') throw new Error('HTTP is measured over TCP');
  const text = await answersTo(endpoint.port, REQUEST.repeat(CHECKED_REQUESTS), secure);
  let rest = text;
  for (let i = 0; i < CHECKED_REQUESTS; i++) {
    const head = /^HTTP\/1\.1 200 [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(rest)?.[0];
    if (head === undefined) throw new Error(`answer ${i} has no right head: ${rest.slice(0, 200)}`);
    if (!/^content-type: *text\/plain/im.test(head) || !/^content-length: *13\r$/im.test(head)) {
      throw new Error(`answer ${i} has wrong headers: ${head}`);
    }
    if (!/^date: \w{3}, /im.test(head)) throw new Error(`answer ${i} has no date: ${head}`);
    if (!rest.startsWith(BODY, head.length)) throw new Error(`answer ${i} has a wrong body`);
    rest = rest.slice(head.length + BODY.length);
  }
  if (rest !== '') throw new Error(`bytes behind the last answer: ${rest.slice(0, 200)}`);
}

/** What comes back, up to as many answers as there are requests. */
function answersTo(port: number, requests: string, secure: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const target = { port, host: '127.0.0.1' };
    const ask = (): void => void socket.write(requests);
    const socket: Socket = secure
      ? connectTls({ ...target, rejectUnauthorized: false }, ask)
      : connect(target, ask);
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve(text);
      else reject(error);
    };
    socket.setTimeout(CHECK_TIMEOUT_MS, () => end(new Error(`answers are missing: ${text}`)));
    socket.on('error', end);
    socket.on('close', () => end());
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      const heads = text.split('\r\n\r\n');
      if (heads.length > CHECKED_REQUESTS && heads.at(-1)!.length >= BODY.length) end();
    });
  });
}
