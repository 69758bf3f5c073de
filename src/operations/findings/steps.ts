/**
 * Steps that several findings share.
 */
import { LEAST_ROOM_OPTIONS } from '../least-room.ts';
import type { Step } from './texts.ts';

export const COPY_FIRST: Step = {
  text: 'Stop Chroma, and keep a copy of the directory as it is.',
  command: 'cp -a {dir} {dir}.damaged',
};

export const RESTORE: Step = {
  text: 'Put the last snapshot from before the damage in the place of the directory, which is kept under another name (chroma-maint backup list /backup shows what there is).',
  command: 'chroma-maint backup restore latest --from /backup --to {dir} --swap',
};

export const LOOK_AGAIN: Step = { text: 'Look again.', command: 'chroma-maint check {dir}' };

export const LOOK_DEEPER: Step = { text: 'Look again.', command: 'chroma-maint check {dir} --deep' };

export const START_ANEW: Step = {
  text: 'Where that is not possible or does not help: delete the collection through Chroma, create it again, and add its records from their source. Other collections are not affected.',
};

export const BESIDE_A_SERVER: Step = {
  text: 'Where Chroma cannot be stopped: delete beside it what is saved, in short transactions. That stops the growth.',
  command: 'chroma-maint prune {dir} --while-running',
};

export const PRUNE_FIRST: Step = {
  text: 'Where only the vacuum lacks room: stop the growth with a prune, for Chroma fills the freed pages first.',
  command: 'chroma-maint prune {dir}',
};

export const LEAST_ROOM: Step = {
  text: 'Where the prune lacks room as well: delete in transactions of a few rows, whose journal takes some hundred KiB. That works with Chroma stopped, too.',
  command: ['chroma-maint prune {dir}', ...LEAST_ROOM_OPTIONS].join(' '),
};

export const VACUUM_ELSEWHERE: Step = {
  text: 'To make the file smaller with no room beside it: stop Chroma, copy the directory to another disk, vacuum the copy, and move it back.',
  command: ['cp -a {dir} /mnt/space/persist', 'chroma-maint vacuum /mnt/space/persist'].join('\n'),
};

export const UPSERT_ALL: Step = {
  text: 'Start Chroma, and upsert the records of the collection with their embeddings; ids and documents can be read from it.',
};

export const SET_INDEX_ASIDE: Step = {
  text: 'Where that is not possible: find the id of the index, and move the directory of that name out of the persist directory. Chroma makes a new one at its next start.',
  command: [
    'sqlite3 -readonly {dir}/chroma.sqlite3 "',
    'SELECT s.id FROM segments s JOIN collections c ON c.id = s.collection',
    "WHERE c.name = 'NAME' AND s.scope = 'VECTOR'\"",
  ].join('\n'),
};
