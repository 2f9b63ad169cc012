// Medians, spreads and ratios, as Markdown.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// "median (least to most)".
function spread(values, digits) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '--:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

const whole = (value) => (value === undefined ? '–' : Math.round(value).toLocaleString('en'));
const verdict = (value, most) => {
  if (most === undefined) return 'for the record';
  return value <= most ? `at most ${most}: met` : `at most ${most}: missed by ${((value / most - 1) * 100).toFixed(0)} %`;
};

// Ratios are formed within a round, where both were disturbed alike, and then summed up.
export function reportLoad(row, rounds) {
  const of = (name, key) => rounds.map((round) => round[name][key]);
  const costs = row.targets.map(({ name }) => [
    name,
    spread(of(name, 'cpu'), 1),
    median(of(name, 'user')).toFixed(1),
    median(of(name, 'system')).toFixed(1),
    whole(median(of(name, 'rate'))),
    whole(median(of(name, 'p50'))),
    whole(median(of(name, 'p99'))),
    median(of(name, 'share')).toFixed(2),
    median(of(name, 'others')).toFixed(2),
  ]);
  const ratios = row.ratios.map(({ of: ours, to, most }) => {
    const each = rounds.map((round) => round[ours].cpu / round[to].cpu);
    return [`${ours} / ${to}`, spread(each, 2), verdict(median(each), most)];
  });
  return [
    `## Row ${row.id}: ${row.title}`,
    table(
      ['', 'CPU µs a request', 'user', 'system', 'requests/s', 'p50 µs', 'p99 µs', 'share of its core', 'others there'],
      costs,
    ),
    table(['CPU a request', 'ratio', 'target'], ratios),
  ].join('\n\n');
}

export function reportIdle(targets, results) {
  const rows = targets.flatMap(({ name, most }) =>
    results[name][0].perConnection.map(({ count }, i) => {
      const each = results[name].map((result) => result.perConnection[i]);
      const own = each.map((one) => one.own);
      return [
        name,
        whole(count),
        spread(own, 0),
        whole(median(each.map((one) => one.rss))),
        whole(median(results[name].map((result) => result.base)) / 1024),
        verdict(median(own), most),
      ];
    }),
  );
  const head = ['', 'idle connections', 'bytes each (heap and stacks)', 'bytes each (RSS)', 'RSS before, KiB', 'target'];
  return ['## Row 6: memory of an idle connection, after one request on it', table(head, rows)].join('\n\n');
}

export function reportStart(targets, results) {
  const rows = targets.map(({ name, most }) => [
    name,
    spread(results[name], 1),
    verdict(median(results[name]), most),
  ]);
  return ['## Row 9: exec to the first 200', table(['', 'ms', 'target'], rows)].join('\n\n');
}
