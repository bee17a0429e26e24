// select without relations: columns, casts, JSON paths, aggregates, order, pages, counts, formats.
import assert from 'node:assert/strict';
import { PostgrestError } from '@supabase/postgrest-js';
import { answers, client, defineCase, finds, refuses } from './suite.mjs';
import { seed } from './seed.mjs';

const cities = (db, columns, options) => db.from('cities').select(columns, options);
const note = (db, columns, id) => db.from('notes').select(columns).eq('id', id);

answers('select of everything', (db) => db.from('notes').select(), seed.notes);
answers('select of *', (db) => db.from('prices').select('*'), seed.prices);
answers('select of columns', (db) => cities(db, 'name, population').eq('id', 1),
  [{ name: 'Oslo', population: 700 }]);
answers('select of a quoted column', (db) => cities(db, '"name"').eq('id', 1), [{ name: 'Oslo' }]);
answers('an alias', (db) => cities(db, 'town:name,id').eq('id', 2), [{ town: 'Bergen', id: 2 }]);
answers('a column twice', (db) => cities(db, 'name,again:name').eq('id', 1),
  [{ name: 'Oslo', again: 'Oslo' }]);
answers('a key in the text of a column', (db) => db.from('people').select('id,salary').eq('id', 3),
  [{ id: 3, salary: 6500.25 }]);

answers('an integer cast to text', (db) => cities(db, 'population::text').eq('id', 1),
  [{ population: '700' }]);
answers('a cast with an alias', (db) => cities(db, 'size:population::text').eq('id', 1),
  [{ size: '700' }]);
answers('a boolean cast to text', (db) => note(db, 'done::text', 1), [{ done: 'true' }]);
answers('a number cast to text', (db) => note(db, 'score::text', 4), [{ score: '-3.25' }]);
answers('a decimal cast to text', (db) => db.from('people').select('salary::text').eq('id', 3),
  [{ salary: '6500.25' }]);
answers('null cast to text', (db) => cities(db, 'population::text').eq('id', 6),
  [{ population: null }]);

answers('a JSON path', (db) => note(db, 'data->kind,data->size', 1), [{ kind: 'a', size: 1 }]);
answers('a JSON path as text', (db) => note(db, 'data->>size', 1), [{ size: '1' }]);
answers('a nested JSON path', (db) => note(db, 'data->deep->on', 2), [{ on: false }]);
answers('a nested JSON path as text', (db) => note(db, 'data->deep->>on', 1), [{ on: 'true' }]);
answers('a JSON object as text', (db) => note(db, 'data->>deep', 1), [{ deep: '{"on":true}' }]);
answers('a JSON path with an alias', (db) => note(db, 'sort:data->>kind', 2), [{ sort: 'b' }]);
answers('an element of a JSON array has the name of the array',
  (db) => note(db, 'data->tags->1', 1), [{ tags: 'y' }]);
answers('an element of an outer JSON array', (db) => note(db, 'data->0', 6), [{ data: 1 }]);
answers('an element from the end', (db) => note(db, 'data->-1', 6), [{ data: 3 }]);
answers('a JSON path that leads nowhere', (db) => note(db, 'data->a->b', 1), [{ b: null }]);
answers('a JSON path of null', (db) => note(db, 'data->kind', 4), [{ kind: null }]);
answers('a JSON path with a cast', (db) => note(db, 'data->size::text', 2), [{ size: '10' }]);

answers('count()', (db) => cities(db, 'count()'), [{ count: 6 }]);
answers('the count of a column leaves out null', (db) => cities(db, 'population.count()'),
  [{ count: 5 }]);
answers('sum, min and max',
  (db) => cities(db, 'population.sum(),population.min(),population.max()'),
  [{ sum: 20900, min: 300, max: 14000 }]);
answers('avg', (db) => cities(db, 'population.avg()'), [{ avg: 4180 }]);
answers('sum of a decimal', (db) => db.from('people').select('salary.sum()'), [{ sum: 27500.75 }]);
answers('avg of a decimal', (db) => db.from('people').select('salary.avg()'), [{ avg: 6875.1875 }]);
answers('an aggregate with an alias', (db) => cities(db, 'all:population.sum()'), [{ all: 20900 }]);
answers('an aggregate with a cast', (db) => cities(db, 'population.sum()::text'),
  [{ sum: '20900' }]);
answers('an aggregate with a filter', (db) => cities(db, 'population.sum()').lt('id', 3),
  [{ sum: 1000 }]);
answers('aggregates of no rows', (db) => cities(db, 'count(),population.sum()').eq('id', 77),
  [{ count: 0, sum: null }]);
answers('max of a text', (db) => cities(db, 'name.max()'), [{ max: 'Tokyo' }]);
answers('groups',
  (db) => cities(db, 'country_id,population.sum(),count()').order('country_id'),
  [
    { country_id: 1, sum: 1000, count: 2 },
    { country_id: 2, sum: 15500, count: 2 },
    { country_id: 3, sum: 4400, count: 1 },
    { country_id: null, sum: null, count: 1 },
  ]);

const notes = (db) => db.from('notes').select('id');
finds('without an order rows come by key', notes, [1, 2, 3, 4, 5, 6]);
finds('order, null last', (db) => notes(db).order('score'), [4, 5, 1, 2, 6, 3]);
finds('order descending, null first',
  (db) => notes(db).order('score', { ascending: false }), [3, 6, 2, 1, 5, 4]);
finds('order, nullsFirst', (db) => notes(db).order('score', { nullsFirst: true }),
  [3, 4, 5, 1, 2, 6]);
finds('order descending, null last',
  (db) => notes(db).order('score', { ascending: false, nullsFirst: false }), [6, 2, 1, 5, 4, 3]);
finds('order by two columns',
  (db) => notes(db).order('level').order('title', { ascending: false }), [1, 2, 3, 5, 4, 6]);
finds('order by text goes by code point', (db) => notes(db).order('title'), [1, 4, 3, 6, 2, 5]);
finds('order by a boolean', (db) => notes(db).order('done'), [2, 5, 1, 4, 3, 6]);
finds('order by a JSON path', (db) => notes(db).order('data->>kind', { ascending: false })
  .not('data->>kind', 'is', null), [2, 1, 3]);
finds('order by a column that is not selected',
  (db) => db.from('people').select('id').order('name', { ascending: false }), [5, 4, 3, 2, 1]);

finds('limit', (db) => notes(db).limit(2), [1, 2]);
finds('limit 0', (db) => notes(db).limit(0), []);
finds('range', (db) => notes(db).range(1, 3), [2, 3, 4]);
finds('range of an order', (db) => notes(db).order('id', { ascending: false }).range(0, 1), [6, 5]);
finds('range beyond the end', (db) => notes(db).range(4, 99), [5, 6]);
finds('range wholly beyond the end', (db) => notes(db).range(50, 60), []);

for (const count of ['exact', 'planned', 'estimated']) {
  answers(`count ${count}`, (db) => cities(db, 'id', { count }).lt('id', 3),
    [{ id: 1 }, { id: 2 }], { count: 2 });
  answers(`count ${count} of a page`, (db) => cities(db, 'id', { count }).limit(1),
    [{ id: 1 }], { count: 6, status: 206 });
}
answers('count of no rows', (db) => cities(db, 'id', { count: 'exact' }).eq('id', 77), [],
  { count: 0 });
answers('head', (db) => cities(db, '*', { head: true }), null);
answers('head with count',
  (db) => cities(db, '*', { head: true, count: 'exact' }).gt('id', 2), null, { count: 4 });
answers('head with count of a page',
  (db) => cities(db, '*', { head: true, count: 'exact' }).range(0, 1), null,
  { count: 6, status: 206 });
refuses('a page beyond a known count',
  (db) => cities(db, '*', { count: 'exact' }).range(100, 109), 416, 'PGRST103',
  { message: 'Requested range not satisfiable',
    details: 'An offset of 100 was requested, but there are only 6 rows.' });
refuses('a limit below 0', (db) => cities(db, '*').limit(-1), 416, 'PGRST103');

answers('single', (db) => cities(db, 'name').eq('id', 3).single(), { name: 'Tokyo' });
answers('single of a limit', (db) => cities(db, 'name').limit(1).single(), { name: 'Oslo' });
for (const [rows, ids] of [[0, []], [2, [1, 2]]]) {
  refuses(`single of ${rows} rows`, (db) => cities(db, 'name').in('id', ids).single(), 406,
    'PGRST116', { message: 'Cannot coerce the result to a single JSON object',
      details: `The result contains ${rows} rows` });
}
answers('single with a count',
  (db) => cities(db, 'name', { count: 'exact' }).eq('id', 3).single(), { name: 'Tokyo' },
  { count: 1 });
answers('maybeSingle of one row', (db) => cities(db, 'name').eq('id', 3).maybeSingle(),
  { name: 'Tokyo' });
answers('maybeSingle of no row', (db) => cities(db, 'name').eq('id', 77).maybeSingle(), null);
refuses('maybeSingle of two rows', (db) => cities(db, 'name').in('id', [1, 2]).maybeSingle(), 406,
  'PGRST116', { details: /^Results contain 2 rows/ });

answers('csv', (db) => cities(db, 'id,name').lt('id', 3).csv(), 'id,name\n1,Oslo\n2,Bergen');
answers('csv with null', (db) => cities(db, 'id,population,name').eq('id', 6).csv(),
  'id,population,name\n6,,Atlantis');
answers('csv with commas and quotes', (db) => note(db, 'id,title,body', 6).csv(),
  'id,title,body\n6,"a,b (c)","say ""moon"""');
answers('csv with an alias and a count',
  (db) => cities(db, 'town:name', { count: 'exact' }).eq('id', 1).csv(), 'town\nOslo',
  { count: 1 });

answers('stripNulls', (db) => note(db, 'id,body,score', 4).stripNulls(), [{ id: 4, score: -3.25 }]);
answers('stripNulls with single', (db) => cities(db, '*').eq('id', 6).single().stripNulls(),
  { id: 6, name: 'Atlantis' });

answers('an apikey header and the path of Supabase',
  () => client({ headers: { apikey: 'anon' } }, '/rest/v1').from('cities').select('id').eq('id', 1),
  [{ id: 1 }]);
answers('the schema public', (db) => cities(db.schema('public'), 'id').eq('id', 1), [{ id: 1 }]);
answers('a client with a time limit',
  () => cities(client({ timeout: 10_000 }), 'id').eq('id', 1), [{ id: 1 }]);
answers('a signal that is not used',
  (db) => cities(db, 'id').eq('id', 1).abortSignal(new AbortController().signal), [{ id: 1 }]);

defineCase('a signal that is aborted', async () => {
  const got = await cities(client(), 'id').abortSignal(AbortSignal.abort());
  assert.equal(got.status, 0);
  assert.equal(got.data, null);
  assert.equal(got.error.hint, 'Request was aborted (timeout or manual cancellation)');
});

defineCase('throwOnError', async () => {
  await assert.rejects(async () => { await cities(client(), 'nope').throwOnError(); }, (error) => {
    assert(error instanceof PostgrestError);
    assert.equal(error.code, 'PGRST204');
    return true;
  });
  const got = await cities(client(), 'id').eq('id', 1).throwOnError();
  assert.deepEqual(got.data, [{ id: 1 }]);
});

defineCase('many requests at once', async () => {
  const ids = Array.from({ length: 60 }, (_, i) => i % 6 + 1);
  const got = await Promise.all(ids.map((id) => cities(client(), 'id').eq('id', id).single()));
  assert.deepEqual(got.map(({ data }) => data?.id), ids);
});
