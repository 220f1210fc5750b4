import { ErrUnsupportedPlatform } from '../../base/errors.ts';
import { networkForbidden } from '../../host/runtime-features.ts';

/**
 * Asked, not tried: a listener that the Permission Model forbids throws where nobody can catch it.
 * @throws ErrUnsupportedPlatform when this process may not listen.
 */
export function probeSockets(): void {
  if (!networkForbidden()) return;
  throw new ErrUnsupportedPlatform(
    "cannot use the runtime's sockets: its Permission Model forbids them; allow them with --allow-net",
  );
}
