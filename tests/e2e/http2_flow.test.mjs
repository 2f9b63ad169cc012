// Who is slow over HTTP/2 holds up its own stream, for as long as it may, and nobody else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { Peer, data, get, headers, kSetting, kType, post, windowUpdate } from '../support/h2_raw.mjs';
import { metric } from '../support/metrics.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kToken = 'metrics-token';
const kKiB = 1024;
const kStreamWindow = 64 * kKiB;
const big = Buffer.alloc(4 * 1024 * kKiB, 'x');

// It reads no body of /slow until it is told to.
let held = [];
const upstream = await startUpstream((incoming, response) => {
  if (incoming.url === '/slow' && held !== undefined) return held.push(() => incoming.resume().on('end', () => response.end('late')));
  let size = 0;
  incoming.on('data', (piece) => (size += piece.length));
  return incoming.on('end', () => response.end(incoming.url === '/big' ? big : `${size}`));
});
after(() => upstream.stop());

const api = { body_size: '64MiB', timeout: '60s' };
const start = (limits = {}, change = () => {}) => {
  const config = openConfig(upstream.target, { admin: { address: '127.0.0.1:0', token: '${env:TOKEN}' }, listener: { limits }, api });
  change(config);
  return Gateway.start(config, { env: { TOKEN: kToken } });
};
const count = (gateway, name, labels) => metric(gateway.admin, kToken, name, labels);

/** Sends bodies within the windows that the gateway gives, as any client must. */
class Sender {
  #seen = 0;
  #streams = new Map();
  #connection = 65_535;
  constructor(peer) {
    this.peer = peer;
  }
  #window(stream) {
    for (; this.#seen < this.peer.frames.length; this.#seen += 1) {
      const frame = this.peer.frames[this.#seen];
      if (frame.type !== kType.WINDOW_UPDATE) continue;
      const more = frame.payload.readUInt32BE(0);
      if (frame.stream === 0) this.#connection += more;
      else this.#streams.set(frame.stream, (this.#streams.get(frame.stream) ?? 0) + more);
    }
    const own = this.peer.settings[kSetting.INITIAL_WINDOW_SIZE] + (this.#streams.get(stream) ?? 0);
    return { own, connection: this.#connection };
  }
  #sent(stream, size) {
    this.#streams.set(stream, (this.#streams.get(stream) ?? 0) - size);
    this.#connection -= size;
  }
  /** That many bytes, which the windows must have room for. */
  some(stream, size) {
    this.#sent(stream, size);
    return this.peer.send(data(stream, Buffer.alloc(size)));
  }
  /** All of `size` bytes, and the end; waits for windows. */
  async all(stream, size) {
    for (let left = size; left > 0; ) {
      const room = await this.peer.until(`room in the windows of stream ${stream}`, () => {
        const { own, connection } = this.#window(stream);
        return Math.max(0, Math.min(own, connection));
      });
      const now = Math.min(16_384, left, room);
      left -= now;
      this.#sent(stream, now);
      await this.peer.send(data(stream, Buffer.alloc(now), { end: left === 0 }));
    }
  }
  /** As much as the stream's own window takes, until it is shut and stays so; how much that was. */
  async fill(stream) {
    let total = 0;
    for (;;) {
      const { own, connection } = this.#window(stream);
      if (own <= 0) {
        assert.ok(await this.peer.barrier());
        if (this.#window(stream).own <= 0) return total;
        continue;
      }
      const room = connection > 0 ? Math.min(own, connection) : await this.peer.until('room in the window of the connection', () => Math.max(0, Math.min(own, this.#window(stream).connection)));
      const now = Math.min(16_384, room);
      total += now;
      this.#sent(stream, now);
      await this.peer.send(data(stream, Buffer.alloc(now)));
    }
  }
}

test('uploads that nobody reads hold back no other upload of their connection (RFC 9113 5.2.2)', async () => {
  // Ten requests at a time get through to /slow, and the bodies of the forty that may wait for them are not read at all.
  const gateway = await start({}, (config) => {
    config.upstreams.echo.connections = { maximum: 10 };
    config.listeners.public.http2 = { pings: '1000/10s' };
    config.upstreams.other = { targets: [upstream.target] };
    config.apis.other = { ...config.apis.echo, base_path: '/fast', upstream: 'other', routes: [{ path: '/', methods: ['POST'], operation: 'fast' }] };
  });
  const peer = await (await Peer.open(gateway.port)).ready();
  const sender = new Sender(peer);
  // A body's first bytes are waited for before an upstream of HTTP/1.1 is asked.
  const through = Array.from({ length: 10 }, (_, i) => 2 * i + 1);
  for (const stream of through) {
    peer.send(headers(stream, post('/slow')));
    await sender.some(stream, 1);
  }
  await eventually('them upstream', () => held.length === through.length);
  const before = await count(gateway, 'portcullis_memory_bytes', { of: 'buffers' });
  // Forty windows are two and a half times what may be on its way for the whole connection.
  const stalled = Array.from({ length: 40 }, (_, i) => 2 * i + 21);
  for (const stream of stalled) {
    peer.send(headers(stream, post('/slow')));
    assert.equal(await sender.fill(stream), kStreamWindow);
  }
  peer.send(headers(1001, post('/fast/')));
  await sender.all(1001, 3 * 1024 * kKiB);
  assert.equal((await peer.response(1001)).text, `${3 * 1024 * kKiB}`);
  // A window of each is here, in buffers that are nearly full.
  const heldBytes = async () => (await count(gateway, 'portcullis_memory_bytes', { of: 'buffers' })) - before;
  await eventually('the bound', async () => (await heldBytes()) >= stalled.length * kStreamWindow && (await heldBytes()) <= stalled.length * (kStreamWindow + 48 * kKiB) + 1024 * kKiB);
  const release = held;
  held = undefined;
  for (const one of release) one();
  for (const stream of [...through, ...stalled]) await peer.send(data(stream, '', { end: true }));
  for (const stream of through) assert.equal((await peer.response(stream)).text, 'late');
  for (const stream of stalled) assert.equal((await peer.response(stream)).text, `${kStreamWindow}`);
  held = [];
  peer.destroy();
  await gateway.stop();
});

test('a body that is taken as fast as it comes gets a wider window, and a few do at a time', async () => {
  const gateway = await start();
  const peer = await (await Peer.open(gateway.port)).ready();
  const sender = new Sender(peer);
  const streams = [1, 3, 5, 7, 9, 11];
  for (const stream of streams) {
    peer.send(headers(stream, post('/fast')));
    await sender.all(stream, 300 * kKiB);
    assert.equal((await peer.response(stream)).text, `${300 * kKiB}`);
  }
  const given = (stream) => peer.frames.filter((f) => f.type === kType.WINDOW_UPDATE && f.stream === stream).map((f) => f.payload.readUInt32BE(0));
  const total = (stream) => kStreamWindow + given(stream).reduce((sum, more) => sum + more, 0);
  assert.equal(peer.settings[kSetting.INITIAL_WINDOW_SIZE], kStreamWindow);
  // One after the other: each that ends leaves its place to the next.
  for (const stream of streams) assert.ok(total(stream) >= 300 * kKiB + 128 * kKiB, `${stream}: ${total(stream)}`);
  peer.destroy();
  await gateway.stop();
});

test('a body that drips over HTTP/2 is given up for its rate; the connection goes on', async () => {
  const gateway = await start({ minimum_body_rate: 1000, rate_grace: '300ms', body_timeout: '30s' });
  const peer = await (await Peer.open(gateway.port)).ready();
  peer.send(headers(1, post('/slow', [['content-length', '100000']])));
  const drip = setInterval(() => peer.send(data(1, 'x')), 50);
  const outcome = await peer.outcome(1);
  clearInterval(drip);
  assert.ok(outcome.kind === 'reset' || outcome.response.status === 408, JSON.stringify(outcome));
  assert.equal((await gateway.entry((e) => e.status === 408)).refusal.reason, 'body came more slowly than `minimum_body_rate`');
  assert.equal(await count(gateway, 'portcullis_slow_clients_total', { direction: 'body' }), 1);
  // One that is fast enough, though in pieces, is whole.
  peer.send(headers(3, post('/fast', [['content-length', '2000']])));
  for (let i = 0; i < 10; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.send(data(3, Buffer.alloc(200), { end: i === 9 }));
  }
  assert.equal((await peer.response(3)).text, '2000');
  peer.destroy();
  await gateway.stop();
});

test('who opens its window a little at a time is cut off for its rate, though it never stalls (CVE-2019-9511; slow read)', async () => {
  const gateway = await start({ minimum_send_rate: '100KiB', rate_grace: '500ms', body_timeout: '60s' });
  const peer = await Peer.open(gateway.port, { update: false, settings: [[kSetting.INITIAL_WINDOW_SIZE, 1000]] });
  peer.send(windowUpdate(0, 1_000_000), headers(1, get('/big'), { end: true }));
  const sip = setInterval(() => peer.send(windowUpdate(1, 50)), 20);
  const outcome = await peer.outcome(1);
  clearInterval(sip);
  assert.equal(outcome.kind, 'reset');
  await eventually('it to be counted', async () => (await count(gateway, 'portcullis_slow_clients_total', { direction: 'send' })) === 1);
  assert.equal(await count(gateway, 'portcullis_http2_abuse_total', { kind: 'window' }), 1);
  // The connection goes on, and an answer that is taken at once is whole.
  peer.update = true;
  peer.send(windowUpdate(0, 16_000_000), headers(3, get('/big'), { end: true }));
  assert.equal((await peer.response(3, 15_000)).body.length, big.length);
  peer.destroy();
  await gateway.stop();
});

test('answers that wait for one another on a line that is slow for all are not cut off for it', async () => {
  // All of them together have the rate; none of them has it alone, and each would use its grace up within two seconds.
  const gateway = await start({ minimum_send_rate: '100KiB', rate_grace: '1s', body_timeout: '60s' });
  const peer = await Peer.open(gateway.port, { paused: true, keep: false, settings: [[kSetting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]] });
  const streams = Array.from({ length: 16 }, (_, i) => 2 * i + 1);
  peer.send(windowUpdate(0, 2 ** 31 - 1 - 65_535), ...streams.map((stream) => headers(stream, get('/big'), { end: true })));
  // Some 600 KiB a second, in gulps, for some five seconds.
  const gulp = setInterval(() => {
    peer.socket.resume();
    setImmediate(() => peer.socket.pause());
  }, 100);
  const taken = () => [...peer.streams.values()].reduce((sum, stream) => sum + stream.received, 0);
  await peer.until('3 MiB', () => taken() >= 3 * 1024 * kKiB, 60_000);
  clearInterval(gulp);
  assert.equal(await count(gateway, 'portcullis_slow_clients_total', { direction: 'send' }), 0);
  assert.ok([...peer.streams.values()].every((stream) => stream.reset === undefined));
  peer.destroy();
  await gateway.stop();
});
