/** Members without an order, of which any can be taken at once. */
export class SetValue {
  readonly #members: string[] = [];
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#members.length;
  }

  has(member: string): boolean {
    return this.#places.has(member);
  }

  add(member: string): boolean {
    if (this.#places.has(member)) return false;
    this.#places.set(member, this.#members.length);
    this.#members.push(member);
    return true;
  }

  delete(member: string): boolean {
    const place = this.#places.get(member);
    if (place === undefined) return false;
    this.#places.delete(member);
    const last = this.#members.pop() as string;
    if (last === member) return true;
    this.#members[place] = last;
    this.#places.set(last, place);
    return true;
  }

  /** Takes one by chance. The set must not be empty. */
  pop(): string {
    const member = this.#members[Math.floor(Math.random() * this.size)] as string;
    this.delete(member);
    return member;
  }

  values(): readonly string[] {
    return this.#members;
  }
}
