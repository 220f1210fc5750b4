/**
 * Numbers and layouts of this kernel. Importing this throws `ErrUnsupportedPlatform` where there are
 * none, as does every file of this room: drivers that need it are imported dynamically. Elsewhere than
 * on Linux, `loadPlatform` comes first.
 *
 * What not every system has may be undefined: its users say what happens then.
 */
import { requirePlatform } from '../platform/index.ts';

export const { constants, layouts } = requirePlatform();
