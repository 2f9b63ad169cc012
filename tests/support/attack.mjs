// How the attack catalogue is run: bytes go in; what the client, the upstream and the connection show
// afterwards must be what a refusal (or a disarmed request) looks like, and nothing else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openConfig } from './config.mjs';
import { assertProblem } from './expect.mjs';
import { Gateway } from './gateway.mjs';
import { converse } from './raw_client.mjs';
import { startRawUpstream } from './upstream.mjs';

/** A gateway before an upstream that checks every byte; both are stopped after the file's tests. */
export async function startTarget(settings = {}, options = {}) {
  const upstream = await startRawUpstream(options.handler, options.upstream);
  const gateway = await Gateway.start(typeof settings === 'function' ? settings(upstream.target) : openConfig(upstream.target, settings), options.gateway);
  after(async () => {
    await gateway.stop();
    await upstream.stop();
  });
  return { gateway, upstream, port: gateway.port };
}

const kProof = 'GET /still/well HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** The gateway still serves others. */
export async function assertWell({ port }) {
  const { responses } = await converse(port, kProof, { quiet: 0 });
  assert.equal(responses[0]?.status, 200, 'the gateway still serves others');
}

/**
 * One case that must be refused:
 *   name, reference       what it is, and the public advisory, CVE or RFC section
 *   send                  bytes
 *   status, problem       of the one answer
 *   open: true            where the connection may go on (the framing is not in doubt)
 *   partial: true         where the upstream may have seen the beginning of one request (its body
 *                         turned out bad after its head was good) but never the whole
 */
export function refused(target, { name, reference, send, status, problem, open = false, partial = false, well = true }) {
  test(`${name} (${reference})`, async () => {
    const { upstream, port } = target;
    const [before, violations] = [upstream.requests.length, upstream.violations.length];
    const { responses, state } = await converse(port, send, { quiet: open ? 150 : 3000 });
    const statuses = [status].flat();
    assert.ok(responses.length >= 1, `no answer, the connection is ${state}`);
    assert.ok(statuses.includes(responses[0].status), `expected ${statuses}, got ${responses[0].status} ${responses[0].text}`);
    const slugs = [problem].flat();
    assertProblem(responses[0], responses[0].status, slugs[statuses.indexOf(responses[0].status)] ?? slugs[0]);
    if (!open) {
      assert.equal(responses.length, 1, `more than one answer: ${responses.map((r) => r.status)}`);
      assert.equal(responses[0].header('connection'), 'close');
      assert.notEqual(state, 'open', 'the connection must be closed');
      assert.notEqual(state, 'reset', 'a reset can overtake the answer (RFC 9112 9.6)');
    }
    const seen = upstream.requests.slice(before);
    if (partial) {
      assert.ok(seen.length <= 1);
      assert.ok(seen.every((r) => r.body === undefined), 'the upstream was given a whole request');
    } else {
      assert.deepEqual(seen, [], 'the upstream saw it');
    }
    assert.deepEqual(upstream.violations.slice(violations), []);
    if (well) await assertWell(target);
  });
}

/**
 * One case that may pass, disarmed: the upstream gets exactly `requests` (method and path each), in
 * canonical form, and `check(request)` holds for the first of them.
 */
export function disarmed(target, { name, reference, send, requests, check = () => {}, statuses, heads }) {
  test(`${name} (${reference})`, async () => {
    const { upstream, port } = target;
    const [before, violations] = [upstream.requests.length, upstream.violations.length];
    const { responses } = await converse(port, send, { quiet: 200, heads });
    const seen = upstream.requests.slice(before);
    assert.deepEqual(seen.map((r) => `${r.method} ${r.url}`), requests);
    assert.deepEqual(responses.map((r) => r.status), statuses ?? requests.map(() => 200));
    assert.deepEqual(upstream.violations.slice(violations), []);
    if (seen[0]) check(seen[0], responses);
    await assertWell(target);
  });
}
