import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TestScope } from '../support/rig.ts';

/** Stands between a client and a server of datagrams, and loses a share of them, each way alike. */
export class LossyRelay {
  passed = 0;
  lost = 0;
  readonly #front: Socket = createSocket('udp4');
  /** One socket towards the server for each client. */
  readonly #backs = new Map<number, Socket>();
  readonly #share: number;
  #seed = 1;

  private constructor(share: number) {
    this.#share = share;
  }

  static async open(t: TestScope, target: string, share: number): Promise<LossyRelay> {
    const relay = new LossyRelay(share);
    const port = Number(target.slice(target.lastIndexOf(':') + 1));
    relay.#front.bind(0, '127.0.0.1');
    t.after(() => {
      relay.#front.close();
      for (const back of relay.#backs.values()) back.close();
    });
    await once(relay.#front, 'listening');
    relay.#front.on('message', (data, from) => {
      let back = relay.#backs.get(from.port);
      if (back === undefined) {
        back = createSocket('udp4');
        back.on('error', () => {});
        back.on('message', (answer) => {
          if (relay.#passes()) relay.#front.send(answer, from.port, from.address);
        });
        relay.#backs.set(from.port, back);
      }
      if (relay.#passes()) back.send(data, port, '127.0.0.1');
    });
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.#front.address().port}`;
  }

  /** The same losses in every run. */
  #passes(): boolean {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const passes = (this.#seed >>> 8) / 2 ** 23 >= this.#share;
    if (passes) this.passed++;
    else this.lost++;
    return passes;
  }
}
