--
-- ANALYZE: the number of records, a sample of them, and what the planner makes of both.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact, invoice__c, "user", task) FROM SERVER sf INTO sf;
CREATE FUNCTION pg_temp.stats(tab regclass) RETURNS TABLE (reltuples real, has_pages boolean, columns bigint) LANGUAGE sql AS $$
	SELECT c.reltuples, c.relpages > 0, (SELECT count(*) FROM pg_statistic s WHERE s.starelid = c.oid)
	  FROM pg_class c WHERE c.oid = tab $$;

-- ---- a table that is read whole has the statistics of a copy
SELECT * FROM pg_temp.stats('sf.account');
SELECT count(*) AS before FROM pg_temp.requests('recordCount|/query') \gset
SET client_min_messages = info;
ANALYZE VERBOSE sf.account;
SET client_min_messages = warning;
SELECT request FROM pg_temp.requests('recordCount|/query') WITH ORDINALITY r(request, n) WHERE n > :before ORDER BY n;
SELECT * FROM pg_temp.stats('sf.account');
CREATE TABLE account AS SELECT * FROM sf.account;
ANALYZE account;
CREATE FUNCTION pg_temp.differences(a regclass, b regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s: %s/%s nulls, %s/%s distinct, %s/%s wide', l.attname, l.null_frac, r.null_frac, l.n_distinct, r.n_distinct,
				  l.avg_width, r.avg_width)
	  FROM pg_stats l JOIN pg_stats r USING (attname)
	 WHERE format('%I.%I', l.schemaname, l.tablename)::regclass = a AND format('%I.%I', r.schemaname, r.tablename)::regclass = b
	   AND (l.null_frac, l.n_distinct, l.avg_width, l.most_common_freqs, l.histogram_bounds::text) IS DISTINCT FROM
		   (r.null_frac, r.n_distinct, r.avg_width, r.most_common_freqs, r.histogram_bounds::text) $$;
SELECT * FROM pg_temp.differences('sf.account', 'account');

-- ---- types, several columns on one field, compound and dropped columns, one without a field to read
CREATE FOREIGN TABLE odd (
	n text OPTIONS (field 'LastName'),
	gone text,
	again varchar(80) OPTIONS (field 'lastname'),
	who text OPTIONS (field 'Account.Name'),
	address jsonb OPTIONS (field 'MailingAddress'),
	lookup text OPTIONS (field 'Account.External_Key__c'),
	email text COLLATE "C",
	born date OPTIONS (field 'Birthdate')
) SERVER sf OPTIONS (object 'Contact');
ALTER FOREIGN TABLE odd DROP COLUMN gone;
ANALYZE odd;
SELECT * FROM pg_temp.stats('odd');
CREATE TABLE odd_copy AS SELECT * FROM odd;
ALTER TABLE odd_copy ALTER email TYPE text COLLATE "C";
ANALYZE odd_copy;
SELECT * FROM pg_temp.differences('odd', 'odd_copy');
-- some columns only
ANALYZE sf.contact (lastname, accountid);
SELECT * FROM pg_temp.stats('sf.contact');
-- no columns, no records
CREATE FOREIGN TABLE nothing () SERVER sf OPTIONS (object 'Account');
ANALYZE nothing;
SELECT * FROM pg_temp.stats('nothing');
ANALYZE sf.task;
SELECT * FROM pg_temp.stats('sf.task');

-- ---- the user's own SOQL
CREATE FOREIGN TABLE grouped (name text OPTIONS (field 'LastName'), n bigint OPTIONS (field 'expr0')) SERVER sf
	OPTIONS (query 'SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName');
ANALYZE grouped;
SELECT reltuples = (SELECT count(*) FROM grouped) AS all_groups, has_pages, columns FROM pg_temp.stats('grouped');
CREATE FOREIGN TABLE own (id text, name text OPTIONS (field 'Account.Name')) SERVER sf OPTIONS (query 'SELECT Id, Account.Name FROM Contact');
ANALYZE own;
SELECT * FROM pg_temp.stats('own');
CREATE FOREIGN TABLE wrong (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Nowhere');
ANALYZE wrong;
CREATE FOREIGN TABLE empty () SERVER sf OPTIONS (query 'SELECT Id FROM Contact');
ANALYZE empty;

-- ---- a large table: 3,000 rows of 5,000, read in ranges of the Id
CREATE FUNCTION pg_temp.queries(after bigint) RETURNS TABLE (query text, times bigint) LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(q, 'SELECT Id%2C.* FROM', 'SELECT ... FROM'), '''a\w{14}''', 'ID', 'g'), count(*)
	  FROM (SELECT (r->>'n')::bigint AS n, replace(replace(replace(replace(replace(r->>'query', '%20', ' '), '%3E', '>'), '%3C', '<'), '%3D', '='), '%27', '''') AS q
			  FROM json_array_elements(pg_temp.control('log')) r) s
	 WHERE n > after GROUP BY 1 ORDER BY min(n), 1 $$;
SELECT max((r->>'n')::bigint) AS before FROM json_array_elements(pg_temp.control('log')) r \gset
SET default_statistics_target = 10;
ALTER FOREIGN TABLE sf.invoice__c OPTIONS (ADD page_rows '200');
ANALYZE sf.invoice__c;
SELECT * FROM pg_temp.queries(:before);
SELECT * FROM pg_temp.stats('sf.invoice__c');
-- its parts are as large in the sample as in the table
WITH ids AS (SELECT id, row_number() OVER (ORDER BY id COLLATE "C") - 1 AS n, count(*) OVER () - 1 AS last FROM sf.invoice__c),
	 bounds AS (SELECT id, bound - 1 AS bound, count(*) OVER () - 1 AS last FROM pg_stats, unnest(histogram_bounds::text::text[]) WITH ORDINALITY u(id, bound)
				 WHERE schemaname = 'sf' AND tablename = 'invoice__c' AND attname = 'id')
SELECT count(*) AS bounds, max(abs(bound::float8 / b.last - n::float8 / i.last)) < 0.1 AS even FROM bounds b JOIN ids i USING (id);

SELECT pg_temp.jobs();
DROP SERVER sf CASCADE;
DROP SCHEMA sf;
DROP TABLE account, odd_copy;
