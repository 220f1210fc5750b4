import type { StreamConnection } from '../connection/stream-connection.ts';

interface Tasks {
  runTasks(): void;
}

/** A list keeps room for so many; what more it once had is given back. */
const keptMax = 1_024;

/** A list that fills and empties all the time: an array whose length becomes 0 would grow anew each time. */
class Waiting<Item> {
  readonly #items: (Item | null)[] = [];
  count = 0;

  add(item: Item): void {
    this.#items[this.count++] = item;
  }

  take(index: number): Item {
    const item = this.#items[index] as Item;
    this.#items[index] = null;
    return item;
  }

  /** Everything was taken. */
  empty(): void {
    this.count = 0;
    if (this.#items.length > keptMax) this.#items.length = 0;
  }
}

/** Work that connections put off until the loop has handled its events. */
export class DeferredWork {
  #flushes = new Waiting<StreamConnection>();
  #tasks = new Waiting<Tasks>();
  #spareTasks = new Waiting<Tasks>();
  #spareFlushes = new Waiting<StreamConnection>();

  get isEmpty(): boolean {
    return this.#tasks.count === 0 && this.#flushes.count === 0;
  }

  addTasks(of: Tasks): void {
    this.#tasks.add(of);
  }

  addFlush(connection: StreamConnection): void {
    this.#flushes.add(connection);
  }

  /** Tasks before flushes: what a task writes leaves with the rest. True when there was something. */
  run(): boolean {
    const tasks = this.#tasks;
    const flushes = this.#flushes;
    if (tasks.count === 0 && flushes.count === 0) return false;
    if (tasks.count > 0) {
      this.#tasks = this.#spareTasks;
      for (let index = 0; index < tasks.count; index++) tasks.take(index).runTasks();
      tasks.empty();
      this.#spareTasks = tasks;
    }
    if (flushes.count > 0) {
      this.#flushes = this.#spareFlushes;
      for (let index = 0; index < flushes.count; index++) flushes.take(index).flushPending();
      flushes.empty();
      this.#spareFlushes = flushes;
    }
    return true;
  }
}
