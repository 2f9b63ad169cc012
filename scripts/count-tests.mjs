// Counts what ctest ran, GoogleTest case by case, as lines "PASSED FAILED SKIPPED NAME".
//
//   node scripts/count-tests.mjs PRESET FOLDER
//
// FOLDER holds ctest.xml (ctest --output-junit) and the JSON reports that the test binaries wrote
// (GTEST_OUTPUT). A test without a report (a fuzz replay; a binary that crashed) counts as one.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// ctest's verdict by test: [{ name, passed, skipped }]. A binary that is not there has the status
// `notrun`, and has not passed. Throws when the report is missing.
function readCtest(folder) {
  const xml = readFileSync(join(folder, 'ctest.xml'), 'utf8');
  return [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?\bstatus="([^"]*)"/g)].map(
    ([, name, status]) => ({ name, passed: status === 'run', skipped: status === 'disabled' }),
  );
}

// The cases of one binary's report, or undefined when it wrote none.
function readGoogleTest(folder, name) {
  const file = join(folder, `${name}_test.json`);
  if (!existsSync(file)) return undefined;
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // cut off in the middle of writing
  }
  const cases = report.testsuites.flatMap((suite) => suite.testsuite);
  const failed = cases.filter((one) => one.failures?.length).length;
  const passed = cases.filter((one) => !one.failures?.length && one.result === 'COMPLETED').length;
  return { passed, failed, skipped: cases.length - passed - failed };
}

export function countTests(folder) {
  return readCtest(folder).map(({ name, passed, skipped }) => {
    const counts = readGoogleTest(folder, name);
    if (counts === undefined)
      return { name, passed: passed ? 1 : 0, failed: passed || skipped ? 0 : 1, skipped: skipped ? 1 : 0 };
    // All cases passed, and the binary failed all the same: a leak, or a crash at exit.
    if (!passed && counts.failed === 0) return { name, ...counts, failed: 1 };
    return { name, ...counts };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [preset, folder] = process.argv.slice(2);
  const tests = countTests(folder);
  if (tests.length === 0) throw new Error(`ctest ran nothing: ${folder}/ctest.xml`);
  for (const { name, passed, failed, skipped } of tests)
    console.log(`${passed} ${failed} ${skipped} ${name} (${preset})`);
}
