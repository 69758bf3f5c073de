/** The tables of one set. */

const MIB = 1024 * 1024;

/** Minimum, median and maximum. */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[0], sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
}

export function median(values) {
  return spread(values)[1];
}

/** @returns {string} Markdown */
export function markdown({ set, isCold, before, expectedRows, liveBytes, runs }) {
  const rounds = Math.max(...runs.map(({ round }) => round)) + 1;
  const sizes = `${mebibytes(before.bytes)} MiB with ${before.walRows} WAL rows, of which ${mebibytes(liveBytes)} MiB and ${expectedRows} rows stay`;
  const title = `### ${set}${isCold ? ', cold page cache' : ''}`;
  const tables = [...new Set(runs.map(({ task }) => task))].flatMap((task) => table(task, runs, expectedRows));
  return [title, '', `${sizes}. ${rounds === 1 ? 'One run' : `${rounds} runs`} each.`, '', ...tables].join('\n');
}

function table(task, all, expectedRows) {
  const runs = all.filter((run) => run.task === task);
  const names = [...new Set(runs.map(({ name }) => name))];
  const own = median(runs.filter(({ name }) => name === names[0]).map(({ seconds }) => seconds));
  return [
    `| ${task} | wall s (min / median / max) | against the first | RSS MiB | anonymous MiB | written MiB | extra disk MiB | file after MiB | WAL rows after | exit code | integrity_check |`,
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...names.map((name) => row(runs, { name, own, expectedRows })),
    '',
  ];
}

/** Lines of the table of one backup run. @returns {readonly string[]} */
export function backupTable({ set, bytes, runs }) {
  const names = [...new Set(runs.map(({ name }) => name))];
  const of = (name) => runs.filter((run) => run.name === name);
  const first = median(of(names[0]).map(({ seconds }) => seconds));
  return [
    `| ${set}, ${mebibytes(bytes)} MiB | wall s (min / median / max) | against the first | anonymous MiB | written MiB | share written |`,
    '|---|---|---|---|---|---|',
    ...names.map((name) => {
      const seconds = spread(of(name).map((run) => run.seconds));
      const written = median(of(name).map(({ writtenBytes }) => writtenBytes));
      const cells = [
        name,
        seconds.map((each) => each.toFixed(2)).join(' / '),
        `${(seconds[1] / first).toFixed(2)} ×`,
        mebibytes(median(of(name).map(({ anonBytes }) => anonBytes))),
        mebibytes(written),
        `${((100 * written) / bytes).toFixed(2)} %`,
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
  ];
}

function row(runs, { name, own, expectedRows }) {
  const mine = runs.filter((run) => run.name === name);
  const figure = (field) => {
    const values = mine.map((run) => run[field]).filter((value) => value !== undefined);
    return values.length === 0 ? '–' : mebibytes(median(values));
  };
  const seconds = spread(mine.map((run) => run.seconds));
  const left = mine[0].walRows;
  const cells = [
    name,
    seconds.map((each) => each.toFixed(2)).join(' / '),
    `${(seconds[1] / own).toFixed(2)} ×`,
    ...['rssBytes', 'anonBytes', 'writtenBytes', 'extraBytes', 'bytes'].map(figure),
    left === undefined ? '–' : left === expectedRows ? `${left}` : `**${left}**`,
    [...new Set(mine.map(({ exitCode }) => exitCode))].join(', '),
    [...new Set(mine.map(({ integrity }) => integrity ?? '–'))].join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

function mebibytes(bytes) {
  return (bytes / MIB).toFixed(0);
}

/** Lines of the table of bench/clean.js. @returns {readonly string[]} */
export function cleanTable({ before, live, runs }) {
  const names = [...new Set(runs.map(({ name }) => name))];
  const of = (name, field) => median(runs.filter((run) => run.name === name).map((run) => run[field]));
  const sizes = (name, bytes, databaseBytes, seconds) =>
    rowOf(name, mebibytes(bytes), mebibytes(databaseBytes), (bytes / live.bytes).toFixed(3), seconds);
  return [
    '| | directory MiB | database MiB | against live data alone | wall s |',
    '|---|---|---|---|---|',
    sizes('before', before.bytes, before.databaseBytes, ''),
    ...names.map((name) => sizes(name, of(name, 'bytes'), of(name, 'databaseBytes'), of(name, 'seconds').toFixed(2))),
    sizes('the live collections alone, from the beginning', live.bytes, live.databaseBytes, ''),
    '',
  ];
}

/** Lines of the table of bench/check.js. @returns {readonly string[]} */
export function checkTable({ set, bytes, runs }) {
  const names = [...new Set(runs.map(({ name }) => name))];
  const of = (name, field) => median(runs.filter((run) => run.name === name).map((run) => run[field]));
  const base = of(names[0], 'seconds') + of(names[1], 'seconds');
  return [
    `| ${set}, ${mebibytes(bytes)} MiB | wall s | against the first two together | anonymous MiB |`,
    '|---|---|---|---|',
    ...names.map((name) => {
      const seconds = of(name, 'seconds');
      return `| ${name} | ${seconds.toFixed(2)} | ${(seconds / base).toFixed(2)} × | ${mebibytes(of(name, 'anonBytes'))} |`;
    }),
    '',
  ];
}

function rowOf(...cells) {
  return `| ${cells.join(' | ')} |`;
}
