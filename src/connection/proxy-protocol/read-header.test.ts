import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ErrInvalidOption, ErrProxyHeader } from '../../base/errors.ts';
import { crc32c } from './crc32c.ts';
import { readHeader } from './read-header.ts';
import { type ProxyHeader, writeHeader } from './write-header.ts';

const addresses = { source: '192.0.2.1:56324', destination: '198.51.100.7:443' };

const read = (bytes: Buffer) => {
  const result = readHeader(bytes);
  assert.ok(result !== null, 'the header is whole');
  assert.equal(result.byteLength, bytes.length);
  return result.proxied;
};

test('crc32c of the digits is the check value of its definition', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283);
});

describe('version 1', () => {
  test('is the line that the specification shows', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n';
    assert.equal(writeHeader({ version: 1, ...addresses }).toString(), line);
    const { source, destination } = read(Buffer.from(line));
    assert.deepEqual({ source, destination }, addresses);
  });

  test('UNKNOWN names nobody, whatever follows it', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n']) {
      assert.equal(read(Buffer.from(line)).source, undefined);
    }
  });

  for (const line of [
    'PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n',
    'PROXY TCP4 192.0.2.1  198.51.100.7 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 056324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 56324 65536\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.7 56324 443\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.7 56324 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.7 56324 443\r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.7 56324 443\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.7 56324 443\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}`,
  ]) {
    test(`${JSON.stringify(line.slice(0, 60))} is refused`, () => {
      assert.throws(() => readHeader(Buffer.from(line)), ErrProxyHeader);
    });
  }
});

describe('version 2', () => {
  test('carries IPv4, IPv6, a mix of both, and Unix paths', () => {
    const pairs = [
      [addresses.source, addresses.destination],
      ['[2001:db8::1]:65535', '[::1]:0'],
      ['/run/client.sock', '@abstract'],
    ] as const;
    for (const [source, destination] of pairs) {
      const told = read(writeHeader({ source, destination }));
      assert.deepEqual([told.source, told.destination], [source, destination]);
    }
    const mixed = read(writeHeader({ source: '192.0.2.1:5', destination: '[2001:db8::1]:80' }));
    assert.deepEqual([mixed.source, mixed.destination], ['192.0.2.1:5', '[2001:db8::1]:80']);
  });

  test('prints Unix paths as all of them are printed: in one line, and told from a host name', () => {
    // Without the extensions, of which the checksum is one.
    const header = Buffer.from(writeHeader({ source: '/a', destination: '/b' }).subarray(0, 232));
    header.writeUInt16BE(216, 14);
    header.write('10.0.0.1:80\0', 16);
    header.write('/b\r\n\x1b[2J\0', 16 + 108);
    const told = read(header);
    assert.equal(told.source, './10.0.0.1:80');
    assert.equal(told.destination, '/b\\x0d\\x0a\\x1b[2J');
  });

  test('carries extensions', () => {
    const told = read(
      writeHeader({
        ...addresses,
        alpn: 'h2',
        authority: 'example.com',
        uniqueId: Buffer.from([1, 2, 3]),
        extensions: [
          { type: 0xe0, value: Buffer.from('mine') },
          { type: 0x30, value: Buffer.from('blue') },
          { type: 0x04, value: Buffer.alloc(9) },
        ],
      }),
    );
    assert.equal(told.alpn, 'h2');
    assert.equal(told.authority, 'example.com');
    assert.equal(told.networkNamespace, 'blue');
    assert.deepEqual([...(told.uniqueId as Buffer)], [1, 2, 3]);
    assert.equal(told.extensions.find(({ type }) => type === 0xe0)?.value.toString(), 'mine');
    assert.equal(told.tls, undefined);
  });

  test('tells about the TLS of the client', () => {
    const part = (type: number, text: string) =>
      Buffer.concat([Buffer.from([type, 0, text.length]), Buffer.from(text)]);
    const value = Buffer.concat([
      Buffer.from([0x07, 0, 0, 0, 0]),
      part(0x21, 'TLSv1.3'),
      part(0x22, 'somebody'),
      part(0x23, 'TLS_AES_128_GCM_SHA256'),
    ]);
    const told = read(writeHeader({ ...addresses, extensions: [{ type: 0x20, value }] }));
    assert.deepEqual(told.tls, {
      clientCertificate: true,
      clientCertificateInSession: true,
      verified: true,
      version: 'TLSv1.3',
      commonName: 'somebody',
      cipher: 'TLS_AES_128_GCM_SHA256',
      signatureAlgorithm: undefined,
      keyAlgorithm: undefined,
    });
  });

  test('LOCAL says nothing about a client, whatever else it holds', () => {
    const told = read(writeHeader({ authority: 'ignored' }));
    assert.deepEqual([told.source, told.authority, told.extensions], [undefined, undefined, []]);
  });

  test('every changed bit is refused, or still says what was meant to be said', () => {
    const whole = writeHeader({ ...addresses, authority: 'example.com' });
    let refused = 0;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = Buffer.from(whole);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        const result = readHeader(changed);
        // A longer length waits for more; LOCAL discards what it holds; the transport is only a hint.
        // Without its type the checksum is not one.
        const unchecked = [12, 13, whole.length - 7];
        const harmless = result === null || unchecked.includes(bit >> 3);
        assert.ok(harmless, `bit ${bit}`);
      } catch (error) {
        assert.ok(error instanceof ErrProxyHeader, String(error));
        refused++;
      }
    }
    assert.ok(refused > whole.length * 7);
  });
});

test('what was written is read back, however it is cut; no byte string is anything but a header or an ErrProxyHeader', () => {
  const header: fc.Arbitrary<ProxyHeader> = fc.record(
    {
      authority: fc.string({ maxLength: 50 }),
      alpn: fc.constantFrom('h2', 'http/1.1'),
      uniqueId: fc.uint8Array({ maxLength: 128 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(header, fc.ipV4(), fc.ipV4(), fc.nat(65_535), (given, a, b, port) => {
      const source = `${a}:${port}`;
      const destination = `${b}:80`;
      const bytes = writeHeader({ ...given, source, destination });
      for (let cut = 0; cut < bytes.length; cut++) {
        assert.equal(readHeader(bytes.subarray(0, cut)), null);
      }
      const told = read(bytes);
      assert.deepEqual([told.source, told.destination], [source, destination]);
      assert.equal(told.authority, given.authority);
    }),
  );
  const start = fc.constantFrom(
    '',
    'PROXY ',
    '\r\n\r\n\0\r\nQUIT\n',
    '\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c',
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (before, bytes) => {
      try {
        readHeader(Buffer.concat([Buffer.from(before, 'latin1'), bytes]));
      } catch (error) {
        assert.ok(error instanceof ErrProxyHeader, String(error));
      }
    }),
  );
});

test('what no header can say is refused when it is to be written', () => {
  const impossible: unknown[] = [
    null,
    { version: 3 },
    { source: '192.0.2.1:1' },
    { source: 'localhost:1', destination: '192.0.2.1:1' },
    { source: '192.0.2.1:65536', destination: '192.0.2.1:1' },
    { ...addresses, version: 1, authority: 'x' },
    { ...addresses, uniqueId: Buffer.alloc(129) },
    { ...addresses, extensions: [{ type: 256, value: Buffer.alloc(0) }] },
    { ...addresses, extensions: [{ type: 1, value: Buffer.alloc(65_535) }] },
    { source: '/run/a', destination: '192.0.2.1:1' },
    { source: `/${'x'.repeat(108)}`, destination: '/b' },
  ];
  for (const header of impossible) {
    assert.throws(() => writeHeader(header as ProxyHeader), ErrInvalidOption);
  }
});
