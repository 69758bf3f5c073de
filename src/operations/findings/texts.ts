/**
 * What there is to say of a kind of finding; no code.
 */
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
export type FindingTexts<Kind extends string> = Readonly<Record<Kind, FindingText>>;
