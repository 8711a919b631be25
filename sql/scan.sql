--
-- Scans against sfsim: both transports, every kind of plan around them.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, opportunity, "user", invoice__c) FROM SERVER sf INTO sf;
CREATE SCHEMA rest;
CREATE SCHEMA bulk;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, opportunity, "user", invoice__c) FROM SERVER sf INTO rest;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, opportunity, "user", invoice__c) FROM SERVER sf INTO bulk;
SELECT format('ALTER FOREIGN TABLE %s OPTIONS (ADD transport %L)', oid::regclass, relnamespace::regnamespace)
  FROM pg_class WHERE relkind = 'f' AND relnamespace IN ('rest'::regnamespace, 'bulk'::regnamespace)
 ORDER BY 1 \gexec

-- Both transports give the same rows, every column of every object.
CREATE FUNCTION pg_temp.transports_differ(tab text, OUT rows bigint, OUT only_rest bigint, OUT only_bulk bigint)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE a AS SELECT t::text AS r FROM rest.%1$I t', tab);
	EXECUTE format('CREATE TEMP TABLE b AS SELECT t::text AS r FROM bulk.%1$I t', tab);
	SELECT count(*) INTO rows FROM a;
	SELECT count(*) INTO only_rest FROM (TABLE a EXCEPT ALL TABLE b) s;
	SELECT count(*) INTO only_bulk FROM (TABLE b EXCEPT ALL TABLE a) s;
	DROP TABLE a, b;
END $$;
SELECT t, d.* FROM unnest(ARRAY['account', 'contact', 'opportunity', 'user', 'invoice__c']) WITH ORDINALITY u(t, n),
	   pg_temp.transports_differ(t) d ORDER BY n;
SELECT pg_temp.jobs();

-- Several pages at once and one after the other.
ALTER FOREIGN TABLE bulk.invoice__c OPTIONS (ADD page_rows '700');
SELECT * FROM pg_temp.transports_differ('invoice__c');
ALTER FOREIGN TABLE bulk.invoice__c OPTIONS (ADD download_streams '1');
SELECT * FROM pg_temp.transports_differ('invoice__c');
ALTER FOREIGN TABLE bulk.invoice__c OPTIONS (DROP page_rows, DROP download_streams);

-- What is in the tables is compared with local copies from here on.
CREATE TABLE account AS SELECT * FROM sf.account;
CREATE TABLE contact AS SELECT * FROM sf.contact;
CREATE TABLE invoice AS SELECT * FROM sf.invoice__c;
SELECT count(*), count(DISTINCT id), count(id), bool_and(length(id) = 18) FROM account;
ANALYZE account, contact, invoice;

-- auto: REST up to rest_row_limit rows, then bulk.
CREATE FUNCTION pg_temp.used(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Transport Used' THEN
			RETURN substring(line FROM ': (.*)');
		END IF;
	END LOOP;
	RETURN 'none';
END $$;
SELECT pg_temp.used('SELECT id FROM sf.account') AS account, pg_temp.used('SELECT id FROM sf.invoice__c') AS invoice;
ALTER FOREIGN TABLE sf.account OPTIONS (ADD rest_row_limit '999');
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (ADD rest_row_limit '5000');
SELECT pg_temp.used('SELECT id FROM sf.account') AS account, pg_temp.used('SELECT id FROM sf.invoice__c') AS invoice;
ALTER FOREIGN TABLE sf.account OPTIONS (DROP rest_row_limit);
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (DROP rest_row_limit);
SELECT pg_temp.used('SELECT id FROM bulk.account WHERE id = ''not an id''') AS never;

-- No row, one row, some rows, no column, every column, the same column twice.
SELECT count(*) FROM sf.account WHERE id = 'not an id';
SELECT count(name) FROM bulk.account WHERE name = 'no such account';
SELECT count(*) FROM (SELECT id FROM sf.account LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM bulk.account LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM sf.account LIMIT 0) s;
SELECT count(*) FROM (SELECT FROM sf.account) s;
SELECT count(*), (SELECT count(*) FROM account) FROM sf.account;
SELECT count(*) FROM sf.invoice__c;
SELECT count(*) FROM (SELECT id, id AS again, lower(id) FROM sf.account EXCEPT SELECT id, id, lower(id) FROM account) s;
SELECT count(*) FROM (SELECT a FROM sf.account a) s;
SELECT DISTINCT tableoid::regclass FROM sf.account;
SELECT count(*) FROM ONLY sf.account;

-- Joins: local with foreign, foreign with foreign, each method.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT count(*) = (SELECT count(*) FROM contact WHERE accountid IS NOT NULL) AS nestloop
  FROM (SELECT id, accountid FROM contact) c JOIN sf.account a ON a.id = c.accountid
 WHERE c.id IN (SELECT id FROM contact);
RESET enable_hashjoin;
SET enable_nestloop = off;
SELECT count(*) = (SELECT count(*) FROM contact JOIN account a ON a.id = accountid) AS hashjoin
  FROM bulk.contact c JOIN sf.account a ON a.id = c.accountid;
SET enable_hashjoin = off;
SET enable_mergejoin = on;
SELECT count(*) = (SELECT count(*) FROM contact JOIN account a ON a.id = accountid) AS mergejoin
  FROM bulk.contact c JOIN bulk.account a ON a.id = c.accountid;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_nestloop;

-- The inner side of a nested loop is read again, not asked for again.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CREATE TABLE three (n integer, id text);
INSERT INTO three SELECT row_number() OVER (ORDER BY id), id FROM (SELECT id FROM account ORDER BY id LIMIT 3) s;
\! curl -sS -o /dev/null -X DELETE $SFSIM_URL/__sfsim/log
SELECT n, count(*), count(DISTINCT a.id) FROM three LEFT JOIN bulk.account a ON a.id IS DISTINCT FROM three.id GROUP BY n ORDER BY n;
SELECT DISTINCT r FROM pg_temp.requests('jobs/query') r ORDER BY 1;
SELECT count(*) AS jobs FROM pg_temp.requests('POST .*jobs/query$');
\! curl -sS -o /dev/null -X DELETE $SFSIM_URL/__sfsim/log
SELECT n, count(*), count(DISTINCT a.id) FROM three LEFT JOIN rest.account a ON a.id IS DISTINCT FROM three.id GROUP BY n ORDER BY n;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- LATERAL and correlated subqueries: one request for each value that differs, in order.
SELECT n, l.id = three.id AS same FROM three, LATERAL (SELECT id FROM sf.account WHERE account.id = three.id) l ORDER BY n;
SELECT n, (SELECT count(*) FROM sf.contact c WHERE c.accountid = three.id) =
		  (SELECT count(*) FROM contact c WHERE c.accountid = three.id) AS same
  FROM three ORDER BY n;
SELECT n, EXISTS (SELECT FROM sf.account a WHERE a.id = three.id AND n <> 2) FROM three ORDER BY n;
SELECT count(*) FROM three WHERE id NOT IN (SELECT id FROM sf.account WHERE isdeleted = false);

-- InitPlans, CTEs and subplans that are never asked send nothing.
\! curl -sS -o /dev/null -X DELETE $SFSIM_URL/__sfsim/log
SELECT CASE WHEN n > 0 THEN n ELSE (SELECT count(name) FROM bulk.account) END FROM three ORDER BY 1;
WITH unused AS MATERIALIZED (SELECT name FROM bulk.account)
SELECT n FROM three WHERE n = 1 OR (n < 0 AND EXISTS (SELECT FROM unused)) ORDER BY 1;
SELECT count(*) FROM bulk.account WHERE (SELECT n FROM three WHERE n = 17) IS NOT NULL;
EXPLAIN (COSTS OFF) SELECT name FROM bulk.account;
SELECT count(*) AS requests FROM pg_temp.requests('jobs/query|/query');
SELECT (SELECT count(name) FROM bulk.account) = (SELECT count(name) FROM account) AS initplan;
WITH used AS MATERIALIZED (SELECT name FROM bulk.account)
SELECT (SELECT count(*) FROM used) = (SELECT count(name) FROM account) AS cte;

-- The jobs of a statement start together, before any of them is read.
\! curl -sS -o /dev/null -X DELETE $SFSIM_URL/__sfsim/log
SELECT count(*) = (SELECT count(*) FROM account) + (SELECT count(*) FROM contact) + 1000 AS all_rows
  FROM (SELECT id FROM bulk.account UNION ALL SELECT id FROM bulk.contact UNION ALL SELECT id FROM bulk.opportunity) s;
SELECT request FROM pg_temp.requests('jobs/query$|results$') WITH ORDINALITY r(request, n) ORDER BY n LIMIT 3;
SELECT pg_temp.jobs();

-- Prepared statements: custom plans, then a generic one.
PREPARE by_id(text) AS SELECT count(*), min(id) = $1 AS same FROM sf.account WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
SELECT id AS one FROM three WHERE n = 1 \gset
SELECT id AS two FROM three WHERE n = 2 \gset
EXECUTE by_id(:'one');
EXECUTE by_id(:'two');
EXECUTE by_id('');
EXECUTE by_id(NULL);
PREPARE since(timestamptz, integer) AS
	SELECT count(*) FROM sf.account WHERE createddate >= $1 AND numberofemployees > $2;
CREATE TEMP TABLE since_1 AS EXECUTE since('2020-01-01', 100);
CREATE TEMP TABLE since_2 AS EXECUTE since('2000-01-01', 5000);
ALTER FOREIGN TABLE sf.account OPTIONS (ADD transport 'bulk');
CREATE TEMP TABLE since_3 AS EXECUTE since('2020-01-01', 100);
ALTER FOREIGN TABLE sf.account OPTIONS (DROP transport);
SELECT since_1.count = since_3.count AS transports, since_1.count = a.count AND since_2.count = b.count AS same, a.count > 0 AND b.count > 0 AS some
  FROM since_1, since_2, since_3,
	   (SELECT count(*) FROM account WHERE createddate >= '2020-01-01' AND numberofemployees > 100) a,
	   (SELECT count(*) FROM account WHERE createddate >= '2000-01-01' AND numberofemployees > 5000) b;
RESET plan_cache_mode;
DEALLOCATE ALL;

-- Into and beside local tables.
CREATE TABLE target (id text PRIMARY KEY, name text, n integer DEFAULT 0);
INSERT INTO target SELECT id, name FROM sf.account;
UPDATE target SET n = 1 FROM sf.account a WHERE a.id = target.id AND a.numberofemployees > 100;
SELECT count(*) = (SELECT count(*) FROM account WHERE numberofemployees > 100) AS updated FROM target WHERE n = 1;
DELETE FROM target USING sf.account a WHERE a.id = target.id AND a.name = target.name RETURNING NULL \g /dev/null
SELECT count(*) AS with_null_name FROM target;
INSERT INTO target SELECT id, name FROM sf.account ON CONFLICT (id) DO UPDATE SET n = 2;
SELECT count(*) FROM target;
CREATE MATERIALIZED VIEW industries AS
	SELECT industry, count(*), sum(annualrevenue) FROM sf.account GROUP BY industry;
SELECT count(*) AS differ FROM (TABLE industries EXCEPT
	SELECT industry, count(*), sum(annualrevenue) FROM account GROUP BY industry) s;
REFRESH MATERIALIZED VIEW industries;
CREATE MATERIALIZED VIEW later AS SELECT id FROM bulk.account WITH NO DATA;
CREATE TABLE empty AS SELECT id FROM bulk.account WITH NO DATA;
SELECT count(*) FROM empty;
COPY (SELECT id FROM sf.account) TO '/dev/null';
SELECT pg_temp.jobs();

-- Partitions and inheritance: foreign tables under one parent, pruned at plan and at run time.
CREATE TABLE part (id text, name text, numberofemployees integer, src text) PARTITION BY LIST (src);
CREATE FOREIGN TABLE part_rest PARTITION OF part FOR VALUES IN ('rest') SERVER sf OPTIONS (object 'Account', transport 'rest');
CREATE TABLE part_local PARTITION OF part FOR VALUES IN ('local');
INSERT INTO part_local VALUES ('x', 'y', 1, 'local');
SELECT count(name) FROM part WHERE src = 'local';
PREPARE pruned(text) AS SELECT count(name) FROM part WHERE src = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE pruned('local');
RESET plan_cache_mode;

-- A field that the org does not have, an object that it does not have: Salesforce's own words.
CREATE FOREIGN TABLE wrong_field (id text, nonsense text) SERVER sf OPTIONS (object 'Account');
SELECT nonsense FROM wrong_field;
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE wrong_object (id text) SERVER sf OPTIONS (object 'Nothing__c');
SELECT id FROM wrong_object;
\echo :LAST_ERROR_SQLSTATE

SELECT pg_temp.jobs();

DROP MATERIALIZED VIEW industries, later;
DROP TABLE account, contact, invoice, three, target, empty, part;
DROP SCHEMA sf, rest, bulk CASCADE;
DROP SERVER sf CASCADE;
