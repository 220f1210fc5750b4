/**
 * Numbers and layouts of this kernel. Importing this throws `ErrUnsupportedPlatform` where there are
 * none, as does every file of this room: drivers that need it are imported dynamically.
 */
import { requireLinux } from '../platform/index.ts';

export const { constants, layouts, syscallNumbers } = requireLinux();
