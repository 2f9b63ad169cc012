// How the examples in the documents are found: none gets lost, and a marker that is wrong is heard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { embed, findBlocks, isWhole, parseConsole, parseMarker, readPages, toPattern } from '../support/documents.mjs';

test('every block of every page says how it is tested', () => {
  for (const { page, text } of readPages()) findBlocks(text, page);
});

test('blocks are found with their language, place and marker', () => {
  const text = 'a\n\n<!-- example: in apis.shop; warns: moot -->\n```yaml\ncors: {}\n```\n\n- b\n  ```console\n  $ true\n    x\n  ```\n```\nplain\n```\n';
  assert.deepEqual(findBlocks(text, 'p.md'), [
    { page: 'p.md', line: 4, language: 'yaml', text: 'cors: {}\n', marker: { in: 'apis.shop', warns: 'moot' } },
    { page: 'p.md', line: 9, language: 'console', text: '$ true\n  x\n', marker: {} },
    { page: 'p.md', line: 13, language: '', text: 'plain\n', marker: {} },
  ]);
});

test('each form of marker', () => {
  assert.deepEqual(parseMarker('not run: needs a cluster'), { 'not run': 'needs a cluster' });
  assert.deepEqual(parseMarker('file a.yaml; serve'), { file: 'a.yaml', serve: true });
  assert.deepEqual(parseMarker('running until "ready"'), { running: '"ready"' });
  assert.deepEqual(parseMarker('wrong: found `a`; did you mean `b`?'), { wrong: 'found `a`; did you mean `b`?' });
  assert.deepEqual(parseMarker('needs nginx; running until up'), { needs: 'nginx', running: 'up' });
});

const block = (marker, language = 'yaml') => `<!-- example: ${marker} -->\n\`\`\`${language}\na: 1\n\`\`\`\n`;
for (const [why, text, want] of [
  ['an unknown marker', block('skip'), /no such marker: skip/],
  ['no reason', block('not run:'), /no such marker/],
  ['a marker twice', block('in a; in b'), /twice in one marker: in/],
  ['not run, and more', block('not run: because; serve'), /says nothing else/],
  ['a wrong one that serves', block('wrong: x; serve'), /neither warns nor serves/],
  ['a place in what is no YAML', block('in apis.shop', 'sh'), /`in` says nothing of a block of ```sh/],
  ['text between', '<!-- example: serve -->\nhello\n', /p\.md:2: a marker must stand right before its block/],
  ['a marker at the end', '<!-- example: serve -->\n', /stands before nothing/],
  ['two markers', '<!-- example: serve -->\n<!-- example: serve -->\n', /two markers/],
  ['a block without an end', '```yaml\na: 1\n', /p\.md:1: the block has no end/],
  ['a language nobody runs', '```python\nprint()\n```\n', /```python needs a marker/],
  ['a transcript that is not fenced', 'see\n\n    $ portcullis check\n', /p\.md:3: .*```console/],
  ['a command that is not fenced', 'see\n\n    curl http://a.test/\n', /p\.md:3: .*```sh/],
]) {
  test(`refused: ${why}`, () => assert.throws(() => findBlocks(text, 'p.md'), want));
}

test('a whole configuration is told from a part of one', () => {
  const yaml = (text, marker = {}) => isWhole({ language: 'yaml', text, marker });
  assert.ok(yaml('# first\nversion: 1\n'));
  assert.ok(!yaml('listeners: {}\n'));
  assert.ok(!yaml('version: 1\n', { in: 'apis.shop' }));
  assert.ok(!yaml('a:\n  version: 1\n'));
});

test('a fragment joins the base where names join, and takes the place of the rest', () => {
  const base = { apis: { shop: { upstream: 'shop', cors: { origins: ['a'] } } }, authenticators: { staff: { jwt: {} } }, workers: 1 };
  const cases = [
    { why: 'a setting of an API', fragment: { apis: { shop: { cors: {} } } }, want: { apis: { shop: { upstream: 'shop', cors: {} } } } },
    { why: 'another API', fragment: { apis: { b: { x: 1 } } }, want: { apis: { ...base.apis, b: { x: 1 } } } },
    { why: 'an authenticator anew', fragment: { authenticators: { staff: { api_key: {} } } }, want: { authenticators: { staff: { api_key: {} } } } },
    { why: 'a new block', fragment: { log: { access: 'off' } }, want: { log: { access: 'off' } } },
    { why: 'a plain value', fragment: { workers: 2 }, want: { workers: 2 } },
    { why: 'at a place', path: 'apis.shop', fragment: { cors: {} }, want: { apis: { shop: { upstream: 'shop', cors: {} } } } },
    { why: 'at a place that is new', path: 'apis.shop.operations.a', fragment: { b: 1 }, want: { apis: { shop: { ...base.apis.shop, operations: { a: { b: 1 } } } } } },
  ];
  for (const { why, path, fragment, want } of cases) assert.deepEqual(embed(base, fragment, path), { ...base, ...want }, why);
});

test('commands are told from what they show', () => {
  const text = '$ cat <<X\n> a\n> X\na\n$ true\n$ false\n> b\n';
  assert.deepEqual(parseConsole({ text }), [
    { command: 'cat <<X\na\nX', shown: 'a\n' },
    { command: 'true', shown: '' },
    { command: 'false\nb', shown: '' },
  ]);
  assert.throws(() => parseConsole({ page: 'p.md', line: 3, text: 'a\n' }), /p\.md:3/);
});

test('what is shown is compared whole, but for what is left out', () => {
  const cases = [
    { shown: 'a.b\n', good: ['a.b'], bad: ['axb', 'a.b\nc', 'xa.b', ''] },
    { shown: 'a…c', good: ['ac', 'abbc'], bad: ['a\nc', 'ab'] },
    { shown: 'a\n…\nb', good: ['a\nb', 'a\nx\n\ny\nb'], bad: ['a', 'b', 'a\nx'] },
    { shown: '…\nb', good: ['b', 'x\ny\nb'], bad: ['x', 'x\nb\ny'] },
    { shown: 'a\n…', good: ['a', 'a\nb\nc'], bad: ['b', 'b\na'] },
  ];
  for (const { shown, good, bad } of cases) {
    for (const text of good) assert.match(text, toPattern(shown), `${shown} should be ${text}`);
    for (const text of bad) assert.doesNotMatch(text, toPattern(shown), `${shown} should not be ${text}`);
  }
});
