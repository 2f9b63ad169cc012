// Large bodies pass through at constant memory, and a slow reader slows the writer (release binary: the
// numbers are bytes of RSS). PORTCULLIS_DEEP=1 sends 4 GiB each way; PORTCULLIS_STREAM_BYTES says otherwise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import http from 'node:http';
import net from 'node:net';
import { openConfig } from '../support/config.mjs';
import { Gateway } from '../support/gateway.mjs';
import { deep, releaseBinary } from '../support/paths.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { delay, eventually, within } from '../support/wait.mjs';

const kMiB = 1024 * 1024;
const kSize = Number(process.env.PORTCULLIS_STREAM_BYTES ?? (deep ? 4096 * kMiB : 256 * kMiB));
const kGrowth = 8 * kMiB;
const kBlock = Buffer.alloc(256 * 1024, 'portcullis');

/** Writes `size` bytes to a stream at the pace that it takes them; `onBlock` is told the bytes so far. */
async function pour(stream, size, onBlock = () => {}) {
  for (let sent = 0; sent < size; sent += kBlock.length) {
    const block = size - sent < kBlock.length ? kBlock.subarray(0, size - sent) : kBlock;
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
    onBlock(sent + block.length);
  }
}

/** The largest RSS that is seen while `work` runs. */
async function peakDuring(gateway, work) {
  let peak = 0;
  let running = true;
  const watch = (async () => {
    while (running) {
      peak = Math.max(peak, await gateway.memory());
      await delay(20);
    }
  })();
  await work;
  running = false;
  await watch;
  return peak;
}

const config = (target) => openConfig(target, { api: { body_size: '8GiB', timeout: '10m' } });

/** A gateway that has served a few requests of a few MiB, so that what it keeps for good is there already. */
async function warmGateway(target, warm) {
  const gateway = await Gateway.start(config(target), { program: releaseBinary });
  for (let i = 0; i < 3; i += 1) await warm(gateway);
  return gateway;
}

function download(gateway, path) {
  return new Promise((resolve, reject) => {
    http
      .get({ port: gateway.port, host: '127.0.0.1', path, agent: false }, (incoming) => {
        let bytes = 0;
        incoming.on('data', (chunk) => (bytes += chunk.length));
        incoming.on('end', () => resolve(bytes));
        incoming.on('error', reject);
      })
      .on('error', reject);
  });
}

function upload(gateway, size, headers) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ port: gateway.port, host: '127.0.0.1', path: '/up', method: 'PUT', headers, agent: false }, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('end', () => resolve(Number(Buffer.concat(chunks).toString())));
    });
    outgoing.on('error', reject);
    pour(outgoing, size).then(() => outgoing.end(), reject);
  });
}

const server = (incoming, response) => {
  if (incoming.method === 'GET') {
    const [, kind, size] = incoming.url.split('/');
    response.writeHead(200, kind === 'length' ? { 'content-length': Number(size) } : {});
    void pour(response, Number(size)).then(() => response.end());
    return;
  }
  let bytes = 0;
  incoming.on('data', (chunk) => (bytes += chunk.length));
  incoming.on('end', () => response.end(String(bytes)));
};

for (const kind of ['length', 'chunked']) {
  test(`${kSize / kMiB} MiB from the upstream (${kind}): RSS grows by less than 8 MiB`, { timeout: 600_000 }, async () => {
    const upstream = await startUpstream(server);
    const gateway = await warmGateway(upstream.target, (g) => download(g, `/${kind}/${4 * kMiB}`));
    const before = await gateway.memory();
    const work = download(gateway, `/${kind}/${kSize}`);
    const peak = await peakDuring(gateway, work);
    assert.equal(await work, kSize);
    assert.ok(peak - before < kGrowth, `grew by ${(peak - before) / kMiB} MiB`);
    await gateway.stop();
    await upstream.stop();
  });

  test(`${kSize / kMiB} MiB to the upstream (${kind}): RSS grows by less than 8 MiB`, { timeout: 600_000 }, async () => {
    const upstream = await startUpstream(server);
    const headers = (size) => (kind === 'length' ? { 'content-length': size } : { 'transfer-encoding': 'chunked' });
    const gateway = await warmGateway(upstream.target, (g) => upload(g, 4 * kMiB, headers(4 * kMiB)));
    const before = await gateway.memory();
    const work = upload(gateway, kSize, headers(kSize));
    const peak = await peakDuring(gateway, work);
    assert.equal(await work, kSize);
    assert.ok(peak - before < kGrowth, `grew by ${(peak - before) / kMiB} MiB`);
    await gateway.stop();
    await upstream.stop();
  });
}

test('a client that stops reading stops the upstream; when it reads again nothing is missing', { timeout: 60_000 }, async () => {
  const size = 96 * kMiB;
  let sent = 0;
  const upstream = await startUpstream((_incoming, response) => {
    response.writeHead(200, { 'content-length': size });
    void pour(response, size, (bytes) => (sent = bytes)).then(() => response.end());
  });
  const gateway = await Gateway.start(config(upstream.target), { program: releaseBinary });
  const before = await gateway.memory();
  const socket = net.connect(gateway.port, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  await eventually('the first bytes', () => sent > 0);
  socket.pause();
  // The kernel's buffers fill, then nothing moves: the same count twice, a while apart.
  let last = -1;
  await eventually('the upstream to be held back', async () => {
    const still = sent === last;
    last = sent;
    await delay(300);
    return still;
  }, { timeout: 15_000 });
  assert.ok(sent < size / 2, `the upstream could send ${sent} bytes to a client that does not read`);
  assert.ok((await gateway.memory()) - before < kGrowth);
  let got = 0;
  socket.on('data', (chunk) => (got += chunk.length));
  socket.resume();
  await within('the end of the answer', new Promise((resolve) => socket.once('end', resolve)), 30_000);
  assert.ok(got > size && got < size + 4096, `${got} bytes`);
  await gateway.stop();
  await upstream.stop();
});

test('an upstream that stops reading stops the client', { timeout: 60_000 }, async () => {
  const size = 96 * kMiB;
  let release;
  const upstream = await startUpstream((incoming, response) => {
    incoming.pause();
    let bytes = 0;
    release = () => {
      incoming.on('data', (chunk) => (bytes += chunk.length));
      incoming.on('end', () => response.end(String(bytes)));
      incoming.resume(); // 'data' alone does not undo pause()
    };
  });
  const gateway = await Gateway.start(config(upstream.target), { program: releaseBinary });
  const before = await gateway.memory();
  let sent = 0;
  const answer = new Promise((resolve, reject) => {
    const outgoing = http.request({ port: gateway.port, host: '127.0.0.1', path: '/up', method: 'PUT', headers: { 'content-length': size }, agent: false }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk) => (text += chunk));
      incoming.on('end', () => resolve(text));
    });
    outgoing.on('error', reject);
    pour(outgoing, size, (bytes) => (sent = bytes)).then(() => outgoing.end(), reject);
  });
  let last = -1;
  await eventually('the client to be held back', async () => {
    const still = sent > 0 && sent === last;
    last = sent;
    await delay(300);
    return still;
  }, { timeout: 15_000 });
  assert.ok(sent < size / 2, `the client could send ${sent} bytes to an upstream that does not read`);
  assert.ok((await gateway.memory()) - before < kGrowth);
  release();
  assert.equal(await within('the answer', answer, 30_000), String(size));
  await gateway.stop();
  await upstream.stop();
});
