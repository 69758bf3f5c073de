/**
 * What an inspection can find. Adding a kind without its texts does not compile.
 */
export type Severity = 'error' | 'warning' | 'info';

export type FindingKind =
  | 'watermark-ahead-of-queue'
  | 'pickle-missing'
  | 'pickle-unreadable'
  | 'index-files-damaged'
  | 'watermark-invalid'
  | 'vector-ahead-of-metadata'
  | 'vectors-missing-from-index'
  | 'unknown-segment-type'
  | 'ambiguous-topic'
  | 'cross-topic-purge'
  | 'anchor-missing'
  | 'blob-watermark'
  | 'auto-purge-off'
  | 'auto-purge-not-available'
  | 'orphan-topic'
  | 'orphan-segment-dir'
  | 'unreachable-collection'
  | 'never-persisted'
  | 'not-one-regular-file'
  | 'network-file-system'
  | 'cold-journal'
  | 'unfinished-rebuild'
  | 'in-use'
  | 'processes-not-readable';

export interface Finding {
  readonly id: FindingKind;
  readonly severity: Severity;
  /** What it is about: a collection, a directory, a topic, the database. */
  readonly subject: string;
  /** What is the case, here, with its numbers. */
  readonly message: string;
  /** What to do about it, a command where there is one. */
  readonly remedy: string;
}

interface FindingText {
  readonly severity: Severity;
  readonly remedy: string;
}

const RE_ADD = 'add the records of this collection again, or restore a backup; its WAL rows are kept meanwhile';

const TEXTS: Readonly<Record<FindingKind, FindingText>> = {
  'watermark-ahead-of-queue': {
    severity: 'error',
    remedy: 'stop writing to this directory: new records are being lost; restore a backup or re-add them elsewhere',
  },
  'pickle-missing': { severity: 'error', remedy: RE_ADD },
  'pickle-unreadable': { severity: 'error', remedy: RE_ADD },
  'index-files-damaged': { severity: 'error', remedy: RE_ADD },
  'watermark-invalid': { severity: 'error', remedy: RE_ADD },
  'vector-ahead-of-metadata': { severity: 'error', remedy: RE_ADD },
  'vectors-missing-from-index': {
    severity: 'error',
    remedy: 'upsert those records again; their WAL rows are kept meanwhile',
  },
  'unknown-segment-type': { severity: 'error', remedy: 'leave this collection to the Chroma that wrote it' },
  'ambiguous-topic': {
    severity: 'error',
    remedy: 'find out which server setting (tenant_id, topic_namespace) changed, and set it back',
  },
  'cross-topic-purge': {
    severity: 'info',
    remedy: 'upgrade past 0.5.12; compare record counts with the source of the data',
  },
  'anchor-missing': {
    severity: 'warning',
    remedy: 'write to this collection before deleting others; prune leaves what keeps its numbering safe',
  },
  'blob-watermark': {
    severity: 'warning',
    remedy: 'Chroma 1.x cannot read it; open the directory with the version that wrote last, or restore a backup',
  },
  'auto-purge-off': { severity: 'warning', remedy: 'run chroma-maint prune from cron' },
  'auto-purge-not-available': { severity: 'info', remedy: 'run chroma-maint prune from cron' },
  'orphan-topic': { severity: 'warning', remedy: 'none needed: prune leaves these rows alone' },
  'orphan-segment-dir': {
    severity: 'warning',
    remedy: 'once Chroma is stopped and a backup exists, it can be moved away',
  },
  'unreachable-collection': { severity: 'warning', remedy: 'treated as live: nothing of it is lost by a prune' },
  'never-persisted': { severity: 'info', remedy: 'none needed: Chroma saves the index at its sync threshold' },
  'not-one-regular-file': {
    severity: 'warning',
    remedy: 'writing commands refuse it; name the directory of the real file',
  },
  'network-file-system': { severity: 'warning', remedy: 'writing commands refuse it; work on a copy on a local disk' },
  'cold-journal': { severity: 'info', remedy: 'none needed: SQLite ignores it' },
  'unfinished-rebuild': { severity: 'info', remedy: 'run the vacuum again: it begins by removing the file' },
  'in-use': { severity: 'info', remedy: 'stop Chroma before prune or vacuum' },
  'processes-not-readable': { severity: 'info', remedy: 'run this as root to see who has the directory open' },
};

export function finding(id: FindingKind, subject: string, message: string): Finding {
  const { severity, remedy } = TEXTS[id];
  return { id, severity, subject, message, remedy };
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** Most severe first, otherwise as found. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}
