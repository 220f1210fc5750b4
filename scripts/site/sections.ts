/** The order in which the site shows its pages. What is not named here is found by links and search. */

export interface Section {
  readonly title: string;
  readonly pages: readonly string[];
}

export const sections: readonly Section[] = [
  { title: 'Start', pages: ['start', 'examples', 'command', 'guides/migrate', 'coming-from-go'] },
  {
    title: 'Guides',
    pages: [
      'guides/chat',
      'guides/iot-gateway',
      'guides/tcp-proxy',
      'guides/game-server',
      'guides/redis-like-store',
      'guides/threads-in-pictures',
      'guides/backpressure',
      'guides/deploy',
      'monitoring',
      'testing',
      'guides/tune',
    ],
  },
  {
    title: 'The parts',
    pages: [
      'handlers',
      'connections',
      'codecs',
      'client',
      'server',
      'threads',
      'udp',
      'kcp',
      'tls',
      'http',
      'websocket',
      'topics',
      'streams',
      'proxy-protocol',
      'descriptors',
    ],
  },
  {
    title: 'In production',
    pages: ['scaling', 'restart', 'inspect', 'security', 'support', 'surprises'],
  },
  {
    title: 'Reference',
    pages: ['options', 'errors', 'addresses', 'connection-life', 'drivers', 'changelog'],
  },
  {
    title: 'Behind it',
    pages: [
      'benchmarks',
      'benchmark-results',
      'reliability',
      'architecture',
      'design',
      'decisions/index',
      'specification',
      'contributing',
    ],
  },
];
