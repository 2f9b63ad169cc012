// Targets by name: addresses that change, resolvers that are slow or gone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { startDns } from '../support/dns.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startHttp2Upstream } from '../support/http2_upstream.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kName = 'shop.internal.test';
const first = await startUpstream((_request, response) => response.end('first'), { host: '127.0.0.11' });
const second = await startUpstream((_request, response) => response.end('second'), { host: '127.0.0.12', port: first.port });
after(async () => {
  await first.stop();
  await second.stop();
});

async function start(record, { port = first.port, upstream = {}, ...more } = {}) {
  const dns = await startDns({ [kName]: { addresses: ['127.0.0.11'], ttl: 0, ...record } });
  const gateway = await Gateway.start(
    openConfig(`${kName}:${port}`, { resolver: dns.address, upstream: { allow_addresses: ['127.0.0.0/8'], ...upstream }, ...more }),
  );
  return {
    dns,
    gateway,
    ask: async () => (await request(gateway.port, '/')).text,
    stop: async () => {
      await gateway.stop();
      await dns.stop();
    },
  };
}

test('a name that moves is followed within its TTL; connections to where it was are not used any more', async () => {
  const { dns, ask, stop } = await start({ ttl: 1 });
  assert.equal(await ask(), 'first');
  dns.records[kName].addresses = ['127.0.0.12'];
  await eventually('the other server', async () => (await ask()) === 'second', { timeout: 4_000, every: 100 });
  for (let i = 0; i < 5; i += 1) assert.equal(await ask(), 'second');
  await eventually('no idle connection to where it was', () => first.sockets.size === 0);
  await stop();
});

test('so it is over HTTP/2, whose connections have no need to be made anew', async () => {
  const answer = (text) => (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(text);
  };
  const before = await startHttp2Upstream(answer('first'), { host: '127.0.0.13' });
  const behind = await startHttp2Upstream(answer('second'), { host: '127.0.0.14', port: before.port });
  const { dns, ask, stop } = await start({ addresses: ['127.0.0.13'], ttl: 1 }, { port: before.port, upstream: { protocol: 'h2' } });
  assert.equal(await ask(), 'first');
  dns.records[kName].addresses = ['127.0.0.14'];
  await eventually('the other server', async () => (await ask()) === 'second', { timeout: 4_000, every: 100 });
  for (let i = 0; i < 5; i += 1) assert.equal(await ask(), 'second');
  await eventually('no connection to where it was', () => before.sessions.size === 0);
  await stop();
  await before.stop();
  await behind.stop();
});

test('a long TTL is respected, and many requests ask once', async () => {
  const { dns, ask, stop } = await start({ ttl: 3600 });
  await Promise.all(Array.from({ length: 20 }, () => ask()));
  for (let i = 0; i < 20; i += 1) await ask();
  assert.equal(dns.count(kName), 1);
  await stop();
});

for (const [name, fail] of [
  ['says that the name does not exist', (dns) => delete dns.records[kName]],
  ['fails', (dns) => (dns.records[kName].rcode = 2)],
  ['has no addresses', (dns) => (dns.records[kName].addresses = [])],
  ['says nothing', (dns) => (dns.silent = true)],
]) {
  test(`the last good answer stands when the resolver ${name}; no request waits for it`, async () => {
    const { dns, ask, stop } = await start({}, { upstream: { connections: { idle_timeout: '10ms' } } });
    assert.equal(await ask(), 'first');
    fail(dns);
    const asked = dns.count(kName);
    await eventually('the name to be asked for again', async () => {
      assert.equal(await ask(), 'first');
      return dns.count(kName) > asked;
    }, { timeout: 20_000, every: 100 });
    for (let i = 0; i < 5; i += 1) {
      const begin = performance.now();
      assert.equal(await ask(), 'first');
      assert.ok(performance.now() - begin < 1000, 'a request waited for the resolver');
    }
    await stop();
  });
}

test('a resolver that comes back is asked again', async () => {
  const { dns, ask, stop } = await start({ rcode: 2, addresses: [] });
  assert.notEqual(await ask(), 'first');
  dns.records[kName] = { addresses: ['127.0.0.11'], ttl: 60 };
  await eventually('an answer', async () => (await ask()) === 'first');
  await stop();
});

test('a reload takes another resolver', async () => {
  const { dns, gateway, ask, stop } = await start({ ttl: 3600 });
  assert.equal(await ask(), 'first');
  const other = await startDns({ [kName]: { addresses: ['127.0.0.12'], ttl: 3600 } });
  await gateway.reload(openConfig(`${kName}:${first.port}`, { resolver: [other.address], upstream: { allow_addresses: ['127.0.0.0/8'] } }));
  await eventually('the other server', async () => (await ask()) === 'second', { timeout: 20_000, every: 100 });
  assert.equal(dns.count(kName), 1);
  await stop();
  await other.stop();
});
