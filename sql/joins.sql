--
-- Joins that are sent: a child with its parents, semi-joins; and those that are not.
--
\set pushed `echo "$PG_ABS_SRCDIR"` '/sql/pushed.inc'
\i :pushed
CREATE TABLE local (id text, n integer);
INSERT INTO local SELECT id, row_number() OVER (ORDER BY id) FROM account ORDER BY id LIMIT 5;
ANALYZE local;

-- ---- a plan: conditions of all tables, each where it belongs
EXPLAIN (VERBOSE, COSTS OFF)
SELECT c.lastname, a.name, u.username FROM contact c JOIN account a ON c.accountid = a.id JOIN person u ON a.ownerid = u.id
 WHERE c.birthdate > '1980-01-01' AND a.name LIKE 'A%' AND a.employees + 1 > 5 AND u.isactive;
EXPLAIN (VERBOSE, COSTS OFF)
SELECT c.lastname, a FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.revenue IS NULL;
-- in a plan of its own, whose tables have other numbers in the end
EXPLAIN (VERBOSE, COSTS OFF)
SELECT l.n, s.name FROM local l JOIN (SELECT a.name, a.id, c.lastname FROM contact c JOIN account a ON c.accountid = a.id
	WHERE a.employees < 100 AND length(c.lastname) > 3 AND c.lastname <> a.name ORDER BY c.birthdate LIMIT 7) s ON l.id = s.id;
SELECT sent('WITH x AS MATERIALIZED (SELECT c.id FROM contact c WHERE accountid IN (SELECT id FROM account WHERE revenue > 5))
	SELECT n, (SELECT count(*) FROM x WHERE x.id > l.id) FROM local l');

-- ---- sent, with the rows that there are
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT q, same(q), sent(q) FROM (VALUES
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c, account a WHERE a.id = c.accountid'),
	('SELECT c.id, a.name FROM account a JOIN contact c ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c LEFT JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM account a RIGHT JOIN contact c ON c.accountid = a.id'),
	('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id COLLATE "C" '),
	('SELECT 1 FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.name IS NULL'),
	-- conditions: of the row, of the nullable side, of both
	('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id WHERE a.revenue > 1000000 AND c.donotcall'),
	('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id AND a.industry = ''Energy'' '),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.revenue > 1000000'),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.revenue > 1000000 OR a.revenue IS NULL'),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.employees <> 5 OR c.birthdate > ''1990-01-01'' '),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.isdeleted IS NOT TRUE'),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE NOT a.isdeleted OR a.name IS NULL'),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE coalesce(a.employees, 0) < 100'),
	('SELECT c.id, a.employees + 1 FROM contact c JOIN account a ON c.accountid = a.id WHERE c.lastname < a.name'),
	-- several lookups to one object, and along several ways
	('SELECT c.id, o.username, m.username FROM contact c JOIN person o ON c.ownerid = o.id JOIN person m ON c.createdbyid = m.id'),
	('SELECT c.id, a.name, p.name FROM contact c LEFT JOIN account a ON c.accountid = a.id LEFT JOIN account p ON a.parentid = p.id'),
	('SELECT c.id, a.name, p.name FROM contact c JOIN account a ON c.accountid = a.id LEFT JOIN account p ON a.parentid = p.id WHERE p.name IS NULL'),
	('SELECT c.id, a.name, o.username, u.username FROM contact c JOIN person o ON c.ownerid = o.id JOIN account a ON c.accountid = a.id JOIN person u ON a.ownerid = u.id WHERE o.isactive AND u.isactive'),
	-- itself
	('SELECT a.name, p.name FROM account a JOIN account p ON a.parentid = p.id'),
	('SELECT c.id, r.id FROM contact c LEFT JOIN contact r ON c.reportstoid = r.id'),
	-- a field that both have
	('SELECT c.ownername, o.username FROM contact c JOIN person o ON c.ownerid = o.id'),
	-- whole rows
	('SELECT c, a FROM contact c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a, row_to_json(a)::text, a IS NULL, a IS NOT NULL FROM contact c LEFT JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, row_to_json(p)::text FROM contact c LEFT JOIN account a ON c.accountid = a.id LEFT JOIN account p ON a.parentid = p.id'),
	('SELECT count(s.a), count(*) FROM (SELECT a, c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id OFFSET 3) s'),
	-- semi-joins: as conditions on the parent where its columns are at hand, else as lists
	('SELECT id FROM contact WHERE accountid IN (SELECT id FROM account WHERE revenue > 1000000)'),
	('SELECT id FROM contact c WHERE EXISTS (SELECT 1 FROM account a WHERE a.id = c.accountid AND name = ''Acme'' )'),
	('SELECT id FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE isclosed)'),
	('SELECT id FROM account WHERE parentid IN (SELECT accountid FROM opportunity) AND employees > 100'),
	('SELECT id FROM contact WHERE accountid IN (SELECT accountid FROM opportunity WHERE amount > 100000) AND ownerid IN (SELECT id FROM person WHERE isactive)'),
	('SELECT c.id, u.username FROM contact c JOIN person u ON c.ownerid = u.id WHERE accountid IN (SELECT accountid FROM opportunity WHERE amount > 100000)'),
	('SELECT a.id FROM account a WHERE id IN (SELECT accountid FROM opportunity WHERE id = ''short'' )'),
	-- through views and subqueries, with LIMIT and order
	('SELECT s.id FROM (SELECT c.id, c.accountid FROM contact c WHERE birthdate IS NOT NULL) s JOIN (SELECT * FROM account WHERE revenue > 5) a ON s.accountid = a.id'),
	('SELECT birthdate FROM contact c JOIN account a ON c.accountid = a.id WHERE a.revenue > 5 ORDER BY birthdate NULLS FIRST LIMIT 10'),
	('SELECT count(*) FROM (SELECT 1 FROM contact c JOIN account a ON c.accountid = a.id LIMIT 10) s'),
	('SELECT c.id FROM contact c WHERE EXISTS (SELECT 1 FROM account a JOIN person u ON a.ownerid = u.id WHERE a.id = c.accountid AND u.isactive AND length(a.name) > 3)'),
	('SELECT c.id, r.lastname FROM contact c JOIN contact r ON c.reportstoid = r.id AND r.reportstoid = c.id'),
	('SELECT c.id, u.username FROM contact c JOIN account a ON c.accountid = a.id JOIN person u ON a.ownerid = u.id AND c.ownerid = u.id'),
	('SELECT c.id, a.name, b.revenue FROM contact c JOIN account a ON c.accountid = a.id JOIN account b ON c.accountid = b.id'),
	-- the lookup's value is known
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id WHERE a.id = (SELECT max(accountid) FROM contact)'),
	('SELECT a.ownerid, count(*) FROM contact c JOIN account a ON c.accountid = a.id WHERE a.id = ''0015g000002ZKf7AAG'' GROUP BY 1'),
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id WHERE c.accountid = ''0015g000002ZKf7AAG'' AND a.employees > 0'),
	('SELECT c.id, a.name FROM contact c, account a WHERE c.accountid = ''0015g000002ZKf7AAG'' AND a.id = ''0015g000002ZKf8AAG'' '),
	('SELECT c.id, a.name FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE c.accountid = ''0015g000002ZKf7AAG'' '),
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id WHERE c.id = ''0033h00000FFfwF'' ')
	) AS t(q);

-- ---- not sent, and why
CREATE FOREIGN TABLE unlinked (id text, accountid text OPTIONS (type 'reference')) SERVER sf OPTIONS (object 'Contact');
CREATE FOREIGN TABLE wrong (id text, accountid text OPTIONS (type 'reference', reference_to 'Contact')) SERVER sf OPTIONS (object 'Contact');
CREATE FOREIGN TABLE plain (id text, accountid text) SERVER sf OPTIONS (object 'Contact');
CREATE FOREIGN TABLE fixed (id char(18), accountid char(18) OPTIONS (type 'reference', reference_to 'Account')) SERVER sf OPTIONS (object 'Contact');
CREATE FOREIGN TABLE own (id text, name text) SERVER sf OPTIONS (query 'SELECT Id, Name FROM Account');
CREATE FOREIGN TABLE bin (id text, name text) SERVER sf OPTIONS (object 'Account', query_all 'true');
CREATE FOREIGN TABLE kept_here (id text, name text) SERVER sf OPTIONS (object 'Account', pushdown 'false');
CREATE FOREIGN TABLE task (id text, accountid text OPTIONS (type 'reference', reference_to 'Account')) SERVER sf OPTIONS (object 'Task');
CREATE ROLE sfb_reader;
GRANT USAGE ON SCHEMA off TO sfb_reader;
GRANT USAGE ON FOREIGN SERVER sf TO sfb_reader;
CREATE USER MAPPING FOR sfb_reader SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
CREATE VIEW mine AS SELECT * FROM account;
GRANT SELECT ON account TO sfb_reader;
CREATE VIEW theirs AS SELECT * FROM account;
ALTER VIEW theirs OWNER TO sfb_reader;
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM account WHERE revenue > 5;
CREATE TABLE parted (id text, name text, region text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu') SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE parted_us PARTITION OF parted FOR VALUES IN ('us') SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE deep (id text, far text OPTIONS (field 'Parent.Parent.Parent.Parent.Name'), ownerid text OPTIONS (type 'reference', reference_to 'User')) SERVER sf OPTIONS (object 'Account');

SELECT q, sent(q) FROM (VALUES
	('SELECT c.id, a.name FROM unlinked c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM wrong c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM plain c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM fixed c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN own a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN bin a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN kept_here a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN off.account a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN mine a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN theirs a ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN guarded a ON c.accountid = a.id'),
	-- other conditions than a lookup's
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.ownerid = a.ownerid'),
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.id = a.id'),
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id || '''' '),
	('SELECT c.id, a.name FROM contact c, account a'),
	('SELECT c.id, a.name FROM contact c JOIN account a ON c.accountid = a.id AND current_setting(''port'') = ''1'' '),
	-- what would make the row go away, or not
	('SELECT c.id, a.name FROM contact c LEFT JOIN account a ON c.accountid = a.id AND a.revenue > 5'),
	('SELECT c.id, a.name FROM contact c LEFT JOIN account a ON c.accountid = a.id AND c.donotcall'),
	('SELECT c.id, p.name FROM contact c LEFT JOIN (account a JOIN account p ON a.parentid = p.id) ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM account a LEFT JOIN contact c ON c.accountid = a.id'),
	('SELECT c.id, a.name FROM contact c FULL JOIN account a ON c.accountid = a.id'),
	('SELECT c.id FROM contact c WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = c.accountid)'),
	('SELECT c.id FROM contact c LEFT JOIN account a ON c.accountid = a.id WHERE a.id IS NULL'),
	('SELECT c.id FROM contact c WHERE accountid NOT IN (SELECT id FROM account)'),
	-- what is computed or asked between
	('SELECT c.id, s.x FROM contact c LEFT JOIN (SELECT id, coalesce(name, ''none'') AS x FROM account) s ON c.accountid = s.id'),
	('SELECT c.id, a.tableoid FROM contact c JOIN account a ON c.accountid = a.id'),
	('SELECT c.id, s.name FROM contact c, LATERAL (SELECT name FROM account a WHERE a.id = c.accountid LIMIT 1) s'),
	-- semi-joins
	('SELECT id FROM contact WHERE accountid IN (SELECT accountid FROM opportunity WHERE name = ''x'' )'),
	('SELECT id FROM account WHERE parentid IN (SELECT id FROM account WHERE name = ''x'' ) AND id IN (SELECT parentid FROM account)'),
	('SELECT id FROM account WHERE id IN (SELECT accountid FROM task)'),
	('SELECT id FROM contact WHERE accountid IN (SELECT ownerid FROM opportunity)'),
	('SELECT id FROM contact WHERE lastname IN (SELECT name FROM opportunity)'),
	('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id WHERE a.ownerid IN (SELECT ownerid FROM opportunity)'),
	('SELECT id FROM contact WHERE accountid IN (SELECT accountid FROM opportunity) AND ownerid IN (SELECT ownerid FROM opportunity) AND createdbyid IN (SELECT ownerid FROM opportunity)'),
	('SELECT id FROM contact WHERE accountid IN (SELECT accountid FROM opportunity LIMIT 3)'),
	('SELECT id FROM contact WHERE donotcall OR accountid IN (SELECT accountid FROM opportunity)'),
	-- partitions
	('SELECT c.id, a.name FROM contact c JOIN parted a ON c.accountid = a.id'),
	-- five levels and six
	('SELECT c.id, m.username FROM contact c JOIN account a ON c.accountid = a.id JOIN account b ON a.parentid = b.id JOIN account d ON b.parentid = d.id JOIN account e ON d.parentid = e.id JOIN person m ON e.ownerid = m.id'),
	('SELECT c.id, n.username FROM contact c JOIN account a ON c.accountid = a.id JOIN account b ON a.parentid = b.id JOIN account d ON b.parentid = d.id JOIN account e ON d.parentid = e.id JOIN person m ON e.ownerid = m.id JOIN person n ON m.managerid = n.id'),
	('SELECT c.id, d.far FROM contact c JOIN deep d ON c.accountid = d.id'),
	('SELECT c.id, d.far FROM contact x JOIN contact c ON x.reportstoid = c.id JOIN deep d ON c.accountid = d.id'),
	('SELECT c.id, d.ownerid FROM contact x JOIN contact c ON x.reportstoid = c.id JOIN deep d ON c.accountid = d.id'),
	('SELECT c.id FROM contact x JOIN contact c ON x.reportstoid = c.id JOIN deep d ON c.accountid = d.id WHERE d.far = ''x'' ')
	) AS t(q);
SET enable_partitionwise_join = on;
SELECT sent('SELECT c.id, a.name FROM contact c JOIN parted a ON c.accountid = a.id');
RESET enable_partitionwise_join;
-- a collation that has 'a' equal to 'A' has other rows
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT sent('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id COLLATE blind');

-- ---- conditions that are too long together stay here, where they are checked
CREATE FUNCTION list_of(n integer, prefix text) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(quote_literal(prefix || lpad(i::text, 12, '0')), ',') FROM generate_series(1, n) i $$;
SELECT (SELECT bool_and(length(s) < 100000) FROM regexp_split_to_table(sent(q), '\n') s) AS fits, sent(q) ~ 'IN \(SELECT' AS semijoin FROM (
	SELECT format('SELECT id FROM contact WHERE ownerid IN (%s) AND accountid IN (SELECT accountid FROM opportunity WHERE ownerid IN (%s))',
		list_of(3000, '005'), list_of(n, '005')) FROM (VALUES (1000), (3000)) v(n)) t(q);
SELECT (SELECT bool_and(length(s) < 100000) FROM regexp_split_to_table(sent(q), '\n') s) AS fits FROM (
	SELECT format('SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id WHERE c.ownerid IN (%s) AND a.ownerid IN (%s)',
		list_of(3000, '005'), list_of(3000, '005'))) t(q);

-- ---- parameters
SET plan_cache_mode = force_generic_plan;
PREPARE j(numeric, text, bigint) AS SELECT c.id FROM contact c JOIN account a ON c.accountid = a.id
	WHERE a.revenue > $1 AND a.id = $2 LIMIT $3;
SELECT regexp_replace(sent('EXECUTE j(5, ''0013h00000FFfwF'', 3)'), '\n', ' ');
-- not every number can be said exactly in SOQL, a date can
PREPARE s(numeric) AS SELECT id FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE amount > $1);
SELECT sent('EXECUTE s(5)');
PREPARE t(date) AS SELECT id FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE closedate > $1);
SELECT sent('EXECUTE t(''2024-01-01'')');
EXECUTE t('4000-12-31');
EXECUTE t(NULL);
SELECT count(*) FROM (SELECT id FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE amount > 5)) x;
RESET plan_cache_mode;
DEALLOCATE ALL;
-- of an outer row
SELECT same('SELECT a.id, (SELECT count(*) FROM contact c JOIN person u ON c.ownerid = u.id WHERE c.accountid = a.id AND u.isactive) AS n FROM (SELECT id FROM account ORDER BY id LIMIT 5) a');
SELECT sent('SELECT l.n, (SELECT max(u.username) FROM contact c JOIN person u ON c.ownerid = u.id WHERE c.accountid = l.id) FROM local l');

-- ---- in statements that write: an UPDATE may have to join a changed row again, an INSERT not
SELECT q, sent(q) FROM (VALUES
	('INSERT INTO contact (lastname) SELECT name FROM account WHERE id IN (SELECT accountid FROM opportunity WHERE isclosed)'),
	('INSERT INTO contact (lastname, accountid) SELECT a.name, a.id FROM account a JOIN person u ON a.ownerid = u.id'),
	('UPDATE contact SET lastname = ''x'' WHERE accountid IN (SELECT id FROM account WHERE name = ''Acme'')'),
	('UPDATE account SET name = ''x'' WHERE id IN (SELECT accountid FROM opportunity WHERE isclosed)'),
	('UPDATE local SET n = 1 FROM contact c JOIN person u ON c.ownerid = u.id WHERE u.isactive AND length(c.lastname) > 3 AND c.id = local.id'),
	('DELETE FROM contact c USING person u WHERE c.ownerid = u.id AND NOT u.isactive'),
	('SELECT c.id FROM contact c JOIN person u ON c.ownerid = u.id FOR UPDATE OF c')
	) AS t(q);

-- ---- the genetic optimizer finds them too
SET geqo_threshold = 2;
SELECT q, same(q), sent(q) FROM (VALUES
	('SELECT c.id, a.name, o.username, u.username FROM contact c JOIN person o ON c.ownerid = o.id JOIN account a ON c.accountid = a.id JOIN person u ON a.ownerid = u.id')) t(q);
RESET geqo_threshold;

-- ---- an error names the column's own table
CREATE FOREIGN TABLE odd (id text, name integer) SERVER sf OPTIONS (object 'Account');
SELECT c.id, a.name FROM contact c JOIN odd a ON c.accountid = a.id WHERE a.name IS NOT NULL;

-- ---- by a job as by REST
ALTER FOREIGN TABLE contact OPTIONS (ADD transport 'bulk');
SELECT same(q) FROM (VALUES ('SELECT c.id, a.name, u.isactive FROM contact c LEFT JOIN account a ON c.accountid = a.id LEFT JOIN person u ON a.ownerid = u.id'),
	('SELECT id FROM contact WHERE accountid IN (SELECT accountid FROM opportunity WHERE amount > 100000)')) t(q);
ALTER FOREIGN TABLE contact OPTIONS (DROP transport);
SELECT pg_temp.refused();
SELECT pg_temp.jobs();

DROP SERVER sf CASCADE;
DROP SERVER off CASCADE;
DROP SCHEMA pushed, kept, off, sf CASCADE;
DROP OWNED BY sfb_reader;
DROP ROLE sfb_reader;
