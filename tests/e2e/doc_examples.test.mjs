// Every example in the documents does what the page says. CONTRIBUTING.md ("Documentation") tells how a
// block says how it is tested; tests/support/documents.mjs holds that no block is left out in silence.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeAuthority } from '../support/certificates.mjs';
import { toYaml } from '../support/config.mjs';
import { embed, findBlocks, isShell, isWhole, parseConsole, readPages, readYaml, toPattern } from '../support/documents.mjs';
import { provide } from '../support/fixtures.mjs';
import { run } from '../support/gateway.mjs';
import { Page } from '../support/page.mjs';

const authority = await makeAuthority();
after(() => authority.remove());

// What a fragment is put into when no whole configuration stands above it on its page.
const kBase = {
  version: 1,
  listeners: { public: { address: '127.0.0.1:8080' } },
  authenticators: { machine: { api_key: { keys: [{ id: 'nightly', hash: `sha256:${'0a'.repeat(32)}`, roles: ['clerk'] }] } } },
  roles: { clerk: ['listOrders', 'getOrder', 'createOrder'] },
  apis: {
    shop: {
      listeners: ['public'],
      upstream: 'shop',
      authenticate: ['machine'],
      routes: [
        { path: '/orders', methods: ['GET'], operation: 'listOrders' },
        { path: '/orders', methods: ['POST'], operation: 'createOrder' },
        { path: '/orders/{id}', methods: ['GET'], operation: 'getOrder' },
      ],
    },
  },
  upstreams: { shop: { targets: ['127.0.0.1:9000'] } },
};

const where = (block) => `${block.page}:${block.line}`;

async function check(page, block, config, text) {
  const name = 'example.yaml';
  await page.write(name, await provide(page, config, text));
  const { code, stdout, stderr } = await run(['check', '-c', name], { cwd: page.folder, env: page.env });
  const said = stdout + stderr;
  if (block.marker.wrong) {
    assert.equal(code, 2, `${where(block)} should be refused:\n${said}`);
    assert.ok(said.includes(block.marker.wrong), `${where(block)} should be refused with ${block.marker.wrong}:\n${said}`);
    return;
  }
  assert.equal(code, 0, `${where(block)} is not a configuration that works:\n${said}\n${text}`);
  if (block.marker.warns) assert.ok(said.includes(block.marker.warns), `${where(block)} should warn of ${block.marker.warns}:\n${said}`);
}

/** The gateway on the block's configuration, before upstreams that answer with what they got. */
async function serve(page, config, text) {
  const targets = Object.values(config.upstreams ?? {}).flatMap((upstream) => upstream.targets);
  await page.answerFor(targets);
  const away = targets.filter((target) => !/^(127\.0\.0\.1|\[::1\]|localhost|unix):/.test(target));
  const near = away.reduce((led, target) => led.replaceAll(target, `127.0.0.1:${target.split(':').at(-1)}`), await provide(page, config, text));
  await page.write('served.yaml', page.toReal(near));
  await page.leaveRunning('exec portcullis run -c served.yaml', '"event":"ready"');
}

async function followConsole(page, block) {
  for (const { command, shown } of parseConsole(block)) {
    const { output, code } = await page.type(command);
    if (shown) assert.match(output.trimEnd(), toPattern(shown), `${where(block)}: $ ${command}\n${output}`);
    else assert.equal(code, 0, `${where(block)}: $ ${command}\n${output}`);
  }
}

async function followShell(page, block) {
  const { output, code } = await page.type(`failed=0; trap 'failed=$?' ERR\n${block.text}trap - ERR; (exit "$failed")`);
  assert.equal(code, 0, `${where(block)}: a command failed\n${block.text}\n${output}`);
}

/** Takes the blocks of a page in order; returns those that are not run. */
async function follow(page, blocks) {
  const left = [];
  let base = kBase;
  for (const block of blocks) {
    const { marker } = block;
    if (marker['not run']) {
      left.push(block);
    } else if (marker.needs && !(await page.hasProgram(marker.needs))) {
      left.push({ ...block, marker: { 'not run': `${marker.needs} is not installed here` } });
    } else if (block.language === 'yaml') {
      const whole = isWhole(block);
      const config = whole ? readYaml(block) : embed(base, readYaml(block), marker.in);
      const text = whole ? block.text : toYaml(config);
      await check(page, block, config, text);
      if ((whole || marker.file) && !marker.wrong) base = config;
      if (whole || marker.file) await page.configure(marker.file ?? 'portcullis.yaml', page.toReal(await provide(page, config, text)));
      if (marker.serve) await serve(page, config, text);
    } else if (block.language === 'json') {
      assert.doesNotThrow(() => block.text.trim().split(/\n(?=\{)/).map((one) => JSON.parse(one)), where(block));
      if (marker.file) await page.write(marker.file, page.toReal(block.text));
    } else if (marker.file) {
      await page.write(marker.file, page.toReal(block.text));
    } else if (marker.running) {
      const commands = block.language === 'sh' ? block.text : parseConsole(block).map((step) => step.command).join('\n');
      await page.leaveRunning(commands, marker.running);
    } else if (isShell(block)) {
      await (block.language === 'sh' ? followShell : followConsole)(page, block);
    }
  }
  return left;
}

const notRun = [];
for (const { page: name, text } of readPages()) {
  if (!/^ *(```|~~~)\w/m.test(text)) continue;
  test(`the examples of ${name}`, async () => {
    const blocks = findBlocks(text, name);
    const page = await Page.open(text, authority);
    try {
      notRun.push(...(await follow(page, blocks)));
    } finally {
      await page.close();
    }
  });
}

test('what is not run says why', (t) => {
  t.diagnostic(`${notRun.length} blocks are not run`);
  for (const block of notRun) t.diagnostic(`${where(block)} (${block.language}): ${block.marker['not run']}`);
  for (const block of notRun) assert.match(block.marker['not run'], /\w+ \w+/, `${where(block)}: a reason, please`);
});
