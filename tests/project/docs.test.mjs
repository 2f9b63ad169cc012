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

test('a step has the same number in ARCHITECTURE.md, in the code and in explain', () => {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const rows = [...read('ARCHITECTURE.md').matchAll(/^\| (\d+) \| (.*?) \| (.*?) \|/gm)].map(([, number, step, where]) => ({ number, step, where }));
  const numbers = rows.map((row) => row.number);
  const numberOf = (place) => rows.find((row) => row.where.includes(place)).number;
  assert.ok(numbers.length > 5);
  const explained = [...read('src/gateway/explain.cc').matchAll(/case Step::k(\w+):\s+return (\d+);/g)];
  // explain tells of the accepting in other words, and writes no account.
  assert.deepEqual(explained.map(([, , number]) => number), numbers.slice(1, -1));
  const serve = read('src/gateway/serve.cc');
  for (const [, name, number] of serve.matchAll(/\b(\w+)\(.*\);\s+\/\/ (\d+)$/gm)) {
    const row = rows.find((one) => one.number === number);
    assert.ok(row, `${name} is step ${number} in serve.cc`);
    const comment = serve.match(new RegExp(`^// (\\d+): [^\\n]*\\n(?://.*\\n)*[^\\n/]*\\b${name}\\(`, 'm'));
    if (comment) assert.equal(comment[1], number, name);
  }
  assert.equal(/forward\(forwarding\);\s+\/\/ (\d+)/.exec(serve)[1], numberOf('forward.cc: forward'));
  assert.equal(/^\/\/ Step (\d+):/.exec(read('src/gateway/forward.h'))[1], numberOf('forward.cc: forward'));
  assert.equal(/^\/\/ Step (\d+):/.exec(read('src/gateway/account.h'))[1], numberOf('account.cc: write'));
});
