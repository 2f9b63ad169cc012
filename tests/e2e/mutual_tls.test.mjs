// Client certificates by real clients (RFC 8446 4.4.2, RFC 5280, RFC 9440): who is let in, what the
// upstream learns, and files that change under a running gateway.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { value, values } from '../support/bytes.mjs';
import { makeAuthority, shown } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { command, curl } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { openEvents } from '../support/event_source.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway, run } from '../support/gateway.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { metric, metrics } from '../support/metrics.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const kToken = 'the admin token of the mutual TLS tests';
const root = await makeAuthority({ name: 'Partners root' });
const partners = await makeAuthority({ name: 'Partners', parent: root });
const servers = await makeAuthority({ name: 'Servers' });
const server = await servers.issue('server', ['shop.test', 'other.test', '127.0.0.1']);
const issue = (name, options = {}) => partners.issue(name, [], { usage: 'clientAuth', chain: [partners.caFile], ...options });
const bolt = await issue('bolt', { uris: ['spiffe://partner.test/bolt'], emails: ['ops@bolt.test'] });
const nut = await issue('nut', { uris: ['spiffe://partner.test/nut'] });
const two = await issue('two', { uris: ['urn:a', 'urn:b'] });
const none = await issue('none', { emails: ['who@partner.test'] });
const crl = await partners.revocations('partners.crl');
const key = makeApiKey('nightly', { roles: ['all'] });
const upstream = await startUpstream();

function config({ tls: more = {}, api = {}, ...top } = {}) {
  return openConfig(upstream.target, {
    listener: { tls: { certificates: [server], client_ca: root.caFile, client_crl: crl, ...more } },
    authenticators: {
      partner: { mutual_tls: { subject: 'san.uri', roles: ['all'] } },
      machine: keyAuthenticator([key]),
    },
    roles: { all: ['root', 'one', 'two'] },
    api: { authenticate: ['partner', 'machine'], forward: { identity: { 'x-user': 'subject', 'x-roles': 'roles' } }, ...api },
    admin: { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' },
    ...top,
  });
}
const start = (first = config()) => Gateway.start(first, { env: { PORTCULLIS_TEST_TOKEN: kToken } });
const gateway = await start();
after(async () => {
  await gateway.stop();
  await upstream.stop();
  for (const one of [root, partners, servers]) await one.remove();
});

const plain = { ca: servers.ca, servername: 'shop.test' };
const as = async (who, more = {}) => ({ ...plain, ...(await shown(who)), ...more });
const ask = async (port, who, { path = '/', headers = {}, tls: more } = {}) =>
  request(port, path, { tls: who ? await as(who, more) : { ...plain, ...more }, headers: { host: 'shop.test', ...headers } });

test('a certificate makes an identity: subject, roles, log', async () => {
  const response = await ask(gateway.port, bolt);
  assert.equal(response.status, 200, response.text);
  assert.equal(value(response.json.fields, 'x-user'), 'partner|spiffe://partner.test/bolt');
  assert.equal(value(response.json.fields, 'x-roles'), 'all');
  const entry = await gateway.entry(response.header('x-request-id'));
  assert.equal(entry.subject, 'partner|spiffe://partner.test/bolt');
  assert.equal(entry.authenticator, 'partner');
});

test('curl shows a certificate and is let in, in TLS 1.2 and 1.3', async () => {
  for (const version of ['1.2', '1.3']) {
    const { code, stdout, stderr } = await curl('--cacert', servers.caFile, '--cert', bolt.cert, '--key', bolt.key, '--tls-max', version, '--resolve', `shop.test:${gateway.port}:127.0.0.1`, `https://shop.test:${gateway.port}/`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /partner\|spiffe:\/\/partner\.test\/bolt/);
  }
});

test('who shows no certificate may use another way in, and is told the ways', async () => {
  assert.equal((await ask(gateway.port, undefined, { headers: { 'x-api-key': key.key } })).status, 200);
  const refused = await ask(gateway.port);
  assertProblem(refused, 401, 'credentials-missing');
  assert.deepEqual(refused.headers('www-authenticate').sort(), ['ApiKey realm="echo", header="x-api-key"', 'ClientCertificate realm="echo"']);
});

for (const [name, who, headers, status, problem, reason] of [
  ['several names of the kind', two, {}, 401, 'credentials-invalid', /2 names of the kind san\.uri/],
  ['no name of the kind', none, {}, 401, 'credentials-invalid', /no san\.uri/],
  ['a certificate and a key', bolt, { 'x-api-key': key.key }, 400, 'ambiguous-credentials', /a client certificate and an API key/],
]) {
  test(`${name}: ${status}, and the log says why`, async () => {
    const refused = await ask(gateway.port, who, { headers });
    assertProblem(refused, status, problem);
    assert.equal(refused.headers('www-authenticate').length, 2);
    const entry = await gateway.entry(refused.header('x-request-id'));
    assert.match(entry.refusal.reason, reason);
    assert.equal(entry.refusal.rule, status === 401 ? 'authenticators.partner' : 'apis.echo.authenticate');
  });
}

for (const [kind, subject] of [
  ['san.email', 'partner|ops@bolt.test'],
  ['subject.dn', 'partner|CN=bolt'],
]) {
  test(`the subject may be ${kind}`, async () => {
    const own = await start(config({ authenticators: { partner: { mutual_tls: { subject: kind, roles: ['all'] } } }, api: { authenticate: ['partner'], forward: { identity: { 'x-user': 'subject' } } } }));
    assert.equal(value((await ask(own.port, bolt)).json.fields, 'x-user'), subject);
    await own.stop();
  });
}

test('a certificate without a role is known and may nothing', async () => {
  const own = await start(config({ authenticators: { partner: { mutual_tls: { subject: 'san.uri' } } }, api: { authenticate: ['partner'] } }));
  assertProblem(await ask(own.port, bolt), 403, 'forbidden');
  await own.stop();
});

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a resumed session keeps its certificate and its chain (${version})`, async () => {
    const own = await start(config({ api: { authenticate: ['partner'], forward: { client_certificate: 'chain', identity: { 'x-user': 'subject' } } } }));
    let session;
    for (const resumed of [false, true, true]) {
      const socket = tls.connect({ port: own.port, host: '127.0.0.1', session, maxVersion: version, ...(await as(bolt)) });
      socket.on('session', (next) => (session = next));
      await within('the handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
      assert.equal(socket.isSessionReused(), resumed);
      let text = '';
      socket.on('data', (chunk) => (text += chunk));
      socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n');
      await within('the answer', new Promise((resolve) => socket.once('close', resolve)));
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.match(text, /partner\|spiffe:\/\/partner\.test\/bolt/);
      assert.match(text, /client-cert-chain/);
    }
    await own.stop();
  });
}

test('client_certificate: what the upstream is shown is the certificate itself (RFC 9440)', async () => {
  const decode = (text) => new X509Certificate(Buffer.from(/^:([A-Za-z0-9+/]+=*):$/.exec(text)[1], 'base64')).subject;
  for (const [wanted, leaf, chain] of [
    [undefined, undefined, undefined],
    ['none', undefined, undefined],
    ['leaf', 'CN=bolt', undefined],
    ['chain', 'CN=bolt', ['CN=Partners']],
  ]) {
    const own = await start(config({ api: { authenticate: ['partner'], forward: wanted ? { client_certificate: wanted } : {} } }));
    const { fields } = (await ask(own.port, bolt)).json;
    assert.equal(values(fields, 'client-cert').length, leaf ? 1 : 0, wanted);
    if (leaf) assert.equal(decode(value(fields, 'client-cert')), leaf);
    assert.deepEqual(value(fields, 'client-cert-chain')?.split(', ').map(decode), chain);
    await own.stop();
  }
});

// ---- files that change

async function renewable() {
  const folder = partners.folder;
  const files = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key'), crl: join(folder, 'live.crl'), ca: join(folder, 'live-ca.pem') };
  await copyFile(server.cert, files.cert);
  await copyFile(server.key, files.key);
  await copyFile(crl, files.crl);
  await copyFile(root.caFile, files.ca);
  return files;
}
const replace = async (file, content) => {
  await writeFile(`${file}.next`, content);
  await rename(`${file}.next`, file);
};
const live = (files) => config({ tls: { certificates: [{ cert: files.cert, key: files.key }], client_ca: files.ca, client_crl: files.crl } });

test('a new revocation list is taken without a reload, on open connections and in resumption too', async () => {
  const files = await renewable();
  const own = await start(live(files));
  let session;
  const socket = tls.connect({ port: own.port, host: '127.0.0.1', ...(await as(bolt)) });
  socket.on('session', (next) => (session = next));
  await within('the handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  const send = () => socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
  send();
  await eventually('the first answer', () => text.includes('HTTP/1.1 200') && session);

  const from = own.events.length;
  await replace(files.crl, await readFile(await partners.revocations('next.crl', [bolt])));
  await own.event('certificates_renewed', 8000, from);
  text = '';
  send();
  await eventually('the second answer', () => text.includes('HTTP/1.1 401'));
  socket.destroy();
  await assert.rejects(ask(own.port, bolt));
  await assert.rejects(ask(own.port, bolt, { tls: { session } }));
  assert.equal((await ask(own.port, nut)).status, 200, 'others are not concerned');
  const line = await own.event('client_certificate_refused');
  assert.match(line.reason, /revoked/);
  await eventually('both to be counted', async () => (await metric(own.admin, kToken, 'portcullis_client_certificates_refused_total', { reason: 'revoked' })) === 2);
  assert.ok(!own.events.slice(from).some((e) => e.event === 'reloaded'));
  await own.stop();
});

const sendEvents = () =>
  startUpstream((_incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: tick\n\n'), 20);
    response.once('close', () => clearInterval(timer));
  });
const listen = async (port, who) => {
  const stream = await openEvents(port, '/', { headers: { host: 'shop.test' }, tls: await as(who) });
  assert.equal(stream.status, 200);
  await stream.next();
  return stream;
};

test('a new revocation list ends the streams of whom it names, and of nobody else', async () => {
  const files = await renewable();
  const source = await sendEvents();
  const own = await start({ ...live(files), upstreams: { echo: { targets: [source.target] } } });
  const [revoked, other] = await Promise.all([listen(own.port, bolt), listen(own.port, nut)]);
  const from = own.events.length;
  await replace(files.crl, await readFile(await partners.revocations('next.crl', [bolt])));
  await own.event('certificates_renewed', 8000, from);
  assert.equal(await within('the end', revoked.ended), 'abort', 'cut off, as by a shutdown');
  const entry = await own.entry((e) => e.ended);
  assert.equal(entry.ended, 'revoked');
  assert.equal(entry.subject, 'partner|spiffe://partner.test/bolt');
  await other.next();
  assert.equal(await metric(own.admin, kToken, 'portcullis_streams', { kind: 'events' }), 1);
  other.close();
  await own.stop();
  await source.stop();
});

test('a stream does not outlast the revocation list by which it was let in', async () => {
  const source = await sendEvents();
  const brief = await partners.revocations('brief.crl', [], { ends: 6 });
  const own = await start({ ...config({ tls: { client_crl: brief } }), upstreams: { echo: { targets: [source.target] } } });
  const stream = await listen(own.port, bolt);
  assert.equal(await within('the end', stream.ended, 10_000), 'end');
  assert.equal((await own.entry((e) => e.ended)).ended, 'expired');
  await own.stop();
  await source.stop();
});

test('a broken new file is told of once, and changes nothing; the others are renewed all the same', async () => {
  const files = await renewable();
  const own = await start(live(files));
  let from = own.events.length;
  await replace(files.cert, 'not a certificate\n');
  const told = await own.event('certificate_not_renewed', 8000, from);
  assert.match(told.place, /portcullis\.yaml:\d+$/);
  assert.match(told.reason, /live\.pem/);
  assert.match(told.remedy, /good file/);
  assert.equal((await ask(own.port, bolt)).status, 200);

  from = own.events.length;
  await replace(files.crl, await readFile(await partners.revocations('next.crl', [nut])));
  await own.event('certificates_renewed', 8000, from);
  await assert.rejects(ask(own.port, nut));
  assert.equal((await ask(own.port, bolt)).status, 200, 'the certificate from before is still shown');

  from = own.events.length;
  const renewed = await servers.issue('renewed', ['shop.test', '127.0.0.1']);
  await replace(files.cert, await readFile(renewed.cert));
  await replace(files.key, await readFile(renewed.key));
  await own.event('certificates_renewed', 8000, from);
  const socket = tls.connect({ port: own.port, host: '127.0.0.1', ...plain });
  await within('the handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
  assert.equal(socket.getPeerCertificate().subject.CN, 'renewed');
  socket.destroy();
  assert.equal(own.events.filter((e) => e.event === 'certificate_not_renewed' && e.reason.includes('no certificate')).length, 1);
  await own.stop();
});

test('a revocation list that has run out refuses certificates, and says so at start; others are served', async () => {
  const old = await partners.revocations('old.crl', [], { begins: -7200, ends: -60 });
  const own = await start(config({ tls: { client_crl: old } }));
  const warned = own.events.find((e) => e.event === 'configuration' && e.key === 'listeners.public.tls.client_crl');
  assert.match(warned.message, /out of date/);
  await assert.rejects(ask(own.port, bolt));
  await eventually('the count', async () => (await metric(own.admin, kToken, 'portcullis_client_certificates_refused_total', { reason: 'list_expired' })) >= 1);
  assert.equal((await ask(own.port, undefined, { headers: { 'x-api-key': key.key } })).status, 200);
  await own.stop();
});

test('the end of every certificate file is a metric', async () => {
  const ends = (await metrics(gateway.admin, kToken)).filter((s) => s.name === 'portcullis_certificate_expiry_timestamp_seconds');
  assert.deepEqual(ends.map((s) => s.labels.kind).sort(), ['client_ca', 'client_crl', 'server']);
  const leaf = ends.find((s) => s.labels.kind === 'server');
  assert.equal(leaf.labels.file, server.cert);
  assert.equal(leaf.value, Date.parse(new X509Certificate(await readFile(server.cert)).validTo) / 1000);
});

test('check warns of certificates that end within thirty days, with the line of the key', async () => {
  const soon = await servers.issue('soon', ['shop.test'], { ends: 10 * 86_400 });
  const gone = await servers.issue('gone', ['shop.test'], { begins: -7200, ends: -3600 });
  const own = await start(config({ tls: { certificates: [soon, gone] } }));
  const { code, stderr } = await run(['check', '-c', own.file], { env: { PORTCULLIS_TEST_TOKEN: kToken } });
  assert.equal(code, 0, stderr);
  const lines = (await readFile(own.file, 'utf8')).split('\n');
  const line = (path) => lines.findIndex((text) => text.includes(path)) + 1;
  assert.match(stderr, new RegExp(`portcullis\\.yaml:${line('soon.pem')}:\\d+: warning: listeners\\.public\\.tls\\.certificates\\[0\\]: .*soon\\.pem expires on .*, in (9|10) days: renew it`));
  assert.match(stderr, new RegExp(`portcullis\\.yaml:${line('gone.pem')}:\\d+: warning: .*gone\\.pem has expired on `));
  assert.doesNotMatch(stderr, /client_ca/);
  await own.stop();
});

test('a certificate is asked for, and those that are good for it are named', async () => {
  const { stdout } = await command('openssl', ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-CAfile', servers.caFile], { input: '' });
  assert.match(stdout, /Acceptable client certificate CA names\s+CN = Partners root/);
});
