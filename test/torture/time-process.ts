/**
 * A server whose time is disturbed. It says where it listens, and for each line `report` what its clocks
 * and events say; the end of its input ends it.
 *
 *     time-process.ts DRIVER LOOPS
 */
import { createInterface } from 'node:readline';
import { isMainLoop, type Options, serve } from 'gnet';
import { TimeHandler, timeCounts } from './time-handler.ts';
import { idleMs, stopMs } from './time-cases.ts';

const [driver, loops] = process.argv.slice(2) as [NonNullable<Options['driver']>, string];
const server = await serve(new TimeHandler(), 'tcp://127.0.0.1:0', {
  driver,
  numEventLoop: Number(loops),
  idleTimeout: idleMs,
  ticker: true,
  logLevel: 'silent',
});
if (isMainLoop) {
  const say = (what: object): void => console.log(JSON.stringify(what));
  say({ port: Number(server.addr.split(':')[1]) });
  const clock = Date.now;
  let ahead = 0;
  for await (const line of createInterface(process.stdin)) {
    const [word, value] = line.split(' ');
    // Where nothing can change the clock of a process: what a program asks for is changed.
    if (word === 'clock') {
      ahead = Number(value) * 1_000;
      Date.now = () => clock() + ahead;
    } else {
      const cpu = process.cpuUsage();
      say({ ...timeCounts(), now: Date.now(), cpuMs: (cpu.user + cpu.system) / 1_000 });
    }
  }
  const { forced } = await server.stop({ timeout: stopMs });
  say({ forced, ...timeCounts() });
  process.exit();
}
