// `portcullis policy check` and the reference implementation of Cedar on the same schemas and policies, made at random:
// both find something wrong, or neither does.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validationCase } from '../support/cedar_cases.mjs';
import { cedar } from '../support/cedar_oracle.mjs';
import { command } from '../support/command.mjs';
import { binary } from '../support/paths.mjs';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-validation-'));
after(() => rmSync(folder, { recursive: true }));

/** PORTCULLIS_VALIDATION_CASES=100000 makes it that long; PORTCULLIS_CEDAR_SEED begins it elsewhere. */
const kCases = Number(process.env.PORTCULLIS_VALIDATION_CASES ?? 200);
const kSeed = Number(process.env.PORTCULLIS_CEDAR_SEED ?? 1);

/**
 * true, false, or null when the schema or the policy cannot be read. A head that fits no action is a warning there and
 * an error here, as in the official corpus.
 */
function reference({ schema, policy }) {
  const answer = cedar.validate({ schema, policies: { staticPolicies: policy } });
  if (answer.type !== 'success') return null;
  const fitsNone = answer.validationWarnings.some(({ error }) => error.message.includes('unable to find an applicable action'));
  return answer.validationErrors.length === 0 && !fitsNone;
}

async function ours({ schema, policy }) {
  const files = { schema: join(folder, 'schema'), policy: join(folder, 'policy') };
  writeFileSync(files.schema, schema);
  writeFileSync(files.policy, policy);
  const { code, stdout, stderr } = await command(binary, ['policy', 'check', '--json', '--schema', files.schema, files.policy]);
  assert.ok(code === 0 || code === 1, stderr);
  const findings = stdout.trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  for (const finding of findings) assert.ok(finding.line >= 1 && finding.column >= 1 && finding.message);
  assert.equal(code === 1, findings.some(({ severity }) => severity === 'error'));
  return code === 0;
}

test(`${kCases} schemas and policies at random`, { timeout: 600_000 }, async () => {
  const seen = new Map();
  for (let seed = kSeed; seed < kSeed + kCases; seed += 1) {
    const one = validationCase(seed);
    const want = reference(one);
    seen.set(want, (seen.get(want) ?? 0) + 1);
    assert.equal(await ours(one), want ?? false, `seed ${seed}\n${one.schema}\n${one.policy}`);
  }
  // A generator that only makes one kind compares nothing.
  assert.ok(seen.get(true) > kCases / 5 && seen.get(false) > kCases / 5, JSON.stringify([...seen]));
});
