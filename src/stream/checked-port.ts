/** As `node:net` tells of it. @throws `ERR_SOCKET_BAD_PORT`, at once. */
export function checkedPort(port: number | string): number {
  const number = typeof port === 'string' && port.trim() === '' ? Number.NaN : Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw Object.assign(
    new RangeError(`cannot use port ${String(port)}: give a whole number from 0 to 65535`),
    { code: 'ERR_SOCKET_BAD_PORT' },
  );
}
