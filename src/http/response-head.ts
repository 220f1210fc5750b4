import { STATUS_CODES } from 'node:http';

const STATUS_LINES: string[] = [];
for (const [code, text] of Object.entries(STATUS_CODES)) {
  STATUS_LINES[Number(code)] = `HTTP/1.1 ${code} ${text}\r\n`;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No control characters: a value with a line end could forge a whole answer. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isHeaderName(text: string): boolean {
  return TOKEN.test(text);
}

/** Also a status text is one. */
export function isHeaderValue(text: string): boolean {
  return VALUE.test(text);
}

export function statusLine(status: number, statusText: string): string {
  if (statusText === '' || statusText === STATUS_CODES[status]) {
    return STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`;
  }
  if (!VALUE.test(statusText)) throw new TypeError(`Cannot send the status text '${statusText}'`);
  return `HTTP/1.1 ${status} ${statusText}\r\n`;
}

/** The head of one answer in the making. One serves all: it is filled and used in one go. */
export class ResponseHead {
  text = '';
  hasDate = false;
  hasType = false;
  /** What the program gave as its length; empty when it gave none. */
  length = '';
  /** The program wants the connection closed behind this. */
  closes = false;
  /** It names protocols that the client may switch to. */
  hasUpgrade = false;

  begin(status: number, statusText: string): void {
    this.text = statusLine(status, statusText);
    this.hasDate = false;
    this.hasType = false;
    this.length = '';
    this.closes = false;
    this.hasUpgrade = false;
  }

  /**
   * Adds one line. How the body is framed and what becomes of the connection is the server's to say.
   * @throws TypeError for what would end the line, or is no name.
   */
  add(name: string, value: string): void {
    if (!TOKEN.test(name)) throw new TypeError(`Cannot send the header '${name}': it is no name`);
    if (!VALUE.test(value)) {
      throw new TypeError(`Cannot send the header ${name}: its value has characters that none may`);
    }
    if (!this.#isOurs(name, value)) this.text += `${name}: ${value}\r\n`;
  }

  #isOurs(name: string, value: string): boolean {
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'date') this.hasDate = true;
        return false;
      case 7:
        if (name.toLowerCase() === 'upgrade') this.hasUpgrade = true;
        return false;
      case 10:
        return this.#isConnection(name.toLowerCase(), value);
      case 12:
        if (name.toLowerCase() === 'content-type') this.hasType = true;
        return false;
      case 14:
        if (name.toLowerCase() !== 'content-length') return false;
        this.length = value;
        return true;
      case 17:
        return name.toLowerCase() === 'transfer-encoding';
      default:
        return false;
    }
  }

  #isConnection(name: string, value: string): boolean {
    if (name === 'connection') {
      if (/\bclose\b/i.test(value)) this.closes = true;
      return true;
    }
    return name === 'keep-alive';
  }

  addAll(headers: Iterable<[string, string]>): void {
    for (const [name, value] of headers) this.add(name, value);
  }

  /** @param pairs names and values in turn. */
  addPairs(pairs: readonly string[]): void {
    for (let index = 0; index < pairs.length; index += 2) {
      this.add(pairs[index] as string, pairs[index + 1] as string);
    }
  }
}
