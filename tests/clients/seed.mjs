// The rows that the tests ask for. What the tests expect is computed from these by hand.
const all = (fields, rows) =>
  rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));

// In the order in which references allow them to be written.
export const seed = {
  countries: all(['id', 'name', 'continent'], [
    [1, 'Norway', 'Europe'],
    [2, 'Japan', 'Asia'],
    [3, 'Kenya', 'Africa'],
    [4, 'Iceland', 'Europe'],
  ]),
  cities: all(['id', 'name', 'country_id', 'population'], [
    [1, 'Oslo', 1, 700],
    [2, 'Bergen', 1, 300],
    [3, 'Tokyo', 2, 14000],
    [4, 'Kyoto', 2, 1500],
    [5, 'Nairobi', 3, 4400],
    [6, 'Atlantis', null, null],
  ]),
  people: all(['id', 'name', 'manager_id', 'city_id', 'salary'], [
    [1, 'Ada', null, 1, 9000.5],
    [2, 'Bo', 1, 1, 7000],
    [3, 'Cy', 1, 3, 6500.25],
    [4, 'Di', 2, 5, 5000],
    [5, 'Eve', 2, null, null],
  ]),
  passports: all(['id', 'number', 'person_id'], [
    [1, 'N-100', 1],
    [2, 'N-200', 2],
    [3, 'K-300', 4],
  ]),
  projects: all(['id', 'name', 'budget'], [
    [1, 'Apollo', 100],
    [2, 'Borealis', 250],
    [3, 'Comet', 50],
    [4, 'Dune', null],
  ]),
  people_projects: all(['person_id', 'project_id', 'role'], [
    [1, 1, 'lead'],
    [2, 1, 'dev'],
    [2, 2, 'lead'],
    [3, 2, 'dev'],
    [4, 3, 'lead'],
  ]),
  flights: all(['id', 'from_id', 'to_id', 'minutes'], [
    [1, 1, 3, 780],
    [2, 3, 4, 60],
    [3, 5, 1, 540],
  ]),
  notes: all(['id', 'title', 'body', 'done', 'score', 'level', 'data'], [
    [1, 'Alpha', 'The quick brown fox', true, 1.5, 1,
      { kind: 'a', size: 1, tags: ['x', 'y'], deep: { on: true } }],
    [2, 'alphabet', 'A lazy brown dog', false, 2.5, 2,
      { kind: 'b', size: 10, tags: [], deep: { on: false } }],
    [3, 'Beta_1', 'quick silver moon', null, null, 2, { kind: 'a', size: 2, tags: ['z'] }],
    [4, 'Beta%2', null, true, -3.25, 3, null],
    [5, 'ГАММА', 'brown quick moon fox', false, 0, 3, { kind: null, size: 3 }],
    [6, 'a,b (c)', 'say "moon"', null, 100, null, [1, 2, 3]],
  ]),
  prices: all(['shop', 'item', 'price', 'stock'], [
    ['north', 'jam', 5, 0],
    ['north', 'tea', 3, 10],
    ['south', 'tea', 4, 7],
  ]),
  tasks: all(['id', 'name', 'state', 'points', 'owner_id', 'extra'], [
    [1, 'paint', 'open', 3, 1, { tool: 'brush' }],
    [2, 'sweep', 'closed', 1, 2, null],
    [3, 'mow', 'open', 5, null, null],
  ]),
};
