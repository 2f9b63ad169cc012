// CORS on the wire: preflights answered before authentication, and every final answer readable for the pages
// that are allowed to.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { freePort, startUpstream } from '../support/upstream.mjs';

const kApp = 'https://app.example.com';
const clerk = makeApiKey('clerk', { roles: ['clerk'] });
const upstream = await startUpstream((incoming, response, record) => {
  response.setHeader('access-control-allow-origin', 'https://upstream.test');
  response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-expose-headers', 'x-secret');
  response.setHeader('vary', 'accept-encoding');
  response.end(`${record.method} ${record.url}`);
});

const config = openConfig(upstream.target, {
  api: {
    base_path: '/v1',
    authenticate: ['machine'],
    limits: ['each'],
    cors: { origins: [kApp, 'https://*.example.org'], credentials: true, headers: ['x-api-key', 'content-type'], expose: ['ratelimit', 'x-request-id'], max_age: '10m' },
    routes: [
      { path: '/orders', methods: ['GET', 'POST'], operation: 'orders', body_size: '10' },
      { path: '/orders/{id}', methods: ['PUT', 'DELETE'], operation: 'order', limits: ['slow'] },
      { path: '/refunds', methods: ['POST'], operation: 'refunds' },
      { path: '/private', methods: ['GET'], operation: 'private', cors: 'none' },
      { path: '/public', methods: ['GET'], operation: 'public', authenticate: 'none', cors: { origins: ['*'] } },
      { path: '/options', methods: ['OPTIONS', 'GET'], operation: 'options' },
      { path: '/limited', methods: ['GET'], operation: 'limited', authenticate: 'none', limits: ['one'] },
      { path: '/here', methods: ['GET'], operation: 'here', authenticate: 'none', respond: { body: 'here' } },
      { path: '/there', methods: ['GET'], operation: 'there', authenticate: 'none', redirect: { to: '/v1/here' } },
    ],
  },
  authenticators: { machine: keyAuthenticator([clerk]) },
  roles: { clerk: ['orders', 'order', 'private', 'options'] },
  limits: { each: { key: 'client.address', rate: '10000/s' }, slow: { key: 'identity.subject', rate: '10000/s' }, one: { key: 'client.address', rate: '1/d' } },
});
config.apis.away = {
  listeners: ['public'],
  base_path: '/away',
  upstream: 'away',
  authenticate: 'none',
  cors: { origins: [kApp] },
  routes: [{ path: '/x', methods: ['GET'], operation: 'away' }],
};
config.apis.silent = {
  listeners: ['public'],
  base_path: '/silent',
  upstream: 'echo',
  authenticate: 'none',
  routes: [
    { path: '/x', methods: ['GET'], operation: 'silent' },
    { path: '/own', methods: ['GET', 'OPTIONS'], operation: 'own' },
  ],
};
config.upstreams.away = { targets: [`127.0.0.1:${await freePort()}`] };
const gateway = await Gateway.start(config);
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

const cors = (response) => Object.fromEntries(response.fields.filter(([name]) => name.startsWith('access-control-')));
const vary = (response) => response.headers('vary').join(', ');
const preflight = (path, { origin = kApp, method = 'GET', headers = {} } = {}) =>
  request(gateway.port, path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, ...headers } });
const kAllowed = {
  'access-control-allow-origin': kApp,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'ratelimit, x-request-id',
};

test('a preflight is answered for the route that it asks for, without credentials, and the upstream hears nothing', async () => {
  const before = upstream.requests.length;
  for (const [path, method, methods] of [
    ['/v1/orders', 'POST', 'GET, HEAD, POST'],
    ['/v1/orders', 'HEAD', 'GET, HEAD, POST'],
    ['/v1/orders/7', 'PUT', 'PUT, DELETE'],
    ['/v1/options', 'GET', 'OPTIONS, GET, HEAD'],
  ]) {
    const response = await preflight(path, { method, headers: { 'access-control-request-headers': 'x-api-key' } });
    assert.equal(response.status, 204, `${method} ${path}: ${response.text}`);
    assert.deepEqual(cors(response), {
      'access-control-allow-origin': kApp,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'x-api-key, content-type',
      'access-control-max-age': '600',
    });
    assert.equal(vary(response), 'origin, access-control-request-method');
    assert.ok(response.header('x-request-id'));
    assert.ok(response.header('ratelimit'), 'a preflight counts as a request');
  }
  assert.equal(upstream.requests.length, before);
  const entry = await gateway.entry((e) => e.method === 'OPTIONS' && e.operation === 'order');
  assert.equal(entry.status, 204);
});

test('a preflight that no rule allows is a 403 without CORS fields, and the log names the rule', async () => {
  for (const [path, origin, method] of [
    ['/v1/orders', 'https://evil.test', 'GET'],
    ['/v1/private', kApp, 'GET'],
  ]) {
    const response = await preflight(path, { origin, method });
    assertProblem(response, 403, 'origin-not-allowed');
    assert.deepEqual(cors(response), {});
    const entry = await gateway.entry(response.header('x-request-id'));
    assert.match(entry.refusal.rule, /^apis\.echo\.(routes\[3\]\.)?cors$/);
  }
  for (const [path, method, status, problem] of [
    ['/v1/orders', 'DELETE', 405, 'method-not-allowed'],
    ['/v1/nowhere', 'GET', 404, 'not-found'],
  ]) {
    const response = await preflight(path, { method });
    assertProblem(response, status, problem);
    assert.deepEqual(cors(response), {}, path);
  }
});

test('where nothing is said of CORS, OPTIONS is an ordinary request and the upstream has its say', async () => {
  const refused = await preflight('/silent/x');
  assertProblem(refused, 405, 'method-not-allowed');
  const own = await preflight('/silent/own');
  assert.equal(own.status, 200);
  assert.equal(own.text, 'OPTIONS /silent/own');
  assert.equal(own.header('access-control-allow-origin'), 'https://upstream.test');
});

test('OPTIONS that asks for no method, or comes from no page, is an ordinary request', async () => {
  for (const headers of [{}, { origin: kApp }, { 'access-control-request-method': 'GET' }]) {
    const open = await request(gateway.port, '/v1/options', { method: 'OPTIONS', headers });
    assertProblem(open, 401, 'credentials-missing');
    const known = await request(gateway.port, '/v1/options', { method: 'OPTIONS', headers: { ...headers, 'x-api-key': clerk.key } });
    assert.equal(known.text, 'OPTIONS /v1/options');
  }
});

test('answers of the upstream carry our fields and not its own', async () => {
  const headers = { 'x-api-key': clerk.key };
  const allowed = await request(gateway.port, '/v1/orders', { headers: { ...headers, origin: kApp } });
  assert.equal(allowed.text, 'GET /v1/orders');
  assert.deepEqual(cors(allowed), kAllowed);
  assert.equal(vary(allowed), 'accept-encoding, origin');
  const below = await request(gateway.port, '/v1/orders', { headers: { ...headers, origin: 'https://a.b.example.org' } });
  assert.equal(below.header('access-control-allow-origin'), 'https://a.b.example.org');
  for (const origin of ['https://evil.test', undefined]) {
    const other = await request(gateway.port, '/v1/orders', { headers: { ...headers, ...(origin && { origin }) } });
    assert.equal(other.status, 200, 'CORS hides answers from pages; it does not refuse requests');
    assert.deepEqual(cors(other), {});
    assert.equal(vary(other), 'accept-encoding, origin');
  }
});

test('a rule for everybody says so to everybody, and nothing varies by it', async () => {
  for (const headers of [{ origin: 'https://anybody.test' }, {}]) {
    const response = await request(gateway.port, '/v1/public', { headers });
    assert.deepEqual(cors(response), { 'access-control-allow-origin': '*' });
    assert.equal(vary(response), 'accept-encoding');
  }
  const asked = await preflight('/v1/public', { origin: 'https://anybody.test' });
  assert.deepEqual(cors(asked), { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, HEAD' });
});

test('`cors: none` takes the fields of the upstream away', async () => {
  const response = await request(gateway.port, '/v1/private', { headers: { origin: kApp, 'x-api-key': clerk.key } });
  assert.equal(response.text, 'GET /v1/private');
  assert.deepEqual(cors(response), {});
  assert.equal(vary(response), 'accept-encoding, origin');
});

test('refusals of every step can be read by the pages that are allowed to', async () => {
  const key = { 'x-api-key': clerk.key };
  for (const [name, path, options, status, problem] of [
    ['route', '/v1/nowhere', {}, 404, 'not-found'],
    ['route, in the base path of another API', '/away/y', {}, 404, 'not-found'],
    ['method', '/v1/refunds', { headers: key }, 405, 'method-not-allowed'],
    ['authenticate', '/v1/orders', {}, 401, 'credentials-missing'],
    ['authenticate, with a wrong key', '/v1/orders', { headers: { 'x-api-key': 'pc_x_y' } }, 401, 'credentials-invalid'],
    ['authorize', '/v1/refunds', { method: 'POST', headers: key, body: '' }, 403, 'forbidden'],
    ['validate', '/v1/orders', { method: 'POST', headers: key, body: 'more than ten' }, 413, 'content-too-large'],
    ['forward', '/away/x', {}, 502, 'upstream-unreachable'],
  ]) {
    const response = await request(gateway.port, path, { ...options, headers: { origin: kApp, ...options.headers } });
    assertProblem(response, status, problem, name);
    assert.equal(response.header('access-control-allow-origin'), kApp, name);
    assert.match(vary(response), /origin/, name);
    const other = await request(gateway.port, path, { ...options, headers: { origin: 'https://evil.test', ...options.headers } });
    assert.deepEqual(cors(other), {}, name);
    assert.match(vary(other), /origin/, name);
  }
  await request(gateway.port, '/v1/limited');
  const limited = await request(gateway.port, '/v1/limited', { headers: { origin: kApp } });
  assertProblem(limited, 429, 'rate-limited');
  assert.deepEqual(cors(limited), kAllowed);
  assert.ok(limited.header('retry-after'));
  const silent = await request(gateway.port, '/silent/nowhere', { headers: { origin: kApp } });
  assert.deepEqual(cors(silent), {}, 'an API that says nothing of CORS');
});

test('a preflight to a limit that is spent is a 429', async () => {
  await request(gateway.port, '/v1/limited');
  const response = await preflight('/v1/limited');
  assertProblem(response, 429, 'rate-limited');
});

test('answers of our own carry the fields too', async () => {
  const here = await request(gateway.port, '/v1/here', { headers: { origin: kApp } });
  assert.equal(here.text, 'here');
  assert.deepEqual(cors(here), kAllowed);
  const there = await request(gateway.port, '/v1/there', { headers: { origin: kApp } });
  assert.equal(there.status, 307);
  assert.deepEqual(cors(there), kAllowed);
});

test('an API in maintenance answers preflights, so that its 503 can be read', async () => {
  const down = await Gateway.start(openConfig(upstream.target, { api: { maintenance: { retry_after: '2m' }, cors: { origins: [kApp] }, authenticate: ['machine'] }, authenticators: { machine: keyAuthenticator([clerk]) }, roles: { clerk: ['root', 'one', 'two', 'three'] } }));
  try {
    const asked = await request(down.port, '/x', { method: 'OPTIONS', headers: { origin: kApp, 'access-control-request-method': 'PUT' } });
    assert.equal(asked.status, 204);
    const response = await request(down.port, '/x', { headers: { origin: kApp } });
    assertProblem(response, 503, 'maintenance');
    assert.equal(response.header('retry-after'), '120');
    assert.equal(response.header('access-control-allow-origin'), kApp);
  } finally {
    await down.stop();
  }
});
