// Holds the sources to layers.txt: which folder of src/ may include which, and who owns a third-party header.
//
//   node scripts/check-layers.mjs      prints what breaks the rules; exits with 1 when something does
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

// layers.txt as { folders: Map(name -> Set of names), headers: [{ prefix, owners }] }. Throws on a
// line that breaks its own rule: a folder may only name folders declared above it.
export function parseLayers(text) {
  const folders = new Map();
  const headers = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '') continue;
    const match = /^(?:(header)\s+)?(\S+):\s*(.*)$/.exec(line);
    if (match === null) throw new Error(`layers.txt:${index + 1}: not "folder: folders": ${line}`);
    const [, kind, name, rest] = match;
    const named = rest.split(/\s+/).filter(Boolean);
    if (kind === 'header') {
      headers.push({ prefix: name, owners: new Set(named) });
      continue;
    }
    if (folders.has(name)) throw new Error(`layers.txt:${index + 1}: ${name} is declared twice`);
    for (const other of named)
      if (!folders.has(other))
        throw new Error(`layers.txt:${index + 1}: ${name} names ${other}, which is not above it`);
    folders.set(name, new Set(named));
  }
  return { folders, headers };
}

function* listSources(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listSources(path);
    else if (/\.(h|cc)$/.test(entry.name)) yield path;
  }
}

// The includes of a source, as [{ line, quoted, path }].
function* listIncludes(text) {
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(line);
    if (match) yield { line: index + 1, quoted: match[1] === '"', path: match[2] };
  }
}

// What is wrong with one include of a file in `folder` of src/, or nothing.
function findFault(layers, folder, include) {
  if (include.quoted) {
    const target = include.path.split('/')[0];
    if (target === include.path) return `"${include.path}" does not name its folder`;
    if (target === folder) return undefined;
    if (!layers.folders.has(target)) return `"${include.path}": ${target} is not in layers.txt`;
    if (!layers.folders.get(folder).has(target)) return `${folder} may not include ${target} ("${include.path}")`;
    return undefined;
  }
  return findForeignFault(layers, folder, include);
}

function findForeignFault(layers, folder, include) {
  const rule = layers.headers.find(({ prefix }) => include.path.startsWith(prefix));
  if (rule === undefined || rule.owners.has(folder)) return undefined;
  return `<${include.path}> belongs to ${[...rule.owners].join(' and ')}`;
}

// Everything that breaks the rules below `root`, as "file:line: what". src/main.cc alone may include anything.
export function checkLayers(root) {
  const layers = parseLayers(readFileSync(join(root, 'layers.txt'), 'utf8'));
  const faults = [];
  const inspect = (path, find) => {
    for (const include of listIncludes(readFileSync(path, 'utf8'))) {
      const fault = find(include);
      if (fault) faults.push(`${relative(root, path)}:${include.line}: ${fault}`);
    }
  };
  for (const path of listSources(join(root, 'src'))) {
    const [folder, file] = relative(join(root, 'src'), path).split('/');
    if (file === undefined) {
      if (folder !== 'main.cc') faults.push(`${relative(root, path)}: stands in no folder of src/`);
    } else if (!layers.folders.has(folder)) {
      faults.push(`${relative(root, path)}: ${folder} is not in layers.txt`);
    } else {
      inspect(path, (include) => findFault(layers, folder, include));
    }
  }
  for (const outside of ['bench', 'fuzz'])
    for (const path of listSources(join(root, outside)))
      inspect(path, (include) => (include.quoted ? undefined : findForeignFault(layers, outside, include)));
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkLayers(fileURLToPath(new URL('..', import.meta.url)));
  for (const fault of faults) console.error(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
