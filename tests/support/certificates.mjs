// Certificates made by the openssl program, fresh for each run: a CA and leaves that it signs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.mjs';

async function openssl(args) {
  const { code, stderr } = await command('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

const kKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/**
 * A CA in a temporary folder. `issue(name, hosts)` makes `<name>.pem` and `<name>.key` there and
 * returns their paths; a host that is an address goes into the certificate as one.
 */
export async function makeAuthority() {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-certificates-'));
  const at = (name) => join(folder, name);
  await openssl(['req', '-x509', ...kKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=Portcullis test CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
  return {
    folder,
    caFile: at('ca.pem'),
    ca: await readFile(at('ca.pem')),
    async issue(name, hosts) {
      const names = hosts.map((host) => (/^[0-9.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
      await writeFile(at(`${name}.ext`), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`);
      await openssl(['req', ...kKey, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`]);
      await openssl(['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`)]);
      return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
