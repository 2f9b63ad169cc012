// WebDAV before lighttpd: litmus, the protocol's own test suite, finds through the gateway what it finds without.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from '../support/client.mjs';
import { command, curl } from '../support/command.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { assertSame } from './compare.mjs';
import { guideConfig } from './guide.mjs';
import { startLighttpd, temporaryFolder } from './servers.mjs';

let folder, server, gateway;

before(async () => {
  folder = await temporaryFolder('webdav');
  await mkdir(join(folder, 'dav'));
  server = await startLighttpd(
    `server.modules = ("mod_webdav")
$HTTP["url"] =~ "^/dav(/|$)" {
  webdav.activate = "enable"
  webdav.is-readonly = "disable"
  webdav.sqlite-db-name = "${join(folder, 'locks.db')}"
}
`,
    { folder },
  );
  gateway = await Gateway.start(await guideConfig('dav', server.target));
});

after(async () => {
  await gateway?.stop();
  await server?.stop();
});

const url = (at, path = '/dav/') => `http://127.0.0.1:${at.port}${path}`;

/** Each test of a suite with its outcome: 'copy_simple: pass'. */
async function litmus(at, suite) {
  const cwd = join(folder, `litmus-${suite}-${at === gateway}`);
  await mkdir(cwd); // it writes logs where it stands
  const { stdout } = await command('litmus', ['--keep-going', url(at)], { cwd, timeout: 120_000, env: { TESTS: suite } });
  return [...stdout.replaceAll(/^.*\r/gm, '').matchAll(/^ *\d+\. (\w+)\.+ (?:.*\n)*? *(?:\S+ +)??(pass|FAIL|SKIPPED|WARNING)/gm)].map(([, name, outcome]) => `${name}: ${outcome}`);
}

for (const suite of ['basic', 'copymove', 'props', 'locks', 'http']) {
  test(`litmus: ${suite}`, async () => {
    const there = await litmus(server, suite);
    assert.ok(there.length > 3, `litmus did little: ${there}`);
    assert.deepEqual(await litmus(gateway, suite), there);
  });
}

test('names with spaces, umlauts and percent signs are made, listed, moved and deleted', async () => {
  const send = async (method, path, ...more) => {
    const { stdout } = await curl('-X', method, '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}', ...more, url(gateway, path));
    return Number(stdout);
  };
  const content = randomBytes(300_000);
  await writeFile(join(folder, 'content'), content);
  assert.equal(await send('MKCOL', '/dav/Fotos%20%C3%BC%25/'), 201);
  assert.equal(await send('PUT', '/dav/Fotos%20%C3%BC%25/a%23b%3F.bin', '--data-binary', `@${join(folder, 'content')}`), 201);
  assert.ok((await readFile(join(folder, 'dav/Fotos ü%/a#b?.bin'))).equals(content));
  assert.equal(await send('MOVE', '/dav/Fotos%20%C3%BC%25/a%23b%3F.bin', '-H', `Destination: ${url(gateway, '/dav/Fotos%20%C3%BC%25/%5Bc%5D.bin')}`), 201);
  const listed = await assertSame(server, gateway, '/dav/Fotos%20%C3%BC%25/', { method: 'PROPFIND', headers: { depth: '1' } });
  assert.equal(listed.status, 207);
  assert.match(listed.text, /\[c\]\.bin|%5[bB]c%5[dD]\.bin/);
  assert.equal((await assertSame(server, gateway, '/dav/Fotos%20%C3%BC%25/%5Bc%5D.bin', { headers: { range: 'bytes=1000-1999' } })).status, 206);
  assert.equal(await send('DELETE', '/dav/Fotos%20%C3%BC%25/'), 204);
});

test('a method that is not in the list is 405, and the list is told', async () => {
  const response = await request(gateway.port, '/dav/x', { method: 'POST', body: 'x' });
  assertProblem(response, 405, 'method-not-allowed');
  assert.match(response.header('allow'), /PROPFIND.*UNLOCK/);
});

after(() => rm(folder, { recursive: true, force: true }));
