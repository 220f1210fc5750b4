import { GnetError } from '../index.ts';

/** As `node:net` tells of a failed call: the errno is negative, and host and port are two members. */
export function nodeError(error: unknown): unknown {
  if (!(error instanceof GnetError) || error.errno === undefined) return error;
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(error.address ?? '') ?? [];
  const target = host === undefined ? {} : { address: host, port: Number(port) };
  return Object.assign(error, { errno: -Math.abs(error.errno), ...target });
}
