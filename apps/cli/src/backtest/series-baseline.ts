import { LEARNED_EVENTS_MIN } from '@spendgate/core';
import { type Forecast, type Point, deviation, learnForecast } from './forecast.js';
import { Sample, quantile, spreadOf } from './sample.js';

/** Rows of one roughness. */
const ROUGH_ROWS = 8;

/** What a series does before drift, learned from its leading window and then frozen. */
export interface SeriesBaseline {
  readonly forecast: Forecast;
  /** What no forecast explains, row by row. */
  readonly surprise: Sample;
  /** Means of `levelRows` deviations: neighbours move together, so a level is judged once for each of them. */
  readonly level: Sample;
  readonly levelRows: number;
  /** A level that wanders in the window itself is drift only outside of this; `null`: the level is steady. */
  readonly wanders: { readonly low: number; readonly high: number } | null;
  /** Means of |surprise|: a series that goes wild, or flat. */
  readonly roughness: Sample;
  readonly roughRows: number;
  readonly gap: Sample | null;
  readonly spreads: { readonly surprise: number; readonly level: number };
}

/** @param points the leading window, at least `LEARNED_EVENTS_MIN` of them */
export function learnSeries(points: readonly Point[]): SeriesBaseline {
  const forecast = learnForecast(points);
  const deviations = points.map((point) => deviation(forecast, point));
  const surprises = deviations.map((each, index) => each - forecast.carry * (deviations[index - 1] ?? each));
  // rows that tell as much as independent ones: (1 + φ) / (1 − φ) of them count as one
  const wanted = Math.ceil((1 + forecast.carry) / (1 - forecast.carry));
  const levelRows = Math.min(wanted, Math.floor(points.length / LEARNED_EVENTS_MIN));
  const levels = means(deviations, levelRows);
  const roughRows = points.length >= ROUGH_ROWS * LEARNED_EVENTS_MIN ? ROUGH_ROWS : 1;
  const gaps = points.flatMap(({ atMs }, index) => {
    const before = points[index - 1]?.atMs ?? null;
    return atMs === null || before === null || atMs < before ? [] : [atMs - before];
  });
  return {
    forecast,
    surprise: new Sample(surprises, points.length),
    level: new Sample(levels, levels.length),
    levelRows,
    wanders: wanted > levelRows ? widened(deviations) : null,
    ...roughnessOf(surprises, roughRows),
    gap: gaps.length < LEARNED_EVENTS_MIN ? null : new Sample(gaps, gaps.length),
    spreads: { surprise: spreadOf(surprises, 0), level: spreadOf(deviations, quantile(deviations, 0.5)) },
  };
}

function roughnessOf(surprises: readonly number[], roughRows: number): Pick<SeriesBaseline, 'roughness' | 'roughRows'> {
  const rough = means(surprises.map(Math.abs), roughRows);
  return { roughness: new Sample(rough, rough.length), roughRows };
}

/** Means of whole blocks, in order. */
function means(values: readonly number[], rows: number): number[] {
  const blocks: number[] = [];
  for (let start = 0; start + rows <= values.length; start += rows) {
    let sum = 0;
    for (let at = start; at < start + rows; at += 1) sum += values[at] ?? 0;
    blocks.push(sum / rows);
  }
  return blocks;
}

/** The range seen, half as wide again on each side. */
function widened(values: readonly number[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const margin = (high - low) / 2;
  return { low: low - margin, high: high + margin };
}
