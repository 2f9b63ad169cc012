// What the demo needs and no repository should hold, made on first run in demo/run/: a certificate,
// the issuer's signing key and its public half, the admin token, an API key, and tokens for the callers.
//
//   node demo/setup.mjs        after scripts/build: the API key is what `portcullis hash key` makes
import { execFileSync } from 'node:child_process';
import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ISSUER = 'https://issuer.demo.example';
const AUDIENCE = 'orders';
const HOUR = 3600;
const DAY = 24 * HOUR;

const portcullis = fileURLToPath(new URL('../build/release/portcullis', import.meta.url));
const run = fileURLToPath(new URL('run/', import.meta.url));
mkdirSync(run, { recursive: true, mode: 0o700 });
const at = (name) => run + name;

// Whole or not at all, and never readable by others in between.
function write(name, text, mode = 0o600) {
  writeFileSync(at(`${name}.new`), text, { mode });
  renameSync(at(`${name}.new`), at(name));
}

function certificateIsGood() {
  if (!existsSync(at('tls.pem')) || !existsSync(at('tls.key'))) return false;
  const certificate = new X509Certificate(readFileSync(at('tls.pem')));
  return Date.parse(certificate.validTo) - Date.now() > 7 * DAY * 1000;
}

function makeCertificate() {
  write(
    'openssl.cnf',
    `[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
`,
  );
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('tls.key', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const pem = execFileSync('openssl', [
    ...['req', '-x509', '-new', '-config', at('openssl.cnf'), '-key', at('tls.key')],
    ...['-sha256', '-days', '90'],
  ]);
  write('tls.pem', pem, 0o644);
}

function loadOrMakeIssuerKey() {
  if (existsSync(at('issuer.key'))) return createPrivateKey(readFileSync(at('issuer.key')));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('issuer.key', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return privateKey;
}

// The public half as a JWK whose `kid` is its RFC 7638 thumbprint.
function publicJwk(privateKey) {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// A signed token (RFC 7515 compact form) that begins at `from` and lasts twelve hours.
function makeToken(privateKey, kid, { subject, roles, from }) {
  const head = encode({ alg: 'ES256', typ: 'JWT', kid });
  const claims = encode({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: subject,
    roles,
    iat: from,
    nbf: from,
    exp: from + 12 * HOUR,
  });
  const signature = sign('sha256', Buffer.from(`${head}.${claims}`), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${head}.${claims}.${signature.toString('base64url')}`;
}

// A key for its holder, and the file with its hash that demo/portcullis.yaml includes.
function makeApiKey() {
  const text = execFileSync(portcullis, ['hash', 'key'], { encoding: 'utf8' });
  const key = /pc_[A-Za-z0-9_-]+/.exec(text)?.[0];
  const hash = /sha256:[0-9a-f]{64}/.exec(text)?.[0];
  if (!key || !hash) throw new Error(`no key in what "portcullis hash key" printed: ${text}`);
  const id = key.slice('pc_'.length, key.lastIndexOf('_'));
  write(
    'keys.yaml',
    `# Made by demo/setup.mjs; the key itself is in api-key.
authenticators:
  machine:
    api_key:
      keys:
        - { id: "${id}", hash: "${hash}", roles: [clerk] }
`,
  );
  write('api-key', key);
}

if (!certificateIsGood()) makeCertificate();
if (!existsSync(at('admin-token'))) write('admin-token', randomBytes(32).toString('hex'));

if (!existsSync(at('api-key')) || !existsSync(at('keys.yaml'))) makeApiKey();

const issuerKey = loadOrMakeIssuerKey();
const jwk = publicJwk(issuerKey);
write('jwks.json', `${JSON.stringify({ keys: [jwk] }, null, 2)}\n`, 0o644);

const now = Math.floor(Date.now() / 1000);
const callers = {
  clerk: { subject: 'carla', roles: ['clerk'], from: now },
  manager: { subject: 'marco', roles: ['manager'], from: now },
  expired: { subject: 'carla', roles: ['clerk'], from: now - DAY },
};
for (const [name, caller] of Object.entries(callers))
  write(`${name}.token`, makeToken(issuerKey, jwk.kid, caller));
