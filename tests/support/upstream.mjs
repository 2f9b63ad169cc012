// Servers behind the gateway: one by Node's http module (what users run), one by hand that checks
// every byte it gets against the canonical form and controls every byte it answers.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { remember } from './cleanup.mjs';
import { ByteReader, readBody, readFields, value, values } from './bytes.mjs';

export function track(server) {
  const sockets = new Set();
  server.once('close', remember(() => void close(server, sockets)));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  return sockets;
}

export async function listen(server, port, host) {
  server.listen(port, host);
  await once(server, 'listening');
  return server.address().port;
}

export function close(server, sockets) {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** What arrived, as plain data. */
export function pairs(rawHeaders) {
  const fields = [];
  for (let i = 0; i < rawHeaders.length; i += 2) fields.push([rawHeaders[i], rawHeaders[i + 1]]);
  return fields;
}

/**
 * Node's http server. Without `handler`, each request is answered with itself as JSON:
 * { method, url, fields, body, trailers }. `handler(request, response, body)` may answer otherwise.
 */
export async function startUpstream(handler, { port = 0, host = '127.0.0.1', name = 'upstream' } = {}) {
  const requests = [];
  const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 });
  const sockets = track(server);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const answer = async (request, response) => {
    const record = { method: request.method, url: request.url, version: request.httpVersion, fields: pairs(request.rawHeaders) };
    requests.push(record);
    if (handler?.length === 2) return handler(request, response);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    record.body = Buffer.concat(chunks).toString('latin1');
    record.trailers = pairs(request.rawTrailers);
    if (handler) return handler(request, response, record);
    const text = JSON.stringify({ ...record, name });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const serve = (request, response) => {
    answer(request, response)?.catch?.(() => response.destroy());
  };
  server.on('request', serve);
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    serve(request, response);
  });
  const bound = await listen(server, port, host);
  return {
    port: bound,
    target: `${host}:${bound}`,
    requests,
    server,
    sockets,
    get connections() {
      return connections;
    },
    stop: () => close(server, sockets),
  };
}

const kRequestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\/[\x21-\x7e]*|\*) HTTP\/1\.1$/;
const kHopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'proxy-authorization', 'proxy-authenticate', 'http2-settings'];

/** Reads one request and says what in it is not as the gateway promises to write it. */
async function readCanonical(reader, violations, upgrades) {
  const line = await reader.line('a request line');
  const match = kRequestLine.exec(line);
  if (!match) {
    violations.push(`request line ${JSON.stringify(line)}`);
    throw new Error('not a request line');
  }
  const fields = await readFields(reader, 'a request head');
  // RFC 9110 10.1.4: who sends TE names it in Connection too; `trailers` is all that the gateway may say of itself.
  const trailersTaken = values(fields, 'te').join() === 'trailers' && values(fields, 'connection').join() === 'te';
  // RFC 9110 7.8: one protocol, which the route permits, and Connection that names the field and nothing else.
  const upgraded = values(fields, 'connection').join() === 'upgrade' && upgrades.includes(values(fields, 'upgrade').join());
  for (const [name] of fields) {
    if (name !== name.toLowerCase()) violations.push(`field name ${name} is not in lower case`);
    if (kHopByHop.includes(name.toLowerCase()) && !trailersTaken && !upgraded) violations.push(`hop-by-hop field ${name}`);
  }
  if (values(fields, 'host').length !== 1) violations.push(`${values(fields, 'host').length} host fields`);
  for (const name of ['content-length', 'transfer-encoding', 'expect', 'authorization']) {
    if (values(fields, name).length > 1) violations.push(`${values(fields, name).length} ${name} fields`);
  }
  const coding = value(fields, 'transfer-encoding');
  if (coding !== undefined && coding !== 'chunked') violations.push(`transfer-encoding: ${coding}`);
  return { method: match[1], url: match[2], fields };
}

/**
 * A server by hand. `handler(request, socket, { reader, index, connection })` writes the answer
 * itself; without one each request gets a 200. The request's body has been read when `handler` is
 * called, unless `bodies: false`. `upgrades` are the protocols that a request may ask to switch to.
 * `violations` lists whatever was not canonical.
 */
export async function startRawUpstream(handler, { port = 0, host = '127.0.0.1', bodies = true, upgrades = [], readTimeout = 60_000 } = {}) {
  const requests = [];
  const violations = [];
  let connections = 0;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const connection = connections;
    connections += 1;
    const reader = new ByteReader(socket, { timeout: readTimeout });
    const serve = async () => {
      for (let index = 0; await reader.some(); index += 1) {
        const request = await readCanonical(reader, violations, upgrades);
        requests.push(request);
        if (bodies) Object.assign(request, await readBody(reader, request.fields, 'a request', { toEnd: false }));
        if (handler) {
          if ((await handler(request, socket, { reader, index, connection })) === 'stop') return;
        } else {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        }
      }
      socket.end();
    };
    serve().catch((error) => {
      // The gateway may drop a connection in the middle when its client went away or was refused.
      if (!/ended inside|not a request line|no more of/.test(error.message)) violations.push(error.message);
      socket.destroy();
    });
  });
  const sockets = track(server);
  const bound = await listen(server, port, host);
  return {
    port: bound,
    target: `${host}:${bound}`,
    requests,
    violations,
    server,
    sockets,
    get connections() {
      return connections;
    },
    stop: () => close(server, sockets),
  };
}

/** A port on which nothing listens (it was free a moment ago). */
export async function freePort(host = '127.0.0.1') {
  const server = net.createServer();
  const port = await listen(server, 0, host);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
