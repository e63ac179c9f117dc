#!/usr/bin/env node
import { run } from '../dist/index.js';

// Whoever reads our output may stop early (`… | head`): that is their answer, and no failure of ours.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await run(process.argv);
