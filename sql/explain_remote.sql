--
-- What Salesforce's optimizer says: in EXPLAIN with sfbulk_fdw.explain_remote, and for planning with use_remote_estimate.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, invoice__c) FROM SERVER sf INTO sf;

-- A plan without what hangs on the org's use so far, or on PostgreSQL's version.
CREATE FUNCTION pg_temp.plan_lines(explain text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE explain LOOP
		line := regexp_replace(line, '(Left[ -]Today[>"]?:? ?)\d+', '\1N', 'g');
		line := regexp_replace(line, '(InitPlan \d+) \(returns \$\d+\)', '\1');
		line := regexp_replace(line, ':(\$\d+|\(InitPlan \d+\)\.col\d+)', ':PARAMETER', 'g');
		RETURN NEXT regexp_replace(line, '\n *Disabled: false|\n *"Disabled": false,|\n *<Disabled>false</Disabled>', '', 'g');
	END LOOP;
END $$;

-- The requests since the last look.
CREATE TEMP TABLE seen AS SELECT 0::bigint AS n;
CREATE FUNCTION pg_temp.sent() RETURNS SETOF text LANGUAGE sql AS $$
	WITH log AS (SELECT (r->>'n')::bigint AS n, r FROM json_array_elements(pg_temp.control('log')) r),
		 looked AS (UPDATE seen SET n = (SELECT max(n) FROM log))
	SELECT (r->>'method') || ' ' || (r->>'path') || '?' || replace(replace(replace(replace(r->>'query', '%20', ' '), '%3D', '='), '%3E', '>'), '%27', '''')
	  FROM log WHERE n > (SELECT n FROM seen) ORDER BY n $$;
SELECT count(*) > 0 AS some_before FROM pg_temp.sent();

-- ---- off: EXPLAIN asks nobody
EXPLAIN (COSTS OFF) SELECT id FROM sf.account;
SELECT pg_temp.sent();

-- ---- on
SET sfbulk_fdw.explain_remote = on;
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM sf.account');
SELECT pg_temp.sent();
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) SELECT name FROM sf.account WHERE id = ''0015g000002ZKf7AAG''');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM sf.invoice__c WHERE id = ''not an id''');
-- a job, and REST that is asked first; a job at once; REST to the end; small pages
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM sf.invoice__c');
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (ADD transport 'bulk', ADD page_rows '300');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM sf.invoice__c');
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (SET transport 'rest');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM sf.invoice__c');
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (DROP transport, DROP page_rows);
-- counts, groups, a join, a LIMIT
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT count(*) FROM sf.invoice__c');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT sum(numberofemployees) FROM sf.account WHERE numberofemployees > 50000');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) SELECT c.lastname, a.name FROM sf.contact c JOIN sf.account a ON a.id = c.accountid WHERE a.numberofemployees > 50000');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM sf.account LIMIT 7 OFFSET 3');
-- the user's own SOQL
CREATE FOREIGN TABLE own (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Contact Where LastName != ''where''');
CREATE FOREIGN TABLE unfiltered (id text, name text OPTIONS (field 'Name')) SERVER sf OPTIONS (query 'SELECT Id, Name FROM Contact');
CREATE FOREIGN TABLE wrong (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Nowhere');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM own');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM unfiltered');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF) SELECT id FROM wrong');

-- ---- every format
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, FORMAT JSON) SELECT id FROM sf.account');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, FORMAT YAML) SELECT id FROM sf.account');
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, FORMAT XML) SELECT id FROM sf.account');
CREATE FUNCTION pg_temp.explain(options text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE format('EXPLAIN (%s) %s', options, query) INTO plan;
	RETURN plan;
END $$;
SELECT key, jsonb_typeof(value) FROM jsonb_each(pg_temp.explain('FORMAT JSON, ANALYZE, VERBOSE, COSTS OFF', 'SELECT id FROM sf.invoice__c')::jsonb -> 0 -> 'Plan')
 WHERE key !~ '^(Actual|Node|Parallel|Async|Schema|Relation|Alias|Disabled|Operation|Output)' ORDER BY key COLLATE "C";
SELECT unnest(xpath('/e:explain/e:Query/e:Plan/e:*[contains(name(), "Time") or contains(name(), "Remote") or contains(name(), "Day")]',
	pg_temp.explain('FORMAT XML, VERBOSE, COSTS OFF', 'SELECT id FROM sf.invoice__c')::xml, '{{e,http://www.postgresql.org/2009/explain}}'));

-- a list that takes several queries: none of them can be explained
PREPARE list(text[]) AS SELECT id FROM sf.account WHERE id = ANY ($1);
SELECT array_agg(id) AS ids FROM sf.account \gset
SET plan_cache_mode = force_custom_plan;
SELECT l FROM pg_temp.plan_lines(format('EXPLAIN (COSTS OFF) EXECUTE list(%L)', :'ids')) l WHERE l !~ 'Filter';
SELECT p->'Estimated API Calls' AS estimated, p->'API Calls' AS made
  FROM (SELECT pg_temp.explain('ANALYZE, VERBOSE, FORMAT JSON', format('EXECUTE list(%L)', :'ids'))::jsonb -> 0 -> 'Plan' AS p) s;
RESET plan_cache_mode;

-- ---- parameters: those that have a value count, the others are left out
PREPARE p(int, text) AS SELECT id FROM sf.account WHERE numberofemployees > $1 AND name LIKE $2;
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) EXECUTE p(50000, ''A%'')');
RESET plan_cache_mode;
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM sf.account WHERE numberofemployees > (SELECT 5) AND annualrevenue > 1000000');
SELECT (SELECT count(*) FROM sf.account WHERE annualrevenue > 1000000) AS without_parameter;
SELECT pg_temp.plan_lines('EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM sf.account LIMIT (SELECT 3)');
SET sfbulk_fdw.explain_remote = off;

-- ---- planning with use_remote_estimate
CREATE FUNCTION pg_temp.planned(query text) RETURNS bigint LANGUAGE sql AS
	$$ SELECT (pg_temp.explain('FORMAT JSON', query)::jsonb -> 0 -> 'Plan' ->> 'Plan Rows')::bigint $$;
SELECT pg_temp.planned('SELECT id FROM sf.account') AS guessed;
SELECT count(*) FROM pg_temp.sent() s WHERE s ~ 'explain=';
ALTER SERVER sf OPTIONS (ADD use_remote_estimate 'true');
SELECT pg_temp.planned('SELECT id FROM sf.account') AS everything,
	   pg_temp.planned('SELECT id FROM sf.account WHERE numberofemployees > 50000') AS filtered,
	   (SELECT count(*) FROM sf.account WHERE numberofemployees > 50000) AS really,
	   pg_temp.planned('SELECT id FROM sf.account WHERE name LIKE ''A%''') AS rechecked,
	   pg_temp.planned('SELECT id FROM sf.account WHERE numberofemployees > 50000 AND length(name) = 5') AS checked_here,
	   pg_temp.planned('SELECT id FROM sf.account WHERE id = ''0015g000002ZKf7AAG''') AS by_id,
	   pg_temp.planned('SELECT id FROM sf.account WHERE id = ''no id''') AS never,
	   pg_temp.planned('SELECT id FROM unfiltered') AS own_query,
	   pg_temp.planned('SELECT c.id FROM sf.contact c JOIN sf.account a ON a.id = c.accountid') AS joined;
SELECT s FROM pg_temp.sent() s WHERE s ~ 'explain=';
-- what is known to be large goes by bulk at once
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM sf.invoice__c;
-- values that are not known yet: guessed, of the rest
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.planned('EXECUTE p(50000, ''A%'')') AS generic;
SET plan_cache_mode = force_custom_plan;
SELECT pg_temp.planned('EXECUTE p(50000, ''A%'')') AS custom;
RESET plan_cache_mode;
-- Salesforce does not explain it: guessed as ever
SELECT pg_temp.planned('SELECT id FROM wrong') AS guessed;
-- not for tables that say so
ALTER FOREIGN TABLE sf.account OPTIONS (ADD use_remote_estimate 'false');
SELECT pg_temp.planned('SELECT id FROM sf.account') AS guessed;
ALTER FOREIGN TABLE sf.account OPTIONS (SET use_remote_estimate 'maybe');
UPDATE sf.contact SET department = 'x' WHERE id = 'no id';

DROP SCHEMA sf CASCADE;
DROP SERVER sf CASCADE;
