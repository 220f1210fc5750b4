/** No memory for a slab, with `node:tls`. */
import { lacksMemory } from './memory-lack.ts';

process.env['GNET_OPENSSL'] = 'node:tls';
lacksMemory('node:tls');
