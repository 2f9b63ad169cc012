// `portcullis policy evaluate` and the reference implementation of Cedar on the same questions: the official cases made
// by hand, worlds made at random, and policies that are broken at random. (The 46,856 collected requests of the official
// corpus run in src/cedar/conformance_test.cc.)
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CedarGenerator } from '../support/cedar_generator.mjs';
import { cedar, decide, policyFault } from '../support/cedar_oracle.mjs';
import { command } from '../support/command.mjs';
import { binary } from '../support/paths.mjs';
import { corpus } from './corpus.mjs';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-cedar-'));
after(() => rmSync(folder, { recursive: true }));

/** PORTCULLIS_CEDAR_CASES=100000 makes the comparison at random that long; PORTCULLIS_CEDAR_SEED begins it elsewhere. */
const kCases = Number(process.env.PORTCULLIS_CEDAR_CASES ?? 4000);
const kSeed = Number(process.env.PORTCULLIS_CEDAR_SEED ?? 1);
const kRequestsAWorld = 100;

function file(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The answers of `policy evaluate`, one for each request, ids sorted. */
async function evaluate({ policies, entities, schema, requests }) {
  const args = ['policy', 'evaluate', '--policies', policies, '--entities', entities, '--batch', '-'];
  if (schema) args.push('--schema', schema);
  const { code, stdout, stderr } = await command(binary, args, { input: `${requests.join('\n')}\n`, timeout: 120_000 });
  assert.equal(code, 0, stderr + stdout.slice(0, 1000));
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, requests.length);
  return lines.map((line) => {
    const { decision, determining, errors } = JSON.parse(line);
    return { decision, determining: determining.sort(), errors: errors.sort() };
  });
}

const official = corpus('cedar-integration-tests');
if (official) {
  test('the official cases made by hand, through the command', async () => {
    const root = join(official, 'tests');
    const cases = readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.json')).sort();
    let count = 0;
    for (const name of cases) {
      const one = JSON.parse(readFileSync(join(root, name), 'utf8'));
      const answers = await evaluate({
        policies: join(official, one.policies),
        entities: join(official, one.entities),
        schema: join(official, one.schema),
        requests: one.requests.map((request) => JSON.stringify(request)),
      });
      one.requests.forEach((request, index) => {
        const want = { decision: request.decision, determining: request.reason.sort(), errors: request.errors.sort() };
        assert.deepEqual(answers[index], want, `${name}: ${request.description}`);
        ++count;
      });
    }
    assert.equal(count, 74);
  });
}

test(`${kCases} random requests are decided as the reference decides them`, { timeout: 3_600_000 }, async () => {
  const seen = { allow: 0, deny: 0, errors: 0 };
  for (let done = 0, seed = kSeed; done < kCases; ++seed) {
    const generator = new CedarGenerator(seed);
    const policies = generator.policies(12);
    assert.equal(policyFault(policies), null, `the generator makes policies (seed ${seed})`);
    const entities = generator.entities();
    const requests = Array.from({ length: kRequestsAWorld }, () => generator.request());
    const answers = await evaluate({
      policies: file('p.cedar', policies),
      entities: file('e.json', entities),
      requests,
    });
    requests.forEach((request, index) => {
      const want = decide(policies, request, entities);
      assert.equal(want.failure, undefined, `the generator makes requests (seed ${seed})`);
      assert.deepEqual(answers[index], want, `seed ${seed}, request ${request}\n${policies}\n${entities}`);
      ++seen[want.decision];
      seen.errors += want.errors.length;
    });
    done += requests.length;
  }
  // A comparison of nothing but refusals would prove little.
  assert.ok(seen.allow > kCases / 20 && seen.deny > kCases / 20 && seen.errors > kCases / 20, JSON.stringify(seen));
});

test('what is no policy to the reference is none here, and the other way round', async () => {
  const entities = file('none.json', '[]');
  const request = file('r.json', '{"principal":"A::\\"a\\"","action":"Action::\\"a\\"","resource":"A::\\"a\\"","context":{}}');
  const seen = { good: 0, bad: 0 };
  for (let index = 0; index < Math.max(200, kCases / 100); ++index) {
    const text = new CedarGenerator(kSeed * 1_000_003 + index).brokenPolicy();
    const fault = policyFault(text);
    const { code, stderr } = await command(binary, ['policy', 'evaluate', '-p', file('b.cedar', text), '-e', entities, '-r', request]);
    assert.equal(code === 0, fault === null, `${text}\nreference: ${fault}\nhere: ${code} ${stderr}`);
    ++seen[fault === null ? 'good' : 'bad'];
  }
  assert.ok(seen.good > 10 && seen.bad > 10, JSON.stringify(seen));
});

test('policies in JSON are decided as in the human syntax', async () => {
  const generator = new CedarGenerator(kSeed + 7);
  const policies = generator.policies(12);
  const parts = cedar.policySetTextToParts(policies).policies;
  const staticPolicies = Object.fromEntries(parts.map((text, index) => [`policy${index}`, cedar.policyToJson(text).json]));
  // Its glue rounds longs on the way out: these worlds are compared only when none was touched.
  const json = JSON.stringify({ staticPolicies, templates: {}, templateLinks: [] });
  const entities = generator.entities();
  const requests = Array.from({ length: kRequestsAWorld }, () => generator.request());
  const text = Object.values(staticPolicies).map((policy) => cedar.policyToText(policy).text).join('\n');
  const world = { entities: file('e2.json', entities), requests };
  assert.deepEqual(
    await evaluate({ ...world, policies: file('p.json', json) }),
    await evaluate({ ...world, policies: file('p2.cedar', text) }),
  );
});

test('the command says what is wrong, and where', async () => {
  const cases = [
    { text: 'permit(principal, action, resource) when { principal.nme = 1 };', says: /p\.cedar:1:58: error: `=` is no operator\n.*\n {59}\^\n {2}help: write `==` to compare/s },
    { text: 'permit(principal, action);', says: /p\.cedar:1:25: error: expected `,` and `resource`/ },
  ];
  for (const { text, says } of cases) {
    const { code, stderr } = await command(binary, ['policy', 'evaluate', '-p', file('p.cedar', text), '-r', '-']);
    assert.equal(code, 2);
    assert.match(stderr, says);
  }
  const good = file('g.cedar', '@id("door")\npermit(principal, action, resource);\n');
  const answer = await command(binary, ['policy', 'evaluate', '-p', good, '-b', '-', '--ids', 'annotation'], {
    input: '{"principal":"A::\\"a\\"","action":"Action::\\"a\\"","resource":"A::\\"a\\""}\n\n{"principal":1}\n',
  });
  assert.equal(answer.code, 2);
  assert.deepEqual(answer.stdout.trimEnd().split('\n').map((line) => JSON.parse(line)), [
    { decision: 'allow', determining: ['door'], errors: [] },
    { error: 'at /principal: expected an entity: {"type": "User", "id": "alice"}' },
  ]);
  for (const args of [[], ['-p', good], ['-p', good, '-r', '-', '-b', '-'], ['-p', good, '-r', '-', '--ids', 'x'], ['-p', join(folder, 'absent'), '-r', '-']]) {
    const { code, stderr } = await command(binary, ['policy', 'evaluate', ...args]);
    assert.ok(code === 2 || code === 3, stderr);
    assert.match(stderr, /^portcullis: /);
  }
});
