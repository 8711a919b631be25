--
-- Incremental copies: what a sync sends, what it does to its target, what it refuses.
-- (t/093_sync.pl looks at faults, cancels, restarts and runs beside each other.)
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
CREATE FOREIGN TABLE sf.acc (
	id text OPTIONS (field 'Id'),
	name text OPTIONS (field 'Name') COLLATE "C",
	rating varchar(40) OPTIONS (field 'Rating', type 'picklist'),
	revenue numeric OPTIONS (field 'AnnualRevenue', type 'currency'),
	billing jsonb OPTIONS (field 'BillingAddress'),
	parent_key text OPTIONS (field 'Account:Parent.External_Key__c'),
	changed timestamptz OPTIONS (field 'SystemModstamp', createable 'false', updateable 'false')
) SERVER sf OPTIONS (object 'Account');
ALTER FOREIGN TABLE sf.acc DROP COLUMN billing;

-- The queries since the last reset; times become TIME.
CREATE FUNCTION pg_temp.queries() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT (r->>'method') || ' ' || regexp_replace(r->>'path', '.*/v[0-9.]+/', '') || ' '
		   || regexp_replace(regexp_replace(coalesce(substring(r->>'body' FROM '"query" *: *"([^"]*)"'), substring(r->>'query' FROM 'q=([^&]*)'), ''),
				'[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.%A-F]+Z', 'TIME'), '\+|%20', ' ', 'g')
	  FROM json_array_elements(pg_temp.control('log')) r
	 WHERE r->>'path' ~ '(query|queryAll|composite)$' ORDER BY (r->>'n')::integer $$;
-- Tells the simulator something.
CREATE FUNCTION pg_temp.tell(method text, path text, body text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($copy$COPY control_answer FROM PROGRAM %L (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')$copy$,
				   format('curl -sS -X %s %s -d %s', method, quote_literal(current_setting('test.url') || '/__sfsim/' || path), quote_literal(body)));
END $$;
CREATE PROCEDURE pg_temp.reset_log() LANGUAGE sql AS $$ SELECT pg_temp.tell('DELETE', 'log', '') $$;
-- An hour passes in the org.
CREATE PROCEDURE pg_temp.hour() LANGUAGE sql AS $$ SELECT pg_temp.tell('POST', 'clock', '{"advance_ms": 3600000}') $$;
-- Nothing of all this is left to the tests that follow.
SELECT pg_temp.tell('POST', 'snapshot', '{"name": "sync"}');

-- The first run makes the table and fills it by a job.
CALL pg_temp.reset_log();
CALL sfbulk_sync('sf.acc', 'public.account', watermark => NULL) \gset
SELECT :inserted = (SELECT count(*) FROM sf.acc) AS all_rows, :updated AS updated, :deleted AS deleted;
SELECT * FROM pg_temp.queries() LIMIT 2;
-- Whether the copy is what the org has.
CREATE FUNCTION pg_temp.differences() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM (
		(SELECT id, name, rating, revenue, changed FROM sf.acc EXCEPT SELECT id, name, rating, revenue, changed FROM account) UNION ALL
		(SELECT id, name, rating, revenue, changed FROM account EXCEPT SELECT id, name, rating, revenue, changed FROM sf.acc)) d);
END $$;
\d account
SELECT pg_temp.differences(), pg_temp.jobs();
SELECT target, source, server, object, fields, overlap, run_by = current_user AS mine, inserted = :inserted AS inserted, updated, deleted,
	   api_calls = :api_calls AS calls, runs, watermark = :'watermark' AS watermark, last_full = watermark AS last_full
  FROM sfbulk_sync_state;

-- Later ones ask for what has changed, and for what was deleted.
CALL pg_temp.reset_log();
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, :api_calls AS api_calls;
SELECT * FROM pg_temp.queries();
CALL pg_temp.hour();
INSERT INTO sf.acc (name) VALUES ('new 1'), ('new 2'), ('new 3');
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, pg_temp.differences();
CALL pg_temp.hour();
UPDATE sf.acc SET rating = 'Hot', revenue = 1.5 WHERE name IN ('new 1', 'new 2');
DELETE FROM sf.acc WHERE name = 'new 3';
INSERT INTO sf.acc (name) VALUES ('new 4');
CALL sfbulk_sync(target => 'account', source => 'sf.acc') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, pg_temp.differences();

-- Rows that are the same are left alone.
CREATE TABLE touched (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touched VALUES (TG_OP); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION note();
CALL sfbulk_sync('sf.acc', 'account', overlap => '1 day') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, (SELECT count(*) FROM touched) AS touched;
DROP TRIGGER note ON account;

-- Columns of the copy's own stay.
ALTER TABLE account ADD note text DEFAULT 'mine', ADD twice numeric GENERATED ALWAYS AS (revenue * 2) STORED, ADD n serial;
UPDATE sf.acc SET revenue = 7 WHERE name = 'new 1';
INSERT INTO sf.acc (name) VALUES ('new 5');
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT name, revenue, note, twice, n = (SELECT max(n) FROM account) AS last FROM account WHERE name IN ('new 1', 'new 5') ORDER BY 1;

CALL pg_temp.hour();
CALL sfbulk_sync('sf.acc', 'account') \gset
-- Whatever happens here, a repair or a full refresh makes it good.
UPDATE account SET changed = '2001-01-01', name = 'wrong' WHERE name = 'new 1';
DELETE FROM account WHERE name = 'new 2';
INSERT INTO account (id) VALUES ('001000000000001AAA');
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, pg_temp.differences() > 0 AS wrong;
CALL pg_temp.reset_log();
CALL sfbulk_sync('sf.acc', 'account', repair => true) \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, pg_temp.differences();
SELECT regexp_replace(q, '001\w+', 'ID', 'g') FROM pg_temp.queries() q WHERE q !~ 'AnnualRevenue%2C SystemModstamp FROM Account$' LIMIT 5;
UPDATE account SET name = 'wrong' WHERE name = 'new 1';
INSERT INTO account (id) VALUES ('001000000000001AAA');
CALL sfbulk_sync('sf.acc', 'account', full_refresh_every => '1 day') \gset
SELECT :updated AS updated, :deleted AS deleted;
CALL sfbulk_sync('sf.acc', 'account', full_refresh_every => '0') \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted, pg_temp.differences();
SELECT runs, last_full = watermark AS last_full, last_repair = watermark AS last_repair FROM sfbulk_sync_state;

-- A target that is emptied, dropped or new begins anew.
TRUNCATE account;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted = count(*) AS all_rows, pg_temp.differences() FROM account;
DROP TABLE account;
CREATE TABLE account (note text, changed timestamptz, revenue numeric, rating varchar(40), name text, id text UNIQUE);
INSERT INTO account (id, name) SELECT id, name FROM sf.acc;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted, :updated = count(*) AS all_rows, pg_temp.differences() FROM account;
SELECT count(*), min(runs) AS runs FROM sfbulk_sync_state;

-- A column that is new is filled in all rows.
ALTER FOREIGN TABLE sf.acc ADD industry text OPTIONS (field 'Industry');
CALL sfbulk_sync('sf.acc', 'account');
ALTER TABLE account ADD industry text;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :updated = count(industry) AS all_rows FROM account;

-- So are all rows when a column gets another type, when the recycle bin is to be copied or no longer, and when the watermark is of a clock that was wrong.
CREATE FOREIGN TABLE sf.kinds (id text OPTIONS (field 'Id'), annualrevenue numeric(18,-6) OPTIONS (field 'AnnualRevenue'), systemmodstamp timestamptz OPTIONS (field 'SystemModstamp'))
	SERVER sf OPTIONS (object 'Account');
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
CREATE FUNCTION pg_temp.kinds_differ() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM (
	(TABLE sf.kinds EXCEPT TABLE kinds) UNION ALL (TABLE kinds EXCEPT TABLE sf.kinds)) d $$;
CALL pg_temp.hour();
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
ALTER FOREIGN TABLE sf.kinds ALTER annualrevenue TYPE numeric(18,2);
ALTER TABLE kinds ALTER annualrevenue TYPE numeric(18,2);
SELECT pg_temp.kinds_differ() > 0 AS wrong;
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
SELECT :updated > 0 AS updated, pg_temp.kinds_differ();
ALTER FOREIGN TABLE sf.kinds OPTIONS (ADD query_all 'true');
SELECT pg_temp.kinds_differ() > 0 AS wrong;
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
SELECT :inserted > 0 AS inserted, pg_temp.kinds_differ();
CALL pg_temp.hour();
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
ALTER FOREIGN TABLE sf.kinds OPTIONS (DROP query_all);
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
SELECT :deleted > 0 AS deleted, pg_temp.kinds_differ();
UPDATE sfbulk_sync_state SET watermark = watermark + '1 year' WHERE target = 'kinds'::regclass;
UPDATE sf.kinds SET annualrevenue = 123 WHERE id = (SELECT min(id) FROM kinds);
CALL sfbulk_sync('sf.kinds', 'kinds') \gset
SELECT :updated AS updated, pg_temp.kinds_differ(), :'watermark'::timestamptz < now() + '1 month' AS credible;

-- A foreign table that inherits from the target is not written to.
CREATE TABLE ancestor (LIKE kinds, PRIMARY KEY (id));
ALTER FOREIGN TABLE sf.kinds ALTER id SET NOT NULL;
ALTER FOREIGN TABLE sf.kinds INHERIT ancestor;
CALL pg_temp.reset_log();
CALL sfbulk_sync('sf.kinds', 'ancestor') \gset
SELECT :inserted = count(*) AS all_rows FROM ONLY ancestor;
INSERT INTO ancestor (id) VALUES ('001000000000001AAA');
UPDATE ONLY ancestor SET systemmodstamp = NULL WHERE id = (SELECT min(id) FROM kinds);
CALL sfbulk_sync('sf.kinds', 'ancestor', repair => true) \gset
SELECT :inserted AS inserted, :updated AS updated, :deleted AS deleted;
SELECT * FROM pg_temp.requests('composite/sobjects|jobs/ingest');
SELECT count(*) AS queries, count(*) FILTER (WHERE q LIKE '%FROM Account%') AS of_the_object FROM pg_temp.queries() q WHERE q ~ 'quer(y|yAll) ';
ALTER FOREIGN TABLE sf.kinds NO INHERIT ancestor;
DROP TABLE ancestor, kinds;
DROP FOREIGN TABLE sf.kinds;

-- A partitioned table.
CREATE TABLE parts (LIKE account, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CALL sfbulk_sync('sf.acc', 'parts') \gset
SELECT :inserted = count(*) AS all_rows FROM parts;
CALL pg_temp.hour();
UPDATE sf.acc SET rating = 'Cold' WHERE name = 'new 1';
CALL sfbulk_sync('sf.acc', 'parts') \gset
SELECT :updated AS updated, rating FROM parts WHERE name = 'new 1';

-- Several in one transaction; an error takes back all of it.
INSERT INTO sf.acc (name) VALUES ('new 6');
BEGIN;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted;
ROLLBACK;
CALL sfbulk_sync('sf.acc', 'account') \gset
SELECT :inserted AS inserted;
-- PL/pgSQL wants variables for what comes back.
DO $$ BEGIN EXECUTE 'CALL sfbulk_sync(''sf.acc'', ''account'')'; END $$;

-- What is refused, before anything is sent.
CALL pg_temp.reset_log();
CALL sfbulk_sync('account', 'other');
CALL sfbulk_sync(NULL, 'other');
CALL sfbulk_sync('sf.acc', NULL);
CALL sfbulk_sync('sf.acc', 'other', NULL);
CALL sfbulk_sync('sf.acc', 'other', '-1 minute');
CALL sfbulk_sync('sf.acc', 'other', on_drift => 'whatever');
CALL sfbulk_sync('sf.acc', 'other', full_refresh_every => '-1 day');
CALL sfbulk_sync('sf.acc', 'nowhere.other');
CALL sfbulk_sync('sf.acc', 'sf.acc');
CALL sfbulk_sync('sf.acc', 'too.many.dots.here');
CREATE TABLE misfit (id text, name integer, rating text, revenue numeric, changed timestamptz GENERATED ALWAYS AS ('2001-01-01Z'::timestamptz) STORED);
CALL sfbulk_sync('sf.acc', 'misfit');
CREATE TABLE no_key AS TABLE account;
CREATE UNIQUE INDEX ON no_key (id) WHERE name > '';
CALL sfbulk_sync('sf.acc', 'no_key');
CREATE VIEW account_view AS TABLE account;
CALL sfbulk_sync('sf.acc', 'account_view');
CREATE FOREIGN TABLE sf.by_query (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Account');
CALL sfbulk_sync('sf.by_query', 'other');
CREATE FOREIGN TABLE sf.no_id (name text, systemmodstamp timestamptz) SERVER sf OPTIONS (object 'Account');
CALL sfbulk_sync('sf.no_id', 'other');
BEGIN READ ONLY;
CALL sfbulk_sync('sf.acc', 'account');
ROLLBACK;
CREATE FOREIGN TABLE sf.con (id text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp')) SERVER sf OPTIONS (object 'Contact');
CREATE TABLE contact (id text PRIMARY KEY, systemmodstamp timestamptz);
SELECT * FROM pg_temp.queries();
-- After the describe, when the object has a field that the table lacks.
CREATE FOREIGN TABLE sf.no_stamp (id text, name text) SERVER sf OPTIONS (object 'Account');
CALL sfbulk_sync('sf.no_stamp', 'other');
SELECT to_regclass('other') IS NULL AS nothing_made;

-- A copy of one object does not become one of another by mistake.
CREATE TABLE ids (id text PRIMARY KEY, systemmodstamp timestamptz);
CALL sfbulk_sync('sf.con', 'ids') \gset
ALTER FOREIGN TABLE sf.con OPTIONS (SET object 'Account');
CALL sfbulk_sync('sf.con', 'ids');
ALTER FOREIGN TABLE sf.con OPTIONS (SET object 'Contact');

-- Fields that come and go: sql/drift.sql has the comparison, here is what becomes of a copy.
CREATE FOREIGN TABLE sf.opp (id text OPTIONS (field 'Id'), gone text OPTIONS (field 'Gone__c'), systemmodstamp timestamptz OPTIONS (field 'SystemModstamp'))
	SERVER sf OPTIONS (object 'Opportunity');
CALL sfbulk_sync('sf.opp', 'opp');
\set VERBOSITY sqlstate
CALL sfbulk_sync('sf.opp', 'opp', on_drift => 'error');
\set VERBOSITY default
SET client_min_messages = error;
CALL sfbulk_sync('sf.opp', 'opp', on_drift => 'add') \gset
RESET client_min_messages;
SELECT :inserted = count(*) AS all_rows, count(amount) > 0 AS amounts FROM opp;
SELECT attname FROM pg_attribute WHERE attrelid = 'opp'::regclass AND attname IN ('id', 'gone', 'amount', 'stagename') ORDER BY attname;
SET client_min_messages = warning;

-- A schema: tables that cannot be synced do not keep the others from it.
CREATE SCHEMA many;
CREATE SCHEMA copies;
CREATE FOREIGN TABLE many.account (id text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp')) SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE many."Contact" (id text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp')) SERVER sf OPTIONS (object 'Contact', transport 'bulk');
CREATE FOREIGN TABLE many.query (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Account');
-- Not of the extension's.
CREATE FOREIGN DATA WRAPPER regress_sfb_none;
CREATE SERVER strange FOREIGN DATA WRAPPER regress_sfb_none;
CREATE FOREIGN TABLE many.strange (id text) SERVER strange;
CALL sfbulk_sync_schema('many', 'copies') \gset
SELECT :tables AS tables, :inserted = (SELECT count(*) FROM copies.account) + (SELECT count(*) FROM copies."Contact") AS all_rows, :updated AS updated, :deleted AS deleted;
CREATE FOREIGN TABLE many.aaa (id text, name text) SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE many.bbb (id text, systemmodstamp timestamptz) SERVER sf OPTIONS (object 'Nothing__c');
CREATE FOREIGN TABLE many.ccc (name text) SERVER sf OPTIONS (object 'Account');
CALL pg_temp.hour();
INSERT INTO sf.acc (name) VALUES ('new 7');
CALL sfbulk_sync_schema('many', 'copies');
SELECT inserted, runs FROM sfbulk_sync_state WHERE target = 'copies.account'::regclass;
SELECT to_regclass('copies.aaa') IS NULL AS not_there;
-- In a transaction block nothing would be kept.
INSERT INTO sf.acc (name) VALUES ('new 8');
BEGIN;
CALL sfbulk_sync_schema('many', 'copies');
ROLLBACK;
DROP FOREIGN TABLE many.aaa, many.bbb, many.ccc;
BEGIN;
CALL sfbulk_sync_schema('many', 'copies') \gset
COMMIT;
SELECT :tables AS tables, :inserted AS inserted;
CALL sfbulk_sync_schema('nowhere', 'copies');
CALL sfbulk_sync_schema('many', 'nowhere');
CALL sfbulk_sync_schema('public', 'copies');
CALL sfbulk_sync_schema(NULL, 'copies');
CALL sfbulk_sync_schema('many', NULL);

-- Rights: those of the caller; nobody sees or changes what is known of another's targets.
CREATE ROLE regress_sfb_sync;
CREATE USER MAPPING FOR regress_sfb_sync SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
SET ROLE regress_sfb_sync;
CALL sfbulk_sync('public.account', 'ids');
RESET ROLE;
GRANT USAGE ON SCHEMA sf TO regress_sfb_sync;
SET ROLE regress_sfb_sync;
CALL sfbulk_sync('sf.con', 'ids');
RESET ROLE;
GRANT SELECT ON sf.con TO regress_sfb_sync;
SET ROLE regress_sfb_sync;
CALL sfbulk_sync('sf.con', 'ids');
CALL sfbulk_sync('sf.con', 'public.mine');
SELECT count(*) FROM sfbulk_sync_state;
UPDATE sfbulk_sync_state SET watermark = now();
DELETE FROM sfbulk_sync_state;
RESET ROLE;
CREATE SCHEMA regress_sfb_sync AUTHORIZATION regress_sfb_sync;
SET ROLE regress_sfb_sync;
-- Its own operators are not used with the rights of the table's owner.
CREATE FUNCTION regress_sfb_sync.steal(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'as %', current_user; END $$;
CREATE OPERATOR regress_sfb_sync.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = regress_sfb_sync.steal);
SET search_path = regress_sfb_sync, pg_catalog, public;
CALL sfbulk_sync('sf.con', 'mine') \gset
CALL sfbulk_sync('sf.con', 'mine') \gset
SELECT target, runs, run_by FROM sfbulk_sync_state;
RESET search_path;
RESET ROLE;
SELECT count(*) > 1 AS more FROM sfbulk_sync_state;
GRANT UPDATE ON ids TO regress_sfb_sync;
SET ROLE regress_sfb_sync;
SELECT target FROM sfbulk_sync_state ORDER BY target::text;
RESET ROLE;
SELECT pg_temp.jobs();
DROP OWNED BY regress_sfb_sync;
DROP ROLE regress_sfb_sync;
SELECT pg_temp.tell('POST', 'restore', '{"name": "sync", "keep_sessions": true}');
