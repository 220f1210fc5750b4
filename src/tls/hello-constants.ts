import type { ClientHello } from './client-hello.ts';

/** A record with a fatal alert, in clear: no engine knows of this client yet. */
export const unrecognizedName = Uint8Array.of(21, 3, 3, 0, 2, 2, 112);

/** Of a client whose first message cannot be read here. */
export const noHello: ClientHello = { serverName: undefined, protocols: [], ticketKeyNames: [] };
