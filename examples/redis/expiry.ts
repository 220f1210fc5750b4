/** Times in arguments. */
import type { Call } from './call.ts';
import { failed, NOT_AN_INTEGER } from './replies.ts';

/** How an argument tells a time: whether it counts from now, and its unit in milliseconds. */
export interface TimeForm {
  readonly relative: boolean;
  readonly unit: number;
}

/** The options of SET and GETEX. */
export const timeForms: Readonly<Record<string, TimeForm>> = {
  ex: { relative: true, unit: 1_000 },
  px: { relative: true, unit: 1 },
  exat: { relative: false, unit: 1_000 },
  pxat: { relative: false, unit: 1 },
};

/** Milliseconds since 1970, or null after an error was answered. */
export function readTime(call: Call, index: number, form: TimeForm, name: string): number | null {
  const amount = call.integer(index);
  if (amount === null) return failed(call, NOT_AN_INTEGER);
  const time = amount * form.unit + (form.relative ? call.clock.now : 0);
  if (Number.isSafeInteger(time)) return time;
  return failed(call, `ERR invalid expire time in '${name}' command`);
}

/** The same, for commands that make a value: a time that has passed is an error. */
export function readFutureTime(
  call: Call,
  index: number,
  form: TimeForm,
  name: string,
): number | null {
  const time = readTime(call, index, form, name);
  if (time === null || (call.integer(index) as number) > 0) return time;
  return failed(call, `ERR invalid expire time in '${name}' command`);
}
