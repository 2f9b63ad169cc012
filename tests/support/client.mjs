// Node's own http client, one call a request: what most callers of an API look like.
import http from 'node:http';
import https from 'node:https';
import { Response } from './raw_client.mjs';
import { pairs } from './upstream.mjs';

/**
 * request(port, '/path', { method, headers, body, agent, ca, servername, host }) -> Response.
 * `body` may be a string, a Buffer or a stream. Without an agent the connection is used once.
 */
export function request(port, path, { method = 'GET', headers = {}, body, agent = false, host = '127.0.0.1', tls, timeout = 10_000, onInformation } = {}) {
  return new Promise((resolve, reject) => {
    const module = tls ? https : http;
    const outgoing = module.request({ host, port, path, method, headers, agent, ...tls }, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve(
          new Response({
            version: incoming.httpVersion,
            status: incoming.statusCode,
            fields: pairs(incoming.rawHeaders),
            trailers: pairs(incoming.rawTrailers),
            body: Buffer.concat(chunks),
          }),
        ),
      );
    });
    outgoing.setTimeout(timeout, () => outgoing.destroy(new Error(`${method} ${path}: nothing for ${timeout} ms`)));
    outgoing.on('error', reject);
    if (onInformation) outgoing.on('information', onInformation);
    if (body?.pipe) body.pipe(outgoing);
    else outgoing.end(body);
  });
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });
