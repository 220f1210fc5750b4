/** Clients of databases and brokers over connections that gnet dials, and mosquitto's at a broker on gnet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { client } from 'gnet';
import { type CreateConnection, createConnection } from 'gnet/stream';
import { AbstractConnector, Redis } from 'ioredis';
import mysql from 'mysql2';
import pg from 'pg';
import { startRedisServer } from '../examples/redis-server.ts';
import { missingMariadb, startMariadb } from '../support/mariadb.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { missingPostgres, startPostgres } from '../support/postgres.ts';
import type { TestScope } from '../support/rig.ts';
import { listenByGnet } from '../support/sides.ts';

async function dialler(t: TestScope): Promise<CreateConnection> {
  const made = await client({});
  t.after(() => made.close());
  return createConnection(made);
}

test('ioredis, by a Connector', { skip: missing('redis-server') }, async (t) => {
  const server = await startRedisServer();
  t.after(() => server.stop());
  const connect = await dialler(t);
  class Connector extends AbstractConnector {
    constructor() {
      super(1_000);
    }
    async connect() {
      this.connecting = true;
      const stream = connect({ path: server.path });
      this.stream = stream;
      return stream;
    }
  }
  const redis = new Redis({ Connector, lazyConnect: true, maxRetriesPerRequest: 0 });
  await redis.connect();
  await redis.set('key', 'value');
  const values = await Promise.all(Array.from({ length: 1_000 }, () => redis.get('key')));
  assert.deepEqual(new Set(values), new Set(['value']));
  await redis.quit();
});

test('pg, by its option stream', { skip: missingPostgres }, async (t) => {
  const port = await startPostgres(t);
  const connect = await dialler(t);
  const database = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    stream: () => connect(),
  });
  await database.connect();
  const { rows } = await database.query('select generate_series(1, 10000) as n');
  assert.equal(rows.length, 10_000);
  const large = 'x'.repeat(3_000_000);
  const echoed = await database.query<{ text: string }>('select $1::text as text', [large]);
  assert.equal(echoed.rows[0]?.text, large);
  await assert.rejects(database.query('select nonsense'), { code: '42703' });
  await database.end();
});

interface MysqlServer {
  readonly _server: Server;
  on(event: 'connection', listener: (connection: MysqlConnection) => void): void;
  listen(port: number): void;
  close(): void;
}

interface MysqlConnection {
  /** Its own server counts on from the handshake, and warns. */
  sequenceId: number;
  serverHandshake(facts: object): void;
  writeTextResult(rows: object[], columns: object[]): void;
  on(event: string, listener: () => void): void;
}

test('mysql2, by its option stream', async (t) => {
  const server = (mysql as unknown as { createServer(): MysqlServer }).createServer();
  const column = { catalog: 'def', schema: '', table: '', orgTable: '', orgName: '', name: 'a' };
  const facts = { characterSet: 63, columnLength: 1, columnType: 3, flags: 0, decimals: 0 };
  server.on('connection', (connection) => {
    connection.serverHandshake({
      protocolVersion: 4,
      serverVersion: '8',
      connectionId: 1,
      statusFlags: 2,
      characterSet: 8,
      capabilityFlags: 0xffffff ^ 0x800,
    });
    connection.on('query', () => {
      connection.sequenceId = 1;
      connection.writeTextResult([{ a: 1 }], [{ ...column, ...facts }]);
    });
    connection.on('error', () => {});
  });
  server.listen(0);
  t.after(() => server.close());
  await once(server._server, 'listening');
  const { port } = server._server.address() as AddressInfo;
  const connect = await dialler(t);
  const stream = (): unknown => connect({ host: '127.0.0.1', port });
  const database = mysql.createConnection({ stream, user: 'u', password: 'p' });
  const rows = await new Promise<unknown>((resolve, reject) => {
    database.query('select 1', (error, found) => (error ? reject(error) : resolve(found)));
  });
  assert.equal(JSON.stringify(rows), '[{"a":1}]');
  database.destroy();
});

test('mysql2 at a MariaDB', { skip: missingMariadb }, async (t) => {
  const port = await startMariadb(t);
  const connect = await dialler(t);
  const stream = (): unknown => connect({ host: '127.0.0.1', port });
  const options = { stream, user: 'root', database: 'mysql' };
  const database = mysql.createConnection(options).promise();
  const [many] = await database.query('select seq as n from seq_1_to_10000');
  assert.equal((many as unknown[]).length, 10_000);
  const large = 'x'.repeat(3_000_000);
  const [echoed] = await database.execute('select ? as text', [large]);
  assert.equal((echoed as { text: string }[])[0]?.text, large);
  await assert.rejects(database.query('select nonsense'), { errno: 1_054 });
  await database.end();
});

test('mosquitto at aedes over gnet', { skip: missing('mosquitto_pub') }, async (t) => {
  const broker = await Aedes.createBroker();
  t.after(() => new Promise<void>((resolve) => broker.close(resolve)));
  const port = await listenByGnet(t, {
    emit(event: string, socket: never) {
      if (event === 'connection') broker.handle(socket);
      return true;
    },
  });
  const where = ['-h', '127.0.0.1', '-p', String(port), '-t', 'a/b', '-q', '1'];
  const subscribed = once(broker, 'subscribe');
  const subscriber = runClient('mosquitto_sub', [...where, '-C', '1', '-W', '20']);
  await subscribed;
  await runClient('mosquitto_pub', [...where, '-m', 'hello']);
  const { stdout } = await subscriber;
  assert.equal(String(stdout), 'hello\n');
});
