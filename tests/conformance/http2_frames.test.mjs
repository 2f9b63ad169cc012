// RFC 9113 sections 4 and 6: frames, their sizes, and each type.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionError, either, frameCase, served, startHttp2Target, streamError } from '../support/h2_expect.mjs';
import { Peer, continuation, data, frame, get, goaway, headers, kError, kFlag, kSetting, kType, ping, post, priority, reset, settings, settingsAck, windowUpdate } from '../support/h2_raw.mjs';
import { encode, literal } from '../support/hpack.mjs';

const target = await startHttp2Target();
const request = (id = 1) => headers(id, get(), { end: true });
/** A request that waits for its body. */
const open = (id = 1) => headers(id, post());
const end = (id = 1) => data(id, 'ok', { end: true });
const split = (fields, ...at) => {
  const block = encode(fields);
  return [0, ...at].map((from, i) => block.subarray(from, at[i] ?? block.length));
};
const one = (name, rfc, expect, send, more = {}) => frameCase(target, { name, rfc: `RFC 9113 ${rfc}`, expect, send, ...more });

// 4.1: the head of a frame.
one('an unknown type on the connection is ignored', '4.1', served(), () => [frame(0xfa, 0xff, 0, 'anything'), request()]);
one('an unknown type on an open stream is ignored', '4.1', served(), () => [open(), frame(0x22, 0, 1, 'anything'), end()]);
one('an unknown type on an idle stream is ignored', '4.1', served(), () => [frame(0x22, 0, 7, 'anything'), request()]);
for (const [name, frames] of [
  ['PING', [frame(kType.PING, 0xfe, 0, '12345678'), request()]],
  ['HEADERS', [frame(kType.HEADERS, kFlag.END_HEADERS | kFlag.END_STREAM | 0x42, 1, encode(get()))]],
  ['DATA', [open(), frame(kType.DATA, kFlag.END_STREAM | 0x46, 1, 'ok')]],
  ['SETTINGS', [frame(kType.SETTINGS, 0xfe, 0), request()]],
  ['WINDOW_UPDATE', [frame(kType.WINDOW_UPDATE, 0xff, 0, Buffer.from([0, 0, 0, 1])), request()]],
  ['PRIORITY', [frame(kType.PRIORITY, 0xff, 3, Buffer.from([0, 0, 0, 0, 1])), request()]],
  ['GOAWAY', [request(), frame(kType.GOAWAY, 0xff, 0, Buffer.alloc(8))], { next: null }],
]) {
  one(`flags that ${name} does not define are ignored`, '4.1', served(), () => frames, name === 'GOAWAY' ? { next: null } : {});
}
one('the reserved bit before the stream is ignored', '4.1', served(), () => [frame(kType.PING, 0, 0, '12345678', { reserved: 1 }), frame(kType.HEADERS, kFlag.END_HEADERS | kFlag.END_STREAM, 1, encode(get()), { reserved: 1 })]);

// 4.2: sizes.
one('DATA of 2^14 octets is taken', '4.2', served(), () => [open(), data(1, Buffer.alloc(16_384), { end: true })], { check: (_outcome, seen) => assert.equal(seen[0].body.length, 16_384) });
one('HEADERS of 2^14 octets is taken, or refused as too large', '4.2', served(200, 431), () => {
  const block = encode(get());
  const filling = literal('x', 'a'.repeat(16_384 - block.length - 6));
  return headers(1, Buffer.concat([block, filling]), { end: true });
});
one('DATA larger than SETTINGS_MAX_FRAME_SIZE', '4.2', streamError('FRAME_SIZE_ERROR'), () => [open(), data(1, Buffer.alloc(16_385), { end: true })]);
one('HEADERS larger than SETTINGS_MAX_FRAME_SIZE', '4.2', connectionError('FRAME_SIZE_ERROR'), () => headers(1, Buffer.concat([encode(get()), Buffer.alloc(16_385)]), { end: true }));
one('CONTINUATION larger than SETTINGS_MAX_FRAME_SIZE', '4.2', connectionError('FRAME_SIZE_ERROR'), () => [headers(1, get(), { end: true, endHeaders: false }), continuation(1, [['x', 'a'.repeat(16_385)]])]);
one('SETTINGS larger than SETTINGS_MAX_FRAME_SIZE', '4.2', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.SETTINGS, 0, 0, Buffer.alloc(16_386)));
one('a frame of an unknown type larger than SETTINGS_MAX_FRAME_SIZE', '4.2', either(connectionError('FRAME_SIZE_ERROR'), served()), () => [frame(0xfa, 0, 0, Buffer.alloc(16_385)), request()]);
one('a frame that says it has 2^24 - 1 octets', '4.2', connectionError('FRAME_SIZE_ERROR'), () => [open(), frame(kType.DATA, 0, 1, '', { length: 2 ** 24 - 1 })]);

// 4.3: field blocks.
one('a block that no decoder can read', '4.3', connectionError('COMPRESSION_ERROR'), () => headers(1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), { end: true }));
one('a block that ends inside a field', '4.3', connectionError('COMPRESSION_ERROR'), () => headers(1, encode(get()).subarray(0, -2), { end: true }));
for (const [name, between] of [
  ['PRIORITY', priority(1, {})], ['PING', ping()], ['DATA', data(1, 'x')], ['SETTINGS', settings()], ['WINDOW_UPDATE', windowUpdate(0, 1)], ['RST_STREAM', reset(1)], ['GOAWAY', goaway()],
  ['HEADERS of another stream', headers(3, get(), { end: true })], ['HEADERS of the same stream', headers(1, get(), { end: true })], ['CONTINUATION of another stream', continuation(3, encode([['x', 'y']]))],
  ['a frame of an unknown type', frame(0xfa, 0, 1, 'x')], ['PUSH_PROMISE', frame(kType.PUSH_PROMISE, kFlag.END_HEADERS, 1, Buffer.from([0, 0, 0, 2]))],
]) {
  one(`${name} inside a field block`, name.startsWith('a frame') ? '4.3 and 5.5' : '4.3 and 6.2', connectionError('PROTOCOL_ERROR'), () => [headers(1, split(get(), 5)[0], { end: true, endHeaders: false }), between, continuation(1, split(get(), 5)[1])]);
}
one('a refused stream still counts for the state of the compression', '4.3', served(), () => {
  // The entry comes with a request that is malformed (two :path), and is used by the next one.
  const bad = Buffer.concat([encode([...get(), [':path', '/x']]), literal('x-later', 'yes', { form: 'incremental' })]);
  return [headers(1, bad, { end: true }), headers(3, Buffer.concat([encode(get('/later')), Buffer.from([0x80 | 62])]), { end: true })];
}, { stream: 3, check: (_outcome, seen) => assert.deepEqual(seen.find((r) => r.url === '/later').fields.find(([name]) => name === 'x-later'), ['x-later', 'yes']) });

// 6.1: DATA.
one('DATA is the body', '6.1', served(), () => [open(), data(1, 'he'), data(1, 'llo', { end: true })], { check: (_outcome, seen) => assert.equal(seen[0].body.toString(), 'hello') });
one('padding is no part of the body', '6.1', served(), () => [open(), data(1, 'hello', { pad: 100, end: true })], { check: (_outcome, seen) => assert.equal(seen[0].body.toString(), 'hello') });
one('padding of 255 octets, and no content', '6.1', served(), () => [open(), data(1, 'a'), data(1, '', { pad: 255 }), data(1, 'b', { end: true })], { check: (_outcome, seen) => assert.equal(seen[0].body.toString(), 'ab') });
one('an empty DATA ends the stream', '6.1', served(), () => [open(), data(1, '', { end: true })], { check: (_outcome, seen) => assert.equal(seen[0].body.toString(), '') });
one('DATA on stream 0', '6.1', connectionError('PROTOCOL_ERROR'), () => data(0, 'x'));
one('DATA on a stream that has been answered', '6.1', either(streamError('STREAM_CLOSED'), connectionError('PROTOCOL_ERROR'), served()), async (peer) => {
  await peer.request(1, get());
  peer.streams.delete(1);
  return [data(1, 'x', { end: true }), request(3)];
}, { stream: 3 });
one('DATA on a stream whose end has been sent', '6.1', streamError('STREAM_CLOSED'), () => [headers(1, get('/held'), { end: true }), data(1, 'x')], { upstream: 'any' });
for (const [name, frames] of [
  ['as long as the frame', [frame(kType.DATA, kFlag.PADDED | kFlag.END_STREAM, 1, Buffer.from([5, 1, 2, 3, 4]))]],
  ['longer than the frame', [frame(kType.DATA, kFlag.PADDED | kFlag.END_STREAM, 1, Buffer.from([255, 1]))]],
]) one(`DATA with padding ${name}`, '6.1', connectionError('PROTOCOL_ERROR'), () => [open(), ...frames]);
one('DATA that is padded and has no pad length', '6.1', connectionError('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'), () => [open(), frame(kType.DATA, kFlag.PADDED | kFlag.END_STREAM, 1)]);
one('padding that is not zero may be ignored', '6.1', either(served(), connectionError('PROTOCOL_ERROR')), () => [open(), data(1, 'x', { pad: 3, padding: Buffer.from('abc'), end: true })], { upstream: 'any' });

// 6.2: HEADERS.
one('HEADERS with padding', '6.2', served(), () => headers(1, get(), { pad: 200, end: true }));
one('HEADERS with a priority', '6.2', served(), () => headers(1, get(), { priority: { dependsOn: 0, weight: 255, exclusive: true }, end: true }));
one('HEADERS with both', '6.2', served(), () => headers(1, get(), { pad: 9, priority: { dependsOn: 3 }, end: true }));
one('HEADERS on stream 0', '6.2', connectionError('PROTOCOL_ERROR'), () => headers(0, get(), { end: true }));
one('HEADERS with padding longer than the frame', '6.2', connectionError('PROTOCOL_ERROR'), () => frame(kType.HEADERS, kFlag.PADDED | kFlag.END_HEADERS | kFlag.END_STREAM, 1, Buffer.concat([Buffer.from([255]), encode(get())])));
one('HEADERS that is padded and empty', '6.2', connectionError('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'), () => frame(kType.HEADERS, kFlag.PADDED | kFlag.END_HEADERS | kFlag.END_STREAM, 1));
one('HEADERS with a priority that is cut short', '6.2', connectionError('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'), () => frame(kType.HEADERS, kFlag.PRIORITY | kFlag.END_HEADERS | kFlag.END_STREAM, 1, Buffer.alloc(3)));
one('HEADERS without a field', '6.2 and 8.3.1', { ...streamError('PROTOCOL_ERROR'), status: [400] }, () => headers(1, Buffer.alloc(0), { end: true }));

// 6.3 and RFC 7540 5.3: priorities are parsed and have no effect.
for (const [name, fields] of [['the least weight', { weight: 0 }], ['the greatest weight', { weight: 255 }], ['a dependency', { dependsOn: 1 }], ['an exclusive dependency', { dependsOn: 1, exclusive: true }], ['a dependency on a stream that nobody opens', { dependsOn: 0x7fffffff }]]) {
  one(`PRIORITY with ${name} on an idle stream`, '6.3', served(), () => [priority(3, fields), request()]);
}
one('PRIORITY on a stream that is open', '6.3', served(), () => [open(), priority(1, {}), end()]);
one('PRIORITY on a stream whose end has been sent', '6.3', served(), () => [request(), priority(1, {})]);
one('PRIORITY on a closed stream', '6.3', served(), async (peer) => {
  await peer.request(1, get());
  return [priority(1, {}), request(3)];
}, { stream: 3 });
one('PRIORITY does not open its stream: a lower one may follow', '6.3', served(), () => [priority(9, { dependsOn: 7 }), request(1)]);
one('PRIORITY on stream 0', '6.3', connectionError('PROTOCOL_ERROR'), () => priority(0, {}));
for (const length of [0, 4, 6]) one(`PRIORITY of ${length} octets`, '6.3', streamError('FRAME_SIZE_ERROR'), () => [open(), frame(kType.PRIORITY, 0, 1, Buffer.alloc(length))]);
// RFC 7540 5.3.1 called these stream errors PROTOCOL_ERROR; RFC 9113 5.3.2 has priorities without effect.
one('PRIORITY that depends on itself', '5.3.2 (RFC 7540 5.3.1)', either(streamError('PROTOCOL_ERROR'), served()), () => [open(), priority(1, { dependsOn: 1 }), end()], { upstream: 'any' });
one('PRIORITY on an idle stream that depends on itself', '5.3.2 (RFC 7540 5.3.1)', either(connectionError('PROTOCOL_ERROR'), served()), () => [priority(3, { dependsOn: 3 }), request()], { upstream: 'any' });
one('HEADERS that depends on itself', '5.3.2 (RFC 7540 5.3.1)', either(streamError('PROTOCOL_ERROR'), served()), () => headers(1, get(), { priority: { dependsOn: 1 }, end: true }), { upstream: 'any' });
one('PRIORITY_UPDATE (RFC 9218 7.1) is taken or ignored', '5.3 and 5.5', served(), () => [frame(kType.PRIORITY_UPDATE, 0, 0, Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('u=1, i')])), request()]);
one('SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218 2.1) is taken', '5.3 and 6.5.2', served(), () => request(), { open: { settings: [[kSetting.NO_RFC7540_PRIORITIES, 1]] } });

// 6.4: RST_STREAM.
one('RST_STREAM gives up a request; the connection goes on', '6.4', served(), () => [open(), reset(1), request(3)], { stream: 3 });
one('RST_STREAM with a code that nobody knows', '7', served(), () => [open(), reset(1, 0xff), request(3)], { stream: 3 });
one('RST_STREAM of a request that waits for its answer', '6.4', served(), () => [headers(1, get('/held'), { end: true }), reset(1), request(3)], { stream: 3 });
one('RST_STREAM of a closed stream', '5.1', either(served(), connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR')), async (peer) => {
  await peer.request(1, get());
  return [reset(1), request(3)];
}, { stream: 3 });
one('RST_STREAM twice', '5.1', either(served(), connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR')), () => [open(), reset(1), reset(1), request(3)], { stream: 3, upstream: 'any' });
one('RST_STREAM on stream 0', '6.4', connectionError('PROTOCOL_ERROR'), () => reset(0));
one('RST_STREAM on an idle stream', '6.4', connectionError('PROTOCOL_ERROR'), () => reset(1));
for (const length of [0, 3, 5]) one(`RST_STREAM of ${length} octets`, '6.4', connectionError('FRAME_SIZE_ERROR'), () => [open(), frame(kType.RST_STREAM, 0, 1, Buffer.alloc(length))]);

// 6.5: SETTINGS.
one('SETTINGS again, and again', '6.5', served(), () => [settings([[kSetting.INITIAL_WINDOW_SIZE, 100_000]]), settings(), request()]);
one('SETTINGS that nobody knows are ignored', '6.5.2', served(), () => [settings([[0xff, 1], [0xabcd, 0xffffffff], [0, 7]]), request()]);
one('the same setting twice: the last counts', '6.5.3', served(), () => [settings([[kSetting.INITIAL_WINDOW_SIZE, 0], [kSetting.INITIAL_WINDOW_SIZE, 1000]]), request()]);
one('SETTINGS with ACK and a payload', '6.5', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.SETTINGS, kFlag.ACK, 0, Buffer.alloc(6)));
one('SETTINGS with ACK and one octet', '6.5', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.SETTINGS, kFlag.ACK, 0, Buffer.alloc(1)));
one('SETTINGS on a stream', '6.5', connectionError('PROTOCOL_ERROR'), () => [open(), settings([], { stream: 1 })]);
for (const length of [1, 5, 7, 13]) one(`SETTINGS of ${length} octets`, '6.5', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.SETTINGS, 0, 0, Buffer.alloc(length)));
one('SETTINGS_ENABLE_PUSH of 2', '6.5.2', connectionError('PROTOCOL_ERROR'), () => settings([[kSetting.ENABLE_PUSH, 2]]));
for (const value of [0, 1]) one(`SETTINGS_ENABLE_PUSH of ${value}`, '6.5.2', served(), () => [settings([[kSetting.ENABLE_PUSH, value]]), request()]);
for (const value of [2 ** 31, 2 ** 32 - 1]) one(`SETTINGS_INITIAL_WINDOW_SIZE of ${value}`, '6.5.2', connectionError('FLOW_CONTROL_ERROR'), () => settings([[kSetting.INITIAL_WINDOW_SIZE, value]]));
one('SETTINGS_INITIAL_WINDOW_SIZE of 2^31 - 1', '6.5.2', served(), () => [settings([[kSetting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]]), request()]);
for (const value of [0, 16_383, 2 ** 24, 2 ** 32 - 1]) one(`SETTINGS_MAX_FRAME_SIZE of ${value}`, '6.5.2', connectionError('PROTOCOL_ERROR'), () => settings([[kSetting.MAX_FRAME_SIZE, value]]));
for (const value of [16_384, 2 ** 24 - 1]) one(`SETTINGS_MAX_FRAME_SIZE of ${value}`, '6.5.2', served(), () => [settings([[kSetting.MAX_FRAME_SIZE, value]]), request()]);
for (const value of [0, 4096, 65_536, 2 ** 32 - 1]) one(`SETTINGS_HEADER_TABLE_SIZE of ${value}`, '6.5.2', served(), () => request(), { open: { settings: [[kSetting.HEADER_TABLE_SIZE, value]] } });
for (const value of [0, 1, 2 ** 32 - 1]) one(`SETTINGS_MAX_CONCURRENT_STREAMS of ${value} concerns what the server would push`, '6.5.2', served(), () => [settings([[kSetting.MAX_CONCURRENT_STREAMS, value]]), request()]);
one('SETTINGS_MAX_HEADER_LIST_SIZE of a client is advice', '6.5.2', either(served(), streamError('INTERNAL_ERROR', 'PROTOCOL_ERROR', 'REFUSED_STREAM', 'CANCEL')), () => [settings([[kSetting.MAX_HEADER_LIST_SIZE, 0]]), request()], { upstream: 'any', next: null });
for (const value of [2, 2 ** 32 - 1]) one(`SETTINGS_ENABLE_CONNECT_PROTOCOL of ${value} from a client`, '6.5.2; RFC 8441 3', either(served(), connectionError('PROTOCOL_ERROR')), () => [settings([[kSetting.ENABLE_CONNECT_PROTOCOL, value]]), request()], { upstream: 'any' });
one('an acknowledgement that nobody waits for', '6.5.3', either(served(), connectionError('PROTOCOL_ERROR')), () => [settingsAck(), settingsAck(), settingsAck(), request()], { upstream: 'any' });

test('RFC 9113 6.5.3: SETTINGS is acknowledged at once, and each of them', async () => {
  const peer = await Peer.open(target.port);
  peer.send(settings(), settings([[kSetting.INITIAL_WINDOW_SIZE, 70_000]]));
  await peer.until('three acknowledgements', () => peer.frames.filter((f) => f.type === kType.SETTINGS && f.flags & kFlag.ACK).length === 3);
  peer.destroy();
});

test('RFC 9113 6.5.2: what the gateway announces can be announced', async () => {
  const peer = await (await Peer.open(target.port)).ready();
  const got = peer.settings;
  assert.ok([undefined, 0].includes(got[kSetting.ENABLE_PUSH]), 'a server must not send 1');
  assert.equal(got[kSetting.MAX_CONCURRENT_STREAMS], 128, 'listeners.http2.streams');
  assert.ok((got[kSetting.MAX_FRAME_SIZE] ?? 16_384) === 16_384, 'nothing here needs larger frames');
  assert.ok((got[kSetting.INITIAL_WINDOW_SIZE] ?? 65_535) < 2 ** 31);
  assert.ok((got[kSetting.HEADER_TABLE_SIZE] ?? 4096) <= 65_536);
  assert.ok(got[kSetting.MAX_HEADER_LIST_SIZE] === undefined || got[kSetting.MAX_HEADER_LIST_SIZE] >= 8192);
  assert.ok([undefined, 0, 1].includes(got[kSetting.ENABLE_CONNECT_PROTOCOL]));
  peer.destroy();
});

// 6.6 and 8.4: PUSH_PROMISE.
one('a client promises nothing', '6.6 and 8.4', connectionError('PROTOCOL_ERROR'), () => [open(), frame(kType.PUSH_PROMISE, kFlag.END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), encode(get())]))]);
one('PUSH_PROMISE on an idle stream', '6.6', connectionError('PROTOCOL_ERROR'), () => frame(kType.PUSH_PROMISE, kFlag.END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), encode(get())])));
one('PUSH_PROMISE on stream 0', '6.6', connectionError('PROTOCOL_ERROR'), () => frame(kType.PUSH_PROMISE, kFlag.END_HEADERS, 0, Buffer.concat([Buffer.from([0, 0, 0, 2]), encode(get())])));

// 6.7: PING.
test('RFC 9113 6.7: PING is answered with its own payload', async () => {
  const peer = await Peer.open(target.port);
  peer.send(ping('\x00\xff pong\r'));
  const answer = await peer.waitFor((f) => f.type === kType.PING);
  assert.equal(answer.payload.toString('latin1'), '\x00\xff pong\r');
  assert.equal(answer.flags & kFlag.ACK, kFlag.ACK);
  assert.equal(answer.stream, 0);
  peer.destroy();
});

test('RFC 9113 6.7: PING with ACK is not answered', async () => {
  const peer = await Peer.open(target.port);
  peer.send(ping('unasked!', { ack: true }));
  assert.ok(await peer.barrier());
  assert.deepEqual(peer.frames.filter((f) => f.type === kType.PING).map((f) => f.payload.toString()), ['b0000001']);
  peer.destroy();
});
one('PING on a stream', '6.7', connectionError('PROTOCOL_ERROR'), () => [open(), ping('abcdefgh', { stream: 1 })]);
for (const length of [0, 6, 7, 9]) one(`PING of ${length} octets`, '6.7', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.PING, 0, 0, Buffer.alloc(length)));

// 6.8: GOAWAY.
one('GOAWAY: what is under way is answered', '6.8', served(), () => [open(), goaway(0, kError.NO_ERROR, { debug: 'so long' }), end()], { next: null });
one('GOAWAY with a code that nobody knows', '7', served(), () => [open(), goaway(0, 0xff), end()], { next: null });
one('GOAWAY on a stream', '6.8', connectionError('PROTOCOL_ERROR'), () => [open(), goaway(0, 0, { stream: 1 })]);
for (const length of [0, 7]) one(`GOAWAY of ${length} octets`, '6.8 and 4.2', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.GOAWAY, 0, 0, Buffer.alloc(length)));

// 6.9: WINDOW_UPDATE; what windows do is in http2_streams.
one('WINDOW_UPDATE of the connection and of a stream', '6.9', served(), () => [open(), windowUpdate(0, 1000), windowUpdate(1, 1000), end()]);
one('WINDOW_UPDATE on a stream whose end has been sent', '5.1', served(), () => [headers(1, get(), { end: true }), windowUpdate(1, 1000)]);
one('WINDOW_UPDATE on a closed stream', '5.1', either(served(), connectionError('STREAM_CLOSED', 'PROTOCOL_ERROR')), async (peer) => {
  await peer.request(1, get());
  return [windowUpdate(1, 1000), request(3)];
}, { stream: 3 });
one('WINDOW_UPDATE of 0 on the connection', '6.9', connectionError('PROTOCOL_ERROR'), () => windowUpdate(0, 0));
one('WINDOW_UPDATE of 0 on a stream', '6.9', streamError('PROTOCOL_ERROR'), () => [open(), windowUpdate(1, 0)]);
one('WINDOW_UPDATE: the reserved bit is ignored', '6.9', served(), () => [open(), windowUpdate(1, 0x80000001), end()]);
for (const length of [0, 3, 5, 8]) {
  one(`WINDOW_UPDATE of ${length} octets`, '6.9', connectionError('FRAME_SIZE_ERROR'), () => frame(kType.WINDOW_UPDATE, 0, 0, Buffer.alloc(length)));
  one(`WINDOW_UPDATE of ${length} octets on a stream`, '6.9', connectionError('FRAME_SIZE_ERROR'), () => [open(), frame(kType.WINDOW_UPDATE, 0, 1, Buffer.alloc(length))]);
}

// 6.10: CONTINUATION.
one('a block in two frames', '6.10', served(), () => [headers(1, split(get(), 7)[0], { end: true, endHeaders: false }), continuation(1, split(get(), 7)[1])]);
one('a block in four frames, cut anywhere', '6.10', served(), () => {
  const parts = split(get(), 1, 20, 33);
  return [headers(1, parts[0], { end: true, endHeaders: false }), continuation(1, parts[1], { endHeaders: false }), continuation(1, parts[2], { endHeaders: false }), continuation(1, parts[3])];
});
one('a block whose first frame is empty', '6.10', served(), () => [headers(1, Buffer.alloc(0), { end: true, endHeaders: false }), continuation(1, encode(get()))]);
one('trailers in two frames', '6.10', served(), () => [open(), data(1, 'x'), headers(1, encode([['x-a', 'b']]).subarray(0, 3), { end: true, endHeaders: false }), continuation(1, encode([['x-a', 'b']]).subarray(3))]);
one('CONTINUATION on stream 0', '6.10', connectionError('PROTOCOL_ERROR'), () => [headers(1, split(get(), 7)[0], { end: true, endHeaders: false }), continuation(0, split(get(), 7)[1])]);
one('CONTINUATION after HEADERS with END_HEADERS', '6.10', connectionError('PROTOCOL_ERROR'), () => [headers(1, post()), continuation(1, [['x', 'y']])]);
one('CONTINUATION after CONTINUATION with END_HEADERS', '6.10', connectionError('PROTOCOL_ERROR'), () => {
  const [a, b] = split(post(), 7);
  return [headers(1, a, { endHeaders: false }), continuation(1, b), continuation(1, [['x', 'y']])];
});
one('CONTINUATION after DATA', '6.10', connectionError('PROTOCOL_ERROR'), () => [open(), data(1, 'x'), continuation(1, [['x', 'y']])]);
one('CONTINUATION as the first frame', '6.10', connectionError('PROTOCOL_ERROR'), () => continuation(1, get()));
