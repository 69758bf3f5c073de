/**
 * Every kind of finding: a directory that shows it, and the same one without it.
 */
import { describe, expect, it } from 'vitest';
import type { FindingKind } from '../../../src/operations/findings/kinds.ts';
import { unpacked } from '../../support/fixtures.ts';
import { bytesOf } from '../../support/state.ts';
import { TABLE } from './all-cases.ts';
import { checked, kindsIn, made, type Case } from './cases.ts';

/** What `message` has to be, whether it is given whole or as a pattern. */
function pattern(message: string | RegExp): RegExp {
  return typeof message === 'string' ? new RegExp(`^${message.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')}$`) : message;
}

describe.each(TABLE)('%s%s', (kind, _, each) => {
  it('is found with its subject and its numbers, and not one byte changes', async () => {
    const dir = await made(each);
    const before = bytesOf(dir);
    const [plain, deep] = [await checked(dir, false, each), await checked(dir, true, each)];
    const after = bytesOf(dir);
    const expected = each.finds(dir).map(([subject, message]) => ({
      id: kind,
      severity: each.severity,
      subject,
      message: expect.stringMatching(pattern(message)),
      remedy: expect.stringMatching(/^[^{}]+$/),
    }));
    expect(expected).not.toEqual([]);
    expect(plain.findings.filter(({ id }) => id === kind)).toEqual(each.only === 'deep' ? [] : expected);
    expect(deep.findings.filter(({ id }) => id === kind)).toEqual(each.only === 'not deep' ? [] : expected);
    const others = [plain, deep].flatMap(({ findings }) => findings).filter(({ id }) => id !== kind);
    expect(each.stopsEverything === true ? others : []).toEqual([]);
    expect(after).toEqual(each.meanwhile === undefined ? before : after);
  });

  it('is not found in the same directory without it, and brings nothing else along but what is told', async () => {
    const without =
      each.clean === undefined
        ? await kindsOfFixture(each.cleanFixture ?? each.fixture)
        : await kindsOf(await made({ ...each, shown: each.clean }));
    const withIt = await kindsOf(await made(each), each);
    expect(without).not.toContain(kind);
    expect(withIt).toContain(kind);
    const [more, fewer] = each.clean === undefined ? [withIt, without] : [without, withIt];
    const others = more.filter((found) => !fewer.includes(found) && found !== kind);
    expect(each.cleanFixture === undefined ? others : []).toEqual((each.along ?? []).toSorted());
  });
});

const untouched = new Map<string, Promise<readonly FindingKind[]>>();

/** The same for a fixture as it is, once for all tests. */
function kindsOfFixture(name: string): Promise<readonly FindingKind[]> {
  const known = untouched.get(name) ?? unpacked(name).then((dir) => kindsOf(dir));
  untouched.set(name, known);
  return known;
}

/** Everything that is found in `dir`, with and without --deep. */
async function kindsOf(dir: string, each?: Case): Promise<readonly FindingKind[]> {
  const [plain, deep] = [await checked(dir, false, each), await checked(dir, true, each)];
  return [...new Set([...kindsIn(plain), ...kindsIn(deep)])].toSorted();
}
