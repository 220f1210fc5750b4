import type { Socket } from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';

/** What `ConnSocket` has in its own way. */
type Own =
  | '_destroy'
  | '_final'
  | '_read'
  | '_write'
  | '_writev'
  | 'address'
  | 'autoSelectFamilyAttemptedAddresses'
  | 'bufferSize'
  | 'bytesRead'
  | 'bytesWritten'
  | 'connect'
  | 'connecting'
  | 'cork'
  | 'destroySoon'
  | 'getTypeOfService'
  | 'localAddress'
  | 'localFamily'
  | 'localPort'
  | 'pending'
  | 'readyState'
  | 'ref'
  | 'remoteAddress'
  | 'remoteFamily'
  | 'remotePort'
  | 'resetAndDestroy'
  | 'server'
  | 'setDefaultEncoding'
  | 'setKeepAlive'
  | 'setNoDelay'
  | 'setTimeout'
  | 'setTypeOfService'
  | 'timeout'
  | 'uncork'
  | 'unref'
  | 'unshift'
  | 'write';

/** A `Duplex` with the types of a `net.Socket`: packages ask for one, by its events also. */
export const SocketBase = Duplex as unknown as new (options: DuplexOptions) => Omit<Socket, Own>;

type Getter<Value> = (this: unknown) => Value;

function getterOf<Value>(name: 'writableLength' | 'writableNeedDrain'): Getter<Value> {
  const { get } = Object.getOwnPropertyDescriptor(Duplex.prototype, name) ?? {};
  if (get === undefined)
    throw new Error(`cannot use node:stream: ${name} is no accessor of Duplex`);
  return get;
}

/** What `Duplex` itself says of its queue. */
export const queuedLength = getterOf<number>('writableLength');
export const queueNeedsDrain = getterOf<boolean>('writableNeedDrain');

/** `write` of `Duplex` itself. */
export const writeQueued = Duplex.prototype.write as (
  this: unknown,
  ...given: unknown[]
) => boolean;

/** `setDefaultEncoding` of `Duplex` itself. @throws what that throws. */
export const setQueueEncoding = Duplex.prototype.setDefaultEncoding as (
  this: unknown,
  encoding: BufferEncoding,
) => unknown;

/** `unshift` of `Duplex` itself. */
export const unshiftQueued = Duplex.prototype.unshift as (
  this: unknown,
  chunk: unknown,
  encoding?: BufferEncoding,
) => void;
