import { environment } from '../base/environment.ts';
import { checkTimeout } from '../connection/timeout-values.ts';

/** In development mode, a program's mistakes show, at some cost. */
export function inDevelopment(): boolean {
  return environment['NODE_ENV'] !== 'production' || environment['GNET_DEBUG'] === '1';
}

const slowHandlerInDevelopmentMs = 200;

/**
 * The default of `slowHandler`: from the environment, or else from the mode.
 * @throws ErrInvalidOption if the variable has no valid value.
 */
export function defaultSlowHandler(): number {
  const text = environment['GNET_SLOW_HANDLER'];
  if (text === undefined || text === '') return inDevelopment() ? slowHandlerInDevelopmentMs : 0;
  return checkTimeout('GNET_SLOW_HANDLER', Number(text));
}
