import type { LoopContext } from 'gnet';

/** A handler that cannot be made in the first loop. */
export default function handler({ loop }: LoopContext) {
  if (loop === 0) throw new Error('there is no handler for loop 0');
  return { react: (frame: Buffer | null) => frame };
}
