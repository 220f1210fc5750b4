import type { ProxyProtocolSettings } from '../connection/proxy-protocol/settings.ts';
import { invalidOption, type OptionCheck } from '../base/option-checks.ts';
import { isIP } from '../base/ip-address.ts';
import type { ProxyProtocolOption } from './option-types.ts';

/** The option `proxyProtocol`. */
export const asProxyProtocol: OptionCheck<ProxyProtocolOption> = (name, value) => {
  if (isMode(value)) return value;
  const given = value as Record<string, unknown> | null;
  const known = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (!known || !isMode(given['mode']) || !hasOnly(given, ['mode', 'trusted'])) {
    throw invalidOption(name, value, "'required', 'optional', or { mode, trusted }");
  }
  const { mode, trusted } = given;
  if (trusted === undefined) return { mode };
  if (!Array.isArray(trusted)) {
    throw invalidOption(`${name}.trusted`, trusted, "an array such as ['10.0.0.0/8']");
  }
  for (const network of trusted) {
    if (!isNetwork(network)) {
      throw invalidOption(
        `${name}.trusted`,
        network,
        "an address or a network such as '10.0.0.0/8'",
      );
    }
  }
  return { mode, trusted: [...trusted] as string[] };
};

export function proxyProtocolSettings(
  option: ProxyProtocolOption | undefined,
): ProxyProtocolSettings | undefined {
  if (option === undefined) return undefined;
  if (typeof option === 'string') return { mode: option, trusted: undefined };
  return { mode: option.mode, trusted: option.trusted };
}

function isMode(value: unknown): value is 'required' | 'optional' {
  return value === 'required' || value === 'optional';
}

function hasOnly(given: object, names: readonly string[]): boolean {
  return Object.keys(given).every((name) => names.includes(name));
}

function isNetwork(network: unknown): boolean {
  if (typeof network !== 'string') return false;
  const [host = '', bits, more] = network.split('/');
  const family = isIP(host);
  if (family === 0 || more !== undefined) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}
