/**
 * What a check asks of the database, look by look. A page that cannot be read ends one look, not the others.
 */
import { readAutoPurge } from '../../chroma/auto-purge.ts';
import { readRecordCounts } from '../../chroma/catalog.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { examineSchema, type SchemaReading } from '../../chroma/schema.ts';
import { listSegmentDirs } from '../../chroma/segment-dirs.ts';
import { readSaveIntervals } from '../../chroma/sync-threshold.ts';
import { MaintError } from '../../errors.ts';
import type { Host, HolderScan } from '../../host/host.ts';
import { translate } from '../../sqlite/errors.ts';
import { integrityCheck, quickIntegrityCheck, type IntegrityProblems } from '../../sqlite/integrity-check.ts';
import { keepView, type Database } from '../../sqlite/open.ts';
import { rebuiltBytes } from '../../sqlite/rebuilt-file.ts';
import { counted } from '../../units.ts';
import { collectionPlans } from '../collections.ts';
import { fullTextFindings } from '../examine/full-text.ts';
import { indexFindings, isDirectoryMissing } from '../examine/index-files.ts';
import { catalogFindings, directoryFindings, rowFindings, topicFindings } from '../examine/leftovers.ts';
import {
  operationFindings,
  poisonedFindings,
  purgeFindings,
  sequenceFindings,
  skipFindings,
  stuckFindings,
  watermarkFindings,
} from '../examine/log.ts';
import { DATABASE, ownerFindings, ownFileFindings } from '../examine/place.ts';
import { rebuildFindings, recordFindings } from '../examine/records.ts';
import { spaceFindings } from '../examine/space.ts';
import { finding, type Finding } from '../findings/findings.ts';
import { readLeftovers } from '../leftovers.ts';
import type { Observer } from '../observer.ts';
import { sizesOf } from '../planning.ts';
import { planFromReading, readDirectory, type Reading } from '../reading.ts';
import { redacted } from '../redact.ts';
import type { CheckRequest } from './check.ts';

export interface Examination {
  readonly dir: PersistDir;
  readonly holders: HolderScan;
  readonly request: CheckRequest;
  readonly observer: Observer;
}

export interface Examined {
  readonly found: readonly Finding[];
  /** What is asked of the machine once the database is closed. */
  readonly later: () => Promise<readonly Finding[]>;
}

/** So often it is looked again where somebody wrote meanwhile. */
const ATTEMPTS = 3;

/** Looks at the database through `db`. Beside a server each statement is a short read of its own. */
export function examineDatabase(db: Database, examination: Examination, host: Host): Examined {
  const isAlone = examination.holders.holders.length === 0;
  if (isAlone) keepView(db);
  const integrity = examineIntegrity(db, examination);
  const look = (): Examined => lookOnce(db, examination, host);
  if (isAlone) return added(integrity, look());
  for (let attempt = 1; ; attempt += 1) {
    const before = versionOf(db);
    const examined = look();
    if (versionOf(db) === before) return added(integrity, examined);
    if (attempt < ATTEMPTS) continue;
    const message = 'somebody wrote while it was read, so that findings about rows may be of the moment';
    return added([...integrity, finding('changed-meanwhile', DATABASE, message)], examined);
  }
}

function added(more: readonly Finding[], { found, later }: Examined): Examined {
  return { found: [...more, ...found], later };
}

/** Changes whenever another connection has committed (sqlite.org/pragma.html#pragma_data_version). */
function versionOf(db: Database): bigint {
  return BigInt(String(db.pragma('data_version', { simple: true })));
}

function examineIntegrity(db: Database, { request, observer }: Examination): readonly Finding[] {
  observer.onStage(request.isDeep ? 'integrity' : 'checking');
  const { database, fullText }: IntegrityProblems = request.isDeep ? integrityCheck(db) : quickIntegrityCheck(db);
  return [
    ...(database.length === 0 ? [] : [finding('database-damaged', DATABASE, summary(database))]),
    ...(fullText.length === 0 ? [] : [finding('full-text-damaged', DATABASE, summary(fullText))]),
  ];
}

function summary([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first}; and ${counted(others.length, 'more complaint')}`;
}

function lookOnce(db: Database, examination: Examination, host: Host): Examined {
  const { dir, request, observer } = examination;
  const looks = new Looks(dir);
  const schema = looks.at(() => examineSchema(db));
  if (schema?.kind !== 'known') return looks.examined(schema === null ? [] : [schemaFinding(schema)]);
  looks.add(() => fullTextFindings(db, schema.schema, false));
  observer.onStage('examining');
  const reading = looks.at(() => readFor(db, dir, request));
  if (reading === null) return looks.examined([]);
  const records = looks.at(() => readRecordCounts(db)) ?? new Map<string, number>();
  const segmentDirs = listSegmentDirs(dir.path);
  looks.add(() => logFindings(db, reading));
  looks.add(() => indexFindings(reading, records));
  looks.add(() => rebuildFindings(db, { reading, records, redact: request.redact }));
  looks.add(() => leftoverFindings(db, reading));
  looks.add(() => ownerFindings(dir, segmentDirs));
  looks.add(() => ownFileFindings(dir, rebuiltBytes(dir.databasePath)));
  if (request.isDeep) {
    observer.onStage('comparing');
    looks.add(() => recordFindings(db, { reading, records, redact: request.redact }));
    looks.add(() => fullTextFindings(db, schema.schema, true).filter(({ id }) => id === 'full-text-differs'));
  }
  const sizes = sizesOf(dir, reading, planFromReading(reading));
  return { ...looks.examined([]), later: () => spaceFindings(sizes, host) };
}

/** Findings look by look. What SQLite calls damage in one is said once, whatever asks for those pages. */
class Looks {
  readonly #dir: PersistDir;
  readonly #found: Finding[] = [];

  constructor(dir: PersistDir) {
    this.#dir = dir;
  }

  /** What `look` returns, or null where the database is damaged there. */
  at<T>(look: () => T): T | null {
    try {
      return look();
    } catch (error) {
      const failure = translate(this.#dir.databasePath, error);
      if (!(failure instanceof MaintError) || failure.code !== 'CORRUPT') throw error;
      const message = [failure.message, ...failure.details].join('; ');
      if (!this.#found.some((each) => each.message === message))
        this.#found.push(finding('database-damaged', DATABASE, message));
      return null;
    }
  }

  add(look: () => readonly Finding[]): void {
    this.#found.push(...(this.at(look) ?? []));
  }

  examined(more: readonly Finding[]): Examined {
    return { found: [...more, ...this.#found], later: () => Promise.resolve([]) };
  }
}

function readFor(db: Database, dir: PersistDir, { redact }: CheckRequest): Reading {
  const found = readDirectory(db, dir, () => ({ excluded: new Set(), asksIndexes: true }));
  return redact ? redacted(found) : found;
}

function schemaFinding(schema: Exclude<SchemaReading, { kind: 'known' }>): Finding {
  switch (schema.kind) {
    case 'not-chroma':
      return finding(
        'not-a-persist-dir',
        DATABASE,
        'the database has none of the tables that every Chroma since 0.4.0 creates',
      );
    case 'unknown':
      return finding('unknown-migration', DATABASE, schema.detail);
    case 'half-migrated':
      return finding('half-run-migration', DATABASE, schema.detail);
  }
}

function logFindings(db: Database, reading: Reading): readonly Finding[] {
  const read = { reading, autoPurge: readAutoPurge(db, reading.schema) };
  const plans = collectionPlans(reading, planFromReading(reading));
  const segments = new Map(reading.collections.map((each) => [each.id, each.segments]));
  // That the directory is gone says that the pickle is, too.
  const isSaidBetter = ({ id }: { readonly id: string }): boolean =>
    isDirectoryMissing(reading, { segments: segments.get(id) ?? [] });
  return [
    ...sequenceFindings(read),
    ...poisonedFindings(read),
    ...plans.filter((each) => !isSaidBetter(each)).flatMap(skipFindings),
    ...watermarkFindings(read),
    ...stuckFindings(read, readSaveIntervals(db)),
    ...operationFindings(read),
    ...purgeFindings(read),
  ];
}

function leftoverFindings(db: Database, reading: Reading): readonly Finding[] {
  const leftovers = readLeftovers(db, reading);
  return [
    ...catalogFindings(reading, leftovers),
    ...topicFindings(leftovers.topics),
    ...rowFindings(leftovers.tables),
    ...directoryFindings(leftovers.directories),
  ];
}
