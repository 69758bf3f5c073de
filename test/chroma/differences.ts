/**
 * How two answers of real Chroma differ, from which a test can be read: one line per collection and field.
 */

export interface Dump {
  readonly chroma: string;
  readonly collections: readonly DumpedCollection[];
}

interface DumpedCollection {
  readonly name: string;
  readonly tenant: string;
  readonly database: string;
  readonly count: number;
  readonly records: readonly { readonly id: string; readonly content: string; readonly embedding: string | null }[];
  readonly neighbours: readonly { readonly id: string; readonly found: boolean }[];
  readonly withoutEmbedding: readonly string[];
  readonly fullText?: readonly FullTextHits[];
}

interface FullTextHits {
  readonly contains: string;
  readonly ids: readonly string[];
  /** Those of `ids` whose document does not contain the word. */
  readonly wrong: readonly string[];
}

const SHOWN = 5;

/** One line per collection and field in which the second dump differs from the first. */
export function differences(before: Dump, after: Dump): string[] {
  const collections = new Map(after.collections.map((each) => [nameOf(each), each]));
  const known = new Set(before.collections.map(nameOf));
  return [
    ...before.collections.flatMap((each) => {
      const other = collections.get(nameOf(each));
      return other === undefined ? [`${nameOf(each)}: the collection is gone`] : differencesOf(each, other);
    }),
    ...[...collections.keys()].filter((name) => !known.has(name)).map((name) => `${name}: a collection too many`),
  ];
}

function differencesOf(before: DumpedCollection, after: DumpedCollection): string[] {
  // Maps, not objects: one of the ids is "__proto__".
  const records = new Map(after.records.map((each) => [each.id, each]));
  const known = new Set(before.records.map(({ id }) => id));
  const found = new Map(after.neighbours.map((each) => [each.id, each.found]));
  const kept = before.records.flatMap((each) => {
    const other = records.get(each.id);
    return other === undefined ? [] : [{ each, other }];
  });
  const fields = [
    { field: 'ids missing', ids: before.records.filter(({ id }) => !records.has(id)) },
    { field: 'ids too many', ids: after.records.filter(({ id }) => !known.has(id)) },
    {
      field: 'documents or metadata differ',
      ids: kept.filter(({ each, other }) => each.content !== other.content).map(({ each }) => each),
    },
    {
      field: 'embeddings missing',
      ids: kept
        .filter(({ each, other }) => each.embedding !== null && other.embedding === null)
        .map(({ each }) => each),
    },
    {
      field: 'embeddings differ',
      ids: kept
        .filter(({ each, other }) => each.embedding !== other.embedding && other.embedding !== null)
        .map(({ each }) => each),
    },
    {
      field: 'found by their own vector in one copy only',
      ids: before.neighbours.filter((each) => found.has(each.id) && found.get(each.id) !== each.found),
    },
  ];
  return [
    ...(before.count === after.count ? [] : [`${nameOf(before)}: count ${before.count} became ${after.count}`]),
    ...[...fields, ...fullTextFields(before.fullText ?? [], after.fullText ?? [])].flatMap(({ field, ids }) =>
      ids.length === 0 ? [] : [`${nameOf(before)}: ${field}: ${listed(ids)}`],
    ),
  ];
}

interface Field {
  readonly field: string;
  readonly ids: readonly { readonly id: string }[];
}

const HITS_GONE = 'no longer found by';
const WRONG_HITS_GONE = 'no longer wrongly found by';

/** True for the line that names records which the second answer no longer finds by a word that they do not have. */
export function isWrongHitGone(line: string): boolean {
  return line.includes(`: ${WRONG_HITS_GONE} `);
}

/** True for that line, and for the one that names records which are no longer found by a word that they do have. */
export function isHitGone(line: string): boolean {
  return line.includes(`: ${HITS_GONE} `) || isWrongHitGone(line);
}

function fullTextFields(before: readonly FullTextHits[], after: readonly FullTextHits[]): readonly Field[] {
  return before.flatMap(({ contains, ids, wrong }) => {
    const other = after.find((each) => each.contains === contains) ?? { ids: [], wrong: [] };
    const [right, otherRight] = [without(ids, wrong), without(other.ids, other.wrong)];
    const fields = [
      { field: `${HITS_GONE} "${contains}"`, ids: without(right, otherRight) },
      { field: `found by "${contains}" only since`, ids: without(otherRight, right) },
      { field: `${WRONG_HITS_GONE} "${contains}"`, ids: without(wrong, other.wrong) },
      { field: `wrongly found since by "${contains}"`, ids: without(other.wrong, wrong) },
    ];
    return fields.map((each) => ({ ...each, ids: each.ids.map((id) => ({ id })) }));
  });
}

function without(ids: readonly string[], others: readonly string[]): readonly string[] {
  return ids.filter((id) => !others.includes(id));
}

function listed(records: readonly { readonly id: string }[]): string {
  const shown = records.slice(0, SHOWN).map(({ id }) => id);
  return records.length > SHOWN ? `${shown.join(', ')} and ${records.length - SHOWN} more` : shown.join(', ');
}

export function nameOf(collection: {
  readonly tenant: string;
  readonly database: string;
  readonly name: string;
}): string {
  return `${collection.tenant}/${collection.database}/${collection.name}`;
}
