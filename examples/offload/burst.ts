/** Both sides agree on these. */
export const burstLength = 32;
export const bursts = 50;
export const datagramBytes = 1_200;
