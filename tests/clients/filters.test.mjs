// Every filter of postgrest-js, on rows of `notes` unless a case says otherwise.
import { finds, refuses } from './suite.mjs';

const notes = (db) => db.from('notes').select('id');

// Comparison; a null neither matches nor does not match.
finds('eq of an integer', (db) => notes(db).eq('level', 2), [2, 3]);
finds('eq of a text', (db) => notes(db).eq('title', 'Alpha'), [1]);
finds('eq of a text with grammar in it', (db) => notes(db).eq('title', 'a,b (c)'), [6]);
finds('eq of a text with a percent sign', (db) => notes(db).eq('title', 'Beta%2'), [4]);
finds('eq of a text that is not ASCII', (db) => notes(db).eq('title', 'ГАММА'), [5]);
finds('eq of a boolean', (db) => notes(db).eq('done', true), [1, 4]);
finds('eq of a number', (db) => notes(db).eq('score', -3.25), [4]);
finds('eq of a decimal', (db) => db.from('people').select('id').eq('salary', 6500.25), [3]);
finds('eq on half of a composite key',
  (db) => db.from('people_projects').select('id:project_id').eq('person_id', 2), [1, 2]);
finds('neq', (db) => notes(db).neq('level', 2), [1, 4, 5]);
finds('gt', (db) => notes(db).gt('score', 1.5), [2, 6]);
finds('gte', (db) => notes(db).gte('score', 1.5), [1, 2, 6]);
finds('lt', (db) => notes(db).lt('score', 1.5), [4, 5]);
finds('lte', (db) => notes(db).lte('score', 1.5), [1, 4, 5]);
finds('gt of a text goes by code point', (db) => notes(db).gt('title', 'alpha'), [2, 5]);
finds('two filters on one column', (db) => notes(db).gte('level', 2).lt('level', 3), [2, 3]);
finds('a filter that finds nothing', (db) => notes(db).eq('id', 77), []);

// like: case counts; ilike: it does not, by Unicode.
finds('like with a star', (db) => notes(db).like('title', 'Alpha*'), [1]);
finds('like with a percent sign', (db) => notes(db).like('title', 'alpha%'), [2]);
finds('like with an underscore', (db) => notes(db).like('title', 'Beta__'), [3, 4]);
finds('like with an escaped underscore', (db) => notes(db).like('title', 'Beta\\_%'), [3]);
finds('like in the middle', (db) => notes(db).like('body', '%quick%'), [1, 3, 5]);
finds('like without a wildcard', (db) => notes(db).like('title', 'alpha'), []);
finds('likeAllOf', (db) => notes(db).likeAllOf('title', ['%a%', '%b%']), [2, 6]);
finds('likeAnyOf', (db) => notes(db).likeAnyOf('title', ['Alpha%', 'Beta%']), [1, 3, 4]);
finds('ilike', (db) => notes(db).ilike('title', 'ALPHA%'), [1, 2]);
finds('ilike of letters that are not ASCII', (db) => notes(db).ilike('title', 'гамма'), [5]);
finds('ilikeAllOf', (db) => notes(db).ilikeAllOf('title', ['%A%', '%B%']), [2, 3, 4, 6]);
finds('ilikeAnyOf', (db) => notes(db).ilikeAnyOf('title', ['BETA%', 'г%']), [3, 4, 5]);
finds('not like', (db) => notes(db).not('title', 'like', '%a%'), [5]);
finds('not ilike', (db) => notes(db).not('title', 'ilike', 'ALPHA%'), [3, 4, 5, 6]);

finds('regexMatch', (db) => notes(db).regexMatch('title', '^[Aa]lpha$'), [1]);
finds('regexMatch, alternatives', (db) => notes(db).regexMatch('body', 'dog|silver'), [2, 3]);
finds('regexIMatch', (db) => notes(db).regexIMatch('title', '^BETA.\\d$'), [3, 4]);
finds('not match', (db) => notes(db).not('body', 'match', 'quick'), [2, 6]);

finds('is null', (db) => notes(db).is('done', null), [3, 6]);
finds('is true', (db) => notes(db).is('done', true), [1, 4]);
finds('is false', (db) => notes(db).is('done', false), [2, 5]);
finds('is unknown', (db) => notes(db).filter('done', 'is', 'unknown'), [3, 6]);
finds('is not_null', (db) => notes(db).filter('body', 'is', 'not_null'), [1, 2, 3, 5, 6]);
finds('not is null', (db) => notes(db).not('level', 'is', null), [1, 2, 3, 4, 5]);
finds('not is true also finds null', (db) => notes(db).not('done', 'is', true), [2, 3, 5, 6]);
finds('isDistinct of a boolean', (db) => notes(db).isDistinct('done', true), [2, 3, 5, 6]);
finds('isDistinct of an integer', (db) => notes(db).isDistinct('level', 2), [1, 4, 5, 6]);
finds('not isdistinct', (db) => notes(db).not('level', 'isdistinct', 2), [2, 3]);

finds('in', (db) => notes(db).in('level', [1, 3]), [1, 4, 5]);
finds('in with a text that needs quotes',
  (db) => notes(db).in('title', ['a,b (c)', 'Alpha']), [1, 6]);
finds('in of nothing', (db) => notes(db).in('level', []), []);
finds('in with a value twice', (db) => notes(db).in('id', [3, 3, 1]), [1, 3]);
finds('in with a thousand values',
  (db) => notes(db).in('id', Array.from({ length: 1000 }, (_, i) => i + 4)), [4, 5, 6]);
finds('notIn', (db) => notes(db).notIn('level', [1, 2]), [4, 5]);
finds('not in', (db) => notes(db).not('title', 'in', '("Alpha","a,b (c)")'), [2, 3, 4, 5]);

finds('match', (db) => notes(db).match({ level: 2, done: false }), [2]);
finds('not eq', (db) => notes(db).not('level', 'eq', 2), [1, 4, 5]);
finds('filter', (db) => notes(db).filter('level', 'gte', 3), [4, 5]);
finds('filter with in', (db) => notes(db).filter('level', 'in', '(1,2)'), [1, 2, 3]);
finds('filter with any', (db) => notes(db).filter('level', 'eq(any)', '{1,3}'), [1, 4, 5]);
finds('filter with all', (db) => notes(db).filter('level', 'gt(all)', '{1,2}'), [4, 5]);

finds('or', (db) => notes(db).or('level.eq.1,score.gt.50'), [1, 6]);
finds('or beside a filter', (db) => notes(db).or('level.eq.1,level.eq.2').is('done', false), [2]);
finds('two ors are joined by and',
  (db) => notes(db).or('level.eq.2,level.eq.3').or('done.is.true,done.is.null'), [3, 4]);
finds('and within or', (db) => notes(db).or('and(level.eq.2,done.is.false),id.eq.6'), [2, 6]);
finds('not and within or', (db) => notes(db).or('not.and(level.eq.2,done.is.false)'),
  [1, 3, 4, 5, 6]);
finds('not within or', (db) => notes(db).or('level.not.eq.2,title.eq.alphabet'), [1, 2, 4, 5]);
finds('a quoted value within or', (db) => notes(db).or('title.eq."a,b (c)",id.eq.1'), [1, 6]);
finds('in within or', (db) => notes(db).or('level.in.(1,3),title.like.a*'), [1, 2, 4, 5, 6]);
finds('or with spaces', (db) => notes(db).or('level.eq.1, id.eq.6'), [1, 6]);

// Text search by whole words, in any letter case.
finds('textSearch, and', (db) => notes(db).textSearch('body', 'quick & moon'), [3, 5]);
finds('textSearch, or', (db) => notes(db).textSearch('body', 'fox | dog'), [1, 2, 5]);
finds('textSearch, not', (db) => notes(db).textSearch('body', 'quick & !moon'), [1]);
finds('textSearch finds words, not parts', (db) => notes(db).textSearch('body', 'ver'), []);
finds('textSearch, letter case', (db) => notes(db).textSearch('body', 'SILVER'), [3]);
finds('textSearch, plain',
  (db) => notes(db).textSearch('body', 'fox quick', { type: 'plain' }), [1, 5]);
finds('textSearch, phrase',
  (db) => notes(db).textSearch('body', 'quick moon', { type: 'phrase' }), [5]);
finds('textSearch, websearch with a phrase',
  (db) => notes(db).textSearch('body', '"quick brown"', { type: 'websearch' }), [1]);
finds('textSearch, websearch without a word',
  (db) => notes(db).textSearch('body', 'moon -fox', { type: 'websearch' }), [3, 6]);
finds('textSearch, websearch with or',
  (db) => notes(db).textSearch('body', 'dog or silver', { type: 'websearch' }), [2, 3]);
finds('textSearch with the configuration simple',
  (db) => notes(db).textSearch('body', 'moon', { config: 'simple', type: 'plain' }), [3, 5, 6]);
// It would find other words, by their stems.
refuses('textSearch with a configuration of PostgreSQL',
  (db) => notes(db).textSearch('body', 'moon', { config: 'english' }), 400, 'PGRST127');
finds('not plfts', (db) => notes(db).not('body', 'plfts', 'quick'), [2, 6]);

// JSON paths: ->> is text, -> is JSON.
finds('eq of a JSON text', (db) => notes(db).eq('data->>kind', 'a'), [1, 3]);
finds('eq of a nested JSON value', (db) => notes(db).eq('data->deep->>on', 'true'), [1]);
finds('eq of an element of a JSON array', (db) => notes(db).eq('data->tags->>0', 'z'), [3]);
finds('eq of JSON', (db) => notes(db).eq('data->size', 10), [2]);
finds('a JSON text compares as text', (db) => notes(db).gt('data->>size', '10'), [3, 5]);
finds('a JSON null is null as text', (db) => notes(db).is('data->>kind', null), [4, 5, 6]);
finds('in of a JSON text', (db) => notes(db).in('data->>kind', ['b', 'c']), [2]);
finds('a JSON path within or', (db) => notes(db).or('data->>kind.eq.b,id.eq.1'), [1, 2]);

// What only PostgreSQL's arrays and ranges have.
const unserved = {
  contains: (db) => notes(db).contains('data', { kind: 'a' }),
  containedBy: (db) => notes(db).containedBy('title', ['a']),
  overlaps: (db) => notes(db).overlaps('title', ['a', 'b']),
  rangeGt: (db) => notes(db).rangeGt('level', '[1,2]'),
  rangeGte: (db) => notes(db).rangeGte('level', '[1,2]'),
  rangeLt: (db) => notes(db).rangeLt('level', '[1,2]'),
  rangeLte: (db) => notes(db).rangeLte('level', '[1,2]'),
  rangeAdjacent: (db) => notes(db).rangeAdjacent('level', '[1,2]'),
};
for (const [name, build] of Object.entries(unserved)) {
  refuses(`${name} is refused`, build, 400, 'PGRST127');
}

refuses('an operator that is none', (db) => notes(db).filter('level', 'foo', 1), 400, 'PGRST100');
refuses('an operator that is none, within or',
  (db) => notes(db).or('level.foo.1'), 400, 'PGRST100');
refuses('or without an end', (db) => notes(db).or('and(level.eq.1'), 400, 'PGRST100');
refuses('is with a value that is none',
  (db) => notes(db).filter('done', 'is', 'maybe'), 400, 'PGRST100');
refuses('a column that is none', (db) => notes(db).eq('nope', 1), 400, 'PGRST204');
refuses('a text for an integer', (db) => notes(db).eq('level', 'two'), 400, '22P02');
refuses('an integer too large',
  (db) => notes(db).eq('level', '99999999999999999999'), 400, '22003');
refuses('in with a text for an integer', (db) => notes(db).in('level', [1, 'x']), 400, '22P02');
