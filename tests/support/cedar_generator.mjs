// Random policies, entities and requests, well-typed more often than not: what is wrong in every part errs before it
// shows a difference. The same seed gives the same world.

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const kTypes = ['User', 'Group', 'N::Doc'];
const kIds = ['a', 'b', 'c', 'd"e', ''];
const kActions = ['view', 'edit', 'all'];
const kNames = ['n', 'm', 's', 'b', 'e', 'set', 'rec', 'ip', 'dec', 'at', 'dur', 'odd name', 'x'];
const kStrings = ['', 'a', 'abc', 'aXbXc', '*', 'é', 'long string with \\\\ and \\"', '\\u{1f600}', '\\n'];
const kLongs = ['0', '1', '-1', '2', '7', '1000000007', '9223372036854775807', '-9223372036854775808', '3037000500'];
const kIps = ['1.2.3.4', '10.0.0.0/8', '10.1.2.3', '::1', '127.0.0.1', 'ff02::1', '0.0.0.0/0', '::/0', '1.2.3', '1.2.3.4/33', ''];
const kDecimals = ['0.0', '1.5', '1.50', '-1.5', '922337203685477.5807', '1.23456', '1', 'x'];
const kDatetimes = ['1970-01-01', '2024-02-29', '2024-02-29T23:59:59.999Z', '1969-12-31T00:00:00+0100', '0000-01-01', '9999-12-31T00:00:00-2359', '2023-02-29', '2024-1-1'];
const kDurations = ['0ms', '1d', '-1d2h3m4s5ms', '9223372036854775807ms', '1h1d', '90m', ''];

export class CedarGenerator {
  constructor(seed) {
    this.random = randomFrom(seed);
  }

  below(count) {
    return Math.floor(this.random() * count);
  }

  chance(probability) {
    return this.random() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  many(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  uid() {
    return { type: this.pick(kTypes), id: this.pick(kIds) };
  }

  uidText({ type, id }) {
    return `${type}::"${id.replaceAll('"', '\\"')}"`;
  }

  actionUid() {
    return { type: 'Action', id: this.pick(kActions) };
  }

  // --- JSON values -----------------------------------------------------------------------------------------------------

  /** A JSON text; `name` suggests the type, so that attributes of one name are mostly of one type. */
  json(name, depth = 2) {
    const extension = (fn, args) => `{"__extn":{"fn":"${fn}","arg":"${this.pick(args)}"}}`;
    const kind = this.chance(0.85) ? name : this.pick(kNames);
    const valid = (list, count) => list.slice(0, count);
    switch (kind) {
      case 'n':
      case 'm':
        return this.pick(kLongs);
      case 's':
      case 'odd name':
        return JSON.stringify(this.pick(['', 'a', 'abc', 'aXbXc', '*', 'é', 'n', 's']));
      case 'b':
        return this.pick(['true', 'false']);
      case 'e':
        return `{"__entity":${JSON.stringify(this.uid())}}`;
      case 'set':
        return depth === 0 ? '[]' : `[${this.many(10, () => this.json(this.pick(['n', 's', 'e', 'n', 'set']), depth - 1)).join(',')}]`;
      case 'rec':
        return depth === 0 ? '{}' : this.jsonRecord(depth - 1);
      case 'ip':
        return extension('ip', valid(kIps, 8));
      case 'dec':
        return extension('decimal', valid(kDecimals, 5));
      case 'at':
        return extension('datetime', valid(kDatetimes, 6));
      case 'dur':
        return extension('duration', valid(kDurations, 4));
      default:
        return this.pick(kLongs);
    }
  }

  jsonRecord(depth = 2, share = 0.6) {
    const members = kNames.filter(() => this.chance(share)).map((name) => `${JSON.stringify(name)}:${this.json(name, depth)}`);
    return `{${members.join(',')}}`;
  }

  entities() {
    const order = kTypes.flatMap((type) => kIds.map((id) => ({ type, id })));
    const made = [];
    order.forEach((uid, index) => {
      if (this.chance(0.3)) return;
      // Parents come later in the order: no cycles.
      const parents = this.many(3, () => order[index + 1 + this.below(order.length - index - 1)]).filter((one) => one);
      const tags = this.chance(0.4) ? `,"tags":${this.jsonRecord(1, 0.4)}` : '';
      made.push(`{"uid":${JSON.stringify(uid)},"attrs":${this.jsonRecord()},"parents":${JSON.stringify(parents)}${tags}}`);
    });
    made.push('{"uid":{"type":"Action","id":"view"},"attrs":{},"parents":[{"type":"Action","id":"all"}]}');
    return `[${made.join(',')}]`;
  }

  request() {
    const { principal, action, resource } = { principal: this.uid(), action: this.actionUid(), resource: this.uid() };
    return `{"principal":${JSON.stringify(principal)},"action":${JSON.stringify(action)},"resource":${JSON.stringify(resource)},"context":${this.jsonRecord()}}`;
  }

  // --- Expressions -----------------------------------------------------------------------------------------------------

  /** An expression that is mostly of the type: bool, long, string, entity, set, record, ip, decimal, datetime, duration. */
  expression(type, depth) {
    if (this.chance(0.03)) type = this.pick(['bool', 'long', 'string', 'entity', 'set', 'record', 'ip', 'decimal', 'datetime', 'duration']);
    if (depth > 0 && this.chance(0.08)) {
      return `(if ${this.expression('bool', depth - 1)} then ${this.expression(type, depth - 1)} else ${this.expression(type, depth - 1)})`;
    }
    if (this.chance(depth > 0 ? 0.25 : 0.5)) return this.access(type, depth);
    return this[type](depth);
  }

  /** An attribute whose name suggests the type, or a tag. */
  access(type, depth) {
    const names = { bool: ['b'], long: ['n', 'm'], string: ['s', 'odd name'], entity: ['e'], set: ['set'], record: ['rec'], ip: ['ip'], decimal: ['dec'], datetime: ['at'], duration: ['dur'] };
    const object = this.chance(0.3) && depth > 0 ? this.expression(this.pick(['entity', 'record']), depth - 1) : this.pick(['principal', 'resource', 'context', 'context', 'context.rec', 'principal.e']);
    const name = this.pick(names[type]);
    if (this.chance(0.1)) return `${this.pick(['principal', 'resource'])}.getTag("${name}")`;
    return name.includes(' ') || this.chance(0.1) ? `(${object})["${name}"]` : `(${object}).${name}`;
  }

  bool(depth) {
    if (depth === 0) return this.pick(['true', 'false', 'true', '(principal has n)', '(principal == resource)', '(context has rec.rec)', 'principal.hasTag("n")', '(principal is User)']);
    const next = (type) => this.expression(type, depth - 1);
    const other = () => this.pick(['long', 'string', 'entity', 'set', 'record', 'ip', 'decimal', 'datetime', 'duration', 'bool']);
    switch (this.below(19)) {
      case 0:
        return `(${next('bool')} && ${next('bool')}${this.chance(0.3) ? ` && ${next('bool')}` : ''})`;
      case 1:
        return `(${next('bool')} || ${next('bool')}${this.chance(0.3) ? ` || ${next('bool')}` : ''})`;
      case 2:
        return `!(${next('bool')})`;
      case 3: {
        const same = other();
        return `(${next(same)} ${this.pick(['==', '!='])} ${next(this.chance(0.8) ? same : other())})`;
      }
      case 4:
        return `(${next('long')} ${this.pick(['<', '<=', '>', '>='])} ${next('long')})`;
      case 5: {
        const same = this.pick(['datetime', 'duration']);
        return `(${next(same)} ${this.pick(['<', '<=', '>', '>='])} ${next(same)})`;
      }
      case 6:
        return `(${next('entity')} in ${this.chance(0.5) ? next('entity') : `[${this.many(3, () => next('entity')).join(', ')}]`})`;
      case 7:
        return `(${next('entity')} in ${next('set')})`;
      case 8:
        return `(${next('entity')} is ${this.pick([...kTypes, 'Other'])}${this.chance(0.4) ? ` in ${next('entity')}` : ''})`;
      case 9:
        return `(${next(this.pick(['entity', 'record']))} has ${this.chance(0.3) ? 'rec.rec.n' : this.chance(0.2) ? '"odd name"' : this.pick(['n', 's', 'e', 'rec', 'x', 'e.e', 'e.rec.n'])})`;
      case 10:
        return `(${next('string')} like "${this.pick(['*', 'a*', '*c', 'a*b*c', '\\*', 'abc', '', '*X*X*', '*é*', '**'])}")`;
      case 11:
        return `${next('set')}.contains(${next(other())})`;
      case 12:
        return `${next('set')}.${this.pick(['containsAll', 'containsAny'])}(${next('set')})`;
      case 13:
        return `${next('set')}.isEmpty()`;
      case 14:
        return `${next('ip')}.${this.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()`;
      case 15:
        return `${next('ip')}.isInRange(${next('ip')})`;
      case 16:
        return `${next('decimal')}.${this.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}(${next('decimal')})`;
      case 17:
        return `${next('entity')}.hasTag(${next('string')})`;
      default:
        return this.pick(['true', 'false']);
    }
  }

  long(depth) {
    const literal = () => (this.chance(0.2) ? `-(${this.pick(['0', '1', '9223372036854775807'])})` : this.pick(kLongs));
    if (depth === 0) return literal();
    const next = (type) => this.expression(type, depth - 1);
    switch (this.below(5)) {
      case 0:
        return `(${next('long')} + ${next('long')})`;
      case 1:
        return `(${next('long')} - ${next('long')})`;
      case 2:
        return `(${next('long')} * ${next('long')})`;
      case 3:
        return `${next('duration')}.${this.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()`;
      default:
        return literal();
    }
  }

  string() {
    return `"${this.pick(kStrings)}"`;
  }

  entity() {
    return this.pick(['principal', 'resource', 'action', this.uidText(this.uid()), this.uidText(this.uid()), this.uidText(this.actionUid())]);
  }

  set(depth) {
    const type = this.pick(['long', 'string', 'entity', 'long', 'set', 'record']);
    return depth === 0 ? this.pick(['[]', '[1, 2, 3]', '["a", "abc"]']) : `[${this.many(9, () => this.expression(this.chance(0.9) ? type : 'bool', Math.min(1, depth - 1))).join(', ')}]`;
  }

  record(depth) {
    if (depth === 0) return this.pick(['context', '{}', '{n: 1}']);
    const types = { n: 'long', s: 'string', b: 'bool', e: 'entity', '"odd name"': 'string', rec: 'record' };
    return `{${Object.keys(types).filter(() => this.chance(0.4)).map((name) => `${name}: ${this.expression(types[name], depth - 1)}`).join(', ')}}`;
  }

  ip() {
    return `ip("${this.pick(kIps)}")`;
  }

  decimal() {
    return `decimal("${this.pick(kDecimals)}")`;
  }

  datetime(depth) {
    if (depth > 0 && this.chance(0.3)) return `${this.expression('datetime', depth - 1)}.${this.chance(0.5) ? `offset(${this.expression('duration', depth - 1)})` : 'toDate()'}`;
    return `datetime("${this.pick(kDatetimes)}")`;
  }

  duration(depth) {
    if (depth > 0 && this.chance(0.3)) return `${this.expression('datetime', depth - 1)}.${this.chance(0.5) ? `durationSince(${this.expression('datetime', depth - 1)})` : 'toTime()'}`;
    return `duration("${this.pick(kDurations)}")`;
  }

  // --- Policies --------------------------------------------------------------------------------------------------------

  scope(name) {
    switch (this.below(8)) {
      case 0:
        return `${name} == ${this.uidText(this.uid())}`;
      case 1:
        return `${name} in ${this.uidText(this.uid())}`;
      case 2:
        return `${name} is ${this.pick(kTypes)}`;
      case 3:
        return `${name} is ${this.pick(kTypes)} in ${this.uidText(this.uid())}`;
      default:
        return name;
    }
  }

  actionScope() {
    switch (this.below(5)) {
      case 0:
        return `action == ${this.uidText(this.actionUid())}`;
      case 1:
        return `action in ${this.uidText(this.actionUid())}`;
      case 2:
        return `action in [${this.many(3, () => this.uidText(this.actionUid())).join(', ')}]`;
      default:
        return 'action';
    }
  }

  policy() {
    const conditions = this.many(2, () => `${this.pick(['when', 'when', 'unless'])} { ${this.expression('bool', 1 + this.below(4))} }`);
    return `${this.pick(['permit', 'permit', 'forbid'])}(${this.scope('principal')}, ${this.actionScope()}, ${this.scope('resource')}) ${conditions.join(' ')};`;
  }

  policies(count) {
    return Array.from({ length: count }, () => this.policy()).join('\n');
  }

  /** A policy with something taken out, doubled, exchanged or put in: mostly no policy any more. */
  brokenPolicy() {
    const tokens = this.policy().match(/"(?:\\.|[^"\\])*"|\w+|\s+|::|[=!<>]=|&&|\|\||./gu);
    const strange = ['if', 'in', 'has', 'like', 'is', '::', '.', '-', '!', '!!', '?principal', '?x', '[', '(', '{', '"', "'", '\\', '9223372036854775808', '__cedar', '@a("b")', '=', '/', '%', '//', ';', '\u0000', '\u00a0', 'true', 'principal', ','];
    for (let i = 1 + this.below(2); i > 0; --i) {
      const at = this.below(tokens.length);
      switch (this.below(4)) {
        case 0:
          tokens.splice(at, 1);
          break;
        case 1:
          tokens.splice(at, 0, tokens[at]);
          break;
        case 2:
          tokens[at] = this.pick(strange);
          break;
        default:
          tokens.splice(at, 0, this.pick(strange));
      }
    }
    return tokens.join('');
  }
}
