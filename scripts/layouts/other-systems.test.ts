import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBsdPlatform, type StructLayout } from '../../src/platform/index.ts';
import { compareTables } from './other-systems.ts';
import { findZig } from './zig.ts';

const zig = findZig();
const skip = typeof zig === 'string' && zig;

test('a number that is changed by hand is found: constants, structs, errnos, names', {
  skip,
}, async () => {
  assert.ok(typeof zig !== 'string');
  const tables = await loadBsdPlatform('netbsd', 'x64');
  assert.ok(tables !== undefined);
  const right = { ...tables, constants: { ...tables.constants, ...tables.errnoNumbers } };
  assert.deepEqual(compareTables(zig, 'x86_64-netbsd', right).errors, []);
  const layouts: Readonly<Record<string, StructLayout>> = tables.layouts;
  const { msghdr, kevent100 } = layouts;
  assert.ok(msghdr !== undefined && kevent100 !== undefined);
  const wrong = {
    constants: { ...right.constants, EVFILT_USER: 9, EPROTO: 95 },
    layouts: {
      ...layouts,
      kevent100: { ...kevent100, size: 64 },
      msghdr: { ...msghdr, fields: { ...msghdr.fields, iovlen: { offset: 24, size: 8 } } },
    },
    cmsgAlignment: 4,
    symbols: { ...tables.symbols, socket: '__socket31' },
  };
  assert.deepEqual(compareTables(zig, 'x86_64-netbsd', wrong).errors, [
    'EVFILT_USER is 9 here and 8 in C',
    'EPROTO is 95 here and 96 in C',
    'sizeof(((struct msghdr *)0)->msg_iovlen) is 8 here and 4 in C',
    'sizeof(struct kevent) is 64 here and 72 in C',
    'CMSG_SPACE(1) - CMSG_LEN(0) is 4 here and 8 in C',
    "the C library's __socket31 has another name",
  ]);
  const unknown = { ...right, constants: { SO_NOTHING: 1 } };
  assert.match(compareTables(zig, 'x86_64-netbsd', unknown).errors[0] ?? '', /SO_NOTHING/);
});
