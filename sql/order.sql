--
-- ORDER BY and lookups by Id: sent where Salesforce has the same order, and where the rows are few.
--
\set pushed `echo "$PG_ABS_SRCDIR"` '/sql/pushed.inc'
\i :pushed
CREATE TABLE public.local (id text, n integer);
INSERT INTO local SELECT id, row_number() OVER (ORDER BY id) FROM account ORDER BY id LIMIT 5;
INSERT INTO local SELECT id, n + 5 FROM local;
INSERT INTO local VALUES (NULL, 11), ('short', 12), ('0013h00000FFfwF', 13);
ANALYZE local;

-- ---- plans
EXPLAIN (VERBOSE, COSTS OFF) SELECT name, revenue FROM account WHERE employees > 5 ORDER BY revenue DESC NULLS LAST, created LIMIT 3 OFFSET 2;
EXPLAIN (VERBOSE, COSTS OFF) SELECT name FROM account WHERE length(name) > 5 ORDER BY employees LIMIT 3;

-- ---- orders that are sent
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
-- in order, as the rows come: the same query without wrapping it into one that sorts
CREATE FUNCTION in_order(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	pushed text[] := '{}';
	kept text[] := '{}';
	r record;
BEGIN
	FOR r IN EXECUTE query LOOP
		pushed := pushed || r::text;
	END LOOP;
	PERFORM set_config('search_path', 'kept, public', true);
	FOR r IN EXECUTE query LOOP
		kept := kept || r::text;
	END LOOP;
	PERFORM set_config('search_path', 'pushed, public', true);
	RETURN CASE WHEN pushed = kept THEN cardinality(pushed) || ' rows' ELSE pushed::text || ', not ' || kept::text END;
END $$;
SELECT q, in_order(q), sent(q) FROM (VALUES
	('SELECT employees FROM account ORDER BY employees LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees DESC LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees NULLS FIRST LIMIT 100'),
	('SELECT employees FROM account ORDER BY employees DESC NULLS LAST LIMIT 5'),
	('SELECT revenue FROM account ORDER BY revenue DESC NULLS LAST LIMIT 5'),
	('SELECT revenue, employees FROM account ORDER BY revenue NULLS FIRST, employees DESC LIMIT 80'),
	('SELECT created, employees, revenue FROM account ORDER BY created DESC, employees LIMIT 5'),
	('SELECT birthdate FROM contact ORDER BY birthdate LIMIT 5 OFFSET 10'),
	('SELECT probability, amount, closedate FROM opportunity ORDER BY probability DESC, amount, closedate LIMIT 5'),
	('SELECT employees FROM account WHERE employees > 100 ORDER BY employees LIMIT 5'),
	('SELECT employees FROM account WHERE employees = 100 ORDER BY employees, revenue LIMIT 5'),
	('SELECT employees + 1 FROM account ORDER BY employees LIMIT 5'),
	('SELECT employees FROM (SELECT * FROM account WHERE revenue > 5) s ORDER BY employees LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees FETCH FIRST 3 ROWS ONLY'),
	('SELECT c.birthdate FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.revenue IS NULL ORDER BY c.birthdate LIMIT 5'),
	('(SELECT employees FROM account ORDER BY employees LIMIT 2) UNION ALL (SELECT employees FROM account ORDER BY employees DESC NULLS LAST LIMIT 2)'),
	('SELECT max(employees) FROM (SELECT employees FROM account ORDER BY employees LIMIT 5) s'),
	-- the order, but not the LIMIT: something is checked or put together here
	('SELECT employees FROM account WHERE length(name) > 5 ORDER BY employees LIMIT 5'),
	('SELECT employees FROM account WHERE name LIKE ''%a%'' ORDER BY employees DESC NULLS LAST LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees FETCH FIRST 3 ROWS WITH TIES'),
	('SELECT DISTINCT ON (employees) employees FROM account ORDER BY employees LIMIT 3'),
	('SELECT employees, rank() OVER (ORDER BY employees) FROM account ORDER BY employees LIMIT 3')
	) AS t(q);

-- ---- and that are not: another order there, or more rows than a REST answer is for
CREATE FOREIGN TABLE more (id text, typmod numeric(20,2) OPTIONS (field 'AnnualRevenue'), local timestamp OPTIONS (field 'CreatedDate'),
	unsorted integer OPTIONS (field 'NumberOfEmployees', sortable 'false'), at time OPTIONS (field 'CreatedDate', type 'datetime'),
	owner_since timestamptz OPTIONS (field 'Owner.CreatedDate')) SERVER sf OPTIONS (object 'Account');
SELECT q, sent(q) FROM (VALUES
	('SELECT id FROM account ORDER BY id LIMIT 5'),
	('SELECT name FROM account ORDER BY name LIMIT 5'),
	('SELECT name FROM account ORDER BY name COLLATE "C" LIMIT 5'),
	('SELECT industry FROM account ORDER BY industry LIMIT 5'),
	('SELECT isdeleted FROM account ORDER BY isdeleted LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees, name LIMIT 5'),
	('SELECT employees FROM account ORDER BY -employees LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees::numeric LIMIT 5'),
	('SELECT employees FROM account ORDER BY random() LIMIT 5'),
	('SELECT id FROM more ORDER BY typmod LIMIT 5'),
	('SELECT id FROM more ORDER BY local LIMIT 5'),
	('SELECT id FROM more ORDER BY unsorted LIMIT 5'),
	('SELECT id FROM more ORDER BY at LIMIT 5'),
	('SELECT id FROM more ORDER BY owner_since LIMIT 5'),
	('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id ORDER BY a.employees LIMIT 5'),
	('SELECT employees FROM account ORDER BY employees'),
	('SELECT employees FROM account ORDER BY employees LIMIT 100000'),
	('SELECT employees FROM account UNION ALL SELECT n FROM local ORDER BY 1 LIMIT 5'),
	('SELECT employees FROM off.account ORDER BY employees LIMIT 5'),
	('UPDATE account SET name = ''x'' WHERE id IN (SELECT id FROM account ORDER BY name LIMIT 1)')
	) AS t(q);
ALTER FOREIGN TABLE account OPTIONS (ADD transport 'bulk');
SELECT sent('SELECT employees FROM account ORDER BY employees LIMIT 5');
ALTER FOREIGN TABLE account OPTIONS (SET transport 'rest');
SELECT sent('SELECT employees FROM account ORDER BY employees');
ALTER FOREIGN TABLE account OPTIONS (DROP transport);
-- a few rows, as statistics say: sorting is Salesforce's
UPDATE pg_class SET reltuples = 1000 WHERE oid = 'account'::regclass;
SELECT sent('SELECT employees FROM account ORDER BY employees');
SELECT in_order('SELECT employees FROM account ORDER BY employees');
UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'account'::regclass;
SELECT sent('SELECT employees FROM account ORDER BY employees');
SELECT sent('SELECT employees FROM account ORDER BY employees LIMIT 5');
UPDATE pg_class SET reltuples = -1 WHERE oid = 'account'::regclass;
-- two in order are merged
SET enable_hashjoin = off;
SET enable_nestloop = off;
SET enable_sort = off;
UPDATE pg_class SET reltuples = 1000 WHERE oid = 'account'::regclass;
SELECT in_order('SELECT a.employees, l.n FROM account a JOIN local l ON a.employees = l.n ORDER BY a.employees, l.n');
UPDATE pg_class SET reltuples = -1 WHERE oid = 'account'::regclass;
RESET enable_hashjoin;
RESET enable_nestloop;
RESET enable_sort;

-- ---- parameters
SET plan_cache_mode = force_generic_plan;
PREPARE o(bigint, integer) AS SELECT employees FROM account WHERE employees > $2 ORDER BY employees LIMIT $1;
SELECT sent('EXECUTE o(2, 100)');
EXECUTE o(2, 100);
EXECUTE o(0, 100);
SELECT count(*) FROM account WHERE employees > 100;
EXECUTE o(1, NULL);
RESET plan_cache_mode;
DEALLOCATE ALL;

-- ---- lookups: each Id that the outer rows have, once; a job or an answer for all rows when they are many
SELECT q, same(q), sent(q) FROM (VALUES
	('SELECT l.n, a.name FROM local l JOIN account a ON a.id = l.id'),
	('SELECT l.n, a.name FROM local l LEFT JOIN account a ON a.id = l.id'),
	('SELECT l.n, a.name FROM local l LEFT JOIN account a ON a.id = l.id AND a.employees > 100'),
	('SELECT l.n FROM local l WHERE EXISTS (SELECT 1 FROM account a WHERE a.id = l.id AND a.name > ''M'' )'),
	('SELECT l.n FROM local l WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = l.id)'),
	('SELECT l.n, (SELECT name FROM account a WHERE a.id = l.id) FROM local l'),
	('SELECT l.n, a.name FROM local l, LATERAL (SELECT name || l.n AS name FROM account a WHERE a.id = l.id OFFSET 0) a'),
	('SELECT l.n, a.name, u.username FROM local l JOIN account a ON a.id = l.id JOIN person u ON u.id = a.ownerid'),
	('SELECT l.n, a.name FROM local l JOIN account a ON a.id = coalesce(l.id, ''none'')')
	) AS t(q);
SELECT q, sent(q) FROM (VALUES
	('SELECT l.n, a.name FROM local l JOIN account a ON a.name = l.id'),
	('SELECT l.n, a.name FROM local l JOIN account a ON a.ownerid = l.id'),
	('SELECT l.n, a.name FROM local l JOIN account a ON a.id > l.id'),
	('SELECT l.n, a.name FROM local l JOIN off.account a ON a.id = l.id'),
	('SELECT l.n, a.name FROM local l FULL JOIN account a ON a.id = l.id')
	) AS t(q);
INSERT INTO local SELECT '0013h00000' || lpad(i::text, 5, '0'), i FROM generate_series(1, 10000) i;
ANALYZE local;
SELECT sent('SELECT l.n, a.name FROM local l JOIN account a ON a.id = l.id');
ALTER FOREIGN TABLE account OPTIONS (ADD transport 'bulk');
DELETE FROM local WHERE n > 13;
ANALYZE local;
SELECT sent('SELECT l.n, a.name FROM local l JOIN account a ON a.id = l.id');
ALTER FOREIGN TABLE account OPTIONS (DROP transport);
SELECT pg_temp.refused();
SELECT pg_temp.jobs();

DROP TABLE local;
DROP SERVER sf CASCADE;
DROP SERVER off CASCADE;
DROP SCHEMA pushed, kept, off, sf CASCADE;
