/** A handler whose goodbye throws what no text can be made of. */
export default function handler() {
  return {
    signalClose(): void {
      throw Object.create(null);
    },
  };
}
