// API keys where they do not belong, from where they do not belong, and by whom they were not sent.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { makeApiKey } from '../support/keys.mjs';
import { startRawUpstream } from '../support/upstream.mjs';

const upstream = await startRawUpstream();
const field = makeApiKey('field', { roles: ['clerk'] });
const cookie = makeApiKey('cookie', { roles: ['clerk'] });
const query = makeApiKey('query', { roles: ['clerk'] });
const bound = makeApiKey('bound', { roles: ['clerk'], addresses: ['192.0.2.0/24'] });
const routes = [{ path: '/orders', methods: ['GET', 'POST'], operation: 'orders' }];
const api = (name, authenticate) => ({ listeners: ['public'], base_path: `/${name}`, upstream: 'echo', authenticate, routes });
const gateway = await Gateway.start(
  openConfig(upstream.target, {
    trusted_proxies: ['127.0.0.2/32'],
    authenticators: {
      field: { api_key: { keys: [field.entry, bound.entry] } },
      cookie: { api_key: { cookie: 'key', keys: [cookie.entry] } },
      query: { api_key: { query: 'api_key', keys: [query.entry] } },
    },
    roles: { clerk: ['field.orders', 'cookie.orders', 'query.orders', 'every.orders'] },
    apis: { field: api('field', ['field']), cookie: api('cookie', ['cookie']), query: api('query', ['query']), every: api('every', ['field', 'cookie', 'query']), open: api('open', 'none') },
  }),
);
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

const ask = (path, headers = {}, method = 'GET') => request(gateway.port, path, { headers, method });

async function refused(name, reference, { path, headers = {}, method, status, slug, reason }) {
  test(`${name} (${reference})`, async () => {
    const before = upstream.requests.length;
    const response = await ask(path, headers, method);
    const { request_id: id } = assertProblem(response, status, slug);
    assert.equal(upstream.requests.length, before, 'the upstream saw it');
    const entry = await gateway.entry(id);
    if (reason) assert.match(entry.refusal.reason, reason);
    for (const { key } of [field, cookie, query, bound]) assert.ok(!JSON.stringify(entry).includes(key), 'the log has a key');
  });
}

const missing = { status: 401, slug: 'credentials-missing' };
const ambiguous = { status: 400, slug: 'ambiguous-credentials' };
const malformed = { status: 400, slug: 'malformed-request', reason: /Cookie/ };

// Where a key may not stand, it is none.
refused('a key in the query of an API that takes fields', 'CWE-598', { path: `/field/orders?api_key=${field.key}&x-api-key=${field.key}`, ...missing });
refused('a key in a cookie of an API that takes fields', 'CWE-565', { path: '/field/orders', headers: { cookie: `x-api-key=${field.key}; key=${field.key}` }, ...missing });
refused('a key in a field of an API that takes cookies', 'RFC 9110 11.6.2', { path: '/cookie/orders', headers: { 'x-api-key': cookie.key }, ...missing });
refused('a key as a bearer token', 'RFC 6750 2.1', { path: '/field/orders', headers: { authorization: `Bearer ${field.key}` }, ...missing });
refused('a cookie of almost that name', 'RFC 6265 5.4', { path: '/cookie/orders', headers: { cookie: `Key=${cookie.key}; key2=${cookie.key}; __Host-key=${cookie.key}` }, ...missing });
refused('a parameter of almost that name', 'RFC 3986 6.2.2.1', { path: `/query/orders?API_KEY=${query.key}&api-key=${query.key}&api_key[]=${query.key}`, ...missing });
refused('a parameter behind a semicolon', 'CVE-2021-23336 CPython', { path: `/query/orders?a=b;api_key=${query.key}`, ...missing });
refused('a parameter in the fragment of a parameter', 'CWE-20', { path: `/query/orders?a=%26api_key=${query.key}`, ...missing });

// Two keys are nobody's to choose between.
refused('two cookies of that name', 'RFC 6265 8.6: cookie tossing', { path: '/cookie/orders', headers: { cookie: `key=x; key=${cookie.key}` }, ...ambiguous });
refused('two parameters of that name', 'CWE-235', { path: `/query/orders?api_key=${query.key}&api_key=${query.key}`, ...ambiguous });
refused('two parameters of that name, one spelled with percent signs', 'CWE-235', { path: `/query/orders?api_key=${query.key}&%61pi%5fkey=x`, ...ambiguous });
refused('a field and a cookie', 'RFC 6750 2', { path: '/every/orders', headers: { 'x-api-key': field.key, cookie: `key=${cookie.key}` }, ...ambiguous });
refused('a field and the query', 'RFC 6750 2', { path: `/every/orders?api_key=${query.key}`, headers: { 'x-api-key': field.key }, ...ambiguous });
refused('a cookie and the query', 'RFC 6750 2', { path: `/every/orders?api_key=${query.key}`, headers: { cookie: `key=${cookie.key}` }, ...ambiguous });

// Cookies that two servers read in two ways.
refused('a cookie inside the quotes of another', 'CVE-2023-26049 Jetty', { path: '/cookie/orders', headers: { cookie: `a="b; key=${cookie.key}; c=d"` }, ...malformed });
refused('a quote that is never closed', 'CVE-2023-26049 Jetty', { path: '/cookie/orders', headers: { cookie: `a="b; key=${cookie.key}` }, ...malformed });
refused('cookies divided by commas', 'RFC 2965 3.3.4 against RFC 6265 4.2.1', { path: '/cookie/orders', headers: { cookie: `a=b, key=${cookie.key}` }, ...malformed });
refused('a cookie without a name', 'CVE-2023-23934 Werkzeug', { path: '/cookie/orders', headers: { cookie: `=key=${cookie.key}` }, ...malformed });
refused('a cookie header of a version', 'RFC 2109 $Version', { path: '/cookie/orders', headers: { cookie: `$Version=1; key="${cookie.key}"` }, status: 401, slug: 'credentials-invalid' });

// Who made the browser send it (CSRF).
const csrf = { path: '/cookie/orders', method: 'POST', status: 403, slug: 'forbidden', reason: /in a cookie/ };
const withKey = { cookie: `key=${cookie.key}` };
refused('a form of another site', 'CWE-352', { ...csrf, headers: { ...withKey, 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' } });
refused('a form of a sibling', 'CWE-352', { ...csrf, headers: { ...withKey, 'sec-fetch-site': 'same-site' } });
refused('a browser that says nothing', 'CWE-352', { ...csrf, headers: withKey });
refused('another origin, from a browser without Sec-Fetch-Site', 'CWE-352', { ...csrf, headers: { ...withKey, origin: 'http://evil.test' } });
refused('an opaque origin', 'CWE-352', { ...csrf, headers: { ...withKey, origin: 'null' } });
refused('an origin that ours is the beginning of', 'CWE-352', { ...csrf, headers: { ...withKey, host: 'a.test', origin: 'http://a.test.evil.test' } });
refused('our name by another scheme', 'RFC 6454 4', { ...csrf, headers: { ...withKey, host: 'a.test', origin: 'https://a.test' } });
refused('a scheme that nobody trusted says', 'CWE-346', { ...csrf, headers: { ...withKey, host: 'a.test', origin: 'https://a.test', 'x-forwarded-proto': 'https' } });

// From elsewhere.
const elsewhere = { path: '/field/orders', status: 401, slug: 'credentials-invalid', reason: /`bound` may not be used from 127\.0\.0\.1/ };
refused('a stolen key, from another address', 'CWE-294', { ...elsewhere, headers: { 'x-api-key': bound.key } });
refused('a stolen key, with an address that nobody trusted says', 'CWE-348', { ...elsewhere, headers: { 'x-api-key': bound.key, 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' } });

test('a key from elsewhere is answered as one that does not exist', async () => {
  const strip = (response) => ({ status: response.status, challenge: response.headers('www-authenticate'), problem: { ...response.json, request_id: '' } });
  const [stolen, none] = [await ask('/field/orders', { 'x-api-key': bound.key }), await ask('/field/orders', { 'x-api-key': 'pc_none_0' })];
  assert.deepEqual(strip(stolen), strip(none));
});

test('the places work when nobody attacks', async () => {
  assert.equal((await ask('/field/orders', { 'x-api-key': field.key })).status, 200);
  assert.equal((await ask('/cookie/orders', withKey)).status, 200);
  assert.equal((await ask(`/query/orders?api_key=${query.key}`)).status, 200);
  assert.equal((await ask('/cookie/orders', { ...withKey, 'sec-fetch-site': 'same-origin' }, 'POST')).status, 200);
});

// What must not go on. An upstream that is somebody else's would have the key.
for (const [name, path, headers, url, cookies] of [
  ['in the query of an open API', `/open/orders?a=b&api_key=${query.key}&c=d`, {}, '/open/orders?a=b&c=d', undefined],
  ['in the query, spelled with percent signs', `/open/orders?%61pi_key=${query.key}`, {}, '/open/orders', undefined],
  ['in the query that opened', `/query/orders?c=%64&api_key=${query.key}`, {}, '/query/orders?c=%64', undefined],
  ['in a cookie of an open API', '/open/orders', { cookie: `a=b; key=${cookie.key}; c="d"` }, '/open/orders', 'a=b; c="d"'],
  ['in a cookie alone', '/open/orders', withKey, '/open/orders', undefined],
  ['in a cookie within quotes', '/open/orders', { cookie: `a="b; key=${cookie.key}; c"` }, '/open/orders', 'a="b; c"'],
  ['in a cookie without spaces', '/open/orders', { cookie: `a=b;key=${cookie.key};c=d` }, '/open/orders', 'a=b; c=d'],
  ['in a cookie beside the one that opened', '/cookie/orders', { cookie: `a=b; key=${cookie.key}` }, '/cookie/orders', 'a=b'],
  ['in the field of another API', '/open/orders', { 'x-api-key': field.key, x_api_key: field.key }, '/open/orders', undefined],
]) {
  test(`a key ${name} reaches neither upstream nor log (CWE-522)`, async () => {
    const response = await ask(path, headers);
    assert.equal(response.status, 200, response.text);
    const seen = upstream.requests.at(-1);
    assert.equal(seen.url, url);
    assert.equal(seen.fields.find(([each]) => each === 'cookie')?.[1], cookies);
    const logged = await gateway.entry(response.header('x-request-id') ?? ((entry) => entry.path === url.split('?')[0] && entry.status === 200));
    for (const { key } of [field, cookie, query]) {
      assert.ok(!JSON.stringify(seen).includes(key), 'the upstream has the key');
      assert.ok(!JSON.stringify(logged).includes(key), 'the log has the key');
    }
    assert.ok(!gateway.output.includes('pc_'), 'some line has a key');
    assert.deepEqual(upstream.violations, []);
  });
}

test('cookies that carry no key of ours go on as they are', async () => {
  const odd = 'a="b; c";  d, e';
  assert.equal((await ask('/open/orders', { cookie: odd })).status, 200);
  assert.equal(upstream.requests.at(-1).fields.find(([name]) => name === 'cookie')[1], odd);
});
