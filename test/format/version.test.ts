import { describe, expect, it } from 'vitest';
import { RELEASES, FIRST_RELEASE } from '../../src/chroma/migrations.ts';
import { isBefore, versionIn } from '../../src/chroma/version.ts';

describe('a version', () => {
  it.each([
    ['0.5.12', '0.5.13', true],
    ['0.5.13', '0.5.13', false],
    ['0.5.13', '0.5.12', false],
    ['0.5.9', '0.5.13', true],
    ['0.5.20', '0.5.3', false],
    ['0.6.0', '0.5.13', false],
    ['1.0.0', '0.6.3', false],
    ['0.10.0', '0.9.9', false],
    ['9.0.0', '10.0.0', true],
  ])('%s is before %s: %s', (version, other, isEarlier) => {
    expect(isBefore(versionIn(version), versionIn(other))).toBe(isEarlier);
  });

  it('is what the words on every release begin with, each after the one before', () => {
    const first = [FIRST_RELEASE, ...RELEASES].map(({ writtenBy }) => versionIn(writtenBy));
    for (const [at, version] of first.slice(1).entries()) {
      expect(isBefore(first[at] ?? [9, 9, 9], version), version.join('.')).toBe(true);
    }
  });

  it.each(['', 'Chroma 0.5.6', '0.5', 'a0.5.6'])('is not in %j', (text) => {
    expect(() => versionIn(text)).toThrow(RangeError);
  });
});
