// Servers that speak HTTP/2, behind the gateway: Node's http2, and one by hand that writes frames.
import http2 from 'node:http2';
import net from 'node:net';
import { close, listen, track } from './upstream.mjs';

/**
 * Node's http2 server; with `tls` (cert and key) over TLS. Without `handler`, each request is answered
 * with itself as JSON: { headers, body, trailers, session }. `handler(stream, headers)` answers otherwise.
 */
export async function startHttp2Upstream(handler, { tls, settings, host = '127.0.0.1', port: wanted = 0, ...options } = {}) {
  const requests = [];
  const sessions = new Set();
  let seen = 0;
  const server = tls ? http2.createSecureServer({ ...tls, settings, ...options }) : http2.createServer({ settings, ...options });
  const sockets = track(server);
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    seen += 1;
    session.number = seen;
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    const record = { headers: { ...headers }, session: stream.session.number };
    requests.push(record);
    stream.on('error', () => {});
    stream.once('close', () => (record.code = stream.rstCode));
    if (handler) return handler(stream, headers, record);
    const chunks = [];
    stream.on('trailers', (trailers) => (record.trailers = { ...trailers }));
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      record.body = Buffer.concat(chunks).toString('latin1');
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      stream.end(JSON.stringify(record));
    });
    return undefined;
  });
  const port = await listen(server, wanted, host);
  return {
    port,
    target: `${host}:${port}`,
    named: `localhost:${port}`,
    requests,
    sessions,
    server,
    get connections() {
      return seen;
    },
    stop: () => close(server, sockets),
  };
}

// ---- frames by hand

export const kTypes = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, window: 8, continuation: 9 };
export const kEndStream = 1;
export const kEndHeaders = 4;

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = kTypes[type] ?? type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** A literal that is never indexed, without Huffman's code (RFC 7541 6.2.3). */
export function field(name, value) {
  const literal = (text) => {
    const bytes = Buffer.from(text, 'latin1');
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const size = [127];
    let left = bytes.length - 127;
    for (; left > 127; left >>= 7) size.push((left & 127) | 128);
    return Buffer.concat([Buffer.from([...size, left]), bytes]);
  };
  return Buffer.concat([Buffer.from([0x10]), literal(name), literal(value)]);
}

export const block = (fields) => Buffer.concat(fields.map(([name, value]) => field(name, value)));
export const headers = (stream, fields, end = false) => frame('headers', kEndHeaders | (end ? kEndStream : 0), stream, block(fields));
export const data = (stream, bytes, end = false) => frame('data', end ? kEndStream : 0, stream, bytes);
export const u32 = (...values) => Buffer.concat(values.map((value) => { const b = Buffer.alloc(4); b.writeUInt32BE(value >>> 0); return b; }));
export const reset = (stream, code) => frame('reset', 0, stream, u32(code));
export const goaway = (last, code = 0) => frame('goaway', 0, 0, u32(last, code));

const kPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/**
 * A server that writes what `handler(socket, stream, state)` writes for each request, whose stream's number it is told.
 * SETTINGS are sent first, and acknowledged; `first` takes the place of the first.
 */
export async function startRawHttp2Upstream(handler, { first = frame('settings', 0, 0) } = {}) {
  const frames = [];
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    const connection = connections;
    let bytes = Buffer.alloc(0);
    let begun = false;
    socket.write(first);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!begun) {
        if (bytes.length < kPreface.length) return;
        begun = true;
        bytes = bytes.subarray(kPreface.length);
      }
      while (bytes.length >= 9) {
        const size = bytes.readUIntBE(0, 3);
        if (bytes.length < 9 + size) return;
        const one = { type: bytes[3], flags: bytes[4], stream: bytes.readUInt32BE(5) & 0x7fffffff, payload: bytes.subarray(9, 9 + size), connection };
        bytes = bytes.subarray(9 + size);
        frames.push(one);
        if (one.type === kTypes.settings && (one.flags & 1) === 0) socket.write(frame('settings', 1, 0));
        if (one.type === kTypes.headers) handler(socket, one.stream, { connection, frames });
      }
    });
  });
  const sockets = track(server);
  const port = await listen(server, 0, '127.0.0.1');
  return {
    port,
    target: `127.0.0.1:${port}`,
    frames,
    sockets,
    get connections() {
      return connections;
    },
    stop: () => close(server, sockets),
  };
}
