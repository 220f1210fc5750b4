import { trimBlanks } from './characters.ts';
import { RealHeaders, standIn } from './web-stand-in.ts';

/** The headers of a request, taken apart when the first is asked for. */
export class LightHeaders {
  readonly #text: string;
  #names: string[] | null = null;
  #values: string[] = [];
  #real: Headers | null = null;

  /** @param text whole header lines, with their line ends, as a parser has let them through. */
  constructor(text: string) {
    this.#text = text;
  }

  get real(): Headers {
    if (this.#real !== null) return this.#real;
    const names = this.#names ?? this.#parse();
    const real = new RealHeaders();
    for (let index = 0; index < names.length; index++) {
      real.append(names[index] as string, this.#values[index] as string);
    }
    this.#real = real;
    return real;
  }

  #parse(): string[] {
    const text = this.#text;
    const names: string[] = [];
    let line = 0;
    while (line < text.length) {
      const colon = text.indexOf(':', line);
      const end = text.indexOf('\r\n', colon);
      names.push(text.slice(line, colon).toLowerCase());
      this.#values.push(trimBlanks(text.slice(colon + 1, end)));
      line = end + 2;
    }
    this.#names = names;
    return names;
  }

  get(name: string): string | null {
    if (this.#real !== null) return this.#real.get(name);
    const names = this.#names ?? this.#parse();
    const wanted = String(name).toLowerCase();
    let found: string | null = null;
    for (let index = 0; index < names.length; index++) {
      if (names[index] !== wanted) continue;
      const value = this.#values[index] as string;
      if (found === null) found = value;
      else found += (wanted === 'cookie' ? '; ' : ', ') + value;
    }
    return found;
  }

  has(name: string): boolean {
    return this.#real === null ? this.get(name) !== null : this.#real.has(name);
  }

  /** Of its own, so that what copies headers walks through these instead of reaching inside. */
  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.real[Symbol.iterator]();
  }
}

standIn(LightHeaders, RealHeaders, (light) => light.real);
