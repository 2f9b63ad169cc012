// layers.txt holds for the sources as they stand, and its checker finds what it should.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkLayers, parseLayers } from '../../scripts/check-layers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the sources keep to layers.txt', () => {
  assert.deepEqual(checkLayers(root), []);
});

test('layers.txt cannot say a cycle', () => {
  const cases = [
    { why: 'a folder below', text: 'a: b\nb:\n', want: /a names b, which is not above it/ },
    { why: 'itself', text: 'a: a\n', want: /a names a, which is not above it/ },
    { why: 'declared twice', text: 'a:\na:\n', want: /a is declared twice/ },
    { why: 'no colon', text: 'a b\n', want: /not "folder: folders"/ },
  ];
  for (const { why, text, want } of cases) assert.throws(() => parseLayers(text), want, why);
});

// Writes a project of the given files and returns what the checker says of it.
function check(files) {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return checkLayers(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the checker finds each kind of breach', () => {
  const layers = 'base:\nhttp: base\njose: base\nheader openssl/: jose\n';
  const cases = [
    { why: 'own folder and one above', files: { 'src/http/a.cc': '#include "http/a.h"\n#include "base/b.h"\n' } },
    { why: 'the standard library', files: { 'src/http/a.cc': '#include <string>\n' } },
    { why: 'the owner of a header', files: { 'src/jose/a.cc': '#include <openssl/evp.h>\n' } },
    { why: 'main.cc may include all', files: { 'src/main.cc': '#include "http/a.h"\n' } },
    { why: 'upwards', files: { 'src/base/a.h': '\n#include "http/a.h"\n' }, want: 'src/base/a.h:2: base may not' },
    { why: 'sideways', files: { 'src/jose/a.h': '#include "http/a.h"\n' }, want: 'src/jose/a.h:1: jose may not' },
    { why: 'spaces in the directive', files: { 'src/base/a.h': ' #  include "http/a.h"\n' }, want: ':1: base may' },
    { why: 'no folder in the name', files: { 'src/http/a.cc': '#include "a.h"\n' }, want: 'does not name its folder' },
    { why: 'unknown folder', files: { 'src/http/a.cc': '#include "util/a.h"\n' }, want: 'util is not in layers' },
    { why: 'undeclared folder', files: { 'src/util/a.cc': '\n' }, want: 'util is not in layers.txt' },
    { why: 'a file beside the folders', files: { 'src/a.cc': '\n' }, want: 'stands in no folder' },
    { why: "another's header", files: { 'src/http/a.cc': '#include <openssl/evp.h>\n' }, want: 'belongs to jose' },
    { why: "another's header in bench", files: { 'bench/a.cc': '#include <openssl/evp.h>\n' }, want: 'belongs to jose' },
  ];
  for (const { why, files, want } of cases) {
    const faults = check({ 'layers.txt': layers, ...files });
    if (want === undefined) assert.deepEqual(faults, [], why);
    else assert.ok(faults.length === 1 && faults[0].includes(want), `${why}: ${faults}`);
  }
});
