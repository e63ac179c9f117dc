/**
 * How likely a tail of the baseline can be at most, in 1/65536: what a bet on that tail must assume to stay fair.
 *
 * A declared profile is the null itself, so a tail of nominal probability a has probability a (one unit is added for
 * the randomisation, which has 30 bits). A learned one is n observations of the null, and its tails may be heavier than
 * they look: bets that ignored it would be unfair at every event, and their evidence would grow without any drift. So
 * each bound is the smaller of two upper confidence bounds, with k = a (n + 1) observations in the tail:
 *  - Chernoff: (k + L + √(2kL + L²)) / n with L = 16, over all bin edges and choices of quiet hours: 16,384 e^−16 ≤ 0.0019;
 *  - Dvoretzky–Kiefer–Wolfowitz with Massart's constant: k/n + √(10 / 2n): 16 · 2 e^−10 ≤ 0.0015.
 * All bets of a learned histogram are fair with confidence 0.996. tail-bounds.spec.ts recomputes every number.
 */

export const CHERNOFF_L = 16;
/** Nominal tails in 1/65536: 1/4, 1/16, 1/64, 1/512. */
export const TAILS = [16_384, 4_096, 1_024, 128] as const;
export const DECLARED_BOUNDS: readonly number[] = [16_385, 4_097, 1_025, 129];
/** By the observations learned from, the largest row not above n: more of them only tighten a bound. */
export const LEARNED_BOUNDS: readonly { readonly events: number; readonly bounds: readonly number[] }[] = [
  { events: 64, bounds: [34_959, 22_479, 19_359, 18_449] },
  { events: 128, bounds: [29_466, 17_082, 13_986, 13_083] },
  { events: 256, bounds: [25_608, 13_272, 10_145, 8_449] },
  { events: 512, bounds: [22_894, 10_582, 5_973, 4_350] },
  { events: 1_024, bounds: [20_981, 8_199, 3_825, 2_299] },
  { events: 2_048, bounds: [19_632, 6_723, 2_683, 1_269] },
  { events: 4_096, bounds: [18_679, 5_825, 2_050, 748] },
  { events: 8_192, bounds: [18_007, 5_258, 1_681, 479] },
  { events: 16_384, bounds: [17_531, 4_889, 1_457, 337] },
  { events: 32_768, bounds: [17_196, 4_643, 1_316, 258] },
  { events: 65_536, bounds: [16_958, 4_476, 1_223, 211] },
];
/** A histogram of fewer observations says too little to be bet on. */
export const LEARNED_EVENTS_MIN = 64;
