// A client that sends exactly the bytes it is given, and reads the answers strictly.
import net from 'node:net';
import tls from 'node:tls';
import { remember } from './cleanup.mjs';
import { ByteReader, readBody, readFields, value, values } from './bytes.mjs';
import { within } from './wait.mjs';

export class Response {
  constructor(parts) {
    Object.assign(this, parts);
  }
  header(name) {
    return value(this.fields, name);
  }
  headers(name) {
    return values(this.fields, name);
  }
  get text() {
    return this.body.toString('utf8');
  }
  get json() {
    return JSON.parse(this.text);
  }
  get problem() {
    return this.header('content-type') === 'application/problem+json' ? this.json : undefined;
  }
}

export class RawClient {
  /** `tlsOptions` (node:tls) makes it a TLS connection. Half-open: the client ends only when told. */
  static async connect(port, { host = '127.0.0.1', tlsOptions, timeout = 5000, localAddress } = {}) {
    const socket = tlsOptions
      ? tls.connect({ port, host, allowHalfOpen: true, ...tlsOptions })
      : net.connect({ port, host, allowHalfOpen: true, localAddress });
    const client = new RawClient(socket, timeout);
    await within(
      'connect',
      new Promise((resolve, reject) => {
        socket.once(tlsOptions ? 'secureConnect' : 'connect', resolve);
        socket.once('error', reject);
      }),
      timeout,
    );
    socket.setNoDelay?.(true);
    return client;
  }

  constructor(socket, timeout) {
    this.socket = socket;
    socket.once('close', remember(() => socket.destroy()));
    this.reader = new ByteReader(socket, { timeout });
  }

  /** Sends text as latin-1 bytes, or a Buffer as it is. */
  send(bytes) {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    // A gateway that has refused may have closed already: what cannot be sent is no failure here.
    return new Promise((resolve) => this.socket.write(buffer, () => resolve()));
  }

  /** One response, with the interim (1xx) ones before it. `head`: the answer to HEAD has no body. */
  async response({ head = false, interim } = {}) {
    const informational = [];
    for (;;) {
      const what = 'a response';
      const line = await this.reader.line(what);
      const match = /^HTTP\/(1\.[01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
      if (!match) throw new Error(`not a status line: ${JSON.stringify(line)}`);
      const status = Number(match[2]);
      const fields = await readFields(this.reader, what);
      const parts = { version: match[1], status, reason: match[3], fields, informational };
      if (status < 200 && status !== 101) {
        informational.push(new Response({ ...parts, body: Buffer.alloc(0), trailers: [], informational: [] }));
        if (interim?.(status) === 'stop') return informational.at(-1);
        continue;
      }
      const empty = head || status === 204 || status === 304 || status === 101;
      const { body, trailers, chunks } = empty ? { body: Buffer.alloc(0), trailers: [] } : await readBody(this.reader, fields, what, { toEnd: true });
      return new Response({ ...parts, body, trailers, chunks });
    }
  }

  /** How the connection stands after at most `quiet` ms of silence: 'closed', 'reset', 'open', or 'bytes' when something unasked came. */
  async state(quiet = 300) {
    const deadline = performance.now() + quiet;
    for (;;) {
      if (this.reader.peek().length > 0) return 'bytes';
      if (this.reader.reset) return 'reset';
      if (this.reader.ended) return 'closed';
      const left = deadline - performance.now();
      if (left <= 0) return 'open';
      await this.reader.more(left);
    }
  }

  end() {
    this.socket.end();
  }
  destroy() {
    this.socket.destroy();
  }
}

/** Sends `bytes` on a connection of its own and returns the first response; the connection is then dropped. */
export async function roundTrip(port, bytes, options = {}) {
  const client = await RawClient.connect(port, options);
  try {
    client.send(bytes);
    return await client.response(options);
  } finally {
    client.destroy();
  }
}

/**
 * Sends `bytes` and reads responses until the gateway closes or says nothing for `quiet` ms.
 * Returns { responses, state } with state 'closed', 'reset' or 'open'. `heads` tells which answers are to HEAD.
 */
export async function converse(port, bytes, { quiet = 250, first = 5000, heads = [], end = false, ...options } = {}) {
  const client = await RawClient.connect(port, options);
  const responses = [];
  try {
    client.send(bytes);
    if (end) client.end();
    for (;;) {
      const state = await client.state(responses.length === 0 ? first : quiet);
      if (state !== 'bytes') return { responses, state };
      responses.push(await client.response({ head: heads[responses.length] ?? false }));
    }
  } finally {
    client.destroy();
  }
}
