import { ErrConnClosed } from '../base/errors.ts';
import type { Bytes, ConnId } from '../connection/conn.ts';
import type { ConnHandle } from '../connection/server-view.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';

/** Finds the connection anew at each call: a handle never reaches another connection. */
export type FindConnection = (id: ConnId) => StreamConnection | null;

export function staleId(id: ConnId): ErrConnClosed {
  return new ErrConnClosed(
    `cannot reach connection ${String(id)}: it is closed, or this server never had it; ` +
      'forget ids in onClosed',
  );
}

/** What `server.conn(id)` gives. */
export class LocalConnHandle implements ConnHandle {
  readonly id: ConnId;
  readonly #find: FindConnection;

  constructor(id: ConnId, find: FindConnection) {
    this.id = id;
    this.#find = find;
  }

  async write(data: Bytes): Promise<void> {
    const connection = this.#find(this.id);
    if (connection === null || connection.isClosed) throw staleId(this.id);
    const before = connection.isClosing;
    connection.asyncWrite(data);
    if (before || connection.isClosed) throw staleId(this.id);
  }

  wake(): void {
    this.#find(this.id)?.wake();
  }

  close(): void {
    this.#find(this.id)?.close();
  }
}
