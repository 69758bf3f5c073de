/**
 * Everything that can be found in a persist directory. The kinds of a group stand with their texts, and one that is
 * without does not compile.
 */
import type { FullTextFinding } from './full-text.ts';
import type { IndexFinding } from './index-files.ts';
import type { LeftoverFinding } from './leftovers.ts';
import type { LogFinding } from './log.ts';
import type { PlaceFinding } from './place.ts';

export type FindingKind = PlaceFinding | LogFinding | IndexFinding | FullTextFinding | LeftoverFinding;
