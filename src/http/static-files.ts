import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentTypeOf } from './content-types.ts';
import { etagOf, type FileFacts, isFresh, isWanted, rangeOf } from './file-conditions.ts';
import { LightResponse } from './light-response.ts';

export interface StaticFilesOptions {
  /** The file to send for a folder; false for none. Default `index.html`. */
  readonly index?: string | false;
  /** Whether names that begin with a dot are served. Default false. */
  readonly dotfiles?: boolean;
  /** Seconds for which clients may use a file without asking again. Default 0. */
  readonly maxAge?: number;
  /**
   * Returns the Content-Type for a file name; for names that it does not know, gnet uses its own
   * table.
   */
  readonly contentType?: (name: string) => string | undefined;
}

/** Files up to this length are read in one piece; bytes. */
const WHOLE_MAX = 64 * 1024;
const PIECE = 128 * 1024;
/**
 * What is no file is seen only when it is open, and must not wait there: a FIFO would, for its writer, in a
 * thread that opens for all. Not every system has the flags.
 */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new LightResponse(status < 400 ? null : `${status}\n`, {
    status,
    headers,
  }) as unknown as Response;
}

/**
 * Makes a `fetch` handler for the files below a folder, with conditions, single ranges and HEAD. It
 * answers 404 for a file that does not exist or lies outside the folder, even through a symbolic
 * link.
 */
export function staticFiles(
  root: string | URL,
  options: StaticFilesOptions = {},
): (request: Request) => Promise<Response> {
  const folder = resolve(root instanceof URL ? fileURLToPath(root) : root);
  return (request) => serveFile(folder, options, request);
}

/** The path below the root, or null for one that is not served. */
function pathOf(request: Request, options: StaticFilesOptions): string | null {
  const { pathname } = new URL(request.url);
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  // What a path is made of on some system, and not in a URL.
  if (/[\0\\]/.test(path) || (sep === '\\' && path.includes(':'))) return null;
  const names = path.split('/');
  if (names.includes('..')) return null;
  if (options.dotfiles !== true && names.some((name) => name.startsWith('.'))) return null;
  return path;
}

async function serveFile(
  folder: string,
  options: StaticFilesOptions,
  request: Request,
): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answer(405, { allow: 'GET, HEAD' });
  }
  const path = pathOf(request, options);
  if (path === null) return answer(404);
  const { index = 'index.html' } = options;
  const isFolder = path.endsWith('/');
  if (isFolder && index === false) return answer(404);
  let handle: FileHandle | undefined;
  try {
    handle = await openBelow(folder, isFolder ? `${path}${index}` : path);
    const facts = await handle.stat();
    if (facts.isFile()) return await fileAnswer(handle, facts, path, options, request);
    await handle.close();
    return facts.isDirectory() && !isFolder && index !== false ? toFolder(request) : answer(404);
  } catch (error) {
    await handle?.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return answer(403);
    if (code !== undefined && NOT_THERE.has(code)) return answer(404);
    throw error;
  }
}

const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO']);

/** @throws ENOENT for what is outside of the folder. */
async function openBelow(folder: string, path: string): Promise<FileHandle> {
  const [root, real] = await Promise.all([realpath(folder), realpath(join(folder, path))]);
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw Object.assign(new Error('it is outside of the folder'), { code: 'ENOENT' });
  }
  return open(real, OPEN_FLAGS);
}

/** Relative links in its page are meant from the folder. */
function toFolder(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  // Two slashes in front would name another host.
  return answer(301, { location: `${pathname.replace(/^\/+/, '/')}/${search}` });
}

async function fileAnswer(
  handle: FileHandle,
  facts: { readonly size: number; readonly mtimeMs: number },
  path: string,
  options: StaticFilesOptions,
  request: Request,
): Promise<Response> {
  const { size, mtimeMs: modified } = facts;
  const file: FileFacts = { size, modified, etag: etagOf(size, modified) };
  const { index = 'index.html', maxAge = 0, contentType } = options;
  const name = path.endsWith('/') ? String(index) : path;
  const headers: Record<string, string> = {
    'content-type': contentType?.(name) ?? contentTypeOf(name),
    'last-modified': new Date(modified).toUTCString(),
    etag: file.etag,
    'cache-control': `public, max-age=${maxAge}`,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  };
  if (!isWanted(request.headers, file)) {
    await handle.close();
    return answer(412);
  }
  if (isFresh(request.headers, file)) {
    await handle.close();
    return answer(304, headers);
  }
  const range = request.method === 'GET' ? rangeOf(request.headers, file) : null;
  if (range === 'none') {
    await handle.close();
    return answer(416, { 'content-range': `bytes */${size}` });
  }
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== null) headers['content-range'] = `bytes ${start}-${end - 1}/${size}`;
  headers['content-length'] = String(end - start);
  const body = await bodyOf(handle, start, end, request);
  const init = { status: range === null ? 200 : 206, headers };
  if (body instanceof Uint8Array) return LightResponse.ofOwnBytes(body, init);
  return new LightResponse(body, init) as unknown as Response;
}

/** Closes the handle: now, or when the body has been read. */
async function bodyOf(
  handle: FileHandle,
  start: number,
  end: number,
  request: Request,
): Promise<Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | null> {
  const length = end - start;
  if (request.method === 'GET' && length > WHOLE_MAX) {
    return new FilePieces(handle, start, end);
  }
  if (request.method === 'HEAD' || length === 0) {
    await handle.close();
    return null;
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(bytes, 0, length, start);
  await handle.close();
  if (bytesRead < length) throw new Error('Cannot send the file: it became shorter meanwhile');
  return bytes;
}

/** A file piece by piece. It closes the file at its end, or when the reader cancels. */
class FilePieces implements AsyncIterableIterator<Buffer> {
  readonly #handle: FileHandle;
  readonly #piece = Buffer.allocUnsafeSlow(PIECE);
  readonly #end: number;
  #position: number;

  constructor(handle: FileHandle, start: number, end: number) {
    this.#handle = handle;
    this.#position = start;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Its memory is used again for the next piece: a connection takes bytes at the call. */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const length = Math.min(PIECE, this.#end - this.#position);
    if (length === 0) return this.return();
    let bytesRead = 0;
    try {
      ({ bytesRead } = await this.#handle.read(this.#piece, 0, length, this.#position));
    } catch (error) {
      await this.return();
      throw error;
    }
    // The answer is shorter than it promised then, which breaks the connection off.
    if (bytesRead === 0) return this.return();
    this.#position += bytesRead;
    return { done: false, value: this.#piece.subarray(0, bytesRead) };
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#position = this.#end;
    await this.#handle.close();
    return { done: true, value: undefined };
  }
}
