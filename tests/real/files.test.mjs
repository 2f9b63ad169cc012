// Files before nginx: whole, in ranges, resumed, revalidated, compressed; a large one at constant memory.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from '../support/client.mjs';
import { command } from '../support/command.mjs';
import { Gateway } from '../support/gateway.mjs';
import { deep, releaseBinary } from '../support/paths.mjs';
import { delay } from '../support/wait.mjs';
import { assertSame } from './compare.mjs';
import { guideConfig } from './guide.mjs';
import { startNginx, temporaryFolder } from './servers.mjs';

const kMiB = 1024 * 1024;
const kLarge = (deep ? 1000 : 100) * kMiB;
const kPatience = deep ? 900_000 : 120_000;
const kGrowth = 8 * kMiB;
const kWhen = new Date('2026-01-02T03:04:05Z');

let folder, server, gateway, digest;

before(async () => {
  folder = await temporaryFolder('files');
  const files = join(folder, 'files');
  await mkdir(join(files, 'empty'), { recursive: true });
  const block = randomBytes(kMiB);
  const hash = createHash('sha256');
  const parts = Array.from({ length: kLarge / kMiB }, (_, i) => {
    block.writeUInt32BE(i);
    hash.update(block);
    return Buffer.from(block);
  });
  digest = hash.digest('hex');
  await writeFile(join(files, 'large.bin'), parts);
  await writeFile(join(files, 'text.txt'), 'all work and no play\n'.repeat(5000));
  await writeFile(join(files, 'a b.json'), '{}\n');
  await writeFile(join(files, 'nothing.txt'), '');
  for (const name of ['text.txt', 'a b.json', 'nothing.txt']) await utimes(join(files, name), kWhen, kWhen);
  server = await startNginx(
    `    root ${files};
    absolute_redirect off;
    gzip on;
    gzip_proxied any;
    gzip_types text/plain;
    location /echo { return 200 "$request_method $request_uri\\n"; }
`,
    { folder },
  );
  gateway = await Gateway.start(await guideConfig('downloads', server.target));
});

after(async () => {
  await gateway?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('whole files, folders, and what is not there', async () => {
  for (const path of ['/text.txt', '/a%20b.json', '/nothing.txt', '/empty', '/empty/', '/no/such/file', '/text.txt?a=b&c=%20', '/x/../text.txt', '/%74ext.txt']) {
    await assertSame(server, gateway, path);
    await assertSame(server, gateway, path, { method: 'HEAD' });
  }
});

for (const [range, status] of [
  ['bytes=0-0', 206],
  ['bytes=0-99', 206],
  ['bytes=-100', 206],
  ['bytes=104999-', 206],
  ['bytes=5-5,100-199,-1', 206],
  ['bytes=200000-', 416],
  ['bytes=9-1', 416],
  ['lines=1-2', 200],
  ['bytes=0-,0-,0-', 200],
]) {
  test(`range ${range}`, async () => {
    // nginx numbers its multipart answers, so their boundaries differ.
    const several = status === 206 && range.includes(',');
    const options = { headers: { range } };
    const response = several ? await sameButBoundary('/text.txt', options) : await assertSame(server, gateway, '/text.txt', options);
    assert.equal(response.status, status, response.text.slice(0, 200));
    await assertSame(server, gateway, '/text.txt', { method: 'HEAD', ...options, except: several ? ['content-type'] : [] });
  });
}

async function sameButBoundary(path, options) {
  const plain = (response) => {
    const boundary = /boundary=(\d+)/.exec(response.header('content-type'))[1];
    return response.text.replaceAll(boundary, 'BOUNDARY');
  };
  const [there, here] = [await request(server.port, path, options), await request(gateway.port, path, options)];
  assert.equal(plain(here), plain(there));
  assert.equal(here.header('content-length'), there.header('content-length'));
  assert.equal(here.status, there.status);
  return here;
}

test('conditional requests', async () => {
  const { fields } = await assertSame(server, gateway, '/text.txt');
  const { etag, 'last-modified': modified } = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
  for (const [headers, status] of [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `"other", W/${etag}` }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 412],
    [{ range: 'bytes=10-19', 'if-range': etag }, 206],
    [{ range: 'bytes=10-19', 'if-range': '"other"' }, 200],
  ]) {
    for (const method of ['GET', 'HEAD']) {
      const response = await assertSame(server, gateway, '/text.txt', { method, headers });
      assert.equal(response.status, status, JSON.stringify(headers));
    }
  }
});

test('a compressed answer of unknown length', async () => {
  const response = await assertSame(server, gateway, '/text.txt', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(response.header('content-encoding'), 'gzip');
  assert.equal(response.header('content-length'), undefined);
  const { code, stdout } = await command('curl', ['-sS', '--compressed', `http://127.0.0.1:${gateway.port}/text.txt`]);
  assert.deepEqual([code, stdout.length], [0, 105_000]);
});

test('a query of any odd form is what the server gets', async () => {
  for (const query of ["?a=1&a=2&&=&", '??', '?', '?$filter=a eq 1'.replaceAll(' ', '%20'), '?q=%2F%2f%41', '?(a;b)*,@:/', "?x='y'!~", '?%E2%9C%93=[1]{2}|3^4`5']) {
    assert.equal((await assertSame(server, gateway, `/echo${query}`)).text, `GET /echo${query}\n`);
  }
});

const sha256 = async (file) => (await command('sha256sum', [file], { timeout: 60_000 })).stdout.slice(0, 64);

test('curl resumes what was interrupted', async () => {
  const file = join(folder, 'resumed');
  const url = `http://127.0.0.1:${gateway.port}/large.bin`;
  const first = await command('curl', ['-sS', '-o', file, '-r', '0-31457279', url], { timeout: 60_000 });
  assert.equal(first.code, 0, first.stderr);
  assert.equal((await stat(file)).size, 30 * kMiB);
  const rest = await command('curl', ['-sS', '-o', file, '-C', '-', '-w', '%{http_code}', url], { timeout: kPatience });
  assert.deepEqual([rest.code, rest.stdout], [0, '206'], rest.stderr);
  assert.equal(await sha256(file), digest);
});

test(`a download of ${kLarge / kMiB} MiB is the same bytes, at constant memory`, async () => {
  const quick = await Gateway.start(await guideConfig('downloads', server.target), { program: releaseBinary });
  try {
    const file = join(folder, 'downloaded');
    const url = `http://127.0.0.1:${quick.port}/large.bin`;
    await command('curl', ['-sS', '-o', '/dev/null', '-r', '0-9999999', url]); // what is kept for good is there then
    const before = await quick.memory();
    let [peak, running] = [before, true];
    const watch = (async () => {
      while (running) {
        peak = Math.max(peak, await quick.memory());
        await delay(20);
      }
    })();
    const { code, stderr } = await command('curl', ['-sS', '-o', file, '--limit-rate', '200M', url], { timeout: kPatience });
    running = false;
    await watch;
    assert.equal(code, 0, stderr);
    assert.equal(await sha256(file), digest);
    assert.ok(peak - before < kGrowth, `${(peak - before) / kMiB} MiB more`);
  } finally {
    await quick.stop();
  }
});
