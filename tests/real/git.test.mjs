// Git over HTTP before `git http-backend` in lighttpd: clones, fetches and pushes through the gateway give the
// objects that the server has, bit for bit; a push needs a key.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from '../support/client.mjs';
import { command } from '../support/command.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { makeApiKey } from '../support/keys.mjs';
import { deep } from '../support/paths.mjs';
import { assertSame } from './compare.mjs';
import { guideConfig } from './guide.mjs';
import { startLighttpd, temporaryFolder } from './servers.mjs';

const kMiB = 1024 * 1024;
const kPatience = deep ? 900_000 : 120_000;
const robot = makeApiKey('robot', { roles: ['writer'] });
const guest = makeApiKey('guest');

let folder, server, gateway, config;

before(async () => {
  folder = await temporaryFolder('git');
  await git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', 'project.git']);
  for (const [name, value] of [['http.receivepack', 'true'], ['uploadpack.allowFilter', 'true'], ['gc.auto', '0'], ['receive.autogc', 'false']]) {
    await git(join(folder, 'project.git'), ['config', name, value]);
  }
  await git(join(folder, 'project.git'), ['fast-import', '--quiet'], { input: history() });
  server = await startLighttpd(
    `server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
alias.url = ("/git" => "/usr/lib/git-core/git-http-backend")
$HTTP["url"] =~ "^/git" {
  cgi.assign = ("" => "")
  setenv.add-environment = ("GIT_PROJECT_ROOT" => "${folder}", "GIT_HTTP_EXPORT_ALL" => "")
}
`,
    { folder },
  );
  config = await guideConfig('git', server.target);
  config.authenticators.deploy.api_key.keys = [robot.entry, guest.entry];
  gateway = await Gateway.start(config);
});

after(async () => {
  await gateway?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Many commits and branches, so that a fetch has much to say: what it has, what it wants. */
function history() {
  const lines = [];
  for (let i = 0; i < 400; i += 1) {
    lines.push(`commit refs/heads/${i < 300 ? 'main' : `topic/${i}`}`, `committer Ada <ada@example.com> ${1_700_000_000 + i} +0000`, 'data <<END', `commit ${i}`, 'END');
    if (i >= 300) lines.push('from refs/heads/main');
    lines.push(`M 100644 inline folder/${i % 40}.txt`, 'data <<END', `${createHash('sha256').update(String(i)).digest('hex').repeat(20)}`, 'END', '');
  }
  return `${lines.join('\n')}\n`;
}

async function git(cwd, args, { input, timeout = kPatience, env = {}, code: expected = 0 } = {}) {
  const settings = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.compression', GIT_CONFIG_VALUE_0: '0', GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com', GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
  const outcome = await command('git', args, { cwd, input, timeout, env: { ...settings, ...env } });
  if (expected !== null) assert.equal(outcome.code, expected, `git ${args.join(' ')}\n${outcome.stdout}${outcome.stderr}`);
  return outcome;
}

const url = (at) => `http://127.0.0.1:${at.port}/git/project.git`;
const withKey = (key) => ['-c', `http.extraHeader=x-api-key: ${key}`];
const serverSide = (...args) => git(join(folder, 'project.git'), args);

/** Every object that is in a repository, and every ref. */
async function contents(where) {
  await git(where, ['fsck', '--strict', '--full']);
  const objects = await git(where, ['cat-file', '--batch-all-objects', '--batch-check', '--unordered']);
  const refs = await git(where, ['for-each-ref', '--format=%(objectname) %(refname)']);
  return { objects: objects.stdout.split('\n').sort(), refs: refs.stdout.replaceAll('refs/remotes/origin', 'refs/heads').split('\n').sort() };
}

for (const version of [2, 1, 0]) {
  test(`a clone by version ${version} of the protocol has what a direct one has`, async () => {
    const clone = async (at, name) => {
      const { stderr } = await git(folder, ['-c', `protocol.version=${version}`, 'clone', '--quiet', '--mirror', url(at), name], { env: { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' } });
      assert.match(stderr, /content-encoding: gzip/i, 'a request of a hundred refs is compressed');
      return contents(join(folder, name));
    };
    const there = await clone(server, `there-${version}`);
    const here = await clone(gateway, `here-${version}`);
    assert.ok(here.objects.length > 1000 && here.refs.length > 100);
    assert.deepEqual(here, there);
  });
}

test('the list of refs is the same bytes', async () => {
  for (const service of ['git-upload-pack', 'git-receive-pack', 'git-nothing']) {
    await assertSame(server, gateway, `/git/project.git/info/refs?service=${service}`);
    await assertSame(server, gateway, `/git/project.git/info/refs?service=${service}`, { headers: { 'git-protocol': 'version=2' } });
  }
  await assertSame(server, gateway, '/git/nothing.git/info/refs?service=git-upload-pack');
});

test('nothing else of the repository is given out', async () => {
  for (const path of ['/git/project.git/HEAD', '/git/project.git/config', '/git/project.git/objects/info/packs', '/git/project.git']) {
    assertProblem(await request(gateway.port, path), 404, 'not-found');
  }
});

test('a shallow clone, deepened, then made whole; a clone without blobs', async () => {
  const shallow = join(folder, 'shallow');
  const count = async (where) => Number((await git(where, ['rev-list', '--count', 'HEAD'])).stdout);
  await git(folder, ['clone', '--quiet', '--depth', '1', url(gateway), 'shallow']);
  assert.equal(await count(shallow), 1);
  await git(shallow, ['fetch', '--quiet', '--depth', '50']);
  assert.equal(await count(shallow), 50);
  await git(shallow, ['fetch', '--quiet', '--unshallow']);
  assert.equal(await count(shallow), 300);
  await git(shallow, ['fsck', '--strict']);

  await git(folder, ['clone', '--quiet', '--filter=blob:none', url(gateway), 'partial']); // the checkout fetches what it needs
  assert.equal((await readFile(join(folder, 'partial/folder/1.txt'), 'utf8')).length, 64 * 20 + 1);
});

test('a fetch between histories that went apart finds what is common', async () => {
  const behind = join(folder, 'behind');
  await git(folder, ['clone', '--quiet', url(gateway), 'behind']);
  await git(behind, ['fast-import', '--quiet', '--force'], { input: history().replaceAll('refs/heads/', 'refs/heads/own-').replaceAll('commit 3', 'own commit 3') });
  await serverSide('branch', 'new', 'main~3');
  await serverSide('update-ref', 'refs/heads/new', (await serverSide('commit-tree', 'main^{tree}', '-p', 'main', '-m', 'new')).stdout.trim());
  for (const version of [0, 2]) {
    await git(behind, ['-c', `protocol.version=${version}`, 'fetch', '--quiet', 'origin', `+refs/heads/*:refs/remotes/v${version}/*`]);
    assert.equal((await git(behind, ['rev-parse', `v${version}/new`])).stdout, (await serverSide('rev-parse', 'new')).stdout);
  }
  await git(behind, ['fsck', '--strict']);
});

/** A clone with a new commit on a branch of its own, and what the file in it hashes to. */
async function change(branch, content) {
  const where = join(folder, branch);
  await git(folder, ['clone', '--quiet', '--depth', '1', url(gateway), branch]);
  await git(where, ['checkout', '--quiet', '-b', branch]);
  await writeFile(join(where, 'new.bin'), content);
  await git(where, ['add', 'new.bin']);
  await git(where, ['commit', '--quiet', '-m', branch]);
  return where;
}

test('a push needs a key with the role, and changes nothing without', async () => {
  const where = await change('small', 'small');
  const push = (more, code = 1) => git(where, [...more, 'push', '--quiet', 'origin', 'HEAD'], { code });
  assert.match((await push([])).stderr, /could not read Username/); // what git makes of 401
  assert.match((await push(withKey(`${robot.key}0`))).stderr, /could not read Username/);
  assert.match((await push(withKey(guest.key))).stderr, /HTTP 403/);
  await git(join(folder, 'project.git'), ['rev-parse', '--quiet', '--verify', 'small'], { code: 1 });

  assert.equal((await push(withKey(robot.key), 0)).code, 0);
  assert.equal((await serverSide('rev-parse', 'small')).stdout, (await git(where, ['rev-parse', 'HEAD'])).stdout);
  await git(where, [...withKey(robot.key), 'push', '--quiet', 'origin', '--delete', 'small']);
  await git(join(folder, 'project.git'), ['rev-parse', '--quiet', '--verify', 'small'], { code: 1 });
});

const large = randomBytes((deep ? 500 : 50) * kMiB);
const middling = large.subarray(0, (deep ? 500 : 10) * kMiB);

for (const [name, content, more] of [
  ['in chunks', large, []],
  ['in chunks that wait for 100 Continue', middling, ['-c', 'http.extraHeader=Expect: 100-continue']],
  ['with its length', middling, ['-c', 'http.postBuffer=1073741824']],
]) {
  test(`a push of ${content.length / kMiB} MiB ${name} arrives whole`, async () => {
    const branch = `large-${name.replaceAll(' ', '-')}`;
    const where = await change(branch, content);
    const { stderr } = await git(where, [...withKey(robot.key), ...more, 'push', '--quiet', 'origin', 'HEAD'], { timeout: kPatience, env: { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' } });
    assert.match(stderr, more[1]?.includes('postBuffer') ? /content-length: \d{8,}/i : /transfer-encoding: chunked/i);
    if (more[1]?.includes('Expect')) assert.match(stderr, /<= Recv header: HTTP\/1\.1 100 Continue/);
    const kept = await serverSide('rev-parse', `${branch}:new.bin`);
    assert.equal(kept.stdout, (await git(where, ['hash-object', 'new.bin'])).stdout);
    assert.equal((await serverSide('cat-file', '-s', `${branch}:new.bin`)).stdout.trim(), String(content.length));
  });
}

test('what was pushed comes back whole', async () => {
  await git(folder, ['clone', '--quiet', '--depth', '1', '--branch', 'large-in-chunks', url(gateway), 'back'], { timeout: kPatience });
  assert.ok((await readFile(join(folder, 'back/new.bin'))).equals(large));
  await serverSide('fsck', '--strict');
});

test('a push beyond `body_size` is refused, and leaves nothing behind', async () => {
  config.apis.git.body_size = '1MiB';
  const strict = await Gateway.start(config);
  try {
    const where = await change('beyond', randomBytes(8 * kMiB));
    const before = (await serverSide('for-each-ref')).stdout;
    for (const more of [['-c', 'http.postBuffer=1073741824'], []]) {
      const { stderr } = await git(where, [...withKey(robot.key), ...more, 'push', url(strict), 'HEAD'], { code: null });
      assert.match(stderr, /HTTP 413|RPC failed/);
    }
    assert.equal((await serverSide('for-each-ref')).stdout, before);
  } finally {
    await strict.stop();
  }
});
