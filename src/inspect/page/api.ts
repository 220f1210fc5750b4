/** How the page asks its server. */
import type { ListData, SnapshotData } from './data.ts';

/** The token is wrong, or missing. */
export class Refused extends Error {}

let token = '';

export function useToken(given: string): void {
  token = given;
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, Authorization: `Bearer ${token}` };
  const response = await fetch(`api/${path}`, { ...init, headers, cache: 'no-store' });
  if (response.status === 401) throw new Refused();
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}

export async function connections(parameters: URLSearchParams): Promise<ListData> {
  return (await ask(`connections?${parameters}`)).json() as Promise<ListData>;
}

export async function change(what: 'close' | 'log-level', wanted: object): Promise<void> {
  await ask(what, { method: 'POST', body: JSON.stringify(wanted) });
}

/**
 * Calls `told` with each snapshot; returns when the stream ends. `EventSource` cannot send the token as
 * a header, and an address with the token would be remembered.
 */
export async function listen(told: (snapshot: SnapshotData) => void): Promise<void> {
  const response = await ask('events');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) told(JSON.parse(event.replace(/^data: /, '')) as SnapshotData);
  }
}
