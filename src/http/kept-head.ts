import type { Exchange } from './exchange.ts';
import { isBodyless, type LightResponse } from './light-response.ts';
import type { ResponseHead } from './response-head.ts';

/** Longer heads are made anew for each answer; bytes. */
export const KEPT_HEAD_MAX: number = 4 * 1024;

/**
 * What the head of the last answer was made of, whose bytes still stand in memory: an answer made of the same
 * needs only another length. Programs answer most requests with the same status and headers.
 */
export class KeptHead {
  /** Where the digits of the length are, the last thing in it; 0 when it serves no other answer. */
  lengthAt = 0;
  #status = 0;
  #statusText = '';
  #headers: readonly string[] = [];
  #isText = false;
  #dateLine = '';

  /** Whether the head of this answer is the same. @param isText its body is a string. */
  isOf(exchange: Exchange, light: LightResponse, isText: boolean): boolean {
    const headers = light.untouchedHeaders;
    return (
      this.lengthAt > 0 &&
      headers !== null &&
      isUsual(exchange) &&
      light.status === this.#status &&
      isText === this.#isText &&
      light.statusText === this.#statusText &&
      exchange.connection.server.dateLine === this.#dateLine &&
      areEqual(headers, this.#headers)
    );
  }

  /** It has just been made, and its bytes are in their place. */
  keep(exchange: Exchange, light: LightResponse, isText: boolean, head: ResponseHead): void {
    const headers = light.untouchedHeaders;
    this.lengthAt = 0;
    if (headers === null || !isUsual(exchange) || isBodyless(light.status)) return;
    if (head.text.length > KEPT_HEAD_MAX) return;
    this.lengthAt = head.text.lastIndexOf(' ') + 1;
    this.#status = light.status;
    this.#statusText = light.statusText;
    this.#headers = headers;
    this.#isText = isText;
    this.#dateLine = exchange.connection.server.dateLine;
  }

  /** Other bytes have taken its place. */
  drop(): void {
    this.lengthAt = 0;
  }
}

/** Nothing of the exchange is seen in the head of its answer. */
function isUsual(exchange: Exchange): boolean {
  const { minorVersion, isHead, awaitsContinue, connection } = exchange;
  return minorVersion > 0 && !isHead && !awaitsContinue && !connection.isLast;
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  if (some === others) return true;
  if (some.length !== others.length) return false;
  for (let index = 0; index < some.length; index++) if (some[index] !== others[index]) return false;
  return true;
}
