// Portcullis, ajv and Blaze on the same order and schema, in turns, medians of many.
//
//   scripts/build release bench_micro
//   npm install --prefix build/bench/schema ajv @sourcemeta/jsonschema
//   node bench/schema/compare.mjs
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = join(root, 'bench/schema');
const peers = join(root, 'build/bench/schema');
const binary = process.env.BENCH_MICRO ?? join(root, 'build/release/bench/micro/bench_micro');
const kRounds = 9;

const text = readFileSync(join(here, 'order.json'), 'utf8');
const require = createRequire(join(peers, 'package.json'));
const Ajv = require('ajv/dist/2020').default;
const validate = new Ajv().compile(JSON.parse(readFileSync(join(here, 'order.schema.json'), 'utf8')));
if (!validate(JSON.parse(text))) throw new Error('ajv refuses the order');

function nanoseconds(work) {
  const kTimes = 100_000;
  const start = process.hrtime.bigint();
  for (let i = 0; i < kTimes; i += 1) work();
  return Number(process.hrtime.bigint() - start) / kTimes;
}

function portcullis() {
  const args = ['--benchmark_filter=^schema_', '--benchmark_format=json', '--benchmark_min_time=0.1'];
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Object.fromEntries(JSON.parse(stdout).benchmarks.map((row) => [row.name.replace('schema_', ''), row.real_time]));
}

// It prints, for a file, what one validation of the parsed document took.
function blaze() {
  const args = ['validate', join(here, 'order.schema.json'), join(here, 'order.json'), '--fast', '--benchmark', '--loop', '100000'];
  const { status, stdout, stderr } = spawnSync(join(peers, 'node_modules/.bin/jsonschema'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr || stdout);
  const found = /([\d.]+)\s*(?:\+-|±)\s*[\d.]+\s*us/.exec(stdout + stderr);
  if (found === null) throw new Error(`jsonschema says nothing that is understood: ${stdout}`);
  return Number(found[1]) * 1000;
}

const rows = new Map();
const note = (name, value) => rows.set(name, [...(rows.get(name) ?? []), value]);
for (let round = 0; round < kRounds; round += 1) {
  const parsed = JSON.parse(text);
  note('ajv: validate', nanoseconds(() => validate(parsed)));
  note('ajv: JSON.parse and validate', nanoseconds(() => validate(JSON.parse(text))));
  note('Blaze: validate', blaze());
  const ours = portcullis();
  note('Portcullis: check', ours.check);
  note('Portcullis: read', ours.read);
  note('Portcullis: read and check', ours.read_and_check);
}
console.log(`${Buffer.byteLength(text.trim())} bytes; ns a document, median of ${kRounds} (least, most)`);
for (const [name, values] of rows) {
  values.sort((a, b) => a - b);
  const [least, most] = [values[0], values.at(-1)].map(Math.round);
  console.log(`${name.padEnd(30)} ${String(Math.round(values[kRounds >> 1])).padStart(6)}  (${least}, ${most})`);
}
