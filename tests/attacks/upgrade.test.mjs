// WebSocket and h2c smuggling: a gateway that takes a connection for a tunnel when its upstream does not (or the
// other way round) lets through requests that nobody has checked.
//
//   What's wrong with WebSocket APIs (M. Egorov, 2019): a proxy that looks at the request alone, or at a bare 101
//   h2c Smuggling (J. Miller, 2020): an upgrade to HTTP/2 in clear text opens a tunnel past every rule
//   CVE-2026-2833 Pingora: what is pipelined behind an upgrade is passed on before the upstream has said 101
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { value, values } from '../support/bytes.mjs';
import { assertWell } from '../support/attack.mjs';
import { openConfig, toYaml } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { startRawUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';
import { acceptFor } from '../support/websocket.mjs';

const kKey = 'dGhlIHNhbXBsZSBub25jZQ==';
const kAccept = acceptFor(kKey);
const smuggled = 'GET /internal HTTP/1.1\r\nHost: a.test\r\n\r\n';
const websocket = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${kKey}\r\n`;
const ask = (fields = websocket, { method = 'GET', version = '1.1', path = '/ws' } = {}) => `${method} ${path} HTTP/${version}\r\nHost: a.test\r\n${fields}\r\n`;
const switching = (fields) => `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`;
const agreed = switching(`Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${kAccept}\r\n`);
const kOk = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

// What the upstream says to the next upgrade; and all that arrives behind its head.
let answer = kOk;
let behind = Buffer.alloc(0);
const upstream = await startRawUpstream(
  (incoming, socket, { reader }) => {
    if (values(incoming.fields, 'upgrade').length === 0) {
      socket.write(kOk);
      return undefined;
    }
    behind = reader.peek();
    socket.on('end', () => socket.end());
    socket.on('data', () => (behind = Buffer.from(reader.peek())));
    socket.write(answer);
    return answer.startsWith('HTTP/1.1 101') ? 'stop' : undefined;
  },
  { upgrades: ['websocket', 'raw'] },
);
const gateway = await Gateway.start(openConfig(upstream.target, { api: { upgrade: ['websocket', 'raw'], timeout: '2s', retries: 0 } }));
const target = { gateway, upstream, port: gateway.port };
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** Runs `work`; nothing of it may reach the upstream but requests for these paths. */
async function onlySees(paths, work) {
  const [before, violations] = [upstream.requests.length, upstream.violations.length];
  behind = Buffer.alloc(0);
  await work();
  assert.deepEqual(upstream.requests.slice(before).map((r) => r.url), paths);
  assert.deepEqual(upstream.violations.slice(violations), []);
  assert.equal(behind.toString(), '', 'the upstream got bytes behind a head that it had not accepted');
  await assertWell(target);
}

// ---- the upstream does not switch

for (const [name, text, status] of [
  ['426: the version is not spoken there', 'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n', 426],
  ['200', kOk, 200],
  ['404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 404],
  ['200 with an Upgrade field of its own', 'HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok', 200],
]) {
  test(`an upstream that answers ${name} opens no tunnel: what is pipelined is neither passed on nor read as a request (What's wrong with WebSocket APIs, 2019)`, async () => {
    answer = text;
    await onlySees(['/ws'], async () => {
      const { responses, state } = await converse(target.port, ask() + smuggled, { quiet: 3000 });
      assert.deepEqual(responses.map((r) => r.status), [status]);
      assert.deepEqual(responses[0].headers('upgrade'), []);
      assert.equal(responses[0].header('connection'), 'close');
      assert.equal(state, 'closed');
    });
  });
}

test('what comes behind an upgrade later than the answer is no request either (kemal pull 767, CWE-444)', async () => {
  answer = kOk;
  await onlySees(['/ws'], async () => {
    const client = await RawClient.connect(target.port);
    client.send(ask());
    assert.equal((await client.response()).status, 200);
    client.send(smuggled);
    assert.notEqual(await client.state(3000), 'bytes');
    client.destroy();
  });
});

test('a refusal of ours ends the connection too: what is pipelined behind it is no request (kemal pull 767, CWE-444)', async () => {
  const locked = await Gateway.start(
    openConfig(upstream.target, { api: { upgrade: 'websocket', authenticate: ['machine'] }, authenticators: { machine: { api_key: { keys: [{ id: 'k', hash: `sha256:${'0'.repeat(64)}`, roles: ['all'] }] } } }, roles: { all: ['root', 'one', 'two', 'three'] } }),
  );
  const before = upstream.requests.length;
  const { responses, state } = await converse(locked.port, ask() + smuggled, { quiet: 3000 });
  assert.deepEqual(responses.map((r) => r.status), [401]);
  assert.equal(state, 'closed');
  assert.equal(upstream.requests.length, before);
  await locked.stop();
});

// ---- bytes before the 101

test('bytes that come before the 101 wait for it, and are then the first of the tunnel (CVE-2026-2833 Pingora)', async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const server = await startRawUpstream(
    async (_incoming, socket, { reader }) => {
      await held;
      assert.equal(reader.peek().length, 0, 'nothing may come before the 101');
      socket.write(agreed);
      const early = await reader.exactly(smuggled.length, 'early bytes');
      socket.end(early);
      return 'stop';
    },
    { upgrades: ['websocket'] },
  );
  const own = await Gateway.start(openConfig(server.target, { api: { upgrade: 'websocket' } }));
  const client = await RawClient.connect(own.port);
  client.send(ask() + smuggled.slice(0, 10));
  await eventually('the request', () => server.requests.length === 1);
  await client.send(smuggled.slice(10));
  assert.equal(await client.state(300), 'open', 'no answer before the upstream has one');
  release();
  assert.equal((await client.response()).status, 101);
  assert.equal((await client.reader.rest()).toString(), smuggled);
  assert.deepEqual(server.requests.map((r) => r.url), ['/ws']);
  assert.deepEqual(server.violations, []);
  client.destroy();
  await own.stop();
  await server.stop();
});

// ---- a 101 that does not fit

const accept = `Sec-WebSocket-Accept: ${kAccept}\r\n`;
for (const [name, reference, text] of [
  ['without Upgrade', "What's wrong with WebSocket APIs, 2019", switching(`Connection: Upgrade\r\n${accept}`)],
  ['without Connection', 'RFC 9110 7.8', switching(`Upgrade: websocket\r\n${accept}`)],
  ['for another protocol', 'RFC 9110 7.8', switching(`Connection: Upgrade\r\nUpgrade: h2c\r\n${accept}`)],
  ['for several protocols', 'RFC 9110 7.8', switching(`Connection: Upgrade\r\nUpgrade: websocket, raw\r\n${accept}`)],
  ['with Upgrade twice', 'RFC 9110 7.8', switching(`Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n${accept}`)],
  ['without Sec-WebSocket-Accept', 'RFC 6455 4.1', switching('Connection: Upgrade\r\nUpgrade: websocket\r\n')],
  ['with the accept of another key', 'RFC 6455 4.1', switching(`Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor('AAAAAAAAAAAAAAAAAAAAAA==')}\r\n`)],
  ['with a body of its own', 'RFC 9110 8.6', switching(`Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n${accept}`)],
]) {
  test(`a 101 ${name} opens no tunnel (${reference})`, async () => {
    answer = text;
    await onlySees(['/ws'], async () => {
      const { responses, state } = await converse(target.port, ask() + smuggled, { quiet: 3000 });
      assert.equal(responses.length, 1);
      assertProblem(responses[0], 502, 'upstream-broken');
      assert.equal(state, 'closed');
    });
  });
}

test('a 101 to a request that asked for none is no answer (RFC 9110 15.2.2)', async () => {
  const server = await startRawUpstream((_incoming, socket) => {
    socket.write(agreed);
    return 'stop';
  });
  const own = await Gateway.start(openConfig(server.target, { api: { upgrade: 'websocket', retries: 0 } }));
  const { responses } = await converse(own.port, `${ask('')}`, { quiet: 300 });
  assertProblem(responses[0], 502, 'upstream-broken');
  await own.stop();
  await server.stop();
});

// ---- handshakes that are none

const field = (name, text) => websocket.replace(new RegExp(`${name}: .*\r\n`), text);
for (const [name, reference, send] of [
  ['an old version', "What's wrong with WebSocket APIs, 2019", ask(field('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 1337\r\n'))],
  ['no version', 'RFC 6455 4.2.1', ask(field('Sec-WebSocket-Version', ''))],
  ['two versions', 'RFC 6455 4.2.1', ask(`${websocket}Sec-WebSocket-Version: 8\r\n`)],
  ['no key', 'RFC 6455 4.2.1', ask(field('Sec-WebSocket-Key', ''))],
  ['a key that is none', 'RFC 6455 4.2.1', ask(field('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAA\r\n'))],
  ['two keys', 'RFC 6455 4.2.1', ask(`${websocket}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`)],
  ['another method', 'RFC 6455 4.1', ask(websocket, { method: 'POST' })],
  ['HEAD', 'RFC 6455 4.1', ask(websocket, { method: 'HEAD' })],
  ['a body with a length', 'RFC 9110 7.8', `${ask(`${websocket}Content-Length: ${smuggled.length}\r\n`)}`],
  ['a chunked body', 'RFC 9110 7.8', `${ask(`${websocket}Transfer-Encoding: chunked\r\n`)}0\r\n\r\n`],
  ['a body that the client asks leave for', 'RFC 9110 10.1.1', ask(`${websocket}Expect: 100-continue\r\nContent-Length: 5\r\n`)],
  ['another protocol with a body', 'RFC 9110 7.8', ask('Connection: upgrade\r\nUpgrade: raw\r\nContent-Length: 5\r\n', { method: 'POST' })],
]) {
  test(`refused: ${name} (${reference})`, async () => {
    answer = agreed;
    await onlySees([], async () => {
      const { responses, state } = await converse(target.port, send + smuggled, { quiet: 3000, heads: [send.startsWith('HEAD')] });
      assert.equal(responses.length, 1, `more than one answer: ${responses.map((r) => r.status)}`);
      assert.equal(responses[0].status, 400);
      if (!send.startsWith('HEAD')) assertProblem(responses[0], 400, 'malformed-upgrade');
      assert.equal(responses[0].header('sec-websocket-version'), '13', 'RFC 6455 4.4');
      assert.equal(state, 'closed');
    });
  });
}

// ---- not asked for in earnest, or for what is not permitted: an ordinary request, without the field

for (const [name, reference, send] of [
  ['Upgrade that Connection does not name', 'RFC 9110 7.8', ask(field('Connection', ''))],
  ['Connection that names something longer', 'RFC 9110 7.8', ask(field('Connection', 'Connection: upgrades\r\n'))],
  ['h2c', 'h2c Smuggling, 2020', ask('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n')],
  ['h2c without its settings', 'h2c Smuggling, 2020', ask('Connection: Upgrade\r\nUpgrade: h2c\r\n')],
  ['TLS (RFC 2817)', 'nginx issue 1472', ask('Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n')],
  ['a protocol with another version', 'RFC 9110 7.8', ask('Connection: Upgrade\r\nUpgrade: raw/2\r\n')],
  ['a name that only begins alike', 'RFC 9110 7.8', ask('Connection: Upgrade\r\nUpgrade: websocketx\r\n')],
  ['an empty Upgrade', 'RFC 9110 7.8', ask('Connection: Upgrade\r\nUpgrade: \r\n')],
]) {
  test(`disarmed: ${name} (${reference})`, async () => {
    answer = agreed;
    const before = upstream.requests.length;
    const { responses } = await converse(target.port, send + 'GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assert.deepEqual(responses.map((r) => r.status), [200, 200]);
    const seen = upstream.requests.slice(before);
    assert.deepEqual(seen.map((r) => r.url), ['/ws', '/next']);
    for (const each of ['upgrade', 'connection', 'http2-settings']) assert.deepEqual(values(seen[0].fields, each), [], each);
  });
}

test('HTTP/1.0 has no upgrades (RFC 9110 7.8)', async () => {
  answer = agreed;
  const before = upstream.requests.length;
  const { responses, state } = await converse(target.port, ask(websocket, { version: '1.0' }) + smuggled, { quiet: 3000 });
  assert.deepEqual(responses.map((r) => r.status), [200]);
  assert.equal(state, 'closed');
  assert.deepEqual(values(upstream.requests[before].fields, 'upgrade'), []);
});

for (const [name, offered] of [
  ['of several protocols the permitted one alone goes on', 'Upgrade: h2c, websocket, TLS/1.0\r\n'],
  ['of several fields the permitted protocol alone goes on', 'Upgrade: h2c\r\nUpgrade: WebSocket\r\n'],
]) {
  test(`${name} (h2c Smuggling, 2020)`, async () => {
    answer = agreed;
    const before = upstream.requests.length;
    const client = await RawClient.connect(target.port);
    client.send(ask(field('Upgrade', offered)));
    assert.equal((await client.response()).header('upgrade'), 'websocket');
    assert.equal(value(upstream.requests[before].fields, 'upgrade'), 'websocket');
    assert.equal(value(upstream.requests[before].fields, 'connection'), 'upgrade');
    client.destroy();
  });
}

test('Connection takes nothing away that the gateway sets, nor lets by what it names (envoy pull 44525)', async () => {
  answer = agreed;
  const before = upstream.requests.length;
  const client = await RawClient.connect(target.port);
  client.send(ask(field('Connection', 'Connection: Upgrade, X-Internal-Auth, X-Forwarded-For, Sec-WebSocket-Key\r\nX-Internal-Auth: root\r\n')));
  const response = await client.response();
  const { fields } = upstream.requests[before];
  assert.deepEqual(values(fields, 'x-internal-auth'), []);
  assert.equal(values(fields, 'x-forwarded-for').length, 1);
  // The client itself said that its key goes no further: what the upstream makes of that is the client's affair.
  assert.equal(response.status, 101);
  client.destroy();
});

// ---- pages of other origins

test('a page of another origin opens no WebSocket where `cors` says which may (Cross-Site WebSocket Hijacking, 2013)', async () => {
  const guarded = await Gateway.start(openConfig(upstream.target, { api: { upgrade: ['websocket', 'raw'], cors: { origins: ['https://app.test'], credentials: true } } }));
  answer = agreed;
  const before = upstream.requests.length;
  for (const origin of ['https://evil.test', 'null', 'https://app.test.evil.test', 'http://app.test', 'https://a.test.evil.test', '']) {
    for (const handshake of [websocket, 'Connection: upgrade\r\nUpgrade: raw\r\n']) {
      const { responses, state } = await converse(guarded.port, `${ask(`${handshake}Cookie: session=1\r\nOrigin: ${origin}\r\n`)}${smuggled}`, { quiet: 3000 });
      assert.equal(responses.length, 1, origin);
      assertProblem(responses[0], 403, 'origin-not-allowed', origin);
      assert.deepEqual(responses[0].headers('access-control-allow-origin'), []);
      assert.equal(state, 'closed');
    }
  }
  assert.equal(upstream.requests.length, before, 'the upstream saw it');
  for (const origin of ['Origin: https://app.test\r\n', 'Origin: https://a.test\r\n', 'Origin: http://a.test\r\n', '']) {
    const client = await RawClient.connect(guarded.port);
    client.send(ask(`${websocket}${origin}`));
    assert.equal((await client.response()).status, 101, origin);
    client.destroy();
  }
  await guarded.stop();
});

// ---- what the configuration may not permit

for (const protocol of ['h2c', 'H2C', 'h2', 'http/1.1', 'HTTP/2.0', 'TLS/1.0', 'web socket', '']) {
  test(`\`upgrade: ["${protocol}"]\` is an error of the configuration (h2c Smuggling, 2020)`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-upgrade-'));
    await writeFile(join(folder, 'portcullis.yaml'), toYaml(openConfig('127.0.0.1:9', { api: { upgrade: [protocol] } })));
    const { code, stderr, stdout } = await run(['check', '-c', join(folder, 'portcullis.yaml')]);
    await rm(folder, { recursive: true });
    assert.equal(code, 2);
    assert.match(stderr + stdout, /:\d+:\d+: error: apis\.echo\.upgrade/);
  });
}
