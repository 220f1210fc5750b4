/** As `../tables.ts`, with what only Linux has: for the files of this folder and what is made of them. */
import { requireLinux } from '../../platform/index.ts';

export const { constants, layouts, syscallNumbers } = requireLinux();
