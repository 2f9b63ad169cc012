// PROXY protocol: whose connection it is, as a balancer in front says, and as the gateway tells what is behind it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, test } from 'node:test';
import { makeAuthority } from '../support/certificates.mjs';
import { remember } from '../support/cleanup.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { readHeader, tlv, v1, v2, v4Ends } from '../support/proxy_protocol.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { close, freePort, listen, startRawUpstream, startUpstream, track } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'the admin token of the PROXY tests';
const upstream = await startUpstream();
after(() => upstream.stop());

const proxied = (target = upstream.target, { listener = {}, ...more } = {}) =>
  openConfig(target, {
    listener: { proxy_protocol: true, ...listener },
    trusted_proxies: ['127.0.0.0/8'],
    admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' },
    ...more,
  });
const start = (config) => Gateway.start(config, { env: { PORTCULLIS_TEST_TOKEN: kToken } });

const kGet = 'GET /who HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** What follows `header` on one connection is answered; the client that was logged, and the field that the upstream got. */
async function ask(gateway, header, bytes = kGet) {
  const client = await RawClient.connect(gateway.port);
  try {
    client.send(Buffer.concat([header, Buffer.from(bytes, 'latin1')]));
    const response = await client.response();
    const entry = await gateway.entry(response.header('x-request-id'));
    const forwarded = response.status === 200 ? response.json.fields.find(([name]) => name === 'x-forwarded-for')[1] : undefined;
    return { response, client: entry.client, forwarded };
  } finally {
    client.destroy();
  }
}

test('the address in the header is the client, for the log, the upstream and limits', async () => {
  const gateway = await start(
    proxied(undefined, { limits: { each: { key: 'client.address', rate: '1/m', burst: 1 } }, api: { limits: ['each'] } }),
  );
  for (const [name, header, address] of [
    ['version 1', v1('192.0.2.1'), '192.0.2.1'],
    ['version 1, IPv6', v1('2001:db8::7', '2001:db8::8', { family: 'TCP6' }), '2001:db8::7'],
    ['version 2', v2(v4Ends('192.0.2.2')), '192.0.2.2'],
    ['version 2 with fields', v2(Buffer.concat([v4Ends('192.0.2.3'), tlv(0x02, Buffer.from('a.test')), tlv(0x04, Buffer.alloc(100))])), '192.0.2.3'],
  ]) {
    const seen = await ask(gateway, header);
    assert.equal(seen.response.status, 200, name);
    assert.equal(seen.client, address, name);
    assert.equal(seen.forwarded, address, name);
    assertProblem((await ask(gateway, header)).response, 429, 'rate-limited');
  }
  await gateway.stop();
});

test('a proxy that speaks for itself is the client itself', async () => {
  const gateway = await start(proxied());
  for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), v2(Buffer.alloc(0), { command: 0, family: 0 }), v2(v4Ends('192.0.2.9'), { command: 0 })]) {
    assert.equal((await ask(gateway, header)).client, '127.0.0.1');
  }
  await gateway.stop();
});

test('X-Forwarded-For of a client that the header names is not believed', async () => {
  const gateway = await start(proxied());
  const seen = await ask(gateway, v1('192.0.2.1'), 'GET /who HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n');
  assert.equal(seen.client, '192.0.2.1');
  assert.equal(seen.forwarded, '192.0.2.1');
  await gateway.stop();
});

test('the header may come in pieces, and what follows with it; a connection serves many requests', async () => {
  const gateway = await start(proxied());
  const header = v1('192.0.2.1');
  const client = await RawClient.connect(gateway.port);
  for (const byte of header) await client.send(Buffer.from([byte]));
  for (let i = 0; i < 3; i += 1) {
    client.send(kGet);
    const response = await client.response();
    assert.equal((await gateway.entry(response.header('x-request-id'))).client, '192.0.2.1');
  }
  client.destroy();
  await gateway.stop();
});

test('TLS comes after the header', async () => {
  const authority = await makeAuthority();
  const leaf = await authority.issue('server', ['localhost']);
  const gateway = await start(proxied(undefined, { listener: { tls: { certificates: [leaf] } } }));
  const socket = net.connect(gateway.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(v2(v4Ends('192.0.2.44')));
  const secure = tls.connect({ socket, ca: authority.ca, servername: 'localhost' });
  await once(secure, 'secureConnect');
  secure.write(kGet);
  const entry = await gateway.entry((e) => e.path === '/who');
  assert.equal(entry.client, '192.0.2.44');
  assert.equal(entry.status, 200);
  secure.destroy();
  await gateway.stop();
  await authority.remove();
});

test('connections count by the address in the header, not by the proxy', async () => {
  const gateway = await start(proxied(undefined, { listener: { limits: { connections_per_address: 2, head_timeout: '2s' } } }));
  const clients = [];
  const connect = async (address) => {
    const client = await RawClient.connect(gateway.port);
    clients.push(client);
    client.send(Buffer.concat([v1(address), Buffer.from(kGet)]));
    return client;
  };
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) assert.equal((await (await connect(address)).response()).status, 200);
  const third = await connect('192.0.2.1');
  assert.notEqual(await third.state(3000), 'open');
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_connections_refused_total', { listener: 'public' }), 1);
  clients[0].destroy();
  await eventually('room for another', async () => {
    const again = await connect('192.0.2.1');
    return (await again.state(500)) === 'bytes';
  });
  for (const client of clients) client.destroy();
  await gateway.stop();
});

test('a reload may turn it on and off', async () => {
  const gateway = await start(proxied());
  assert.equal((await ask(gateway, v1('192.0.2.1'))).response.status, 200);
  assert.equal((await gateway.reload(proxied(undefined, { listener: { proxy_protocol: false } }))).event, 'reloaded');
  assert.equal((await request(gateway.port, '/')).status, 200);
  await gateway.stop();
});

test('check says that nobody may send headers where no proxy is trusted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-test-'));
  const file = join(folder, 'portcullis.yaml');
  const config = proxied();
  delete config.trusted_proxies;
  await writeFile(file, JSON.stringify(config));
  const { code, stdout, stderr } = await run(['check', '-c', file], { env: { PORTCULLIS_TEST_TOKEN: kToken } });
  assert.notEqual(code, 0);
  assert.match(stdout + stderr, /:1:\d+.*listeners\.public\.proxy_protocol.*trusted_proxies/s);
  await rm(folder, { recursive: true });
});

// ---- a real balancer

const haproxy = await access('/usr/sbin/haproxy').then(
  () => '/usr/sbin/haproxy',
  () => undefined,
);

for (const option of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id,ssl']) {
  test(`HAProxy in front with ${option}`, { skip: haproxy === undefined && 'HAProxy is not installed' }, async () => {
    const gateway = await start(proxied());
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-test-'));
    await writeFile(
      join(folder, 'haproxy.cfg'),
      `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend in
  bind 127.0.0.1:${port}
  unique-id-format %ts
  default_backend out
backend out
  server gateway 127.0.0.1:${gateway.port} ${option} check check-send-proxy inter 200ms
`,
    );
    const process = spawn(haproxy, ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
    const forget = remember(() => process.kill('SIGKILL'));
    const gone = once(process, 'exit').then(forget);
    const client = await eventually('HAProxy to listen', () => RawClient.connect(port, { localAddress: '127.0.0.7' }).catch(() => undefined));
    client.send(kGet);
    const response = await client.response();
    assert.equal(response.status, 200);
    assert.equal((await gateway.entry(response.header('x-request-id'))).client, '127.0.0.7');
    client.destroy();
    process.kill('SIGTERM');
    await gone;
    assert.equal(await metric(gateway.admin, kToken, 'portcullis_proxy_headers_refused_total', { reason: 'malformed' }), 0);
    await gateway.stop();
    await rm(folder, { recursive: true });
  });
}

// ---- behind

/** A server that reads one PROXY header a connection, and answers each request on it with what it said. */
async function startProxiedServer() {
  const headers = [];
  const server = net.createServer((socket) => {
    let bytes = Buffer.alloc(0);
    let header;
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!header) {
        if (bytes.length < 16) return;
        header = readHeader(bytes);
        headers.push(header);
        bytes = bytes.subarray(header.size);
      }
      for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
        bytes = bytes.subarray(end + 4);
        const text = header.source ?? 'nobody';
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
      }
    });
  });
  const sockets = track(server);
  const port = await listen(server, 0, '127.0.0.1');
  return { target: `127.0.0.1:${port}`, headers, stop: () => close(server, sockets) };
}

for (const version of ['v1', 'v2']) {
  test(`the target is told whose connection it is (${version}); no other client's request goes over it`, async () => {
    const behind = await startProxiedServer();
    const gateway = await Gateway.start(openConfig(behind.target, { upstream: { proxy_protocol: version } }));
    const clients = [];
    for (const localAddress of ['127.0.0.5', '127.0.0.6', '127.0.0.5']) {
      const client = await RawClient.connect(gateway.port, { localAddress });
      clients.push(client);
      for (let i = 0; i < 2; i += 1) {
        client.send(kGet);
        assert.equal((await client.response()).text, localAddress);
      }
      assert.equal(behind.headers.at(-1).port, client.socket.localPort);
    }
    for (const client of clients) client.destroy();
    assert.ok(behind.headers.every((header) => header.version === Number(version.slice(1))));
    await gateway.stop();
    await behind.stop();
  });
}

test('from a PROXY header to a PROXY header', async () => {
  const behind = await startProxiedServer();
  const gateway = await start(proxied(behind.target, { upstream: { proxy_protocol: 'v2' } }));
  const client = await RawClient.connect(gateway.port);
  client.send(Buffer.concat([v1('192.0.2.77'), Buffer.from(kGet)]));
  assert.equal((await client.response()).text, '192.0.2.77');
  assert.equal(behind.headers[0].port, 4321);
  client.destroy();
  await gateway.stop();
  await behind.stop();
});

test('a server that expects no header gets none', async () => {
  const plain = await startRawUpstream();
  const gateway = await Gateway.start(openConfig(plain.target));
  assert.equal((await request(gateway.port, '/')).status, 200);
  assert.deepEqual(plain.violations, []);
  await gateway.stop();
  await plain.stop();
});
