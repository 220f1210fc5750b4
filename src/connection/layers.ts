import type { ConnectionSettings } from './owner.ts';
import type { LayerFactory } from './layer.ts';
import { proxyHeaderLayer } from './proxy-protocol/layer.ts';

/**
 * What stands under each connection of a loop; undefined where connections meet the driver itself.
 * @param tls the layer of TLS, above the header of a proxy.
 */
export function layersOf(
  settings: ConnectionSettings,
  tls: LayerFactory | undefined,
): LayerFactory | undefined {
  const { proxyProtocol, handshakeTimeout } = settings;
  if (proxyProtocol === undefined) return tls;
  return proxyHeaderLayer(proxyProtocol, handshakeTimeout, tls);
}
