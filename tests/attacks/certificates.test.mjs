// Client certificates that must open nothing, and sessions that must carry nobody to where they were not
// made.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { values } from '../support/bytes.mjs';
import { makeAuthority, rawName, selfSigned, shown } from '../support/certificates.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { converse } from '../support/raw_client.mjs';
import { startRawUpstream } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const root = await makeAuthority({ name: 'Partners root' });
const partners = await makeAuthority({ name: 'Partners', parent: root });
const others = await makeAuthority({ name: 'Others' });
const servers = await makeAuthority({ name: 'Servers' });
const server = await servers.issue('server', ['partners.test', 'shop.test', 'open.test', '127.0.0.1']);
const issue = (name, options = {}) => partners.issue(name, [], { usage: 'clientAuth', uris: [`urn:${name}`], chain: [partners.caFile], ...options });
const bolt = await issue('bolt');
const revoked = await issue('revoked');
const crl = await partners.revocations('partners.crl', [revoked]);
const upstream = await startRawUpstream();

const other = await others.issue('stranger', [], { usage: 'clientAuth', uris: ['urn:stranger'] });
const leafSigned = await (async () => {
  const leaf = await issue('middle');
  const below = await makeAuthority({ name: 'Below' });
  // The leaf's key signs as if it were an authority's.
  await writeFile(join(below.folder, 'ca.pem'), await readFile(leaf.cert));
  await writeFile(join(below.folder, 'ca.key'), await readFile(leaf.key));
  const made = await below.issue('below', [], { usage: 'clientAuth', uris: ['urn:bolt'], chain: [leaf.cert] });
  after(() => below.remove());
  return made;
})();
const deep = await (async () => {
  let above = partners;
  const files = [partners.caFile];
  for (let i = 0; i < 5; i += 1) {
    above = await makeAuthority({ name: `Depth ${i}`, parent: above });
    const { remove } = above;
    after(remove);
    files.unshift(above.caFile);
  }
  return above.issue('deep', [], { usage: 'clientAuth', uris: ['urn:deep'], chain: files });
})();
const large = await issue('large', { uris: Array.from({ length: 800 }, (_, i) => `urn:large:${i}:${'x'.repeat(40)}`) });
const expired = await issue('expired', { begins: -7200, ends: -60 });
const early = await issue('early', { begins: 3600 });
const self = await selfSigned(others.folder, 'self', 'subjectAltName=URI:urn:bolt');
const ofServer = await issue('purpose', { usage: 'serverAuth' });
const two = Buffer.concat([Buffer.from([0x30, 18, 0x86, 8]), Buffer.from('urn:bolt'), Buffer.from([0x82, 6]), Buffer.from('a\0.com')]);
const odd = {};
for (const [name, raw] of [
  ['NUL in a URI', rawName(0x86, 'urn:bolt\0.evil')],
  ['a line break in a URI', rawName(0x86, 'urn:bolt\r\nX-User: admin')],
  ['NUL in a host beside a good URI', `DER:${two.toString('hex')}`],
  ['an empty URI', rawName(0x86, '')],
]) {
  odd[name] = await issue(`odd-${name.replace(/\W/g, '-')}`, { raw, uris: [] });
}

const secured = (more = {}) => ({ address: '127.0.0.1:0', tls: { certificates: [server], client_ca: root.caFile, client_crl: crl, ...more } });
const route = (operation, more = {}) => ({ path: '/{a}', methods: ['GET', 'POST'], operation, ...more });
const gateway = await Gateway.start({
  version: 1,
  workers: 1,
  listeners: { public: secured(), second: secured() },
  authenticators: { partner: { mutual_tls: { subject: 'san.uri', roles: ['partner'] } } },
  roles: { partner: ['partners.read', 'shop.read', 'inner.read'] },
  apis: {
    partners: { listeners: ['public'], hosts: ['partners.test'], upstream: 'echo', authenticate: ['partner'], forward: { identity: { 'x-user': 'subject' }, client_certificate: 'chain' }, routes: [route('read')] },
    shop: { listeners: ['public'], hosts: ['shop.test', '127.0.0.1'], upstream: 'echo', authenticate: ['partner'], forward: { identity: { 'x-user': 'subject' } }, routes: [route('read')] },
    inner: { listeners: ['second'], upstream: 'echo', authenticate: ['partner'], routes: [route('read')] },
    open: { listeners: ['public'], hosts: ['open.test'], upstream: 'echo', authenticate: 'none', routes: [route('read')] },
  },
  upstreams: { echo: { targets: [upstream.target] } },
  log: { access: { to: 'stdout', format: 'json' } },
});
after(async () => {
  await gateway.stop();
  await upstream.stop();
  for (const one of [root, partners, others, servers]) await one.remove();
});

const get = (host, fields = '') => `GET /x HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;
const port = (listener = 'public') => gateway.listeners[listener];

/** What comes of one connection: { up, reused, text, session }. */
async function visit({ to = port(), who, servername = 'partners.test', host = servername, session, version = 'TLSv1.3' }) {
  const socket = tls.connect({ port: to, host: '127.0.0.1', ca: servers.ca, servername, session, maxVersion: version, checkServerIdentity: () => undefined, ...(who && (await shown(who))) });
  const outcome = { up: false, text: '' };
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', (error) => (outcome.error = error));
  socket.on('session', (next) => (outcome.session = next));
  socket.on('data', (chunk) => (outcome.text += chunk));
  socket.once('secureConnect', () => {
    outcome.up = true;
    outcome.reused = socket.isSessionReused();
    socket.write(get(host, 'Connection: close\r\n'));
  });
  await within('the end of the connection', ended);
  outcome.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(outcome.text)?.[1] ?? 0);
  return outcome;
}

test('the certificate that the others are measured by is let in', async () => {
  const { status } = await visit({ who: bolt });
  assert.equal(status, 200);
});

// ---- handshakes that end

for (const [name, reference, who, reason] of [
  ['revoked', 'RFC 5280 6.3', revoked, /revoked/],
  ['expired', 'RFC 5280 6.1.3', expired, /expired/],
  ['not valid yet', 'RFC 5280 6.1.3', early, /not valid yet/],
  ['of another authority', 'CWE-295', other, /not known/],
  ['signed by itself', 'CWE-295', self, /self-signed/],
  ['of a server (wrong purpose)', 'RFC 5280 4.2.1.12', ofServer, /purpose/],
  ['of an authority: an intermediate as a client', 'RFC 5280 4.2.1.9', { cert: partners.caFile, key: join(partners.folder, 'ca.key') }, /purpose/],
  ['signed by a certificate that may not sign', 'CVE-2002-0862; RFC 5280 4.2.1.9', leafSigned, /purpose/],
  ['at the end of too long a chain', 'CWE-400', deep, /too many/],
  ['larger than what is read', 'CWE-400', large, undefined],
]) {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`a certificate ${name}: the handshake ends (${version}; ${reference})`, async () => {
      const [before, events] = [upstream.requests.length, gateway.events.length];
      // One line a second is written; what came before must not hide this one.
      const outcome = await visit({ who, version });
      assert.equal(outcome.text, '');
      assert.ok(outcome.error || !outcome.up);
      assert.equal(upstream.requests.length, before);
      if (reason) {
        await eventually('a line that says why', async () => {
          const line = gateway.events.slice(events).find((e) => e.event === 'client_certificate_refused');
          if (!line) await visit({ who, version });
          else assert.match(line.reason, reason);
          return line;
        });
      }
      assert.equal((await visit({ who: bolt })).status, 200, 'others are let in');
    });
  }
}

// ---- names that could be read in two ways

for (const [name, who] of Object.entries(odd)) {
  test(`${name}: the certificate is no identity (CVE-2009-2408; CVE-2021-44532 Node)`, async () => {
    const before = upstream.requests.length;
    const { status, text } = await visit({ who });
    assert.equal(status, 401, text);
    assert.match(text, /credentials-invalid/);
    assert.equal(upstream.requests.length, before);
  });
}

// ---- sessions

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  for (const [name, elsewhere] of [
    ['another host of the listener', { servername: 'shop.test' }],
    ['no host', { servername: '', host: 'partners.test' }],
    ['another listener', { to: port('second') }],
  ]) {
    test(`a session is not resumed for ${name} (${version}; CVE-2025-23419 nginx, CVE-2025-23048 httpd)`, async () => {
      const first = await visit({ who: bolt, version });
      assert.equal(first.status, 200);
      assert.ok(first.session);
      const before = upstream.requests.length;
      const second = await visit({ session: first.session, version, ...elsewhere });
      assert.ok(!second.reused, 'the session was resumed');
      assert.notEqual(second.status, 200, second.text);
      assert.equal(upstream.requests.length, before);
      const again = await visit({ session: first.session, version });
      assert.equal(again.reused, true, 'where it was made, it is worth what it was');
      assert.equal(again.status, 200);
    });
  }
}

for (const [name, servername, host, status] of [
  ['a host that wants certificates, from another such host', 'shop.test', 'partners.test', 421],
  ['the same, to an address', 'partners.test', '127.0.0.1', 421],
  ['a host, on a connection that named none', '', 'partners.test', 421],
  ['the address, on a connection that named none', '', '127.0.0.1', 200],
  ['a host that wants none', 'partners.test', 'open.test', 200],
]) {
  test(`Host is not the name of the handshake: ${name}: ${status} (CVE-2025-23048 httpd; RFC 9110 15.5.20)`, async () => {
    const before = upstream.requests.length;
    const outcome = await visit({ who: bolt, servername, host });
    assert.equal(outcome.status, status, outcome.text);
    if (status === 421) assert.match(outcome.text, /urn:portcullis:problem:misdirected/);
    assert.equal(upstream.requests.length - before, status === 200 ? 1 : 0);
  });
}

// ---- fields that only we may set

const kSpoofs = [
  ['plain', 'Client-Cert: :AAAA:\r\nClient-Cert-Chain: :AAAA:, :AAAA:\r\n'],
  ['in other letters, many times', 'CLIENT-CERT: :AAAA:\r\nclient-cert: :BBBB:\r\nClient-cert-Chain: :AAAA:\r\n'],
  ['with underscores', 'Client_Cert: :AAAA:\r\nclient_cert_chain: :AAAA:\r\nclient-cert_chain: :AAAA:\r\n'],
  ['named by Connection', 'Connection: client-cert, client-cert-chain\r\nClient-Cert: :AAAA:\r\n'],
];
for (const [name, fields] of kSpoofs) {
  for (const [to, who] of [['partners.test', bolt], ['open.test', bolt], ['open.test', undefined]]) {
    test(`Client-Cert from outside (${name}; to ${to}, ${who ? 'with' : 'without'} a certificate): the upstream sees ours or none (RFC 9440 4)`, async () => {
      const before = upstream.requests.length;
      const { responses } = await converse(port(), get(to, fields), { tlsOptions: { ca: servers.ca, servername: to, ...(who && (await shown(who))) } });
      assert.equal(responses[0].status, 200, responses[0].text);
      const seen = upstream.requests[before].fields.map(([n, v]) => [n.replaceAll('_', '-'), v]);
      const [leaf, chain] = [values(seen, 'client-cert'), values(seen, 'client-cert-chain')];
      assert.equal(leaf.length, to === 'partners.test' ? 1 : 0);
      assert.equal(chain.length, leaf.length);
      for (const text of [...leaf, ...chain]) assert.match(text, /^:MII[A-Za-z0-9+/=]{100,}:$/);
    });
  }
}

test('Client-Cert as a trailer does not go on (RFC 9110 6.5.1)', async () => {
  const before = upstream.requests.length;
  const body = `POST /x HTTP/1.1\r\nHost: open.test\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nClient-Cert: :AAAA:\r\nClient_Cert: :AAAA:\r\nX-Sum: 7\r\n\r\n`;
  const { responses } = await converse(port(), body, { tlsOptions: { ca: servers.ca, servername: 'open.test' } });
  if (responses[0].status !== 400) {
    assert.equal(responses[0].status, 200);
    assert.deepEqual(upstream.requests[before].trailers, [['x-sum', '7']]);
  }
});

test('an identity field as a certificate would fill it, without one: 401, nothing upstream (CWE-290)', async () => {
  const before = upstream.requests.length;
  const { responses } = await converse(port(), get('partners.test', 'X-User: partner|urn:bolt\r\nClient-Cert: :AAAA:\r\nX-SSL-Client-Verify: SUCCESS\r\n'), { tlsOptions: { ca: servers.ca, servername: 'partners.test' } });
  assertProblem(responses[0], 401, 'credentials-missing');
  assert.equal(upstream.requests.length, before);
});
