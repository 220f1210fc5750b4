import type { CodecOption } from '../codec/index.ts';
import { type EventHandler, type Options, type Server, serve } from '../index.ts';
import type { SimulatedClient, SimulatedClientOptions } from './simulated-client.ts';
import { Simulation, type SimulationClock, type SimulationOptions } from './simulation.ts';

/** The options of `serve`, except those of drivers and threads, and those of the simulation. */
export interface SimulateOptions<Frame = Buffer>
  extends Omit<Options<Frame>, 'driver' | 'multicore' | 'numEventLoop' | 'loopNum' | 'block'>,
    SimulationOptions {
  /** Where the server listens, as `serve` has it. Default: `tcp://127.0.0.1:0`. */
  readonly address?: string | readonly string[];
}

/** A server in a simulation of its own. Its members can be taken out of it. */
export interface SimulatedServer<Frame = Buffer> {
  readonly server: Server;
  readonly simulation: Simulation;
  readonly clock: SimulationClock;
  /** Connects a client to the server, with the server's codec unless it is given another. */
  readonly connect: (
    options?: SimulatedClientOptions<Frame> & { readonly address?: string },
  ) => Promise<SimulatedClient<Frame>>;
  /** Resolves when nothing is under way and every promise of a handler has settled. */
  readonly settled: () => Promise<void>;
  /** Closes the server at once. */
  readonly close: () => Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves the handler in memory, without a socket: the network splits, delays and breaks what it carries
 * as the seed decides, and time passes only when the test says so. Everything else is what it is in
 * production: the loop, the codecs, the limits.
 * @throws as `serve`; ErrInvalidOption for a fault or a seed that is none.
 */
export function simulate<Frame extends Buffer = Buffer, Context = unknown>(
  handler: EventHandler<Frame, Context>,
  options?: SimulateOptions<Frame>,
): Promise<SimulatedServer<Frame>>;
/** With a codec whose frames are not bytes: `react` and `readFrame` get what its `decode` returns. */
export function simulate<Frame, Context = unknown>(
  handler: EventHandler<Frame, Context>,
  options: SimulateOptions<Frame> & { readonly codec: CodecOption<Frame> },
): Promise<SimulatedServer<Frame>>;
export async function simulate<Frame>(
  handler: EventHandler<Frame>,
  options: SimulateOptions<Frame> = {},
): Promise<SimulatedServer<Frame>> {
  const { seed, faults, timers, channelBytes, address = 'tcp://127.0.0.1:0', ...rest } = options;
  const simulation = new Simulation({
    ...(seed !== undefined && { seed }),
    ...(faults !== undefined && { faults }),
    ...(timers !== undefined && { timers }),
    ...(channelBytes !== undefined && { channelBytes }),
  });
  const { driver, clock } = simulation;
  const all = { ...rest, driver } as Options<Frame> & { readonly codec: CodecOption<Frame> };
  const server = await serve(handler, address, all);
  const close = async (): Promise<void> => {
    await server.close();
  };
  return {
    server,
    simulation,
    clock,
    connect: ({ address: to = server.addr, ...own } = {}) =>
      simulation.connect(to, { codec: options.codec, ...own }),
    settled: () => simulation.settled(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
