// `portcullis policy check` and `policy format` as an administrator meets them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/gateway.mjs';

const folder = await mkdtemp(join(tmpdir(), 'portcullis-policy-'));
after(() => rm(folder, { recursive: true, force: true }));

const schema = join(folder, 'app.cedarschema');
await writeFile(schema, 'entity User = { jobLevel: Long };\nentity Photo;\naction view appliesTo { principal: User, resource: Photo };\n');

async function policy(name, text) {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('policy check: fine is 0', async () => {
  const file = await policy('fine.cedar', 'permit(principal, action, resource) when { principal.jobLevel > 5 };\n');
  const { code, stdout, stderr } = await run(['policy', 'check', '--schema', schema, file]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ok: 1 policy, 0 warnings/);
});

test('policy check: a misspelt attribute is 1, with its place, a caret and the nearest name', async () => {
  const file = await policy('misspelt.cedar', 'permit(principal, action, resource)\n  when { principal.jobLevle > 5 };\n');
  const { code, stderr } = await run(['policy', 'check', '--schema', schema, file]);
  assert.equal(code, 1);
  assert.match(stderr, /misspelt\.cedar:2:10: error: `User` has no attribute `jobLevle`/);
  assert.match(stderr, /\n {2} {2}when \{ principal\.jobLevle > 5 \};\n {11}\^{18}\n/);
  assert.match(stderr, /did you mean `jobLevel`\?/);
});

test('policy check --json: one finding a line', async () => {
  const file = await policy('two.cedar', 'permit(principal is Usr, action, resource);\nforbid(principal, action == Action::"veiw", resource);\n');
  const { code, stdout } = await run(['policy', 'check', '--json', '--schema', schema, file]);
  assert.equal(code, 1);
  const findings = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.ok(findings.some(({ policy: id, line, help }) => id === 'policy0' && line === 1 && help === 'did you mean `User`?'));
  assert.ok(findings.some(({ policy: id, line }) => id === 'policy1' && line === 2));
});

test('policy check: a broken schema is told of by its own place', async () => {
  const broken = await policy('broken.cedarschema', 'entity User in Grup;\nentity Group;\n');
  const file = await policy('any.cedar', 'permit(principal, action, resource);\n');
  const { code, stderr } = await run(['policy', 'check', '--schema', broken, file]);
  assert.equal(code, 1);
  assert.match(stderr, /broken\.cedarschema:1:16: error: `Grup` is no entity type/);
});

test('policy check: a policy that never applies is a warning', async () => {
  const file = await policy('never.cedar', 'permit(principal, action, resource) when { principal is Photo };\n');
  const { code, stdout, stderr } = await run(['policy', 'check', '--schema', schema, file]);
  assert.equal(code, 0);
  assert.match(stdout, /1 warning\n/);
  assert.match(stderr, /warning: this policy can never apply/);
});

test('policy check: what is not there is 3', async () => {
  const { code, stderr } = await run(['policy', 'check', '--schema', schema, join(folder, 'nothing.cedar')]);
  assert.equal(code, 3);
  assert.match(stderr, /nothing\.cedar/);
});

test('policy format: to standard output, --check, --write, folders', async () => {
  await mkdir(join(folder, 'policies'));
  const file = await policy('policies/a.cedar', '// why\npermit(principal,action,resource)when{principal.jobLevel>5}; // end\n');
  const want = '// why\npermit (principal, action, resource)\nwhen { principal.jobLevel > 5 }; // end\n';
  const shown = await run(['policy', 'format', file]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.equal(shown.stdout, want);
  const checked = await run(['policy', 'format', '--check', join(folder, 'policies')]);
  assert.equal(checked.code, 1);
  assert.equal(checked.stdout, `${file}\n`);
  const written = await run(['policy', 'format', '--write', join(folder, 'policies')]);
  assert.equal(written.code, 0);
  assert.equal(await readFile(file, 'utf8'), want);
  assert.equal((await run(['policy', 'format', '--check', join(folder, 'policies')])).code, 0);
});

test('policy format: what does not parse is left alone', async () => {
  const file = await policy('bad.cedar', 'permit(principal);\n');
  const { code, stdout, stderr } = await run(['policy', 'format', '--write', file]);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /bad\.cedar:1:/);
  assert.equal(await readFile(file, 'utf8'), 'permit(principal);\n');
});
