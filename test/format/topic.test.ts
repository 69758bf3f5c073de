import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectionIdOf, topicsByCollectionId } from '../../src/chroma/topic.ts';
import { RUNS } from './arbitraries.ts';

describe('the collection of a topic', () => {
  it('is what follows the last slash, whatever tenant and namespace are called', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uuid(), (tenant, namespace, id) => {
        expect(collectionIdOf(`persistent://${tenant}/${namespace}/${id}`)).toBe(id);
      }),
      RUNS,
    );
  });

  it.each([
    ['', ''],
    ['no-slash', 'no-slash'],
    ['persistent://default/default/', ''],
    ['/x', 'x'],
  ])('of %j is %j', (topic, id) => {
    expect(collectionIdOf(topic)).toBe(id);
  });
});

describe('grouping topics', () => {
  it('puts every topic into exactly one group, its own, in the order given', () => {
    const topic = fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('', 'x', 'y', '__proto__', 'constructor'))
      .map(([tenant, id]) => `persistent://${tenant}/default/${id}`);
    fc.assert(
      fc.property(fc.uniqueArray(topic), (topics) => {
        const groups = topicsByCollectionId(topics);
        expect([...groups.values()].flat().toSorted()).toEqual(topics.toSorted());
        for (const [id, group] of groups) {
          expect(group).toEqual(topics.filter((each) => each.endsWith(`/${id}`)));
          expect(group.length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });
});
