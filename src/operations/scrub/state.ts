/**
 * What state a scrub leaves; no code, so that whoever only says so need not load what does it.
 */

/** What is true of the old file where the scrubbing of it was cut short. */
export const NOT_OVERWRITTEN = 'blocks of the old one that were not overwritten yet are free space of the disk now';

/** What is true once the new file is in place and the old one overwritten, whatever becomes of the search. */
export const SCRUBBED =
  'the new database is in place and the old one is overwritten; what is left elsewhere was not searched for';
