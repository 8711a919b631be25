--
-- Which columns, LIMITs and counts are sent, by which way the rows come, and what plans around a scan
-- look like.  No network.
--
SET client_min_messages = warning;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER sf OPTIONS (client_id 'id', client_secret 'secret');
CREATE FOREIGN TABLE account (
	id text OPTIONS (field 'Id'),
	gone text,
	name text OPTIONS (field 'Name'),
	employees integer OPTIONS (field 'NumberOfEmployees'),
	revenue numeric OPTIONS (field 'AnnualRevenue', type 'currency'),
	created timestamptz OPTIONS (field 'CreatedDate'),
	owner text OPTIONS (field 'Owner.Name'),
	address jsonb OPTIONS (field 'BillingAddress')
) SERVER sf OPTIONS (object 'Account');
ALTER FOREIGN TABLE account DROP COLUMN gone;
CREATE TABLE local (id text, n integer);

-- A plan without what PostgreSQL's versions word differently.
CREATE FUNCTION plan_lines(explain text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE explain LOOP
		line := regexp_replace(line, '(InitPlan \d+) \(returns \$\d+\)', '\1');
		line := regexp_replace(line, ':(\$\d+|\(InitPlan \d+\)\.col\d+)', ':PARAMETER', 'g');
		RETURN NEXT regexp_replace(line, '\n *Disabled: false', '');
	END LOOP;
END $$;

-- ---- columns: those that are needed, in their order, Id when none is
EXPLAIN (VERBOSE, COSTS OFF) SELECT revenue, name FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT 1 FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT name FROM account WHERE employees > 5 AND length(owner) > 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT upper(name) || owner FROM account ORDER BY created;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM account a;
EXPLAIN (VERBOSE, COSTS OFF) SELECT tableoid::regclass, id FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT sum(revenue) FROM account WHERE name = 'x';
EXPLAIN (VERBOSE, COSTS OFF) SELECT name FROM account WHERE id = '0013h00000FFfwF' FOR UPDATE;
EXPLAIN (VERBOSE, COSTS OFF) SELECT l.n, a.name FROM local l JOIN account a USING (id);

-- two columns on one field: SOQL takes it once
CREATE FOREIGN TABLE twice (id text, n numeric OPTIONS (field 'Amount'), t text OPTIONS (field 'amount'),
	id2 text OPTIONS (field 'ID')) SERVER sf OPTIONS (object 'Opportunity');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM twice;
EXPLAIN (VERBOSE, COSTS OFF) SELECT t FROM twice;

-- ---- LIMIT: sent when nothing stands between it and the rows
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE employees > 5 LIMIT 10 OFFSET 5;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 5000;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 100000;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT NULL;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT ALL;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 0;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 10 OFFSET NULL;
SELECT plan_lines('EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT (SELECT 3)');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM (SELECT id, name FROM account) s WHERE name IS NULL LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT max(name) FROM (SELECT name FROM account LIMIT 3) s;
EXPLAIN (VERBOSE, COSTS OFF) SELECT l.n, (SELECT name FROM account a WHERE a.id = l.id LIMIT 1) FROM local l;

-- and not otherwise
CREATE FUNCTION limit_sent(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN plan ~ '"SOQL": "[^"]* LIMIT ';
END $$;
SELECT limit_sent(q), q FROM (VALUES
	('SELECT id FROM account LIMIT 3'),
	('SELECT id FROM account WHERE name = ''x'' LIMIT 3'),
	('SELECT id FROM account WHERE length(name) = 1 LIMIT 3'),
	('SELECT id FROM account OFFSET 3'),
	('SELECT id FROM account LIMIT (random() * 5)::int'),
	('SELECT id FROM account ORDER BY id LIMIT 3'),
	('SELECT DISTINCT id FROM account LIMIT 3'),
	('SELECT name FROM account GROUP BY name LIMIT 3'),
	('SELECT count(*) FROM account GROUP BY () LIMIT 3'),
	('SELECT sum(employees) FROM account LIMIT 3'),
	('SELECT 1 FROM account HAVING true LIMIT 3'),
	('SELECT row_number() OVER () FROM account LIMIT 3'),
	('SELECT generate_series(1, 2), id FROM account LIMIT 3'),
	('SELECT id FROM account ORDER BY created FETCH FIRST 3 ROWS WITH TIES'),
	('SELECT id FROM account FOR UPDATE LIMIT 3'),
	('SELECT a.id FROM account a, local l LIMIT 3'),
	('SELECT a.id FROM account a LEFT JOIN local l USING (id) LIMIT 3'),
	('SELECT id FROM account WHERE EXISTS (SELECT 1 FROM local l WHERE l.id = account.id) LIMIT 3'),
	('SELECT id FROM account WHERE id NOT IN (SELECT id FROM local) LIMIT 3'),
	('SELECT id FROM account WHERE id IN (SELECT id FROM local) LIMIT 3'),
	('SELECT id FROM account UNION SELECT id FROM local LIMIT 3'),
	('SELECT id FROM account UNION ALL SELECT id FROM local LIMIT 3'),
	('SELECT * FROM (SELECT id FROM account OFFSET 0) s LIMIT 3'),
	('SELECT * FROM (SELECT id FROM account UNION ALL SELECT name FROM account) s LIMIT 3'),
	('WITH c AS MATERIALIZED (SELECT id FROM account) SELECT * FROM c LIMIT 3'),
	('SELECT id FROM account WHERE current_setting(''port'') = ''1'' LIMIT 3')
	) AS t(q);

-- ---- count(*): one number, when each row that is counted over there would be counted here
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account WHERE employees < 5 AND revenue IN (1, 2);
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*), count(1) AS one, 2 * count(id) + count(*), now() IS NULL FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account WHERE id = 'short';
SELECT plan_lines('EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account WHERE employees = (SELECT max(n) FROM local)');
EXPLAIN (VERBOSE, COSTS OFF) SELECT n FROM local WHERE n < (SELECT count(*) FROM account WHERE employees = local.n);
SELECT plan_lines('EXPLAIN (COSTS OFF, FORMAT YAML) SELECT count(*) FROM account');
CREATE FUNCTION count_sent(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN plan ~ '"SOQL": "SELECT COUNT\(\) ';
END $$;
SELECT count_sent(q), q FROM (VALUES
	('SELECT count(*) FROM account'),
	('SELECT count(*) FROM account ORDER BY 1 LIMIT 1'),
	('SELECT (SELECT count(*) FROM account), 1'),
	('SELECT count(*) FROM (SELECT id, name FROM account) s WHERE name IS NULL'),
	('SELECT count(id), count(*) FROM account WHERE created > ''2024-01-01'' '),
	('SELECT count(name) FROM account'),
	('SELECT count(NULL) FROM account'),
	('SELECT count(DISTINCT id) FROM account'),
	('SELECT count(*) FILTER (WHERE employees > 1) FROM account'),
	('SELECT count(*), max(employees) FROM account'),
	('SELECT count(*) FROM account WHERE name = ''x'' '),
	('SELECT count(*) FROM account WHERE length(name) = 1'),
	('SELECT count(*) FROM account WHERE created > now()'),
	('SELECT count(*) FROM account GROUP BY name'),
	('SELECT count(*) FROM account GROUP BY ROLLUP (name)'),
	('SELECT count(*) FROM account HAVING count(*) > 1'),
	('SELECT count(*) OVER () FROM account'),
	('SELECT count(*) FROM account, local'),
	('SELECT count(*) FROM (SELECT id FROM account LIMIT 3) s'),
	('SELECT count(*) FROM (SELECT id FROM account UNION ALL SELECT id FROM local) s'),
	('SELECT count(*) FROM account WHERE current_setting(''port'') = ''1'' ')
	) AS t(q);

-- ---- the way: why this transport
EXPLAIN (VERBOSE, COSTS OFF) SELECT address FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE name = 'x' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE length(name) < 0 AND owner = 'x' LIMIT 1000;
ALTER FOREIGN TABLE account OPTIONS (ADD transport 'bulk');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT address FROM account;
ALTER FOREIGN TABLE account OPTIONS (SET transport 'rest', ADD rest_row_limit '100');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account;
-- of conditions that make no URI a job is left, where it may be
SELECT format('SELECT count(*) FROM account WHERE employees IN (%s) OR revenue = 1', string_agg(n::text, ',')) AS long_count
	FROM generate_series(100001, 101000) n \gset
SELECT count_sent(:'long_count');
ALTER FOREIGN TABLE account OPTIONS (SET transport 'auto');
SELECT count_sent(:'long_count');
ALTER FOREIGN TABLE account OPTIONS (DROP transport);
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER FOREIGN TABLE account OPTIONS (DROP rest_row_limit);

-- as after ANALYZE: a table that is known to be large goes by bulk at once, but not for some of its rows
UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'account'::regclass;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE length(name) < 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE id = '0013h00000FFfwF';
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM account;
UPDATE pg_class SET reltuples = 3000 WHERE oid = 'account'::regclass;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
UPDATE pg_class SET reltuples = -1 WHERE oid = 'account'::regclass;

-- ---- the user's own SOQL
CREATE FOREIGN TABLE own (id text, "Owner" text OPTIONS (field 'Owner.Name')) SERVER sf
	OPTIONS (query 'SELECT Id, Owner.Name FROM Account WHERE Name LIKE ''count (%''');
EXPLAIN (VERBOSE, COSTS OFF) SELECT "Owner" FROM own WHERE id = '0013h00000FFfwF' LIMIT 5;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM own;
EXPLAIN (COSTS OFF) SELECT * FROM own;
CREATE FOREIGN TABLE grouped (ownerid text, n integer OPTIONS (field 'expr0')) SERVER sf
	OPTIONS (query 'SELECT OwnerId, COUNT(Id) FROM Account GROUP BY OwnerId');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM grouped;
CREATE FOREIGN TABLE nothing () SERVER sf OPTIONS (query 'SELECT Id FROM Account');
EXPLAIN SELECT * FROM nothing;

-- ---- parameters
SET plan_cache_mode = force_generic_plan;
PREPARE p1(text, int, date, numeric, text[], bigint, bigint) AS
	SELECT id FROM account WHERE id = $1 AND employees > $2 AND created >= $3 AND revenue < $4 LIMIT $6 OFFSET $7;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p1('0013h00000FFfwF', 5, '2024-01-01', 5.5, '{a}', 10, 20);
PREPARE p2(text, int, date, bigint) AS
	SELECT id FROM account WHERE id = $1 AND employees > $2 AND created >= $3 LIMIT $4;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p2('0013h00000FFfwF', 5, '2024-01-01', 10);
PREPARE p3(int) AS SELECT count(*) FROM account WHERE employees = $1;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p3(5);
PREPARE p4(text[], name) AS SELECT id FROM account WHERE id = ANY ($1) AND name = $2 || 'x';
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p4('{}', 'x');
SET plan_cache_mode = force_custom_plan;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p1('0013h00000FFfwF', 5, '2024-01-01', 5.5, '{a}', 10, 20);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p2(NULL, 5, '2024-01-01', 10);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p4('{0013h00000FFfwF,bad}', 'x');
RESET plan_cache_mode;
-- a plan does not outlive the options that made it
SET plan_cache_mode = force_generic_plan;
ALTER FOREIGN TABLE account ALTER employees OPTIONS (ADD filterable 'false');
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p3(5);
ALTER FOREIGN TABLE account ALTER employees OPTIONS (DROP filterable);
ALTER SERVER sf OPTIONS (ADD pushdown 'false');
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p3(5);
ALTER SERVER sf OPTIONS (DROP pushdown);
RESET plan_cache_mode;
DEALLOCATE ALL;

-- ---- partitions, inheritance, views
CREATE TABLE parted (id text, name text, region text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu') SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE parted_us PARTITION OF parted FOR VALUES IN ('us') SERVER sf OPTIONS (object 'Lead');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM parted WHERE id = '0013h00000FFfwF' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM parted WHERE region = 'eu' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM parted;
SET enable_partitionwise_aggregate = on;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM parted;
RESET enable_partitionwise_aggregate;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM account WHERE length(owner) > 1;
CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM barrier WHERE leak(name) AND employees = 5;

-- ---- joins: a scan per outer row would be a request per outer row
SET enable_material = off;
EXPLAIN (COSTS OFF) SELECT * FROM local l JOIN account a ON a.id = l.id;
RESET enable_material;
EXPLAIN (COSTS OFF) SELECT * FROM local l JOIN account a ON a.employees < l.n;
EXPLAIN (VERBOSE, COSTS OFF) SELECT l.n, x.name FROM local l, LATERAL (SELECT name FROM account a WHERE a.employees = l.n AND a.revenue > l.n LIMIT 2) x;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a.id FROM account a WHERE employees = 5 AND EXISTS (SELECT 1 FROM account b WHERE b.id = a.id AND b.name = 'x');

-- ---- a table that is not to be written to
ALTER FOREIGN TABLE account OPTIONS (ADD updatable 'false');
INSERT INTO account (name) VALUES ('x');
UPDATE account SET name = 'x';
DELETE FROM account;
SELECT is_insertable_into FROM information_schema.tables WHERE table_name = 'account';

DROP VIEW barrier;
DROP TABLE parted, local;
DROP SERVER sf CASCADE;
