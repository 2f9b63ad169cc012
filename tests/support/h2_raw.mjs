// An HTTP/2 peer by hand (RFC 9113) over node:net or node:tls: it writes any frame, right or wrong, and reads
// the answers strictly. Nothing of Node's own http2 is in it.
import net from 'node:net';
import tls from 'node:tls';
import { remember } from './cleanup.mjs';
import { HpackDecoder, encode } from './hpack.mjs';
import { Response } from './raw_client.mjs';
import { within } from './wait.mjs';

/** RFC 9113 11.2, RFC 7838 4, RFC 9218 7.1 */
export const kType = { DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9, ALTSVC: 10, PRIORITY_UPDATE: 16 };
export const kFlag = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 };
/** RFC 9113 7 */
export const kError = {
  NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4, STREAM_CLOSED: 5, FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9, CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11, INADEQUATE_SECURITY: 12, HTTP_1_1_REQUIRED: 13,
};
/** RFC 9113 6.5.2, RFC 8441 3, RFC 9218 2.1 */
export const kSetting = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5, MAX_HEADER_LIST_SIZE: 6, ENABLE_CONNECT_PROTOCOL: 8, NO_RFC7540_PRIORITIES: 9 };
/** RFC 9113 3.4 */
export const kPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const kWindow = 65_535;

const named = (table, value) => Object.keys(table).find((name) => table[name] === value) ?? value;
export const errorName = (code) => named(kError, code);

const empty = Buffer.alloc(0);
const bytes = (what) => (typeof what === 'string' ? Buffer.from(what, 'latin1') : what);
const uint32 = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
};

/** 4.1: any frame; `length` is what the head says, and `reserved` the bit before the stream. */
export function frame(type, flags, stream, payload = empty, { length = bytes(payload).length, reserved = 0 } = {}) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE((stream | (reserved << 31)) >>> 0, 5);
  return Buffer.concat([head, bytes(payload)]);
}

/** 6.1 and 6.2: padding; `pad` is what the Pad Length field says, `padding` the octets themselves. */
const padded = (payload, { pad, padding = Buffer.alloc(pad ?? 0) }) => (pad === undefined ? payload : Buffer.concat([Buffer.from([pad]), payload, padding]));

/** 5.3.2 of RFC 7540 */
const priorityFields = ({ dependsOn = 0, exclusive = false, weight = 15 } = {}) => Buffer.concat([uint32((dependsOn | (exclusive ? 0x80000000 : 0)) >>> 0), Buffer.from([weight])]);

export const data = (stream, payload = '', { end = false, flags = 0, ...padding } = {}) =>
  frame(kType.DATA, flags | (end ? kFlag.END_STREAM : 0) | (padding.pad === undefined ? 0 : kFlag.PADDED), stream, padded(bytes(payload), padding));

/** `fields` are pairs, or a header block as it is. */
export function headers(stream, fields, { end = false, endHeaders = true, flags = 0, priority, ...padding } = {}) {
  const block = Buffer.isBuffer(fields) ? fields : encode(fields);
  const all = flags | (end ? kFlag.END_STREAM : 0) | (endHeaders ? kFlag.END_HEADERS : 0) | (priority ? kFlag.PRIORITY : 0) | (padding.pad === undefined ? 0 : kFlag.PADDED);
  return frame(kType.HEADERS, all, stream, padded(priority ? Buffer.concat([priorityFields(priority), block]) : block, padding));
}
export const continuation = (stream, block, { endHeaders = true, flags = 0 } = {}) =>
  frame(kType.CONTINUATION, flags | (endHeaders ? kFlag.END_HEADERS : 0), stream, Buffer.isBuffer(block) ? block : encode(block));
export const priority = (stream, fields) => frame(kType.PRIORITY, 0, stream, priorityFields(fields));
export const reset = (stream, code = kError.CANCEL) => frame(kType.RST_STREAM, 0, stream, uint32(code));
/** `list` are pairs of a number and a value. */
export const settings = (list = [], { flags = 0, stream = 0 } = {}) =>
  frame(kType.SETTINGS, flags, stream, Buffer.concat(list.map(([id, value]) => Buffer.concat([uint32(id).subarray(2), uint32(value)]))));
export const settingsAck = () => settings([], { flags: kFlag.ACK });
export const ping = (payload = 'abcdefgh', { ack = false, stream = 0 } = {}) => frame(kType.PING, ack ? kFlag.ACK : 0, stream, payload);
export const goaway = (last = 0, code = kError.NO_ERROR, { debug = '', stream = 0 } = {}) => frame(kType.GOAWAY, 0, stream, Buffer.concat([uint32(last), uint32(code), bytes(debug)]));
export const windowUpdate = (stream, increment) => frame(kType.WINDOW_UPDATE, 0, stream, uint32(increment));

/** The fields of a request, as pairs; `extra` come behind. */
export const get = (path = '/x', extra = [], { method = 'GET', scheme = 'http', authority = 'a.test' } = {}) => [
  [':method', method], [':scheme', scheme], [':authority', authority], [':path', path], ...extra,
];
export const post = (path = '/x', extra = [], options = {}) => get(path, extra, { method: 'POST', ...options });

class Stream {
  informational = [];
  body = empty;
  received = 0; // octets of DATA
  frames = [];
  ended = false;
  /** The whole answer, or undefined. */
  get response() {
    if (!this.ended || !this.fields) return undefined;
    return new Response({ version: '2', status: this.status, fields: this.fields, trailers: this.trailers ?? [], informational: this.informational, body: Buffer.concat(this.chunks), stream: this.id });
  }
  chunks = [];
  constructor(id) {
    this.id = id;
  }
}

export class Peer {
  frames = []; // what came, in order
  streams = new Map();
  settings = {}; // the server's, by number
  goaway; // the last GOAWAY that came
  ended = false; // the server sends no more
  failure; // what in the server's frames is against the RFC
  #held = empty;
  #waiting = new Set();
  #block; // a header block that goes on
  #pings = 0;

  /**
   * A connection with its preface sent. `tlsOptions` (node:tls) makes it TLS. `preface` null sends nothing.
   * `settings` are ours, as pairs. `acknowledge: false` leaves the server's SETTINGS and PING without an answer.
   * `update`: false sends no WINDOW_UPDATE, so that what is read is what the windows permit. `paused` reads nothing at all.
   */
  static async open(port, { host = '127.0.0.1', tlsOptions, preface = kPreface, settings: ours = [], timeout = 5000, localAddress, ...options } = {}) {
    const socket = tlsOptions ? tls.connect({ port, host, ALPNProtocols: ['h2'], ...tlsOptions }) : net.connect({ port, host, localAddress });
    const peer = new Peer(socket, { timeout, ours, ...options });
    await within(
      'connect',
      new Promise((resolve, reject) => {
        socket.once(tlsOptions ? 'secureConnect' : 'connect', resolve);
        socket.once('error', reject);
      }),
      timeout,
    );
    socket.setNoDelay(true);
    if (preface !== null) peer.send(preface, settings(ours));
    return peer;
  }

  constructor(socket, { timeout = 5000, ours = [], acknowledge = true, update = true, paused = false, keep = true } = {}) {
    Object.assign(this, { socket, timeout, acknowledge, update, keep });
    const table = ours.find(([id]) => id === kSetting.HEADER_TABLE_SIZE);
    this.decoder = new HpackDecoder(Math.max(4096, table?.[1] ?? 0));
    socket.once('close', remember(() => socket.destroy()));
    socket.on('data', (chunk) => this.#take(chunk));
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.ended = true;
        this.#look();
      });
    }
    if (paused) socket.pause();
  }

  /** Frames (buffers), in one write. What a server that has gone cannot take is no failure here. */
  send(...frames) {
    if (!this.socket.writable) return Promise.resolve();
    return new Promise((resolve) => this.socket.write(Buffer.concat(frames.flat()), () => resolve()));
  }

  #take(chunk) {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    try {
      while (this.#held.length >= 9) {
        const length = this.#held.readUIntBE(0, 3);
        if (length > 2 ** 14) throw new Error(`a frame of ${length} octets, 16384 are permitted (4.2)`);
        if (this.#held.length < 9 + length) break;
        const [type, flags] = [this.#held[3], this.#held[4]];
        const stream = this.#held.readUInt32BE(5);
        const payload = this.#held.subarray(9, 9 + length);
        this.#held = this.#held.subarray(9 + length);
        this.#frame({ type, flags, stream, payload });
      }
    } catch (error) {
      this.failure ??= error;
    }
    this.#look();
  }

  #stream(id) {
    if (!this.streams.has(id)) this.streams.set(id, new Stream(id));
    return this.streams.get(id);
  }

  #frame(one) {
    const { type, flags, stream: id, payload } = one;
    if (this.frames.length === 0 && (type !== kType.SETTINGS || flags & kFlag.ACK)) throw new Error(`the first frame is ${named(kType, type)}, not SETTINGS (3.4)`);
    if (this.keep || this.frames.length === 0) this.frames.push(one);
    if (this.#block && type !== kType.CONTINUATION) throw new Error('a frame inside a header block (4.3)');
    if (id > 0 && type !== kType.WINDOW_UPDATE) this.#stream(id).frames.push(one);
    switch (type) {
      case kType.DATA: {
        const stream = this.#stream(id);
        if (stream.ended || !stream.fields) throw new Error(`DATA on stream ${id} without HEADERS, or after its end`);
        const content = flags & kFlag.PADDED ? payload.subarray(1, payload.length - payload[0]) : payload;
        stream.received += payload.length;
        if (this.keep) stream.chunks.push(Buffer.from(content));
        stream.ended = (flags & kFlag.END_STREAM) !== 0;
        if (this.update && payload.length > 0) this.send(windowUpdate(0, payload.length), ...(stream.ended ? [] : [windowUpdate(id, payload.length)]));
        break;
      }
      case kType.HEADERS: {
        let [from, to] = [0, payload.length];
        if (flags & kFlag.PADDED) [from, to] = [1, to - payload[0]];
        if (flags & kFlag.PRIORITY) from += 5;
        this.#block = { id, end: (flags & kFlag.END_STREAM) !== 0, parts: [payload.subarray(from, to)] };
        if (flags & kFlag.END_HEADERS) this.#headers();
        break;
      }
      case kType.CONTINUATION:
        if (this.#block?.id !== id) throw new Error('CONTINUATION out of place (6.10)');
        this.#block.parts.push(payload);
        if (flags & kFlag.END_HEADERS) this.#headers();
        break;
      case kType.RST_STREAM:
        if (this.#stream(id).reset === undefined) this.#stream(id).reset = payload.readUInt32BE(0);
        break;
      case kType.SETTINGS:
        if (flags & kFlag.ACK) break;
        for (let at = 0; at < payload.length; at += 6) this.settings[payload.readUInt16BE(at)] = payload.readUInt32BE(at + 2);
        if (this.acknowledge) this.send(settingsAck());
        break;
      case kType.PUSH_PROMISE:
        throw new Error('PUSH_PROMISE, which was not asked for (8.4)');
      case kType.PING:
        if (!(flags & kFlag.ACK) && this.acknowledge) this.send(ping(payload, { ack: true }));
        break;
      case kType.GOAWAY:
        this.goaway = { last: payload.readUInt32BE(0), code: payload.readUInt32BE(4), debug: payload.toString('latin1', 8) };
        break;
      default:
    }
  }

  #headers() {
    const { id, end, parts } = this.#block;
    this.#block = undefined;
    const fields = this.decoder.decode(Buffer.concat(parts));
    const stream = this.#stream(id);
    if (stream.ended) throw new Error(`HEADERS on stream ${id} after its end`);
    for (const [name] of fields) if (name !== name.toLowerCase()) throw new Error(`the name ${name} (8.2.1)`);
    stream.ended = end;
    if (stream.fields) {
      if (!end) throw new Error('HEADERS in the middle of an answer without END_STREAM (8.1)');
      if (fields.some(([name]) => name.startsWith(':'))) throw new Error('a pseudo-field in trailers (8.1)');
      stream.trailers = fields;
      return;
    }
    // 8.3.2: one pseudo-field, :status, and it is the first.
    if (fields[0]?.[0] !== ':status' || fields.filter(([name]) => name.startsWith(':')).length !== 1) throw new Error(`a response without its :status: ${JSON.stringify(fields)}`);
    for (const [name] of fields) if (['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].includes(name)) throw new Error(`${name} in a response (8.2.2)`);
    const status = Number(fields[0][1]);
    const rest = fields.slice(1);
    if (status < 200) stream.informational.push(new Response({ status, fields: rest }));
    else Object.assign(stream, { status, fields: rest });
  }

  #look() {
    for (const check of [...this.#waiting]) check();
  }

  /** Waits until `probe()` gives something true. It is asked at each event, and what came before counts. */
  until(what, probe, timeout = this.timeout) {
    return new Promise((resolve, reject) => {
      let timer;
      const check = () => {
        let found;
        try {
          if (this.failure) throw this.failure;
          found = probe();
        } catch (error) {
          done(reject, error);
          return;
        }
        if (found) done(resolve, found);
      };
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle(value);
      };
      timer = setTimeout(() => done(reject, new Error(`${what}: not within ${timeout} ms; the connection ${this.#state()}`)), timeout);
      this.#waiting.add(check);
      check();
    });
  }

  #state() {
    const seen = this.frames.slice(-12).map((f) => `${named(kType, f.type)}(${f.stream}${f.type === kType.RST_STREAM ? ` ${errorName(f.payload.readUInt32BE(0))}` : ''})`);
    return `${this.ended ? 'has ended' : 'is open'}${this.goaway ? ` after GOAWAY ${errorName(this.goaway.code)} ${this.goaway.debug}` : ''}; it sent ${seen.join(' ') || 'nothing'}`;
  }

  /** The first frame that fits, whenever it came. */
  waitFor(predicate, { what = 'a frame', timeout } = {}) {
    return this.until(what, () => this.frames.find(predicate), timeout);
  }

  /** The server's SETTINGS have come. */
  async ready() {
    await this.waitFor((f) => f.type === kType.SETTINGS && !(f.flags & kFlag.ACK), { what: 'SETTINGS' });
    return this;
  }

  /** A PING and its answer: the server has dealt with every frame that was sent before. False when the connection ended instead. */
  async barrier() {
    const payload = `b${String((this.#pings += 1)).padStart(7, '0')}`;
    this.send(ping(payload));
    const answered = () => this.frames.some((f) => f.type === kType.PING && f.flags & kFlag.ACK && f.payload.toString('latin1') === payload);
    return (await this.until('an answer to PING', () => (answered() ? 'yes' : this.ended ? 'no' : false))) === 'yes';
  }

  /** What became of a stream: { kind: 'response' | 'reset' | 'goaway' | 'closed', … }. */
  outcome(id = 1, timeout) {
    return this.until(`an outcome of stream ${id}`, () => {
      const stream = this.streams.get(id);
      if (stream?.response) return { kind: 'response', response: stream.response };
      if (stream?.reset !== undefined) return { kind: 'reset', code: stream.reset, status: stream.status };
      if (this.goaway && (this.goaway.code !== kError.NO_ERROR || this.goaway.last < id)) return { kind: 'goaway', ...this.goaway };
      return this.ended && { kind: 'closed' };
    }, timeout);
  }

  /** The answer on a stream; anything else is an error. */
  async response(id = 1, timeout) {
    const found = await this.outcome(id, timeout);
    if (found.kind !== 'response') throw new Error(`stream ${id}: no answer but ${describe(found)}`);
    return found.response;
  }

  /** Sends one whole request and waits for its answer. */
  request(id, fields, body) {
    this.send(headers(id, fields, { end: body === undefined }), ...(body === undefined ? [] : [data(id, body, { end: true })]));
    return this.response(id);
  }

  /** The connection has ended; `reset` or not. */
  closed(timeout) {
    return this.until('the end of the connection', () => this.ended, timeout);
  }

  destroy() {
    this.socket.destroy();
  }
}

/** An outcome in words. */
export function describe({ kind, code, debug, status, response }) {
  if (kind === 'response') return `${response.status} ${response.status >= 400 ? response.text : ''}`;
  if (kind === 'goaway') return `GOAWAY ${errorName(code)} ${debug}`;
  return kind === 'reset' ? `RST_STREAM ${errorName(code)}${status ? ` after ${status}` : ''}` : kind;
}
