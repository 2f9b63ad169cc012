// More than can be done: places are counted, what matters less is refused first, and slow clients do
// not hold what others need.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'metrics-token';
const env = { TOKEN: kToken };
const admin = { address: '127.0.0.1:0', token: '${env:TOKEN}' };
const held = [];
const upstream = await startUpstream((incoming, response) => {
  if (incoming.url.startsWith('/held')) return held.push(response);
  return incoming.resume().on('end', () => response.end('ok'));
});
after(() => upstream.stop());

const start = (settings, target = upstream.target) => Gateway.start(openConfig(target, { admin, ...settings }), { env });
const release = () => held.splice(0).forEach((response) => response.end('done'));
const inside = (gateway, of) => metric(gateway.admin, kToken, 'portcullis_concurrent_requests', { of });

const routes = [
  { path: '/held', methods: ['GET'], operation: 'held' },
  { path: '/free', methods: ['GET'], operation: 'free' },
];

test('an API has as many requests under way as it may, over all workers', async () => {
  const gateway = await start({ workers: 2, api: { concurrency: 2, routes } });
  const pending = [request(gateway.port, '/held'), request(gateway.port, '/held')];
  await eventually('two upstream', () => held.length === 2);
  for (let i = 0; i < 6; i += 1) {
    const refusal = await request(gateway.port, '/free');
    assertProblem(refusal, 503, 'overloaded');
    assert.equal(refusal.header('retry-after'), '1');
  }
  assert.equal(await inside(gateway, 'apis.echo.concurrency'), 2);
  const entry = await gateway.entry((e) => e.status === 503);
  assert.deepEqual([entry.refusal.step, entry.refusal.rule], ['admit', 'apis.echo.concurrency']);
  release();
  await Promise.all(pending);
  assert.equal((await request(gateway.port, '/free')).status, 200);
  await eventually('all to be out', async () => (await inside(gateway, 'apis.echo.concurrency')) === 0);
  await gateway.stop();
});

test('a place is given back when the client leaves, and through a reload', async () => {
  const settings = { api: { routes: [{ ...routes[0], concurrency: 1 }, routes[1]] } };
  const gateway = await start(settings);
  const client = await RawClient.connect(gateway.port);
  client.send('GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('it upstream', () => held.length === 1);
  assert.equal((await gateway.reload()).event, 'reloaded');
  assertProblem(await request(gateway.port, '/held'), 503, 'overloaded');
  assert.equal((await request(gateway.port, '/free')).status, 200, 'another operation has no bound');
  client.socket.resetAndDestroy();
  held.length = 0;
  await eventually('the place to be free', async () => (await inside(gateway, 'apis.echo.operations.held.concurrency')) === 0);
  const next = request(gateway.port, '/held');
  await eventually('the next upstream', () => held.length === 1);
  release();
  assert.equal((await next).status, 200);
  await gateway.stop();
});

test('an upstream has as many requests under way as it may', async () => {
  const gateway = await start({ api: { routes }, upstream: { concurrency: 1 } });
  const pending = request(gateway.port, '/held');
  await eventually('it upstream', () => held.length === 1);
  const refusal = await request(gateway.port, '/free');
  assertProblem(refusal, 503, 'overloaded');
  const entry = await gateway.entry((e) => e.status === 503);
  assert.deepEqual([entry.refusal.step, entry.refusal.rule], ['forward', 'upstreams.echo.concurrency']);
  release();
  assert.equal((await pending).status, 200);
  await gateway.stop();
});

// One request at a time, ten milliseconds each, whoever asks: more than a hundred a second queue up.
async function startNarrowUpstream() {
  let turn = Promise.resolve();
  return startUpstream((_incoming, response) => {
    turn = turn.then(() => new Promise((resolve) => {
      setTimeout(() => {
        response.end('ok');
        resolve();
      }, 10);
    }));
  });
}

test('an upstream that cannot keep up is asked for less, and what is critical is answered', async () => {
  const narrow = await startNarrowUpstream();
  const gateway = await start(
    {
      overload: { minimum: 2, initial: 8, maximum: 200 },
      api: {
        routes: [
          { path: '/low', methods: ['GET'], operation: 'low', priority: 'low' },
          { path: '/critical', methods: ['GET'], operation: 'critical', priority: 'critical' },
        ],
      },
    },
    narrow.target,
  );
  for (let i = 0; i < 40; i += 1) assert.equal((await request(gateway.port, '/critical')).status, 200);
  for (let i = 0; i < 20; i += 1) assert.equal((await request(gateway.port, '/low')).status, 200);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const until = performance.now() + 4000;
  const times = [];
  let shed = 0;
  const flood = async () => {
    while (performance.now() < until) {
      const began = performance.now();
      const answer = await request(gateway.port, '/low', { agent });
      if (answer.status === 200) {
        times.push(performance.now() - began);
      } else {
        assertProblem(answer, 503, 'overloaded');
        shed += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const important = async () => {
    let answered = 0;
    while (performance.now() < until) {
      assert.equal((await request(gateway.port, '/critical')).status, 200);
      answered += 1;
    }
    return answered;
  };
  const [answered] = await Promise.all([important(), ...Array.from({ length: 40 }, flood)]);
  agent.destroy();
  assert.ok(answered > 10, `${answered} critical requests`);
  assert.ok(shed > 50, `${shed} shed`);
  assert.ok(times.length > 100, `the upstream stood idle: ${times.length} answers`);
  times.sort((a, b) => a - b);
  // Forty at once would each wait 400 ms.
  assert.ok(times[Math.floor(times.length / 2)] < 250, `half took longer than ${times[Math.floor(times.length / 2)]} ms`);
  assert.ok((await metric(gateway.admin, kToken, 'portcullis_overload_shed_total', { priority: 'low' })) >= shed);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_overload_shed_total', { priority: 'critical' }), 0);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_overload_in_flight'), 0);
  assert.ok((await metric(gateway.admin, kToken, 'portcullis_overload_limit')) < 100);
  await gateway.stop();
  await narrow.stop();
});

test('at the ceiling of memory, idle connections end, new ones and new requests are refused', async () => {
  const apis = {
    routes: [
      { path: '/held', methods: ['GET'], operation: 'held' },
      { path: '/low', methods: ['GET'], operation: 'low', priority: 'low' },
      { path: '/critical', methods: ['GET'], operation: 'critical', priority: 'critical' },
    ],
  };
  const config = (ceiling) => openConfig(upstream.target, { admin, api: apis, ...(ceiling ? { memory: { ceiling: Math.round(ceiling) } } : {}) });
  const gateway = await Gateway.start(config(), { env });
  const strain = () => metric(gateway.admin, kToken, 'portcullis_memory_strain');
  const used = () => metric(gateway.admin, kToken, 'portcullis_memory_bytes', { of: 'process' });
  await eventually('a first look', async () => (await used()) > 0);
  assert.equal(await strain(), 0);
  // One connection stays busy, and has its next requests waiting; the other is idle.
  const busy = await RawClient.connect(gateway.port);
  busy.send('GET /held HTTP/1.1\r\nHost: a.test\r\n\r\nGET /low HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('it upstream', () => held.length === 1);
  const idle = await RawClient.connect(gateway.port);
  idle.send('GET /low HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await idle.response()).status, 200);

  await gateway.reload(config((await used()) / 2));
  await eventually('all strain', async () => (await strain()) === 5);
  await gateway.event('memory_strain');
  assert.notEqual(await idle.state(5000), 'open', 'what is idle ends');
  await assert.rejects(request(gateway.port, '/critical'), 'no connection is idle, so a new one is refused');
  assert.ok((await metric(gateway.admin, kToken, 'portcullis_connections_refused_total', { reason: 'memory' })) >= 1);
  release();
  assert.equal((await busy.response()).status, 200, 'what was under way is finished');
  const refusal = await busy.response();
  assertProblem(refusal, 503, 'overloaded');
  assert.equal(refusal.header('retry-after'), '1');
  assert.equal((await gateway.entry((e) => e.status === 503)).refusal.rule, 'memory.ceiling');
  busy.destroy();
  idle.destroy();

  await gateway.reload(config());
  await eventually('the end of it', async () => (await strain()) === 0);
  assert.equal((await request(gateway.port, '/low')).status, 200);
  await gateway.stop();
});

test('a body that drips is given up for its rate, though it never stalls', async () => {
  const gateway = await start({ listener: { limits: { minimum_body_rate: 1000, rate_grace: '300ms', body_timeout: '30s' } } });
  const client = await RawClient.connect(gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n');
  const drip = setInterval(() => client.send('x'), 50);
  const answer = await client.response();
  clearInterval(drip);
  assertProblem(answer, 408, 'request-timeout');
  assert.equal((await gateway.entry((e) => e.status === 408)).refusal.reason, 'body came more slowly than `minimum_body_rate`');
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_slow_clients_total', { direction: 'body' }), 1);
  client.destroy();
  // One that is fast enough, though in pieces, is whole.
  const steady = await RawClient.connect(gateway.port);
  steady.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2000\r\n\r\n');
  for (let i = 0; i < 10; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    steady.send('x'.repeat(200));
  }
  assert.equal((await steady.response()).status, 200);
  steady.destroy();
  await gateway.stop();
});

test('who takes an answer too slowly is cut off, though it never stalls', async () => {
  const big = await startUpstream((_incoming, response) => response.end(Buffer.alloc(32 * 1024 * 1024)));
  const gateway = await start({ listener: { limits: { minimum_send_rate: '1MiB', rate_grace: '500ms', body_timeout: '60s' } } }, big.target);
  const socket = net.connect({ port: gateway.port, host: '127.0.0.1', highWaterMark: 1024 });
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  socket.pause();
  const sip = setInterval(() => socket.read(1024), 50);
  const entry = await eventually('the end of it', () => gateway.access[0], { timeout: 15_000 });
  clearInterval(sip);
  assert.ok(entry.bytes_out < 32 * 1024 * 1024);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_slow_clients_total', { direction: 'send' }), 1);
  socket.destroy();
  assert.equal((await request(gateway.port, '/')).body.length, 32 * 1024 * 1024, 'others have all of it');
  await gateway.stop();
  await big.stop();
});
