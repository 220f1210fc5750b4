/** Clients, servers and brokers for tests of topics. */
import assert from 'node:assert/strict';
import { connectWebSocket } from 'gnet/websocket';
import { Program, runProgram } from '../support/program.ts';
import { temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A client that writes down what it hears. */
export async function listener(port: string | number) {
  const heard: string[] = [];
  const state = { isClosed: false };
  const ws = await connectWebSocket(`ws://127.0.0.1:${port}`, {
    message: (_ws, data) => void heard.push(String(data)),
    close: () => {
      state.isClosed = true;
    },
  });
  const ask = async (question: string): Promise<string> => {
    const count = heard.length;
    ws.send(question);
    await waitUntil(() => heard.length > count, 'it is answered');
    return heard.pop() as string;
  };
  const subscribe = (filter: string): Promise<string> => ask(`+${filter}`);
  /** How many are there, as the loop of this client knows. */
  const presence = async (topic: string) => Number((await ask(`?${topic}`)).slice(1));
  return { ws, heard, state, subscribe, presence };
}

export type Listener = Awaited<ReturnType<typeof listener>>;

/** A process of member.ts, once it listens. */
export async function startMember(t: TestScope, ...args: string[]) {
  return startMemberAs(t, 'member.ts', ...args);
}

export async function startMemberAs(t: TestScope, file: string, ...args: string[]) {
  const program = runProgram(t, `test/topics/programs/${file}`, args);
  const [port] = await program.line(/port (\d+)/);
  return { program, port: port as string };
}

/** Publishes until each has heard one: what is published before a broker has their filters is lost. */
export async function reach(from: Listener, all: readonly Listener[], word: string): Promise<void> {
  const heardIt = (one: Listener): boolean => one.heard.some((text) => text.startsWith(word));
  for (let count = 0; !all.every(heardIt); count++) {
    assert.ok(count < 500, 'it never arrives');
    from.ws.send(`room/1 ${word}${count}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A broker that ends with the test; once it says that it is ready. */
export async function broker(t: TestScope, name: string, args: string[], ready: RegExp) {
  const program = new Program(t, name, args, { cwd: temporaryDirectory(t) });
  await program.line(ready);
  return program;
}
