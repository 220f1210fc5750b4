/** `gnet top`: the data of gnet/inspect in a terminal. */
import { request as overTls } from 'node:https';
import { request as inClear, type RequestOptions } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionPage, ConnectionRow, Snapshot } from '../inspect/index.ts';
import { topText } from './top-text.ts';
import { helpOption, parsed, WrongUsage, wholeNumber } from './usage.ts';

const help = `gnet top ADDRESS [options]

Shows the servers that a program inspects, again and again; once if the output is not a terminal.
ADDRESS is what inspector.url says, or http://host:port, or unix:///path.

  --token TEXT   the token, if ADDRESS does not have it; default: GNET_INSPECT_TOKEN
  --interval N   seconds between two looks, 1 to 3600 (2)
  --sort NAME    of the connections: age, bytesReceived, bytesSent, receivedPerSecond,
                 sentPerSecond, inboundBuffered, outboundBuffered (receivedPerSecond)
  --rows N       of connections, 0 to 500 (as many as fit; 20)
  --once         looks once
  --help         this text
`;

const answerMs = 10_000;

/** What the server lists of a connection, and so what it sorts by. */
const sortNames: Readonly<Record<keyof ConnectionRow, true>> = {
  id: true,
  loop: true,
  remoteAddr: true,
  localAddr: true,
  state: true,
  age: true,
  bytesReceived: true,
  bytesSent: true,
  receivedPerSecond: true,
  sentPerSecond: true,
  inboundBuffered: true,
  outboundBuffered: true,
};

interface Source {
  readonly options: RequestOptions;
  readonly isTls: boolean;
  readonly token: string;
}

/** @throws WrongUsage */
function sourceOf(address: string, givenToken: string | undefined): Source {
  const fromEnvironment = givenToken ?? process.env['GNET_INSPECT_TOKEN'];
  if (address.startsWith('unix:')) {
    const socketPath = address.replace(/^unix:(?:\/\/)?/, '');
    return { options: { socketPath }, isTls: false, token: tokenOr(fromEnvironment) };
  }
  const text = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(text)) throw new WrongUsage(`cannot use the address ${address}`, 'top --help');
  const { protocol, hostname, port, hash } = new URL(text);
  const inAddress = new URLSearchParams(hash.slice(1)).get('token') ?? undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    options: { host, port },
    isTls: protocol === 'https:',
    token: tokenOr(givenToken ?? inAddress ?? fromEnvironment),
  };
}

function tokenOr(token: string | undefined): string {
  if (token !== undefined && token !== '') return token;
  throw new WrongUsage('give --token, or the whole address that the program prints', 'top --help');
}

/** @throws what the other end says. */
function ask<Data>({ options, isTls, token }: Source, path: string): Promise<Data> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    const timeout = AbortSignal.timeout(answerMs);
    const begin = isTls ? overTls : inClear;
    const asking = begin({ ...options, path, headers, signal: timeout, agent: false });
    asking.on('error', (error) => {
      reject(timeout.aborted ? new Error(`no answer within ${answerMs / 1_000} s`) : error);
    });
    asking.on('response', async (answer) => {
      try {
        let text = '';
        for await (const piece of answer.setEncoding('utf8')) text += piece;
        if (answer.statusCode !== 200)
          throw new Error(text.trim() || `status ${answer.statusCode}`);
        resolve(JSON.parse(text) as Data);
      } catch (error) {
        reject(error as Error);
      }
    });
    asking.end();
  });
}

async function look(source: Source, sort: string, rows: number) {
  const snapshot = await ask<Snapshot>(source, '/api/stats');
  const lists = snapshot.servers.map((_, index) => {
    const query = `server=${index}&limit=${Math.max(rows, 1)}&sort=${encodeURIComponent(sort)}`;
    return ask<ConnectionPage>(source, `/api/connections?${query}`);
  });
  const found = await Promise.all(lists);
  return { snapshot, lists: found.map((list) => ({ ...list, rows: list.rows.slice(0, rows) })) };
}

export async function showTop(args: readonly string[]): Promise<void> {
  const { values, positionals } = parsed('top', args, {
    token: { type: 'string' },
    interval: { type: 'string', default: '2' },
    sort: { type: 'string', default: 'receivedPerSecond' },
    rows: { type: 'string' },
    once: { type: 'boolean', default: false },
    help: helpOption,
  });
  const { stdout } = process;
  if (values.help) {
    stdout.write(help);
    return;
  }
  const [address] = positionals;
  if (address === undefined || positionals.length > 1) {
    throw new WrongUsage('give one address', 'top --help');
  }
  const source = sourceOf(address, values.token);
  if (!Object.hasOwn(sortNames, values.sort)) {
    const names = Object.keys(sortNames).join(', ');
    throw new WrongUsage(`--sort ${values.sort}: give one of ${names}`, 'top --help');
  }
  const intervalMs = wholeNumber('interval', values.interval, 1, 3_600) * 1_000;
  const rows = values.rows === undefined ? null : wholeNumber('rows', values.rows, 0, 500);
  const again = stdout.isTTY && !values.once;
  let before: Snapshot | null = null;
  for (;;) {
    // A terminal that does not know its size, as in some containers, says 0.
    const fitting = again ? Math.max((stdout.rows || 24) - 12, 3) : 20;
    const { snapshot, lists } = await look(source, values.sort, rows ?? fitting);
    const text = topText(snapshot, before, lists, again ? stdout.columns || 80 : Infinity);
    // From the top left corner, over what was there.
    stdout.write(again ? `\x1b[H\x1b[2J${text}` : text);
    if (!again) return;
    before = snapshot;
    await delay(intervalMs);
  }
}
