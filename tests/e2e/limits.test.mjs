// Rate limits as a caller sees them: the RateLimit fields (draft-ietf-httpapi-ratelimit-headers), 429 and
// Retry-After (RFC 6585 4, RFC 9110 10.2.3).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { delay } from '../support/wait.mjs';

const upstream = await startUpstream();
const issuer = await startKeyServer();
after(async () => {
  await upstream.stop();
  await issuer.stop();
});

async function withGateway(settings, work) {
  const gateway = await Gateway.start(openConfig(upstream.target, settings));
  try {
    await work(gateway);
  } finally {
    await gateway.stop();
  }
}

/** `RateLimit: "flood";r=4;t=12` -> { name, r, t } for each member. */
function rateLimit(response, field = 'ratelimit') {
  const text = response.header(field);
  assert.ok(text, `${field} is missing`);
  return text.split(/,\s*/).map((member) => {
    const [, name, parameters] = /^"([^"]+)"((?:;[a-z]+=[^;]+)+)$/.exec(member) ?? assert.fail(`${field}: ${text}`);
    return { name, ...Object.fromEntries(parameters.slice(1).split(';').map((p) => p.split('='))) };
  });
}

test('by address: the burst passes, the next is 429 with Retry-After; what is left is told each time', async () => {
  await withGateway({ api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '5/m' } } }, async (gateway) => {
    const before = upstream.requests.length;
    for (let left = 4; left >= 0; left -= 1) {
      const response = await request(gateway.port, '/');
      assert.equal(response.status, 200);
      const [limit] = rateLimit(response);
      assert.equal(limit.name, 'flood');
      assert.equal(Number(limit.r), left);
      const [policy] = rateLimit(response, 'ratelimit-policy');
      assert.equal(policy.name, 'flood');
      assert.equal(Number(policy.q), 5);
    }
    const refused = await request(gateway.port, '/');
    assertProblem(refused, 429, 'rate-limited');
    const wait = Number(refused.header('retry-after'));
    assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 12, `Retry-After: ${wait}`);
    assert.equal(Number(rateLimit(refused)[0].r), 0);
    assert.equal(upstream.requests.length - before, 5);
    const entry = await gateway.entry((e) => e.status === 429);
    assert.match(JSON.stringify(entry.refusal), /limits\.flood/);
  });
});

test('a bucket fills again at its rate', async () => {
  await withGateway({ api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '1/3s', burst: 2 } } }, async (gateway) => {
    assert.equal((await request(gateway.port, '/')).status, 200);
    assert.equal((await request(gateway.port, '/')).status, 200);
    const refused = await request(gateway.port, '/');
    assert.equal(refused.status, 429);
    await delay(Number(refused.header('retry-after')) * 1000);
    assert.equal((await request(gateway.port, '/')).status, 200);
    assert.equal((await request(gateway.port, '/')).status, 429);
  });
});

test('exact over workers and connections: not one more than the burst', async () => {
  await withGateway({ workers: 2, api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '40/h' } } }, async (gateway) => {
    const answers = await Promise.all(Array.from({ length: 120 }, () => request(gateway.port, '/')));
    const count = (status) => answers.filter((r) => r.status === status).length;
    assert.deepEqual([count(200), count(429)], [40, 80]);
  });
});

test('by subject: one caller\'s flood is nobody else\'s', async () => {
  await withGateway(
    {
      api: { authenticate: ['corporate'], limits: ['each'] },
      authenticators: { corporate: issuer.authenticator() },
      roles: { clerk: ['root'] },
      limits: { each: { key: 'identity.subject', rate: '3/h' } },
    },
    async (gateway) => {
      const ask = async (sub, jti) => (await request(gateway.port, '/', { headers: bearer(await issuer.mint({ sub, jti })) })).status;
      assert.deepEqual([await ask('alice', '1'), await ask('alice', '2'), await ask('alice', '3'), await ask('alice', '4')], [200, 200, 200, 429], 'a fresh token is the same subject');
      assert.equal(await ask('bob', '1'), 200);
    },
  );
});

test('by claim and operation together', async () => {
  await withGateway(
    {
      api: { authenticate: ['corporate'], limits: ['tenant'] },
      authenticators: { corporate: issuer.authenticator({ claims: { tenant: 'org' } }) },
      roles: { clerk: ['root', 'one'] },
      limits: { tenant: { key: ['identity.claims.tenant', 'operation'], rate: '2/h' } },
    },
    async (gateway) => {
      const ask = async (org, path) => (await request(gateway.port, path, { headers: bearer(await issuer.mint({ org, sub: String(Math.random()) })) })).status;
      assert.deepEqual([await ask('a', '/'), await ask('a', '/'), await ask('a', '/')], [200, 200, 429]);
      assert.equal(await ask('a', '/x'), 200, 'another operation');
      assert.equal(await ask('b', '/'), 200, 'another tenant');
    },
  );
});

test('several at once: all must hold, the tightest is told, and a refusal by one takes nothing from the others', async () => {
  await withGateway(
    {
      api: { limits: ['wide', 'narrow'], routes: [{ path: '/narrow', methods: ['GET'], operation: 'narrow' }, { path: '/wide', methods: ['GET'], operation: 'wide' }] },
      limits: { wide: { key: 'client.address', rate: '6/h' }, narrow: { key: ['client.address', 'operation'], rate: '2/h' } },
    },
    async (gateway) => {
      const ask = (path) => request(gateway.port, path);
      const first = await ask('/narrow');
      const tightest = rateLimit(first).sort((a, b) => a.r - b.r)[0];
      assert.deepEqual([tightest.name, Number(tightest.r)], ['narrow', 1]);
      assert.equal((await ask('/narrow')).status, 200);
      for (let i = 0; i < 10; i += 1) assert.equal((await ask('/narrow')).status, 429);
      // 2 of 6 are used: ten refusals took none.
      assert.equal((await ask('/wide')).status, 200);
      assert.equal((await ask('/wide')).status, 200);
      assert.equal((await ask('/wide')).status, 429, 'narrow counts for this operation');
    },
  );
});

test('a limit of an operation is added to its API\'s', async () => {
  await withGateway(
    {
      api: { limits: ['wide'], routes: [{ path: '/checkout', methods: ['POST'], operation: 'checkout' }, { path: '/list', methods: ['GET'], operation: 'list' }], operations: { checkout: { limits: ['checkout'] } } },
      limits: { wide: { key: 'client.address', rate: '100/h' }, checkout: { key: ['client.address', 'operation'], rate: '1/h' } },
    },
    async (gateway) => {
      assert.equal((await request(gateway.port, '/checkout', { method: 'POST' })).status, 200);
      assert.equal((await request(gateway.port, '/checkout', { method: 'POST' })).status, 429);
      assert.equal((await request(gateway.port, '/list')).status, 200);
    },
  );
});

test('refused before a body is read: a flood of uploads costs the upstream nothing', async () => {
  await withGateway({ api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '1/h' } } }, async (gateway) => {
    assert.equal((await request(gateway.port, '/')).status, 200);
    const before = upstream.requests.length;
    const client = await RawClient.connect(gateway.port);
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nstart');
    assertProblem(await client.response(), 429, 'rate-limited');
    client.destroy();
    assert.equal(upstream.requests.length, before);
  });
});

test('counters live through a reload', async () => {
  const config = openConfig(upstream.target, { api: { limits: ['flood'] }, limits: { flood: { key: 'client.address', rate: '2/h' } } });
  const gateway = await Gateway.start(config);
  assert.equal((await request(gateway.port, '/')).status, 200);
  assert.equal((await request(gateway.port, '/')).status, 200);
  assert.equal((await gateway.reload(config)).event, 'reloaded');
  assert.equal((await request(gateway.port, '/')).status, 429);
  await gateway.stop();
});

test('connections_per_address bounds open connections; those within it are served', async () => {
  await withGateway({ listener: { limits: { connections_per_address: 4 } } }, async (gateway) => {
    const clients = [];
    for (let i = 0; i < 4; i += 1) clients.push(await RawClient.connect(gateway.port));
    for (const client of clients) {
      client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      assert.equal((await client.response()).status, 200);
    }
    const extra = await RawClient.connect(gateway.port);
    extra.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const state = await extra.state(2000);
    assert.ok(state === 'closed' || state === 'reset', state);
    extra.destroy();
    const other = await RawClient.connect(gateway.port, { localAddress: '127.0.0.2' });
    other.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assert.equal((await other.response()).status, 200, 'another address has its own');
    for (const client of [...clients, other]) client.destroy();
  });
});
