// What a run is told on its command line, and where its files and ports are.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BENCH = `${ROOT}bench/`;
export const RUN = `${ROOT}build/bench`;
export const ALL_ROWS = ['1', '2', '2f', '6', '7', '7h', '8', '9'];

export const USAGE = `usage: bench/run [--rows LIST] [--rounds N] [--seconds N] [--starts N] [--json FILE]

Runs nginx, HAProxy and Portcullis (build/release/portcullis: scripts/build makes it) side by side and in turns, each
with one worker on core 0, with the load generator and the origin on core 1, and prints CPU time a request and the ratios.
scripts/install-deps --bench installs what it needs.

  --rows LIST       of ${ALL_ROWS.join(',')} (default: all)
                      1   plain proxying with request id and forwarding fields
                      2   JWT seen before, roles, limit, JSON access log
                      2f  the same, each token seen for the first time
                      6   memory of idle connections
                      7   row 1 over TLS 1.3
                      7h  new TLS 1.3 connections, a full handshake each
                      8   row 1 over HTTP/2 and TLS 1.3
                      9   start to first request
  --rounds N        how often each is measured, in turns; new servers every third (default: 15)
  --seconds N       of load each time (default: 1). Short turns and many rounds: the machine's own speed changes
  --starts N        for row 9 (default: 20)
  --json FILE       also write every measurement there
  --portcullis FILE another binary
  --quick           two rounds: to see that all of it runs
  --port N          N and the next twenty must be free (default: 28100)
  --help

example:
  bench/run --rows 1,7 --rounds 30 --json build/bench/tuesday.json
`;

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name}: expected a whole number, found "${text}"`);
  return number;
}

// The settings of a run. Throws on a mistake.
export function readSettings(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rows: { type: 'string', default: ALL_ROWS.join(',') },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      starts: { type: 'string' },
      json: { type: 'string' },
      portcullis: { type: 'string', default: `${ROOT}build/release/portcullis` },
      port: { type: 'string', default: '28100' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const rows = values.rows.split(',');
  const unknown = rows.find((row) => !ALL_ROWS.includes(row));
  if (unknown !== undefined) throw new Error(`--rows: no row "${unknown}"; there are ${ALL_ROWS.join(', ')}`);
  return {
    help: values.help,
    rows,
    rounds: wholeNumber('rounds', values.rounds ?? (values.quick ? '2' : '15')),
    seconds: wholeNumber('seconds', values.seconds ?? '1'),
    starts: wholeNumber('starts', values.starts ?? (values.quick ? '3' : '20')),
    json: values.json,
    portcullis: values.portcullis,
    port: wholeNumber('port', values.port),
  };
}

export function describeMachine() {
  const cpu = readFileSync('/proc/cpuinfo', 'utf8');
  const name = /^model name\s*:\s*(.*)$/m.exec(cpu)?.[1] ?? 'unknown';
  const cores = cpu.match(/^processor\s*:/gm)?.length ?? 0;
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return `${cores} cores of ${name}, Linux ${kernel}`;
}
