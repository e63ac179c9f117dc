import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSettings } from '@spendgate/platform';
import { DEMO_ISSUER } from '../../apps/cli/src/runtime/issuer.js';
import { ROLE_NAMES, settingsOf } from '../../apps/cli/src/runtime/roles.js';
import { ROOT, ourServices, readCompose } from './compose.js';

/** `${NAME:?what to set}` and `${NAME}`: what Compose takes from the environment or the .env file. */
const VARIABLE = /\$\{([A-Z_]+)(:\?[^}]*)?\}/g;
const roleServices = ourServices().filter(([, { command }]) => command?.[0] === 'serve');

describe('deploy/compose/compose.yaml', () => {
  const compose = readCompose();

  it('F2: uses only members of the Compose specification that we know', () => {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['postgres', 'kafka', 'migrate']));
  });

  it('A36: runs every role as a service of its own, by the command of the command line', () => {
    expect(roleServices.map(([, { command }]) => command)).toEqual(ROLE_NAMES.map((role) => ['serve', role]));
    expect(roleServices.map(([name]) => name)).toEqual(ROLE_NAMES);
  });

  it('runs one image, built from the Dockerfile of this repository', () => {
    expect(new Set(ourServices().map(([, { image }]) => image)).size).toBe(1);
    for (const [, { build }] of ourServices()) {
      const context = path.join(ROOT, 'deploy/compose', build?.context ?? '');
      expect(path.relative(ROOT, context)).toBe('');
      expect(existsSync(path.join(context, build?.dockerfile ?? ''))).toBe(true);
    }
  });

  it('migrates and makes the topics once, before any role starts', () => {
    expect(compose.services['migrate']?.command).toEqual(['migrate', '--topics']);
    expect(Object.keys(compose.services['migrate']?.depends_on ?? {})).toEqual(['postgres', 'kafka']);
    for (const [, { depends_on: waits }] of roleServices) {
      expect(waits).toEqual({ migrate: { condition: 'service_completed_successfully' } });
    }
  });

  it('gives each role settings it knows, with values in range', () => {
    for (const [service, { environment = {} }] of ourServices()) {
      const roles = ROLE_NAMES.filter((role) => role === service); // `migrate` is no role and reads every table
      const values = Object.entries(environment).map(([name, value]) => [name, filled(String(value))]);
      const table = settingsOf(roles.length === 0 ? ROLE_NAMES : roles);
      expect(() => readSettings(table, Object.fromEntries(values) as Record<string, string>)).not.toThrow(); // as: text pairs
    }
  });

  it('tells each role the address its clients use, on the port that is published', () => {
    for (const [, { environment = {}, ports = [] }] of roleServices) {
      expect(environment['SPENDGATE_PUBLIC_URL']).toBe(`http://localhost:${ports[0]?.split(':')[0] ?? ''}`);
    }
    const [authorizer, log] = ['authorizer', 'log'].map((name) => compose.services[name]?.environment ?? {});
    expect(authorizer?.['SPENDGATE_LOG_URL']).toBe(log?.['SPENDGATE_PUBLIC_URL']);
  });

  it('names a real domain: the demo domain may not run on real infrastructure', () => {
    for (const [, { environment = {} }] of ourServices()) {
      expect(environment['SPENDGATE_ISSUER']).toMatch(/^\$\{SPENDGATE_ISSUER:\?/);
      expect(JSON.stringify(environment)).not.toContain(DEMO_ISSUER);
    }
  });

  it('holds no password: each comes from the environment, and its absence stops the start', () => {
    for (const { environment = {} } of Object.values(compose.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|PASSPHRASE/.test(name)) expect(String(value)).toMatch(/^\$\{[A-Z_]+(:\?[^}]*)?\}$/);
        const password = /^[a-z]+:\/\/[a-z]+:(.*)@/.exec(String(value))?.[1];
        if (password !== undefined) expect(password).toMatch(/^\$\{[A-Z_]+:\?[^}]*\}$/);
      }
    }
  });

  it('declares the volumes it mounts, and publishes no port twice', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes.map((v) => v.split(':')[0]));
    expect([...new Set(mounted)].sort()).toEqual(Object.keys(compose.volumes).sort());
    const ports = Object.values(compose.services).flatMap(({ ports: own = [] }) => own.map((p) => p.split(':')[0]));
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('waits only for services that exist, and for health only where a check says what it is', () => {
    for (const { depends_on: waits = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(waits)) {
        expect(Object.keys(compose.services)).toContain(name);
        if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  it('takes PostgreSQL 17 or newer and Kafka 4, the versions the roles are tested with', () => {
    expect(compose.services['postgres']?.image).toMatch(/^postgres:(1[7-9]|2\d)/);
    expect(compose.services['kafka']?.image).toMatch(/^apache\/kafka:4\./);
  });
});

/** A value as Compose would fill it in, with a word for each variable. */
function filled(text: string): string {
  return text.replaceAll(VARIABLE, (_, name: string) => (name === 'SPENDGATE_ISSUER' ? 'https://pay.example' : 'word'));
}
