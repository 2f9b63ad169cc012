// RFC 9113 section 3: how HTTP/2 begins, in clear text and over TLS.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { startTarget } from '../support/attack.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { assertOutcome, connectionError, either, ended, expectStillServes, startHttp2Target } from '../support/h2_expect.mjs';
import { Peer, frame, get, headers, kFlag, kPreface, kType, ping, settings } from '../support/h2_raw.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { eventually, within } from '../support/wait.mjs';

const target = await startHttp2Target({ listener: { limits: { head_timeout: '1s' } } });
const authority = await makeAuthority();
const certificate = await authority.issue('a.test', ['a.test', '127.0.0.1']);
const secure = { certificates: [certificate] };
const encrypted = await startHttp2Target({ listener: { tls: secure, limits: { head_timeout: '1s' } } });
const older = await startTarget({ listener: { tls: secure, protocols: ['http/1.1'] } });
const only = await startHttp2Target({ listener: { tls: secure, protocols: ['h2'] } });
after(() => authority.remove());
const tlsOptions = { ca: authority.ca, servername: 'a.test' };
const over = (fields = {}) => get('/x', [], { scheme: 'https', ...fields });

// 3.4: the preface of the client.
const request1 = headers(1, get(), { end: true });
for (const [name, bytes, expect] of [
  ['another method', Buffer.from('PRX * HTTP/2.0\r\n\r\nSM\r\n\r\n'), ended('PROTOCOL_ERROR')],
  ['another version', Buffer.from('PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n'), ended('PROTOCOL_ERROR')],
  ['another second half', Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), ended('PROTOCOL_ERROR')],
  ['bare LF', Buffer.from('PRI * HTTP/2.0\n\nSM\n\n'), ended('PROTOCOL_ERROR')],
  ['small letters', Buffer.from('pri * http/2.0\r\n\r\nsm\r\n\r\n'), ended('PROTOCOL_ERROR')],
  ['a target', Buffer.from('PRI /x HTTP/2.0\r\nHost: a.test\r\n\r\nSM\r\n\r\n'), ended('PROTOCOL_ERROR')],
]) {
  for (const [where, of, more] of [['clear text', target, {}], ['TLS', encrypted, { tlsOptions }]]) {
    test(`RFC 9113 3.4: a preface with ${name} ends the connection (${where})`, async () => {
      const before = of.upstream.requests.length;
      const peer = await Peer.open(of.port, { preface: null, ...more });
      peer.send(bytes, settings(), request1);
      // In clear text it is a bad request of HTTP/1.1, and may be answered as one before the end.
      const text = [];
      peer.socket.on('data', (chunk) => text.push(chunk));
      await eventually('the end of the connection', () => peer.ended);
      const said = Buffer.concat(text).toString('latin1');
      if (said.startsWith('HTTP/1.1 ')) assert.match(said, /^HTTP\/1\.1 (400|505|501) /);
      else if (peer.goaway) assertOutcome({ kind: 'goaway', ...peer.goaway }, expect);
      assert.equal(of.upstream.requests.length, before);
    });
  }
}

test('RFC 9113 3.4: after the preface comes SETTINGS and nothing else', async () => {
  for (const first of [ping(), request1, frame(0xfa, 0, 0), settings([], { flags: kFlag.ACK }), frame(kType.WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1]))]) {
    const peer = await Peer.open(target.port, { preface: null });
    peer.send(kPreface, first, headers(3, get(), { end: true }));
    const outcome = await peer.outcome(3);
    assertOutcome(outcome, ended('PROTOCOL_ERROR'), `first frame ${first[3]}`);
    await peer.closed();
  }
  await expectStillServes(target);
});

test('RFC 9113 3.4: the server speaks first with SETTINGS, also before the client has said more than the preface', async () => {
  const peer = await Peer.open(target.port, { preface: null });
  peer.send(kPreface);
  await peer.ready();
  assert.equal(peer.frames[0].type, kType.SETTINGS);
  peer.destroy();
});

test('RFC 9113 3.4: requests may follow at once, octet by octet', async () => {
  const peer = await Peer.open(target.port, { preface: null });
  for (const octet of Buffer.concat([kPreface, settings(), request1])) peer.socket.write(Buffer.from([octet]));
  assert.equal((await peer.response(1)).status, 200);
  peer.destroy();
});

for (const [where, of, more] of [['clear text', target, {}], ['TLS', encrypted, { tlsOptions }]]) {
  test(`RFC 9113 3.4: half a preface and then nothing is given up after head_timeout (${where})`, async () => {
    for (const count of [1, 3, 14, 23]) {
      const peer = await Peer.open(of.port, { preface: null, ...more });
      peer.send(kPreface.subarray(0, count));
      await eventually('the end of the connection', () => peer.ended);
      peer.destroy();
    }
  });
}

test('RFC 9113 3.3: HTTP/1.1 is served on the same listener', async () => {
  assert.equal((await request(target.port, '/x')).status, 200);
  assert.equal((await request(encrypted.port, '/x', { tls: { ...tlsOptions } })).status, 200);
});

test('RFC 9113 3.1: Upgrade: h2c is not understood; the request is served as HTTP/1.1, and HTTP2-Settings goes no further', async () => {
  const { responses } = await converse(target.port, 'GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n', { quiet: 50 });
  assert.equal(responses[0].status, 200);
  assert.deepEqual(target.upstream.violations, []);
});

test('RFC 9113 3.4: where `protocols` has no h2, the preface is no HTTP/1.1 request', async () => {
  const plain = await startTarget({ listener: { protocols: ['http/1.1'] } });
  const client = await RawClient.connect(plain.port);
  client.send(Buffer.concat([kPreface, settings()]));
  assert.ok([400, 501, 505].includes((await client.response()).status));
  assert.notEqual(await client.state(2000), 'open');
  client.destroy();
});

// ALPN (RFC 7301; RFC 9113 3.2).
for (const [name, of, offered, chosen] of [
  ['h2 first', encrypted, ['h2', 'http/1.1'], 'h2'],
  ['h2 alone', encrypted, ['h2'], 'h2'],
  ['HTTP/1.1 alone', encrypted, ['http/1.1'], 'http/1.1'],
  ['HTTP/1.1 before h2: the order of the listener decides', encrypted, ['http/1.1', 'h2'], 'h2'],
  ['something unknown besides', encrypted, ['foo', 'h2'], 'h2'],
  ['nothing', encrypted, undefined, false],
  ['h2, where it is not configured', older, ['h2', 'http/1.1'], 'http/1.1'],
]) {
  test(`RFC 9113 3.2: ALPN: a client offers ${name}`, async () => {
    const socket = tls.connect({ port: of.port, host: '127.0.0.1', ...tlsOptions, ALPNProtocols: offered });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    assert.equal(socket.alpnProtocol, chosen);
    socket.destroy();
  });
}

for (const [name, of, offered] of [['h2 alone, where only HTTP/1.1 is served', older, ['h2']], ['HTTP/1.1 alone, where only h2 is served', only, ['http/1.1']]]) {
  test(`RFC 7301 3.2: ALPN: a client offers ${name}: the handshake fails, or nothing is chosen`, async () => {
    const socket = tls.connect({ port: of.port, host: '127.0.0.1', ...tlsOptions, ALPNProtocols: offered });
    const chosen = await new Promise((resolve) => socket.once('secureConnect', () => resolve(socket.alpnProtocol)).once('error', () => resolve('refused')));
    assert.ok(['refused', false].includes(chosen), String(chosen));
    socket.destroy();
  });
}

test('RFC 9113 3.2: a client that chose HTTP/1.1 in ALPN and sends the preface is refused', async () => {
  const client = await RawClient.connect(encrypted.port, { tlsOptions: { ...tlsOptions, ALPNProtocols: ['http/1.1'] } });
  client.send(Buffer.concat([kPreface, settings(), request1]));
  assert.ok([400, 501, 505].includes((await client.response()).status));
  client.destroy();
});

test('RFC 9113 3.2: a client that chose h2 in ALPN and sends HTTP/1.1 is not served', async () => {
  const before = encrypted.upstream.requests.length;
  const peer = await Peer.open(encrypted.port, { tlsOptions, preface: null });
  peer.send(Buffer.from('GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n'));
  await peer.closed();
  assert.equal(encrypted.upstream.requests.length, before);
  assert.ok(peer.goaway === undefined || peer.goaway.code === 1);
});

// 9.2: TLS of HTTP/2.
test('RFC 9113 9.2.1 and 9.2.2: TLS 1.2 is served with a suite that is not prohibited', async () => {
  const peer = await Peer.open(encrypted.port, { tlsOptions: { ...tlsOptions, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } });
  assert.equal((await peer.request(1, over())).status, 200);
  peer.destroy();
});

test('RFC 9113 9.2.2: a prohibited suite of TLS 1.2 ends with INADEQUATE_SECURITY, or is never agreed on', async () => {
  let peer;
  try {
    peer = await Peer.open(encrypted.port, { tlsOptions: { ...tlsOptions, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' } });
  } catch {
    return; // the handshake failed: good
  }
  peer.send(headers(1, over(), { end: true }));
  if (peer.socket.alpnProtocol === 'h2') assertOutcome(await peer.outcome(1), either(connectionError('INADEQUATE_SECURITY'), { closed: true }));
  peer.destroy();
});

test('RFC 9113 9.1.1 and RFC 9110 7.4: a request for another host than the certificate and the API know is refused', async () => {
  const named = await startHttp2Target({ listener: { tls: secure }, api: { hosts: ['a.test'] } });
  const peer = await Peer.open(named.port, { tlsOptions });
  assert.equal((await peer.request(1, over())).status, 200);
  assert.ok([404, 421].includes((await peer.request(3, over({ authority: 'b.test' }))).status));
  assert.equal((await peer.request(5, over())).status, 200);
  peer.destroy();
});

test('RFC 9113 9.2.3: a renegotiation cannot be asked for (CVE-2009-3555)', async () => {
  const peer = await Peer.open(encrypted.port, { tlsOptions: { ...tlsOptions, maxVersion: 'TLSv1.2' } });
  assert.equal((await peer.request(1, over())).status, 200);
  const outcome = await within('what becomes of it', new Promise((resolve) => {
    for (const event of ['error', 'close']) peer.socket.once(event, () => resolve('refused'));
    if (!peer.socket.renegotiate({}, (error) => resolve(error ? 'refused' : 'done'))) resolve('refused');
  }), 10_000);
  assert.equal(outcome, 'refused');
  peer.destroy();
  await expectStillServes({ port: target.port });
});

