/** The URL of a request as `Request.url` has it: serialised the way a URL is, without asking URL. */

const DOT = 0x2e;
const SLASH = 0x2f;
const PERCENT = 0x25;

/** Bytes that a path and a query keep as they are. */
const IS_PLAIN = new Uint8Array(128);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&()*+,;=:@/?%') {
  IS_PLAIN[character.charCodeAt(0)] = 1;
}

/** Whether a target can be used in a URL unchanged; otherwise URL must normalise it. */
function isPlain(target: string): boolean {
  let before = 0;
  for (let index = 0; index < target.length; index++) {
    const code = target.charCodeAt(index);
    if (IS_PLAIN[code] !== 1) return false;
    // Dots behind a slash go up, also as %2e.
    if (code === DOT && before === SLASH) return false;
    if (code === PERCENT && before === SLASH) return false;
    if (code === PERCENT && before === DOT) return false;
    before = code;
  }
  return true;
}

/** Makes URLs, and remembers the last one and its origin: clients ask for the same most of the time. */
export class RequestUrls {
  #scheme = '';
  #host = '';
  #origin: string | null = null;
  #target = '';
  #url: string | null = null;

  /** The URL that a client means by this `Host` and this target; null when they make none. */
  of(scheme: string, host: string, target: string): string | null {
    if (host !== this.#host || scheme !== this.#scheme) {
      this.#scheme = scheme;
      this.#host = host;
      this.#origin = originOf(scheme, host);
    } else if (target === this.#target) return this.#url;
    this.#target = target;
    this.#url = this.#origin === null ? null : urlOf(this.#origin, target);
    return this.#url;
  }
}

/** `http://example:8080`, or null when no URL has such a host. */
function originOf(scheme: string, host: string): string | null {
  if (host === '') return null;
  const text = `${scheme}://${host}/`;
  if (!URL.canParse(text)) return null;
  const { origin, href } = new URL(text);
  // What has more than a host and a port in it is no host.
  return href === `${origin}/` ? origin : null;
}

/**
 * The URL for a target that begins with a slash, or is `*`, or is a URL itself; null when it is none.
 * The scheme is always that of the connection, whatever the client claims: programs take `https` for
 * a proof that nobody listens.
 */
function urlOf(origin: string, target: string): string | null {
  if (target.charCodeAt(0) === SLASH) {
    if (isPlain(target)) return origin + target;
    const text = origin + target;
    return URL.canParse(text) ? new URL(text).href : null;
  }
  if (target === '*') return `${origin}/*`;
  const colon = target.search(/(?<=^https?):/i);
  if (colon < 0) return null;
  const text = origin.slice(0, origin.indexOf(':')) + target.slice(colon);
  return URL.canParse(text) ? new URL(text).href : null;
}
