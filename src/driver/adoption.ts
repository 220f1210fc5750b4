import { ErrUnsupportedOp } from '../base/errors.ts';
import type { DescribedSocket } from './backend.ts';

/** A descriptor with two owners would be closed twice, the second time as somebody else's. */
export function ownAlready(descriptor: number): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot adopt descriptor ${descriptor}: it is a connection of this program's own already; give a ` +
      'duplicate of it, as from c.dup()',
  );
}

/** A descriptor that is no connection, for a message: what it is instead. */
export function cannotAdopt(
  descriptor: number,
  { kind, name, listens }: Pick<DescribedSocket, 'kind' | 'name' | 'listens'>,
): ErrUnsupportedOp {
  const isStream = kind === 'tcp' || kind === 'unix';
  const streamState = listens ? ' that listens' : ' without a peer';
  return new ErrUnsupportedOp(
    `cannot adopt descriptor ${descriptor}: it is ${name}${isStream ? streamState : ''}; give a ` +
      'connected stream socket, TCP or Unix',
  );
}
