// `check` on a file of forty mistakes: all of them at once, each at its place and with its remedy, and nothing else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/gateway.mjs';
import { repository } from '../support/paths.mjs';

const folder = await mkdtemp(join(tmpdir(), 'portcullis-mistakes-'));
after(() => rm(folder, { recursive: true, force: true }));
const file = join(folder, 'mistakes.yaml');
await copyFile(join(repository, 'tests/e2e/forty_mistakes.yaml'), file);
await writeFile(join(folder, 'partner.json'), '{"keys":[{"kty":"oct","k":"AAAA"}]}');

/** What the file says of itself: `#! COLUMN REMEDY` behind each mistake. */
const mistakes = (await readFile(file, 'utf8'))
  .split('\n')
  .map((line, index) => ({ line: index + 1, match: /#! (\d+) (.+)$/.exec(line) }))
  .filter(({ match }) => match)
  .map(({ line, match }) => ({ line, column: Number(match[1]), remedy: match[2] }));

const errorsOf = ({ diagnostics }) => diagnostics.filter(({ severity }) => severity === 'error');

test('there are forty', () => assert.equal(mistakes.length, 40));

test('check finds each at its place, with its remedy, in order, and no other', async () => {
  const { code, stdout, stderr } = await run(['check', '--json', '-c', file]);
  assert.equal(code, 2, stderr);
  const found = errorsOf(JSON.parse(stdout));
  const place = ({ line, column }) => `${line}:${column}`;
  assert.deepEqual(found.map(place), mistakes.map(place), found.map((one) => `${place(one)} ${one.key}: ${one.message}`).join('\n'));
  for (const [index, { remedy }] of mistakes.entries()) assert.ok(found[index].message.includes(remedy), `${place(found[index])}: ${found[index].message}\ndoes not say: ${remedy}`);
  for (const { file: where, key, message } of found) {
    assert.equal(where, file);
    assert.ok(!/hunter2|pc_nightly/.test(key + message), message);
  }
});

test('for people: a line each, and how many', async () => {
  const { code, stdout, stderr } = await run(['check', '-c', file]);
  assert.equal(code, 2);
  const lines = stderr.split('\n').filter((line) => line.includes(': error: '));
  assert.equal(lines.length, 40);
  for (const [index, { line, column, remedy }] of mistakes.entries()) {
    assert.ok(lines[index].startsWith(`${file}:${line}:${column}: error: `), lines[index]);
    assert.ok(lines[index].includes(remedy), lines[index]);
  }
  assert.equal(stdout, 'not ok: 40 errors\n');
});

test('run says the same, and does not start', async () => {
  const { code, stderr } = await run(['run', '-c', file]);
  assert.equal(code, 2);
  for (const { line, column } of mistakes) assert.ok(stderr.includes(`${file}:${line}:${column}: error: `), `${line}:${column}`);
});
