// The configurations of docs/guide-npm-git.md, as the tests run them: nothing is changed but addresses and files.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBlocks, isWhole, readYaml } from '../support/documents.mjs';
import { repository } from '../support/paths.mjs';

/**
 * The one whose API is called `api`, listening on free ports and with `target` for its upstream. A certificate
 * ({ cert, key }) takes the place of the listeners' own; without one they do without TLS.
 */
export async function guideConfig(api, target, { certificate } = {}) {
  const page = 'docs/guide-npm-git.md';
  const blocks = findBlocks(await readFile(join(repository, page), 'utf8'), page);
  const found = blocks.filter(isWhole).map(readYaml).filter((config) => config.apis[api]);
  if (found.length !== 1) throw new Error(`${found.length} configurations of ${page} have the API ${api}`);
  const [config] = found;
  for (const listener of Object.values(config.listeners)) {
    listener.address = '127.0.0.1:0';
    if (certificate && listener.tls) listener.tls.certificates = [certificate];
    else delete listener.tls;
  }
  for (const upstream of Object.values(config.upstreams)) upstream.targets = [target];
  return config;
}
