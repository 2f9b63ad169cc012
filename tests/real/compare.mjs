// The same request straight to the server and through the gateway: the answers must be the same, byte for
// byte, but for what an intermediary has to say for itself.
import assert from 'node:assert/strict';
import { request } from '../support/client.mjs';

// Of this connection and this moment (RFC 9110 7.6.1), or named by the gateway.
const kOwn = ['connection', 'keep-alive', 'transfer-encoding', 'date', 'x-request-id'];

/** Fields by name, those of one name in the order in which they came (RFC 9110 5.3). */
export function endToEnd(response, { except = [] } = {}) {
  const fields = response.fields.map(([name, value]) => [name.toLowerCase(), value]);
  return fields.filter(([name]) => !kOwn.includes(name) && !except.includes(name)).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}

/**
 * Sends it to `direct` (a server) and through `gateway` ({ port, tls }), the named host being the same for both.
 * Returns the answer. `except` names fields that may differ, with good reason.
 */
export async function assertSame(direct, gateway, path, { except, headers = {}, ...options } = {}) {
  const host = headers.host ?? `127.0.0.1:${gateway.port}`;
  const scheme = gateway.tls ? { 'x-forwarded-proto': 'https' } : {};
  const there = await request(direct.port, path, { timeout: 30_000, ...options, headers: { ...headers, ...scheme, host } });
  const here = await request(gateway.port, path, { timeout: 30_000, ...options, headers: { ...headers, host }, tls: gateway.tls });
  const why = `${options.method ?? 'GET'} ${path}`;
  assert.equal(here.status, there.status, `${why}: ${here.text.slice(0, 500)}`);
  assert.deepEqual(endToEnd(here, { except }), endToEnd(there, { except }), why);
  assert.ok(here.body.equals(there.body), `${why}: the bodies differ`);
  assert.deepEqual(here.trailers, there.trailers, why);
  return here;
}
