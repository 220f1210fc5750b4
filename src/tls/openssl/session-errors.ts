import type { GnetError } from '../../base/errors.ts';
import { alertName } from '../alerts.ts';
import { takeSentAlert } from './callbacks.ts';
import { alertReasonOffset, constants } from './constants.ts';
import { takeError } from './error-queue.ts';
import {
  alertReceived,
  certificateRefused,
  type FailedPart,
  handshakeFailed,
  recordRefused,
} from '../peer-errors.ts';
import { verifyErrorName } from '../verify-errors.ts';

/** What has gone wrong. */
export interface FailedCall extends FailedPart {
  /** OpenSSL's number for the peer's certificate. */
  readonly verifyResult: number;
}

/** An error for the call of OpenSSL that has just failed; its error queue is empty afterwards. */
export function failureOf(call: FailedCall): GnetError {
  const { opened, verifyResult, peer, origin } = call;
  const { library, reason, text } = takeError();
  const sentNumber = takeSentAlert();
  const alert = sentNumber < 0 ? undefined : alertName(sentNumber);
  const sent = alert === undefined ? '' : `; the alert ${alert} was sent`;
  if (library === constants.ERR_LIB_SSL && reason > alertReasonOffset) {
    return alertReceived(call, reason - alertReasonOffset);
  }
  if (library === constants.ERR_LIB_SSL && reason === constants.SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return certificateRefused(peer, verifyErrorName(verifyResult), { ...origin, alert });
  }
  if (opened) {
    return recordRefused(peer, text, sent, { ...origin, alert });
  }
  return handshakeFailed(peer, text, sent, { ...origin, alert });
}
