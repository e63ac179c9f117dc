/** Edwards25519, RFC 8032 §5.1: −x² + y² = 1 + d·x²·y² over the field of p = 2^255 − 19. */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the eight points whose order divides 8 (the sign of x does not matter). Signatures by them verify for many messages. */
const SMALL_ORDER_Y: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
];

/**
 * Checks a public key's 32 bytes before it is trusted: canonical encoding (y < p, no x = 0 with a sign), on the curve,
 * and not one of the eight points of small order. A verifier that skips this accepts keys made to fit any signature.
 *
 * @returns what is wrong, or `undefined`
 */
export function ed25519PointProblem(encoded: Uint8Array): 'point_invalid' | 'weak_key' | undefined {
  if (encoded.length !== 32) return 'point_invalid';
  const littleEndian = BigInt(`0x${Buffer.from(encoded).reverse().toString('hex')}`);
  const y = littleEndian & (2n ** 255n - 1n);
  if (SMALL_ORDER_Y.includes(y % P)) return 'weak_key'; // also when y is not reduced: 0 and 1 have a second spelling
  if (y >= P) return 'point_invalid';
  const y2 = (y * y) % P;
  const u = (y2 - 1n + P) % P;
  const v = (D * y2 + 1n) % P;
  // x² = u/v has a root exactly when u·v is a square (v ≠ 0, since −1/d is no square); Euler's criterion.
  return power((u * v) % P, (P - 1n) / 2n) === 1n ? undefined : 'point_invalid';
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
