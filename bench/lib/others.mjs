// The others: a process that asks at a fixed rate, come what may, and says how it fared. Most requests go
// over connections that are kept alive, every tenth over a new one, every twentieth over a new one with TLS.
//   node others.mjs '{"port":…,"tls":…,"rate":…,"seconds":…,"path":…}'
import http from 'node:http';
import https from 'node:https';

const task = JSON.parse(process.argv[2]);
const kTimeout = 5000;
const kept = new http.Agent({ keepAlive: true, maxSockets: 64 });
const headers = { host: 'api.example.test' };
const ways = {
  kept: (done) => http.get({ host: '127.0.0.1', port: task.port, path: task.path, headers, agent: kept, timeout: kTimeout }, done),
  fresh: (done) => http.get({ host: '127.0.0.1', port: task.port, path: task.path, headers, agent: false, timeout: kTimeout }, done),
  tls: (done) => https.get({ host: '127.0.0.1', port: task.tls, path: task.path, headers, agent: false, timeout: kTimeout, rejectUnauthorized: false }, done),
};
const times = { kept: [], fresh: [], tls: [] };
const failures = {};
let pending = 0;

function ask(way) {
  const began = performance.now();
  pending += 1;
  let over = false;
  const end = (failure) => {
    if (over) return;
    over = true;
    pending -= 1;
    if (failure) failures[failure] = (failures[failure] ?? 0) + 1;
    else times[way].push(performance.now() - began);
  };
  const request = ways[way]((response) => {
    response.resume();
    response.once('end', () => end(response.statusCode === 200 ? undefined : String(response.statusCode)));
    response.once('error', (error) => end(error.code ?? error.message));
  });
  request.once('timeout', () => request.destroy(new Error('timeout')));
  request.once('error', (error) => end(error.code ?? error.message));
}

// What a slow turn of this process has put off is asked all the same.
let asked = 0;
const start = performance.now();
const timer = setInterval(() => {
  const due = Math.min(task.rate * task.seconds, Math.floor(((performance.now() - start) / 1000) * task.rate));
  for (; asked < due; asked += 1) ask(asked % 20 === 19 ? 'tls' : asked % 10 === 9 ? 'fresh' : 'kept');
  if (asked < task.rate * task.seconds || pending > 0) return;
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify({ times, failures, asked })}\n`);
  process.exit(0);
}, 1);
