// What is written around a request and its answer: fields, paths, answers of the gateway's own, https, addresses.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeAuthority } from '../support/certificates.mjs';
import { bearer, request } from '../support/client.mjs';
import { openConfig } from '../support/config.mjs';
import { assertProblem } from '../support/expect.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startKeyServer } from '../support/issuer.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { startUpstream } from '../support/upstream.mjs';

const upstream = await startUpstream((incoming, response, record) => {
  response.setHeader('server', 'old/1.0');
  response.setHeader('strict-transport-security', 'max-age=1; includeSubDomains');
  response.setHeader('x-from', ['one', 'two']);
  if (record.url.endsWith('/trailers')) {
    response.setHeader('trailer', 'x-from, x-sum');
    response.write(JSON.stringify(record));
    response.addTrailers({ 'x-from': 'three', 'x-sum': '7' });
    response.end();
    return;
  }
  response.end(JSON.stringify(record));
});
const issuer = await startKeyServer();
const authority = await makeAuthority();
const certificate = await authority.issue('shop', ['shop.test', '127.0.0.1']);
after(async () => {
  await upstream.stop();
  await issuer.stop();
  await authority.remove();
});

async function withGateway(settings, work, options) {
  const gateway = await Gateway.start(typeof settings.version === 'number' ? settings : openConfig(upstream.target, settings), options);
  try {
    await work(gateway);
  } finally {
    await gateway.stop();
  }
}

/** The fields of that name that the upstream got. */
const got = (response, name) => response.json.fields.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);

test('strip_prefix takes base_path off, and nothing else', async () => {
  await withGateway({ api: { base_path: '/v1/shop', strip_prefix: true } }, async (gateway) => {
    for (const [path, seen] of [
      ['/v1/shop/a', '/a'],
      ['/v1/shop/a/b?x=/v1/shop', '/a/b?x=/v1/shop'],
      ['/v1/shop/', '/'],
      ['/v1/shop/v1/shop', '/v1/shop'],
    ]) {
      assert.equal((await request(gateway.port, path)).json.url, seen);
    }
    assert.equal((await request(gateway.port, '/v1/shopping')).status, 404);
  });
});

test('rewrite: the first form that fits decides; the query stays', async () => {
  const rewrite = [
    { from: '/orders/{id}', to: '/v2/items/{id}' },
    { from: '/{a}/{b}', to: '/{b}/of/{a}' },
    { from: '/old/{rest...}', to: '/new/{rest...}' },
  ];
  await withGateway({ api: { base_path: '/v1', rewrite } }, async (gateway) => {
    for (const [path, seen] of [
      ['/v1/orders/7?full=1', '/v2/items/7?full=1'],
      ['/v1/x/y', '/y/of/x'],
      ['/v1/old/a/b', '/new/a/b'],
      ['/v1/orders/%20%3F', '/v2/items/%20%3F'],
      ['/v1/orders', '/v1/orders'],
    ]) {
      assert.equal((await request(gateway.port, path)).json.url, seen, path);
    }
  });
});

test('request_headers: set replaces what the client says, add adds, remove removes; placeholders are filled in', async () => {
  const settings = {
    api: {
      authenticate: ['corporate'],
      request_headers: {
        set: { 'X-Caller': '{identity.subject}', 'x-tenant': 'tenant-{identity.claims.tenant}', 'user-agent': 'gateway', 'x-braces': '{{{request.id}}}' },
        add: { 'x-via': '{client.address}', 'x-roles': '{identity.roles}' },
        remove: ['X-Debug', 'cookie'],
      },
      routes: [
        { path: '/a', methods: ['GET'], operation: 'a' },
        { path: '/open', methods: ['GET'], operation: 'open', authenticate: 'none' },
      ],
    },
    authenticators: { corporate: issuer.authenticator({ claims: { tenant: 'org' } }) },
    roles: { clerk: ['a'] },
  };
  await withGateway(settings, async (gateway) => {
    const spoof = { 'x-caller': 'admin', x_caller: 'admin', 'x-tenant': 'other', 'x-debug': '1', x_debug: '2', cookie: 'a=b', 'user-agent': 'mine', 'x-via': 'client', 'x-other': 'stays' };
    const known = await request(gateway.port, '/a', { headers: { ...spoof, ...bearer(await issuer.mint({ org: 'acme', roles: ['clerk', 'b'] })) } });
    assert.deepEqual(got(known, 'x-caller'), ['corporate|alice']);
    assert.deepEqual(got(known, 'x_caller'), []);
    assert.deepEqual(got(known, 'x-tenant'), ['tenant-acme']);
    assert.deepEqual(got(known, 'user-agent'), ['gateway']);
    assert.deepEqual(got(known, 'x-braces'), [`{${known.header('x-request-id')}}`]);
    assert.deepEqual(got(known, 'x-via'), ['client', '127.0.0.1']);
    assert.deepEqual(got(known, 'x-roles'), ['clerk,b']);
    assert.deepEqual([...got(known, 'x-debug'), ...got(known, 'x_debug'), ...got(known, 'cookie')], []);
    assert.deepEqual(got(known, 'x-other'), ['stays']);

    const without = await request(gateway.port, '/a', { headers: { ...spoof, ...bearer(await issuer.mint()) } });
    assert.deepEqual(got(without, 'x-tenant'), [], 'a claim that is not there: no field, and not half a value');
    const open = await request(gateway.port, '/open', { headers: spoof });
    assert.deepEqual([...got(open, 'x-caller'), ...got(open, 'x-tenant'), ...got(open, 'x-roles')], [], 'nobody is known');
    assert.deepEqual(got(open, 'user-agent'), ['gateway']);
  });
});

test('response_headers: the upstream\'s fields are replaced and removed; refusals get what they do not say themselves', async () => {
  const response_headers = {
    set: { 'x-content-type-options': 'nosniff', 'x-from': 'gateway', 'cache-control': 'public, max-age=60' },
    add: { 'x-request': '{request.id}' },
    remove: ['Server'],
  };
  await withGateway({ api: { response_headers, routes: [{ path: '/{a}', methods: ['GET'], operation: 'a' }, { path: '/secret', methods: ['GET'], operation: 's', authenticate: ['corporate'] }, { path: '/own', methods: ['GET'], operation: 'own', respond: { body: 'x', headers: { 'x-from': 'respond' } } }] }, authenticators: { corporate: issuer.authenticator() }, roles: { clerk: ['s'] } }, async (gateway) => {
    const answer = await request(gateway.port, '/a');
    assert.deepEqual(answer.headers('x-from'), ['gateway']);
    assert.equal(answer.header('x-content-type-options'), 'nosniff');
    assert.equal(answer.header('cache-control'), 'public, max-age=60');
    assert.equal(answer.header('x-request'), answer.header('x-request-id'));
    assert.equal(answer.header('server'), undefined);
    const refused = await request(gateway.port, '/secret');
    assertProblem(refused, 401, 'credentials-missing');
    assert.equal(refused.header('x-content-type-options'), 'nosniff');
    assert.deepEqual(refused.headers('cache-control'), ['no-store'], 'a refusal is never kept');
    const own = await request(gateway.port, '/own');
    assert.deepEqual(own.headers('x-from'), ['respond']);
    assert.equal(own.header('x-content-type-options'), 'nosniff');
    const trailers = await request(gateway.port, '/trailers', { headers: { te: 'trailers', connection: 'te' } });
    assert.deepEqual(trailers.trailers, [['x-sum', '7']]);
  });
});

test('respond and redirect: no upstream is needed, and authentication is as written', async () => {
  const config = {
    version: 1,
    workers: 1,
    listeners: { public: { address: '127.0.0.1:0' } },
    authenticators: { corporate: issuer.authenticator() },
    roles: { clerk: ['mine'] },
    apis: {
      edge: {
        listeners: ['public'],
        authenticate: 'none',
        routes: [
          { path: '/status', methods: ['GET'], operation: 'status', respond: { body: 'up\n' } },
          { path: '/gone', methods: ['GET', 'POST'], operation: 'gone', respond: { status: 410 } },
          { path: '/mine', methods: ['GET'], operation: 'mine', authenticate: ['corporate'], respond: { body: '{"a":1}', content_type: 'application/json', headers: { 'x-you': '{identity.subject}' } } },
          { path: '/old', methods: ['GET', 'POST'], operation: 'old', redirect: { to: '/new?a=1', status: 308 } },
          { path: '/away', methods: ['GET'], operation: 'away', redirect: { to: 'https://elsewhere.test/x' } },
        ],
      },
    },
  };
  await withGateway(config, async (gateway) => {
    const status = await request(gateway.port, '/status');
    assert.equal(status.status, 200);
    assert.equal(status.text, 'up\n');
    assert.equal(status.header('content-type'), 'text/plain; charset=utf-8');
    const head = await request(gateway.port, '/status', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    const gone = await request(gateway.port, '/gone', { method: 'POST', body: 'a body that nobody reads' });
    assert.equal(gone.status, 410);
    assert.equal(gone.text, '');
    assertProblem(await request(gateway.port, '/mine'), 401, 'credentials-missing');
    const mine = await request(gateway.port, '/mine', { headers: bearer(await issuer.mint()) });
    assert.deepEqual(mine.json, { a: 1 });
    assert.equal(mine.header('x-you'), 'corporate|alice');
    const old = await request(gateway.port, '/old?b=2', { method: 'POST', body: 'x' });
    assert.equal(old.status, 308);
    assert.equal(old.header('location'), '/new?a=1');
    const away = await request(gateway.port, '/away');
    assert.equal(away.status, 307);
    assert.equal(away.header('location'), 'https://elsewhere.test/x');
    assert.equal((await gateway.entry((e) => e.path === '/away')).operation, 'away');
  });
});

test('maintenance: every operation of the API is a 503 with Retry-After, before anybody is asked who they are', async () => {
  const before = upstream.requests.length;
  await withGateway({ api: { authenticate: ['corporate'], maintenance: true }, authenticators: { corporate: issuer.authenticator() }, roles: { clerk: ['root', 'one', 'two', 'three'] } }, async (gateway) => {
    const down = await request(gateway.port, '/a/b');
    assertProblem(down, 503, 'maintenance');
    assert.equal(down.header('retry-after'), '60');
    const entry = await gateway.entry(down.header('x-request-id'));
    assert.equal(entry.refusal.rule, 'apis.echo.maintenance');
  });
  await withGateway({ api: { maintenance: { retry_after: '1h', body: '<h1>Back at noon</h1>', content_type: 'text/html' } } }, async (gateway) => {
    const down = await request(gateway.port, '/');
    assert.equal(down.status, 503);
    assert.equal(down.header('retry-after'), '3600');
    assert.equal(down.header('content-type'), 'text/html');
    assert.equal(down.header('cache-control'), 'no-store');
    assert.equal(down.text, '<h1>Back at noon</h1>');
    const reloaded = await gateway.reload(openConfig(upstream.target, { api: { maintenance: false } }));
    assert.equal(reloaded.event, 'reloaded');
    assert.equal((await request(gateway.port, '/')).status, 200);
  });
  assert.equal(upstream.requests.length, before + 1);
});

const tlsListener = { address: '127.0.0.1:0', tls: { certificates: [certificate], hsts: '365d' } };

test('redirect_https: everything goes to the same host, path and query on the listener with TLS', async () => {
  const config = openConfig(upstream.target, { api: { hosts: ['shop.test', '*.shop.test', '127.0.0.1'] }, listener: tlsListener });
  config.listeners.plain = { address: '127.0.0.1:0', redirect_https: true };
  config.listeners.outside = { address: '127.0.0.1:0', redirect_https: { port: 443 } };
  await withGateway(config, async (gateway) => {
    const { plain, outside, public: secure } = gateway.listeners;
    for (const [host, path, location] of [
      ['shop.test', '/a/b?c=d', `https://shop.test:${secure}/a/b?c=d`],
      ['SHOP.test:8080', '/', `https://shop.test:${secure}/`],
      ['a.b.shop.test', '/%7Ea/%2e%2e/x', `https://a.b.shop.test:${secure}/x`],
    ]) {
      for (const method of ['GET', 'POST']) {
        const response = await request(plain, path, { method, headers: { host } });
        assert.equal(response.status, 308);
        assert.equal(response.header('location'), location);
        assert.equal(response.header('strict-transport-security'), undefined, 'clear text never says it (RFC 6797 7.2)');
      }
    }
    assert.equal((await request(outside, '/x', { headers: { host: 'shop.test' } })).header('location'), 'https://shop.test/x');
    for (const host of ['evil.test', 'shop.test.evil.test', '127.0.0.2']) {
      const refused = await request(plain, '/', { headers: { host } });
      assertProblem(refused, 421, 'misdirected');
      assert.equal(refused.header('location'), undefined);
    }
    const followed = await fetchOverTls(gateway, (await request(plain, '/a', { headers: { host: `127.0.0.1:${plain}` } })).header('location'));
    assert.equal(followed.json.url, '/a');
    const entry = await gateway.entry((e) => e.listener === 'plain' && e.path === '/a/b');
    assert.equal(entry.status, 308);
  });
});

function fetchOverTls(gateway, location) {
  const url = new URL(location);
  assert.equal(url.protocol, 'https:');
  assert.equal(Number(url.port), gateway.port);
  return request(gateway.port, url.pathname, { tls: { ca: authority.ca } });
}

test('hsts: on every answer of the listener with TLS, whoever made it, and never twice', async () => {
  const config = openConfig(upstream.target, {
    listener: tlsListener,
    api: { routes: [{ path: '/a', methods: ['GET'], operation: 'a' }, { path: '/own', methods: ['GET'], operation: 'own', respond: { body: 'x' } }, { path: '/secret', methods: ['GET'], operation: 's', authenticate: ['corporate'] }] },
    authenticators: { corporate: issuer.authenticator() },
    roles: { clerk: ['s'] },
  });
  config.listeners.plain = { address: '127.0.0.1:0' };
  config.apis.echo.listeners.push('plain');
  await withGateway(config, async (gateway) => {
    const tls = { ca: authority.ca };
    for (const [path, status] of [['/a', 200], ['/own', 200], ['/secret', 401], ['/nowhere', 404]]) {
      const response = await request(gateway.port, path, { tls });
      assert.equal(response.status, status);
      assert.deepEqual(response.headers('strict-transport-security'), ['max-age=31536000'], path);
    }
    const client = await RawClient.connect(gateway.port, { tlsOptions: { ca: authority.ca } });
    client.send('nonsense\r\n\r\n');
    const unreadable = await client.response();
    assert.equal(unreadable.status, 400);
    assert.deepEqual(unreadable.headers('strict-transport-security'), ['max-age=31536000']);
    client.destroy();
    const plain = await request(gateway.listeners.plain, '/own');
    assert.deepEqual(plain.headers('strict-transport-security'), []);
  });
});

test('hosts with wildcards: any host below, not the domain itself, and a name wins over them', async () => {
  const config = openConfig(upstream.target, { api: { hosts: ['*.shop.test'], base_path: '/a' } });
  config.apis.named = { listeners: ['public'], hosts: ['www.shop.test'], base_path: '/a', authenticate: 'none', routes: [{ path: '/{x}', methods: ['GET'], operation: 'x', respond: { body: 'named' } }] };
  await withGateway(config, async (gateway) => {
    const at = (host) => request(gateway.port, '/a/x', { headers: { host } });
    assert.equal((await at('a.shop.test')).json.url, '/a/x');
    assert.equal((await at('a.b.shop.test:99')).json.url, '/a/x');
    assert.equal((await at('www.shop.test')).text, 'named');
    for (const host of ['shop.test', 'evilshop.test', 'a.shop.test.evil.test', '.shop.test']) {
      const response = await at(host);
      assert.ok(response.status === 404 || response.status === 400, `${host}: ${response.status}`);
    }
  });
});

test('an API is served by its listeners alone', async () => {
  const config = openConfig(upstream.target, {});
  config.listeners.inside = { address: '127.0.0.1:0' };
  config.apis.admin = { listeners: ['inside'], base_path: '/admin', authenticate: 'none', routes: [{ path: '/x', methods: ['GET'], operation: 'x', respond: { body: 'inside' } }] };
  config.apis.echo.routes = [{ path: '/y', methods: ['GET'], operation: 'y' }];
  await withGateway(config, async (gateway) => {
    assert.equal((await request(gateway.listeners.inside, '/admin/x')).text, 'inside');
    assert.equal((await request(gateway.port, '/admin/x')).status, 404);
    assert.equal((await request(gateway.listeners.inside, '/y')).status, 404);
  });
});

test('addresses: deny wins, allow refuses the rest, an operation asks besides its API; the log names the list', async () => {
  const settings = {
    trusted_proxies: ['127.0.0.1'],
    api: {
      addresses: { allow: ['127.0.0.0/8', '10.0.0.0/8', '2001:db8::/32'], deny: ['10.9.0.0/16'] },
      routes: [
        { path: '/a', methods: ['GET'], operation: 'a' },
        { path: '/b', methods: ['GET'], operation: 'b', addresses: { deny: ['10.1.0.0/16'] } },
      ],
    },
  };
  await withGateway(settings, async (gateway) => {
    const from = (address, path = '/a') => request(gateway.port, path, { headers: { 'x-forwarded-for': address } });
    assert.equal((await request(gateway.port, '/a')).status, 200);
    assert.equal((await from('10.1.2.3')).status, 200);
    assert.equal((await from('2001:db8::7')).status, 200);
    assert.equal((await from('::ffff:10.1.2.3')).status, 200, 'the IPv4 address that it maps');
    for (const [address, path, rule] of [
      ['10.9.2.3', '/a', 'apis.echo.addresses.deny'],
      ['::ffff:10.9.2.3', '/a', 'apis.echo.addresses.deny'],
      ['192.0.2.1', '/a', 'apis.echo.addresses.allow'],
      ['2001:db9::7', '/a', 'apis.echo.addresses.allow'],
      ['10.1.2.3', '/b', 'apis.echo.routes[1].addresses.deny'],
    ]) {
      const response = await from(address, path);
      assertProblem(response, 403, 'address-not-allowed', address);
      const entry = await gateway.entry(response.header('x-request-id'));
      assert.equal(entry.refusal.rule, rule);
      assert.equal(entry.refusal.step, 'admit');
    }
  });
});

test('addresses in a file: read again with the configuration, and every mistake in it is found', async () => {
  const config = openConfig(upstream.target, { trusted_proxies: ['127.0.0.1'], api: { addresses: { deny: ['file:bad.txt'] } } });
  await withGateway(
    config,
    async (gateway) => {
      const from = (address) => request(gateway.port, '/', { headers: { 'x-forwarded-for': address } });
      assert.equal((await from('203.0.113.7')).status, 403);
      assert.equal((await from('198.51.100.1')).status, 200);
      await writeFile(join(gateway.folder, 'bad.txt'), '198.51.100.0/24\n');
      assert.equal((await gateway.reload()).event, 'reloaded');
      assert.equal((await from('203.0.113.7')).status, 200);
      assert.equal((await from('198.51.100.1')).status, 403);
      await writeFile(join(gateway.folder, 'bad.txt'), '198.51.100.0/24\n198.51.100.1/24\nnonsense\n');
      const refused = await gateway.reload();
      assert.equal(refused.event, 'reload_refused');
      assert.match(refused.errors, /bad\.txt:2:1: error.*bad\.txt:3:1: error/s);
      assert.equal((await from('198.51.100.1')).status, 403, 'what was in force stays');
    },
    { files: { 'bad.txt': '# known to be bad\n203.0.113.0/24  # all of them\n' } },
  );
});
