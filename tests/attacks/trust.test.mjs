// Nothing that a client can write exempts it from a check or speaks for somebody else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { value, values } from '../support/bytes.mjs';
import { refused, startTarget } from '../support/attack.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { converse } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const clerk = makeApiKey('clerk', { roles: ['clerk'] });
const issuer = await startKeyServer();
after(() => issuer.stop());
const target = await startTarget({
  api: {
    authenticate: ['machine', 'corporate'],
    routes: [
      { path: '/orders', methods: ['GET', 'POST', 'OPTIONS'], operation: 'orders' },
      { path: '/refunds', methods: ['POST'], operation: 'refunds' },
      { path: '/status', methods: ['GET'], operation: 'status', authenticate: 'none' },
      { path: '/still/well', methods: ['GET'], operation: 'well', authenticate: 'none' },
    ],
    forward: { identity: { 'x-user': 'subject', 'x-user-roles': 'roles' } },
  },
  authenticators: { machine: keyAuthenticator([clerk]), corporate: issuer.authenticator() },
  roles: { clerk: ['orders'] },
});
const ask = (fields = '', { method = 'GET', path = '/orders' } = {}) => `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

for (const [name, reference, send] of [
  ['a User-Agent of a health checker', 'design 2: steps are decided by the route alone', ask('User-Agent: ELB-HealthChecker/2.0\r\n')],
  ['a User-Agent of a crawler', 'CWE-290', ask('User-Agent: Googlebot/2.1\r\n')],
  ['a query of a debug switch', 'CWE-489', ask('', { path: '/orders?debug=true&internal=1&authenticate=none&health=1' })],
  ['a query with an extension', 'Web Cache Deception, 2017', ask('', { path: '/orders?x=.css' })],
  ['X-Original-URL', 'CVE-2018-14773 Symfony', ask('X-Original-URL: /status\r\n')],
  ['X-Rewrite-URL', 'CVE-2018-14773 Symfony', ask('X-Rewrite-URL: /status\r\n')],
  ['X-Forwarded-Prefix', 'CWE-436', ask('X-Forwarded-Prefix: /status\r\n')],
  ['X-HTTP-Method-Override', 'CWE-436', ask('X-HTTP-Method-Override: OPTIONS\r\n')],
  ['x-middleware-subrequest', 'CVE-2025-29927 Next.js', ask('x-middleware-subrequest: middleware:middleware:middleware:middleware:middleware\r\n')],
  ['X-Forwarded-For: 127.0.0.1', 'CWE-290', ask('X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nClient-IP: 127.0.0.1\r\n')],
  ['a client certificate in a field', 'RFC 9440 4', ask('Client-Cert: :MIIB:\r\nX-SSL-Client-Verify: SUCCESS\r\nX-Client-Cert: x\r\n')],
  ['X-User', 'CWE-290', ask('X-User: admin\r\n')],
  ['OPTIONS without Origin', 'CWE-288: no free pass for preflights', ask('', { method: 'OPTIONS' })],
  ['OPTIONS with Origin', 'CWE-288: no free pass for preflights', ask('Origin: https://evil.test\r\nAccess-Control-Request-Method: POST\r\n', { method: 'OPTIONS' })],
  ['Host: localhost', 'CWE-290', 'GET /orders HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['Upgrade', 'CWE-288', ask('Connection: upgrade\r\nUpgrade: websocket\r\n')],
  ['a key in the query', 'RFC 6750 5.3', ask('', { path: `/orders?x-api-key=${clerk.key}` })],
  ['a key in a cookie', 'design 7', ask(`Cookie: x-api-key=${clerk.key}\r\n`)],
  ['a field name that differs by an underscore', 'CVE-2015-0219 Django', ask(`X_Api_Key: ${clerk.key}\r\n`)],
]) {
  refused(target, { name: `no exemption by ${name}`, reference, send, status: 401, problem: 'credentials-missing', open: true });
}

refused(target, {
  name: 'no exemption by a key as a bearer token',
  reference: 'design 7',
  send: ask(`Authorization: Bearer ${clerk.key}\r\n`),
  status: 401,
  problem: 'credentials-invalid',
  open: true,
});
refused(target, {
  name: 'no role by field',
  reference: 'CWE-290',
  send: ask(`X-Api-Key: ${clerk.key}\r\nX-User-Roles: manager\r\nX-Roles: manager\r\nContent-Length: 0\r\n`, { method: 'POST', path: '/refunds' }),
  status: 403,
  problem: 'forbidden',
  open: true,
});
refused(target, {
  name: 'no other method by override field',
  reference: 'CWE-436',
  send: ask(`X-Api-Key: ${clerk.key}\r\nX-HTTP-Method-Override: GET\r\nX-Method-Override: GET\r\nContent-Length: 0\r\n`, { method: 'DELETE' }),
  status: 405,
  problem: 'method-not-allowed',
  open: true,
});
refused(target, {
  name: 'a method in another case is another method',
  reference: 'RFC 9110 9.1',
  send: ask(`X-Api-Key: ${clerk.key}\r\n`, { method: 'get' }),
  status: [405, 501],
  problem: ['method-not-allowed', 'not-implemented'],
  open: true,
});

/** The one request that the upstream sees. */
async function seenUpstream(send) {
  const before = target.upstream.requests.length;
  const { responses } = await converse(target.port, send);
  assert.equal(responses[0].status, 200, responses[0].text);
  const seen = target.upstream.requests.slice(before);
  assert.equal(seen.length, 1);
  return seen[0].fields;
}

for (const [name, reference, spoof] of [
  ['the same field', 'CWE-290', 'X-User: admin\r\nX-User-Roles: root\r\n'],
  ['the same field many times', 'CWE-290', 'X-User: admin\r\nx-user: admin\r\nX-USER: admin\r\n'],
  ['underscores, which CGI and WSGI read as hyphens', 'CVE-2015-0219 Django', 'X_User: admin\r\nX_User_Roles: root\r\nx-user_roles: root\r\n'],
  ['Connection, to have ours taken for hop-by-hop', 'CVE-2022-31813 Apache; CVE-2024-45410 Traefik', 'Connection: x-user, x-user-roles\r\nX-User: admin\r\n'],
  ['a trailer announcement', 'RFC 9110 6.6.2', 'Trailer: x-user\r\n'],
]) {
  test(`identity spoofed by ${name}: the upstream learns ours alone (${reference})`, async () => {
    const fields = await seenUpstream(ask(`X-Api-Key: ${clerk.key}\r\n${spoof}`));
    const like = (wanted) => fields.filter(([n]) => n.replaceAll('_', '-') === wanted).map(([, v]) => v);
    assert.deepEqual(like('x-user'), ['machine|clerk']);
    assert.deepEqual(like('x-user-roles'), ['clerk']);
  });

  test(`identity spoofed by ${name} on an open operation: the upstream learns none (${reference})`, async () => {
    const fields = await seenUpstream(ask(spoof, { path: '/status' }));
    const like = (wanted) => fields.filter(([n]) => n.replaceAll('_', '-') === wanted).map(([, v]) => v);
    assert.deepEqual(like('x-user'), []);
    assert.deepEqual(like('x-user-roles'), []);
  });
}

test('fields that are configured with underscores are ours alone too (CWE-290; RFC 3875 4.1.18)', async () => {
  const upstream = await startUpstream();
  const gateway = await Gateway.start(
    openConfig(upstream.target, {
      authenticators: { machine: keyAuthenticator([clerk], 'x_key') },
      roles: { clerk: ['root', 'one', 'two', 'three'] },
      api: { authenticate: ['machine'], forward: { identity: { x_user: 'subject' } }, request_headers: { set: { x_tenant: 'ours' }, remove: ['x_debug'] } },
    }),
  );
  for (const write of [(name) => name, (name) => name.replaceAll('_', '-'), (name) => name.toUpperCase()]) {
    const spoof = Object.fromEntries(['x_user', 'x_tenant', 'x_debug'].map((name) => [write(name), 'theirs']));
    assert.equal((await request(gateway.port, '/x', { headers: { x_key: clerk.key, ...spoof } })).status, 200);
    const fields = upstream.requests.at(-1).fields;
    const like = (wanted) => fields.filter(([name]) => name.replaceAll('-', '_') === wanted).map(([, value]) => value);
    assert.deepEqual(['x_user', 'x_tenant', 'x_debug', 'x_key'].map(like), [['machine|clerk'], ['ours'], [], []]);
  }
  await gateway.stop();
  await upstream.stop();
});

for (const name of ['X-User', 'x_user', 'X-Api-Key', 'X_Forwarded_For']) {
  test(`identity spoofed by a trailer ${name}: it does not go on (RFC 9110 6.5.1)`, async () => {
    const before = target.upstream.requests.length;
    const fields = `X-Api-Key: ${clerk.key}\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n`;
    const { responses } = await converse(target.port, `${ask(fields, { method: 'POST' })}2\r\nok\r\n0\r\n${name}: admin\r\nX-Sum: 7\r\n\r\n`);
    const seen = target.upstream.requests.slice(before);
    if (responses[0].status !== 400) {
      assert.equal(responses[0].status, 200);
      assert.deepEqual(seen[0].trailers, [['x-sum', '7']]);
    }
  });
}

for (const [name, spoof] of [
  ['forwarding fields', 'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nForwarded: for=1.2.3.4;host=evil.test\r\n'],
  ['forwarding fields with underscores', 'X_Forwarded_For: 1.2.3.4\r\nX_Forwarded_Proto: https\r\nX_Forwarded_Host: evil.test\r\n'],
  ['forwarding fields named by Connection', 'Connection: x-forwarded-for, x-forwarded-host, forwarded\r\nX-Forwarded-For: 1.2.3.4\r\n'],
]) {
  test(`${name} from anybody: the upstream learns ours alone (CWE-290; CVE-2015-0219 Django; CVE-2024-45410 Traefik)`, async () => {
    const fields = await seenUpstream(ask(spoof, { path: '/status' }));
    const like = (wanted) => fields.filter(([n]) => n.replaceAll('_', '-') === wanted).map(([, v]) => v);
    assert.deepEqual(like('x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(like('x-forwarded-proto'), ['http']);
    assert.deepEqual(like('x-forwarded-host'), ['a.test']);
    for (const text of like('forwarded')) assert.doesNotMatch(text, /1\.2\.3\.4|evil/);
  });
}

test('our own credential fields do not go on, however they are written', async () => {
  const fields = await seenUpstream(ask(`X-Api-Key: ${clerk.key}\r\nX-API-KEY_: x\r\n`));
  assert.deepEqual(values(fields, 'x-api-key'), []);
  assert.equal(value(fields, 'host'), 'a.test');
});

test('many values of one field stay many and in order, or are one list (RFC 9110 5.3)', async () => {
  const fields = await seenUpstream(ask(`X-Api-Key: ${clerk.key}\r\nAccept: a\r\nX: 1\r\nAccept: b\r\nX: 2\r\nCookie: a=1\r\nCookie: b=2\r\n`));
  assert.deepEqual(values(fields, 'accept').join(', '), 'a, b');
  assert.deepEqual(values(fields, 'x').join(', '), '1, 2');
  assert.match(values(fields, 'cookie').join('; '), /^a=1; b=2$/);
});

for (const [name, fields] of [
  ['two Authorization fields', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n'],
  ['two Authorization fields of two schemes', 'Authorization: Basic YTpi\r\nAuthorization: Bearer b\r\n'],
  ['two keys', `X-Api-Key: ${clerk.key}\r\nX-Api-Key: ${clerk.key}\r\n`],
]) {
  refused(target, { name, reference: 'RFC 6750 2: one method; RFC 9110 5.3', send: ask(fields), status: 400, problem: 'ambiguous-credentials', open: true });
}

test('a Forwarded that a trusted proxy only passed on does not overrule the X-Forwarded-For that it wrote (CWE-290)', async () => {
  const behind = await startTarget({ trusted_proxies: ['127.0.0.1'], api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '1000/h' } } });
  await converse(behind.port, 'GET /x HTTP/1.1\r\nHost: a.test\r\nForwarded: for=198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n');
  const entry = await behind.gateway.entry((e) => e.status < 500);
  assert.notEqual(entry.client, '198.51.100.1');
});
