// The command line: help, exit codes, `check` on everything that the project ships, `hash key`, `config schema`.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { curl } from '../support/command.mjs';
import { openConfig, toYaml } from '../support/config.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { repository } from '../support/paths.mjs';
import { freePort } from '../support/upstream.mjs';

const folder = await mkdtemp(join(tmpdir(), 'portcullis-cli-'));
after(() => rm(folder, { recursive: true, force: true }));

const good = openConfig('127.0.0.1:9000');
let files = 0;
async function file(content) {
  files += 1;
  const name = join(folder, `config-${files}.yaml`);
  await writeFile(name, toYaml(content));
  return name;
}

for (const args of [['--help'], ['run', '--help'], ['check', '--help'], ['hash', '--help'], ['hash', 'key', '--help'], ['config', 'schema', '--help']]) {
  test(`${args.join(' ')}: on stdout, with an example, exit 0`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /portcullis/);
    assert.match(stdout, /[Ee]xample/);
  });
}

test('--version', async () => {
  const { code, stdout } = await run(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^portcullis \d+\.\d+\.\d+/);
});

for (const args of [[], ['nonsense'], ['check', '--nonsense'], ['run', '-c'], ['hash', 'nonsense'], ['config']]) {
  test(`usage: "${args.join(' ')}" is 2, said on stderr`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.ok(stderr.length > 0);
  });
}

test('check: a right file is 0 and says what is open', async () => {
  const { code, stdout, stderr } = await run(['check', '-c', await file(good)]);
  assert.equal(code, 0, stderr);
  assert.match(stdout + stderr, /echo\.root|open/);
});

test('check: every error at once, each with file:line:column and what was expected', async () => {
  const text = `version: 1
listeners:
  public: { address: "127.0.0.1:99999" }
  other: { adress: "127.0.0.1:8081" }
apis:
  shop: { listeners: [pubic], upstream: shop, authenticate: none, routes: [{ path: orders, methods: [GET], operation: x }] }
upstreams:
  shop: { targets: ["nowhere"], balance: round-robin }
`;
  const name = await file(text);
  const { code, stdout, stderr } = await run(['check', '-c', name]);
  assert.equal(code, 2);
  const said = stdout + stderr;
  for (const [line, what] of [[3, /99999/], [4, /adress.*address|address/], [6, /pubic.*public|public/], [6, /begin with `\/`/], [8, /nowhere/], [8, /round_robin/]]) {
    const lines = said.split('\n').filter((l) => l.includes(`${name}:${line}:`));
    assert.ok(lines.some((l) => what.test(l) && /:\d+:\d+/.test(l)), `line ${line} ${what} in:\n${said}`);
  }
});

test('check --json gives the same to a program', async () => {
  const { code, stdout } = await run(['check', '--json', '-c', await file({ ...good, nonsense: 1 })]);
  assert.equal(code, 2);
  const answer = JSON.parse(stdout);
  assert.match(JSON.stringify(answer), /nonsense/);
});

test('run: a file that is not there, and a wrong one, are 2', async () => {
  assert.equal((await run(['run', '-c', join(folder, 'absent.yaml')])).code, 2);
  assert.equal((await run(['run', '-c', await file({ ...good, nonsense: 1 })])).code, 2);
});

test('run: an address that is taken is 3, the machine\'s fault', async () => {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { code, stderr } = await run(['run', '-c', await file(openConfig('127.0.0.1:9000', { listener: { address: `127.0.0.1:${server.address().port}` } }))]);
  server.close();
  assert.equal(code, 3, stderr);
  assert.match(stderr, /bind: Address already in use \(another program listens there\)/);
});

test('run: a second gateway on the same address, or the same admin address, does not start', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const settings = { listener: { address }, admin: { address: '127.0.0.1:0' } };
  const first = await Gateway.start(openConfig('127.0.0.1:9000', settings));
  try {
    for (const config of [
      openConfig('127.0.0.1:9000', { listener: { address } }),
      openConfig('127.0.0.1:9000', { listener: { address: `0.0.0.0:${first.port}`, insecure: true } }),
      openConfig('127.0.0.1:9000', { admin: { address: `127.0.0.1:${first.admin}` } }),
    ]) {
      const { code, stderr } = await run(['run', '-c', await file(config)]);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /not_started.*another program listens there/);
    }
    // What it has itself is no obstacle to a reload, by whatever name.
    const renamed = openConfig('127.0.0.1:9000', { ...settings, listeners: { other: { address } }, api: { listeners: ['other'] } });
    assert.equal((await first.reload(renamed)).event, 'reloaded');
    assert.equal((await curl('-o', '/dev/null', `http://${address}/`)).code, 0);
  } finally {
    await first.stop();
  }
});

test('hash key: a new key each time, and its hash', async () => {
  const [one, two] = [await run(['hash', 'key']), await run(['hash', 'key'])];
  assert.equal(one.code, 0, one.stderr);
  const key = /pc_[A-Za-z0-9_-]+/.exec(one.stdout)?.[0];
  assert.ok(key, one.stdout);
  assert.ok(one.stdout.includes(createHash('sha256').update(key).digest('hex')));
  assert.notEqual(key, /pc_[A-Za-z0-9_-]+/.exec(two.stdout)[0]);
});

test('config schema is a JSON Schema that knows the keys', async () => {
  const { code, stdout, stderr } = await run(['config', 'schema']);
  assert.equal(code, 0, stderr);
  const schema = JSON.parse(stdout);
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  for (const key of ['listeners', 'apis', 'upstreams', 'authenticators', 'limits']) assert.ok(schema.properties[key], key);
});

/** Every file below the repository that git knows and that ends in one of `ends`. */
async function shipped(...ends) {
  const found = [];
  const walk = async (at) => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      if (['.git', 'build', 'node_modules', 'third_party', 'testdata'].includes(entry.name)) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) await walk(path);
      else if (ends.some((end) => entry.name.endsWith(end))) found.push(path);
    }
  };
  await walk(repository);
  return found;
}

/** A configuration file, by what it has and not by its name; a template (`@PORT@`) is not one yet. */
const isConfiguration = (text) => /^version: 1$/m.test(text) && /^listeners:/m.test(text) && !/@[A-Z]+@/.test(text);

// Secrets and files that examples refer to need not exist where the tests run.
const env = { PORTCULLIS_ADMIN_TOKEN: 'a token for checking' };

for (const path of await shipped('.yaml', '.yml')) {
  const text = await readFile(path, 'utf8');
  if (!isConfiguration(text)) continue;
  test(`check: ${relative(repository, path)} loads as it stands`, async () => {
    const { code, stdout, stderr } = await run(['check', '-c', path], { env });
    const missing = (stdout + stderr).split('\n').filter((l) => /:\d+:\d+/.test(l) && !/warning|note/.test(l) && !/cannot be read|No such file/.test(l));
    assert.deepEqual(missing, []);
    assert.ok(code === 0 || /cannot be read|No such file/.test(stdout + stderr), stdout + stderr);
  });
}

