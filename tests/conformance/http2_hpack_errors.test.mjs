// RFC 7541 over the wire: every representation that is legal is read, and every block that is not ends the
// connection with COMPRESSION_ERROR (RFC 9113 4.3).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionError, either, frameCase, served, startHttp2Target } from '../support/h2_expect.mjs';
import { Peer, get, headers, kSetting } from '../support/h2_raw.mjs';
import { encode, huffman, huffmanWithEos, indexed, integer, literal, sizeUpdate, string } from '../support/hpack.mjs';

const target = await startHttp2Target();
const fieldOf = (seen, name, url = '/x') => seen.find((r) => r.url === url)?.fields.find(([n]) => n === name)?.[1];
const broken = connectionError('COMPRESSION_ERROR');
const block = (...parts) => Buffer.concat([encode(get()), ...parts]);
const one = (name, section, expect, parts, check) => frameCase(target, { name, rfc: `RFC 7541 ${section}`, expect, send: () => headers(1, block(...parts), { end: true }), check });
const taken = (name, section, part, field, value) => one(name, section, served(), [part], (_outcome, seen) => assert.equal(fieldOf(seen, field), value));

// 6.1 and 6.2: what is legal, with names of both kinds and with Huffman coding and without.
for (const coded of [false, true]) {
  const how = coded ? ', Huffman-coded' : '';
  for (const form of ['incremental', 'without', 'never']) {
    taken(`a literal (${form}), new name${how}`, '6.2', literal('x-new', 'value 1', { form, coded }), 'x-new', 'value 1');
    taken(`a literal (${form}), name of the static table${how}`, '6.2', literal(58, 'agent 1', { form, coded }), 'user-agent', 'agent 1');
  }
}
one('fields of the static table', '6.1 and Appendix A', served(), [indexed(16)], (_outcome, seen) => assert.equal(fieldOf(seen, 'accept-encoding'), 'gzip, deflate'));
frameCase(target, {
  name: 'every pseudo-field from the static table', rfc: 'RFC 7541 Appendix A', expect: served(),
  send: () => headers(1, Buffer.concat([indexed(2), indexed(6), literal(1, 'a.test'), indexed(4)]), { end: true }),
  check: (_outcome, seen) => assert.equal(seen[0].url, '/'),
});
frameCase(target, {
  name: 'the dynamic table: the newest entry is 62', rfc: 'RFC 7541 2.3.3', expect: served(), stream: 3,
  send: () => [
    headers(1, block(literal('x-a', '1', { form: 'incremental' }), literal('x-b', '2', { form: 'incremental' })), { end: true }),
    headers(3, Buffer.concat([encode(get('/later')), indexed(62), indexed(63), literal(62, '3')]), { end: true }),
  ],
  check: (_outcome, seen) => assert.deepEqual(seen.find((r) => r.url === '/later').fields.filter(([n]) => /^x-[ab]$/.test(n)), [['x-b', '2'], ['x-a', '1'], ['x-b', '3']]),
});
frameCase(target, {
  name: 'an entry larger than the table empties it', rfc: 'RFC 7541 4.4', expect: broken, stream: 3, upstream: 'any',
  send: () => [
    headers(1, block(literal('x-a', '1', { form: 'incremental' }), literal('x-big', 'x'.repeat(4100), { form: 'incremental' })), { end: true }),
    headers(3, Buffer.concat([encode(get('/later')), indexed(62)]), { end: true }),
  ],
});
frameCase(target, {
  name: 'the oldest entry goes when there is no room', rfc: 'RFC 7541 4.4', expect: broken, stream: 3, upstream: 'any',
  send: () => [
    headers(1, block(literal('x-a', '1', { form: 'incremental' }), literal('x-b', 'x'.repeat(4000), { form: 'incremental' }), literal('x-c', 'y'.repeat(60), { form: 'incremental' })), { end: true }),
    headers(3, Buffer.concat([encode(get('/later')), indexed(63)]), { end: true }),
  ],
});
frameCase(target, {
  name: 'size updates at the start, two of them', rfc: 'RFC 7541 4.2 and 6.3', expect: served(), stream: 3,
  send: () => [headers(1, Buffer.concat([sizeUpdate(100), encode(get())]), { end: true }), headers(3, Buffer.concat([sizeUpdate(0), sizeUpdate(4096), encode(get('/later'))]), { end: true })],
});
frameCase(target, {
  name: 'a size of 0 empties the table', rfc: 'RFC 7541 4.3', expect: broken, stream: 3, upstream: 'any',
  send: () => [headers(1, block(literal('x-a', '1', { form: 'incremental' })), { end: true }), headers(3, Buffer.concat([sizeUpdate(0), encode(get()), indexed(62)]), { end: true })],
});
taken('a literal with an empty value', '5.2', literal('x-empty', ''), 'x-empty', '');
taken('a string of 200 octets, whose length needs two', '5.1', literal('x-long', 'a'.repeat(200)), 'x-long', 'a'.repeat(200));
taken('an integer with zeros behind it', '5.1', Buffer.concat([Buffer.from([0]), string('x-z'), Buffer.from([0x7f, 0x80, 0x80, 0x00]), Buffer.alloc(127, 0x61)]), 'x-z', 'a'.repeat(127));
taken('every symbol that a value may have, Huffman-coded', 'Appendix B', literal('x-all', Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join(''), { coded: true }), 'x-all', Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join(''));
taken('octets beyond ASCII, Huffman-coded', 'Appendix B', literal('x-high', Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join(''), { coded: true }), 'x-high', Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join(''));

// What no decoder may take.
for (const [name, section, ...parts] of [
  ['index 0', '6.1', Buffer.from([0x80])],
  ['an index beyond both tables', '2.3.3', indexed(62)],
  ['an index far beyond both tables', '2.3.3', indexed(5000)],
  ['a literal whose name has an index beyond both tables', '2.3.3', literal(62, 'x')],
  ['a literal with indexing whose name has an index beyond both tables', '2.3.3', literal(70, 'x', { form: 'incremental' })],
  ['a size update above the limit', '6.3', sizeUpdate(4097)],
  ['a size update behind a field', '4.2', sizeUpdate(100)],
  ['an integer of an index without end', '5.1', Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  ['an integer just beyond 32 bits', '5.1', Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80, 0x10])],
  ['an index that wraps to 2 in 32 bits', '5.1', integer(2 ** 32 + 2, 7, 0x80)],
  ['an index that wraps to 2 in 64 bits', '5.1', integer(2n ** 64n + 2n, 7, 0x80)],
  ['a length that wraps', '5.1 and 5.2', Buffer.concat([Buffer.from([0]), integer(2n ** 64n + 3n, 7), Buffer.from('x-a'), string('y')])],
  ['a length of 2^31', '5.2', Buffer.concat([Buffer.from([0]), integer(2 ** 31, 7), Buffer.from('x')])],
  ['an integer that is cut off', '5.1', Buffer.from([0xff])],
  ['a name longer than the block', '5.2', Buffer.from([0, 10, 0x61])],
  ['a value longer than the block', '5.2', Buffer.concat([Buffer.from([0]), string('x-a'), Buffer.from([20, 0x61])])],
  ['a literal without its value', '5.2', Buffer.concat([Buffer.from([0]), string('x-a')])],
  ['Huffman padding longer than 7 bits', '5.2', literal('x-a', 'y', { coded: Buffer.concat([huffman('abc'), Buffer.from([0xff])]) })],
  ['Huffman padding of zeros', '5.2', Buffer.concat([Buffer.from([0]), string('x-a'), string('', { coded: huffman('a', { padding: 0 }) })])],
  ['EOS in a Huffman string', '5.2', Buffer.concat([Buffer.from([0]), string('x-a'), string('', { coded: huffmanWithEos('ab') })])],
  ['EOS in a Huffman name', '5.2', Buffer.concat([Buffer.from([0]), string('', { coded: huffmanWithEos('x') }), string('y')])],
  ['a Huffman code that is cut off', '5.2', Buffer.concat([Buffer.from([0]), string('x-a'), string('', { coded: Buffer.from([0xff, 0xff, 0xfe]).subarray(0, 2) })])],
  ['a Huffman string of ones', '5.2', Buffer.concat([Buffer.from([0]), string('x-a'), string('', { coded: Buffer.alloc(8, 0xff) })])],
]) one(name, section, broken, parts);

for (const [name, size] of [['above the limit, at the start', 4097], ['of 2^32 - 1, at the start', 2 ** 32 - 1], ['beyond 64 bits, at the start', 2n ** 65n]]) {
  frameCase(target, { name: `a size update ${name}`, rfc: 'RFC 7541 6.3', expect: broken, send: () => headers(1, Buffer.concat([sizeUpdate(size), encode(get())]), { end: true }) });
}
frameCase(target, { name: 'a block of nothing but size updates is no request', rfc: 'RFC 7541 4.2', expect: either(broken, connectionError('PROTOCOL_ERROR', 'ENHANCE_YOUR_CALM'), { reset: [1], status: [400] }), send: () => headers(1, Buffer.concat([sizeUpdate(0), sizeUpdate(10)]), { end: true }) });

// 4.2 from the other side: a limit that the client lowers must be followed by an update in the next block.
test('RFC 7541 4.2: after SETTINGS_HEADER_TABLE_SIZE 0 the gateway keeps no entries', async () => {
  const peer = await Peer.open(target.port, { settings: [[kSetting.HEADER_TABLE_SIZE, 0]] });
  await peer.barrier();
  peer.decoder.limit = 0;
  for (const id of [1, 3, 5]) assert.equal((await peer.request(id, get())).status, 200);
  assert.equal(peer.decoder.size, 0);
  peer.destroy();
});

test('RFC 7541 4.2: a smaller table, and later a larger one', async () => {
  const peer = await Peer.open(target.port, { settings: [[kSetting.HEADER_TABLE_SIZE, 64]] });
  await peer.barrier();
  for (const id of [1, 3, 5]) assert.equal((await peer.request(id, get())).status, 200);
  assert.ok(peer.decoder.size <= 64, `${peer.decoder.size} octets`);
  peer.destroy();
});
