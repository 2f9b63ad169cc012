// The rows that are measured: who takes part in each, what is asked of them, and what we want to reach.
import { statusOf } from './load.mjs';
import { RUN } from './settings.mjs';

const nginx = (name) => ['nginx', '-p', RUN, '-c', `${RUN}/conf/nginx/${name}.conf`];
const haproxy = (name) => ['haproxy', '-db', '-f', `${RUN}/conf/haproxy/${name}.cfg`];

function expect(got, want, what) {
  if (got !== want) throw new Error(`${what}: expected ${want}, found ${got}`);
}

// The same work is done: a request id comes back.
async function proveRequestId(port) {
  const { status, headers } = await statusOf(port, {});
  expect(status, 200, 'a plain request');
  expect(typeof headers['x-request-id'], 'string', 'x-request-id in the response');
}

// The checks bite: a changed signature and a missing token are refused.
async function proveToken(port, token) {
  const forged = token.slice(0, -10) + (token.at(-10) === 'A' ? 'B' : 'A') + token.slice(-9);
  expect((await statusOf(port, { authorization: `Bearer ${token}` })).status, 200, 'a good token');
  expect((await statusOf(port, { authorization: `Bearer ${forged}` })).status, 401, 'a forged token');
  expect((await statusOf(port, {})).status, 401, 'no token');
}

// Rows of load: { id, title, targets: [{ name, … }], ratios: [{ of, to, most }] }. `most` is what the
// design asks for; none: for the record.
export function loadRows({ portcullis, ports }, tokens) {
  const ours = (name) => [portcullis, 'run', '-c', `${RUN}/conf/portcullis/${name}.yaml`];
  const clear = { port: ports.clear, load: {} };
  const plain = { ...clear, prove: () => proveRequestId(ports.clear) };
  const secure = { port: ports.tls, tls: true, load: {} };
  const with_token = (token, load) => ({ ...clear, load, prove: () => proveToken(ports.clear, token) });
  const es256 = with_token(tokens.es256, { TOKEN: tokens.es256 });
  const hs256 = with_token(tokens.hs256, { TOKEN: tokens.hs256 });
  const many = with_token(tokens.es256, { TOKENS: `${RUN}/tokens` });
  return [
    {
      id: '1',
      title: 'plain proxying: HTTP/1.1, request id and forwarding fields, no log',
      targets: [
        { name: 'nginx', command: nginx('plain'), ...plain },
        { name: 'haproxy', command: haproxy('plain'), ...plain },
        { name: 'portcullis', command: ours('plain'), ...plain },
      ],
      ratios: [
        { of: 'portcullis', to: 'nginx', most: 1.0 },
        { of: 'portcullis', to: 'haproxy', most: 0.9 },
      ],
    },
    {
      id: '2',
      title: 'JWT (ES256, seen before), roles, limit by subject, JSON access log',
      targets: [
        { name: 'nginx, plain', command: nginx('plain'), ...clear, load: { TOKEN: tokens.es256 } },
        { name: 'haproxy, ES256', command: haproxy('jwt-es256'), ...es256 },
        { name: 'haproxy, HS256', command: haproxy('jwt-hs256'), ...hs256 },
        { name: 'portcullis, ES256', command: ours('jwt'), ...es256 },
      ],
      ratios: [
        { of: 'portcullis, ES256', to: 'nginx, plain', most: 1.15 },
        { of: 'portcullis, ES256', to: 'haproxy, ES256', most: 0.25 },
        { of: 'portcullis, ES256', to: 'haproxy, HS256' },
      ],
    },
    {
      id: '2f',
      title: 'the same, each token seen for the first time',
      targets: [
        { name: 'haproxy, ES256', command: haproxy('jwt-es256'), ...many },
        { name: 'portcullis, ES256', command: ours('jwt'), ...many },
      ],
      ratios: [{ of: 'portcullis, ES256', to: 'haproxy, ES256' }],
    },
    {
      id: '7',
      title: 'row 1 over TLS 1.3, kept alive',
      targets: [
        { name: 'nginx', command: nginx('tls'), ...secure },
        { name: 'haproxy', command: haproxy('tls'), ...secure },
        { name: 'portcullis', command: ours('tls'), ...secure },
      ],
      ratios: [
        { of: 'portcullis', to: 'nginx', most: 1.0 },
        { of: 'portcullis', to: 'haproxy' },
      ],
    },
  ];
}

// Row 6: { name, command, port, tls, counts, most (bytes) }.
export function idleTargets({ portcullis, ports }) {
  const clear = { port: ports.clear, counts: [1000, 10000] };
  const secure = { port: ports.tls, tls: true, counts: [1000] };
  const ours = (name) => [portcullis, 'run', '-c', `${RUN}/conf/portcullis/${name}.yaml`];
  return [
    { name: 'nginx', command: nginx('plain'), ...clear },
    // HAProxy wants two descriptors for each connection, and 20,000 may be all there are.
    { name: 'haproxy', command: haproxy('plain'), ...clear, counts: [1000, 9500] },
    { name: 'portcullis', command: ours('plain'), ...clear, most: 1024 },
    { name: 'nginx, TLS', command: nginx('tls'), ...secure },
    { name: 'haproxy, TLS', command: haproxy('tls'), ...secure },
    { name: 'portcullis, TLS', command: ours('tls'), ...secure, most: 15 * 1024 },
  ];
}

// Row 9: ours with the quick start's configuration and a token; the others, for scale, with row 1's.
export function startTargets({ portcullis, ports }, clerk) {
  return [
    { name: 'nginx, plain', command: nginx('plain'), port: ports.clear },
    { name: 'haproxy, plain', command: haproxy('plain'), port: ports.clear },
    {
      name: 'portcullis, quick start',
      command: [portcullis, 'run', '-c', `${RUN}/quickstart/portcullis.yaml`],
      port: ports.clear,
      path: '/v1/orders',
      fields: `authorization: Bearer ${clerk}\r\n`,
      most: 50,
    },
  ];
}
