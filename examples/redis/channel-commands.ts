import type { Call } from './call.ts';
import type { Command } from './command-table.ts';
import { CHANNELS_MAX } from './limits.ts';
import { ReplyWriter } from './reply-writer.ts';
import type { Session } from './session.ts';

/** Of messages to other connections; never used for two at once. */
const pushes = new ReplyWriter();

function subscribe(call: Call): void {
  const session = call.session as Session;
  session.channels ??= new Set();
  const { channels } = session;
  for (let index = 1; index < call.count; index++) {
    const channel = call.key(index);
    if (channels.size >= CHANNELS_MAX && !channels.has(channel)) {
      call.reply.error(`ERR a connection may listen to ${CHANNELS_MAX} channels`);
      break;
    }
    channels.add(channel);
    let listeners = call.channels.get(channel);
    if (listeners === undefined) {
      listeners = new Set();
      call.channels.set(channel, listeners);
    }
    listeners.add(session);
    notice(call, 'subscribe', channel, channels.size);
  }
  // Who listens has nothing to say: silence is no reason to close.
  session.conn.setTimeouts({ idleTimeout: 0 });
}

function unsubscribe(call: Call): void {
  const session = call.session as Session;
  const channels: string[] = [];
  for (let index = 1; index < call.count; index++) channels.push(call.key(index));
  if (call.count === 1) channels.push(...(session.channels ?? []));
  for (const channel of channels) {
    leave(call.channels, session, channel);
    notice(call, 'unsubscribe', channel, session.channels?.size ?? 0);
  }
  if (channels.length === 0) notice(call, 'unsubscribe', null, 0);
  if (session.channels?.size === 0) session.channels = null;
}

function notice(call: Call, kind: string, channel: string | null, count: number): void {
  call.reply.pushHeader(3);
  call.reply.bulkText(kind);
  if (channel === null) call.reply.nil();
  else call.reply.bulkKey(channel);
  call.reply.integer(count);
}

function leave(all: Map<string, Set<Session>>, session: Session, channel: string): void {
  session.channels?.delete(channel);
  const listeners = all.get(channel);
  listeners?.delete(session);
  if (listeners?.size === 0) all.delete(channel);
}

/** A connection that is closed listens no more. */
export function leaveAll(all: Map<string, Set<Session>>, session: Session): void {
  for (const channel of session.channels ?? []) leave(all, session, channel);
  session.channels = null;
}

function publish(call: Call): void {
  const channel = call.key(1);
  const listeners = call.channels.get(channel);
  for (const listener of listeners ?? []) {
    // What this connection hears stands in order with what it is answered.
    const writer = listener === call.session ? call.reply : pushes;
    if (writer === pushes) {
      pushes.begin(listener.conn);
      pushes.protocol = listener.protocol;
    }
    writer.pushHeader(3);
    writer.bulkText('message');
    writer.bulkKey(channel);
    writer.bulk(call.bytes, call.start(2), call.end(2));
    if (writer !== pushes) continue;
    const message = pushes.end();
    if (message !== null) listener.conn.asyncWrite(message);
  }
  call.reply.integer(listeners?.size ?? 0);
}

export const channelCommands: readonly Command[] = [
  { name: 'subscribe', arity: -2, keys: [0, 0, 0], flags: ['pubsub'], run: subscribe },
  { name: 'unsubscribe', arity: -1, keys: [0, 0, 0], flags: ['pubsub'], run: unsubscribe },
  { name: 'publish', arity: 3, keys: [0, 0, 0], flags: ['pubsub', 'fast'], run: publish },
];
