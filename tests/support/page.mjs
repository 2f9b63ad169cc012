// A page of the documents, followed as a reader would: its files are written, its commands typed, in a
// folder of its own. Ports that it names are exchanged for free ones on the way in, and back on the way out.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { remember } from './cleanup.mjs';
import { binary, requireBinary } from './paths.mjs';
import { startUpstream, freePort } from './upstream.mjs';
import { eventually, within } from './wait.mjs';

const kPort = /(?:\b(?:\d+\.\d+\.\d+\.\d+|localhost|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)|\]|\*):([1-9]\d{2,4})\b/g;
const kTimeout = 30_000;

export class Page {
  #stops = [];
  #shell = null;
  #output = '';

  /** `text` is the whole page; `authority` makes its certificates (see certificates.mjs). */
  static async open(text, authority) {
    const page = new Page();
    page.authority = authority;
    page.folder = await mkdtemp(join(tmpdir(), 'portcullis-page-'));
    page.ports = new Map();
    for (const [, port] of text.matchAll(kPort)) {
      if (!page.ports.has(port)) page.ports.set(port, String(await freePort()));
    }
    await mkdir(join(page.folder, '.bin'));
    await symlink(requireBinary(binary), join(page.folder, '.bin/portcullis'));
    // As a terminal shows it, whatever name the page uses, and trusting the page's certificates.
    await writeFile(join(page.folder, '.curlrc'), `silent\nshow-error\nnoproxy = "*"\nmax-time = 20\ncacert = "${authority.caFile}"\nconnect-to = "::127.0.0.1:"\n`);
    page.env = { ...process.env, PATH: `${page.folder}/.bin:${process.env.PATH}`, HOME: page.folder, CURL_HOME: page.folder };
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

  /** A command in another terminal, until it has printed `text`. */
  async leaveRunning(command, text) {
    const child = this.#spawn('bash', ['--noprofile', '--norc', '-c', this.toReal(command)], 'ignore');
    const running = { output: '' };
    child.stdout.on('data', (chunk) => (running.output += chunk));
    child.stderr.on('data', (chunk) => (running.output += chunk));
    await eventually(`${JSON.stringify(text)} from: ${command}`, () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${command}\n${running.output}`);
      return this.toShown(running.output).includes(text);
    }, { timeout: kTimeout });
    return running;
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

  async close() {
    for (const stop of this.#stops.reverse()) await stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
