// insert, upsert, update, delete: what the client gets back, and what is stored then.
import assert from 'node:assert/strict';
import { answers, client, defineCase, putBackBeforeEach, refuses } from './suite.mjs';
import { seed } from './seed.mjs';

putBackBeforeEach('tasks', 'prices');

const tasks = (db) => db.from('tasks');
const before = { paint: ['open', 3], sweep: ['closed', 1], mow: ['open', 5] };

// What is stored in tasks, after a write that succeeds and after one that is refused: name to
// state and points.
function stores(name, build, { data = null, want, error, stored }) {
  defineCase(name, async () => {
    const got = await build(client());
    if (error === undefined) {
      assert.equal(got.error, null);
      assert.deepEqual(
        { data: got.data, status: got.status, count: got.count }, { data, count: null, ...want });
    } else {
      assert.deepEqual({ data: got.data, status: got.status, code: got.error?.code },
        { data: null, status: error[0], code: error[1] });
    }
    const rows = (await tasks(client()).select('name,state,points').throwOnError()).data;
    assert.deepEqual(
      Object.fromEntries(rows.map((row) => [row.name, [row.state, row.points]])), stored);
  });
}

const created = { status: 201 };
const rake = { name: 'rake', points: 2 };
const withRake = { ...before, rake: ['open', 2] };

stores('insert of an object', (db) => tasks(db).insert(rake), { want: created, stored: withRake });
stores('insert with select', (db) => tasks(db).insert(rake).select('name,state,points'),
  { data: [{ name: 'rake', state: 'open', points: 2 }], want: created, stored: withRake });
stores('insert with select and single', (db) => tasks(db).insert(rake).select('name').single(),
  { data: { name: 'rake' }, want: created, stored: withRake });
stores('insert with select and csv', (db) => tasks(db).insert(rake).select('name,points').csv(),
  { data: 'name,points\nrake,2', want: created, stored: withRake });
stores('insert with select and a relation',
  (db) => tasks(db).insert({ ...rake, owner_id: 3 }).select('name,owner:people(name)'),
  { data: [{ name: 'rake', owner: { name: 'Cy' } }], want: created, stored: withRake });
stores('insert with a count', (db) => tasks(db).insert([rake, { name: 'dig', points: 4 }],
  { count: 'exact' }),
{ want: { status: 201, count: 2 }, stored: { ...withRake, dig: ['open', 4] } });
stores('insert of rows with other keys: null',
  (db) => tasks(db).insert([rake, { name: 'dig' }]).select('name,points'),
  { data: [{ name: 'rake', points: 2 }, { name: 'dig', points: null }], want: created,
    stored: { ...withRake, dig: ['open', null] } });
stores('insert of rows with other keys: the default',
  (db) => tasks(db).insert([rake, { name: 'dig' }], { defaultToNull: false }).select('name,points'),
  { data: [{ name: 'rake', points: 2 }, { name: 'dig', points: 1 }], want: created,
    stored: { ...withRake, dig: ['open', 1] } });
stores('insert of nothing', (db) => tasks(db).insert([]).select(),
  { data: [], want: created, stored: before });
stores('insert with a key', (db) => tasks(db).insert({ id: 700, ...rake }).select('id').single(),
  { data: { id: 700 }, want: created, stored: withRake });
stores('insert, rolled back', (db) => tasks(db).insert(rake).select('name').rollback(),
  { data: [{ name: 'rake' }], want: created, stored: before });
stores('insert without an answer, rolled back', (db) => tasks(db).insert(rake).rollback(),
  { want: created, stored: before });

stores('insert of a name that is there', (db) => tasks(db).insert({ name: 'paint' }),
  { error: [409, '23505'], stored: before });
stores('insert of rows, the last one bad', (db) => tasks(db).insert([rake, { name: 'paint' }]),
  { error: [409, '23505'], stored: before });
stores('insert of two rows with single',
  (db) => tasks(db).insert([rake, { name: 'dig' }]).select().single(),
  { error: [406, 'PGRST116'], stored: before });
stores('insert of a reference to nothing', (db) => tasks(db).insert({ ...rake, owner_id: 99 }),
  { error: [409, '23503'], stored: before });
stores('insert without what is required', (db) => tasks(db).insert({ points: 2 }),
  { error: [400, '23502'], stored: before });
stores('insert of a value that is not allowed',
  (db) => tasks(db).insert({ name: 'x', state: 'no' }),
  { error: [400, '23514'], stored: before });
stores('insert of a value that is too large', (db) => tasks(db).insert({ name: 'x', points: 101 }),
  { error: [400, '23514'], stored: before });
stores('insert of a text that is too long', (db) => tasks(db).insert({ name: 'x'.repeat(21) }),
  { error: [400, '22001'], stored: before });
stores('insert of a text for an integer', (db) => tasks(db).insert({ name: 'x', points: 'many' }),
  { error: [400, '22P02'], stored: before });
stores('insert of an integer that is out of range',
  (db) => tasks(db).insert({ name: 'x', points: 2n ** 64n }),
  { error: [400, '22003'], stored: before });
stores('insert of a column that is none', (db) => tasks(db).insert({ name: 'x', nope: 1 }),
  { error: [400, 'PGRST204'], stored: before });
stores('insert of rows with a column that is none',
  (db) => tasks(db).insert([{ name: 'x' }, { name: 'y', nope: 1 }]),
  { error: [400, 'PGRST204'], stored: before });
stores('insert with a select of a column that is none',
  (db) => tasks(db).insert(rake).select('nope'), { error: [400, 'PGRST204'], stored: before });

answers('insert of each type', (db) => db.from('notes').insert({
  title: 'types "quoted"\n\u{1F511}', done: false, score: 1e-7, level: -9007199254740991,
  data: { a: [1, null, { b: 'c' }] },
}).select('title,body,done,score,level,data').single(), {
  title: 'types "quoted"\n\u{1F511}', body: null, done: false, score: 1e-7,
  level: -9007199254740991, data: { a: [1, null, { b: 'c' }] },
}, created);
answers('insert of an integer of 64 bits',
  (db) => db.from('prices').insert({ shop: 'x', item: 'y', price: 9223372036854775807n })
    .select('price::text'), [{ price: '9223372036854775807' }], created);
refuses('details of a unique rule', (db) => tasks(db).insert({ name: 'paint' }), 409, '23505', {
  message: 'duplicate key value violates unique constraint "one task per name"',
  details: 'Key (name)=(paint) already exists.',
});
refuses('details of a composite key',
  (db) => db.from('prices').insert({ shop: 'north', item: 'tea' }), 409, '23505', {
    message: 'duplicate key value violates unique constraint "prices_pkey"',
    details: 'Key (shop, item)=(north, tea) already exists.',
  });
refuses('details of a column that is none', (db) => tasks(db).insert({ nope: 2 }), 400, 'PGRST204',
  { message: "Could not find the 'nope' column of 'tasks' in the schema cache" });
refuses('details of a missing value', (db) => tasks(db).insert({ points: 2 }), 400, '23502',
  { message: 'null value in column "name" of relation "tasks" violates not-null constraint' });

// Upsert.
const paint9 = { id: 1, name: 'paint', points: 9 };
const painted = { ...before, paint: ['open', 9] };
stores('upsert of a row that is there', (db) => tasks(db).upsert(paint9),
  { want: { status: 200 }, stored: painted });
stores('upsert keeps what is not given',
  (db) => tasks(db).upsert(paint9).select('owner_id,extra,points').single(),
  { data: { owner_id: 1, extra: { tool: 'brush' }, points: 9 }, want: { status: 200 },
    stored: painted });
stores('upsert of a new row', (db) => tasks(db).upsert({ id: 50, name: 'dig' }).select('id,state'),
  { data: [{ id: 50, state: 'open' }], want: created, stored: { ...before, dig: ['open', 1] } });
stores('upsert of both', (db) => tasks(db).upsert([paint9, { id: 50, name: 'dig', points: 2 }])
  .select('id,points'),
{ data: [{ id: 1, points: 9 }, { id: 50, points: 2 }], want: created,
  stored: { ...painted, dig: ['open', 2] } });
stores('upsert with ignoreDuplicates',
  (db) => tasks(db).upsert([paint9, { id: 50, name: 'dig', points: 2 }], { ignoreDuplicates: true })
    .select('id,points'),
  { data: [{ id: 50, points: 2 }], want: created, stored: { ...before, dig: ['open', 2] } });
stores('upsert with select and single',
  (db) => tasks(db).upsert(paint9).select('name,points').single(),
  { data: { name: 'paint', points: 9 }, want: { status: 200 }, stored: painted });
stores('upsert with onConflict',
  (db) => tasks(db).upsert({ name: 'sweep', points: 7 }, { onConflict: 'name' })
    .select('id,points'),
  { data: [{ id: 2, points: 7 }], want: { status: 200 },
    stored: { ...before, sweep: ['closed', 7] } });
stores('upsert with onConflict and ignoreDuplicates',
  (db) => tasks(db).upsert([{ name: 'sweep', points: 7 }, { name: 'dig', points: 2 }],
    { onConflict: 'name', ignoreDuplicates: true }).select('name'),
  { data: [{ name: 'dig' }], want: created, stored: { ...before, dig: ['open', 2] } });
stores('upsert with a count', (db) => tasks(db).upsert([paint9, { id: 50, name: 'dig', points: 2 }],
  { count: 'exact' }),
{ want: { status: 201, count: 2 }, stored: { ...painted, dig: ['open', 2] } });
stores('upsert with defaults',
  (db) => tasks(db).upsert([paint9, { id: 50, name: 'dig' }], { defaultToNull: false }),
  { want: created, stored: { ...painted, dig: ['open', 1] } });
stores('upsert, rolled back', (db) => tasks(db).upsert(paint9).select('points').rollback(),
  { data: [{ points: 9 }], want: { status: 200 }, stored: before });
stores('upsert with onConflict that is no key',
  (db) => tasks(db).upsert(paint9, { onConflict: 'state' }),
  { error: [400, '42P10'], stored: before });
stores('upsert against another key is no merge',
  (db) => tasks(db).upsert({ id: 70, name: 'paint', points: 9 }),
  { error: [409, '23505'], stored: before });
answers('upsert of a composite key', (db) => db.from('prices').upsert([
  { shop: 'north', item: 'tea', price: 9 }, { shop: 'west', item: 'tea', price: 1 },
]).select(), [
  { shop: 'north', item: 'tea', price: 9, stock: 10 },
  { shop: 'west', item: 'tea', price: 1, stock: 0 },
], created);
answers('upsert of a composite key by name', (db) => db.from('prices')
  .upsert({ shop: 'north', item: 'tea', stock: 1 }, { onConflict: 'shop,item' }).select(),
[{ shop: 'north', item: 'tea', price: 3, stock: 1 }]);

// Update.
const nothing = { status: 204 };
stores('update', (db) => tasks(db).update({ points: 9 }).eq('id', 1),
  { want: nothing, stored: painted });
stores('update with select',
  (db) => tasks(db).update({ points: 9 }).eq('id', 1).select('id,points'),
  { data: [{ id: 1, points: 9 }], want: { status: 200 }, stored: painted });
stores('update with a count',
  (db) => tasks(db).update({ points: 8 }, { count: 'exact' }).eq('state', 'open'),
  { want: { status: 204, count: 2 },
    stored: { ...before, paint: ['open', 8], mow: ['open', 8] } });
stores('update with select and a count',
  (db) => tasks(db).update({ points: 8 }, { count: 'exact' }).in('id', [1, 3]).select('id'),
  { data: [{ id: 1 }, { id: 3 }], want: { status: 200, count: 2 },
    stored: { ...before, paint: ['open', 8], mow: ['open', 8] } });
stores('update of no row', (db) => tasks(db).update({ points: 8 }).eq('id', 77),
  { want: nothing, stored: before });
stores('update of no row, with select',
  (db) => tasks(db).update({ points: 8 }).eq('id', 77).select(),
  { data: [], want: { status: 200 }, stored: before });
stores('update of no row, with maybeSingle',
  (db) => tasks(db).update({ points: 8 }).eq('id', 77).select().maybeSingle(),
  { data: null, want: { status: 200 }, stored: before });
stores('update of nothing', (db) => tasks(db).update({}).eq('id', 1),
  { want: nothing, stored: before });
stores('update with single', (db) => tasks(db).update({ points: 9 }).eq('id', 1).select('name')
  .single(), { data: { name: 'paint' }, want: { status: 200 }, stored: painted });
stores('update with a relation',
  (db) => tasks(db).update({ points: 9, owner_id: 4 }).eq('id', 1).select('owner:people(name)'),
  { data: [{ owner: { name: 'Di' } }], want: { status: 200 }, stored: painted });
stores('update with or', (db) => tasks(db).update({ points: 0 }).or('id.eq.1,points.gt.4'),
  { want: nothing, stored: { ...before, paint: ['open', 0], mow: ['open', 0] } });
stores('update to null and of JSON',
  (db) => tasks(db).update({ points: null, extra: { a: [1] } }).eq('id', 2).select('points,extra'),
  { data: [{ points: null, extra: { a: [1] } }], want: { status: 200 },
    stored: { ...before, sweep: ['closed', null] } });
stores('update, rolled back',
  (db) => tasks(db).update({ points: 9 }).eq('id', 1).select('points').rollback(),
  { data: [{ points: 9 }], want: { status: 200 }, stored: before });
stores('update within maxAffected',
  (db) => tasks(db).update({ points: 8 }).eq('state', 'open').maxAffected(2),
  { want: nothing, stored: { ...before, paint: ['open', 8], mow: ['open', 8] } });
stores('update beyond maxAffected',
  (db) => tasks(db).update({ points: 8 }).eq('state', 'open').maxAffected(1),
  { error: [400, 'PGRST124'], stored: before });
stores('update of two rows with single',
  (db) => tasks(db).update({ points: 8 }).eq('state', 'open').select().single(),
  { error: [406, 'PGRST116'], stored: before });
stores('update of no row with single',
  (db) => tasks(db).update({ points: 8 }).eq('id', 77).select().single(),
  { error: [406, 'PGRST116'], stored: before });
stores('update to a name that is there', (db) => tasks(db).update({ name: 'mow' }).eq('id', 1),
  { error: [409, '23505'], stored: before });
stores('update to a reference to nothing', (db) => tasks(db).update({ owner_id: 99 }).eq('id', 1),
  { error: [409, '23503'], stored: before });
stores('update of a column that is none', (db) => tasks(db).update({ nope: 1 }).eq('id', 1),
  { error: [400, 'PGRST204'], stored: before });
stores('update to a value that is not allowed',
  (db) => tasks(db).update({ state: 'no' }).eq('id', 1), { error: [400, '23514'], stored: before });

// Delete.
const { paint, ...unpainted } = before;
stores('delete', (db) => tasks(db).delete().eq('id', 1), { want: nothing, stored: unpainted });
stores('delete with select', (db) => tasks(db).delete().eq('id', 1).select(),
  { data: [seed.tasks[0]], want: { status: 200 }, stored: unpainted });
stores('delete with select and single',
  (db) => tasks(db).delete().eq('id', 1).select('id').single(),
  { data: { id: 1 }, want: { status: 200 }, stored: unpainted });
stores('delete with select and csv', (db) => tasks(db).delete().eq('id', 1).select('id,name').csv(),
  { data: 'id,name\n1,paint', want: { status: 200 }, stored: unpainted });
stores('delete with a relation',
  (db) => tasks(db).delete().eq('id', 1).select('name,owner:people(name)'),
  { data: [{ name: 'paint', owner: { name: 'Ada' } }], want: { status: 200 }, stored: unpainted });
stores('delete with a count', (db) => tasks(db).delete({ count: 'exact' }).eq('state', 'open'),
  { want: { status: 204, count: 2 }, stored: { sweep: ['closed', 1] } });
stores('delete of no row', (db) => tasks(db).delete({ count: 'exact' }).eq('id', 77),
  { want: { status: 204, count: 0 }, stored: before });
stores('delete, rolled back', (db) => tasks(db).delete().eq('id', 1).select('id').rollback(),
  { data: [{ id: 1 }], want: { status: 200 }, stored: before });
stores('delete within maxAffected', (db) => tasks(db).delete().eq('id', 1).maxAffected(1),
  { want: nothing, stored: unpainted });
stores('delete beyond maxAffected', (db) => tasks(db).delete().gt('id', 0).maxAffected(2),
  { error: [400, 'PGRST124'], stored: before });
stores('delete of two rows with single',
  (db) => tasks(db).delete().eq('state', 'open').select().single(),
  { error: [406, 'PGRST116'], stored: before });
stores('delete by a filter that does not parse', (db) => tasks(db).delete().filter('id', 'foo', 1),
  { error: [400, 'PGRST100'], stored: before });
refuses('delete of what is referred to', (db) => db.from('countries').delete().eq('id', 1), 409,
  '23503', { details: 'Key (id)=(1) is still referenced from table "cities".' });
refuses('details of maxAffected', (db) => tasks(db).delete().gt('id', 0).maxAffected(2), 400,
  'PGRST124', { details: 'The query affects 3 rows',
    message: 'Query result exceeds max-affected preference constraint' });
