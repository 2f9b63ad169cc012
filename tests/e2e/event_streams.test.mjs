// Server-sent events and other answers without an end: unbuffered, quiet for as long as they like, and over when
// the caller's credentials are.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import http from 'node:http';
import { openConfig } from '../support/config.mjs';
import { openEvents } from '../support/event_source.mjs';
import { assertProblem } from '../support/expect.mjs';
import { request } from '../support/client.mjs';
import { Gateway } from '../support/gateway.mjs';
import { now, startKeyServer } from '../support/issuer.mjs';
import { metric } from '../support/metrics.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const kToken = 'a token of the test';
const env = { ADMIN: kToken };
const open = []; // the responses that the upstream has begun
let left = 0; // how many of them were closed by the other side
const upstream = await startUpstream((incoming, response) => {
  response.on('close', () => (left += 1));
  if (incoming.url === '/late') {
    open.push(response); // a long poll: the head waits too
    return;
  }
  const type = { '/events': 'text/event-stream', '/lines': 'application/x-ndjson', '/watch': 'application/json' }[incoming.url];
  if (incoming.url === '/download') response.writeHead(200, { 'content-length': 100 });
  else response.writeHead(200, { 'content-type': type });
  response.flushHeaders();
  open.push(response);
});
const issuer = await startKeyServer();
after(async () => {
  await upstream.stop();
  await issuer.stop();
});

const config = ({ api = {}, ...top } = {}) => openConfig(upstream.target, { admin: { address: '127.0.0.1:0', token: '${env:ADMIN}' }, ...top, api });
const start = (settings) => Gateway.start(config(settings), { env });
const upstreamOf = async (work) => {
  const before = open.length;
  const client = await work();
  await eventually('the upstream to answer', () => open.length > before);
  return [client, open.at(-1)];
};
const endedBy = (g, reason) => metric(g.admin, kToken, 'portcullis_streams_ended_total', { reason });
const count = (g) => metric(g.admin, kToken, 'portcullis_streams', { kind: 'events' });

/** A GET whose body is collected: { status, text, how } when it is over. */
const collect = (port, path, headers = {}) =>
  new Promise((resolve, reject) => {
    let text = '';
    let status;
    const over = (how) => resolve({ status, text, how });
    http
      .get({ host: '127.0.0.1', port, path, headers, agent: false }, (incoming) => {
        status = incoming.statusCode;
        incoming.on('data', (chunk) => (text += chunk));
        incoming.once('end', () => over('end'));
        incoming.on('error', () => over('abort'));
      })
      .on('error', (error) => (status ? over('abort') : reject(error)));
  });

test('each event arrives as it is written: the head before the first, none waits for another', async () => {
  const gateway = await start({ api: { timeout: '500ms' } });
  const [events, server] = await upstreamOf(() => openEvents(gateway.port, '/events', { headers: { 'accept-encoding': 'gzip, br' } }));
  assert.equal(events.status, 200);
  assert.equal(events.headers['content-encoding'], undefined);
  for (let i = 0; i < 20; i += 1) {
    server.write(`id: ${i}\ndata: event ${i}\n\n`);
    assert.deepEqual(await events.next(), { id: String(i), data: `event ${i}` });
  }
  assert.equal(await count(gateway), 1);
  server.end();
  assert.equal(await within('the end', events.ended), 'end');
  const entry = await gateway.entry((e) => e.path === '/events');
  assert.equal(entry.ended, 'upstream');
  assert.ok(entry.bytes_out > 300);
  assert.equal(await count(gateway), 0);
  assert.equal(await endedBy(gateway, 'upstream'), 1);
  await gateway.stop();
});

test('where answers are compressed, each event still arrives as it is written, and the end is a whole one', async () => {
  const gateway = await start({ api: { compression: ['gzip'] }, streams: { maximum_age: '2s' } });
  const [events, server] = await upstreamOf(() => openEvents(gateway.port, '/events', { headers: { 'accept-encoding': 'gzip' } }));
  for (let i = 0; i < 10; i += 1) {
    server.write(`data: event ${i}\n\n`);
    assert.equal((await events.next()).data, `event ${i}`);
  }
  assert.equal(events.headers['content-encoding'], 'gzip');
  assert.equal(await count(gateway), 1);
  assert.equal(await within('the end', events.ended), 'end', 'the coding is brought to its end');
  assert.equal((await gateway.entry((e) => e.path === '/events')).ended, 'maximum_age');
  await gateway.stop();
});

for (const path of ['/events', '/lines']) {
  test(`${path} may be silent for longer than timeout and body_timeout`, async () => {
    const gateway = await start({ api: { timeout: '300ms' }, listener: { limits: { body_timeout: '300ms' } } });
    const [answer, server] = await upstreamOf(async () => ({ done: collect(gateway.port, path) }));
    server.write('data: first\n\n');
    // An ordinary answer, begun later, is cut off for the same silence.
    const [ordinary, stalled] = await upstreamOf(async () => ({ done: collect(gateway.port, '/watch') }));
    stalled.write('[');
    assert.equal((await within('the end of the other', ordinary.done)).how, 'abort');
    server.end('data: last\n\n');
    assert.deepEqual(await within('the end', answer.done), { status: 200, text: 'data: first\n\ndata: last\n\n', how: 'end' });
    await gateway.stop();
  });
}

test('the head is not waited for longer than timeout, whatever is to come', async () => {
  const gateway = await start({ api: { timeout: '300ms' } });
  assertProblem(await request(gateway.port, '/late'), 504, 'upstream-timeout');
  await gateway.stop();
});

test('an ordinary body that stalls is cut off after timeout, as ever', async () => {
  const gateway = await start({ api: { timeout: '300ms' } });
  const [answer, server] = await upstreamOf(async () => ({ done: collect(gateway.port, '/watch') }));
  server.write('[');
  assert.equal((await within('the end', answer.done)).how, 'abort');
  await gateway.stop();
});

test('streams.idle_timeout ends a silent event stream, cleanly', async () => {
  const gateway = await start({ streams: { idle_timeout: '1s' }, api: { timeout: '300ms' } });
  const [events, server] = await upstreamOf(() => openEvents(gateway.port));
  server.write('data: one\n\n');
  assert.equal((await events.next()).data, 'one');
  assert.equal(await within('the end', events.ended), 'end');
  assert.equal((await gateway.entry((e) => e.path === '/events')).ended, 'idle');
  await gateway.stop();
});

test('a reader that leaves takes the upstream along, and that is no failure', async () => {
  const gateway = await start();
  const [events, server] = await upstreamOf(() => openEvents(gateway.port));
  server.write('data: one\n\n');
  await events.next();
  const before = left;
  events.close();
  await eventually('the upstream to hear of it', () => {
    server.write('data: more\n\n');
    return left > before;
  });
  const entry = await gateway.entry((e) => e.path === '/events');
  assert.equal(entry.ended, 'client');
  assert.equal(entry.refusal, undefined);
  assert.equal(await endedBy(gateway, 'client'), 1);
  await gateway.stop();
});

const secured = { authenticators: { corporate: issuer.authenticator({ leeway: '0s' }) }, roles: { clerk: ['root', 'one', 'two', 'three'] } };
const short = async () => ({ authorization: `Bearer ${await issuer.mint({ exp: now() + 3 })}` });

test('the expiry of its token ends an event stream: cleanly, so that the reader asks again, and is refused', async () => {
  const gateway = await start({ api: { authenticate: ['corporate'] }, ...secured });
  const headers = await short();
  const [events, server] = await upstreamOf(() => openEvents(gateway.port, '/events', { headers }));
  const timer = setInterval(() => server.write('data: tick\n\n'), 20);
  assert.equal((await events.next()).data, 'tick');
  assert.equal(await within('the end', events.ended), 'end');
  clearInterval(timer);
  const entry = await gateway.entry((e) => e.path === '/events');
  assert.equal(entry.ended, 'expired');
  assert.equal(entry.subject, 'corporate|alice');
  assert.ok(entry.duration_us > 1e6 && entry.duration_us < 5e6);
  assert.equal(await endedBy(gateway, 'expired'), 1);
  assertProblem(await request(gateway.port, '/events', { headers }), 401, 'credentials-invalid');
  await gateway.stop();
});

test('the expiry ends any answer without a length, as not whole; one with a length was granted as a whole', async () => {
  const gateway = await start({ api: { authenticate: ['corporate'] }, ...secured });
  const headers = await short();
  const [download, file] = await upstreamOf(async () => ({ done: collect(gateway.port, '/download', headers) }));
  const [watch, server] = await upstreamOf(async () => ({ done: collect(gateway.port, '/watch', headers) }));
  file.write('x'.repeat(50));
  const timer = setInterval(() => server.write('{}\n'), 20);
  assert.equal((await within('the end', watch.done)).how, 'abort');
  clearInterval(timer);
  assert.equal((await gateway.entry((e) => e.path === '/watch')).ended, 'expired');
  file.end('x'.repeat(50));
  assert.deepEqual(await within('the download', download.done), { status: 200, text: 'x'.repeat(100), how: 'end' });
  await gateway.stop();
});

test('streams.maximum_age ends every answer', async () => {
  const gateway = await start({ streams: { maximum_age: '1s' } });
  const [events, server] = await upstreamOf(() => openEvents(gateway.port));
  const [download] = await upstreamOf(async () => ({ done: collect(gateway.port, '/download') }));
  server.write('data: one\n\n');
  assert.equal(await within('the end', events.ended), 'end');
  assert.equal((await within('the end', download.done)).how, 'abort');
  assert.equal((await gateway.entry((e) => e.path === '/events')).ended, 'maximum_age');
  assert.equal((await gateway.entry((e) => e.path === '/download')).ended, 'maximum_age');
  assert.equal(await endedBy(gateway, 'maximum_age'), 2);
  await gateway.stop();
});

test('SIGTERM lets an event stream go on until drain_timeout', async () => {
  const gateway = await start({ drain_timeout: '600ms' });
  const [events, server] = await upstreamOf(() => openEvents(gateway.port));
  gateway.signal('SIGTERM');
  await gateway.event('draining');
  server.write('data: still here\n\n');
  assert.equal((await events.next()).data, 'still here');
  assert.equal(await within('the end', events.ended), 'abort');
  assert.equal((await gateway.entry((e) => e.path === '/events')).ended, 'shutdown');
  await gateway.stop();
});
