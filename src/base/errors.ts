/**
 * Every error that gnet creates is a `GnetError` with a stable `code`: the errno name for a failed
 * system call (`EADDRINUSE`), otherwise the name of the error class (`ErrConnClosed`). The message
 * says the action, the state, the wanted state and a hint. `docs/errors.md` lists all errors, and the
 * package contains that page.
 */
export interface GnetErrorDetails {
  /** The name of the system call that failed. */
  readonly syscall?: string;
  /** The positive error number of the kernel. */
  readonly errno?: number;
  /** The address of the call, in the form `127.0.0.1:9000`, `[::1]:9000` or a Unix path. */
  readonly address?: string;
  readonly cause?: unknown;
}

export class GnetError extends Error {
  readonly code: string;
  readonly syscall: string | undefined;
  readonly errno: number | undefined;
  readonly address: string | undefined;
  /**
   * The page that explains the code and says what to do, below `node_modules`:
   * `gnet/docs/errors.md#ErrTimeout`. On the site of the documents it is `errors.html#ErrTimeout`.
   */
  readonly docs: string;

  constructor(code: string, message: string, details: GnetErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.address = details.address;
    this.docs = `gnet/docs/errors.md#${code}`;
  }
}

/**
 * A system call failed; `code` is the errno name (`EADDRINUSE`), `syscall` the name of the call.
 */
export class SyscallError extends GnetError {}

/**
 * `stop` found no running server of this thread that was started with the address, or `dial` was
 * called on a stopped client. In `onClosed`: a stop closed the connection by force, and bytes were
 * lost.
 */
export class ErrServerInShutdown extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrServerInShutdown', message, details);
  }
}

/**
 * Never thrown: a listener without descriptors or memory pauses and continues by itself. The name
 * exists for programs that know it from gnet for Go.
 */
export class ErrAcceptSocket extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrAcceptSocket', message, details);
  }
}

/** The scheme of an address is not tcp, tcp4, tcp6, tls, udp, udp4, udp6, unix, fd or systemd. */
export class ErrUnsupportedProtocol extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrUnsupportedProtocol', message, details);
  }
}

/** The text of an address is not valid: no port, a bad port, an unknown host name. */
export class ErrInvalidNetworkAddress extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInvalidNetworkAddress', message, details);
  }
}

/** None of the requested drivers works on this operating system and CPU. */
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

/** An option is unknown, has the wrong type or is out of range, or contradicts another one. */
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

/**
 * A handler returned, or a write got, something other than bytes, an action, a pair, or nothing.
 */
export class ErrInvalidReply extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrInvalidReply', message, details);
  }
}

/** A method of the handler threw, or its promise rejected; `cause` is the thrown value. */
export class ErrHandler extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrHandler', message, details);
  }
}

/** The codec threw something that is not a `GnetError`; `cause` is the thrown value. */
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

/** An unfinished frame has more bytes than `maxInboundBytes` allows. */
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

/**
 * Never thrown by gnet; for your own codec. The decoders of gnet return `null` and wait instead.
 */
export class ErrUnexpectedEOF extends GnetError {
  constructor(message = 'there is no enough data', details?: GnetErrorDetails) {
    super('ErrUnexpectedEOF', message, details);
  }
}

/** Never thrown by gnet; for your own codec: there is no delimiter yet. */
export class ErrDelimiterNotFound extends GnetError {
  constructor(message = 'there is no such a delimiter', details?: GnetErrorDetails) {
    super('ErrDelimiterNotFound', message, details);
  }
}

/** Never thrown by gnet; for your own codec: there is no line end yet. */
export class ErrCRLFNotFound extends GnetError {
  constructor(message = 'there is no CRLF', details?: GnetErrorDetails) {
    super('ErrCRLFNotFound', message, details);
  }
}

/** Length-field codec: the length field is not 1, 2, 3, 4 or 8 bytes long. */
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
 * All event loops of a server died more often than gnet restarts them. `closed` rejects with this
 * error; `cause` says how the last loop died.
 */
export class ErrLoopsDied extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrLoopsDied', message, details);
  }
}

/**
 * A connection did not begin with the PROXY header that `proxyProtocol` requires: the header is
 * malformed, incomplete or late, or its sender is not in `trusted`.
 */
export class ErrProxyHeader extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrProxyHeader', message, details);
  }
}

/**
 * The new process of a restart did not take over: it ended, was not ready in time, or could not
 * start. It is gone, and this process continues as before. The message includes the last output of
 * the new process.
 */
export class ErrRestartFailed extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrRestartFailed', message, details);
  }
}

/** A restart was requested while another one was under way. */
export class ErrRestartInProgress extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrRestartInProgress', message, details);
  }
}

/** A pid file names another live process, or no process, or gnet cannot read or write it. */
export class ErrPidFile extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrPidFile', message, details);
  }
}

/**
 * A write from another thread found no free place at the loop: up to 64 threads at a time may have
 * writes under way to one loop, and none of them finished for ten seconds.
 */
export class ErrTooManyWriters extends GnetError {
  constructor(message: string, details?: GnetErrorDetails) {
    super('ErrTooManyWriters', message, details);
  }
}

/** A worker pool already has `maxQueue` waiting tasks. */
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
