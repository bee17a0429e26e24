// The form of a case: what the client builds, and what it hands back. Importing this starts the
// server of the test file; each case of the file goes to that one server.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { PostgrestClient } from '@supabase/postgrest-js';
import { putBack, startServer } from './server.mjs';

const file = basename(process.argv[1], '.test.mjs');
let server;
let exchanges = [];

before(async () => { server = await startServer(); });
after(async () => { await server?.stop(); });

// These resources hold the rows of the seed again when a case begins.
export function putBackBeforeEach(...resources) {
  beforeEach(async () => {
    for (const resource of resources) {
      await putBack(server.url, resource);
    }
  });
}

// fetch, noting what was asked and answered for the report of a failure.
async function notingFetch(url, init) {
  const asked = [`${init.method} ${decodeURIComponent(url).slice(server.url.length)}`,
    ...[...init.headers].map(([name, value]) => `${name}: ${value}`), init.body ?? ''];
  const answer = await fetch(url, init);
  const text = await answer.clone().text();
  const heads = ['content-type', 'content-range', 'preference-applied'];
  exchanges.push([...asked, `-> ${answer.status}`,
    ...heads.map((name) => `${name}: ${answer.headers.get(name)}`), text].join('\n   '));
  return answer;
}

// A client of the server; options as of PostgrestClient. A 503 shall fail a test, not delay it.
export function client(options = {}, path = '') {
  return new PostgrestClient(`${server.url}${path}`,
    { retry: false, fetch: notingFetch, ...options });
}

// A test whose failure shows the requests that it made.
export function defineCase(name, run) {
  test(`${file}: ${name}`, async () => {
    exchanges = [];
    try {
      await run();
    } catch (error) {
      error.stack += `\n${exchanges.join('\n')}`;
      throw error;
    }
  });
}

// The answer is a success with these data; `want` may also hold status and count.
export function answers(name, build, data, want = {}) {
  defineCase(name, async () => {
    const { status = 200, count = null } = want;
    const got = await build(client());
    assert.equal(got.error, null);
    assert.deepEqual(
      { data: got.data, status: got.status, count: got.count }, { data, status, count });
  });
}

// The rows that a filter finds, by their key `id`.
export function finds(name, build, ids) {
  defineCase(name, async () => {
    const got = await build(client());
    assert.equal(got.error, null);
    assert.deepEqual(got.data.map((row) => row.id), ids);
  });
}

// An error of this status and code, with all four keys. `want`: those whose text is also known.
export function refuses(name, build, status, code, want = {}) {
  defineCase(name, async () => {
    const got = await build(client());
    const { error } = got;
    assert.deepEqual(
      { data: got.data, status: got.status, code: error?.code }, { data: null, status, code });
    assert.deepEqual(Object.keys(error).sort(), ['code', 'details', 'hint', 'message']);
    for (const [key, text] of Object.entries(want)) {
      if (text instanceof RegExp) {
        assert.match(error[key], text);
      } else {
        assert.equal(error[key], text);
      }
    }
  });
}
