// Expect: 100-continue (RFC 9110 10.1.1): the gateway asks for the body only when the request may proceed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { values } from '../support/bytes.mjs';
import { curl } from '../support/command.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { RawClient, converse } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const writer = makeApiKey('writer', { roles: ['writer'] });
const reader = makeApiKey('reader', { roles: ['reader'] });

const upstream = await startUpstream();
const gateway = await Gateway.start(
  openConfig(upstream.target, {
    api: { authenticate: ['machine'], body_size: '64KiB' },
    authenticators: { machine: keyAuthenticator([writer, reader]) },
    roles: { writer: ['root', 'one'], reader: ['two'] },
  }),
);
after(async () => {
  await gateway.stop();
  await upstream.stop();
});

const head = (fields) => `POST /orders HTTP/1.1\r\nHost: a.test\r\n${fields}Expect: 100-continue\r\n\r\n`;

test('allowed: 100, then the body, then the answer', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(head(`X-Api-Key: ${writer.key}\r\nContent-Length: 5\r\n`));
  const go = await client.response({ interim: () => 'stop' });
  assert.equal(go.status, 100);
  client.send('hello');
  const response = await client.response();
  assert.equal(response.status, 200);
  assert.equal(response.json.body, 'hello');
  assert.deepEqual(values(response.json.fields, 'x-api-key'), []);
  client.send(`GET /next HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: ${writer.key}\r\n\r\n`);
  assert.equal((await client.response()).json.url, '/next', 'the connection goes on');
  client.destroy();
});

test('curl waits for 100 and gets it', async () => {
  const { code, stdout, stderr } = await curl('-v', '--http1.1', '--expect100-timeout', '30', '-H', 'Expect: 100-continue', '-H', `x-api-key: ${writer.key}`, '--data', 'hello', `http://127.0.0.1:${gateway.port}/orders`);
  assert.equal(code, 0);
  assert.match(stderr, /< HTTP\/1\.1 100 /);
  assert.match(stdout, /"body":"hello"/);
});

test('a client that does not wait for 100 is served too', async () => {
  const { responses } = await converse(gateway.port, `${head(`X-Api-Key: ${writer.key}\r\nContent-Length: 5\r\n`)}hello`);
  assert.equal(responses.length, 1);
  assert.equal(responses[0].json.body, 'hello');
});

for (const [name, fields, status, slug] of [
  ['without credentials', 'Content-Length: 5\r\n', 401, 'credentials-missing'],
  ['with a wrong key', 'X-Api-Key: nonsense\r\nContent-Length: 5\r\n', 401, 'credentials-invalid'],
  ['with a role that may not', `X-Api-Key: ${reader.key}\r\nContent-Length: 5\r\n`, 403, 'forbidden'],
  ['with a body beyond the bound', `X-Api-Key: ${writer.key}\r\nContent-Length: 65537\r\n`, 413, 'content-too-large'],
]) {
  test(`refused ${name}: no 100, nothing upstream, and the body that never came is not awaited`, async () => {
    const before = upstream.requests.length;
    const { responses } = await converse(gateway.port, head(fields), { quiet: 200 });
    assert.equal(responses.length, 1);
    assertProblem(responses[0], status, slug);
    assert.deepEqual(responses[0].informational, []);
    assert.equal(upstream.requests.length, before);
  });
}

test('after a refusal without a body, whatever comes next is not read as a request of the old framing', async () => {
  // The client may or may not send the five bytes; a gateway that guesses can be desynchronised.
  const { responses, state } = await converse(gateway.port, `${head('Content-Length: 60\r\n')}GET /smuggled HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: ${writer.key}\r\n\r\n`, { quiet: 500 });
  assert.equal(responses[0].status, 401);
  assert.ok(!upstream.requests.some((r) => r.url === '/smuggled'));
  assert.ok(responses.length === 1 || responses[1].status >= 400, `${responses.length} ${state}`);
});

test('another expectation is refused with 417', async () => {
  const before = upstream.requests.length;
  const { responses } = await converse(gateway.port, `POST /orders HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: ${writer.key}\r\nContent-Length: 2\r\nExpect: miracles\r\n\r\nok`);
  assertProblem(responses[0], 417, 'expectation-failed');
  assert.equal(upstream.requests.length, before);
});

test('an HTTP/1.0 client never gets a 100 (RFC 9110 10.1.1)', async () => {
  const { responses } = await converse(gateway.port, `POST /orders HTTP/1.0\r\nHost: a.test\r\nX-Api-Key: ${writer.key}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`);
  assert.equal(responses[0].status, 200);
  assert.deepEqual(responses[0].informational, []);
});
