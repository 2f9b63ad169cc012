// A page of the documents, followed as a reader would: its files are written, its commands typed, in a
// folder of its own. Ports that it names are exchanged for free ones on the way in, and back on the way out.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { remember } from './cleanup.mjs';
import { binary, requireBinary } from './paths.mjs';
import { listen, startUpstream } from './upstream.mjs';
import { eventually, within } from './wait.mjs';

const kPort = /(?:\b(?:\d+\.\d+\.\d+\.\d+|localhost|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)|\]|\*):([1-9]\d{3,4})\b/g;
const kTimeout = 30_000;

/** A free port of as many digits, so that columns stay what they are; none of `taken`. */
async function portLike(port, taken) {
  const least = Math.max(1100, 10 ** (port.length - 1));
  for (;;) {
    const candidate = String(least + Math.floor(Math.random() * (10 ** port.length - least)));
    if (Number(candidate) > 65_535 || taken.includes(candidate)) continue;
    try {
      const server = net.createServer();
      await listen(server, Number(candidate), '127.0.0.1');
      await new Promise((resolve) => server.close(resolve));
      return candidate;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
    }
  }
}

export class Page {
  #stops = [];
  #shell = null;
  #output = '';
  #running = [];

  /** `text` is the whole page; `authority` makes its certificates (see certificates.mjs). */
  static async open(text, authority) {
    const page = new Page();
    page.authority = authority;
    page.folder = await mkdtemp(join(tmpdir(), 'portcullis-page-'));
    page.ports = new Map();
    for (const [, port] of text.matchAll(kPort)) {
      if (!page.ports.has(port)) page.ports.set(port, await portLike(port, [...page.ports.values()]));
    }
    await mkdir(join(page.folder, '.bin'));
    await symlink(requireBinary(binary), join(page.folder, '.bin/portcullis'));
    // As a terminal shows it, whatever name the page uses, and trusting the page's certificates.
    await writeFile(join(page.folder, '.curlrc'), `silent\nshow-error\nnoproxy = "*"\nmax-time = 20\ncacert = "${authority.caFile}"\nconnect-to = "::127.0.0.1:"\n`);
    page.env = { ...process.env, PATH: `${page.folder}/.bin:${process.env.PATH}:/usr/sbin`, HOME: page.folder, CURL_HOME: page.folder };
    return page;
  }

  #exchange(text, pairs) {
    const map = new Map(pairs);
    return text.replace(/\d+/g, (number) => map.get(number) ?? number);
  }
  toReal(text) {
    return this.#exchange(text, this.ports);
  }
  toShown(text) {
    return this.#exchange(text, [...this.ports].map(([shown, real]) => [real, shown])).replaceAll(`${this.folder}/`, '').replaceAll(this.folder, '.');
  }

  path(name) {
    return join(this.folder, isAbsolute(name) ? `absolute${name}` : name);
  }
  has(name) {
    return existsSync(this.path(name));
  }
  async write(name, text) {
    await mkdir(dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }
  async copy(from, name) {
    await mkdir(dirname(this.path(name)), { recursive: true });
    await cp(from, this.path(name));
  }

  /** Types one command into the page's shell: { output, code }. Its variables and folder stay. */
  async type(command) {
    if (!this.#shell) this.#openShell();
    const end = `--end-${Math.random().toString(36).slice(2)}--`;
    this.#output = '';
    this.#shell.stdin.write(`{ ${this.toReal(command)}\n} 2>&1 </dev/null\nprintf '\\n${end}%s\\n' $?\n`);
    const match = await eventually(`the end of: ${command}`, () => {
      if (this.#shell.exitCode !== null) throw new Error(`the shell ended at: ${command}\n${this.#output}`);
      return new RegExp(`^([^]*)\\n${end}(\\d+)\\n`).exec(this.#output);
    }, { timeout: kTimeout });
    return { output: this.toShown(match[1].replaceAll('\r\n', '\n')), code: Number(match[2]) };
  }

  #openShell() {
    this.#shell = this.#spawn('bash', ['--noprofile', '--norc'], 'pipe');
    this.#shell.stdout.on('data', (chunk) => (this.#output += chunk));
    this.#shell.stderr.on('data', (chunk) => (this.#output += chunk));
  }

  #spawn(program, args, stdin) {
    const child = spawn(program, args, { cwd: this.folder, env: this.env, stdio: [stdin, 'pipe', 'pipe'], detached: true });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const signal = (name) => {
      try {
        process.kill(-child.pid, name); // the group: what the shell started, too
      } catch {
        // it is gone already
      }
    };
    const forget = remember(() => signal('SIGKILL'));
    this.#stops.push(async () => {
      signal('SIGTERM');
      await within('the end of what a page started', closed, 5000).catch(() => signal('SIGKILL'));
      forget();
    });
    return child;
  }

  async hasProgram(name) {
    return (await this.type(`command -v ${name} >/dev/null`)).code === 0;
  }

  /** A command in another terminal, until it has printed `text`. */
  async leaveRunning(command, text) {
    const child = this.#spawn('bash', ['--noprofile', '--norc', '-c', this.toReal(command)], 'ignore');
    const running = { command, output: '' };
    this.#running.push(running);
    child.stdout.on('data', (chunk) => (running.output += chunk));
    child.stderr.on('data', (chunk) => (running.output += chunk));
    await eventually(`${JSON.stringify(text)} from: ${command}`, () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${command}\n${running.output}`);
      return this.toShown(running.output).includes(text);
    }, { timeout: kTimeout });
  }

  /** Writes a configuration; a gateway of the page that watches it has taken it when this returns. */
  async configure(name, text) {
    const watching = this.#running.filter(({ command }) => command.includes('--watch') && command.includes(name));
    const reloads = ({ output }) => output.split('"event":"reload').length - 1;
    const before = watching.map(reloads);
    await this.write(name, text);
    for (const [i, gateway] of watching.entries()) await eventually(`a reload of ${name}`, () => reloads(gateway) > before[i], { timeout: kTimeout });
  }

  /** Answers for targets of which nobody takes care: each request comes back as JSON. */
  async answerFor(targets) {
    for (const target of targets) {
      const port = this.ports.get(target.split(':').at(-1));
      try {
        const upstream = await startUpstream(undefined, { port: Number(port) });
        this.#stops.push(() => upstream.stop());
      } catch (error) {
        if (error.code !== 'EADDRINUSE') throw error; // the page itself has started one, or two names share a port
      }
    }
  }

  /** Ends what was started, with whatever went to the background by itself and left its number here. */
  async close() {
    for (const name of await readdir(this.folder)) {
      if (!name.endsWith('.pid')) continue;
      for (const pid of (await readFile(this.path(name), 'utf8')).split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGTERM');
        } catch {
          // the page has stopped it already
        }
      }
    }
    for (const stop of this.#stops.reverse()) await stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
