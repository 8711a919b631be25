-- demo.sql: what scripts/demo shows.  psql variables: login_url, client_id, client_secret.
\echo
\echo '*** 1. A server is an org, a user mapping is a login.'
CREATE EXTENSION sfbulk_fdw;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw
    OPTIONS (login_url :'login_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER sf
    OPTIONS (client_id :'client_id', client_secret :'client_secret');

\echo
\echo '*** 2. Import: the describe of each object becomes a foreign table.'
CREATE SCHEMA sf;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact) FROM SERVER sf INTO sf;
SELECT foreign_table_name, count(*) AS columns
    FROM information_schema.foreign_tables t
    JOIN information_schema.columns c ON c.table_schema = t.foreign_table_schema
        AND c.table_name = t.foreign_table_name
    GROUP BY 1 ORDER BY 1;

\timing on
\echo
\echo '*** 3. A few rows: one REST call, the limit is sent along.'
SELECT id, name, industry, annualrevenue FROM sf.account LIMIT 3;

\echo
\echo '*** 4. One row by its id, and what goes over the wire for it.'
SELECT id AS one FROM sf.account LIMIT 1 \gset
SELECT name, billingcity, createddate FROM sf.account WHERE id = :'one';
EXPLAIN (VERBOSE, COSTS OFF) SELECT name, billingcity FROM sf.account WHERE id = :'one';

\echo
\echo '*** 5. Filters that Salesforce answers exactly are sent; others are checked here as well.'
EXPLAIN (VERBOSE, COSTS OFF)
    SELECT id, name FROM sf.account
    WHERE annualrevenue > 1000000 AND createddate >= '2024-01-01' AND name LIKE 'A%';

\echo
\echo '*** 6. All of it: a Bulk API 2.0 query job, streamed into a table.'
CREATE TABLE account AS SELECT * FROM sf.account;
SELECT count(*), count(DISTINCT id) AS ids, sum(annualrevenue) AS revenue FROM account;
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id, name FROM sf.account;

\echo
\echo '*** 7. A join of a foreign table with a local one.'
CREATE TABLE region (country text PRIMARY KEY, region text);
INSERT INTO region
    SELECT c, CASE WHEN row_number() OVER (ORDER BY c) % 2 = 0 THEN 'east' ELSE 'west' END
    FROM (SELECT DISTINCT billingcountry AS c FROM account WHERE billingcountry IS NOT NULL) s;
SELECT r.region, count(*) AS accounts, round(avg(a.annualrevenue)) AS average_revenue
    FROM sf.account a JOIN region r ON r.country = a.billingcountry
    GROUP BY 1 ORDER BY 1;

-- Writing is shown here once the extension writes: INSERT ... SELECT, UPDATE, DELETE.
