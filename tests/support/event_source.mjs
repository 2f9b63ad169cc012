// A reader of server-sent events (WHATWG HTML 9.2) over Node's http client.
import http from 'node:http';
import https from 'node:https';
import zlib from 'node:zlib';
import { within } from './wait.mjs';

/** Opens an event stream, over TLS with the options `tls`. `next()` gives each event's { data, event, id }; `ended` says how it was over: 'end' or 'abort'. */
export function openEvents(port, path = '/events', { headers = {}, tls } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = (tls ? https : http).get({ host: '127.0.0.1', port, path, agent: false, headers: { accept: 'text/event-stream', ...headers }, ...tls }, (incoming) => {
      const events = [];
      let waiting;
      let held = '';
      const plain = incoming.headers['content-encoding'] === 'gzip' ? incoming.pipe(zlib.createGunzip()) : incoming;
      plain.setEncoding('utf8');
      plain.on('data', (text) => {
        held += text;
        for (let at = held.indexOf('\n\n'); at >= 0; at = held.indexOf('\n\n')) {
          const event = {};
          for (const line of held.slice(0, at).split('\n')) {
            const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
            if (name) event[name] = event[name] === undefined ? value : `${event[name]}\n${value}`;
          }
          held = held.slice(at + 2);
          if (event.data !== undefined) events.push(event);
        }
        waiting?.();
      });
      const ended = new Promise((over) => {
        plain.once('end', () => over('end'));
        for (const stream of [plain, incoming]) stream.on('error', () => over('abort'));
      });
      resolve({
        status: incoming.statusCode,
        headers: incoming.headers,
        ended,
        async next() {
          while (events.length === 0) await within('an event', new Promise((wake) => (waiting = wake)));
          return events.shift();
        },
        close: () => outgoing.destroy(),
      });
    });
    outgoing.on('error', reject);
  });
}
