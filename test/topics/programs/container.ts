/** A member.ts that has the host name and pid of its like, as the first process of a container has. */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const { pid } = process;
os.hostname = () => 'container';
Object.defineProperty(process, 'pid', { value: 1, configurable: true });
syncBuiltinESMExports();
await import('gnet/topics');
await import('gnet/topics/redis');
// The native drivers try their calls with it: with another one they would not run.
Object.defineProperty(process, 'pid', { value: pid });
await import('./member.ts');
