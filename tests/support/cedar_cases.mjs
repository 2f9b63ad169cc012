// Schemas and policies at random, from a seed: mostly well-typed, often not, never far from it, so that what is compared
// is the rules at their edges and not one kind of nonsense.

/** mulberry32: the same numbers from the same seed, everywhere. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return { below, chance: (p) => next() < p, pick: (items) => items[below(items.length)] };
}

const kAttributes = ['a', 'b', 'c', 'name', 'x y'];
const kExtensions = {
  ipaddr: ['ip("10.0.0.1")', 'ip("10.0.0.0/8")', 'ip("x")', 'ip(1)'],
  decimal: ['decimal("1.5")', 'decimal("1.55555")'],
  datetime: ['datetime("2024-01-02")', 'datetime("2024-1-2")'],
  duration: ['duration("1h2m")', 'duration("2m1h")', 'duration("")'],
};
const kMethods = {
  ipaddr: ['isIpv4()', 'isLoopback()', 'isInRange(ip("10.0.0.0/8"))', 'isMulticast(1)'],
  decimal: ['lessThan(decimal("1.0"))', 'greaterThan(1)'],
  datetime: ['toDate() == datetime("2024-01-02")', 'offset(duration("1d")) > datetime("2024-01-02")'],
  duration: ['toDays() > 1', 'toSeconds() == "a"'],
};

function quoted(name) {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

class SchemaMaker {
  constructor(dice) {
    this.dice = dice;
    this.namespace = dice.chance(0.3) ? 'NS' : '';
    this.entities = [];
    this.actions = [];
    this.commons = [];
  }

  type(depth = 0) {
    const { dice } = this;
    const n = dice.below(depth > 2 ? 8 : 12);
    if (n < 2) return { kind: 'Long' };
    if (n < 4) return { kind: 'String' };
    if (n < 5) return { kind: 'Bool' };
    if (n < 6) return { kind: dice.pick(Object.keys(kExtensions)) };
    if (n < 8) return { kind: 'entity', name: `E${dice.below(4)}` };
    if (n < 10) return { kind: 'Set', element: this.type(depth + 1) };
    return this.record(depth + 1);
  }

  record(depth) {
    const { dice } = this;
    const attributes = {};
    for (const name of kAttributes) {
      if (dice.chance(0.4)) attributes[name] = { type: this.type(depth + 1), required: dice.chance(0.6) };
    }
    return { kind: 'record', attributes };
  }

  text(type) {
    if (type.kind === 'entity') return type.name;
    if (type.kind === 'Set') return `Set<${this.text(type.element)}>`;
    if (type.kind !== 'record') return type.kind;
    const parts = Object.entries(type.attributes).map(([name, a]) =>
      `${quoted(name)}${a.required ? '' : '?'}: ${this.text(a.type)}`);
    return `{ ${parts.join(', ')} }`;
  }

  make() {
    const { dice } = this;
    const lines = [];
    for (let i = 0; i < 4; i += 1) {
      const entity = { name: `E${i}`, shape: this.record(0), tags: dice.chance(0.4) ? this.type(1) : null, parents: [] };
      for (let j = 0; j < 4; j += 1) if (dice.chance(0.25)) entity.parents.push(`E${j}`);
      if (i === 3 && dice.chance(0.5)) {
        Object.assign(entity, { shape: { kind: 'record', attributes: {} }, tags: null, parents: [], choices: ['p', 'q'] });
      }
      this.entities.push(entity);
      if (entity.choices) {
        lines.push(`entity ${entity.name} enum ["p", "q"];`);
      } else {
        const within = entity.parents.length ? ` in [${entity.parents.join(', ')}]` : '';
        const tags = entity.tags ? ` tags ${this.text(entity.tags)}` : '';
        lines.push(`entity ${entity.name}${within} = ${this.text(entity.shape)}${tags};`);
      }
    }
    for (let i = 0; i < 3; i += 1) {
      const action = { id: `a${i}`, parents: [], applies: dice.chance(0.85), context: this.record(0) };
      for (let j = 0; j < i; j += 1) if (dice.chance(0.4)) action.parents.push(`a${j}`);
      const types = () => [0, 1, 2, 3].filter(() => dice.chance(0.4)).map((n) => `E${n}`);
      action.principals = types();
      action.resources = types();
      if (!action.principals.length || !action.resources.length) action.applies = false;
      this.actions.push(action);
      const within = action.parents.length ? ` in [${action.parents.map((p) => JSON.stringify(p)).join(', ')}]` : '';
      const applies = action.applies
        ? ` appliesTo { principal: [${action.principals.join(', ')}], resource: [${action.resources.join(', ')}], context: ${this.text(action.context)} }`
        : '';
      lines.push(`action ${action.id}${within}${applies};`);
    }
    this.source = this.namespace ? `namespace ${this.namespace} {\n${lines.join('\n')}\n}\n` : `${lines.join('\n')}\n`;
    return this;
  }

  named(name) {
    return this.namespace ? `${this.namespace}::${name}` : name;
  }
}

class PolicyMaker {
  constructor(dice, schema) {
    this.dice = dice;
    this.schema = schema;
    this.wrong = dice.chance(0.5) ? 0.04 : 0;
  }

  uid(type) {
    const entity = this.schema.entities.find((e) => e.name === type);
    const id = entity?.choices ? this.dice.pick(this.dice.chance(0.03) ? ['z'] : entity.choices) : this.dice.pick(['x', 'y']);
    return `${this.schema.named(type)}::"${id}"`;
  }

  action() {
    const id = this.dice.chance(0.03) ? 'a9' : `a${this.dice.below(3)}`;
    return `${this.schema.named('Action')}::"${id}"`;
  }

  anyType() {
    return this.schema.type(1);
  }

  /** An expression that should be of the type. */
  expression(type, depth) {
    const { dice } = this;
    const wanted = dice.chance(this.wrong) ? this.anyType() : type;
    if (depth < 4 && dice.chance(0.08)) {
      return `(if ${this.condition(depth + 1)} then ${this.expression(wanted, depth + 1)} else ${this.expression(wanted, depth + 1)})`;
    }
    if (dice.chance(0.45)) {
      const found = this.path(wanted);
      if (found) return found;
    }
    switch (wanted.kind) {
      case 'Long':
        return depth < 3 && dice.chance(0.4)
          ? `(${this.expression(wanted, depth + 1)} ${dice.pick(['+', '-', '*'])} ${this.expression(wanted, depth + 1)})`
          : String(dice.below(5) - 1);
      case 'String':
        return dice.pick(['"s"', '"t"']);
      case 'Bool':
        return depth < 4 ? `(${this.condition(depth + 1)})` : dice.pick(['true', 'false']);
      case 'entity':
        return this.uid(wanted.name);
      case 'Set': {
        const count = dice.chance(0.04) ? 0 : 1 + dice.below(2);
        return `[${Array.from({ length: count }, () => this.expression(wanted.element, depth + 1)).join(', ')}]`;
      }
      case 'record': {
        const parts = Object.entries(wanted.attributes)
          .filter(([, a]) => a.required || dice.chance(0.2))
          .map(([name, a]) => `${JSON.stringify(name)}: ${this.expression(a.type, depth + 1)}`);
        return `{${parts.join(', ')}}`;
      }
      default: {
        const [first, ...others] = kExtensions[wanted.kind];
        return dice.chance(0.05) ? dice.pick(others) : first;
      }
    }
  }

  roots() {
    const { schema, environment } = this;
    const entity = (name) => ({ kind: 'entity', name });
    const roots = [['context', environment.context]];
    roots.push(['principal', entity(environment.principal)], ['resource', entity(environment.resource)]);
    if (this.dice.chance(0.1)) roots.push([this.uid('E0'), entity('E0')]);
    void schema;
    return roots;
  }

  attributes(type) {
    if (type.kind === 'record') return type.attributes;
    if (type.kind === 'entity') return this.schema.entities.find((e) => e.name === type.name).shape.attributes;
    return {};
  }

  /** A random way down from a variable: its text, its type, and what should be asked first. */
  walk() {
    const { dice } = this;
    let [text, type] = dice.pick(this.roots());
    const asked = [];
    const steps = dice.below(4);
    for (let i = 0; i < steps; i += 1) {
      const entries = Object.entries(this.attributes(type));
      if (type.kind === 'entity' && dice.chance(0.15)) {
        const entity = this.schema.entities.find((e) => e.name === type.name);
        const key = dice.pick(['"k"', '"l"']);
        if (entity.tags) {
          asked.push(`${text}.hasTag(${key})`);
          text = `${text}.getTag(${key})`;
          type = entity.tags;
          continue;
        }
      }
      if (!entries.length) break;
      const [name, attribute] = dice.pick(entries);
      if (!attribute.required) asked.push(`${text} has ${quoted(name)}`);
      text = /^[A-Za-z_]\w*$/.test(name) ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`;
      type = attribute.type;
    }
    return { text, type, asked };
  }

  same(a, b) {
    return JSON.stringify(a) === JSON.stringify(b);
  }

  path(type) {
    for (let i = 0; i < 6; i += 1) {
      const way = this.walk();
      if (this.same(way.type, type) && (!way.asked.length || this.dice.chance(0.15))) return way.text;
    }
    return null;
  }

  condition(depth) {
    const { dice } = this;
    const bool = { kind: 'Bool' };
    const n = dice.below(depth > 3 ? 11 : 15);
    const way = this.walk();
    const asked = dice.chance(0.9) ? way.asked.map((text) => `${text} && `).join('') : '';
    switch (n) {
      case 0:
      case 1:
        return `(${asked}${way.text} ${dice.pick(['==', '!='])} ${this.expression(way.type, depth + 1)})`;
      case 2: {
        const long = dice.chance(0.7) ? { kind: 'Long' } : { kind: dice.pick(['datetime', 'duration', 'decimal']) };
        return `${this.expression(long, depth + 1)} ${dice.pick(['<', '<=', '>', '>='])} ${this.expression(long, depth + 1)}`;
      }
      case 3:
        return `(${asked}${way.text} has ${dice.pick(['a', 'b.c', 'name', 'a.b', '"x y"', 'nothing'])})`;
      case 4:
        return `${dice.pick(['principal', 'resource', 'action'])} in ${dice.chance(0.3) ? this.action() : dice.chance(0.5) ? this.uid(`E${dice.below(4)}`) : `[${this.uid(`E${dice.below(4)}`)}]`}`;
      case 5:
        return `${dice.pick(['principal', 'resource'])} is ${this.schema.named(`E${dice.below(4)}`)}${dice.chance(0.3) ? ` in ${this.uid(`E${dice.below(4)}`)}` : ''}`;
      case 6: {
        if (way.type.kind !== 'Set') return dice.pick(['true', 'false', `action == ${this.action()}`]);
        const method = dice.pick(['contains', 'containsAll', 'containsAny', 'isEmpty']);
        const argument = method === 'isEmpty' ? '' : this.expression(method === 'contains' ? way.type.element : way.type, depth + 1);
        return `(${asked}${way.text}.${method}(${argument}))`;
      }
      case 7: {
        const methods = kMethods[way.type.kind];
        return methods ? `(${asked}${way.text}.${methods[dice.chance(0.9) ? 0 : methods.length - 1]})` : `principal.hasTag("k")`;
      }
      case 8:
        return way.type.kind === 'String' ? `(${asked}${way.text} like "a*")` : `"s" like "*"`;
      case 9:
        return this.path(bool) ?? 'true';
      case 10:
        return `!(${this.condition(depth + 1)})`;
      case 11:
      case 12:
        return `(${this.condition(depth + 1)} && ${this.condition(depth + 1)})`;
      case 13:
        return `(${this.condition(depth + 1)} || ${this.condition(depth + 1)})`;
      default:
        return `(if ${this.condition(depth + 1)} then ${this.condition(depth + 1)} else ${this.condition(depth + 1)})`;
    }
  }

  scope(variable) {
    const { dice } = this;
    const own = dice.chance(0.85) ? this.environment[variable] : `E${dice.below(4)}`;
    const other = `E${dice.below(4)}`;
    switch (dice.below(6)) {
      case 0:
        return `${variable} == ${this.uid(own)}`;
      case 1:
        return `${variable} in ${this.uid(other)}`;
      case 2:
        return `${variable} is ${this.schema.named(own)}`;
      case 3:
        return `${variable} is ${this.schema.named(own)} in ${this.uid(other)}`;
      default:
        return variable;
    }
  }

  make() {
    const { dice, schema } = this;
    const able = schema.actions.filter((a) => a.applies);
    const action = able.length ? dice.pick(able) : null;
    this.environment = action
      ? { action: action.id, context: action.context, principal: dice.pick(action.principals), resource: dice.pick(action.resources) }
      : { action: 'a0', context: { kind: 'record', attributes: {} }, principal: 'E0', resource: 'E1' };
    const named = `${schema.named('Action')}::"${this.environment.action}"`;
    const actionScope = dice.pick([`action == ${named}`, `action == ${named}`, `action in [${named}]`, `action in ${this.action()}`, `action in [${this.action()}, ${this.action()}]`, 'action']);
    const conditions = Array.from({ length: dice.below(3) }, () => `\n${dice.chance(0.8) ? 'when' : 'unless'} { ${this.condition(0)} }`);
    const pin = dice.chance(0.6);
    const principal = pin ? `principal is ${schema.named(this.environment.principal)}` : this.scope('principal');
    const resource = pin ? `resource is ${schema.named(this.environment.resource)}` : this.scope('resource');
    return `${dice.pick(['permit', 'forbid'])}(${principal}, ${actionScope}, ${resource})${conditions.join('')};\n`;
  }
}

/** A schema in the human syntax and one policy. */
export function validationCase(seed) {
  const dice = random(seed);
  const schema = new SchemaMaker(dice).make();
  return { schema: schema.source, policy: new PolicyMaker(dice, schema).make() };
}
