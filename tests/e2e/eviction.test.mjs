// When all places are taken: who has been idle longest goes, who is being served stays.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig, toYaml } from '../support/config.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { releaseBinary } from '../support/paths.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { delay, eventually } from '../support/wait.mjs';

const kToken = 'metrics-token';
const kGet = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const kPatience = 1100; // a first request has a second before its connection may be taken

const held = [];
const upstream = await startUpstream((incoming, response) => (incoming.url === '/held' ? held.push(response) : response.end('ok')));
const authority = await makeAuthority();
const { cert, key } = await authority.issue('server', ['localhost', '127.0.0.1']);
after(async () => {
  await upstream.stop();
  await authority.remove();
});

async function start(limits, { listener = {}, options = {}, connections } = {}) {
  const config = openConfig(upstream.target, { listener: { limits, ...listener }, admin: { address: '127.0.0.1:0', token: '${env:TOKEN}' } });
  if (connections) config.connections = connections;
  return Gateway.start(config, { env: { TOKEN: kToken }, ...options });
}

async function ask(client) {
  client.send(kGet);
  return (await client.response()).status;
}

const evicted = (gateway, phase) => metric(gateway.admin, kToken, 'portcullis_connections_evicted_total', { phase });
const refused = (gateway, reason) => metric(gateway.admin, kToken, 'portcullis_connections_refused_total', { reason });

test('a new connection takes the place of the one that has been idle longest', async () => {
  const gateway = await start({ connections: 3 });
  const clients = [];
  for (let i = 0; i < 3; i += 1) {
    clients.push(await RawClient.connect(gateway.port));
    assert.equal(await ask(clients[i]), 200);
  }
  assert.equal(await ask(clients[0]), 200); // now the second has been idle longest
  const fourth = await RawClient.connect(gateway.port);
  assert.equal(await ask(fourth), 200);
  assert.equal(await clients[1].state(3000), 'closed', 'in order, and not by a reset');
  for (const client of [clients[0], clients[2], fourth]) assert.equal(await ask(client), 200);
  assert.equal(await evicted(gateway, 'idle'), 1);
  assert.equal(await refused(gateway, 'connections'), 0);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_connections', { listener: 'public' }), 3);
  for (const client of [...clients, fourth]) client.destroy();
  await gateway.stop();
});

test('while a request is under way on each, a new connection is refused', async () => {
  const gateway = await start({ connections: 2 });
  const pending = [request(gateway.port, '/held'), request(gateway.port, '/held')];
  await eventually('both upstream', () => held.length === 2);
  await assert.rejects(request(gateway.port, '/'));
  await eventually('the refusal to be counted', async () => (await refused(gateway, 'connections')) === 1);
  for (const response of held.splice(0)) response.end('done');
  for (const answer of pending) assert.equal((await answer).text, 'done');
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
});

test('all listeners together have a bound, and the idlest of any of them makes room', async () => {
  const config = openConfig(upstream.target, { connections: { maximum: 3 }, admin: { address: '127.0.0.1:0', token: '${env:TOKEN}' } });
  config.listeners.other = { address: '127.0.0.1:0' };
  config.apis.echo.listeners = ['public', 'other'];
  const gateway = await Gateway.start(config, { env: { TOKEN: kToken } });
  const other = gateway.events.find((e) => e.event === 'listening' && e.listener === 'other').address.split(':')[1];
  const ports = [other, gateway.port, gateway.port];
  const clients = [];
  for (const port of ports) {
    clients.push(await RawClient.connect(port));
    assert.equal(await ask(clients.at(-1)), 200);
  }
  const fourth = await RawClient.connect(gateway.port);
  assert.equal(await ask(fourth), 200);
  assert.equal(await clients[0].state(3000), 'closed', 'that of the other listener had been idle longest');
  for (const client of [clients[1], clients[2], fourth]) assert.equal(await ask(client), 200);
  assert.equal(await evicted(gateway, 'idle'), 1);
  for (const client of clients) client.destroy();
  fourth.destroy();
  // Each place was given back once.
  await eventually('all to be gone', async () => (await metric(gateway.admin, kToken, 'portcullis_connections')) === 0);
  const pending = Array.from({ length: 3 }, (_, i) => request(ports[i], '/held'));
  await eventually('all of them upstream', () => held.length === 3);
  await assert.rejects(request(gateway.port, '/'));
  assert.equal(await refused(gateway, 'process'), 1);
  // A reload raises it.
  config.connections.maximum = 4;
  await gateway.reload(config);
  assert.equal((await request(gateway.port, '/')).status, 200);
  for (const response of held.splice(0)) response.end('done');
  for (const answer of pending) assert.equal((await answer).text, 'done');
  await gateway.stop();
});

test('what has never sent a request goes before what has', async () => {
  const gateway = await start({ connections: 2 });
  const kept = await RawClient.connect(gateway.port);
  assert.equal(await ask(kept), 200);
  const silent = await RawClient.connect(gateway.port);
  await delay(kPatience);
  const fresh = await RawClient.connect(gateway.port);
  assert.equal(await ask(fresh), 200);
  assert.notEqual(await silent.state(3000), 'open');
  assert.equal(await ask(kept), 200);
  assert.equal(await evicted(gateway, 'fresh'), 1);
  for (const client of [kept, silent, fresh]) client.destroy();
  await gateway.stop();
});

test('a head that does not end makes room for others', async () => {
  const gateway = await start({ connections: 2 });
  const slow = [await RawClient.connect(gateway.port), await RawClient.connect(gateway.port)];
  for (const client of slow) await client.send('GET / HTTP/1.1\r\nX: ');
  await delay(kPatience);
  const fresh = await RawClient.connect(gateway.port);
  assert.equal(await ask(fresh), 200);
  assert.notEqual(await slow[0].state(3000), 'open');
  assert.equal(await slow[1].state(0), 'open');
  assert.equal(await evicted(gateway, 'head'), 1);
  for (const client of [...slow, fresh]) client.destroy();
  await gateway.stop();
});

test('a handshake that does not go on makes room for others', async () => {
  const gateway = await start({ connections: 2 }, { listener: { tls: { certificates: [{ cert, key }] } } });
  const half = [await RawClient.connect(gateway.port), await RawClient.connect(gateway.port)];
  await half[0].send(Buffer.from('160301', 'hex')); // the beginning of a record
  await delay(kPatience);
  const tlsOptions = { ca: authority.ca, servername: 'localhost' };
  const fresh = await RawClient.connect(gateway.port, { tlsOptions });
  assert.equal(await ask(fresh), 200);
  assert.notEqual(await half[0].state(3000), 'open');
  assert.equal(await evicted(gateway, 'fresh'), 1);
  for (const client of [...half, fresh]) client.destroy();
  await gateway.stop();
});

test('out of descriptors, it waits, makes room, and serves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-descriptors-'));
  const program = join(folder, 'few-descriptors');
  // UBSan itself needs descriptors, and takes their want for an error of the program.
  await writeFile(program, `#!/bin/sh\nulimit -n 64\nexec "${releaseBinary}" "$@"\n`);
  await chmod(program, 0o755);
  const gateway = await start({ connections_per_address: 1000 }, { options: { program }, connections: { maximum: 1000 } });
  const idle = [];
  for (let i = 0; i < 80; i += 1) {
    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    idle.push(socket);
  }
  const paused = () => gateway.events.some((e) => e.event === 'accept_paused');
  await eventually('the pause', paused, { timeout: 10_000 });
  await eventually('a request to be served', () => request(gateway.port, '/').then((r) => r.status === 200, () => false), { timeout: 10_000 });
  for (const socket of idle) socket.destroy();
  await eventually('the metrics', async () => (await metric(gateway.admin, kToken, 'portcullis_accept_pauses_total').catch(() => 0)) > 0);
  assert.ok((await evicted(gateway, 'fresh')) > 0);
  await gateway.stop();

  const config = join(folder, 'portcullis.yaml');
  await writeFile(config, toYaml(openConfig(upstream.target, { listener: { limits: { connections: 5000 } } })));
  const { code, stderr } = await run(['check', '-c', config], { program });
  assert.equal(code, 0);
  assert.match(stderr, /portcullis\.yaml:\d+:\d+: warning: listeners\.public\.limits\.connections: there may be 5000 connections, and this process may open 64 files: raise the hard limit/);
  await rm(folder, { recursive: true });
});
