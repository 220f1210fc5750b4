/**
 * Every error of the framework is a `GnetError` with a stable `code`: the errno name for a failed
 * system call (`EADDRINUSE`), otherwise the name of the error class (`ErrConnClosed`).
 * The message says the action, the state, the wanted state and a hint. `docs/errors.md` lists them all.
 */
export interface GnetErrorDetails {
  /** The name of the system call that failed. */
  readonly syscall?: string;
  /** The positive error number of the kernel. */
  readonly errno?: number;
  /** The address the call was about, in the form `127.0.0.1:9000`, `[::1]:9000` or a Unix path. */
  readonly address?: string;
  readonly cause?: unknown;
}

export class GnetError extends Error {
  readonly code: string;
  readonly syscall: string | undefined;
  readonly errno: number | undefined;
  readonly address: string | undefined;

  constructor(code: string, message: string, details: GnetErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.address = details.address;
  }
}

/** A system call failed; `code` is the errno name (`EADDRINUSE`), `syscall` the call. */
export class SyscallError extends GnetError {}

/**
 * `stop` was called for an address that no running server of this thread was started with, or `dial`
 * of a client that is stopped. In `onClosed`: a stop did not wait longer, and bytes were lost.
 */
export class ErrServerInShutdown extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrServerInShutdown', message, details);
  }
}

/**
 * Never thrown: a listener that finds no room rests and comes back by itself. The name is kept for
 * programs that know it from the source framework.
 */
export class ErrAcceptSocket extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrAcceptSocket', message, details);
  }
}

/** The scheme of an address is none of tcp, tcp4, tcp6, tls, udp, udp4, udp6, unix, fd, systemd. */
export class ErrUnsupportedProtocol extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrUnsupportedProtocol', message, details);
  }
}

/** The text of an address cannot be understood: no port, a bad port, an unknown host name. */
export class ErrInvalidNetworkAddress extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInvalidNetworkAddress', message, details);
  }
}

/** This operating system or CPU has none of the drivers that were asked for. */
export class ErrUnsupportedPlatform extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrUnsupportedPlatform', message, details);
  }
}

/** The operation exists, but not for this kind of connection, driver or build. */
export class ErrUnsupportedOp extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrUnsupportedOp', message, details);
  }
}

/** An option has a value of the wrong type or out of its range. */
export class ErrInvalidOption extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInvalidOption', message, details);
  }
}

/** The connection is closed, or the id names a connection that is gone. */
export class ErrConnClosed extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrConnClosed', message, details);
  }
}

/** A handler returned, or was given, something that is neither bytes, an action, a pair nor nothing. */
export class ErrInvalidReply extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInvalidReply', message, details);
  }
}

/** A method of the handler threw, or its promise was rejected; `cause` is what it threw. */
export class ErrHandler extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrHandler', message, details);
  }
}

/** The codec threw something that is not a `GnetError`; `cause` is what it threw. */
export class ErrCodec extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrCodec', message, details);
  }
}

/** More bytes wait for a slow reader than `maxOutboundBytes` (or `overflow: 'close'`) allows. */
export class ErrOutboundOverflow extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrOutboundOverflow', message, details);
  }
}

/** More bytes of an unfinished frame were received than `maxInboundBytes` allows. */
export class ErrInboundOverflow extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInboundOverflow', message, details);
  }
}

/** A time limit passed: `idleTimeout`, `writeTimeout`, `closeTimeout`, or `timeout` of `dial`. */
export class ErrTimeout extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrTimeout', message, details);
  }
}

/** A frame is longer than `maxFrameLength`. */
export class ErrFrameTooLong extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrFrameTooLong', message, details);
  }
}

/** The bytes cannot be a frame (negative body, strip beyond the frame, ...). */
export class ErrCorruptedFrame extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrCorruptedFrame', message, details);
  }
}

/** Fixed-length codec: the payload is not a multiple of the frame length. */
export class ErrInvalidFixedLength extends GnetError {
  constructor(message = 'invalid fixed length of bytes', details?: GnetErrorDetails) {
    super('ErrInvalidFixedLength', message, details);
  }
}

/** Never thrown by this library, for codecs of your own: decoders return `null` instead and wait. */
export class ErrUnexpectedEOF extends GnetError {
  constructor(message = 'there is no enough data', details?: GnetErrorDetails) {
    super('ErrUnexpectedEOF', message, details);
  }
}

/** Never thrown by this library, for codecs of your own: there is no delimiter yet. */
export class ErrDelimiterNotFound extends GnetError {
  constructor(message = 'there is no such a delimiter', details?: GnetErrorDetails) {
    super('ErrDelimiterNotFound', message, details);
  }
}

/** Never thrown by this library, for codecs of your own: there is no line end yet. */
export class ErrCRLFNotFound extends GnetError {
  constructor(message = 'there is no CRLF', details?: GnetErrorDetails) {
    super('ErrCRLFNotFound', message, details);
  }
}

/** Length-field codec: the length of the length field is none of 1, 2, 3, 4, 8. */
export class ErrUnsupportedLength extends GnetError {
  constructor(
    message = 'unsupported lengthFieldLength, expected 1, 2, 3, 4 or 8',
    details?: GnetErrorDetails,
  ) {
    super('ErrUnsupportedLength', message, details);
  }
}

/** Length-field codec: the adjusted frame length is less than zero. */
export class ErrTooLessLength extends GnetError {
  constructor(message = 'adjusted frame length is less than zero', details?: GnetErrorDetails) {
    super('ErrTooLessLength', message, details);
  }
}

/** The length does not fit into the length field, or the prefix, of a codec. */
export class ErrLengthOverflow extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrLengthOverflow', message, details);
  }
}

/**
 * Every event loop of a server died more often than loops are started again: `closed` rejects with it;
 * `cause` is how the last one died.
 */
export class ErrLoopsDied extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrLoopsDied', message, details);
  }
}

/**
 * A connection did not begin with the PROXY header that `proxyProtocol` asks for: it is malformed, cut
 * short or late, or comes from a peer that may not send one.
 */
export class ErrProxyHeader extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrProxyHeader', message, details);
  }
}

/**
 * The new process of a restart did not take over: it ended, was not ready in time, or could not be
 * started. It is gone, and this one goes on as before. The message has its last words.
 */
export class ErrRestartFailed extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrRestartFailed', message, details);
  }
}

/** A restart was asked for while another one is under way. */
export class ErrRestartInProgress extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrRestartInProgress', message, details);
  }
}

/** A pid file names another process that is alive, or none, or it cannot be read or written. */
export class ErrPidFile extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrPidFile', message, details);
  }
}

/**
 * A write from another thread found no room at its loop: 64 threads at a time may have something under
 * way to one loop, and none of those had an end for ten seconds.
 */
export class ErrTooManyWriters extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrTooManyWriters', message, details);
  }
}

/** A worker pool has as many waiting tasks as it may have. */
export class ErrPoolOverload extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrPoolOverload', message, details);
  }
}

/** A worker pool was closed before the task was submitted. */
export class ErrPoolClosed extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrPoolClosed', message, details);
  }
}
