// The admin listener under attack: DNS rebinding, cross-site requests, guessing and floods.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import net from 'node:net';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'the admin token of the attack tests';
const upstream = await startUpstream();
const gateway = await Gateway.start(openConfig(upstream.target, { admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' } }), { env: { PORTCULLIS_TEST_TOKEN: kToken } });
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

for (const host of ['rebind.evil.test', 'rebind.evil.test:9901', '7f000001.c0a80001.rbndr.us', 'localhost.evil.test', '127.0.0.1.nip.io', 'localhost:9901.evil.test']) {
  test(`DNS rebinding: ${host} (CVE-2018-5702 Transmission)`, async () => {
    const response = await request(gateway.admin, '/metrics', { headers: { host, ...bearer(kToken) } });
    assert.ok([421, 400].includes(response.status));
    assertProblem(response, response.status, response.status === 421 ? 'misdirected' : 'malformed-host');
  });
}

test('DNS rebinding by an absolute target (RFC 9112 3.2.2: its authority counts, not Host)', async () => {
  const { responses } = await converse(gateway.admin, `GET http://evil.test/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${kToken}\r\n\r\n`);
  assertProblem(responses[0], 421, 'misdirected');
});

test('no Host at all, in HTTP/1.0 too', async () => {
  for (const send of [`GET /metrics HTTP/1.1\r\nAuthorization: Bearer ${kToken}\r\n\r\n`, `GET /metrics HTTP/1.0\r\nAuthorization: Bearer ${kToken}\r\n\r\n`]) {
    const { responses } = await converse(gateway.admin, send);
    assert.ok([400, 421].includes(responses[0].status), `${responses[0].status}`);
  }
});

test('a form of another site cannot act: nothing changes by a simple request (CWE-352)', async () => {
  for (const path of ['/metrics', '/healthz', '/reload', '/']) {
    const response = await request(gateway.admin, path, { method: 'POST', headers: { origin: 'https://evil.test', 'content-type': 'text/plain' }, body: 'x' });
    assert.ok(response.status >= 400, `${path}: ${response.status}`);
  }
});

test('guessing: a thousand wrong tokens open nothing, and the right one still does', async () => {
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => request(gateway.admin, '/metrics', { headers: bearer(`guess-${i}`) }).then((r) => r.status, () => 'refused')));
  assert.ok(!answers.includes(200));
  await eventually('the right token to open', async () => (await request(gateway.admin, '/metrics', { headers: bearer(kToken) }).catch(() => ({}))).status === 200);
});

test('a flood of the admin listener does not touch the public one', async () => {
  const sockets = Array.from({ length: 500 }, () => {
    const socket = net.connect(gateway.admin, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    return socket;
  });
  for (let i = 0; i < 50; i += 1) assert.equal((await request(gateway.port, '/')).status, 200);
  for (const socket of sockets) socket.destroy();
  await eventually('the admin listener to answer again', async () => (await request(gateway.admin, '/healthz').catch(() => ({}))).status === 200);
});

test('a flood of the public listener does not hide health', async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(gateway.port).catch(() => undefined)));
  for (const client of clients) client?.send('GET / HTTP/1.1\r\nHost: a.test\r\n');
  assert.equal((await request(gateway.admin, '/healthz')).status, 200);
  for (const client of clients) client?.destroy();
});

test('smuggling at the admin listener is refused like everywhere else (RFC 9112 6.1)', async () => {
  const { responses, state } = await converse(gateway.admin, 'POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', { quiet: 3000 });
  assertProblem(responses[0], 400, 'ambiguous-framing');
  assert.notEqual(state, 'open');
});

test('paths of the admin listener are canonical too', async () => {
  for (const path of ['//metrics', '/healthz/../metrics', '/%6detrics', '/metrics/', '/healthz;/../metrics']) {
    const { responses } = await converse(gateway.admin, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    assert.ok(responses[0].status >= 400, `${path}: ${responses[0].status}`);
  }
});
