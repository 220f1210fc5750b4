/**
 * The clients of a soak in a process of their own, so that the memory and the descriptors of the
 * soak's process are the server's alone, and the clients have a core for themselves.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Answer = { readonly reply: unknown } | { readonly error: string };

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  /** @param file beside this one; it calls `answerCommands`. */
  constructor(file: string) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#child = fork(path, { stdio: 'inherit', serialization: 'advanced' });
    this.#exited = once(this.#child, 'exit');
  }

  /** Gives one command and waits for its reply. @throws what the other side threw. */
  async call<Reply>(command: unknown): Promise<Reply> {
    const answered = once(this.#child, 'message') as Promise<[Answer]>;
    this.#child.send(command as object);
    const ended = this.#exited.then(() => {
      throw new Error('the process of the clients ended');
    });
    const [answer] = await Promise.race([answered, ended]);
    if ('error' in answer) throw new Error(`the clients failed: ${answer.error}`);
    return answer.reply as Reply;
  }

  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }
}

/** The other side: handles one command after another until the soak's process lets go. */
export function answerCommands<Command>(handle: (command: Command) => Promise<unknown>): void {
  process.on('message', (command: Command) => {
    handle(command).then(
      (reply) => process.send?.({ reply }),
      (error: unknown) => {
        process.send?.({ error: error instanceof Error ? (error.stack ?? '') : String(error) });
      },
    );
  });
  process.on('disconnect', () => process.exit());
}
