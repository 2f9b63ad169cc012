// Bearer tokens of a real issuer, and what becomes of them when the issuer rotates its keys or goes away.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { value, values } from '../support/bytes.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { makeKey, now, startIssuer, startKeyServer } from '../support/issuer.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const issuer = await startIssuer();
const upstream = await startUpstream();
const routes = [
  { path: '/orders', methods: ['GET', 'POST'], operation: 'orders' },
  { path: '/refunds', methods: ['POST'], operation: 'refunds' },
  { path: '/status', methods: ['GET'], operation: 'status', authenticate: 'none' },
];
const config = (authenticator, { api = {}, ...top } = {}) =>
  openConfig(upstream.target, {
    api: { authenticate: ['corporate'], routes, ...api },
    authenticators: { corporate: authenticator },
    roles: { clerk: ['orders'], manager: ['clerk', 'refunds'] },
    ...top,
  });
const gateway = await Gateway.start(config(issuer.authenticator(), { api: { forward: { identity: { 'x-user': 'subject', 'x-roles': 'roles', 'x-issuer': 'issuer', 'x-by': 'authenticator' } } } }));
after(async () => {
  await gateway.stop();
  await issuer.stop();
  await upstream.stop();
});

/** A gateway before `server` (startKeyServer), stopped with it after `work`. */
async function withKeyServer(options, work) {
  const server = await startKeyServer(options.server);
  const own = await Gateway.start(config(server.authenticator(options.jwt), options.config), options.gateway);
  try {
    await work(own, server);
  } finally {
    await own.stop();
    await server.stop();
  }
}

const ask = (g, token, path = '/orders', more = {}) => request(g.port, path, { headers: token ? bearer(token) : {}, ...more });

test('a token of oidc-provider opens what its roles permit, and the upstream learns who it is', async () => {
  const token = await issuer.token();
  const response = await ask(gateway, token);
  assert.equal(response.status, 200, response.text);
  const { fields } = response.json;
  assert.equal(value(fields, 'x-user'), 'corporate|robot', 'two issuers never speak for the same subject');
  assert.equal(value(fields, 'x-roles'), 'clerk');
  assert.equal(value(fields, 'x-issuer'), issuer.issuer);
  assert.equal(value(fields, 'x-by'), 'corporate');
  assert.deepEqual(values(fields, 'authorization'), [], 'the token does not go on unless `forward` says so');
  const entry = await gateway.entry(response.header('x-request-id') ?? ((e) => e.status === 200));
  assert.equal(entry.authenticator, 'corporate');
  assert.equal(entry.subject, 'corporate|robot');
  assert.equal(entry.operation, 'orders');
});

test('what no role permits is 403', async () => {
  assertProblem(await ask(gateway, await issuer.token(), '/refunds', { method: 'POST' }), 403, 'forbidden');
});

test('without a token: 401 with a bare challenge (RFC 6750 3)', async () => {
  const response = await ask(gateway);
  assertProblem(response, 401, 'credentials-missing');
  const challenge = response.header('www-authenticate');
  assert.match(challenge, /^Bearer\b/);
  assert.doesNotMatch(challenge, /error=/, 'no error code when no credentials were there (RFC 6750 3.1)');
});

for (const [name, header] of [
  ['a token that is not one', 'Bearer nonsense'],
  ['an empty token', 'Bearer '],
  ['two tokens in one field', 'Bearer a b'],
]) {
  test(`${name}: refused, precisely`, async () => {
    const response = await request(gateway.port, '/orders', { headers: { authorization: header } });
    assert.ok([400, 401].includes(response.status), String(response.status));
    if (response.status === 401 && /error=/.test(response.header('www-authenticate'))) assert.match(response.header('www-authenticate'), /error="invalid_(token|request)"/);
  });
}

test('a token with a wrong signature: 401 and error="invalid_token"', async () => {
  const token = await issuer.token();
  const [head, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[10] ^= 1;
  const response = await ask(gateway, `${head}.${payload}.${bytes.toString('base64url')}`);
  assertProblem(response, 401, 'credentials-invalid');
  assert.match(response.header('www-authenticate'), /^Bearer .*error="invalid_token"/);
});

test('another scheme is no credential here: 401 with the challenge for ours', async () => {
  const response = await request(gateway.port, '/orders', { headers: { authorization: 'Basic cm9ib3Q6eA==' } });
  assert.equal(response.status, 401);
  assert.match(response.header('www-authenticate'), /^Bearer/);
});

test('the scheme is case-insensitive (RFC 9110 11.1)', async () => {
  const token = await issuer.token();
  for (const scheme of ['bearer', 'BEARER']) assert.equal((await request(gateway.port, '/orders', { headers: { authorization: `${scheme} ${token}` } })).status, 200);
});

test('a token for another audience is refused', async () => {
  assertProblem(await ask(gateway, await issuer.token('urn:other')), 401, 'credentials-invalid');
});

test('an open operation needs no token, and a bad one there changes nothing for the upstream', async () => {
  const response = await ask(gateway, undefined, '/status');
  assert.equal(response.status, 200);
  assert.deepEqual(values(response.json.fields, 'x-user'), []);
});

test('forward.authorization: keep lets the token through', async () => {
  await withKeyServer({ config: { api: { forward: { authorization: 'keep' } } } }, async (own, server) => {
    const token = await server.mint();
    assert.equal(value((await ask(own, token)).json.fields, 'authorization'), `Bearer ${token}`);
  });
});

for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  test(`${alg} is verified`, async () => {
    await withKeyServer({ server: { alg, keys: [await makeKey(alg)] }, jwt: { algorithms: [alg] } }, async (own, server) => {
      const token = await server.mint();
      assert.equal((await ask(own, token)).status, 200);
      assert.equal((await ask(own, token)).status, 200, 'from the cache');
      const [head, payload, signature] = token.split('.');
      const bytes = Buffer.from(signature, 'base64url');
      bytes[bytes.length >> 1] ^= 0x10;
      assertProblem(await ask(own, `${head}.${payload}.${bytes.toString('base64url')}`), 401, 'credentials-invalid');
    });
  });
}

test('a cached token still expires', async () => {
  await withKeyServer({ jwt: { leeway: '0s' } }, async (own, server) => {
    const token = await server.mint({ exp: now() + 2 });
    assert.equal((await ask(own, token)).status, 200);
    const late = await eventually('the token to expire', async () => {
      const response = await ask(own, token);
      return response.status !== 200 && response;
    }, { timeout: 5000, every: 100 });
    assertProblem(late, 401, 'credentials-invalid');
  });
});

test('rotation: a token of a new key is accepted after one more fetch; the old key goes and takes its tokens along', async () => {
  const server = await startKeyServer();
  const own = await Gateway.start(config(server.authenticator({ keys: { url: server.url, refresh: '1s', stale_for: '1h' } })));
  const old = await server.mint();
  assert.equal((await ask(own, old)).status, 200);
  const before = server.fetches;
  const next = await makeKey('ES256', 'next');
  server.keys = [next, ...server.keys];
  assert.equal((await ask(own, await server.mint({}, { key: next }))).status, 200);
  assert.ok(server.fetches > before);
  assert.equal((await ask(own, old)).status, 200, 'both keys are published');

  server.keys = [next];
  const gone = await eventually('the old key to be forgotten', async () => {
    const response = await ask(own, old);
    return response.status !== 200 && response;
  }, { timeout: 8000, every: 100 });
  assertProblem(gone, 401, 'credentials-invalid');
  await own.stop();
  await server.stop();
});

test('an unknown kid costs the issuer at most one fetch in 30 s, whoever asks and on however many workers', async () => {
  await withKeyServer({ config: { workers: 2 } }, async (own, server) => {
    assert.equal((await ask(own, await server.mint())).status, 200);
    const before = server.fetches;
    const stranger = await makeKey('ES256', 'stranger');
    for (let round = 0; round < 3; round += 1) {
      const tokens = await Promise.all(Array.from({ length: 10 }, (_, i) => server.mint({ jti: `${round}-${i}` }, { key: { ...stranger, kid: `stranger-${round}-${i}` } })));
      for (const response of await Promise.all(tokens.map((token) => ask(own, token)))) assertProblem(response, 401, 'credentials-invalid');
    }
    assert.ok(server.fetches - before <= 1, `${server.fetches - before} fetches`);
  });
});

test('the issuer goes away: its keys are kept until stale_for, then 503 and never 401', async () => {
  const server = await startKeyServer();
  const own = await Gateway.start(config(server.authenticator({ keys: { url: server.url, refresh: '1s', stale_for: '3s' } })));
  const token = await server.mint();
  assert.equal((await ask(own, token)).status, 200);
  server.broken = true;
  const start = performance.now();
  const seen = [];
  const unavailable = await eventually('503', async () => {
    const response = await ask(own, await server.mint({ jti: String(Math.random()) }));
    seen.push([Math.round(performance.now() - start), response.status]);
    return response.status === 503 && response;
  }, { timeout: 12_000, every: 100 });
  assertProblem(unavailable, 503, 'unavailable');
  assert.deepEqual([...new Set(seen.map(([, status]) => status))], [200, 503], JSON.stringify(seen));
  assert.ok(seen.filter(([, status]) => status === 200).at(-1)[0] > 1500, 'the keys were kept for a while');
  assert.equal((await ask(own, token)).status, 503, 'a token in the cache is no way around it');

  server.broken = false;
  await eventually('the issuer to be believed again', async () => (await ask(own, token)).status === 200, { timeout: 10_000, every: 100 });
  await own.stop();
  await server.stop();
});

test('an issuer that is away from the start: the gateway starts, and answers 503 where its keys are needed', async () => {
  const server = await startKeyServer();
  server.broken = true;
  const own = await Gateway.start(config(server.authenticator({ keys: { url: server.url, refresh: '1s', stale_for: '1h' } })));
  assertProblem(await ask(own, await server.mint()), 503, 'unavailable');
  assertProblem(await ask(own), 401, 'credentials-missing');
  assert.equal((await ask(own, undefined, '/status')).status, 200);
  server.broken = false;
  await eventually('the keys', async () => (await ask(own, await server.mint())).status === 200, { timeout: 10_000, every: 100 });
  await own.stop();
  await server.stop();
});

test('a key set that is not one is an outage, not an empty set', async () => {
  const server = await startKeyServer();
  const own = await Gateway.start(config(server.authenticator({ keys: { url: server.url, refresh: '1s', stale_for: '1h' } })));
  const token = await server.mint();
  assert.equal((await ask(own, token)).status, 200);
  for (const answer of ['', 'not json', '{}', '{"keys":{}}', `{"keys":[${'{},'.repeat(100_000)}{}]}`]) {
    server.answer = answer;
    const broken = server.fetches;
    await eventually('a fetch of the broken set', () => server.fetches > broken, { timeout: 8000 });
    assert.equal((await ask(own, token)).status, 200, answer.slice(0, 20));
    // A good answer in between, since each failure in a row doubles the wait for the next try.
    server.answer = undefined;
    const good = server.fetches;
    await eventually('a fetch of the good set', () => server.fetches > good, { timeout: 8000 });
  }
  await own.stop();
  await server.stop();
});

test('many first requests share one fetch', async () => {
  const server = await startKeyServer();
  const own = await Gateway.start(config(server.authenticator(), { workers: 2 }));
  const tokens = await Promise.all(Array.from({ length: 40 }, (_, i) => server.mint({ sub: `user-${i}` })));
  for (const response of await Promise.all(tokens.map((token) => ask(own, token)))) assert.equal(response.status, 200);
  assert.ok(server.fetches <= 2, `${server.fetches} fetches`);
  await own.stop();
  await server.stop();
});

test('keys from an https URL are fetched when its certificate verifies, and not otherwise', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue('issuer', ['127.0.0.1']);
  const server = await startKeyServer({ tls: { cert: await readFile(cert), key: await readFile(key) } });
  const trusting = await Gateway.start(config(server.authenticator()), { env: { SSL_CERT_FILE: authority.caFile } });
  assert.equal((await ask(trusting, await server.mint())).status, 200);
  await trusting.stop();
  const fetches = server.fetches;
  const wary = await Gateway.start(config(server.authenticator()));
  assertProblem(await ask(wary, await server.mint()), 503, 'unavailable');
  assert.equal(server.fetches, fetches, 'nothing is asked of a server that cannot prove its name');
  await wary.stop();
  await server.stop();
  await authority.remove();
});

test('keys from a file, taken anew at a reload', async () => {
  const [first, second] = [await makeKey(), await makeKey()];
  const server = await startKeyServer({ keys: [first] });
  const set = (keys) => JSON.stringify({ keys: keys.map((k) => k.jwk) });
  const jwt = { ...server.authenticator().jwt, keys: { file: 'jwks.json' } };
  const own = await Gateway.start(config({ jwt }), { files: { 'jwks.json': set([first]) } });
  const token = await server.mint();
  assert.equal((await ask(own, token)).status, 200);
  assertProblem(await ask(own, await server.mint({}, { key: second })), 401, 'credentials-invalid');
  await writeFile(join(own.folder, 'jwks.json'), set([second]));
  assert.equal((await own.reload()).event, 'reloaded');
  assertProblem(await ask(own, token), 401, 'credentials-invalid');
  assert.equal((await ask(own, await server.mint({}, { key: second }))).status, 200);
  assert.equal(server.fetches, 0);
  await own.stop();
  await server.stop();
});

test('roles and claims come from where the configuration says', async () => {
  await withKeyServer(
    { jwt: { roles: 'realm_access.roles', claims: { tenant: 'org.id' } }, config: { api: { forward: { identity: { 'x-tenant': 'claims.tenant', 'x-scopes': 'scopes' } } } } },
    async (own, server) => {
      const good = await ask(own, await server.mint({ roles: undefined, realm_access: { roles: ['manager'] }, org: { id: 'acme' }, scope: 'a b' }), '/refunds', { method: 'POST' });
      assert.equal(good.status, 200, 'a role includes another one');
      assert.equal(value(good.json.fields, 'x-tenant'), 'acme');
      assert.match(value(good.json.fields, 'x-scopes'), /a.b/);
      assertProblem(await ask(own, await server.mint({ realm_access: undefined })), 403, 'forbidden');
      assertProblem(await ask(own, await server.mint({ roles: ['manager'], realm_access: { roles: [] } })), 403, 'forbidden');
    },
  );
});

test('an array of audiences is searched', async () => {
  await withKeyServer({}, async (own, server) => {
    assert.equal((await ask(own, await server.mint({ aud: ['x', server.audience] }))).status, 200);
    assertProblem(await ask(own, await server.mint({ aud: ['x', 'y'] })), 401, 'credentials-invalid');
  });
});
