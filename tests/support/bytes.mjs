// Reading HTTP/1.1 off a socket by hand, strictly: the tests must not share a parser (and its
// leniencies) with either side.
const kLine = Buffer.from('\r\n');

/** The bytes that arrive on a socket, to be taken a line or a count at a time. Bytes are latin-1 strings in lines. */
export class ByteReader {
  #chunks = [];
  #held = Buffer.alloc(0);
  #waiting = null;
  ended = false; // the peer will send no more
  reset = false; // ... because it reset the connection

  constructor(socket, { timeout = 5000 } = {}) {
    this.timeout = timeout;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
    socket.on('error', (error) => {
      this.reset ||= error.code === 'ECONNRESET';
      this.ended = true;
      this.#wake();
    });
  }

  #wake() {
    this.#waiting?.();
    this.#waiting = null;
  }

  #gather() {
    if (this.#chunks.length > 0) {
      this.#held = Buffer.concat([this.#held, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#held;
  }

  /** What has arrived and was not taken. */
  peek() {
    return this.#gather();
  }

  /** Waits until something new arrives or the stream ends; false after `timeout` ms without either. */
  async more(timeout = this.timeout) {
    if (this.#chunks.length > 0 || this.ended) return true;
    let timer;
    const arrived = new Promise((resolve) => {
      this.#waiting = () => resolve(true);
    });
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), timeout);
    });
    const outcome = await Promise.race([arrived, late]);
    clearTimeout(timer);
    return outcome;
  }

  async #need(what) {
    if (this.ended && this.#chunks.length === 0) throw new Error(`the connection ended inside ${what}: ${JSON.stringify(this.peek().toString('latin1').slice(0, 200))}`);
    if (!(await this.more())) throw new Error(`no more of ${what} within ${this.timeout} ms, have ${JSON.stringify(this.peek().toString('latin1').slice(0, 200))}`);
  }

  /** One line without its CRLF. A bare LF or CR is kept, for the caller to object to. */
  async line(what) {
    for (;;) {
      const held = this.#gather();
      const at = held.indexOf(kLine);
      if (at >= 0) {
        this.#held = held.subarray(at + 2);
        return held.toString('latin1', 0, at);
      }
      await this.#need(what);
    }
  }

  async exactly(count, what) {
    while (this.#gather().length < count) await this.#need(what);
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  /** Everything until the peer ends the stream. */
  async rest() {
    while (!this.ended) {
      this.#gather(); // what has arrived is nothing to wait for any more
      if (!(await this.more())) throw new Error(`the connection is still open after ${this.timeout} ms`);
    }
    const taken = this.#gather();
    this.#held = Buffer.alloc(0);
    return taken;
  }

  /** True when a byte is there to be read; false at a clean end. */
  async some() {
    while (this.#gather().length === 0) {
      if (this.ended) return false;
      await this.#need('a message');
    }
    return true;
  }
}

const kField = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;

/** Fields up to the empty line, as [name, value] in the order and case in which they came. */
export async function readFields(reader, what) {
  const fields = [];
  for (;;) {
    const line = await reader.line(what);
    if (line === '') return fields;
    const match = kField.exec(line);
    if (!match) throw new Error(`not a field line in ${what}: ${JSON.stringify(line)}`);
    fields.push([match[1], match[2]]);
  }
}

/** Every value of a field, in order. */
export function values(fields, name) {
  return fields.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
}

/** The single value of a field, or undefined; more than one is an error. */
export function value(fields, name) {
  const all = values(fields, name);
  if (all.length > 1) throw new Error(`${all.length} ${name} fields`);
  return all[0];
}

async function readChunked(reader, what) {
  const chunks = [];
  for (;;) {
    const line = await reader.line(`${what}: a chunk size`);
    const match = /^([0-9A-Fa-f]{1,15})(;.*)?$/.exec(line);
    if (!match) throw new Error(`${what}: not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(match[1], 16);
    if (size === 0) break;
    chunks.push(await reader.exactly(size, `${what}: a chunk`));
    if ((await reader.exactly(2, `${what}: the end of a chunk`)).toString('latin1') !== '\r\n') throw new Error(`${what}: a chunk is longer than its size`);
  }
  const trailers = await readFields(reader, `${what}: trailers`);
  return { body: Buffer.concat(chunks), trailers, chunks: chunks.length };
}

/** A body as its head frames it; `toEnd` is what a response without a length means. */
export async function readBody(reader, fields, what, { toEnd }) {
  const coding = value(fields, 'transfer-encoding');
  const length = value(fields, 'content-length');
  if (coding !== undefined && length !== undefined) throw new Error(`${what}: both lengths`);
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new Error(`${what}: transfer-encoding ${coding}`);
    return readChunked(reader, what);
  }
  if (length !== undefined) {
    if (!/^(0|[1-9][0-9]*)$/.test(length)) throw new Error(`${what}: content-length ${length}`);
    return { body: await reader.exactly(Number(length), `${what}: the body`), trailers: [] };
  }
  return { body: toEnd ? await reader.rest() : Buffer.alloc(0), trailers: [] };
}
