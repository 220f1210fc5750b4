/** The model beside the simulated driver: every order of events, without a kernel. */
import type { Conn } from 'gnet';
import type { LifeEvent, LifeSettings } from '../../testing/connection-model.ts';
import {
  noFaults,
  type SimulatedFaults,
  type SimulatedPeer,
} from '../../src/driver/simulated/simulated-driver.ts';
import { simulatedLoop } from '../loop/simulated-loop.ts';
import { type LifePeer, Walker, walkerHandler, withEnd } from './life-walk.ts';

/** More than a simulated channel takes. */
const fillBytes = 16_000;

function lifePeer(peer: SimulatedPeer): LifePeer {
  return {
    send: () => peer.write(Buffer.from('x')),
    end: () => peer.end(),
    reset: () => peer.reset(),
    stall: () => peer.pauseReading(),
    read: () => peer.resumeReading(),
    get received() {
      return peer.receivedBytes;
    },
    get sawEnd() {
      return peer.ended;
    },
  };
}

export interface SimulatedWalks {
  readonly settings: LifeSettings;
  readonly walks: readonly (readonly LifeEvent[])[];
  readonly seed?: number;
  readonly faults?: SimulatedFaults;
  /** Turns after each step: enough for everything to come of it. */
  readonly turns?: number;
}

/** All at the same time, over one loop. Returns what is wrong. */
export async function simulatedWalks(what: SimulatedWalks): Promise<string[]> {
  const { settings, turns = 8 } = what;
  const { allowHalfOpen, overflow } = settings;
  const waiting = new Map<string, Walker>();
  const rig = simulatedLoop(
    walkerHandler((c: Conn) => waiting.get(c.remoteAddr) as Walker),
    {
      seed: what.seed ?? 1,
      faults: what.faults ?? noFaults,
      channelBytes: 4_096,
      connection: {
        allowHalfOpen,
        highWaterMark: 4_096,
        lowWaterMark: 1_024,
        pauseOnOverflow: overflow === 'pause',
      },
    },
  );
  const walkers = what.walks.map((steps) => {
    const walker = new Walker(settings, withEnd(settings, steps), fillBytes);
    const peer = rig.connect();
    waiting.set(peer.localAddress, walker);
    walker.peer = lifePeer(peer);
    return walker;
  });
  while (walkers.some(({ conn }) => conn === null)) await rig.turns(1);
  const wrong: string[] = [];
  let active = walkers;
  while (active.length > 0) {
    for (const walker of active) {
      walker.beginStep();
      walker.endStep();
    }
    await rig.turns(turns);
    for (const walker of active) if (walker.wrong !== '') wrong.push(walker.wrong);
    active = active.filter((walker) => walker.wrong === '' && !walker.isOver);
  }
  for (const walker of walkers) {
    if (walker.wrong === '' && !walker.isComplete)
      wrong.push(`${walker.name}: the peer misses some`);
  }
  for (const death of rig.deaths) wrong.push(`the loop died: ${String(death)}`);
  rig.loop.close();
  return wrong;
}
