// Who signs tokens: `oidc-provider` as a real authorization server, and a plain key server with
// `jose` for everything that a real one would never sign.
import http from 'node:http';
import https from 'node:https';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { close, listen, track } from './upstream.mjs';

const kAudience = 'urn:orders';

/** A signing key: { privateKey, publicKey, jwk (public), kid, alg }. */
export async function makeKey(alg = 'ES256', kid = `key-${Math.random().toString(36).slice(2)}`, options = {}) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { privateKey, publicKey, jwk, kid, alg };
}

/** Now in seconds, as JWT counts. */
export const now = () => Math.floor(Date.now() / 1000);

/** A JWKS endpoint and a mint for its keys. `down()` makes it answer 500; `fetches` counts requests. */
export async function startKeyServer({ keys, tls, alg = 'ES256', port = 0, host = '127.0.0.1' } = {}) {
  const state = { keys: keys ?? [await makeKey(alg)], fetches: 0, broken: false, answer: undefined };
  const serve = (request, response) => {
    state.fetches += 1;
    if (state.broken) {
      response.writeHead(500).end();
      return;
    }
    const body = state.answer ?? JSON.stringify({ keys: state.keys.map((key) => key.jwk) });
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(body);
  };
  const server = tls ? https.createServer(tls, serve) : http.createServer(serve);
  const sockets = track(server);
  const bound = await listen(server, port, host);
  const scheme = tls ? 'https' : 'http';
  const issuer = `${scheme}://${host}:${bound}`;
  return Object.assign(state, {
    issuer,
    audience: kAudience,
    port: bound,
    url: `${issuer}/jwks`,
    /** Claims that the gateway accepts, with `changes` on top; a change to undefined leaves the claim out. */
    claims: (changes = {}) => {
      const claims = { iss: issuer, aud: kAudience, sub: 'alice', iat: now(), exp: now() + 600, roles: ['clerk'], ...changes };
      return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
    },
    mint(changes = {}, { key = state.keys[0], header = {} } = {}) {
      const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
      return new SignJWT(this.claims(changes)).setProtectedHeader(protectedHeader).sign(key.privateKey);
    },
    /** The block of an authenticator that trusts this issuer. */
    authenticator: (changes = {}) => ({
      jwt: { issuer, audience: kAudience, keys: { url: `${issuer}/jwks`, refresh: '10m', stale_for: '1h' }, algorithms: [alg], roles: 'roles', ...changes },
    }),
    stop: () => close(server, sockets),
  });
}

/** A compact JWS over any header and payload text with any signature bytes: what no library would make. */
export function forge(header, payload, signature = Buffer.alloc(0)) {
  const encode = (part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(payload)}.${Buffer.from(signature).toString('base64url')}`;
}

/** oidc-provider with one confidential client, which gets JWT access tokens for the orders API. */
export async function startIssuer({ roles = ['clerk'], ttl = 600 } = {}) {
  const key = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(key.privateKey)), kid: 'issuer-1', alg: 'ES256', use: 'sig' };
  const server = http.createServer();
  const sockets = track(server);
  const issuer = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    cookies: { keys: ['only for this run'] },
    clients: [{ client_id: 'robot', client_secret: 'robot-secret-of-the-test', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({ scope: 'orders', audience: resource, accessTokenTTL: ttl, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      },
    },
    extraTokenClaims: () => ({ roles }),
  });
  server.on('request', provider.callback());
  return {
    issuer,
    audience: kAudience,
    /** A token by the client credentials grant (RFC 6749 4.4) for `resource` (RFC 8707). */
    async token(resource = kAudience) {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('robot:robot-secret-of-the-test').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'orders' }),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`the issuer refused: ${JSON.stringify(answer)}`);
      return answer.access_token;
    },
    authenticator: (changes = {}) => ({
      jwt: { issuer, audience: kAudience, keys: { url: `${issuer}/jwks`, refresh: '10m', stale_for: '1h' }, algorithms: ['ES256'], roles: 'roles', ...changes },
    }),
    stop: () => close(server, sockets),
  };
}
