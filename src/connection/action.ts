/**
 * What gnet does with the connection or the server after an event. Unknown values act as `None`.
 */
export const Action = {
  None: 0,
  /** Flush pending output, then close this connection. */
  Close: 1,
  /** Flush, then stop the whole server. */
  Shutdown: 2,
} as const;

export type Action = (typeof Action)[keyof typeof Action];
