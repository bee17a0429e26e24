// Relations: to one, to many, one to one, through a junction, to itself; their filters and orders.
import { answers, finds, refuses } from './suite.mjs';

const cities = (db, columns) => db.from('cities').select(columns);
const countries = (db, columns) => db.from('countries').select(columns);
const people = (db, columns) => db.from('people').select(columns);
const projects = (db, columns) => db.from('projects').select(columns);
const named = (...names) => names.map((name) => ({ name }));

// To one.
answers('to one', (db) => cities(db, 'name,countries(name)').gte('id', 5), [
  { name: 'Nairobi', countries: { name: 'Kenya' } },
  { name: 'Atlantis', countries: null },
]);
answers('to one, all columns', (db) => cities(db, 'id,countries(*)').eq('id', 3),
  [{ id: 3, countries: { id: 2, name: 'Japan', continent: 'Asia' } }]);
answers('* beside a relation', (db) => cities(db, '*,countries(name)').eq('id', 1),
  [{ id: 1, name: 'Oslo', country_id: 1, population: 700, countries: { name: 'Norway' } }]);
answers('an alias', (db) => cities(db, 'land:countries(title:name)').eq('id', 1),
  [{ land: { title: 'Norway' } }]);
answers('named by its column', (db) => cities(db, 'country_id(name)').eq('id', 1),
  [{ country_id: { name: 'Norway' } }]);
answers('named by its constraint',
  (db) => cities(db, 'land:cities_country_id_fkey(name)').eq('id', 1),
  [{ land: { name: 'Norway' } }]);
answers('a hint by column', (db) => cities(db, 'countries!country_id(name)').eq('id', 1),
  [{ countries: { name: 'Norway' } }]);
answers('a hint by constraint',
  (db) => cities(db, 'countries!cities_country_id_fkey(name)').eq('id', 1),
  [{ countries: { name: 'Norway' } }]);
answers('!left', (db) => cities(db, 'name,countries!left(name)').eq('id', 6),
  [{ name: 'Atlantis', countries: null }]);
answers('a hint and !inner', (db) => cities(db, 'name,countries!country_id!inner(name)')
  .gte('id', 5), [{ name: 'Nairobi', countries: { name: 'Kenya' } }]);
answers('a cast within', (db) => cities(db, 'countries(id::text)').eq('id', 3),
  [{ countries: { id: '2' } }]);

// To many.
answers('to many', (db) => countries(db, 'name,cities(name)'), [
  { name: 'Norway', cities: named('Oslo', 'Bergen') },
  { name: 'Japan', cities: named('Tokyo', 'Kyoto') },
  { name: 'Kenya', cities: named('Nairobi') },
  { name: 'Iceland', cities: [] },
]);
answers('to many, with a hint', (db) => countries(db, 'towns:cities!country_id(id)').eq('id', 2),
  [{ towns: [{ id: 3 }, { id: 4 }] }]);
answers('to many with single', (db) => countries(db, 'name,cities(id)').eq('id', 3).single(),
  { name: 'Kenya', cities: [{ id: 5 }] });
answers('three levels', (db) => countries(db, 'name,cities(name,people(name))').in('id', [1, 4]), [
  { name: 'Norway', cities: [
    { name: 'Oslo', people: named('Ada', 'Bo') },
    { name: 'Bergen', people: [] },
  ] },
  { name: 'Iceland', cities: [] },
]);
answers('down and up again', (db) => cities(db, 'countries(cities(id))').eq('id', 2),
  [{ countries: { cities: [{ id: 1 }, { id: 2 }] } }]);
answers('two relations', (db) => people(db, 'name,cities(name),passports(number)').eq('id', 4),
  [{ name: 'Di', cities: { name: 'Nairobi' }, passports: { number: 'K-300' } }]);

// One to one: the reference is unique, so both sides are objects.
answers('one to one, from the far side',
  (db) => people(db, 'name,passports(number)').gte('id', 4), [
    { name: 'Di', passports: { number: 'K-300' } },
    { name: 'Eve', passports: null },
  ]);
answers('one to one, from the near side',
  (db) => db.from('passports').select('number,people(name)').eq('id', 2),
  [{ number: 'N-200', people: { name: 'Bo' } }]);

// Through a junction.
answers('many to many', (db) => people(db, 'name,projects(name)'), [
  { name: 'Ada', projects: named('Apollo') },
  { name: 'Bo', projects: named('Apollo', 'Borealis') },
  { name: 'Cy', projects: named('Borealis') },
  { name: 'Di', projects: named('Comet') },
  { name: 'Eve', projects: [] },
]);
answers('many to many, the other way', (db) => projects(db, 'name,people(name)').gte('id', 2), [
  { name: 'Borealis', people: named('Bo', 'Cy') },
  { name: 'Comet', people: named('Di') },
  { name: 'Dune', people: [] },
]);
answers('many to many, a hint by the junction',
  (db) => people(db, 'projects!people_projects(name)').eq('id', 3),
  [{ projects: named('Borealis') }]);
answers('the junction itself',
  (db) => people(db, 'people_projects(role,projects(name))').eq('id', 2),
  [{ people_projects: [
    { role: 'dev', projects: { name: 'Apollo' } },
    { role: 'lead', projects: { name: 'Borealis' } },
  ] }]);

// To itself.
answers('to its own parent', (db) => people(db, 'name,boss:manager_id(name)').lte('id', 2), [
  { name: 'Ada', boss: null },
  { name: 'Bo', boss: { name: 'Ada' } },
]);
answers('to its own children',
  (db) => people(db, 'name,team:people!manager_id(name)').lte('id', 3), [
    { name: 'Ada', team: named('Bo', 'Cy') },
    { name: 'Bo', team: named('Di', 'Eve') },
    { name: 'Cy', team: [] },
  ]);
answers('to its own parent and on',
  (db) => people(db, 'boss:manager_id(name,boss:manager_id(name))').eq('id', 4),
  [{ boss: { name: 'Bo', boss: { name: 'Ada' } } }]);

// Two references to one resource.
refuses('two ways to one resource', (db) => db.from('flights').select('id,cities(name)'), 300,
  'PGRST201', { hint: /^Try changing 'cities' to one of the following: 'cities!/ });
answers('two ways, each by its hint', (db) => db.from('flights')
  .select('from:cities!from_id(name),to:cities!to_id(name)').eq('id', 2),
[{ from: { name: 'Tokyo' }, to: { name: 'Kyoto' } }]);
answers('two ways, each by its column',
  (db) => db.from('flights').select('from:from_id(name),to:to_id(name)').eq('id', 3),
  [{ from: { name: 'Nairobi' }, to: { name: 'Oslo' } }]);
answers('two ways back',
  (db) => cities(db, 'out:flights!from_id(minutes),in:flights!to_id(minutes)').eq('id', 1),
  [{ out: [{ minutes: 780 }], in: [{ minutes: 540 }] }]);

// Filters.
answers('a filter within leaves the outer rows',
  (db) => countries(db, 'name,cities(name)').gt('cities.population', 1000), [
    { name: 'Norway', cities: [] },
    { name: 'Japan', cities: named('Tokyo', 'Kyoto') },
    { name: 'Kenya', cities: named('Nairobi') },
    { name: 'Iceland', cities: [] },
  ]);
answers('a filter within, to one',
  (db) => cities(db, 'name,countries(name)').eq('countries.continent', 'Asia').in('id', [1, 3]), [
    { name: 'Oslo', countries: null },
    { name: 'Tokyo', countries: { name: 'Japan' } },
  ]);
finds('!inner', (db) => cities(db, 'id,countries!inner(name)'), [1, 2, 3, 4, 5]);
finds('!inner with a filter',
  (db) => cities(db, 'id,countries!inner(name)').eq('countries.name', 'Norway'), [1, 2]);
finds('!inner, to many',
  (db) => countries(db, 'id,cities!inner(id)').lt('cities.population', 1000), [1]);
finds('!inner through a junction',
  (db) => projects(db, 'id,people!inner(id)').eq('people.name', 'Bo'), [1, 2]);
finds('!inner without columns', (db) => countries(db, 'id,cities!inner()'), [1, 2, 3]);
answers('!inner below !inner', (db) => countries(db, 'name,cities!inner(name,people!inner(name))')
  .eq('cities.people.name', 'Cy'),
[{ name: 'Japan', cities: [{ name: 'Tokyo', people: named('Cy') }] }]);
finds('a filter by the alias',
  (db) => cities(db, 'id,land:countries!inner(name)').eq('land.name', 'Japan'), [3, 4]);
finds('in within', (db) => cities(db, 'id,countries!inner(name)')
  .in('countries.name', ['Japan', 'Kenya']), [3, 4, 5]);
answers('or within', (db) => countries(db, 'cities(name)')
  .or('name.eq.Oslo,population.lt.500', { referencedTable: 'cities' }).eq('id', 1),
[{ cities: named('Oslo', 'Bergen') }]);
finds('or within, with !inner', (db) => countries(db, 'id,cities!inner(name)')
  .or('name.eq.Oslo,population.gt.10000', { referencedTable: 'cities' }), [1, 2]);
answers('an empty relation is not answered', (db) => countries(db, 'name,cities()').eq('id', 1),
  named('Norway'));
finds('rows without a relation', (db) => countries(db, 'id,cities()').is('cities', null), [4]);
finds('rows with a relation',
  (db) => countries(db, 'id,cities()').not('cities', 'is', null), [1, 2, 3]);
finds('rows with a relation, within or',
  (db) => countries(db, 'id,cities()').or('name.eq.Iceland,cities.not.is.null'), [1, 2, 3, 4]);
answers('a count with !inner', (db) => db.from('cities')
  .select('id,countries!inner()', { count: 'exact' }).eq('countries.name', 'Kenya'),
[{ id: 5 }], { count: 1 });

// Order and pages within.
answers('order within', (db) => countries(db, 'cities(name)')
  .order('name', { referencedTable: 'cities' }).lte('id', 2),
[{ cities: named('Bergen', 'Oslo') }, { cities: named('Kyoto', 'Tokyo') }]);
answers('order and limit within', (db) => countries(db, 'cities(name)')
  .order('population', { referencedTable: 'cities', ascending: true })
  .limit(1, { referencedTable: 'cities' }),
[{ cities: named('Bergen') }, { cities: named('Kyoto') }, { cities: named('Nairobi') },
  { cities: [] }]);
answers('range within', (db) => countries(db, 'cities(name)')
  .range(1, 1, { referencedTable: 'cities' }).lte('id', 3),
[{ cities: named('Bergen') }, { cities: named('Kyoto') }, { cities: [] }]);
answers('order two levels down', (db) => countries(db, 'cities(people(name))')
  .order('name', { referencedTable: 'cities.people', ascending: false }).eq('id', 1),
[{ cities: [{ people: named('Bo', 'Ada') }, { people: [] }] }]);
answers('limit through a junction', (db) => people(db, 'projects(name)')
  .order('budget', { referencedTable: 'projects', ascending: false })
  .limit(1, { referencedTable: 'projects' }).lte('id', 2),
[{ projects: named('Apollo') }, { projects: named('Borealis') }]);
finds('order by a relation',
  (db) => cities(db, 'id,countries(name)').order('countries(name)'), [3, 4, 5, 1, 2, 6]);
finds('order by a relation, descending',
  (db) => cities(db, 'id,countries(name)').order('countries(name)', { ascending: false })
    .order('id', { ascending: false }), [6, 2, 1, 5, 4, 3]);
refuses('order by a relation to many',
  (db) => countries(db, 'id,cities(name)').order('cities(name)'), 400, 'PGRST118');

// Spread.
answers('spread', (db) => cities(db, 'name,...countries(country:name)').gte('id', 5), [
  { name: 'Nairobi', country: 'Kenya' },
  { name: 'Atlantis', country: null },
]);
answers('spread below spread',
  (db) => people(db, 'name,...cities(city:name,...countries(country:name))').in('id', [3, 5]), [
    { name: 'Cy', city: 'Tokyo', country: 'Japan' },
    { name: 'Eve', city: null, country: null },
  ]);
answers('spread, to many', (db) => countries(db, 'name,...cities(towns:name,sizes:population)')
  .in('id', [1, 4]), [
  { name: 'Norway', towns: ['Oslo', 'Bergen'], sizes: [700, 300] },
  { name: 'Iceland', towns: [], sizes: [] },
]);
answers('spread, to many, in an order', (db) => countries(db, '...cities(towns:name)')
  .order('name', { referencedTable: 'cities' }).eq('id', 2), [{ towns: ['Kyoto', 'Tokyo'] }]);
answers('spread through a junction',
  (db) => projects(db, 'name,...people(members:name)').eq('id', 2),
  [{ name: 'Borealis', members: ['Bo', 'Cy'] }]);
finds('spread with !inner',
  (db) => cities(db, 'id,...countries!inner(country:name)')
    .eq('countries.continent', 'Africa'), [5]);

// Aggregates.
answers('count of a relation', (db) => countries(db, 'name,cities(count)'), [
  { name: 'Norway', cities: [{ count: 2 }] },
  { name: 'Japan', cities: [{ count: 2 }] },
  { name: 'Kenya', cities: [{ count: 1 }] },
  { name: 'Iceland', cities: [{ count: 0 }] },
]);
answers('count() of a relation', (db) => projects(db, 'people(count())').eq('id', 1),
  [{ people: [{ count: 2 }] }]);
answers('sum within', (db) => countries(db, 'cities(population.sum())').lte('id', 2),
  [{ cities: [{ sum: 1000 }] }, { cities: [{ sum: 15500 }] }]);
answers('groups by a spread column',
  (db) => cities(db, 'population.sum(),...countries(continent)').not('country_id', 'is', null)
    .order('countries(continent)'),
  [{ sum: 4400, continent: 'Africa' }, { sum: 15500, continent: 'Asia' },
    { sum: 1000, continent: 'Europe' }]);

answers('stripNulls of a relation that is missing',
  (db) => cities(db, 'name,countries(name)').eq('id', 6).stripNulls(), named('Atlantis'));
answers('a JSON path beside a relation',
  (db) => db.from('tasks').select('extra->>tool,owner:people(name)').eq('id', 1),
  [{ tool: 'brush', owner: { name: 'Ada' } }]);

// Errors.
refuses('no relation', (db) => cities(db, 'id,notes(id)'), 400, 'PGRST200',
  { message: "Could not find a relationship between 'cities' and 'notes' in the schema cache" });
refuses('a relation that is no resource', (db) => cities(db, 'id,nope(id)'), 400, 'PGRST200');
refuses('a hint that fits nothing', (db) => cities(db, 'id,countries!nope(id)'), 400, 'PGRST200');
refuses('a column within that is none', (db) => cities(db, 'id,countries(nope)'), 400, 'PGRST204');
refuses('a filter on what is not selected',
  (db) => cities(db, 'id').eq('countries.name', 'Norway'), 400, 'PGRST108',
  { message: "'countries' is not an embedded resource in this request" });
refuses('an order of what is not selected',
  (db) => cities(db, 'id').order('name', { referencedTable: 'people' }), 400, 'PGRST108');
refuses('a filter on a relation itself',
  (db) => cities(db, 'id,countries(id)').eq('countries', 1), 400, 'PGRST120');
refuses('a relation without an end', (db) => cities(db, 'id,countries(id'), 400, 'PGRST100');
