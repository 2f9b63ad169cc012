// Starts and stops the servers under test, and reads what they cost from /proc.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { RUN } from './settings.mjs';

export const GATEWAY_CORE = 0;
export const LOAD_CORE = 1;
const TICKS_PER_SECOND = 100; // USER_HZ, on every Linux

const running = new Set();

// The fields of /proc/PID/stat from the state on (the third of proc(5)), or undefined when it has gone.
function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

// A process and all below it.
export function processTree(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) && readStat(name)?.[1];
    if (!parent) continue;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(name);
  }
  const tree = [];
  const left = [String(pid)];
  while (left.length > 0) {
    const next = left.pop();
    tree.push(next);
    left.push(...(children.get(next) ?? []));
  }
  return tree;
}

// CPU seconds that these processes have used, all of their threads included.
export function cpuSeconds(pids) {
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const stat = readStat(pid);
    if (!stat) continue;
    user += Number(stat[11]);
    system += Number(stat[12]);
  }
  return { user: user / TICKS_PER_SECOND, system: system / TICKS_PER_SECOND };
}

// Seconds that a core has worked for anybody.
export function coreBusySeconds(core) {
  const line = readFileSync('/proc/stat', 'utf8').split('\n').find((each) => each.startsWith(`cpu${core} `));
  const [user, nice, system, , , irq, softirq] = line.split(' ').slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

// Bytes in memory: all of it (RSS), and what is the process's own (anonymous pages: heap and stacks).
// The rest are pages of files, whose number has nothing to do with connections.
export function memoryOf(pids) {
  let rss = 0;
  let own = 0;
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    rss += 1024 * Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    own += 1024 * Number(/^Anonymous:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }
  return { rss, own };
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => socket.destroy() && resolve(true));
    socket.once('error', () => resolve(false));
  });
}

// What is measured goes before the rest of the machine where that is allowed, all of it alike. The
// scheduler weighs whole sessions ("autogroups"), so `child` must be the first of its own.
export function putFirst(child) {
  try {
    writeFileSync(`/proc/${child.pid}/autogroup`, '-15');
  } catch {
    // Not root, or no such thing here: the others disturb us more, and all targets alike.
  }
}

// Where the server on that port writes.
export const outputOf = (port) => `${RUN}/${port}.log`;
const errorsOf = (port) => `${RUN}/${port}.err`;

// `command` is [program, arguments…].
function launch(command, port, core) {
  const log = openSync(outputOf(port), 'a');
  const errors = openSync(errorsOf(port), 'w');
  const child = spawn('taskset', ['-c', String(core), ...command], { stdio: ['ignore', log, errors], detached: true });
  closeSync(log);
  closeSync(errors);
  child.once('error', () => {});
  child.gone = new Promise((resolve) => child.once('close', resolve));
  running.add(child);
  putFirst(child);
  return child;
}

// Starts a server and waits until `port` accepts connections.
export async function start(command, port, core) {
  if (await accepts(port)) throw new Error(`something listens on port ${port} already`);
  const child = launch(command, port, core);
  for (let tries = 0; tries < 500; ++tries) {
    if (child.exitCode !== null || child.pid === undefined) break;
    if (await accepts(port)) return child;
    await sleep(20);
  }
  await stop(child);
  throw new Error(`${command.join(' ')} did not start:\n${readFileSync(errorsOf(port), 'utf8')}`);
}

function signal(pid, name) {
  try {
    process.kill(Number(pid), name);
  } catch {
    // It has gone by itself.
  }
}

export async function stop(child) {
  if (child.pid === undefined) return;
  const tree = processTree(child.pid);
  if (child.exitCode === null) signal(child.pid, 'SIGTERM');
  await Promise.race([child.gone, sleep(2000)]);
  for (const pid of tree) signal(pid, 'SIGKILL');
  await child.gone;
  running.delete(child);
}

export async function stopAll() {
  await Promise.all([...running].map(stop));
}
