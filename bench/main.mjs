// Runs the comparison: every target of a row in turns, round after round, so that whatever else the
// machine does falls on all of them alike.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';

import { measureIdle, measureLoad, measureStart } from './lib/load.mjs';
import { copyQuickStart, prepare } from './lib/material.mjs';
import * as processes from './lib/processes.mjs';
import { reportIdle, reportLoad, reportStart } from './lib/report.mjs';
import { idleTargets, loadRows, startTargets } from './lib/rows.mjs';
import { RUN, USAGE, describeMachine, readSettings } from './lib/settings.mjs';

const note = (text) => process.stderr.write(`${text}\n`);

// Targets in order, and backwards every other round: nobody is always the first.
function inTurn(targets, round) {
  return round % 2 === 0 ? targets : targets.toReversed();
}

// One run was a third dearer than the next of the same build. In case that belongs to a start of a server, a
// row has several.
const ROUNDS_PER_START = 3;

async function startAll(targets) {
  for (const target of targets) {
    target.server = await processes.start(target.command, target.port, processes.GATEWAY_CORE);
    await target.prove(target);
    await measureLoad(target, 1); // warms up
  }
}

async function stopAll(targets) {
  for (const target of targets) await processes.stop(target.server);
}

// All servers of a row run at once, and each is loaded in its turn.
async function runLoad(row, { rounds, seconds }) {
  const results = [];
  for (let round = 0; round < rounds; ++round) {
    if (round % ROUNDS_PER_START === 0) {
      if (round > 0) await stopAll(row.targets);
      await startAll(row.targets);
    }
    const result = {};
    for (const target of inTurn(row.targets, round)) result[target.name] = await measureLoad(target, seconds);
    results.push(result);
    const costs = row.targets.map(({ name }) => `${name} ${result[name].cpu.toFixed(1)}`);
    note(`row ${row.id}, round ${round + 1} of ${rounds}, µs a request: ${costs.join('; ')}`);
  }
  await stopAll(row.targets);
  return results;
}

async function collect(targets, rounds, measure) {
  const results = Object.fromEntries(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; ++round) {
    for (const target of inTurn(targets, round)) results[target.name].push(await measure(target));
  }
  return results;
}

function checkTools(settings) {
  for (const tool of ['nginx', 'haproxy', 'wrk', 'taskset', 'openssl']) {
    try {
      execFileSync('bash', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    } catch {
      throw new Error(`${tool} is missing: scripts/install-deps --bench installs it`);
    }
  }
  if (!existsSync(settings.portcullis)) throw new Error(`no ${settings.portcullis}: scripts/build makes it`);
}

async function measureAll(settings) {
  const report = [];
  const raw = { machine: describeMachine(), at: new Date().toISOString(), settings };
  const { ports, tokens } = prepare(settings);
  const origin = ['nginx', '-p', RUN, '-c', `${RUN}/conf/nginx/origin.conf`];
  await processes.start(origin, ports['nginx/origin.conf'], processes.LOAD_CORE);
  for (const row of loadRows(settings, ports, tokens)) {
    if (!settings.rows.includes(row.id)) continue;
    raw[row.id] = await runLoad(row, settings);
    report.push(reportLoad(row, raw[row.id]));
  }
  if (settings.rows.includes('6')) {
    note('row 6');
    const targets = idleTargets(settings, ports);
    raw['6'] = await collect(targets, Math.min(settings.rounds, 3), (target) => measureIdle(target, target.counts));
    report.push(reportIdle(targets, raw['6']));
  }
  if (settings.rows.includes('9')) {
    note('row 9');
    const targets = startTargets(settings, ports, copyQuickStart(ports));
    raw['9'] = await collect(targets, settings.starts, measureStart);
    report.push(reportStart(targets, raw['9']));
  }
  return { report, raw };
}

async function main() {
  const settings = readSettings(process.argv.slice(2));
  if (settings.help) return process.stdout.write(USAGE);
  checkTools(settings);
  const stopOn = (signal) => process.once(signal, () => processes.stopAll().finally(() => process.exit(130)));
  stopOn('SIGINT');
  stopOn('SIGTERM');
  try {
    const { report, raw } = await measureAll(settings);
    process.stdout.write(`${raw.machine}\n\n${report.join('\n\n')}\n`);
    if (settings.json) writeFileSync(settings.json, `${JSON.stringify(raw, null, 1)}\n`);
  } finally {
    await processes.stopAll();
  }
}

try {
  await main();
} catch (error) {
  note(`bench/run: ${error.message}`);
  process.exitCode = 3;
}
