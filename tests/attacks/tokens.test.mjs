// Hostile tokens (RFC 8725 and the advisories it grew from): none opens anything.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import http from 'node:http';
import { createHmac, createPublicKey, createSign } from 'node:crypto';
import { CompactEncrypt, CompactSign, UnsecuredJWT, base64url, calculateJwkThumbprint, exportSPKI, importJWK } from 'jose';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { forge, makeKey, now, startKeyServer } from '../support/issuer.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { startRawUpstream } from '../support/upstream.mjs';
import { median } from '../support/wait.mjs';

const [es, rs, ed, attacker] = [await makeKey('ES256', 'es'), await makeKey('RS256', 'rs'), await makeKey('EdDSA', 'ed'), await makeKey('ES256', 'es')];
const issuer = await startKeyServer({ keys: [es, rs, ed] });
const second = await startKeyServer({ keys: [await makeKey('ES256', 'second')] });
const third = await startKeyServer();
const upstream = await startRawUpstream();
// Java's and others' key stores do not ask what a key is for: the signing key's numbers, used to encrypt.
const toEncrypt = await importJWK({ ...rs.jwk, alg: 'RSA-OAEP-256', use: 'enc' });
const algorithms = ['ES256', 'RS256', 'EdDSA'];
const machine = makeApiKey('machine', { roles: ['clerk'] });
const config = (more = {}) =>
  openConfig(upstream.target, {
    workers: 2,
    api: {
      authenticate: ['corporate'],
      routes: [
        { path: '/orders', methods: ['GET', 'POST'], operation: 'orders' },
        { path: '/partner', methods: ['GET'], operation: 'partner', authenticate: ['partner'] },
        { path: '/either', methods: ['GET'], operation: 'either', authenticate: ['corporate', 'partner'] },
      ],
    },
    authenticators: { corporate: issuer.authenticator({ algorithms }), partner: second.authenticator(), machine: keyAuthenticator([machine]) },
    roles: { clerk: ['orders', 'partner', 'either'] },
    ...more,
  });
const gateway = await Gateway.start(config());

// Whoever fetches a key from here has been led astray by a token.
let lured = 0;
const lure = http.createServer((_incoming, response) => {
  lured += 1;
  response.end(JSON.stringify({ keys: [attacker.jwk] }));
});
await new Promise((resolve) => lure.listen(0, '127.0.0.1', resolve));
const lureUrl = `http://127.0.0.1:${lure.address().port}/jwks`;

after(async () => {
  await gateway.stop();
  lure.close();
  for (const server of [issuer, second, third, upstream]) await server.stop();
});

const ask = (token, path = '/orders', g = gateway) => request(g.port, path, { headers: bearer(token) });

/** The good token opens before and after; the hostile one never, and the upstream does not see it. */
function hostile(name, reference, make, { path = '/orders', status = 401, slug = 'credentials-invalid' } = {}) {
  test(`${name} (${reference})`, async () => {
    const token = await make();
    assert.equal((await ask(await issuer.mint())).status, 200);
    const before = upstream.requests.length;
    for (let round = 0; round < 2; round += 1) assertProblem(await ask(token, path), status, slug, `round ${round}`);
    assert.equal(upstream.requests.length, before);
    assert.equal(lured, 0, 'the token chose where keys come from');
  });
}

const claims = () => issuer.claims();
const sign = (payload, header, key = es.privateKey) => new CompactSign(new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload))).setProtectedHeader(header).sign(key);
const plain = { alg: 'ES256', kid: 'es', typ: 'at+jwt' };

// No signature.
hostile('alg: none', 'CVE-2015-9235; RFC 8725 2.1', () => new UnsecuredJWT(claims()).encode());
for (const alg of ['None', 'NONE', 'nOnE', '', 'none ']) hostile(`alg: ${JSON.stringify(alg)} without a signature`, 'CVE-2015-9235; RFC 8725 2.1', () => forge({ ...plain, alg }, claims()));
hostile('alg: none with a good signature behind it', 'CVE-2015-9235', async () => {
  const [, , signature] = (await issuer.mint()).split('.');
  return forge({ ...plain, alg: 'none' }, claims(), Buffer.from(signature, 'base64url'));
});
hostile('ES256 without a signature', 'RFC 7515 5.2', () => forge(plain, claims()));
hostile('no alg at all', 'RFC 7515 4.1.1', () => forge({ kid: 'es' }, claims()));
hostile('two parts', 'RFC 7515 3.1', () => forge(plain, claims()).slice(0, -1));
hostile('four parts', 'RFC 7515 3.1', async () => `${await issuer.mint()}.x`);
hostile('five parts that are no JWE', 'RFC 7516 3.1', async () => `${await issuer.mint()}.x.y`);

// Algorithm confusion.
hostile('HS256 keyed with the public RSA key (PEM)', 'CVE-2016-5431; RFC 8725 2.1', async () => {
  const head = `${base64url.encode(JSON.stringify({ alg: 'HS256', kid: 'rs', typ: 'at+jwt' }))}.${base64url.encode(JSON.stringify(claims()))}`;
  return `${head}.${createHmac('sha256', await exportSPKI(rs.publicKey)).update(head).digest('base64url')}`;
});
hostile('HS256 keyed with the public RSA key (DER)', 'CVE-2016-5431', async () => {
  const head = `${base64url.encode(JSON.stringify({ alg: 'HS256', kid: 'rs' }))}.${base64url.encode(JSON.stringify(claims()))}`;
  const der = createPublicKey(await exportSPKI(rs.publicKey)).export({ type: 'spki', format: 'der' });
  return `${head}.${createHmac('sha256', der).update(head).digest('base64url')}`;
});
hostile('HS256 keyed with the modulus', 'CVE-2016-5431', () => {
  const head = `${base64url.encode(JSON.stringify({ alg: 'HS256', kid: 'rs' }))}.${base64url.encode(JSON.stringify(claims()))}`;
  return `${head}.${createHmac('sha256', Buffer.from(rs.jwk.n, 'base64url')).update(head).digest('base64url')}`;
});
hostile('HS256 keyed with nothing', 'CVE-2015-9235', () => {
  const head = `${base64url.encode(JSON.stringify({ alg: 'HS256' }))}.${base64url.encode(JSON.stringify(claims()))}`;
  return `${head}.${createHmac('sha256', '').update(head).digest('base64url')}`;
});
hostile('RS256 in the header, an EC key by its kid', 'RFC 8725 3.1', async () => sign(claims(), { alg: 'RS256', kid: 'es' }, rs.privateKey));
hostile('ES256 in the header, an RSA key by its kid', 'RFC 8725 3.1', async () => sign(claims(), { alg: 'ES256', kid: 'rs' }));
hostile('PS256 with an RS256 key: not among the algorithms', 'RFC 8725 3.1', async () => {
  const ps = await makeKey('PS256', 'rs');
  return sign(claims(), { alg: 'PS256', kid: 'rs' }, ps.privateKey);
});
hostile('alg in another case', 'RFC 7515 4.1.1: case-sensitive', async () => {
  const [, payload, signature] = (await issuer.mint()).split('.');
  return `${base64url.encode(JSON.stringify({ ...plain, alg: 'es256' }))}.${payload}.${signature}`;
});

// Signatures that are too easy.
hostile('r = s = 0 (psychic signatures)', 'CVE-2022-21449', () => forge(plain, claims(), Buffer.alloc(64)));
hostile('r = n, s = n', 'CVE-2022-21449', () => forge(plain, claims(), Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex')));
hostile('r = 1, s = 0', 'CVE-2022-21449', () => forge(plain, claims(), Buffer.concat([Buffer.alloc(31), Buffer.from([1]), Buffer.alloc(32)])));
hostile('an ECDSA signature in DER', 'RFC 7518 3.4', async () => {
  const [head, payload, signature] = (await issuer.mint()).split('.');
  const raw = Buffer.from(signature, 'base64url');
  const integer = (bytes) => {
    const value = bytes[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, value.length]), value]);
  };
  const both = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return `${head}.${payload}.${Buffer.concat([Buffer.from([0x30, both.length]), both]).toString('base64url')}`;
});
for (const size of [1, 63, 65, 96, 128]) hostile(`an ECDSA signature of ${size} octets`, 'RFC 7518 3.4', () => forge(plain, claims(), Buffer.alloc(size, 1)));
hostile('an RSA signature of zero', 'RFC 8017 8.2.2', () => forge({ alg: 'RS256', kid: 'rs' }, claims(), Buffer.alloc(256)));
hostile('an RSA signature of one octet', 'RFC 8017 8.2.2', () => forge({ alg: 'RS256', kid: 'rs' }, claims(), Buffer.from([1])));
hostile('an Ed25519 signature of zeros', 'RFC 8032 5.1.7', () => forge({ alg: 'EdDSA', kid: 'ed' }, claims(), Buffer.alloc(64)));
hostile('padding on the signature', 'RFC 7515 2: without padding', async () => `${await issuer.mint()}==`);
hostile('the last character changed where its bits are unused', 'RFC 4648 3.5: one token, one spelling', async () => {
  const token = await issuer.mint();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)) ^ 1];
});
hostile('base64 in the place of base64url', 'RFC 7515 2', async () => {
  for (;;) {
    const token = await issuer.mint({ jti: String(Math.random()) });
    if (/[-_]/.test(token.split('.')[2])) return token.replace(/\.([^.]*)$/, (_, s) => `.${s.replaceAll('-', '+').replaceAll('_', '/')}`);
  }
});

// Keys that the token brings along.
hostile('an embedded jwk', 'CVE-2018-0114', async () => sign(claims(), { alg: 'ES256', jwk: attacker.jwk }, attacker.privateKey));
hostile('an embedded jwk under a known kid', 'CVE-2018-0114', async () => sign(claims(), { ...plain, jwk: attacker.jwk }, attacker.privateKey));
hostile('jku', 'RFC 8725 3.10', async () => sign(claims(), { alg: 'ES256', kid: 'lure', jku: lureUrl }, attacker.privateKey));
hostile('jku that looks like the issuer\'s', 'RFC 8725 3.10', async () => sign(claims(), { ...plain, jku: `${issuer.issuer}@127.0.0.1:${lure.address().port}/jwks` }, attacker.privateKey));
hostile('x5u', 'RFC 8725 3.10', async () => sign(claims(), { alg: 'ES256', x5u: lureUrl }, attacker.privateKey));
hostile('x5c', 'RFC 8725 3.10', async () => sign(claims(), { alg: 'ES256', x5c: ['MIIB'] }, attacker.privateKey));
for (const kid of ['../../../../dev/null', '/dev/null', "es' OR '1'='1", 'es\u0000', '|ls', lureUrl, '__proto__', 'a'.repeat(5000), '', 'ES', ' es']) {
  hostile(`kid ${JSON.stringify(kid).slice(0, 30)}`, 'kid injection: RFC 8725 3.10', async () => sign(claims(), { alg: 'ES256', kid }, attacker.privateKey));
}
hostile('a kid that is a number', 'RFC 7515 4.1.4', () => forge({ ...plain, kid: 1 }, claims(), Buffer.alloc(64, 1)));
hostile('the thumbprint of a key for its kid', 'RFC 7638', async () => sign(claims(), { alg: 'ES256', kid: await calculateJwkThumbprint(attacker.jwk) }, attacker.privateKey));
hostile('crit with an extension that nobody knows', 'RFC 7515 4.1.11', async () => {
  const head = base64url.encode(JSON.stringify({ ...plain, crit: ['http://example.test/unknown'], 'http://example.test/unknown': true }));
  const payload = base64url.encode(JSON.stringify(claims()));
  return `${head}.${payload}.${createSign('sha256').update(`${head}.${payload}`).sign({ key: es.privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
});
hostile('b64: false', 'RFC 7797 6', () => sign(claims(), { ...plain, b64: false, crit: ['b64'] }).catch(() => forge({ ...plain, b64: false, crit: ['b64'] }, claims(), Buffer.alloc(64, 1))));

// Wrapped.
hostile('a JWE around an unsigned token', 'CVE-2026-29000 pac4j; RFC 8725 2.3', async () =>
  new CompactEncrypt(new TextEncoder().encode(new UnsecuredJWT(claims()).encode())).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: 'rs' }).encrypt(toEncrypt),
);
hostile('a JWE around plain claims', 'RFC 8725 2.3', async () =>
  new CompactEncrypt(new TextEncoder().encode(JSON.stringify(claims()))).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rs' }).encrypt(toEncrypt),
);
hostile('a good token inside a token', 'RFC 7519 5.2', async () => sign(await issuer.mint(), { ...plain, cty: 'JWT' }));
hostile('the JSON serialisation', 'RFC 7515 7.2', async () => {
  const [head, payload, signature] = (await issuer.mint()).split('.');
  return Buffer.from(JSON.stringify({ protected: head, payload, signature })).toString('base64url');
});

// Claims, all of them signed by the right key.
const raw = (text) => sign(text, plain);
const body = (changes) => JSON.stringify({ ...claims(), ...changes });
hostile('duplicate claims', 'RFC 7519 4: reject or take the last, never guess', () => raw(`{"sub":"root",${body().slice(1)}`));
hostile('duplicate claims where one is spelt with an escape', 'RFC 8259 4', () => raw(body().replace('{', '{"\\u0073ub":"root",')));
hostile('duplicate header members', 'RFC 7515 4', async () => {
  const head = base64url.encode('{"alg":"none","alg":"ES256","kid":"es"}');
  const [, payload, signature] = (await issuer.mint()).split('.');
  return `${head}.${payload}.${signature}`;
});
hostile('an expired token', 'RFC 7519 4.1.4', () => issuer.mint({ exp: now() - 3600 }));
hostile('a token that begins in the future', 'RFC 7519 4.1.5', () => issuer.mint({ nbf: now() + 3600 }));
hostile('a token issued in the future', 'RFC 7519 4.1.6', () => issuer.mint({ iat: now() + 7200, exp: now() + 7300 }));
hostile('a token without exp', 'RFC 8725 and design 7: none is for ever', () => issuer.mint({ exp: undefined }));
hostile('a token for ten years', 'authenticators.*.jwt.maximum_age', () => issuer.mint({ exp: now() + 10 * 365 * 86400 }));
for (const exp of ['"9999999999"', 'null', 'true', '1e400', '-1', '[9999999999]', '{}']) {
  hostile(`exp: ${exp}`, 'RFC 7519 2: NumericDate', () => raw(body({ exp: 0 }).replace('"exp":0', `"exp":${exp}`)));
}
hostile('the wrong issuer', 'RFC 8725 3.8', () => issuer.mint({ iss: second.issuer }));
hostile('no issuer', 'RFC 8725 3.8', () => issuer.mint({ iss: undefined }));
hostile('an issuer with a slash more', 'RFC 8725 3.8: exact', () => issuer.mint({ iss: `${issuer.issuer}/` }));
hostile('a list of issuers', 'CVE-2024-53861 PyJWT', () => issuer.mint({ iss: [issuer.issuer, 'x'] }));
hostile('a part of the issuer', 'CVE-2024-53861 PyJWT', () => issuer.mint({ iss: issuer.issuer.slice(0, -1) }));
hostile('the wrong audience', 'RFC 8725 3.9', () => issuer.mint({ aud: 'urn:other' }));
hostile('no audience', 'RFC 8725 3.9', () => issuer.mint({ aud: undefined }));
hostile('an empty list of audiences', 'RFC 8725 3.9', () => issuer.mint({ aud: [] }));
hostile('an audience in another case', 'RFC 7519 4.1.3: case-sensitive', () => issuer.mint({ aud: 'URN:ORDERS' }));
hostile('an audience that contains ours', 'CVE-2020-26160 jwt-go', () => issuer.mint({ aud: 'urn:orders.evil' }));
hostile('a null audience', 'RFC 7519 4.1.3', () => issuer.mint({ aud: null }));
hostile('an audience that is an object', 'RFC 7519 4.1.3', () => issuer.mint({ aud: { 'urn:orders': true } }));
hostile('no subject', 'design 7: an identity has a subject', () => issuer.mint({ sub: undefined }));
hostile('a subject that is a number', 'RFC 7519 4.1.2', () => issuer.mint({ sub: 1 }));
hostile('a subject with a line end', 'CWE-113: it could become a field of the upstream', () => issuer.mint({ sub: 'alice\r\nx-admin: true' }));
hostile('an ID token', 'RFC 8725 3.11; RFC 9068 4', () => issuer.mint({ nonce: 'x' }, { header: { typ: 'id+jwt' } }));
hostile('a token of another kind by its typ', 'RFC 8725 3.11', () => issuer.mint({}, { header: { typ: 'logout+jwt' } }));
hostile('claims that are not an object', 'RFC 7519 7.2', () => raw('["sub"]'));
hostile('claims that are not JSON', 'RFC 7519 7.2', () => raw('{"sub":"root"'));
hostile('claims with rubbish behind them', 'RFC 8259 2', () => raw(`${body()}x`));
hostile('claims that are not UTF-8', 'RFC 7519 7.2', () => new CompactSign(Buffer.from(body({ sub: 'al\xffice' }), 'latin1')).setProtectedHeader(plain).sign(es.privateKey));
hostile('claims nested 10,000 deep', 'CVE-2020-36518 jackson-databind', () => raw(`{"x":${'['.repeat(3000)}${']'.repeat(3000)},${body().slice(1)}`));

test('a token of 64 KiB is refused by the bound on heads, not parsed (RFC 6585 5)', async () => {
  const response = await ask(await issuer.mint({ x: 'a'.repeat(64 * 1024) }));
  assert.ok([431, 401].includes(response.status), String(response.status));
});

// Where a token may stand.
for (const [name, options] of [
  ['in the query', { path: (t) => `/orders?access_token=${t}` }],
  ['in a cookie', { headers: (t) => ({ cookie: `access_token=${t}; authorization=Bearer ${t}` }) }],
  ['in another field', { headers: (t) => ({ 'x-authorization': `Bearer ${t}`, 'proxy-authorization': `Bearer ${t}` }) }],
  ['in a form', { body: (t) => `access_token=${t}`, headers: () => ({ 'content-type': 'application/x-www-form-urlencoded' }), method: 'POST' }],
]) {
  test(`a good token ${name} opens nothing (RFC 6750 2, 5.3)`, async () => {
    const token = await issuer.mint();
    const before = upstream.requests.length;
    const response = await request(gateway.port, options.path?.(token) ?? '/orders', { headers: options.headers?.(token) ?? {}, body: options.body?.(token), method: options.method });
    assertProblem(response, 401, 'credentials-missing');
    assert.equal(upstream.requests.length, before);
  });
}

// Replay from one authenticator to another.
test('a token of one authenticator does not open an operation of another, through the cache neither (RFC 8725 3.8)', async () => {
  const [ours, theirs] = [await issuer.mint(), await second.mint()];
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await ask(ours, '/orders')).status, 200);
    assert.equal((await ask(theirs, '/partner')).status, 200);
    assertProblem(await ask(ours, '/partner'), 401, 'credentials-invalid');
    assertProblem(await ask(theirs, '/orders'), 401, 'credentials-invalid');
  }
});

test('where both are accepted each speaks for itself alone', async () => {
  const [ours, theirs] = [await issuer.mint({ sub: 'alice', jti: 'a' }), await second.mint({ sub: 'alice', jti: 'b' })];
  assert.equal((await ask(ours, '/either')).status, 200);
  assert.equal((await ask(theirs, '/either')).status, 200);
  await gateway.entry((e) => e.operation === 'either' && e.subject === 'partner|alice');
  await gateway.entry((e) => e.operation === 'either' && e.subject === 'corporate|alice');
  assertProblem(await ask(await issuer.mint({ iss: second.issuer }), '/either'), 401, 'credentials-invalid');
});

test('after a reload the cache of the old configuration opens nothing', async () => {
  const own = await Gateway.start(config());
  const token = await issuer.mint();
  for (let i = 0; i < 10; i += 1) assert.equal((await ask(token, '/orders', own)).status, 200);
  const changes = [
    ['another audience', { corporate: issuer.authenticator({ algorithms, audience: 'urn:else' }) }, 401],
    ['as it was', { corporate: issuer.authenticator({ algorithms }) }, 200],
    ['another issuer under the name', { corporate: third.authenticator() }, 401],
    ['as it was', { corporate: issuer.authenticator({ algorithms }) }, 200],
    ['fewer algorithms', { corporate: issuer.authenticator({ algorithms: ['RS256'] }) }, 401],
  ];
  for (const [name, authenticators, status] of changes) {
    assert.equal((await own.reload(config({ authenticators: { ...authenticators, partner: second.authenticator() } }))).event, 'reloaded', name);
    for (let i = 0; i < 4; i += 1) assert.equal((await ask(token, '/orders', own)).status, status, name);
  }
  await own.stop();
});

test('a token whose signature differs from a cached one in its last octet is another token (design 7: compared, not only hashed)', async () => {
  const token = await issuer.mint();
  for (let i = 0; i < 4; i += 1) assert.equal((await ask(token)).status, 200);
  const [head, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[63] ^= 1;
  for (let i = 0; i < 4; i += 1) assertProblem(await ask(`${head}.${payload}.${bytes.toString('base64url')}`), 401, 'credentials-invalid');
});

test('the signature of one token under the claims of another', async () => {
  const [clerk, boss] = [await issuer.mint({ sub: 'clerk' }), await issuer.mint({ sub: 'boss' })];
  const [head, payload] = boss.split('.');
  assertProblem(await ask(`${head}.${payload}.${clerk.split('.')[2]}`), 401, 'credentials-invalid');
});

// Timing.
test('how much of an API key is right does not show in the time of the answer (CWE-208)', async () => {
  const own = await Gateway.start(config({ api: { authenticate: ['machine'], routes: [{ path: '/orders', methods: ['GET'], operation: 'orders' }] }, roles: { clerk: ['orders'] }, log: { access: 'off' } }));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const wrong = (kept) => machine.key.slice(0, kept) + 'x'.repeat(machine.key.length - kept);
  const samples = { none: [], most: [] };
  for (let i = 0; i < 600; i += 1) {
    for (const [name, key] of [['none', wrong(0)], ['most', wrong(machine.key.length - 1)]]) {
      const start = process.hrtime.bigint();
      const response = await request(own.port, '/orders', { headers: { 'x-api-key': key }, agent });
      samples[name].push(Number(process.hrtime.bigint() - start));
      assert.equal(response.status, 401);
    }
  }
  agent.destroy();
  const [none, most] = [median(samples.none), median(samples.most)];
  assert.ok(Math.abs(none - most) < 0.1 * Math.max(none, most), `medians ${none} ns and ${most} ns`);
  await own.stop();
});

