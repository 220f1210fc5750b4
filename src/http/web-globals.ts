import { removeConnectionHeaders } from './forwarding.ts';
import { ClientRequest, isOfClient, realOf } from './light-request.ts';
import { LightResponse } from './light-response.ts';
import { RealRequest } from './web-stand-in.ts';

type FetchInput = Parameters<typeof fetch>[0];

let areLight = false;

/**
 * Replaces the globals `Request`, `Response` and `fetch` of this thread, once: by ones that take light
 * objects for what they stand for, and by a Response that costs little to make.
 */
export function useLightGlobals(): void {
  if (areLight) return;
  areLight = true;
  const realFetch = globalThis.fetch;
  const values = {
    Request: ClientRequest,
    Response: LightResponse,
    fetch: (input: FetchInput, init?: RequestInit) => {
      if (!isOfClient(input) && !isOfClient(init)) return realFetch(input, init);
      return sendOn(realFetch, input, init);
    },
  };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

async function sendOn(
  realFetch: typeof fetch,
  input: FetchInput,
  init: RequestInit | undefined,
): Promise<globalThis.Response> {
  const request = new RealRequest(realOf(input), realOf(init));
  removeConnectionHeaders(request.headers);
  return realFetch(request);
}
