// WebSocket through the gateway with the `ws` package on both sides, other protocols by hand, and what ends a tunnel.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { value, values } from '../support/bytes.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { metric } from '../support/metrics.mjs';
import { releaseBinary } from '../support/paths.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { pairs, startRawUpstream, startUpstream } from '../support/upstream.mjs';
import { delay, eventually, within } from '../support/wait.mjs';
import { openWebSocket, refusedWebSocket, startWebSocketServer } from '../support/websocket.mjs';

const kMiB = 1024 * 1024;
const kToken = 'a token of the test';
const admin = { admin: { address: '127.0.0.1:0', token: '${env:ADMIN}' } };
const env = { ADMIN: kToken };
const allowed = (target, more = {}) => openConfig(target, { ...admin, ...more, api: { upgrade: ['websocket'], ...more.api } });

const echo = await startWebSocketServer();
const gateway = await Gateway.start(allowed(echo.target), { env });
after(async () => {
  await gateway.stop();
  await echo.stop();
});

const open = (g, kind = 'tunnel') => metric(g.admin, kToken, 'portcullis_streams', { kind });
const endedBy = (g, reason) => metric(g.admin, kToken, 'portcullis_streams_ended_total', { reason });

test('text, binary, empty and fragmented messages come back as they went', async () => {
  const socket = await openWebSocket(gateway.port);
  socket.send('hello');
  assert.equal((await socket.next()).text, 'hello');
  const bytes = randomBytes(1000);
  socket.send(bytes);
  const { data, binary } = await socket.next();
  assert.ok(binary && bytes.equals(data));
  socket.send('');
  assert.equal((await socket.next()).text, '');
  for (const [i, part] of ['one ', 'two ', 'three'].entries()) socket.send(part, { fin: i === 2 });
  assert.equal((await socket.next()).text, 'one two three');
  socket.close();
  await socket.closed;
});

test('messages of 1 MiB, many of them at once', async () => {
  const socket = await openWebSocket(gateway.port);
  const sent = Array.from({ length: 8 }, () => randomBytes(kMiB));
  for (const bytes of sent) socket.send(bytes);
  for (const bytes of sent) assert.ok(bytes.equals((await socket.next()).data));
  socket.close();
  await socket.closed;
});

test('ping and pong pass both ways', async () => {
  const pinged = new Promise((resolve) => {
    echo.onPing = resolve;
  });
  const socket = await openWebSocket(gateway.port);
  await eventually('the server side', () => echo.clients.size > 0);
  const server = [...echo.clients].at(-1);
  server.once('ping', (data) => echo.onPing(data.toString()));
  const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
  socket.ping('are you there');
  assert.equal(await within('a ping', pinged), 'are you there');
  assert.equal(await within('a pong', pong), 'are you there');
  const back = new Promise((resolve) => server.once('pong', (data) => resolve(data.toString())));
  server.ping('and you');
  assert.equal(await within('a pong', back), 'and you');
  socket.close();
  await socket.closed;
});

test('close codes and reasons pass both ways', async () => {
  const seen = [];
  const server = await startWebSocketServer((socket, incoming) => {
    socket.on('close', (code, reason) => seen.push([code, reason.toString()]));
    if (incoming.url === '/leave') socket.close(4001, 'go away');
  });
  const own = await Gateway.start(allowed(server.target), { env });
  const leaving = await openWebSocket(own.port, '/leave');
  assert.deepEqual(await within('the close', leaving.closed), { code: 4001, reason: 'go away' });
  const staying = await openWebSocket(own.port, '/stay');
  staying.close(4002, 'enough');
  assert.equal((await within('the close', staying.closed)).code, 4002);
  await eventually('both closes at the server', () => seen.length === 2);
  assert.deepEqual(seen[1], [4002, 'enough']);
  await eventually('no tunnel', async () => (await open(own)) === 0);
  await own.stop();
  await server.stop();
});

test('subprotocols and permessage-deflate are agreed on end to end', async () => {
  const server = await startWebSocketServer(undefined, { perMessageDeflate: { threshold: 0 }, handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false) });
  const own = await Gateway.start(allowed(server.target), { env });
  const socket = await openWebSocket(own.port, '/ws', { protocols: ['chat.v1', 'chat.v2'], perMessageDeflate: { threshold: 0 } });
  assert.equal(socket.protocol, 'chat.v2');
  assert.match(socket.extensions, /permessage-deflate/);
  const text = 'portcullis '.repeat(50_000);
  socket.send(text);
  assert.equal((await socket.next()).text, text);
  socket.close();
  await socket.closed;
  const entry = await own.entry((e) => e.status === 101);
  assert.ok(entry.bytes_in < text.length / 10 && entry.bytes_out < text.length / 10, 'it was compressed on the wire');
  await own.stop();
  await server.stop();
});

test('what the upstream gets is written by the gateway: one protocol, the same way always', async () => {
  const before = echo.requests.length;
  const client = await RawClient.connect(gateway.port);
  client.send(
    'GET /ws?room=7 HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, X-Private\r\nUpgrade: h2c, WebSocket\r\nX-Private: a\r\nCookie: a=b\r\n' +
      'HTTP2-Settings: AAMAAABkAAQAAP__\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const response = await client.response();
  assert.equal(response.status, 101);
  assert.equal(response.header('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'RFC 6455 1.3');
  const fields = pairs(echo.requests[before].rawHeaders);
  assert.equal(echo.requests[before].url, '/ws?room=7');
  assert.deepEqual(values(fields, 'upgrade'), ['websocket']);
  assert.deepEqual(values(fields, 'connection'), ['upgrade']);
  assert.deepEqual(values(fields, 'x-private'), [], 'what Connection names stays here for upgrades as for all else');
  assert.deepEqual(values(fields, 'http2-settings'), []);
  assert.equal(value(fields, 'cookie'), 'a=b');
  assert.equal(value(fields, 'x-forwarded-for'), '127.0.0.1');
  client.destroy();
});

test('over TLS', async () => {
  const authority = await makeAuthority();
  const shop = await authority.issue('shop', ['shop.test', '127.0.0.1']);
  const own = await Gateway.start(allowed(echo.target, { listener: { tls: { certificates: [shop] } } }), { env });
  const socket = await openWebSocket(own.port, '/ws', { scheme: 'wss', ca: readFileSync(authority.caFile) });
  const bytes = randomBytes(3 * kMiB);
  socket.send(bytes);
  assert.ok(bytes.equals((await socket.next()).data));
  socket.close(1000, 'done');
  assert.deepEqual(await within('the close', socket.closed), { code: 1000, reason: 'done' });
  await eventually('no tunnel', async () => (await open(own)) === 0);
  assert.equal((await own.entry((e) => e.status === 101)).upgrade, 'websocket');
  await own.stop();
  await authority.remove();
});

test('two hundred at once, each with its own messages', async () => {
  const sockets = await Promise.all(Array.from({ length: 200 }, (_, i) => openWebSocket(gateway.port, `/ws/${i}`)));
  await eventually('all of them in the gauge', async () => (await open(gateway)) === 200);
  await Promise.all(
    sockets.map(async (socket, i) => {
      for (let round = 0; round < 5; round += 1) {
        socket.send(`${i}:${round}`);
        assert.equal((await socket.next()).text, `${i}:${round}`);
      }
      socket.close();
      await socket.closed;
    }),
  );
  await eventually('no tunnel', async () => (await open(gateway)) === 0);
});

test('a reader that does not read holds the writer back, at constant memory', { timeout: 60_000 }, async () => {
  const size = 64 * kMiB;
  let sent = 0;
  const server = await startWebSocketServer(async (socket) => {
    const block = Buffer.alloc(kMiB, 'x');
    for (; sent < size; sent += block.length) await new Promise((resolve) => socket.send(block, resolve));
    socket.close();
  });
  const own = await Gateway.start(allowed(server.target), { program: releaseBinary, env });
  const before = await own.memory();
  const socket = await openWebSocket(own.port);
  socket.pause();
  let last = -1;
  await eventually('the writer to be held back', async () => {
    const still = sent > 0 && sent === last;
    last = sent;
    await delay(300);
    return still;
  }, { timeout: 20_000 });
  assert.ok(sent < size / 2, `${sent} bytes were taken from the writer`);
  assert.ok((await own.memory()) - before < 8 * kMiB, `grew by ${((await own.memory()) - before) / kMiB} MiB`);
  let got = 0;
  socket.on('message', (data) => (got += data.length));
  socket.resume();
  await within('the end', socket.closed, 30_000);
  assert.equal(got, size);
  await own.stop();
  await server.stop();
});

test('a route that permits no upgrade removes the field and goes on; other routes of the API are not opened', async () => {
  const plain = await startUpstream();
  const own = await Gateway.start(openConfig(plain.target, { api: { routes: [{ path: '/ws', methods: ['GET'], operation: 'ws', upgrade: 'websocket' }, { path: '/x', methods: ['GET'], operation: 'x' }] } }));
  const client = await RawClient.connect(own.port);
  client.send('GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const response = await client.response();
  assert.equal(response.status, 200);
  assert.deepEqual(values(response.json.fields, 'upgrade'), []);
  assert.deepEqual(values(response.json.fields, 'connection'), []);
  client.destroy();
  const answer = await refusedWebSocket(own.port, '/ws');
  assert.equal(answer.status, 200, 'the upstream knows no WebSocket, and its answer is an answer');
  await own.stop();
  await plain.stop();
});

test('all checks of the way come first: credentials, roles, limits', async () => {
  const issuer = await startKeyServer();
  const own = await Gateway.start(
    allowed(echo.target, {
      api: { authenticate: ['corporate'], limits: ['few'], routes: [{ path: '/ws', methods: ['GET'], operation: 'ws' }, { path: '/admin', methods: ['GET'], operation: 'admin' }] },
      authenticators: { corporate: issuer.authenticator() },
      roles: { clerk: ['ws'], manager: ['admin'] },
      limits: { few: { key: 'identity.subject', rate: '1/h', burst: 2 } },
    }),
    { env },
  );
  const before = echo.requests.length;
  assert.equal((await refusedWebSocket(own.port)).status, 401);
  const headers = { authorization: `Bearer ${await issuer.mint()}` };
  assert.equal((await refusedWebSocket(own.port, '/admin', { headers })).status, 403);
  const socket = await openWebSocket(own.port, '/ws', { headers });
  assert.equal((await refusedWebSocket(own.port, '/ws', { headers })).status, 429);
  assert.equal(echo.requests.length, before + 1);
  socket.close();
  await socket.closed;
  const entry = await own.entry((e) => e.status === 101);
  assert.equal(entry.subject, 'corporate|alice');
  await own.stop();
  await issuer.stop();
});

// ---- other protocols, by hand

const rot13 = (bytes) => bytes.toString('latin1').replace(/[a-z]/g, (c) => String.fromCharCode(((c.charCodeAt(0) - 84) % 26) + 97));

test('another protocol: bytes that came with the heads, half-close, the log', async () => {
  const upstream = await startRawUpstream(
    async (incoming, socket, { reader }) => {
      // The first bytes of the protocol come in one packet with the 101.
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${value(incoming.fields, 'upgrade')}\r\nX-Of-The-Upstream: yes\r\n\r\nwelcome\n`);
      const all = await reader.rest();
      socket.end(rot13(all));
      return 'stop';
    },
    { upgrades: ['rot/13'] },
  );
  const own = await Gateway.start(openConfig(upstream.target, { api: { upgrade: ['ROT/13'] } }));
  const client = await RawClient.connect(own.port);
  client.send('OPTIONS /secret HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, upgrade\r\nUpgrade: Rot/13\r\n\r\n');
  const response = await client.response();
  assert.equal(response.status, 101);
  assert.equal(response.header('upgrade'), 'rot/13');
  assert.equal(response.header('connection'), 'upgrade');
  assert.equal(response.header('x-of-the-upstream'), 'yes');
  assert.equal((await client.reader.exactly(8, 'a greeting')).toString(), 'welcome\n');
  client.send('abc');
  client.end();
  assert.equal((await client.reader.rest()).toString(), 'nop', 'the half that is open goes on');
  const entry = await own.entry((e) => e.status === 101);
  assert.equal(entry.upgrade, 'rot/13');
  assert.equal(entry.ended, 'client');
  assert.equal(entry.bytes_in, 3);
  assert.equal(entry.bytes_out, 11);
  assert.deepEqual(upstream.violations, []);
  client.destroy();
  await own.stop();
  await upstream.stop();
});

test('a reset of either side reaches the other as one', async () => {
  const servers = [];
  const upstream = await startRawUpstream(
    (_incoming, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n');
      servers.push(socket);
      return 'stop';
    },
    { upgrades: ['raw'] },
  );
  const own = await Gateway.start(openConfig(upstream.target, { ...admin, api: { upgrade: 'raw' } }), { env });
  const start = async () => {
    const client = await RawClient.connect(own.port);
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n');
    assert.equal((await client.response()).status, 101);
    return client;
  };
  const first = await start();
  servers[0].resetAndDestroy();
  assert.equal(await first.state(3000), 'reset');
  assert.equal((await own.entry((e) => e.ended === 'upstream')).status, 101);
  const second = await start();
  const error = new Promise((resolve) => servers[1].once('error', (e) => resolve(e.code)));
  second.socket.resetAndDestroy();
  assert.equal(await within('a reset', error), 'ECONNRESET');
  assert.equal((await own.entry((e) => e.ended === 'client')).status, 101);
  assert.equal(await open(own), 0);
  first.destroy();
  await own.stop();
  await upstream.stop();
});

// ---- what ends a tunnel

/** A gateway with these `streams`, one open WebSocket on it, and what the gateway says of its end. */
async function endOf(streams, { token, more = {}, during = () => {} } = {}) {
  const own = await Gateway.start(allowed(echo.target, { streams, ...more }), { env });
  const start = performance.now();
  const socket = await openWebSocket(own.port, '/ws', token ? { headers: { authorization: `Bearer ${token}` } } : {});
  await during(own, socket);
  const { code } = await within('the end', socket.closed, 10_000);
  const took = performance.now() - start;
  const entry = await own.entry((e) => e.status === 101);
  if (entry.ended !== 'shutdown') {
    assert.equal(await open(own), 0);
    assert.equal(await endedBy(own, entry.ended), 1);
  }
  await own.stop();
  return { code, took, ended: entry.ended, duration: entry.duration_us };
}

test('the expiry of its token ends a tunnel', async () => {
  const issuer = await startKeyServer();
  const token = await issuer.mint({ exp: Math.floor(Date.now() / 1000) + 8 });
  const more = { api: { authenticate: ['corporate'], routes: [{ path: '/ws', methods: ['GET'], operation: 'ws' }] }, authenticators: { corporate: issuer.authenticator({ leeway: '0s' }) }, roles: { clerk: ['ws'] } };
  const busy = (_own, socket) => {
    const timer = setInterval(() => socket.send('still here'), 50);
    void socket.closed.then(() => clearInterval(timer));
  };
  const end = await endOf({}, { token, more, during: busy });
  assert.equal(end.ended, 'expired');
  assert.equal(end.code, 1006, 'the connection ends without a close frame');
  assert.ok(end.took > 500 && end.took < 10_000, `${end.took} ms`);
  await issuer.stop();
});

test('streams.maximum_age ends a tunnel, however busy it is', async () => {
  const busy = (_own, socket) => {
    const timer = setInterval(() => socket.send(Buffer.alloc(100_000)), 5);
    void socket.closed.then(() => clearInterval(timer));
  };
  const end = await endOf({ maximum_age: '1s' }, { during: busy });
  assert.equal(end.ended, 'maximum_age');
  assert.ok(end.took >= 900, `${end.took} ms`);
  assert.ok(end.duration >= 900_000);
});

test('streams.idle_timeout ends a tunnel on which nothing moves, and no other', async () => {
  const talk = async (_own, socket) => {
    for (let i = 0; i < 8; i += 1) {
      socket.send('tick');
      await socket.next();
      await delay(200);
    }
  };
  const end = await endOf({ idle_timeout: '1s' }, { during: talk });
  assert.equal(end.ended, 'idle');
  assert.ok(end.took >= 2400, `${end.took} ms`);
});

test('SIGTERM lets a tunnel go on until drain_timeout', async () => {
  const stop = async (own, socket) => {
    own.signal('SIGTERM');
    await eventually('the drain', () => own.events.some((e) => e.event === 'draining'));
    socket.send('still here');
    assert.equal((await socket.next()).text, 'still here');
  };
  const end = await endOf({}, { more: { drain_timeout: '700ms' }, during: stop });
  assert.equal(end.ended, 'shutdown');
  assert.ok(end.took >= 600, `${end.took} ms`);
});

test('a reload leaves a tunnel open, on the snapshot that it began with', async () => {
  const own = await Gateway.start(allowed(echo.target), { env });
  const socket = await openWebSocket(own.port);
  const closed = openConfig(echo.target, { ...admin });
  assert.equal((await own.reload(closed)).event, 'reloaded');
  socket.send('after the reload');
  assert.equal((await socket.next()).text, 'after the reload');
  assert.equal(await metric(own.admin, kToken, 'portcullis_snapshots'), 2);
  assert.notEqual((await refusedWebSocket(own.port)).status, 101, 'the new configuration permits none');
  socket.close();
  await socket.closed;
  await eventually('the old snapshot to go', async () => (await metric(own.admin, kToken, 'portcullis_snapshots')) === 1);
  await own.stop();
});

test('an idle tunnel is in the gauge, its requests in the counters, its time in no histogram', async () => {
  const own = await Gateway.start(allowed(echo.target), { env });
  const socket = await openWebSocket(own.port);
  await eventually('the tunnel in the gauge', async () => (await open(own)) === 1);
  socket.close();
  await socket.closed;
  await eventually('the count', async () => (await metric(own.admin, kToken, 'portcullis_requests_total', { status: '1xx' })) === 1);
  assert.equal(await metric(own.admin, kToken, 'portcullis_request_seconds_count', { api: 'echo' }), 0);
  const response = await request(own.port, '/x');
  assert.equal(response.status, 426, 'ws says so to an ordinary request');
  await own.stop();
});
