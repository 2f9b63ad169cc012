// A PROXY header says who is calling: from whom it is not believed, and what is refused in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startTarget } from '../support/attack.mjs';
import { metric } from '../support/metrics.mjs';
import { crc32c, tlv, v1, v2, v4Ends } from '../support/proxy_protocol.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';

const kToken = 'the admin token of the PROXY attacks';
const options = { gateway: { env: { PORTCULLIS_TEST_TOKEN: kToken } } };
const admin = { address: '127.0.0.1:0', token: '${env:PORTCULLIS_TEST_TOKEN}' };
// 127.0.0.1 may speak for others, the rest of loopback may not.
const trusting = await startTarget({ listener: { proxy_protocol: true, limits: { head_timeout: '1s' } }, trusted_proxies: ['127.0.0.1'], admin }, options);
const plain = await startTarget({ trusted_proxies: ['127.0.0.1'] });

const kGet = Buffer.from('GET /secret HTTP/1.1\r\nHost: a.test\r\n\r\n');
const good = v1('192.0.2.1');

/** Closed without an answer, and nothing of it reaches the upstream. */
async function assertClosed(bytes, { localAddress, quiet = 3000 } = {}) {
  const before = trusting.upstream.requests.length;
  const client = await RawClient.connect(trusting.port, { localAddress });
  client.send(bytes);
  const state = await client.state(quiet);
  client.destroy();
  assert.ok(['closed', 'reset'].includes(state), state);
  assert.equal(trusting.upstream.requests.length, before);
}

const counted = (reason) => metric(trusting.gateway.admin, kToken, 'portcullis_proxy_headers_refused_total', { listener: 'public', reason });

async function assertWell() {
  const { responses } = await converse(trusting.port, Buffer.concat([good, kGet]), { quiet: 0 });
  assert.equal(responses[0]?.status, 200);
}

test('a peer that is no trusted proxy is closed, whatever it sends (CWE-290)', async () => {
  const before = await counted('untrusted');
  for (const bytes of [Buffer.concat([good, kGet]), kGet, Buffer.concat([v2(v4Ends('127.0.0.1')), kGet])]) {
    await assertClosed(bytes, { localAddress: '127.0.0.2' });
  }
  assert.equal(await counted('untrusted'), before + 3);
  await assertWell();
});

const kFour = v4Ends('192.0.2.1');
const checksummed = (wrong = 0) => {
  const zero = v2(Buffer.concat([kFour, tlv(0x03, Buffer.alloc(4))]));
  zero.writeUInt32BE((crc32c(zero) ^ wrong) >>> 0, zero.length - 4);
  return zero;
};

for (const [name, reference, header] of [
  ['no header at all', 'proxy-protocol.txt 2: never guessed', Buffer.alloc(0)],
  ['version 1 in lower case', 'proxy-protocol.txt 2.1', Buffer.from('proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n')],
  ['a bare LF', 'proxy-protocol.txt 2.1', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n')],
  ['leading zeros in an address', 'CVE-2021-28918, CVE-2021-29921: octal addresses', v1('0127.0.0.1')],
  ['an address in hexadecimal', 'CWE-704', v1('0x7f.0.0.1')],
  ['an address as one number', 'CWE-704', v1('2130706433')],
  ['an address of two parts', 'CWE-704', v1('127.1')],
  ['IPv4 as TCP6', 'proxy-protocol.txt 2.1', v1('192.0.2.1', '198.51.100.2', { family: 'TCP6' })],
  ['IPv6 as TCP4', 'proxy-protocol.txt 2.1', v1('::1', '::1')],
  ['a zone', 'RFC 4007 11', v1('fe80::1%lo', '::1', { family: 'TCP6' })],
  ['a name', 'CWE-20', v1('localhost')],
  ['another family', 'proxy-protocol.txt 2.1', v1('192.0.2.1', '198.51.100.2', { family: 'UDP4' })],
  ['a port with a leading zero', 'proxy-protocol.txt 2.1', v1('192.0.2.1', '198.51.100.2', { sourcePort: '080' })],
  ['a port of 65536', 'CWE-190', v1('192.0.2.1', '198.51.100.2', { sourcePort: 65536 })],
  ['a signed port', 'CWE-190', v1('192.0.2.1', '198.51.100.2', { sourcePort: '-1' })],
  ['a port too many', 'proxy-protocol.txt 2.1', v1('192.0.2.1', '198.51.100.2', { port: '443 1' })],
  ['two spaces', 'proxy-protocol.txt 2.1', v1(' 192.0.2.1')],
  ['a NUL', 'CWE-158', v1('192.0.2.1\0')],
  ['a line without an end', 'CWE-400', Buffer.alloc(8192, 'PROXY TCP4 ')],
  ['an address of a thousand digits', 'CWE-400', v1('1'.repeat(1000))],
  ['version 2 with the version 1 in it', 'proxy-protocol.txt 2.2', v2(kFour, { version: 1 })],
  ['a command of nobody', 'proxy-protocol.txt 2.2', v2(kFour, { command: 2 })],
  ['datagrams', 'proxy-protocol.txt 2.2', v2(kFour, { family: 0x12 })],
  ['a socket of a file system', 'proxy-protocol.txt 2.2', v2(Buffer.alloc(216, '/'), { family: 0x31 })],
  ['a length shorter than its addresses', 'CWE-125', v2(kFour, { length: 11 })],
  ['a length of nothing', 'CWE-125', v2(Buffer.alloc(0), { length: 0 })],
  ['a length of 65535', 'CWE-400', v2(Buffer.concat([kFour, Buffer.alloc(65523)]))],
  ['a field longer than the header', 'CWE-125', v2(Buffer.concat([kFour, Buffer.from([4, 255, 255, 0])]))],
  ['half a field', 'CWE-125', v2(Buffer.concat([kFour, Buffer.from([4, 0])]))],
  ['a wrong checksum', 'proxy-protocol.txt 2.2.3', checksummed(1)],
  ['two checksums', 'proxy-protocol.txt 2.2.3', v2(Buffer.concat([kFour, tlv(3, Buffer.alloc(4)), tlv(3, Buffer.alloc(4))]))],
]) {
  test(`closed: ${name} (${reference})`, async () => {
    const before = await counted('malformed');
    await assertClosed(Buffer.concat([header, kGet]));
    assert.equal(await counted('malformed'), before + 1);
    await assertWell();
  });
}

test('a checksum that is right passes', async () => {
  const { responses } = await converse(trusting.port, Buffer.concat([checksummed(), kGet]), { quiet: 0 });
  assert.equal(responses[0].status, 200);
});

for (const [name, second] of [
  ['version 1', good],
  ['version 2', v2(v4Ends('127.0.0.1'))],
]) {
  test(`a second header (${name}) is a request that is none (CWE-290: the client's behind the proxy's)`, async () => {
    const before = trusting.upstream.requests.length;
    const { responses, state } = await converse(trusting.port, Buffer.concat([good, second, kGet]), { quiet: 3000 });
    assert.deepEqual(responses.map((r) => r.status), [400]);
    assert.notEqual(state, 'open');
    assert.equal(trusting.upstream.requests.length, before);
  });
}

for (const [name, bytes] of [
  ['nothing', Buffer.alloc(0)],
  ['half of version 1', good.subarray(0, 20)],
  ['half of version 2', v2(kFour).subarray(0, 20)],
  ['a signature', v2(kFour).subarray(0, 12)],
]) {
  test(`${name} and then silence is closed after head_timeout (CWE-400: Slowloris)`, async () => {
    const before = await counted('timeout');
    await assertClosed(bytes, { quiet: 4000 });
    assert.equal(await counted('timeout'), before + 1);
    await assertWell();
  });
}

for (const [name, bytes, status] of [
  ['version 1', good, 400],
  ['version 2', v2(kFour), 400],
]) {
  refused(plain, {
    name: `a listener that expects no header takes ${name} for the request that it is not`,
    reference: 'CWE-290: a header from a client',
    send: Buffer.concat([bytes, kGet]),
    status,
    problem: 'malformed-request',
  });
}
