// REST over a database: json-server, and what the client of PostgREST sends. Queries of odd form arrive as they
// were sent; a series of changes has the same answers through the gateway as without it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PostgrestClient } from '@supabase/postgrest-js';
import { request } from '../support/client.mjs';
import { Gateway } from '../support/gateway.mjs';
import { startUpstream } from '../support/upstream.mjs';
import { assertSame, endToEnd } from './compare.mjs';
import { guideConfig } from './guide.mjs';
import { startJsonServer } from './servers.mjs';

const data = () => ({
  authors: [
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Grace & Co.' },
  ],
  books: Array.from({ length: 100 }, (_, i) => ({ id: i + 1, authorId: 1 + (i % 2), title: `Book ${i} – ü`, price: i, tags: ['a', `t${i % 3}`], shelf: { row: i % 5 } })),
});

let alone, server, gateway;

before(async () => {
  [alone, server] = await Promise.all([startJsonServer(data()), startJsonServer(data())]);
  gateway = await Gateway.start(await guideConfig('tables', server.target));
});

after(async () => {
  await gateway?.stop();
  await Promise.all([alone?.stop(), server?.stop()]);
});

test('queries', async () => {
  for (const query of [
    '',
    '?_page=2&_limit=7',
    '?_start=20&_end=30&_sort=shelf.row,price&_order=desc,asc',
    '?price_gte=10&price_lte=20&id_ne=12',
    '?title_like=Book%20[12]\\d',
    '?title_like=%5EBook%201(0|1)%20',
    '?q=%C3%BC&_limit=1',
    '?shelf.row=3&authorId=1&authorId=2',
    '?_expand=author&id=5&id=6',
    '?callback=a.b&_limit=1',
    '?select=*,author(name)&id=eq.5&or=(price.eq.1,price.eq.2)',
    '?id=in.(1,2,"3,4")&order=price.desc.nullslast&limit=5',
    '?title=fts(english).ada&data->>name=eq.x',
    '?&&a&=b&=',
  ]) {
    // json-server answers queries that it does not know by ignoring them, or with an empty list.
    await assertSame(server, gateway, `/books${query}`.replaceAll('"', '%22').replaceAll('>', '%3E'));
  }
  await assertSame(server, gateway, '/books/7');
  await assertSame(server, gateway, '/nothing');
});

test('conditional and compressed', async () => {
  const whole = await assertSame(server, gateway, '/books', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(whole.header('content-encoding'), 'gzip');
  const again = await assertSame(server, gateway, '/books', { headers: { 'if-none-match': whole.header('etag'), 'accept-encoding': 'gzip' } });
  assert.equal(again.status, 304);
  await assertSame(server, gateway, '/books?_page=3', { method: 'HEAD' });
});

test('a series of changes has the same answers on both', async () => {
  const host = `127.0.0.1:${gateway.port}`;
  const json = { 'content-type': 'application/json' };
  for (const [method, path, body, headers = json] of [
    ['POST', '/books', '{"title":"new","price":1}'],
    ['POST', '/books', '{"title":"new",'],
    ['POST', '/books', 'title=form&price=2', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['PUT', '/books/101', '{"title":"other"}'],
    ['PATCH', '/books/101', '{"price":7.50}'],
    ['PATCH', '/books/999', '{"price":7}'],
    ['PATCH', '/books/1', '{"title":"in pieces"}', { ...json, 'transfer-encoding': 'chunked' }],
    ['DELETE', '/books/2', undefined, {}],
    ['DELETE', '/books/2', undefined, {}],
    ['DELETE', '/authors/1', undefined, {}],
    ['GET', '/books', undefined, {}],
    ['GET', '/authors', undefined, {}],
  ]) {
    const options = { method, body, headers: { ...headers, host } };
    const [there, here] = [await request(alone.port, path, options), await request(gateway.port, path, options)];
    const why = `${method} ${path} ${body}`;
    assert.equal(here.status, there.status, why);
    // An error of json-server's parser shows lines of its own source, which are the same.
    assert.equal(here.text, there.text, why);
    assert.deepEqual(endToEnd(here), endToEnd(there), why);
  }
});

test('what the client of PostgREST sends arrives as it sends it, and its counts come back', async () => {
  const arrived = [];
  const server = await startUpstream((incoming, response, record) => {
    arrived.push({ method: incoming.method, url: incoming.url, body: record.body, fields: Object.fromEntries(['accept', 'prefer', 'range', 'range-unit', 'content-type', 'content-profile', 'accept-profile'].map((name) => [name, incoming.headers[name]])) });
    response.writeHead(206, { 'content-type': 'application/json; charset=utf-8', 'content-range': '0-1/37', 'preference-applied': 'count=exact' });
    response.end(incoming.method === 'HEAD' ? undefined : '[{"id":1},{"id":2}]');
  });
  const behind = await Gateway.start(await guideConfig('tables', server.target));
  try {
    const both = [];
    for (const port of [server.port, behind.port]) {
      arrived.length = 0;
      const db = new PostgrestClient(`http://127.0.0.1:${port}`, { schema: 'shop' });
      const answers = [
        await db.from('books').select('id,title,author:authors!inner(name)', { count: 'exact' }).or('price.eq.1,and(price.gt.5,price.lt.9)').order('price', { ascending: false, nullsFirst: false }).range(0, 1),
        await db.from('books').select('*', { count: 'planned', head: true }).in('title', ['a,b', 'c"d', '(e)', 'ü & ö']),
        await db.from('books').select('data->>name, shelf').contains('tags', ['a', 'b']).textSearch('title', "'fat' & 'cat'", { config: 'english' }).is('deleted', null),
        await db.from('books').insert([{ title: 'new' }, { title: 'newer', price: 2 }], { count: 'exact', defaultToNull: false }).select(),
        await db.from('books').upsert({ id: 1, title: 'x' }, { onConflict: 'id,title', ignoreDuplicates: true }),
        await db.from('books').update({ price: 3 }).eq('id', 5).not('title', 'like', '%a_b%').select('id'),
        await db.from('books').delete({ count: 'exact' }).lt('price', 0.5).filter('shelf->row', 'in', '(1,2)'),
        await db.from('books').select().limit(1).maybeSingle(),
        await db.from('books').select().csv(),
      ];
      both.push({ arrived: arrived.slice(), answers: answers.map(({ status, count, data, error }) => ({ status, count, data, error })) });
    }
    const [there, here] = both;
    assert.equal(there.arrived.length, 9);
    assert.deepEqual(here, there);
    assert.equal(here.answers[0].count, 37);
    assert.equal(here.answers[0].status, 206);
  } finally {
    await behind.stop();
    await server.stop();
  }
});
