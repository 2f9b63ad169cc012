// Certificate, keys, tokens and configuration files of a run, made anew in build/bench.
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BENCH, ROOT, RUN } from './settings.mjs';

// More than a token cache of 16,384 holds, so that each use of a token is its first.
export const MANY_TOKENS = 40000;
const HMAC_KEY = '0123456789abcdef0123456789abcdef';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function makeToken(alg, signer, id) {
  const now = Math.floor(Date.now() / 1000);
  const head = encode({ alg, typ: 'JWT', kid: 'k1' });
  const claims = encode({
    iss: 'https://issuer.example.test',
    aud: 'orders-api',
    sub: 'user-12345',
    iat: now,
    exp: now + 12 * 3600,
    scope: 'orders:read orders:write',
    role: 'clerk', // what HAProxy looks at: it reads no lists
    roles: ['clerk'],
    jti: id,
  });
  return `${head}.${claims}.${signer(`${head}.${claims}`)}`;
}

function makeTokens() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
  writeFileSync(`${RUN}/jwks.json`, JSON.stringify({ keys: [jwk] }));
  writeFileSync(`${RUN}/jwt.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
  const es256 = (text) =>
    sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const hs256 = (text) => createHmac('sha256', HMAC_KEY).update(text).digest('base64url');
  const many = Array.from({ length: MANY_TOKENS }, () => makeToken('ES256', es256, randomUUID()));
  writeFileSync(`${RUN}/tokens`, many.join('\n'));
  return { es256: makeToken('ES256', es256, randomUUID()), hs256: makeToken('HS256', hs256, randomUUID()) };
}

function makeCertificate() {
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-subj', '/CN=api.example.test', '-addext', 'subjectAltName=DNS:api.example.test,IP:127.0.0.1'],
    ...['-keyout', `${RUN}/tls.key`, '-out', `${RUN}/tls.pem`],
  ], { stdio: 'ignore' });
  const both = readFileSync(`${RUN}/tls.pem`, 'utf8') + readFileSync(`${RUN}/tls.key`, 'utf8');
  writeFileSync(`${RUN}/tls-both.pem`, both);
}

// 512 bytes of JSON.
function makeBody() {
  const items = Array.from({ length: 6 }, (_, i) => ({ id: 1000 + i, sku: `SKU-0000${i}`, quantity: i + 1 }));
  const body = { customer: 'Ada Example', email: 'ada@example.test', items, note: '' };
  body.note = 'x'.repeat(512 - JSON.stringify(body).length);
  return JSON.stringify(body);
}

// Copies a folder, putting values for the @NAMES@ in its files.
function render(from, to, values) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      render(source, target, values);
      continue;
    }
    const text = readFileSync(source, 'utf8').replace(/@([A-Z]+)@/g, (all, name) => values[name] ?? all);
    writeFileSync(target, text);
  }
}

function renderConfigurations(ports) {
  const files = execFileSync('bash', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  const values = {
    RUN,
    CONF: `${RUN}/conf`,
    ORIGIN: ports.origin,
    CLEAR: ports.clear,
    TLS: ports.tls,
    BODY: makeBody(),
    NOFILE: Math.min(Number(files) || 65536, 65536),
    USER: process.getuid() === 0 ? 'user root;' : '',
  };
  rmSync(`${RUN}/conf`, { recursive: true, force: true });
  render(`${BENCH}conf`, `${RUN}/conf`, values);
  const jwt = readFileSync(`${RUN}/conf/haproxy/jwt.cfg`, 'utf8');
  for (const [name, ALG, JWTKEY] of [['es256', 'ES256', `${RUN}/jwt.pub`], ['hs256', 'HS256', HMAC_KEY]]) {
    const text = jwt.replaceAll('@ALG@', ALG).replaceAll('@JWTKEY@', JWTKEY);
    writeFileSync(`${RUN}/conf/haproxy/jwt-${name}.cfg`, text);
  }
}

// The quick start's own configuration, on ports of this run. Returns the token of its clerk.
export function copyQuickStart(ports) {
  execFileSync('node', [`${ROOT}demo/setup.mjs`]);
  cpSync(`${ROOT}demo/run`, `${RUN}/quickstart/run`, { recursive: true });
  const moved = readFileSync(`${ROOT}demo/portcullis.yaml`, 'utf8')
    .replaceAll('127.0.0.1:8443', `127.0.0.1:${ports.tls}`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.clear}`)
    .replaceAll('127.0.0.1:9901', `127.0.0.1:${ports.admin}`)
    .replaceAll('127.0.0.1:9080', `127.0.0.1:${ports.origin}`);
  writeFileSync(`${RUN}/quickstart/portcullis.yaml`, moved);
  return readFileSync(`${RUN}/quickstart/run/clerk.token`, 'utf8').trim();
}

// Everything that the servers read. Returns the tokens that clients send.
export function prepare(ports) {
  mkdirSync(RUN, { recursive: true });
  chmodSync(RUN, 0o700);
  makeCertificate();
  const tokens = makeTokens();
  renderConfigurations(ports);
  return tokens;
}
