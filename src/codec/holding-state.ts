/** The `codecState` of a codec that has taken received bytes and made no frame of them yet. */
export abstract class HoldingState {
  abstract heldBytes(): number;
}

/** Bytes that a codec with this state holds. */
export function heldBytes(codecState: unknown): number {
  return codecState instanceof HoldingState ? codecState.heldBytes() : 0;
}
