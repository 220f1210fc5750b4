/** A broker under the hand of the test. */
import type { Bytes } from 'gnet';
import type { Backplane, BackplaneHub, Deliver, DeliverStored } from 'gnet/topics';

export class FakeBroker implements Backplane {
  deliver: Deliver = () => {};
  hub: BackplaneHub | undefined;
  readonly published: string[] = [];
  readonly contents: string[] = [];
  /** What is stored, as a replay gives it. */
  stored: (readonly [topic: string, data: string])[] = [['a', 'stored']];
  /** Lets a replay go on, by the order of their begin. */
  replayed: (() => void)[] = [];
  given = 0;
  /** Whether a replay waits until each message is taken. */
  waits = true;

  start(deliver: Deliver, hub: BackplaneHub): void {
    this.deliver = deliver;
    this.hub = hub;
  }
  publish(topic: string, data: Bytes): void {
    this.published.push(topic);
    this.contents.push(String(data));
  }
  subscribe(): void {}
  unsubscribe(): void {}
  async close(): Promise<void> {}

  stores(topic: string): boolean {
    return this.stored.some(([stored]) => stored === topic);
  }

  async replay(_filter: string, after: number, deliver: DeliverStored): Promise<void> {
    await new Promise<void>((resolve) => this.replayed.push(resolve));
    for (const [index, [topic, data]] of this.stored.entries()) {
      if (index < after) continue;
      this.given++;
      const taken = deliver(topic, data, index + 1);
      if (this.waits && !(await taken)) return;
    }
  }
}
