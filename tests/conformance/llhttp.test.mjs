// llhttp's own cases over the wire: what it refuses we never pass on, and what it accepts we accept, or an RFC
// sentence says why not (llhttp-differences.mjs).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { value } from '../support/bytes.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startRawUpstream } from '../support/upstream.mjs';
import { corpus } from './corpus.mjs';
import { requestDifferences, responseDifferences } from './llhttp-differences.mjs';

const folder = corpus('llhttp-tests');

/** Statuses by which a parser (and not a route) says no. */
const kParserSays = [400, 408, 414, 417, 431, 501, 505];

/** Everything that comes back for `bytes`, when the client then ends its side. */
async function talk(port, bytes) {
  const client = await RawClient.connect(port);
  const answers = [];
  client.send(bytes);
  client.end();
  try {
    while (await client.reader.some()) answers.push(await client.response({ head: false }));
  } catch (error) {
    answers.push({ status: 0, cut: error.message });
  }
  client.destroy();
  return answers;
}

/** HTTP/1.1 without Host is refused for that alone; with one added, the case is about what it is about. */
function withHost(text) {
  if (/^host:/im.test(text)) return text;
  return text.replace(/([A-Z-]{3,} [^\r\n]* HTTP\/1\.1\r\n)/g, '$1Host: a.test\r\n');
}

function difference(table, used, text) {
  const found = table.filter((entry) => entry.applies(text));
  found.forEach((entry) => used.add(entry));
  return found;
}

async function run(cases) {
  let answer = Buffer.alloc(0);
  const upstream = await startRawUpstream();
  const speaker = await startRawUpstream((_incoming, socket) => {
    socket.end(answer);
    return 'stop';
  });
  const gateway = await Gateway.start(openConfig(upstream.target));
  const client = await Gateway.start(openConfig(speaker.target, { api: { retries: 0, timeout: '2s' } }));
  after(async () => {
    await gateway.stop();
    await client.stop();
    await upstream.stop();
    await speaker.stop();
  });
  const used = new Set();

  const checkRequest = async (one, text) => {
    const [before, violations] = [upstream.requests.length, upstream.violations.length];
    const answers = await talk(gateway.port, Buffer.from(text, 'latin1'));
    const whole = upstream.requests.slice(before).filter((r) => r.body !== undefined).length;
    assert.deepEqual(upstream.violations.slice(violations), []);
    const said = JSON.stringify(answers.map((a) => a.cut ?? `${a.status} ${a.status >= 400 ? a.json.type : ''}`));
    const strict = !one.lenient && one.accept;
    const refusal = answers.find((a) => kParserSays.includes(a.status));
    if (refusal && strict) {
      assert.ok(difference(requestDifferences, used, text).length > 0, `llhttp accepts, we answer ${said}, and no sentence says why`);
      return;
    }
    if (strict) {
      const served = answers.filter((a) => a.status >= 200).length;
      assert.ok(served >= Math.min(one.messagesComplete, one.skipBody ? 0 : Infinity), `llhttp reads ${one.messagesComplete} requests, we answered ${said}`);
    }
    if (!one.accept || one.messagesComplete > 0) assert.ok(whole <= one.messagesComplete, `llhttp reads ${one.messagesComplete} requests, the upstream got ${whole}: ${said}`);
  };

  cases.forEach((one, index) => {
    const input = Buffer.from(one.inputBase64, 'base64').toString('latin1');
    const name = `${index} ${one.type}: ${one.name} (${one.file})`;
    if (one.type.startsWith('request')) {
      test(name, () => checkRequest(one, withHost(input)));
      if (withHost(input) !== input && one.accept && /HTTP\/1\.1\r\n[\s\S]*\r\n\r\n|HTTP\/1\.1\r\n\r\n/.test(input)) {
        test(`${name}: as it stands, without Host, refused (RFC 9112 3.2)`, async () => {
          const before = upstream.requests.length;
          const answers = await talk(gateway.port, Buffer.from(input, 'latin1'));
          assert.ok(kParserSays.includes(answers[0]?.status), JSON.stringify(answers.map((a) => a.status)));
          assert.deepEqual(upstream.requests.slice(before).filter((r) => value(r.fields, 'host') === ''), []);
        });
      }
    } else if (one.type === 'url') {
      test(name, async () => {
        const text = `GET ${input} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
        const [first] = await talk(gateway.port, Buffer.from(text, 'latin1'));
        assert.ok(first, 'no answer');
        if (!one.accept) assert.equal(first.status, 400);
        else if (kParserSays.includes(first.status)) assert.ok(difference(requestDifferences, used, text).length > 0, `llhttp accepts ${input}, we answer ${first.status} ${first.text}`);
      });
    } else {
      test(name, async () => {
        answer = Buffer.from(input, 'latin1');
        const [first] = await talk(client.port, Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'));
        assert.ok(first, 'no answer');
        // Some inputs are cut short on purpose; then so is what the client gets of them.
        const passed = first.status !== 502 && (first.status !== 0 || (one.accept && one.messagesComplete === 0));
        if (one.accept && !one.lenient) assert.ok(passed || difference(responseDifferences, used, input).length > 0 || one.skipBody, `llhttp accepts, we answer ${first.cut ?? first.status}, and no sentence says why`);
        else if (!one.accept) assert.ok(!passed || one.messagesComplete > 0, `llhttp refuses (${one.errorReason}), we pass ${first.status}`);
        else if (passed && one.lenient) assert.ok(one.messagesComplete > 0 || first.body.length === 0, 'what only a lenient reader takes was passed on');
      });
    }
  });

  test('every difference in the table is one that occurs', () => {
    const unused = [...requestDifferences, ...responseDifferences].filter((entry) => !used.has(entry));
    assert.deepEqual(unused.map((entry) => entry.what), []);
  });
}

if (folder) await run(JSON.parse(await readFile(join(folder, 'llhttp-cases.json'), 'utf8')));
