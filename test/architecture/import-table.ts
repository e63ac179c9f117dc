/** Who may import whom: an import points to a strictly lower level. The one table; docs/ARCHITECTURE.md shows the same. */
export const LEVELS: Readonly<Record<string, number>> = {
  'libs/core': 0,
  'libs/codec': 1,
  'libs/platform': 1,
  'libs/artifact': 2,
  'libs/audit-log': 2,
  'libs/policy': 2,
  'libs/verifier': 3,
  'libs/client': 3,
  'libs/store': 3,
  'libs/messaging': 4,
  'libs/http-edge': 4,
  'apps/authorizer': 5,
  'apps/settlement-gate': 5,
  'apps/drift-detector': 5,
  'apps/transparency-log': 5,
  'apps/witness': 5,
  'apps/console': 5,
  'apps/cli': 6,
};

/** Specs' helpers may use every library; only specs import them. */
export const TESTING = 'libs/testing';

/** A third-party package that lives in one workspace only, so that replacing it changes one folder. */
export const CONFINED: Readonly<Record<string, string>> = {
  kafkajs: 'libs/messaging',
  typeorm: 'libs/store',
  pg: 'libs/store',
  jose: 'libs/artifact',
  '@cedar-policy/cedar-wasm': 'libs/policy',
  'prom-client': 'libs/platform',
  pino: 'libs/platform',
  commander: 'apps/cli',
  nodemailer: 'apps/authorizer',
  'fast-xml-parser': 'apps/cli',
};

/** What core may import beside its own files. */
export const CORE_PACKAGES: readonly string[] = ['decimal.js'];

/** Packages that must not reach what runs without our servers (client, verifier). */
export const SERVER_PACKAGES: readonly string[] = ['@nestjs/', 'pg', 'typeorm', 'kafkajs', 'fastify'];
