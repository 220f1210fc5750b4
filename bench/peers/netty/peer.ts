import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, hasTool } from '../../harness/command.ts';
import { missingInstallation, runInstallSteps } from '../../harness/installed.ts';
import type { Installation, Peer } from '../../harness/peer.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const TARGET_FOLDER = join(BUILD_FOLDER, 'netty');
const JAR = join(TARGET_FOLDER, 'netty.jar');
/** Without it Netty checks every buffer for leaks and every access for its bounds. */
const JAVA_OPTIONS = [
  '-Dio.netty.leakDetection.level=disabled',
  '-Dio.netty.buffer.checkBounds=false',
  '-Dio.netty.buffer.checkAccessible=false',
  '-XX:+UseSerialGC',
];

const installation: Installation = {
  tool: 'mvn',
  product: JAR,
  run() {
    // Jars of an older version would come first on the class path.
    rmSync(TARGET_FOLDER, { recursive: true, force: true });
    const args = ['-q', '-B', `-Dbench.build=${TARGET_FOLDER}`, 'package'];
    runInstallSteps([{ program: 'mvn', args, folder: FOLDER }]);
  },
};

function nettyVersion(): string {
  const description = readFileSync(join(FOLDER, 'pom.xml'), 'utf8');
  return /<netty.version>([^<]+)</.exec(description)?.[1] ?? 'unknown';
}

/** It says so on its standard error. */
function javaVersion(): string {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown';
}

const COMMON_WORKS = [
  'tcp-echo',
  'tcp-echo-paced',
  'udp-echo',
  'http-plaintext',
  'connection-rate',
  'idle-memory',
  'start-up',
];

function peer(name: string, transport: string, works: readonly string[]): Peer {
  return {
    name,
    title: `Netty, ${transport} transport`,
    works,
    installation,
    unavailable: () => (hasTool('java') ? missingInstallation(installation) : 'java is missing'),
    build() {},
    warmupFactor: 2,
    versions: () => ({ netty: nettyVersion(), java: javaVersion() }),
    server: (work, endpoint) => ({
      program: 'java',
      args: [
        ...JAVA_OPTIONS,
        '-cp',
        `${JAR}:${join(TARGET_FOLDER, 'lib')}/*`,
        'Server',
        transport,
        work === 'http-plaintext' ? 'http' : endpoint.protocol,
        endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
      ],
    }),
  };
}

const peers: readonly Peer[] = [
  peer('netty-epoll', 'epoll', [...COMMON_WORKS, 'unix-echo']),
  peer('netty-io-uring', 'io_uring', COMMON_WORKS),
];

export default peers;
