// API keys of the shape that `portcullis hash key` makes, without starting it for each test.
import { createHash, randomBytes } from 'node:crypto';

/** { key, entry }: what the client sends, and what stands in the configuration. */
export function makeApiKey(id, { roles = [], ...more } = {}) {
  const key = `pc_${id}_${randomBytes(24).toString('hex')}`;
  const hash = `sha256:${createHash('sha256').update(key).digest('hex')}`;
  return { key, entry: { id, hash, roles, ...more } };
}

/** The block of an authenticator that knows these keys. */
export function keyAuthenticator(keys, header = 'x-api-key') {
  return { api_key: { header, keys: keys.map((one) => one.entry) } };
}
