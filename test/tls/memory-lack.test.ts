/** No memory for a slab, with the engine of this run. */
import { lacksMemory } from './memory-lack.ts';

lacksMemory('TLS');
