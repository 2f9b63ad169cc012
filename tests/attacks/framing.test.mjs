// Request smuggling: every way in which two readers have disagreed about where a message ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { value, values } from '../support/bytes.mjs';
import { disarmed, refused, startTarget } from '../support/attack.mjs';
import { converse } from '../support/raw_client.mjs';

const target = await startTarget();
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n';
const post = (fields, body = '') => `POST /orders HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n${body}`;
const both = 'ambiguous-framing';
const broken = 'malformed-request';

for (const [name, reference, fields, body = `0\r\n\r\n${smuggled}`, problem = both] of [
  // Two lengths.
  ['CL.TE: both lengths, the body as chunks', 'RFC 9112 6.1; HTTP Desync Attacks, 2019', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'],
  ['TE.CL: the coding first', 'RFC 9112 6.1; CVE-2024-1135 gunicorn', 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n'],
  ['CL.0: both, with a length of zero', 'Browser-Powered Desync Attacks, 2022', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'],
  ['two lengths that differ', 'RFC 9110 8.6; CVE-2019-16792 waitress', 'Content-Length: 0\r\nContent-Length: 42\r\n', smuggled],
  ['two lengths that agree', 'RFC 9110 8.6', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'],
  ['a list of equal lengths', 'RFC 9110 8.6', 'Content-Length: 5, 5\r\n', 'hello'],
  ['a list of different lengths', 'RFC 9110 8.6', 'Content-Length: 0, 42\r\n', smuggled],
  // A length that is not one.
  ['a signed length: +5', 'CVE-2021-32715 hyper; CVE-2022-24761 waitress', 'Content-Length: +5\r\n', 'hello'],
  ['a negative length', 'workerd 2026-03-12 HTTP size validation', 'Content-Length: -1\r\n', smuggled],
  ['a length in hexadecimal', 'RFC 9110 8.6', 'Content-Length: 0x5\r\n', 'hello'],
  ['a length with a fraction', 'RFC 9110 8.6', 'Content-Length: 5.0\r\n', 'hello'],
  ['a length with an exponent', 'RFC 9110 8.6', 'Content-Length: 5e0\r\n', 'hello'],
  ['an empty length', 'CVE-2023-40225 HAProxy', 'Content-Length:\r\n', smuggled],
  ['a length of blanks', 'CVE-2023-40225 HAProxy', 'Content-Length:  \t \r\n', smuggled],
  ['a length with a space inside', 'CVE-2018-7159 Node.js', 'Content-Length: 4 2\r\n', smuggled],
  ['a length with a letter behind it', 'CVE-2022-24761 waitress', 'Content-Length: 5a\r\n', 'hello'],
  ['a length with an underscore', 'CVE-2022-24761 waitress (int() of Python takes it)', 'Content-Length: 1_0\r\n', 'hello12345'],
  ['a length beyond 64 bits that wraps to 5', 'RFC 9110 8.6: anticipate large numbers', 'Content-Length: 18446744073709551621\r\n', 'hello'],
  ['a length of 500 digits', 'RFC 9110 8.6', `Content-Length: ${'0'.repeat(499)}5\r\n`, 'hello'],
  ['a length in other digits (Arabic-Indic five)', 'RFC 9110 8.6', 'Content-Length: \xd9\xa5\r\n', 'hello'],
  // A coding that is nearly chunked.
  ['two codings: chunked twice in two fields', 'CVE-2020-8287 Node.js', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'],
  ['two codings: chunked, then identity', 'CVE-2020-8287 Node.js; CVE-2026-2835 Pingora', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'],
  ['identity, chunked in a list', 'CVE-2026-2835 Pingora', 'Transfer-Encoding: identity, chunked\r\n'],
  ['chunked, identity in a list', 'CVE-2022-32213 Node.js', 'Transfer-Encoding: chunked, identity\r\n'],
  ['chunked, chunked', 'RFC 9112 6.1: chunked is applied once', 'Transfer-Encoding: chunked, chunked\r\n'],
  ['xchunked', 'HTTP Desync Attacks, 2019', 'Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n', undefined, [both, 'not-implemented']],
  ['chunkedchunked', 'llhttp: invalid transfer-encoding', 'Transfer-Encoding: chunkedchunked\r\n', undefined, [both, 'not-implemented']],
  ['a coding with a vertical tab before it', 'CVE-2019-18277 HAProxy', 'Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n', undefined, broken],
  ['a coding with a form feed behind it', 'CVE-2019-18277 HAProxy', 'Transfer-Encoding: chunked\x0c\r\nContent-Length: 4\r\n', undefined, broken],
  ['a coding with NUL behind it', 'CVE-2019-15605 Node.js', 'Transfer-Encoding: chunked\0\r\nContent-Length: 4\r\n', undefined, broken],
  ['a coding in quotes', 'HTTP Desync Attacks, 2019', 'Transfer-Encoding: "chunked"\r\nContent-Length: 4\r\n'],
  ['a coding with a parameter', 'RFC 9112 7.1: chunked has none', 'Transfer-Encoding: chunked;q=1\r\nContent-Length: 4\r\n'],
  ['a coding with a comma behind it', 'CVE-2022-32213 Node.js', 'Transfer-Encoding: chunked,\r\nContent-Length: 4\r\n'],
  ['a coding with a comma before it', 'CVE-2022-32213 Node.js', 'Transfer-Encoding: ,chunked\r\nContent-Length: 4\r\n'],
  ['an empty coding', 'RFC 9110 5.6.1', 'Transfer-Encoding:\r\nContent-Length: 4\r\n'],
  ['a coding on a folded line', 'CVE-2022-32215 Node.js', 'Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n'],
  ['a coding that goes on in the next line', 'CVE-2022-32215 Node.js', 'Transfer-Encoding: chunked\r\n , identity\r\n', undefined, broken],
  ['a coding in UTF-8 with a long s (chun\u212aed)', 'case mapping of U+212A', 'Transfer-Encoding: chun\xe2\x84\xaaed\r\nContent-Length: 4\r\n'],
  // Names that are nearly those of framing.
  ['a space before the colon', 'RFC 9112 5.1; CVE-2019-16276 Go; CVE-2019-16869 Netty; CVE-2021-22959 Node.js', 'Transfer-Encoding : chunked\r\nContent-Length: 4\r\n', undefined, broken],
  ['a tab before the colon', 'RFC 9112 5.1', 'Transfer-Encoding\t: chunked\r\nContent-Length: 4\r\n', undefined, broken],
  ['a space before the name', 'CVE-2024-27982 Node.js', ' Content-Length: 4\r\n', smuggled, broken],
  ['a name after a folded line', 'CVE-2024-27982 Node.js', 'X: y\r\n Content-Length: 42\r\n', smuggled, broken],
  ['a NUL in the name', 'RFC 9110 5.1', 'Transfer-Encoding\0: chunked\r\n', undefined, broken],
  ['a control character before the name', 'CVE-2019-18277 HAProxy', '\x0bTransfer-Encoding: chunked\r\n', undefined, broken],
  ['a letter with the eighth bit', 'CVE-2023-38522 Traffic Server', 'Transfer-Encod\xefng: chunked\r\n', undefined, broken],
  ['a name of 300 octets that wraps a length of eight bits', 'CVE-2021-40346 HAProxy', `Content-Length0${'a'.repeat(255)}:\r\nContent-Length: 42\r\nContent-Length: 42\r\n`, smuggled],
  ['an empty name', 'CVE-2023-25725 HAProxy', ': x\r\nTransfer-Encoding: chunked\r\n', undefined, broken],
  ['an empty name between two fields', 'CVE-2023-25725 HAProxy', 'X: 1\r\n:\r\nTransfer-Encoding: chunked\r\n', undefined, broken],
  ['a line without a colon', 'CVE-2019-20444 Netty', 'Transfer-Encoding\r\nX: y\r\n', undefined, broken],
  ['an at sign in the name', 'RFC 9110 5.6.2', 'Fo@: x\r\n', '', broken],
  ['a name in quotes', 'RFC 9110 5.6.2', '"Transfer-Encoding": chunked\r\n', undefined, broken],
  // Line ends.
  ['a bare LF after a field', 'CVE-2022-32214 and CVE-2022-35256 Node.js; CVE-2019-16785 waitress', 'X: y\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n', undefined, broken],
  ['a bare CR as a line end', 'CVE-2023-30589 Node.js', 'X:\rTransfer-Encoding: chunked\r\n', undefined, broken],
  ['a bare CR inside a name (read as a hyphen once)', 'CVE-2020-8201 Node.js', 'Content\rLength: 42\r\n', smuggled, broken],
  ['a bare CR inside a value', 'RFC 9112 2.2', 'X: a\rb\r\n', '', broken],
  ['CR CR LF', 'RFC 9112 2.2', 'X: y\r\r\nTransfer-Encoding: chunked\r\n', undefined, broken],
  ['a NUL in a value', 'RFC 9110 5.5', 'X: a\0b\r\n', '', broken],
]) {
  const problems = [problem].flat();
  refused(target, { name, reference, send: post(fields, body), status: problems.map((slug) => (slug === 'not-implemented' ? 501 : 400)), problem: problems });
}

refused(target, { name: 'a coding that is not chunked', reference: 'RFC 9112 6.1', send: post('Transfer-Encoding: gzip\r\n', smuggled), status: 501, problem: 'not-implemented' });
refused(target, { name: 'gzip and a length', reference: 'CVE-2019-16786 waitress', send: post('Transfer-Encoding: gzip\r\nContent-Length: 5\r\n', 'hello'), status: [501, 400], problem: ['not-implemented', both] });
refused(target, { name: 'identity and a length', reference: 'CVE-2019-16786 waitress', send: post('Transfer-Encoding: identity\r\nContent-Length: 5\r\n', 'hello'), status: [501, 400], problem: ['not-implemented', both] });
refused(target, { name: 'only LF in the whole head', reference: 'RFC 9112 2.2; CVE-2019-16785 waitress', send: 'POST /orders HTTP/1.1\nHost: a.test\nTransfer-Encoding: chunked\n\n0\n\n', status: 400, problem: broken });
refused(target, { name: 'a bare LF at the end of the request line', reference: 'RFC 9112 2.2', send: 'GET /orders HTTP/1.1\nHost: a.test\r\n\r\n', status: 400, problem: broken });
refused(target, { name: 'a folded first field', reference: 'RFC 9112 2.2', send: 'GET /orders HTTP/1.1\r\n Host: a.test\r\n\r\n', status: 400, problem: broken });

// HTTP/1.0 and coding.
refused(target, { name: 'Transfer-Encoding in HTTP/1.0', reference: 'RFC 9112 6.1; CVE-2026-2835 Pingora', send: `POST /orders HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, status: 400, problem: both });
refused(target, { name: 'Transfer-Encoding in HTTP/1.0 with keep-alive', reference: 'RFC 9112 6.1; CVE-2026-2835 Pingora', send: `POST /orders HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`, status: 400, problem: both });

// Chunks.
for (const [name, reference, body] of [
  ['a size with a sign', 'CVE-2021-32714 hyper', '+2\r\nok\r\n0\r\n\r\n'],
  ['a negative size', 'RFC 9112 7.1', '-2\r\nok\r\n0\r\n\r\n'],
  ['a size with 0x', 'RFC 9112 7.1; CVE-2022-24761 waitress', '0x2\r\nok\r\n0\r\n\r\n'],
  ['an empty size', 'RFC 9112 7.1', '\r\nok\r\n0\r\n\r\n'],
  ['a size that is no number', 'RFC 9112 7.1', 'zz\r\nok\r\n0\r\n\r\n'],
  ['a space before the size', 'RFC 9112 7.1', ' 2\r\nok\r\n0\r\n\r\n'],
  ['a space behind the size', 'RFC 9112 7.1', '2 \r\nok\r\n0\r\n\r\n'],
  ['a size beyond 64 bits', 'CVE-2021-32714 hyper', '10000000000000002\r\nok\r\n0\r\n\r\n'],
  ['a size of 100 zeros and a two', 'RFC 9112 7.1', `${'0'.repeat(100)}2\r\nok\r\n0\r\n\r\n`],
  ['a bare LF behind the size', 'CVE-2025-22871 Go', '2\nok\r\n0\r\n\r\n'],
  ['a bare CR behind the size', 'RFC 9112 7.1', '2\rok\r\n0\r\n\r\n'],
  ['a bare LF inside an extension (TERM.EXT)', 'Funky chunks, 2025; CVE-2025-22871 Go', '2;a\nxx\r\nok\r\n0\r\n\r\n'],
  ['a bare CR inside an extension', 'Funky chunks, 2025', '2;a\rb\r\nok\r\n0\r\n\r\n'],
  ['a NUL inside an extension', 'RFC 9112 7.1.1', '2;\0\r\nok\r\n0\r\n\r\n'],
  ['an extension without a name', 'RFC 9112 7.1.1', '2;\r\nok\r\n0\r\n\r\n'],
  ['an extension with an open quote', 'CVE-2021-22960 Node.js', '2;a="b\r\nok\r\n0\r\n\r\n'],
  ['a quoted extension that holds the end of the line', 'CVE-2021-22960 Node.js', '2;a="\r\nok\r\n"\r\n0\r\n\r\n'],
  ['a chunk that is longer than its size (SPILL)', 'Funky chunks, 2025', '2\r\nokX\r\n0\r\n\r\n'],
  ['a chunk without its CRLF', 'RFC 9112 7.1', '2\r\nok0\r\n\r\n'],
  ['a chunk that ends with a bare LF', 'Funky chunks, 2025', '2\r\nok\n0\r\n\r\n'],
  ['a last chunk with a bare LF', 'CVE-2025-22871 Go', '2\r\nok\r\n0\n\n'],
  ['two octets that are anything in the place of CRLF', 'Funky chunks, 2025', '2\r\nokXX0\r\n\r\n'],
  ['a trailer with a bare LF', 'CVE-2022-35256 Node.js', '2\r\nok\r\n0\r\nX: y\n\r\n'],
  ['a trailer without a colon', 'RFC 9112 7.1.2', '2\r\nok\r\n0\r\nnonsense\r\n\r\n'],
  ['a trailer with a space before the colon', 'RFC 9112 5.1', '2\r\nok\r\n0\r\nX : y\r\n\r\n'],
  ['a folded trailer', 'RFC 9112 5.2', '2\r\nok\r\n0\r\nX: y\r\n z\r\n\r\n'],
]) {
  refused(target, { name: `chunks: ${name}`, reference, send: post('Transfer-Encoding: chunked\r\n', body + smuggled), status: 400, problem: broken, partial: true });
}

test('chunks: extensions without end are bounded (CVE-2023-39326 Go)', async () => {
  const before = target.upstream.requests.length;
  const { responses, state } = await converse(target.port, post('Transfer-Encoding: chunked\r\n', `1;${'a'.repeat(60)}\r\nx\r\n`.repeat(4000) + '0\r\n\r\n'), { quiet: 3000 });
  assert.ok([400, 413].includes(responses[0].status), String(responses[0].status));
  assert.notEqual(state, 'open');
  assert.ok(target.upstream.requests.slice(before).every((r) => r.body === undefined));
});

disarmed(target, {
  name: 'chunks: well-formed extensions do not go on',
  reference: 'RFC 9112 7.1.1',
  send: post('Transfer-Encoding: chunked\r\n', '2;a=b;c="d;e\\"f" ; g\r\nok\r\n00;x\r\n\r\n'),
  requests: ['POST /orders'],
  check: (request) => assert.equal(request.body.toString(), 'ok'),
});

for (const name of ['Transfer-Encoding', 'Content-Length', 'Host', 'Authorization', 'X-Request-Id', 'X-Forwarded-For', 'Connection', 'Cookie']) {
  test(`chunks: a trailer ${name} never becomes a field (RFC 9110 6.5.1)`, async () => {
    const before = target.upstream.requests.length;
    const { responses } = await converse(target.port, post('Transfer-Encoding: chunked\r\n', `2\r\nok\r\n0\r\n${name}: 7\r\n\r\n`));
    const seen = target.upstream.requests.slice(before);
    if (responses[0].status === 200) {
      assert.equal(seen.length, 1);
      assert.deepEqual(values(seen[0].trailers, name.toLowerCase()), [], 'the upstream got it as a trailer');
    } else {
      assert.equal(responses[0].status, 400);
    }
  });
}

// Upgrade.
disarmed(target, {
  name: 'an upgrade is no tunnel before 101: what follows is a request, and is treated as one',
  reference: 'CVE-2026-2833 Pingora',
  send: `GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nGET /internal HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: nonsense\r\n\r\n`,
  requests: ['GET /chat'],
  statuses: [200, 501],
  check: (request) => {
    assert.deepEqual(values(request.fields, 'upgrade'), []);
    assert.deepEqual(values(request.fields, 'connection'), []);
  },
});
disarmed(target, {
  name: 'h2c is not passed on',
  reference: 'h2c Smuggling, 2020',
  send: 'GET /orders HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n',
  requests: ['GET /orders'],
  check: (request) => {
    for (const name of ['upgrade', 'http2-settings', 'connection']) assert.deepEqual(values(request.fields, name), [], name);
  },
});
refused(await startTarget({ listener: { protocols: ['http/1.1'] } }), { name: 'the HTTP/2 preface where HTTP/1.1 alone is spoken', reference: 'RFC 9113 3.4', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: [505, 400], problem: ['version-not-supported', broken] });
refused(target, { name: 'CONNECT', reference: 'RFC 9110 9.3.6', send: `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n${smuggled}`, status: 501, problem: 'not-implemented' });
refused(target, { name: 'TRACE', reference: 'Cross-Site Tracing, 2003', send: 'TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n', status: [405, 501], problem: ['method-not-allowed', 'not-implemented'], open: true });

// Bodies where nobody expects one.
disarmed(target, {
  name: 'a body with GET is its body, not the next request',
  reference: 'Browser-Powered Desync Attacks (CL.0), 2022',
  send: `GET /orders HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  requests: ['GET /orders'],
  check: (request) => assert.equal(request.body.toString(), smuggled),
});
disarmed(target, {
  name: 'a body with HEAD is its body',
  reference: 'RFC 9110 9.3.2',
  send: `HEAD /orders HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  requests: ['HEAD /orders'],
  heads: [true],
});
test('the undrained body of a refused request is never a request (CVE-2025-4366 Pingora)', async () => {
  const before = target.upstream.requests.length;
  const { responses, state } = await converse(target.port, `POST /no/such/route/at/all HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`, { quiet: 300 });
  assert.equal(responses[0].status, 404);
  assert.equal(responses.length, 1, `a second answer: ${responses[1]?.status}, ${state}`);
  assert.deepEqual(target.upstream.requests.slice(before), []);
});
test('the undrained chunked body of a refused request is never a request (CVE-2025-4366 Pingora)', async () => {
  const before = target.upstream.requests.length;
  const { responses } = await converse(target.port, `POST /no/such/route/at/all HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`, { quiet: 300 });
  assert.equal(responses[0].status, 404);
  assert.equal(responses.length, 1);
  assert.deepEqual(target.upstream.requests.slice(before), []);
});

// Request lines and Host.
for (const [name, reference, send, status, problem] of [
  ['two spaces before the target', 'RFC 9112 3', 'GET  /orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['two spaces before the version', 'RFC 9112 3', 'GET /orders  HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['a space behind the version', 'RFC 9112 3', 'GET /orders HTTP/1.1 \r\nHost: a.test\r\n\r\n', 400, broken],
  ['a tab for a space', 'RFC 9112 3', 'GET\t/orders\tHTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['a space in the target', 'RFC 9112 3.2', 'GET /orders /x HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['no version (HTTP/0.9)', 'RFC 9112 3', 'GET /orders\r\n\r\n', 400, broken],
  ['a version in small letters', 'RFC 9112 2.3', 'GET /orders http/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['version 1.10', 'RFC 9112 2.3', 'GET /orders HTTP/1.10\r\nHost: a.test\r\n\r\n', 400, broken],
  ['version 2.0 in the text form', 'RFC 9110 15.6.6', 'GET /orders HTTP/2.0\r\nHost: a.test\r\n\r\n', 505, 'version-not-supported'],
  ['version 0.9 spelt out', 'RFC 9110 15.6.6', 'GET /orders HTTP/0.9\r\nHost: a.test\r\n\r\n', 505, 'version-not-supported'],
  ['a method that is no token', 'RFC 9110 9.1', 'G(T /orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['an empty method', 'RFC 9112 3.1', ' /orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, broken],
  ['a NUL in the target', 'RFC 9112 3.2', 'GET /ord\0ers HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'malformed-path'],
  ['a fragment in the target', 'RFC 9112 3.2.1', 'GET /orders#x HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'malformed-path'],
  ['no Host', 'RFC 9112 3.2', 'GET /orders HTTP/1.1\r\n\r\n', 400, 'malformed-host'],
  ['two Hosts', 'RFC 9112 3.2', 'GET /orders HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n', 400, 'malformed-host'],
  ['two equal Hosts', 'RFC 9112 3.2', 'GET /orders HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n', 400, 'malformed-host'],
  ['an empty Host', 'RFC 9110 7.2', 'GET /orders HTTP/1.1\r\nHost:\r\n\r\n', 400, 'malformed-host'],
  ['a Host that is a list', 'RFC 9110 7.2', 'GET /orders HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n', 400, 'malformed-host'],
  ['a Host with a path', 'Practical HTTP Host header attacks, 2013', 'GET /orders HTTP/1.1\r\nHost: a.test/admin\r\n\r\n', 400, 'malformed-host'],
  ['a Host with user information', 'RFC 9110 4.2.4', 'GET /orders HTTP/1.1\r\nHost: a@b.test\r\n\r\n', 400, 'malformed-host'],
  ['a Host with a port that is none', 'RFC 9110 7.2', 'GET /orders HTTP/1.1\r\nHost: a.test:80x\r\n\r\n', 400, 'malformed-host'],
  ['a Host with a port beyond 65535', 'RFC 9110 7.2', 'GET /orders HTTP/1.1\r\nHost: a.test:65536\r\n\r\n', 400, 'malformed-host'],
  ['a Host with an open bracket', 'RFC 3986 3.2.2', 'GET /orders HTTP/1.1\r\nHost: [::1\r\n\r\n', 400, 'malformed-host'],
  ['a Host with a space inside', 'RFC 9110 7.2', 'GET /orders HTTP/1.1\r\nHost: a.test b.test\r\n\r\n', 400, 'malformed-host'],
  ['an absolute target with user information', 'RFC 9110 4.2.4', 'GET http://a.test@evil.test/orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, ['malformed-host', 'malformed-path']],
  ['an absolute target of another scheme', 'RFC 9112 3.2.2', 'GET ftp://a.test/orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'malformed-path'],
  ['an absolute target without a host', 'RFC 9110 4.2.1', 'GET http:///orders HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, ['malformed-host', 'malformed-path']],
  ['an authority where a path belongs', 'RFC 9112 3.2.3', 'GET a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'malformed-path'],
  ['an asterisk with GET', 'RFC 9112 3.2.4', 'GET * HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'malformed-path'],
]) {
  const problems = [problem].flat();
  if (problems.length === 1) {
    refused(target, { name, reference, send, status, problem });
  } else {
    test(`${name} (${reference})`, async () => {
      const before = target.upstream.requests.length;
      const { responses, state } = await converse(target.port, send, { quiet: 3000 });
      assert.equal(responses[0].status, status);
      assert.ok(problems.some((slug) => responses[0].json.type.endsWith(`:${slug}`)), responses[0].text);
      assert.notEqual(state, 'open');
      assert.deepEqual(target.upstream.requests.slice(before), []);
    });
  }
}

disarmed(target, {
  name: 'an absolute target beside another Host: one authority reaches the upstream',
  reference: 'RFC 9112 3.2.2; Practical HTTP Host header attacks, 2013',
  send: 'GET http://real.test/orders HTTP/1.1\r\nHost: other.test\r\n\r\n',
  requests: ['GET /orders'],
  check: (request) => assert.equal(value(request.fields, 'host'), 'real.test'),
});

// Connection names what it should not.
for (const named of ['Host', 'Content-Length', 'Transfer-Encoding', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Request-Id']) {
  test(`Connection: ${named} takes nothing away that the gateway sets (CVE-2022-31813 Apache; CVE-2024-45410 Traefik)`, async () => {
    const before = target.upstream.requests.length;
    const { responses } = await converse(target.port, post(`Connection: keep-alive, ${named}\r\nContent-Length: 5\r\n`, 'hello'));
    const seen = target.upstream.requests.slice(before);
    if (responses[0].status === 400) {
      assert.deepEqual(seen, []);
      return;
    }
    assert.equal(seen.length, 1);
    assert.equal(seen[0].body.toString(), 'hello');
    for (const name of ['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id']) assert.equal(values(seen[0].fields, name).length, 1, name);
  });
}
