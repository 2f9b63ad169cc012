// What the upstream learns of the client, and whom the gateway believes (RFC 7239, trusted_proxies, request ids).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { value, values } from '../support/bytes.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { request } from '../support/client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const upstream = await startUpstream();
const api = { forward: { identity: { 'x-user': 'subject', 'x-tenant': 'key' } } };
const outside = await Gateway.start(openConfig(upstream.target, { api }));
const behind = await Gateway.start(openConfig(upstream.target, { api, trusted_proxies: ['127.0.0.0/8', '10.0.0.0/8'] }));
after(async () => {
  await outside.stop();
  await behind.stop();
  await upstream.stop();
});

const spoofed = {
  host: 'api.test',
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'bank.test',
  'x-forwarded-port': '443',
  forwarded: 'for=203.0.113.9;proto=https;host=bank.test',
  'x-real-ip': '203.0.113.9',
  'x-request-id': 'chosen-by-the-client',
};

test('from an untrusted client nothing of the kind is believed; what the upstream gets is ours', async () => {
  const response = await request(outside.port, '/', { headers: spoofed });
  const { fields } = response.json;
  assert.deepEqual(values(fields, 'x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(values(fields, 'x-forwarded-proto'), ['http']);
  assert.deepEqual(values(fields, 'x-forwarded-host'), ['api.test']);
  for (const name of ['forwarded', 'x-real-ip', 'x-forwarded-port']) {
    for (const one of values(fields, name)) assert.doesNotMatch(one, /203\.0\.113\.9|bank\.test|443/, name);
  }
  const id = value(fields, 'x-request-id');
  assert.notEqual(id, 'chosen-by-the-client');
  assert.ok(id.length >= 16);
  const entry = await outside.entry(id);
  assert.equal(entry.client, '127.0.0.1');
});

test('identity fields from outside are removed, in any case and however often', async () => {
  const response = await request(outside.port, '/', { headers: [['host', 'a.test'], ['X-User', 'root'], ['x-user', 'admin'], ['X-TENANT', 'acme'], ['X-Other', 'kept']].flat() });
  const { fields } = response.json;
  assert.deepEqual(values(fields, 'x-user'), []);
  assert.deepEqual(values(fields, 'x-tenant'), []);
  assert.equal(value(fields, 'x-other'), 'kept');
});

test('from a trusted proxy the client is the first address that is not one of them', async () => {
  const response = await request(behind.port, '/', { headers: { ...spoofed, 'x-forwarded-for': '198.51.100.66, 203.0.113.9, 10.0.0.7' } });
  const { fields } = response.json;
  const chain = values(fields, 'x-forwarded-for').join(', ').split(/,\s*/);
  assert.equal(chain.at(-1), '127.0.0.1');
  assert.ok(chain.includes('203.0.113.9'));
  assert.deepEqual(values(fields, 'x-forwarded-proto'), ['https']);
  assert.deepEqual(values(fields, 'x-forwarded-host'), ['bank.test']);
  assert.equal(value(fields, 'x-request-id'), 'chosen-by-the-client');
  const entry = await behind.entry('chosen-by-the-client');
  assert.equal(entry.client, '203.0.113.9', 'not 198.51.100.66, which the client itself may have written');
});

for (const [name, chain, client] of [
  ['all of it trusted', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
  ['nonsense in it', 'nonsense', '127.0.0.1'],
  ['nonsense before a good one', 'nonsense, 203.0.113.8', '203.0.113.8'],
  ['IPv6', '2001:db8::1', '2001:db8::1'],
]) {
  test(`X-Forwarded-For with ${name}`, async () => {
    const id = `chain-${client.replace(/[:.]/g, '-')}-${name.length}`;
    assert.equal((await request(behind.port, '/', { headers: { 'x-forwarded-for': chain, 'x-request-id': id } })).status, 200);
    assert.equal((await behind.entry(id)).client, client);
  });
}

for (const bad of ['a b', 'x'.repeat(300), 'quo"te', '<script>']) {
  test(`a request id that is no id is replaced, even from a trusted proxy: ${bad.slice(0, 12)}`, async () => {
    const response = await request(behind.port, '/', { headers: { 'x-request-id': bad } });
    assert.equal(response.status, 200);
    const id = value(response.json.fields, 'x-request-id');
    assert.notEqual(id, bad);
    assert.match(id, /^[\w.-]{16,128}$/);
  });
}

test('each request has an id of its own, the same in the answer, upstream and in the log', async () => {
  const ids = new Set();
  for (let i = 0; i < 50; i += 1) {
    const response = await request(outside.port, '/');
    const id = value(response.json.fields, 'x-request-id');
    if (response.header('x-request-id') !== undefined) assert.equal(response.header('x-request-id'), id);
    ids.add(id);
    if (i % 10 === 0) assert.equal((await outside.entry(id)).status, 200);
  }
  assert.equal(ids.size, 50);
});

test('the limit by address counts the client behind the proxy', async () => {
  const own = await Gateway.start(openConfig(upstream.target, { api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '1/h' } }, trusted_proxies: ['127.0.0.1'] }));
  const ask = async (from) => (await request(own.port, '/', { headers: { 'x-forwarded-for': from } })).status;
  assert.deepEqual([await ask('203.0.113.1'), await ask('203.0.113.1'), await ask('203.0.113.2')], [200, 429, 200]);
  assert.deepEqual([await ask('2001:db8::1'), await ask('2001:db8::2'), await ask('2001:db8:0:1::1')], [200, 429, 200], 'IPv6 by /64');
  await own.stop();
});

test('an untrusted client cannot spread over made-up addresses', async () => {
  const own = await Gateway.start(openConfig(upstream.target, { api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '1/h' } } }));
  const ask = async (from) => (await request(own.port, '/', { headers: { 'x-forwarded-for': from, forwarded: `for=${from}` } })).status;
  assert.deepEqual([await ask('203.0.113.1'), await ask('203.0.113.2')], [200, 429]);
  await own.stop();
});
