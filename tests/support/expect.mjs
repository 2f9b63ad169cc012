// What the tests say about answers, in one place.
import assert from 'node:assert/strict';

export const problemType = (slug) => `urn:portcullis:problem:${slug}`;

/** The answer is the problem document `slug` (RFC 9457), whole. */
export function assertProblem(response, status, slug, why = '') {
  assert.equal(response.status, status, `${why} ${slug}: got ${response.status} ${response.text}`);
  assert.equal(response.header('content-type'), 'application/problem+json', why);
  const problem = response.json;
  assert.equal(problem.type, problemType(slug), why);
  assert.equal(problem.status, status, why);
  assert.ok(problem.title.length > 0, why);
  assert.match(problem.request_id, /^[\x21-\x7e]+$/, why);
  return problem;
}
