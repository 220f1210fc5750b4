/**
 * Echoes at the end of a bad link until its input ends; then it says how many connections ended with
 * which error.
 *
 *     bad-link-server.ts DRIVER LOOPS tcp | tls
 */
import { once } from 'node:events';
import { GnetError, type Options, serve } from 'gnet';

const [driver, loops, transport] = process.argv.slice(2) as [
  NonNullable<Options['driver']>,
  string,
  'tcp' | 'tls',
];
const { key, cert } = JSON.parse(process.env['GNET_LAB_TLS'] ?? '{}') as Record<string, string>;

let opened = 0;
const errors: string[] = [];
const server = await serve(
  {
    onOpened: () => void opened++,
    react: (frame) => frame,
    onClosed(_c, error) {
      if (error !== undefined) errors.push(error instanceof GnetError ? error.code : String(error));
    },
  },
  `${transport}://10.9.0.1:9000`,
  {
    driver,
    logLevel: 'error',
    numEventLoop: Number(loops),
    ...(transport === 'tls' && { tls: { key: key as string, cert: cert as string } }),
  },
);
process.stdin.resume();
await once(process.stdin, 'end');
const { forced } = await server.stop();
console.log(JSON.stringify({ opened, forced, errors }));
process.exit(errors.length + forced === 0 ? 0 : 1);
