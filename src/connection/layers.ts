import type { ConnectionSettings } from './host.ts';
import type { LayerFactory } from './layer.ts';
import { proxyHeaderLayer } from './proxy-protocol/layer.ts';

/** What stands under each connection of a loop; undefined where connections meet the driver itself. */
export function layersOf(settings: ConnectionSettings): LayerFactory | undefined {
  const { proxyProtocol, handshakeTimeout } = settings;
  if (proxyProtocol === undefined) return undefined;
  return proxyHeaderLayer(proxyProtocol, handshakeTimeout, undefined);
}
