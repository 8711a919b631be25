-- demo.sql: what scripts/demo shows.  psql variables: login_url, client_id, client_secret.
\echo
\echo '*** 1. A server is an org, a user mapping is a login.'
SET client_min_messages = notice;
CREATE EXTENSION sfbulk_fdw;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw
    OPTIONS (login_url :'login_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER sf
    OPTIONS (client_id :'client_id', client_secret :'client_secret');
SELECT check_name, ok, detail FROM sfbulk_check('sf');

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

\echo
\echo '*** 8. Joins with parents, aggregates and the top of a sort are one call each: SOQL has them.'
SELECT c.lastname, a.name AS account, a.industry
    FROM sf.contact c JOIN sf.account a ON a.id = c.accountid
    WHERE a.annualrevenue > 1000000 ORDER BY c.createddate DESC NULLS LAST LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF)
    SELECT c.lastname, a.name FROM sf.contact c LEFT JOIN sf.account a ON a.id = c.accountid
    WHERE c.createddate >= '2024-01-01';
SELECT count(*), sum(annualrevenue), round(avg(numberofemployees)) AS employees, max(createddate) AS newest
    FROM sf.account WHERE createddate >= '2020-01-01';
SELECT id, annualrevenue FROM sf.account ORDER BY annualrevenue DESC NULLS LAST LIMIT 3;

\echo
\echo '*** 9. What it would cost, before it runs; ANALYZE tells the planner how large objects are.'
ANALYZE sf.account, sf.contact;
SET sfbulk_fdw.explain_remote = on;
EXPLAIN (VERBOSE, COSTS OFF) SELECT name FROM sf.account WHERE createddate >= '2024-01-01';
RESET sfbulk_fdw.explain_remote;

\echo
\echo '*** 10. A list of ids, however long, is sent instead of reading everything.'
CREATE TABLE chosen AS SELECT id AS sf_id FROM account ORDER BY id LIMIT 9000;
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF)
    SELECT id, name FROM sf.account WHERE id = ANY (ARRAY(SELECT sf_id FROM chosen));

\echo
\echo '*** 11. One record: one call, and its new Id comes back.'
INSERT INTO sf.account (name, industry, annualrevenue)
    VALUES ('Demo Holding', 'Energy', 1250000) RETURNING id, name;

\echo
\echo '*** 12. A load: 50,000 rows become an ingest job, uploaded while the rows are still produced.'
CREATE TABLE staging AS
    SELECT 'S-' || n AS number, 'Customer ' || n AS name, 'c' || n || '@example.com' AS mail
    FROM generate_series(1, 50000) n;
INSERT INTO sf.contact (external_id__c, lastname, email)
    SELECT number, name, mail FROM staging;
SELECT count(*) FROM sf.contact WHERE external_id__c LIKE 'S-%';

\echo
\echo '*** 13. Upsert: the table option upsert_key names the external id field.'
ALTER FOREIGN TABLE sf.contact OPTIONS (ADD upsert_key 'External_Id__c');
INSERT INTO sf.contact (external_id__c, lastname, email)
    VALUES ('S-1', 'Renamed', 'renamed@example.com'), ('S-50001', 'New', 'new@example.com');
SELECT created, count(*) FROM sfbulk_successful_rows('sf') GROUP BY 1 ORDER BY 1;
ALTER FOREIGN TABLE sf.contact OPTIONS (DROP upsert_key);

\echo
\echo '*** 14. Rows that Salesforce rejects: an error as of a table of one''s own; here as a warning.'
\set ON_ERROR_STOP off
INSERT INTO sf.contact (external_id__c, lastname) VALUES ('S-2', 'Double'), ('S-60001', 'Fine');
\set ON_ERROR_STOP on
ALTER FOREIGN TABLE sf.contact OPTIONS (ADD on_error 'ignore');
INSERT INTO sf.contact (external_id__c, lastname)
    SELECT 'S-' || n, 'Customer ' || n FROM generate_series(49998, 53000) n;
SELECT error_code, error_fields, row ->> 'External_Id__c' AS number
    FROM sfbulk_failed_rows('sf') ORDER BY 3;
INSERT INTO sf.contact (external_id__c, lastname)
    SELECT 'again ' || (row ->> 'External_Id__c'), row ->> 'LastName'
    FROM sfbulk_failed_rows('sf');
ALTER FOREIGN TABLE sf.contact OPTIONS (DROP on_error);

\echo
\echo '*** 15. UPDATE sends Id and the assigned columns; DELETE the Ids. Joins work as with any table.'
UPDATE sf.account SET rating = 'Hot' WHERE name = 'Demo Holding' RETURNING id, name, rating;
EXPLAIN (VERBOSE, COSTS OFF) UPDATE sf.account SET rating = 'Cold' WHERE annualrevenue < 1000;
DELETE FROM sf.contact USING staging WHERE contact.external_id__c = staging.number
    AND staging.number > 'S-4';

\echo
\echo '*** 16. COPY.'
COPY sf.contact (lastname, email) FROM STDIN WITH (FORMAT csv);
"Smith, Jr.",smith@example.com
Jones,jones@example.com
\.

\echo
\echo '*** 17. apply ''commit'': rows are uploaded at once and worked on at COMMIT; ROLLBACK leaves nothing.'
ALTER FOREIGN TABLE sf.account OPTIONS (ADD apply 'commit');
BEGIN;
INSERT INTO sf.account (name) SELECT 'Not to be ' || n FROM generate_series(1, 5000) n;
ROLLBACK;
BEGIN;
INSERT INTO sf.account (name) VALUES ('To be');
COMMIT;
SELECT name FROM sf.account WHERE name LIKE '%o be%';

\echo
\echo '*** 18. A copy that follows an object: the first run loads it, later runs bring what has changed.'
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (opportunity) FROM SERVER sf INTO sf;
CALL sfbulk_sync('sf.opportunity', 'public.opportunity');
SELECT id AS changed FROM opportunity ORDER BY id LIMIT 1 \gset
SELECT id AS gone FROM opportunity ORDER BY id DESC LIMIT 1 \gset
UPDATE sf.opportunity SET nextstep = 'changed in Salesforce' WHERE id = :'changed';
DELETE FROM sf.opportunity WHERE id = :'gone';
INSERT INTO sf.opportunity (name, stagename, closedate, nextstep)
    VALUES ('Synced', 'Prospecting', '2030-01-01', 'new in Salesforce');

\echo
\echo '*** 19. pg_cron runs it, and a load, every minute.'
\timing off
CREATE EXTENSION pg_cron;
CREATE TABLE outbox (number text PRIMARY KEY, name text, sent_at timestamptz);
INSERT INTO outbox SELECT 'cron ' || n, 'Scheduled ' || n, NULL FROM generate_series(1, 3000) n;
BEGIN;
SELECT cron.schedule('opportunities from Salesforce', '* * * * *',
    $$ CALL sfbulk_sync('sf.opportunity', 'public.opportunity') $$) > 0 AS scheduled;
SELECT cron.schedule('contacts to Salesforce', '* * * * *', $$
    WITH sent AS (UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL RETURNING *)
    INSERT INTO sf.contact (external_id__c, lastname) SELECT number, name FROM sent $$) > 0
    AS scheduled;
COMMIT;
\echo 'Waiting for the next full minute ...'
DO $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '3 minutes';
BEGIN
    WHILE (SELECT count(DISTINCT jobid) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')) < 2 LOOP
        ASSERT clock_timestamp() < deadline, 'pg_cron has not run both in three minutes';
        PERFORM pg_sleep(0.2);
    END LOOP;
END $$;
SELECT jobname, status, return_message FROM cron.job_run_details JOIN cron.job USING (jobid) ORDER BY runid LIMIT 2;
SELECT count(cron.unschedule(jobid)) AS unscheduled FROM cron.job;
SELECT count(*) AS sent FROM outbox WHERE sent_at IS NOT NULL;
SELECT count(*) AS arrived FROM sf.contact WHERE external_id__c LIKE 'cron %';
SELECT name, nextstep FROM opportunity WHERE nextstep LIKE '% in Salesforce' ORDER BY nextstep;
SELECT count(*) AS still_there FROM opportunity WHERE id = :'gone';
SELECT target, runs, inserted, updated, deleted, api_calls, watermark > started - interval '1 hour' AS recent
    FROM sfbulk_sync_state;

\echo
\echo '*** 20. Fields that came, went or changed since the import, with the statements that follow them.'
ALTER FOREIGN TABLE sf.contact DROP COLUMN birthdate, ALTER COLUMN title OPTIONS (SET length '40'),
    ADD COLUMN old_field__c text OPTIONS (field 'Old_Field__c');
SELECT change, field, detail, statement FROM sfbulk_schema_diff('sf.contact');
SELECT statement FROM sfbulk_schema_diff('sf.contact') \gexec
SELECT count(*) AS differences FROM sfbulk_schema_diff('sf.contact');

\echo
\echo '*** 21. What is left of it in Salesforce: the job with rejected rows, for 7 days.'
SELECT operation, object, state FROM sfbulk_jobs('sf');

\echo
\echo '*** 22. Bulk API 1.0, where it is better: queries in chunks of so many ids, loads in series.'
ALTER FOREIGN TABLE sf.account OPTIONS (ADD bulk_api '1.0', ADD pk_chunking '50000', ADD transport 'bulk');
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id, name FROM sf.account;
ALTER FOREIGN TABLE sf.contact OPTIONS (ADD bulk_api '1.0', ADD concurrency 'serial', ADD batch_rows '1000');
INSERT INTO sf.contact (lastname, external_id__c) SELECT 'Serial ' || n, 'serial ' || n FROM generate_series(1, 3000) n;

\echo
\echo '*** 23. What it has cost, and a reserve that is kept back from everybody.'
SELECT object, sum(api_calls) AS calls, sum(query_jobs) AS queries, sum(ingest_jobs) AS loads
    FROM sfbulk_usage() GROUP BY 1 ORDER BY 2 DESC LIMIT 5;
ALTER SERVER sf OPTIONS (ADD api_reserve '99.9%');
DO $$
DECLARE
    what text; why text; until text;
BEGIN
    PERFORM id FROM sf.contact LIMIT 1;
    RAISE 'the reserve was not kept';
EXCEPTION WHEN configuration_limit_exceeded THEN
    GET STACKED DIAGNOSTICS what = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, until = PG_EXCEPTION_HINT;
    RAISE NOTICE '%. % %', what, why, until;
END $$;
