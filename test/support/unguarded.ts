import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A script that runs a command line with a guard that believes in endless space. */
export const UNGUARDED = `
  const [{ main }, { terminal }, { realHost }, { doJob }] = await Promise.all(
    ['cli/main', 'cli/terminal', 'host/real-host', 'operations/work'].map((name) => import('${ROOT}/dist/' + name + '.js')),
  );
  const host = { ...realHost, freeBytes: async () => Infinity };
  const work = (job, execution) => doJob(job, { host, ownProcesses: [process.pid] }, execution);
  process.exitCode = await main(process.argv.slice(1), terminal(), host, work);`;
