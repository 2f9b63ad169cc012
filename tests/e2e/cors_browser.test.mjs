// CORS as a real browser understands it: pages of several origins fetch through the gateway.
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { remember } from '../support/cleanup.mjs';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { keyAuthenticator, makeApiKey } from '../support/keys.mjs';
import { close, listen, startUpstream, track } from '../support/upstream.mjs';

const kBrowser = process.env.PORTCULLIS_CHROMIUM ?? '/usr/bin/chromium';

function whyNot() {
  try {
    accessSync(kBrowser, constants.X_OK);
    return false;
  } catch {
    return `no Chromium at ${kBrowser}: scripts/install-deps --real installs it, PORTCULLIS_CHROMIUM names another`;
  }
}

const clerk = makeApiKey('clerk', { roles: ['clerk'] });

/** A server of empty pages: an origin. */
async function startPages() {
  const server = http.createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>'));
  const sockets = track(server);
  const port = await listen(server, 0, '127.0.0.1');
  return { origin: `http://127.0.0.1:${port}`, stop: () => close(server, sockets) };
}

/** In the page: a fetch, and all that its program can see of the answer. */
async function fetchThere([url, options]) {
  try {
    const response = await fetch(url, options);
    return { status: response.status, body: await response.text(), fields: Object.fromEntries(response.headers) };
  } catch (error) {
    return { failed: error.name };
  }
}

describe('CORS in Chromium', { skip: whyNot() }, () => {
  let browser;
  let upstream;
  let gateway;
  let app;
  let other;
  let pageOfApp;
  let pageOfOther;

  before(async () => {
    const { chromium } = await import('playwright-core');
    app = await startPages();
    other = await startPages();
    upstream = await startUpstream((incoming, response, record) => {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('x-secret', 'not exposed');
      response.setHeader('x-told', 'exposed');
      if (record.url === '/cookie') response.setHeader('set-cookie', 'session=1; Path=/');
      response.end(JSON.stringify(record));
    });
    const cors = { origins: [app.origin], headers: ['x-api-key', 'content-type'], expose: ['x-told', 'retry-after', 'ratelimit'], max_age: '1m' };
    gateway = await Gateway.start(
      openConfig(upstream.target, {
        api: {
          authenticate: 'none',
          cors,
          routes: [
            { path: '/open', methods: ['GET', 'POST'], operation: 'open' },
            { path: '/orders', methods: ['GET', 'PUT'], operation: 'orders', authenticate: ['machine'] },
            { path: '/cookie', methods: ['GET'], operation: 'cookie', cors: { ...cors, credentials: true } },
            { path: '/limited', methods: ['GET'], operation: 'limited', limits: ['once'] },
            { path: '/closed', methods: ['GET'], operation: 'closed', cors: 'none' },
            { path: '/everybody', methods: ['GET'], operation: 'everybody', cors: { origins: ['*'] } },
          ],
        },
        authenticators: { machine: keyAuthenticator([clerk]) },
        roles: { clerk: ['orders'] },
        limits: { once: { key: 'client.address', rate: '1/d' } },
      }),
    );
    browser = await chromium.launch({ executablePath: kBrowser, args: ['--no-sandbox', '--disable-gpu'] });
    browser.once('disconnected', remember(() => void browser.close()));
    pageOfApp = await browser.newPage();
    await pageOfApp.goto(app.origin);
    pageOfOther = await browser.newPage();
    await pageOfOther.goto(other.origin);
  });

  after(async () => {
    await browser?.close();
    await gateway?.stop();
    await upstream?.stop();
    await app?.stop();
    await other?.stop();
  });

  const fetchFrom = (page, path, options = {}) => page.evaluate(fetchThere, [`http://127.0.0.1:${gateway.port}${path}`, options]);
  const kRefused = { failed: 'TypeError' };

  test('an allowed page reads the answer, and of its fields those that are exposed', async () => {
    const answer = await fetchFrom(pageOfApp, '/open');
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).url, '/open');
    assert.equal(answer.fields['x-told'], 'exposed');
    assert.equal(answer.fields['x-secret'], undefined);
  });

  test('an allowed page writes with a field and a type that need a preflight', async () => {
    const options = { method: 'PUT', headers: { 'x-api-key': clerk.key, 'content-type': 'application/json' }, body: '{"a":1}' };
    const answer = await fetchFrom(pageOfApp, '/orders', options);
    assert.equal(answer.status, 200, answer.failed);
    assert.equal(JSON.parse(answer.body).body, '{"a":1}');
    await gateway.entry((e) => e.method === 'OPTIONS' && e.path === '/orders' && e.status === 204);
  });

  test('another page reads nothing, and what needs a preflight never reaches the upstream', async () => {
    assert.deepEqual(await fetchFrom(pageOfOther, '/open'), kRefused);
    const heard = upstream.requests.length;
    assert.deepEqual(await fetchFrom(pageOfOther, '/orders', { method: 'PUT', headers: { 'x-api-key': clerk.key } }), kRefused);
    assert.equal(upstream.requests.length, heard);
    const entry = await gateway.entry((e) => e.method === 'OPTIONS' && e.status === 403);
    assert.equal(entry.refusal.type, 'origin-not-allowed');
  });

  test('a field that is not listed is refused before it is sent', async () => {
    const heard = upstream.requests.length;
    assert.deepEqual(await fetchFrom(pageOfApp, '/open', { headers: { 'x-other': '1' } }), kRefused);
    assert.equal(upstream.requests.length, heard);
  });

  test('a method that the route does not have is refused before it is sent', async () => {
    const heard = upstream.requests.length;
    assert.deepEqual(await fetchFrom(pageOfApp, '/open', { method: 'DELETE' }), kRefused);
    assert.equal(upstream.requests.length, heard);
  });

  test('an allowed page reads the problem of a 401, a 404, a 405 and a 429', async () => {
    const missing = await fetchFrom(pageOfApp, '/orders');
    assert.equal(missing.status, 401, missing.failed);
    assert.equal(JSON.parse(missing.body).type, 'urn:portcullis:problem:credentials-missing');
    const wrong = await fetchFrom(pageOfApp, '/orders', { method: 'PUT', headers: { 'x-api-key': 'pc_clerk_wrong' } });
    assert.equal(JSON.parse(wrong.body).type, 'urn:portcullis:problem:credentials-invalid');
    assert.equal(JSON.parse((await fetchFrom(pageOfApp, '/nowhere')).body).status, 404);
    assert.equal(JSON.parse((await fetchFrom(pageOfApp, '/orders', { method: 'POST' })).body).status, 405);
    assert.equal((await fetchFrom(pageOfApp, '/limited')).status, 200);
    const limited = await fetchFrom(pageOfApp, '/limited');
    assert.equal(limited.status, 429, limited.failed);
    assert.equal(JSON.parse(limited.body).type, 'urn:portcullis:problem:rate-limited');
    assert.ok(Number(limited.fields['retry-after']) > 0);
    assert.match(limited.fields.ratelimit, /"once";r=0/);
    assert.deepEqual(await fetchFrom(pageOfOther, '/limited'), kRefused, 'and another page reads nothing of it');
  });

  test('cookies go along where credentials are allowed, and nowhere else', async () => {
    const include = { credentials: 'include' };
    assert.equal((await fetchFrom(pageOfApp, '/cookie', include)).status, 200);
    const again = JSON.parse((await fetchFrom(pageOfApp, '/cookie', include)).body);
    assert.deepEqual(again.fields.filter(([name]) => name === 'cookie'), [['cookie', 'session=1']]);
    assert.deepEqual(await fetchFrom(pageOfApp, '/open', include), kRefused, 'the answer does not allow credentials');
    assert.deepEqual(await fetchFrom(pageOfOther, '/cookie', include), kRefused);
    assert.deepEqual(await fetchFrom(pageOfApp, '/everybody', include), kRefused, '`*` is for those without credentials');
  });

  test('`cors: none` is for no page, whatever the upstream says; `*` is for every page', async () => {
    assert.deepEqual(await fetchFrom(pageOfApp, '/closed'), kRefused);
    assert.equal((await fetchFrom(pageOfOther, '/everybody')).status, 200);
  });

  test('a sandboxed frame, whose origin is null, reads nothing', async () => {
    const outcome = await pageOfApp.evaluate(
      (url) =>
        new Promise((resolve) => {
          addEventListener('message', (event) => resolve(event.data), { once: true });
          const frame = document.createElement('iframe');
          frame.sandbox = 'allow-scripts';
          frame.srcdoc = `<script>fetch(${JSON.stringify(url)}).then(() => parent.postMessage('read', '*'), (e) => parent.postMessage(e.name, '*'))</script>`;
          document.body.append(frame);
        }),
      `http://127.0.0.1:${gateway.port}/open`,
    );
    assert.equal(outcome, 'TypeError');
  });
});
