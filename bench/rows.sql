-- The rows of the query API's scenarios, as formulas of their numbers. Of 10 notes of an event 5 are
-- null, and one needs quotes in CSV and escapes in JSON. Each client has 5 projects, which do not
-- lie side by side.
CREATE TABLE clients (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL
) STRICT;
CREATE TABLE projects (
	id        INTEGER PRIMARY KEY,
	name      TEXT NOT NULL,
	client_id INTEGER NOT NULL REFERENCES clients
) STRICT;
CREATE INDEX projects_client_id ON projects (client_id);
CREATE TABLE notes (
	id    INTEGER PRIMARY KEY,
	title TEXT NOT NULL,
	level INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
	id    INTEGER PRIMARY KEY,
	kind  INTEGER NOT NULL,
	level INTEGER NOT NULL,
	size  INTEGER NOT NULL,
	price REAL NOT NULL,
	rate  REAL NOT NULL,
	name  TEXT NOT NULL,
	city  TEXT NOT NULL,
	note  TEXT,
	done  INTEGER NOT NULL CHECK (done IN (0, 1))
) STRICT;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :clients)
INSERT INTO clients SELECT i, 'client ' || i FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :projects)
INSERT INTO projects SELECT i, 'project ' || i, i * 7919 % :clients + 1 FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :events)
INSERT INTO events
	SELECT i, i % 97, i * 31 % 11, i * 7919 % 1000003, i * 37 % 100000 / 100.0,
		i * 17 % 4096 / 8.0, 'event ' || i, 'city ' || i * 13 % 500,
		CASE i % 10 WHEN 1 THEN 'said "no", twice' WHEN 3 THEN 'short' WHEN 5 THEN 'as before'
			WHEN 7 THEN 'seen on day ' || i % 365 WHEN 9 THEN 'to be done' END,
		i % 3 = 0
	FROM n;
