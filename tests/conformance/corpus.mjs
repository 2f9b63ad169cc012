// Corpora are found through PORTCULLIS_CORPORA; without it these runners say plainly that they were skipped.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpora } from '../support/paths.mjs';

/** The folder of a corpus, or null after a skipped test that says so. */
export function corpus(name) {
  const folder = corpora && join(corpora, name);
  if (folder && existsSync(folder)) return folder;
  test(`the corpus ${name}`, { skip: corpora ? `there is no ${folder}` : 'PORTCULLIS_CORPORA is not set' }, () => {});
  return null;
}
