// SIGTERM: what is in flight ends, what is idle closes, nothing new comes in, and the process exits with 0.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import net from 'node:net';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const held = [];
const upstream = await startUpstream((incoming, response) => {
  if (incoming.url === '/held') held.push(response);
  else response.end('ok');
});
after(() => upstream.stop());

const refused = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() && false));
    socket.once('error', (error) => resolve(error.code === 'ECONNREFUSED'));
  });

test('a request in flight finishes; an idle connection is closed; a new one is refused; exit 0', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { workers: 2 }));
  const idle = await RawClient.connect(gateway.port);
  idle.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await idle.response()).status, 200);
  const fresh = await RawClient.connect(gateway.port);
  const busy = await RawClient.connect(gateway.port);
  held.length = 0;
  busy.send('GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('the request upstream', () => held.length === 1);

  gateway.signal('SIGTERM');
  assert.equal(await idle.state(3000), 'closed');
  await eventually('new connections to be refused', () => refused(gateway.port));
  assert.ok(!gateway.exited, 'it waits for what is in flight');
  held[0].end('at last');
  const response = await busy.response();
  assert.equal(response.text, 'at last');
  assert.equal(response.header('connection'), 'close');
  assert.deepEqual(await gateway.exit(), { code: 0, signal: null });
  for (const client of [idle, fresh, busy]) client.destroy();
  await gateway.stop();
});

test('an upload in flight finishes too', async () => {
  const echo = await startUpstream();
  const gateway = await Gateway.start(openConfig(echo.target));
  const client = await RawClient.connect(gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nfirst');
  await eventually('the request upstream', () => echo.requests.length === 1);
  gateway.signal('SIGTERM');
  await eventually('new connections to be refused', () => refused(gateway.port));
  client.send(' last');
  assert.equal((await client.response()).json.body, 'first last');
  assert.deepEqual(await gateway.exit(), { code: 0, signal: null });
  client.destroy();
  await gateway.stop();
  await echo.stop();
});

test('what takes longer than drain_timeout is cut off', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { drain_timeout: '500ms' }));
  const client = await RawClient.connect(gateway.port);
  held.length = 0;
  client.send('GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('the request upstream', () => held.length === 1);
  const start = performance.now();
  gateway.signal('SIGTERM');
  await gateway.exit(5000);
  assert.ok(performance.now() - start >= 400);
  client.destroy();
  await gateway.stop();
});

test('under load, SIGTERM loses no request that was sent on an open connection', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { workers: 2 }));
  const outcomes = [];
  let running = true;
  const loops = Array.from({ length: 8 }, async () => {
    while (running) {
      try {
        const response = await request(gateway.port, '/');
        outcomes.push(response.status);
      } catch (error) {
        outcomes.push(error.code);
        if (error.code === 'ECONNREFUSED') return;
      }
    }
  });
  await eventually('some requests', () => outcomes.length > 200);
  gateway.signal('SIGTERM');
  await gateway.exit();
  running = false;
  await Promise.all(loops);
  const bad = outcomes.filter((o) => o !== 200 && o !== 'ECONNREFUSED');
  assert.deepEqual(bad, [], 'connections that wait in the listen queue are served before it is closed');
  await gateway.stop();
});

test('a second SIGTERM does no harm', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target));
  gateway.signal('SIGTERM');
  gateway.signal('SIGTERM');
  await gateway.stop();
});

test('SIGINT (Ctrl-C) drains as well', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target));
  gateway.signal('SIGINT');
  assert.deepEqual(await gateway.exit(), { code: 0, signal: null });
  await gateway.stop();
});
