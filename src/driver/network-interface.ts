import { networkInterfaces } from 'node:os';
import { ErrInvalidOption } from '../base/errors.ts';

/** The name of the interface that has this name or address. @throws ErrInvalidOption */
export function interfaceName(nameOrAddress: string): string {
  const all = networkInterfaces();
  if (Object.hasOwn(all, nameOrAddress)) return nameOrAddress;
  for (const [name, addresses] of Object.entries(all)) {
    if (addresses?.some(({ address }) => address === nameOrAddress)) return name;
  }
  throw noInterface(nameOrAddress);
}

export function noInterface(nameOrAddress: string): ErrInvalidOption {
  return new ErrInvalidOption(
    `cannot use the network interface '${nameOrAddress}': no interface has that name or address; ` +
      `there are ${Object.keys(networkInterfaces()).join(', ')}`,
  );
}
