/**
 * Everything that can be found in a persist directory. Adding a kind without its texts does not compile.
 */
export type FindingKind =
  | 'not-a-persist-dir'
  | 'unknown-migration'
  | 'half-run-migration'
  | 'hot-journal'
  | 'cold-journal'
  | 'write-ahead-file'
  | 'database-damaged'
  | 'not-one-regular-file'
  | 'foreign-owner'
  | 'network-file-system'
  | 'in-use'
  | 'processes-not-readable'
  | 'low-space'
  | 'changed-meanwhile'
  | 'watermark-ahead-of-queue'
  | 'watermark-poisoned'
  | 'watermark-invalid'
  | 'blob-watermark'
  | 'vector-ahead-of-metadata'
  | 'watermark-stuck'
  | 'anchor-missing'
  | 'never-persisted'
  | 'auto-purge-off'
  | 'auto-purge-not-available'
  | 'cross-topic-purge'
  | 'ambiguous-topic'
  | 'unknown-operation'
  | 'unknown-segment-type'
  | 'vectors-missing-from-index'
  | 'pickle-missing'
  | 'pickle-unreadable'
  | 'segment-dir-missing'
  | 'index-files-damaged'
  | 'index-count-differs'
  | 'deleted-elements'
  | 'unused-capacity'
  | 'runaway-link-lists'
  | 'records-without-vector'
  | 'vectors-without-record'
  | 'index-rebuildable'
  | 'index-not-rebuildable'
  | 'full-text-missing'
  | 'full-text-tokenizer'
  | 'full-text-damaged'
  | 'full-text-differs'
  | 'orphan-segment-dir'
  | 'orphan-segment'
  | 'orphan-records'
  | 'orphan-metadata'
  | 'orphan-array-metadata'
  | 'orphan-full-text'
  | 'orphan-position'
  | 'orphan-collection-metadata'
  | 'orphan-segment-metadata'
  | 'orphan-topic'
  | 'unreachable-collection'
  | 'empty-catalog'
  | 'collection-without-segments'
  | 'quarantine'
  | 'unfinished-rebuild';

export type Severity = 'error' | 'warning' | 'info';

/** What is said of every finding of a kind. `{dir}` stands for the directory as one word of a shell. */
export interface FindingText {
  readonly severity: Severity;
  /** One short sentence: what is the case. */
  readonly title: string;
  /** How it can be told, and how it comes about. */
  readonly means: string;
  /** What happens if nothing is done, and with which Chroma. */
  readonly matters: string;
  /** What to do about it: a command, or one sentence. */
  readonly remedy: string;
  /** The same at length and in order, where one line does not say it. */
  readonly steps?: readonly Step[];
  readonly sources?: Sources;
}

export interface Step {
  readonly text: string;
  readonly command?: string;
}

/** Where more is said. */
export interface Sources {
  /** Headings of docs/FORMAT.md. */
  readonly format?: readonly string[];
  /** Threads of Chroma's own tracker. */
  readonly issues?: readonly `chroma#${number}`[];
}

/** The texts of a group of kinds that are shown together. */
export type FindingTexts<Kind extends FindingKind> = Readonly<Record<Kind, FindingText>>;
