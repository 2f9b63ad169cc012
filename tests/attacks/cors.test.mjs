// No page gets to read answers because of what it calls itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTarget } from '../support/attack.mjs';
import { converse } from '../support/raw_client.mjs';

const target = await startTarget(
  {
    api: {
      cors: { origins: ['https://app.example.com', 'https://*.wild.example'], credentials: true },
      routes: [
        { path: '/data', methods: ['GET', 'PUT'], operation: 'data' },
        { path: '/still/well', methods: ['GET'], operation: 'well' },
      ],
    },
  },
  { handler: (_request, socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\r\nok') },
);

const cors = (response) => response.fields.filter(([name]) => name.toLowerCase().startsWith('access-control-'));

for (const [name, reference, origin] of [
  ['any origin', 'CWE-942; PortSwigger, Exploiting CORS misconfigurations, 2016', 'https://evil.test'],
  ['null', 'CWE-942; a sandboxed frame sends it', 'null'],
  ['the name with more behind it', 'CWE-625', 'https://app.example.com.evil.com'],
  ['the name with more before it', 'CWE-625', 'https://evilapp.example.com'],
  ['the domain above', 'CWE-625', 'https://example.com'],
  ['clear text', 'CWE-319: a network attacker is that page', 'http://app.example.com'],
  ['upper case', 'RFC 6454 6.2', 'https://APP.example.com'],
  ['the usual port', 'RFC 6454 6.2', 'https://app.example.com:443'],
  ['another port', 'RFC 6454 4', 'https://app.example.com:8443'],
  ['a user', 'RFC 6454 6.2', 'https://app.example.com@evil.com'],
  ['a user that is the name', 'RFC 6454 6.2', 'https://evil.com:pw@app.example.com'],
  ['a path', 'RFC 6454 6.2', 'https://app.example.com/'],
  ['a backslash', 'CWE-436', 'https://app.example.com\\.evil.com'],
  ['a special character that browsers took for a host', 'Corben Leo, Advanced CORS Exploitation Techniques, 2018', 'https://app.example.com`.evil.com'],
  ['a list', 'RFC 6454 7.1', 'https://app.example.com https://evil.test'],
  ['a list with commas', 'RFC 6454 7.1', 'https://app.example.com, https://evil.test'],
  ['a tab', 'CWE-436', 'https://app.example.com\thttps://evil.test'],
  ['the domain of a pattern', 'CWE-625', 'https://wild.example'],
  ['a name that only ends like a pattern', 'CWE-625', 'https://evilwild.example'],
  ['a pattern as a subdomain of another', 'CWE-625', 'https://a.wild.example.evil.com'],
  ['a user before a pattern', 'CWE-625', 'https://evil.com@a.wild.example'],
  ['a path before a pattern', 'CWE-625', 'https://evil.com/a.wild.example'],
  ['a query before a pattern', 'CWE-625', 'https://evil.com?.wild.example'],
  ['a port before a pattern', 'CWE-625', 'https://evil.com:80.wild.example'],
  ['a star', 'Fetch 3.2.1', '*'],
  ['nothing', 'RFC 6454 7.1', ''],
]) {
  test(`${name} is not an origin that may read (${reference})`, async () => {
    const { responses } = await converse(target.port, `GET /data HTTP/1.1\r\nHost: a.test\r\nOrigin: ${origin}\r\n\r\n`, { quiet: 50 });
    assert.equal(responses[0].status, 200);
    assert.deepEqual(cors(responses[0]), []);
    assert.match(responses[0].headers('vary').join(), /origin/, 'a cache must not give it to another page');
    const asked = await converse(target.port, `OPTIONS /data HTTP/1.1\r\nHost: a.test\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\n\r\n`, { quiet: 50 });
    assert.equal(asked.responses[0].status, 403);
    assert.deepEqual(cors(asked.responses[0]), []);
  });
}

test('two origins are none, whichever is first (CWE-436)', async () => {
  for (const [a, b] of [['https://app.example.com', 'https://evil.test'], ['https://evil.test', 'https://app.example.com'], ['https://app.example.com', 'https://app.example.com']]) {
    const { responses } = await converse(target.port, `GET /data HTTP/1.1\r\nHost: a.test\r\nOrigin: ${a}\r\nOrigin: ${b}\r\n\r\n`, { quiet: 50 });
    assert.deepEqual(cors(responses[0]), []);
  }
});

test('an origin is repeated as it was listed and cannot bring a field along (CWE-113)', async () => {
  for (const byte of ['\r', '\n', '\0', '\r\n']) {
    const { responses } = await converse(target.port, `GET /data HTTP/1.1\r\nHost: a.test\r\nOrigin: https://app.example.com${byte}X-Evil: 1\r\n\r\n`, { quiet: 50 });
    for (const response of responses) {
      assert.equal(response.header('x-evil'), undefined);
      assert.ok(response.status === 400 || response.status === 200);
      for (const value of response.headers('access-control-allow-origin')) assert.equal(value, 'https://app.example.com');
    }
  }
});

test('a preflight opens no route to anybody (CWE-288)', async () => {
  const before = target.upstream.requests.length;
  for (const method of ['GET', 'PUT', 'TRACE', 'CONNECT', 'get', 'GET, PUT', '*', 'GET\tPUT']) {
    const { responses } = await converse(target.port, `OPTIONS /data HTTP/1.1\r\nHost: a.test\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: ${method}\r\n\r\n`, { quiet: 50 });
    const known = method === 'GET' || method === 'PUT';
    assert.equal(responses[0].status, known ? 204 : 405, method);
    assert.equal(cors(responses[0]).length > 0, known, method);
  }
  assert.equal(target.upstream.requests.length, before);
});

test('a preflight cannot ask in the name of two methods (CWE-436)', async () => {
  const { responses } = await converse(target.port, 'OPTIONS /data HTTP/1.1\r\nHost: a.test\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Method: PUT\r\n\r\n', { quiet: 50 });
  assert.equal(responses[0].status, 405);
});
