// What may come of a hostile HTTP/2 request before an HTTP/1.1 upstream: nothing, or exactly one well-formed request.
import assert from 'node:assert/strict';
import { Peer, data, describe, get, headers } from './h2_raw.mjs';

const witnesses = new Map(); // target -> a connection that nobody attacks, and its next stream

/** Another client is served, and what came before him has reached the upstream. */
async function serveWitness(target) {
  if (!witnesses.has(target)) witnesses.set(target, { peer: await Peer.open(target.port, { timeout: 10_000 }), id: 1 });
  const witness = witnesses.get(target);
  assert.equal((await witness.peer.request(witness.id, get('/still/well'))).status, 200);
  witness.id += 2;
}

/**
 * Sends one request (fields, and a body where there is one) and checks that. Returns { outcome, seen }: `seen` is what
 * reached the upstream. `frames` are sent instead of those that fields and body give.
 */
export async function downgrade(target, fields, { body, frames, trailers, open = {} } = {}) {
  const { upstream } = target;
  const [before, violations] = [upstream.requests.length, upstream.violations.length];
  const peer = await Peer.open(target.port, open);
  try {
    const more = body !== undefined || trailers !== undefined;
    peer.send(...(frames ?? [
      headers(1, fields, { end: !more }),
      ...(body === undefined ? [] : [data(1, body, { end: trailers === undefined })]),
      ...(trailers === undefined ? [] : [headers(1, trailers, { end: true })]),
    ]));
    const outcome = await peer.outcome(1);
    await serveWitness(target);
    const seen = upstream.requests.slice(before).filter((r) => r.url !== '/still/well');
    assert.deepEqual(upstream.violations.slice(violations), [], 'what the upstream got was not canonical');
    assert.equal(peer.failure, undefined);
    const said = describe(outcome);
    if (outcome.kind === 'response' && outcome.response.status < 400) assert.equal(seen.length, 1, `${said}, and the upstream got ${seen.length} requests`);
    else assert.deepEqual(seen.filter((r) => r.body !== undefined), [], `${said}, and the upstream got it whole`);
    for (const one of seen) {
      assert.ok(!one.url.includes('smuggled') && !one.fields.some(([name, value]) => `${name}: ${value}`.toLowerCase().includes('smuggled')), `something was smuggled: ${JSON.stringify(one)}`);
    }
    return { outcome, seen, said };
  } finally {
    peer.destroy();
  }
}

/** It was refused: an answer of 4xx or 501, a reset, or the end of the connection. */
export function assertRefused({ outcome, seen, said }) {
  assert.ok(outcome.kind !== 'response' || (outcome.response.status >= 400 && outcome.response.status <= 505 && outcome.response.status !== 500), said);
  assert.deepEqual(seen.filter((r) => r.body !== undefined), []);
}
