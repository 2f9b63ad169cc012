// Certificate, keys, tokens and configuration files of a run, made anew in build/bench.
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { outputOf } from './processes.mjs';
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

// Every file of bench/conf, with values for the @NAMES@ in it, in build/bench/conf. Each configuration gets
// a port of its own: returns the ports by file (`nginx/plain.conf`).
function renderConfigurations(firstPort) {
  const ports = { 'nginx/origin.conf': firstPort };
  const values = {
    RUN,
    CONF: `${RUN}/conf`,
    ORIGIN: firstPort,
    BODY: makeBody(),
    NOFILE: execFileSync('bash', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim(),
    USER: process.getuid() === 0 ? 'user root;' : '',
  };
  const write = (file, text, more) => {
    ports[file] ??= firstPort + Object.keys(ports).length;
    const all = { ...values, ...more, PORT: ports[file], LOG: outputOf(ports[file]) };
    mkdirSync(dirname(`${RUN}/conf/${file}`), { recursive: true });
    writeFileSync(`${RUN}/conf/${file}`, text.replace(/@([A-Z]+)@/g, (whole, name) => all[name] ?? whole));
  };
  rmSync(`${RUN}/conf`, { recursive: true, force: true });
  for (const folder of readdirSync(`${BENCH}conf`)) {
    for (const name of readdirSync(`${BENCH}conf/${folder}`)) {
      const text = readFileSync(`${BENCH}conf/${folder}/${name}`, 'utf8');
      if (name !== 'jwt.cfg') {
        write(`${folder}/${name}`, text, {});
        continue;
      }
      write('haproxy/jwt-es256.cfg', text, { ALG: 'ES256', JWTKEY: `${RUN}/jwt.pub` });
      write('haproxy/jwt-hs256.cfg', text, { ALG: 'HS256', JWTKEY: HMAC_KEY });
    }
  }
  return ports;
}

// The quick start's own configuration, on ports of this run.
export function copyQuickStart(ports) {
  execFileSync('node', [`${ROOT}demo/setup.mjs`]);
  cpSync(`${ROOT}demo/run`, `${RUN}/quickstart/run`, { recursive: true });
  let free = Math.max(...Object.values(ports));
  const moved = { 9080: ports['nginx/origin.conf'], 8080: ++free, 8443: ++free, 9901: ++free };
  let text = readFileSync(`${ROOT}demo/portcullis.yaml`, 'utf8');
  for (const [from, to] of Object.entries(moved)) text = text.replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`);
  const file = `${RUN}/quickstart/portcullis.yaml`;
  writeFileSync(file, text);
  const token = readFileSync(`${RUN}/quickstart/run/clerk.token`, 'utf8').trim();
  return { file, port: moved[8080], token };
}

// Everything that the servers read. Returns the ports by configuration, and the tokens that clients send.
export function prepare({ port }) {
  mkdirSync(RUN, { recursive: true });
  chmodSync(RUN, 0o700);
  makeCertificate();
  return { tokens: makeTokens(), ports: renderConfigurations(port) };
}
