// Measures what others notice while somebody attacks from one address: how many of their requests succeed, how
// long they take, and what memory the gateway needs. Before each attack the same is measured while a busy loop
// burns what the attacker may have of the machine.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { attacks } from './lib/attackers.mjs';
import { prepare } from './lib/material.mjs';
import * as processes from './lib/processes.mjs';
import { BENCH, ROOT, RUN, describeMachine } from './lib/settings.mjs';

const LEAST_SUCCESS = 0.999;
const MOST_RATIO = 5;
const ATTACKER = '127.0.0.66';
const WARM_UP = 1000; // milliseconds, until an attack is under way
// With a third core the attacker has it to itself; with two it shares that of the load, as the busy loop does.
const ATTACK_CORE = availableParallelism() > 2 ? 2 : processes.LOAD_CORE;

const USAGE = `usage: bench/attack [--attacks LIST] [--seconds N] [--rate N] [--ceiling SIZE] [--json FILE] [--list]

Attacks Portcullis (build/release/portcullis), with one worker on core 0, from one address, and measures the requests of others,
who come from another at a fixed rate from core 1. The attacker has core 2 for itself, or on two cores shares core 1 with
them. Before each attack a busy loop in its place gives the baseline. Ends with 1 when anything was beyond what the
design asks for: ${LEAST_SUCCESS * 100} % of others' requests succeed, their p99 is under ${MOST_RATIO} times the baseline's,
and memory is under its ceiling.

  --attacks LIST    of those that --list prints, by commas (default: all)
  --seconds N       of each measurement (default: 10)
  --rate N          requests of others in a second (default: 400)
  --ceiling SIZE    memory.ceiling (default: 256MiB)
  --bans            with bans; without them (the default) the attacker may go on for ever
  --json FILE       also write every measurement there
  --portcullis FILE another binary
  --port N          N and the next twenty must be free (default: 28200)
  --list
  --help
`;

function configure(ports, settings) {
  const text = `version: 1
workers: 1
drain_timeout: 1s
memory: { ceiling: ${settings.ceiling} }
${settings.bans ? 'bans: { counters: { malformed: 100/1m, rate_limited: 1000/1m, handshakes: 100/1m, slow: 100/1m, http2: 20/1m, connections: 1000/1m } }' : ''}
listeners:
  clear: { address: "127.0.0.1:${ports.clear}" }
  secure: { address: "127.0.0.1:${ports.secure}", tls: { certificates: [{ cert: ${RUN}/tls.pem, key: ${RUN}/tls.key }] } }
limits:
  flood: { key: client.address, rate: 2000/s }
apis:
  orders:
    listeners: [clear, secure]
    upstream: origin
    authenticate: none
    limits: [flood]
    routes:
      - { path: "/v1/orders/{id}", methods: [GET, POST], operation: getOrder }
upstreams:
  origin: { targets: ["127.0.0.1:${ports.origin}"] }
log: { access: off }
`;
  const file = `${RUN}/attacked.yaml`;
  writeFileSync(file, text);
  return file;
}

function startOn(core, script, task) {
  const child = spawn('taskset', ['-c', String(core), 'node', `${BENCH}lib/${script}`, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  child.gone = new Promise((resolve) => child.once('close', resolve));
  return child;
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

// The others, while `name` goes on ('nothing': the busy loop).
async function measure(gateway, ports, name, { seconds, rate }) {
  const attacker = startOn(ATTACK_CORE, 'attackers.mjs', { name, port: ports.clear, tls: ports.secure, address: ATTACKER });
  try {
    await sleep(WARM_UP);
    const others = startOn(processes.LOAD_CORE, 'others.mjs', { port: ports.clear, tls: ports.secure, rate, seconds, path: '/v1/orders/42?x=1' });
    const pids = processes.processTree(gateway.pid);
    const cpu = processes.cpuSeconds(pids);
    let memory = 0;
    const look = setInterval(() => (memory = Math.max(memory, processes.memoryOf(pids).rss)), 100);
    let text = '';
    for await (const piece of others.stdout) text += piece;
    await others.gone;
    clearInterval(look);
    if (gateway.exitCode !== null || gateway.signalCode !== null) throw new Error(`the gateway ended during "${name}"`);
    const { times, failures, asked } = JSON.parse(text);
    const all = Object.values(times).flat().sort((a, b) => a - b);
    const after = processes.cpuSeconds(pids);
    return {
      success: all.length / asked,
      p50: percentile(all, 0.5),
      p99: percentile(all, 0.99),
      failures,
      memory,
      share: (after.user + after.system - cpu.user - cpu.system) / seconds,
    };
  } finally {
    for (const pid of processes.processTree(attacker.pid)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has gone by itself.
      }
    }
    await attacker.gone;
  }
}

function bytesOf(size) {
  const found = /^(\d+)(KiB|MiB|GiB)$/.exec(size);
  if (!found) throw new Error(`--ceiling: expected a size such as 256MiB, found "${size}"`);
  return Number(found[1]) * { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[found[2]];
}

function judge(quiet, attacked, ceiling) {
  const faults = [];
  if (attacked.success < LEAST_SUCCESS) faults.push(`${JSON.stringify(attacked.failures)}`);
  if (!(attacked.p99 < MOST_RATIO * quiet.p99)) faults.push('slow');
  if (attacked.memory >= ceiling) faults.push('memory');
  return faults;
}

function row(name, quiet, attacked, faults) {
  const columns = [
    name.padEnd(22),
    `${(attacked.success * 100).toFixed(2)} %`.padStart(9),
    quiet.p99.toFixed(1).padStart(8),
    attacked.p99.toFixed(1).padStart(8),
    (attacked.p99 / quiet.p99).toFixed(1).padStart(6),
    (attacked.memory / 1024 ** 2).toFixed(0).padStart(7),
    `${(attacked.share * 100).toFixed(0)} %`.padStart(6),
  ];
  return `${columns.join(' ')}  ${faults.length === 0 ? 'good' : faults.join(', ')}`;
}

async function run(settings) {
  const { ports: all } = prepare(settings);
  const origin = all['nginx/origin.conf'];
  const free = Math.max(...Object.values(all));
  const ports = { origin, clear: free + 1, secure: free + 2 };
  await processes.start(['nginx', '-p', RUN, '-c', `${RUN}/conf/nginx/origin.conf`], origin, processes.LOAD_CORE);
  const command = [settings.portcullis, 'run', '-c', configure(ports, settings)];
  const ceiling = bytesOf(settings.ceiling);
  const raw = { machine: describeMachine(), at: new Date().toISOString(), settings, attacks: {} };
  process.stdout.write(`${raw.machine}\n\n`);
  process.stdout.write('attack                   success  quiet ms  p99 ms  ratio  memory    CPU\n');
  let bad = 0;
  for (const name of settings.attacks) {
    // Each meets a gateway that knows nothing of the one before.
    const gateway = await processes.start(command, ports.clear, processes.GATEWAY_CORE);
    const quiet = await measure(gateway, ports, 'nothing', settings);
    const attacked = await measure(gateway, ports, name, settings);
    await processes.stop(gateway);
    const faults = judge(quiet, attacked, ceiling);
    bad += Number(faults.length > 0);
    raw.attacks[name] = { quiet, attacked, faults };
    process.stdout.write(`${row(name, quiet, attacked, faults)}\n`);
  }
  if (settings.json) writeFileSync(settings.json, `${JSON.stringify(raw, null, 1)}\n`);
  return bad === 0 ? 0 : 1;
}

function readSettings(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      attacks: { type: 'string', default: Object.keys(attacks).join(',') },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '400' },
      ceiling: { type: 'string', default: '256MiB' },
      bans: { type: 'boolean', default: false },
      json: { type: 'string' },
      portcullis: { type: 'string', default: `${ROOT}build/release/portcullis` },
      port: { type: 'string', default: '28200' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const chosen = values.attacks.split(',');
  const unknown = chosen.find((name) => !(name in attacks));
  if (unknown !== undefined) throw new Error(`--attacks: no attack "${unknown}"; --list names them`);
  const number = (name) => {
    const found = Number(values[name]);
    if (!Number.isInteger(found) || found < 1) throw new Error(`--${name}: expected a whole number, found "${values[name]}"`);
    return found;
  };
  return { ...values, attacks: chosen, seconds: number('seconds'), rate: number('rate'), port: number('port') };
}

async function main() {
  const settings = readSettings(process.argv.slice(2));
  if (settings.help) return process.stdout.write(USAGE);
  if (settings.list) return process.stdout.write(`${Object.keys(attacks).join('\n')}\n`);
  if (!existsSync(settings.portcullis)) throw new Error(`no ${settings.portcullis}: scripts/build makes it`);
  const stopOn = (signal) => process.once(signal, () => processes.stopAll().finally(() => process.exit(130)));
  stopOn('SIGINT');
  stopOn('SIGTERM');
  try {
    process.exitCode = await run(settings);
  } finally {
    await processes.stopAll();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench/attack: ${error.message}\n`);
  process.exitCode = 3;
}
