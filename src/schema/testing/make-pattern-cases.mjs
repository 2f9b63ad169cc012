// What Node's RegExp with the `u` flag says of patterns and texts, for pattern_corpus_test.cc:
//   node src/schema/testing/make-pattern-cases.mjs [COUNT [SEED]] >src/schema/testing/pattern_cases.json
// Patterns written by hand, then COUNT random ones (300 when not said), always the same for the same seed.
const count = Number(process.argv[2] ?? 300);
let state = Number(process.argv[3] ?? 20261124);

// mulberry32
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (list) => list[random(list.length)];

const byHand = [
  '^[A-Z]{3}-[0-9]{4}$', '^sk_live_', '^.{1,3}$', '^\\S+@\\S+\\.\\S+$', '^$', '', '$^', '^a?$|^b+$', 'a$|^b', '(^a|b$)+',
  '^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$', '^\\d{3}-\\d{2}-\\d{4}$', '^[^\\s@]+$', '\\bfoo\\b', '\\Bo',
  '^[\\u0020-\\uD7FF\\uE000-\\uFFFD]*$', '\\u{1F432}', '^\\uD83D\\uDC32*$', '[\\u{1F432}-\\u{1F440}]', '\\uD83D', '[\\uD800-\\uDFFF]',
  '^\\p{L}+$', '\\p{Lu}', '^\\P{L}+$', '\\p{Letter}cole', '^\\p{digit}+$', '\\p{Script=Greek}', '\\p{sc=Cyrl}', '\\p{scx=Deva}',
  '\\p{Script_Extensions=Greek}', '^[\\p{Lu}\\p{Nd}_]+$', '[^\\p{L}\\s]', '\\p{Cn}', '[^\\p{Cn}]', '\\p{LC}', '\\p{Alphabetic}',
  '\\p{ASCII}', '\\p{Any}', '\\p{Assigned}', '\\p{Emoji}', '\\p{White_Space}', '\\p{ID_Start}', '^\\cC$', '[\\b]', '\\0', '\\x41',
  '^\\s$', '^\\S$', '^\\w$', '^\\W$', '^\\d$', '^\\D$', '^.$', '[]', '[^]', 'a{0}b', '(?:a{2,3}){2}', '^(?:a|ab)(?:c|bcd)$',
  '^(?<year>\\d{4})-(?<month>\\d{2})$', '(?:)*', '(?:^)*a', '(a*)*b', '(?:a?){3}$', '^x{1001}$', '^(?:[ab]c?){1200,1300}$', 'a.c',
  '^[a-z][a-z0-9-]*[a-z0-9]$', '^\\/\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|$', '^[\\-a]$', '[a-]', '[-a]', '^é+$', '^[à-ÿ]+$',
  // Not of the grammar, or not of a kind that can be matched.
  '\\a', '\\_', 'a{', '{', '}', ']', 'a{,5}', 'a{2', 'a{3,2}', '(', ')', '[a', '*', '+a', 'a**', '^*', '\\b+', '(?=a)*', '(?P<a>b)', '(?i)a',
  '(?#a)', '(?<a>b)(?<a>c)', '\\k<a>', '\\k', '\\1', '\\01', '\\8', '(a)\\2', '\\u', '\\u{110000}', '\\u{}', '\\u12', '\\x1', '\\c1', '\\c', '\\p', '\\p{}',
  '\\p{Nope}', '\\p{Script}', '\\p{Script=}', '\\p{L=}', '\\p{letter}', '[b-a]', '[\\w-a]', '[a-\\d]', '[\\B]', '[\\k]', '[\\1]', '\\-', '\\', 'a|*', '(?', '(?<',
  '(?<1a>b)', '(?<>b)', '(?<a', '(?:',
];
const texts = [
  '', 'a', 'b', 'ab', 'abc', 'aab', 'aaab', 'aaaa', 'abcd', 'ABC-1234', 'ABC-12345', 'xABC-1234', 'sk_live_1', 'sk_test_1', 'a@b.c', 'foo', 'a foo b', 'foobar',
  'example.com', '-a.com', '123-45-6789', '2026-11', '\n', 'a\n', 'a\nc', 'a\u2028c', 'a-c', '\t', '\u00a0', '\ufeff', '\u180e', '\u200b', '\x03', '\b', '\0', 'A', '_', '-',
  '🐲', '🐲🐲', '🐉', 'a🐲', 'école', 'ÉCOLE', '߀', '৪২', '42', 'Ω', 'ω', 'Ж', 'д', '१', 'ू', '\u0378', '\u{10ffff}', '中文', 'ー', '々', '😀', '1', 'ab12_', 'ǅ', '/^$\\.*+?()[]{}|',
  'x'.repeat(1001), 'x'.repeat(1000), 'ac'.repeat(1250), 'b'.repeat(1199), 'acb'.repeat(700), 'à', 'éé', '\u1cd0',
];

const atoms = ['a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\d', '\\s', '\\S', '[a-c-]', 'é', '🐲', '\\u{1F432}', '[é-🐲]', '\\p{L}', '\\P{Lu}', '[^\\p{L}b]', '1', '-', '\\W'];
function makePattern(depth) {
  const parts = [];
  for (let left = 1 + random(3); left > 0; --left) {
    const roll = random(12);
    if (roll === 0) parts.push('^');
    else if (roll === 1) parts.push('$');
    else if (roll === 2 && depth > 0) parts.push(pick(['\\b', '\\B']));
    else {
      const atom = roll < 6 && depth > 0 ? `(${pick(['', '?:'])}${makePattern(depth - 1)})` : pick(atoms);
      parts.push(atom + pick(['', '', '', '*', '+', '?', '{2}', '{0,2}', '{1,3}?', '{2,}']));
    }
  }
  return parts.join('') + (random(5) === 0 ? `|${makePattern(0)}` : '');
}
const makeText = () => Array.from({ length: random(7) }, () => pick(['a', 'b', 'c', '1', '-', ' ', 'é', 'É', '🐲', '\n', '_'])).join('');

// One letter a text, whether it matches; nothing for a pattern that is not of the grammar.
function judge(pattern, candidates) {
  let regex;
  try {
    regex = new RegExp(pattern, 'u');
  } catch {
    return { pattern };
  }
  return { pattern, matches: candidates.map((text) => (regex.test(text) ? 'y' : 'n')).join('') };
}

const line = (value) => JSON.stringify(value);
const hand = byHand.map((pattern) => line(judge(pattern, texts)));
const randomCases = Array.from({ length: count }, () => {
  const candidates = Array.from({ length: 12 }, makeText);
  return line({ ...judge(makePattern(2), candidates), texts: candidates });
});
process.stdout.write(`{"texts":${line(texts)},\n"cases":[\n${[...hand, ...randomCases].join(',\n')}\n]}\n`);
