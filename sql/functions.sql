--
-- The functions that show what became of written rows: who may call them, what they refuse.
-- (t/062_write_functions.pl looks at what they show.)
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
\df sfbulk_(*_rows|jobs)
SELECT p.proname, d.description, p.provolatile, p.proparallel, p.proretset
  FROM pg_proc p LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
 WHERE p.proname IN ('sfbulk_failed_rows', 'sfbulk_successful_rows', 'sfbulk_unprocessed_rows', 'sfbulk_jobs')
 ORDER BY 1;

-- no server, none of ours
SELECT * FROM sfbulk_failed_rows('nowhere');
SELECT * FROM sfbulk_failed_rows(NULL);
SELECT * FROM sfbulk_jobs(NULL);
CREATE FOREIGN DATA WRAPPER regress_sfb_none;
CREATE SERVER strange FOREIGN DATA WRAPPER regress_sfb_none;
CREATE USER MAPPING FOR CURRENT_USER SERVER strange;
SELECT * FROM sfbulk_jobs('strange');
DROP FOREIGN DATA WRAPPER regress_sfb_none CASCADE;

-- nothing was written
SELECT * FROM sfbulk_failed_rows('sf');
SELECT * FROM sfbulk_successful_rows('sf', NULL);
SELECT * FROM sfbulk_unprocessed_rows(server => 'sf');

-- job ids
SELECT * FROM sfbulk_failed_rows('sf', '');
SELECT * FROM sfbulk_failed_rows('sf', '75000000000000');
SELECT * FROM sfbulk_failed_rows('sf', '750000000000001AAB');
SELECT * FROM sfbulk_failed_rows('sf', '75000000000000/../');
SELECT * FROM sfbulk_failed_rows('sf', '750000000000001AAA');
SELECT * FROM sfbulk_successful_rows('sf', '750000000000001');
SELECT * FROM sfbulk_unprocessed_rows('sf', job => '750000000000001AAA');
SELECT * FROM pg_temp.requests('ingest');
SELECT * FROM sfbulk_jobs('sf');

-- where a set is not to be had
SELECT 1 WHERE sfbulk_failed_rows('sf') IS NULL;

-- rights: the server, and a mapping of one's own
CREATE ROLE regress_sfb_reader;
SET ROLE regress_sfb_reader;
SELECT * FROM sfbulk_failed_rows('sf', '750000000000001AAA');
SELECT * FROM sfbulk_jobs('sf');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER sf TO regress_sfb_reader;
SET ROLE regress_sfb_reader;
\set VERBOSITY sqlstate
SELECT * FROM sfbulk_failed_rows('sf', '750000000000001AAA');
SELECT * FROM sfbulk_jobs('sf');
\set VERBOSITY default
RESET ROLE;
CREATE USER MAPPING FOR regress_sfb_reader SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
SET ROLE regress_sfb_reader;
SELECT * FROM sfbulk_jobs('sf');

RESET ROLE;

DROP USER MAPPING FOR regress_sfb_reader SERVER sf;
REVOKE USAGE ON FOREIGN SERVER sf FROM regress_sfb_reader;
DROP ROLE regress_sfb_reader;
DROP SERVER sf CASCADE;
DROP SCHEMA sf CASCADE;
