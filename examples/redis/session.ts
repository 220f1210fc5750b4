import type { Conn } from 'gnet';
import type { Database } from './store.ts';

/** What a connection has chosen; its `context`. */
export class Session {
  readonly id: number;
  readonly conn: Conn;
  database: Database;
  /** Of RESP. */
  protocol: 2 | 3 = 2;
  name = '';
  library = '';
  libraryVersion = '';
  /** The channels it listens to; null for none. */
  channels: Set<string> | null = null;

  constructor(id: number, conn: Conn, database: Database) {
    this.id = id;
    this.conn = conn;
    this.database = database;
  }
}
