/** More are forgotten, all at once. */
const rememberedMax = 512;
/** In characters. Longer texts are found again each time, which is little beside what they cost elsewhere. */
const textMax = 256;

/** Remembers what was found for a text: messages are of the same few topics again and again. */
export class FoundBefore<Found> {
  readonly #find: (text: string) => Found;
  readonly #found = new Map<string, Found>();

  constructor(find: (text: string) => Found) {
    this.#find = find;
  }

  /** @throws what the function throws, again each time. */
  of(text: string): Found {
    const known = this.#found.get(text);
    if (known !== undefined) return known;
    const found = this.#find(text);
    if (text.length > textMax) return found;
    if (this.#found.size === rememberedMax) this.#found.clear();
    this.#found.set(text, found);
    return found;
  }
}
