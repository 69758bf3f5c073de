/**
 * Side by side: node bench/run.js <set> [--runs 3] [--only <part of a name>] [--cold]
 *
 * Prints the tables of one set as Markdown. A run of all contenders is kept as bench/results/<set>.json, from which
 * bench/results.js makes RESULTS.md. With --cold the page cache is dropped before each run, which needs root. The set
 * `growth` is all that the growth curve is drawn from, with the contenders that prune it rightly.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GROWTH, GROWTH_CONTENDERS, setOf } from './growth.js';
import { markdown } from './report.js';
import { trial } from './trial.js';

const RESULTS = join(import.meta.dirname, 'results');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    cold: { type: 'boolean', default: false },
  },
});
const [set] = positionals;
if (set === undefined) throw new Error('name a set: see SETS in bench/build.py');
const options = { rounds: Number(values.runs), isCold: values.cold };

if (set === 'growth') {
  const results = [];
  for (const { quantity, steps } of GROWTH) {
    for (const step of steps) {
      const result = await trial(setOf(quantity, step), {
        ...options,
        isChosen: (name) => GROWTH_CONTENDERS.includes(name),
      });
      results.push({ quantity, step, ...result });
    }
  }
  keep('growth', results);
} else {
  const result = await trial(set, { ...options, isChosen: (name) => name.includes(values.only) });
  if (values.only === '') keep(values.cold ? `${set}-cold` : set, result);
  process.stdout.write(markdown(result));
}

function keep(name, result) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}
