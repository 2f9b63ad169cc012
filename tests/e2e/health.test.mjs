// Targets that are not well: found by probes, or by what requests meet with.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { readHeader } from '../support/proxy_protocol.mjs';
import { freePort, startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'the admin token of the health tests';
const kHealth = { path: '/healthz', every: '100ms', unhealthy_after: 2, healthy_after: 2 };

/** A server with a switch: `status` is what it answers to probes. */
async function startServer(name, options) {
  const server = await startUpstream(
    (incoming, response) => {
      if (incoming.url === '/healthz') response.statusCode = server.status;
      else if (server.broken) response.statusCode = server.broken;
      if (server.reset) return incoming.socket.resetAndDestroy();
      return response.end(name);
    },
    options,
  );
  server.status = 200;
  server.probes = () => server.requests.filter((r) => r.url === '/healthz').length;
  return server;
}

const start = (targets, { upstream, ...more } = {}) =>
  Gateway.start(openConfig(targets, { upstream, admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' }, ...more }), {
    env: { PORTCULLIS_TEST_TOKEN: kToken },
  });

const healthy = (gateway, target) => metric(gateway.admin, kToken, 'portcullis_upstream_healthy', { upstream: 'echo', ...(target && { target }) });
const ejections = (gateway, target) => metric(gateway.admin, kToken, 'portcullis_upstream_ejections_total', { upstream: 'echo', target });

/** Which servers answered `count` requests. */
async function answers(gateway, count = 8) {
  const names = new Set();
  for (let i = 0; i < count; i += 1) {
    const response = await request(gateway.port, '/');
    names.add(response.status === 200 ? response.text : response.status);
  }
  return [...names].sort();
}

test('a target whose probes fail gets no requests until they are answered again', async () => {
  const [a, b] = [await startServer('a'), await startServer('b')];
  const gateway = await start([a.target, b.target], { upstream: { health: kHealth } });
  assert.deepEqual(await answers(gateway), ['a', 'b'], 'well until something else is known');
  a.status = 500;
  const down = await gateway.event('target_unhealthy');
  assert.equal(down.upstream, 'echo');
  assert.equal(down.target, a.target);
  assert.equal(down.reason, 'answered with status 500');
  assert.deepEqual(await answers(gateway), ['b']);
  assert.equal(await healthy(gateway, a.target), 0);
  assert.equal(await healthy(gateway, b.target), 1);
  assert.equal((await request(gateway.admin, '/readyz')).status, 200, 'the gateway itself is ready');
  a.status = 204;
  await gateway.event('target_healthy');
  assert.deepEqual(await answers(gateway), ['a', 'b']);
  assert.equal(await healthy(gateway, a.target), 1);
  const probe = a.requests.find((r) => r.url === '/healthz');
  assert.equal(probe.method, 'GET');
  assert.deepEqual(Object.fromEntries(probe.fields), { host: a.target, 'user-agent': 'portcullis-probe', connection: 'close' });
  await gateway.stop();
  await a.stop();
  await b.stop();
});

test('probes do not multiply by workers, and a reload that changes nothing of them does not begin anew', async () => {
  const a = await startServer('a');
  const gateway = await start(a.target, { workers: 4, upstream: { health: { ...kHealth, every: '300ms' } } });
  await eventually('three probes', () => a.probes() >= 3);
  const [begin, before] = [performance.now(), a.probes()];
  for (let i = 0; i < 3; i += 1) await gateway.reload();
  await eventually('three more probes', () => a.probes() >= before + 3);
  assert.ok(performance.now() - begin >= 550, 'as often as `every` says, whatever the number of workers and reloads');
  await gateway.stop();
  await a.stop();
});

test('when all targets are unhealthy they are tried all the same', async () => {
  const a = await startServer('a');
  a.status = 503;
  const gateway = await start(a.target, { upstream: { health: kHealth } });
  await gateway.event('target_unhealthy');
  assert.deepEqual(await answers(gateway), ['a']);
  await gateway.stop();
  await a.stop();
});

test('a server that is away is found before a request meets it; `status` names another good answer', async () => {
  const [a, gone] = [await startServer('a'), `127.0.0.1:${await freePort()}`];
  a.status = 401;
  const gateway = await start([a.target, gone], { upstream: { health: { ...kHealth, status: 401 } } });
  const event = await gateway.event('target_unhealthy');
  assert.equal(event.target, gone);
  assert.match(event.reason, /refused/);
  assert.equal(await healthy(gateway, a.target), 1);
  await gateway.stop();
  await a.stop();
});

test('probes that are configured no more leave the target as it was: well', async () => {
  const [a, b] = [await startServer('a'), await startServer('b')];
  a.status = 500;
  const config = (upstream) => openConfig([a.target, b.target], { upstream, admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' } });
  const gateway = await Gateway.start(config({ health: kHealth }), { env: { PORTCULLIS_TEST_TOKEN: kToken } });
  await gateway.event('target_unhealthy');
  await gateway.reload(config({}));
  assert.deepEqual(await answers(gateway), ['a', 'b']);
  const probes = a.probes();
  await gateway.reload(config({ health: kHealth }));
  await eventually('probes again', () => a.probes() > probes);
  await gateway.stop();
  await a.stop();
  await b.stop();
});

test('targets that a reload removes are not in the metrics any more', async () => {
  const [a, b] = [await startServer('a'), await startServer('b')];
  const config = (targets) => openConfig(targets, { admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' } });
  const gateway = await Gateway.start(config([a.target, b.target]), { env: { PORTCULLIS_TEST_TOKEN: kToken } });
  assert.equal(await healthy(gateway), 2);
  await gateway.reload(config([b.target]));
  assert.equal(await healthy(gateway), 1);
  assert.equal(await healthy(gateway, b.target), 1);
  await gateway.stop();
  await a.stop();
  await b.stop();
});

for (const [name, fault] of [
  ['503', (server) => (server.broken = 503)],
  ['resets', (server) => (server.reset = true)],
]) {
  test(`\`eject\`: a target that answers with ${name} is left alone, and comes back`, async () => {
    const [a, b] = [await startServer('a'), await startServer('b')];
    const gateway = await start([a.target, b.target], { upstream: { eject: { consecutive_errors: 3, for: '1s' } }, api: { retries: 0 } });
    assert.deepEqual(await answers(gateway), ['a', 'b']);
    fault(a);
    await eventually('the ejection', async () => {
      await request(gateway.port, '/');
      return (await ejections(gateway, a.target)) === 1;
    });
    const event = await gateway.event('target_ejected');
    assert.equal(event.target, a.target);
    assert.ok(event.reason.length > 0);
    assert.equal(await healthy(gateway, a.target), 0);
    assert.deepEqual(await answers(gateway), ['b']);
    Object.assign(a, { broken: undefined, reset: undefined });
    await eventually('its return', async () => (await healthy(gateway, a.target)) === 1);
    assert.deepEqual(await answers(gateway), ['a', 'b']);
    await gateway.stop();
    await a.stop();
    await b.stop();
  });
}

test('`eject`: other answers, and what clients do, eject nobody', async () => {
  const a = await startServer('a');
  a.broken = 500;
  const gateway = await start(a.target, { upstream: { eject: { consecutive_errors: 1, for: '1m' } } });
  assert.deepEqual(await answers(gateway), [500]);
  a.broken = 404;
  assert.deepEqual(await answers(gateway), [404]);
  assert.equal(await ejections(gateway, a.target), 0);
  a.broken = 504;
  assert.deepEqual(await answers(gateway, 4), [504], 'all are out: the one that there is has its turn');
  assert.equal(await ejections(gateway, a.target), 1);
  await gateway.stop();
  await a.stop();
});

test('a target that leaves the configuration closes its idle connections at once; requests in flight end', async () => {
  let release;
  const slow = await startUpstream((incoming, response) => {
    if (incoming.url === '/slow') release = () => response.end('slow');
    else response.end('fast');
  });
  const other = await startServer('other');
  const gateway = await Gateway.start(openConfig(slow.target, { upstream: { connections: { idle_timeout: '1h' } } }));
  const waiting = request(gateway.port, '/slow');
  await eventually('the slow request', () => release);
  assert.equal((await request(gateway.port, '/fast')).text, 'fast');
  assert.equal(slow.sockets.size, 2);
  await gateway.reload(openConfig(other.target));
  await eventually('the idle one to be closed', () => slow.sockets.size === 1);
  assert.equal((await request(gateway.port, '/')).text, 'other');
  release();
  assert.equal((await waiting).text, 'slow');
  await eventually('the other one to be closed', () => slow.sockets.size === 0);
  await gateway.stop();
  await slow.stop();
  await other.stop();
});

test('a target that stays keeps its connections through a reload', async () => {
  const [a, b] = [await startServer('a'), await startServer('b')];
  const gateway = await Gateway.start(openConfig(a.target));
  await request(gateway.port, '/');
  await gateway.reload(openConfig([a.target, b.target], { upstream: { balance: 'least_requests', connections: { maximum: 10 } } }));
  assert.deepEqual(await answers(gateway), ['a', 'b']);
  assert.equal(a.connections, 1);
  await gateway.stop();
  await a.stop();
  await b.stop();
});

test('a socket in the file system: requests, probes, logs and metrics', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-test-'));
  const path = join(folder, 'files.sock');
  const server = await startServer('socket', { port: path, host: undefined });
  const target = `unix:${path}`;
  const gateway = await start(target, { upstream: { health: kHealth } });
  await eventually('a probe', () => server.probes() > 0);
  assert.equal(server.requests[0].fields.find(([name]) => name.toLowerCase() === 'host')[1], 'localhost');
  for (let i = 0; i < 3; i += 1) {
    const response = await request(gateway.port, '/x', { headers: { host: 'shop.example.com' } });
    assert.equal(response.text, 'socket');
    assert.equal((await gateway.entry(response.header('x-request-id'))).upstream, target);
  }
  const seen = server.requests.filter((r) => r.url === '/x');
  assert.equal(seen[0].fields.find(([name]) => name.toLowerCase() === 'host')[1], 'shop.example.com');
  assert.equal(await healthy(gateway, target), 1);
  await server.stop();
  await gateway.event('target_unhealthy');
  assertProblem(await request(gateway.port, '/x'), 502, 'upstream-unreachable');
  await gateway.stop();
  await rm(folder, { recursive: true });
});

test('a probe to a target that expects a PROXY header is nobody\'s connection', async () => {
  const headers = [];
  const server = (await import('node:net')).createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      headers.push(readHeader(bytes));
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${server.address().port}`;
  const gateway = await start(target, { upstream: { health: kHealth, proxy_protocol: 'v2' } });
  await eventually('a probe', () => headers.length > 1);
  assert.equal(headers[0].version, 2);
  assert.equal(headers[0].source, undefined);
  assert.equal(await healthy(gateway, target), 1);
  await gateway.stop();
  server.close();
});
