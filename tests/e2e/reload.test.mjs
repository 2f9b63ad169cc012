// A reload drops nothing, decides each request by one configuration, frees the old one, and changes nothing
// when the new file is wrong.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import http from 'node:http';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { anyRoutes, openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient, roundTrip } from '../support/raw_client.mjs';
import { metric } from '../support/metrics.mjs';
import { deep, releaseBinary } from '../support/paths.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kReloads = deep ? 1000 : 50;
const kToken = 'the admin token of the reload tests';
const upstream = await startUpstream((_incoming, response) => response.end('ok'));
const other = await startUpstream((_incoming, response) => response.end('other'));
const authority = await makeAuthority();
const certificate = await authority.issue('reload', ['a.test', '127.0.0.1']);
after(async () => {
  await upstream.stop();
  await other.stop();
  await authority.remove();
});

const admin = { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' };
const config = (target = upstream.target, more = {}) => openConfig(target, { workers: 2, admin, ...more });
const start = (first = config(), options = {}) => Gateway.start(first, { env: { PORTCULLIS_TEST_TOKEN: kToken }, ...options });

/** Keeps `connections` clients busy until stop(); every answer that is not 200 or that fails is kept. */
function load(port, connections = 8, path = '/') {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const failures = [];
  let running = true;
  let count = 0;
  const loops = Array.from({ length: connections }, async () => {
    while (running) {
      try {
        const response = await request(port, path, { agent });
        if (response.status !== 200) failures.push(response.status);
      } catch (error) {
        failures.push(error.message);
      }
      count += 1;
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(loops);
      agent.destroy();
      return { failures, count };
    },
  };
}

const snapshots = (gateway) => metric(gateway.admin, kToken, 'portcullis_snapshots');

test(`${kReloads} reloads under load: no request fails, one snapshot is left, memory does not grow`, { timeout: 600_000 }, async () => {
  const gateway = await start(config(), { program: releaseBinary });
  const busy = load(gateway.port);
  let settled = 0;
  const revisions = [];
  for (let i = 0; i < kReloads; i += 1) {
    const outcome = await gateway.reload(config(upstream.target, { api: { timeout: `${10 + (i % 2)}s` } }));
    assert.equal(outcome.event, 'reloaded', JSON.stringify(outcome));
    revisions.push(outcome.revision);
    if (i === Math.floor(kReloads / 5)) settled = await gateway.memory();
  }
  const { failures, count } = await busy.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > kReloads);
  assert.equal(new Set(revisions).size, kReloads, 'each revision is its own');
  await eventually('one snapshot to be left', async () => (await snapshots(gateway)) === 1);
  const growth = (await gateway.memory()) - settled;
  assert.ok(growth < 4 * 1024 * 1024, `memory grew by ${growth} bytes over the last ${kReloads - Math.floor(kReloads / 5)} reloads`);
  await gateway.stop();
});

test('a new upstream takes over between two requests of one connection; the revision is in the log', async () => {
  const gateway = await start();
  const client = await RawClient.connect(gateway.port);
  const ask = async () => {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    return (await client.response()).text;
  };
  assert.equal(await ask(), 'ok');
  const outcome = await gateway.reload(config(other.target));
  assert.equal(outcome.event, 'reloaded');
  assert.equal(await ask(), 'other');
  await eventually('both entries', () => gateway.access.length >= 2);
  const [first, second] = gateway.access;
  assert.notEqual(first.revision, second.revision);
  assert.equal(second.revision, outcome.revision);
  client.destroy();
  await gateway.stop();
});

for (const [name, change, complaint] of [
  ['not YAML', () => 'version: 1\nlisteners: [\n', /./],
  ['an unknown key', () => ({ ...config(), nonsense: 1 }), /nonsense/],
  ['a duplicate key', () => 'version: 1\nversion: 1\n', /version/],
  ['an API without an upstream', () => config(undefined, { upstreams: { unused: { targets: ['127.0.0.1:1'] } } }), /echo/],
  ['a feature that is not built yet', () => config(undefined, { firewall: { rules: '/x', paranoia: 1, mode: 'block' } }), /not built/],
  ['a certificate that is not there', () => config(undefined, { listener: { tls: { certificates: [{ cert: 'no.pem', key: 'no.key' }] } } }), /no\.pem/],
  ['a secret that is not there', () => config(undefined, { admin: { ...admin, token: '${env:PORTCULLIS_NO_SUCH_VARIABLE}' } }), /PORTCULLIS_NO_SUCH_VARIABLE/],
  ['nothing', () => '', /./],
]) {
  test(`a wrong file (${name}) changes nothing and says why, with its place`, async () => {
    const gateway = await start();
    const busy = load(gateway.port, 2);
    const before = (await gateway.entry((e) => e.status === 200)).revision;
    const outcome = await gateway.reload(change());
    assert.equal(outcome.event, 'reload_refused', JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome.errors), complaint);
    assert.match(JSON.stringify(outcome.errors), /portcullis\.yaml/);
    assert.deepEqual((await busy.stop()).failures, []);
    const from = gateway.access.length;
    assert.equal((await request(gateway.port, '/')).text, 'ok');
    const entry = await eventually('the entry', () => gateway.access[from] && gateway.access.at(-1));
    assert.equal(entry.revision, before);
    assert.equal((await gateway.reload(config(other.target))).event, 'reloaded', 'a right one is taken again');
    assert.equal((await request(gateway.port, '/')).text, 'other');
    await gateway.stop();
  });
}

test('a request in flight ends on the configuration that it began with', async () => {
  let release;
  const slow = await startUpstream((_incoming, response) => {
    response.write('first ');
    release = () => response.end('last');
  });
  const gateway = await start(config(slow.target));
  const client = await RawClient.connect(gateway.port);
  client.send('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await eventually('the request upstream', () => release);
  const began = (await gateway.reload(config(other.target))).revision;
  assert.equal(await snapshots(gateway), 2, 'the old one lives while a request is on it');
  release();
  assert.equal((await client.response()).text, 'first last');
  const entry = await gateway.entry((e) => e.path === '/slow');
  assert.notEqual(entry.revision, began);
  await eventually('the old snapshot to be freed', async () => (await snapshots(gateway)) === 1);
  client.destroy();
  await gateway.stop();
  await slow.stop();
});

test('idle connections outlive a reload', async () => {
  const gateway = await start();
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(gateway.port)));
  for (const client of clients.slice(0, 10)) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assert.equal((await client.response()).text, 'ok');
  }
  assert.equal((await gateway.reload(config(other.target))).event, 'reloaded');
  for (const client of clients) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assert.equal((await client.response()).text, 'other');
    client.destroy();
  }
  await gateway.stop();
});

test('what came in at a listener that is gone is decided by the configuration that had it, and then ended', async () => {
  const api = (listener, base_path) => ({ listeners: [listener], base_path, upstream: 'echo', authenticate: 'none', routes: anyRoutes });
  const inside = { listeners: { inside: { address: '127.0.0.1:0' } }, apis: { inner: api('inside', '/inner') } };
  const both = {
    listeners: { outside: { address: '127.0.0.1:0' }, ...inside.listeners },
    apis: { outer: api('outside', '/outer'), ...inside.apis },
  };
  const gateway = await start(config(undefined, both));
  const [idle, fresh, begun] = await Promise.all([0, 1, 2].map(() => RawClient.connect(gateway.listeners.outside)));
  const rest = 'Host: a.test\r\n\r\n';
  idle.send(`GET /outer/x HTTP/1.1\r\n${rest}`);
  assert.equal((await idle.response()).status, 200);
  begun.send('GET /inner/x HTTP/1.1\r\n');
  assert.equal((await gateway.reload(config(undefined, inside))).event, 'reloaded');
  assert.equal(await idle.state(5000), 'closed', 'it waited for nothing that could still come');
  fresh.send(`GET /inner/x HTTP/1.1\r\n${rest}`);
  begun.send(rest);
  for (const client of [fresh, begun]) {
    const response = await client.response();
    assert.equal(response.status, 404, 'the listener inside would answer');
    assert.equal(response.header('connection'), 'close');
    assert.equal(await client.state(5000), 'closed');
    client.destroy();
  }
  await eventually('the old snapshot to be freed', async () => (await snapshots(gateway)) === 1);
  idle.destroy();
  await gateway.stop();
});

test('a connection on which nothing ever came does not hold the configuration of a listener that is gone', async () => {
  const both = { listeners: { outside: { address: '127.0.0.1:0' }, public: { address: '127.0.0.1:0' } } };
  const gateway = await start(config(undefined, { ...both, apis: { echo: { listeners: ['outside', 'public'], upstream: 'echo', authenticate: 'none', routes: anyRoutes } } }));
  const [silent, more, kept] = await Promise.all([
    RawClient.connect(gateway.listeners.outside),
    RawClient.connect(gateway.listeners.outside),
    RawClient.connect(gateway.listeners.public),
  ]);
  await eventually('all to be accepted', async () => (await metric(gateway.admin, kToken, 'portcullis_connections', { listener: 'outside' })) === 2);
  assert.equal((await gateway.reload(config())).event, 'reloaded');
  for (const client of [silent, more]) assert.equal(await client.state(5000), 'closed');
  await eventually('the old snapshot to be freed', async () => (await snapshots(gateway)) === 1);
  kept.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await kept.response()).text, 'ok', 'that of a listener that stays is not ended');
  for (const client of [silent, more, kept]) client.destroy();
  await gateway.stop();
});

// How connections are made before and after: what is TLS now must not be served in clear text any more.
for (const [name, before, now] of [
  ['TLS', {}, { tls: { certificates: [certificate] } }],
  ['PROXY headers', {}, { proxy_protocol: true }],
  ['no PROXY headers', { proxy_protocol: true }, {}],
]) {
  test(`from the reload on that turns a listener to ${name}, connections from before are not served`, async () => {
    let release;
    const slow = await startUpstream((incoming, response) => {
      if (incoming.url === '/slow') release = () => response.end('slow');
      else response.end('ok');
    });
    const at = (listener) => config(slow.target, { listener, trusted_proxies: ['127.0.0.0/8'] });
    const gateway = await start(at(before));
    const clients = await Promise.all([0, 1, 2, 3, 4].map(() => RawClient.connect(gateway.port)));
    const [idle, , late, begun, busy] = clients;
    const proxied = before.proxy_protocol ? 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n' : '';
    const rest = 'Host: a.test\r\n\r\n';
    if (proxied) for (const client of clients) client.send(proxied);
    idle.send(`GET / HTTP/1.1\r\n${rest}`);
    assert.equal((await idle.response()).text, 'ok');
    begun.send('GET /begun HTTP/1.1\r\n');
    busy.send(`GET /slow HTTP/1.1\r\n${rest}GET /behind HTTP/1.1\r\n${rest}`);
    await eventually('the request upstream', () => release);
    await eventually('all to be accepted', async () => (await metric(gateway.admin, kToken, 'portcullis_connections', { listener: 'public' })) === clients.length);
    assert.equal((await gateway.reload(at(now))).event, 'reloaded');
    late.send(`GET /late HTTP/1.1\r\n${rest}`);
    begun.send(rest);
    release();
    const answer = await busy.response();
    assert.equal(answer.text, 'slow', 'the request in hand is answered');
    assert.equal(answer.header('connection'), 'close');
    for (const client of clients) assert.match(await client.state(5000), /closed|reset/);
    assert.deepEqual(slow.requests.map((each) => each.url), ['/', '/slow'], 'and no other');
    const options = now.tls ? { ca: authority.ca, servername: 'a.test' } : undefined;
    if (!now.proxy_protocol) assert.equal((await request(gateway.port, '/', { tls: options, headers: { host: 'a.test' } })).text, 'ok');
    else assert.equal((await roundTrip(gateway.port, `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n${rest}`)).text, 'ok');
    await eventually('the old snapshot to be freed', async () => (await snapshots(gateway)) === 1);
    for (const client of clients) client.destroy();
    await gateway.stop();
    await slow.stop();
  });
}

test('signals that come faster than reloads lose nothing', async () => {
  const gateway = await start();
  const busy = load(gateway.port, 4);
  await gateway.configure(config(other.target));
  for (let i = 0; i < 200; i += 1) gateway.signal('SIGHUP');
  await eventually('the new configuration', async () => (await request(gateway.port, '/')).text === 'other');
  assert.deepEqual((await busy.stop()).failures, []);
  await gateway.stop();
});
