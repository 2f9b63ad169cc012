// Floods that hold connections rather than send much: while each runs from one address, the requests
// of others succeed.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { v2 } from '../support/proxy_protocol.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'metrics-token';
const kAttacker = '127.0.0.66';
const kOthers = 30;

const upstream = await startUpstream((incoming, response) => {
  incoming.resume();
  incoming.on('end', () => response.end(incoming.url === '/big' ? Buffer.alloc(8 * 1024 * 1024) : 'ok'));
});
const authority = await makeAuthority();
const { cert, key } = await authority.issue('server', ['localhost', '127.0.0.1']);
const secure = { tls: { certificates: [{ cert, key }] } };
const trusting = { tls: { ca: authority.ca, servername: 'localhost' } };
after(async () => {
  await upstream.stop();
  await authority.remove();
});

const start = (limits, listener = {}, top = {}) =>
  Gateway.start(
    openConfig(upstream.target, {
      admin: { address: '127.0.0.1:0', token: '${env:TOKEN}' },
      listener: { limits: { connections: 40, connections_per_address: 20, rate_grace: '1s', ...limits }, ...listener },
      ...top,
    }),
    { env: { TOKEN: kToken } },
  );

/** Keeps `count` connections of `open(socket)` going, each made anew when it ends, until stopped. */
function attack(port, count, { localAddress = kAttacker, begin, again = 20 }) {
  const sockets = new Set();
  let stopped = false;
  let made = 0;
  const one = () => {
    if (stopped) return;
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    made += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('connect', () => begin(socket));
    socket.on('close', () => {
      sockets.delete(socket);
      setTimeout(one, again);
    });
  };
  for (let i = 0; i < count; i += 1) one();
  return {
    get made() {
      return made;
    },
    get open() {
      return [...sockets].filter((socket) => socket.readyState === 'open').length;
    },
    stop() {
      stopped = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

const drip = (socket, bytes, every) => {
  const timer = setInterval(() => socket.write(bytes), every);
  socket.on('close', () => clearInterval(timer));
};

/** All of these succeed, while `running` goes on. */
async function assertOthersServed(port, { count: many = kOthers, ...options } = {}) {
  for (let i = 0; i < many; i += 1) assert.equal((await request(port, '/', options)).status, 200, `request ${i}`);
}

const count = (gateway, name, labels) => metric(gateway.admin, kToken, name, labels);

const cases = [
  {
    name: 'heads that never end',
    reference: 'Slowloris, 2009; CVE-2007-6750, CVE-2018-12122 Node.js',
    begin: (socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n');
      drip(socket, 'x: y\r\n', 200);
    },
    limits: { head_timeout: '1s' },
    seen: ['portcullis_refusals_total', { type: 'request-timeout', step: 'read' }],
  },
  {
    name: 'bodies that drip',
    reference: 'R-U-Dead-Yet, 2010; OWASP: slow HTTP POST',
    begin: (socket) => {
      socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n');
      drip(socket, 'x', 200);
    },
    limits: {},
    seen: ['portcullis_slow_clients_total', { direction: 'body' }],
  },
  {
    name: 'answers that nobody takes',
    reference: 'slow read, S. Shekyan, 2012',
    begin: (socket) => {
      socket.pause();
      socket.write('GET /big HTTP/1.1\r\nHost: a.test\r\n\r\n');
    },
    limits: { body_timeout: '2s' },
    seen: ['portcullis_slow_clients_total', { direction: 'send' }],
  },
  {
    name: 'connections that never send',
    reference: 'RFC 9112 9.5; Nkiller2/Naptha, CVE-2000-1039',
    begin: () => {},
    limits: {},
    seen: ['portcullis_connections_refused_total', { reason: 'connections_per_address' }],
  },
];

for (const { name, reference, begin, limits, seen } of cases) {
  test(`${name} (${reference})`, async () => {
    const gateway = await start(limits);
    const running = attack(gateway.port, 60, { begin });
    await eventually('the attack to be under way', async () => running.open >= 15 && (await count(gateway, 'portcullis_connections', { listener: 'public' })) >= 15);
    await assertOthersServed(gateway.port);
    await eventually('it to be seen', async () => (await count(gateway, ...seen)) > 0, { timeout: 15_000 });
    await assertOthersServed(gateway.port);
    assert.ok((await count(gateway, 'portcullis_connections', { listener: 'public' })) <= 40);
    running.stop();
    await gateway.stop();
  });
}

test('connections made anew without end are reset beyond their rate, and end in a ban (connection flood; RFC 4732 2.2)', async () => {
  const gateway = await start({ connection_rate_per_address: '50/10s' }, {}, { bans: { counters: { connections: '20/1m' } } });
  const running = attack(gateway.port, 8, { begin: (socket) => socket.resume().end('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n') });
  await eventually('the bound', async () => (await count(gateway, 'portcullis_connections_refused_total', { reason: 'connection_rate_per_address' })) >= 20, { timeout: 10_000 });
  const ban = await gateway.event('banned', 10_000);
  assert.deepEqual([ban.address, ban.reason], [kAttacker, 'connections']);
  await assertOthersServed(gateway.port);
  await eventually('refusals at accept', async () => (await count(gateway, 'portcullis_connections_refused_total', { reason: 'banned' })) > 0);
  running.stop();
  await gateway.stop();
});

test('whole handshakes, one after the other, are held to the rate of connections (handshake flood: THC-SSL-DOS, 2011; CVE-2011-1473)', async () => {
  const gateway = await start({ connection_rate_per_address: '10/10s' }, secure);
  const shake = () => new Promise((resolve) => {
    const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', localAddress: kAttacker, ...trusting.tls }, () => resolve(socket.destroy() && true));
    socket.on('error', () => resolve(false));
  });
  let whole = 0;
  for (let i = 0; i < 40; i += 1) whole += Number(await shake());
  // Ten at once, and one more for each second that this took.
  assert.ok(whole >= 10 && whole <= 25, `${whole} of 40`);
  await assertOthersServed(gateway.port, { ...trusting, count: 8 });
  assert.ok((await count(gateway, 'portcullis_connections_refused_total', { reason: 'connection_rate_per_address' })) >= 15);
  await gateway.stop();
});

test('requests beyond a rate are refused before anything is looked up for them, and end in a ban (request flood; OWASP API4:2023)', async () => {
  const gateway = await start({}, {}, { bans: { counters: { rate_limited: '30/1m' } }, limits: { flood: { key: 'client.address', rate: '20/10s' } }, api: { limits: ['flood'] } });
  const requests = upstream.requests.length;
  const running = attack(gateway.port, 5, { begin: (socket) => socket.resume().end('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(20)) });
  const ban = await gateway.event('banned', 10_000);
  assert.deepEqual([ban.address, ban.reason], [kAttacker, 'rate_limited']);
  assert.ok(upstream.requests.length - requests < 60, 'few got through');
  assert.ok((await count(gateway, 'portcullis_refusals_total', { type: 'rate-limited' })) > 30);
  for (let i = 0; i < 10; i += 1) assert.equal((await request(gateway.port, '/')).status, 200);
  running.stop();
  await gateway.stop();
});

test('connections from many addresses take idle places, and others are served (connection flood; TCP state exhaustion)', async () => {
  const gateway = await start({ connections_per_address: 30 });
  const running = [2, 3, 4, 5].map((n) => attack(gateway.port, 25, { localAddress: `127.0.0.${n}`, begin: () => {}, again: 2000 }));
  await eventually('all places to be taken', async () => (await count(gateway, 'portcullis_connections', { listener: 'public' })) >= 40);
  await assertOthersServed(gateway.port);
  await eventually('evictions', async () => (await count(gateway, 'portcullis_connections_evicted_total', { phase: 'fresh' })) > 0);
  assert.ok((await count(gateway, 'portcullis_connections', { listener: 'public' })) <= 41);
  for (const one of running) one.stop();
  await gateway.stop();
});

test('addresses of one /64 count as one (IPv6 address rotation; RFC 6177)', async () => {
  const gateway = await start({}, { proxy_protocol: true }, { trusted_proxies: ['127.0.0.1'] });
  let next = 0;
  const header = (suffix) => {
    const ends = Buffer.alloc(36);
    Buffer.from('20010db8000100020000000000000000', 'hex').copy(ends);
    ends.writeUInt32BE(suffix, 12);
    Buffer.from('20010db800000000000000000000ffff', 'hex').copy(ends, 16);
    ends.writeUInt16BE(4321, 32);
    ends.writeUInt16BE(443, 34);
    return v2(ends, { family: 0x21 });
  };
  const running = attack(gateway.port, 30, { localAddress: '127.0.0.1', begin: (socket) => socket.write(header((next += 1))) });
  await eventually('the bound of the /64', async () => (await count(gateway, 'portcullis_connections_refused_total', { reason: 'connections_per_address' })) > 0);
  // Another subscriber still has its place.
  const socket = net.connect(gateway.port, '127.0.0.1');
  const ends = Buffer.alloc(36);
  Buffer.from('20010db8000100030000000000000001', 'hex').copy(ends);
  Buffer.from('20010db800000000000000000000ffff', 'hex').copy(ends, 16);
  socket.write(Buffer.concat([v2(ends, { family: 0x21 }), Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')]));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  assert.match(Buffer.concat(chunks).toString('latin1'), /^HTTP\/1\.1 200 /);
  running.stop();
  await gateway.stop();
});

test('handshakes that stop half-way (half-open handshakes; RFC 8446 appendix E)', async () => {
  const gateway = await start({ handshake_timeout: '2s' }, secure);
  const hello = Buffer.from('1603010200010001fc0303', 'hex'); // the beginning of a ClientHello, and no more
  const running = attack(gateway.port, 60, { begin: (socket) => socket.write(hello) });
  await eventually('the attack to be under way', () => running.open >= 15);
  await assertOthersServed(gateway.port, trusting);
  await eventually('failed handshakes', async () => (await count(gateway, 'portcullis_tls_handshakes_failed_total', { listener: 'public', reason: 'timeout' })) > 0, { timeout: 10_000 });
  running.stop();
  await gateway.stop();
});

test('handshakes that fail, again and again, end in a ban (handshake flood; THC-SSL-DOS, 2011; CVE-2011-1473 OpenSSL)', async () => {
  const gateway = await start({}, secure, { bans: { counters: { handshakes: '20/1m' } } });
  const running = attack(gateway.port, 10, { begin: (socket) => socket.write('GET / HTTP/1.1\r\n\r\n') });
  const ban = await gateway.event('banned', 10_000);
  assert.deepEqual([ban.address, ban.reason], [kAttacker, 'handshakes']);
  await eventually('refusals at accept', async () => (await count(gateway, 'portcullis_connections_refused_total', { reason: 'banned' })) > 20);
  const failed = await count(gateway, 'portcullis_tls_handshakes_failed_total', { listener: 'public' });
  await assertOthersServed(gateway.port, trusting);
  assert.equal(await count(gateway, 'portcullis_tls_handshakes_failed_total', { listener: 'public' }), failed, 'not one more handshake was begun for it');
  running.stop();
  await gateway.stop();
});

test('whole handshakes without a request make room (idle TLS sessions; RFC 9112 9.5)', async () => {
  const gateway = await start({ connections: 10 }, secure);
  const sockets = [];
  for (let i = 0; i < 10; i += 1) {
    const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', ca: authority.ca, servername: 'localhost', localAddress: kAttacker });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    sockets.push(socket);
  }
  await assertOthersServed(gateway.port, trusting);
  for (const socket of sockets) socket.destroy();
  await gateway.stop();
});
