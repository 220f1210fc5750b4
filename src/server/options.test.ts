import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ErrInvalidOption } from '../base/errors.ts';
import { BuiltInFrameCodec } from '../codec/built-in-frame-codec.ts';
import {
  LoadBalancing,
  type OptionEnvironment,
  type Options,
  optionNames,
  resolveOptions,
  TCPSocketOpt,
} from './options.ts';

const environment: OptionEnvironment = { cpuCount: () => 1, systemBacklog: () => 4_096 };

function resolve(options: Options) {
  return resolveOptions(options, environment);
}

/** What a program without types might write. */
function untyped(options: unknown): Options {
  return options as Options;
}

function refuses(options: unknown, message: RegExp): void {
  assert.throws(
    () => resolve(untyped(options)),
    (error: Error) => {
      assert.ok(error instanceof ErrInvalidOption, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('options', () => {
  test('nothing given: the defaults', () => {
    const defaults = {
      multicore: false,
      numEventLoop: 1,
      loopsByMulticore: true,
      loadBalancing: LoadBalancing.RoundRobin,
      lockOSThread: false,
      shared: undefined,
      readBufferCap: 65_536,
      reusePort: false,
      ticker: false,
      tcpKeepAlive: 0,
      keepAliveSeconds: 0,
      tcpKeepInterval: 0,
      tcpKeepCount: 0,
      bindToDevice: '',
      congestion: '',
      receiveDescriptors: false,
      deferAccept: 0,
      fastOpen: 0,
      writeBufferCap: 65_536,
      tcpNoDelay: true,
      socketRecvBuffer: 0,
      socketSendBuffer: 0,
      codec: undefined,
      tls: undefined,
      logPath: undefined,
      logLevel: undefined,
      logger: undefined,
      readTimeout: 0,
      udp: undefined,
      udpSessions: undefined,
      graceful: undefined,
      pidName: undefined,
      writeTimeout: 0,
      block: false,
      driver: 'auto',
      backlog: 4_096,
      maxConnections: Infinity,
      idleTimeout: 0,
      closeTimeout: 5_000,
      handshakeTimeout: 10_000,
      proxyProtocol: undefined,
      allowHalfOpen: false,
      highWaterMark: 1_048_576,
      lowWaterMark: 262_144,
      maxOutboundBytes: 67_108_864,
      maxInboundBytes: 16_777_216,
      overflow: 'pause',
      maxFrameLength: Infinity,
      busyPoll: 0,
      slowHandler: 0,
      slowHandlerAsked: false,
      histograms: false,
      leakDetection: undefined,
      signal: undefined,
    };
    assert.deepEqual(resolve({}), defaults);
    assert.deepEqual(resolveOptions(undefined, environment), defaults);
    const leftOut = Object.fromEntries(optionNames.map((name) => [name, undefined]));
    assert.deepEqual(resolve(untyped(leftOut)), defaults);
  });

  test('what is given is taken over', () => {
    const { signal } = new AbortController();
    const codec = new BuiltInFrameCodec();
    const given = {
      multicore: true,
      numEventLoop: 1,
      loadBalancing: LoadBalancing.SourceAddrHash,
      lockOSThread: true,
      shared: { counters: new SharedArrayBuffer(8) },
      readBufferCap: 4_096,
      reusePort: true,
      ticker: true,
      tcpKeepAlive: 60_000,
      tcpKeepInterval: 5_000,
      tcpKeepCount: 4,
      udp: { dontFragment: true, typeOfService: 46 },
      udpSessions: { idleTimeout: 1_000, max: 10 },
      bindToDevice: 'eth0',
      congestion: 'bbr',
      receiveDescriptors: true,
      deferAccept: 1_000,
      fastOpen: 16,
      writeBufferCap: 8_192,
      socketRecvBuffer: 8_192,
      socketSendBuffer: 2 ** 31 - 1,
      codec,
      tls: { key: 'key.pem', cert: 'cert.pem' },
      logPath: 'server.log',
      logLevel: -1,
      logger: console,
      graceful: { signal: 'SIGHUP', readyTimeout: 1, drainTimeout: Infinity } as const,
      pidName: 'server.pid',
      readTimeout: 500,
      writeTimeout: 1_000,
      block: true,
      driver: 'epoll',
      backlog: 65_535,
      maxConnections: 10,
      idleTimeout: 2_000,
      closeTimeout: 0,
      handshakeTimeout: 7,
      proxyProtocol: { mode: 'required', trusted: ['10.0.0.0/8'] } as const,
      allowHalfOpen: true,
      highWaterMark: 100,
      lowWaterMark: 0,
      maxOutboundBytes: 100,
      maxInboundBytes: 4_096,
      overflow: 'close',
      maxFrameLength: 4_096,
      busyPoll: 50,
      slowHandler: 20,
      histograms: true,
      leakDetection: { level: 'sampled', after: 5 },
      signal,
    } as const;
    const expected = {
      ...given,
      logLevel: 'debug',
      loopsByMulticore: false,
      keepAliveSeconds: 60,
      tcpNoDelay: false,
      slowHandlerAsked: true,
      leakDetection: { every: 128, after: 5 },
    };
    assert.deepEqual(resolve({ ...given, tcpNoDelay: false }), expected);
  });

  test('leakDetection is a level, or one with a time; the environment has the default', (t) => {
    const minute = 60_000;
    assert.deepEqual(resolve({ leakDetection: 'all' }).leakDetection, { every: 1, after: minute });
    assert.equal(resolve({ leakDetection: { level: 'off' } }).leakDetection, undefined);
    for (const after of [0, 0.5, 2 ** 31, 'soon']) {
      refuses(
        untyped({ leakDetection: { level: 'all', after } }),
        /leakDetection\.after.*millisec/,
      );
    }
    refuses(untyped({ leakDetection: { after: 5 } }), /leakDetection\.level.*'sampled'/);
    refuses(untyped({ leakDetection: { level: 'all', every: 5 } }), /leakDetection\.every/);
    refuses(untyped({ leakDetection: true }), /leakDetection.*'off', 'sampled', 'all'/);
    const variable = 'GNET_LEAK_DETECTION';
    t.after(() => delete process.env[variable]);
    process.env[variable] = 'sampled';
    assert.deepEqual(resolve({}).leakDetection, { every: 128, after: minute });
    assert.equal(resolve({ leakDetection: 'off' }).leakDetection, undefined);
    process.env[variable] = 'paranoid';
    refuses({}, /GNET_LEAK_DETECTION/);
  });

  test('busyPoll is microseconds from 0 on', () => {
    assert.equal(resolve({ busyPoll: 2 ** 31 - 1 }).busyPoll, 2 ** 31 - 1);
    for (const busyPoll of [-1, 0.5, 2 ** 31, Number.NaN]) {
      refuses({ busyPoll }, /busyPoll.*microseconds/);
    }
  });

  test('readBufferCap becomes the next power of two', () => {
    const pairs = [
      [1, 2],
      [2, 2],
      [3, 4],
      [1_000, 1_024],
      [1_024, 1_024],
      [1_025, 2_048],
      [0, 65_536],
      [-5, 65_536],
      [2 ** 30, 2 ** 30],
      [2 ** 29 + 1, 2 ** 30],
    ] as const;
    for (const [given, expected] of pairs) {
      assert.equal(resolve({ readBufferCap: given }).readBufferCap, expected, String(given));
    }
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2 ** 30 }), (given) => {
        const cap = resolve({ readBufferCap: given }).readBufferCap;
        assert.ok(Number.isInteger(Math.log2(cap)));
        assert.ok(cap >= given && cap < 2 * given);
      }),
    );
    refuses({ readBufferCap: 2 ** 30 + 1 }, /option readBufferCap: give a whole number/);
    refuses({ readBufferCap: 1.5 }, /cannot use 1.5 as option readBufferCap/);
  });

  test('tcpKeepAlive becomes whole seconds, rounded up, and is kept as given', () => {
    const pairs = [
      [0, 0],
      [1, 1],
      [999.5, 1],
      [1_000, 1],
      [1_001, 2],
      [90_000, 90],
      [32_767_000, 32_767],
    ] as const;
    for (const [given, seconds] of pairs) {
      assert.equal(resolve({ tcpKeepAlive: given }).keepAliveSeconds, seconds, String(given));
    }
    assert.equal(resolve({ tcpKeepAlive: 1_500 }).tcpKeepAlive, 1_500);
    refuses({ tcpKeepAlive: 32_767_001 }, /up to 32767000 \(milliseconds\)/);
  });

  test('tcpNoDelay takes a boolean or the constants', () => {
    assert.equal(resolve({ tcpNoDelay: true }).tcpNoDelay, true);
    assert.equal(resolve({ tcpNoDelay: false }).tcpNoDelay, false);
    assert.equal(resolve({ tcpNoDelay: TCPSocketOpt.TCPNoDelay }).tcpNoDelay, true);
    assert.equal(resolve({ tcpNoDelay: TCPSocketOpt.TCPDelay }).tcpNoDelay, false);
    refuses({ tcpNoDelay: 2 }, /one of true, false, 0 \(TCPNoDelay\), 1 \(TCPDelay\)/);
    refuses({ tcpNoDelay: 'true' }, /cannot use "true" as option tcpNoDelay/);
  });

  test('parts of a millisecond never turn a time limit off', () => {
    assert.equal(resolve({ idleTimeout: 0.2 }).idleTimeout, 1);
    refuses({ idleTimeout: -1 }, /option idleTimeout: give 0 \(off\) or a number/);
    refuses({ writeTimeout: Infinity }, /cannot use Infinity as option writeTimeout/);
    refuses({ closeTimeout: '5s' }, /cannot use "5s" as option closeTimeout/);
  });

  test('the number of loops', () => {
    const cpus = (count: number) => ({ ...environment, cpuCount: () => count });
    assert.equal(resolveOptions({ multicore: true }, cpus(1)).numEventLoop, 1);
    assert.equal(resolveOptions({ multicore: true, numEventLoop: 1 }, cpus(8)).numEventLoop, 1);
    assert.equal(resolve({ numEventLoop: -3 }).numEventLoop, 1);
    assert.equal(resolve({ loopNum: 1 }).numEventLoop, 1);
    assert.equal(resolve({ loopNum: 1, numEventLoop: 1 }).numEventLoop, 1);
    assert.equal(resolveOptions({ multicore: true }, cpus(8)).numEventLoop, 8);
    assert.equal(resolveOptions({ multicore: true, loopNum: 3 }, cpus(8)).numEventLoop, 3);
    const { loopsByMulticore } = resolveOptions({ multicore: true, numEventLoop: 0 }, cpus(8));
    assert.equal(loopsByMulticore, true);
    assert.equal(resolve({ loopNum: 3 }).loopsByMulticore, false);
    assert.equal(resolve({ numEventLoop: 4_096, lockOSThread: true }).numEventLoop, 4_096);
    refuses({ loopNum: 10_001, lockOSThread: true }, /a whole number up to 4096/);
    refuses({ loopNum: 1, numEventLoop: 2 }, /loopNum: give a number equal to numEventLoop/);
    refuses({ numEventLoop: 1.5 }, /option numEventLoop/);
  });

  test('the system is asked for the backlog only when none is given', () => {
    const systemBacklog = () => assert.fail('asked');
    assert.equal(resolveOptions({ backlog: 7 }, { ...environment, systemBacklog }).backlog, 7);
    const { backlog } = resolveOptions();
    assert.ok(Number.isInteger(backlog) && backlog >= 1 && backlog <= 65_535);
    refuses({ backlog: 0 }, /a whole number from 1 to 65535 \(connections\)/);
  });

  test('watermarks that were not given make room for those that were', () => {
    const marks = (options: Options) => {
      const { lowWaterMark, highWaterMark, maxOutboundBytes } = resolve(options);
      return [lowWaterMark, highWaterMark, maxOutboundBytes];
    };
    assert.deepEqual(marks({ highWaterMark: 1_000 }), [250, 1_000, 67_108_864]);
    assert.deepEqual(marks({ highWaterMark: 2 ** 30 }), [262_144, 2 ** 30, 2 ** 30]);
    assert.deepEqual(marks({ lowWaterMark: 2 ** 21 }), [2 ** 21, 2 ** 21, 67_108_864]);
    assert.deepEqual(marks({ maxOutboundBytes: 100 }), [25, 100, 100]);
    assert.deepEqual(marks({ highWaterMark: 0 }), [0, 0, 67_108_864]);
  });

  test('low <= high <= cap holds for everything that is accepted', () => {
    const bytes = fc.option(fc.integer({ min: 1, max: 2 ** 28 }), { nil: undefined });
    fc.assert(
      fc.property(bytes, bytes, bytes, (lowWaterMark, highWaterMark, maxOutboundBytes) => {
        const given = [lowWaterMark, highWaterMark, maxOutboundBytes].filter(
          (value) => value !== undefined,
        );
        const ordered = given.every((value, index) => value >= (given[index - 1] ?? 0));
        const options = untyped({ lowWaterMark, highWaterMark, maxOutboundBytes });
        if (!ordered) {
          assert.throws(() => resolve(options), ErrInvalidOption);
          return;
        }
        const resolved = resolve(options);
        assert.ok(resolved.lowWaterMark <= resolved.highWaterMark);
        assert.ok(resolved.highWaterMark <= resolved.maxOutboundBytes);
      }),
    );
  });

  test('one read fits into what may be kept, and the longest frame too', () => {
    assert.equal(resolve({ readBufferCap: 2 ** 25 }).maxInboundBytes, 2 ** 25);
    refuses(
      { maxInboundBytes: 1_000 },
      /maxInboundBytes: give a number >= readBufferCap, .* 65536/,
    );
    refuses({ maxFrameLength: 2 ** 25 }, /maxFrameLength: give a number <= maxInboundBytes/);
    assert.equal(resolve({ maxFrameLength: Infinity }).maxFrameLength, Infinity);
    refuses({ maxFrameLength: 0 }, /a whole number from 1 on, or Infinity \(bytes\)/);
    refuses({ maxConnections: 0 }, /a whole number from 1 on, or Infinity \(connections\)/);
  });

  test('every option refuses a value of the wrong kind and names itself', () => {
    class NotAValue {}
    // These two take nearly everything: shared is any value that can be sent.
    for (const name of optionNames.filter((known) => known !== 'tls' && known !== 'shared')) {
      for (const value of [null, new NotAValue(), Number.NaN, Symbol('x'), 12n]) {
        assert.throws(
          () => resolve(untyped({ [name]: value })),
          (error: Error) => {
            assert.ok(error instanceof ErrInvalidOption, `${name}: ${error}`);
            assert.match(error.message, new RegExp(`${name}|${name} option`));
            return true;
          },
        );
      }
    }
  });

  test('the message has the value, the option and what is wanted', () => {
    refuses({ ticker: 'yes' }, /^cannot use "yes" as option ticker: give true or false$/);
    refuses(
      { overflow: 'drop' },
      /^cannot use "drop" as option overflow: give one of 'pause', 'close', 'none'$/,
    );
    refuses(
      { loadBalancing: 7 },
      /give one of 0 \(RoundRobin\), 1 \(LeastConnections\), 2 \(SourceAddrHash\)$/,
    );
    refuses({ driver: 'iocp' }, /one of 'auto', 'io_uring', 'epoll', 'kqueue', 'node'/);
    refuses({ logLevel: 'loud' }, /'loud' as option logLevel/);
    refuses({ logPath: '' }, /option logPath: give the path of a file/);
    refuses({ signal: {} }, /option signal: give the signal of an AbortController/);
    refuses({ codec: { encode() {} } }, /codec option/);
  });

  test('an unknown name is refused, with the nearest one as a hint', () => {
    refuses({ multiCore: true }, /no such option; is it multicore\?/);
    refuses({ tickr: true }, /is it ticker\?/);
    refuses({ TCPKeepAlive: 1 }, /is it tcpKeepAlive\?/);
    refuses({ keepAlive: undefined }, /there is no such option/);
    refuses({ colour: 'red' }, /there is no such option; known are multicore, /);
    refuses({ constructor: 1 }, /there is no such option/);
    refuses(JSON.parse('{"__proto__": 1}'), /there is no such option/);
  });

  test('options that are no object are refused', () => {
    for (const value of [null, 5, 'multicore', []]) refuses(value, /cannot use the options/);
  });

  test('every driver may be asked for: whether it works here is seen later', () => {
    for (const driver of ['auto', 'io_uring', 'epoll', 'kqueue', 'node'] as const) {
      assert.equal(resolve({ graceful: false, driver }).driver, driver);
    }
  });
});
