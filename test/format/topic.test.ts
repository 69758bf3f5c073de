import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectionIdOf } from '../../src/chroma/topic.ts';
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
