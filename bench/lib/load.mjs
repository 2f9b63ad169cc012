// One measurement of each kind: under load, of idle connections, of a start.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

import * as processes from './processes.mjs';
import { BENCH, RUN } from './settings.mjs';

const PATH = '/v1/orders/42?x=1';
const PROBER = `${BENCH}lib/first-answer.mjs`;
const NAME = 'api.example.test';
const HEAD = `GET ${PATH} HTTP/1.1\r\nhost: ${NAME}\r\nuser-agent: bench/1.0\r\naccept: application/json\r\n\r\n`;

// Standard output of a command that runs to its end.
async function runOnLoadCore(command, environment) {
  const child = spawn('taskset', ['-c', String(processes.LOAD_CORE), ...command], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  processes.putFirst(child);
  const gone = new Promise((resolve) => child.once('close', resolve));
  let stdout = '';
  for await (const piece of child.stdout) stdout += piece;
  const code = await gone;
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
  return stdout;
}

// wrk: one thread, 64 connections kept alive.
async function wrk(target, seconds) {
  const url = `${target.tls ? 'https' : 'http'}://127.0.0.1:${target.port}${PATH}`;
  const script = `${RUN}/conf/wrk/load.lua`;
  const stdout = await runOnLoadCore(['wrk', '-t1', '-c64', `-d${seconds}s`, '-s', script, url], {
    ...target.load,
    SKIP: String(target.done ?? 0), // so that a token is not seen again soon
  });
  const line = /^JSON (.*)$/m.exec(stdout);
  if (!line) throw new Error(`wrk said: ${stdout}`);
  return JSON.parse(line[1]);
}

// openssl s_time: one new TLS connection after another, each with a full handshake and nothing else.
async function handshakes(target, seconds) {
  const server = `127.0.0.1:${target.port}`;
  const stdout = await runOnLoadCore(['openssl', 's_time', '-connect', server, '-new', '-tls1_3', '-time', String(seconds)], {});
  const count = Number(/^(\d+) connections in \d+ real seconds/m.exec(stdout)?.[1]);
  if (!count) throw new Error(`openssl s_time said: ${stdout}`);
  return { requests: count, micros: seconds * 1e6, p50: undefined, p99: undefined, refused: 0, broken: 0 };
}

// h2load: 16 connections of 32 streams each.
async function h2load(target, seconds) {
  const log = `${RUN}/h2load.log`;
  rmSync(log, { force: true });
  const url = `https://${NAME}:${target.port}${PATH}`;
  const fields = ['user-agent: bench/1.0', 'accept: application/json'].flatMap((field) => ['-H', field]);
  const where = `--connect-to=127.0.0.1:${target.port}`;
  const stdout = await runOnLoadCore(['h2load', '-t1', '-c16', '-m32', `-D${seconds}`, `--log-file=${log}`, where, ...fields, url], {});
  const started = Number(/^requests: (\d+) total/m.exec(stdout)?.[1]);
  const good = Number(/^status codes: (\d+) 2xx/m.exec(stdout)?.[1]);
  if (!good || !/^Application protocol: h2$/m.test(stdout)) throw new Error(`h2load said: ${stdout}`);
  // Start, status and time of each, in microseconds.
  const times = readFileSync(log, 'latin1').trimEnd().split('\n').map((line) => Number(line.split('\t')[2])).sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)];
  return { requests: good, micros: seconds * 1e6, p50: at(0.5), p99: at(0.99), refused: started - good, broken: 0 };
}

// The status of one plain request with these fields.
export function statusOf(port, headers) {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path: PATH, agent: false, timeout: 5000 };
    const request = httpRequest({ ...options, headers: { host: 'api.example.test', ...headers } }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    request.once('error', reject);
    request.once('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.end();
  });
}

// Loads a server that runs: target is { server, port, tls, load }.
export async function measureLoad(target, seconds) {
  const pids = processes.processTree(target.server.pid);
  const [cpu0, busy0, at0] = [processes.cpuSeconds(pids), processes.coreBusySeconds(0), process.hrtime.bigint()];
  const generate = target.load.handshakes ? handshakes : target.load.h2 ? h2load : wrk;
  const result = await generate(target, seconds).catch((error) => {
    const { exitCode, signalCode } = target.server;
    const ended = exitCode ?? signalCode;
    throw ended === null ? error : new Error(`${target.name} ended by itself (${ended}) under load`);
  });
  const [cpu1, busy1, at1] = [processes.cpuSeconds(pids), processes.coreBusySeconds(0), process.hrtime.bigint()];
  truncateSync(processes.outputOf(target.port));
  if (result.refused + result.broken > 0)
    throw new Error(`${target.name}: ${result.refused} requests refused and ${result.broken} broken`);
  target.done = (target.done ?? 0) + result.requests;
  const [user, system] = [cpu1.user - cpu0.user, cpu1.system - cpu0.system];
  const wall = Number(at1 - at0) / 1e9;
  return {
    cpu: ((user + system) / result.requests) * 1e6,
    user: (user / result.requests) * 1e6,
    system: (system / result.requests) * 1e6,
    rate: result.requests / (result.micros / 1e6),
    p50: result.p50,
    p99: result.p99,
    share: (user + system) / wall, // of its core that the server used
    others: Math.max(0, busy1 - busy0 - user - system) / wall, // of its core that somebody else used
  };
}

// As many as browsers offer. A server keeps the list for as long as the connection, 16 bytes for each of them (OpenSSL),
// and Node by itself offers four times as many.
const CIPHERS = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDSA-AES128-GCM-SHA256', 'RSA-AES128-GCM-SHA256', 'ECDSA-AES256-GCM-SHA384'].map((name) => `ECDHE-${name}`),
  ...['RSA-AES256-GCM-SHA384', 'ECDSA-CHACHA20-POLY1305', 'RSA-CHACHA20-POLY1305'].map((name) => `ECDHE-${name}`),
  ...['ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES256-SHA', 'AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA'],
].join(':');

const http2Frame = (type, flags, stream, payload) => Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
const literal = (index, text) => Buffer.concat([Buffer.from([index, text.length]), Buffer.from(text)]);
// The preface, and the same request as HEAD: fields by their index in HPACK's static table, values as they are.
const HTTP2_HEAD = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  http2Frame(4, 0, 0, Buffer.alloc(0)),
  http2Frame(1, 5, 1, Buffer.concat([Buffer.from([0x82, 0x87]), literal(0x04, PATH), literal(0x41, NAME), literal(0x7a, 'bench/1.0'), literal(0x53, 'application/json')])),
]);
const SETTINGS_ACK = http2Frame(4, 1, 0, Buffer.alloc(0));

// A connection of HTTP/2 with one request done on it.
function openHttp2(target) {
  return new Promise((resolve, reject) => {
    const options = { port: target.port, host: '127.0.0.1', rejectUnauthorized: false, servername: NAME, ciphers: CIPHERS };
    const socket = connectTls({ ...options, ALPNProtocols: ['h2'] });
    let bytes = Buffer.alloc(0);
    socket.once('secureConnect', () => socket.write(HTTP2_HEAD));
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const [type, flags] = [bytes[3], bytes[4]];
        bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
        if (type === 4 && flags === 0) socket.write(SETTINGS_ACK);
        if (type === 3 || type === 7) reject(new Error(`HTTP/2 frame of type ${type}`));
        if (type !== 0 || (flags & 1) === 0) continue;
        socket.removeAllListeners('data').resume();
        resolve(socket);
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before an answer')));
  });
}

// A connection with one request done on it.
function openOne(target) {
  if (target.http2) return openHttp2(target);
  return new Promise((resolve, reject) => {
    const socket = target.tls
      ? connectTls({ port: target.port, host: '127.0.0.1', rejectUnauthorized: false, servername: NAME, ciphers: CIPHERS })
      : connectTcp({ port: target.port, host: '127.0.0.1' });
    let text = '';
    socket.setEncoding('latin1');
    socket.once(target.tls ? 'secureConnect' : 'connect', () => socket.write(HEAD));
    socket.on('data', (piece) => {
      text += piece;
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
      if (end < 0 || text.length < end + 4 + length) return;
      socket.removeAllListeners('data');
      if (text.startsWith('HTTP/1.1 200 ')) resolve(socket);
      else reject(new Error(text.slice(0, 40)));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before an answer')));
  });
}

// Adds to `sockets` until there are `count`, 32 at a time.
async function openUpTo(sockets, count, target) {
  const worker = async () => {
    while (sockets.length < count) {
      const place = sockets.length;
      sockets.push(undefined);
      sockets[place] = await openOne(target);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

// Bytes for each of `counts` idle connections beyond the first hundred, which warm the server up.
export async function measureIdle(target, counts) {
  const server = await processes.start(target.command, target.port, processes.GATEWAY_CORE);
  const sockets = [];
  try {
    const pids = processes.processTree(server.pid);
    await openUpTo(sockets, 100, target);
    await sleep(500);
    const before = processes.memoryOf(pids);
    const result = { base: before.rss, perConnection: [] };
    for (const count of counts) {
      await openUpTo(sockets, count + 100, target);
      await sleep(2500); // by then they are idle to everybody
      const now = processes.memoryOf(pids);
      result.perConnection.push({ count, own: (now.own - before.own) / count, rss: (now.rss - before.rss) / count });
    }
    return result;
  } finally {
    for (const socket of sockets) {
      socket?.on('error', () => {});
      if (target.tls) socket?.destroy();
      else socket?.resetAndDestroy(); // leaves no port in TIME_WAIT
    }
    await processes.stop(server);
  }
}

// Milliseconds from exec to the first 200.
export async function measureStart(target) {
  const head = HEAD.replace(PATH, target.path ?? PATH);
  const request = head.replace('\r\n\r\n', `\r\n${target.fields ?? ''}connection: close\r\n\r\n`);
  const task = { command: target.command, port: target.port, request, core: processes.GATEWAY_CORE };
  return Number(await runOnLoadCore(['node', PROBER, JSON.stringify(task)], {}));
}
