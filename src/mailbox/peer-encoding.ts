/** The peer of a connection, as it goes through a mailbox. */
import type { DatagramPeer } from '../driver/contract.ts';

export const peerWordCount = 7;

export function putPeer(words: Int32Array, peer: DatagramPeer): void {
  words[0] = peer.family;
  words[1] = peer.port;
  words[2] = peer.word0;
  words[3] = peer.word1;
  words[4] = peer.word2;
  words[5] = peer.word3;
  words[6] = peer.scope;
}

export function peerIn(words: Int32Array): DatagramPeer {
  const [family = 0, port = 0, word0 = 0, word1 = 0, word2 = 0, word3 = 0, scope = 0] = words;
  return { family: family as 0 | 4 | 6, port, word0, word1, word2, word3, scope };
}
