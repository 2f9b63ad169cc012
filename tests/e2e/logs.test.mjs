// The access log says who did what and why it was refused, and never a secret (canaries).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bearer, request } from '../support/client.mjs';
import { command } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { makeKey, startKeyServer } from '../support/issuer.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { RawClient, roundTrip } from '../support/raw_client.mjs';
import { freePort, startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const upstream = await startUpstream();
const issuer = await startKeyServer();
const clerk = makeApiKey('nightly', { roles: ['clerk'] });
const none = makeApiKey('idle', { roles: [] });
after(async () => {
  await upstream.stop();
  await issuer.stop();
});

const secured = (more = {}) =>
  openConfig(upstream.target, {
    api: { authenticate: ['machine', 'corporate'], limits: ['flood'], routes: [{ path: '/orders/{id}', methods: ['GET', 'POST'], operation: 'getOrder' }] },
    authenticators: { machine: keyAuthenticator([clerk, none]), corporate: issuer.authenticator() },
    roles: { clerk: ['getOrder'] },
    limits: { flood: { key: 'client.address', rate: '1000/s' } },
    ...more,
  });

test('an entry has every field, with the values of the request', async () => {
  const gateway = await Gateway.start(secured());
  const start = Date.now();
  const response = await request(gateway.port, '/orders/7?token=abc', { method: 'POST', body: 'hello', headers: { 'x-api-key': clerk.key } });
  assert.equal(response.status, 200);
  const entry = await gateway.entry((e) => e.status === 200);
  const { time, request_id, revision, duration_us, bytes_in, bytes_out, ...rest } = entry;
  assert.ok(Math.abs(Date.parse(time) - start) < 5000, time);
  assert.match(time, /Z$/);
  assert.match(request_id, /^[\w.-]{16,}$/);
  assert.ok(revision !== undefined);
  assert.ok(duration_us > 0 && duration_us < 5e6);
  assert.ok(bytes_in >= 5);
  assert.ok(bytes_out >= response.body.length);
  assert.deepEqual(
    { ...rest, upstream: rest.upstream },
    {
      listener: 'public',
      api: 'echo',
      operation: 'getOrder',
      method: 'POST',
      path: '/orders/7',
      status: 200,
      client: '127.0.0.1',
      http: '1.1',
      authenticator: 'machine',
      subject: 'machine|nightly',
      upstream: upstream.target,
    },
  );
  await gateway.stop();
});

const refusals = [
  ['malformed-request', 400, async (g) => roundTrip(g.port, 'GET /orders/1 HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n')],
  ['malformed-path', 400, async (g) => roundTrip(g.port, 'GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n')],
  ['not-found', 404, async (g) => request(g.port, '/nothing')],
  ['method-not-allowed', 405, async (g) => request(g.port, '/orders/1', { method: 'DELETE' })],
  ['credentials-missing', 401, async (g) => request(g.port, '/orders/1')],
  ['credentials-invalid', 401, async (g) => request(g.port, '/orders/1', { headers: { 'x-api-key': 'wrong' } })],
  ['forbidden', 403, async (g) => request(g.port, '/orders/1', { headers: { 'x-api-key': none.key } })],
  ['rate-limited', 429, async (g) => {
    await request(g.port, '/orders/1');
    return request(g.port, '/orders/1');
  }, { limits: { flood: { key: 'client.address', rate: '1/h' } } }],
];
for (const [slug, status, act, more] of refusals) {
  test(`the entry of a refusal (${slug}) names step, rule, reason and type`, async () => {
    const gateway = await Gateway.start(secured(more));
    const response = await act(gateway);
    assert.equal(response.status, status, response.text);
    const entry = await gateway.entry((e) => e.status === status);
    assert.match(entry.refusal.type, new RegExp(`${slug}$`));
    assert.ok(entry.refusal.step.length > 0);
    assert.ok(entry.refusal.reason.length > 0);
    assert.equal(entry.request_id, response.json.request_id, 'the same id as in the problem document');
    if (slug === 'rate-limited') assert.equal(entry.refusal.rule, 'limits.flood');
    if (slug.startsWith('credentials-invalid')) assert.match(entry.refusal.rule, /^authenticators\./);
    await gateway.stop();
  });
}

test('canaries: no token, key, secret, cookie or query in any log, whatever happens to the request', async () => {
  const canary = 'CANARY7f3a';
  const stranger = await makeKey('ES256', `${canary}-kid`);
  const gateway = await Gateway.start(secured({ admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' } }), { env: { PORTCULLIS_TEST_TOKEN: `${canary}-admin` } });
  const good = await issuer.mint({ jti: canary, sub: 'alice' });
  const secrets = [canary, clerk.key, clerk.key.slice(-20), good, good.split('.')[1], good.split('.')[2]];
  const sent = [
    { headers: { ...bearer(good), cookie: `session=${canary}` } },
    { headers: { 'x-api-key': clerk.key, 'x-custom': canary } },
    { headers: { 'x-api-key': `${clerk.key}x` } },
    { headers: { 'x-api-key': canary } },
    { headers: bearer(canary) },
    { headers: bearer(`${good}x`) },
    { headers: bearer(await issuer.mint({ sub: 'bob', exp: 1, jti: canary })) },
    { headers: bearer(await issuer.mint({ sub: 'bob', iss: `https://${canary}.test` })) },
    { headers: bearer(await issuer.mint({ sub: 'bob', aud: canary })) },
    { headers: bearer(await issuer.mint({ sub: 'bob' }, { key: stranger })) },
    { headers: { authorization: `Basic ${Buffer.from(`user:${canary}`).toString('base64')}` } },
    { headers: { authorization: `${canary} x` } },
    { headers: { ...bearer(good), 'x-api-key': clerk.key } },
    { method: 'POST', body: canary, headers: { 'x-api-key': clerk.key } },
  ];
  for (const options of sent) await request(gateway.port, `/orders/1?access_token=${canary}&q=${encodeURIComponent(good)}`, options);
  await roundTrip(gateway.port, `GET /orders/1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer ${good}\r\nBad Field: ${canary}\r\n\r\n`);
  await roundTrip(gateway.port, `GET /orders/1?${canary} HTTP/1.1\r\nHost: a.test\r\nCookie: ${canary}\r\n folded: ${canary}\r\n\r\n`);
  await roundTrip(gateway.port, `GET /orders/1 HTTP/1.1\r\nHost: a.test\r\n${canary}\0: x\r\n\r\n`);
  await request(gateway.admin, '/metrics', { headers: bearer(`${canary}-wrong`) });
  const page = await request(gateway.admin, '/metrics', { headers: bearer(`${canary}-admin`) });
  assert.equal(page.status, 200);
  await gateway.reload(secured({ nonsense: canary.toLowerCase() }));
  await eventually('the entries', () => gateway.access.length >= sent.length + 3);
  await gateway.stop();
  for (const secret of secrets) {
    for (const [where, text] of [['access log', gateway.output], ['log', gateway.errors], ['metrics', page.text]]) {
      assert.ok(!text.includes(secret), `${where} has ${secret.slice(0, 12)}…: ${text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 100)}`);
    }
  }
});

test('what a client writes cannot forge a line or a field of the log', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target));
  const path = '/%0A%7B%22status%22:500%7D/%22,%22subject%22:%22root';
  await roundTrip(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  await roundTrip(gateway.port, 'GET /"},{"x":"\\ HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await roundTrip(gateway.port, 'GET /\xe2\x80\xa8\xff HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await roundTrip(gateway.port, 'G"ET\x1b[31m /x HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await request(gateway.port, '/last');
  await gateway.entry((e) => e.path === '/last');
  await gateway.stop();
  const lines = gateway.output.split('\n').filter(Boolean);
  assert.equal(lines.length, gateway.access.length, 'each line is one JSON object');
  assert.ok(gateway.access.every((e) => e.subject !== 'root' && e.status !== 500));
  assert.ok(!gateway.output.includes('\x1b'), 'no escape sequence for a terminal to obey');
});

test('a file: made 0640, reopened on SIGUSR1, nothing lost between', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { workers: 2, log: { access: { to: 'access.log' } } }));
  const file = join(gateway.folder, 'access.log');
  const entries = async (name) => (await readFile(name, 'utf8')).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  for (let i = 0; i < 20; i += 1) await request(gateway.port, `/before/${i}`);
  await eventually('twenty lines', async () => (await entries(file)).length === 20);
  assert.equal((await stat(file)).mode & 0o777, 0o640);
  await rename(file, `${file}.1`);
  gateway.signal('SIGUSR1');
  await eventually('the new file', () => stat(file).then(() => true, () => false));
  for (let i = 0; i < 20; i += 1) await request(gateway.port, `/after/${i}`);
  await eventually('forty lines in two files', async () => (await entries(file)).length + (await entries(`${file}.1`)).length === 40);
  assert.ok((await entries(file)).length >= 1);
  await gateway.stop();
});

test('what was logged is written before the process ends', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target));
  for (let i = 0; i < 100; i += 1) await request(gateway.port, `/n/${i}`);
  await gateway.stop();
  assert.equal(gateway.access.length, 100);
});

test('access: off writes nothing', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { log: { access: 'off' } }));
  await request(gateway.port, '/');
  await gateway.stop();
  assert.equal(gateway.output, '');
});

test('the status of a request that the client gave up is told apart', async () => {
  const slow = await startUpstream((_incoming, response) => void response);
  const gateway = await Gateway.start(openConfig(slow.target));
  const client = await RawClient.connect(gateway.port);
  client.send('GET /given-up HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('the request upstream', () => slow.requests.length === 1);
  client.socket.resetAndDestroy();
  const entry = await gateway.entry((e) => e.path === '/given-up');
  assert.ok(entry.status === 499 || entry.status === 0 || entry.refusal, JSON.stringify(entry));
  await gateway.stop();
  await slow.stop();
});

test('an upstream that is away is in the entry', async () => {
  const port = await freePort();
  const gateway = await Gateway.start(openConfig(`127.0.0.1:${port}`));
  await request(gateway.port, '/');
  const entry = await gateway.entry((e) => e.status === 502);
  assert.match(entry.refusal.type, /upstream-unreachable$/);
  await gateway.stop();
});

test('TLS to a listener without it is refused at once, and the log says so', async () => {
  const gateway = await Gateway.start(openConfig(`127.0.0.1:${await freePort()}`));
  try {
    const { code, stderr } = await command('openssl', ['s_client', '-connect', `127.0.0.1:${gateway.port}`]);
    assert.equal(code, 1, stderr);
    const entry = await gateway.entry((e) => e.refusal?.type === 'malformed-request');
    assert.equal(entry.refusal.reason, 'a TLS handshake where clear text is spoken');
    assert.ok(entry.duration_us < 5_000_000, `${entry.duration_us} us`);
  } finally {
    await gateway.stop();
  }
});
