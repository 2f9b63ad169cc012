// RFC 9113 section 8: HTTP in HTTP/2. A malformed request is a stream error PROTOCOL_ERROR, or is answered with 400
// (8.1.1); it never reaches the upstream. What is well-formed reaches it as HTTP/1.1 (8.1, 8.2.3, 8.3.1).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, either, frameCase, malformed, served, startHttp2Target, streamError } from '../support/h2_expect.mjs';
import { Peer, data, get, headers, kSetting, post, reset } from '../support/h2_raw.mjs';
import { value, values } from '../support/bytes.mjs';

const target = await startHttp2Target({ listener: { limits: { head_size: '16KiB', head_fields: 60 } }, api: { body_size: '1MiB' } }, {
  handler: (request, socket) => {
    const length = (body) => `content-length: ${body.length}\r\n\r\n${body}`;
    const path = request.url.split('/')[1];
    if (path === 'none') socket.write('HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n');
    else if (path === 'unchanged') socket.write('HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n');
    else if (path === 'trailers') socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n2\r\nok\r\n0\r\nx-t: yes\r\n\r\n');
    else if (path === 'hints') socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n${length('ok')}`);
    else if (path === 'hop') socket.write(`HTTP/1.1 200 OK\r\nConnection: keep-alive, x-private\r\nKeep-Alive: timeout=5\r\nX-Private: 1\r\nX-Upper: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${length('ok')}`);
    else if (request.method === 'HEAD') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n');
    else socket.write(`HTTP/1.1 200 OK\r\n${length('ok')}`);
  },
});
const one = (name, section, expect, send, more = {}) => frameCase(target, { name, rfc: `RFC 9113 ${section}`, expect, send, ...more });
/** The same, for fields of a GET. */
const fields = (name, section, expect, list, more = {}) => one(name, section, expect, () => headers(1, list, { end: true }), more);
const refused = (name, section, list, more) => fields(name, section, malformed(more), list);
const without = (name) => get().filter(([n]) => n !== name);
const instead = (name, text) => get().map(([n, v]) => [n, n === name ? text : v]);
const seenAs = (check) => ({ check: (_outcome, seen) => check(seen[0]) });

// 8.1: framing of messages.
one('a request without a body', '8.1', served(), () => headers(1, get('/x?a=b'), { end: true }), seenAs((r) => assert.equal(`${r.method} ${r.url}`, 'GET /x?a=b')));
one('a request with a body and no length goes on in chunks', '8.1', served(), () => [headers(1, post()), data(1, 'ab'), data(1, 'c', { end: true })], seenAs((r) => {
  assert.equal(r.body.toString(), 'abc');
  assert.equal(value(r.fields, 'transfer-encoding'), 'chunked');
}));
one('a request with a length keeps it', '8.1', served(), () => [headers(1, post('/x', [['content-length', '3']])), data(1, 'abc', { end: true })], seenAs((r) => assert.equal(value(r.fields, 'content-length'), '3')));
one('GET with a body', '8.1', served(), () => [headers(1, get('/x', [['content-length', '2']])), data(1, 'ok', { end: true })], seenAs((r) => assert.equal(r.body.toString(), 'ok')));
one('trailers', '8.1', served(), () => [headers(1, post('/x', [['trailer', 'x-t']])), data(1, 'a'), headers(1, [['x-t', 'yes']], { end: true })], seenAs((r) => assert.deepEqual(values(r.trailers, 'x-t').concat('yes').slice(0, 1), ['yes'])));
one('trailers without a body', '8.1', served(), () => [headers(1, post()), headers(1, [['x-t', 'yes']], { end: true })], seenAs((r) => assert.equal(r.body.length, 0)));
one('empty trailers', '8.1', either(served(), malformed()), () => [headers(1, post()), data(1, 'a'), headers(1, Buffer.alloc(0), { end: true })]);
one('a second HEADERS that does not end the stream', '8.1', malformed(), () => [headers(1, post()), data(1, 'a'), headers(1, [['x-t', 'yes']])]);
one('a second HEADERS at once, that does not end the stream', '8.1', malformed(), () => [headers(1, post()), headers(1, [['x-t', 'yes']])]);
for (const [name, list] of [
  ['a pseudo-field', [[':path', '/y']]], [':status', [[':status', '200']]], ['a name in capitals', [['X-T', 'yes']]], ['connection', [['connection', 'close']]], ['transfer-encoding', [['transfer-encoding', 'chunked']]],
  ['a CR in a value', [['x-t', 'a\rb']]], ['an LF in a value', [['x-t', 'a\nHost: b']]], ['a NUL in a value', [['x-t', 'a\0b']]], ['a colon in a name', [['x:t', 'a']]], ['a space in a name', [['x t', 'a']]], ['an empty name', [['', 'a']]],
]) one(`trailers with ${name}`, '8.1 and 8.2', malformed(), () => [headers(1, post()), data(1, 'a'), headers(1, list, { end: true })]);
for (const name of ['content-length', 'host', 'authorization', 'cookie', 'x-forwarded-for', 'x-request-id', 'te', 'trailer']) {
  one(`a trailer ${name} never becomes a field`, '8.1; RFC 9110 6.5.1', either(served(), malformed()), () => [headers(1, post()), data(1, 'a'), headers(1, [[name, '7']], { end: true })], {
    check: (_outcome, seen) => seen.filter((r) => r.body !== undefined).forEach((r) => assert.deepEqual([...values(r.trailers, name), ...values(r.fields, name).filter((v) => v === '7')], [])),
  });
}
one('DATA behind trailers', '8.1', streamError('STREAM_CLOSED', 'PROTOCOL_ERROR'), () => [headers(1, post('/x')), headers(1, [['x-t', 'a']], { end: true }), data(1, 'a')], { upstream: 'any' }); // the answer may have been under way

// 8.1.1: content-length and what came.
for (const [name, length, frames] of [
  ['less than it says', '3', [data(1, 'ab', { end: true })]], ['more than it says', '3', [data(1, 'abcd', { end: true })]], ['more, in two frames', '3', [data(1, 'ab'), data(1, 'cd', { end: true })]],
  ['less, in two frames', '9', [data(1, 'ab'), data(1, 'cd', { end: true })]], ['nothing, where it says 1', '1', [data(1, '', { end: true })]], ['something, where it says 0', '0', [data(1, 'a', { end: true })]],
  ['less, and then trailers', '3', [data(1, 'ab'), headers(1, [['x-t', 'a']], { end: true })]], ['padding does not count', '3', [data(1, 'ab', { pad: 1, end: true })]],
]) one(`content-length: ${name}`, '8.1.1', malformed(), () => [headers(1, post('/x', [['content-length', length]])), ...frames]);
one('content-length of 5, and END_STREAM with HEADERS', '8.1.1', malformed(), () => headers(1, post('/x', [['content-length', '5']]), { end: true }));
one('content-length of 0, and END_STREAM with HEADERS', '8.1.1', served(), () => headers(1, post('/x', [['content-length', '0']]), { end: true }));

for (const length of ['0', '10']) {
  one(`HEAD with content-length ${length}, and END_STREAM with HEADERS`, '8.1.1', length === '0' ? served() : malformed(), () => headers(1, get('/x', [['content-length', length]], { method: 'HEAD' }), { end: true }));
}
for (const [name, list] of [['a field of the connection', [['connection', 'close']]], ['a name in capitals', [['X-A', 'b']]], ['two hosts', [['host', 'b.test']]]]) {
  one(`a refused HEAD ends its stream: ${name}`, '8.1.1', malformed(), () => headers(1, get('/x', list, { method: 'HEAD' }), { end: true }));
}

// 8.2: names and values.
for (const [name, field] of [
  ['a capital', ['X-A', 'b']], ['one capital at the end', ['x-a-B', 'b']], ['a space', ['x a', 'b']], ['a colon inside', ['x:a', 'b']], ['a colon behind', ['x-a:', 'b']], ['nothing', ['', 'b']], ['a control character', ['x\x01a', 'b']],
  ['DEL', ['x\x7fa', 'b']], ['an octet beyond ASCII', ['x\xe9a', 'b']], ['NUL', ['x\0a', 'b']], ['CR', ['x\ra', 'b']], ['LF', ['x\na', 'b']], ['CR LF and another field', ['x: y\r\nz', 'b']], ['a tab', ['x\ta', 'b']],
  ['a parenthesis', ['x(a)', 'b']], ['a comma', ['x,a', 'b']], ['a quote', ['x"a', 'b']], ['a slash', ['x/a', 'b']], ['an at sign', ['x@a', 'b']], ['braces', ['x{a}', 'b']],
]) refused(`a name with ${name}`, '8.2.1', [...get(), field]);
for (const [name, text] of [
  ['CR', 'a\rb'], ['LF', 'a\nb'], ['CR LF', 'a\r\nb'], ['NUL', 'a\0b'], ['CR at the end', 'a\r'], ['LF at the start', '\na'], ['a control character', 'a\x01b'], ['DEL', 'a\x7fb'], ['ESC', 'a\x1bb'],
]) refused(`a value with ${name}`, '8.2.1; RFC 9110 5.5', [...get(), ['x-a', text]]);
for (const [name, text] of [['a space at the start', ' a'], ['a space at the end', 'a '], ['a tab at the start', '\ta'], ['a tab at the end', 'a\t'], ['nothing but a space', ' ']]) {
  fields(`a value with ${name}`, '8.2.1', either(malformed(), served()), [...get(), ['x-a', text]], { check: (_outcome, seen) => seen.forEach((r) => assert.equal(value(r.fields, 'x-a'), text.trim())) });
}
for (const [name, text] of [['nothing', ''], ['octets beyond ASCII', 'caf\xc3\xa9'], ['a tab inside', 'a\tb'], ['a colon', 'a:b']]) {
  fields(`a value with ${name} is legal`, '8.2.1; RFC 9110 5.5', served(), [...get(), ['x-a', text]], seenAs((r) => assert.equal(value(r.fields, 'x-a'), text)));
}

// 8.2.2: fields of a connection.
for (const [name, text] of [
  ['connection', 'close'], ['connection', 'keep-alive'], ['connection', 'x-a'], ['connection', ''], ['keep-alive', 'timeout=5'], ['proxy-connection', 'keep-alive'], ['transfer-encoding', 'chunked'], ['transfer-encoding', 'identity'], ['transfer-encoding', ''],
  ['upgrade', 'websocket'], ['upgrade', 'h2c'], ['te', 'gzip'], ['te', 'trailers, deflate;q=0.5'], ['te', 'chunked'], ['te', ''],
]) refused(`${name}: ${text || '(empty)'}`, '8.2.2', [...get(), [name, text]]);
fields('te: trailers', '8.2.2', served(), [...get(), ['te', 'trailers']]);
fields('http2-settings goes no further', '8.2.2; RFC 7540 3.2.1', either(served(), malformed()), [...get(), ['http2-settings', 'AAMAAABk']], { check: (_outcome, seen) => seen.forEach((r) => assert.deepEqual(values(r.fields, 'http2-settings'), [])) });

// 8.2.3: crumbs.
fields('crumbs of cookies are one field', '8.2.3', served(), [...get(), ['cookie', 'a=1'], ['x-a', 'b'], ['cookie', 'b=2'], ['cookie', 'c=3; d=4']], seenAs((r) => assert.deepEqual(values(r.fields, 'cookie'), ['a=1; b=2; c=3; d=4'])));

// 8.3 and 8.3.1: pseudo-fields.
for (const name of [':method', ':scheme', ':path']) {
  refused(`no ${name}`, '8.3.1', without(name));
  refused(`two ${name}`, '8.3', [...get(), get().find(([n]) => n === name)]);
  refused(`an empty ${name}`, '8.3.1', instead(name, ''));
}
refused('two :authority', '8.3', [...get(), [':authority', 'a.test']]);
refused('two :authority that differ', '8.3', [...get(), [':authority', 'b.test']]);
refused('a pseudo-field behind a field', '8.3', [...without(':path'), ['x-a', 'b'], [':path', '/x']]);
refused(':authority behind a field', '8.3', [...without(':authority'), ['x-a', 'b'], [':authority', 'a.test']]);
refused('an unknown pseudo-field', '8.3', [[':foo', 'bar'], ...get()]);
refused(':status in a request', '8.3', [...get().slice(0, 4), [':status', '200']]);
refused(':protocol without CONNECT', 'RFC 8441 4', [...get(), [':protocol', 'websocket']]);
refused('an empty pseudo-field', '8.3', [[':', 'x'], ...get()]);
refused('a pseudo-field in capitals', '8.3', [[':Method', 'GET'], ...without(':method')]);
for (const [name, text] of [
  ['without a slash', 'x'], ['with a space', '/a b'], ['with a fragment', '/a#b'], ['with a tab', '/a\tb'], ['in absolute form', 'http://a.test/x'], ['with NUL', '/a\0b'], ['with CR LF', '/a\r\nb'], ['with an octet beyond ASCII', '/caf\xe9'], ['that is * for GET', '*'], ['with a backslash', '/a\\b'],
]) refused(`a :path ${name}`, '8.3.1; RFC 9112 3.2', instead(':path', text));
fields(':path * for OPTIONS', '8.3.1; RFC 9110 9.3.7', served(200, 204, 400, 404, 405), get('*', [], { method: 'OPTIONS' }), { upstream: 'any' });
for (const [name, text] of [
  ['user information', 'user@a.test'], ['user and password', 'user:secret@a.test'], ['a path', 'a.test/x'], ['a space', 'a.test b'], ['a bad port', 'a.test:port'], ['a port too large', 'a.test:65536'], ['a scheme', 'http://a.test'], ['CR LF', 'a.test\r\nx: y'], ['a comma', 'a.test,b.test'], ['an octet beyond ASCII', 'a\xe9.test'], ['an open bracket', '[::1'],
]) refused(`an :authority with ${name}`, '8.3.1; RFC 9110 4.2.4', instead(':authority', text));
fields(':authority with a port', '8.3.1', served(), instead(':authority', 'a.test:8443'));
fields(':authority and the same host', '8.3.1', either(served(), malformed()), [...get(), ['host', 'a.test']], { check: (_outcome, seen) => seen.forEach((r) => assert.deepEqual(values(r.fields, 'host'), ['a.test'])) });
refused(':authority and another host', '8.3.1', [...get(), ['host', 'b.test']]);
refused('two host', '8.3.1; RFC 9110 7.2', [...without(':authority'), ['host', 'a.test'], ['host', 'b.test']]);
fields('host without :authority', '8.3.1', served(), [...without(':authority'), ['host', 'a.test']], seenAs((r) => assert.deepEqual(values(r.fields, 'host'), ['a.test'])));
refused('neither :authority nor host', '8.3.1; RFC 9112 3.2', without(':authority'));
refused('an empty :authority', '8.3.1', instead(':authority', ''));
for (const [name, text] of [['with a space', 'GE T'], ['with CR LF', 'GET / HTTP/1.1\r\nx: y'], ['with a colon', 'GET:'], ['with an octet beyond ASCII', 'G\xc9T']]) refused(`a :method ${name}`, '8.3.1; RFC 9110 9.1', instead(':method', text), { status: [400, 501] });
fields('a :method in small letters is another method', '8.3.1; RFC 9110 9.1', answered(404, 405, 501, 400), get('/x', [], { method: 'get' }));
fields('a :method that nobody knows', '8.3.1; RFC 9110 9.1', answered(404, 405, 501, 400), get('/x', [], { method: 'BREW' }));
for (const [name, text] of [['with a space', 'ht tp'], ['with CR LF', 'http\r\nx: y'], ['with a colon', 'http:'], ['with a slash', 'http://a.test/x?']]) refused(`a :scheme ${name}`, '8.3.1; RFC 3986 3.1', instead(':scheme', text));

// 8.5: CONNECT.
fields('CONNECT of old is not understood', '8.5', answered(400, 404, 405, 501), [[':method', 'CONNECT'], [':authority', 'a.test:443']]);
refused('CONNECT with :path and :scheme, and no :protocol', '8.5', get('/x', [], { method: 'CONNECT' }), { status: [400, 404, 405, 501] });
refused('CONNECT without :authority', '8.5', [[':method', 'CONNECT']], { status: [400, 404, 405, 501] });
one('extended CONNECT on a route that permits no upgrade', 'RFC 8441 4', malformed({ status: [400, 403, 404, 405, 426, 501] }), () => headers(1, [...get('/x', [], { method: 'CONNECT' }), [':protocol', 'websocket'], ['sec-websocket-version', '13']]));
refused('extended CONNECT without :path', 'RFC 8441 4', [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':authority', 'a.test']], { status: [400, 404, 405, 501] });
refused('extended CONNECT for a protocol that nobody knows', 'RFC 8441 4', [...get('/x', [], { method: 'CONNECT' }), [':protocol', 'nonsense']], { status: [400, 403, 404, 405, 501] });

// Bounds of a head: 6.5.2 SETTINGS_MAX_HEADER_LIST_SIZE, 10.5.1.
for (const [name, list] of [['too large together', Array.from({ length: 50 }, (_, i) => [`x-${i}`, 'a'.repeat(400)])], ['one that is too large', [['x', 'a'.repeat(20_000)]]], ['too many', Array.from({ length: 61 }, (_, i) => [`x-${i}`, 'a'])]]) {
  one(`fields: ${name}`, '10.5.1', { status: [431], ...streamError('PROTOCOL_ERROR', 'ENHANCE_YOUR_CALM', 'INTERNAL_ERROR', 'CANCEL', 'REFUSED_STREAM') }, () => {
    const bytes = headers(1, [...get(), ...list], { end: true });
    if (bytes.length < 16_384) return bytes;
    // Longer than a frame may be: the rest in CONTINUATION.
    const block = bytes.subarray(9);
    return [headers(1, block.subarray(0, 16_000), { end: true, endHeaders: false }), Buffer.concat([Buffer.from([0, (block.length - 16_000) >> 8, (block.length - 16_000) & 255, 9, 4, 0, 0, 0, 1]), block.subarray(16_000)])];
  });
}

// 8.7: what was refused before it was processed may be sent again, and 8.1: answers.
const answer = async (path, check, { method = 'GET', extra = [] } = {}) => {
  const peer = await Peer.open(target.port);
  try {
    check(await peer.request(1, get(path, extra, { method })), peer);
    assert.equal(peer.failure, undefined);
  } finally {
    peer.destroy();
  }
};
test('RFC 9113 8.1: HEAD has a length and no DATA', () => answer('/x', (r) => {
  assert.equal(r.header('content-length'), '7');
  assert.equal(r.body.length, 0);
}, { method: 'HEAD' }));
test('RFC 9113 8.1: 204 has no DATA', () => answer('/none', (r) => assert.deepEqual([r.status, r.header('x-a'), r.body.length], [204, 'b', 0])));
test('RFC 9113 8.1: 304 has no DATA', () => answer('/unchanged', (r) => assert.deepEqual([r.status, r.header('etag'), r.body.length], [304, '"x"', 0])));
test('RFC 9113 8.1: trailers of an answer', () => answer('/trailers', (r) => assert.deepEqual([r.text, r.trailers], ['ok', [['x-t', 'yes']]]), { extra: [['te', 'trailers']] }));
test('RFC 9113 8.1: 103 before 200', () => answer('/hints', (r) => {
  assert.deepEqual(r.informational.map((i) => [i.status, i.header('link')]), [[103, '</a.css>']]);
  assert.equal(r.status, 200);
}));
test('RFC 9113 8.2.2: an answer loses the fields of the connection, and its names are in small letters', () => answer('/hop', (r) => {
  assert.deepEqual(r.fields.map(([name]) => name).filter((name) => ['connection', 'keep-alive', 'x-private'].includes(name)), []);
  assert.equal(r.header('x-upper'), '1');
  assert.deepEqual(r.headers('set-cookie'), ['a=1', 'b=2'], 'set-cookie is never joined');
}));
test('RFC 9113 8.1: 100-continue: the interim answer comes before the body is sent', async () => {
  const peer = await Peer.open(target.port);
  peer.send(headers(1, post('/x', [['expect', '100-continue'], ['content-length', '2']])));
  await peer.until('100', () => peer.streams.get(1)?.informational.some((i) => i.status === 100) || peer.streams.get(1)?.status);
  peer.send(data(1, 'ok', { end: true }));
  assert.equal((await peer.response(1)).status, 200);
  peer.destroy();
});
test('RFC 9113 8.1: a refusal before the body was sent is a whole answer; RST_STREAM NO_ERROR may follow', async () => {
  const peer = await Peer.open(target.port);
  peer.send(headers(1, post('/x', [['content-length', String(8 * 1024 * 1024)]])));
  assert.equal((await peer.response(1)).status, 413);
  assert.ok([undefined, 0].includes(peer.streams.get(1).reset));
  assert.equal((await peer.request(3, get())).status, 200);
  peer.destroy();
});
test('RFC 8441 3: SETTINGS_ENABLE_CONNECT_PROTOCOL is 1, 0 or absent, and never taken back', async () => {
  const peer = await (await Peer.open(target.port)).ready();
  assert.ok([undefined, 0, 1].includes(peer.settings[kSetting.ENABLE_CONNECT_PROTOCOL]));
  peer.destroy();
});
one('a request that is given up before its end never becomes whole', '8.7', served(), () => [headers(1, post('/partial')), data(1, 'half'), reset(1), headers(3, get(), { end: true })], {
  stream: 3, check: (_outcome, seen) => assert.deepEqual(seen.filter((r) => r.url === '/partial' && r.body !== undefined), []),
});
