// The corpora of HTTP/1.1 once more, over HTTP/2: each request is expressed as far as HTTP/2 can (the octets of names and
// values as they are, names in small letters, the body as DATA), and is refused or arrives as one well-formed request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { downgrade } from '../support/h2_downgrade.mjs';
import { startHttp2Target } from '../support/h2_expect.mjs';
import { corpus } from './corpus.mjs';

const llhttp = corpus('llhttp-tests');
const guardian = corpus('http-desync-guardian');

/** Of an HTTP/1.1 message: [method, target], fields and the rest. Undefined where there is no request line at all. */
function express(text) {
  const end = text.search(/\r?\n\r?\n/);
  const head = (end < 0 ? text : text.slice(0, end)).replace(/^(\r?\n)+/, '');
  const body = end < 0 ? '' : text.slice(end).replace(/^\r?\n\r?\n/, '');
  const [line, ...lines] = head.split(/\r\n|\n/);
  const space = line.indexOf(' ');
  if (space < 1) return undefined;
  const version = / HTTP\/\d\.\d$/.exec(line);
  const fields = lines.map((each) => {
    const colon = each.indexOf(':');
    return colon < 0 ? [each, ''] : [each.slice(0, colon), each.slice(colon + 1)];
  });
  return { method: line.slice(0, space), target: line.slice(space + 1, version?.index), fields, body };
}

/** The fields of HTTP/2; `trim` takes the white space around values away, which HTTP/2 has no room for. */
function translate({ method, target, fields }, { trim, framing }) {
  const lower = fields.map(([name, value]) => [trim ? name.toLowerCase() : name, trim ? value.replace(/^[ \t]+|[ \t]+$/g, '') : value]);
  const host = lower.find(([name]) => name.toLowerCase() === 'host');
  const rest = lower.filter((field) => field !== host && (framing || !/^(transfer-encoding|content-length|connection|upgrade|keep-alive|proxy-connection)$/i.test(field[0].trim())));
  return [[':method', method], [':scheme', 'http'], [':authority', host ? host[1].trim() : 'a.test'], [':path', target], ...rest];
}

/** A request three times: every octet as it is; trimmed; and trimmed without what HTTP/2 forbids, so that the rest is judged. */
async function check(target, request, { good = false } = {}) {
  const outcomes = [];
  for (const how of [{ trim: false, framing: true }, { trim: true, framing: true }, { trim: true, framing: false }]) {
    const fields = translate(request, how);
    const { outcome, seen, said } = await downgrade(target, fields, request.body === '' ? {} : { body: request.body });
    outcomes.push(said);
    if (!(outcome.kind === 'response' && outcome.response.status < 400)) continue;
    assert.equal(seen[0].method, request.method);
    assert.equal(seen[0].body.toString('latin1'), request.body, 'the body is what DATA had');
    assert.deepEqual(seen[0].fields.filter(([name]) => !['content-length', 'transfer-encoding'].includes(name) && ['contentlength', 'transferencoding'].includes(name.replaceAll(/[^a-z]/g, ''))), [], 'a lax reader could take a field for framing');
  }
  if (good) assert.match(outcomes.at(-1), /^(200|404|405)/, `a compliant request is served: ${outcomes}`);
}

async function run() {
  const target = await startHttp2Target({ listener: { limits: { head_size: '64KiB' } } });
  const requests = llhttp ? JSON.parse(await readFile(join(llhttp, 'llhttp-cases.json'), 'utf8')) : [];
  const files = guardian ? (await readdir(join(guardian, 'tests'))).filter((name) => name.endsWith('.yaml')).sort() : [];
  const documents = await Promise.all(files.map(async (file) => [file, parse(await readFile(join(guardian, 'tests', file), 'utf8'))]));
  let [expressed, left] = [0, 0];

  requests.forEach((one, index) => {
    if (one.type === 'url') {
      const url = Buffer.from(one.inputBase64, 'base64').toString('latin1');
      expressed += 1;
      test(`llhttp ${index} url: ${one.name}`, () => check(target, { method: 'GET', target: url, fields: [], body: '' }));
      return;
    }
    if (!one.type.startsWith('request')) return;
    const request = express(Buffer.from(one.inputBase64, 'base64').toString('latin1'));
    if (!request) left += 1;
    else {
      expressed += 1;
      test(`llhttp ${index} ${one.type}: ${one.name} (${one.file})`, () => check(target, request));
    }
  });

  const octets = (text) => [...String(text)].map((c) => (c.codePointAt(0) > 255 ? Buffer.from(c, 'utf8').toString('latin1') : c)).join('');
  for (const [file, cases] of documents) {
    cases.forEach((one, index) => {
      const fields = (one.headers ?? []).map(({ name, value }) => [octets(name), octets(value ?? '')]);
      expressed += 1;
      // What the guardian finds compliant is so of an origin-form target and of fields that the grammar has.
      const plain = /^\/[\w\-./?=&%]*$/.test(String(one.uri)) && !/%(0|1|7f|2f|5c)/i.test(String(one.uri)) && fields.every(([name, value]) => /^[\w-]+$/.test(name) && /^[\x20-\x7e\t]*$/.test(value)) && ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'].includes(one.method);
      test(`desync guardian ${file} ${index}: ${one.name} (${one.expected.tier})`, () =>
        check(target, { method: String(one.method), target: octets(one.uri ?? ''), fields, body: '' }, { good: plain && one.expected.tier === 'Compliant' && !fields.some(([name]) => /^(expect|te|host)$/i.test(name)) }));
    });
  }

  test('nearly all of the corpora can be said in HTTP/2', () => assert.ok(expressed > 250 && left < 20, `${expressed} expressed, ${left} left`));
}

if (llhttp || guardian) await run();
