// The admin listener: health for anybody, metrics for the holder of the token, nothing for a browser that was
// led there (DNS rebinding).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { metric, metrics, parseMetrics } from '../support/metrics.mjs';
import { roundTrip } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'the admin token of the tests, of some length';
const upstream = await startUpstream();
const admin = { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' };
const env = { PORTCULLIS_TEST_TOKEN: kToken };
const gateway = await Gateway.start(
  openConfig(upstream.target, { admin, api: { limits: ['flood'], routes: [{ path: '/orders', methods: ['GET'], operation: 'listOrders' }, { path: '/orders/{id}', methods: ['GET'], operation: 'getOrder' }] }, limits: { flood: { key: 'client.address', rate: '3/h' } } }),
  { env },
);
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

for (const path of ['/healthz', '/readyz']) {
  test(`${path} is open and not to be cached`, async () => {
    const response = await request(gateway.admin, path);
    assert.equal(response.status, 200);
    assert.match(response.header('cache-control') ?? '', /no-store/);
    assert.equal((await request(gateway.admin, path, { method: 'HEAD' })).status, 200);
    assert.equal((await request(gateway.admin, path, { method: 'POST' })).status, 405);
  });
}

for (const [name, headers] of [
  ['without a token', {}],
  ['with a wrong token', bearer('wrong')],
  ['with the token and more', bearer(`${kToken}x`)],
  ['with the start of the token', bearer(kToken.slice(0, -1))],
  ['with an empty token', { authorization: 'Bearer ' }],
  ['with the token as a password', { authorization: `Basic ${Buffer.from(`admin:${kToken}`).toString('base64')}` }],
  ['with the token in the query only', {}],
]) {
  test(`/metrics ${name}: 401 with a challenge`, async () => {
    const response = await request(gateway.admin, name.includes('query') ? `/metrics?token=${encodeURIComponent(kToken)}` : '/metrics', { headers });
    assert.equal(response.status, 401, response.text);
    assert.match(response.header('www-authenticate'), /^Bearer/);
    assert.ok(!response.text.includes('portcullis_requests'));
  });
}

test('/metrics counts requests by route and refusals by step', async () => {
  for (const path of ['/orders', '/orders/1', '/orders/2', '/orders/3']) await request(gateway.port, path);
  const sum = (samples, name, fits) => samples.filter((s) => s.name === name && fits(s.labels)).reduce((total, s) => total + s.value, 0);
  const isLimit = (labels) => /rate-limited$/.test(labels.type);
  // A request is accounted for after the last byte of its answer.
  const page = await eventually('the fourth request is accounted for', async () => {
    const response = await request(gateway.admin, '/metrics', { headers: bearer(kToken) });
    assert.equal(response.status, 200);
    return sum(parseMetrics(response.text), 'portcullis_refusals_total', isLimit) > 0 && response;
  });
  assert.match(page.header('content-type'), /^text\/plain; ?version=0\.0\.4/);
  const samples = parseMetrics(page.text);
  assert.ok(samples.every((s) => s.name.startsWith('portcullis_') || s.name.startsWith('process_')), 'one prefix');
  const count = (operation) => sum(samples, 'portcullis_requests_total', (labels) => labels.operation === operation);
  assert.deepEqual([count('listOrders'), count('getOrder')], [1, 3]);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_snapshots'), 1);
  assert.equal(sum(samples, 'portcullis_refusals_total', isLimit), 1);
  const buckets = samples.filter((s) => s.name.startsWith('portcullis_') && s.name.endsWith('_bucket'));
  assert.ok(buckets.length > 0, 'latency is a histogram');
  assert.ok(buckets.some((s) => s.labels.le === '+Inf'));
});

test('what a client invents makes no new series', async () => {
  const before = (await metrics(gateway.admin, kToken)).length;
  for (let i = 0; i < 50; i += 1) {
    await request(gateway.port, `/invented-${i}`);
    await roundTrip(gateway.port, `M${i} /orders HTTP/1.1\r\nHost: h${i}.test\r\n\r\n`);
  }
  const grown = (await metrics(gateway.admin, kToken)).length - before;
  assert.ok(grown < 40, `${grown} new series for 100 requests`);
});

for (const host of ['evil.test', 'evil.test:9901', '127.0.0.1.evil.test', 'localhost.evil.test', '0x7f000001.evil.test', 'admin']) {
  test(`DNS rebinding: Host ${host} is refused on every admin path, with the token too`, async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      assertProblem(await request(gateway.admin, path, { headers: { host, ...bearer(kToken) } }), 421, 'misdirected');
    }
  });
}

for (const host of ['127.0.0.1', '127.0.0.1:9901', 'localhost', 'localhost:9901', '[::1]', '[::1]:9901']) {
  test(`Host ${host} is accepted`, async () => {
    assert.equal((await request(gateway.admin, '/healthz', { headers: { host } })).status, 200);
  });
}

test('a page from another origin gets nothing that it could read', async () => {
  const response = await request(gateway.admin, '/metrics', { headers: { origin: 'https://evil.test', ...bearer(kToken) } });
  assert.equal(response.header('access-control-allow-origin'), undefined);
});

test('an unknown admin path is 404', async () => {
  assert.equal((await request(gateway.admin, '/nothing', { headers: bearer(kToken) })).status, 404);
});

test('the public listener has none of it', async () => {
  for (const path of ['/metrics', '/healthz']) assert.equal((await request(gateway.port, path, { headers: bearer(kToken) })).status, 404);
});

test('without a configured token /metrics is closed to everybody', async () => {
  const own = await Gateway.start(openConfig(upstream.target, { admin: { address: '127.0.0.1:0' } }));
  assert.equal((await request(own.admin, '/healthz')).status, 200);
  for (const headers of [{}, { authorization: 'Bearer ' }, bearer('x')]) {
    const { status } = await request(own.admin, '/metrics', { headers });
    assert.ok([401, 403, 404].includes(status), String(status));
  }
  await own.stop();
});

test('/readyz says no while the gateway drains', async () => {
  const held = [];
  const slow = await startUpstream((_incoming, response) => held.push(response));
  const own = await Gateway.start(openConfig(slow.target, { admin }), { env });
  const pending = request(own.port, '/held');
  await eventually('the request upstream', () => held.length === 1);
  own.signal('SIGTERM');
  await eventually('readyz to say no', async () => {
    const status = await request(own.admin, '/readyz').then((r) => r.status, (error) => error.code);
    return status === 503 || status === 'ECONNREFUSED';
  });
  held[0].end('done');
  assert.equal((await pending).text, 'done');
  await own.stop();
  await slow.stop();
});

test('an issuer that is away is no reason to be unhealthy', async () => {
  const issuer = await startKeyServer();
  issuer.broken = true;
  const own = await Gateway.start(openConfig(upstream.target, { admin, api: { authenticate: ['corporate'] }, authenticators: { corporate: issuer.authenticator() }, roles: { clerk: ['root'] } }), { env });
  assert.equal((await request(own.admin, '/healthz')).status, 200);
  await own.stop();
  await issuer.stop();
});
