import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { test } from 'node:test';
import { GnetError } from '../base/errors.ts';
import { describeErrno, errnoHint, errnoName, errnoNumber, namesByNumber } from './errno.ts';
import {
  bsdPlatforms,
  loadBsdPlatform,
  platformOf,
  requireBsd,
  requireLinux,
  requirePlatform,
  type StructLayout,
} from './index.ts';
import { errnoNumbers } from './linux-errno.ts';

interface ReferenceStruct {
  readonly size: number;
  readonly fields?: Readonly<Record<string, readonly number[]>>;
}
type ReferenceGroup = Readonly<Record<string, number>>;
interface ReferencePlatform extends Readonly<Record<string, unknown>> {
  readonly struct: Readonly<Record<string, ReferenceStruct>>;
  readonly errno: ReferenceGroup;
  readonly syscall: ReferenceGroup;
  readonly libc: { readonly cmsgAlign?: number; readonly errno: string };
  readonly added?: Readonly<Record<string, number | string>>;
}

const referencePath = new URL('../../test/data/platform-constants.json', import.meta.url);
const reference = JSON.parse(readFileSync(referencePath, 'utf8')) as {
  platforms: Readonly<Record<string, ReferencePlatform>>;
};

const constantGroups = [
  'socket',
  'level',
  'so',
  'tcp',
  'udp',
  'ip',
  'ipv6',
  'msg',
  'fcntl',
  'process',
  'mmap',
  'epoll',
  'eventfd',
  'poll',
  'signal',
  'ioctl',
];

/** Ours and not in the reference: these are compared with C alone, by `scripts/layouts.ts`. */
const constantsOfOurOwn = [
  'AF_NETLINK',
  'AF_PACKET',
  'AF_VSOCK',
  'IPPROTO_ICMP',
  'IPPROTO_ICMPV6',
  'IPPROTO_MPTCP',
  'IPPROTO_SCTP',
  'IPPROTO_UDPLITE',
  'IPV6_MULTICAST_ALL',
  'MCAST_JOIN_GROUP',
  'MCAST_JOIN_SOURCE_GROUP',
  'MCAST_LEAVE_GROUP',
  'MCAST_LEAVE_SOURCE_GROUP',
  'O_EXCL',
  'PROT_EXEC',
  'SCM_CREDENTIALS',
  'SK_MEMINFO_DROPS',
  'SO_COOKIE',
  'SO_MEMINFO',
];
const structsOfOurOwn = [
  'epoll_params',
  'group_req',
  'group_source_req',
  'sched_attr',
  'tcp_info',
  'ucred',
].map(tableName);
/** A Go helper type that C does not have. */
const structsNotInC = ['sockaddr_any'];

/** `sockaddr_in` of C is `sockaddrIn` in our tables. */
function tableName(struct: string): string {
  return struct.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

for (const cpu of ['x64', 'arm64']) {
  const name = `linux-${cpu}`;
  const expected = reference.platforms[name];
  const tables = requireLinux(name);
  assert.ok(expected !== undefined);

  test(`${name}: every constant has the value of the reference, and none is missing`, () => {
    const all: Record<string, number> = {};
    for (const group of constantGroups) Object.assign(all, expected[group]);
    const ours: Record<string, number> = { ...tables.constants };
    for (const own of constantsOfOurOwn) {
      assert.ok(own in ours && !(own in all), `${own} is ours alone`);
      delete ours[own];
    }
    assert.deepEqual(ours, all);
  });

  test(`${name}: every struct has the size, offsets and field sizes of the reference`, () => {
    const ours: Readonly<Record<string, StructLayout>> = tables.layouts;
    for (const [struct, layout] of Object.entries(expected.struct)) {
      if (structsNotInC.includes(struct)) continue;
      const actual = ours[tableName(struct)];
      assert.equal(actual?.size, layout.size, `size of ${struct}`);
      if (layout.fields === undefined) continue;
      const fields = Object.entries(layout.fields).map(([field, [offset, size]]) => [
        field,
        { offset, size },
      ]);
      assert.deepEqual(actual?.fields, Object.fromEntries(fields), `fields of ${struct}`);
    }
    const known = [...Object.keys(expected.struct).map(tableName), ...structsOfOurOwn];
    assert.deepEqual(
      Object.keys(ours).filter((struct) => !known.includes(struct)),
      [],
    );
  });

  test(`${name}: fields lie inside their struct and do not overlap`, () => {
    for (const [struct, layout] of Object.entries<StructLayout>(tables.layouts)) {
      let end = 0;
      for (const [field, { offset, size }] of Object.entries(layout.fields)) {
        assert.ok(offset >= end, `${struct}.${field} begins behind the field before it`);
        end = offset + size;
      }
      assert.ok(end <= layout.size, `${struct} holds its fields`);
    }
  });

  test(`${name}: system call numbers and error numbers are those of the reference`, () => {
    assert.deepEqual({ ...tables.syscallNumbers }, expected.syscall);
    assert.deepEqual({ ...errnoNumbers }, expected.errno);
  });
}

/** Of macOS and the BSDs, not in the reference: compared with C alone, by `scripts/layouts.ts`. */
const constantsOfBsdAlone = /^(?:MCAST_\w+|FIONWRITE|O_EXCL|PROT_EXEC|WNOHANG|NOTE_LOWAT)$/;
/** The reference has these of the headers of an older release. */
const newerOfNetbsd = /^(?:IP_PKTINFO|IP_RECVPKTINFO|IP_SENDSRCADDR|TCP_INFO)$/;

for (const name of bsdPlatforms) {
  const [os = '', cpu = ''] = name.split('-');
  const expected = reference.platforms[name];
  assert.ok(expected !== undefined, name);

  test(`${name}: constants and error numbers are those of the reference`, async () => {
    const tables = await loadBsdPlatform(os, cpu);
    assert.ok(tables !== undefined);
    assert.equal(requireBsd(name).constants, tables.constants);
    const all: Record<string, unknown> = { ...expected.added };
    for (const group of [...constantGroups, 'kqueue']) Object.assign(all, expected[group]);
    for (const [constant, value] of Object.entries(tables.constants)) {
      if (constantsOfBsdAlone.test(constant)) continue;
      if (os === 'netbsd' && newerOfNetbsd.test(constant)) continue;
      assert.equal(value, all[constant], constant);
    }
    const { ELAST: _last, ...errnos } = expected.errno;
    assert.deepEqual({ ...tables.errnoNumbers }, errnos);
    assert.equal(tables.cmsgAlignment, expected.libc.cmsgAlign);
  });

  test(`${name}: structs are those of the reference`, async () => {
    const tables = await loadBsdPlatform(os, cpu);
    const structs = Object.entries(expected.struct).map(
      ([struct, layout]) => [tableName(struct), layout] as const,
    );
    const known = new Map(structs);
    for (const [struct, { size, fields }] of Object.entries<StructLayout>(tables?.layouts ?? {})) {
      if (structsOfOurOwn.includes(struct)) continue;
      const layout = known.get(struct);
      assert.equal(size, layout?.size, struct);
      if (layout?.fields === undefined) continue;
      const theirs = Object.entries(layout.fields).map(([field, [offset, bytes]]) => [
        field,
        { offset, size: bytes },
      ]);
      assert.deepEqual(fields, Object.fromEntries(theirs), struct);
    }
  });
}

test('an unknown platform has no tables, and says so only when they are required', () => {
  for (const [os, cpu] of [
    ['win32', 'x64'],
    ['linux', 'riscv64'],
  ] as const) {
    const unknown = platformOf(os, cpu);
    assert.equal(unknown.constants, undefined);
    assert.throws(
      () => requirePlatform(unknown),
      (error) => error instanceof GnetError && error.code === 'ErrUnsupportedPlatform',
    );
  }
  assert.throws(() => requireBsd('linux-x64'), { code: 'ErrUnsupportedPlatform' });
  assert.throws(() => requireLinux('darwin-arm64'), { code: 'ErrUnsupportedPlatform' });
});

test('error names and numbers agree with those of the runtime', () => {
  for (const [name, number] of Object.entries(systemConstants.errno)) {
    assert.equal(errnoNumber(name), number, name);
  }
});

test('errnoName prefers the common name of a shared number', () => {
  const names = namesByNumber(errnoNumbers);
  assert.equal(names.get(11), 'EAGAIN');
  assert.equal(names.get(98), 'EADDRINUSE');
  assert.equal(names.get(95), 'ENOTSUP');
  assert.equal(names.get(35), 'EDEADLK');
});

test('a number or name that the system does not have stays readable', () => {
  assert.equal(errnoName(99_999), 'errno 99999');
  assert.equal(errnoNumber('ENOTHING'), undefined);
  assert.equal(errnoNumber('toString'), undefined);
  assert.equal(describeErrno(99_999), 'errno 99999');
  assert.equal(errnoHint(99_999, 'bind'), undefined);
});

test('describeErrno says what happened and errnoHint what to do', () => {
  for (const name of ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOENT', 'EMFILE', 'EPIPE']) {
    const errno = errnoNumber(name);
    assert.ok(errno !== undefined);
    assert.match(describeErrno(errno), /^[a-z].* .*[^.]$/, name);
    assert.match(errnoHint(errno, 'bind') ?? '', /^[a-z].* .*[^.]$/, name);
  }
});

test('errnoHint knows what a call was about', () => {
  const denied = errnoNumber('EACCES') ?? 0;
  assert.match(errnoHint(denied, 'bind') ?? '', /port below 1024/);
  assert.match(errnoHint(denied, 'connect') ?? '', /write access to the socket/);
  assert.match(errnoHint(denied, 'sendmmsg') ?? '', /firewall/);
  assert.doesNotMatch(errnoHint(denied, 'mmap') ?? '', /port|socket|firewall/);
});
