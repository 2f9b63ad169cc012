// HPACK by hand (RFC 7541): an encoder that writes whatever it is told, also what is wrong, and a decoder that
// takes nothing that is.

/** RFC 7541 Appendix A; index 1 is at 0. */
export const kStaticTable = [
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'], [':scheme', 'http'],
  [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'], [':status', '304'], [':status', '400'],
  [':status', '404'], [':status', '500'], ['accept-charset', ''], ['accept-encoding', 'gzip, deflate'], ['accept-language', ''],
  ['accept-ranges', ''], ['accept', ''], ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''],
  ['cache-control', ''], ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
  ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''], ['expect', ''],
  ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''], ['if-none-match', ''], ['if-range', ''],
  ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''], ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''],
  ['proxy-authorization', ''], ['range', ''], ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
  ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''], ['www-authenticate', ''],
];

// RFC 7541 Appendix B. The code is canonical (shorter first, then by symbol), so the lengths say it all; the
// last symbol is EOS.
const kLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const kEos = 256;

const kCodes = new Array(kLengths.length); // symbol -> code
const kSymbols = new Map(); // length and code -> symbol
{
  const order = [...kLengths.keys()].sort((a, b) => kLengths[a] - kLengths[b] || a - b);
  let code = 0;
  let length = kLengths[order[0]];
  for (const symbol of order) {
    code *= 2 ** (kLengths[symbol] - length);
    length = kLengths[symbol];
    kCodes[symbol] = code;
    kSymbols.set(length * 2 ** 32 + code, symbol);
    code += 1;
  }
}

const latin1 = (text) => (Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'));

/** Huffman coding of octets (5.2). `padding` is the bit that fills the last octet; `symbols` are those to code (256 is EOS). */
export function huffman(text, { padding = 1, symbols = [...latin1(text)] } = {}) {
  const bits = symbols.map((symbol) => kCodes[symbol].toString(2).padStart(kLengths[symbol], '0')).join('');
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, String(padding));
  return Buffer.from(whole.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? []);
}

export const huffmanWithEos = (text) => huffman('', { symbols: [...latin1(text), kEos] });

function unhuffman(octets) {
  const out = [];
  let [code, length] = [0, 0];
  let ones = true;
  for (const octet of octets) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      const one = (octet >> bit) & 1;
      code = code * 2 + one;
      length += 1;
      ones &&= one === 1;
      const symbol = kSymbols.get(length * 2 ** 32 + code);
      if (symbol === undefined) continue;
      if (symbol === kEos) throw new Error('HPACK: EOS in a string');
      out.push(symbol);
      [code, length, ones] = [0, 0, true];
    }
  }
  if (length > 7 || !ones) throw new Error('HPACK: bad padding');
  return Buffer.from(out);
}

/** An integer (5.1) whose prefix has `prefix` bits; `first` holds the bits before them. */
export function integer(value, prefix, first = 0) {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.from([first | value]);
  const octets = [first | most];
  let rest = BigInt(value) - BigInt(most);
  while (rest >= 128n) {
    octets.push(Number(rest % 128n) | 128);
    rest /= 128n;
  }
  return Buffer.from([...octets, Number(rest)]);
}

/** A string (5.2); `coded` are octets that are said to be Huffman-coded. */
export function string(text, { coded } = {}) {
  const octets = coded === undefined ? latin1(text) : coded === true ? huffman(text) : coded;
  return Buffer.concat([integer(octets.length, 7, coded === undefined || coded === false ? 0 : 0x80), octets]);
}

/** 6.1 */
export const indexed = (index) => integer(index, 7, 0x80);

const kForms = { incremental: [6, 0x40], without: [4, 0x00], never: [4, 0x10] };

/** 6.2.1 to 6.2.3: `name` is a string, or an index; `form` incremental, without or never. */
export function literal(name, value, { form = 'without', coded } = {}) {
  const [prefix, first] = kForms[form];
  const text = (part) => string(part, { coded: coded || undefined });
  return Buffer.concat(typeof name === 'number' ? [integer(name, prefix, first), text(value)] : [integer(0, prefix, first), text(name), text(value)]);
}

/** 6.3 */
export const sizeUpdate = (size) => integer(size, 5, 0x20);

/** Fields as literals that touch no table. */
export const encode = (fields, options) => Buffer.concat(fields.map((field) => (Buffer.isBuffer(field) ? field : literal(field[0], field[1], options))));

export class HpackDecoder {
  #table = [];
  #size = 0;
  #maximum;

  /** `limit` is what SETTINGS_HEADER_TABLE_SIZE permits the peer. */
  constructor(limit = 4096) {
    this.limit = limit;
    this.#maximum = limit;
  }

  get size() {
    return this.#size;
  }

  /** The dynamic table, newest first: the entry at 0 has index 62. */
  get entries() {
    return [...this.#table];
  }

  #evict(room) {
    while (this.#size > room) {
      const [name, value] = this.#table.pop();
      this.#size -= name.length + value.length + 32;
    }
  }

  #add(name, value) {
    const size = name.length + value.length + 32;
    this.#evict(Math.max(0, this.#maximum - size));
    if (size > this.#maximum) return;
    this.#table.unshift([name, value]);
    this.#size += size;
  }

  #at(index) {
    const entry = index <= kStaticTable.length ? kStaticTable[index - 1] : this.#table[index - kStaticTable.length - 1];
    if (!entry) throw new Error(`HPACK: index ${index}`);
    return entry;
  }

  /** A header block, whole: [[name, value], …] in latin-1; throws where RFC 7541 calls for an error. */
  decode(block) {
    let at = 0;
    const octet = () => {
      if (at >= block.length) throw new Error('HPACK: the block ends inside a field');
      return block[at++];
    };
    const number = (prefix, first) => {
      const most = 2 ** prefix - 1;
      let value = first & most;
      if (value < most) return value;
      for (let shift = 0; ; shift += 7) {
        if (shift > 28) throw new Error('HPACK: an integer too large');
        const next = octet();
        value += (next & 127) * 2 ** shift;
        if (next < 128) return value;
      }
    };
    const text = () => {
      const first = octet();
      const length = number(7, first);
      if (at + length > block.length) throw new Error('HPACK: a string longer than the block');
      const octets = block.subarray(at, at + length);
      at += length;
      return (first & 0x80 ? unhuffman(octets) : octets).toString('latin1');
    };
    const fields = [];
    while (at < block.length) {
      const first = octet();
      if (first & 0x80) {
        fields.push([...this.#at(number(7, first))]);
      } else if ((first & 0xe0) === 0x20) {
        const size = number(5, first);
        if (fields.length > 0) throw new Error('HPACK: a size update after a field (4.2)');
        if (size > this.limit) throw new Error(`HPACK: a table of ${size} octets, ${this.limit} are permitted`);
        this.#maximum = size;
        this.#evict(size);
      } else {
        const incremental = (first & 0x40) !== 0;
        const index = number(incremental ? 6 : 4, first);
        const name = index === 0 ? text() : this.#at(index)[0];
        const value = text();
        fields.push([name, value]);
        if (incremental) this.#add(name, value);
      }
    }
    return fields;
  }
}
