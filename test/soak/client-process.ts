/**
 * The clients of a soak in a process of their own, so that the memory and the descriptors of the
 * soak's process are the server's alone, and the clients have a core for themselves. They always run
 * under Node; commands and replies are lines of JSON, because not every runtime can speak to a child of
 * another one by messages.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/program.ts';

type Answer = { readonly reply?: unknown } | { readonly error: string };

/** The Node of a soak that itself runs under another runtime. */
export const nodeVariable = 'GNET_SOAK_NODE';

export class ClientProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: Interface;
  readonly #exited: Promise<unknown>;

  /** @param file beside this one; it calls `answerCommands`. */
  constructor(file: string) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const node = process.env[nodeVariable] ?? process.execPath;
    this.#child = spawn(node, [...nodeFlags, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout });
    this.#exited = once(this.#child, 'exit');
  }

  /** Gives one command and waits for its reply. @throws what the other side threw. */
  async call<Reply>(command: unknown): Promise<Reply> {
    const answered = once(this.#answers, 'line') as Promise<[string]>;
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const ended = this.#exited.then(() => {
      throw new Error('the process of the clients ended');
    });
    const [line] = await Promise.race([answered, ended]);
    const answer = JSON.parse(line) as Answer;
    if ('error' in answer) throw new Error(`the clients failed: ${answer.error}`);
    return answer.reply as Reply;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
  }
}

/** The other side: handles one command after another until the soak's process lets go. */
export function answerCommands<Command>(handle: (command: Command) => Promise<unknown>): void {
  const answer = (content: Answer): boolean => process.stdout.write(`${JSON.stringify(content)}\n`);
  const commands = createInterface({ input: process.stdin });
  commands.on('line', (line) => {
    handle(JSON.parse(line) as Command).then(
      (reply) => answer({ reply }),
      (error: unknown) => {
        answer({ error: error instanceof Error ? (error.stack ?? '') : String(error) });
      },
    );
  });
  commands.on('close', () => process.exit());
}
