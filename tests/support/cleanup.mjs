// What a failed test leaves open would keep its process alive for ever; here it is dropped when the
// file's tests are over. A test that passes closes what it opened itself.
import { after } from 'node:test';

const open = new Set();

/** Remembers how to drop a resource; returns what to call once it is closed in the ordinary way. */
export function remember(drop) {
  open.add(drop);
  return () => open.delete(drop);
}

// Hooks run in the order in which they were registered, so this one comes before the file's own. What that
// closes is gone long before the time is up; the timer itself keeps nothing alive.
const kGrace = 10_000;

after(() => {
  setTimeout(() => {
    for (const drop of open) drop();
  }, kGrace).unref();
});
