// TLS to clients by real ones: openssl s_client, curl and Node (RFC 8446, 5246, 6066, 7301).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile, rename, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { command, curl } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const authority = await makeAuthority();
const shop = await authority.issue('shop', ['shop.test', '127.0.0.1']);
const files = await authority.issue('files', ['files.test', '*.wild.test']);
const upstream = await startUpstream();
const config = (listener = {}) => openConfig(upstream.target, { listener: { tls: { certificates: [shop, files], ...listener.tls }, limits: { head_timeout: '1s', ...listener.limits } } });
const gateway = await Gateway.start(config());
const strict = await Gateway.start(config({ tls: { minimum: '1.3' } }));
after(async () => {
  await gateway.stop();
  await strict.stop();
  await upstream.stop();
  await authority.remove();
});

const sClient = (port, ...args) => command('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', authority.caFile, '-verify_return_error', ...args], { input: 'GET /orders HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n' });
// s_client ends at the end of its input unless told to wait for the server.
const kWait = '-ign_eof';

for (const version of ['1.2', '1.3']) {
  test(`TLS ${version} with openssl s_client`, async () => {
    const { stdout } = await sClient(gateway.port, kWait, `-tls1_${version.slice(2)}`, '-servername', 'shop.test');
    assert.match(stdout, /HTTP\/1\.1 200 /);
    assert.match(stdout, new RegExp(`TLSv${version}`));
    assert.match(stdout, /Verification: OK|Verify return code: 0/);
  });

  test(`TLS ${version} sessions resume`, async () => {
    const sessionFile = join(authority.folder, `session-${version}`);
    const flag = `-tls1_${version.slice(2)}`;
    const first = await sClient(gateway.port, kWait, flag, '-servername', 'shop.test', '-sess_out', sessionFile);
    assert.match(first.stdout, /New, TLS/);
    const second = await sClient(gateway.port, kWait, flag, '-servername', 'shop.test', '-sess_in', sessionFile);
    assert.match(second.stdout, /Reused, TLS/);
    assert.match(second.stdout, /HTTP\/1\.1 200 /);
  });
}

test('curl verifies the certificate and is served, in 1.2 and 1.3', async () => {
  for (const version of ['1.2', '1.3']) {
    const { code, stdout, stderr } = await curl('--cacert', authority.caFile, '--tls-max', version, '--resolve', `shop.test:${gateway.port}:127.0.0.1`, '--data', 'hello', `https://shop.test:${gateway.port}/orders`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /"body":"hello"/);
  }
});

for (const version of ['1', '1_1']) {
  test(`TLS 1.${version === '1' ? 0 : 1} is refused`, async () => {
    // Security level 0, so that it is the server who says no.
    const { stdout, stderr } = await sClient(gateway.port, `-tls${version}`, '-cipher', 'ALL:@SECLEVEL=0');
    assert.doesNotMatch(stdout, /HTTP\/1\.1/);
    assert.match(stderr, /alert protocol version|unsupported protocol|handshake failure|no protocols available/);
  });
}

test('a listener with minimum 1.3 refuses 1.2', async () => {
  const old = await sClient(strict.port, '-tls1_2');
  assert.match(old.stderr, /alert protocol version/);
  assert.match((await sClient(strict.port, kWait, '-tls1_3')).stdout, /HTTP\/1\.1 200 /);
});

for (const [servername, subject] of [
  ['shop.test', 'shop'],
  ['files.test', 'files'],
  ['FILES.test', 'files'],
  ['a.wild.test', 'files'],
  ['unknown.test', 'shop'], // the first certificate serves names that none has
  [undefined, 'shop'],
]) {
  test(`SNI ${servername ?? 'absent'} gets the certificate of ${subject}`, async () => {
    const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', servername, ca: authority.ca, checkServerIdentity: () => undefined });
    await within('the handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
    assert.equal(socket.getPeerCertificate().subject.CN, subject);
    socket.destroy();
  });
}

test('ALPN: http/1.1 is chosen; a client that offers nothing known is told so (RFC 7301 3.2)', async () => {
  assert.match((await sClient(gateway.port, kWait, '-alpn', 'spdy/1,http/1.1')).stdout, /ALPN protocol: http\/1\.1/);
  const none = await sClient(gateway.port, '-alpn', 'smtp');
  assert.match(none.stderr, /no application protocol/);
});

test('weak suites are not spoken', async () => {
  for (const cipher of ['RC4-SHA', 'DES-CBC3-SHA', 'NULL-SHA256', 'aNULL', 'AES128-SHA']) {
    const { stdout } = await sClient(gateway.port, '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`);
    assert.doesNotMatch(stdout, /HTTP\/1\.1/, cipher);
  }
});

test('a client cannot renegotiate', async () => {
  const { stdout, stderr } = await command('openssl', ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-tls1_2'], { input: 'R\nR\n' });
  assert.doesNotMatch(stdout, /HTTP\/1\.1 200/);
  assert.match(stderr + stdout, /no renegotiation|RENEGOTIATING|Secure Renegotiation/);
});

for (const [name, bytes] of [
  ['plain HTTP', 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
  ['noise', Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 37) % 256))],
  ['a record that says it is 64 KiB', Buffer.from([22, 3, 1, 0xff, 0xff, 1, 0, 0])],
  ['an SSLv2 hello', Buffer.from([0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10])],
  ['half a hello, then the end', Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
]) {
  test(`${name} instead of a handshake: closed, nothing upstream, nobody else hurt`, async () => {
    const before = upstream.requests.length;
    const client = await RawClient.connect(gateway.port);
    client.send(bytes);
    if (name.startsWith('half')) client.end();
    await eventually('the connection to end', async () => (await client.state(100)) !== 'open' || client.reader.peek().length > 0, { timeout: 4000 });
    assert.ok(!client.reader.peek().toString('latin1').includes('HTTP/1.1 200'));
    client.destroy();
    assert.equal(upstream.requests.length, before);
    assert.equal((await request(gateway.port, '/', { tls: { ca: authority.ca, servername: 'shop.test' } })).status, 200);
  });
}

test('a handshake that stalls is closed after head_timeout', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(Buffer.from([22, 3, 1, 2, 0, 1]));
  await eventually('the connection to end', async () => (await client.state(100)) !== 'open', { timeout: 5000 });
  client.destroy();
});

test('the upstream learns that TLS was spoken', async () => {
  const { json } = await request(gateway.port, '/', { tls: { ca: authority.ca, servername: 'shop.test' }, headers: { host: 'shop.test' } });
  assert.deepEqual(json.fields.find(([name]) => name === 'x-forwarded-proto'), ['x-forwarded-proto', 'https']);
});

test('a large answer crosses TLS whole; the connection ends with close_notify', async () => {
  const size = 20 * 1024 * 1024;
  const other = await startUpstream((_incoming, response) => response.end(Buffer.alloc(size, 'a')));
  const own = await Gateway.start({ ...config(), upstreams: { echo: { targets: [other.target] } } });
  const response = await request(own.port, '/', { tls: { ca: authority.ca, servername: 'shop.test' } });
  assert.equal(response.body.length, size);
  const { stderr, stdout } = await sClient(own.port, kWait, '-quiet');
  assert.ok(stdout.length >= size);
  assert.doesNotMatch(stderr, /unexpected eof/);
  await own.stop();
  await other.stop();
});

test('a reload takes new certificates; connections stay', async () => {
  const own = await Gateway.start(config());
  const socket = tls.connect({ port: own.port, host: '127.0.0.1', servername: 'shop.test', ca: authority.ca });
  await within('the handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
  const before = socket.getPeerCertificate().serialNumber;

  const keep = [await readFile(shop.cert), await readFile(shop.key)];
  const renewed = await authority.issue('renewed', ['shop.test', '127.0.0.1']);
  await rename(renewed.cert, shop.cert);
  await rename(renewed.key, shop.key);
  assert.equal((await own.reload()).event, 'reloaded');
  const fresh = tls.connect({ port: own.port, host: '127.0.0.1', servername: 'shop.test', ca: authority.ca });
  await within('the handshake', new Promise((resolve, reject) => fresh.once('secureConnect', resolve).once('error', reject)));
  assert.notEqual(fresh.getPeerCertificate().serialNumber, before);
  fresh.destroy();

  const answer = new Promise((resolve) => socket.once('data', resolve));
  socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
  assert.match((await within('an answer on the old connection', answer)).toString(), /^HTTP\/1\.1 200 /);
  socket.destroy();
  await writeFile(shop.cert, keep[0]);
  await writeFile(shop.key, keep[1]);
  await own.stop();
});

test('in TLS 1.2 a session is not resumed under another name (RFC 6066 3)', async () => {
  const sessions = [];
  const first = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: 'shop.test', ca: authority.ca, maxVersion: 'TLSv1.2' });
  first.on('session', (session) => sessions.push(session));
  await within('the handshake', new Promise((resolve, reject) => first.once('secureConnect', resolve).once('error', reject)));
  first.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n');
  first.resume();
  await eventually('a session', () => sessions.length > 0);
  first.destroy();
  const second = tls.connect({ port: gateway.port, host: '127.0.0.1', servername: 'files.test', ca: authority.ca, session: sessions[0], maxVersion: 'TLSv1.2' });
  const outcome = await within('the second handshake', new Promise((resolve) => second.once('secureConnect', () => resolve('up')).once('error', () => resolve('refused'))));
  if (outcome === 'up' && !second.isSessionReused()) assert.equal(second.getPeerCertificate().subject.CN, 'files');
  assert.ok(outcome === 'refused' || !second.isSessionReused());
  second.destroy();
});

test('a connection that only opens the socket is closed too', async () => {
  const socket = net.connect(gateway.port, '127.0.0.1');
  await within('the end', new Promise((resolve) => socket.once('close', resolve).on('error', () => {}).resume()), 5000);
});
