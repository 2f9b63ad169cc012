// `portcullis json validate`: the lines that it prints, what it exits with, and that it stays within its folders.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/gateway.mjs';

const folder = await mkdtemp(join(tmpdir(), 'portcullis-json-'));
after(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function file(content, name = `file-${(files += 1)}.json`) {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function validate(...args) {
  const { code, stdout, stderr } = await run(['json', 'validate', ...args]);
  const lines = stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  return { code, lines, stderr };
}

const order = {
  type: 'object',
  required: ['id', 'items'],
  properties: {
    id: { type: 'integer' },
    items: { type: 'array', items: { type: 'object', properties: { sku: { pattern: '^[A-Z]{3}-[0-9]+$' } } } },
  },
  additionalProperties: false,
};

test('a line for each instance, in order; 0 when all are valid, 1 when one is not', async () => {
  const schema = await file(order);
  const good = await file({ id: 1, items: [{ sku: 'ABC-1' }] });
  const bad = await file({ id: '1', items: [{ sku: 'ABC-1' }, { sku: 'topsecret' }], extra: 1 });
  assert.deepEqual(await validate('--schema', schema, good), { code: 0, lines: [{ valid: true }], stderr: '' });
  const { code, lines, stderr } = await validate('--schema', schema, good, bad, good);
  assert.equal(code, 1);
  assert.equal(stderr, '');
  assert.deepEqual(lines.map((line) => line.valid), [true, false, true]);
  assert.deepEqual(lines[1].errors, [
    { instance: '/id', keyword: 'type', schema: '#/properties/id/type', message: 'must be an integer' },
    {
      instance: '/items/1/sku',
      keyword: 'pattern',
      schema: '#/properties/items/items/properties/sku/pattern',
      message: 'must match the pattern ^[A-Z]{3}-[0-9]+$',
    },
    {
      instance: '/extra',
      keyword: 'additionalProperties',
      schema: '#/additionalProperties',
      message: 'must not be there: the schema does not know the property',
    },
  ]);
  assert.ok(!JSON.stringify(lines).includes('topsecret'), 'a value is never repeated');
});

test('--batch: one instance a line, blank lines passed over, no JSON is not valid', async () => {
  const schema = await file({ maximum: 9007199254740992 });
  const batch = await file('1\n\n9007199254740993\r\n{"a":1,"a":2}\n"x', 'batch.jsonl');
  const { code, lines } = await validate('--schema', schema, '--batch', batch);
  assert.equal(code, 1);
  assert.deepEqual(lines.map((line) => line.valid), [true, false, false, false]);
  assert.deepEqual(lines[2].errors, [
    { instance: '', keyword: 'json', schema: '', message: 'JSON has an object with a repeated name' },
  ]);
});

test('--dialect decides for schemas that do not say', async () => {
  const schema = await file({ minimum: 1, exclusiveMinimum: true });
  const one = await file('1');
  assert.equal((await validate('--schema', schema, one)).code, 2, 'no boolean in 2020-12');
  for (const dialect of ['4', 'openapi-3.0']) {
    assert.equal((await validate('--schema', schema, '--dialect', dialect, one)).code, 1);
  }
  const says = await file({ $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] });
  assert.equal((await validate('--schema', says, await file([1]))).code, 1);
});

test('--formats assert', async () => {
  const schema = await file({ format: 'ipv4' });
  const text = await file('"999.1.1.1"');
  assert.equal((await validate('--schema', schema, text)).code, 0);
  assert.equal((await validate('--schema', schema, '--formats', 'assert', text)).code, 1);
});

test('--remotes: from the folder, and from nowhere else', async () => {
  const remotes = join(folder, 'remotes');
  await mkdir(remotes, { recursive: true });
  await file({ type: 'string' }, 'remotes/text.json');
  await file({ type: 'string' }, 'outside.json');
  const instance = await file('1');
  const rule = `https://schemas.example/=${remotes}`;
  const known = await file({ $ref: 'https://schemas.example/text.json' });
  const { code, lines } = await validate('--schema', known, '--remotes', rule, instance);
  assert.equal(code, 1);
  assert.equal(lines[0].errors[0].schema, 'https://schemas.example/text.json#/type');
  for (const uri of ['https://schemas.example/%2e%2e/outside.json', 'https://schemas.example/none.json', 'https://other.example/text.json']) {
    const refused = await validate('--schema', await file({ $ref: uri }), '--remotes', rule, instance);
    assert.equal(refused.code, 2, uri);
    assert.match(refused.stderr, /:1:9: error: \/\$ref: /);
  }
});

test('a schema that cannot be compiled: every error, with its place', async () => {
  const schema = await file('{\n  "type": "strin",\n  "pattern": "("\n}', 'wrong.json');
  const { code, lines, stderr } = await validate('--schema', schema, await file('1'));
  assert.equal(code, 2);
  assert.deepEqual(lines, []);
  assert.match(stderr, /wrong\.json:2:11: error: \/type: expects/);
  assert.match(stderr, /wrong\.json:3:14: error: \/pattern: /);
});

for (const [why, ...args] of [
  ['no schema', 'x.json'],
  ['nothing to validate', '--schema', 'x.json'],
  ['a schema that is not there', '--schema', '/no/such/file', 'x.json'],
  ['a dialect that there is not', '--schema', 'x.json', '--dialect', '2021', 'x.json'],
  ['formats not asserted', '--schema', 'x.json', '--formats', 'ignore', 'x.json'],
  ['remotes without a folder', '--schema', 'x.json', '--remotes', 'https://a/', 'x.json'],
]) {
  test(`usage: ${why} is 2`, async () => {
    const { code, lines, stderr } = await validate(...args);
    assert.equal(code, 2);
    assert.deepEqual(lines, []);
    assert.match(stderr, /^portcullis: json validate: /);
  });
}

test('--help has an example', async () => {
  const { code, stdout } = await run(['json', 'validate', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /Example:\n {2}portcullis json validate/);
});
