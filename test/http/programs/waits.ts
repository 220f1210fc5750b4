/** Has work left after each answer, which leaves a file; it does it when it finds the file `go`. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchInfo } from 'gnet/http';

const folder = new URL(import.meta.url).searchParams.get('folder') as string;

async function work(name: string): Promise<void> {
  while (!existsSync(`${folder}/go`)) await sleep(5);
  writeFileSync(`${folder}/${name}`, '');
}

export default {
  fetch(request: Request, info: FetchInfo): Response {
    info.waitUntil(work(new URL(request.url).pathname.slice(1)));
    return new Response('begun');
  },
};
