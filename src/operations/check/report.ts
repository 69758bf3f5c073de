/**
 * What check is asked, and what it answers.
 */
import type { Finding } from '../findings/findings.ts';
import type { Severity } from '../findings/texts.ts';

export interface CheckRequest {
  readonly path: string;
  /** Every page, every record, every document. */
  readonly isDeep: boolean;
  /** Do so beside a server, which cannot commit meanwhile. */
  readonly isWhileRunning: boolean;
  readonly redact: boolean;
  /** The directory that remedies are to name, where it is not the one that is read: a copy's source. */
  readonly source?: string;
}

export interface CheckReport {
  readonly request: CheckRequest;
  /** With every symbolic link resolved; as it was given where that was not possible. */
  readonly path: string;
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Severity, number>>;
  /** False where nothing is told of what is in the database. */
  readonly isDatabaseRead: boolean;
}
