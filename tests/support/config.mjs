// Configurations for tests: complete, small, and as a user would write them.
import { stringify } from 'yaml';

export const kMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Routes that take any path of up to three segments. */
export const anyRoutes = [
  { path: '/', methods: kMethods, operation: 'root' },
  { path: '/{a}', methods: kMethods, operation: 'one' },
  { path: '/{a}/{b}', methods: kMethods, operation: 'two' },
  { path: '/{a}/{b}/{c}', methods: kMethods, operation: 'three' },
];

/**
 * One open API named `echo` before `target` (or targets). What is given in `listener`, `api` and
 * `upstream` is added to those blocks; other keys are added at the top.
 */
export function openConfig(target, { listener = {}, api = {}, upstream = {}, workers = 1, ...top } = {}) {
  return {
    version: 1,
    workers,
    listeners: { public: { address: '127.0.0.1:0', ...listener } },
    apis: {
      echo: { listeners: ['public'], upstream: 'echo', authenticate: 'none', routes: anyRoutes, ...api },
    },
    upstreams: { echo: { targets: [target].flat(), ...upstream } },
    log: { access: { to: 'stdout', format: 'json' } },
    ...top,
  };
}

/** As a file. Strings that YAML could take for something else come out quoted. */
export function toYaml(config) {
  return typeof config === 'string' ? config : stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
}
