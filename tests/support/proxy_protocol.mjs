// PROXY headers by hand, for tests that must send what no balancer would.
const kSignature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export const v1 = (source, destination = '198.51.100.2', { family = 'TCP4', sourcePort = 4321, port = 443 } = {}) =>
  Buffer.from(`PROXY ${family} ${source} ${destination} ${sourcePort} ${port}\r\n`, 'latin1');

/** Version 2: `command` 1 is PROXY, 0 LOCAL; `family` 0x11 is TCP over IPv4; `length` may lie. */
export function v2(rest, { command = 1, version = 2, family = 0x11, length } = {}) {
  const head = Buffer.alloc(4);
  head[0] = (version << 4) | command;
  head[1] = family;
  head.writeUInt16BE(length ?? rest.length, 2);
  return Buffer.concat([kSignature, head, rest]);
}

const octets = (address) => Buffer.from(address.split('.').map(Number));

export function v4Ends(source, { destination = '198.51.100.2', sourcePort = 4321, port = 443 } = {}) {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(sourcePort, 0);
  ports.writeUInt16BE(port, 2);
  return Buffer.concat([octets(source), octets(destination), ports]);
}

export function tlv(type, value) {
  const head = Buffer.alloc(3);
  head[0] = type;
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

export function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The PROXY header at the front of `bytes`: { version, source, port, size }; `source` is undefined where it is nobody's. */
export function readHeader(bytes) {
  if (bytes.subarray(0, 12).equals(kSignature)) {
    const size = 16 + bytes.readUInt16BE(14);
    if ((bytes[12] & 0xf) === 0) return { version: 2, size };
    if (bytes[13] !== 0x11) throw new Error(`family ${bytes[13]}`);
    return { version: 2, source: [...bytes.subarray(16, 20)].join('.'), port: bytes.readUInt16BE(24), size };
  }
  const end = bytes.indexOf('\r\n');
  const match = /^PROXY (?:UNKNOWN|TCP[46] (\S+) (\S+) (\d+) (\d+))$/.exec(bytes.toString('latin1', 0, end));
  if (!match) throw new Error(`no PROXY header: ${JSON.stringify(bytes.toString('latin1', 0, 120))}`);
  return { version: 1, source: match[1], port: match[3] === undefined ? undefined : Number(match[3]), size: end + 2 };
}
