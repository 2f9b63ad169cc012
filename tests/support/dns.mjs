// A DNS server (RFC 1035) that answers what a test tells it, and changes its answers when told.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { remember } from './cleanup.mjs';

const kTypes = { A: 1, AAAA: 28 };

function addressBytes(address) {
  if (!address.includes(':')) return { type: kTypes.A, data: Buffer.from(address.split('.').map(Number)) };
  const [left, right = ''] = address.split('::');
  const words = (text) => (text === '' ? [] : text.split(':'));
  const middle = address.includes('::') ? Array(8 - words(left).length - words(right).length).fill('0') : [];
  const data = Buffer.alloc(16);
  [...words(left), ...middle, ...words(right)].forEach((word, i) => data.writeUInt16BE(Number.parseInt(word, 16), i * 2));
  return { type: kTypes.AAAA, data };
}

/**
 * `records` maps names to { addresses, ttl, rcode }; a name that is not there does not exist. `silent`
 * answers nobody. `questions` counts what was asked, by name.
 */
export async function startDns(records = {}) {
  const socket = dgram.createSocket('udp4');
  const server = {
    records,
    silent: false,
    questions: new Map(),
    count: (name) => server.questions.get(name) ?? 0,
    stop: () => new Promise((resolve) => socket.close(resolve)),
  };
  socket.on('message', (query, from) => {
    const labels = [];
    let at = 12;
    while (query[at] !== 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
      at += query[at] + 1;
    }
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const name = labels.join('.').toLowerCase();
    if (type === kTypes.A) server.questions.set(name, server.count(name) + 1);
    if (server.silent) return;
    const record = server.records[name];
    const answers = (record?.addresses ?? []).map(addressBytes).filter((answer) => answer.type === type);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (record === undefined ? 3 : (record.rcode ?? 0)), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    const rows = answers.map(({ data }) => {
      const row = Buffer.alloc(12);
      row.writeUInt16BE(0xc00c, 0);
      row.writeUInt16BE(type, 2);
      row.writeUInt16BE(1, 4);
      row.writeUInt32BE(record.ttl ?? 0, 6);
      row.writeUInt16BE(data.length, 10);
      return Buffer.concat([row, data]);
    });
    socket.send(Buffer.concat([head, question, ...rows]), from.port, from.address);
  });
  socket.once('close', remember(() => socket.close()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}
