/**
 * Sends bursts of 32 datagrams of 1,200 bytes each, as media servers do. Each burst leaves in one call,
 * and on Linux as one packet, which the network card or the peer's kernel cuts. The next one goes out
 * when the peer has answered the last, or has not for a while.
 *
 *   npm run example examples/offload/send.ts -- --upstream 127.0.0.1:9000
 */
import { type Conn, client, EventServer } from 'gnet';
import { readFlags } from '../lib/flags.ts';
import { burstLength, bursts, datagramBytes } from './burst.ts';

const waitMs = 500;

class Send extends EventServer {
  #sent = 0;
  #taken = 0;
  #callOff = (): void => {};

  override onOpened(c: Conn): void {
    this.#next(c);
  }

  override react(_answer: Buffer | null, c: Conn): void {
    this.#callOff();
    this.#next(c);
  }

  override onError(_c: Conn, error: Error): void {
    console.error(error.message);
  }

  override onClosed(): void {
    console.log(`${this.#taken} datagrams were sent in ${this.#sent} bursts`);
    void dialler.stop();
  }

  #next(c: Conn): void {
    if (this.#sent === bursts) {
      c.close();
      return;
    }
    const first = this.#sent++ * burstLength;
    this.#taken += c.sendAll(
      Array.from({ length: burstLength }, (_, index) => numbered(first + index)),
    );
    this.#callOff = c.loop.schedule(waitMs, () => this.#next(c));
  }
}

function numbered(number: number): Buffer {
  const datagram = Buffer.alloc(datagramBytes);
  datagram.writeUInt32BE(number, 0);
  return datagram;
}

const flags = readFlags();
const dialler = await client(new Send(), { udp: { segmentation: true } });
await dialler.dial(`udp://${flags.upstream}`);
