// Other people's programs (curl, openssl), run to their end.
import { spawn } from 'node:child_process';

/** { code, stdout, stderr } of a program; `input` goes to its stdin, which then ends. */
export function command(program, args, { input = '', timeout = 15_000, env = {}, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout, cwd, env: { ...process.env, ...env } });
    const stdout = [];
    const stderr = [];
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(stdout).toString('latin1'), stderr: Buffer.concat(stderr).toString('latin1') }));
    child.stdin.end(input);
  });
}

export async function curl(...args) {
  return command('curl', ['--silent', '--show-error', '--max-time', '10', '--noproxy', '*', ...args]);
}
