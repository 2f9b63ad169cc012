// Reading /metrics (Prometheus text format 0.0.4), strictly.
import { request } from './client.mjs';

/** The samples of a page: [{ name, labels, value }]. */
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) throw new Error(`not a sample: ${line}`);
    const labels = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: match[1], labels, value: match[3] === '+Inf' ? Infinity : Number(match[3]) });
  }
  return samples;
}

export async function metrics(adminPort, token) {
  const response = await request(adminPort, '/metrics', { headers: { authorization: `Bearer ${token}` } });
  if (response.status !== 200) throw new Error(`/metrics: ${response.status} ${response.text}`);
  return parseMetrics(response.text);
}

/** The sum of a metric's samples whose labels include `labels`. */
export async function metric(adminPort, token, name, labels = {}) {
  const chosen = (await metrics(adminPort, token)).filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v));
  return chosen.reduce((sum, s) => sum + s.value, 0);
}
