// Certificates made by the openssl program, fresh for each run: authorities, what they sign, and what
// they take back.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.mjs';

async function openssl(args) {
  const { code, stderr } = await command('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

const kKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const kDay = 86_400;
// Long enough that nobody is warned of its end.
const kLifetime = 90 * kDay;

/** A moment as `openssl ca` writes it: seconds from now. */
const stamp = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');

const isAddress = (host) => /^[0-9.]+$|:/.test(host);

/** The bytes of one name of a subject alternative name, whatever they are: for names that no tool writes. */
export function rawName(tag, bytes) {
  const name = Buffer.from(bytes, 'latin1');
  return `DER:${Buffer.concat([Buffer.from([0x30, name.length + 2, tag, name.length]), name]).toString('hex')}`;
}

/**
 * An authority in a folder of its own; below `parent` (another authority), or its own root.
 *
 * issue(name, hosts, options) makes `<name>.pem` and `<name>.key` and returns { cert, key }; a host
 * that is an address goes into the certificate as one. Options: `uris`, `emails`; `usage` (of both sides
 * unless said; null for none); `authority` (it may sign); `begins` and `ends` in seconds from now; `subject`
 * (`/CN=…`); `raw`, the subject alternative name as `rawName` makes it; `chain`, files that follow the leaf.
 *
 * revocations(file, revoked, { begins, ends }) writes the list of those and returns its path.
 */
export async function makeAuthority({ name = 'Portcullis test CA', parent, ends = kLifetime } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-certificates-'));
  const at = (file) => join(folder, file);
  const config = [
    '[ca]', 'default_ca=here', '[here]', `database=${at('index')}`, `serial=${at('serial')}`, `crlnumber=${at('crlnumber')}`,
    `new_certs_dir=${folder}`, `certificate=${at('ca.pem')}`, `private_key=${at('ca.key')}`, 'default_md=sha256', 'policy=any',
    'unique_subject=no', 'copy_extensions=none', 'email_in_dn=no', '[any]', 'commonName=optional', 'organizationName=optional',
  ];
  await writeFile(at('ca.cnf'), `${config.join('\n')}\n`);
  await writeFile(at('index'), '');
  await writeFile(at('serial'), '1000\n');
  await writeFile(at('crlnumber'), '01\n');
  if (parent) {
    const own = await parent.issue(`ca-${name.replace(/\W/g, '-')}`, [], { authority: true, usage: null, ends, subject: `/CN=${name}` });
    await writeFile(at('ca.pem'), await readFile(own.cert));
    await writeFile(at('ca.key'), await readFile(own.key));
  } else {
    await openssl(['req', '-x509', ...kKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', String(Math.ceil(ends / kDay)), '-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
  }
  let serial = 0x1000;
  let last = Promise.resolve();
  // The books of an authority are files: one entry after the other.
  const oneByOne = (work) => (...args) => (last = last.catch(() => {}).then(() => work(...args)));
  return {
    folder,
    caFile: at('ca.pem'),
    ca: await readFile(at('ca.pem')),
    issue: oneByOne(async (leaf, hosts = [], { uris = [], emails = [], usage = 'serverAuth,clientAuth', authority = false, begins = -3600, ends: until = kLifetime, subject = `/CN=${leaf}`, raw, chain = [] } = {}) => {
      const names = [...hosts.map((host) => (isAddress(host) ? `IP:${host}` : `DNS:${host}`)), ...uris.map((uri) => `URI:${uri}`), ...emails.map((email) => `email:${email}`)];
      const extensions = [authority ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign' : 'basicConstraints=CA:FALSE'];
      if (raw ?? names.length > 0) extensions.push(`subjectAltName=${raw ?? names.join(',')}`);
      if (usage) extensions.push(`extendedKeyUsage=${usage}`);
      await writeFile(at(`${leaf}.ext`), `${extensions.join('\n')}\n`);
      await openssl(['req', ...kKey, '-keyout', at(`${leaf}.key`), '-out', at(`${leaf}.csr`), '-subj', subject]);
      await openssl(['ca', '-batch', '-notext', '-config', at('ca.cnf'), '-in', at(`${leaf}.csr`), '-out', at(`${leaf}.pem`), '-extfile', at(`${leaf}.ext`), '-startdate', stamp(begins), '-enddate', stamp(until)]);
      const made = { cert: at(`${leaf}.pem`), key: at(`${leaf}.key`) };
      // Not enumerable, so that what is returned can stand in a configuration as it is.
      Object.defineProperty(made, 'serial', { value: (serial++).toString(16).toUpperCase() });
      for (const file of chain) await writeFile(made.cert, Buffer.concat([await readFile(made.cert), await readFile(file)]));
      return made;
    }),
    revocations: oneByOne(async (file, revoked = [], { begins = -60, ends: until = kLifetime } = {}) => {
      const gone = revoked.map(({ serial: number }) => `R\t${stamp(kLifetime).slice(2)}\t${stamp(-30).slice(2)}\t${number}\tunknown\t/CN=gone\n`);
      const kept = await readFile(at('index'));
      await writeFile(at('index'), gone.join(''));
      await openssl(['ca', '-gencrl', '-config', at('ca.cnf'), '-out', at(file), '-crl_lastupdate', stamp(begins), '-crl_nextupdate', stamp(until)]);
      await writeFile(at('index'), kept);
      return at(file);
    }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A certificate that has signed itself. */
export async function selfSigned(folder, name, extension) {
  const made = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  await openssl(['req', '-x509', ...kKey, '-keyout', made.key, '-out', made.cert, '-days', '90', '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', extension]);
  return made;
}

/** What node:tls wants of a client that shows `made`. */
export async function shown(made) {
  return { cert: await readFile(made.cert), key: await readFile(made.key) };
}
