/** Clients that go on through restarts and notice everything that is not right. */
import { createSocket } from 'node:dgram';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tls from 'node:tls';
import { targetOf } from 'gnet/testing';

export interface StormPlan {
  /** As the server prints it. */
  readonly address: string;
  /** `udp` knows datagrams alone, the others what connects. */
  readonly transport: 'tcp' | 'tls' | 'unix' | 'udp';
  /** The authority of the server's certificate. */
  readonly ca?: string;
  /** Of each kind of client. */
  readonly clients: number;
  readonly streamBytes: number;
  /** What a client rests between two requests: others must have the machine, too. */
  readonly restMs: number;
}

export interface StormCounts {
  /** Connections of one request, requests over kept connections, whole streams, datagrams. */
  single: number;
  kept: number;
  streams: number;
  datagrams: number;
  /** Requests that met the end of a connection, and were sent again over another. */
  sentAgain: number;
  /** TLS sessions that were resumed. */
  resumed: number;
  /** What must not be. */
  readonly wrong: string[];
}

/** A connection whose end is told from an answer. */
class Line {
  readonly socket: net.Socket;
  #text = '';
  #length = 0;
  #changed: () => void = () => {};
  isOver = false;
  error: string | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => {
      this.#length += piece.length;
      // Streams are long, and only their length matters.
      if (this.#text.length < 1_000) this.#text += piece.toString('latin1');
      this.#changed();
    });
    socket.on('end', () => this.#over());
    socket.on('close', () => this.#over());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
      this.#over();
    });
  }

  #over(): void {
    this.isOver = true;
    this.#changed();
  }

  get length(): number {
    return this.#length;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  /** The next line, or null at the end. */
  async read(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.isOver) return null;
      await this.#next();
    }
  }

  async untilLength(length: number): Promise<void> {
    while (this.#length < length && !this.isOver) await this.#next();
  }
}

export class Storm {
  readonly counts: StormCounts = {
    single: 0,
    kept: 0,
    streams: 0,
    datagrams: 0,
    sentAgain: 0,
    resumed: 0,
    wrong: [],
  };
  readonly #plan: StormPlan;
  #isOver = false;
  #session: Buffer | undefined;
  readonly #running: Promise<void>[] = [];

  constructor(plan: StormPlan) {
    this.#plan = plan;
    for (let client = 0; client < plan.clients; client++) {
      if (plan.transport === 'udp') this.#running.push(this.#sendDatagrams(client));
      else {
        this.#running.push(this.#connectAndAsk(client), this.#askOn(client), this.#stream(client));
      }
    }
  }

  /** What is under way is finished first. */
  async end(): Promise<StormCounts> {
    this.#isOver = true;
    await Promise.all(this.#running);
    return this.counts;
  }

  #wrong(what: string): void {
    if (this.counts.wrong.length < 20) this.counts.wrong.push(what);
  }

  async #connect(): Promise<Line | null> {
    const target = targetOf(this.#plan.address);
    const secure = this.#plan.transport === 'tls';
    const socket = secure ? this.#secure(target) : net.connect(target);
    const line = new Line(socket);
    const opened = secure ? 'secureConnect' : 'connect';
    await new Promise<void>((resolve) => {
      socket.once(opened, () => resolve());
      socket.once('close', () => resolve());
    });
    if (line.error === undefined) return line;
    this.#wrong(`connect: ${line.error}`);
    return null;
  }

  #secure(target: object): tls.TLSSocket {
    const { ca } = this.#plan;
    const session = this.#session;
    const socket = tls.connect({
      ...target,
      ...(ca !== undefined && { ca }),
      servername: 'localhost',
      ...(session !== undefined && { session }),
    });
    socket.on('session', (fresh) => {
      this.#session = fresh;
    });
    socket.on('secureConnect', () => {
      if (socket.isSessionReused()) this.counts.resumed++;
    });
    return socket;
  }

  /** A connection for each request. It must be answered: nobody is turned away who has just come. */
  async #connectAndAsk(client: number): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const line = await this.#connect();
      if (line === null) continue;
      const question = `single ${client} ${count}`;
      line.socket.write(`${question}\n`);
      const answer = await line.read();
      if (answer === question) this.counts.single++;
      else this.#wrong(`single: ${answer ?? line.error ?? 'an end'} in place of an answer`);
      line.socket.end();
      line.socket.destroySoon();
      await sleep(this.#plan.restMs);
    }
  }

  /** Requests one after the other; at a goodbye they go on over another connection. */
  async #askOn(client: number): Promise<void> {
    let line: Line | null = null;
    for (let count = 0; !this.#isOver; ) {
      line ??= await this.#connect();
      if (line === null) continue;
      const question = `kept ${client} ${count}`;
      line.socket.write(`${question}\n`);
      const answer = await line.read();
      if (answer === question) {
        this.counts.kept++;
        count++;
        await sleep(this.#plan.restMs);
        continue;
      }
      if (line.error !== undefined) this.#wrong(`kept: ${line.error}`);
      else if (answer !== null && answer !== 'bye') this.#wrong(`kept: ${answer}`);
      // Whoever says goodbye has answered what had arrived, and this had not.
      const more = await line.read();
      if (more !== null) this.#wrong(`kept: ${more} after the goodbye`);
      this.counts.sentAgain++;
      line.socket.destroy();
      line = null;
    }
    line?.socket.destroy();
  }

  async #stream(client: number): Promise<void> {
    const { streamBytes } = this.#plan;
    while (!this.#isOver) {
      const line = await this.#connect();
      if (line === null) continue;
      line.socket.write(`stream ${streamBytes}\n`);
      await line.untilLength(streamBytes + 1);
      if (line.length >= streamBytes + 1) this.counts.streams++;
      else {
        const how = line.error ?? 'an end';
        this.#wrong(`stream ${client}: ${how} after ${line.length} of ${streamBytes} bytes`);
      }
      line.socket.destroy();
      await sleep(this.#plan.restMs);
    }
  }

  /** One after the other, each of which must come back once. */
  async #sendDatagrams(client: number): Promise<void> {
    const target = targetOf(this.#plan.address) as { host: string; port: number };
    const socket = createSocket('udp4');
    let expected = '';
    let arrived: () => void = () => {};
    socket.on('message', (bytes) => {
      if (bytes.toString() !== expected) this.#wrong(`datagram: ${bytes} came, not ${expected}`);
      else arrived();
    });
    socket.on('error', (error) => this.#wrong(`datagram: ${error.message}`));
    socket.connect(target.port, target.host);
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    for (let count = 0; !this.#isOver; count++) {
      expected = `datagram ${client} ${count}`;
      const came = new Promise<true>((resolve) => {
        arrived = () => resolve(true);
      });
      socket.send(expected);
      const limit = new AbortController();
      const late = sleep(10_000, false, { signal: limit.signal }).catch(() => false);
      if (await Promise.race([came, late])) this.counts.datagrams++;
      else this.#wrong(`${expected} was not answered`);
      limit.abort();
      await sleep(this.#plan.restMs);
    }
    socket.close();
  }
}
