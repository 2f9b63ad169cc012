// What RFC 9113 permits as the outcome of a frame, and how a case is run against the gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTarget } from './attack.mjs';
import { Peer, describe, errorName, get, kError } from './h2_raw.mjs';
import { problemType } from './expect.mjs';

export const kProtocols = ['h2', 'http/1.1'];

/** A gateway that speaks HTTP/2 in clear text, before an upstream that checks every byte. */
export const startHttp2Target = ({ listener = {}, ...settings } = {}, options) => startTarget({ listener: { protocols: kProtocols, ...listener }, ...settings }, options);

const codes = (names) => names.map((name) => kError[name]);

/** 5.4.1: GOAWAY with one of the codes, and then the end of the connection. */
export const connectionError = (...names) => ({ goaway: codes(names) });

/** 5.4.2: RST_STREAM with one of the codes. 5.4.1 lets an endpoint take it for an error of the connection. */
export const streamError = (...names) => ({ reset: codes(names), goaway: codes(names) });

/** 8.1.1: a stream error PROTOCOL_ERROR; a server may answer before it (with what it refuses a request). */
export const malformed = ({ status = [400] } = {}) => ({ reset: [kError.PROTOCOL_ERROR], goaway: [kError.PROTOCOL_ERROR], status });

/** The frame is legal, or must be ignored: the stream is answered. */
export const served = (...status) => ({ status: status.length > 0 ? status : [200] });

/** A refusal that only an answer can be. */
export const answered = (...status) => ({ status });

/** Either of several, each with codes of its own. */
export function either(...expectations) {
  const merge = (key) => expectations.flatMap((one) => one[key] ?? []);
  return { goaway: merge('goaway'), reset: merge('reset'), status: merge('status'), closed: expectations.some((one) => one.closed) };
}

/** 3.4: the end of the connection is enough. */
export const ended = (...names) => ({ goaway: codes(names), closed: true });

/** `outcome` (Peer.outcome) is one of what `expected` lists. */
export function assertOutcome(outcome, expected, why = '') {
  const got = describe(outcome);
  const list = (title, values = [], name = (value) => value) => (values.length > 0 ? [`${title} ${[...new Set(values)].map(name).join('|')}`] : []);
  const wanted = [...list('GOAWAY', expected.goaway, errorName), ...list('RST_STREAM', expected.reset, errorName), ...list('answer', expected.status), ...(expected.closed ? ['closed'] : [])].join(' or ');
  const fits = {
    goaway: () => expected.goaway?.includes(outcome.code),
    reset: () => expected.reset?.includes(outcome.code) && (outcome.status === undefined || outcome.status >= 400 || expected.status?.includes(outcome.status)),
    response: () => expected.status?.includes(outcome.response.status),
    closed: () => expected.closed,
  };
  assert.ok(fits[outcome.kind](), `${why} expected ${wanted}; got ${got}`);
}

/** The gateway serves a new connection. */
export async function expectStillServes({ port }) {
  const peer = await Peer.open(port);
  try {
    assert.equal((await peer.request(1, get('/still/well'))).status, 200, 'the gateway still serves others');
  } finally {
    peer.destroy();
  }
}

/** After an error of the connection the server closes it (5.4.1). */
export async function expectGoaway(peer, ...names) {
  const found = await peer.until('GOAWAY', () => peer.goaway?.code > 0 && peer.goaway);
  assert.ok(codes(names).includes(found.code), `expected GOAWAY ${names.join('|')}, got ${errorName(found.code)} ${found.debug}`);
  await peer.closed();
  return found;
}

export async function expectReset(peer, stream, ...names) {
  const code = await peer.until(`RST_STREAM of ${stream}`, () => peer.streams.get(stream)?.reset !== undefined && { code: peer.streams.get(stream).reset });
  assert.ok(codes(names).includes(code.code), `expected RST_STREAM ${names.join('|')}, got ${errorName(code.code)}`);
}

/**
 * One case:
 *   name, rfc      what it is, and the section
 *   send(peer)     frames (or a promise of them); or the frames themselves
 *   expect         what may come of it
 *   stream         the stream that is looked at (1)
 *   next           a stream id with which the connection must still serve, where it goes on (101; null: not tried)
 *   upstream       'none' when no whole request may have got through, besides those that prove the gateway well
 *                  (the default of what cannot be served), or 'any'
 *   check(outcome, seen)
 */
export function frameCase(target, { name, rfc, send, expect, stream = 1, next = 101, upstream, open = {}, check = () => {} }) {
  test(`${rfc}: ${name}`, async () => {
    const { upstream: behind } = target;
    const [before, violations] = [behind.requests.length, behind.violations.length];
    const peer = await Peer.open(target.port, open);
    try {
      const frames = typeof send === 'function' ? await send(peer) : send;
      if (frames) peer.send(...[frames].flat());
      const outcome = await peer.outcome(stream);
      assertOutcome(outcome, expect);
      if (outcome.kind === 'goaway' || outcome.kind === 'closed') await peer.closed();
      else if (next !== null) assert.equal((await peer.request(next, get('/same/connection'))).status, 200, 'the connection goes on');
      if (outcome.response?.status >= 400) assert.match(outcome.response.json.type, new RegExp(`^${problemType('')}`));
      await expectStillServes(target);
      const seen = behind.requests.slice(before).filter((r) => !['/still/well', '/same/connection'].includes(r.url));
      assert.deepEqual(behind.violations.slice(violations), []);
      if ((upstream ?? (expect.status?.some((status) => status < 300) ? 'any' : 'none')) === 'none') assert.deepEqual(seen.filter((r) => r.body !== undefined), [], 'the upstream got it');
      await check(outcome, seen, peer);
      assert.equal(peer.failure, undefined);
    } finally {
      peer.destroy();
    }
  });
}
