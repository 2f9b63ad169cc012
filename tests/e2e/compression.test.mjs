// Responses are compressed where they may be, byte for byte what they were once decoded, and left
// alone everywhere else. Clients: Node's zlib, curl, and the zstd tool.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createHash, randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { request } from '../support/client.mjs';
import { command, curl } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { RawClient, roundTrip } from '../support/raw_client.mjs';
import { startRawUpstream, startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const items = Array.from({ length: 400 }, (_, i) => ({ id: i, name: `item ${i * 7919}`, tags: ['alpha', 'beta'], price: i * 1.25 }));
const kJson = Buffer.from(JSON.stringify(items));
const kNoise = Buffer.from(randomBytes(300_000).toString('base64'));

// What is answered at a path: fields, and a body.
const pages = {
  '/json': [{ 'content-type': 'application/json', etag: '"v1"' }, kJson],
  '/noise': [{ 'content-type': 'text/plain; charset=utf-8' }, kNoise],
  '/large': [{ 'content-type': 'text/csv' }, Buffer.alloc(5_000_000, 'portcullis,42,some text\n')],
  '/small': [{ 'content-type': 'application/json' }, Buffer.from('{"ok":true}')],
  '/least': [{ 'content-type': 'text/plain' }, Buffer.alloc(1024, 'x')],
  '/almost': [{ 'content-type': 'text/plain' }, Buffer.alloc(1023, 'x')],
  '/png': [{ 'content-type': 'image/png' }, kJson],
  '/typeless': [{}, kJson],
  '/coded': [{ 'content-type': 'application/json', 'content-encoding': 'gzip', etag: '"v1"' }, zlib.gzipSync(kJson)],
  '/fixed': [{ 'content-type': 'application/json', 'cache-control': 'public, No-Transform' }, kJson],
  '/weak': [{ 'content-type': 'application/json', etag: 'W/"v1"' }, kJson],
  '/vary': [{ 'content-type': 'application/json', vary: 'Origin, accept-encoding' }, kJson],
  '/vary-all': [{ 'content-type': 'application/json', vary: '*' }, kJson],
  '/digests': [{ 'content-type': 'application/json', digest: 'sha-256=x', 'content-digest': 'sha-256=:x:', 'repr-digest': 'sha-256=:x:', 'content-md5': 'x', 'accept-ranges': 'bytes' }, kJson],
};

function answer(incoming, response) {
  const { pathname } = new URL(incoming.url, 'http://x');
  if (pathname === '/range') {
    response.writeHead(206, { 'content-type': 'application/json', 'content-range': `bytes 0-${kJson.length - 1}/${kJson.length * 2}`, 'content-length': kJson.length });
    return response.end(kJson);
  }
  if (pathname === '/error') {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    return response.end(kJson);
  }
  if (pathname === '/chunked') {
    response.writeHead(200, { 'content-type': 'application/json', trailer: 'x-sum, digest' });
    response.write(kJson.subarray(0, 1000));
    setImmediate(() => {
      response.write(kJson.subarray(1000));
      response.addTrailers({ 'x-sum': 'abc', digest: 'sha-256=x' });
      response.end();
    });
    return undefined;
  }
  if (pathname === '/etag') {
    response.setHeader('etag', '"v1"');
    if (incoming.headers['if-none-match']?.includes('"v1"')) return response.writeHead(304).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ seen: incoming.headers['if-match'] ?? null, padding: 'x'.repeat(2000) }));
  }
  const [fields, body] = pages[pathname];
  response.writeHead(200, { ...fields, 'content-length': body.length });
  return response.end(incoming.method === 'HEAD' ? undefined : body);
}

const upstream = await startUpstream((incoming, response) => answer(incoming, response));
const gateway = await Gateway.start(
  openConfig(upstream.target, {
    api: { compression: ['br', 'gzip', 'zstd'], routes: [{ path: '/{a}', methods: ['GET', 'POST'], operation: 'page' }, { path: '/{a}/plain', methods: ['GET'], operation: 'plain', compression: 'none' }, { path: '/only/{b}', methods: ['GET'], operation: 'only' }], operations: { only: { compression: ['gzip'] } } },
    admin: { address: '127.0.0.1:0', token: '${env:ADMIN_TOKEN}' },
  }),
  { env: { ADMIN_TOKEN: 'secret' } },
);
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

const get = (path, headers = {}, options = {}) => request(gateway.port, path, { headers, ...options });

async function decode(coding, body) {
  if (coding === 'gzip') return zlib.gunzipSync(body);
  if (coding === 'br') return zlib.brotliDecompressSync(body);
  if (coding === undefined) return body;
  const { code, stdout, stderr } = await command('zstd', ['-d', '-c', '-q'], { input: body });
  assert.equal(code, 0, stderr);
  return Buffer.from(stdout, 'latin1');
}

for (const coding of ['gzip', 'br', 'zstd']) {
  for (const path of ['/json', '/noise', '/large', '/chunked']) {
    test(`${path} in ${coding} is the same when decoded`, async () => {
      const plain = await get(path);
      const coded = await get(path, { 'accept-encoding': coding });
      assert.equal(coded.status, 200);
      assert.equal(coded.header('content-encoding'), coding);
      assert.equal(plain.header('content-encoding'), undefined);
      assert.deepEqual(await decode(coding, coded.body), plain.body);
      if (path !== '/noise') assert.ok(coded.body.length < plain.body.length / 3, `${coded.body.length} of ${plain.body.length}`);
    });
  }
}

test('the first of the configured codings that the client likes best is taken', async () => {
  const cases = [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, zstd', 'gzip'],
    ['br;q=0.1, zstd;q=0.2', 'zstd'],
    ['*', 'br'],
    ['br;q=0, *;q=0.5', 'gzip'],
    ['x-gzip', 'gzip'],
    ['deflate', undefined],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['', undefined],
    ['gzip;q=0', undefined],
    ['gzip;q=nonsense', undefined],
    ['*;q=0', undefined],
  ];
  for (const [accepted, wanted] of cases) {
    const response = await get('/json', { 'accept-encoding': accepted });
    assert.equal(response.header('content-encoding'), wanted, accepted);
    assert.equal(response.header('vary'), 'accept-encoding', accepted);
    assert.deepEqual(await decode(wanted, response.body), kJson, accepted);
  }
  assert.equal((await get('/json')).header('vary'), 'accept-encoding', 'also for who accepts nothing');
});

test('curl --compressed decodes each of them', async () => {
  for (const coding of ['gzip', 'br', 'zstd']) {
    const { code, stdout, stderr } = await curl('--compressed', '-H', `Accept-Encoding: ${coding}`, '-i', `http://127.0.0.1:${gateway.port}/json`);
    assert.equal(code, 0, stderr);
    const [head, body] = stdout.split('\r\n\r\n');
    assert.match(head, new RegExp(`content-encoding: ${coding}`));
    assert.equal(body, kJson.toString('latin1'));
  }
});

test('what is compressed has a weak ETag, and loses what was about the bytes', async () => {
  const coded = await get('/json', { 'accept-encoding': 'gzip' });
  assert.equal(coded.header('etag'), 'W/"v1"');
  assert.equal((await get('/json')).header('etag'), '"v1"');
  assert.equal((await get('/weak', { 'accept-encoding': 'gzip' })).header('etag'), 'W/"v1"');
  const digests = await get('/digests', { 'accept-encoding': 'gzip' });
  for (const name of ['digest', 'content-digest', 'repr-digest', 'content-md5', 'accept-ranges']) {
    assert.equal(digests.header(name), undefined, name);
    assert.notEqual((await get('/digests')).header(name), undefined, name);
  }
});

test('a short body that came whole has its length, a long one is chunked', async () => {
  const coded = await get('/least', { 'accept-encoding': 'gzip' });
  assert.equal(coded.header('content-length'), String(coded.body.length));
  const large = await get('/large', { 'accept-encoding': 'gzip' });
  assert.equal(large.header('content-length'), undefined);
  assert.equal(large.header('transfer-encoding'), 'chunked');
});

test('trailers are kept, but for digests of what is not sent', async () => {
  const client = await RawClient.connect(gateway.port);
  for (const accepted of ['gzip', 'identity']) {
    client.send(`GET /chunked HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${accepted}\r\n\r\n`);
    const response = await client.response();
    assert.deepEqual(await decode(response.header('content-encoding'), response.body), kJson);
    assert.deepEqual(response.trailers, accepted === 'gzip' ? [['x-sum', 'abc']] : [['x-sum', 'abc'], ['digest', 'sha-256=x']]);
  }
  client.destroy();
});

test('it is left alone where it may not be, or need not be, compressed', async () => {
  const cases = [
    ['/small', 'too short', {}],
    ['/almost', 'a byte too short', {}],
    ['/png', 'coded by nature', {}],
    ['/typeless', 'nobody knows what it is', {}],
    ['/fixed', 'no-transform', {}],
    ['/range', 'a part', {}],
    ['/coded', 'coded by the upstream', {}],
    ['/json/plain', 'compression: none', {}],
  ];
  for (const [path, why, headers] of cases) {
    const accepted = { 'accept-encoding': 'br, gzip', ...headers };
    if (path === '/json/plain') pages['/json/plain'] = pages['/json'];
    const response = await get(path, accepted);
    const plain = await get(path);
    assert.equal(response.header('content-encoding'), path === '/coded' ? 'gzip' : undefined, why);
    assert.deepEqual(response.body, plain.body, why);
    assert.equal(response.header('vary'), undefined, why);
    assert.equal(response.header('etag'), plain.header('etag'), why);
    assert.equal(response.header('content-length'), String(response.body.length), why);
  }
  assert.equal((await get('/least', { 'accept-encoding': 'br' })).header('content-encoding'), 'br', '1024 bytes are enough');
  assert.equal((await get('/json', { 'accept-encoding': 'br', 'cache-control': 'no-transform' })).header('content-encoding'), undefined);
});

test('an operation may have other codings than its API', async () => {
  pages['/only/json'] = pages['/json'];
  assert.equal((await get('/only/json', { 'accept-encoding': 'br, gzip' })).header('content-encoding'), 'gzip');
  assert.equal((await get('/only/json', { 'accept-encoding': 'br' })).header('content-encoding'), undefined);
});

test('errors of the upstream are compressed too, with their status', async () => {
  const response = await get('/error', { 'accept-encoding': 'gzip' });
  assert.equal(response.status, 404);
  assert.deepEqual(zlib.gunzipSync(response.body), kJson);
});

test('Vary is not said twice', async () => {
  assert.deepEqual((await get('/vary', { 'accept-encoding': 'gzip' })).headers('vary'), ['Origin, accept-encoding']);
  assert.deepEqual((await get('/vary-all', { 'accept-encoding': 'gzip' })).headers('vary'), ['*']);
});

test('HEAD says what GET would', async () => {
  const client = await RawClient.connect(gateway.port);
  for (const path of ['/json', '/small', '/png', '/large']) {
    const ask = async (method) => {
      client.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`);
      return client.response({ head: method === 'HEAD' });
    };
    const [head, whole] = [await ask('HEAD'), await ask('GET')];
    for (const name of ['content-encoding', 'vary', 'etag', 'content-type']) assert.equal(head.header(name), whole.header(name), `${path} ${name}`);
    if (whole.header('content-encoding')) assert.equal(head.header('content-length'), undefined, 'not the length of what is not sent');
    else assert.equal(head.header('content-length'), whole.header('content-length'));
  }
  client.destroy();
});

test('a weak ETag comes back: 304 to If-None-Match, and the strong one beside it in If-Match', async () => {
  const first = await get('/etag', { 'accept-encoding': 'gzip' });
  assert.equal(first.header('etag'), 'W/"v1"');
  const second = await get('/etag', { 'accept-encoding': 'gzip', 'if-none-match': 'W/"v1"' });
  assert.equal(second.status, 304);
  assert.equal(second.header('etag'), 'W/"v1"');
  assert.equal(second.header('vary'), 'accept-encoding');
  assert.equal((await get('/etag', { 'if-none-match': '"v1"' })).header('etag'), '"v1"', 'who holds the plain one');
  const seen = async (value) => (await get('/etag', { 'if-match': value })).json.seen;
  assert.equal(await seen('W/"v1"'), 'W/"v1", "v1"');
  assert.equal(await seen('"v1"'), '"v1"');
  assert.equal(await seen('*'), '*');
  assert.equal(await seen('W/"a,b", "c W/", W/"d"'), 'W/"a,b", "c W/", W/"d", "a,b", "d"');
  assert.equal(await seen('W/"never ends'), 'W/"never ends');
});

test('who sends cookies gets it compressed only when no other site can have made the browser ask (BREACH, CVE-2013-3587)', async () => {
  const cases = [
    [{ cookie: 'session=1' }, undefined],
    [{ cookie: 'session=1', 'sec-fetch-site': 'cross-site' }, undefined],
    [{ cookie: 'session=1', 'sec-fetch-site': 'same-site' }, undefined],
    [{ cookie: 'session=1', 'sec-fetch-site': 'same-origin, cross-site' }, undefined],
    [{ cookie: 'session=1', 'sec-fetch-site': 'same-origin' }, 'gzip'],
    [{ cookie: 'session=1', 'sec-fetch-site': 'none' }, 'gzip'],
    [{ 'sec-fetch-site': 'cross-site' }, 'gzip'],
    [{ authorization: 'Bearer x', 'sec-fetch-site': 'same-site' }, 'gzip'],
  ];
  for (const [headers, wanted] of cases) {
    const response = await get('/json', { 'accept-encoding': 'gzip', ...headers });
    assert.equal(response.header('content-encoding'), wanted, JSON.stringify(headers));
    assert.equal(response.header('vary'), 'accept-encoding');
  }
});

test('HTTP/1.0 gets it too, until the end of the connection', async () => {
  const response = await roundTrip(gateway.port, 'GET /large HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
  assert.equal(response.header('content-encoding'), 'gzip');
  assert.deepEqual(zlib.gunzipSync(response.body), pages['/large'][1]);
});

test('Accept-Encoding reaches the upstream, which may compress by itself', async () => {
  const before = upstream.requests.length;
  await get('/coded', { 'accept-encoding': 'br;q=0.3, gzip' });
  const { fields } = upstream.requests[before];
  assert.deepEqual(fields.filter(([name]) => name === 'accept-encoding'), [['accept-encoding', 'br;q=0.3, gzip']]);
});

test('refusals of the gateway are not compressed', async () => {
  const response = await get('/no/such/page', { 'accept-encoding': 'gzip' });
  assert.equal(response.status, 404);
  assert.equal(response.header('content-encoding'), undefined);
});

for (const [coding, make] of [['gzip', () => zlib.createGunzip()], ['br', () => zlib.createBrotliDecompress()]]) {
  test(`each event of a stream comes at once, in ${coding}`, async () => {
    let send;
    const events = await startUpstream((incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => response.write(text);
      incoming.on('close', () => response.end());
    });
    const streaming = await Gateway.start(openConfig(events.target, { api: { compression: [coding] } }));
    const client = await RawClient.connect(streaming.port);
    client.send(`GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n\r\n`);
    const decoder = make();
    let text = '';
    decoder.on('data', (chunk) => (text += chunk));
    await eventually('the head, before any event', () => client.reader.peek().includes('\r\n\r\n'));
    const line = await client.reader.line('status');
    assert.equal(line, 'HTTP/1.1 200 OK');
    while ((await client.reader.line('fields')) !== '');
    for (let i = 0; i < 20; i += 1) {
      const event = `data: ${i} ${'x'.repeat(i * 37)}\n\n`;
      const had = text.length;
      send(event);
      await eventually(`event ${i}`, async () => {
        const bytes = client.reader.peek();
        if (bytes.length > 0) decoder.write(await client.reader.exactly(bytes.length, 'an event'));
        return text.length === had + event.length;
      });
      assert.equal(text.slice(had), event);
    }
    client.destroy();
    await events.stop();
    await streaming.stop();
  });
}

test('an upstream that breaks off is not made whole', async () => {
  for (const framing of ['content-length: 100000', 'transfer-encoding: chunked']) {
    const broken = await startRawUpstream((_incoming, socket) => {
      const body = 'x'.repeat(50_000);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${framing}\r\n\r\n${framing.includes('chunked') ? `${body.length.toString(16)}\r\n${body}\r\n` : body}`, () => socket.destroy());
      return 'stop';
    });
    const cut = await Gateway.start(openConfig(broken.target, { api: { compression: ['gzip'] } }));
    await assert.rejects(request(cut.port, '/', { headers: { 'accept-encoding': 'gzip' } }), /aborted|ECONNRESET|hang up/);
    await cut.stop();
    await broken.stop();
  }
});

test('many at once on one connection, each whole', async () => {
  const client = await RawClient.connect(gateway.port);
  const order = ['gzip', 'br', 'zstd', 'identity', 'gzip', 'gzip', 'br', 'zstd'];
  client.send(order.map((coding) => `GET /json HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n\r\n`).join(''));
  for (const coding of order) {
    const response = await client.response();
    assert.equal(response.header('content-encoding') ?? 'identity', coding);
    assert.deepEqual(await decode(response.header('content-encoding'), response.body), kJson);
  }
  client.destroy();
  const digests = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
    const coding = ['gzip', 'br'][i % 2];
    const { body } = await get('/large', { 'accept-encoding': coding });
    return createHash('sha256').update(await decode(coding, body)).digest('hex');
  }));
  assert.equal(new Set(digests).size, 1);
});

test('metrics count bytes before and after', async () => {
  const of = (form) => metric(gateway.admin, 'secret', 'portcullis_coded_body_bytes_total', { message: 'response', coding: 'gzip', form });
  const [plain, coded] = [await of('plain'), await of('coded')];
  assert.ok(plain > coded && coded > 0, `${plain} ${coded}`);
});
