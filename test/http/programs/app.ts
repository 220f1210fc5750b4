/** A module with a `fetch`, as every loop imports it. */
import { threadId } from 'node:worker_threads';

export function onError(error: unknown): Response {
  return new Response(`handled: ${(error as Error).message}`, { status: 502 });
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.url.endsWith('/throws')) throw new Error('thrown');
    return new Response(`${threadId} ${await request.text()}`);
  },
};
