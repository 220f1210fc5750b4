/** What drivers promise of their streams holds with TLS between, by either engine. */
import { test } from 'node:test';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import type { Driver, DriverEvents } from '../../src/driver/contract.ts';
import type { Transport } from '../../src/driver/transport.ts';
import type { TlsReceiver, TlsPools } from '../../src/tls/transport-contract.ts';
import { type ContractSkips, driverContract, streamGroups } from '../../testing/driver-contract.ts';
import { RawPeers } from '../../testing/raw-peers.ts';
import { tlsDriver, type TlsEnd, type TlsMaker } from '../../testing/tls-driver.ts';
import { identity } from './tls-rig.ts';

const host = 'localhost';
const { key, cert, ca } = identity;

async function byOpenssl(): Promise<TlsMaker> {
  const { ClientContext } = await import('../../src/tls/openssl/client-context.ts');
  const { readServerOptions, ServerContexts } = await import(
    '../../src/tls/openssl/server-contexts.ts'
  );
  const { ServerSession } = await import('../../src/tls/openssl/server-session.ts');
  const { TlsTransport } = await import('../../src/tls/openssl/openssl-transport.ts');
  const contexts = new ServerContexts(readServerOptions({ key, cert }));
  const client = new ClientContext({ ca });
  type Session = InstanceType<typeof ServerSession> | ReturnType<typeof client.open>;
  const end = (
    session: Session,
    below: Transport,
    receiver: TlsReceiver,
    pools: TlsPools,
  ): TlsEnd =>
    Object.assign(new TlsTransport(session, below, receiver, pools), {
      dispose: () => session.free(),
    });
  return {
    server: (...at) => end(new ServerSession(contexts), ...at),
    client: (...at) => end(client.open(host, 'peer'), ...at),
  };
}

async function byNode(): Promise<TlsMaker> {
  const { NodeClientContext, NodeClientTransport } = await import(
    '../../src/tls/node/client-transport.ts'
  );
  const { NodeServerContexts, NodeServerTransport } = await import(
    '../../src/tls/node/server-transport.ts'
  );
  const { nodeEngine } = await import('../../src/connection/tls/node-engine.ts');
  const contexts = new NodeServerContexts(nodeEngine.readServerOptions({ key, cert }));
  const client = new NodeClientContext({ ca });
  return {
    server: (...at) => new NodeServerTransport(...at, contexts, undefined),
    client: (...at) => new NodeClientTransport(...at, { client, host, key: 'peer' }),
  };
}

const skips: ContractSkips = {
  'what the kernel refuses is not counted as taken: it waits in the queue':
    'up to 64 KiB of it are records of which the plain text was taken',
  'closed while the kernel refuses bytes, and the driver right after it: no reset':
    'it ends in the middle of a record',
  'unreadBytes says what has arrived and was not reported, if anybody can tell':
    'what has arrived is ciphertext, of another length',
};

const backend = await chooseBackend('auto');
/** What the second engine does above a driver that sends at once is seen above one of them. */
const makers: Readonly<Record<string, () => Promise<TlsMaker>>> = {
  OpenSSL: byOpenssl,
  ...(backend.name !== 'epoll' && { 'node:tls': byNode }),
};
for (const [engine, load] of Object.entries(makers)) {
  const title = `${backend.name}, with TLS by ${engine},`;
  let maker: TlsMaker;
  try {
    maker = await load();
  } catch (error) {
    const skip = `no ${engine} here: ${(error as Error).message}`;
    test(`the ${title} driver keeps the contract`, { skip }, () => {});
    continue;
  }
  driverContract(
    title,
    (events, readBufferBytes) => {
      const over = (below: DriverEvents): Driver =>
        backend.create(below, { readBufferBytes, headroomBytes: 64 });
      return {
        driver: tlsDriver(over, events, maker, readBufferBytes),
        peers: new RawPeers(identity),
        reportsOutsideWait: true,
      };
    },
    skips,
    streamGroups,
  );
}
