// The rows that are measured: who takes part in each, what is asked of them, and what we want to reach.
import { statusOf } from './load.mjs';
import { RUN } from './settings.mjs';

function expect(got, want, what) {
  if (got !== want) throw new Error(`${what}: expected ${want}, found ${got}`);
}

// The same work is done: a request id comes back.
async function proveRequestId({ port }) {
  const { status, headers } = await statusOf(port, {});
  expect(status, 200, 'a plain request');
  expect(typeof headers['x-request-id'], 'string', 'x-request-id in the response');
}

// The checks bite: a changed signature and a missing token are refused.
const proveToken = (token) => async ({ port }) => {
  const forged = token.slice(0, -10) + (token.at(-10) === 'A' ? 'B' : 'A') + token.slice(-9);
  expect((await statusOf(port, { authorization: `Bearer ${token}` })).status, 200, 'a good token');
  expect((await statusOf(port, { authorization: `Bearer ${forged}` })).status, 401, 'a forged token');
  expect((await statusOf(port, {})).status, 401, 'no token');
};

// { name, command, port, tls } of a server with one of the configurations in bench/conf.
function serversOf({ portcullis }, ports) {
  const commands = {
    nginx: (file) => ['nginx', '-p', RUN, '-c', file],
    haproxy: (file) => ['haproxy', '-db', '-f', file],
    portcullis: (file) => [portcullis, 'run', '-c', file],
  };
  return (name, configuration) => {
    const [program] = configuration.split('/');
    const command = commands[program](`${RUN}/conf/${configuration}`);
    return { name, command, port: ports[configuration], tls: configuration.includes('/tls.') };
  };
}

// Rows of load: { id, title, targets: [{ name, …, load (environment of load.lua), prove }], ratios: [{ of, to, most }] }.
// `most` is what the design asks for; none: for the record.
export function loadRows(settings, ports, tokens) {
  const server = serversOf(settings, ports);
  const plain = { load: {}, prove: proveRequestId };
  const secure = { load: {}, prove: async () => {} };
  const h2 = { load: { h2: true }, prove: async () => {} };
  const handshake = { load: { handshakes: true }, prove: async () => {} };
  const es256 = { load: { TOKEN: tokens.es256 }, prove: proveToken(tokens.es256) };
  const hs256 = { load: { TOKEN: tokens.hs256 }, prove: proveToken(tokens.hs256) };
  const many = { load: { TOKENS: `${RUN}/tokens` }, prove: proveToken(tokens.es256) };
  return [
    {
      id: '1',
      title: 'plain proxying: HTTP/1.1, request id and forwarding fields, no log',
      targets: [
        { ...server('nginx', 'nginx/plain.conf'), ...plain },
        { ...server('haproxy', 'haproxy/plain.cfg'), ...plain },
        { ...server('portcullis', 'portcullis/plain.yaml'), ...plain },
        { ...server('portcullis, all features', 'portcullis/features.yaml'), ...plain },
      ],
      ratios: [
        { of: 'portcullis', to: 'nginx', most: 1.0 },
        { of: 'portcullis', to: 'haproxy', most: 0.9 },
        { of: 'portcullis, all features', to: 'nginx', most: 1.0 },
        { of: 'portcullis, all features', to: 'haproxy', most: 0.9 },
      ],
    },
    {
      id: '2',
      title: 'JWT (ES256, seen before), roles, limit by subject, JSON access log',
      targets: [
        { ...server('nginx, plain', 'nginx/plain.conf'), ...plain, load: es256.load },
        { ...server('haproxy, ES256', 'haproxy/jwt-es256.cfg'), ...es256 },
        { ...server('haproxy, HS256', 'haproxy/jwt-hs256.cfg'), ...hs256 },
        { ...server('portcullis, ES256', 'portcullis/jwt.yaml'), ...es256 },
        { ...server('portcullis, all features', 'portcullis/jwt-features.yaml'), ...es256 },
      ],
      ratios: [
        { of: 'portcullis, ES256', to: 'nginx, plain', most: 1.15 },
        { of: 'portcullis, ES256', to: 'haproxy, ES256', most: 0.25 },
        { of: 'portcullis, all features', to: 'nginx, plain', most: 1.15 },
        { of: 'portcullis, all features', to: 'haproxy, ES256', most: 0.25 },
        { of: 'portcullis, ES256', to: 'haproxy, HS256' },
      ],
    },
    {
      id: '2f',
      title: 'the same, each token seen for the first time',
      targets: [
        { ...server('haproxy, ES256', 'haproxy/jwt-es256.cfg'), ...many },
        { ...server('portcullis, ES256', 'portcullis/jwt.yaml'), ...many },
      ],
      ratios: [{ of: 'portcullis, ES256', to: 'haproxy, ES256' }],
    },
    {
      id: '7',
      title: 'row 1 over TLS 1.3, kept alive',
      targets: [
        { ...server('nginx', 'nginx/tls.conf'), ...secure },
        { ...server('haproxy', 'haproxy/tls.cfg'), ...secure },
        { ...server('portcullis', 'portcullis/tls.yaml'), ...secure },
        { ...server('portcullis, all features', 'portcullis/tls.features.yaml'), ...secure },
      ],
      ratios: [
        { of: 'portcullis', to: 'nginx', most: 1.0 },
        { of: 'portcullis', to: 'haproxy' },
        { of: 'portcullis, all features', to: 'nginx', most: 1.0 },
      ],
    },
    {
      id: '8',
      title: 'row 1 over HTTP/2 and TLS 1.3: 16 connections of 32 requests at once',
      targets: [
        { ...server('nginx', 'nginx/tls.h2.conf'), ...h2 },
        { ...server('haproxy', 'haproxy/tls.h2.cfg'), ...h2 },
        { ...server('portcullis', 'portcullis/tls.yaml'), ...h2 },
      ],
      ratios: [
        { of: 'portcullis', to: 'haproxy', most: 1.0 },
        { of: 'portcullis', to: 'nginx', most: 0.67 },
      ],
    },
    {
      id: '7h',
      title: 'new TLS 1.3 connections: a full handshake each (ECDSA P-256), no request',
      targets: [
        { ...server('nginx', 'nginx/tls.conf'), ...handshake },
        { ...server('haproxy', 'haproxy/tls.cfg'), ...handshake },
        { ...server('portcullis', 'portcullis/tls.yaml'), ...handshake },
      ],
      ratios: [
        { of: 'portcullis', to: 'nginx', most: 1.0 },
        { of: 'portcullis', to: 'haproxy' },
      ],
    },
  ];
}

// Row 6: { name, command, port, tls, counts, most (bytes) }.
export function idleTargets(settings, ports) {
  const server = serversOf(settings, ports);
  const clear = { counts: [1000, 10000] };
  const secure = { counts: [1000] };
  return [
    { ...server('nginx', 'nginx/plain.conf'), ...clear },
    // HAProxy wants two descriptors for each connection, and 20,000 may be all there are.
    { ...server('haproxy', 'haproxy/plain.cfg'), counts: [1000, 9500] },
    { ...server('portcullis', 'portcullis/plain.yaml'), ...clear, most: 1024 },
    { ...server('nginx, TLS', 'nginx/tls.conf'), ...secure },
    { ...server('haproxy, TLS', 'haproxy/tls.cfg'), ...secure },
    { ...server('portcullis, TLS', 'portcullis/tls.yaml'), ...secure, most: 15 * 1024 },
    { ...server('nginx, HTTP/2', 'nginx/tls.h2.conf'), ...secure, http2: true },
    { ...server('haproxy, HTTP/2', 'haproxy/tls.h2.cfg'), ...secure, http2: true },
    { ...server('portcullis, HTTP/2', 'portcullis/tls.yaml'), counts: [1000, 9500], http2: true, most: 20 * 1024 },
  ];
}

// Row 9: ours with the quick start's configuration and a token; the others, for scale, with row 1's.
export function startTargets(settings, ports, quickStart) {
  const server = serversOf(settings, ports);
  return [
    server('nginx, plain', 'nginx/plain.conf'),
    server('haproxy, plain', 'haproxy/plain.cfg'),
    {
      name: 'portcullis, quick start',
      command: [settings.portcullis, 'run', '-c', quickStart.file],
      port: quickStart.port,
      path: '/v1/orders',
      fields: `authorization: Bearer ${quickStart.token}\r\n`,
      most: 50,
    },
  ];
}
