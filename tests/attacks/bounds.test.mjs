// Too much, too long, too slow, too many: each has a bound, and what is within it is served meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import net from 'node:net';
import { assertWell, disarmed, refused, startTarget } from '../support/attack.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { deep, releaseBinary } from '../support/paths.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { startRawUpstream, startUpstream } from '../support/upstream.mjs';
import { delay, eventually, median } from '../support/wait.mjs';

const limits = { head_size: '8KiB', head_fields: 50, query_arguments: 100, head_timeout: '1s', idle_timeout: '2s', body_timeout: '1s' };
const target = await startTarget({ listener: { limits }, api: { body_size: '64KiB' } });
const get = (fields, path = '/x') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

// Oversize.
refused(target, { name: 'a target longer than the head may be', reference: 'RFC 9110 15.5.15', send: get('', `/${'a'.repeat(9000)}`), status: 414, problem: 'uri-too-long' });
refused(target, { name: 'a query longer than the head may be', reference: 'RFC 9110 15.5.15', send: get('', `/x?${'a'.repeat(9000)}`), status: 414, problem: 'uri-too-long' });
refused(target, { name: 'a method without end', reference: 'RFC 9112 3', send: 'A'.repeat(20_000), status: [414, 400, 501], problem: ['uri-too-long', 'malformed-request', 'not-implemented'] });
refused(target, { name: 'one field that is too long', reference: 'RFC 6585 5', send: get(`X: ${'a'.repeat(9000)}\r\n`), status: 431, problem: 'head-too-large' });
refused(target, { name: 'a field name that is too long', reference: 'RFC 6585 5', send: get(`${'a'.repeat(9000)}: x\r\n`), status: 431, problem: 'head-too-large' });
refused(target, { name: 'many fields that are too long together', reference: 'RFC 6585 5', send: get(`X: ${'a'.repeat(400)}\r\n`.repeat(30)), status: 431, problem: 'head-too-large' });
refused(target, { name: 'too many fields', reference: 'RFC 6585 5; CVE-2018-12121 Node.js', send: get('X: y\r\n'.repeat(51)), status: 431, problem: 'head-too-large' });
refused(target, { name: 'too many trailers', reference: 'RFC 6585 5', send: `POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(500)}\r\n`, status: [431, 400], problem: ['head-too-large', 'malformed-request'], partial: true });
refused(target, { name: 'a trailer without end', reference: 'RFC 9112 7.1.2', send: `POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${'y'.repeat(20_000)}`, status: [431, 400], problem: ['head-too-large', 'malformed-request'], partial: true });
refused(target, { name: 'a body that says it is too long', reference: 'RFC 9110 15.5.14', send: `POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${64 * 1024 + 1}\r\n\r\n`, status: 413, problem: 'content-too-large' });
refused(target, { name: 'a body that says it is nearly 2^63', reference: 'RFC 9110 8.6', send: 'POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9223372036854775807\r\n\r\n', status: 413, problem: 'content-too-large' });
refused(target, { name: 'a chunk that says it is nearly 2^63', reference: 'CVE-2021-32714 hyper', send: 'POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx', status: [413, 400, 408], problem: ['content-too-large', 'malformed-request', 'request-timeout'], partial: true });
refused(target, { name: 'a chunk that says it is 2^64 - 1', reference: 'CVE-2021-32714 hyper', send: 'POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx', status: [413, 400, 408], problem: ['content-too-large', 'malformed-request', 'request-timeout'], partial: true });
refused(target, { name: 'chunks that are too long together', reference: 'RFC 9110 15.5.14', send: `POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(17)}0\r\n\r\n`, status: 413, problem: 'content-too-large', partial: true });
for (const [name, argument] of [['arguments', 'a=1'], ['arguments without a value', 'a'], ['empty arguments', ''], ['arguments of an array', 'a[]=1'], ['arguments that collide', 'Ez=1']])
  refused(target, { name: `too many ${name}`, reference: 'CVE-2011-4885 PHP, CVE-2011-4858 Tomcat; oCERT-2011-003', send: get('', `/x?${Array(101).fill(argument).join('&')}`), status: 414, problem: 'uri-too-long', open: true });
disarmed(target, { name: 'as many arguments as there may be', reference: 'listeners.limits', send: get('', `/x?${Array(100).fill('a=1').join('&')}`), requests: [`GET /x?${Array(100).fill('a=1').join('&')}`] });
disarmed(target, { name: 'just within every bound', reference: 'listeners.limits', send: get(`X: ${'a'.repeat(7000)}\r\n${'Y: z\r\n'.repeat(40)}`), requests: ['GET /x'] });
refused(target, { name: 'empty lines without end before a request', reference: 'RFC 9112 2.2: at least one is skipped, not a thousand', send: '\r\n'.repeat(5000), status: [400, 414, 431], problem: ['malformed-request', 'uri-too-long', 'head-too-large'] });

// Slow.
test('a slow head: 408 and closed after head_timeout, however steadily it drips (Slowloris; CVE-2007-6750)', async () => {
  const client = await RawClient.connect(target.port);
  const start = performance.now();
  client.send('GET /x HTTP/1.1\r\nHost: a.test\r\n');
  const drip = setInterval(() => client.send('X: y\r\n'), 100);
  const state = await client.state(5000);
  clearInterval(drip);
  const took = performance.now() - start;
  if (state === 'bytes') assertProblem(await client.response(), 408, 'request-timeout');
  else assert.ok(['closed', 'reset'].includes(state), state);
  assert.ok(took > 700 && took < 3000, `${took} ms`);
  client.destroy();
});

test('a request line that never ends is closed after head_timeout (Slowloris; CVE-2007-6750)', async () => {
  const client = await RawClient.connect(target.port);
  client.send('G');
  const state = await client.state(4000);
  assert.notEqual(state, 'open');
  client.destroy();
});

test('a slow body: given up after body_timeout without a byte; 408 (R-U-Dead-Yet, 2010)', async () => {
  const before = target.upstream.requests.length;
  const client = await RawClient.connect(target.port);
  client.send('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nstart');
  const state = await client.state(5000);
  assert.notEqual(state, 'open');
  if (state === 'bytes') assertProblem(await client.response(), 408, 'request-timeout');
  client.destroy();
  assert.ok(target.upstream.requests.slice(before).every((r) => r.body === undefined));
  await assertWell(target);
});

test('an idle connection is closed after idle_timeout, without a word', async () => {
  const client = await RawClient.connect(target.port);
  client.send(get(''));
  assert.equal((await client.response()).status, 200);
  const start = performance.now();
  assert.equal(await client.state(6000), 'closed');
  assert.ok(performance.now() - start > 1200);
  client.destroy();
});

test('a connection that never says anything is closed', async () => {
  const client = await RawClient.connect(target.port);
  assert.equal(await client.state(6000), 'closed');
  client.destroy();
});

test('a client that never reads its answer is given up after body_timeout (slow read, 2012)', async () => {
  const upstream = await startUpstream((_incoming, response) => response.end(Buffer.alloc(32 * 1024 * 1024)));
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: { limits } }));
  const socket = net.connect(gateway.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  socket.pause();
  const entry = await eventually('the exchange to be given up', () => gateway.access[0], { timeout: 8000 });
  assert.ok(entry.bytes_out < 32 * 1024 * 1024);
  socket.destroy();
  await gateway.stop();
  await upstream.stop();
});

test('an upstream that drips its head is given up after the timeout', async () => {
  const upstream = await startRawUpstream((_incoming, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const drip = setInterval(() => socket.write('x: y\r\n'), 50);
    socket.on('close', () => clearInterval(drip));
    return 'stop';
  });
  const gateway = await Gateway.start(openConfig(upstream.target, { api: { timeout: '500ms' } }));
  const start = performance.now();
  assertProblem(await request(gateway.port, '/'), 504, 'upstream-timeout');
  assert.ok(performance.now() - start < 3000);
  await gateway.stop();
  await upstream.stop();
});

// Many.
test('hash flooding: fields chosen to collide cost no more than others (oCERT-2011-003; CVE-2011-4858)', async () => {
  // Names that collide in DJBX33A ("Ez" and "FY"), in the hashes of Java and PHP; ours is keyed, and looks few up.
  const colliding = (i) => [...i.toString(2).padStart(12, '0')].map((bit) => (bit === '1' ? 'Ez' : 'FY')).join('');
  const wide = await startTarget({ listener: { limits: { head_fields: 1000, head_size: '64KiB' } } });
  const head = (name) => get(Array.from({ length: 900 }, (_, i) => `${name(i)}: x\r\n`).join(''));
  const client = await RawClient.connect(wide.port);
  const time = async (bytes) => {
    const samples = [];
    for (let i = 0; i < 15; i += 1) {
      const start = performance.now();
      client.send(bytes);
      assert.equal((await client.response()).status, 200);
      samples.push(performance.now() - start);
    }
    return median(samples);
  };
  const plain = head((i) => `x-${String(i).padStart(22, '0')}`);
  const evil = head(colliding);
  await time(plain);
  const [a, b] = [await time(plain), await time(evil)];
  assert.ok(b < a * 3 + 5, `${b} ms against ${a} ms`);
  client.destroy();
});

test('a flood of keys fills no memory: the limiter\'s table is bounded (design 9)', { timeout: 120_000 }, async () => {
  const upstream = await startUpstream((_incoming, response) => response.end());
  const gateway = await Gateway.start(openConfig(upstream.target, { api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '10/h' } }, trusted_proxies: ['127.0.0.1'] }), { program: releaseBinary });
  const client = await RawClient.connect(gateway.port);
  let address = 0;
  const burst = async (count) => {
    let bytes = '';
    for (let i = 0; i < count; i += 1) {
      address += 1;
      bytes += `GET /x HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 11.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}\r\n\r\n`;
    }
    client.send(bytes);
    for (let i = 0; i < count; i += 1) await client.response();
  };
  await burst(500);
  const before = await gateway.memory();
  for (let i = 0; i < (deep ? 400 : 20); i += 1) await burst(500);
  const growth = (await gateway.memory()) - before;
  // The table has its size from the start (2^20 slots of 16 bytes); the kernel gives its pages when they are touched.
  assert.ok(growth < 24 * 1024 * 1024, `${growth} bytes for ${address} keys`);
  client.destroy();
  await gateway.stop();
  await upstream.stop();
});

test('a flood of connections from one address is bounded; other addresses are served', async () => {
  const flooded = await startTarget({ listener: { limits: { connections_per_address: 32 } } });
  const sockets = [];
  for (let i = 0; i < 300; i += 1) {
    const socket = net.connect(flooded.port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  for (const socket of sockets) socket.resume();
  await eventually('the surplus to be closed', () => sockets.filter((s) => s.destroyed).length >= 300 - 32);
  const { responses } = await converse(flooded.port, get(''), { localAddress: '127.0.0.3', quiet: 0 });
  assert.equal(responses[0].status, 200);
  for (const socket of sockets) socket.destroy();
  await eventually('the address to be let in again', async () => {
    const { responses: again } = await converse(flooded.port, get(''), { quiet: 0 }).catch(() => ({ responses: [] }));
    return again[0]?.status === 200;
  });
});

test('a flood of requests that are refused costs no memory', { timeout: 60_000 }, async () => {
  const upstream = await startUpstream();
  const gateway = await Gateway.start(openConfig(upstream.target, { log: { access: 'off' } }), { program: releaseBinary });
  const bad = [get('Bad Name: x\r\n'), get('', '/%00'), get('Transfer-Encoding: x\r\n'), 'NONSENSE\r\n\r\n', get('', '/no/such/route/here')];
  const round = () => Promise.all(Array.from({ length: 50 }, (_, i) => converse(gateway.port, bad[i % bad.length], { quiet: 0 }).catch(() => {})));
  for (let i = 0; i < 5; i += 1) await round();
  const before = await gateway.memory();
  for (let i = 0; i < 20; i += 1) await round();
  const growth = (await gateway.memory()) - before;
  assert.ok(growth < 4 * 1024 * 1024, `${growth} bytes for 1,000 refused requests`);
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
  await upstream.stop();
});

test('a client that pipelines without reading is held back, not buffered', { timeout: 60_000 }, async () => {
  const upstream = await startUpstream((_incoming, response) => response.end('x'.repeat(1024)));
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: { limits: { body_timeout: '30s' } } }), { program: releaseBinary });
  await request(gateway.port, '/');
  const before = await gateway.memory();
  const socket = net.connect(gateway.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  const block = get('').repeat(2000);
  let blocked = false;
  for (let i = 0; i < 200 && !blocked; i += 1) {
    if (!socket.write(block)) {
      blocked = await Promise.race([new Promise((resolve) => socket.once('drain', () => resolve(false))), delay(1500).then(() => true)]);
    }
  }
  assert.ok(blocked, 'the gateway read 400,000 requests whose answers nobody took');
  const growth = (await gateway.memory()) - before;
  assert.ok(growth < 4 * 1024 * 1024, `${growth} bytes`);
  socket.destroy();
  await gateway.stop();
  await upstream.stop();
});

test('a flood of TLS handshakes that stop half-way is bounded by head_timeout', async () => {
  const authority = await makeAuthority();
  const certificate = await authority.issue('shop', ['127.0.0.1']);
  const upstream = await startUpstream();
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: { tls: { certificates: [certificate] }, limits } }));
  const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(gateway.port)));
  for (const client of clients) client.send(Buffer.from([22, 3, 1, 2, 0, 1, 0]));
  assert.equal((await request(gateway.port, '/', { tls: { ca: authority.ca } })).status, 200, 'others are served meanwhile');
  for (const client of clients) {
    await eventually('it to be closed', async () => !['open'].includes(await client.state(50)), { timeout: 5000 });
    client.destroy();
  }
  await gateway.stop();
  await upstream.stop();
  await authority.remove();
});
