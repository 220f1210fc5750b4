/** A pool of threads for work that would block an event loop: `gnet/pool`. */
export { ErrPoolClosed, ErrPoolOverload } from '../base/errors.ts';
export { type PoolOptions, type SubmitOptions, WorkerPool } from './worker-pool.ts';
