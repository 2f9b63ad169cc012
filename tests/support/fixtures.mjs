// The files that a configuration names, made so that it can be loaded: certificates, key sets, secrets.
import { makeKey } from './issuer.mjs';

const kSecret = 'a secret of the examples, long enough for all';
let keySet;

/** Every mapping in a configuration, with the key under which it stands. */
function* mappings(value, name = '') {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield [name, value];
  for (const [key, inner] of Object.entries(value)) yield* mappings(inner, Array.isArray(value) ? name : key);
}

function* strings(value) {
  if (typeof value === 'string') yield value;
  else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) yield* strings(inner);
}

/** Every host that a certificate should be good for. */
function hostsOf(config) {
  const hosts = Object.values(config.apis ?? {}).flatMap((api) => api?.hosts ?? []);
  return [...new Set([...hosts, 'localhost', '127.0.0.1'])];
}

/**
 * Writes beside the page's configuration what `config` (an object) names, and returns its text with
 * absolute paths led into the page's folder. Variables of the environment are set in `page.env`.
 */
export async function provide(page, config, text) {
  const files = []; // paths as they stand in the text
  // What the page has made itself stays.
  const put = async (path, content) => {
    files.push(path);
    if (!page.has(path)) await page.write(path, content);
  };
  const copy = async (path, from) => {
    files.push(path);
    if (!page.has(path)) await page.copy(from, path);
  };
  for (const [name, block] of mappings(config)) {
    if (typeof block.cert === 'string' && typeof block.key === 'string') {
      if (page.has(block.cert) && page.has(block.key)) continue;
      const issued = await page.authority.issue('example', hostsOf(config));
      await copy(block.cert, issued.cert);
      await copy(block.key, issued.key);
    }
    for (const key of ['ca', 'client_ca']) if (typeof block[key] === 'string') await copy(block[key], page.authority.caFile);
    if (typeof block.client_crl === 'string') await copy(block.client_crl, await page.authority.revocations('example.crl'));
    if (name === 'keys' && typeof block.file === 'string') {
      keySet ??= JSON.stringify({ keys: [(await makeKey()).jwk, (await makeKey('RS256')).jwk] });
      await put(block.file, keySet);
    }
    if (name === 'access' && typeof block.to === 'string' && block.to.includes('/')) await put(block.to, '');
  }
  for (const each of strings(config)) {
    for (const [, kind, what] of each.matchAll(/\$\{(env|file):([^}]+)\}/g)) {
      if (kind === 'env') page.env[what] ??= kSecret;
      else await put(what, `${kSecret}\n`);
    }
  }
  return files.filter((path) => path.startsWith('/')).reduce((led, path) => led.replaceAll(path, page.path(path)), text);
}
