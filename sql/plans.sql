--
-- Ten typical queries, after ANALYZE: the plans that they get.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, opportunity, invoice__c) FROM SERVER sf INTO sf;
-- The columns that the queries name, as plans show all of a table's here and there.
SELECT format('ALTER FOREIGN TABLE %s DROP COLUMN %I', attrelid::regclass, attname) FROM pg_attribute
 WHERE attrelid IN ('sf.account'::regclass, 'sf.contact'::regclass, 'sf.opportunity'::regclass, 'sf.invoice__c'::regclass) AND attnum > 0
   AND attname <> ALL ('{id,name,email,accountid,industry,rating,annualrevenue,numberofemployees,createddate,is_key_account__c,closedate,leadsource,amount__c}')
\gexec
ANALYZE sf.account, sf.contact, sf.opportunity, sf.invoice__c;
CREATE TABLE few AS SELECT id, n FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM sf.invoice__c) s WHERE n <= 3;
CREATE TABLE many AS SELECT id AS accountid, g AS n FROM sf.account, generate_series(1, 50) g;
ANALYZE few, many;
SET max_parallel_workers_per_gather = 0;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- A plan without what PostgreSQL's versions word differently.
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		RETURN NEXT regexp_replace(line, '\$\d+', 'OUTER', 'g');
	END LOOP;
END $$;

-- 1. one record
SELECT pg_temp.plan('SELECT name, industry FROM sf.account WHERE id = ''0015g000002ZKf7AAG''');
-- 2. some records
SELECT pg_temp.plan('SELECT id, name FROM sf.account WHERE rating = ''Hot'' AND annualrevenue > 1000000 AND createddate >= ''2024-01-01 00:00Z''');
-- 3. everything
SELECT pg_temp.plan('SELECT id, name, amount__c FROM sf.invoice__c');
-- 4. children with their parents
SELECT pg_temp.plan('SELECT c.name, c.email, a.name, a.billingcity FROM sf.contact c JOIN sf.account a ON a.id = c.accountid WHERE a.numberofemployees > 50000');
-- 5. groups
SELECT pg_temp.plan('SELECT is_key_account__c, count(*), max(annualrevenue) FROM sf.account GROUP BY is_key_account__c');
-- 6. the latest ten
SELECT pg_temp.plan('SELECT id, name, closedate FROM sf.opportunity ORDER BY closedate DESC NULLS LAST LIMIT 10');
-- 7. the records that a few local rows name
SELECT pg_temp.plan('SELECT f.n, i.name FROM few f JOIN sf.invoice__c i USING (id)');
-- 8. with many local rows
SELECT pg_temp.plan('SELECT sum(m.n) FROM many m JOIN sf.contact c USING (accountid)');
-- 9. how many
SELECT pg_temp.plan('SELECT count(*) FROM sf.contact WHERE createddate < ''2024-01-01 00:00Z''');
-- 10. lists of values
SELECT pg_temp.plan('SELECT id, name FROM sf.contact WHERE accountid IN (''0015g000002ZKf7AAG'', ''0015g000002ZKf8AAG'') AND leadsource IN (''Web'', ''Other'')');

DROP TABLE few, many;
DROP SCHEMA sf CASCADE;
DROP SERVER sf CASCADE;
