--
-- What was spent, and the reserve that stops new work.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
SELECT sfbulk_usage_reset();
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (contact) FROM SERVER sf INTO sf;
SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc WHERE proname LIKE 'sfbulk_usage%' ORDER BY 1;

-- What an import and a scan cost.
SELECT count(*) > 0 AS rows FROM sf.contact;
SELECT (now() AT TIME ZONE 'UTC')::date - day IN (0, 1) AS today, role = current_user AS mine, server, object, api_calls, logins,
	   query_jobs, ingest_jobs, batches, result_bytes, bytes_sent > 0 AS sent, bytes_received > 0 AS received
  FROM sfbulk_usage() ORDER BY object;
SELECT count(*) FROM sfbulk_usage(now() + interval '1 day');

-- Nobody else may forget it, and somebody else has spent nothing.
CREATE ROLE regress_sfb_governor;
SET ROLE regress_sfb_governor;
SELECT count(*) FROM sfbulk_usage();
SELECT sfbulk_usage_reset();
RESET ROLE;
DROP ROLE regress_sfb_governor;
SELECT sfbulk_usage_reset();
SELECT count(*) FROM sfbulk_usage();

-- Nothing begins when more is reserved than is left.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || regexp_replace(detail, '^[0-9,]+ of', 'N of');
END $$;
SELECT pg_temp.try('ALTER SERVER sf OPTIONS (ADD api_reserve ''1000000'')');
SELECT pg_temp.try('SELECT * FROM sf.contact');
SELECT pg_temp.try('INSERT INTO sf.contact (lastname) VALUES (''x'')');
SELECT pg_temp.try('ANALYZE sf.contact');
SELECT pg_temp.try('ALTER SERVER sf OPTIONS (SET api_reserve ''99.99%'')');
SELECT pg_temp.try('SELECT * FROM sf.contact');
SELECT pg_temp.try('ALTER SERVER sf OPTIONS (SET api_reserve ''10%'')');
SELECT pg_temp.try('SELECT * FROM sf.contact');
SELECT pg_temp.try('ALTER SERVER sf OPTIONS (DROP api_reserve)');
SELECT pg_temp.try('SELECT * FROM sf.contact');
DROP SCHEMA sf CASCADE;
DROP USER MAPPING FOR CURRENT_USER SERVER sf;
DROP SERVER sf;
