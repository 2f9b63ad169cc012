// Few bytes that say very many, bodies that are not what they are called, and codings that two
// readers could see differently: all end at the gateway, in bounded memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { assertWell, disarmed, refused, startTarget } from '../support/attack.mjs';
import { request } from '../support/client.mjs';
import { command } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { metric } from '../support/metrics.mjs';
import { deep, releaseBinary } from '../support/paths.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { eventually } from '../support/wait.mjs';

const kMiB = 1024 * 1024;

async function zstd(bytes, ...options) {
  const { code, stdout, stderr } = await command('zstd', ['-q', '-c', ...options], { input: bytes });
  assert.equal(code, 0, stderr);
  return Buffer.from(stdout, 'latin1');
}

const text = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ id: i, name: `item ${i * 7919}` }))));
const coded = { gzip: zlib.gzipSync(text), br: zlib.brotliCompressSync(text), zstd: await zstd(text) };

const config = (target) =>
  openConfig(target, {
    api: {
      body_size: '4MiB',
      decompress: { ratio: 20, size: '2MiB' },
      routes: [
        { path: '/{a}', methods: ['POST'], operation: 'one' },
        { path: '/closed/{a}', methods: ['POST'], operation: 'closed', decompress: 'refuse' },
        { path: '/open/{a}', methods: ['POST'], operation: 'open', decompress: 'none' },
        { path: '/still/well', methods: ['GET'], operation: 'well' },
        { path: '/tight/{a}', methods: ['POST'], operation: 'tight', body_size: '64KiB' },
        { path: '/large/{a}', methods: ['POST'], operation: 'large', decompress: { ratio: 100000, size: '256MiB' } },
      ],
    },
    admin: { address: '127.0.0.1:0', token: '${env:ADMIN_TOKEN}' },
  });
const target = await startTarget(config, { gateway: { env: { ADMIN_TOKEN: 'secret' } } });

/** A request in latin-1, its body framed by length or in chunks of `chunk` bytes. */
function post(path, coding, body, { chunk, trailers = '', fields = '' } = {}) {
  const bytes = Buffer.from(body, 'latin1').toString('latin1');
  const head = `POST ${path} HTTP/1.1\r\nHost: a.test\r\n${coding === undefined ? '' : `Content-Encoding: ${coding}\r\n`}${fields}`;
  if (chunk === undefined) return `${head}Content-Length: ${bytes.length}\r\n\r\n${bytes}`;
  let chunks = '';
  for (let at = 0; at < bytes.length; at += chunk) {
    const piece = bytes.slice(at, at + chunk);
    chunks += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${trailers}\r\n`;
}

const post415 = { status: 415, problem: 'unsupported-coding', open: true };

// What is right, and what the upstream then sees.
for (const [coding, body] of Object.entries(coded)) {
  for (const chunk of [undefined, 1000, 17]) {
    disarmed(target, {
      name: `${coding} is decoded${chunk ? ` from chunks of ${chunk}` : ''}; the upstream sees neither it nor its digests`,
      reference: 'RFC 9110 8.4',
      send: post('/x', coding, body, { chunk, fields: 'Content-MD5: x\r\nDigest: sha-256=x\r\nContent-Digest: sha-256=:x:\r\nRepr-Digest: sha-256=:x:\r\n' }),
      requests: ['POST /x'],
      check: ({ fields, body: seen }) => {
        assert.deepEqual(Buffer.from(seen, 'latin1'), text);
        const names = fields.map(([name]) => name);
        for (const name of ['content-encoding', 'content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest']) assert.ok(!names.includes(name), name);
        assert.ok(names.includes('transfer-encoding'));
      },
    });
  }
}
for (const [why, coding] of [['in capitals', 'GZIP'], ['by its old name', 'x-gzip'], ['beside identity', 'identity, gzip']]) {
  disarmed(target, { name: `gzip ${why} is decoded`, reference: 'RFC 9110 8.4.1', send: post('/x', coding, coded.gzip), requests: ['POST /x'], check: ({ body }) => assert.deepEqual(Buffer.from(body, 'latin1'), text) });
}
disarmed(target, { name: 'identity is what it says', reference: 'RFC 9110 8.4.1', send: post('/x', 'identity', 'plain'), requests: ['POST /x'], check: ({ body }) => assert.equal(body.toString(), 'plain') });
disarmed(target, { name: 'nothing, coded, is nothing', reference: 'RFC 9110 8.4', send: post('/x', 'gzip', '', { chunk: 10 }), requests: ['POST /x'], check: ({ body }) => assert.equal(body.length, 0) });
disarmed(target, { name: 'members one behind the other are one body', reference: 'RFC 1952 2.2', send: post('/x', 'gzip', Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync(''), zlib.gzipSync('two')])), requests: ['POST /x'], check: ({ body }) => assert.equal(body.toString(), 'one two') });
disarmed(target, { name: 'where nothing is said, a coded body passes as it is', reference: 'docs/compression.md', send: post('/open/x', 'gzip', coded.gzip), requests: ['POST /open/x'], check: ({ body, fields }) => {
  assert.deepEqual(Buffer.from(body, 'latin1'), coded.gzip);
  assert.ok(fields.some(([name, value]) => name === 'content-encoding' && value === 'gzip'));
} });
disarmed(target, { name: 'an uncoded body where coded ones are refused', reference: 'docs/compression.md', send: post('/closed/x', undefined, 'plain'), requests: ['POST /closed/x'] });

// Codings that are not taken.
for (const [name, coding] of [
  ['deflate, which means two things', 'deflate'],
  ['compress', 'compress'],
  ['one that nobody knows', 'x-rot13'],
  ['two codings', 'gzip, gzip'],
  ['two codings, one unknown', 'gzip, x-rot13'],
  ['two codings in two fields', 'gzip\r\nContent-Encoding: br'],
  ['one coding in two fields', 'gzip\r\nContent-Encoding: gzip'],
  ['five hundred codings (CVE-2022-32206 curl)', Array(500).fill('gzip').join(',')],
  ['a coding with a parameter', 'gzip;q=1'],
  ['a quoted coding', '"gzip"'],
  ['gzip with a zero behind it in another script', 'gz\xefp'],
]) {
  refused(target, { name, reference: 'RFC 9110 15.5.16', send: post('/x', coding, coded.gzip), ...post415 });
}
refused(target, { name: 'any coding where none is taken', reference: 'RFC 9110 15.5.16', send: post('/closed/x', 'gzip', coded.gzip), ...post415 });

test('a 415 says what is taken (RFC 9110 15.5.16)', async () => {
  const ask = (path) => request(target.port, path, { method: 'POST', headers: { 'content-encoding': 'deflate', 'content-length': 4 }, body: 'abcd' });
  assert.equal((await ask('/x')).header('accept-encoding'), 'gzip, br, zstd');
  assert.equal((await ask('/closed/x')).header('accept-encoding'), 'identity');
  const { refusal } = await target.gateway.entry((e) => e.status === 415 && e.path === '/closed/x');
  assert.deepEqual([refusal.step, refusal.type, refusal.rule], ['validate', 'unsupported-coding', 'apis.echo.decompress']);
});

test('a 415 is said before the body is asked for (RFC 9110 10.1.1)', async () => {
  const client = await RawClient.connect(target.port);
  client.send('POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Encoding: deflate\r\nContent-Length: 100\r\n\r\n');
  const response = await client.response();
  assertProblem(response, 415, 'unsupported-coding');
  assert.deepEqual(response.informational, []);
  client.destroy();
});

// Bombs. The upstream never sees the end of one.
const zeros = (size) => Buffer.alloc(size);
async function nested(levels) {
  let body = zeros(64 * kMiB);
  for (let i = 0; i < levels; i += 1) body = zlib.gzipSync(body, { level: 9 });
  return body;
}
const bombs = {
  gzip: zlib.gzipSync(zeros(256 * kMiB), { level: 1 }),
  br: zlib.brotliCompressSync(zeros(64 * kMiB), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5, [zlib.constants.BROTLI_PARAM_LGWIN]: 24 } }),
  zstd: await zstd(zeros(64 * kMiB)),
};
// The connection may go on: where the body ends was never in doubt.
const tooLarge = { status: 413, problem: 'content-too-large', partial: true, open: true };
for (const [coding, body] of Object.entries(bombs)) {
  refused(target, { name: `a ${coding} bomb: ${body.length} bytes`, reference: 'CVE-2009-1890; CWE-409', send: post('/x', coding, body), ...tooLarge });
  refused(target, { name: `a ${coding} bomb in small chunks`, reference: 'CWE-409', send: post('/x', coding, body.subarray(0, 200_000), { chunk: 100 }), status: [413, 400], problem: ['content-too-large', 'malformed-content'], partial: true, open: true });
}
disarmed(target, { name: 'gzip in gzip is opened once; what is in it is the upstream\'s to refuse', reference: 'CVE-2022-36114; 42.zip', send: post('/x', 'gzip', await nested(2)), requests: ['POST /x'], check: ({ body }) => assert.equal(Buffer.from(body, 'latin1')[0], 0x1f) });
refused(target, { name: 'gzip bombs one behind the other', reference: 'RFC 1952 2.2', send: post('/x', 'gzip', Buffer.concat(Array(50).fill(zlib.gzipSync(zeros(60_000))))), ...tooLarge });
refused(target, { name: 'more than the decoded size, at an honest ratio', reference: 'CWE-409', send: post('/x', 'gzip', zlib.gzipSync(Buffer.from(Array.from({ length: 2 * kMiB / 8 + 1 }, (_, i) => ((i * 2654435761) >>> 0).toString(16).padStart(8, '0')).join('')))), ...tooLarge });
disarmed(target, { name: 'a body that grows thirtyfold, and stays below 64 KiB', reference: 'docs/compression.md', send: post('/x', 'gzip', zlib.gzipSync(zeros(65_536))), requests: ['POST /x'], check: ({ body }) => assert.equal(body.length, 65_536) });
refused(target, { name: 'a byte more, with nothing to show for it', reference: 'docs/compression.md', send: post('/x', 'gzip', zlib.gzipSync(zeros(65_537))), ...tooLarge });

// Just below and just above the ratio: noise that does not shrink, then zeros that do.
const noise = zlib.gzipSync(Buffer.from(Array.from({ length: 20_000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 7) & 255)), { level: 0 });
const grown = (factor) => Buffer.concat([noise, zlib.gzipSync(zeros(Math.floor(noise.length * factor)))]);
disarmed(target, { name: 'just below the ratio', reference: 'docs/compression.md', send: post('/x', 'gzip', grown(18.5)), requests: ['POST /x'], check: ({ body }) => assert.ok(body.length > noise.length * 19) });
refused(target, { name: 'just above the ratio', reference: 'CWE-409', send: post('/x', 'gzip', grown(20.5)), ...tooLarge });
refused(target, { name: 'more coded bytes than body_size', reference: 'RFC 9110 15.5.14', send: post('/tight/x', 'gzip', zlib.gzipSync(zeros(200_000), { level: 0 }), { chunk: 10_000 }), ...tooLarge });

// Windows.
const frame = (window) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x01, 0x00, 0x00]);
const malformed = { status: 400, problem: 'malformed-content', partial: true, open: true };
disarmed(target, { name: 'zstd with a window of 8 MiB', reference: 'RFC 9659', send: post('/x', 'zstd', frame(0x68)), requests: ['POST /x'] });
for (const [name, window] of [['16 MiB', 0x70], ['2 GiB', 0xa8], ['almost 4 TiB', 0xff]]) {
  refused(target, { name: `zstd with a window of ${name}`, reference: 'RFC 9659', send: post('/x', 'zstd', frame(window)), ...malformed });
}
refused(target, { name: 'br with the large window that the RFC does not have', reference: 'RFC 7932 9.1', send: post('/x', 'br', Buffer.from([0x11, 0x1e, 0x03, 0, 0, 0])), ...malformed });
refused(target, { name: 'zstd with a dictionary', reference: 'RFC 8878 5', send: post('/x', 'zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 0x07, 0x01, 0, 0])), ...malformed });
refused(target, { name: 'a skippable frame of zstd: bytes that nobody looks at', reference: 'RFC 8878 3.1.2', send: post('/x', 'zstd', Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]), coded.zstd])), ...malformed });

// Not what it is called.
for (const [coding, body] of Object.entries(coded)) {
  const others = Object.entries(coded).filter(([other]) => other !== coding);
  for (const [other, bytes] of others) refused(target, { name: `${other} that is called ${coding}`, reference: 'RFC 9110 8.4', send: post('/x', coding, bytes), ...malformed });
  refused(target, { name: `plain text that is called ${coding}`, reference: 'RFC 9110 8.4', send: post('/x', coding, '{"plain":"text"}'), ...malformed });
  refused(target, { name: `zlib that is called ${coding}`, reference: 'RFC 9110 8.4.1.2', send: post('/x', coding, zlib.deflateSync(text)), ...malformed });
  refused(target, { name: `${coding}, cut by a byte`, reference: 'RFC 9110 8.4', send: post('/x', coding, body.subarray(0, -1)), ...malformed });
  refused(target, { name: `${coding}, cut in the middle, chunked`, reference: 'RFC 9110 8.4', send: post('/x', coding, body.subarray(0, body.length / 2), { chunk: 100 }), ...malformed });
  refused(target, { name: `${coding} with a byte behind it`, reference: 'request smuggling in a coded body', send: post('/x', coding, Buffer.concat([body, Buffer.from('x')])), ...malformed });
  refused(target, { name: `${coding} with a request behind it`, reference: 'request smuggling in a coded body', send: post('/x', coding, Buffer.concat([body, Buffer.from('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')]), { chunk: 50 }), ...malformed });
}
const damaged = Buffer.from(coded.gzip);
damaged[damaged.length - 6] ^= 1;
refused(target, { name: 'gzip with a wrong checksum', reference: 'RFC 1952 2.3.1', send: post('/x', 'gzip', damaged), ...malformed });
refused(target, { name: 'gzip with zeros behind it', reference: 'tar pads so', send: post('/x', 'gzip', Buffer.concat([coded.gzip, zeros(100)])), ...malformed });
refused(target, { name: 'half a member behind a whole one', reference: 'RFC 1952 2.2', send: post('/x', 'gzip', Buffer.concat([coded.gzip, coded.gzip.subarray(0, 5)])), ...malformed });
refused(target, { name: 'a thousand empty members and then rubbish', reference: 'RFC 1952 2.2', send: post('/x', 'gzip', Buffer.concat([...Array(1000).fill(zlib.gzipSync('')), Buffer.from('x')])), ...malformed });

// Said elsewhere.
refused(target, { name: 'Content-Encoding in the trailers', reference: 'RFC 9110 6.5.1', send: post('/x', undefined, 'plain', { chunk: 5, trailers: 'Content-Encoding: gzip\r\n' }), status: 400, problem: 'malformed-request', partial: true });
refused(target, { name: 'Content-Encoding in the trailers of a coded body', reference: 'RFC 9110 6.5.1', send: post('/x', 'gzip', coded.gzip, { chunk: 5000, trailers: 'Content-Encoding: br\r\n' }), status: 400, problem: 'malformed-request', partial: true });
disarmed(target, { name: 'a digest of the coded bytes in the trailers', reference: 'RFC 9530 2', send: post('/x', 'gzip', coded.gzip, { chunk: 5000, trailers: 'Content-Digest: sha-256=:x:\r\nX-Sum: 1\r\n' }), requests: ['POST /x'], check: ({ trailers }) => assert.deepEqual(trailers, [['x-sum', '1']]) });
disarmed(target, { name: 'Content-Encoding that Connection takes away is still decoded', reference: 'RFC 9110 7.6.1', send: post('/x', 'gzip', coded.gzip, { fields: 'Connection: content-encoding\r\n' }), requests: ['POST /x'], check: ({ body }) => assert.deepEqual(Buffer.from(body, 'latin1'), text) });

test('what was decoded is counted, and the upstream is blamed for nothing', async () => {
  const of = (name, labels) => metric(target.gateway.admin, 'secret', name, labels);
  for (const coding of ['gzip', 'br', 'zstd']) {
    assert.ok((await of('portcullis_coded_body_bytes_total', { message: 'request', coding, form: 'plain' })) > 0);
    assert.ok((await of('portcullis_coded_body_bytes_total', { message: 'request', coding, form: 'coded' })) > 0);
  }
  assert.equal(await of('portcullis_upstream_failures_total'), 0);
  await target.gateway.entry((e) => e.refusal?.rule === 'apis.echo.decompress' && e.refusal.step === 'forward' && e.refusal.type === 'content-too-large');
});

test('a large honest body streams through, slower upstreams hold it back, and the rest is served meanwhile', { timeout: 60_000 }, async () => {
  const size = 64 * kMiB;
  let release;
  const counting = await startUpstream((incoming, response) => {
    let bytes = 0;
    const start = () => incoming.on('data', (chunk) => (bytes += chunk.length)).on('end', () => response.end(String(bytes)));
    if (incoming.url === '/large/held') release = start;
    else start();
  });
  const gateway = await Gateway.start(config(counting.target), { env: { ADMIN_TOKEN: 'secret' } });
  const body = zlib.gzipSync(zeros(size), { level: 1 });
  const headers = { 'content-encoding': 'gzip' };
  const held = request(gateway.port, '/large/held', { method: 'POST', headers, body, timeout: 50_000 });
  await eventually('the upstream to have the head', () => release !== undefined, { timeout: 20_000 });
  const other = await request(gateway.port, '/large/x', { method: 'POST', headers, body, timeout: 50_000 });
  assert.equal(other.text, String(size));
  release();
  assert.equal((await held).text, String(size));
  await gateway.stop();
  await counting.stop();
});

test('memory stays bounded under bombs, wide windows and bodies that never end', { timeout: 120_000 }, async () => {
  const upstream = await startUpstream((incoming, response) => {
    incoming.on('error', () => {}).resume().on('end', () => response.end('ok'));
  });
  const gateway = await Gateway.start({ ...config(upstream.target), log: { access: 'off' } }, { program: releaseBinary, env: { ADMIN_TOKEN: 'secret' } });
  const bomb = (coding, path) => request(gateway.port, path, { method: 'POST', headers: { 'content-encoding': coding }, body: bombs[coding] });
  const round = async () => {
    for (const coding of ['gzip', 'br', 'zstd']) {
      for (let i = 0; i < 8; i += 1) assert.equal((await bomb(coding, '/x')).status, 413);
    }
  };
  await round();
  const before = await gateway.memory();
  for (let i = 0; i < (deep ? 20 : 3); i += 1) await round();
  // Clients that announce a window of 8 MiB and send no more.
  const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(gateway.port)));
  for (const client of clients) {
    client.send(`POST /large/x HTTP/1.1\r\nHost: a\r\nContent-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n`);
    client.send(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x0d, 0x0a]));
  }
  // Seven windows and the rest of their decoders fit in 64 MiB.
  const answered = () => clients.filter((client) => client.reader.peek().length > 0);
  await eventually('the others to be refused', () => answered().length >= 93, { timeout: 20_000 });
  for (const client of answered()) assertProblem(await client.response(), 503, 'unavailable');
  const growth = (await gateway.memory()) - before;
  assert.ok(growth < 80 * kMiB, `${growth} bytes`);
  for (const client of clients) client.destroy();
  await eventually('the memory to be free again', async () => (await request(gateway.port, '/x', { method: 'POST', headers: { 'content-encoding': 'zstd' }, body: coded.zstd })).status === 200);
  await gateway.stop();
  await upstream.stop();
});

test('the gateway is well afterwards', () => assertWell(target));
