/**
 * docs/CHECKS.md, docs/EXIT-CODES.md and docs/findings/ are what the code gives: npm run docs writes them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FORMAT = readFileSync(join(ROOT, 'docs/FORMAT.md'), 'utf8');

const fresh = mkdtempSync(join(tmpdir(), 'chroma-maint-docs-'));
// From the build of these sources that every run of the tests makes first.
beforeAll(() => execFileSync(process.execPath, [join(ROOT, 'scripts/docs.js'), fresh]));
afterAll(() => rmSync(fresh, { recursive: true }));

const written = (root: string, folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));

describe('the pages of findings', () => {
  it('are one for each, and no other', () => {
    expect(written(ROOT, 'docs/findings').toSorted()).toEqual(written(fresh, 'docs/findings').toSorted());
  });

  it('lead to headings that docs/FORMAT.md has', () => {
    const anchors = [...FORMAT.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = written(fresh, 'docs/findings').flatMap((path) =>
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/\]\(\.\.\/FORMAT\.md#([^)]*)\)/g)].map(
        ([, anchor]) => anchor,
      ),
    );
    expect(targets.length).toBeGreaterThan(20);
    expect(anchors).toEqual(expect.arrayContaining(targets));
  });
});

it('all generated pages are up to date (else: npm run docs)', () => {
  const paths = written(fresh, 'docs').filter((path) => path.endsWith('.md'));
  expect(paths.length).toBeGreaterThan(60);
  for (const path of paths)
    expect(readFileSync(join(ROOT, path), 'utf8'), path).toBe(readFileSync(join(fresh, path), 'utf8'));
});
