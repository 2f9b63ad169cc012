// Floods and stalls over HTTP/2. Each ends with the connection (or the stream) after the configured number; meanwhile others
// are served, the memory of the process stays bounded, and a metric says what it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectStillServes, startHttp2Target } from '../support/h2_expect.mjs';
import { Peer, continuation, data, errorName, frame, get, goaway, headers, kError, kPreface, kSetting, kType, ping, post, priority, reset, settings, settingsAck, windowUpdate } from '../support/h2_raw.mjs';
import { encode, indexed, literal } from '../support/hpack.mjs';
import { metric } from '../support/metrics.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'a token of the admin listener, long enough';
const kMiB = 1024 * 1024;
const bounds = { streams: 16, resets: '20/30s', settings: '5/10s', pings: '5/10s', empty_frames: '20/10s', small_frames: '50/10s', control_frames: '50/10s', continuation_frames: 4 };
const big = Buffer.alloc(8 * kMiB, 'x');
const target = await startHttp2Target(
  {
    listener: { http2: bounds, limits: { head_size: '16KiB', head_fields: 100, head_timeout: '1s', body_timeout: '1s', idle_timeout: '3s' } },
    api: { body_size: '1MiB', timeout: '20s' },
    admin: { address: '127.0.0.1:0', token: '${env:ADMIN_TOKEN}' },
  },
  {
    handler: (request, socket) => {
      if (request.url !== '/big') return void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${big.length}\r\n\r\n`);
      return new Promise((resolve) => {
        socket.once('close', resolve);
        socket.write(big, resolve);
      });
    },
    // What a sanitizer keeps of freed memory is no leak of ours.
    gateway: { env: { ADMIN_TOKEN: kToken, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` } },
  },
);
const abuse = (kind) => metric(target.gateway.admin, kToken, 'portcullis_http2_abuse_total', { kind });
for (let i = 0; i < 3; i += 1) await expectStillServes(target);
const kGrowth = 64 * kMiB;

/**
 * `unit(i)` gives the frames of one turn; turns are sent in bursts until the connection ends, at most `most` of them.
 *   kinds    which of the metric's kinds may have counted it ([]: it is an error of the protocol at once)
 *   codes    of GOAWAY
 *   upstream at most so many requests got through
 */
function flood(name, reference, { kinds = [], codes = ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'], first = () => [], unit, most = 3000, burst = 100, upstream = 120, open = {} }) {
  test(`${name} (${reference})`, async () => {
    const counts = async () => Promise.all(kinds.map(abuse));
    const [before, memory, requests] = [await counts(), await target.gateway.memory(), target.upstream.requests.length];
    const peer = await Peer.open(target.port, { keep: false, ...open });
    let sent = 0;
    try {
      peer.send(...[first(peer)].flat());
      while (!peer.ended && !peer.goaway?.code && sent < most) {
        await peer.send(...Array.from({ length: burst }, (_, i) => unit(sent + i)).flat(2));
        sent += burst;
      }
      await expectStillServes(target);
      await eventually('the end of the connection', () => peer.ended, { timeout: 8000 });
      // A reset may overtake GOAWAY when more was under way; the metric then says why it ended.
      if (peer.goaway?.code) assert.ok(codes.includes(errorName(peer.goaway.code)), `GOAWAY ${errorName(peer.goaway.code)} ${peer.goaway.debug}`);
      else assert.ok(kinds.length > 0, 'it ended without GOAWAY');
    } finally {
      peer.destroy();
    }
    // An error of the protocol ends the connection by itself, and counts as nothing else.
    const counted = peer.goaway === undefined ? !codes.includes('STREAM_CLOSED') : [kError.ENHANCE_YOUR_CALM, kError.NO_ERROR].includes(peer.goaway.code);
    if (kinds.length > 0 && counted) {
      await eventually(`portcullis_http2_abuse_total{kind=${kinds.join('|')}}`, async () => (await counts()).some((count, i) => count > before[i])).catch((error) => {
        throw new Error(`${error.message}; ${sent} turns were sent; GOAWAY ${errorName(peer.goaway?.code)} ${peer.goaway?.debug}; logged ${target.gateway.events.filter((e) => e.event === 'http2_abuse').slice(-1)[0]?.kind}`);
      });
    }
    const through = target.upstream.requests.slice(requests).filter((r) => r.url !== '/still/well').length;
    assert.ok(through <= upstream, `${through} requests reached the upstream`);
    const growth = (await target.gateway.memory()) - memory;
    assert.ok(growth < kGrowth, `it grew by ${Math.round(growth / kMiB)} MiB`);
    assert.equal(target.gateway.exited, undefined, 'the gateway is alive');
  });
}
const odd = (i) => 2 * i + 1;
const whole = (i, path = '/x') => headers(odd(i), get(path), { end: true });

// Resets.
flood('rapid reset: HEADERS and RST_STREAM', 'CVE-2023-44487', { kinds: ['resets'], unit: (i) => [whole(i), reset(odd(i))] });
flood('rapid reset before the request is whole', 'CVE-2023-44487', { kinds: ['resets'], unit: (i) => [headers(odd(i), post()), reset(odd(i))] });
flood('rapid reset with a body under way', 'CVE-2023-44487', { kinds: ['resets'], unit: (i) => [headers(odd(i), post()), data(odd(i), 'x'.repeat(100)), reset(odd(i))] });
flood('reset flood: the server is made to send RST_STREAM by malformed requests', 'CVE-2019-9514', { kinds: ['resets'], unit: (i) => headers(odd(i), [...get(), ['X', 'y']], { end: true }), upstream: 0 });
const provoked = ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'STREAM_CLOSED', 'FLOW_CONTROL_ERROR', 'FRAME_SIZE_ERROR'];
for (const [name, unit] of [
  ['WINDOW_UPDATE of 0', (i) => [whole(i), windowUpdate(odd(i), 0)]],
  ['WINDOW_UPDATE of 0 before the end', (i) => [headers(odd(i), post()), windowUpdate(odd(i), 0)]],
  ['WINDOW_UPDATE that overflows', (i) => [whole(i), windowUpdate(odd(i), 0x7fffffff), windowUpdate(odd(i), 0x7fffffff)]],
  ['DATA behind the end', (i) => [whole(i), data(odd(i), 'x')]],
  ['HEADERS behind the end', (i) => [whole(i), headers(odd(i), [['x-t', 'y']], { end: true })]],
  ['PRIORITY of a wrong length', (i) => [whole(i), frame(kType.PRIORITY, 0, odd(i), Buffer.alloc(4))]],
  ['DATA beyond content-length', (i) => [headers(odd(i), post('/x', [['content-length', '1']])), data(odd(i), 'xx', { end: true })]],
  ['malformed trailers', (i) => [headers(odd(i), post()), headers(odd(i), [[':path', '/y']], { end: true })]],
]) flood(`MadeYouReset: ${name}`, 'CVE-2025-8671; VU#767506', { kinds: ['resets', 'control_frames'], codes: provoked, unit });
flood('RST_STREAM of streams that nobody opened', 'RFC 9113 6.4', { codes: ['PROTOCOL_ERROR', 'ENHANCE_YOUR_CALM'], unit: (i) => reset(odd(i + 5000)) });
flood('RST_STREAM of one closed stream again and again', 'CVE-2019-9514', { kinds: ['resets', 'control_frames'], codes: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'STREAM_CLOSED'], first: () => whole(0), unit: () => reset(1) });
flood('more streams than are permitted, without a pause', 'RFC 9113 5.1.2 and 10.5', { kinds: ['resets'], unit: (i) => headers(odd(i), post('/never')), codes: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'REFUSED_STREAM'] });

// Heads.
const opened = () => headers(1, get(), { end: true, endHeaders: false });
flood('CONTINUATION without end', 'CVE-2024-27316; VU#421644', { kinds: ['continuation_frames', 'header_size'], first: opened, unit: (i) => continuation(1, [[`x-${i}`, 'y']], { endHeaders: false }), upstream: 0 });
flood('empty CONTINUATION without end', 'CVE-2024-27316; CVE-2019-9518', { kinds: ['continuation_frames', 'empty_frames'], first: opened, unit: () => continuation(1, Buffer.alloc(0), { endHeaders: false }), upstream: 0 });
flood('CONTINUATION of 16 KiB each', 'CVE-2024-27316', { kinds: ['continuation_frames', 'header_size'], first: opened, unit: () => continuation(1, literal('x', 'a'.repeat(16_000)), { endHeaders: false }), burst: 10, upstream: 0 });
flood('CONTINUATION after a request that is refused already', 'CVE-2024-27919 Envoy', { kinds: ['continuation_frames', 'header_size', 'resets'], first: () => headers(1, [...get(), ['X', 'y']], { end: true, endHeaders: false }), unit: () => continuation(1, [['x-a', 'y']], { endHeaders: false }), upstream: 0 });
flood('trailers in CONTINUATION without end', 'CVE-2024-30255 Envoy', { kinds: ['continuation_frames', 'header_size'], first: () => [headers(1, post()), headers(1, [['x-t', 'a']], { end: true, endHeaders: false })], unit: () => continuation(1, [['x-t', 'y']], { endHeaders: false }), upstream: 0 });
{
  // One entry of 4,000 octets in the table, and a request of one octet for each use of it: 16 KiB make 64 MiB.
  const entry = literal('x-bomb', 'a'.repeat(3900), { form: 'incremental' });
  const bomb = Buffer.concat([encode(get()), Buffer.alloc(16_000, indexed(62))]);
  flood('HPACK bomb: one octet stands for 4,000', 'CVE-2016-6581; CVE-2016-1544', { kinds: ['header_size', 'resets'], first: () => headers(1, Buffer.concat([encode(get()), entry]), { end: true }), unit: (i) => headers(odd(i + 1), bomb, { end: true }), burst: 5, most: 400, upstream: 2 });
}
for (const [name, reference, field] of [
  ['crumbs of cookies', 'RFC 9113 8.2.3 and 10.5.1; CVE-2025-53020', literal(32, 'a')],
  ['fields of one octet', 'CVE-2018-12121', literal('a', '')],
  ['empty names and values', 'CVE-2019-9516', literal('', '')],
  ['the same static field', 'CVE-2016-6581', indexed(16)],
  ['names that are not in the table (each is kept)', 'CVE-2019-9516', literal('', '', { form: 'incremental' })],
]) {
  const block = Buffer.concat([encode(get()), ...Array.from({ length: Math.floor(15_000 / field.length) }, () => field)]);
  // Each head is refused; that many of them are too many.
  flood(`a head of nothing but ${name}`, reference, { kinds: ['resets', 'header_size'], unit: (i) => headers(odd(i), block, { end: true }), burst: 5, most: 400, upstream: 0 });
}
test('a huge table that a client offers costs nothing (CVE-2016-1544)', async () => {
  const memory = await target.gateway.memory();
  const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.open(target.port, { settings: [[kSetting.HEADER_TABLE_SIZE, 2 ** 32 - 1]] })));
  for (const peer of peers) for (let i = 0; i < 10; i += 1) assert.equal((await peer.request(odd(i), get(`/x/${i}`))).status, 200);
  assert.ok((await target.gateway.memory()) - memory < kGrowth);
  peers.forEach((peer) => peer.destroy());
});

// Frames that cost more to read than to send.
flood('SETTINGS', 'CVE-2019-9515', { kinds: ['settings'], unit: () => settings([[kSetting.INITIAL_WINDOW_SIZE, 1000]]) });
flood('empty SETTINGS', 'CVE-2019-9515', { kinds: ['settings'], unit: () => settings() });
flood('SETTINGS with 2,700 entries', 'CVE-2020-11080 nghttp2', { kinds: ['settings'], unit: () => settings(Array.from({ length: 2700 }, (_, i) => [kSetting.INITIAL_WINDOW_SIZE, 60_000 + (i % 100)])), burst: 5, most: 200 });
flood('SETTINGS that change the windows of many streams', 'CVE-2019-9515', { kinds: ['settings', 'window'], first: () => Array.from({ length: 15 }, (_, i) => whole(i, '/big')), unit: (i) => settings([[kSetting.INITIAL_WINDOW_SIZE, i % 2]]), open: { settings: [[kSetting.INITIAL_WINDOW_SIZE, 0]] } });
flood('acknowledgements that nobody waits for', 'CVE-2019-9515', { kinds: ['settings', 'control_frames'], unit: () => settingsAck() });
flood('PING', 'CVE-2019-9512', { kinds: ['pings'], unit: () => ping() });
flood('answers to PINGs that nobody sent', 'CVE-2019-9512', { kinds: ['pings', 'control_frames'], unit: () => ping('unasked!', { ack: true }) });
flood('empty DATA', 'CVE-2019-9518', { kinds: ['empty_frames'], first: () => headers(1, post()), unit: () => data(1, '') });
flood('DATA of nothing but padding', 'CVE-2019-9518', { kinds: ['empty_frames'], first: () => headers(1, post()), unit: () => data(1, '', { pad: 20 }) });
flood('empty HEADERS that go on', 'CVE-2019-9518', { kinds: ['empty_frames', 'continuation_frames', 'resets'], unit: (i) => [headers(odd(i), Buffer.alloc(0), { endHeaders: false, end: true }), continuation(odd(i), get())], upstream: 3000 });
flood('DATA of one octet', 'CVE-2019-9511', { kinds: ['small_frames'], first: () => headers(1, post()), unit: () => data(1, 'x') });
flood('PRIORITY', 'CVE-2019-9513', { kinds: ['control_frames'], unit: (i) => priority(odd(i % 50), { dependsOn: odd((i + 1) % 50) + 2, exclusive: i % 2 === 0 }) });
flood('PRIORITY_UPDATE', 'RFC 9218 7.1 and 13', { kinds: ['control_frames'], unit: (i) => frame(kType.PRIORITY_UPDATE, 0, 0, Buffer.from([0, 0, 0, odd(i % 50), 0x75, 0x3d, 0x31])) });
flood('WINDOW_UPDATE of the connection', 'RFC 9113 10.5', { kinds: ['control_frames'], codes: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'FLOW_CONTROL_ERROR'], unit: () => windowUpdate(0, 1) });
flood('WINDOW_UPDATE of a stream', 'RFC 9113 10.5', { kinds: ['control_frames'], codes: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'FLOW_CONTROL_ERROR'], first: () => headers(1, post()), unit: () => windowUpdate(1, 1) });
flood('frames of unknown types', 'RFC 9113 10.5', { kinds: ['control_frames'], unit: (i) => frame(0x20 + (i % 200), 0, 0, 'x') });
flood('GOAWAY again and again', 'RFC 9113 6.8 and 10.5', { kinds: ['control_frames'], first: () => headers(1, post()), unit: () => goaway(0) });

test('after its own GOAWAY a client opens no streams without end (RFC 9113 6.8)', async () => {
  const requests = target.upstream.requests.length;
  const peer = await Peer.open(target.port);
  peer.send(headers(1, post()), goaway(0), ...Array.from({ length: 500 }, (_, i) => headers(odd(i + 1), post())));
  await eventually('the end of the connection', () => peer.ended, { timeout: 8000 });
  peer.destroy();
  assert.ok(target.upstream.requests.length - requests <= 32);
});

// Stalls.
const stalled = (name, reference, { open = {}, send, kinds = [], timeout = 8000 }) => test(`${name} (${reference})`, async () => {
  const [before, memory] = [await Promise.all(kinds.map(abuse)), await target.gateway.memory()];
  const peer = await Peer.open(target.port, { keep: false, ...open });
  const timer = send(peer);
  let most = 0;
  try {
    await eventually('the end of what is stalled', async () => {
      most = Math.max(most, (await target.gateway.memory()) - memory);
      if (peer.ended || peer.socket.destroyed) return true;
      return kinds.length > 0 && (await Promise.all(kinds.map(abuse))).some((count, i) => count > before[i]);
    }, { timeout, every: 50 });
    await expectStillServes(target);
  } finally {
    clearInterval(timer);
    peer.destroy();
  }
  assert.ok(most < kGrowth, `it grew by ${Math.round(most / kMiB)} MiB`);
});
const zero = { settings: [[kSetting.INITIAL_WINDOW_SIZE, 0]] };
stalled('answers of 8 MiB on every stream, and a window of 0', 'CVE-2019-9517; Slow Read, 2012', { kinds: ['window'], open: zero, send: (peer) => void peer.send(...Array.from({ length: 16 }, (_, i) => whole(i, '/big'))) });
stalled('a window of 0 for the connection', 'CVE-2019-9517', { kinds: ['window'], open: { update: false, settings: [[kSetting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]] }, send: (peer) => void peer.send(...Array.from({ length: 16 }, (_, i) => whole(i, '/big'))) });
stalled('open windows, and a client that does not read the socket', 'CVE-2019-9517: internal data buffering', {
  kinds: ['window'], open: { paused: true, settings: [[kSetting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]] }, send: (peer) => void peer.send(windowUpdate(0, 2 ** 31 - 1 - 65_535), ...Array.from({ length: 16 }, (_, i) => whole(i, '/big'))),
});
stalled('a head that is never finished', 'Slowloris; CVE-2007-6750', { kinds: ['slow_head'], send: (peer) => void peer.send(headers(1, get(), { end: true, endHeaders: false })) });
stalled('a frame that is never finished', 'Slowloris; CVE-2007-6750', { kinds: ['slow_head'], send: (peer) => void peer.send(headers(1, get(), { end: true }).subarray(0, 15)) });
stalled('a head that drips, octet by octet', 'Slowloris; CVE-2007-6750', {
  kinds: ['slow_head'],
  send: (peer) => {
    const bytes = headers(1, get(`/${'a'.repeat(5000)}`), { end: true });
    let at = 0;
    return setInterval(() => peer.socket.write(bytes.subarray(at, (at += 1))), 20);
  },
});
stalled('a connection that says nothing after the preface', 'RFC 9113 9.1 and 10.5', { send: () => undefined });
stalled('a connection that only acknowledges', 'RFC 9113 9.1', { send: (peer) => void peer.send(settingsAck()) });

for (const [name, first] of [['nothing', Buffer.alloc(0)], ['half a preface', kPreface.subarray(0, 10)], ['the preface without SETTINGS', kPreface]]) {
  test(`fifty connections that send ${name} are closed after head_timeout, and hold nobody up (Slowloris; CVE-2007-6750)`, async () => {
    const peers = await Promise.all(Array.from({ length: 50 }, () => Peer.open(target.port, { preface: null })));
    for (const peer of peers) peer.send(first);
    await expectStillServes(target);
    await eventually('all of them to be closed', () => peers.every((peer) => peer.ended), { timeout: 8000 });
    peers.forEach((peer) => peer.destroy());
  });
}

test('a body that stops is given up after body_timeout: 408 or RST_STREAM; the connection goes on (R-U-Dead-Yet, 2010)', async () => {
  const peer = await Peer.open(target.port);
  peer.send(headers(1, post('/slow', [['content-length', '1000']])), data(1, 'start'));
  const outcome = await peer.outcome(1, 8000);
  assert.ok(outcome.kind === 'response' ? outcome.response.status === 408 : outcome.kind !== 'closed', JSON.stringify(outcome));
  assert.ok(target.upstream.requests.every((r) => r.url !== '/slow' || r.body === undefined));
  peer.destroy();
  await expectStillServes(target);
});

test('windows of one octet: the answer comes octet by octet, others are not held up (CVE-2019-9511)', async () => {
  const memory = await target.gateway.memory();
  const peer = await Peer.open(target.port, { settings: [[kSetting.INITIAL_WINDOW_SIZE, 1]], keep: false });
  peer.send(whole(0, '/big'));
  await peer.until('500 octets, or the end of it', () => (peer.streams.get(1)?.received ?? 0) >= 500 || peer.ended || peer.streams.get(1)?.reset !== undefined, 10_000);
  await expectStillServes(target);
  assert.ok((await target.gateway.memory()) - memory < kGrowth);
  peer.destroy();
});

test('the log names the client and the kind', () => {
  const kinds = new Set(target.gateway.events.filter((e) => e.event === 'http2_abuse').map((e) => e.kind));
  assert.ok(kinds.size > 0, 'no event http2_abuse');
});
