// Waiting for what another process does: by event or by polling with a bound, never by a fixed sleep.
import { setTimeout as delay } from 'node:timers/promises';

export { delay };

/** Polls `probe` until it returns something truthy, and returns that; fails after `timeout` ms. */
export async function eventually(what, probe, { timeout = 5000, every = 20 } = {}) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeout} ms`);
    await delay(every);
  }
}

/** Runs `check` again and again until it does not throw; fails with what it threw last. */
export async function soon(check, { timeout = 5000, every = 20 } = {}) {
  const deadline = performance.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(every);
  }
}

/** `promise`, or an error after `timeout` ms. */
export async function within(what, promise, timeout = 5000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeout} ms`)), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The median of numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
