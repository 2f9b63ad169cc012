// `portcullis explain`: each row of a table of requests is sent to a running gateway and given to `explain` on the
// same file; what it says must be what happened. Then: the lines that it names, and what it never prints.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { kMethods, openConfig } from '../support/config.mjs';
import { problemType } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { makeKey, now, startKeyServer } from '../support/issuer.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { roundTrip } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const upstream = await startUpstream();
const issuer = await startKeyServer();
const stranger = await makeKey('ES256', issuer.keys[0].kid);
const nightly = makeApiKey('nightly', { roles: ['clerk'] });
const past = makeApiKey('past', { roles: ['clerk'], expires: '2020-01-31' });
const gateway = await Gateway.start(
  openConfig(upstream.target, {
    listener: { limits: { head_size: '4KiB' } },
    api: {
      hosts: ['shop.test'],
      base_path: '/v1',
      authenticate: ['machine', 'corporate'],
      limits: ['flood', 'each'],
      body_size: '2KiB',
      routes: [
        { path: '/orders', methods: ['GET', 'POST'], operation: 'orders' },
        { path: '/orders/{id}', methods: ['GET'], operation: 'order' },
        { path: '/refunds', methods: ['POST'], operation: 'refunds' },
        { path: '/health', methods: kMethods, operation: 'health', authenticate: 'none' },
      ],
      forward: { identity: { 'x-user': 'subject', 'x-roles': 'roles' } },
    },
    authenticators: { machine: keyAuthenticator([nightly, past]), corporate: issuer.authenticator() },
    roles: { clerk: ['orders', 'order'], manager: ['clerk', 'refunds'] },
    limits: { flood: { key: 'client.address', rate: '1000/s' }, each: { key: ['identity.subject', 'operation'], rate: '500/15m', burst: 7000 } },
  }),
);
const keysFile = join(gateway.folder, 'keys.json');
await writeFile(keysFile, JSON.stringify({ keys: issuer.keys.map((key) => key.jwk) }));
const authority = await makeAuthority();
const { cert, key: certKey } = await authority.issue('shop', ['shop.test']);
const shaped = await Gateway.start({
  version: 1,
  workers: 1,
  listeners: {
    public: { address: '127.0.0.1:0' },
    secure: { address: '127.0.0.1:0', tls: { certificates: [{ cert, key: certKey }], hsts: '365d' } },
    plain: { address: '127.0.0.1:0', redirect_https: { port: 443 } },
  },
  apis: {
    shop: {
      listeners: ['public', 'secure'],
      hosts: ['shop.test'],
      base_path: '/v1',
      strip_prefix: true,
      rewrite: [{ from: '/orders/{id}', to: '/items/{id}/now' }],
      upstream: 'shop',
      authenticate: 'none',
      cors: { origins: ['https://app.test'], credentials: true },
      addresses: { deny: ['203.0.113.0/24', '127.0.0.9/32'] },
      request_headers: { set: { 'x-from': '{client.address}' }, remove: ['x-debug'] },
      response_headers: { set: { 'x-frame-options': 'DENY' } },
      routes: [
        { path: '/orders/{id}', methods: ['GET'], operation: 'order' },
        { path: '/rest/{path...}', methods: ['GET'], operation: 'rest' },
        { path: '/in', methods: ['POST'], operation: 'in', decompress: { ratio: 20, size: '1MiB' } },
        { path: '/chat', methods: ['GET'], operation: 'chat', upgrade: 'websocket' },
        { path: '/up', methods: ['GET'], operation: 'up', respond: { body: 'up' } },
        { path: '/old', methods: ['GET'], operation: 'old', redirect: { to: '/v1/up', status: 308 } },
      ],
    },
    down: { listeners: ['public'], hosts: ['down.test'], upstream: 'shop', authenticate: 'none', maintenance: { retry_after: '10m' }, routes: [{ path: '/', methods: ['GET'], operation: 'root' }] },
  },
  upstreams: { shop: { targets: [upstream.target] } },
});
const source = (await readFile(gateway.file, 'utf8')).split('\n');
after(async () => {
  await gateway.stop();
  await shaped.stop();
  await authority.remove();
  await upstream.stop();
  await issuer.stop();
});

const explain = (...args) => run(['explain', '-c', gateway.file, ...args]);

async function explained(...args) {
  const { code, stdout, stderr } = await explain('--json', ...args);
  assert.notEqual(code, 2, stderr);
  const answer = JSON.parse(stdout);
  assert.equal(code, answer.allowed ? 0 : 1);
  return answer;
}

const minted = await issuer.mint();
const key = `x-api-key: ${nightly.key}`;
const table = [
  { why: 'a key with the role', ask: ['GET', '/v1/orders'], fields: [key] },
  { why: 'with a query', ask: ['GET', '/v1/orders?a=1&b=hidden-in-query'], fields: [key] },
  { why: 'a path that is canonical only at the end', ask: ['GET', '/v1/./orders/%41/../7'], fields: [key] },
  { why: 'HEAD goes to the route of GET', ask: ['HEAD', '/v1/orders/7'], fields: [key] },
  { why: 'a token', ask: ['GET', '/v1/orders/7'], token: minted },
  { why: 'a manager by inclusion', ask: ['GET', '/v1/orders/7'], token: await issuer.mint({ roles: ['manager'] }) },
  { why: 'an open route', ask: ['GET', '/v1/health'] },
  { why: 'an open route does not look at credentials', ask: ['GET', '/v1/health'], fields: ['x-api-key: nonsense'] },
  { why: 'identity from outside is removed', ask: ['GET', '/v1/orders'], fields: [key, 'X-User: root', 'x_user: root', 'X-Forwarded-For: 10.0.0.1'] },
  { why: 'hop-by-hop fields are removed', ask: ['GET', '/v1/orders'], fields: [key, 'Connection: x-private', 'X-Private: 1', 'TE: trailers', 'Accept: */*'] },
  { why: 'a body within the bound', ask: ['POST', '/v1/orders'], fields: [key, 'Content-Length: 2'], body: 'hi' },
  { why: 'a chunked body', ask: ['POST', '/v1/orders'], fields: [key, 'Transfer-Encoding: chunked'], body: '2\r\nhi\r\n0\r\n\r\n' },

  { why: 'no credentials', ask: ['GET', '/v1/orders'] },
  { why: 'an unknown key', ask: ['GET', '/v1/orders'], fields: ['x-api-key: pc_nightly_wrong'] },
  { why: 'a key of the past', ask: ['GET', '/v1/orders'], fields: [`x-api-key: ${past.key}`] },
  { why: 'two credentials', ask: ['GET', '/v1/orders'], fields: [key], token: minted },
  { why: 'a key twice', ask: ['GET', '/v1/orders'], fields: [key, key] },
  { why: 'an expired token', ask: ['GET', '/v1/orders'], token: await issuer.mint({ exp: now() - 600 }) },
  { why: 'another audience', ask: ['GET', '/v1/orders'], token: await issuer.mint({ aud: 'others' }) },
  { why: 'another issuer', ask: ['GET', '/v1/orders'], token: await issuer.mint({ iss: 'https://else.test' }) },
  { why: 'a signature by somebody else', ask: ['GET', '/v1/orders'], token: await issuer.mint({}, { key: stranger }) },
  { why: 'no token at all', ask: ['GET', '/v1/orders'], token: 'nonsense' },
  { why: 'a role is missing', ask: ['POST', '/v1/refunds'], fields: [key] },
  { why: 'no role at all', ask: ['GET', '/v1/orders'], token: await issuer.mint({ roles: undefined }) },
  { why: 'no such path', ask: ['GET', '/v1/order'], fields: [key] },
  { why: 'the base path is missing', ask: ['GET', '/orders'], fields: [key] },
  { why: 'no such method', ask: ['DELETE', '/v1/orders'], fields: [key] },
  { why: 'no such host', ask: ['GET', '/v1/orders'], host: 'shop.test.evil', fields: [key] },
  { why: 'a body that is announced too large', ask: ['POST', '/v1/orders'], fields: [key, 'Content-Length: 2049'] },
  { why: 'a double slash', ask: ['GET', '/v1//orders'], fields: [key] },
  { why: 'an encoded slash', ask: ['GET', '/v1/orders%2f7'], fields: [key] },
  { why: 'above the root', ask: ['GET', '/../v1/orders'], fields: [key] },
  { why: 'a malformed escape', ask: ['GET', '/v1/orders/%4'], fields: [key] },
  { why: 'a malformed query', ask: ['GET', '/v1/orders?a=%zz'], fields: [key] },
  { why: 'a space in a name', ask: ['GET', '/v1/orders'], fields: ['x y: 1'] },
  { why: 'a field without colon', ask: ['GET', '/v1/orders'], fields: ['nonsense'] },
  { why: 'a malformed host', ask: ['GET', '/v1/orders'], host: 'a b' },
  { why: 'two hosts', ask: ['GET', '/v1/orders'], fields: ['Host: other.test'] },
  { why: 'two lengths', ask: ['POST', '/v1/orders'], fields: ['Content-Length: 1', 'Transfer-Encoding: chunked'] },
  { why: 'an unknown coding', ask: ['POST', '/v1/orders'], fields: ['Transfer-Encoding: gzip'] },
  { why: 'a method that is none', ask: ['G(T', '/v1/orders'] },
  { why: 'CONNECT', ask: ['CONNECT', '/v1/orders'] },
  { why: 'a head that is too large', ask: ['GET', '/v1/orders'], fields: [`x-large: ${'a'.repeat(5000)}`] },
  { why: 'a line that is too long', ask: ['GET', `/v1/${'a'.repeat(5000)}`] },
  { why: 'an unknown expectation', ask: ['POST', '/v1/orders'], fields: [key, 'Expect: wonders', 'Content-Length: 1'] },
];

/** Sends the row's request to the gateway and gives it to explain; the two must agree. */
async function compare({ gateway: asked, upstream: behind, listener = 'public' }, { ask, host = 'shop.test', fields = [], token, body = '' }) {
  const lines = [`${ask[0]} ${ask[1]} HTTP/1.1`, `Host: ${host}`, ...fields];
  if (token) lines.push(`Authorization: Bearer ${token}`);
  const before = behind.requests.length;
  const response = await roundTrip(asked.listeners[listener], `${lines.join('\r\n')}\r\n\r\n${body}`, { head: ask[0] === 'HEAD' });
  const seen = behind.requests.slice(before);

  const args = [...ask, '--listener', listener, '-H', `Host: ${host}`, ...fields.flatMap((field) => ['-H', field]), '--keys', keysFile];
  if (token) args.push('--token', token);
  const { code, stdout, stderr } = await run(['explain', '--json', '-c', asked.file, ...args]);
  assert.notEqual(code, 2, stderr);
  const said = JSON.parse(stdout);
  assert.equal(code, said.allowed ? 0 : 1);

  if (seen.length > 0) {
    assert.equal(response.status, 200);
    assert.equal(said.allowed, true, stdout);
    const [{ method, url, fields: sent }] = seen;
    assert.equal(said.upstream.line, `${method} ${url.replace(/\?.+/s, '?…')} HTTP/1.1`);
    const names = [...said.upstream.written.map(({ name }) => name), ...said.upstream.passed];
    assert.deepEqual(names.toSorted(), sent.map(([name]) => name).toSorted());
    for (const { name, value } of said.upstream.written) {
      if (name !== 'x-request-id') assert.ok(sent.some(([n, v]) => n === name && v === value), `${name}: ${value}`);
    }
    for (const name of said.upstream.removed) assert.ok(!sent.some(([n]) => n === name), name);
    return said;
  }
  assert.ok(said.answer, stdout);
  assert.equal(said.answer.status, response.status, stdout);
  const log = await asked.entry(response.header('x-request-id'));
  if (log.refusal) {
    assert.equal(said.allowed, false, stdout);
    assert.equal(said.steps.at(-1).outcome, 'refused');
    assert.equal(said.steps.at(-1).step, log.refusal.step);
    assert.equal(said.answer.type, problemType(log.refusal.type));
    assert.equal(said.answer.rule, log.refusal.rule);
    assert.equal(said.answer.reason, log.refusal.reason);
  } else {
    assert.equal(said.allowed, true, stdout);
    assert.match(said.steps.at(-1).facts.at(-1).what, /^answered here: /);
  }
  for (const name of ['www-authenticate', 'allow', 'location', 'retry-after', 'vary', 'access-control-allow-origin', 'access-control-allow-methods']) {
    assert.deepEqual(said.answer.fields.filter((field) => field.name === name).map(({ value }) => value), response.headers(name), name);
  }
  return said;
}

for (const { why, ...row } of table) {
  test(`as it happens: ${why} (${row.ask[0]} ${row.ask[1].slice(0, 40)})`, async () => {
    const said = await compare({ gateway, upstream }, row);
    for (const step of said.steps.slice(0, -1)) assert.equal(step.outcome, 'ok');
    // What the client could be holding is in nothing that is said.
    for (const secret of [row.token, nightly.key, past.key, 'hidden-in-query']) if (secret) assert.ok(!JSON.stringify(said).includes(secret));
  });
}

const origin = 'Origin: https://app.test';
for (const { why, fact, ...row } of [
  { why: 'a path that is rewritten', ask: ['GET', '/v1/orders/7?a=b'], fields: ['X-Debug: 1'], fact: /shop\.rewrite/ },
  { why: 'a path without its prefix', ask: ['GET', '/v1/rest/a/b/c'], fact: /shop\.strip_prefix/ },
  { why: 'a field from outside that is ours', ask: ['GET', '/v1/rest/a'], fields: ['X-From: 10.0.0.1'], fact: /shop\.request_headers/ },
  { why: 'a page of another origin', ask: ['GET', '/v1/rest/a'], fields: [origin], fact: /shop\.cors/ },
  { why: 'a preflight', ask: ['OPTIONS', '/v1/orders/7'], fields: [origin, 'Access-Control-Request-Method: GET'], fact: /answered here: apis\.shop\.cors/ },
  { why: 'a preflight from elsewhere', ask: ['OPTIONS', '/v1/orders/7'], fields: ['Origin: https://evil.test', 'Access-Control-Request-Method: GET'], fact: /apis\.shop\.cors/ },
  { why: 'an answer of its own', ask: ['GET', '/v1/up'], fact: /answered here: apis\.shop\.routes\[4\]\.respond/ },
  { why: 'a redirect of its own', ask: ['GET', '/v1/old'], fact: /answered here: apis\.shop\.routes\[5\]\.redirect/ },
  { why: 'a coding that nobody decodes', ask: ['POST', '/v1/in'], fields: ['Content-Encoding: lzma', 'Content-Length: 2'], body: 'hi', fact: /decompress/ },
  { why: 'an upgrade that is malformed', ask: ['GET', '/v1/chat'], fields: ['Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 12', origin], fact: /apis\.shop\.upgrade/ },
  { why: 'a page that may not open a WebSocket', ask: ['GET', '/v1/chat'], fields: ['Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Origin: https://evil.test'], fact: /apis\.shop\.cors/ },
  { why: 'an upgrade that nothing permits', ask: ['GET', '/v1/rest/a'], fields: ['Connection: upgrade', 'Upgrade: websocket'], fact: /strip_prefix/ },
  { why: 'maintenance', ask: ['GET', '/'], host: 'down.test', fact: /apis\.down\.maintenance: the API is down/ },
  { why: 'clear text that is led to https', ask: ['GET', '/v1/up?a=b'], listener: 'plain', fact: /answered here: listeners\.plain\.redirect_https/ },
  { why: 'a host that is nowhere on https', ask: ['GET', '/'], listener: 'plain', host: 'else.test', fact: /listeners\.plain\.redirect_https/ },
  { why: 'a refusal that a page may read', ask: ['GET', '/v1/nothing'], fields: [origin], fact: /no route/ },
]) {
  test(`as it happens, shaped: ${why}`, async () => {
    const said = await compare({ gateway: shaped, upstream, listener: row.listener }, row);
    const facts = said.steps.at(-1).facts;
    const found = facts.find(({ what }) => fact.test(what));
    assert.ok(found, JSON.stringify(facts));
    assert.match(found.at, /portcullis\.yaml:\d+$/);
  });
}

test('a client certificate is judged as a handshake judges it', async () => {
  const [partners, strangers] = [await makeAuthority(), await makeAuthority()];
  const good = await partners.issue('client', ['client.test']);
  const foreign = await strangers.issue('client', ['client.test']);
  const revoked = await partners.issue('revoked', ['client.test']);
  const list = await partners.revocations('list.crl', [revoked]);
  const server = await Gateway.start({
    version: 1,
    workers: 1,
    listeners: {
      public: { address: '127.0.0.1:0' },
      secure: { address: '127.0.0.1:0', tls: { certificates: [{ cert, key: certKey }], client_ca: partners.caFile, client_crl: list } },
    },
    authenticators: { partner: { mutual_tls: { subject: 'san.dns', roles: ['partner'] } } },
    roles: { partner: ['get'] },
    apis: {
      shop: {
        listeners: ['secure'],
        hosts: ['shop.test', 'other.test'],
        upstream: 'shop',
        authenticate: ['partner'],
        forward: { identity: { 'x-user': 'subject' }, client_certificate: 'leaf' },
        routes: [{ path: '/', methods: ['GET'], operation: 'get' }],
      },
    },
    upstreams: { shop: { targets: [upstream.target] } },
  });
  try {
    const ask = async (shown, host = 'shop.test') => {
      const tls = { ca: authority.ca, servername: 'shop.test', cert: shown && (await readFile(shown.cert)), key: shown && (await readFile(shown.key)) };
      return request(server.listeners.secure, '/', { headers: { host }, tls });
    };
    const say = async (...args) => {
      const { code, stdout, stderr } = await run(['explain', '--json', '-c', server.file, 'GET', 'https://shop.test/', ...args]);
      assert.notEqual(code, 2, stderr);
      return JSON.parse(stdout);
    };
    const [real, said] = [await ask(good), await say('--cert', good.cert)];
    assert.equal(real.status, 200);
    assert.equal(said.allowed, true, JSON.stringify(said));
    assert.deepEqual([said.steps[0].number, said.steps[0].step], [1, 'accept']);
    const sent = upstream.requests.at(-1).fields;
    for (const name of ['x-user', 'client-cert']) {
      assert.equal(said.upstream.written.find((field) => field.name === name).value, sent.find(([n]) => n === name)[1], name);
    }
    await assert.rejects(ask(foreign));
    const closed = await say('--cert', foreign.cert);
    assert.equal(closed.allowed, false);
    assert.equal(closed.answer.status, 0);
    assert.equal(closed.steps.length, 1);
    assert.match(closed.steps[0].facts[0].at, /portcullis\.yaml:\d+$/);
    // It is the list that refuses it, and so its line.
    await assert.rejects(ask(revoked));
    const [fact] = (await say('--cert', revoked.cert)).steps[0].facts;
    assert.match(fact.what, /^listeners\.secure\.tls\.client_crl: .*revoked/);
    const lines = (await readFile(server.file, 'utf8')).split('\n');
    assert.match(lines[Number(fact.at.split(':').at(-1)) - 1], /client_crl/);
    // Whom the handshake asked for is the URL's host, whatever `Host` says then.
    assert.equal((await ask(good, 'other.test')).status, 421);
    assert.equal((await say('--cert', good.cert, '-H', 'Host: other.test')).answer.status, 421);
    assert.equal((await ask()).status, 401);
    assert.equal((await say()).answer.status, 401);
    const text = await run(['explain', '-c', server.file, 'GET', 'https://shop.test/', '--cert', foreign.cert]);
    assert.match(text.stdout, /^ {2}1 accept {8}closed .*client_ca/m);
    assert.match(text.stdout, /^no: the handshake ends, and the connection is closed$/m);
    const clear = await run(['explain', '-c', server.file, 'GET', '/', '--listener', 'public', '--cert', good.cert]);
    assert.equal(clear.code, 2);
    assert.match(clear.stderr, /the listener public has no `tls`/);
  } finally {
    await server.stop();
    await partners.remove();
    await strangers.remove();
  }
});

test('an address that may not call', async () => {
  const args = ['GET', '/v1/up', '-H', 'Host: shop.test', '--listener', 'public', '--json', '-c', shaped.file];
  const denied = JSON.parse((await run(['explain', ...args, '--address', '203.0.113.7'])).stdout);
  assert.equal(denied.answer.status, 403);
  assert.equal(denied.answer.rule, 'apis.shop.addresses.deny');
  assert.equal(denied.steps.at(-1).step, 'admit');
  assert.equal(JSON.parse((await run(['explain', ...args, '--address', '198.51.100.7'])).stdout).allowed, true);
});

/** The text of the configuration's line that a fact names. */
function lineOf(at) {
  const match = /^(.*):(\d+)$/.exec(at);
  assert.ok(match && match[1] === gateway.file, at);
  return source[Number(match[2]) - 1].trim();
}

const factsOf = (said, step) => said.steps.find((one) => one.step === step).facts;

test('each step names the line that it decides by', async () => {
  const said = await explained('GET', '/v1/orders/7', '-H', 'Host: shop.test', '--token', await issuer.mint({ roles: ['manager'] }), '--keys', keysFile);
  assert.deepEqual(said.steps.map(({ number, step }) => [number, step]), [[2, 'read'], [3, 'route'], [4, 'admit'], [5, 'authenticate'], [6, 'limit'], [7, 'authorize'], [8, 'validate'], [11, 'forward']]);
  assert.match(lineOf(factsOf(said, 'read')[0].at), /^public:/);
  assert.match(factsOf(said, 'route')[0].what, /echo\.order .*\/v1\/orders\/\{id\}/);
  assert.equal(lineOf(factsOf(said, 'route')[0].at), '- path: /orders/{id}');
  assert.match(factsOf(said, 'admit')[0].what, /limits\.flood: 1000\/s, 1000 at once, counted by client\.address/);
  assert.equal(lineOf(factsOf(said, 'admit')[0].at), 'flood:');
  assert.match(factsOf(said, 'authenticate')[0].what, /authenticators\.corporate: `corporate\|alice`/);
  assert.equal(lineOf(factsOf(said, 'authenticate')[0].at), 'corporate:');
  assert.match(factsOf(said, 'limit')[0].what, /limits\.each: 500\/15m, 7000 at once, counted by identity\.subject, operation/);
  assert.equal(lineOf(factsOf(said, 'limit')[0].at), 'each:');
  assert.deepEqual(factsOf(said, 'authorize').map(({ what, at }) => [what, lineOf(at)]), [['roles.manager has clerk', '- clerk'], ['roles.clerk has order', '- order']]);
  assert.equal(lineOf(factsOf(said, 'validate')[0].at), 'body_size: 2KiB');
  assert.equal(lineOf(said.upstream.at), 'echo:');
  assert.deepEqual(said.upstream.targets, [upstream.target]);
  assert.deepEqual(said.notes, []);
});

test('a refusal names its rule and line, and what would have been right', async () => {
  const missing = await explained('POST', '/v1/refunds', '-H', 'Host: shop.test', '-H', key);
  assert.match(JSON.stringify(factsOf(missing, 'authorize')), /roles\.manager would permit it/);
  const path = await explained('GET', '/v1/ordres', '-H', 'Host: shop.test');
  assert.match(factsOf(path, 'route')[1].what, /near: GET POST \/v1\/orders \(echo\.orders\)/);
  const method = await explained('DELETE', '/v1/orders', '-H', 'Host: shop.test');
  assert.deepEqual(factsOf(method, 'route').slice(1).map(({ what }) => what), ['there is GET POST /v1/orders (echo.orders)']);
  assert.deepEqual(method.answer.fields.find(({ name }) => name === 'allow'), { name: 'allow', value: 'GET, HEAD, POST' });
  const host = await explained('GET', '/v1/orders', '-H', 'Host: shp.test');
  assert.match(factsOf(host, 'route')[1].what, /no API on the listener public has the host `shp\.test`; did you mean `shop\.test`/);
});

test('keys at a URL are not fetched: it says so, and judges the claims', async () => {
  const fetches = issuer.fetches;
  const good = await explained('GET', '/v1/orders', '-H', 'Host: shop.test', '--token', minted);
  assert.equal(good.allowed, true);
  assert.match(good.notes.join(), new RegExp(`signature was not checked: the keys of ${issuer.url} are not fetched; --keys FILE`));
  const forged = await explained('GET', '/v1/orders', '-H', 'Host: shop.test', '--token', await issuer.mint({}, { key: stranger }));
  assert.equal(forged.allowed, true, 'which is why it is said');
  const late = await explained('GET', '/v1/orders', '-H', 'Host: shop.test', '--token', await issuer.mint({ exp: now() - 600 }));
  assert.equal(late.answer.status, 401);
  assert.match(late.answer.reason, /expired/);
  assert.equal(issuer.fetches, fetches);
});

test('a token comes from a file too', async () => {
  const file = join(gateway.folder, 'token.txt');
  await writeFile(file, `${minted}\n`);
  const said = await explained('GET', '/v1/orders', '-H', 'Host: shop.test', '--token', `@${file}`, '--keys', keysFile);
  assert.equal(said.allowed, true, JSON.stringify(said));
});

test('no form of it prints a credential', async () => {
  for (const secret of [minted, nightly.key]) {
    const { stdout, stderr } = await explain('GET', '/v1/orders', '-H', 'Host: shop.test', '-H', `x-api-key: ${secret}`, '-H', `Cookie: a=${secret}`, '--keys', keysFile);
    assert.ok(!(stdout + stderr).includes(secret));
  }
});

test('for people: a line a step, then the answer', async () => {
  const yes = await explain('GET', '/v1/orders?secret=two', '-H', 'Host: shop.test', '-H', key);
  assert.equal(yes.code, 0, yes.stderr);
  assert.match(yes.stdout, /^GET \/v1\/orders on the listener public \(.*portcullis\.yaml:\d+\), from 127\.0\.0\.1\n/);
  assert.match(yes.stdout, /^ {2}3 route {9}ok {11}echo\.orders .*portcullis\.yaml:\d+$/m);
  assert.match(yes.stdout, /^yes: the upstream echo gets it, at 127\.0\.0\.1:\d+$/m);
  assert.match(yes.stdout, /^ {2}GET \/v1\/orders\?… HTTP\/1\.1$/m);
  assert.match(yes.stdout, /^ {2}x-user: machine\|nightly$/m);
  assert.match(yes.stdout, /^ {2}removed: x-api-key$/m);
  const no = await explain('GET', '/v1/orders', '-H', 'Host: shop.test');
  assert.equal(no.code, 1, no.stderr);
  assert.match(no.stdout, /^ {2}5 authenticate {2}refused 401 {2}apis\.echo\.authenticate: no credentials .*portcullis\.yaml:\d+$/m);
  assert.match(no.stdout, new RegExp(`^no: the client gets 401 ${problemType('credentials-missing')} \\(Credentials are needed\\.\\)$`, 'm'));
});

for (const [why, args, says] of [
  ['no URL', ['GET'], /`URL` is missing/],
  ['a word too many', ['GET', '/a', '/b'], /a word more than `METHOD URL`/],
  ['neither URL nor path', ['GET', 'orders'], /expected a URL/],
  ['another scheme', ['GET', 'ftp://a.test/'], /http or https/],
  ['credentials in the URL', ['GET', 'http://user:secret@a.test/'], /--token/],
  ['no listener of that scheme', ['GET', 'https://shop.test/v1/orders'], /no listener is where the URL points; there is public \(http/],
  ['no such listener', ['GET', '/', '--listener', 'pubic'], /there is no `pubic`; there is `public`/],
  ['no address', ['GET', '/', '--address', 'nowhere'], /--address: expected an address/],
  ['a field that is two', ['GET', '/', '-H', 'a: b\r\nx-user: root'], /line end/],
  ['a method that is a line', ['GET\r\n', '/'], /line end/],
  ['keys that are none', ['GET', '/', '--keys', gateway.file], /--keys/],
  ['keys that are not there', ['GET', '/', '--keys', '/nowhere'], /cannot be read/],
  ['a token that is not there', ['GET', '/', '--token', '@/nowhere'], /cannot be read/],
]) {
  test(`usage: ${why}`, async () => {
    const { code, stdout, stderr } = await explain(...args);
    assert.equal(code, 2, stdout);
    assert.equal(stdout, '');
    assert.match(stderr, says);
    assert.ok(!stderr.includes('secret'));
  });
}

test('the URL chooses the listener', async () => {
  const file = join(gateway.folder, 'listeners.yaml');
  await writeFile(
    file,
    `version: 1
listeners:
  one: { address: "127.0.0.1:8081" }
  two: { address: "127.0.0.1:8082" }
  wide: { address: "0.0.0.0:8083", insecure: true }
apis:
  a: { listeners: [one], hosts: [a.test], upstream: u, authenticate: none, routes: [{ path: /, methods: [GET], operation: r }] }
  b: { listeners: [two, wide], hosts: ["*.b.test"], upstream: u, authenticate: none, routes: [{ path: /, methods: [GET], operation: r }] }
upstreams: { u: { targets: ["127.0.0.1:9"] } }
`,
  );
  const of = async (...args) => JSON.parse((await run(['explain', '--json', '-c', file, ...args])).stdout);
  const byPort = await of('GET', 'http://x.b.test:8082/');
  assert.deepEqual([byPort.listener, byPort.allowed, byPort.client, byPort.notes], ['two', true, '127.0.0.1', []]);
  const byHost = await of('GET', 'http://x.b.test/');
  assert.deepEqual([byHost.listener, byHost.allowed], ['two', true]);
  assert.match(byHost.notes.join(), /the listeners one, two, wide could be meant; two is taken, --listener NAME chooses/);
  const named = await of('GET', 'http://x.b.test/', '--listener', 'wide');
  assert.deepEqual([named.listener, named.client, named.notes], ['wide', '192.0.2.1', []]);
  const elsewhere = await of('GET', 'http://x.b.test:8081/');
  assert.equal(elsewhere.answer.status, 404);
  assert.match(JSON.stringify(elsewhere.steps), /apis\.b has it, on the listener two, wide/);
  const from = await of('GET', 'http://a.test:8081/', '--address', '2001:db8::7');
  assert.equal(from.upstream.written.find(({ name }) => name === 'x-forwarded-for').value, '2001:db8::7');
});
