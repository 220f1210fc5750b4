/**
 * The runtime's own Request, Response and Headers cost more to make than a whole request costs here.
 * So handlers are given objects that look like them and make the real one when it is needed: they have
 * its prototype, and whatever they do not answer themselves is asked of the real one.
 */

/** What is there before anybody replaces the globals. Named types: declarations must not name a package. */
export const RealRequest: typeof globalThis.Request = globalThis.Request;
export const RealResponse: typeof globalThis.Response = globalThis.Response;
export const RealHeaders: typeof globalThis.Headers = globalThis.Headers;

const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Makes `Light` stand in for `Real`: `instanceof` holds, and properties and methods that `Light` does
 * not have are those of `realOf(object)`.
 */
export function standIn<Light extends object>(
  Light: { readonly prototype: Light },
  Real: { readonly prototype: object },
  realOf: (light: Light) => object,
): void {
  const own = Light.prototype;
  for (const key of Reflect.ownKeys(Real.prototype)) {
    if (Object.hasOwn(own, key) || key === Symbol.toStringTag) continue;
    const found = Object.getOwnPropertyDescriptor(Real.prototype, key) as PropertyDescriptor;
    Object.defineProperty(own, key, { ...found, ...delegates(key, found, realOf) });
  }
  Object.defineProperty(own, inspect, {
    configurable: true,
    writable: true,
    value(this: Light) {
      return realOf(this);
    },
  });
  Object.setPrototypeOf(own, Real.prototype);
}

function delegates<Light extends object>(
  key: PropertyKey,
  found: PropertyDescriptor,
  realOf: (light: Light) => object,
): PropertyDescriptor {
  const { get, set, value } = found;
  if (typeof value === 'function') {
    return {
      value(this: Light, ...parameters: unknown[]): unknown {
        return Reflect.apply(value, realOf(this), parameters);
      },
    };
  }
  if (get === undefined) return {};
  const accessors: PropertyDescriptor = {
    get(this: Light): unknown {
      return Reflect.get(realOf(this), key);
    },
  };
  if (set !== undefined) {
    accessors.set = function (this: Light, next: unknown): void {
      Reflect.set(realOf(this), key, next);
    };
  }
  return accessors;
}

/** `instanceof Named` holds for what is a `Real` one: it takes that one's name. */
export function answerForReal(Named: object, Real: object): void {
  Object.defineProperty(Named, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A class of the program that extends it asks for its own.
      const wanted = this === Named ? Real : this;
      return Function.prototype[Symbol.hasInstance].call(wanted, value);
    },
  });
}
