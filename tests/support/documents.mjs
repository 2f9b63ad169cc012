// The examples in the documents: fenced blocks, and the marker before a block that says how it is
// tested. CONTRIBUTING.md ("Documentation") tells the convention.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { repository } from './paths.mjs';

/** What a marker may say, and the languages of the blocks before which it may say so. */
const kMarkers = {
  in: ['yaml'], // in apis.shop: the block's keys stand there
  wrong: ['yaml'], // wrong: TEXT: `check` refuses it, and says TEXT
  warns: ['yaml'], // warns: TEXT: `check` takes it, and says TEXT
  serve: ['yaml'], // the gateway runs on it while the shell blocks below are run
  file: null, // file NAME: written for the blocks below
  running: ['sh', 'console'], // running until TEXT: left running once it has printed TEXT
  needs: ['sh', 'console'], // needs PROGRAM: run where PROGRAM is installed, else counted as not run
  'not run': null, // not run: REASON
};

/** The languages that may stand without a marker, because there is nothing to run. */
const kPlain = ['text', ''];
const kShell = ['sh', 'console'];

/** 'in apis.shop; warns: TEXT' -> { in: 'apis.shop', warns: 'TEXT' } */
export function parseMarker(text) {
  const marker = {};
  for (const part of text.split(/; (?=(?:in|file|needs|running until) |(?:wrong|warns|not run): |serve$)/)) {
    const match = /^(in|file|needs|running until) (\S.*)$|^(wrong|warns|not run): (\S.*)$|^(serve)$/.exec(part.trim());
    if (!match) throw new Error(`no such marker: ${part}`);
    const name = (match[1] ?? match[3] ?? match[5]).replace(' until', '');
    if (name in marker) throw new Error(`twice in one marker: ${name}`);
    marker[name] = match[2] ?? match[4] ?? true;
  }
  return marker;
}

const kMarkerLine = /^\s*<!-- example: (.*) -->\s*$/;
const kFence = /^( *)(`{3,}|~{3,})([^\s`]*)\s*$/;

/**
 * The fenced blocks of a page: { page, line, language, text, marker }. A marker that stands before no
 * block, or that its block cannot have, is an error; so is a block of a language that needs one.
 */
export function findBlocks(text, page) {
  const blocks = [];
  const lines = text.split('\n');
  let marker = null;
  for (let i = 0; i < lines.length; i += 1) {
    const where = `${page}:${i + 1}`;
    const marked = kMarkerLine.exec(lines[i]);
    const fence = kFence.exec(lines[i]);
    if (marked) {
      if (marker) throw new Error(`${where}: two markers before one block`);
      try {
        marker = parseMarker(marked[1]);
      } catch (error) {
        throw new Error(`${where}: ${error.message}`);
      }
    } else if (fence) {
      const [, indent, ticks, language] = fence;
      const end = lines.findIndex((line, at) => at > i && line.trim() === ticks && line.startsWith(indent));
      if (end < 0) throw new Error(`${where}: the block has no end`);
      const body = lines.slice(i + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()));
      const block = { page, line: i + 1, language, text: body.map((line) => `${line}\n`).join(''), marker: marker ?? {} };
      checkMarker(block, where);
      blocks.push(block);
      marker = null;
      i = end;
    } else if (marker && lines[i].trim() !== '') {
      throw new Error(`${where}: a marker must stand right before its block`);
    } else if (/^ {4,}(?:\$|curl|openssl|bench\/|scripts\/)/.test(lines[i])) {
      throw new Error(`${where}: what is typed belongs into a block of \`\`\`sh or \`\`\`console`);
    }
  }
  if (marker) throw new Error(`${page}: a marker stands before nothing`);
  return blocks;
}

function checkMarker({ language, marker }, where) {
  for (const name of Object.keys(marker)) {
    if (kMarkers[name] && !kMarkers[name].includes(language)) throw new Error(`${where}: \`${name}\` says nothing of a block of \`\`\`${language}`);
  }
  if (marker['not run'] && Object.keys(marker).length > 1) throw new Error(`${where}: a block that is not run says nothing else`);
  if (marker.wrong && (marker.warns || marker.serve)) throw new Error(`${where}: a wrong configuration neither warns nor serves`);
  const known = ['yaml', 'json', ...kShell, ...kPlain].includes(language);
  if (!known && Object.keys(marker).length === 0) throw new Error(`${where}: \`\`\`${language} needs a marker: \`file NAME\`, or \`not run: REASON\``);
}

export const isShell = (block) => kShell.includes(block.language);

/** What a page shows, as a pattern: `…` stands for anything within a line, a line of it for any lines. */
export function toPattern(shown) {
  const escaped = shown.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = escaped.replace(/^…\n/, '(?:.*\n)*').replace(/\n…(?=\n|$)/g, '(?:\n.*)*');
  return new RegExp(`^${lines.replaceAll('…', '.*')}$`);
}

/** A console block as [{ command, shown }]: `$ ` begins a command, `> ` goes on with it. */
export function parseConsole({ page, line, text }) {
  const steps = [];
  for (const each of text.trimEnd().split('\n')) {
    const last = steps.at(-1);
    if (each.startsWith('$ ')) steps.push({ command: each.slice(2), shown: '' });
    else if (!last) throw new Error(`${page}:${line}: a block of \`\`\`console begins with \`$ \``);
    else if (each.startsWith('> ') && last.shown === '') last.command += `\n${each.slice(2)}`;
    else last.shown += `${each}\n`;
  }
  return steps;
}

/** A configuration that stands by itself, as opposed to a part of one. */
export function isWhole(block) {
  return block.language === 'yaml' && !block.marker.in && /^version:/m.test(block.text);
}

/**
 * The configuration `base` (an object) with a fragment in it. In listeners, apis and upstreams what the
 * fragment says joins what is there under the same name; anything else takes the place of what was there.
 */
export function embed(base, fragment, path) {
  const whole = structuredClone(base);
  if (path) {
    Object.assign(path.split('.').reduce((at, name) => (at[name] ??= {}), whole), fragment);
    return whole;
  }
  for (const [key, value] of Object.entries(fragment)) {
    const named = ['listeners', 'apis', 'upstreams'].includes(key);
    const plain = value === null || typeof value !== 'object' || Array.isArray(value);
    if (plain || !whole[key]) whole[key] = value;
    else if (!named) Object.assign(whole[key], value);
    else for (const [name, block] of Object.entries(value)) whole[key][name] = { ...whole[key][name], ...block };
  }
  return whole;
}

/** YAML as an object; the page and line of its block are in the error. */
export function readYaml(block) {
  try {
    return parse(block.text) ?? {};
  } catch (error) {
    throw new Error(`${block.page}:${block.line}: ${error.message}`);
  }
}

/** Every page that users or contributors read: [{ page, text }]. */
export function readPages() {
  const listed = [];
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith('.md')) listed.push(path);
    }
  };
  visit(join(repository, 'docs'));
  for (const entry of readdirSync(repository)) if (entry.endsWith('.md')) listed.push(join(repository, entry));
  return listed.sort().map((path) => ({ page: relative(repository, path), text: readFileSync(path, 'utf8') }));
}
