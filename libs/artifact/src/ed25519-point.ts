/** Edwards25519, RFC 8032 §5.1: −x² + y² = 1 + d·x²·y² over the field of p = 2^255 − 19. */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the eight points whose order divides 8, whatever the sign of x. Signatures by them verify for many messages. */
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
  return isSquare((u * v) % P) ? undefined : 'point_invalid';
}

/** value^((p − 1)/2) = 1 for a square that is not 0. The exponent is 2^254 − 10, reached by an addition chain. */
function isSquare(value: bigint): boolean {
  // `ones` is value^(2^k − 1): joining k and m ones gives k + m of them.
  const join = (ones: bigint, m: number, more: bigint): bigint => (squared(ones, m) * more) % P;
  const two = join(value, 1, value);
  const four = join(two, 2, two);
  const five = join(four, 1, value);
  const ten = join(five, 5, five);
  const twenty = join(ten, 10, ten);
  const fifty = join(join(twenty, 20, twenty), 10, ten);
  const hundred = join(fifty, 50, fifty);
  const all = join(join(hundred, 100, hundred), 50, fifty); // 250 ones
  return (squared(all, 4) * squared(two, 1)) % P === 1n; // 2^254 − 16 + 6
}

function squared(value: bigint, times: number): bigint {
  let result = value;
  for (let n = 0; n < times; n++) result = (result * result) % P;
  return result;
}
