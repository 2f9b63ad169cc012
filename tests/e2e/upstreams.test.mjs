// Upstreams that are away, slow, broken or many.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ByteReader, readFields, value } from '../support/bytes.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient, converse, roundTrip } from '../support/raw_client.mjs';
import { close, freePort, listen, startRawUpstream, startUpstream, track } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kOk = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('nothing listens: 502 upstream-unreachable; it comes up: 200', async () => {
  const port = await freePort();
  const gateway = await Gateway.start(openConfig(`127.0.0.1:${port}`));
  assertProblem(await request(gateway.port, '/'), 502, 'upstream-unreachable');
  const late = await startUpstream(undefined, { port });
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
  await late.stop();
});

test('no answer within `timeout`: 504, and the connection is not used again', async () => {
  const silent = await startRawUpstream((incoming, socket) => {
    if (incoming.url !== '/silent') socket.write(kOk);
  });
  const gateway = await Gateway.start(openConfig(silent.target, { api: { timeout: '300ms' } }));
  const start = performance.now();
  assertProblem(await request(gateway.port, '/silent'), 504, 'upstream-timeout');
  const took = performance.now() - start;
  assert.ok(took >= 250 && took < 2500, `${took} ms`);
  assert.equal((await request(gateway.port, '/next')).status, 200);
  assert.equal(silent.connections, 2);
  await gateway.stop();
  await silent.stop();
});

test('no connection within connect_timeout: 502 or 504, in that time', async () => {
  // 192.0.2.1 (TEST-NET-1) answers nobody; a machine without a route says so at once, which is fine too.
  const gateway = await Gateway.start(openConfig('192.0.2.1:9', { upstream: { connections: { connect_timeout: '300ms' } }, api: { retries: 0 } }));
  const start = performance.now();
  const response = await request(gateway.port, '/');
  assert.ok([502, 504].includes(response.status), String(response.status));
  assert.ok(performance.now() - start < 2500);
  await gateway.stop();
});

for (const [name, bytes] of [
  ['closes without a word', ''],
  ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['closes in the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ['has a bare LF in its head', 'HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok'],
  ['has a bare CR in a value', 'HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 2\r\n\r\nok'],
  ['has a NUL in a value', 'HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok'],
  ['has two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'],
  ['has both lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  ['has a signed length', 'HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok'],
  ['has a length beyond 64 bits', 'HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551618\r\n\r\nok'],
  ['has a coding that is not chunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  ['has a space before a colon', 'HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok'],
  ['folds a line', 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok'],
  ['has a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok'],
  ['has a status of 999', 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok'],
  ['has version 2.0', 'HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
  ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nGET /tunnel HTTP/1.1\r\n\r\n'],
  ['sends a head without an end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(200_000)}`],
  ['sends interim answers for ever', 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'.repeat(20_000)],
]) {
  test(`an upstream that ${name}: 502, and nothing of it reaches the client`, async () => {
    const broken = await startRawUpstream((_incoming, socket) => {
      socket.end(Buffer.from(bytes, 'latin1'));
      return 'stop';
    });
    const gateway = await Gateway.start(openConfig(broken.target, { api: { retries: 0, timeout: '3s' } }));
    const response = await roundTrip(gateway.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assertProblem(response, 502, 'upstream-broken');
    const entry = await gateway.entry((e) => e.status === 502);
    assert.ok(entry.refusal.reason.length > 0);
    await gateway.stop();
    await broken.stop();
  });
}

for (const [name, bytes] of [
  ['a body shorter than its length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'],
  ['chunks without an end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n'],
  ['a chunk size that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\nxyz\r\n'],
]) {
  test(`${name} from the upstream: the client's answer is cut off, never made to look whole`, async () => {
    const broken = await startRawUpstream((_incoming, socket) => {
      socket.end(bytes);
      return 'stop';
    });
    const gateway = await Gateway.start(openConfig(broken.target, { api: { retries: 0 } }));
    const client = await RawClient.connect(gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const outcome = await client.response().catch((error) => error);
    if (outcome instanceof Error) assert.match(outcome.message, /ended inside/);
    else assertProblem(outcome, 502, 'upstream-broken');
    client.destroy();
    await gateway.stop();
    await broken.stop();
  });
}

test('bytes after a complete answer poison no other request: the connection is dropped', async () => {
  const broken = await startRawUpstream((incoming, socket) => {
    socket.write(incoming.url === '/first' ? `${kOk}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison` : kOk);
  });
  const gateway = await Gateway.start(openConfig(broken.target));
  const client = await RawClient.connect(gateway.port);
  for (const path of ['/first', '/second', '/third']) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    assert.equal((await client.response()).text, 'ok', path);
  }
  assert.ok(broken.connections >= 2);
  client.destroy();
  await gateway.stop();
  await broken.stop();
});

test('an answer that nobody asked for, on an idle pooled connection, is given to nobody', async () => {
  let sent = 0;
  const eager = await startRawUpstream((_incoming, socket, { index }) => {
    socket.write(kOk);
    if (index === 0) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison', () => (sent += 1)), 20);
  });
  const gateway = await Gateway.start(openConfig(eager.target));
  for (let i = 1; i <= 5; i += 1) {
    assert.equal((await request(gateway.port, '/')).text, 'ok');
    await eventually('the unasked answer to be sent', () => sent === i);
  }
  await gateway.stop();
  await eager.stop();
});

/** Answers the first request of each connection, then closes it when the next one arrives: a stale pooled connection. */
async function staleUpstream(onSecond) {
  const seen = [];
  const server = await startRawUpstream((incoming, socket, { index }) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    if (index === 0) {
      socket.write(kOk);
      return undefined;
    }
    onSecond(socket);
    return 'stop';
  });
  return { ...server, target: server.target, seen, stop: server.stop };
}

/** Bytes on their way from a client to the port that it is connected to, which nobody has read yet. */
async function underWay(client, port) {
  const hex = (number) => number.toString(16).toUpperCase().padStart(4, '0');
  const ends = [hex(client.socket.localPort), hex(port)];
  let bytes = client.socket.writableLength;
  for (const line of (await readFile('/proc/net/tcp', 'latin1')).split('\n').slice(1, -1)) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    const ports = [local, remote].map((address) => address.slice(-4));
    if (!ends.every((end) => ports.includes(end))) continue;
    for (const queue of queues.split(':')) bytes += Number.parseInt(queue, 16);
  }
  return bytes;
}

// A server that answers early and reads the body slowly, on a socket whose buffers are small: for some
// size, what it has not taken yet is the last piece of the body and nothing else.
test('an early answer while the last piece of a body waits: the connection carries no other request', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-test-'));
  const held = [];
  const server = net.createServer(async (socket) => {
    const reader = new ByteReader(socket, { timeout: 60_000 });
    try {
      while (await reader.some()) {
        const line = await reader.line('a request line');
        const size = Number(value(await readFields(reader, 'a head'), 'content-length') ?? 0);
        if (line.startsWith('POST')) {
          socket.pause();
          await new Promise((answer) => held.push(answer));
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly', () => socket.resume());
          await reader.exactly(size, 'a body');
        } else {
          socket.write(kOk);
        }
      }
    } catch {
      socket.destroy(); // the gateway gave the connection up
    }
  });
  const sockets = track(server);
  const path = join(folder, 'socket');
  await listen(server, path);
  const gateway = await Gateway.start(openConfig(`unix:${path}`, { api: { timeout: '2s', body_size: '8MiB' } }));
  for (let size = 64 * 1024, whole = true; whole; size += 8 * 1024) {
    const client = await RawClient.connect(gateway.port);
    client.send(`POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size, 'x'));
    whole = await eventually('the gateway to have all of the body', async () => (await underWay(client, gateway.port)) === 0, { timeout: 2000 }).catch(() => false);
    (await eventually('the server to have the head', () => held.pop()))();
    assert.equal((await client.response()).text, 'early');
    client.destroy();
    assert.equal((await request(gateway.port, '/next')).status, 200, `after a body of ${size} bytes`);
  }
  await gateway.stop();
  await close(server, sockets);
  await rm(folder, { recursive: true });
});

test('a pooled connection that turns out stale: GET is sent again on a new one', async () => {
  const stale = await staleUpstream((socket) => socket.destroy());
  const gateway = await Gateway.start(openConfig(stale.target));
  assert.equal((await request(gateway.port, '/a')).status, 200);
  assert.equal((await request(gateway.port, '/b')).status, 200);
  assert.deepEqual(stale.seen, ['GET /a', 'GET /b', 'GET /b']);
  await gateway.stop();
  await stale.stop();
});

test('a POST that may have been processed is never sent again', async () => {
  const stale = await staleUpstream((socket) => socket.destroy());
  const gateway = await Gateway.start(openConfig(stale.target, { api: { retries: 3 } }));
  assert.equal((await request(gateway.port, '/a')).status, 200);
  assertProblem(await request(gateway.port, '/b', { method: 'POST', body: 'once' }), 502, 'upstream-broken');
  assert.deepEqual(stale.seen, ['GET /a', 'POST /b']);
  await gateway.stop();
  await stale.stop();
});

test('a pooled connection that the upstream closed while idle costs no request, whatever its method', async () => {
  let ended = 0;
  const closing = await startRawUpstream((_incoming, socket) => {
    socket.write(kOk);
    setTimeout(() => socket.end(() => (ended += 1)), 20);
  });
  const gateway = await Gateway.start(openConfig(closing.target));
  for (let i = 1; i <= 5; i += 1) {
    assert.equal((await request(gateway.port, '/', { method: 'POST', body: 'x' })).status, 200);
    await eventually('the upstream to close', () => ended === i);
  }
  assert.equal(closing.requests.length, 5);
  await gateway.stop();
  await closing.stop();
});

test('retries: 0 sends nothing twice', async () => {
  const stale = await staleUpstream((socket) => socket.destroy());
  const gateway = await Gateway.start(openConfig(stale.target, { api: { retries: 0 } }));
  assert.equal((await request(gateway.port, '/a')).status, 200);
  assertProblem(await request(gateway.port, '/b'), 502, 'upstream-broken');
  assert.deepEqual(stale.seen, ['GET /a', 'GET /b']);
  await gateway.stop();
  await stale.stop();
});

test('a target that refuses connections: the next target is tried, for POST too, since nothing was sent', async () => {
  const good = await startUpstream();
  const bad = await freePort();
  const gateway = await Gateway.start(openConfig([`127.0.0.1:${bad}`, good.target]));
  for (let i = 0; i < 6; i += 1) assert.equal((await request(gateway.port, '/', { method: 'POST', body: 'x' })).status, 200);
  assert.equal(good.requests.length, 6);
  await gateway.stop();
  await good.stop();
});

test('round_robin spreads evenly', async () => {
  const servers = [await startUpstream(), await startUpstream(), await startUpstream()];
  const gateway = await Gateway.start(openConfig(servers.map((s) => s.target), { upstream: { balance: 'round_robin' } }));
  for (let i = 0; i < 30; i += 1) assert.equal((await request(gateway.port, '/')).status, 200);
  assert.deepEqual(servers.map((s) => s.requests.length), [10, 10, 10]);
  await gateway.stop();
  for (const server of servers) await server.stop();
});

test('least_requests keeps away from a busy target', async () => {
  const held = [];
  const slow = await startUpstream((_incoming, response) => held.push(response));
  const quick = await startUpstream();
  const gateway = await Gateway.start(openConfig([slow.target, quick.target], { upstream: { balance: 'least_requests' } }));
  const first = [];
  while (held.length === 0) {
    const before = quick.requests.length;
    first.push(request(gateway.port, '/'));
    await eventually('it to be held or answered', () => held.length > 0 || quick.requests.length > before);
  }
  for (let i = 0; i < 20; i += 1) assert.equal((await request(gateway.port, '/')).status, 200);
  assert.equal(held.length, 1, 'a target that answers none got more than its first request');
  for (const response of held) response.end('late');
  for (const one of first) assert.equal((await one).status, 200);
  await gateway.stop();
  await slow.stop();
  await quick.stop();
});

test('a target by name is resolved', async () => {
  const server = await startUpstream();
  const gateway = await Gateway.start(openConfig(`localhost:${server.port}`));
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
  await server.stop();
});

test('a name that does not exist: 502 or 503, and the gateway is well', async () => {
  const gateway = await Gateway.start(openConfig('no-such-host.invalid:80', { upstream: { connections: { connect_timeout: '2s' } }, api: { timeout: '4s' } }));
  const response = await request(gateway.port, '/');
  assert.ok([502, 503, 504].includes(response.status), String(response.status));
  assert.ok(response.problem);
  await gateway.stop();
});

test('no more than `maximum` connections are opened to a target; the others wait', async () => {
  let open = 0;
  let most = 0;
  const server = await startUpstream((_incoming, response) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      response.end('ok');
    }, 30);
  });
  const gateway = await Gateway.start(openConfig(server.target, { upstream: { connections: { maximum: 3 } } }));
  const answers = await Promise.all(Array.from({ length: 20 }, () => request(gateway.port, '/')));
  assert.deepEqual([...new Set(answers.map((r) => r.status))].filter((s) => s !== 200 && s !== 503), []);
  assert.ok(answers.filter((r) => r.status === 200).length >= 3);
  assert.ok(most <= 3, `${most} at once`);
  assert.ok(server.connections <= 3, `${server.connections} connections`);
  await gateway.stop();
  await server.stop();
});

test('an upstream that answers in HTTP/1.0 is understood', async () => {
  const old = await startRawUpstream((_incoming, socket) => {
    socket.end('HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nold');
    return 'stop';
  });
  const gateway = await Gateway.start(openConfig(old.target));
  const { responses } = await converse(gateway.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.deepEqual(responses.map((r) => r.text), ['old', 'old']);
  await gateway.stop();
  await old.stop();
});

test('an IPv6 target', async (t) => {
  let server;
  try {
    server = await startUpstream(undefined, { host: '::1' });
  } catch {
    t.skip('this machine has no ::1');
    return;
  }
  const gateway = await Gateway.start(openConfig(`[::1]:${server.port}`));
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
  await server.stop();
});
