// The reference of the configuration is what the binary prints, whole.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../support/gateway.mjs';
import { repository } from '../support/paths.mjs';

test('docs/configuration-reference.md is what `portcullis config reference` prints', async () => {
  const { code, stdout, stderr } = await run(['config', 'reference']);
  assert.equal(code, 0, stderr);
  const page = await readFile(join(repository, 'docs/configuration-reference.md'), 'utf8');
  assert.equal(page, stdout, 'print it anew: portcullis config reference > docs/configuration-reference.md');
});

test('no description repeats what the page says of every key', async () => {
  const { stdout } = await run(['config', 'reference']);
  const rows = [...stdout.matchAll(/^\| `(\w+)` \| .* \| (.*) \| (.*) \|$/gm)];
  assert.ok(rows.length > 80);
  for (const [, key, unlessSaid, what] of rows) {
    if (unlessSaid.startsWith('`')) assert.doesNotMatch(what, /unless said/, `${key}: the default stands in config.h alone`);
  }
});
