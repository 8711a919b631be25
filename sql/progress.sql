--
-- The view sfbulk_progress: its shape, who may look, and what one session sees of itself.  (t/092_progress.pl
-- looks from others.)
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact) FROM SERVER sf INTO sf;
\d sfbulk_progress
SELECT p.proname, d.description, p.provolatile, p.proparallel, p.proretset
  FROM pg_proc p LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
 WHERE p.proname LIKE 'sfbulk_progress%' ORDER BY 1;
SELECT obj_description('sfbulk_progress'::regclass), has_table_privilege('public', 'sfbulk_progress', 'SELECT');

-- nothing is under way
SELECT * FROM sfbulk_progress;
-- whether it covers others hangs on the server
SELECT scope = 'session' OR scope LIKE 'server, %' AS known, not_shown IS DISTINCT FROM 0 AS none_hidden
  FROM sfbulk_progress_scope() \gset
\echo :known

-- cursors: by REST, of a statement that is read to its end, and not
CREATE FUNCTION pg_temp.progress() RETURNS TABLE (
	kind text, object text, relation regclass, phase text, done bigint, total bigint, failed bigint, percent integer,
	bar text, by_job boolean, bytes boolean, calls bigint, times boolean)
LANGUAGE sql AS $$
	SELECT kind, object, relation, phase, rows_done, rows_total, rows_failed, percent, bar, job ~ '^750',
		   bytes > 0, api_calls, started <= changed AND changed <= clock_timestamp()
	  FROM sfbulk_progress
	 WHERE pid = pg_backend_pid() AND datname = current_database() AND usename = session_user AND server = 'sf'
	 ORDER BY started $$;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM sf.account;
DECLARE d CURSOR FOR SELECT * FROM sf.contact;
FETCH 250 FROM c \g /dev/null
FETCH 1000 FROM d \g /dev/null
SELECT * FROM pg_temp.progress();
FETCH ALL FROM c \g /dev/null
SELECT * FROM pg_temp.progress();
ROLLBACK;
SELECT * FROM pg_temp.progress();

-- by a job: what it costs is counted until its deletion
ALTER SERVER sf OPTIONS (ADD transport 'bulk');
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT * FROM sf.account;
SAVEPOINT s;
DECLARE d CURSOR FOR SELECT * FROM sf.contact;
FETCH 1 FROM c \g /dev/null
FETCH 1 FROM d \g /dev/null
SELECT kind, object, phase, done, total, percent, by_job, bytes FROM pg_temp.progress();
ROLLBACK TO s;
SELECT kind, object, phase, done, total, percent, by_job, bytes FROM pg_temp.progress();
MOVE FORWARD ALL IN c;
-- all its rows are here
SELECT kind, object, phase, done, total, percent, by_job, bytes FROM pg_temp.progress();
CLOSE c;
SELECT * FROM pg_temp.progress();
COMMIT;

-- a function that looks while its own statement reads
CREATE FUNCTION pg_temp.look(n bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF n % 500 <> 0 THEN RETURN NULL; END IF;
	RETURN (SELECT format('%s: %s %s/%s', object, phase, done, total) FROM pg_temp.progress());
END $$;
SELECT l FROM (SELECT pg_temp.look(row_number() OVER ()) l FROM sf.account) a WHERE l IS NOT NULL;

-- an error takes it away
SELECT pg_temp.look(row_number() OVER ()), 1 / (row_number() OVER () - 100) FROM sf.account;
SELECT * FROM pg_temp.progress();

-- somebody else's rights are not needed
CREATE ROLE regress_sfb_looker;
SET ROLE regress_sfb_looker;
SELECT count(*) FROM sfbulk_progress;
SELECT count(*) FROM sfbulk_progress_scope();
RESET ROLE;
DROP ROLE regress_sfb_looker;
DROP SCHEMA sf CASCADE;
DROP SERVER sf CASCADE;
