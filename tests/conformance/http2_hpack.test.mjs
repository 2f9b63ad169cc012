// hpack-test-case in both directions, and the examples of RFC 7541.
//
// Stories 00 to 20 are requests: their blocks go over one connection as they are. Those of 00 and 01 reach the upstream,
// with their fields. All others (of 02 to 20) have `connection` or `keep-alive`, which HTTP/2 forbids, and 21 to 30
// are responses, whose :status no request may have: each of these is refused as malformed, never as COMPRESSION_ERROR,
// and what they leave in the dynamic table is read back every few blocks, entry by entry, in requests of indices alone.
// Not compared is what a refused block has as a literal that enters no table, and an entry that no request may have.
// The other way: the gateway encodes the fields of the response stories, and two decoders that are not its own (ours
// and Node's) read what it wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile, readdir } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startHttp2Target } from '../support/h2_expect.mjs';
import { Peer, describe, errorName, get, headers, kSetting } from '../support/h2_raw.mjs';
import { HpackDecoder, encode, huffman, indexed } from '../support/hpack.mjs';
import { corpora } from '../support/paths.mjs';
import { corpus } from './corpus.mjs';

const folder = corpus('hpack-test-case');
const pairsOf = (one) => one.headers.flatMap((field) => Object.entries(field)).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]);
const story = async (path) => JSON.parse(gunzipSync(await readFile(path)));

/** What a gateway takes out of a request, or adds: hop-by-hop fields, and those that it sets itself. */
const kOwn = /^(x-request-id|x-forwarded-.*|forwarded|via|host|traceparent|tracestate|te)$/;

const kForbidden = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection'];
// Fields that mean something to the gateway, so that a story's value may be refused or changed.
const kMeant = ['content-length', 'cookie', 'authorization', 'expect', 'trailer'];
const kBatch = 60;

/** A request as text, its fields in order of their names: for comparing. */
function canonical(method, url, fields) {
  const lines = fields.filter(([name]) => name === 'host' || !kOwn.test(name)).map(([name, value]) => `${name}: ${value.trim()}`);
  return `${method} ${url}\n${lines.sort().join('\n')}`;
}

/** What the upstream must get of a block: crumbs of cookies are one field (RFC 9113 8.2.3). */
function arrived(want) {
  const pseudo = Object.fromEntries(want.filter(([name]) => name.startsWith(':')));
  const cookie = want.filter(([name]) => name === 'cookie').map(([, value]) => value);
  const rest = want.filter(([name]) => !name.startsWith(':') && name !== 'cookie' && name !== 'host');
  return canonical(pseudo[':method'], pseudo[':path'], [['host', pseudo[':authority']], ...rest, ...(cookie.length > 0 ? [['cookie', cookie.join('; ')]] : [])]);
}

/** A table of `limit` octets is enough for every block. */
function legible(cases, limit) {
  const decoder = new HpackDecoder(limit);
  try {
    for (const one of cases) decoder.decode(Buffer.from(one.wire, 'hex'));
    return true;
  } catch {
    return false;
  }
}

/** Entries that a request may have, as [index, name, value], in lists that have each name once. */
function layersOf(entries) {
  const layers = [];
  entries.forEach(([name, value], i) => {
    if (name.startsWith(':') || kOwn.test(name) || kForbidden.includes(name) || kMeant.includes(name)) return;
    if (value !== value.trim()) return; // malformed in HTTP/2 (RFC 9113 8.2.1)
    const layer = layers.find((list) => list.every(([, other]) => other !== name)) ?? layers[layers.push([]) - 1];
    layer.push([62 + i, name, value]);
  });
  return layers;
}

async function run() {
  const answers = new Map(); // path -> fields of the answer
  const target = await startHttp2Target(
    { listener: { http2: { streams: 128, resets: '100000/1s' }, limits: { head_size: '64KiB', idle_timeout: '60s' } }, api: { routes: [{ path: '/{rest...}', methods: ['GET', 'POST', 'HEAD'], operation: 'all' }] } },
    {
      handler: (request, socket) => {
        const fields = answers.get(request.url) ?? [];
        socket.write(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\nok`, 'latin1'));
      },
    },
  );
  /** A request of nothing but indices; what the upstream got of it. */
  const probe = async (peer, id, indices) => {
    peer.send(headers(id, Buffer.concat([encode(get('/probe')), ...indices.map(indexed)]), { end: true }));
    assert.equal((await peer.response(id)).status, 200);
    return target.upstream.requests.at(-1);
  };
  const folders = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
  const stories = new Map(); // folder -> files; all of them before the first test, since hooks run once no test is left
  for (const name of folders) stories.set(name, (await readdir(join(folder, name))).sort());

  for (const name of folders.filter((each) => each !== 'raw-data')) {
    for (const file of stories.get(name)) {
      const path = join(folder, name, file);
      const number = Number(/\d+/.exec(file)[0]);

      test(`${name} ${file}: our decoder reads every block`, async () => {
        const { cases } = await story(path);
        const decoder = new HpackDecoder(4096);
        for (const one of cases) {
          if (one.header_table_size) decoder.limit = one.header_table_size;
          assert.deepEqual(decoder.decode(Buffer.from(one.wire, 'hex')), pairsOf(one));
        }
      });

      test(`${name} ${file}: the gateway decodes every block`, async (t) => {
        const { cases } = await story(path);
        const peer = await (await Peer.open(target.port)).ready();
        try {
          const limit = peer.settings[kSetting.HEADER_TABLE_SIZE] ?? 4096;
          if (!legible(cases, limit)) {
            // The story's encoder was told of a table larger than the gateway's; its size update is refused, as it must be.
            peer.send(...cases.slice(0, kBatch).map((one, i) => headers(2 * i + 1, Buffer.from(one.wire, 'hex'), { end: true })));
            const { code } = await peer.until('GOAWAY', () => peer.goaway);
            assert.equal(errorName(code), 'COMPRESSION_ERROR');
            t.diagnostic(`its encoder has a larger table than the ${limit} octets that the gateway permits`);
            return;
          }
          const mirror = new HpackDecoder(limit);
          let [id, compared] = [1, 0];
          for (let from = 0; from < cases.length; from += kBatch) {
            const batch = cases.slice(from, from + kBatch).map((one, i) => ({ one, id: id + 2 * i, want: pairsOf(one) }));
            id += 2 * batch.length;
            const before = target.upstream.requests.length;
            peer.send(...batch.map((each) => headers(each.id, Buffer.from(each.one.wire, 'hex'), { end: true })));
            const expected = [];
            for (const each of batch) {
              const outcome = await peer.outcome(each.id);
              const what = `block ${each.one.seqno}: ${describe(outcome)}`;
              if (number > 20 || each.want.some(([field]) => kForbidden.includes(field))) {
                assert.ok(outcome.kind === 'reset' || outcome.response?.status === 400, what);
              } else {
                assert.equal(outcome.kind, 'response', what);
                // A path that the gateway does not take (an octet that RFC 3986 forbids) is its own matter, not HPACK's.
                if (outcome.response.status === 200) expected.push(arrived(each.want));
                else assert.match(outcome.response.text, /malformed-path|malformed-host/, what);
              }
            }
            const seen = target.upstream.requests.slice(before).map(({ method, url, fields }) => canonical(method, url, fields));
            assert.deepEqual(seen.sort(), expected.sort());
            compared += expected.length;
            for (const { one } of batch) mirror.decode(Buffer.from(one.wire, 'hex'));
            // What the blocks put into the table comes out of it: the k-th entry of each name in the k-th request.
            for (const layer of layersOf(mirror.entries)) {
              const { fields } = await probe(peer, id, layer.map(([index]) => index)).catch((error) => {
                throw new Error(`${error.message}: ${JSON.stringify(layer)}`);
              });
              id += 2;
              for (const [, name, value] of layer) assert.deepEqual(fields.filter(([n]) => n === name), [[name, value]]);
              compared += layer.length;
            }
          }
          t.diagnostic(`${compared} requests and entries of the table compared`);
        } finally {
          peer.destroy();
        }
      });
    }
  }

  // The other way. The fields of raw-data's responses, as an upstream would send them.
  const kNotSent = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'proxy-connection', 'upgrade'];
  for (const file of stories.get('raw-data').filter((each) => Number(/\d+/.exec(each)[0]) > 20)) {
    test(`raw-data ${file}: what the gateway encodes, we and Node decode`, async () => {
      const { cases } = await story(join(folder, 'raw-data', file));
      const sets = cases.slice(0, 60).map((one) => pairsOf(one).filter(([name]) => !name.startsWith(':') && !kNotSent.includes(name)));
      sets.forEach((fields, i) => answers.set(`/${file}/${i}`, fields));
      const check = (i, got) => {
        for (const [name, value] of sets[i]) assert.ok(got.some(([n, v]) => n === name && v === value.trim()), `${i}: ${name}: ${value} in ${JSON.stringify(got)}`);
      };
      const peer = await Peer.open(target.port);
      for (let i = 0; i < sets.length; i += 1) {
        const response = await peer.request(2 * i + 1, get(`/${file}/${i}`));
        assert.equal(response.status, 200, response.text);
        check(i, response.fields);
      }
      assert.equal(peer.failure, undefined);
      peer.destroy();
      const session = http2.connect(`http://127.0.0.1:${target.port}`);
      for (let i = 0; i < sets.length; i += 1) {
        const raw = await new Promise((resolve, reject) => {
          const stream = session.request({ ':path': `/${file}/${i}`, ':authority': 'a.test' });
          stream.once('response', (_fields, _flags, list) => resolve(list)).once('error', reject);
          stream.resume();
        });
        const got = [];
        for (let at = 0; at < raw.length; at += 2) got.push([raw[at], Buffer.from(raw[at + 1], 'latin1').toString('latin1')]);
        check(i, got);
      }
      await new Promise((resolve) => session.close(resolve));
    });
  }
}

if (folder) await run();

if (corpora) {
  test('RFC 7541 Appendix C: the examples', async () => {
    const vectors = JSON.parse(await readFile(join(corpora, 'rfc-vectors/hpack-rfc7541.json'), 'utf8'));
    for (const one of vectors.single) assert.deepEqual(new HpackDecoder(4096).decode(Buffer.from(one.wire, 'hex')), one.headers, one.id);
  });
}

test('RFC 7541 Appendix B: the code is complete, and an example of it is as the RFC has it', () => {
  assert.equal(huffman('www.example.com').toString('hex'), 'f1e3c2e5f23a6ba0ab90f4ff');
});
