// A request goes to the upstream and its answer comes back, whole and in canonical form (RFC 9110, 9112).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import http from 'node:http';
import { value, values } from '../support/bytes.mjs';
import { request } from '../support/client.mjs';
import { curl } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient, converse, roundTrip } from '../support/raw_client.mjs';
import { startRawUpstream, startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const upstream = await startUpstream();
const gateway = await Gateway.start(openConfig(upstream.target));
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
  test(`${method} arrives as it was sent`, async () => {
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'a=1&b=2' : undefined;
    const response = await request(gateway.port, '/orders/7?x=%2F&y=a+b&&z', { method, body, headers: { 'x-mine': 'yes', accept: 'text/plain;q=0.5' } });
    assert.equal(response.status, 200);
    const seen = response.json;
    assert.equal(seen.method, method);
    assert.equal(seen.url, '/orders/7?x=%2F&y=a+b&&z', 'the query is kept verbatim');
    assert.equal(seen.body, body ?? '');
    assert.equal(value(seen.fields, 'x-mine'), 'yes');
    assert.equal(value(seen.fields, 'accept'), 'text/plain;q=0.5');
    assert.equal(value(seen.fields, 'host'), `127.0.0.1:${gateway.port}`);
  });
}

test('curl is served', async () => {
  const { code, stdout } = await curl('-i', '--data', 'hello', `http://127.0.0.1:${gateway.port}/orders`);
  assert.equal(code, 0);
  assert.match(stdout, /^HTTP\/1\.1 200 /);
  assert.match(stdout, /"body":"hello"/);
});

test('HEAD: the length of the answer, and no body', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send('HEAD /orders HTTP/1.1\r\nHost: a.test\r\n\r\nGET /next HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const head = await client.response({ head: true });
  assert.equal(head.status, 200);
  assert.ok(Number(head.header('content-length')) > 0);
  const next = await client.response();
  assert.equal(next.json.url, '/next', 'nothing of a body stood between the two answers');
  client.destroy();
});

test('field names reach the upstream in lower case, values byte for byte, order and repetition kept', async () => {
  const response = await roundTrip(gateway.port, 'GET / HTTP/1.1\r\nHost: a.test\r\nX-Two: 1\r\nX-OTHER:\t obs \xfc\xe9 text \t\r\nx-two: 2\r\nX-Empty:\r\n\r\n');
  const { fields } = response.json;
  assert.deepEqual(values(fields, 'x-two'), ['1', '2']);
  assert.deepEqual(fields.find(([name]) => name === 'x-other'), ['x-other', 'obs \xfc\xe9 text']);
  assert.equal(value(fields, 'x-empty'), '');
  for (const [name] of fields) assert.equal(name, name.toLowerCase());
});

test('hop-by-hop fields stay on their hop, those that Connection names too (RFC 9110 7.6.1)', async () => {
  const response = await roundTrip(
    gateway.port,
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Kept: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n',
  );
  assert.equal(response.status, 200);
  const { fields } = response.json;
  assert.equal(value(fields, 'x-kept'), '1');
  for (const name of ['x-mine', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'upgrade', 'http2-settings']) {
    assert.deepEqual(values(fields, name), [], name);
  }
});

test('a chunked request body arrives whole, its framing made anew, its trailers with it', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send('POST /orders HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n');
  client.send('5;ext=1\r\nhello\r\n');
  client.send('000006\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n');
  const seen = (await client.response()).json;
  assert.equal(seen.body, 'hello world');
  assert.equal(value(seen.fields, 'transfer-encoding'), 'chunked');
  assert.deepEqual(seen.trailers, [['x-sum', '42']]);
  client.destroy();
});

test('a body of 200,000 chunks of one byte is one body', async () => {
  const count = 200_000;
  const client = await RawClient.connect(gateway.port, { timeout: 20_000 });
  client.send('POST /orders HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  client.send('1\r\nx\r\n'.repeat(count));
  client.send('0\r\n\r\n');
  assert.equal((await client.response()).json.body.length, count);
  client.destroy();
});

test('bytes that come one at a time make the same request', async () => {
  const client = await RawClient.connect(gateway.port);
  for (const byte of 'POST /slow HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n') await client.send(byte);
  const seen = (await client.response()).json;
  assert.equal(seen.url, '/slow');
  assert.equal(seen.body, 'abc');
  client.destroy();
});

test('pipelined requests are answered in order on one connection', async () => {
  const client = await RawClient.connect(gateway.port);
  let bytes = '';
  for (let i = 0; i < 50; i += 1) bytes += i % 2 ? `POST /p/${i} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody` : `GET /p/${i} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  client.send(bytes);
  for (let i = 0; i < 50; i += 1) {
    const seen = (await client.response()).json;
    assert.equal(seen.url, `/p/${i}`);
    assert.equal(seen.body, i % 2 ? 'body' : '');
  }
  assert.equal(await client.state(100), 'open');
  client.destroy();
});

test('one empty line before a request line is skipped (RFC 9112 2.2)', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send('POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx\r\nGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await client.response()).json.url, '/a');
  assert.equal((await client.response()).json.url, '/b');
  client.destroy();
});

test('connections are kept alive both sides; Connection: close is honoured', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const before = upstream.connections;
  for (let i = 0; i < 20; i += 1) assert.equal((await request(gateway.port, `/k/${i}`, { agent })).status, 200);
  agent.destroy();
  assert.ok(upstream.connections - before <= 1, `${upstream.connections - before} connections to the upstream for 20 requests in a row`);

  const { responses, state } = await converse(gateway.port, 'GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n', { first: 2000, quiet: 2000 });
  assert.equal(responses.length, 1, 'what follows Connection: close is not a request (RFC 9112 9.6)');
  assert.equal(responses[0].header('connection')?.toLowerCase(), 'close');
  assert.notEqual(state, 'open');
});

test('an HTTP/1.0 client is answered and closed, or kept when it asks', async () => {
  const closed = await converse(gateway.port, 'GET /a HTTP/1.0\r\nHost: a.test\r\n\r\n', { quiet: 2000 });
  assert.equal(closed.responses[0].status, 200);
  assert.notEqual(closed.state, 'open');

  const noHost = await converse(gateway.port, 'GET /a HTTP/1.0\r\n\r\n', { quiet: 2000 });
  assert.equal(noHost.responses.length, 1);
  assert.notEqual(noHost.state, 'open');
});

test('an HTTP/1.0 client never gets chunks (RFC 9112 6.1)', async () => {
  const chunky = await startUpstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('one ');
    response.end('two');
  });
  const other = await Gateway.start(openConfig(chunky.target));
  const { responses, state } = await converse(other.port, 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n', { quiet: 2000 });
  assert.equal(responses[0].header('transfer-encoding'), undefined);
  assert.equal(responses[0].text, 'one two');
  assert.notEqual(state, 'open');
  await other.stop();
  await chunky.stop();
});

test('an absolute target: its authority replaces Host (RFC 9112 3.2.2)', async () => {
  const response = await roundTrip(gateway.port, 'GET http://real.test/orders?x=1 HTTP/1.1\r\nHost: other.test\r\n\r\n');
  assert.equal(response.status, 200);
  assert.equal(response.json.url, '/orders?x=1');
  assert.equal(value(response.json.fields, 'host'), 'real.test');
});

test('an absolute target without a path means /', async () => {
  const response = await roundTrip(gateway.port, 'GET http://real.test HTTP/1.1\r\nHost: real.test\r\n\r\n');
  assert.equal(response.status, 200);
  assert.equal(response.json.url, '/');
});

test('half-close: a client that ends its side after the request still gets the answer', async () => {
  const { responses, state } = await converse(gateway.port, 'GET /half HTTP/1.1\r\nHost: a.test\r\n\r\n', { end: true, quiet: 2000 });
  assert.equal(responses.length, 1);
  assert.equal(responses[0].json.url, '/half');
  assert.equal(state, 'closed');
});

for (const [sent, canonical, why] of [
  ['/a/./b', '/a/b', 'a single dot is nothing'],
  ['/a/../b', '/b', 'two dots go up'],
  ['/a/..', '/', 'a trailing .. leaves the folder'],
  ['/%6frders', '/orders', 'an unreserved character is written as itself'],
  ['/a/%2e%2e/b', '/b', 'an encoded dot is a dot'],
  ['/a%20b', '/a%20b', 'a space stays encoded'],
  ['/%c3%a9t%C3%A9', '/%C3%A9t%C3%A9', 'hexadecimal is written in upper case'],
  ['/a?../b', '/a?../b', 'a query has no dot segments'],
  ['/a?', '/a?', 'an empty query is still one'],
]) {
  test(`the path ${sent} is ${canonical}: ${why}`, async () => {
    const response = await roundTrip(gateway.port, `GET ${sent} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    assert.equal(response.status, 200, response.text);
    assert.equal(response.json.url, canonical);
  });
}

test('204 and 304 have no body, and the connection goes on', async () => {
  const other = await startRawUpstream((incoming, socket) => {
    if (incoming.url === '/204') socket.write('HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n');
    else if (incoming.url === '/304') socket.write('HTTP/1.1 304 Not Modified\r\netag: "x"\r\ncontent-length: 1000\r\n\r\n');
    else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const own = await Gateway.start(openConfig(other.target));
  const client = await RawClient.connect(own.port);
  for (const [path, status, body] of [['/204', 204, ''], ['/304', 304, ''], ['/200', 200, 'ok'], ['/304', 304, ''], ['/200', 200, 'ok']]) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    const response = await client.response();
    assert.equal(response.status, status);
    assert.equal(response.text, body);
    if (status === 204) assert.equal(response.header('content-length'), undefined, 'RFC 9110 8.6');
  }
  assert.equal(other.connections, 1);
  assert.deepEqual(other.violations, []);
  client.destroy();
  await own.stop();
  await other.stop();
});

test('103 Early Hints reach the client before the answer; 100 from the upstream does not, unasked', async () => {
  const other = await startRawUpstream((_incoming, socket) => {
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </s.css>; rel=preload\r\n\r\n');
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const own = await Gateway.start(openConfig(other.target));
  const response = await roundTrip(own.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal(response.status, 200);
  assert.deepEqual(response.informational.map((r) => r.status), [103]);
  assert.equal(response.informational[0].header('link'), '</s.css>; rel=preload');

  const old = await roundTrip(own.port, 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n');
  assert.deepEqual(old.informational, [], 'an HTTP/1.0 client knows no 1xx (RFC 9110 15.2)');
  await own.stop();
  await other.stop();
});

test('an answer in chunks, with trailers, to a client that takes them', async () => {
  const other = await startRawUpstream((_incoming, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n');
    socket.write('6\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n');
  });
  const own = await Gateway.start(openConfig(other.target));
  const response = await roundTrip(own.port, 'GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n');
  assert.equal(response.text, 'hello world');
  assert.equal(response.header('transfer-encoding'), 'chunked');
  assert.deepEqual(response.trailers.map(([name, v]) => [name.toLowerCase(), v]), [['x-sum', '7']]);
  await own.stop();
  await other.stop();
});

test('an answer that ends with the connection is framed for the client', async () => {
  const other = await startRawUpstream((_incoming, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end');
    return 'stop';
  });
  const own = await Gateway.start(openConfig(other.target));
  const client = await RawClient.connect(own.port);
  for (let i = 0; i < 2; i += 1) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const response = await client.response();
    assert.equal(response.text, 'until the end');
    assert.equal(response.header('transfer-encoding'), 'chunked');
  }
  client.destroy();
  await own.stop();
  await other.stop();
});

test('hop-by-hop fields of an answer stay on their hop', async () => {
  const other = await startRawUpstream((_incoming, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Internal\r\nX-Internal: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nX-Kept: yes\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok');
  });
  const own = await Gateway.start(openConfig(other.target));
  const response = await roundTrip(own.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal(response.header('x-kept'), 'yes');
  assert.deepEqual(response.headers('set-cookie'), ['a=1', 'b=2']);
  for (const name of ['x-internal', 'keep-alive', 'proxy-authenticate']) assert.deepEqual(response.headers(name), [], name);
  await own.stop();
  await other.stop();
});

test('an early answer with an undrained body ends the exchange, not the gateway', async () => {
  const other = await startRawUpstream(
    (_incoming, socket) => {
      socket.end('HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch');
      return 'stop';
    },
    { bodies: false },
  );
  const own = await Gateway.start(openConfig(other.target, { api: { body_size: '64MiB' } }));
  const client = await RawClient.connect(own.port);
  client.send(`POST /early HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${32 * 1024 * 1024}\r\n\r\n`);
  const block = 'x'.repeat(64 * 1024);
  for (let i = 0; i < 16; i += 1) client.send(block);
  const response = await client.response();
  assert.equal(response.status, 413);
  assert.equal(response.text, 'much');
  // The rest of the body is not a request: either it is drained or the connection ends.
  client.send('\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await client.state(500);
  assert.ok(!other.requests.some((r) => r.url === '/smuggled'));
  client.destroy();
  assert.equal((await roundTrip(own.port, 'GET /after HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 413);
  await own.stop();
  await other.stop();
});

test('a body larger than body_size is refused: by its length at once, in chunks when it passes the bound', async () => {
  const own = await Gateway.start(openConfig(upstream.target, { api: { body_size: '64KiB' } }));
  const before = upstream.requests.length;
  const declared = await converse(own.port, `POST /big HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${64 * 1024 + 1}\r\n\r\n`, { quiet: 1000 });
  assert.equal(declared.responses[0].status, 413);
  assert.match(declared.responses[0].json.type, /content-too-large$/);
  assert.equal(upstream.requests.length, before);

  const exact = await roundTrip(own.port, `POST /big HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${64 * 1024}\r\n\r\n${'x'.repeat(64 * 1024)}`);
  assert.equal(exact.status, 200);

  const chunked = await converse(own.port, `POST /big HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${`4000\r\n${'x'.repeat(0x4000)}\r\n`.repeat(5)}0\r\n\r\n`, { quiet: 1000 });
  assert.equal(chunked.responses[0].status, 413);
  assert.notEqual(chunked.state, 'open');
  await own.stop();
});

test('a client that goes away takes its upstream request along', async () => {
  let closed = 0;
  const other = await startUpstream((incoming, response) => {
    incoming.socket.on('close', () => (closed += 1));
    void response; // never answered
  });
  const own = await Gateway.start(openConfig(other.target));
  const client = await RawClient.connect(own.port);
  client.send('GET /abandoned HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('the request upstream', () => other.requests.length === 1);
  client.socket.resetAndDestroy();
  await eventually('the upstream connection to close', () => closed === 1);
  await own.stop();
  await other.stop();
});

test('routes: no route is 404, a route without the method is 405 with Allow (RFC 9110 15.5.6)', async () => {
  const own = await Gateway.start(openConfig(upstream.target, { api: { hosts: ['api.test'], base_path: '/v1', routes: [{ path: '/orders', methods: ['GET', 'POST'], operation: 'orders' }] } }));
  const missing = await roundTrip(own.port, 'GET /v1/nothing HTTP/1.1\r\nHost: api.test\r\n\r\n');
  assert.equal(missing.status, 404);
  assert.match(missing.json.type, /not-found$/);
  const wrong = await roundTrip(own.port, 'DELETE /v1/orders HTTP/1.1\r\nHost: api.test\r\n\r\n');
  assert.equal(wrong.status, 405);
  assert.match(wrong.json.type, /method-not-allowed$/);
  assert.deepEqual(wrong.header('allow').split(/,\s*/).filter((m) => m !== 'HEAD' && m !== 'OPTIONS').sort(), ['GET', 'POST']);
  const elsewhere = await roundTrip(own.port, 'GET /v1/orders HTTP/1.1\r\nHost: other.test\r\n\r\n');
  assert.ok([404, 421].includes(elsewhere.status), `a host that is not served: ${elsewhere.status}`);
  const right = await roundTrip(own.port, 'GET /v1/orders HTTP/1.1\r\nHost: API.test:8080\r\n\r\n');
  assert.equal(right.status, 200);
  assert.equal(right.json.url, '/v1/orders');
  await own.stop();
});

test('hosts: an exact name wins over a wildcard, a wildcard is one label or more below its name', async () => {
  const [exact, wild] = [await startUpstream(undefined, { name: 'exact' }), await startUpstream(undefined, { name: 'wild' })];
  const config = openConfig(exact.target, { api: { hosts: ['shop.test'] } });
  config.apis.wild = { ...config.apis.echo, hosts: ['*.shop.test'], upstream: 'wild' };
  config.upstreams.wild = { targets: [wild.target] };
  const own = await Gateway.start(config);
  for (const [host, name] of [['shop.test', 'exact'], ['SHOP.test', 'exact'], ['a.shop.test', 'wild'], ['a.Shop.Test:99', 'wild']]) {
    assert.equal((await roundTrip(own.port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).json.name, name, host);
  }
  for (const host of ['evilshop.test', 'test', 'shop.test.evil']) {
    assert.ok([404, 421].includes((await roundTrip(own.port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status), host);
  }
  await own.stop();
  await exact.stop();
  await wild.stop();
});
