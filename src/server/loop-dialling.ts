/** Loops of servers dial, too: `register` of a loop. */
import type { Conn } from '../connection/conn.ts';
import type { RegisterOptions } from '../connection/conn.ts';
import { type FacedLoop, knowDialling } from '../loop/dial-hook.ts';
import { ErrUnsupportedOp } from '../base/errors.ts';
import { Dial, type DialingLoop } from './dial.ts';

/** Dialled connections have no TLS and no other layer, unlike those that the server accepts. */
function plainly(loop: FacedLoop): DialingLoop {
  return {
    leaks: loop.leaks,
    scheduleTasks: (of) => loop.scheduleTasks(of),
    dial: (endpoint, outcome) => loop.dial(endpoint, outcome),
    abandonDial: (attempt) => loop.abandonDial(attempt),
    dialDatagrams: (endpoint) => loop.datagrams.dial(endpoint),
    begin: (connection) => connection.opened(),
    secure: () =>
      Promise.reject(
        new ErrUnsupportedOp(
          'cannot register a tls:// address with a loop: dial tcp:// and call upgradeTls, or use client()',
        ),
      ),
  };
}

async function dialFrom(
  loop: FacedLoop,
  dials: Set<(reason: Error) => void>,
  address: string,
  options: RegisterOptions,
): Promise<Conn> {
  const dial: Dial = new Dial(plainly(loop), address, options, () => dials.delete(giveUp));
  const giveUp = (reason: Error): void => dial.giveUp(reason);
  dials.add(giveUp);
  return dial.promise;
}

export function loopsMayDial(): void {
  knowDialling(dialFrom);
}
