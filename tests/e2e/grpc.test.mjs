// gRPC through the gateway: a server of @grpc/grpc-js behind it. Calls are made by hand in the bytes of the protocol, over
// HTTP/1.1, so that both what goes and what comes can be looked at, and by the client of @grpc/grpc-js.
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { makeAuthority } from '../support/certificates.mjs';
import { request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { data, headers, reset, startHttp2Upstream, startRawHttp2Upstream } from '../support/http2_upstream.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { metric } from '../support/metrics.mjs';
import { freePort } from '../support/upstream.mjs';
import { soon, within } from '../support/wait.mjs';

const kToken = 'a token of the test';
const admin = { admin: { address: '127.0.0.1:0', token: '${env:ADMIN}' } };
const env = { ADMIN: kToken };
const routes = [{ path: '/{service}/{method}', methods: ['POST'], operation: 'call' }];
const config = (target, { api = {}, ...more } = {}) => openConfig(target, { ...admin, ...more, api: { routes, ...api }, upstream: { protocol: 'h2' } });
const start = (target, more) => Gateway.start(config(target, more), { env });

const same = (bytes) => bytes;
const method = (path, requestStream, responseStream) => ({
  path, requestStream, responseStream, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});

// ---- the server

let cancelled = 0;
const seen = [];
const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService(
  {
    echo: method('/test.Echo/Echo', false, false),
    fail: method('/test.Echo/Fail', false, false),
    collect: method('/test.Echo/Collect', true, false),
    count: method('/test.Echo/Count', false, true),
    chat: method('/test.Echo/Chat', true, true),
    wait: method('/test.Echo/Wait', false, false),
    stay: method('/test.Echo/Stay', false, true),
  },
  {
    echo(call, answer) {
      seen.push({ metadata: call.metadata.getMap(), deadline: call.getDeadline() });
      const head = new grpc.Metadata();
      for (const value of call.metadata.get('blob-bin')) head.add('blob-bin', value);
      call.sendMetadata(head);
      const trailers = new grpc.Metadata();
      trailers.set('checksum', '42');
      trailers.set('end-bin', Buffer.from([0, 255, 10, 13]));
      answer(null, call.request, trailers);
    },
    fail: (_call, answer) => answer({ code: grpc.status.ABORTED, details: 'not now: 100 %' }),
    collect(call, answer) {
      const parts = [];
      call.on('data', (part) => parts.push(part));
      call.on('end', () => answer(null, Buffer.concat(parts)));
    },
    count(call) {
      for (let i = 0; i < call.request[0]; ++i) call.write(Buffer.from([i]));
      call.end();
    },
    chat(call) {
      call.sendMetadata(new grpc.Metadata()); // before anything was asked
      call.on('data', (part) => call.write(part));
      call.on('end', () => call.end());
    },
    wait: (call) => call.on('cancelled', () => (cancelled += 1)),
    stay(call) {
      call.write(Buffer.from('first'));
      call.on('cancelled', () => (cancelled += 1));
    },
  },
);
const port = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
);
const target = `127.0.0.1:${port}`;
const authority = await makeAuthority();
const certificate = await authority.issue('grpc', ['localhost', '127.0.0.1']);
const gateway = await start(target);
after(async () => {
  await gateway.stop();
  server.forceShutdown();
  await authority.remove();
});

// ---- calls by hand, over HTTP/1.1

const message = (bytes) => {
  const body = Buffer.from(bytes);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
};

function messages(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 1);
    found.push(bytes.subarray(at + 5, at + 5 + size));
    at += 5 + size;
  }
  return found;
}

const lower = (pairs) => Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));

/** One call whose messages are all there; { status, fields, trailers, messages }. */
async function call(to, path, sent, headers = {}) {
  const body = Buffer.concat([sent].flat().map(message));
  const answer = await request(to, path, {
    method: 'POST', body, headers: { 'content-type': 'application/grpc', te: 'trailers', connection: 'te', 'transfer-encoding': 'chunked', ...headers }, timeout: 20_000,
  });
  const trailers = lower(answer.trailers);
  const fields = lower(answer.fields);
  return { status: answer.status, fields, trailers: { ...trailers }, code: trailers['grpc-status'] ?? fields['grpc-status'], messages: messages(answer.body) };
}

/** A call that goes on: write(bytes), end(), and next() for what comes. */
async function open(to, path, { headers = {}, first } = {}) {
  const outgoing = http.request({ port: to, path, method: 'POST', agent: false, headers: { 'content-type': 'application/grpc', te: 'trailers', connection: 'te', ...headers } });
  outgoing.on('error', () => {});
  outgoing.flushHeaders();
  if (first) outgoing.end(message(first));
  const [incoming] = await within('the head of the answer', once(outgoing, 'response'), 20_000);
  let bytes = Buffer.alloc(0);
  let wake;
  const ended = once(incoming, 'end').catch(() => {});
  incoming.on('error', () => {});
  incoming.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake?.();
  });
  return {
    incoming,
    write: (part) => outgoing.write(message(part)),
    end: () => outgoing.end(),
    close: () => outgoing.destroy(),
    reset: () => outgoing.socket.resetAndDestroy(), // of a socket that is ending already, Node never lets go
    async next() {
      await soon(() => assert.ok(bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)), { timeout: 20_000 });
      const size = bytes.readUInt32BE(1);
      const one = bytes.subarray(5, 5 + size);
      bytes = bytes.subarray(5 + size);
      return one.toString('latin1');
    },
    async trailers() {
      await within('the end of the call', ended, 20_000);
      return lower(Object.entries(incoming.trailers));
    },
  };
}

test('unary: the message, metadata and trailers as they are', async () => {
  const sent = Buffer.alloc(300_000, 'grpc');
  const answer = await call(gateway.port, '/test.Echo/Echo', sent, { 'x-caller': 'me', 'grpc-timeout': '5S' });
  assert.equal(answer.status, 200);
  assert.equal(answer.fields['content-type'], 'application/grpc+proto');
  assert.ok(sent.equals(answer.messages[0]));
  assert.equal(answer.trailers['grpc-status'], '0');
  assert.equal(answer.trailers.checksum, '42');
  assert.equal(seen.at(-1).metadata['x-caller'], 'me');
});

test('te: trailers goes on for calls, and for nothing else', async () => {
  const upstream = await startHttp2Upstream();
  const one = await start(upstream.target);
  const te = async (type) => (await request(one.port, '/a/b', { method: 'POST', body: 'x', headers: { 'content-type': type, te: 'trailers', connection: 'te' } })).json.headers.te;
  assert.equal(await te('application/grpc+proto'), 'trailers');
  assert.equal(await te('application/json'), undefined);
  await one.stop();
  await upstream.stop();
});

test('an error of the server comes as it is, in a head without a body', async () => {
  const answer = await call(gateway.port, '/test.Echo/Fail', 'x');
  assert.deepEqual([answer.status, answer.code, answer.fields['grpc-message']], [200, '10', 'not%20now:%20100%20%25']);
  assert.deepEqual(answer.messages, []);
});

test('streams of the client, of the server, and of both', async () => {
  const parts = ['a', 'b', 'c'.repeat(100_000)];
  const collected = await call(gateway.port, '/test.Echo/Collect', parts);
  assert.equal(collected.messages[0].toString(), parts.join(''));
  const counted = await call(gateway.port, '/test.Echo/Count', Buffer.from([200]));
  assert.deepEqual(counted.messages.map((one) => one[0]), Array.from({ length: 200 }, (_, i) => i));
  assert.equal(counted.code, '0');
});

test('a conversation: the answer begins before the request does, and each message has its turn', async () => {
  const chat = await open(gateway.port, '/test.Echo/Chat');
  assert.equal(chat.incoming.statusCode, 200, 'the head came although nothing had been sent');
  for (let i = 0; i < 5; ++i) {
    chat.write(`turn ${i}`);
    assert.equal(await chat.next(), `turn ${i}`);
  }
  assert.equal(await metric(gateway.admin, kToken, 'portcullis_streams', { kind: 'grpc' }), 1);
  chat.end();
  assert.equal((await chat.trailers())['grpc-status'], '0');
});

test('a caller that leaves cancels its call', async () => {
  const before = cancelled;
  const stay = await open(gateway.port, '/test.Echo/Stay', { first: 'x' });
  assert.equal(await stay.next(), 'first');
  stay.reset();
  await soon(() => assert.equal(cancelled, before + 1));
});

test('deadlines: the smaller of the caller\'s and the route\'s is told and kept', async () => {
  const one = await start(target, { api: { timeout: '10s' } });
  const timeLeft = async (said) => {
    await call(one.port, '/test.Echo/Echo', 'x', { 'grpc-timeout': said });
    const { deadline } = seen.at(-1);
    return (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now();
  };
  const short = await timeLeft('4S');
  assert.ok(short > 1000 && short <= 4000, `${short} ms`);
  const long = await timeLeft('1H');
  assert.ok(long > 5000 && long <= 10_000, `${long} ms`);
  const late = await call(one.port, '/test.Echo/Wait', 'x', { 'grpc-timeout': '200m' });
  assert.deepEqual([late.status, late.code], [200, '4']);
  // Behind the first message there are trailers to say it in.
  const stay = await call(one.port, '/test.Echo/Stay', 'x', { 'grpc-timeout': '1S' });
  assert.deepEqual([stay.messages.map(String), stay.trailers['grpc-status']], [['first'], '4']);
  await one.stop();
});

test('a deadline that is none is refused', async () => {
  for (const bad of ['1', 'S', '1.5S', '123456789S', '-1S', '1s']) {
    const answer = await call(gateway.port, '/test.Echo/Echo', 'x', { 'grpc-timeout': bad });
    assert.deepEqual([answer.status, answer.code], [200, '13'], bad);
  }
});

test('a call lasts no longer than `streams.maximum_age`', async () => {
  const one = await start(target, { streams: { maximum_age: '1s' } });
  const chat = await open(one.port, '/test.Echo/Chat');
  chat.write('a');
  assert.equal(await chat.next(), 'a');
  const trailers = await chat.trailers();
  assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['14', 'maximum_age']);
  chat.close();
  await one.stop();
});

test('refusals of the gateway are statuses of gRPC', async () => {
  const cases = [
    ['no route', gateway.port, '/nowhere', '12', undefined],
    ['too large', gateway.port, '/test.Echo/Collect', '8', Buffer.alloc(2 * 1024 * 1024)],
  ];
  for (const [name, to, path, code, body] of cases) {
    const answer = await call(to, path, body ?? 'x');
    assert.deepEqual([answer.status, answer.code], [200, code], name);
    assert.equal(answer.fields['content-type'], 'application/grpc', name);
    assert.ok(answer.fields['grpc-message'].length > 0, name);
    assert.match(answer.fields['x-request-id'], /./, name);
  }
  const gone = await start(`127.0.0.1:${await freePort()}`);
  assert.equal((await call(gone.port, '/test.Echo/Echo', 'x')).code, '14');
  await gone.stop();
  const limited = await start(target, { limits: { few: { key: 'client.address', rate: '1/h' } }, api: { limits: ['few'] } });
  assert.equal((await call(limited.port, '/test.Echo/Echo', 'x')).code, '0');
  const refused = await call(limited.port, '/test.Echo/Echo', 'x');
  assert.equal(refused.code, '8');
  assert.match(refused.fields.ratelimit, /few/);
  assert.match(refused.fields['retry-after'], /^\d+$/);
  await limited.stop();
  const down = await start(target, { api: { maintenance: { retry_after: '60s' } } });
  const maintenance = await call(down.port, '/test.Echo/Echo', 'x');
  assert.deepEqual([maintenance.code, maintenance.fields['retry-after']], ['14', '60']);
  await down.stop();
});

test('others get problem documents still, and gRPC-Web is no gRPC', async () => {
  const { status, problem } = await request(gateway.port, '/nowhere', { method: 'POST', body: 'x', headers: { 'content-type': 'application/grpc-web' } });
  assert.equal(status, 404);
  assert.equal(problem.type, 'urn:portcullis:problem:not-found');
});

// ---- calls of a real client, over HTTP/2

const { status } = grpc;
const deadline = (ms = 20_000) => new Date(Date.now() + ms);
const metadata = (fields = {}) => {
  const made = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) made.add(name, value);
  return made;
};

/** A client of the gateway on `to`; it is closed behind the test `t`. */
function dial(t, to, { credentials = grpc.credentials.createInsecure(), name = '127.0.0.1' } = {}) {
  const client = new grpc.Client(`${name}:${to}`, credentials, { 'grpc.enable_retries': 0, 'grpc.max_receive_message_length': -1 });
  t.after(() => client.close());
  return client;
}

/** { error, value, status, head } of a call with one answer. */
function finished(start) {
  return new Promise((resolve) => {
    let outcome;
    let head;
    const call = start((error, value) => (outcome = { error, value }));
    call.on('metadata', (fields) => (head = fields));
    call.on('status', (end) => resolve({ ...outcome, status: end, head }));
  });
}
const unary = (client, path, bytes, { with: fields, ...options } = {}) =>
  finished((done) => client.makeUnaryRequest(path, same, same, Buffer.from(bytes), metadata(fields), { deadline: deadline(), ...options }, done));
const codeOf = async (client, path, options) => (await unary(client, path, 'x', options)).status.code;

/** A call whose answers are a stream: parts, and how it ended. */
function listening(stream) {
  const heard = { stream, parts: [] };
  stream.on('data', (part) => heard.parts.push(part));
  stream.on('error', () => {});
  heard.status = new Promise((resolve) => stream.once('status', resolve));
  return heard;
}
const chat = (client, options) => listening(client.makeBidiStreamRequest('/test.Echo/Chat', same, same, { deadline: deadline(), ...options }));
const stay = (client, options) => listening(client.makeServerStreamRequest('/test.Echo/Stay', same, same, Buffer.from('x'), { deadline: deadline(), ...options }));

test('grpc-js, in clear text and over TLS: a call with metadata, binary too, both ways', async (t) => {
  const secure = await start(target, { listener: { tls: { certificates: [certificate] } } });
  t.after(() => secure.stop());
  const blob = Buffer.from([0, 1, 255, 10, 13, 44]);
  const sent = Buffer.alloc(500_000, 'grpc');
  for (const client of [dial(t, gateway.port), dial(t, secure.port, { name: 'localhost', credentials: grpc.credentials.createSsl(authority.ca) })]) {
    const answer = await unary(client, '/test.Echo/Echo', sent, { with: { 'x-caller': 'me', 'blob-bin': blob } });
    assert.equal(answer.error, null);
    assert.ok(sent.equals(answer.value));
    assert.deepEqual(answer.head.get('blob-bin'), [blob]);
    assert.deepEqual(answer.status.metadata.get('checksum'), ['42']);
    assert.deepEqual(answer.status.metadata.get('end-bin'), [Buffer.from([0, 255, 10, 13])]);
    assert.equal(seen.at(-1).metadata['x-caller'], 'me');
  }
});

test('grpc-js: a hundred calls at once, on one connection to either side', async (t) => {
  const client = dial(t, gateway.port);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => unary(client, '/test.Echo/Echo', `call ${i}`)));
  assert.deepEqual(answers.map((answer) => answer.value?.toString()), answers.map((_, i) => `call ${i}`));
});

test('grpc-js: streams of the client and of the server', async (t) => {
  const client = dial(t, gateway.port);
  const parts = ['a', 'b', 'c'.repeat(200_000), ''];
  const collected = await finished((done) => {
    const call = client.makeClientStreamRequest('/test.Echo/Collect', same, same, { deadline: deadline() }, done);
    for (const part of parts) call.write(Buffer.from(part));
    call.end();
    return call;
  });
  assert.equal(collected.value.toString(), parts.join(''));
  const counted = listening(client.makeServerStreamRequest('/test.Echo/Count', same, same, Buffer.from([200]), { deadline: deadline() }));
  assert.equal((await counted.status).code, status.OK);
  assert.deepEqual(counted.parts.map((part) => part[0]), Array.from({ length: 200 }, (_, i) => i));
});

test('grpc-js: a conversation, turn by turn, and then as fast as it goes', async (t) => {
  const one = await start(target, { api: { body_size: '64MiB' } });
  t.after(() => one.stop());
  const talk = chat(dial(t, one.port));
  for (let i = 1; i <= 5; ++i) {
    talk.stream.write(Buffer.from(`turn ${i}`));
    await soon(() => assert.equal(talk.parts.at(-1)?.toString(), `turn ${i}`), { timeout: 20_000 });
  }
  const large = Buffer.alloc(100_000, 'x');
  for (let i = 0; i < 60; ++i) talk.stream.write(large);
  talk.stream.end();
  assert.equal((await talk.status).code, status.OK);
  assert.equal(talk.parts.length, 65);
  assert.ok(talk.parts.slice(5).every((part) => part.equals(large)));
});

test('grpc-js: a caller may be silent for longer than `body_timeout`', async (t) => {
  const one = await start(target, { listener: { limits: { body_timeout: '200ms' } } });
  t.after(() => one.stop());
  const talk = chat(dial(t, one.port));
  talk.stream.write(Buffer.from('before'));
  await soon(() => assert.equal(talk.parts.length, 1), { timeout: 20_000 });
  const silence = performance.now();
  await soon(() => assert.ok(performance.now() - silence > 700), { every: 100 });
  talk.stream.end(Buffer.from('behind'));
  assert.equal((await talk.status).code, status.OK);
  assert.deepEqual(talk.parts.map(String), ['before', 'behind']);
});

test('grpc-js: an error of the server comes as it is', async (t) => {
  const { error } = await unary(dial(t, gateway.port), '/test.Echo/Fail', 'x');
  assert.deepEqual([error.code, error.details], [status.ABORTED, 'not now: 100 %']);
});

test('grpc-js: a caller that cancels cancels the call at the server', async (t) => {
  const before = cancelled;
  const one = stay(dial(t, gateway.port));
  await soon(() => assert.deepEqual(one.parts.map(String), ['first']), { timeout: 20_000 });
  one.stream.cancel();
  assert.equal((await one.status).code, status.CANCELLED);
  await soon(() => assert.equal(cancelled, before + 1));
});

test('grpc-js: a server that resets its stream fails the call, before its answer and in it', async (t) => {
  let begins = false;
  const upstream = await startRawHttp2Upstream((socket, stream) => {
    if (begins) socket.write(Buffer.concat([headers(stream, [[':status', '200'], ['content-type', 'application/grpc']]), data(stream, message('half'))]));
    socket.write(reset(stream, 8));
  });
  t.after(() => upstream.stop());
  const one = await start(upstream.target);
  t.after(() => one.stop());
  const client = dial(t, one.port);
  assert.equal(await codeOf(client, '/a/before'), status.UNAVAILABLE);
  begins = true;
  const heard = listening(client.makeServerStreamRequest('/a/in', same, same, Buffer.from('x'), { deadline: deadline() }));
  assert.equal((await heard.status).code, status.INTERNAL);
});

test('grpc-js: deadlines, of the caller and of the route', async (t) => {
  const before = cancelled;
  assert.equal(await codeOf(dial(t, gateway.port), '/test.Echo/Wait', { deadline: deadline(400) }), status.DEADLINE_EXCEEDED);
  await soon(() => assert.equal(cancelled, before + 1, 'the server knows'));
  const one = await start(target, { api: { timeout: '300ms' } });
  t.after(() => one.stop());
  const client = dial(t, one.port);
  assert.equal(await codeOf(client, '/test.Echo/Wait'), status.DEADLINE_EXCEEDED);
  const late = stay(client);
  assert.equal((await late.status).code, status.DEADLINE_EXCEEDED);
  assert.deepEqual(late.parts.map(String), ['first']);
});

test('grpc-js: what the gateway refuses has the status that fits', async (t) => {
  const clerk = makeApiKey('clerk', { roles: ['clerk'] });
  const guest = makeApiKey('guest', { roles: [] });
  const guarded = await start(target, {
    api: { authenticate: ['machine'], limits: ['few'], body_size: '64KiB' },
    authenticators: { machine: keyAuthenticator([clerk, guest]) },
    roles: { clerk: ['call'] },
    limits: { few: { key: 'identity.subject', rate: '2/h' } },
  });
  t.after(() => guarded.stop());
  const client = dial(t, guarded.port);
  const as = (key) => ({ with: { 'x-api-key': key } });
  const nobody = await unary(client, '/test.Echo/Echo', 'x');
  assert.equal(nobody.status.code, status.UNAUTHENTICATED);
  assert.ok(nobody.status.details.length > 0);
  assert.equal(await codeOf(client, '/test.Echo/Echo', as('pc_wrong')), status.UNAUTHENTICATED);
  assert.equal(await codeOf(client, '/test.Echo/Echo', as(guest.key)), status.PERMISSION_DENIED);
  assert.equal(await codeOf(client, '/nowhere', as(clerk.key)), status.UNIMPLEMENTED);
  assert.equal(await codeOf(client, '/test.Echo/Echo', as(clerk.key)), status.OK);
  const large = await unary(client, '/test.Echo/Collect', Buffer.alloc(3_000_000), as(clerk.key));
  assert.equal(large.status.code, status.RESOURCE_EXHAUSTED, large.status.details);
  const often = await unary(client, '/test.Echo/Echo', 'x', as(clerk.key));
  assert.equal(often.status.code, status.RESOURCE_EXHAUSTED);
  assert.match(String(often.status.metadata.get('retry-after')), /^\d+$/);

  const gone = await start(`127.0.0.1:${await freePort()}`);
  t.after(() => gone.stop());
  assert.equal(await codeOf(dial(t, gone.port), '/test.Echo/Echo'), status.UNAVAILABLE);
  const down = await start(target, { api: { maintenance: { retry_after: '60s' } } });
  t.after(() => down.stop());
  assert.equal(await codeOf(dial(t, down.port), '/test.Echo/Echo'), status.UNAVAILABLE);
});

test('grpc-js: a shutdown lets calls end until `drain_timeout`, and then ends them', async (t) => {
  const one = await start(target, { drain_timeout: '2s' });
  const talk = chat(dial(t, one.port));
  const endless = stay(dial(t, one.port));
  await soon(() => assert.equal(endless.parts.length, 1), { timeout: 20_000 });
  one.signal('SIGTERM');
  talk.stream.write(Buffer.from('during'));
  await soon(() => assert.equal(talk.parts.length, 1), { timeout: 20_000 });
  talk.stream.end();
  assert.equal((await talk.status).code, status.OK);
  assert.equal((await endless.status).code, status.UNAVAILABLE);
  await one.stop();
});
