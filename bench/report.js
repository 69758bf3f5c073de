/** The table of one set. */

const MIB = 1024 * 1024;

/** Minimum, median and maximum. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[0], sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
}

function median(values) {
  return spread(values)[1];
}

/** @returns {string} Markdown */
export function markdown({ set, before, expectedRows, liveBytes, runs }) {
  const names = [...new Set(runs.map(({ name }) => name))];
  const own = median(runs.filter(({ name }) => name === names[0]).map(({ seconds }) => seconds));
  const lines = names.map((name) => {
    const mine = runs.filter((run) => run.name === name);
    const megabytes = (field) => {
      const values = mine.map((run) => run[field]).filter((value) => value !== undefined);
      return values.length === 0 ? '–' : (median(values) / MIB).toFixed(0);
    };
    const seconds = spread(mine.map((run) => run.seconds));
    const left = mine[0].walRows;
    const cells = [
      name,
      seconds.map((each) => each.toFixed(2)).join(' / '),
      `${(seconds[1] / own).toFixed(2)} ×`,
      megabytes('rssBytes'),
      megabytes('anonBytes'),
      megabytes('writtenBytes'),
      megabytes('extraBytes'),
      megabytes('bytes'),
      left === undefined ? '–' : left === expectedRows ? `${left}` : `${left} (not ${expectedRows})`,
      [...new Set(mine.map(({ exitCode }) => exitCode))].join(', '),
      [...new Set(mine.map(({ integrity }) => integrity ?? '–'))].join(', '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `### ${set}`,
    '',
    `${(before.bytes / MIB).toFixed(0)} MiB, ${before.walRows} WAL rows; ${(liveBytes / MIB).toFixed(0)} MiB and ${expectedRows} rows stay. ${runs.length / names.length} runs each.`,
    '',
    '| contender | wall s (min / median / max) | against chroma-maint | RSS MiB | anonymous MiB | written MiB | extra disk MiB | file after MiB | WAL rows after | exit code | integrity_check |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
