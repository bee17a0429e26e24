// The service of rows.yaml in Fastify and better-sqlite3: the peer of the query API's scenarios.
// One process; every statement is prepared once; answers have schemas, so that they are written by
// code made for them; rows come as arrays where a join is taken apart.
//
//   node server.mjs DATABASE PORT
import { Readable } from 'node:stream';
import etag from '@fastify/etag';
import Database from 'better-sqlite3';
import Fastify from 'fastify';

const PAGE = 20;
const CHUNK_CHARACTERS = 65536;
const [file, port] = process.argv.slice(2);

const db = new Database(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('foreign_keys = ON');

const oneProject = db.prepare('SELECT id, name, client_id FROM projects WHERE id = ?');
const someProjects = db.prepare(
  `SELECT id, name, client_id FROM projects WHERE id > ? ORDER BY id LIMIT ${PAGE}`);
const projectsWithClient = db.prepare(
  `SELECT p.id, p.name, c.id, c.name FROM projects p JOIN clients c ON c.id = p.client_id
   WHERE p.id > ? ORDER BY p.id LIMIT ${PAGE}`).raw();
const clientsWithProjects = db.prepare(
  `SELECT c.id, c.name, p.id, p.name
   FROM (SELECT id, name FROM clients WHERE id > ? ORDER BY id LIMIT ${PAGE}) c
   LEFT JOIN projects p ON p.client_id = c.id ORDER BY c.id, p.id`).raw();
const addNote = db.prepare('INSERT INTO notes (title, level) VALUES (?, ?)');
// A connection that iterates takes no other statement, so a stream has one of its own.
const allEvents = 'SELECT * FROM events ORDER BY id';

const integer = { type: 'integer' };
const text = { type: 'string' };
const object = (properties) => ({ type: 'object', properties });
const array = (items) => ({ type: 'array', items });
const number = (name) => ({ ...object({ [name]: integer }), required: [name] });

const project = object({ id: integer, name: text, client_id: integer });
const named = object({ id: integer, name: text });
const projectAndClient = object({ id: integer, name: text, client: named });
const clientAndProjects = object({ id: integer, name: text, projects: array(named) });

function answers(schema) {
  return { schema: { ...schema, response: { 200: schema.answer } } };
}

// All events as text, in pieces: `before` the first, `between` two, `after` the last.
function* events(before, between, after) {
  const reader = new Database(file, { readonly: true });
  try {
    let chunk = before;
    let separator = '';
    for (const row of reader.prepare(allEvents).iterate()) {
      row.done = row.done === 1;
      chunk += separator + JSON.stringify(row);
      separator = between;
      if (chunk.length >= CHUNK_CHARACTERS) {
        yield chunk;
        chunk = '';
      }
    }
    yield chunk + after;
  } finally {
    reader.close();
  }
}

const app = Fastify({ logger: false, keepAliveTimeout: 600_000 });

app.get('/health', answers({ answer: object({ message: text }) }), () => ({ message: 'ok' }));

function getProject(request, reply) {
  return oneProject.get(request.params.id) ?? reply.code(404).send({ message: 'not found' });
}
const itemOptions = answers({ params: number('id'), answer: project });
app.get('/projects/:id', itemOptions, getProject);
app.register(async (tagged) => {
  await tagged.register(etag, { weak: false });
  tagged.get('/tagged/projects/:id', itemOptions, getProject);
});

app.get('/projects',
  answers({ querystring: object({ id: integer, after: integer }), answer: array(project) }),
  ({ query }) => (query.id === undefined
    ? someProjects.all(query.after ?? 0) : oneProject.all(query.id)));

app.get('/projects-with-client',
  answers({ querystring: number('after'), answer: array(projectAndClient) }),
  ({ query }) => projectsWithClient.all(query.after).map(
    ([id, name, clientId, clientName]) => (
      { id, name, client: { id: clientId, name: clientName } })));

app.get('/clients-with-projects',
  answers({ querystring: number('after'), answer: array(clientAndProjects) }),
  ({ query }) => {
    const clients = [];
    let last;
    for (const [id, name, projectId, projectName] of clientsWithProjects.all(query.after)) {
      if (last?.id !== id) {
        last = { id, name, projects: [] };
        clients.push(last);
      }
      if (projectId !== null) {
        last.projects.push({ id: projectId, name: projectName });
      }
    }
    return clients;
  });

app.get('/events', (request, reply) => {
  const asLines = request.headers.accept === 'application/x-ndjson';
  reply.type(asLines ? 'application/x-ndjson' : 'application/json');
  return reply.send(Readable.from(asLines ? events('', '\n', '\n') : events('[', ',', ']'),
    { objectMode: false, highWaterMark: CHUNK_CHARACTERS }));
});

app.post('/notes', {
  schema: {
    body: { ...object({ title: text, level: integer }), required: ['title', 'level'] },
  },
}, (request, reply) => {
  addNote.run(request.body.title, request.body.level);
  reply.code(201).send();
});

await app.listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 });
