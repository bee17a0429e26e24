// A server of its own for one test file: a fresh SQLite database, a free loopback port, the seed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seed } from './seed.mjs';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 40_000;
const LOG_TAIL = 8_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const program = resolve(here, '../..', process.env.ROWLOCK_BIN || 'build/rowlock');

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function isLive(url) {
  try {
    const answer = await fetch(`${url}/live`);
    await answer.text();
    return answer.status === 200;
  } catch {
    return false;
  }
}

// Rows are put there without the client, so that what a test sees is the client's doing alone.
async function ask(method, url, rows) {
  const answer = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(rows),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  }
}

async function writeSeed(url) {
  for (const [resource, rows] of Object.entries(seed)) {
    await ask('POST', `${url}/${resource}`, rows);
  }
}

// Puts a resource back to the rows of the seed.
export async function putBack(url, resource) {
  const [field] = Object.keys(seed[resource][0]);
  await ask('DELETE', `${url}/${resource}?${field}=not.is.null`);
  await ask('POST', `${url}/${resource}`, seed[resource]);
}

// Returns { url, stop }. stop() ends the process and throws, with the log, when it ends badly.
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'rowlock-clients-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'log');
  const log = await open(logFile, 'w');
  const child = spawn(
    program,
    ['serve', join(here, 'service.yaml'), '--listen', `127.0.0.1:${port}`,
      '--store', `sqlite:${join(folder, 'clients.db')}`],
    { cwd: folder, stdio: ['ignore', log.fd, log.fd] });
  const ended = new Promise((done) => {
    child.on('error', (error) => done(String(error)));
    child.on('exit', (code, signal) => done(code ?? signal));
  });
  let result;
  ended.then((value) => { result = value; });

  async function stop() {
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.kill('SIGTERM');
    const value = await ended;
    clearTimeout(late);
    await log.close();
    const text = (await readFile(logFile, 'utf8')).slice(-LOG_TAIL);
    await rm(folder, { recursive: true, force: true });
    if (value !== 0) {
      throw new Error(`the server ended with ${value}\n${text}`);
    }
  }

  try {
    const deadline = Date.now() + START_LIMIT_MS;
    while (!await isLive(url)) {
      if (result !== undefined || Date.now() > deadline) {
        throw new Error(`the server is not ready\n${await readFile(logFile, 'utf8')}`);
      }
      await sleep(20);
    }
    await writeSeed(url);
  } catch (error) {
    await stop().catch((second) => { error.message += `\n${second.message}`; });
    throw error;
  }
  return { url, stop };
}
