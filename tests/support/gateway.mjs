// The gateway under test: a real process with a configuration file of its own, its logs collected,
// stopped at the end and held to a clean exit.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { remember } from './cleanup.mjs';
import { toYaml } from './config.mjs';
import { binary, requireBinary } from './paths.mjs';
import { eventually, within } from './wait.mjs';

const kSanitizerReport = /ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error: /;

export class Gateway {
  #exit = null;
  events = []; // the log, as objects
  access = []; // the access log, as objects, where it goes to stdout
  output = ''; // stdout as it is
  errors = ''; // stderr as it is
  listeners = {}; // name -> port

  /**
   * Starts the gateway on `config` (an object, or YAML text) and waits until it is ready.
   * `files` (name -> content) are written beside the configuration first.
   */
  static async start(config, { env = {}, files = {}, program = binary, ready = true } = {}) {
    const gateway = new Gateway();
    gateway.folder = await mkdtemp(join(tmpdir(), 'portcullis-test-'));
    gateway.file = join(gateway.folder, 'portcullis.yaml');
    for (const [name, content] of Object.entries(files)) await writeFile(join(gateway.folder, name), content);
    await gateway.configure(config);
    gateway.#spawn(requireBinary(program), env);
    if (ready) await gateway.event('ready', 20_000);
    return gateway;
  }

  #spawn(program, env) {
    this.process = spawn(program, ['run', '-c', this.file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve({ code, signal }));
    });
    const forget = remember(() => this.process.kill('SIGKILL'));
    this.process.once('close', (code, signal) => {
      this.exited = { code, signal };
      forget();
    });
    createInterface({ input: this.process.stderr }).on('line', (line) => {
      this.errors += `${line}\n`;
      const event = parse(line);
      if (!event) return;
      this.events.push(event);
      if (event.event === 'listening') this.listeners[event.listener] = Number(event.address.slice(event.address.lastIndexOf(':') + 1));
    });
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.output += `${line}\n`;
      const entry = parse(line);
      if (entry) this.access.push(entry);
    });
  }

  get port() {
    return this.listeners.public;
  }
  get admin() {
    return this.listeners.admin;
  }
  get pid() {
    return this.process.pid;
  }

  /** Writes the configuration file; a running gateway takes it at the next reload. */
  configure(config) {
    return writeFile(this.file, toYaml(config));
  }

  /** The first event of that name from `from` on (an index into `events`). */
  event(name, timeout = 5000, from = 0) {
    return eventually(
      `event ${name}`,
      () => {
        const found = this.events.slice(from).find((e) => e.event === name);
        if (!found && this.exited) throw new Error(`the gateway ended (${JSON.stringify(this.exited)}) before event ${name}:\n${this.errors.slice(-4000)}`);
        return found;
      },
      { timeout },
    );
  }

  /** SIGHUP, and what came of it: the `reloaded` or `reload_refused` event. */
  async reload(config) {
    if (config !== undefined) await this.configure(config);
    const from = this.events.length;
    this.process.kill('SIGHUP');
    return eventually('an answer to SIGHUP', () => this.events.slice(from).find((e) => e.event === 'reloaded' || e.event === 'reload_refused'), { timeout: 10_000 });
  }

  /** The access log's entry of a request, found by its id or by a predicate. */
  entry(which) {
    const matches = typeof which === 'string' ? (e) => e.request_id === which : which;
    return eventually('an access log entry', () => this.access.find(matches));
  }

  /** Resident memory in bytes. */
  async memory() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024;
  }

  signal(name) {
    this.process.kill(name);
  }

  exit(timeout = 20_000) {
    return within('the exit of the gateway', this.#exit, timeout);
  }

  /** SIGTERM, a clean exit, and nothing that a sanitizer objects to. */
  async stop({ clean = true } = {}) {
    try {
      if (!this.exited) this.process.kill('SIGTERM');
      let outcome;
      try {
        outcome = await this.exit();
      } catch (error) {
        this.process.kill('SIGKILL');
        await this.#exit;
        throw error;
      }
      assert.doesNotMatch(this.errors, kSanitizerReport);
      if (clean) assert.deepEqual(outcome, { code: 0, signal: null }, this.errors.slice(-4000));
      return outcome;
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // a sanitizer's report is not JSON; stop() looks at the whole text
  }
}

/** Runs a subcommand to its end: { code, stdout, stderr }. */
export function run(args, { env = {}, cwd, input, program = binary, timeout = 30_000 } = {}) {
  const child = spawn(requireBinary(program), args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const done = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (kSanitizerReport.test(stderr)) reject(new Error(stderr));
      else resolve({ code, signal, stdout, stderr });
    });
  });
  return within(`portcullis ${args.join(' ')}`, done, timeout);
}
