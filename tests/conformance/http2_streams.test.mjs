// RFC 9113 section 5 and 6.9: states of streams, their ids and number, and the windows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOutcome, connectionError, either, expectGoaway, expectStillServes, frameCase, served, startHttp2Target, streamError } from '../support/h2_expect.mjs';
import { Peer, continuation, data, frame, get, goaway, headers, kError, kSetting, kType, post, priority, reset, settings, windowUpdate } from '../support/h2_raw.mjs';

const held = [];
/** `/held` waits for the test; `/big/N` answers with N octets. */
const target = await startHttp2Target({ listener: { http2: { streams: 8 } } }, {
  handler: async (request, socket) => {
    const answer = (body) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const big = /^\/big\/(\d+)$/.exec(request.url);
    if (request.url === '/held') await new Promise((resolve) => held.push(resolve)).then(() => answer('held'));
    else answer(big ? 'x'.repeat(Number(big[1])) : 'ok');
  },
});
const release = () => held.splice(0).forEach((let_go) => let_go());
const one = (name, rfc, expect, send, more = {}) => frameCase(target, { name, rfc: `RFC 9113 ${rfc}`, expect, send, ...more });
const request = (id = 1, path = '/x') => headers(id, get(path), { end: true });
const closed = async (peer) => peer.request(1, get());

// 5.1: idle.
one('idle: DATA', '5.1', connectionError('PROTOCOL_ERROR'), () => data(1, 'x', { end: true }));
one('idle: WINDOW_UPDATE', '5.1', connectionError('PROTOCOL_ERROR'), () => windowUpdate(1, 100));
one('idle: RST_STREAM', '5.1', connectionError('PROTOCOL_ERROR'), () => reset(1));
one('idle: CONTINUATION', '5.1', connectionError('PROTOCOL_ERROR'), () => continuation(1, get()));
one('idle: DATA on a higher stream than any that was opened', '5.1', connectionError('PROTOCOL_ERROR'), () => [request(1), data(5, 'x')], { stream: 5, upstream: 'any' });
one('idle: HEADERS opens it', '5.1', served(), () => request());
one('idle: any odd id may be the first', '5.1.1', served(), () => request(0x7ffffffd), { stream: 0x7ffffffd, next: 0x7fffffff });

// 5.1: half-closed (remote): the request is whole.
one('half-closed: DATA', '5.1', streamError('STREAM_CLOSED'), () => [request(1, '/held'), data(1, 'x')], { upstream: 'any' });
one('half-closed: empty DATA with END_STREAM', '5.1', streamError('STREAM_CLOSED'), () => [request(1, '/held'), data(1, '', { end: true })], { upstream: 'any' });
one('half-closed: HEADERS', '5.1', streamError('STREAM_CLOSED'), () => [request(1, '/held'), request(1)], { upstream: 'any' });
one('half-closed: CONTINUATION', '5.1 and 6.10', { ...streamError('STREAM_CLOSED'), goaway: [kError.STREAM_CLOSED, kError.PROTOCOL_ERROR] }, () => [request(1, '/held'), continuation(1, [['x', 'y']])], { upstream: 'any' });
test('RFC 9113 5.1: half-closed: WINDOW_UPDATE and PRIORITY are taken', async () => {
  const peer = await Peer.open(target.port);
  peer.send(request(1, '/held'), windowUpdate(1, 10), priority(1, { weight: 3 }));
  assert.ok(await peer.barrier());
  await peer.until('the request upstream', () => held.length > 0, 5000).catch(() => {});
  const waiting = setInterval(release, 5);
  assert.equal((await peer.response(1)).text, 'held');
  clearInterval(waiting);
  peer.destroy();
});
one('half-closed: RST_STREAM', '5.1', served(), () => [request(1, '/held'), reset(1), request(3)], { stream: 3 });

// 5.1: closed. What is not ignored is an error of the connection.
for (const [name, frames, expect] of [
  ['DATA', [data(1, 'x', { end: true })], either(streamError('STREAM_CLOSED'), connectionError('PROTOCOL_ERROR'), served())],
  ['HEADERS', [request(1)], either(streamError('STREAM_CLOSED'), connectionError('PROTOCOL_ERROR'))],
  ['CONTINUATION', [continuation(1, [['x', 'y']])], connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR')],
  ['RST_STREAM', [reset(1)], either(connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR'), served())],
  ['WINDOW_UPDATE', [windowUpdate(1, 1)], either(connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR'), served())],
  ['PRIORITY', [priority(1, {})], served()],
]) {
  test(`RFC 9113 5.1: closed by both sides: ${name}`, async () => {
    const peer = await Peer.open(target.port);
    await closed(peer);
    const count = peer.streams.get(1).frames.length;
    peer.send(...frames, request(3));
    const outcome = await peer.outcome(3);
    const fresh = peer.streams.get(1).frames.slice(count);
    if (outcome.kind === 'response') {
      assert.ok(expect.status || fresh.some((f) => f.type === kType.RST_STREAM), 'it was neither refused nor may it be ignored');
      for (const each of fresh) assert.ok(each.type === kType.RST_STREAM && expect.reset?.includes(each.payload.readUInt32BE(0)), `an unexpected frame ${each.type}`);
    } else {
      assert.equal(outcome.kind, 'goaway');
      assert.ok(expect.goaway?.includes(outcome.code), `GOAWAY ${outcome.code} ${outcome.debug}`);
    }
    peer.destroy();
    await expectStillServes(target);
  });
  test(`RFC 9113 5.1: closed by the client's RST_STREAM: ${name}`, async () => {
    const peer = await Peer.open(target.port);
    peer.send(headers(1, post('/held')), reset(1), ...frames, request(3));
    const outcome = await peer.outcome(3);
    if (outcome.kind === 'goaway') assert.ok([kError.STREAM_CLOSED, kError.PROTOCOL_ERROR].includes(outcome.code) && name !== 'PRIORITY', `GOAWAY ${outcome.code}`);
    else if (outcome.kind === 'response') assert.ok(name !== 'CONTINUATION' && peer.streams.get(1)?.response === undefined);
    else assert.fail(outcome.kind);
    peer.destroy();
    await expectStillServes(target);
  });
}

test('RFC 9113 5.1: closed by the server\'s RST_STREAM: what was on its way is dropped, and the compression stays in step', async () => {
  const peer = await Peer.open(target.port);
  // A malformed request is reset; its body and trailers were sent already.
  peer.send(headers(1, [...post(), [':path', '/y']]), data(1, 'x'), headers(1, [['x', 'y']], { end: true }), windowUpdate(1, 1), reset(1), request(3));
  assert.equal((await peer.response(3)).status, 200);
  peer.destroy();
});

// 5.1.1: ids.
one('an even id', '5.1.1', connectionError('PROTOCOL_ERROR'), () => request(2), { stream: 2 });
one('a lower id than before', '5.1.1', connectionError('PROTOCOL_ERROR', 'STREAM_CLOSED'), async (peer) => {
  await peer.request(5, get());
  return request(3);
}, { stream: 3, upstream: 'any' });
one('the same id again, while it is open', '5.1.1 and 8.1', { ...streamError('PROTOCOL_ERROR', 'STREAM_CLOSED'), status: [400] }, () => [headers(1, post()), headers(1, post())]);
one('ids with gaps', '5.1.1', served(), () => [request(1), request(7), request(1001)], { stream: 1001, next: 1003 });
one('the last id of all', '5.1.1', served(), () => request(0x7fffffff), { stream: 0x7fffffff, next: null });

// 5.1.2: how many.
test('RFC 9113 5.1.2: more streams than SETTINGS_MAX_CONCURRENT_STREAMS: PROTOCOL_ERROR or REFUSED_STREAM; the others are served', async () => {
  const peer = await (await Peer.open(target.port)).ready();
  const maximum = peer.settings[kSetting.MAX_CONCURRENT_STREAMS];
  assert.equal(maximum, 8, 'listeners.http2.streams');
  await peer.barrier(); // the gateway has our acknowledgement
  const ids = Array.from({ length: maximum + 1 }, (_, i) => 1 + 2 * i);
  peer.send(...ids.map((id) => request(id, '/held')));
  const outcome = await peer.outcome(ids.at(-1));
  assertOutcome(outcome, streamError('REFUSED_STREAM', 'PROTOCOL_ERROR'));
  if (outcome.kind === 'goaway') return; // 5.4.1 permits it; the client was told the number
  const waiting = setInterval(release, 5);
  for (const id of ids.slice(0, -1)) assert.equal((await peer.response(id)).status, 200, `stream ${id}`);
  assert.equal((await peer.request(101, get())).status, 200, 'there is room again');
  clearInterval(waiting);
  peer.destroy();
});

// 5.4: errors.
test('RFC 9113 5.4.1: an error of the connection is told with the last stream that was dealt with', async () => {
  const peer = await Peer.open(target.port);
  await peer.request(1, get());
  await peer.request(3, get());
  peer.send(frame(kType.PING, 0, 0, 'short'));
  const found = await expectGoaway(peer, 'FRAME_SIZE_ERROR');
  assert.equal(found.last, 3);
});

test('RFC 9113 5.4.1: streams in flight end with the connection, and their requests upstream too', async () => {
  const before = target.upstream.requests.length;
  const peer = await Peer.open(target.port);
  peer.send(request(1, '/held'));
  while (target.upstream.requests.length === before) assert.ok(await peer.barrier());
  peer.send(frame(kType.PING, 0, 0, 'short'));
  await expectGoaway(peer, 'FRAME_SIZE_ERROR');
  release();
  await expectStillServes(target);
});

test('RFC 9113 5.4.3: a connection that is cut off ends its streams; others go on', async () => {
  const peer = await Peer.open(target.port);
  peer.send(headers(1, post('/held')), data(1, 'x'.repeat(100)));
  assert.ok(await peer.barrier());
  peer.socket.resetAndDestroy();
  await expectStillServes(target);
});

// 5.5: what nobody knows is ignored; 4.3 has the one place where it is not.
one('extension frames of every unknown type', '5.5', served(), () => [...Array.from({ length: 245 }, (_, i) => (i + 11 === kType.PRIORITY_UPDATE ? [] : [frame(i + 11, 0, 0, 'x')])).flat().slice(0, 60), request()]);
one('ALTSVC from a client (RFC 7838 4) is ignored', '5.5', served(), () => [frame(kType.ALTSVC, 0, 0, Buffer.from([0, 0, 0x61])), request()]);

// 6.9: windows. These peers update nothing unless told.
const quiet = { update: false };
const got = (peer, id = 1) => peer.streams.get(id)?.received ?? 0;

test('RFC 9113 6.9.1: with an initial window of 1, DATA of one octet comes and no more', async () => {
  const peer = await Peer.open(target.port, { ...quiet, settings: [[kSetting.INITIAL_WINDOW_SIZE, 1]] });
  peer.send(request(1, '/big/3'));
  for (const expected of [1, 2, 3]) {
    await peer.until(`${expected} octets`, () => got(peer) === expected);
    assert.ok(await peer.barrier());
    assert.equal(got(peer), expected);
    peer.send(windowUpdate(1, 1));
  }
  assert.equal((await peer.response(1)).text, 'xxx');
  peer.destroy();
});

test('RFC 9113 6.9.2: an initial window of 0 holds the body back, not the head; and grows by SETTINGS', async () => {
  const peer = await Peer.open(target.port, { ...quiet, settings: [[kSetting.INITIAL_WINDOW_SIZE, 0]] });
  peer.send(request(1, '/big/10'));
  await peer.until('the head', () => peer.streams.get(1)?.status === 200);
  assert.ok(await peer.barrier());
  assert.equal(got(peer), 0);
  peer.send(settings([[kSetting.INITIAL_WINDOW_SIZE, 4]]));
  await peer.until('4 octets', () => got(peer) === 4);
  peer.send(settings([[kSetting.INITIAL_WINDOW_SIZE, 100]]));
  assert.equal((await peer.response(1)).text.length, 10);
  peer.destroy();
});

test('RFC 9113 6.9.2: a window can become negative, and must be paid back', async () => {
  const peer = await Peer.open(target.port, { ...quiet, settings: [[kSetting.INITIAL_WINDOW_SIZE, 100]] });
  peer.send(request(1, '/big/200'));
  await peer.until('100 octets', () => got(peer) === 100);
  peer.send(settings([[kSetting.INITIAL_WINDOW_SIZE, 40]])); // the window is now -60
  peer.send(windowUpdate(1, 60));
  assert.ok(await peer.barrier());
  assert.equal(got(peer), 100, 'nothing may come at 0');
  peer.send(windowUpdate(1, 7));
  await peer.until('7 octets more', () => got(peer) === 107);
  peer.send(windowUpdate(1, 1000));
  assert.equal((await peer.response(1)).text.length, 200);
  peer.destroy();
});

test('RFC 9113 6.9.1: the window of the connection holds all streams back together', async () => {
  const peer = await Peer.open(target.port, { ...quiet, settings: [[kSetting.INITIAL_WINDOW_SIZE, 1_000_000]] });
  peer.send(request(1, '/big/50000'), request(3, '/big/50000'), request(5, '/big/50000'));
  const sum = () => got(peer, 1) + got(peer, 3) + got(peer, 5);
  await peer.until('65,535 octets', () => sum() === 65_535);
  assert.ok(await peer.barrier());
  assert.equal(sum(), 65_535);
  peer.send(windowUpdate(0, 1_000_000));
  for (const id of [1, 3, 5]) assert.equal((await peer.response(id)).body.length, 50_000);
  peer.destroy();
});

test('RFC 9113 6.9: one stream that is not read holds nobody else back', async () => {
  const peer = await Peer.open(target.port, { ...quiet, settings: [[kSetting.INITIAL_WINDOW_SIZE, 1000]] });
  peer.send(windowUpdate(0, 1_000_000), request(1, '/big/5000'), request(3, '/big/900'));
  assert.equal((await peer.response(3)).body.length, 900);
  assert.equal(got(peer, 1), 1000);
  peer.send(windowUpdate(1, 4000));
  assert.equal((await peer.response(1)).body.length, 5000);
  peer.destroy();
});

one('WINDOW_UPDATE beyond 2^31 - 1 on the connection', '6.9.1', connectionError('FLOW_CONTROL_ERROR'), () => [windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)]);
one('WINDOW_UPDATE beyond 2^31 - 1 on a stream', '6.9.1', streamError('FLOW_CONTROL_ERROR'), () => [headers(1, post()), windowUpdate(1, 0x7fffffff), windowUpdate(1, 0x7fffffff)]);
one('SETTINGS that lift the window of an open stream beyond 2^31 - 1', '6.9.2', { ...connectionError('FLOW_CONTROL_ERROR'), reset: [kError.FLOW_CONTROL_ERROR] }, () => [headers(1, post()), windowUpdate(1, 0x7fff0000), settings([[kSetting.INITIAL_WINDOW_SIZE, 0x7fffffff]])]);
one('a window of exactly 2^31 - 1 is legal', '6.9.1', served(), () => [windowUpdate(0, 0x7fffffff - 65_535), headers(1, post()), windowUpdate(1, 0x7fffffff - 65_535), data(1, 'x', { end: true })]);

test('RFC 9113 6.9: more DATA than the window of the stream permits is FLOW_CONTROL_ERROR', async () => {
  const peer = await (await Peer.open(target.port)).ready();
  const window = peer.settings[kSetting.INITIAL_WINDOW_SIZE] ?? 65_535;
  // The upstream is not asked to read: what comes at once, beyond the window, is an error whoever reads it.
  const count = Math.ceil((window + 1) / 16_384) + 80;
  peer.send(headers(1, post('/held')), ...Array.from({ length: count }, () => data(1, Buffer.alloc(16_384))));
  const outcome = await peer.outcome(1);
  // Where the gateway reads on and updates quickly enough, nothing was violated, and the body is too large or taken.
  if (outcome.kind === 'response') assert.ok([200, 413].includes(outcome.response.status));
  else assert.ok([kError.FLOW_CONTROL_ERROR, kError.NO_ERROR].includes(outcome.code), JSON.stringify(outcome));
  peer.destroy();
  await expectStillServes(target);
});

test('RFC 9113 6.9: the gateway opens its windows again: 4 MiB go up', async () => {
  const roomy = await startHttp2Target({ api: { body_size: '16MiB' } });
  const peer = await (await Peer.open(roomy.port)).ready();
  let [stream, connection] = [peer.settings[kSetting.INITIAL_WINDOW_SIZE] ?? 65_535, 65_535];
  let seen = 0;
  const account = () => {
    for (; seen < peer.frames.length; seen += 1) {
      const f = peer.frames[seen];
      if (f.type !== kType.WINDOW_UPDATE) continue;
      if (f.stream === 0) connection += f.payload.readUInt32BE(0);
      else stream += f.payload.readUInt32BE(0);
    }
    return Math.min(stream, connection);
  };
  peer.send(headers(1, post('/up')));
  for (let left = 4 * 1024 * 1024; left > 0; ) {
    await peer.until('room in the windows', () => account() > 0);
    const size = Math.min(16_384, left, account());
    [stream, connection, left] = [stream - size, connection - size, left - size];
    await peer.send(data(1, Buffer.alloc(size), { end: left === 0 }));
  }
  assert.equal((await peer.response(1)).status, 200);
  assert.equal(roomy.upstream.requests.at(-1).body.length, 4 * 1024 * 1024);
  peer.destroy();
});

test('RFC 9113 6.9.1: padding counts, and is given back', async () => {
  const peer = await (await Peer.open(target.port)).ready();
  const window = peer.settings[kSetting.INITIAL_WINDOW_SIZE] ?? 65_535;
  peer.send(headers(1, post('/pad')));
  // Twice the window of padding alone, never more than what is open.
  let sent = 0;
  let returned = 0;
  let seen = 0;
  const count = () => {
    for (; seen < peer.frames.length; seen += 1) if (peer.frames[seen].type === kType.WINDOW_UPDATE && peer.frames[seen].stream === 0) returned += peer.frames[seen].payload.readUInt32BE(0);
    return 65_535 + returned - sent;
  };
  const perStream = () => window + peer.frames.filter((f) => f.type === kType.WINDOW_UPDATE && f.stream === 1).reduce((sum, f) => sum + f.payload.readUInt32BE(0), 0) - sent;
  while (sent < 2 * window) {
    await peer.until('room for 257 octets', () => Math.min(count(), perStream()) >= 257);
    sent += 257;
    peer.send(data(1, 'a', { pad: 255 }));
  }
  peer.send(data(1, '', { end: true }));
  assert.equal((await peer.response(1)).status, 200);
  assert.equal(target.upstream.requests.at(-1).body.length, sent / 257);
  peer.destroy();
});

test('RFC 9113 6.8: after the client\'s GOAWAY the gateway closes once the streams are done', async () => {
  const peer = await Peer.open(target.port);
  peer.send(request(1, '/held'), goaway(0));
  assert.ok(await peer.barrier().catch(() => true));
  const waiting = setInterval(release, 5);
  assert.equal((await peer.response(1)).status, 200);
  clearInterval(waiting);
  peer.socket.end();
  await peer.closed();
});
