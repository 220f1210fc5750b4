/** Both ends of a connection, as texts. */
import { type ConnectionRecord, rareOf } from './record.ts';
import { State } from './states.ts';

/** Asked for once; as long as the descriptor is there. */
export function remoteAddress(c: ConnectionRecord): string {
  const known = c.rare === null ? null : c.rare.remoteAddr;
  if (known !== null) return known;
  if (c.state === State.Closed) return '';
  const address = c.owner.driver.remoteAddress(c.slot);
  rareOf(c).remoteAddr = address;
  return address;
}

export function localAddress(c: ConnectionRecord): string {
  const known = c.rare === null ? null : c.rare.localAddr;
  if (known !== null) return known;
  if (c.state === State.Closed) return '';
  const address = c.owner.driver.localAddress(c.slot);
  rareOf(c).localAddr = address;
  return address;
}

/** A proxy in front names other addresses than the socket's. */
export function nameAddresses(
  c: ConnectionRecord,
  local: string | undefined,
  remote: string | undefined,
): void {
  const rare = rareOf(c);
  rare.localAddr = local ?? rare.localAddr;
  rare.remoteAddr = remote ?? rare.remoteAddr;
}
