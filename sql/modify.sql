--
-- Statements that write: which columns are sent, what the scan fetches for them, what is refused before
-- anything is sent.  Nothing in the org changes here (t/060_write_statements.pl looks at that).
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
CREATE FOREIGN TABLE sf.acc (
	id text,
	name text,
	rating text OPTIONS (type 'picklist'),
	industry text DEFAULT 'Energy',
	revenue numeric OPTIONS (field 'AnnualRevenue', type 'currency'),
	ext text OPTIONS (field 'External_Key__c'),
	created timestamptz OPTIONS (field 'CreatedDate', createable 'false', updateable 'false'),
	parent text OPTIONS (field 'Parent.External_Key__c'),
	far text OPTIONS (field 'Parent.Parent.Name')
) SERVER sf OPTIONS (object 'Account');
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		IF line ~ '(Fields Sent|SOQL|Operation|Apply|Transport|Insert|Update|Delete)' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.sent(query text) RETURNS text LANGUAGE sql AS
	$$ SELECT substring(l FROM 'Fields Sent: (.*)') FROM pg_temp.plan(query) l WHERE l ~ 'Fields Sent' $$;
CREATE FUNCTION pg_temp.soql(query text) RETURNS text LANGUAGE sql AS
	$$ SELECT substring(l FROM 'SOQL: (.*)') FROM pg_temp.plan(query) l WHERE l ~ 'SOQL' $$;

-- EXPLAIN in every form.
EXPLAIN (COSTS OFF) INSERT INTO sf.acc (name) VALUES ('x');
EXPLAIN (COSTS OFF, VERBOSE) INSERT INTO sf.acc (name) VALUES ('x');
EXPLAIN (COSTS OFF, VERBOSE, FORMAT json) DELETE FROM sf.acc WHERE name = 'x';
EXPLAIN (COSTS OFF, VERBOSE, FORMAT yaml) UPDATE sf.acc SET name = 'x';
ALTER FOREIGN TABLE sf.acc OPTIONS (ADD transport 'rest', ADD hard_delete 'true');
SELECT pg_temp.plan($$ UPDATE sf.acc SET name = 'x' $$);
SELECT pg_temp.plan($$ DELETE FROM sf.acc $$);
ALTER FOREIGN TABLE sf.acc OPTIONS (SET transport 'bulk', DROP hard_delete);
SELECT pg_temp.plan($$ UPDATE sf.acc SET name = 'x' $$);
ALTER FOREIGN TABLE sf.acc OPTIONS (DROP transport, ADD apply 'commit');
SELECT pg_temp.plan($$ UPDATE sf.acc SET name = 'x' $$);
SELECT pg_temp.plan($$ INSERT INTO sf.acc (name) VALUES ('x') RETURNING id $$);
ALTER FOREIGN TABLE sf.acc OPTIONS (DROP apply);
SELECT pg_temp.plan($$ INSERT INTO sf.acc (name) VALUES ('x') RETURNING id $$);

-- INSERT: what is named, and what has a local default.
SELECT pg_temp.sent($$ INSERT INTO sf.acc (rating, name) VALUES ('Hot', 'x') $$);
SELECT pg_temp.sent($$ INSERT INTO sf.acc (name, industry) VALUES ('x', NULL) $$);
SELECT pg_temp.sent($$ INSERT INTO sf.acc (name, industry) VALUES ('x', DEFAULT), ('y', 'Media') $$);
SELECT pg_temp.sent($$ INSERT INTO sf.acc DEFAULT VALUES $$);
SELECT pg_temp.sent($$ INSERT INTO sf.acc (name, revenue) SELECT 'x', n FROM generate_series(1, 3) n $$);
SELECT pg_temp.sent($$ INSERT INTO sf.acc (name, parent) VALUES ('x', 'P1') $$);
-- A column that cannot be set may be named, with nothing for it.
SELECT pg_temp.sent($$ INSERT INTO sf.acc (id, name, created) VALUES (DEFAULT, 'x', NULL) $$);
INSERT INTO sf.acc (id, name) VALUES ('001000000000001AAA', 'x');
INSERT INTO sf.acc (name, created) SELECT 'x', now();
INSERT INTO sf.acc VALUES ('001000000000001AAA', 'x');
INSERT INTO sf.acc (name, far) VALUES ('x', 'y');
ALTER FOREIGN TABLE sf.acc ALTER industry DROP DEFAULT;
INSERT INTO sf.acc DEFAULT VALUES;
INSERT INTO sf.acc (id) VALUES (NULL);
-- What Salesforce is known to take, and not.
ALTER FOREIGN TABLE sf.acc ALTER created OPTIONS (SET createable 'true');
SELECT pg_temp.sent($$ INSERT INTO sf.acc (name, created) VALUES ('x', now()) $$);
ALTER FOREIGN TABLE sf.acc ALTER created OPTIONS (SET createable 'false');
ALTER FOREIGN TABLE sf.acc ALTER created SET DEFAULT now();
INSERT INTO sf.acc (name) VALUES ('x');
ALTER FOREIGN TABLE sf.acc ALTER created DROP DEFAULT;

-- A view's defaults count as well.
CREATE VIEW v AS SELECT name, rating, revenue FROM sf.acc WHERE rating = 'Hot' WITH CHECK OPTION;
ALTER VIEW v ALTER rating SET DEFAULT 'Hot';
SELECT pg_temp.sent($$ INSERT INTO v (name) VALUES ('x') $$);
SELECT pg_temp.sent($$ UPDATE v SET revenue = 1 $$);
SELECT pg_temp.soql($$ UPDATE v SET revenue = 1 $$);
-- What the view does not show is refused before it is sent.
INSERT INTO v (name, rating) VALUES ('x', 'Cold');
INSERT INTO v (name, rating) VALUES ('x', 'Cold') RETURNING name;
UPDATE v SET rating = 'Cold';
DROP VIEW v;

-- UPDATE: the Id and what is assigned, and the scan fetches no more than that needs.
SELECT pg_temp.sent(q), pg_temp.soql(q) FROM (VALUES ($$ UPDATE sf.acc SET rating = 'Hot' WHERE revenue > 1e6 $$),
	($$ UPDATE sf.acc SET rating = industry, name = name || '!' WHERE id > '001' $$),
	($$ UPDATE sf.acc SET (name, rating) = ('a', 'b') RETURNING revenue, id $$),
	($$ UPDATE sf.acc SET name = 'x' RETURNING * $$),
	($$ UPDATE sf.acc a SET name = 'x' RETURNING a $$),
	($$ UPDATE sf.acc a SET name = 'x' WHERE a IS NOT NULL $$),
	($$ UPDATE sf.acc a SET name = a::text $$),
	($$ UPDATE sf.acc a SET name = 'x' WHERE EXISTS (SELECT FROM pg_class WHERE relname = a.ext) $$),
	($$ UPDATE sf.acc a SET name = relname FROM pg_class WHERE relname = a.ext $$),
	($$ DELETE FROM sf.acc $$),
	($$ DELETE FROM sf.acc WHERE name = 'x' RETURNING rating $$),
	($$ DELETE FROM sf.acc a USING pg_class WHERE relname = a.ext RETURNING relname, a.industry $$),
	($$ DELETE FROM sf.acc RETURNING 1 $$)) s (q);
UPDATE sf.acc SET id = 'x';
UPDATE sf.acc SET created = now();
UPDATE sf.acc SET far = 'x';
-- A NOT NULL column is fetched: PostgreSQL takes for granted that it has a value.
ALTER FOREIGN TABLE sf.acc ALTER industry SET NOT NULL;
SELECT pg_temp.soql($$ UPDATE sf.acc SET rating = 'Hot' $$);
ALTER FOREIGN TABLE sf.acc ALTER industry DROP NOT NULL;

-- Triggers see, and may set, everything.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON sf.acc FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT pg_temp.sent(q), pg_temp.soql(q) FROM (VALUES ($$ INSERT INTO sf.acc (name) VALUES ('x') $$),
	($$ INSERT INTO sf.acc (name, parent) VALUES ('x', 'y') $$),
	($$ UPDATE sf.acc SET rating = 'Hot' $$), ($$ DELETE FROM sf.acc $$)) s (q);
DROP TRIGGER t ON sf.acc;
CREATE TRIGGER t AFTER UPDATE OR DELETE ON sf.acc FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT pg_temp.sent(q), pg_temp.soql(q) FROM (VALUES ($$ INSERT INTO sf.acc (name) VALUES ('x') $$),
	($$ UPDATE sf.acc SET rating = 'Hot' $$), ($$ DELETE FROM sf.acc $$)) s (q);
DROP TRIGGER t ON sf.acc;
CREATE TRIGGER t BEFORE UPDATE ON sf.acc FOR EACH STATEMENT EXECUTE FUNCTION nothing();
SELECT pg_temp.soql($$ UPDATE sf.acc SET rating = 'Hot' $$);
DROP TRIGGER t ON sf.acc;

-- Generated columns are sent when what they are made of is.
CREATE FOREIGN TABLE sf.gen (id text, name text, rating text,
	site text GENERATED ALWAYS AS (upper(name) || coalesce(rating, '')) STORED) SERVER sf OPTIONS (object 'Account');
SELECT pg_temp.sent(q), pg_temp.soql(q) FROM (VALUES ($$ INSERT INTO sf.gen (name) VALUES ('x') $$),
	($$ UPDATE sf.gen SET name = 'x' $$)) s (q);
INSERT INTO sf.gen (site) VALUES ('x');

-- Inheritance: each table by its own columns.
CREATE TABLE parent (name text, rating text, id text) PARTITION BY LIST (rating);
CREATE FOREIGN TABLE sf.hot PARTITION OF parent FOR VALUES IN ('Hot') SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE sf.cold (id text, rating text, name text) SERVER sf OPTIONS (object 'Account');
ALTER TABLE parent ATTACH PARTITION sf.cold FOR VALUES IN ('Cold');
CREATE TABLE warm PARTITION OF parent FOR VALUES IN ('Warm');
SELECT pg_temp.plan($$ UPDATE parent SET name = 'x' RETURNING rating $$);
SELECT pg_temp.plan($$ DELETE FROM parent $$);
SELECT pg_temp.plan($$ DELETE FROM parent p RETURNING p $$);
INSERT INTO parent (name, rating, id) VALUES ('x', 'Cold', '001000000000001AAA');

-- Two columns of one field, no column for the Id, tables that are read only.
CREATE FOREIGN TABLE sf.twice (id text, name text, again text OPTIONS (field 'NAME')) SERVER sf OPTIONS (object 'Account');
INSERT INTO sf.twice (name, again) VALUES ('x', 'y');
UPDATE sf.twice SET name = 'x', again = 'y';
SELECT pg_temp.sent($$ UPDATE sf.twice SET again = 'y' $$);
CREATE FOREIGN TABLE sf.noid (name text) SERVER sf OPTIONS (object 'Account');
UPDATE sf.noid SET name = 'x';
DELETE FROM sf.noid;
SELECT pg_temp.sent($$ INSERT INTO sf.noid VALUES ('x') $$);
CREATE FOREIGN TABLE sf.q (id text, name text) SERVER sf OPTIONS (query 'SELECT Id, Name FROM Account');
INSERT INTO sf.q (name) VALUES ('x');
UPDATE sf.q SET name = 'x';
DELETE FROM sf.q;
ALTER FOREIGN TABLE sf.noid OPTIONS (ADD updatable 'false');
INSERT INTO sf.noid VALUES ('x');
COPY sf.noid FROM stdin;
x
\.
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_schema = 'sf' AND table_name IN ('acc', 'noid', 'q') ORDER BY 1;

-- Upsert.
ALTER FOREIGN TABLE sf.acc OPTIONS (ADD upsert_key 'External_Key__c');
SELECT pg_temp.plan($$ INSERT INTO sf.acc (name, ext) VALUES ('x', 'k') $$);
INSERT INTO sf.acc (name) VALUES ('x');
INSERT INTO sf.acc (name, ext) VALUES ('x', NULL);
INSERT INTO sf.acc (name, ext) VALUES ('x', '');
INSERT INTO sf.acc (name, ext) VALUES ('x', 'k') ON CONFLICT (ext) DO UPDATE SET name = 'x';
ALTER FOREIGN TABLE sf.acc OPTIONS (DROP upsert_key);
INSERT INTO sf.acc (name, ext) VALUES ('x', 'k') ON CONFLICT (ext) DO UPDATE SET name = 'x';
INSERT INTO sf.acc (name, ext) VALUES ('x', 'k') ON CONFLICT DO NOTHING;
EXPLAIN INSERT INTO sf.acc (name, ext) VALUES ('x', 'k') ON CONFLICT DO NOTHING;
WITH i AS (INSERT INTO sf.acc (name) VALUES ('x') ON CONFLICT (name) DO NOTHING) SELECT 1;
INSERT INTO parent (name, rating) VALUES ('x', 'Cold') ON CONFLICT DO NOTHING;
CREATE TABLE plain (name text PRIMARY KEY);
INSERT INTO plain VALUES ('x') ON CONFLICT DO NOTHING;
INSERT INTO plain VALUES ('x') ON CONFLICT (name) DO UPDATE SET name = 'y';
MERGE INTO sf.acc a USING (VALUES ('k', 'x')) v (ext, name) ON a.ext = v.ext WHEN MATCHED THEN UPDATE SET name = v.name;

-- What is made when the transaction commits has no Id before.
ALTER FOREIGN TABLE sf.acc OPTIONS (ADD apply 'commit');
INSERT INTO sf.acc (name) VALUES ('x') RETURNING id;
ALTER FOREIGN TABLE sf.acc OPTIONS (DROP apply);

-- TRUNCATE.
TRUNCATE sf.acc;
TRUNCATE sf.q;
TRUNCATE sf.noid;
ALTER FOREIGN TABLE sf.acc OPTIONS (ADD truncatable 'true');
TRUNCATE sf.acc RESTART IDENTITY;
TRUNCATE sf.acc, sf.gen;

-- Nothing of this was sent.
SELECT pg_temp.requests('^(POST|PATCH|PUT|DELETE) .*(sobjects|ingest)');

SET client_min_messages = warning;
DROP SERVER sf CASCADE;
DROP SCHEMA sf CASCADE;
