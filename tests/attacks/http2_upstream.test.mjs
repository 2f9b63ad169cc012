// An upstream over HTTP/2 that has been taken over, or is broken: what it sends reaches no client as if it were well,
// costs a bounded amount, and leaves the gateway serving others.
//
//   CVE-2023-44487 rapid reset, and CVE-2025-8671 MadeYouReset, seen from the side that opens the streams
//   CVE-2019-9512 ping flood, CVE-2019-9515 settings flood, CVE-2019-9518 empty frames
//   CVE-2024-27316, CVE-2024-28182 CONTINUATION flood
//   CVE-2021-33193, CVE-2021-41263 and their kin: HTTP/2 downgraded, CR LF in a field splits the answer
//   RFC 9113 8.1.1, 8.2, 8.3: malformed messages must not be passed on
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { block, data, field, frame, goaway, headers, kEndHeaders, reset, startRawHttp2Upstream, startHttp2Upstream, u32 } from '../support/http2_upstream.mjs';
import { converse } from '../support/raw_client.mjs';

const ok = [[':status', '200']];

// What is said to the next request.
let answer = (socket, stream) => socket.write(headers(stream, ok, true));
const hostile = await startRawHttp2Upstream((socket, stream, state) => answer(socket, stream, state));
const well = await startHttp2Upstream();
const routes = (operation) => [{ path: `/${operation}`, methods: ['GET'], operation }];
const gateway = await Gateway.start({
  ...openConfig(hostile.target, { api: { timeout: '5s', retries: 0, routes: routes('hostile') }, upstream: { protocol: 'h2' } }),
  apis: {
    hostile: { listeners: ['public'], base_path: '/bad', upstream: 'hostile', authenticate: 'none', timeout: '5s', retries: 0, routes: routes('hostile') },
    well: { listeners: ['public'], base_path: '/good', upstream: 'well', authenticate: 'none', routes: routes('well') },
  },
  upstreams: { hostile: { targets: [hostile.target], protocol: 'h2' }, well: { targets: [well.target], protocol: 'h2' } },
});
after(async () => {
  await gateway.stop();
  await hostile.stop();
  await well.stop();
});

const ask = async (path = '/bad/hostile') => converse(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`, { quiet: 10_000 });

async function assertWell() {
  const { responses } = await ask('/good/well');
  assert.equal(responses[0]?.status, 200, 'others are served');
}

/** Nothing of the answer may be believed: 502 before its head has gone on. */
function refused(name, reference, write) {
  test(`${name} (${reference})`, async () => {
    answer = write;
    const { responses } = await ask();
    assert.equal(responses.length, 1);
    assertProblem(responses[0], 502, 'upstream-broken');
    await assertWell();
  });
}

const malformed = [
  ['CR LF in a value', [...ok, ['x', 'a\r\nset-cookie: session=stolen']]],
  ['CR LF and a second answer in a value', [...ok, ['x', 'a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<script>']]],
  ['LF in a value', [...ok, ['x', 'a\nb']]],
  ['NUL in a value', [...ok, ['x', 'a\0b']]],
  ['a colon in a name', [...ok, ['x: y\r\nz', 'a']]],
  ['CR LF in a name', [...ok, ['x\r\nset-cookie', 'a']]],
  ['a space in a name', [...ok, ['transfer-encoding ', 'chunked']]],
  ['upper case', [...ok, ['Set-Cookie', 'a=b']]],
  ['an empty name', [...ok, ['', 'a']]],
  ['transfer-encoding', [...ok, ['transfer-encoding', 'chunked']]],
  ['connection', [...ok, ['connection', 'x-request-id']]],
  ['keep-alive', [...ok, ['keep-alive', 'timeout=5']]],
  ['upgrade', [...ok, ['upgrade', 'h2c']]],
  ['proxy-connection', [...ok, ['proxy-connection', 'keep-alive']]],
  ['no status', [['x', 'y']]],
  ['two statuses', [...ok, [':status', '500']]],
  ['a status with a reason', [[':status', '200 OK']]],
  ['a status that splits the line', [[':status', '200\r\nx: y']]],
  ['a status out of range', [[':status', '999']]],
  ['101', [[':status', '101'], ['upgrade', 'websocket']]],
  ['a pseudo field of a request', [...ok, [':path', '/']]],
  ['a pseudo field of nobody', [...ok, [':x', 'y']]],
  ['a pseudo field behind others', [['x', 'y'], ...ok]],
  ['two lengths', [...ok, ['content-length', '0'], ['content-length', '0']]],
  ['a length with a sign', [...ok, ['content-length', '+0']]],
  ['a length of no body', [...ok, ['content-length', '5']]],
];
for (const [name, fields] of malformed) refused(name, 'RFC 9113 8.2, 8.3', (socket, stream) => socket.write(headers(stream, fields, true)));

refused('a body without a head', 'RFC 9113 8.1', (socket, stream) => socket.write(data(stream, 'x', true)));
refused('another stream\'s answer', 'RFC 9113 5.1.1', (socket, stream) => socket.write(Buffer.concat([headers(stream + 2, ok, true), reset(stream, 2)])));
refused('a pushed answer', 'RFC 9113 8.4', (socket, stream) => socket.write(frame('push', kEndHeaders, stream, Buffer.concat([u32(2), block(ok)]))));
refused('an HPACK index that is none', 'RFC 7541 2.3.3', (socket, stream) => socket.write(frame('headers', kEndHeaders, stream, Buffer.from([0xff, 0xff, 0x03]))));
refused('a frame larger than allowed', 'RFC 9113 4.2', (socket, stream) => socket.write(frame('data', 0, stream, Buffer.alloc(16_385))));
refused('a window beyond 2^31-1', 'RFC 9113 6.9.1', (socket) => socket.write(frame('window', 0, 0, u32(0x7fffffff))));
refused('too many fields', 'bounded as for HTTP/1.1', (socket, stream) => socket.write(headers(stream, [...ok, ...Array.from({ length: 300 }, (_, i) => [`x${i}`, ''])], true)));
refused('a field list that grows in the table', 'CVE-2016-6581, HPACK bomb', (socket, stream) => {
  // One large field is put into the table, and named again and again: few bytes on the wire, many in memory.
  const name = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([0x7f, 0x81, 0x1e]), Buffer.alloc(4000, 'y')]);
  socket.write(frame('headers', kEndHeaders, stream, Buffer.concat([block(ok), name, Buffer.alloc(250, 0xbe)])));
});
refused('a CONTINUATION flood', 'CVE-2024-27316, CVE-2024-28182', (socket, stream) => {
  socket.write(frame('headers', 0, stream, block(ok)));
  for (let i = 0; i < 1000; ++i) socket.write(frame('continuation', 0, stream, field('x', 'y')));
});
refused('a ping flood', 'CVE-2019-9512', (socket) => socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame('ping', 0, 0, Buffer.alloc(8))))));
refused('a settings flood', 'CVE-2019-9515', (socket) => socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame('settings', 0, 0)))));
refused('a flood of priorities and unknown frames', 'CVE-2019-9513', (socket, stream) =>
  socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, i) => (i % 2 ? frame('priority', 0, stream, Buffer.from([0, 0, 0, 0, 16])) : frame(0x77, 0, 0, 'x'))))));
refused('a flood of window updates', 'the same', (socket) => socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame('window', 0, 0, u32(1))))));
refused('interim answers without an end', 'RFC 9110 15.2', (socket, stream) => socket.write(Buffer.concat(Array.from({ length: 1000 }, () => headers(stream, [[':status', '103']])))));
refused('every stream is reset', 'CVE-2025-8671, seen from here', (socket, stream) => socket.write(reset(stream, 1)));
refused('an error of the connection', 'RFC 9113 6.8', (socket, stream) => socket.write(goaway(stream, 2)));

/** The head has gone on: what follows must be cut off, so that nobody takes it for whole. */
function cut(name, reference, write) {
  test(`${name} (${reference})`, async () => {
    answer = write;
    const { responses, state } = await ask().catch((error) => ({ responses: [], state: error.message }));
    assert.ok(responses.every((one) => one.status === 502), `a whole answer: ${responses.map((one) => one.status)} ${state}`);
    await assertWell();
  });
}
const begin = (stream, fields = ok) => headers(stream, fields);
cut('empty frames without an end', 'CVE-2019-9518', (socket, stream) => socket.write(Buffer.concat([begin(stream), ...Array.from({ length: 20_000 }, () => data(stream, ''))])));
cut('more than the length', 'RFC 9113 8.1.1', (socket, stream) => socket.write(Buffer.concat([begin(stream, [...ok, ['content-length', '1']]), data(stream, 'ab', true)])));
cut('less than the length', 'RFC 9113 8.1.1', (socket, stream) => socket.write(Buffer.concat([begin(stream, [...ok, ['content-length', '3']]), data(stream, 'ab', true)])));
cut('trailers that frame', 'RFC 9110 6.5.1', (socket, stream) => socket.write(Buffer.concat([begin(stream), data(stream, 'a'), headers(stream, [['content-length', '1']], true)])));
cut('CR LF in a trailer', 'RFC 9113 8.2.1', (socket, stream) => socket.write(Buffer.concat([begin(stream), data(stream, 'a'), headers(stream, [['x', 'a\r\n\r\nHTTP/1.1 200 OK']], true)])));
cut('a reset in the body', 'RFC 9113 5.4.2', (socket, stream) => socket.write(Buffer.concat([begin(stream), data(stream, 'half'), reset(stream, 0)])));
cut('more than the window', 'RFC 9113 5.2.1', (socket, stream) => socket.write(Buffer.concat([begin(stream), ...Array.from({ length: 400 }, () => data(stream, Buffer.alloc(16_384)))])));
