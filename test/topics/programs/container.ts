/** A member.ts that has the host name and pid of its like, as the first process of a container has. */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

os.hostname = () => 'container';
Object.defineProperty(process, 'pid', { value: 1 });
syncBuiltinESMExports();
await import('./member.ts');
