// WebSocket by the `ws` package, the one most servers run, on both sides of the gateway.
import http from 'node:http';
import https from 'node:https';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { remember } from './cleanup.mjs';
import { close, listen, track } from './upstream.mjs';
import { within } from './wait.mjs';

/** A WebSocket server: `onSocket(socket, request)` for each connection; an echo without it. */
export async function startWebSocketServer(onSocket, { tls, ...options } = {}) {
  // RFC 9110 15.5.22: what such a server says to an ordinary request.
  const refuse = (_request, response) => response.writeHead(426, { upgrade: 'websocket' }).end();
  const server = tls ? https.createServer(tls, refuse) : http.createServer(refuse);
  const sockets = track(server);
  const requests = [];
  const acceptor = new WebSocketServer({ server, ...options });
  acceptor.on('connection', (socket, request) => {
    socket.on('error', () => {});
    requests.push(request);
    if (onSocket) onSocket(socket, request);
    else socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const port = await listen(server, 0, '127.0.0.1');
  return { port, target: `127.0.0.1:${port}`, requests, clients: acceptor.clients, sockets, stop: () => close(server, sockets) };
}

/** A client that is open; `closed` resolves to { code, reason }, messages are taken with `next()`. */
export async function openWebSocket(port, path = '/ws', { scheme = 'ws', protocols = [], ...options } = {}) {
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, protocols, options);
  const messages = [];
  let waiting;
  socket.on('message', (data, binary) => {
    messages.push({ data, binary, text: binary ? undefined : data.toString() });
    waiting?.();
  });
  socket.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  socket.closed.then(remember(() => socket.terminate()));
  socket.next = async () => {
    if (messages.length === 0) await within('a message', new Promise((resolve) => (waiting = resolve)), 10_000);
    return messages.shift();
  };
  await within('the WebSocket to open', once(socket, 'open'), 10_000);
  socket.on('error', () => {});
  return socket;
}

/** What a server answered in the place of 101: { status, headers, text }. */
export function refusedWebSocket(port, path = '/ws', options = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
  return within(
    'a refusal',
    new Promise((resolve, reject) => {
      socket.once('open', () => reject(new Error('the WebSocket opened')));
      socket.on('error', () => {});
      socket.once('unexpected-response', async (_request, response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    }),
  );
}

/** Sec-WebSocket-Accept for a key (RFC 6455 4.2.2). */
export const acceptFor = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
