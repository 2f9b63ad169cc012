// Where llhttp accepts and we refuse: which sentence decides it. Each entry says to which inputs it applies
// (by the bytes, as latin-1 text), the RFC's own sentence, and where that is not plain, what we conclude (`so`).
// The runner holds that every such refusal has an entry and that every entry is needed.

const requestLine = (text) => text.replace(/^(\r\n)*/, '').split('\r\n', 1)[0];
const target = (text) => requestLine(text).split(' ')[1] ?? '';

export const requestDifferences = [
  {
    what: 'CONNECT',
    applies: (text) => text.startsWith('CONNECT '),
    rfc: 'RFC 9110 15.6.2',
    sentence: 'The 501 (Not Implemented) status code indicates that the server does not support the functionality required to fulfill the request.',
  },
  {
    what: 'an asterisk without OPTIONS',
    applies: (text) => target(text) === '*' && !text.startsWith('OPTIONS '),
    rfc: 'RFC 9112 3.2.4',
    sentence: 'The "asterisk-form" of request-target is only used for a server-wide OPTIONS request (Section 9.3.7 of [HTTP]).',
  },
  {
    what: 'another protocol\'s name',
    applies: (text) => /(RTSP|ICE)\/\d\.\d$/.test(requestLine(text)),
    rfc: 'RFC 9112 2.3',
    sentence: 'HTTP-name = %s"HTTP"',
  },
  {
    what: 'a Host that the DNS could not look up',
    applies: (text) => /^Host: [^\r\n]*=/im.test(text),
    rfc: 'RFC 3986 3.2.2',
    sentence: 'A registered name intended for lookup in the DNS uses the syntax defined in Section 3.5 of [RFC1034] and Section 2.1 of [RFC1123].',
  },
  {
    what: 'a coding other than chunked',
    applies: (text) => /^Transfer-Encoding: *(deflate|gzip)/im.test(text),
    rfc: 'RFC 9112 6.1',
    sentence: 'A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented).',
  },
  {
    what: 'a trailer that may only stand in the header section',
    applies: (text) => /\r\n0\r\n(?:[^\r\n]+\r\n)*Content-Type:/i.test(text),
    rfc: 'RFC 9110 6.5.1',
    sentence: 'Many fields cannot be processed outside the header section because their evaluation is necessary prior to receiving the content, such as those that describe message framing, routing, authentication, request modifiers, response controls, or content format.',
  },
  {
    what: 'a fragment in the target',
    applies: (text) => target(text).includes('#') && !/@/.test(target(text)),
    rfc: 'RFC 9112 3.2.1',
    sentence: 'origin-form = absolute-path [ "?" query ]',
    so: 'there is no fragment in a target; whoever cuts it off and whoever does not read two paths',
  },
  {
    what: 'user information in the target',
    applies: (text) => /^[a-z]+:\/\/[^/?#]*@/.test(target(text)),
    rfc: 'RFC 9110 4.2.4',
    sentence: 'Before making use of an "http" or "https" URI reference received from an untrusted source, a recipient SHOULD parse for userinfo and treat its presence as an error.',
  },
  {
    what: 'a zone of an IPv6 address',
    applies: (text) => /\[[0-9a-f:]+%/.test(target(text)),
    rfc: 'RFC 6874 4',
    sentence: 'An HTTP client, proxy, or other intermediary MUST remove any ZoneID attached to an outgoing URI, as it has only local significance at the sending host.',
  },
];

const statusLine = requestLine;

export const responseDifferences = [
  {
    what: '101 that nobody asked for',
    applies: (text) => statusLine(text).startsWith('HTTP/1.1 101'),
    rfc: 'RFC 9110 7.8',
    sentence: 'A server MUST NOT switch to a protocol that was not indicated by the client in the corresponding request\'s Upgrade header field.',
  },
  {
    what: 'another protocol\'s name',
    applies: (text) => text.startsWith('RTSP/'),
    rfc: 'RFC 9112 2.3',
    sentence: 'HTTP-name = %s"HTTP"',
  },
  {
    what: 'a version without this framing',
    applies: (text) => /^HTTP\/(0\.9|5\.6)/.test(text),
    rfc: 'RFC 9110 2.5',
    sentence: 'The first digit (major version) indicates the messaging syntax',
    so: 'the syntax of what follows is not the one that we read',
  },
  {
    what: 'an empty line before the status line',
    applies: (text) => text.startsWith('\r\n'),
    rfc: 'RFC 9112 2.2',
    sentence: 'a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line (CRLF) received prior to the request-line.',
    so: 'nothing of the kind is said to a client that expects a status-line',
  },
  {
    what: 'an empty line after an interim response',
    applies: (text) => /^HTTP\/1\.1 1\d\d [^\r\n]*\r\n\r\n\r\n/.test(text),
    rfc: 'RFC 9110 15.2',
    sentence: 'A 1xx response is terminated by the end of the header section; it cannot contain content or trailers.',
  },
  {
    what: 'a coding other than chunked',
    applies: (text) => /^Transfer-Encoding: *(chunked, deflate|chunkedchunked)/im.test(text),
    rfc: 'RFC 9110 10.1.4',
    sentence: 'The "TE" header field describes capabilities of the client with regard to transfer codings and trailer sections.',
    so: 'the gateway sends no TE, so it said that it takes no coding but chunked',
  },
];
