// npm before a Verdaccio registry: a project with hundreds of dependencies is installed through the gateway,
// packages are published and users log in. npm checks each tarball's sha512 itself; the rest is compared here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from '../support/certificates.mjs';
import { command } from '../support/command.mjs';
import { assertProblem } from '../support/expect.mjs';
import { request } from '../support/client.mjs';
import { Gateway } from '../support/gateway.mjs';
import { assertSame } from './compare.mjs';
import { guideConfig } from './guide.mjs';
import { startVerdaccio, temporaryFolder } from './servers.mjs';

const kProject = { name: 'project', private: true, dependencies: { eslint: '8.57.1', express: '4.21.2', webpack: '5.97.1' } };
const kLimitFields = ['ratelimit', 'ratelimit-policy']; // of the gateway's limit on logins
const kWidget = { name: '@here/widget', version: '1.0.0', description: 'A widget', main: 'index.js' };
const kAbbreviated = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

let registry, authority, secure, plain, folder, environment;

before(async () => {
  [registry, authority, folder] = await Promise.all([startVerdaccio(), makeAuthority(), temporaryFolder('npm')]);
  const certificate = await authority.issue('npm', ['127.0.0.1', 'localhost']);
  secure = await Gateway.start(await guideConfig('npm', registry.target, { certificate }));
  plain = await Gateway.start(await guideConfig('npm', registry.target));
  // Nothing of the machine's own settings: neither a token, nor a proxy, nor a cache.
  environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|_proxy$|^NODE_TEST/i.test(name)));
  Object.assign(environment, {
    npm_config_userconfig: join(folder, 'npmrc'),
    npm_config_globalconfig: join(folder, 'global-npmrc'),
    npm_config_cache: join(folder, 'cache'),
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_fetch_retries: '0', // what fails once has failed
  });
});

after(async () => {
  await Promise.all([secure?.stop(), plain?.stop(), registry?.stop(), authority?.remove()]);
  await rm(folder, { recursive: true, force: true });
});

const url = (gateway) => (gateway === secure ? `https://127.0.0.1:${gateway.port}/` : `http://127.0.0.1:${gateway.port}/`);
const overTls = () => ({ port: secure.port, tls: { ca: authority.ca } });

/** npm in `cwd`, by way of `gateway`; it must succeed. */
async function npm(gateway, cwd, args, { timeout = 60_000, input } = {}) {
  const env = { ...environment, npm_config_registry: url(gateway), ...(gateway === secure ? { npm_config_cafile: authority.caFile } : {}) };
  const outcome = await (input ? answering : command)('env', ['-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'npm', ...args], { timeout, input, cwd });
  assert.equal(outcome.code, 0, `npm ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}\n${registry.output}`);
  return outcome.stdout;
}

/** Runs a program that asks questions: each answer is given when its question has been printed. */
function answering(program, args, { timeout, input, cwd }) {
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout });
  const questions = [...input];
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    if (questions.length > 0 && stdout.includes(questions[0][0])) child.stdin.write(`${questions.shift()[1]}\n`);
  });
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

async function project(name, manifest) {
  const cwd = join(folder, name);
  await mkdir(cwd);
  await writeFile(join(cwd, 'package.json'), JSON.stringify(manifest));
  return cwd;
}

/** Runs `work` on each item, a few at a time. */
async function each(items, work, { atOnce = 8 } = {}) {
  const left = [...items];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left.length > 0) await work(left.shift());
  }));
}

let packages = []; // of the project: { name, version, tarball, integrity }

test('npm installs some hundred packages over TLS, and each has the sha512 that the registry says', async () => {
  const cwd = await project('install', kProject);
  await npm(secure, cwd, ['install', '--ignore-scripts'], { timeout: 600_000 });
  const lock = JSON.parse(await readFile(join(cwd, 'package-lock.json'), 'utf8'));
  for (const [place, { version, resolved, integrity }] of Object.entries(lock.packages)) {
    if (place === '') continue;
    assert.match(integrity, /^sha512-/, place);
    assert.ok(resolved.startsWith(url(secure)), `${place} came from ${resolved}`);
    packages.push({ name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length), version, tarball: new URL(resolved).pathname, integrity });
  }
  assert.ok(packages.length >= 200, `${packages.length} packages`);
  const { code, stdout } = await command(join(cwd, 'node_modules/.bin/eslint'), ['--version']);
  assert.deepEqual([code, stdout], [0, 'v8.57.1\n'], 'what was installed runs');
});

test('each tarball is the same bytes with the same fields as from the registry itself', async () => {
  assert.ok(packages.length > 0, 'nothing was installed');
  await each(packages, async ({ tarball, integrity }) => {
    const { status, body } = await assertSame(registry, plain, tarball);
    assert.equal(status, 200);
    assert.equal(`sha512-${createHash('sha512').update(body).digest('base64')}`, integrity, tarball);
  });
});

test('metadata is the same in each of its forms: whole, abbreviated, compressed, not modified', async () => {
  const names = [...new Set(packages.map(({ name }) => name))];
  const scoped = names.filter((name) => name.startsWith('@'));
  assert.ok(scoped.length >= 5, `${scoped.length} scoped packages`);
  await each([...scoped.slice(0, 6), ...names.filter((name) => !name.startsWith('@')).slice(0, 6)], async (name) => {
    for (const path of [`/${name.replace('/', '%2f')}`, `/${name}`]) {
      const whole = await assertSame(registry, plain, path);
      assert.equal(whole.json.name, name);
      await assertSame(registry, plain, path, { headers: { accept: kAbbreviated } });
      await assertSame(registry, plain, path, { headers: { accept: kAbbreviated, 'accept-encoding': 'gzip, deflate, br' } });
      const etag = whole.header('etag');
      const again = await assertSame(registry, plain, path, { headers: { 'if-none-match': etag } });
      assert.equal(again.status, 304, path);
      await assertSame(registry, plain, path, { method: 'HEAD' });
    }
  });
  // The addresses in it are those of TLS at the gateway.
  const { json } = await assertSame(registry, overTls(), '/eslint');
  assert.ok(json.versions['8.57.1'].dist.tarball.startsWith(url(secure)));
});

test('errors of the registry are its own', async () => {
  for (const path of ['/@here/nothing', '/@here%2fnothing', '/-/no/such/thing', '/-/whoami', '/eslint/99.0.0', '/eslint/-/eslint-0.0.0-nothing.tgz']) {
    await assertSame(registry, plain, path);
  }
  const wrong = { authorization: `Basic ${Buffer.from('nobody:wrong').toString('base64')}` };
  await assertSame(registry, plain, '/-/whoami', { headers: wrong });
  await assertSame(registry, plain, '/-/user/org.couchdb.user:nobody', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"name":"nobody"', except: kLimitFields });
  await assertSame(registry, plain, '/@here%2fwidget', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' });
  assertProblem(await request(plain.port, '/-/user/org.couchdb.user:nobody', { method: 'DELETE' }), 405, 'method-not-allowed');
});

test('npm logs in, publishes, tags, finds and installs a scoped package, and logs out', async () => {
  const cwd = await project('widget', kWidget);
  await writeFile(join(cwd, 'index.js'), `module.exports = ${JSON.stringify('w'.repeat(300_000))};\n`);

  await npm(secure, cwd, ['adduser', '--auth-type=legacy'], {
    input: [
      ['sername:', 'ada'],
      ['assword:', 'correct horse battery'],
      ['mail', 'ada@example.com'],
    ],
  });
  assert.equal((await npm(secure, cwd, ['whoami'])).trim(), 'ada');
  await npm(secure, cwd, ['publish', '--access=public']);
  await writeFile(join(cwd, 'package.json'), JSON.stringify({ ...kWidget, version: '1.1.0-beta.1' }));
  await npm(secure, cwd, ['publish', '--tag', 'next', '--access=public']);
  await npm(secure, cwd, ['dist-tag', 'add', '@here/widget@1.0.0', 'stable']);
  assert.equal(await npm(secure, cwd, ['dist-tag', 'ls', '@here/widget']), 'latest: 1.0.0\nnext: 1.1.0-beta.1\nstable: 1.0.0\n');
  await npm(secure, cwd, ['unpublish', '@here/widget@1.1.0-beta.1']);
  assert.deepEqual(JSON.parse(await npm(secure, cwd, ['view', '@here/widget', 'versions', '--json'])), ['1.0.0']);

  const user = await project('user', { name: 'user', private: true, dependencies: { '@here/widget': '1.0.0' } });
  await npm(plain, user, ['install', '--prefer-online']);
  assert.equal(await readFile(join(user, 'node_modules/@here/widget/index.js'), 'utf8'), await readFile(join(cwd, 'index.js'), 'utf8'));
  for (const path of ['/@here%2fwidget', '/@here/widget', '/@here/widget/-/widget-1.0.0.tgz', '/-/package/@here%2fwidget/dist-tags']) {
    assert.equal((await assertSame(registry, plain, path)).status, 200, path);
  }
  await npm(secure, cwd, ['logout']);
});

test('logins are limited, and nothing else is', async () => {
  const guess = () => request(plain.port, '/-/user/org.couchdb.user:ada', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'ada', password: 'guess' }) });
  const statuses = [];
  for (let i = 0; i < 12; i += 1) statuses.push((await guess()).status);
  assert.ok(statuses.includes(429), statuses.join());
  assert.ok(statuses.filter((status) => status !== 429).every((status) => status === 409 || status === 401), statuses.join());
  assert.equal((await request(plain.port, '/eslint')).status, 200);
});
