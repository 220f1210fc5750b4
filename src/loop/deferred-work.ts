import type { StreamConnection } from '../connection/stream-connection.ts';

interface Tasks {
  runTasks(): void;
}

/** Work that connections put off until the loop has handled its events. */
export class DeferredWork {
  #flushes: StreamConnection[] = [];
  #tasks: Tasks[] = [];
  #spareTasks: Tasks[] = [];
  #spareList: StreamConnection[] = [];

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && this.#flushes.length === 0;
  }

  addTasks(of: Tasks): void {
    this.#tasks.push(of);
  }

  addFlush(connection: StreamConnection): void {
    this.#flushes.push(connection);
  }

  /** Tasks before flushes: what a task writes leaves with the rest. True when there was something. */
  run(): boolean {
    const tasks = this.#tasks;
    const flushes = this.#flushes;
    if (tasks.length === 0 && flushes.length === 0) return false;
    if (tasks.length > 0) {
      this.#tasks = this.#spareTasks;
      for (let index = 0; index < tasks.length; index++) {
        (tasks[index] as Tasks).runTasks();
      }
      tasks.length = 0;
      this.#spareTasks = tasks;
    }
    if (flushes.length > 0) {
      this.#flushes = this.#spareList;
      for (let index = 0; index < flushes.length; index++) {
        (flushes[index] as StreamConnection).flushPending();
      }
      flushes.length = 0;
      this.#spareList = flushes;
    }
    return true;
  }
}
