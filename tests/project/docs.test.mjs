// The documents point at what exists: their links, and the functions that ARCHITECTURE.md names.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

function* listDocuments(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'build') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listDocuments(path);
    else if (entry.name.endsWith('.md')) yield path;
  }
}

// The anchor that a heading gets, as the usual renderers make it.
const toAnchor = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

// The text without its fenced code, where a link or a heading is none.
const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, '');

function hasAnchor(file, anchor) {
  const headings = withoutCode(readFileSync(file, 'utf8')).matchAll(/^#+\s+(.*)$/gm);
  return [...headings].some(([, heading]) => toAnchor(heading) === anchor);
}

test('every link within the project leads somewhere', () => {
  const broken = [];
  for (const document of listDocuments(root)) {
    const text = withoutCode(readFileSync(document, 'utf8'));
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      if (!existsSync(file) || (anchor && !hasAnchor(file, anchor)))
        broken.push(`${relative(root, document)}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every page of docs/ is in its index', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const missing = [...listDocuments(join(root, 'docs'))]
    .map((path) => relative(join(root, 'docs'), path))
    .filter((path) => path !== 'README.md' && !index.includes(`(${path})`));
  assert.deepEqual(missing, []);
});

test('every function that ARCHITECTURE.md names exists', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const missing = [];
  for (const [whole, file, name] of text.matchAll(/`([\w./-]+\.(?:h|cc|mjs)): ([\w:~]+)(?:\(\))?`/g)) {
    const path = [file, `src/${file}`].map((one) => join(root, one)).find(existsSync);
    const last = name.split('::').at(-1);
    if (path === undefined || !new RegExp(`\\b${last}\\b`).test(readFileSync(path, 'utf8'))) missing.push(whole);
  }
  assert.deepEqual(missing, []);
});
