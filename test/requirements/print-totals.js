/** Prints `N passed, N failed` over jest result files; exit 1 when a test failed, was skipped, or none ran on Kafka. */
import fs from 'node:fs';

const runs = process.argv.slice(2).map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
const sum = (key) => runs.reduce((total, run) => total + run[key], 0);
const kafka = runs
  .flatMap((run) => run.testResults)
  .flatMap((suite) => suite.assertionResults)
  .filter((test) => test.status === 'passed' && /\bKafka\b/.test(test.fullName)).length;

const skipped = sum('numPendingTests') + sum('numTodoTests');
if (skipped > 0) console.error(`${skipped} tests were skipped: a skipped test shows nothing`);
if (kafka === 0) console.error('no test ran on real Kafka: install Java and Maven');
console.log(`${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed`);
if (sum('numFailedTests') > 0 || skipped > 0 || kafka === 0) process.exit(1);
