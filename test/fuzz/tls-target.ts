/** Where OpenSSL is called: in a file of its own, because not every runtime can. */
import type { FuzzTarget } from '../../testing/coverage-fuzzer.ts';
import { runRecords } from '../../testing/tls-record-fuzz.ts';

export const tlsRecordTarget: FuzzTarget = {
  name: 'tls-records',
  seeds: [0, 1].flatMap((version) =>
    [0, 1, 2, 3, 4, 5, 6].map((deed) => Buffer.from([version, 150, deed, 0, 7, 3, deed, 1, 2, 9])),
  ),
  words: ['\0\0\0\x17', '\x01\0\x03\x01', '\x05\0\x08\x01', '\x06\0\0\x01', '\x04\x01\0\0'],
  // A handshake for each input.
  cost: 100,
  run: runRecords,
};
