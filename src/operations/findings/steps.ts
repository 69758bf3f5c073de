/**
 * Steps that several findings share.
 */
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
