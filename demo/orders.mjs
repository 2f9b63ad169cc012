// The API behind the gateway in the quick start: orders in memory, and no security of its own.
// It answers with the caller that the gateway told it about (`x-user`), so that this can be seen.
//
//   PORT=9080 node demo/orders.mjs
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 9080);
const MAX_BODY_BYTES = 4096;
const MAX_ORDERS = 1000;

const orders = new Map();
let nextId = 1;
addOrder({ sku: 'tea-green-100g', quantity: 2 }, 'demo');
addOrder({ sku: 'teapot-blue', quantity: 1 }, 'demo');

function addOrder({ sku, quantity }, by) {
  const order = { id: String(nextId++), sku, quantity, by };
  orders.set(order.id, order);
  return order;
}

// What is wrong with the body of a new order, or nothing.
function findFault(body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return 'expected an object';
  const unknown = Object.keys(body).find((key) => key !== 'sku' && key !== 'quantity');
  if (unknown !== undefined) return `unknown property ${JSON.stringify(unknown)}`;
  if (typeof body.sku !== 'string' || !/^[a-z0-9-]{1,32}$/.test(body.sku))
    return 'sku: expected 1 to 32 of a-z, 0-9 and -';
  if (!Number.isInteger(body.quantity) || body.quantity < 1 || body.quantity > 100)
    return 'quantity: expected an integer from 1 to 100';
  return undefined;
}

function answer(response, status, body, headers = {}) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

// The whole body, or undefined when it is larger than we want.
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function createOrder(request, response, user) {
  const text = await readBody(request);
  if (text === undefined)
    return answer(response, 413, { error: 'body too large' }, { connection: 'close' });
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return answer(response, 400, { error: 'the body is not JSON' });
  }
  const fault = findFault(body);
  if (fault) return answer(response, 422, { error: fault });
  if (orders.size >= MAX_ORDERS) return answer(response, 409, { error: 'the store is full' });
  const order = addOrder(body, user);
  return answer(response, 201, order, { location: `/v1/orders/${order.id}` });
}

async function serve(request, response) {
  const user = request.headers['x-user'] ?? null;
  const path = request.url.split('?', 1)[0];
  if (path === '/v1/health' && request.method === 'GET') return answer(response, 200, { status: 'up' });
  if (path === '/v1/orders') {
    if (request.method === 'GET') return answer(response, 200, { user, orders: [...orders.values()] });
    if (request.method === 'POST') return createOrder(request, response, user);
    return answer(response, 405, { error: 'method not allowed' }, { allow: 'GET, POST' });
  }
  const id = /^\/v1\/orders\/([0-9]{1,9})$/.exec(path)?.[1];
  if (id !== undefined && orders.has(id)) {
    if (request.method === 'GET') return answer(response, 200, { user, order: orders.get(id) });
    if (request.method === 'DELETE') {
      orders.delete(id);
      response.writeHead(204).end();
      return undefined;
    }
    return answer(response, 405, { error: 'method not allowed' }, { allow: 'GET, DELETE' });
  }
  return answer(response, 404, { error: 'no such order' });
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});

// What is under way is finished; connections that the gateway merely keeps are closed.
function stop() {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

server.on('error', (error) => {
  console.error(`orders: ${error.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => console.error(`orders: listening on 127.0.0.1:${port}`));
