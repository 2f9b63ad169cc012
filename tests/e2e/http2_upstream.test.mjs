// HTTP/2 to upstreams: Node's http2 server in clear text and over TLS, and nghttpd where it is installed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { data, goaway, headers, reset, startHttp2Upstream, startRawHttp2Upstream } from '../support/http2_upstream.mjs';
import { metric } from '../support/metrics.mjs';
import { close, freePort, listen, startUpstream, track } from '../support/upstream.mjs';
import { soon, within } from '../support/wait.mjs';
import { openWebSocket, refusedWebSocket } from '../support/websocket.mjs';

const kMiB = 1024 * 1024;
const kToken = 'a token of the test';
const admin = { admin: { address: '127.0.0.1:0', token: '${env:ADMIN}' } };
const env = { ADMIN: kToken };
const h2 = (target, { upstream = {}, ...more } = {}) => openConfig(target, { ...admin, ...more, upstream: { protocol: 'h2', ...upstream } });
const start = (target, more) => Gateway.start(h2(target, more), { env });

const authority = await makeAuthority({ name: 'Inside' });
const made = await authority.issue('good', ['localhost']);
const tls = { cert: await readFile(made.cert), key: await readFile(made.key) };

const echo = await startHttp2Upstream();
const gateway = await start(echo.target);
after(async () => {
  await gateway.stop();
  await echo.stop();
  await authority.remove();
});

test('a request goes as HTTP/2, with what HTTP/1.1 alone knows left out', async () => {
  const { status, json } = await request(gateway.port, '/a/b?c=d', {
    headers: { host: 'shop.test', connection: 'x-private, te', 'x-private': '1', te: 'trailers', 'X-Upper': 'A', cookie: 'a=1; b=2' },
  });
  assert.equal(status, 200);
  const { headers } = json;
  assert.equal(headers[':method'], 'GET');
  assert.equal(headers[':scheme'], 'http');
  assert.equal(headers[':path'], '/a/b?c=d');
  assert.equal(headers[':authority'], 'shop.test');
  assert.equal(headers['x-upper'], 'A');
  assert.equal(headers.cookie, 'a=1; b=2');
  assert.equal(headers.via, '1.1 portcullis');
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.match(headers['x-request-id'], /./);
  for (const name of ['connection', 'x-private', 'te', 'host', 'transfer-encoding']) assert.equal(headers[name], undefined, name);
});

test('bodies of a known length, of none, and with trailers', async () => {
  const known = await request(gateway.port, '/', { method: 'POST', body: 'hello', headers: { 'content-length': '5' } });
  assert.equal(known.json.body, 'hello');
  assert.equal(known.json.headers['content-length'], '5');
  const empty = await request(gateway.port, '/', { method: 'POST', headers: { 'content-length': '0' } });
  assert.equal(empty.json.headers['content-length'], '0');
  const chunked = await new Promise((resolve, reject) => {
    const outgoing = http.request({ port: gateway.port, path: '/', method: 'PUT', headers: { trailer: 'checksum' } }, async (incoming) => {
      const chunks = [];
      for await (const chunk of incoming) chunks.push(chunk);
      resolve(JSON.parse(Buffer.concat(chunks)));
    });
    outgoing.on('error', reject);
    outgoing.write('one ');
    outgoing.addTrailers({ checksum: '42' });
    outgoing.end('two');
  });
  assert.equal(chunked.body, 'one two');
  assert.deepEqual({ ...chunked.trailers }, { checksum: '42' });
});

test('many requests share one connection', async () => {
  const before = echo.connections;
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => request(gateway.port, `/${i}`)));
  assert.deepEqual(answers.map((one) => one.json.headers[':path']), answers.map((_, i) => `/${i}`));
  assert.ok(echo.connections - before <= 1, `${echo.connections - before} more connections`);
});

test('megabytes both ways, byte for byte', async () => {
  const upstream = await startHttp2Upstream((stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const one = await start(upstream.target, { api: { body_size: '64MiB' } });
  const sent = Buffer.alloc(8 * kMiB, 'portcullis ');
  const { body } = await request(one.port, '/', { method: 'POST', body: sent, timeout: 60_000 });
  assert.ok(sent.equals(body));
  await one.stop();
  await upstream.stop();
});

test('more requests than the server allows at once wait for one another, or use another connection', async () => {
  for (const [maximum, expected] of [[1, 1], [4, 4]]) {
    const upstream = await startHttp2Upstream(undefined, { settings: { maxConcurrentStreams: 2 } });
    const one = await start(upstream.target, { upstream: { connections: { maximum } } });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => request(one.port, `/${i}`)));
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.ok(upstream.connections <= expected, `${upstream.connections} connections`);
    await one.stop();
    await upstream.stop();
  }
});

test('interim answers, HEAD, 204, 304 and trailers', async () => {
  const upstream = await startHttp2Upstream((stream, headers) => {
    const path = headers[':path'];
    if (path === '/early') stream.additionalHeaders({ ':status': 103, link: '</a>' });
    if (path === '/204' || path === '/304') return stream.respond({ ':status': Number(path.slice(1)), etag: '"x"' }, { endStream: true });
    if (headers[':method'] === 'HEAD') return stream.respond({ ':status': 200, 'content-length': '12' }, { endStream: true });
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ checksum: 'abc' }));
    return stream.end('body');
  });
  const one = await start(upstream.target);
  const hints = [];
  const early = await request(one.port, '/early', { onInformation: (info) => hints.push(info.statusCode) });
  assert.deepEqual([hints, early.status, early.text], [[103], 200, 'body']);
  assert.deepEqual(early.trailers.map(([name, value]) => [name.toLowerCase(), value]), [['checksum', 'abc']]);
  assert.equal((await request(one.port, '/204')).status, 204);
  const same = await request(one.port, '/304');
  assert.deepEqual([same.status, same.header('etag')], [304, '"x"']);
  const head = await request(one.port, '/', { method: 'HEAD' });
  assert.deepEqual([head.status, head.header('content-length'), head.text], [200, '12', '']);
  await one.stop();
  await upstream.stop();
});

test('a slow client holds back its own stream, and nobody else', async () => {
  let written = 0;
  const upstream = await startHttp2Upstream((stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] !== '/large') return stream.end('small');
    const chunk = Buffer.alloc(16_384, 'x');
    const pump = () => {
      while (written < 64 * kMiB) {
        written += chunk.length;
        if (!stream.write(chunk)) return stream.once('drain', pump);
      }
      return stream.end();
    };
    return pump();
  });
  const one = await start(upstream.target);
  const outgoing = http.get({ port: one.port, path: '/large', agent: false });
  const [incoming] = await once(outgoing, 'response');
  incoming.pause();
  // Until nothing moves any more.
  let last = -1;
  await soon(() => {
    const moved = written !== last;
    last = written;
    assert.ok(!moved);
  }, { every: 200, timeout: 20_000 });
  assert.ok(written < 32 * kMiB, `${written} bytes were taken for a client that reads none`);
  const answers = await Promise.all(Array.from({ length: 20 }, () => request(one.port, '/small')));
  assert.ok(answers.every((answer) => answer.text === 'small'));
  assert.equal(upstream.connections, 1, 'all over the same connection');
  outgoing.destroy();
  await one.stop();
  await upstream.stop();
});

test('a client that leaves resets its stream, and the connection stands', async () => {
  const reached = [];
  const upstream = await startHttp2Upstream((stream, headers, record) => {
    if (headers[':path'] === '/wait') return reached.push(record);
    stream.respond({ ':status': 200 });
    return stream.end('ok');
  });
  const one = await start(upstream.target);
  const outgoing = http.get({ port: one.port, path: '/wait', agent: false });
  outgoing.on('error', () => {});
  await soon(() => assert.equal(reached.length, 1));
  outgoing.socket.resetAndDestroy(); // one that only says it will send no more is still answered
  await soon(() => assert.equal(reached[0].code, 8, 'CANCEL'));
  assert.equal((await request(one.port, '/')).text, 'ok');
  assert.equal(upstream.connections, 1);
  await one.stop();
  await upstream.stop();
});

test('an answer that is reset in its middle is never made whole', async () => {
  // By hand: Node's server says END_STREAM before it resets, and then the answer is whole.
  const ends = [
    ...[0, 2, 8].map((code) => (socket, stream) => socket.write(reset(stream, code))),
    (socket) => socket.write(goaway(0, 2)),
    (socket) => socket.end(),
    (socket) => socket.resetAndDestroy(),
  ];
  let breakOff;
  const sent = [];
  const upstream = await startRawHttp2Upstream((socket, stream) => {
    const more = sent.at(-1) === 'length' ? [['content-length', '8']] : [];
    socket.write(Buffer.concat([headers(stream, [[':status', '200'], ...more]), data(stream, 'half')]));
    breakOff = () => ends[Math.floor((sent.length - 1) / 2)](socket, stream);
  });
  const one = await start(upstream.target);
  for (let i = 0; i < ends.length * 2; ++i) {
    sent.push(i % 2 === 0 ? 'length' : 'chunks');
    const outgoing = http.get({ port: one.port, path: '/', agent: false });
    outgoing.on('error', () => {});
    const [incoming] = await within(`the answer to ${i}`, once(outgoing, 'response'), 20_000);
    incoming.once('data', () => breakOff());
    await within(`the end of ${i}`, assert.rejects(incoming.forEach(() => {}), /aborted|ECONNRESET/), 20_000);
    assert.equal(incoming.complete, false);
  }
  await one.stop();
  await upstream.stop();
});

test('what the server says it has not processed is sent again, with its body', async () => {
  let refuse = 1;
  const upstream = await startHttp2Upstream((stream) => {
    if (refuse-- > 0) return stream.close(7);
    stream.respond({ ':status': 200 });
    return stream.pipe(stream);
  });
  const one = await start(upstream.target, { api: { retries: 1 } });
  assert.equal((await request(one.port, '/', { method: 'POST', body: 'once' })).text, 'once');
  assert.equal(await metric(one.admin, kToken, 'portcullis_upstream_retries_total', { upstream: 'echo' }), 1);
  refuse = 2;
  assertProblem(await request(one.port, '/', { method: 'POST', body: 'twice' }), 502, 'upstream-broken');
  refuse = 0;
  await one.stop();
  await upstream.stop();
});

test('GOAWAY: what is under way ends, and what comes uses a new connection', async () => {
  const held = [];
  const upstream = await startHttp2Upstream((stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/hold') return held.push(stream);
    return stream.end('ok');
  });
  const one = await start(upstream.target);
  const answer = request(one.port, '/hold');
  await soon(() => assert.equal(held.length, 1));
  held[0].session.goaway(0);
  await soon(async () => {
    assert.equal((await request(one.port, '/')).text, 'ok');
    assert.equal(upstream.connections, 2);
  });
  held[0].end('whole');
  assert.equal((await answer).text, 'whole');
  await one.stop();
  await upstream.stop();
});

test('an idle connection is ended, with GOAWAY', async () => {
  const upstream = await startHttp2Upstream();
  const one = await start(upstream.target, { upstream: { connections: { idle_timeout: '100ms' } } });
  await request(one.port, '/');
  const [session] = upstream.sessions;
  let said;
  session.on('goaway', (code) => (said = code));
  await soon(() => assert.equal(upstream.sessions.size, 0), { timeout: 20_000 });
  assert.equal(said, 0);
  await one.stop();
  await upstream.stop();
});

test('over TLS: the target is verified, and must choose h2', async () => {
  const upstream = await startHttp2Upstream(undefined, { tls });
  const one = await start(upstream.named, { upstream: { tls: { ca: authority.caFile } } });
  const { status, json } = await request(one.port, '/');
  assert.equal(status, 200);
  assert.equal(json.headers[':scheme'], 'https');
  await one.stop();
  const untrusting = await start(upstream.named, { upstream: { tls: {} } });
  assertProblem(await request(untrusting.port, '/'), 502, 'upstream-unreachable');
  await untrusting.stop();
  await upstream.stop();

  const old = https.createServer(tls, (_request, response) => response.end('http/1.1'));
  const sockets = track(old);
  const port = await listen(old, 0, '127.0.0.1');
  const other = await start(`localhost:${port}`, { upstream: { tls: { ca: authority.caFile } } });
  assertProblem(await request(other.port, '/'), 502, 'upstream-unreachable');
  await soon(() => assert.match(other.access.at(-1)?.refusal?.reason ?? '', /no application protocol/));
  await other.stop();
  await close(old, sockets);

  const mute = createTlsServer(tls, (socket) => socket.on('error', () => {}).end());
  const muteSockets = track(mute);
  const third = await start(`localhost:${await listen(mute, 0, '127.0.0.1')}`, { upstream: { tls: { ca: authority.caFile } } });
  assertProblem(await request(third.port, '/'), 502, 'upstream-broken');
  await soon(() => assert.match(third.access.at(-1)?.refusal?.reason ?? '', /does not choose h2/));
  await third.stop();
  await close(mute, muteSockets);
});

test('a server of HTTP/1.1 behind `protocol: h2` is found out', async () => {
  const upstream = await startUpstream();
  const one = await start(upstream.target);
  assertProblem(await request(one.port, '/'), 502, 'upstream-broken');
  await soon(() => assert.match(one.access.at(-1)?.refusal?.reason ?? '', /HTTP\/1\.1|HTTP\/2/));
  await one.stop();
  await upstream.stop();
});

test('nobody there: 502, and the next target is tried', async () => {
  const gone = await freePort();
  const one = await start(`127.0.0.1:${gone}`);
  const answers = await Promise.all(Array.from({ length: 10 }, () => request(one.port, '/')));
  for (const answer of answers) assertProblem(answer, 502, 'upstream-unreachable');
  await one.stop();
  const both = await start([`127.0.0.1:${gone}`, echo.target]);
  for (let i = 0; i < 4; ++i) assert.equal((await request(both.port, '/')).status, 200);
  await both.stop();
});

test('probes speak HTTP/2 too, and take a target out and in again', async () => {
  let well = true;
  const upstream = await startHttp2Upstream((stream, headers) => {
    stream.respond({ ':status': headers[':path'] === '/healthz' && !well ? 503 : 200 }, { endStream: true });
  });
  const one = await start([upstream.target, echo.target], {
    upstream: { health: { path: '/healthz', every: '100ms', timeout: '1s', unhealthy_after: 1, healthy_after: 1 } },
  });
  await soon(() => assert.ok(upstream.requests.some((each) => each.headers['user-agent'] === 'portcullis-probe')));
  well = false;
  await one.event('target_unhealthy', 10_000);
  well = true;
  await one.event('target_healthy', 10_000);
  await one.stop();
  await upstream.stop();
});

test('WebSocket by extended CONNECT, where the server allows it', async () => {
  const upstream = await startHttp2Upstream(
    (stream, headers) => {
      if (headers[':protocol'] !== 'websocket') return stream.respond({ ':status': 400 }, { endStream: true });
      if (headers[':path'] === '/refuse') return stream.respond({ ':status': 403 }, { endStream: true });
      stream.respond({ ':status': 200 });
      return stream.pipe(stream); // frames of a client come back masked; the bytes are what matters
    },
    { settings: { enableConnectProtocol: true } },
  );
  const one = await start(upstream.target, { api: { upgrade: ['websocket'] } });
  const socket = await openWebSocket(one.port);
  const failed = once(socket, 'error');
  socket.send('hello');
  const [error] = await within('the masked echo', failed, 10_000);
  assert.match(error.message, /MASK/, 'the bytes came back as they went');
  const { headers } = upstream.requests[0];
  assert.equal(headers[':method'], 'CONNECT');
  assert.equal(headers['sec-websocket-version'], '13');
  for (const name of ['sec-websocket-key', 'upgrade', 'connection']) assert.equal(headers[name], undefined, name);
  assert.equal((await refusedWebSocket(one.port, '/refuse')).status, 403);
  await one.stop();
  await upstream.stop();
});

test('WebSocket where the server does not allow it: 502, with the reason in the log', async () => {
  const one = await start(echo.target, { api: { upgrade: ['websocket'] } });
  assert.equal((await refusedWebSocket(one.port)).status, 502);
  await soon(() => assert.match(one.access.at(-1)?.refusal?.reason ?? '', /RFC 8441/));
  await one.stop();
});

test('a reload keeps the connection where nothing of it has changed, and ends it where it has', async () => {
  const upstream = await startHttp2Upstream();
  const one = await start(upstream.target);
  await request(one.port, '/');
  await one.reload(h2(upstream.target, { api: { timeout: '5s' } }));
  await request(one.port, '/');
  assert.equal(upstream.connections, 1);
  await one.reload(openConfig(echo.target, { ...admin, upstream: { protocol: 'h2' } }));
  await request(one.port, '/');
  await soon(() => assert.equal(upstream.sessions.size, 0));
  await one.stop();
  await upstream.stop();
});

test('`proxy_protocol` cannot tell of a connection that clients share', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-h2-'));
  const file = join(folder, 'portcullis.yaml');
  await writeFile(file, 'version: 1\nlisteners:\n  public: {address: "127.0.0.1:0"}\napis:\n  a: {listeners: [public], upstream: u, authenticate: none, routes: [{path: /, methods: [GET], operation: a}]}\nupstreams:\n  u:\n    targets: ["127.0.0.1:1"]\n    protocol: h2\n    proxy_protocol: v2\n');
  const { code, stdout, stderr } = await run(['check', '-c', file]);
  assert.notEqual(code, 0);
  assert.match(stdout + stderr, /portcullis\.yaml:10:\d+.*an h2 connection is shared by many clients/s);
  await rm(folder, { recursive: true });
});

const kNghttpd = ['/usr/bin/nghttpd', '/usr/sbin/nghttpd'].find((path) => existsSync(path));
test('nghttpd, the server of nghttp2', { skip: kNghttpd ? false : 'nghttpd is not installed' }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-nghttpd-'));
  const content = Buffer.alloc(3 * kMiB, 'nghttpd ');
  await writeFile(join(folder, 'file'), content);
  const port = await freePort();
  const server = spawn(kNghttpd, ['--no-tls', '--address=127.0.0.1', '-d', folder, '--echo-upload', String(port)], { stdio: 'ignore' });
  const one = await start(`127.0.0.1:${port}`, { api: { body_size: '16MiB' } });
  await soon(async () => assert.equal((await request(one.port, '/file')).status, 200));
  assert.ok(content.equals((await request(one.port, '/file')).body));
  assert.ok(content.equals((await request(one.port, '/echo', { method: 'POST', body: content })).body));
  await one.stop();
  server.kill();
  await once(server, 'close');
  await rm(folder, { recursive: true });
});
