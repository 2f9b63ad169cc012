// Nothing that a client writes leaves the place that the configuration gave it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startTarget } from '../support/attack.mjs';
import { values } from '../support/bytes.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { openConfig } from '../support/config.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { converse } from '../support/raw_client.mjs';

const issuer = await startKeyServer();
const authority = await makeAuthority();
after(async () => {
  await issuer.stop();
  await authority.remove();
});

const rewriting = await startTarget({
  listener: { paths: { encoded_slash: 'keep', path_parameters: 'keep' } },
  api: {
    authenticate: ['corporate'],
    rewrite: [
      { from: '/files/{name}', to: '/store/public/{name}' },
      { from: '/tree/{rest...}', to: '/store/tree/{rest...}' },
    ],
    request_headers: { set: { 'x-name': '{identity.claims.name}', 'x-both': 'a {identity.claims.name} b' } },
    response_headers: { set: { 'x-hello': '{identity.claims.name}' } },
    routes: [
      { path: '/files/{name}', methods: ['GET'], operation: 'file', authenticate: 'none' },
      { path: '/tree/{a}/{b}', methods: ['GET'], operation: 'tree', authenticate: 'none' },
      { path: '/who', methods: ['GET'], operation: 'who' },
      { path: '/still/well', methods: ['GET'], operation: 'well', authenticate: 'none' },
    ],
  },
  authenticators: { corporate: issuer.authenticator({ claims: { name: 'name' } }) },
  roles: { clerk: ['who'] },
});

const get = (path, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

for (const [name, reference, path, url] of [
  ['a query', 'CVE-2024-38474 Apache mod_rewrite', '/files/a%3Fb=c', '/store/public/a%3Fb=c'],
  ['a fragment', 'CVE-2024-38474 Apache mod_rewrite', '/files/a%23b', '/store/public/a%23b'],
  ['a space, which ends the target', 'CWE-113', '/files/a%20HTTP/1.1', undefined],
  ['a space within its segment', 'CWE-113', '/files/a%20b', '/store/public/a%20b'],
  ['a line', 'CVE-2023-25690 Apache mod_rewrite with mod_proxy', '/files/a%0d%0aX-Evil:%201', undefined],
  ['a lone line feed', 'CVE-2023-25690 Apache', '/files/a%0aX-Evil:%201', undefined],
  ['a NUL', 'CWE-158', '/files/a%00b', undefined],
  ['a slash that is encoded', 'CVE-2021-41773 Apache', '/files/..%2Fprivate%2Fx', undefined],
  ['a slash that is encoded, harmless by itself', 'CWE-436', '/files/a%2Fb', undefined],
  ['a backslash that is encoded', 'CWE-436', '/files/..%5Cprivate', undefined],
  ['a dot segment', 'CWE-22', '/files/..', undefined],
  ['a dot segment that is encoded', 'CVE-2021-41773 Apache', '/files/%2e%2e', undefined],
  ['a dot segment with a parameter', 'CVE-2021-45967 Pascom, nginx off-by-slash', '/files/..;x', undefined],
  ['a dot segment in the rest', 'CWE-22', '/tree/a/../../private', undefined],
  ['an encoded slash in the rest', 'CVE-2021-41773 Apache', '/tree/..%2F..%2Fprivate/b', undefined],
  ['an encoded percent sign', 'CWE-174', '/files/%252e%252e', '/store/public/%252e%252e'],
  ['a placeholder', 'CWE-1336', '/files/%7Bname%7D', '/store/public/%7Bname%7D'],
  ['a template', 'CWE-1336', '/files/$1', '/store/public/$1'],
]) {
  test(`${name} in a captured segment stays there, or is refused (${reference})`, async () => {
    const before = rewriting.upstream.requests.length;
    const { responses } = await converse(rewriting.port, get(path), { quiet: 50 });
    const seen = rewriting.upstream.requests.slice(before);
    if (url === undefined) {
      assert.ok([400, 404].includes(responses[0].status), `${responses[0].status}`);
      assert.deepEqual(seen, []);
    } else {
      assert.deepEqual(seen.map((r) => r.url), [url]);
      assert.equal(values(seen[0].fields, 'x-evil').length, 0);
    }
    assert.deepEqual(rewriting.upstream.violations, []);
  });
}

for (const [name, claim, said] of [
  ['a line break', 'alice\r\nx-evil: 1', undefined],
  ['a lone line feed', 'alice\nx-evil: 1', undefined],
  ['a lone carriage return', 'alice\rx-evil: 1', undefined],
  ['a NUL', 'alice\0', undefined],
  ['an empty line and a body', '\r\n\r\nGET /admin HTTP/1.1\r\n', undefined],
  ['a delete character', 'alice\x7f', undefined],
  ['a placeholder', '{request.id}', '{request.id}'],
  ['nothing', '', undefined],
]) {
  test(`an identity that holds ${name} brings no field along (CWE-113)`, async () => {
    const token = await issuer.mint({ name: claim });
    const before = rewriting.upstream.requests.length;
    const { responses } = await converse(rewriting.port, get('/who', `Authorization: Bearer ${token}\r\nX-Name: spoofed\r\n`), { quiet: 50 });
    assert.equal(responses.length, 1);
    assert.equal(responses[0].status, 200);
    const [seen] = rewriting.upstream.requests.slice(before);
    assert.deepEqual(values(seen.fields, 'x-evil'), []);
    assert.deepEqual(values(seen.fields, 'x-name'), said === undefined ? [] : [said], 'all or nothing, and never the client\'s own');
    assert.deepEqual(values(seen.fields, 'x-both'), said === undefined ? [] : [`a ${said} b`]);
    assert.equal(responses[0].header('x-hello'), said);
    assert.equal(responses[0].header('x-evil'), undefined);
    assert.deepEqual(rewriting.upstream.violations, []);
  });
}

const certificate = await authority.issue('shop', ['shop.test']);
const redirecting = await startTarget((upstream) => {
  const config = openConfig(upstream, { api: { hosts: ['shop.test', '*.shop.test'] }, listener: { tls: { certificates: [certificate] } } });
  config.listeners.plain = { address: '127.0.0.1:0', redirect_https: true };
  return config;
});

for (const [name, reference, send] of [
  ['another host', 'CWE-601; CWE-644', 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n'],
  ['a host with more behind it', 'CWE-601', 'GET / HTTP/1.1\r\nHost: shop.test.evil.test\r\n\r\n'],
  ['a user', 'CWE-601', 'GET / HTTP/1.1\r\nHost: shop.test@evil.test\r\n\r\n'],
  ['a user with a port', 'CWE-601', 'GET / HTTP/1.1\r\nHost: shop.test:80@evil.test\r\n\r\n'],
  ['a path in the host', 'CWE-601', 'GET / HTTP/1.1\r\nHost: evil.test/.shop.test\r\n\r\n'],
  ['a backslash in the host', 'CWE-601', 'GET / HTTP/1.1\r\nHost: evil.test\\.shop.test\r\n\r\n'],
  ['a fragment in the host', 'CWE-601', 'GET / HTTP/1.1\r\nHost: evil.test#.shop.test\r\n\r\n'],
  ['a space in the host', 'CWE-601', 'GET / HTTP/1.1\r\nHost: evil.test .shop.test\r\n\r\n'],
  ['two hosts', 'RFC 9112 3.2', 'GET / HTTP/1.1\r\nHost: shop.test\r\nHost: evil.test\r\n\r\n'],
  ['no host', 'RFC 9112 3.2', 'GET / HTTP/1.0\r\n\r\n'],
  ['an absolute target', 'RFC 9112 3.2.2', 'GET http://evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
  ['X-Forwarded-Host', 'CWE-644', 'GET / HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: shop.test\r\n\r\n'],
  ['two slashes', 'CVE-2018-14574 Django', 'GET //evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
  ['a backslash', 'CVE-2018-14574 Django', 'GET /\\evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
  ['a line break in the path', 'CVE-2019-9740; CWE-113', 'GET /%0d%0aLocation:%20https://evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
]) {
  test(`redirect_https sends nobody elsewhere by ${name} (${reference})`, async () => {
    const { responses } = await converse(redirecting.gateway.listeners.plain, send, { quiet: 50 });
    for (const response of responses) {
      assert.ok([400, 421].includes(response.status), `${response.status} ${response.header('location')}`);
      assert.equal(response.header('location'), undefined);
    }
    assert.ok(responses.length === 1);
  });
}

for (const [name, target, location] of [
  ['X-Forwarded-Host beside a good host', 'GET /x HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\n\r\n', '/x'],
  ['another port in Host', 'GET /x HTTP/1.1\r\nHost: shop.test:81\r\n\r\n', '/x'],
  ['an encoded slash', 'GET /x?next=//evil.test HTTP/1.1\r\nHost: shop.test\r\n\r\n', '/x?next=//evil.test'],
  ['a dot segment before two slashes', 'GET /a/..//evil.test HTTP/1.1\r\nHost: shop.test\r\n\r\n', undefined],
  ['upper case', 'GET /x HTTP/1.1\r\nHost: SHOP.TEST\r\n\r\n', '/x'],
]) {
  test(`redirect_https stays on the host with ${name} (CWE-601)`, async () => {
    const { responses } = await converse(redirecting.gateway.listeners.plain, target, { quiet: 50 });
    if (location === undefined) assert.equal(responses[0].status, 400);
    else assert.equal(responses[0].header('location'), `https://shop.test:${redirecting.port}${location}`);
  });
}

const guarded = await startTarget({ api: { addresses: { allow: ['10.0.0.0/8', '::1'], deny: ['10.6.6.6'] } } });
for (const [name, fields] of [
  ['X-Forwarded-For', 'X-Forwarded-For: 10.1.2.3\r\n'],
  ['Forwarded', 'Forwarded: for=10.1.2.3\r\n'],
  ['X-Real-IP and its kin', 'X-Real-IP: 10.1.2.3\r\nTrue-Client-IP: 10.1.2.3\r\nCF-Connecting-IP: 10.1.2.3\r\nX-Client-IP: 10.1.2.3\r\nClient-IP: 10.1.2.3\r\n'],
  ['an IPv4-mapped address', 'X-Forwarded-For: ::ffff:10.1.2.3\r\n'],
  ['loopback', 'X-Forwarded-For: ::1\r\n'],
]) {
  test(`an address list is not passed by ${name} from a peer that is not trusted (CWE-290, CVE-2022-30115)`, async () => {
    const before = guarded.upstream.requests.length;
    const { responses } = await converse(guarded.port, get('/x', fields), { quiet: 50 });
    assert.equal(responses[0].status, 403);
    assert.equal(responses[0].problem.type, 'urn:portcullis:problem:address-not-allowed');
    assert.equal(guarded.upstream.requests.length, before);
  });
}

const behind = await startTarget({ trusted_proxies: ['127.0.0.1'], api: { addresses: { deny: ['10.6.6.6', '2001:db8:bad::/48'] } } });
for (const [name, fields, status] of [
  ['itself', 'X-Forwarded-For: 10.6.6.6\r\n', 403],
  ['the IPv4-mapped form', 'X-Forwarded-For: ::ffff:10.6.6.6\r\n', 403],
  ['the IPv4-mapped form in hexadecimal', 'X-Forwarded-For: ::ffff:a06:606\r\n', 403],
  ['another spelling of IPv6', 'X-Forwarded-For: 2001:0DB8:0bad:0000::1\r\n', 403],
  ['brackets and a port', 'X-Forwarded-For: [2001:db8:bad::1]:99\r\n', 403],
  ['an address before it', 'X-Forwarded-For: 10.1.1.1, 10.6.6.6\r\n', 403],
  ['another address', 'X-Forwarded-For: 10.1.1.1\r\n', 200],
]) {
  test(`behind a trusted proxy a denied address is known by ${name} (RFC 4291 2.5.5.2)`, async () => {
    const { responses } = await converse(behind.port, get('/x', fields), { quiet: 50 });
    assert.equal(responses[0].status, status);
  });
}
