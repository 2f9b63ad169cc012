// The real servers that stand behind the gateway, each with a folder of its own and on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remember } from '../support/cleanup.mjs';
import { command } from '../support/command.mjs';
import { repository } from '../support/paths.mjs';
import { freePort } from '../support/upstream.mjs';
import { eventually, within } from '../support/wait.mjs';

const kModules = join(repository, 'tests/real/node_modules');

/** A folder for the time of the test; nginx's workers may be another user, so anyone may look into it. */
export async function temporaryFolder(name) {
  const folder = await mkdtemp(join(tmpdir(), `portcullis-real-${name}-`));
  await chmod(folder, 0o755);
  return folder;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Runs a server until `stop`. Ready is when its port takes connections. */
async function start(program, args, { port, folder, env = {} }) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-20_000)));
  const ended = once(child, 'exit');
  ended.then(remember(() => child.kill('SIGKILL')), () => {});
  await eventually(
    `${program} on its port`,
    () => {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${output}`);
      return accepts(port);
    },
    { timeout: 60_000, every: 50 },
  );
  return {
    port,
    folder,
    target: `127.0.0.1:${port}`,
    get output() {
      return output;
    },
    async stop() {
      child.kill('SIGTERM');
      await within(`the exit of ${program}`, ended, 20_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the machine's npm is set to; the tests are not told where its registry is. */
async function npmSetting(name) {
  const { stdout } = await command('npm', ['config', 'get', name], { timeout: 60_000 });
  const value = stdout.trim();
  return value === 'null' || value === 'undefined' ? undefined : value;
}

/** A Verdaccio of our own before the registry that this machine's npm uses. Anyone reads, users publish. */
export async function startVerdaccio() {
  const [folder, port, registry, proxy, ca] = await Promise.all([temporaryFolder('verdaccio'), freePort(), npmSetting('registry'), npmSetting('https-proxy'), npmSetting('cafile')]);
  const config = {
    storage: join(folder, 'storage'),
    ...(proxy ? { https_proxy: proxy } : {}),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: { upstream: { url: registry, timeout: '60s', maxage: '1d', max_fails: 100 } },
    packages: {
      '@here/*': { access: '$all', publish: '$authenticated', unpublish: '$authenticated' },
      '**': { access: '$all', publish: '$authenticated', unpublish: '$authenticated', proxy: 'upstream' },
    },
    web: { enable: false },
    log: { type: 'stdout', format: 'json', level: 'warn' },
  };
  const file = join(folder, 'verdaccio.yaml'); // JSON is YAML
  await writeFile(file, JSON.stringify(config));
  const program = join(kModules, 'verdaccio/bin/verdaccio');
  return start(process.execPath, [program, '--config', file, '--listen', `127.0.0.1:${port}`], { port, folder, env: ca ? { NODE_EXTRA_CA_CERTS: ca } : {} });
}

/** json-server with `data` (an object of lists). */
export async function startJsonServer(data) {
  const [folder, port] = await Promise.all([temporaryFolder('json-server'), freePort()]);
  const file = join(folder, 'db.json');
  await writeFile(file, JSON.stringify(data));
  return start(process.execPath, [join(kModules, 'json-server/lib/cli/bin.js'), '--quiet', '--host', '127.0.0.1', '--port', String(port), file], { port, folder });
}

/** lighttpd on `root`, with `more` lines of configuration. */
export async function startLighttpd(more, { folder }) {
  const port = await freePort();
  await mkdir(join(folder, 'uploads'), { recursive: true });
  const file = join(folder, 'lighttpd.conf');
  await writeFile(
    file,
    `server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${folder}"
server.upload-dirs = ("${join(folder, 'uploads')}")
${more}`,
  );
  return start('/usr/sbin/lighttpd', ['-D', '-f', file], { port, folder });
}

/** nginx with `server` as the inside of its only server block. */
export async function startNginx(server, { folder }) {
  const port = await freePort();
  const at = (name) => join(folder, name);
  await writeFile(
    at('nginx.conf'),
    `daemon off;
pid ${at('nginx.pid')};
error_log stderr warn;
worker_processes 1;
events {}
http {
  access_log off;
  types { text/plain txt; application/json json; }
  default_type application/octet-stream;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${at(name)};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
${server}
  }
}
`,
  );
  return start('/usr/sbin/nginx', ['-e', 'stderr', '-p', folder, '-c', at('nginx.conf')], { port, folder });
}
