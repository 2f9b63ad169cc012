// Who offends again and again is refused for a time: at accept, or with 403 where others share the
// connection.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { metric } from '../support/metrics.mjs';
import { v1 } from '../support/proxy_protocol.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'metrics-token';
const env = { TOKEN: kToken };
const admin = { address: '127.0.0.1:0', token: '${env:TOKEN}' };
const upstream = await startUpstream();
after(() => upstream.stop());

const kGood = 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
const kBad = 'GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n';
const kAttacker = '127.0.0.66';
const counters = { malformed: '3/10m', unauthenticated: '3/10m', rate_limited: '3/10m', handshakes: '3/10m', slow: '3/10m' };

const start = (settings) => Gateway.start(openConfig(upstream.target, { admin, ...settings }), { env });
const status = async (port, text, options) => (await converse(port, text, { quiet: 100, ...options })).responses[0]?.status;

async function assertRefusedAtAccept(port, localAddress) {
  const { responses, state } = await converse(port, kGood, { localAddress }).catch((error) => ({ responses: [], state: error.code }));
  assert.deepEqual(responses, []);
  assert.ok(['reset', 'closed', 'ECONNRESET', 'EPIPE'].includes(state), state);
}

test('an address that sends nonsense is refused at accept, and others are not', async () => {
  const gateway = await start({ bans: { counters } });
  for (let i = 0; i < 4; i += 1) assert.equal(await status(gateway.port, kBad, { localAddress: kAttacker }), 400);
  const { address, reason, strikes, seconds } = await gateway.event('banned');
  assert.deepEqual({ address, reason, strikes, seconds }, { address: kAttacker, reason: 'malformed', strikes: 1, seconds: 60 });
  await assertRefusedAtAccept(gateway.port, kAttacker);
  assert.equal(await status(gateway.port, kGood), 200);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_bans'), 1);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_bans_begun_total', { of: 'address', reason: 'malformed' }), 1);
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_connections_refused_total', { reason: 'banned' }), 1);
  // It outlives a reload, and a configuration without bans.
  assert.equal((await gateway.reload(openConfig(upstream.target, { admin }))).event, 'reloaded');
  await assertRefusedAtAccept(gateway.port, kAttacker);
  await gateway.stop();
});

test('a connection that was there before the ban gets 403', async () => {
  const gateway = await start({ bans: { counters } });
  const client = await RawClient.connect(gateway.port, { localAddress: kAttacker });
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  for (let i = 0; i < 4; i += 1) await status(gateway.port, kBad, { localAddress: kAttacker });
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const refusal = await client.response();
  assertProblem(refusal, 403, 'banned');
  assert.match(refusal.header('retry-after'), /^\d+$/);
  client.destroy();
  await gateway.stop();
});

test('behind a trusted proxy it is the client who is banned, with 403', async () => {
  const key = makeApiKey('nightly', { roles: ['all'] });
  const gateway = await start({
    trusted_proxies: ['127.0.0.1'],
    bans: { counters, never: ['198.51.100.0/24'] },
    api: { authenticate: ['machine'] },
    authenticators: { machine: keyAuthenticator([key]) },
    roles: { all: ['root', 'one', 'two', 'three'] },
  });
  const from = (client, text = key.key) => request(gateway.port, '/', { headers: { 'x-forwarded-for': client, 'x-api-key': text } });
  for (let i = 0; i < 4; i += 1) assert.equal((await from('203.0.113.9', 'pc_no_such')).status, 401);
  const refusal = await from('203.0.113.9');
  assertProblem(refusal, 403, 'banned');
  assert.ok(Number(refusal.header('retry-after')) > 50);
  assert.equal((await from('203.0.113.10')).status, 200);
  const entry = await gateway.entry((e) => e.status === 403);
  assert.equal(entry.refusal.type, 'banned');
  assert.equal(entry.refusal.rule, 'bans');
  // All of a /64, and none of the next.
  for (let i = 0; i < 4; i += 1) await from(`2001:db8:1:2::${i + 1}`, 'pc_no_such');
  assertProblem(await from('2001:db8:1:2:ffff::9'), 403, 'banned');
  assert.equal((await from('2001:db8:1:3::9')).status, 200);
  // Some never, and the proxy itself neither.
  for (let i = 0; i < 8; i += 1) {
    assert.equal((await from('198.51.100.7', 'pc_no_such')).status, 401);
    assert.equal((await request(gateway.port, '/')).status, 401);
  }
  await gateway.stop();
});

test('an API key that floods is banned by its name, and its neighbour is not', async () => {
  const noisy = makeApiKey('noisy', { roles: ['all'] });
  const quiet = makeApiKey('quiet', { roles: ['all'] });
  const gateway = await start({
    bans: { counters },
    api: { authenticate: ['machine'], limits: ['few'] },
    limits: { few: { key: 'identity.key', rate: '1/1h' } },
    authenticators: { machine: keyAuthenticator([noisy, quiet]) },
    roles: { all: ['root'] },
  });
  const by = (key) => request(gateway.port, '/', { headers: { 'x-api-key': key.key } });
  assert.equal((await by(noisy)).status, 200);
  for (let i = 0; i < 4; i += 1) assert.equal((await by(noisy)).status, 429);
  assertProblem(await by(noisy), 403, 'banned');
  assert.equal((await by(quiet)).status, 200);
  assert.equal((await gateway.event('banned')).key, 'machine|noisy');
  const asked = ['-c', gateway.file, '--admin', `127.0.0.1:${gateway.admin}`];
  const removed = await run(['bans', 'remove', 'machine|noisy', '--key', ...asked], { env });
  assert.deepEqual([removed.code, removed.stdout], [0, 'machine|noisy is banned no more\n']);
  assert.equal((await by(noisy)).status, 429);
  await gateway.stop();
});

test('a ban ends, and the next is twice as long', async () => {
  const gateway = await start({ bans: { counters: { malformed: '1/1s' }, first: '1s', maximum: '1h' } });
  const offend = () => status(gateway.port, kBad, { localAddress: kAttacker }).catch(() => undefined);
  for (const seconds of [1, 2]) {
    await eventually(`a ban of ${seconds} s`, async () => {
      await offend();
      return gateway.events.find((e) => e.event === 'banned' && e.seconds === seconds);
    }, { timeout: 10_000 });
  }
  await eventually('its end', () => status(gateway.port, kGood, { localAddress: kAttacker }).then((s) => s === 200, () => false), { timeout: 10_000, every: 200 });
  await gateway.stop();
});

test('a failed handshake, again and again, is an offence', async () => {
  const { makeAuthority } = await import('../support/certificates.mjs');
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue('server', ['localhost']);
  const gateway = await start({ bans: { counters }, listener: { tls: { certificates: [{ cert, key }] } } });
  for (let i = 0; i < 4; i += 1) await converse(gateway.port, 'GET / HTTP/1.1\r\n\r\n', { localAddress: kAttacker, first: 1000 });
  assert.equal((await gateway.event('banned')).reason, 'handshakes');
  await assertRefusedAtAccept(gateway.port, kAttacker);
  await gateway.stop();
  await authority.remove();
});

test('behind a PROXY header, the connection of a banned client is closed', async () => {
  const gateway = await start({ trusted_proxies: ['127.0.0.1'], bans: { counters }, listener: { proxy_protocol: true } });
  const from = (address, text) => status(gateway.port, `${v1(address)}${text}`);
  for (let i = 0; i < 4; i += 1) assert.equal(await from('203.0.113.9', kBad), 400);
  assert.equal(await from('203.0.113.9', kGood), undefined);
  assert.equal(await from('203.0.113.10', kGood), 200);
  await gateway.stop();
});

test('bans are listed, added and removed by the command line', async () => {
  const gateway = await start({ bans: { counters, never: ['192.0.2.0/24'] } });
  const asked = ['-c', gateway.file, '--admin', `127.0.0.1:${gateway.admin}`];
  const bans = (...words) => run(['bans', ...words, ...asked], { env });
  assert.equal((await bans('list')).stdout, 'nobody is banned\n');
  const added = await bans('add', kAttacker, '--for', '30m');
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stdout, /^127\.0\.0\.66 is banned until \d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
  await assertRefusedAtAccept(gateway.port, kAttacker);
  assert.match((await bans('list')).stdout, /^127\.0\.0\.66 +operator +1[78]\d\d s left, until .*, strike 1\n$/);
  const { bans: [one] } = JSON.parse((await bans('list', '--json')).stdout);
  assert.equal(one.address, kAttacker);
  assert.equal(one.lasts_seconds, 1800);
  assert.equal((await gateway.event('banned')).reason, 'operator');
  assert.deepEqual(await bans('remove', kAttacker).then((r) => [r.code, r.stdout]), [0, '127.0.0.66 is banned no more\n']);
  assert.equal(await status(gateway.port, kGood, { localAddress: kAttacker }), 200);
  // What was counted against it is forgiven too: it may offend as often as anyone again.
  for (let i = 0; i < 4; i += 1) assert.equal(await status(gateway.port, kBad, { localAddress: kAttacker }), 400);
  await assertRefusedAtAccept(gateway.port, kAttacker);
  assert.equal((await bans('remove', kAttacker)).code, 0);
  for (let i = 0; i < 3; i += 1) assert.equal(await status(gateway.port, kBad, { localAddress: kAttacker }), 400);
  assert.equal(await status(gateway.port, kGood, { localAddress: kAttacker }), 200);
  for (const [code, message, ...words] of [
    [1, '127.0.0.66 is not banned', 'remove', kAttacker],
    [1, '192.0.2.1 is never banned', 'add', '192.0.2.1'],
    [2, 'WHOM or --for is not one', 'add', 'example.com'],
    [2, 'WHOM or --for is not one', 'add', '203.0.113.9', '--for', 'ever'],
  ]) {
    const said = await bans(...words);
    assert.equal(said.code, code, said.stderr);
    assert.ok(said.stderr.includes(message), said.stderr);
  }
  const elsewhere = await run(['bans', 'list', '-c', gateway.file, '--admin', '127.0.0.1:1'], { env });
  assert.deepEqual([elsewhere.code, elsewhere.stderr.includes('cannot be asked')], [3, true]);
  await gateway.stop();
});

test('nobody changes bans without the token, from another name, or by a form', async () => {
  const gateway = await start({});
  const call = (options) => request(gateway.admin, '/bans', options);
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ address: '203.0.113.9' });
  assertProblem(await call({}), 401, 'credentials-missing');
  assertProblem(await call({ method: 'POST', headers: json, body }), 401, 'credentials-missing');
  assertProblem(await call({ method: 'POST', headers: { ...json, ...bearer('wrong') }, body }), 401, 'credentials-invalid');
  assertProblem(await call({ method: 'DELETE' }), 401, 'credentials-missing');
  assertProblem(await call({ headers: { host: 'evil.test', ...bearer(kToken) } }), 421, 'misdirected');
  assertProblem(await call({ method: 'POST', headers: { 'content-type': 'text/plain', ...bearer(kToken) }, body }), 400, 'malformed-request');
  assertProblem(await call({ method: 'POST', headers: { ...json, ...bearer(kToken) }, body: `{"address":"${' '.repeat(5000)}"}` }), 413, 'content-too-large');
  const put = await call({ method: 'PUT', headers: { ...json, ...bearer(kToken) }, body });
  assertProblem(put, 405, 'method-not-allowed');
  assert.equal(put.header('allow'), 'GET, HEAD, POST, DELETE');
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_bans'), 0);
  assert.equal((await call({ method: 'POST', headers: { ...json, ...bearer(kToken) }, body })).status, 201);
  assert.equal((await call({ headers: bearer(kToken) })).json.bans.length, 1);
  await gateway.stop();
});
