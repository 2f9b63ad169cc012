// Whoever answers for a name must not be able to point the gateway at itself, or at what tells a machine its secrets.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { startDns } from '../support/dns.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kName = 'api.rebind.test';
// The same port at two addresses of this machine: the one that is meant, and the one that is attacked.
const victim = await startUpstream((_request, response) => response.end('secrets'), { host: '127.0.0.1' });
const meant = await startUpstream((_request, response) => response.end('meant'), { host: '127.0.0.3', port: victim.port });
after(async () => {
  await victim.stop();
  await meant.stop();
});

async function start(addresses, upstream = {}) {
  const dns = await startDns({ [kName]: { addresses, ttl: 0 } });
  const gateway = await Gateway.start(openConfig(`${kName}:${victim.port}`, { resolver: dns.address, upstream, api: { timeout: '3s' } }));
  return {
    dns,
    gateway,
    ask: () => request(gateway.port, '/'),
    stop: async () => {
      await gateway.stop();
      await dns.stop();
    },
  };
}

for (const [address, what] of [
  ['127.0.0.1', 'loopback'],
  ['127.9.9.9', 'loopback'],
  ['::1', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['169.254.169.254', 'link-local'],
  ['fd00:ec2::254', 'cloud metadata'],
  ['100.100.100.200', 'cloud metadata'],
  ['fe80::1', 'link-local'],
  ['::ffff:7f00:1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b:1::7f00:1', 'loopback'],
  ['64:ff9b:1::a9fe:a9fe', 'link-local'],
  ['64:ff9b:1:a9fe:a9:fe00::', 'link-local'],
  ['2002:7f00:1::1', 'loopback'],
  ['2002:a9fe:a9fe::1', 'link-local'],
  ['2001:0:c000:201::80ff:fffe', 'loopback'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
]) {
  test(`a name that leads to ${address} leads nowhere (CWE-350, CWE-918: SSRF by DNS)`, async () => {
    const before = victim.requests.length;
    const { gateway, ask, stop } = await start([address]);
    assertProblem(await ask(), 502, 'upstream-unreachable');
    const event = await gateway.event('target_address_refused');
    assert.ok(event.reason.includes(what), event.reason);
    assert.match(event.reason, /allow_addresses/);
    assert.equal(victim.requests.length, before);
    await stop();
  });
}

test('a name that changes to loopback keeps its last good address (CWE-350: DNS rebinding)', async () => {
  const { dns, gateway, ask, stop } = await start(['127.0.0.3'], { allow_addresses: ['127.0.0.3'], connections: { idle_timeout: '10ms' } });
  assert.equal((await ask()).text, 'meant');
  dns.records[kName].addresses = ['127.0.0.1'];
  const asked = dns.count(kName);
  await eventually('the name to be asked for again', async () => {
    assert.equal((await ask()).text, 'meant');
    return dns.count(kName) > asked + 1;
  }, { timeout: 20_000, every: 100 });
  for (let i = 0; i < 5; i += 1) assert.equal((await ask()).text, 'meant');
  assert.ok(await gateway.event('target_address_refused'));
  await stop();
});

test('of an answer with good and bad addresses the good are used (CWE-350: mixed answers)', async () => {
  const { ask, stop } = await start(['127.0.0.1', '127.0.0.3', '169.254.169.254'], { allow_addresses: ['127.0.0.3'] });
  for (let i = 0; i < 6; i += 1) assert.equal((await ask()).text, 'meant');
  await stop();
});

test('a list of everything does not mean loopback (CWE-918)', async () => {
  const { ask, stop } = await start(['127.0.0.1'], { allow_addresses: ['0.0.0.0/0', '::/0'] });
  assertProblem(await ask(), 502, 'upstream-unreachable');
  await stop();
});

test('`allow_addresses` pins what a name may be (CWE-350)', async () => {
  const { gateway, ask, stop } = await start(['10.9.9.9'], { allow_addresses: ['10.0.0.0/16'] });
  assertProblem(await ask(), 502, 'upstream-unreachable');
  assert.match((await gateway.event('target_address_refused')).reason, /10\.9\.9\.9.*outside of `allow_addresses`/);
  await stop();
});

test('a resolver that says nothing costs a request no more than connect_timeout (CWE-400)', async () => {
  const { dns, ask, stop } = await start(['127.0.0.3'], { allow_addresses: ['127.0.0.3'], connections: { connect_timeout: '300ms' } });
  dns.silent = true;
  const begin = performance.now();
  assert.ok([502, 504].includes((await ask()).status));
  assert.ok(performance.now() - begin < 2500);
  await stop();
});
