// Starts a server and prints how many milliseconds passed from exec to its first 200. A process of
// its own, so that it can be put before the rest of the machine together with the server.
//
//   node first-answer.mjs '{"command":["nginx",…],"port":28101,"request":"GET / HTTP/1.1…"}'
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { command, port, request, core } = JSON.parse(process.argv[2]);
const PATIENCE_MS = 10_000;

// The first 12 characters of the answer, or nothing.
function ask() {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => socket.write(request));
    socket.once('data', (piece) => {
      resolve(piece.toString('latin1').slice(0, 12));
      socket.destroy();
    });
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(''));
  });
}

async function waitForFirst200(server, began) {
  for (;;) {
    const answer = await ask();
    const took = Number(process.hrtime.bigint() - began) / 1e6;
    if (answer === 'HTTP/1.1 200') return took;
    if (answer !== '' || server.exitCode !== null || took > PATIENCE_MS)
      throw new Error(`no 200 from ${command.join(' ')}: ${answer || 'no answer'}`);
  }
}

// A shell waits to become the server, so that to fork this large process is not measured.
const shell = ['sh', '-c', 'read -r go; exec "$@"', 'sh'];
const server = spawn('taskset', ['-c', String(core), ...shell, ...command], { stdio: ['pipe', 'ignore', 'ignore'] });
await ask(); // nor this program's own first time
await sleep(200);
const began = process.hrtime.bigint();
server.stdin.write('go\n');
const gone = new Promise((resolve) => server.once('close', resolve));
try {
  const took = await waitForFirst200(server, began);
  process.stdout.write(`${took}\n`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  const giveUp = setTimeout(() => server.kill('SIGKILL'), 3000);
  server.kill('SIGTERM');
  await gone;
  clearTimeout(giveUp);
}
