// API keys: by hash, with roles and expiry; several authenticators on one API.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { value, values } from '../support/bytes.mjs';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { RawClient, roundTrip } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const upstream = await startUpstream();
const issuer = await startKeyServer();
const nightly = makeApiKey('nightly', { roles: ['clerk'] });
const boss = makeApiKey('boss', { roles: ['manager'] });
const idle = makeApiKey('idle', { roles: [] });
const past = makeApiKey('past', { roles: ['clerk'], expires: '2020-01-31' });
const future = makeApiKey('future', { roles: ['clerk'], expires: '2999-01-31' });
const gateway = await Gateway.start(
  openConfig(upstream.target, {
    api: {
      authenticate: ['machine', 'corporate'],
      routes: [
        { path: '/orders', methods: ['GET'], operation: 'orders' },
        { path: '/refunds', methods: ['POST'], operation: 'refunds' },
        { path: '/machines', methods: ['GET'], operation: 'machines', authenticate: ['machine'] },
      ],
      forward: { identity: { 'x-user': 'subject', 'x-key': 'key' } },
    },
    authenticators: { machine: keyAuthenticator([nightly, boss, idle, past, future]), corporate: issuer.authenticator() },
    roles: { clerk: ['orders', 'machines'], manager: ['clerk', 'echo.refunds'] },
  }),
);
after(async () => {
  await gateway.stop();
  await upstream.stop();
  await issuer.stop();
});

const ask = (key, path = '/orders', more = {}) => request(gateway.port, path, { headers: key ? { 'x-api-key': key } : {}, ...more });

test('a key opens what its roles permit; the key itself never goes on', async () => {
  const response = await ask(nightly.key);
  assert.equal(response.status, 200, response.text);
  assert.deepEqual(values(response.json.fields, 'x-api-key'), []);
  assert.equal(value(response.json.fields, 'x-key'), 'nightly');
  assert.ok(!response.text.includes(nightly.key));
  assert.equal((await ask(boss.key, '/refunds', { method: 'POST' })).status, 200, 'the long form api.operation');
  assert.equal((await ask(boss.key)).status, 200, 'by inclusion');
  assert.equal((await ask(future.key)).status, 200);
});

test('what its roles do not permit is 403', async () => {
  assertProblem(await ask(nightly.key, '/refunds', { method: 'POST' }), 403, 'forbidden');
  assertProblem(await ask(idle.key), 403, 'forbidden');
});

for (const [name, key] of [
  ['an unknown key', 'pc_nightly_0000'],
  ['a key with one character changed', nightly.key.slice(0, -1) + (nightly.key.endsWith('0') ? '1' : '0')],
  ['a key cut short', nightly.key.slice(0, -1)],
  ['a key with more behind it', `${nightly.key}0`],
  ['the hash itself', nightly.entry.hash],
  ['the hash without its name', nightly.entry.hash.slice(7)],
  ['the id alone', 'nightly'],
  ['another key\'s id with this secret', nightly.key.replace('nightly', 'boss')],
  ['an expired key', past.key],
  ['8 KiB of key', 'a'.repeat(8192)],
]) {
  test(`${name} is 401`, async () => {
    const before = upstream.requests.length;
    const response = await ask(key);
    assertProblem(response, 401, 'credentials-invalid');
    assert.ok(response.headers('www-authenticate').length > 0, 'RFC 9110 15.5.2: a 401 has a challenge');
    assert.equal(upstream.requests.length, before);
    assert.ok(!response.text.includes(key));
  });
}

test('an expired key and an unknown one get the same words', async () => {
  const [one, other] = [await ask(past.key), await ask('pc_unknown_0000')];
  const words = ({ json }) => ({ ...json, request_id: '' });
  assert.deepEqual(words(one), words(other));
});

test('without credentials each accepted way is offered', async () => {
  const response = await ask();
  assertProblem(response, 401, 'credentials-missing');
  assert.match(response.headers('www-authenticate').join(', '), /Bearer/);
});

test('either of two authenticators opens; a request with the credentials of both is refused', async () => {
  const token = await issuer.mint();
  assert.equal((await request(gateway.port, '/orders', { headers: bearer(token) })).status, 200);
  const before = upstream.requests.length;
  const both = await request(gateway.port, '/orders', { headers: { ...bearer(token), 'x-api-key': nightly.key } });
  assertProblem(both, 400, 'ambiguous-credentials');
  const half = await request(gateway.port, '/orders', { headers: { ...bearer('nonsense'), 'x-api-key': nightly.key } });
  assertProblem(half, 400, 'ambiguous-credentials');
  assert.equal(upstream.requests.length, before);
});

test('two fields with a key, or a list in one, are not a key', async () => {
  const twice = await roundTrip(gateway.port, `GET /orders HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: ${nightly.key}\r\nX-Api-Key: ${nightly.key}\r\n\r\n`);
  assertProblem(twice, 400, 'ambiguous-credentials');
  assert.equal((await ask(`${nightly.key}, ${nightly.key}`)).status, 401);
});

test('an operation that names one authenticator does not take the other', async () => {
  assert.equal((await ask(nightly.key, '/machines')).status, 200);
  const response = await request(gateway.port, '/machines', { headers: bearer(await issuer.mint()) });
  assert.equal(response.status, 401);
});

test('a key in the query is no credential', async () => {
  assert.equal((await ask(undefined, `/orders?x-api-key=${nightly.key}&api_key=${nightly.key}&access_token=x`)).status, 401);
});

test('a key that is removed at a reload stops working, on open connections too', async () => {
  const kept = makeApiKey('kept', { roles: ['clerk'] });
  const gone = makeApiKey('gone', { roles: ['clerk'] });
  const config = (keys) =>
    openConfig(upstream.target, { api: { authenticate: ['machine'] }, authenticators: { machine: keyAuthenticator(keys) }, roles: { clerk: ['root', 'one', 'two', 'three'] } });
  const own = await Gateway.start(config([kept, gone]));
  const client = await RawClient.connect(own.port);
  const asks = async (one) => {
    client.send(`GET /a HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: ${one.key}\r\n\r\n`);
    return (await client.response()).status;
  };
  assert.equal(await asks(gone), 200);
  assert.equal((await own.reload(config([kept]))).event, 'reloaded');
  assert.equal(await asks(gone), 401);
  assert.equal(await asks(kept), 200);
  client.destroy();
  await own.stop();
});

test('a key made by `portcullis hash key` works', async () => {
  const { code, stdout, stderr } = await run(['hash', 'key', '--json']);
  assert.equal(code, 0, stderr);
  const made = JSON.parse(stdout);
  assert.match(made.key, /^pc_/);
  assert.match(made.hash, /^sha256:[0-9a-f]{64}$/);
  const own = await Gateway.start(
    openConfig(upstream.target, {
      api: { authenticate: ['machine'] },
      authenticators: { machine: { api_key: { keys: [{ id: made.id, hash: made.hash, roles: ['clerk'] }] } } },
      roles: { clerk: ['root'] },
    }),
  );
  assert.equal((await request(own.port, '/', { headers: { 'x-api-key': made.key } })).status, 200);
  await own.stop();
});

test('a key with scopes, in a cookie of a page; the upstream gets the scopes and no key', async () => {
  const page = makeApiKey('page', { roles: ['clerk'], scopes: ['orders:read', 'orders:write'] });
  const own = await Gateway.start(
    openConfig(upstream.target, {
      trusted_proxies: ['127.0.0.1/32'],
      api: { authenticate: ['page'], forward: { identity: { 'x-scopes': 'scopes' } } },
      authenticators: { page: { api_key: { cookie: '__Host-key', keys: [page.entry] } } },
      roles: { clerk: ['root', 'one'] },
    }),
  );
  const send = (method, headers) => request(own.port, '/a', { method, headers: { host: 'shop.test', cookie: `theme=dark; __Host-key=${page.key}`, ...headers } });
  const read = await send('GET', {});
  assert.equal(read.status, 200, read.text);
  assert.equal(value(read.json.fields, 'x-scopes'), 'orders:read,orders:write');
  assert.equal(value(read.json.fields, 'cookie'), 'theme=dark');
  assert.equal((await send('POST', { 'sec-fetch-site': 'same-origin' })).status, 200);
  assert.equal((await send('POST', { origin: 'http://shop.test' })).status, 200);
  assert.equal((await send('POST', { origin: 'https://shop.test', 'x-forwarded-proto': 'https' })).status, 200, 'the balancer ends TLS');
  assertProblem(await send('POST', { origin: 'http://shop.test', 'x-forwarded-proto': 'https' }), 403, 'forbidden');
  const challenge = await request(own.port, '/a');
  assertProblem(challenge, 401, 'credentials-missing');
  assert.match(challenge.header('www-authenticate'), /^ApiKey realm="echo", cookie="__Host-key"$/);
  await own.stop();
});

test('a key is kept to its addresses, as a trusted proxy tells them', async () => {
  const bound = makeApiKey('bound', { roles: ['clerk'], addresses: ['192.0.2.0/24', '2001:db8::/32'] });
  const own = await Gateway.start(
    openConfig(upstream.target, {
      trusted_proxies: ['127.0.0.1/32'],
      api: { authenticate: ['machine'] },
      authenticators: { machine: keyAuthenticator([bound]) },
      roles: { clerk: ['root'] },
    }),
  );
  const from = (address) => request(own.port, '/', { headers: { 'x-api-key': bound.key, ...(address && { 'x-forwarded-for': address }) } });
  for (const good of ['192.0.2.7', '2001:db8::7', '198.51.100.1, 192.0.2.7']) assert.equal((await from(good)).status, 200, good);
  for (const bad of [undefined, '192.0.3.7', '192.0.2.7, 198.51.100.1', '2001:db9::7']) {
    const { request_id: id } = assertProblem(await from(bad), 401, 'credentials-invalid');
    const { refusal } = await own.entry(id);
    assert.equal(refusal.rule, 'authenticators.machine');
    assert.match(refusal.reason, /^the API key `bound` may not be used from /);
  }
  await own.stop();
});

test('a key in the query, where that was asked for, goes no further', async () => {
  const hook = makeApiKey('hook', { roles: ['clerk'] });
  const config = openConfig(upstream.target, {
    api: { authenticate: ['hook'] },
    authenticators: { hook: { api_key: { query: 'api_key', keys: [hook.entry] } } },
    roles: { clerk: ['one'] },
  });
  const own = await Gateway.start(config);
  const response = await request(own.port, `/a?x=1&api_key=${hook.key}&y=%2F`);
  assert.equal(response.status, 200, response.text);
  assert.equal(response.json.url, '/a?x=1&y=%2F');
  assert.equal((await request(own.port, `/a?api_key=${hook.key}`)).json.url, '/a');
  assertProblem(await request(own.port, '/a', { headers: { 'x-api-key': hook.key } }), 401, 'credentials-missing');
  const { code, stderr } = await run(['check', '-c', own.file]);
  assert.equal(code, 0);
  assert.match(stderr, /warning: authenticators\.hook\.api_key\.query: keys in the query end up in the logs/);
  assert.ok(!own.output.includes(hook.key));
  await own.stop();
});
