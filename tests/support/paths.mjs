// Where things are. Everything can be moved by the environment; the defaults are a checkout that
// `scripts/build` has built.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const built = join(repository, 'build/release/portcullis');

export const binary = resolve(process.env.PORTCULLIS_BIN ?? built);

// What is measured in bytes of memory says nothing under a sanitizer, so it has a binary of its own.
export const releaseBinary = resolve(process.env.PORTCULLIS_RELEASE_BIN ?? process.env.PORTCULLIS_BIN ?? built);

export const deep = process.env.PORTCULLIS_DEEP === '1';

export const corpora = process.env.PORTCULLIS_CORPORA;

export function requireBinary(path = binary) {
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}: run scripts/build, or name the binary in PORTCULLIS_BIN`);
  }
  return path;
}
