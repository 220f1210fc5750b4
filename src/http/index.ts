/** HTTP/1.1, on the public face of the core alone. */
export {
  HttpCodec,
  type HttpDataFrame,
  type HttpEndFrame,
  type HttpErrorFrame,
  type HttpFrame,
  type HttpHeadFrame,
} from './codec.ts';
export { type HttpHead, Method } from './head.ts';
export { defaultLimits, type HttpLimits, limitsFrom } from './limits.ts';
export { HttpEvent, HttpParser } from './parser.ts';
export type { FetchHandler, FetchInfo, HttpOptions } from './options.ts';
export { serveHttp } from './serve-http.ts';
export { switchProtocol } from './switched-protocol.ts';
export { type StaticFilesOptions, staticFiles } from './static-files.ts';
