--
-- Aggregates that are sent, what their answers are made of, and those that are not sent.
--
\set pushed `echo "$PG_ABS_SRCDIR"` '/sql/pushed.inc'
\i :pushed
CREATE TABLE local (id text, n integer);
INSERT INTO local SELECT ownerid, row_number() OVER (ORDER BY ownerid) FROM account GROUP BY ownerid ORDER BY 1 LIMIT 4;
ANALYZE local;

-- ---- a plan: the groups over there, and the same made here, should it not work
EXPLAIN (VERBOSE, COSTS OFF)
SELECT ownerid, count(*), sum(revenue), avg(employees), max(created), count(DISTINCT parentid) AS parents FROM account
 WHERE employees > 5 GROUP BY ownerid HAVING count(*) > 2 AND sum(revenue) > 100 ORDER BY parents LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF)
SELECT a.ownerid, count(a.id), sum(a.revenue) / count(*) FROM contact c LEFT JOIN account a ON c.accountid = a.id
 WHERE c.birthdate > '1980-01-01' GROUP BY a.ownerid;
-- in a plan of its own
EXPLAIN (VERBOSE, COSTS OFF)
SELECT l.n, s.count FROM local l JOIN (SELECT ownerid, count(*) FROM opportunity WHERE probability > 5 GROUP BY ownerid OFFSET 0) s
	ON l.id = s.ownerid;

-- ---- sent, with the rows that there are
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT q, same(q), sent(q) FROM (VALUES
	('SELECT count(*) FROM account'),
	('SELECT count(*) FROM account WHERE employees > 100'),
	('SELECT count(*), sum(employees) FROM account'),
	('SELECT sum(employees), avg(employees), min(employees), max(employees), count(employees) FROM account'),
	('SELECT trim_scale(sum(revenue)) FROM account WHERE revenue < 1000000000'),
	('SELECT trim_scale(sum(amount)) FROM opportunity WHERE amount < 1000000'),
	('SELECT round(avg(amount), 6) FROM opportunity WHERE amount < 1000000'),
	('SELECT min(amount), max(amount) FROM opportunity WHERE amount < 1000000'),
	('SELECT sum(probability), avg(probability), max(probability) FROM opportunity'),
	('SELECT min(created), max(created) FROM account'),
	('SELECT min(birthdate), max(birthdate) FROM contact'),
	('SELECT count(DISTINCT ownerid), count(DISTINCT birthdate), count(DISTINCT id) FROM contact'),
	('SELECT count(name), count(parentid) FROM account'),
	('SELECT count(1), count(id), count(*) FROM account WHERE parentid IS NULL'),
	('SELECT sum(employees) + max(employees), -count(*) FROM account'),
	('SELECT min(DISTINCT employees), max(DISTINCT employees) FROM account'),
	('SELECT max(employees) FROM account HAVING count(*) > 5'),
	('SELECT max(employees) FROM account HAVING count(*) < 5'),
	('SELECT 1 FROM account HAVING count(*) > 5'),
	-- groups
	('SELECT ownerid, count(*) FROM account GROUP BY ownerid'),
	('SELECT count(*) FROM account GROUP BY ownerid'),
	('SELECT ownerid, isdeleted, count(*) FROM account GROUP BY ownerid, isdeleted'),
	('SELECT parentid, count(*), count(ownerid) FROM account GROUP BY parentid'),
	('SELECT birthdate, count(*) FROM contact GROUP BY birthdate'),
	('SELECT ownerid FROM account GROUP BY ownerid'),
	('SELECT ownerid FROM account GROUP BY ownerid HAVING count(*) > 20'),
	('SELECT ownerid, sum(employees) FROM account GROUP BY ownerid HAVING sum(employees) > 100 AND count(*) > 20 AND 30 > count(employees)'),
	('SELECT ownerid, sum(employees) FROM account GROUP BY ownerid HAVING count(*) > 20 OR sum(employees) > 100'),
	('SELECT ownerid, sum(employees) FROM account WHERE employees > 10 AND ownerid IS NOT NULL GROUP BY ownerid HAVING ownerid <> ''005000000000001AAA'' '),
	('SELECT upper(ownerid), count(*) || ''x'' FROM account GROUP BY ownerid'),
	('SELECT ownerid, count(*), rank() OVER (ORDER BY count(*) DESC) FROM account GROUP BY ownerid'),
	('SELECT DISTINCT count(*) FROM account GROUP BY ownerid'),
	('SELECT max(n) FROM (SELECT count(*) AS n FROM account GROUP BY ownerid) s'),
	('SELECT ownerid, count(*) FROM account GROUP BY ownerid UNION ALL SELECT ownerid, count(*) FROM opportunity GROUP BY ownerid'),
	-- a key that is always the same, and that is there only if a row is
	('SELECT count(name) FROM account WHERE employees = 5 GROUP BY employees'),
	('SELECT ownerid, count(name) FROM account WHERE employees = -77 GROUP BY ownerid'),
	('SELECT sum(revenue), count(name), avg(employees) FROM account WHERE employees = -77'),
	-- no row can be
	('SELECT count(*), count(name), sum(employees), avg(revenue), min(created) FROM account WHERE id = ''short'' '),
	('SELECT ownerid, count(*), sum(employees) FROM account WHERE id = ''short'' GROUP BY ownerid'),
	-- over joins
	('SELECT count(*) FROM contact c JOIN account a ON c.accountid = a.id WHERE a.revenue > 5'),
	('SELECT a.ownerid, count(*), count(a.id), count(c.id), count(DISTINCT a.id) FROM contact c LEFT JOIN account a ON c.accountid = a.id GROUP BY a.ownerid'),
	('SELECT u.id, sum(a.employees), max(c.birthdate) FROM contact c JOIN account a ON c.accountid = a.id JOIN person u ON a.ownerid = u.id WHERE u.isactive GROUP BY u.id'),
	('SELECT c.ownerid, count(*) FROM contact c WHERE accountid IN (SELECT accountid FROM opportunity WHERE amount > 100000) GROUP BY c.ownerid'),
	('SELECT count(*) FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE isclosed)')
	) AS t(q);

-- ---- the types are PostgreSQL's
CREATE TABLE pushed_types AS SELECT count(*) AS c, sum(employees) AS s, avg(employees) AS a, min(employees) AS m, sum(revenue) AS sr, avg(revenue) AS ar, max(created) AS mc FROM account;
CREATE TABLE kept_types AS SELECT count(*) AS c, sum(employees) AS s, avg(employees) AS a, min(employees) AS m, sum(revenue) AS sr, avg(revenue) AS ar, max(created) AS mc FROM kept.account;
SELECT p.attname, format_type(p.atttypid, p.atttypmod), p.atttypid = k.atttypid FROM pg_attribute p JOIN pg_attribute k USING (attnum)
 WHERE p.attrelid = 'pushed_types'::regclass AND k.attrelid = 'kept_types'::regclass AND attnum > 0 ORDER BY attnum;
SELECT p.c = k.c AND p.s = k.s AND p.a = k.a AND p.m = k.m AND p.sr = k.sr AND p.mc = k.mc FROM pushed_types p, kept_types k;

-- ---- not sent, or not all of it
CREATE FOREIGN TABLE more (id text, name varchar(80), n8 bigint OPTIONS (field 'NumberOfEmployees', type 'int'), typmod numeric(20,2) OPTIONS (field 'AnnualRevenue'),
	hidden numeric OPTIONS (field 'AnnualRevenue', aggregatable 'false'), key text OPTIONS (field 'OwnerId', type 'reference', groupable 'false'),
	local timestamp OPTIONS (field 'CreatedDate'), unfilterable integer OPTIONS (field 'NumberOfEmployees', filterable 'false'))
	SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE more_employees (employees integer OPTIONS (field 'NumberOfEmployees'), same bigint OPTIONS (field 'NumberOfEmployees', type 'int'),
	revenue numeric OPTIONS (field 'AnnualRevenue')) SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE own (id text, n integer) SERVER sf OPTIONS (query 'SELECT Id FROM Account');
CREATE TABLE parted (id text, region text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu') SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE parted_us PARTITION OF parted FOR VALUES IN ('us') SERVER sf OPTIONS (object 'Lead');
CREATE AGGREGATE sum(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
SELECT q, sent(q) FROM (VALUES
	('SELECT min(name), max(name) FROM account'),
	('SELECT count(DISTINCT name) FROM account'),
	('SELECT count(DISTINCT revenue) FROM account'),
	('SELECT sum(DISTINCT employees) FROM account'),
	('SELECT sum(employees) FILTER (WHERE employees > 5) FROM account'),
	('SELECT count(*) FILTER (WHERE employees > 5) FROM account'),
	('SELECT sum(employees ORDER BY name) FROM account'),
	('SELECT string_agg(name, '','') FROM account'),
	('SELECT array_agg(employees) FROM account'),
	('SELECT bool_and(isdeleted) FROM account'),
	('SELECT stddev(employees) FROM account'),
	('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY employees) FROM account'),
	('SELECT sum(employees + 1) FROM account'),
	('SELECT sum(employees::numeric) FROM account'),
	('SELECT sum(1) FROM account'),
	('SELECT sum(name) FROM account'),
	('SELECT count(isdeleted) FROM account'),
	('SELECT count(NULL) FROM account'),
	('SELECT count((name, id)) FROM account'),
	('SELECT sum(n8) FROM more'),
	('SELECT sum(typmod) FROM more'),
	('SELECT sum(hidden) FROM more'),
	('SELECT min(local) FROM more'),
	('SELECT sum(unfilterable) FROM more'),
	('SELECT sum(n) FROM own'),
	-- conditions that are checked here
	('SELECT sum(employees) FROM account WHERE name = ''x'' '),
	('SELECT sum(employees) FROM account WHERE length(name) = 1'),
	('SELECT sum(employees) FROM account WHERE current_setting(''port'') = ''1'' '),
	('SELECT sum(a.employees) FROM contact c JOIN account a ON c.accountid = a.id WHERE c.lastname < a.name'),
	('SELECT sum(n) FROM local l JOIN account a ON a.ownerid = l.id'),
	-- keys
	('SELECT name, count(*) FROM account GROUP BY name'),
	('SELECT key, count(*) FROM more GROUP BY key'),
	('SELECT revenue, count(*) FROM account GROUP BY revenue'),
	-- SOQL aggregates no key, and each row has an Id of its own
	('SELECT parentid, count(parentid) FROM account GROUP BY parentid'),
	('SELECT employees, max(employees) FROM account GROUP BY employees'),
	('SELECT employees FROM account GROUP BY employees HAVING count(employees) > 1'),
	('SELECT id, count(*) FROM account GROUP BY id'),
	('SELECT id, sum(employees) FROM account GROUP BY id'),
	('SELECT employees, same, sum(revenue) FROM more_employees GROUP BY employees, same'),
	('SELECT created, count(*) FROM account GROUP BY created'),
	('SELECT created::date, count(*) FROM account GROUP BY created::date'),
	('SELECT employees / 10, count(*) FROM account GROUP BY employees / 10'),
	('SELECT isdeleted, a.isdeleted, count(*) FROM (SELECT a.isdeleted FROM contact c LEFT JOIN account a ON c.accountid = a.id) a GROUP BY isdeleted'),
	('SELECT DISTINCT ownerid FROM account'),
	('SELECT ownerid, count(*) FROM account GROUP BY ROLLUP (ownerid)'),
	('SELECT ownerid, parentid, count(*) FROM account GROUP BY GROUPING SETS ((ownerid), (parentid))'),
	('SELECT sum(employees) OVER () FROM account'),
	('SELECT generate_series(1, 2), count(*) FROM account'),
	-- HAVING
	('SELECT ownerid, count(*) FROM account GROUP BY ownerid HAVING count(*) > random()'),
	('SELECT ownerid FROM account a GROUP BY ownerid HAVING count(*) > (SELECT min(n) FROM local)'),
	('SELECT ownerid FROM account a GROUP BY ownerid HAVING count(*) > (SELECT min(n) FROM local WHERE id = a.ownerid)'),
	('SELECT ownerid FROM account a GROUP BY ownerid HAVING max(name) > ''x'' '),
	('SELECT ownerid FROM account a GROUP BY ownerid HAVING count(*) > 1.5'),
	-- partitions
	('SELECT count(id) FROM parted GROUP BY region'),
	('SELECT ownerid, count(*) FROM off.account GROUP BY ownerid')
	) AS t(q);
SET enable_partitionwise_aggregate = on;
SELECT sent('SELECT region, count(id) FROM parted GROUP BY region');
RESET enable_partitionwise_aggregate;
-- by a job there are none
ALTER FOREIGN TABLE account OPTIONS (ADD transport 'bulk');
SELECT sent('SELECT ownerid, count(*) FROM account GROUP BY ownerid');
ALTER FOREIGN TABLE account OPTIONS (DROP transport);
-- more groups than Salesforce gives, as statistics say
UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'contact'::regclass;
INSERT INTO pg_statistic (starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct, stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5, stacoll1, stacoll2, stacoll3, stacoll4, stacoll5)
	SELECT 'contact'::regclass, attnum, false, 0, 18, 2500, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM pg_attribute WHERE attrelid = 'contact'::regclass AND attname = 'accountid';
SELECT sent('SELECT accountid, count(*) FROM contact GROUP BY accountid');
UPDATE pg_statistic SET stadistinct = 1500 WHERE starelid = 'contact'::regclass;
SELECT sent('SELECT accountid, count(*) FROM contact GROUP BY accountid');
DELETE FROM pg_statistic WHERE starelid = 'contact'::regclass;
UPDATE pg_class SET reltuples = -1 WHERE oid = 'contact'::regclass;

-- ---- parameters
SET plan_cache_mode = force_generic_plan;
PREPARE g(integer, bigint, bigint) AS SELECT ownerid, sum(employees) FROM account WHERE employees > $1 GROUP BY ownerid HAVING count(*) > $2
	ORDER BY ownerid LIMIT $3;
SELECT sent('EXECUTE g(5, 20, 2)');
EXECUTE g(5, 20, 2);
EXECUTE g(NULL, 20, 2);
EXECUTE g(5, NULL, 2);
EXECUTE g(5, 20, 0);
PREPARE h(integer) AS SELECT count(*), count(name), sum(employees) FROM account WHERE employees = $1;
EXECUTE h(NULL);
RESET plan_cache_mode;
DEALLOCATE ALL;
-- of an outer row: the same aggregate again and again
SELECT n, (SELECT sum(employees) FROM account a WHERE a.ownerid = l.id) = (SELECT sum(employees) FROM kept.account a WHERE a.ownerid = l.id),
	(SELECT string_agg(x, ' ' ORDER BY x) = '' FROM (SELECT count(*)::text AS x FROM account a WHERE a.ownerid = l.id GROUP BY a.parentid HAVING count(*) > 500) s)
	FROM local l ORDER BY n;
SELECT n, (SELECT max(c) + l.n - l.n FROM (SELECT ownerid, count(*) AS c FROM account GROUP BY ownerid) s) = (SELECT max(c) FROM (SELECT ownerid, count(*) AS c FROM kept.account GROUP BY ownerid) s)
	FROM local l ORDER BY n;
-- a nested loop reads the groups again
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT l.n, s.count = k.count FROM local l JOIN (SELECT ownerid, count(*) FROM account GROUP BY ownerid) s ON l.id = s.ownerid
	JOIN (SELECT ownerid, count(*) FROM kept.account GROUP BY ownerid) k ON l.id = k.ownerid ORDER BY 1;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;
-- a cursor, forward and back
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT ownerid, count(*) FROM account GROUP BY ownerid ORDER BY ownerid;
MOVE 3 IN c;
FETCH BACKWARD 2 FROM c;
DECLARE d CURSOR WITH HOLD FOR SELECT isdeleted, count(*) FROM account GROUP BY isdeleted;
COMMIT;
FETCH ALL FROM d;
CLOSE d;
-- more than fits into work_mem
SET work_mem = '64kB';
SELECT same('SELECT birthdate, count(*), count(email), count(DISTINCT ownerid), count(DISTINCT accountid) FROM contact GROUP BY birthdate');
RESET work_mem;
SELECT pg_temp.refused();
SELECT pg_temp.jobs();

DROP SERVER sf CASCADE;
DROP SERVER off CASCADE;
DROP SCHEMA pushed, kept, off, sf CASCADE;
