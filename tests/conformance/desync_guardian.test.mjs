// The HTTP desync guardian's cases over the wire: what it calls severe or ambiguous is refused, or reaches the
// upstream as one canonical request with nothing in it that a lax reader could take for framing; what it calls
// compliant is accepted, or an RFC sentence says why not.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startRawUpstream } from '../support/upstream.mjs';
import { corpus } from './corpus.mjs';

const folder = corpus('http-desync-guardian');

// Where the guardian would let a request pass and we refuse it: which sentence decides it.
const differences = [
  {
    what: 'a field name that is no token',
    applies: (one) => one.headers.some(({ name }) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)),
    rfc: 'RFC 9112 5.1',
    sentence: 'A server MUST reject, with a response status code of 400 (Bad Request), any received request message that contains whitespace between a header field name and colon.',
    so: 'and any other octet outside of token is refused in the same way (field-name = token)',
  },
  {
    what: 'a control character in a field value',
    applies: (one) => one.headers.some(({ value }) => /[\x00-\x08\x0a-\x1f\x7f]/.test(String(value ?? ''))),
    rfc: 'RFC 9110 5.5',
    sentence: 'Field values containing other CTL characters are also invalid; however, recipients MAY retain such characters for the sake of robustness when they appear within a safe context',
    so: 'a gateway does not know the context, so it does not retain them',
  },
  {
    what: 'a version of another major number, or none',
    applies: (one) => !/^HTTP\/1\.\d$/.test(one.version),
    rfc: 'RFC 9110 2.5',
    sentence: 'The first digit (major version) indicates the messaging syntax',
    so: 'the syntax of what follows is not the one that we read; a request line without a version is none (RFC 9112 3)',
  },
  {
    what: 'a minor version that does not exist',
    applies: (one) => /^HTTP\/1\.[2-9]$/.test(one.version),
    rfc: 'RFC 9110 2.5',
    sentence: 'SHOULD process the message as if it was in the highest minor version within that major version to which the recipient is conformant.',
    so: 'we depart from this SHOULD: no client sends such a version, and an upstream that reads it otherwise would disagree with us',
  },
  {
    what: 'a coding other than a single chunked',
    applies: (one) => one.headers.filter(({ name }) => /^transfer-encoding$/i.test(name)).map(({ value }) => String(value).trim().toLowerCase()).join() !== 'chunked' && one.headers.some(({ name }) => /^transfer-encoding$/i.test(name)),
    rfc: 'RFC 9112 6.1 and 7.1',
    sentence: 'A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented).',
    so: 'and of parameters 7.1 says: The chunked coding does not define any parameters. Their presence SHOULD be treated as an error.',
  },
  {
    what: 'a target that no grammar gives',
    applies: (one) => !/^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*(?:\?(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*)?$/.test(one.uri),
    rfc: 'RFC 9112 3',
    sentence: 'Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or a 301 (Moved Permanently) redirect with the request-target properly encoded.',
  },
  {
    what: 'an encoded control character in the path',
    applies: (one) => /^[^?]*%(0[0-9A-F]|1[0-9A-F]|7F)/i.test(one.uri),
    rfc: 'RFC 3986 7.3',
    sentence: 'Security checks of the data within a URI should be applied after decoding the octets.',
    so: 'no name of a resource has a control character in it, so a path that decodes to one is refused',
  },
  {
    what: 'a body larger than the bound',
    applies: (one) => one.headers.some(({ name, value }) => /^content-length$/i.test(name) && Number(value) > 1024 * 1024),
    rfc: 'RFC 9110 15.5.14',
    sentence: 'The 413 (Content Too Large) status code indicates that the server is refusing to process a request because the request content is larger than the server is willing or able to process.',
  },
];

/** What a lax reader could take for a framing field. */
const looksLikeFraming = (name) => !['content-length', 'transfer-encoding'].includes(name) && ['contentlength', 'transferencoding'].includes(name.replaceAll(/[^a-z]/g, ''));

async function run(tests) {
  const upstream = await startRawUpstream();
  const gateway = await Gateway.start(openConfig(upstream.target, { listener: { limits: { head_size: '64KiB' } } }));
  after(async () => {
    await gateway.stop();
    await upstream.stop();
  });
  const used = new Set();

  const send = async (bytes) => {
    const client = await RawClient.connect(gateway.port);
    client.send(bytes);
    client.end();
    const answers = [];
    try {
      while (await client.reader.some()) answers.push(await client.response({ head: bytes.startsWith('HEAD') && answers.length === 0 }));
    } catch (error) {
      answers.push({ status: 0, text: error.message });
    }
    client.destroy();
    return answers;
  };

  /** UTF-8 in the YAML goes over the wire as UTF-8; \xHH escapes mean that octet. */
  const octets = (text) => [...String(text)].map((c) => (c.codePointAt(0) > 255 ? Buffer.from(c, 'utf8').toString('latin1') : c)).join('');

  const check = async (one) => {
    const headers = one.headers;
    const names = headers.map(({ name }) => String(name).toLowerCase());
    const lines = headers.map(({ name, value }) => `${octets(name)}:${String(value ?? '').startsWith(' ') ? '' : ' '}${octets(value ?? '')}\r\n`);
    if (!names.includes('host')) lines.unshift('Host: a.test\r\n');
    let body = '';
    const chunked = headers.some(({ name, value }) => /^transfer-encoding$/i.test(name) && /chunked/i.test(String(value)));
    const length = headers.find(({ name }) => /^content-length$/i.test(name));
    if (chunked) body = '5\r\nhello\r\n0\r\n\r\n';
    else if (length && /^\s*\d{1,6}\s*$/.test(String(length.value))) body = 'x'.repeat(Number(length.value));
    const bytes = `${one.method} ${octets(one.uri)}${one.version === '' ? '' : ` ${octets(one.version)}`}\r\n${lines.join('')}\r\n${body}`;

    const [before, violations] = [upstream.requests.length, upstream.violations.length];
    const answers = await send(bytes);
    const seen = upstream.requests.slice(before);
    const said = answers.map((a) => `${a.status} ${a.status >= 400 ? a.text : ''}`).join(' | ');
    assert.deepEqual(upstream.violations.slice(violations), []);
    const accepted = answers[0]?.status === 200;
    const good = ['Compliant', 'Acceptable'].includes(one.expected.tier);
    if (good && !accepted) {
      const reasons = differences.filter((entry) => entry.applies({ ...one, headers }));
      reasons.forEach((entry) => used.add(entry));
      assert.ok(reasons.length > 0 || answers[0]?.status === 404, `${one.expected.tier}, we answer ${said}, and no sentence says why`);
    }
    if (good) return;
    if (!accepted) {
      assert.ok(answers[0]?.status >= 400, `neither an answer nor a refusal: ${said}`);
      assert.deepEqual(seen, [], 'refused, and yet the upstream saw it');
      return;
    }
    assert.equal(seen.length, 1, `${one.expected.tier}: the upstream got ${seen.length} requests`);
    assert.deepEqual(seen[0].fields.map(([name]) => name).filter(looksLikeFraming), [], 'a field that a lax reader takes for framing went on');
  };

  for (const file of (await readdir(tests)).filter((name) => name.endsWith('.yaml')).sort()) {
    const cases = parse(await readFile(join(tests, file), 'utf8'));
    cases.forEach((one, index) => {
      const whole = { ...one, uri: String(one.uri ?? ''), version: String(one.version ?? ''), headers: (one.headers ?? []).map(({ name, value }) => ({ name: String(name), value })) };
      test(`${file} ${index}: ${one.name} (${one.expected.tier}, ${one.expected.reason})`, () => check(whole));
    });
  }

  test('every difference in the table is one that occurs', () => {
    assert.deepEqual(differences.filter((entry) => !used.has(entry)).map((entry) => entry.what), []);
  });
}

if (folder) await run(join(folder, 'tests'));
