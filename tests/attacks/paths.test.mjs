// Path confusion: the route that is checked and the resource that is served must be the same one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disarmed, refused, startTarget } from '../support/attack.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { converse } from '../support/raw_client.mjs';

// /public/{name} is open; /admin needs a key that no test sends. An attack that reaches /admin upstream has won.
const admin = makeApiKey('root', { roles: ['root'] });
const routes = [
  { path: '/public/{name}', methods: ['GET'], operation: 'public', authenticate: 'none' },
  { path: '/public', methods: ['GET'], operation: 'publicRoot', authenticate: 'none' },
  { path: '/admin', methods: ['GET'], operation: 'admin' },
  { path: '/admin/{name}', methods: ['GET'], operation: 'adminItem' },
  { path: '/still/well', methods: ['GET'], operation: 'well', authenticate: 'none' },
];
const secured = (paths) => ({
  listener: paths ? { paths } : {},
  api: { authenticate: ['machine'], routes },
  authenticators: { machine: keyAuthenticator([admin]) },
  roles: { root: ['admin', 'adminItem'] },
});
const target = await startTarget(secured());
const get = (path) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

for (const [name, reference, path] of [
  ['a duplicate slash', 'merge_slashes of nginx and Envoy', '/public//admin'],
  ['a duplicate slash at the start', 'RFC 3986 4.2: a network-path reference', '//admin'],
  ['three slashes', 'RFC 3986 3.3', '///admin'],
  ['a duplicate slash that dot segments leave', 'RFC 3986 5.2.4', '/public/.//admin'],
  ['%2f', 'CVE-2021-29492 Envoy', '/public/..%2fadmin'],
  ['%2F', 'CVE-2021-29492 Envoy', '/public/x%2F..%2F..%2Fadmin'],
  ['%5c', 'CVE-2021-29492 Envoy', '/public/..%5cadmin'],
  ['a backslash', 'RFC 3986 3.3; CVE-2021-29492 Envoy', '/public\\..\\admin'],
  ['..; (Tomcat strips the parameter)', 'Breaking Parser Logic, 2018; CVE-2020-5902 F5', '/public/..;/admin'],
  ['..;x=y', 'CVE-2020-5902 F5', '/public/..;x=y/admin'],
  ['.; before a segment', 'Breaking Parser Logic, 2018', '/public/.;/../admin'],
  ['an encoded semicolon after dots', 'Breaking Parser Logic, 2018', '/public/..%3b/admin'],
  ['a matrix parameter', 'RFC 3986 3.3; CVE-2020-1957 Shiro', '/public/x;/../admin'],
  ['a matrix parameter at the end', 'CVE-2020-13933 Shiro', '/admin;'],
  ['an encoded semicolon', 'CVE-2020-13933 Shiro', '/admin/%3bx'],
  ['dots above the root', 'RFC 3986 5.2.4', '/../admin'],
  ['encoded dots above the root', 'CVE-2021-41773 Apache', '/%2e%2e/admin'],
  ['half-encoded dots above the root', 'CVE-2021-41773 Apache', '/.%2e/admin'],
  ['dots above the root after going down', 'CVE-2021-41773 Apache', '/public/x/../../../admin'],
  ['overlong UTF-8 for a dot (two octets)', 'RFC 3629 10; CVE-2000-0884 IIS', '/public/%c0%ae%c0%ae/admin'],
  ['overlong UTF-8 for a slash (two octets)', 'CVE-2000-0884 IIS', '/public/..%c0%afadmin'],
  ['overlong UTF-8 for a slash (three octets)', 'CVE-2000-0884 IIS', '/public/..%e0%80%afadmin'],
  ['overlong UTF-8 for a slash (four octets)', 'RFC 3629 10', '/public/..%f0%80%80%afadmin'],
  ['half a UTF-8 character before a slash', 'RFC 3629 3', '/public/%c3/../admin'],
  ['a surrogate', 'RFC 3629 3', '/public/%ed%a0%80'],
  ['beyond U+10FFFF', 'RFC 3629 3', '/public/%f4%90%80%80'],
  ['a continuation byte alone', 'RFC 3629 3', '/public/%80'],
  ['%u002e of IIS', 'RFC 3986 2.1', '/public/%u002e%u002e/admin'],
  ['%00', 'CWE-158; RFC 3986 7.3', '/admin%00.png'],
  ['%00 in a parameter', 'CWE-158', '/public/%00'],
  ['%0d%0a', 'CVE-2023-25690 Apache', '/public/x%20HTTP/1.1%0d%0aX:%20y'],
  ['%0a', 'CVE-2023-25690 Apache', '/public/%0a'],
  ['%09', 'RFC 3986 7.3', '/admin%09'],
  ['%7f', 'RFC 3986 7.3', '/public/%7f'],
  ['a percent sign alone', 'RFC 3986 2.1', '/public/%'],
  ['a percent sign with one digit', 'RFC 3986 2.1', '/public/%2'],
  ['a percent sign with letters', 'RFC 3986 2.1', '/public/%zz'],
  ['raw octets with the eighth bit', 'RFC 3986 2', '/public/\xc3\xa9'],
  ['a raw quotation mark', 'RFC 3986 2', '/public/"'],
  ['a raw less-than sign', 'RFC 3986 2', '/public/<'],
  ['a fragment', 'RFC 9112 3.2.1; CVE-2021-32779 Envoy', '/public/x#/../admin'],
]) {
  refused(target, { name: `${name}: ${path.replace(/[\x00-\x1f\x7f-\xff]/g, '?')}`, reference, send: get(path), status: 400, problem: 'malformed-path' });
}

for (const [name, reference, path, status, slug] of [
  ['dot segments are resolved before the route is chosen', 'RFC 3986 5.2.4', '/public/../admin', 401, 'credentials-missing'],
  ['encoded dots too', 'CVE-2021-41773 Apache; CVE-2019-9901 Envoy', '/public/%2e%2e/admin', 401, 'credentials-missing'],
  ['mixed dots too', 'CVE-2019-9901 Envoy', '/public/.%2E/admin', 401, 'credentials-missing'],
  ['encoded letters are letters', 'RFC 3986 6.2.2.2', '/%61dmin', 401, 'credentials-missing'],
  ['all letters encoded', 'RFC 3986 6.2.2.2', '/%61%64%6d%69%6e', 401, 'credentials-missing'],
  ['letters have a case', 'RFC 3986 6.2.2.1', '/ADMIN', 404, 'not-found'],
  ['a slash at the end is another path', 'RFC 3986 6.2', '/admin/', 404, 'not-found'],
  ['%3f is no question mark: it is part of a name that no route has', 'RFC 3986 2.2', '/admin%3fx', 404, 'not-found'],
  ['%3f before dots does not hide them', 'RFC 3986 3.4', '/public/x%3f/../../admin', 401, 'credentials-missing'],
  ['double encoding is decoded once', 'CVE-2021-42013 Apache', '/public/%252e%252e/admin', 404, 'not-found'],
  ['%23 is no fragment', 'RFC 3986 2.2', '/admin%23', 404, 'not-found'],
  ['a dot inside a name is a dot', 'RFC 3986 3.3', '/admin.', 404, 'not-found'],
  ['an extension makes another path', 'RFC 3986 6.2', '/admin.json', 404, 'not-found'],
  ['a space at the end makes another path', 'CVE-2020-17523 Shiro', '/admin%20', 404, 'not-found'],
  ['a query does not open what the path closes', 'design: no exemption by query', '/admin?path=/public/x', 401, 'credentials-missing'],
  ['a query that looks like a path', 'design', '/admin?/../public/x', 401, 'credentials-missing'],
]) {
  refused(target, { name: `${name}: ${path}`, reference, send: get(path), status, problem: slug, open: true });
}

for (const [name, reference, path, seen] of [
  ['%3f reaches the upstream as %3F, not as a question mark', 'RFC 3986 2.2', '/public/a%3fb=c', '/public/a%3Fb=c'],
  ['%23 reaches the upstream as %23', 'RFC 3986 2.2', '/public/a%23b', '/public/a%23b'],
  ['double encoding reaches the upstream as it came, once', 'CVE-2021-42013 Apache', '/public/%252e', '/public/%252e'],
  ['%25 stays %25', 'RFC 3986 2.4', '/public/%25', '/public/%25'],
  ['dot segments are gone upstream', 'RFC 3986 5.2.4', '/public/./x/../y', '/public/y'],
  ['the query is kept, escapes and all', 'RFC 3986 3.4', '/public/x?a=%2e%2e%2f&b=..;/%00', '/public/x?a=%2e%2e%2f&b=..;/%00'],
  ['a question mark in a query is part of it', 'RFC 3986 3.4', '/public/x?a?b', '/public/x?a?b'],
]) {
  disarmed(target, { name: `${name}: ${path}`, reference, send: get(path), requests: [`GET ${seen}`] });
}

for (const [name, query] of [
  ['a raw control character', 'a=\x01'],
  ['a raw NUL', 'a=\0'],
  ['raw octets with the eighth bit', 'a=\xff'],
  ['a percent sign without digits', 'a=%zz'],
  ['a fragment', 'a=b#c'],
]) {
  refused(target, { name: `a query with ${name}`, reference: 'RFC 3986 3.4', send: get(`/public/x?${query}`), status: 400, problem: 'malformed-path' });
}

// What an operator may allow is allowed and no more.
const lenient = await startTarget(secured({ duplicate_slashes: 'merge', encoded_slash: 'keep', path_parameters: 'keep' }));
for (const [name, path, seen] of [
  ['merged slashes are one slash upstream', '/public//x', '/public/x'],
  ['a kept %2f is never a slash: one segment, still encoded', '/public/a%2fb', '/public/a%2Fb'],
  ['a kept %5c stays encoded', '/public/a%5cb', '/public/a%5Cb'],
  ['a kept parameter is part of its segment', '/public/x;v=1', '/public/x;v=1'],
]) {
  disarmed(lenient, { name: `with merge and keep: ${name}`, reference: 'listeners.paths', send: get(path), requests: [`GET ${seen}`] });
}
for (const [path, slug, status] of [
  ['/public/..;/admin', 'malformed-path', 400],
  ['/public/..%2fadmin', 'malformed-path', 400],
  ['/public/..%5cadmin', 'malformed-path', 400],
  ['/public/%2e%2e%2fadmin', 'malformed-path', 400],
  ['/public/.;x/../admin', 'malformed-path', 400],
  ['/public/%2e%2e%3bx/admin', 'malformed-path', 400],
]) {
  refused(lenient, { name: `with merge and keep: dots that an upstream could see are refused: ${path}`, reference: 'CVE-2020-5902 F5; CVE-2021-29492 Envoy', send: get(path), status, problem: slug });
}
for (const path of ['//admin', '/public/..//admin', '/public//../admin']) {
  test(`with merge and keep: ${path} is the closed route or none (merge_slashes)`, async () => {
    const before = lenient.upstream.requests.length;
    const { responses } = await converse(lenient.port, get(path));
    assert.ok([400, 401].includes(responses[0].status), String(responses[0].status));
    assert.deepEqual(lenient.upstream.requests.slice(before), []);
  });
}

test('the route, the log and the upstream name the same path', async () => {
  const { gateway, upstream } = target;
  await converse(target.port, get('/public/./%7euser/../x%20y'));
  const entry = await gateway.entry((e) => e.path === '/public/x%20y');
  assert.equal(entry.operation, 'public');
  assert.equal(upstream.requests.at(-1).url, '/public/x%20y');
});
