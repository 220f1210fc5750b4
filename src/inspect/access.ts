/** Who may see the data. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Compares without telling by its duration how much of a token is right. The scheme may be in any case
 * (RFC 9110, 11.1).
 */
export function tokenCheck(token: string): (authorization: string | null) => boolean {
  const wanted = digest(token);
  return (authorization) => {
    const given = /^Bearer +(.*)$/i.exec(authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

/**
 * Whether a request was meant for this page. A name that somebody else's DNS leads here is refused:
 * a page of theirs would have the origin of that name, and could read every answer.
 */
export function isOwnHost(host: string | null, names: readonly string[]): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host ?? '')?.[1]?.toLowerCase() ?? '';
  if (name === 'localhost' || names.includes(name)) return true;
  return name.startsWith('[') ? isIP(name.slice(1, -1)) === 6 : isIP(name) === 4;
}
