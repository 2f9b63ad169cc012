// HTTP/2 with real clients: Node's http2, curl, nghttp and h2load; and the same requests over both versions.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { once } from 'node:events';
import http2 from 'node:http2';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { command } from '../support/command.mjs';
import { anyRoutes, openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { Peer, data, get, headers } from '../support/h2_raw.mjs';
import { deep } from '../support/paths.mjs';
import { Response } from '../support/raw_client.mjs';
import { pairs, startUpstream } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const kMiB = 1024 * 1024;
const kBlock = Buffer.alloc(64 * 1024, 'portcullis');
const held = [];
const closedUpstream = [];

/** Writes `size` octets at the pace at which they are taken. */
async function pour(stream, size) {
  for (let sent = 0; sent < size && !stream.destroyed; sent += kBlock.length) await new Promise((taken) => void stream.write(kBlock.subarray(0, Math.min(kBlock.length, size - sent)), taken));
}

const upstream = await startUpstream((incoming, response) => {
  const [, what, arg] = incoming.url.split('/');
  response.on('close', () => closedUpstream.push(incoming.url));
  if (what === 'held') return void held.push(response);
  if (what === 'big') return void pour(response, Number(arg)).then(() => response.end());
  if (what === 'status') return void response.writeHead(Number(arg), { etag: '"x"' }).end();
  if (what === 'count') {
    let bytes = 0;
    incoming.on('data', (chunk) => (bytes += chunk.length));
    incoming.on('end', () => response.end(String(bytes)));
    return undefined;
  }
  if (what === 'hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
  if (what === 'events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 0\n\n');
    held.push(response);
    return undefined;
  }
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', () => {
    if (what === 'trailers') response.writeHead(200, { trailer: 'x-t' });
    const body = JSON.stringify({ method: incoming.method, url: incoming.url, fields: pairs(incoming.rawHeaders), body: Buffer.concat(chunks).toString('latin1'), trailers: pairs(incoming.rawTrailers) });
    if (what === 'trailers') response.addTrailers({ 'x-t': 'yes' });
    response.end(body);
  });
  return undefined;
});
const authority = await makeAuthority();
const certificate = await authority.issue('a.test', ['localhost', '127.0.0.1']);
const both = { protocols: ['h2', 'http/1.1'] };
const roomy = { body_size: '8GiB', timeout: '60s' };
const clear = await Gateway.start(openConfig(upstream.target, { listener: both, api: roomy }));
// What a sanitizer keeps of freed memory is no growth of ours.
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` };
const secure = await Gateway.start(openConfig(upstream.target, { listener: { ...both, tls: { certificates: [certificate] } }, api: roomy }), { env });
after(async () => {
  held.splice(0).forEach((response) => response.destroy());
  await clear.stop();
  await secure.stop();
  await upstream.stop();
  await authority.remove();
});

async function connect(gateway = secure, options = {}) {
  const session = http2.connect(`${gateway === clear ? 'http' : 'https'}://localhost:${gateway.port}`, { ca: authority.ca, lookup: (_host, o, done) => (o.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)), ...options });
  session.on('error', () => {});
  await within('a session', once(session, 'connect'));
  return session;
}

/** One request of a session: a Response. */
function ask(session, path, { method = 'GET', headers: extra = {}, body, trailers, ...more } = {}) {
  const stream = session.request({ ':method': method, ':path': path, ...extra }, { endStream: body === undefined && !trailers, waitForTrailers: trailers !== undefined, ...more });
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  if (body !== undefined || trailers) stream.end(body);
  const informational = [];
  stream.on('headers', (fields) => informational.push(fields));
  const done = new Promise((resolve, reject) => {
    const chunks = [];
    let [head, raw, tail] = [undefined, [], {}];
    stream.on('response', (fields, _flags, list) => ([head, raw] = [fields, list]));
    stream.on('trailers', (fields) => (tail = { ...fields }));
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      if (!head) return reject(new Error(`${path}: ended without an answer`));
      return resolve(new Response({ status: head[':status'], fields: pairs(raw).filter(([name]) => !name.startsWith(':')), trailers: tail, informational, body: Buffer.concat(chunks) }));
    });
  });
  return Object.assign(within(`${method} ${path}`, done, 20_000), { stream });
}
const close = (session) => new Promise((resolve) => session.close(resolve));
const release = (text = 'at last') => held.splice(0).forEach((response) => response.end(text));

for (const [where, gateway] of [['clear text, prior knowledge', clear], ['TLS, ALPN', secure]]) {
  test(`Node: a thousand requests on one connection, a hundred at a time (${where})`, async () => {
    const session = await connect(gateway);
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(session, `/r/${round}/${i}`)));
      answers.forEach((answer, i) => assert.equal(answer.json.url, `/r/${round}/${i}`));
    }
    await close(session);
  });

  test(`Node: a body up and its echo down (${where})`, async () => {
    const session = await connect(gateway);
    assert.equal((await ask(session, '/x', { method: 'POST', body: 'hello' })).json.body, 'hello');
    await close(session);
  });
}

test('Node: trailers both ways', async () => {
  const session = await connect();
  const answer = await ask(session, '/trailers', { method: 'POST', body: 'a', headers: { te: 'trailers', trailer: 'x-up' }, trailers: { 'x-up': '1' } });
  assert.equal(answer.trailers['x-t'], 'yes');
  assert.equal(answer.json.body, 'a');
  await close(session);
});

test('Node: 103 arrives before the answer', async () => {
  const session = await connect();
  const answer = await ask(session, '/hints');
  assert.deepEqual(answer.informational.map((i) => i[':status']), [103]);
  assert.equal(answer.status, 200);
  await close(session);
});

test('Node: HEAD, 204 and 304 have no body', async () => {
  const session = await connect();
  for (const [method, path, status] of [['HEAD', '/x', 200], ['GET', '/status/204', 204], ['GET', '/status/304', 304]]) {
    const answer = await ask(session, path, { method });
    assert.deepEqual([answer.status, answer.body.length], [status, 0], path);
  }
  await close(session);
});

test('Node: crumbs of cookies reach the upstream as one field', async () => {
  const session = await connect();
  const answer = await ask(session, '/x', { headers: { cookie: ['a=1', 'b=2', 'c=3'] } });
  assert.deepEqual(answer.json.fields.filter(([name]) => name === 'cookie'), [['cookie', 'a=1; b=2; c=3']]);
  await close(session);
});

test('a slow reader holds back its own stream only, and nothing is missing at the end', async () => {
  const session = await connect();
  const size = 16 * kMiB;
  const slow = session.request({ ':path': `/big/${size}` });
  await within('the head', once(slow, 'response'));
  slow.pause();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(session, `/quick/${i}`)));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal((await ask(session, `/big/${2 * kMiB}`)).body.length, 2 * kMiB);
  let bytes = 0;
  slow.on('data', (chunk) => (bytes += chunk.length));
  slow.resume();
  await within('the rest', once(slow, 'end'), 30_000);
  assert.equal(bytes, size);
  await close(session);
});

const kUp = deep ? 4096 * kMiB : 32 * kMiB;
test(`${kUp / kMiB} MiB up and down at once, with others served meanwhile; memory stays where it is`, { timeout: 600_000 }, async () => {
  const session = await connect();
  const up = session.request({ ':method': 'PUT', ':path': '/count' });
  const down = session.request({ ':path': `/big/${kUp}` });
  let [bytes, counted] = [0, ''];
  down.on('data', (chunk) => (bytes += chunk.length));
  up.on('data', (chunk) => (counted += chunk));
  const before = await secure.memory();
  const done = Promise.all([once(up, 'end'), once(down, 'end'), pour(up, kUp).then(() => up.end())]);
  for (let i = 0; i < 20; i += 1) assert.equal((await ask(session, `/m/${i}`)).status, 200);
  await done;
  assert.equal(Number(counted), kUp);
  assert.equal(bytes, kUp);
  assert.ok((await secure.memory()) - before < 96 * kMiB, 'it was buffered');
  await close(session);
});

test('a client that gives a request up: the upstream hears of it, the connection goes on', async () => {
  const session = await connect();
  held.length = 0;
  const stream = session.request({ ':path': '/held/one' });
  stream.on('error', () => {});
  await eventually('the request upstream', () => held.length === 1);
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await eventually('the end of it upstream', () => closedUpstream.includes('/held/one'));
  held.length = 0;
  assert.equal((await ask(session, '/x')).status, 200);
  await close(session);
});

test('an upstream that breaks off in the middle: the stream is reset, the connection goes on', async () => {
  const session = await connect();
  held.length = 0;
  const answer = ask(session, '/held/broken');
  answer.catch(() => {});
  await eventually('the request upstream', () => held.length === 1);
  held[0].writeHead(200, { 'content-length': 100 });
  held[0].write('some');
  await within('the head', once(answer.stream, 'response'));
  held.splice(0)[0].destroy();
  await assert.rejects(answer);
  assert.notEqual(answer.stream.rstCode, 0);
  assert.equal((await ask(session, '/x')).status, 200);
  await close(session);
});

test('an upstream that says nothing and goes is a problem document', async () => {
  const session = await connect();
  held.length = 0;
  const answer = ask(session, '/held/gone', { method: 'POST', body: 'x' });
  await eventually('the request upstream', () => held.length === 1);
  held.splice(0)[0].destroy();
  assertProblem(await answer, 502, 'upstream-broken');
  await close(session);
});

test('server-sent events come one by one', async () => {
  const session = await connect();
  held.length = 0;
  const stream = session.request({ ':path': '/events', accept: 'text/event-stream' });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  for (let i = 0; i < 4; i += 1) {
    await eventually(`event ${i}`, () => text.includes(`data: ${i}\n\n`));
    held[0].write(`data: ${i + 1}\n\n`);
  }
  held.splice(0)[0].end();
  await within('the end', once(stream, 'end'));
  await close(session);
});

test('SIGTERM: GOAWAY, no new streams, and what is in flight finishes; exit 0', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: both }));
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  session.on('error', () => {});
  await within('a session', once(session, 'connect'));
  held.length = 0;
  const first = ask(session, '/held/a');
  const second = ask(session, '/held/b');
  await eventually('the requests upstream', () => held.length === 2);
  const goaway = once(session, 'goaway');
  gateway.signal('SIGTERM');
  const [code] = await within('GOAWAY', goaway);
  assert.equal(code, http2.constants.NGHTTP2_NO_ERROR);
  assert.ok(!gateway.exited);
  release();
  assert.deepEqual([(await first).text, (await second).text], ['at last', 'at last']);
  assert.deepEqual(await gateway.exit(), { code: 0, signal: null });
  session.destroy();
  await gateway.stop();
});

test('a reload under load: no request fails, and open connections learn the new routes', async () => {
  const config = (extra = []) => openConfig(upstream.target, { listener: both, api: { routes: [...anyRoutes, ...extra] } });
  const gateway = await Gateway.start(config());
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  session.on('error', () => {});
  await within('a session', once(session, 'connect'));
  let [running, served] = [true, 0];
  const failures = [];
  const load = Promise.all(Array.from({ length: 10 }, async (_, i) => {
    while (running) {
      try {
        const answer = await ask(session, `/load/${i}`);
        if (answer.status !== 200) failures.push(answer.status);
        served += 1;
      } catch (error) {
        failures.push(error.message);
      }
    }
  }));
  for (let i = 0; i < 5; i += 1) {
    const from = served;
    assert.equal((await gateway.reload(config([{ path: `/new/a/b/${i}`, methods: ['GET'], operation: `new${i}` }]))).event, 'reloaded');
    await eventually('requests after the reload', () => served > from + 10);
  }
  running = false;
  await load;
  assert.deepEqual(failures, []);
  assert.equal((await ask(session, '/new/a/b/4')).status, 200);
  await close(session);
  await gateway.stop();
});

// Programs.
const json = (text) => JSON.parse(text);
test('curl --http2 over TLS, and --http1.1 beside it', async () => {
  for (const [flag, version] of [['--http2', '2'], ['--http1.1', '1.1']]) {
    const { code, stdout, stderr } = await command('curl', ['-sS', flag, '--cacert', authority.caFile, '-w', '\n%{http_version}', '-d', 'hello', `https://localhost:${secure.port}/x`, '--resolve', `localhost:${secure.port}:127.0.0.1`]);
    assert.equal(code, 0, stderr);
    const [body, said] = stdout.split('\n');
    assert.equal(said, version);
    assert.equal(json(body).body, 'hello');
  }
});

// One request each: curl 7.88 (Debian 12) fails with (16) when it uses such a connection again, with other servers too.
test('curl --http2-prior-knowledge in clear text', async () => {
  for (const path of ['/a', '/big/1000000']) {
    const { code, stdout, stderr } = await command('curl', ['-sS', '--http2-prior-knowledge', '-w', '%{http_version} %{response_code}', '-o', '/dev/null', `http://127.0.0.1:${clear.port}${path}`]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '2 200');
  }
});

test('curl over TLS, ten requests in parallel', async () => {
  const url = `https://localhost:${secure.port}`;
  const { code, stdout, stderr } = await command('curl', ['-sS', '--http2', '-Z', '--cacert', authority.caFile, '--resolve', `localhost:${secure.port}:127.0.0.1`, '-w', '%{http_version} %{response_code}\\n', '-o', '/dev/null', `${url}/p/[1-10]`]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'), Array.from({ length: 10 }, () => '2 200'));
});

test('curl uploads 8 MiB', async () => {
  const { code, stdout, stderr } = await command('curl', ['-sS', '--http2-prior-knowledge', '-T', '-', `http://127.0.0.1:${clear.port}/count`], { input: Buffer.alloc(8 * kMiB) });
  assert.equal(code, 0, stderr);
  assert.equal(Number(stdout), 8 * kMiB);
});

test('nghttp', async () => {
  const { code, stdout, stderr } = await command('nghttp', ['-v', `http://127.0.0.1:${clear.port}/x`]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /:status: 200/);
  assert.doesNotMatch(stdout, /RST_STREAM|error_code=(?!NO_ERROR)/);
});

test('h2load: 2,000 requests over 10 connections, 20 streams each: none fails', async () => {
  const { code, stdout, stderr } = await command('h2load', ['-n', '2000', '-c', '10', '-m', '20', `http://127.0.0.1:${clear.port}/x`]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
});

// The same over both versions.
const kToken = 'a key of the tests, long enough for everybody';
test('the same requests get the same answers over HTTP/1.1 and HTTP/2, and the upstream the same requests', async () => {
  const config = openConfig(upstream.target, {
    listener: { ...both, limits: { head_size: '8KiB', head_fields: 50 } },
    api: {
      body_size: '1KiB', hosts: ['a.test'], cors: { origins: ['https://app.test'] },
      routes: [...anyRoutes, { path: '/a/b/c/closed', methods: ['GET'], operation: 'closed', authenticate: ['machine'] }, { path: '/a/b/c/fixed', methods: ['GET'], operation: 'fixed', respond: { status: 200, body: 'fixed\n' } }],
    },
    authenticators: { machine: { api_key: { header: 'x-api-key', keys: [{ id: 'one', hash: 'sha256:0000000000000000000000000000000000000000000000000000000000000000' }] } } },
  });
  const gateway = await Gateway.start(config);
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  session.on('error', () => {});
  await within('a session', once(session, 'connect'));
  const kVolatile = ['date', 'connection', 'keep-alive', 'x-request-id', 'transfer-encoding', 'content-length'];
  const canonical = (answer) => {
    const fields = answer.fields.filter(([name]) => !kVolatile.includes(name.toLowerCase())).map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
    let body = answer.text;
    try {
      const parsed = JSON.parse(body);
      delete parsed.request_id;
      if (parsed.fields) parsed.fields = parsed.fields.filter(([name]) => !['x-request-id', 'via', 'connection', 'content-length', 'transfer-encoding'].includes(name)).sort();
      body = JSON.stringify(parsed);
    } catch {
      // not JSON: as it is
    }
    return { status: answer.status, fields, body };
  };
  for (const one of [
    { path: '/x' }, { path: '/x?a=b&c=%20' }, { path: '/x', method: 'POST', body: 'hello' }, { path: '/x', method: 'PUT', body: '' }, { path: '/x', method: 'DELETE' }, { path: '/x', method: 'HEAD' }, { path: '/status/204' }, { path: '/status/304' }, { path: '/status/404' }, { path: '/status/500' },
    { path: '/a/b/c/closed' }, { path: '/a/b/c/closed', headers: { 'x-api-key': kToken } }, { path: '/a/b/c/fixed' }, { path: '/no/such/path/at/all' }, { path: '/x', method: 'BREW' }, { path: '/x', headers: { host: 'b.test' } },
    { path: '/x', method: 'POST', body: 'x'.repeat(2000) }, { path: '/x', headers: { 'x-large': 'a'.repeat(9000) } }, { path: '/x', headers: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'a'])) },
    { path: '/x', headers: { origin: 'https://app.test' } }, { path: '/x', headers: { origin: 'https://evil.test' } }, { path: '/x', method: 'OPTIONS', headers: { origin: 'https://app.test', 'access-control-request-method': 'POST' } },
    { path: '/x', headers: { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-request-id': 'mine' } }, { path: '/x', headers: { cookie: 'a=1; b=2' } }, { path: '/a//b' }, { path: '/a/../b' }, { path: '/a%2fb' }, { path: '/%00' }, { path: '/x', headers: { authorization: 'Bearer x' } },
  ]) {
    const { host = 'a.test', ...rest } = one.headers ?? {};
    const why = JSON.stringify(one).slice(0, 120);
    const [from, entries] = [upstream.requests.length, gateway.access.length];
    const old = await request(gateway.port, one.path, { method: one.method, body: one.body, headers: { host, ...rest, ...(one.body === undefined ? {} : { 'content-length': String(one.body.length) }) } });
    const middle = upstream.requests.length;
    const fresh = await ask(session, one.path, { ...one, headers: { ':authority': host, ...rest, ...(one.body === undefined ? {} : { 'content-length': String(one.body.length) }) } });
    assert.deepEqual(canonical(fresh), canonical(old), why);
    const strip = (r) => ({ method: r.method, url: r.url, fields: r.fields.filter(([name]) => !['x-request-id', 'via', 'connection'].includes(name)).map(([name, value]) => `${name}: ${value}`).sort() });
    assert.deepEqual(upstream.requests.slice(middle).map(strip), upstream.requests.slice(from, middle).map(strip), why);
    await eventually('two entries', () => gateway.access.length >= entries + 2);
    const [a, b] = gateway.access.slice(entries);
    const kept = ({ status, method, path, api, operation, problem, error }) => ({ status, method, path, api, operation, problem, error });
    // HTTP/1.1 gives up a head that is too large where it is, so its entry names less than that of HTTP/2.
    if (old.status !== 431) assert.deepEqual(kept(b), kept(a), why);
    assert.deepEqual([a.http, b.http], ['1.1', '2'], why);
  }
  await close(session);
  await gateway.stop();
});

test('limits count over both versions together', async () => {
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: both, limits: { few: { key: 'client.address', rate: '4/60m' } }, api: { limits: ['few'] } }));
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  await within('a session', once(session, 'connect'));
  for (let i = 0; i < 2; i += 1) {
    assert.equal((await request(gateway.port, '/x')).status, 200);
    assert.equal((await ask(session, '/x')).status, 200);
  }
  assertProblem(await ask(session, '/x'), 429, 'rate-limited');
  assertProblem(await request(gateway.port, '/x'), 429, 'rate-limited');
  await close(session);
  await gateway.stop();
});

// Extended CONNECT (RFC 8441), frame by frame; the upstream speaks WebSocket over HTTP/1.1.
test('a WebSocket over HTTP/2 reaches an upstream that speaks HTTP/1.1', async () => {
  const sockets = await startUpstream();
  sockets.server.on('upgrade', (incoming, socket) => {
    assert.ok(incoming.headers['sec-websocket-key']);
    const accept = incoming.headers['sec-websocket-key'];
    void import('node:crypto').then(({ createHash }) => {
      const answer = createHash('sha1').update(`${accept}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`);
      socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end()).on('error', () => {});
    });
  });
  const gateway = await Gateway.start(openConfig(sockets.target, { listener: both, api: { routes: [{ path: '/chat', methods: ['GET'], operation: 'chat', upgrade: ['websocket'] }] } }));
  const peer = await (await Peer.open(gateway.port)).ready();
  assert.equal(peer.settings[8], 1, 'SETTINGS_ENABLE_CONNECT_PROTOCOL');
  peer.send(headers(1, [...get('/chat', [], { method: 'CONNECT' }), [':protocol', 'websocket'], ['sec-websocket-version', '13']]));
  await peer.until('200', () => peer.streams.get(1)?.status);
  assert.equal(peer.streams.get(1).status, 200);
  // A masked text frame, `hi`; the upstream echoes the octets.
  const octets = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]);
  peer.send(data(1, octets));
  await peer.until('the echo', () => Buffer.concat(peer.streams.get(1).chunks).equals(octets));
  peer.send(data(1, '', { end: true }));
  await peer.until('the end', () => peer.streams.get(1).ended || peer.streams.get(1).reset !== undefined);
  peer.destroy();
  await gateway.stop();
  await sockets.stop();
});
