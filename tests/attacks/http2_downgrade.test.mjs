// What would be malformed in HTTP/1.1 is refused in HTTP/2 and never translated. The upstream gets nothing, or
// exactly one well-formed request. "Sequel" is James Kettle, HTTP/2: The Sequel is Always Worse (2021).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { values } from '../support/bytes.mjs';
import { assertRefused, downgrade } from '../support/h2_downgrade.mjs';
import { startHttp2Target } from '../support/h2_expect.mjs';
import { data, get, headers, post } from '../support/h2_raw.mjs';

const target = await startHttp2Target();
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n';
const instead = (fields, name, value) => fields.map(([n, v]) => [n, n === name ? value : v]);
const without = (fields, name) => fields.filter(([n]) => n !== name);
const nameOf = (text) => JSON.stringify(text).slice(0, 60);

/** It must be refused. */
const refused = (name, reference, fields, options) => test(`${name} (${reference})`, async () => assertRefused(await downgrade(target, fields, options)));
/** It may pass, as one request for which `check` holds. */
const disarmed = (name, reference, fields, options = {}) => test(`${name} (${reference})`, async () => {
  const { outcome, seen } = await downgrade(target, fields, options);
  if (outcome.kind === 'response' && outcome.response.status < 400) options.check?.(seen[0]);
});

// H2.TE and H2.CL: two ideas of where the request ends.
for (const coding of ['chunked', ' chunked', 'chunked ', '\x0bchunked', 'Chunked', 'chunked\x00', 'identity', 'xchunked', 'chunked, identity', 'gzip, chunked', '']) {
  refused(`H2.TE: transfer-encoding: ${nameOf(coding)}`, 'Sequel; CVE-2021-33193 Apache', post('/x', [['transfer-encoding', coding]]), { body: `0\r\n\r\n${smuggled}` });
}
for (const name of ['Transfer-Encoding', 'transfer-encoding ', ' transfer-encoding', 'transfer-encoding\t', 'transfer-encoding\r', 'transfer-encoding\x00', 'transfer_encoding\r\nx', 'transfer-encoding:']) {
  refused(`H2.TE: the name ${nameOf(name)}`, 'Sequel: "H2.TE via request header injection"', post('/x', [[name, 'chunked']]), { body: `0\r\n\r\n${smuggled}` });
}
for (const name of ['transfer_encoding', 'transferencoding', 'content_length', 'contentlength', 'content.length']) {
  disarmed(`a name that a lax reader takes for framing: ${name}`, 'desync guardian; CVE-2019-18277 HAProxy', post('/x', [[name, '5']]), { body: 'hello', check: (r) => assert.deepEqual(values(r.fields, name), [], 'it went on') });
}
for (const [name, length, body] of [
  ['H2.CL: shorter than the body (the Netflix case)', '0', smuggled], ['H2.CL: shorter than the body', '4', `abcd${smuggled}`], ['longer than the body', '1000', 'abcd'],
  ['signed', '+4', 'abcd'], ['negative', '-1', 'abcd'], ['in hexadecimal', '0x4', 'abcd'], ['with a fraction', '4.0', 'abcd'], ['with a space inside', '4 2', 'abcd'], ['with a letter', '4a', 'abcd'], ['empty', '', 'abcd'],
  ['a list of equal ones', '4, 4', 'abcd'], ['a list', '4,0', 'abcd'], ['beyond 64 bits, wrapping to 4', '18446744073709551620', 'abcd'], ['of 500 digits', `${'0'.repeat(499)}4`, 'abcd'], ['nearly 2^63', '9223372036854775807', 'abcd'],
  ['with CR LF and a coding', '4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`], ['in other digits', '\xd9\xa4', 'abcd'], ['with a leading plus and a space', '+ 4', 'abcd'],
]) {
  refused(`content-length ${name}`, name.startsWith('H2.CL') ? 'Sequel: "H2.CL"; CVE-2021-21295 Netty' : 'RFC 9113 8.1.1; CVE-2021-21409 Netty', post('/x', [['content-length', length]]), { body });
}
refused('content-length, and no body at all', 'CVE-2021-21409 Netty', post('/x', [['content-length', '10']]));
refused('two content-length that differ', 'RFC 9110 8.6; CVE-2021-31922 Pulse', post('/x', [['content-length', '0'], ['content-length', '4']]), { body: 'abcd' });
refused('two content-length that agree', 'RFC 9110 8.6', post('/x', [['content-length', '4'], ['content-length', '4']]), { body: 'abcd' });
refused('content-length and transfer-encoding', 'Sequel', post('/x', [['content-length', '4'], ['transfer-encoding', 'chunked']]), { body: `0\r\n\r\n${smuggled}` });
refused('H2.0: a GET with a length that is not there', 'Sequel; Browser-Powered Desync Attacks, 2022', get('/x', [['content-length', String(smuggled.length)]]));
disarmed('a GET with a body is one request with a body', 'Browser-Powered Desync Attacks, 2022: CL.0', get('/x'), { body: smuggled, check: (r) => assert.equal(r.body.toString(), smuggled) });
disarmed('a HEAD with a body', 'Sequel: request tunnelling with HEAD', get('/x', [], { method: 'HEAD' }), { body: smuggled, check: (r) => assert.equal(r.body.toString(), smuggled) });
disarmed('a body that looks like chunks is a body', 'Sequel: H2.TE', post('/x'), { body: `0\r\n\r\n${smuggled}`, check: (r) => assert.equal(r.body.toString(), `0\r\n\r\n${smuggled}`) });

// Request splitting and header injection: CR, LF, NUL, everywhere.
for (const [what, evil] of [
  ['CR LF and a field', 'x\r\nX-Smuggled: 1'], ['CR LF CR LF and a request', `x\r\n\r\n${smuggled}`], ['LF and a field', 'x\nX-Smuggled: 1'], ['CR and a field', 'x\rX-Smuggled: 1'], ['NUL', 'x\0y'], ['CR LF at the end', 'x\r\n'], ['LF at the start', '\nx'],
]) {
  refused(`${what} in a value`, 'Sequel: "request splitting"; CVE-2021-36740 Varnish', get('/x', [['x-a', evil]]));
  refused(`${what} in a name`, 'Sequel: "header name injection"; CVE-2021-33193 Apache', get('/x', [[evil, 'y']]));
  refused(`${what} in :path`, 'Sequel: "request line injection"; CVE-2021-33193 Apache', get(`/${evil}`));
  refused(`${what} in :method`, 'Sequel: "request line injection"; CVE-2021-33193 Apache', get('/x', [], { method: `GET${evil}` }));
  refused(`${what} in :authority`, 'Sequel: "ambiguous host"', get('/x', [], { authority: `a.test${evil}` }));
  refused(`${what} in :scheme`, 'Sequel: "request line injection through :scheme"', get('/x', [], { scheme: `http${evil}` }));
  refused(`${what} in a cookie`, 'Sequel: "request splitting"', get('/x', [['cookie', `a=${evil}`]]));
  refused(`${what} in host`, 'Sequel: "ambiguous host"', without(get('/x'), ':authority').concat([['host', `a.test${evil}`]]));
  refused(`${what} in a trailer`, 'RFC 9113 8.1', post('/x'), { body: 'a', trailers: [['x-t', evil]] });
}
for (const [method, reference] of [
  ['GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nx: x', 'Sequel: :method; CVE-2021-33193 Apache'], ['GET /smuggled HTTP/1.1', 'CVE-2021-33193 Apache'], ['GET /smuggled?', 'CVE-2023-25690 Apache'], ['GET http://b.test/', 'CVE-2021-33193 Apache'], ['GE\tT', 'RFC 9110 9.1'], ['', 'RFC 9110 9.1'],
]) refused(`a request line in :method: ${nameOf(method)}`, reference, get('/x', [], { method }));
for (const [path, reference] of [
  ['/x HTTP/1.1\r\nHost: b.test\r\n\r\nGET /smuggled', 'Sequel: "request line injection"'], ['/x HTTP/1.1', 'CVE-2023-25690 Apache'], ['/x HTTP/1.0', 'CVE-2023-25690 Apache'], ['/x y', 'RFC 9112 3.2'], ['/x\x0cHTTP/1.1', 'RFC 9112 3'], ['/x\x0bHTTP/1.1', 'RFC 9112 3'], ['x', 'RFC 9113 8.3.1'], ['@b.test/', 'Cracking the lens, 2017'], ['//b.test/x', 'Cracking the lens, 2017'],
  ['http://b.test/', 'Cracking the lens, 2017'], ['http://a.test/x', 'RFC 9113 8.3.1: origin-form only'], ['https://a.test/x', 'RFC 9113 8.3.1'], [':80/x', 'Sequel'], ['*', 'RFC 9113 8.3.1'], ['?x', 'RFC 9112 3.2.1'], ['#x', 'RFC 9112 3.2.1'], ['/x#y', 'RFC 9112 3.2.1; CVE-2021-30465'], ['\\x', 'RFC 9112 3.2.1'], ['/\\b.test', 'RFC 3986 3.3'],
]) refused(`:path ${nameOf(path)}`, reference, get(path));
for (const path of ['/%0d%0aX-Smuggled:%201', '/%0a', '/%00']) refused(`:path ${path}: encoded, and no less hostile`, 'CWE-93', get(path));

// Two ideas of the host.
for (const [name, fields] of [
  [':authority and another host', [...get(), ['host', 'b.test']]], [':authority and an empty host', [...get(), ['host', '']]], [':authority and host with another port', [...get(), ['host', 'a.test:81']]], ['two host', [...without(get(), ':authority'), ['host', 'a.test'], ['host', 'b.test']]],
  ['two equal host', [...without(get(), ':authority'), ['host', 'a.test'], ['host', 'a.test']]], ['two :authority', [[':authority', 'b.test'], ...get()]], ['neither', without(get(), ':authority')], ['an empty :authority and a host', [...instead(get(), ':authority', ''), ['host', 'b.test']]],
  ['user information', instead(get(), ':authority', 'a.test@b.test')], ['a colon in the user information', instead(get(), ':authority', 'a.test:80@b.test')], ['a path', instead(get(), ':authority', 'b.test/a.test')], ['a query', instead(get(), ':authority', 'b.test?a.test')], ['a fragment', instead(get(), ':authority', 'b.test#a.test')],
  ['a list', instead(get(), ':authority', 'a.test, b.test')], ['a space', instead(get(), ':authority', 'a.test b.test')], ['a tab', instead(get(), ':authority', 'a.test\tb.test')], ['a port that is no number', instead(get(), ':authority', 'a.test:@b.test')], ['host in capitals besides :authority', [...get(), ['Host', 'b.test']]],
]) refused(`hosts: ${name}`, 'Sequel: "ambiguous host"; HTTP Host header attacks; RFC 9113 8.3.1', fields);

// Fields of a connection, and pseudo-fields out of place.
for (const [name, value, reference] of [
  ['connection', 'close', 'RFC 9113 8.2.2'], ['connection', 'x-forwarded-for', 'Abusing HTTP hop-by-hop request headers, 2019'], ['connection', 'authorization', 'CVE-2022-31813 Apache'], ['keep-alive', 'timeout=9', 'RFC 9113 8.2.2'], ['proxy-connection', 'keep-alive', 'RFC 9113 8.2.2'],
  ['upgrade', 'h2c', 'h2c smuggling, Bishop Fox 2020'], ['upgrade', 'websocket', 'WebSocket smuggling, 2019'], ['te', 'gzip', 'RFC 9113 8.2.2'], ['te', 'trailers, chunked', 'RFC 9113 8.2.2'], ['te', 'trailers\r\nTransfer-Encoding: chunked', 'Sequel'],
]) refused(`${name}: ${nameOf(value)}`, reference, get('/x', [[name, value]]));
for (const [name, fields] of [
  ['a second :path behind the fields', [...get(), ['x-a', 'b'], [':path', '/smuggled']]], ['a second :method', [...get(), [':method', 'POST']]], ['a second :scheme', [...get(), [':scheme', 'https']]], [':path without its colon is a field, :path is missing', [...without(get(), ':path'), ['path', '/smuggled']]],
  [':smuggled', [[':smuggled', '1'], ...get()]], ['a pseudo-field with a colon behind', [[':path:', '/x'], ...get()]], [':status', [[':status', '200'], ...get()]], [':protocol', [[':protocol', 'websocket'], ...get()]],
]) refused(`pseudo-fields: ${name}`, 'RFC 9113 8.3; Sequel: "duplicate pseudo-headers"', fields);

// :scheme.
for (const scheme of ['javascript', 'file', 'ftp', 'ws', 'wss', '', 'http ', 'HTTP/1.1', 'http://b.test/?', 'https://b.test/#', 'http\0']) {
  refused(`:scheme ${nameOf(scheme)}`, 'Sequel: ":scheme"; CVE-2021-3524', get('/x', [], { scheme }));
}
disarmed(':scheme https in clear text is not believed', 'RFC 9113 8.3.1', get('/x', [], { scheme: 'https' }), { check: (r) => assert.deepEqual(values(r.fields, 'x-forwarded-proto'), ['http']) });

// Names.
for (const name of ['X-Smuggled', 'x smuggled', 'x-smuggled:', ':x', '', 'x\tb', 'x(b)', 'x[b]', 'x,b', 'x=b', 'x\xe9', 'x\x7f', '"x"', 'host: b.test\r\nx', 'foo: bar\r\ntransfer-encoding']) refused(`a field name ${nameOf(name)}`, 'Sequel; RFC 9113 8.2.1', get('/x', [[name, 'chunked']]));

// What the client may not say of itself goes no further.
for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded', 'x-request-id']) {
  disarmed(`${name} of a client is not believed`, 'CWE-348', get('/x', [[name, 'smuggled']]));
}

// Request tunnelling: one connection upstream after a bad one still gives each his own answer.
test('the answers of two clients never change places, whatever came between (Sequel: response queue poisoning)', async () => {
  for (let round = 0; round < 5; round += 1) {
    assertRefused(await downgrade(target, post('/x', [['content-length', '2']]), { frames: [headers(1, post('/x', [['content-length', '2']])), data(1, `ab${smuggled}`, { end: true })] }));
    const { outcome, seen } = await downgrade(target, get(`/round/${round}`));
    assert.equal(outcome.response.status, 200);
    assert.equal(seen[0].url, `/round/${round}`);
  }
});
