// The numbers at the end of scripts/test are right, above all when something crashed.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { countTests } from '../../scripts/count-tests.mjs';

const report = (...results) =>
  JSON.stringify({
    testsuites: [
      {
        testsuite: results.map((result) =>
          result === 'FAILED' ? { result: 'COMPLETED', failures: [{ failure: 'no' }] } : { result },
        ),
      },
    ],
  });

// What is counted for one test that ctest gave `status`, whose binary wrote `json` (or nothing).
function count(status, json) {
  const folder = mkdtempSync(join(tmpdir(), 'count-'));
  try {
    writeFileSync(
      join(folder, 'ctest.xml'),
      `<testsuite>\n<testcase name="http" classname="http" time="0.1" status="${status}">\n</testcase></testsuite>`,
    );
    if (json !== undefined) writeFileSync(join(folder, 'http_test.json'), json);
    const [{ passed, failed, skipped }] = countTests(folder);
    return [passed, failed, skipped];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every case counts, and nothing that failed is lost', () => {
  const cases = [
    { why: 'all passed', got: count('run', report('COMPLETED', 'COMPLETED')), want: [2, 0, 0] },
    { why: 'one skipped', got: count('run', report('COMPLETED', 'SKIPPED')), want: [1, 0, 1] },
    { why: 'one disabled', got: count('run', report('COMPLETED', 'SUPPRESSED')), want: [1, 0, 1] },
    { why: 'one failed', got: count('fail', report('COMPLETED', 'FAILED')), want: [1, 1, 0] },
    { why: 'a replay of a corpus', got: count('run'), want: [1, 0, 0] },
    { why: 'crashed before it wrote', got: count('fail'), want: [0, 1, 0] },
    { why: 'report cut off', got: count('fail', '{"testsuites": ['), want: [0, 1, 0] },
    { why: 'leaked at its end', got: count('fail', report('COMPLETED')), want: [1, 1, 0] },
    { why: 'binary not built', got: count('notrun'), want: [0, 1, 0] },
    { why: 'disabled in CMake', got: count('disabled'), want: [0, 0, 1] },
  ];
  for (const { why, got, want } of cases) assert.deepEqual(got, want, why);
});

test('a run that left no report is an error', () => {
  assert.throws(() => countTests(join(tmpdir(), 'no-such-folder')), /ENOENT/);
});
