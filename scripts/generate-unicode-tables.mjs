// Writes src/schema/unicode_tables.inc from the Unicode Character Database (Debian's package unicode-data):
//   node scripts/generate-unicode-tables.mjs [/usr/share/unicode] >src/schema/unicode_tables.inc
// The result is committed; only a new version of Unicode needs this again.
import { readFileSync } from 'node:fs';

const folder = process.argv[2] ?? '/usr/share/unicode';
const kLast = 0x10ffff;

// Lines `0041..005A ; Value`, comments left out, as [first, last, value].
function rows(name) {
  const found = [];
  for (const line of readFileSync(`${folder}/${name}`, 'utf8').split('\n')) {
    const [span, value] = line.split('#')[0].split(';').map((part) => part.trim());
    if (!value) continue;
    const [first, last] = span.split('..').map((hex) => parseInt(hex, 16));
    found.push([first, last ?? first, value]);
  }
  return found;
}

// value -> sorted ranges, adjacent ones joined.
function grouped(list) {
  const groups = new Map();
  for (const [first, last, value] of list) {
    if (!groups.has(value)) groups.set(value, []);
    groups.get(value).push([first, last]);
  }
  for (const [value, ranges] of groups) groups.set(value, joined(ranges));
  return groups;
}

function joined(ranges) {
  const result = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = result.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else result.push([first, last]);
  }
  return result;
}

function complement(ranges) {
  const result = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) result.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= kLast) result.push([next, kLast]);
  return result;
}

// property -> short name -> every name, as PropertyValueAliases.txt has them (`gc ; Lu ; Uppercase_Letter`).
function aliases(property) {
  const found = new Map();
  for (const line of readFileSync(`${folder}/PropertyValueAliases.txt`, 'utf8').split('\n')) {
    const [kind, ...names] = line.split('#')[0].split(';').map((part) => part.trim());
    if (kind === property) found.set(names[0], [...new Set(names)]);
  }
  return found;
}

function categories() {
  const single = grouped(rows('extracted/DerivedGeneralCategory.txt'));
  const assigned = joined([...single].filter(([name]) => name !== 'Cn').flatMap(([, ranges]) => ranges));
  single.set('Cn', complement(assigned));
  const sets = [];
  for (const [short, names] of aliases('gc')) {
    const parts = short === 'LC' ? ['Lu', 'Ll', 'Lt'] : [...single.keys()].filter((name) => name.startsWith(short));
    sets.push({ names, ranges: joined(parts.flatMap((part) => single.get(part))) });
  }
  return sets;
}

function scripts(extended) {
  const sets = grouped(rows('Scripts.txt'));
  const names = aliases('sc');
  if (extended) {
    const listed = rows('ScriptExtensions.txt');
    const more = grouped(listed.flatMap(([first, last, value]) => value.split(' ').map((short) => [first, last, short])));
    const gone = complement(joined(listed.map(([first, last]) => [first, last])));
    for (const [long, ranges] of sets) {
      const short = [...names].find(([, all]) => all.includes(long))[0];
      // A code point with extensions of its own has those scripts, and not its Script.
      const kept = intersection(ranges, gone);
      sets.set(long, joined([...kept, ...(more.get(short) ?? [])]));
    }
  }
  return [...names.values()].map((all) => ({
    names: all,
    ranges: sets.get(all.find((name) => sets.has(name))) ?? [],
  }));
}

function intersection(a, b) {
  const result = [];
  for (const [first, last] of a) {
    for (const [low, high] of b) {
      if (high < first) continue;
      if (low > last) break;
      result.push([Math.max(first, low), Math.min(last, high)]);
    }
  }
  return result;
}

// The binary properties of ECMA-262 table 69 that data of text has a use for.
function binaries() {
  const core = grouped([
    ...rows('DerivedCoreProperties.txt'), ...rows('PropList.txt'), ...rows('emoji/emoji-data.txt')]);
  const unassigned = categories().find(({ names }) => names.includes('Cn')).ranges;
  const named = [
    ['Alphabetic', 'Alpha'], ['ASCII_Hex_Digit', 'AHex'], ['Dash'], ['Diacritic', 'Dia'], ['Emoji'],
    ['Emoji_Component', 'EComp'], ['Emoji_Modifier', 'EMod'], ['Emoji_Modifier_Base', 'EBase'],
    ['Emoji_Presentation', 'EPres'], ['Extended_Pictographic', 'ExtPict'], ['Hex_Digit', 'Hex'],
    ['ID_Continue', 'IDC'], ['ID_Start', 'IDS'], ['Ideographic', 'Ideo'], ['Lowercase', 'Lower'], ['Math'],
    ['Noncharacter_Code_Point', 'NChar'], ['Quotation_Mark', 'QMark'], ['Regional_Indicator', 'RI'],
    ['Unified_Ideograph', 'UIdeo'], ['Uppercase', 'Upper'], ['Variation_Selector', 'VS'], ['White_Space', 'space'],
    ['XID_Continue', 'XIDC'], ['XID_Start', 'XIDS']];
  return [
    { names: ['Any'], ranges: [[0, kLast]] },
    { names: ['ASCII'], ranges: [[0, 0x7f]] },
    { names: ['Assigned'], ranges: complement(unassigned) },
    ...named.map((names) => ({ names, ranges: core.get(names[0]) })),
  ];
}

const bytes = [];
const offsets = new Map();
function number(value) {
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
}
// The count of ranges, then for each the gap before it and its length less one, seven bits a byte.
function stored(ranges) {
  const key = JSON.stringify(ranges);
  if (!offsets.has(key)) {
    offsets.set(key, bytes.length);
    number(ranges.length);
    let next = 0;
    for (const [first, last] of ranges) {
      number(first - next);
      number(last - first);
      next = last + 1;
    }
  }
  return offsets.get(key);
}

// As many pieces to a line as it holds.
function filled(pieces) {
  let text = '';
  let line = '   ';
  for (const piece of pieces) {
    if (line.length + piece.length > 118) {
      text += `${line}\n`;
      line = '   ';
    }
    line += ` ${piece}`;
  }
  return `${text}${line}\n`;
}

function table(name, sets) {
  const entries = sets.flatMap(({ names, ranges }) => names.map((alias) => [alias, stored(ranges)]));
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `constexpr NamedSet ${name}[] = {\n${filled(entries.map(([alias, offset]) => `{"${alias}", ${offset}},`))}};\n`;
}

const tables = [
  table('kCategories', categories()), table('kScripts', scripts(false)),
  table('kScriptExtensions', scripts(true)), table('kBinaries', binaries())];
const version = /Scripts-([\d.]+)\.txt/.exec(readFileSync(`${folder}/Scripts.txt`, 'utf8'))[1];
process.stdout.write(`// Unicode ${version}, written by scripts/generate-unicode-tables.mjs: not to be edited. What the numbers mean stands there.
// Unicode data files: Copyright (C) Unicode, Inc., https://www.unicode.org/license.txt
// clang-format off
constexpr std::uint8_t kRanges[] = {
${filled(bytes.map((byte) => `${byte},`))}};
${tables.join('')}// clang-format on
`);
