import fs from 'node:fs';

/** Tests read the sources (`source` export condition), programs the built files: no build is needed to test. */
const swc = [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
];
const base = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': swc },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
};
export default {
  // a bound for hangs, not a measure: machines differ
  testTimeout: 120_000,
  // modules of ended suites stay in memory under --experimental-vm-modules: a worker grown large is replaced
  workerIdleMemoryLimit: '800MB',
  projects: [
    {
      ...base,
      displayName: 'unit',
      roots: [
        '<rootDir>/libs',
        '<rootDir>/apps',
        '<rootDir>/test/conformance',
        '<rootDir>/test/denials',
        '<rootDir>/test/lifecycle',
        '<rootDir>/test/deploy',
        '<rootDir>/test/drift',
      ].filter(exists),
      testMatch: ['**/*.spec.ts'],
    },
    {
      ...base,
      displayName: 'architecture',
      roots: ['<rootDir>/test/architecture'].filter(exists),
      testMatch: ['**/*.spec.ts'],
    },
    { ...base, displayName: 'e2e', roots: ['<rootDir>/test/e2e'].filter(exists), testMatch: ['**/*.e2e.ts'] },
  ].filter((project) => project.roots.length > 0),
};
function exists(root) {
  return fs.existsSync(root.replace('<rootDir>', import.meta.dirname));
}
