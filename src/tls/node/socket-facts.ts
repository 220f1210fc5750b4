import type { TLSSocket } from 'node:tls';
import type { SessionFacts } from '../session-facts.ts';

/** What both sides of an open socket have agreed on, and the peer's certificate. */
export function factsOfSocket(
  socket: TLSSocket,
): Omit<SessionFacts, 'authorized' | 'authorizationError'> {
  const { name, standardName, version } = socket.getCipher();
  const { alpnProtocol } = socket;
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: { name, standardName, version },
    alpnProtocol: alpnProtocol ? alpnProtocol : false,
    resumed: socket.isSessionReused(),
    peerCertificate: socket.getPeerX509Certificate()?.raw,
  };
}
