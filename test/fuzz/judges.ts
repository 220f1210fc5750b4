import { besideNode } from './beside-node-http.ts';
import { openRedis } from './beside-redis.ts';
import type { Judge } from './judge.ts';

export const judges: readonly Judge[] = [
  {
    name: 'http beside node:http',
    target: 'http',
    open: async () => ({ judge: besideNode, close: async () => {} }),
  },
  { name: 'resp beside redis-server', target: 'resp', open: openRedis },
];
