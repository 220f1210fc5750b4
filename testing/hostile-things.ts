const fail = (): never => {
  throw new Error('an accessor of a hostile value was called');
};

/** What a program may throw, reject with or answer, and what `String()` or a look inside cannot take. */
export const hostileThings: Readonly<Record<string, () => unknown>> = {
  'an object without a prototype': () =>
    Object.assign(Object.create(null), { message: 'as querystring.parse() makes them' }),
  'an object whose toString throws': () => ({ toString: fail }),
  'an object whose message throws': () => Object.defineProperty({}, 'message', { get: fail }),
  'an Error whose message throws': () =>
    Object.defineProperty(new Error('never seen'), 'message', { get: fail }),
  'an Error whose name is a symbol': () =>
    Object.assign(new Error('with a name'), { name: Symbol('name') }),
  'a proxy that throws at every look': () =>
    new Proxy(Object.create(null), {
      get: fail,
      has: fail,
      ownKeys: fail,
      getPrototypeOf: fail,
      getOwnPropertyDescriptor: fail,
    }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a symbol': () => Symbol('thrown'),
  'an object with a member then that throws': () =>
    Object.defineProperty(Object.create(null), 'then', { get: fail }),
};
