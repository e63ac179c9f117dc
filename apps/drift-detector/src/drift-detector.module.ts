import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import { InvariantError } from '@spendgate/core';
import type { Runtime } from '@spendgate/messaging';
import { DriftDetector } from './drift-detector.js';
import { watchDetector } from './detector-health.js';

/** Looks after what nobody uses: a domain and its flows are trusted as long as they were verified a moment ago. */
@Module({})
export class DriftDetectorModule implements BeforeApplicationShutdown {
  constructor(@Inject(DriftDetector) private readonly detector: DriftDetector) {}

  static forRoot(runtime: Runtime): DynamicModule {
    const detector = createDetector(runtime);
    watchDetector(runtime, detector);
    return { module: DriftDetectorModule, providers: [{ provide: DriftDetector, useValue: detector }] };
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.detector.stop();
  }
}

/** @param owner names it among the domain's detectors; each is another one */
export function createDetector(runtime: Runtime, owner = `${process.pid}/${randomUUID()}`): DriftDetector {
  const seconds = (name: string): number => settingOf(runtime, name) * 1_000;
  return new DriftDetector(runtime, {
    domainMs: seconds('SPENDGATE_DOMAIN_WATCH_SECONDS'),
    flowMs: seconds('SPENDGATE_FLOW_WATCH_SECONDS'),
    lapseMs: seconds('SPENDGATE_WATCH_LAPSE_SECONDS'),
    owner,
    issuer: runtime.domain.issuer,
  });
}

function settingOf({ settings }: Runtime, name: string): number {
  // The table is joined at start, so its names are known at run time only.
  const value: unknown = (settings as Readonly<Record<string, unknown>>)[name];
  if (typeof value !== 'number') throw new InvariantError('ERR_SETTING_MISSING', name);
  return value;
}
