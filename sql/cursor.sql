--
-- However a scan ends, its job does not outlive it: cursors, errors, exception blocks, transactions.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
ALTER SERVER sf OPTIONS (ADD transport 'bulk');
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact) FROM SERVER sf INTO sf;
CREATE TABLE account AS SELECT id, name, numberofemployees FROM sf.account;

-- A cursor keeps its job from FETCH to FETCH, and takes it away when it is closed.
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM sf.account;
FETCH 2 FROM c \g /dev/null
SELECT pg_temp.jobs() AS fetched;
MOVE 500 FROM c;
SELECT pg_temp.jobs() AS moved;
CLOSE c;
SELECT pg_temp.jobs() AS closed;
-- a sort has read all there is at its first row: the job can go
DECLARE c CURSOR FOR SELECT id, name FROM sf.account ORDER BY id;
FETCH 2 FROM c \g /dev/null
MOVE 500 FROM c;
FETCH FROM c \gset first_
SELECT count(*) AS position FROM account WHERE id < :'first_id';
CLOSE c;
DECLARE c CURSOR FOR SELECT id FROM sf.account;
DECLARE d CURSOR FOR SELECT id FROM sf.contact;
FETCH 1 FROM c \g /dev/null
FETCH 1 FROM d \g /dev/null
SELECT pg_temp.jobs() AS two;
MOVE FORWARD ALL FROM c;
FETCH 1 FROM c;
MOVE FORWARD ALL FROM d;
COMMIT;
SELECT pg_temp.jobs() AS committed;

-- The rows of a cursor that can go back.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM sf.account;
MOVE FORWARD ALL FROM c;
MOVE BACKWARD ALL FROM c;
FETCH FORWARD 0 FROM c;
MOVE FORWARD ALL FROM c;
FETCH PRIOR FROM c \gset last_
SELECT count(*) FROM account WHERE id = :'last_id';
ROLLBACK;
SELECT pg_temp.jobs() AS rolled_back;

-- WITH HOLD: read to the end at COMMIT.
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM sf.account;
FETCH 1 FROM c \g /dev/null
COMMIT;
SELECT pg_temp.jobs() AS held;
MOVE FORWARD ALL FROM c;
CLOSE c;

-- Savepoints.
BEGIN;
SAVEPOINT a;
DECLARE c CURSOR FOR SELECT id FROM sf.account;
FETCH 1 FROM c \g /dev/null
SAVEPOINT b;
DECLARE d CURSOR FOR SELECT id FROM sf.contact;
FETCH 1 FROM d \g /dev/null
SELECT pg_temp.jobs() AS two;
ROLLBACK TO b;
SELECT pg_temp.jobs() AS one;
SAVEPOINT d;
FETCH 1 FROM c \g /dev/null
RELEASE d;
MOVE FORWARD ALL FROM c;
ROLLBACK TO a;
SELECT pg_temp.jobs() AS none;
-- released into the parent, which fails later
SAVEPOINT e;
SAVEPOINT f;
DECLARE c CURSOR FOR SELECT id FROM sf.account;
FETCH 1 FROM c \g /dev/null
RELEASE f;
SELECT pg_temp.jobs() AS released;
ROLLBACK TO e;
SELECT pg_temp.jobs() AS rolled_back;
COMMIT;

-- Errors beside the scan, above it and in it.
SELECT name, 1 / (length(id) - 18) FROM sf.account;
SELECT pg_temp.jobs() AS after_error;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM sf.account;
FETCH 1 FROM c \g /dev/null
SELECT 1 / 0;
ROLLBACK;
SELECT pg_temp.jobs() AS after_rollback;
CREATE FOREIGN TABLE sf.bad (id text, name integer) SERVER sf OPTIONS (object 'Account');
\set VERBOSITY sqlstate
SELECT sum(name) FROM sf.bad;
\set VERBOSITY default
SELECT pg_temp.jobs() AS after_conversion_error;

-- PL/pgSQL: loops that end early, exception blocks, procedures that commit.
DO $$
DECLARE
	r record;
	n integer := 0;
BEGIN
	FOR r IN SELECT id FROM sf.account LOOP
		n := n + 1;
		EXIT WHEN n = 10;
	END LOOP;
	RAISE WARNING 'after % rows: % jobs', n, pg_temp.jobs();
END $$;
DO $$
DECLARE
	r record;
	n integer := 0;
BEGIN
	BEGIN
		FOR r IN SELECT id FROM sf.account LOOP
			n := n + 1;
			IF n = 10 THEN
				RAISE EXCEPTION 'enough';
			END IF;
		END LOOP;
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING 'caught "%": % jobs', sqlerrm, pg_temp.jobs();
	END;
	BEGIN
		SELECT sum(name) INTO n FROM sf.bad;
	EXCEPTION WHEN invalid_text_representation THEN
		RAISE WARNING 'caught a conversion error: % jobs', pg_temp.jobs();
	END;
	FOR r IN SELECT id FROM sf.account LOOP
		BEGIN
			n := 1 / (length(r.id) - 18);
		EXCEPTION WHEN division_by_zero THEN
			n := coalesce(n, 0) + 1;
		END;
	END LOOP;
	RAISE WARNING '% errors within the loop: % jobs', n, pg_temp.jobs();
END $$;
CREATE PROCEDURE committing(tab regclass) LANGUAGE plpgsql AS $$
DECLARE
	r record;
	n integer := 0;
BEGIN
	FOR r IN EXECUTE format('SELECT id FROM %s', tab) LOOP
		n := n + 1;
		IF n % 300 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
	RAISE WARNING '% rows: % jobs', n, pg_temp.jobs();
END $$;
CALL committing('sf.account');
SELECT pg_temp.jobs();
CREATE FUNCTION names() RETURNS SETOF text LANGUAGE sql AS $$ SELECT name FROM sf.account $$;
SELECT count(*) FROM (SELECT names() LIMIT 5) s;
SELECT count(*) FROM (SELECT * FROM names() LIMIT 5) s;
SELECT pg_temp.jobs();

-- statement_timeout while the job waits in Salesforce's queue: the statement ends, and so does the job.
\! curl -sS -o /dev/null -X POST -d '{"hold_jobs":"InProgress"}' $SFSIM_URL/__sfsim/options
SET statement_timeout = '300ms';
SELECT count(name) FROM sf.account;
DO $$
BEGIN
	PERFORM count(name) FROM sf.account;
EXCEPTION WHEN query_canceled THEN
	SET LOCAL statement_timeout = 0;
	RAISE WARNING 'caught the timeout: % jobs', pg_temp.jobs();
END $$;
RESET statement_timeout;
SELECT pg_temp.jobs();
\! curl -sS -o /dev/null -X POST -d '{"hold_jobs":"none"}' $SFSIM_URL/__sfsim/options

-- A definition that changes under an open cursor: it reads on with the old one.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM sf.account;
FETCH 1 FROM c \g /dev/null
ALTER SERVER sf OPTIONS (ADD max_retries '1');
SELECT count(name) FROM sf.contact;
MOVE FORWARD ALL FROM c;
COMMIT;
SELECT pg_temp.jobs();
SELECT count(name) FROM sf.account;

-- Whose credentials: a view reads with its owner's, a table with the reader's.
CREATE ROLE regress_sfb_reader;
GRANT USAGE ON SCHEMA sf TO regress_sfb_reader;
GRANT SELECT ON sf.account TO regress_sfb_reader;
CREATE VIEW public.accounts AS SELECT id, name FROM sf.account;
GRANT SELECT ON public.accounts TO regress_sfb_reader;
CREATE FUNCTION public.count_accounts() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
	$$ SELECT count(name) FROM sf.account $$;
SET ROLE regress_sfb_reader;
-- PostgreSQL 17 reworded "user mapping not found".
\set VERBOSITY sqlstate
SELECT count(name) FROM sf.account;
\set VERBOSITY default
SELECT count(name) FROM public.accounts;
SELECT public.count_accounts();
SELECT count(*) FROM public.accounts v JOIN public.accounts w USING (id);
RESET ROLE;
CREATE USER MAPPING FOR PUBLIC SERVER sf OPTIONS (client_id :'client_id', client_secret 'wrong secret');
SET ROLE regress_sfb_reader;
SELECT count(name) FROM sf.account;
\echo :LAST_ERROR_SQLSTATE
SELECT count(name) FROM public.accounts;
RESET ROLE;
ALTER USER MAPPING FOR PUBLIC SERVER sf OPTIONS (SET client_secret :'client_secret');
SET ROLE regress_sfb_reader;
SELECT count(name) FROM sf.account;
RESET ROLE;
DROP USER MAPPING FOR PUBLIC SERVER sf;
SELECT pg_temp.jobs();

DROP FUNCTION public.count_accounts();
DROP VIEW public.accounts;
DROP PROCEDURE committing(regclass);
DROP FUNCTION names();
DROP TABLE account;
DROP SCHEMA sf CASCADE;
DROP SERVER sf CASCADE;
DROP ROLE regress_sfb_reader;
