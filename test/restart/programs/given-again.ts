/** Serves on descriptors 3 and 4 in ways that must not give one socket two owners, and says what happens. */
import { type Server, serve } from 'gnet';

const [busy = ''] = process.argv.slice(2);
process.env['LISTEN_PID'] = String(process.pid);
process.env['LISTEN_FDS'] = '2';
process.env['LISTEN_FDNAMES'] = 'web:admin';

async function outcome(serving: Promise<Server>): Promise<string> {
  try {
    const server = await serving;
    await server.stop();
    return 'served';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}

const say = (what: string, outcomes: readonly string[]): void => {
  console.log(JSON.stringify([what, ...outcomes]));
};

say('twice in one call', [await outcome(serve({}, ['fd://3', 'fd://3']))]);
say('by two names', [await outcome(serve({}, ['systemd://', 'systemd://web']))]);
say('beside what is taken', [await outcome(serve({}, ['fd://3', busy]))]);
const both = [serve({}, 'fd://3'), serve({}, 'fd://3')].map(outcome);
say('two calls at once', await Promise.all(both));
const others = await Promise.all(Array.from({ length: 6 }, () => serve({}, 'tcp://127.0.0.1:0')));
say('by name, after it was closed', [await outcome(serve({}, 'systemd://web'))]);
say('the other one', [await outcome(serve({}, 'systemd://admin'))]);
await Promise.all(others.map((server) => server.stop()));
