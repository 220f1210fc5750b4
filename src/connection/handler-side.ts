import { isMemoryLack } from '../base/memory-lack.ts';
import { asyncFrameCopyBytesMax, framesPerTurnMax } from '../base/limits.ts';
import type { Slab } from '../buffer/slab.ts';
import type { EventScope } from '../host/event-scope.ts';
import { Action } from './action.ts';
import { ClosingSide } from './closing-side.ts';
import type { Bytes } from './conn.ts';
import type { EventHandler, Reply } from './event-handler.ts';
import { callPreWrite, ownHandlerEvents } from './handler-calls.ts';
import { poison } from './inbound-source.ts';
import {
  codecError,
  handlerError,
  isPromise,
  kindOfReply,
  type ReplyPair,
  replyKind,
  whenSettled,
} from './reply.ts';
import { mark, pauseReason, State, task } from './states.ts';

/** Events whose promise holds up the later ones of their connection. */
type HeldEvent = 'onOpened' | 'react' | 'onEnd' | 'signalClose';
type AnyEvent = (...parameters: unknown[]) => unknown;
const ignore = (): void => {};
type React = NonNullable<EventHandler<unknown>['react']>;

/** Calls the handler's events, each in the connection's own context, and sees to its answers. */
export abstract class HandlerSide extends ClosingSide {
  /** The context of its events, where that is not the server's. */
  #ownScope: EventScope | null = null;
  /** Promises of events that later ones wait for, and that have not settled. */
  #openPromises = 0;
  #wakes = 0;

  protected abstract pause(reason: number): void;
  protected abstract resume(reason: number): void;

  /** Events run in this context from now on, instead of the server's. */
  runIn(scope: EventScope): void {
    this.#ownScope = scope;
  }

  get #scope(): EventScope {
    return this.#ownScope ?? this.host.calls.scope;
  }

  #call(event: unknown, ...parameters: unknown[]): unknown {
    return this.#scope.runInAsyncScope(event as AnyEvent, this.events.handler, ...parameters);
  }

  /** See `Conn`. */
  setHandler(handler: EventHandler<unknown>): void {
    const events = ownHandlerEvents(handler);
    if (!this.isClosed) this.events = events;
  }

  // -- events -------------------------------------------------------------------------------------

  protected callOnOpened(): void {
    if (!this.events.onOpened) return;
    try {
      this.#apply(this.#call(this.events.handler.onOpened, this.self), null, null, 'onOpened');
    } catch (thrown) {
      this.#handlerThrew('onOpened', thrown);
    }
  }

  /** Calls `react` and takes its answer. */
  protected deliver(frame: unknown): void {
    const { host, events } = this;
    if (!events.react) return;
    const { handler } = events;
    const lent = frame === null ? null : this.#lend(frame);
    /** A copy that was made to show that the frame has expired. */
    const expiring = host.poisonFrames && lent !== frame ? (lent as Buffer) : null;
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#scope.runInAsyncScope(
        handler.react as React,
        handler,
        lent as Buffer,
        this.self,
      );
    } catch (thrown) {
      expiring?.fill(poison);
      this.#handlerThrew('react', thrown);
      return;
    }
    if (reply !== undefined && reply !== null) {
      try {
        if (reply === lent && frame instanceof Uint8Array && this.takesAnswer) {
          this.#giveBack(frame as Buffer, lent as Buffer);
        } else this.#apply(reply, lent, expiring, 'react');
      } catch (thrown) {
        this.#answerFailed(thrown);
      }
    }
    // A promise of this call keeps it, also when the call has closed the connection.
    if (expiring !== null && this.#openPromises === 0) expiring.fill(poison);
  }

  /** A frame as the handler gets it: itself, or a copy. An object of the codec is always itself. */
  #lend(frame: unknown): unknown {
    const { host } = this;
    if (!(frame instanceof Uint8Array)) return frame;
    if (host.poisonFrames) {
      if (!this.isReceivedMemory(frame)) return frame;
      // In memory that nothing is received into again: a handler that keeps the frame for too long
      // sees that, and not the bytes of a later one.
      const copy = Buffer.allocUnsafeSlow(frame.length);
      copy.set(frame);
      return copy;
    }
    const copied = host.openPromises > 0 && frame.length <= asyncFrameCopyBytesMax;
    return copied ? Buffer.from(frame) : frame;
  }

  /** The handler answered with what it was lent: that goes out from where the frame stands. */
  #giveBack(frame: Buffer, lent: Buffer): void {
    if (lent !== frame) frame.set(lent);
    this.putFrame(frame);
  }

  protected callOnEnd(): void {
    if (!this.events.onEnd) return;
    try {
      this.#holdUp(this.#call(this.events.handler.onEnd, this.self), 'onEnd');
    } catch (thrown) {
      this.#handlerThrew('onEnd', thrown);
    }
  }

  protected callSignalClose(): void {
    if (!this.events.signalClose) return;
    this.marks |= mark.handling;
    try {
      this.#holdUp(this.#call(this.events.handler.signalClose, this.self), 'signalClose');
    } catch (thrown) {
      this.#handlerThrew('signalClose', thrown);
    }
    this.leaveHandler();
  }

  protected callOnDrain(): void {
    // Above again since it drained: the program was told to wait once more, and one call follows.
    if (this.state !== State.Open || this.is(mark.aboveHigh) || !this.events.onDrain) return;
    try {
      const answer = this.#call(this.events.handler.onDrain, this.self);
      if (isPromise(answer)) whenSettled(answer, ignore, (thrown) => this.#drainFailed(thrown));
    } catch (thrown) {
      this.#handlerThrew('onDrain', thrown);
    }
    this.answered();
  }

  #drainFailed(thrown: unknown): void {
    if (!this.isClosed) this.#handlerThrew('onDrain', thrown);
  }

  protected override callOnClosed(error: Error | undefined): void {
    const { host } = this;
    // The loop counts promises for which somebody waits: nobody does any more.
    host.openPromises -= this.#openPromises;
    if (!this.events.onClosed || this.is(mark.unopened)) return;
    try {
      this.#closedAnswered(this.#call(this.events.handler.onClosed, this.self, error));
    } catch (thrown) {
      this.#closedThrew(thrown);
    }
  }

  #closedAnswered(answer: unknown): void {
    if (answer === Action.Shutdown) this.host.requestShutdown();
    else if (isPromise(answer)) {
      whenSettled(
        answer,
        (later) => this.#closedAnswered(later),
        (thrown) => this.#closedThrew(thrown),
      );
    }
  }

  #closedThrew(thrown: unknown): void {
    this.host.report('onClosed threw', thrown);
  }

  protected override callPreWrite(): void {
    callPreWrite(this.host, this.events.handler, this.#scope, this.self);
  }

  /** One call of `react(null)` for each. */
  wake(): void {
    if (this.state !== State.Open) return;
    this.#wakes++;
    this.addTask(task.wake);
  }

  protected runWakes(): void {
    // What the handler asks for meanwhile has its turn later: others must not starve.
    for (let left = Math.min(this.#wakes, framesPerTurnMax); left > 0; left--) {
      if (!this.#mayBeWoken()) return;
      this.#wakes--;
      this.ring?.beginFrame();
      this.deliver(null);
      this.answered();
    }
    if (this.#wakes > 0 && this.#mayBeWoken()) this.addTask(task.wake);
  }

  #mayBeWoken(): boolean {
    return this.state === State.Open && !this.handlerRuns;
  }

  // -- answers ------------------------------------------------------------------------------------

  /**
   * Everything but the commonest replies. Bytes of `onOpened` are sent as they are.
   * @throws what the codec throws.
   */
  #apply(
    reply: unknown,
    lent: unknown,
    expiring: Buffer | null,
    event: 'onOpened' | 'react',
  ): void {
    const kind = kindOfReply(reply);
    const raw = event === 'onOpened';
    if (kind === replyKind.action) this.#act(reply as number);
    else if (kind === replyKind.bytes) this.#answer(reply as Bytes, raw);
    else if (kind === replyKind.pair) {
      const [bytes, action] = reply as ReplyPair;
      this.#answer(bytes, raw);
      this.#act(action);
    } else if (kind === replyKind.promise) {
      this.#suspend(reply as PromiseLike<Reply>, lent, expiring, event);
    }
  }

  #answer(data: Bytes | null | undefined, raw: boolean): void {
    if (data === undefined || data === null || !this.takesAnswer) return;
    if (raw) this.putRaw(data);
    else this.put(data, true);
  }

  #act(action: number): void {
    if (action === Action.Close) this.beginClose(undefined);
    else if (action === Action.Shutdown) this.host.requestShutdown();
  }

  /** Of an event that has no answer; a promise is waited for. */
  #holdUp(answer: unknown, event: 'onEnd' | 'signalClose'): void {
    if (isPromise(answer)) this.#suspend(answer, null, null, event);
  }

  /** The frame stays lent until the promise settles; later frames wait. */
  #suspend(
    promise: PromiseLike<unknown>,
    lent: unknown,
    expiring: Buffer | null,
    event: HeldEvent,
  ): void {
    this.pause(pauseReason.handler);
    this.#openPromises++;
    this.host.openPromises++;
    const slab = this.#keepLent(lent);
    whenSettled(
      promise,
      (reply) => this.#settled(reply, slab, expiring, event),
      (thrown) => {
        if (!this.isClosed) this.#handlerThrew(event, thrown);
        this.#settled(undefined, slab, expiring, event);
      },
    );
  }

  /** What the frame stands in is not used again. The slab, where it is one. */
  #keepLent(lent: unknown): Slab | null {
    // Also when this very call closed the connection, which is not paused then.
    this.ringView = null;
    const slab = this.window === null ? null : this.window.slab;
    if (slab === null) {
      this.ring?.lend();
      return null;
    }
    if (lent === null) return null;
    // An object may hold views of the slab; who knows.
    if (lent instanceof Uint8Array && lent.buffer !== slab.buffer) return null;
    this.host.readPool.retain(slab);
    return slab;
  }

  #settled(reply: unknown, slab: Slab | null, expiring: Buffer | null, event: HeldEvent): void {
    if (this.state === State.Open && (event === 'react' || event === 'onOpened')) {
      try {
        this.#apply(reply, null, null, event);
      } catch (thrown) {
        this.#answerFailed(thrown);
      }
    }
    expiring?.fill(poison);
    if (slab !== null) this.host.readPool.release(slab);
    this.#openPromises--;
    if (this.state === State.Closed) return;
    this.host.openPromises--;
    if (this.isClosed) return;
    if (this.#openPromises > 0) {
      this.scheduleFlush();
      return;
    }
    this.ring?.endLend();
    this.marks &= ~mark.answerDue;
    if (this.countsSilence) this.lastWritten = this.host.currentTime();
    if (this.is(mark.closeRequested)) this.beginClose(undefined);
    this.scheduleFlush();
    this.resume(pauseReason.handler);
    // They wait for the promise alone, not for other reasons to pause.
    if (this.#wakes > 0) this.addTask(task.wake);
  }

  /** It is malformed, or the codec cannot encode it. */
  #answerFailed(thrown: unknown): void {
    this.host.report('an answer cannot be sent; its connection is closed', thrown);
    if (isMemoryLack(thrown)) {
      this.breakOff(thrown);
      return;
    }
    this.fail(codecError('encode', thrown), false);
  }

  #handlerThrew(event: string, thrown: unknown): void {
    this.host.report(`${event} failed; its connection is closed`, thrown);
    this.fail(handlerError(event, thrown, this.remoteAddr), false);
  }
}
