// Errors of requests as a whole, and what is documented as not served.
import assert from 'node:assert/strict';
import { answers, client, defineCase, refuses } from './suite.mjs';

refuses('a resource that is none', (db) => db.from('citie').select(), 404, 'PGRST205', {
  message: "Could not find the table 'citie' in the schema cache",
  hint: "Perhaps you meant the table 'cities'",
});
refuses('a resource that is like none', (db) => db.from('qqqqqqqq').select(), 404, 'PGRST205',
  { hint: null });
refuses('an insert into a resource that is none',
  (db) => db.from('nope').insert({ a: 1 }), 404, 'PGRST205');
refuses('an update of a resource that is none',
  (db) => db.from('nope').update({ a: 1 }).eq('a', 2), 404, 'PGRST205');
refuses('a delete in a resource that is none',
  (db) => db.from('nope').delete().eq('a', 2), 404, 'PGRST205');
// The client takes a 404 without a body for an empty success.
answers('head of a resource that is none',
  (db) => db.from('nope').select('*', { head: true }), null, { status: 204 });

refuses('a column that is none', (db) => db.from('cities').select('nope'), 400, 'PGRST204',
  { message: /nope/ });
refuses('an order by a column that is none',
  (db) => db.from('cities').select().order('nope'), 400, 'PGRST204');
refuses('a select that does not parse', (db) => db.from('cities').select('id,('), 400, 'PGRST100');
refuses('a cast to a type that is none',
  (db) => db.from('cities').select('id::nope'), 400, '42704');
defineCase('a sum of a text', async () => {
  const got = await client().from('cities').select('name.sum()');
  assert(got.status >= 400 && got.status < 500, `status ${got.status}`);
  assert.deepEqual(Object.keys(got.error).sort(), ['code', 'details', 'hint', 'message']);
});

refuses('explain', (db) => db.from('cities').select().explain(), 400, 'PGRST127',
  { details: 'query plans' });
refuses('explain as JSON', (db) => db.from('cities').select().explain({ format: 'json' }), 400,
  'PGRST127');
refuses('geojson', (db) => db.from('cities').select().geojson(), 400, 'PGRST127');
refuses('a schema that is none', (db) => db.schema('other').from('cities').select(), 406,
  'PGRST106', { message: 'Invalid schema: other' });
refuses('a write to a schema that is none',
  (db) => db.schema('other').from('tasks').delete().eq('id', 1), 406, 'PGRST106');
refuses('rpc', (db) => db.rpc('add', { a: 1, b: 2 }), 404, 'PGRST202');
refuses('rpc by GET', (db) => db.rpc('add', { a: [1, 2] }, { get: true }), 404, 'PGRST202');
