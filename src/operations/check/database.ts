/**
 * What a check asks of the database, look by look. A page that cannot be read ends one look, not the others.
 */
import { readAutoPurge } from '../../chroma/auto-purge.ts';
import { readRecordCounts } from '../../chroma/catalog.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { examineSchema, type SchemaReading } from '../../chroma/schema.ts';
import { readSaveIntervals } from '../../chroma/sync-threshold.ts';
import { MaintError, messageOf } from '../../errors.ts';
import type { Host, HolderScan } from '../../host/host.ts';
import { isDamage } from '../../sqlite/errors.ts';
import { integrityCheck, quickIntegrityCheck, type IntegrityProblems } from '../../sqlite/integrity-check.ts';
import { keepView, type Database } from '../../sqlite/open.ts';
import { counted } from '../../units.ts';
import { collectionPlans } from '../collections.ts';
import { contentFindings, fullTextFindings } from '../examine/full-text.ts';
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
import { DATABASE } from '../examine/place.ts';
import { rebuildFindings, recordFindings } from '../examine/records.ts';
import { spaceFindings } from '../examine/space.ts';
import { finding, type Finding } from '../findings/findings.ts';
import type { FindingKind } from '../findings/kinds.ts';
import { isBare, readLeftovers } from '../leftovers.ts';
import type { Observer } from '../observer.ts';
import { sizesOf } from '../planning.ts';
import { planFromReading, readDirectory, type Reading } from '../reading.ts';
import { redacted } from '../redact.ts';
import type { CheckRequest } from './report.ts';
import { added, lookedAgain, type Examined } from './looking-again.ts';

export interface Examination {
  readonly dir: PersistDir;
  readonly holders: HolderScan;
  readonly request: CheckRequest;
  readonly observer: Observer;
}

interface Look extends Examination {
  /** True where one view of the database is kept, and nobody can write. */
  readonly isAlone: boolean;
}

/** Looks at the database through `db`. Beside a server each statement is a short read of its own; also where one may be. */
export function examineDatabase(db: Database, examination: Examination, host: Host): Examined {
  const { holders, unreadable, isSupported, isWholeMachine } = examination.holders;
  const isAlone = holders.length === 0 && unreadable === 0 && isSupported && isWholeMachine;
  if (isAlone) keepView(db);
  const integrity = examineIntegrity(db, examination);
  const look = (): Examined => lookOnce(db, { ...examination, isAlone }, host);
  return added(integrity, isAlone ? look() : lookedAgain(db, examination.dir, look));
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

/** What these ask for is to compare every record with its vector. What that finds has names of its own. */
const ANSWERED_BY_COMPARING: readonly FindingKind[] = ['cross-topic-purge', 'index-count-differs'];

function lookOnce(db: Database, looking: Look, host: Host): Examined {
  const { dir, request, observer, isAlone } = looking;
  const looks = new Looks();
  const schema = looks.at('the schema', () => examineSchema(db));
  if (schema === null) return looks.examined(false);
  if (schema.kind !== 'known') return looks.examined(false, [schemaFinding(schema)]);
  looks.add('the full-text table', () => fullTextFindings(db, schema.schema));
  observer.onStage('examining');
  const reading = looks.at('the collections, their segments and the WAL', () => readFor(db, looking));
  if (reading === null) return looks.examined(false);
  looks.add('recorded positions', () => positionFindings(reading));
  looks.add('after how many writes an index is saved', () => stuckFindings({ reading }, readSaveIntervals(db)));
  looks.add("Chroma's own purge of the WAL", () =>
    purgeFindings({ reading, autoPurge: readAutoPurge(db, schema.schema) }),
  );
  looks.add('what deleted collections left', () => leftoverFindings(db, reading));
  const records = looks.at('the number of records', () => readRecordCounts(db));
  looks.add('indexes', () => indexFindings(reading, records));
  if (records !== null) {
    const question = { reading, records, redact: request.redact, isAlone };
    looks.add('what the WAL holds of a lost index', () => rebuildFindings(db, question));
    if (request.isDeep) {
      observer.onStage('comparing');
      const isCompared = looks.add('the vector of every record', () => recordFindings(db, question));
      if (isCompared) looks.drop(ANSWERED_BY_COMPARING);
    }
  }
  if (request.isDeep) looks.add('the documents in the full-text table', () => contentFindings(db, schema.schema));
  const sizes = sizesOf(dir, reading, planFromReading(reading));
  return { ...looks.examined(true), later: () => spaceFindings(sizes, host) };
}

/** Findings look by look. A look that meets damage says that it could not be taken, in one finding for all of them. */
class Looks {
  #found: Finding[] = [];
  readonly #failed: string[] = [];
  #because = '';

  /** What `look` returns, or null where the database is damaged there. `what` says what was to be looked at. */
  at<T>(what: string, look: () => T): T | null {
    try {
      return look();
    } catch (error) {
      const isRefused = error instanceof MaintError && error.code === 'CORRUPT';
      if (!isRefused && !isDamage(error)) throw error;
      this.#failed.push(what);
      this.#because ||= isRefused ? error.message : `SQLite says: ${messageOf(error)}`;
      return null;
    }
  }

  /** Returns false where the look could not be taken. */
  add(what: string, look: () => readonly Finding[]): boolean {
    const found = this.at(what, look);
    this.#found.push(...(found ?? []));
    return found !== null;
  }

  drop(kinds: readonly FindingKind[]): void {
    this.#found = this.#found.filter(({ id }) => !kinds.includes(id));
  }

  examined(isRead: boolean, more: readonly Finding[] = []): Examined {
    const message = `not looked at: ${this.#failed.join('; ')}, because ${this.#because}`;
    const damage = this.#failed.length === 0 ? [] : [finding('database-damaged', DATABASE, message)];
    return { found: [...damage, ...more, ...this.#found], isRead, later: () => Promise.resolve([]) };
  }
}

function readFor(db: Database, { dir, request, isAlone }: Look): Reading {
  const found = readDirectory(db, dir, () => ({ excluded: new Set(), asksIndexes: true, isShared: !isAlone }));
  return request.redact ? redacted(found) : found;
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

/** What the WAL and the positions of all segments say. Asks nothing more of the database. */
function positionFindings(reading: Reading): readonly Finding[] {
  const plans = collectionPlans(reading, planFromReading(reading));
  // A directory that is gone says that its pickle is, too, and a segment that is missing that it has no position.
  const all = new Map(reading.collections.map((each) => [each.id, each.segments]));
  const isSaidBetter = ({ id }: { readonly id: string }): boolean => {
    const segments = all.get(id) ?? [];
    return isBare(segments) || isDirectoryMissing(reading, { segments });
  };
  return [
    ...sequenceFindings({ reading }),
    ...poisonedFindings({ reading }),
    ...plans.filter((each) => !isSaidBetter(each)).flatMap(skipFindings),
    ...watermarkFindings({ reading }),
    ...operationFindings({ reading }),
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
