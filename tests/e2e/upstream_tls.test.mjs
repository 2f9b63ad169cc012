// TLS to the upstream: verified always, by servers of Node and of OpenSSL (RFC 8446, RFC 9525).
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import net from 'node:net';
import { makeAuthority, selfSigned } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { close, listen, track } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const inside = await makeAuthority({ name: 'Inside' });
const other = await makeAuthority({ name: 'Other' });
const good = await inside.issue('good', ['files.internal', 'localhost']);
const client = await inside.issue('gateway', [], { usage: 'clientAuth', subject: '/CN=gateway' });
after(async () => {
  await inside.remove();
  await other.remove();
});

/** A server that answers with what it knows of the connection. */
async function serve(made, options = {}) {
  const seen = [];
  const server = https.createServer({ cert: await readFile(made.cert), key: await readFile(made.key), ...options }, (incoming, response) => {
    const { socket } = incoming;
    const facts = { reused: socket.isSessionReused(), servername: socket.servername, client: socket.getPeerCertificate()?.subject?.CN, version: socket.getProtocol(), host: incoming.headers.host };
    seen.push(facts);
    response.end(JSON.stringify(facts));
  });
  const sockets = track(server);
  server.on('tlsClientError', () => {});
  const port = await listen(server, 0, '127.0.0.1');
  return { port, seen, target: `127.0.0.1:${port}`, named: `localhost:${port}`, sockets, stop: () => close(server, sockets) };
}

const start = (target, tls, upstream = {}, more = {}) => Gateway.start(openConfig(target, { upstream: { tls, ...upstream }, ...more }));

test('the target is asked for by its name and verified; the Host stays the client\'s', async () => {
  const server = await serve(good);
  const gateway = await start(server.named, { ca: inside.caFile });
  const { status, json } = await request(gateway.port, '/', { headers: { host: 'shop.test' } });
  assert.equal(status, 200);
  assert.deepEqual(json, { reused: false, servername: 'localhost', version: 'TLSv1.3', host: 'shop.test' });
  await gateway.stop();
  await server.stop();
});

test('server_name takes the place of the target\'s own, in what is asked and in what is checked', async () => {
  const server = await serve(good);
  const gateway = await start(server.target, { ca: inside.caFile, server_name: 'files.internal' });
  assert.equal((await request(gateway.port, '/')).json.servername, 'files.internal');
  await gateway.stop();
  await server.stop();
});

const cases = [
  ['another name', () => inside.issue('wrong', ['else.internal']), {}, /is not for `files\.internal`/],
  ['a common name alone (RFC 9525 6.3)', () => inside.issue('common', [], { subject: '/CN=files.internal' }), {}, /is not for `files\.internal`/],
  ['another authority', () => other.issue('stranger', ['files.internal']), {}, /issuer of the certificate is not known/],
  ['itself', () => selfSigned(inside.folder, 'self', 'subjectAltName=DNS:files.internal'), {}, /self-signed/],
  ['a certificate that has expired', () => inside.issue('old', ['files.internal'], { begins: -7200, ends: -60 }), {}, /has expired/],
  ['a certificate that is not valid yet', () => inside.issue('early', ['files.internal'], { begins: 3600 }), {}, /not valid yet/],
  ['a certificate of a client', () => inside.issue('purpose', ['files.internal'], { usage: 'clientAuth' }), {}, /not for this purpose/],
  ['TLS 1.1 alone', () => good, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, /protocol|version/],
];
for (const [name, make, options, reason] of cases) {
  test(`a target that shows ${name} is not spoken to, and the log says why`, async () => {
    const server = await serve(await make(), options);
    const gateway = await start(server.target, { ca: inside.caFile, server_name: 'files.internal' });
    const refused = await request(gateway.port, '/');
    assertProblem(refused, 502, 'upstream-unreachable');
    const entry = await gateway.entry(refused.header('x-request-id'));
    assert.match(entry.refusal.reason, reason);
    assert.match(entry.refusal.reason, new RegExp(server.target));
    assert.equal(entry.refusal.rule, 'upstreams.echo');
    assert.deepEqual(server.seen, []);
    await gateway.stop();
    await server.stop();
  });
}

test('without `ca` the system\'s authorities decide', async () => {
  const server = await serve(good);
  const distrusting = await start(server.named, {});
  assertProblem(await request(distrusting.port, '/'), 502, 'upstream-unreachable');
  await distrusting.stop();
  const trusting = await Gateway.start(openConfig(server.named, { upstream: { tls: {} } }), { env: { SSL_CERT_FILE: inside.caFile } });
  assert.equal((await request(trusting.port, '/')).status, 200);
  await trusting.stop();
  await server.stop();
});

test('the gateway shows its certificate to a target that asks; without one it is refused there', async () => {
  const server = await serve(good, { requestCert: true, rejectUnauthorized: true, ca: inside.ca });
  const gateway = await start(server.named, { ca: inside.caFile, cert: client.cert, key: client.key });
  assert.equal((await request(gateway.port, '/')).json.client, 'gateway');
  await gateway.stop();
  const without = await start(server.named, { ca: inside.caFile });
  const refused = await request(without.port, '/');
  assert.equal(refused.status, 502);
  await without.stop();
  await server.stop();
});

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`new connections to a target resume its session (${version})`, async () => {
    const server = await serve(good, { maxVersion: version });
    const gateway = await start(server.named, { ca: inside.caFile }, { connections: { idle_timeout: '10ms' } });
    assert.equal((await request(gateway.port, '/')).json.reused, false);
    for (const socket of server.sockets) socket.destroy();
    await eventually('the connection to be gone', async () => server.sockets.size === 0);
    await eventually('a resumed session', async () => {
      const { json } = await request(gateway.port, '/');
      for (const socket of server.sockets) socket.destroy();
      return json.reused;
    });
    await gateway.stop();
    await server.stop();
  });
}

test('a target that does not answer the handshake is given up after connect_timeout', async () => {
  const silent = net.createServer(() => {});
  const sockets = track(silent);
  const port = await listen(silent, 0, '127.0.0.1');
  const gateway = await start(`127.0.0.1:${port}`, { ca: inside.caFile }, { connections: { connect_timeout: '200ms' } });
  const began = performance.now();
  assertProblem(await request(gateway.port, '/'), 502, 'upstream-unreachable');
  assert.ok(performance.now() - began < 5000);
  await gateway.stop();
  await close(silent, sockets);
});

test('a target in clear text where TLS is configured is not spoken to', async () => {
  const plain = net.createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const sockets = track(plain);
  const port = await listen(plain, 0, '127.0.0.1');
  const gateway = await start(`127.0.0.1:${port}`, { ca: inside.caFile });
  assertProblem(await request(gateway.port, '/'), 502, 'upstream-unreachable');
  await gateway.stop();
  await close(plain, sockets);
});

test('new authorities are taken without a reload: the old ones are believed no more, pooled connections are let go', async () => {
  const file = join(inside.folder, 'live.pem');
  await writeFile(file, inside.ca);
  const server = await serve(good);
  const gateway = await start(server.named, { ca: file });
  assert.equal((await request(gateway.port, '/')).status, 200);
  const from = gateway.events.length;
  await writeFile(`${file}.next`, other.ca);
  await rename(`${file}.next`, file);
  await gateway.event('certificates_renewed', 8000, from);
  await eventually('the old authority to be forgotten', async () => (await request(gateway.port, '/')).status === 502);
  await writeFile(`${file}.next`, Buffer.concat([inside.ca, other.ca]));
  await rename(`${file}.next`, file);
  await eventually('both to be believed', async () => (await request(gateway.port, '/')).status === 200, { timeout: 10_000 });
  await gateway.stop();
  await server.stop();
});

for (const [name, tls, complaint] of [
  ['a certificate without its key', { cert: client.cert }, /upstreams\.echo\.tls\.cert: a certificate and its private key go together: add `key`/],
  ['a key without its certificate', { key: client.key }, /upstreams\.echo\.tls\.key: .*add `cert`/],
  ['authorities that are not there', { ca: '/nowhere/ca.pem' }, /upstreams\.echo\.tls\.ca: .*nowhere\/ca\.pem/],
  ['a server name with a port', { server_name: 'files.internal:443' }, /upstreams\.echo\.tls\.server_name: expected a host/],
  ['a way not to verify', { verify: false }, /unknown key `verify`/],
]) {
  test(`${name} is an error with its place`, async () => {
    const gateway = await Gateway.start(openConfig('127.0.0.1:1', { upstream: { tls } }), { ready: false });
    const { code, stderr } = await run(['check', '-c', gateway.file]);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
    assert.match(stderr, /portcullis\.yaml:\d+:\d+: error/);
    await gateway.stop({ clean: false });
  });
}
