import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ErrInvalidNetworkAddress,
  ErrUnsupportedProtocol,
  type GnetError,
} from '../base/errors.ts';
import type { Endpoint } from '../driver/contract.ts';
import {
  type AddressResolver,
  formatAddress,
  parseAddress,
  resolveAddress,
  resolveTargets,
} from './addresses.ts';

const names: Readonly<Record<string, readonly { address: string; family: number }[]>> = {
  localhost: [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ],
  'only-6.test': [{ address: '2001:db8::1', family: 6 }],
  'only-4.test': [{ address: '192.0.2.1', family: 4 }],
  'nothing.test': [],
};

function resolver(hasIpv6: boolean, hasDualStack = true): AddressResolver {
  return {
    hasIpv6: () => hasIpv6,
    hasDualStack: () => hasDualStack,
    lookup: async (host) => {
      const found = names[host];
      if (found === undefined) throw new Error(`ENOTFOUND ${host}`);
      return found;
    },
  };
}

async function resolve(text: string, hasIpv6 = true): Promise<Endpoint> {
  return await resolveAddress(parseAddress(text), resolver(hasIpv6));
}

function tcp(family: 4 | 6, v6Only: boolean, host: string, port: number): Endpoint {
  return { kind: 'tcp', family, v6Only, host, port };
}

function udp(family: 4 | 6, v6Only: boolean, host: string, port: number): Endpoint {
  return { kind: 'udp', family, v6Only, host, port };
}

const accepted: readonly (readonly [string, Endpoint])[] = [
  ['', tcp(6, false, '::', 0)],
  ['tcp://', tcp(6, false, '::', 0)],
  [':0', tcp(6, false, '::', 0)],
  ['tcp://:0', tcp(6, false, '::', 0)],
  ['tcp://:', tcp(6, false, '::', 0)],
  ['TCP://:9000', tcp(6, false, '::', 9000)],
  ['tcp://:9000', tcp(6, false, '::', 9000)],
  ['tcp4://:9000', tcp(4, false, '0.0.0.0', 9000)],
  ['tcp4://', tcp(4, false, '0.0.0.0', 0)],
  ['tcp://0.0.0.0:9000', tcp(4, false, '0.0.0.0', 9000)],
  ['tcp6://:9000', tcp(6, true, '::', 9000)],
  ['tcp://[::]:9000', tcp(6, true, '::', 9000)],
  ['tcp6://[::]:9000', tcp(6, true, '::', 9000)],
  ['tcp://[::1]:9000', tcp(6, true, '::1', 9000)],
  ['tcp://[0:0:0:0:0:0:0:1]:9000', tcp(6, true, '::1', 9000)],
  ['tcp://[::ffff:127.0.0.1]:9000', tcp(4, false, '127.0.0.1', 9000)],
  ['tcp://127.0.0.1:65535', tcp(4, false, '127.0.0.1', 65_535)],
  ['tcp://localhost:9000', tcp(4, false, '127.0.0.1', 9000)],
  ['tcp6://localhost:9000', tcp(6, true, '::1', 9000)],
  ['tcp://only-6.test:9000', tcp(6, true, '2001:db8::1', 9000)],
  ['127.0.0.1:9000', tcp(4, false, '127.0.0.1', 9000)],
  ['tcp://127.0.0.1:http', tcp(4, false, '127.0.0.1', 80)],
  ['tcp://127.0.0.1:HTTPS', tcp(4, false, '127.0.0.1', 443)],
  ['udp://:53', udp(6, false, '::', 53)],
  ['udp://:domain', udp(6, false, '::', 53)],
  ['udp4://:53', udp(4, false, '0.0.0.0', 53)],
  ['UDP6://:53', udp(6, true, '::', 53)],
  ['unix:///tmp/Echo.Sock', { kind: 'unix', path: '/tmp/Echo.Sock' }],
  ['UNIX://relative/Echo Server.sock', { kind: 'unix', path: 'relative/Echo Server.sock' }],
  ['unix://odd://name', { kind: 'unix', path: 'odd://name' }],
  ['unix://@Abstract', { kind: 'unix', path: '@Abstract' }],
  ['unix://@', { kind: 'unix', path: '@' }],
  ['unix://', { kind: 'unix', path: '@' }],
  ['/tmp/Echo.Sock', { kind: 'unix', path: '/tmp/Echo.Sock' }],
  ['/tmp/odd://name:80', { kind: 'unix', path: '/tmp/odd://name:80' }],
  ['./echo.sock', { kind: 'unix', path: 'echo.sock' }],
  [`./${'a'.repeat(108)}`, { kind: 'unix', path: 'a'.repeat(108) }],
  ['./@echo', { kind: 'unix', path: './@echo' }],
  ['././echo', { kind: 'unix', path: '././echo' }],
  ['../echo.sock', { kind: 'unix', path: '../echo.sock' }],
  ['@Abstract', { kind: 'unix', path: '@Abstract' }],
  [`unix://${'a'.repeat(108)}`, { kind: 'unix', path: 'a'.repeat(108) }],
];

const refused: readonly (readonly [string, RegExp])[] = [
  ['howdy', /port is missing/],
  ['tcp://127.0.0.1', /port is missing/],
  ['tcp://[::1]', /port is missing/],
  ['tcp://[::1]9000', /port is missing/],
  ['tcp://a://b', /something follows the port/],
  ['tcp://localhost:8080/foo', /something follows the port; write 'host:port'/],
  ['tcp://localhost:8080?a=b', /something follows the port/],
  ['tcp:///tmp/echo.sock', /write 'unix:\/\/\/tmp\/echo.sock'/],
  ['tcp://localhost:80\n80', /control character at position 18/],
  ['unix:///tmp/echo\u0000.sock', /control character/],
  ['tcp://local host:80', /contains a space/],
  ['tcp://::1:80', /too many colons; write IPv6 addresses as '\[::1\]:9000'/],
  ['tcp://[::1:80', /']' is missing/],
  ['tcp://[127.0.0.1]:80', /not an IPv6 address/],
  ['tcp://[fe80::1%lo]:80', /zones .* are not supported/],
  ['tcp://:99999', /port 99999 is out of range; use a port from 0 to 65535/],
  ['tcp://:65536', /out of range/],
  ['tcp://:-1', /neither a number nor the name of a known service/],
  [':foo', /neither a number nor the name of a known service/],
  ['tcp://:constructor', /neither a number nor the name of a known service/],
  ['tcp6://127.0.0.1:80', /no suitable address: '127.0.0.1' has none of IPv6; use 'tcp:\/\/'/],
  ['tcp6://[::ffff:127.0.0.1]:80', /no suitable address/],
  ['tcp4://[::1]:1', /no suitable address: '::1' has none of IPv4/],
  ['udp4://only-6.test:1', /no suitable address.*use 'udp:\/\/' or 'udp6:\/\/'/],
  ['tcp6://only-4.test:1', /no suitable address/],
  ['tcp://nothing.test:1', /no suitable address.*at all/],
  ['tcp://unknown.test:1', /'unknown.test' could not be looked up/],
  [`unix://${'a'.repeat(109)}`, /109 bytes and the kernel takes 108/],
  [`unix://${'ä'.repeat(55)}`, /110 bytes/],
];

describe('addresses', () => {
  for (const [text, endpoint] of accepted) {
    test(`'${text.slice(0, 40)}' is understood`, async () => {
      assert.deepEqual(await resolve(text), endpoint);
    });
  }

  for (const [text, message] of refused) {
    test(`${JSON.stringify(text.slice(0, 40))} is refused`, async () => {
      await assert.rejects(resolve(text), (error: GnetError) => {
        assert.ok(error instanceof ErrInvalidNetworkAddress);
        assert.equal(error.code, 'ErrInvalidNetworkAddress');
        assert.match(error.message, message);
        assert.equal(error.address, JSON.stringify(text).slice(1, -1));
        return true;
      });
    });
  }

  test('every interface is IPv4 where one socket cannot be for both families', async () => {
    const parsed = (text: string) => resolveAddress(parseAddress(text), resolver(true, false));
    assert.deepEqual(await parsed('tcp://:9000'), tcp(4, false, '0.0.0.0', 9000));
    assert.deepEqual(await parsed('udp://:9000'), udp(4, false, '0.0.0.0', 9000));
    assert.deepEqual(await parsed('tcp6://:9000'), tcp(6, true, '::', 9000));
  });

  test('an unknown scheme is an unsupported protocol that names the known ones', () => {
    for (const text of ['tulip://howdy', 'tcp5://:1', '://:1', 'http://localhost:80/']) {
      assert.throws(
        () => parseAddress(text),
        (error: GnetError) => {
          assert.ok(error instanceof ErrUnsupportedProtocol);
          assert.match(error.message, /tcp, tcp4, tcp6, tls, udp, udp4, udp6, unix/);
          assert.equal(error.address, text);
          return true;
        },
      );
    }
  });

  test('any interface is IPv4 on a machine without IPv6, unless IPv6 was asked for', async () => {
    assert.deepEqual(await resolve('tcp://:9000', false), tcp(4, false, '0.0.0.0', 9000));
    assert.deepEqual(await resolve('', false), tcp(4, false, '0.0.0.0', 0));
    assert.deepEqual(await resolve('tcp6://:9000', false), tcp(6, true, '::', 9000));
  });

  test('the failure of a look-up is kept as the cause', async () => {
    await assert.rejects(resolve('tcp://unknown.test:1'), (error: GnetError) => {
      assert.match(String(error.cause), /ENOTFOUND unknown.test/);
      return true;
    });
  });

  test('the machine itself resolves localhost', async () => {
    const endpoint = await resolveAddress(parseAddress('tcp://localhost:1'));
    assert.ok(endpoint.kind === 'tcp');
    assert.match(endpoint.host, /^127\.|^::1$/);
  });

  test('something that is no string is refused', () => {
    for (const value of [undefined, null, 9000, {}]) {
      assert.throws(() => parseAddress(value as unknown as string), ErrInvalidNetworkAddress);
    }
  });

  test('addresses are printed in the form of the source framework', () => {
    assert.equal(formatAddress(4, '127.0.0.1', 9000), '127.0.0.1:9000');
    assert.equal(formatAddress(6, '::1', 9000), '[::1]:9000');
    assert.equal(formatAddress(6, '::', 0), '[::]:0');
  });

  test('what is printed is understood again', async () => {
    const host = fc.oneof(
      fc.record({ family: fc.constant(4 as const), host: fc.ipV4() }),
      fc.record({ family: fc.constant(6 as const), host: fc.ipV6() }),
    );
    const port = fc.integer({ min: 0, max: 65_535 });
    await fc.assert(
      fc.asyncProperty(host, port, async (address, number) => {
        const text = formatAddress(address.family, address.host, number);
        const once = await resolve(text);
        assert.ok(once.kind === 'tcp');
        assert.equal(once.port, number);
        assert.deepEqual(await resolve(formatAddress(once.family, once.host, number)), once);
      }),
    );
  });

  test('any text is either understood or refused with a typed error', () => {
    const pieces = fc.constantFrom(
      'tcp',
      'unix',
      '://',
      ':',
      '[',
      ']',
      '%',
      '1',
      '@',
      '/',
      ' ',
      '::',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(text, (value) => {
        try {
          const parsed = parseAddress(value);
          assert.equal(parsed.text, value);
        } catch (error) {
          const typed =
            error instanceof ErrInvalidNetworkAddress || error instanceof ErrUnsupportedProtocol;
          assert.ok(typed, String(error));
        }
      }),
    );
  });
});

describe('whom to dial', () => {
  const targets = async (text: string, hasIpv6 = true): Promise<readonly string[]> => {
    const found = await resolveTargets(parseAddress(text), resolver(hasIpv6));
    return found.map((one) =>
      one.kind === 'unix' ? `unix ${one.path}` : `${one.kind} ${one.host} ${one.port}`,
    );
  };
  const wanted: readonly (readonly [string, readonly string[]])[] = [
    ['localhost:1', ['tcp ::1 1', 'tcp 127.0.0.1 1', 'tcp 127.0.0.2 1']],
    ['tcp4://localhost:1', ['tcp 127.0.0.1 1', 'tcp 127.0.0.2 1']],
    ['tcp6://localhost:1', ['tcp ::1 1']],
    ['udp://only-6.test:1', ['udp 2001:db8::1 1']],
    [':1', ['tcp 127.0.0.1 1', 'tcp ::1 1']],
    ['tcp6://:1', ['tcp ::1 1']],
    ['[::ffff:192.0.2.1]:1', ['tcp 192.0.2.1 1']],
    ['unix:///run/x.sock', ['unix /run/x.sock']],
    ['unix://@name', ['unix @name']],
  ];
  for (const [text, list] of wanted) {
    test(text, async () => assert.deepEqual(await targets(text), list));
  }

  test('without IPv6, no host is the IPv4 address of this machine', async () => {
    assert.deepEqual(await targets(':1', false), ['tcp 127.0.0.1 1']);
  });

  for (const text of [
    ':0',
    'tcp://127.0.0.1:',
    'unix://',
    'tcp4://only-6.test:1',
    'nothing.test:1',
    'unknown.test:1',
  ]) {
    test(`${text} is nobody`, async () => {
      await assert.rejects(targets(text), ErrInvalidNetworkAddress);
    });
  }
});
