/* sfbulk_fdw--1.0.sql: what CREATE EXTENSION sfbulk_fdw creates */

-- complain if the script is sourced in psql, rather than by CREATE EXTENSION
\echo Use "CREATE EXTENSION sfbulk_fdw" to load this file. \quit

CREATE FUNCTION sfbulk_fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

CREATE FUNCTION sfbulk_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

CREATE FOREIGN DATA WRAPPER sfbulk_fdw
	HANDLER sfbulk_fdw_handler
	VALIDATOR sfbulk_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER sfbulk_fdw IS 'Salesforce objects as foreign tables';

CREATE FUNCTION sfbulk_fdw_version()
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT STABLE PARALLEL SAFE;

COMMENT ON FUNCTION sfbulk_fdw_version() IS
	'version of the loaded module and of the library that inflates its downloads';

-- What became of written rows: of a job, or of the last write statement of this session.

CREATE FUNCTION sfbulk_failed_rows(
	server name, job text DEFAULT NULL)
RETURNS TABLE (
	job text, sf_id text, error_code text, error_message text, error_fields text[], "row" jsonb)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_failed_rows(name, text) IS
	'rows that Salesforce rejected, of an ingest job or of the last write statement of this session';

CREATE FUNCTION sfbulk_successful_rows(
	server name, job text DEFAULT NULL)
RETURNS TABLE (
	job text, sf_id text, created boolean, "row" jsonb)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_successful_rows(name, text) IS
	'rows that Salesforce saved, of an ingest job or of the last write statement of this session';

CREATE FUNCTION sfbulk_unprocessed_rows(
	server name, job text DEFAULT NULL)
RETURNS TABLE (
	job text, "row" jsonb)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_unprocessed_rows(name, text) IS
	'rows that Salesforce did not look at, of an ingest job or of the last write statement of this session';

-- Looking at an org: a doctor, limits, objects, fields, jobs, sessions.

CREATE FUNCTION sfbulk_check(
	server name)
RETURNS TABLE (
	check_name text, ok boolean, detail text, hint text)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_check(name) IS
	'what works of a server, and what would help where something does not';

CREATE FUNCTION sfbulk_limits(
	server name)
RETURNS TABLE (
	name text, part text, "max" bigint, remaining bigint, used bigint, percent_used numeric)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_limits(name) IS 'what the org may do, and how much of it is left';

CREATE FUNCTION sfbulk_objects(
	server name)
RETURNS TABLE (
	object text, label text, label_plural text, key_prefix text, custom boolean,
	custom_setting boolean, queryable boolean, retrieveable boolean, searchable boolean,
	createable boolean, updateable boolean, deletable boolean, undeletable boolean,
	mergeable boolean, replicateable boolean, triggerable boolean, deprecated boolean)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_objects(name) IS 'the objects of the org that the user may see';

CREATE FUNCTION sfbulk_fields(
	server name, object text)
RETURNS TABLE (
	"position" integer, field text, label text, type text, pg_type text, length integer,
	byte_length integer, "precision" integer, scale integer, digits integer, nillable boolean,
	createable boolean, updateable boolean, defaulted boolean, default_value text,
	filterable boolean, sortable boolean, groupable boolean, aggregatable boolean,
	"unique" boolean, external_id boolean, id_lookup boolean, case_sensitive boolean,
	name_field boolean, custom boolean, auto_number boolean, calculated boolean, formula text,
	picklist text[], restricted_picklist boolean, controlling_field text, reference_to text[],
	relationship text, cascade_delete boolean, restricted_delete boolean, compound_field text,
	encrypted boolean, html boolean, deprecated boolean, help text)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_fields(name, text) IS
	'the fields of an object that the user may see, and the column types that the import would give them';

CREATE FUNCTION sfbulk_sessions()
RETURNS TABLE (
	server name, user_name name, auth text, logged_in boolean, instance_url text, in_use boolean,
	valid boolean, api_calls bigint, api_used bigint, api_max bigint, opened timestamptz,
	last_used timestamptz)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION sfbulk_sessions() IS
	'sessions of this backend with Salesforce that the current user may use';

CREATE FUNCTION sfbulk_disconnect(
	server name)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION sfbulk_disconnect(name) IS
	'closes the idle sessions of this backend with a server that the current user may use';

CREATE FUNCTION sfbulk_disconnect_all()
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION sfbulk_disconnect_all() IS
	'closes all idle sessions of this backend that the current user may use';

CREATE FUNCTION sfbulk_query_rows(
	server name, soql text, transport text, query_all boolean)
RETURNS SETOF jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_query_rows(name, text, text, boolean) IS
	'what sfbulk_query is made of';

-- A subquery, so that it is read only as far as somebody wants rows; see sfbulk_jobs.
CREATE FUNCTION sfbulk_query(
	server name, soql text, transport text DEFAULT 'auto', query_all boolean DEFAULT false)
RETURNS SETOF jsonb
LANGUAGE SQL STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT sfbulk_query_rows(server, soql, transport, query_all);
END;

COMMENT ON FUNCTION sfbulk_query(name, text, text, boolean) IS
	'the rows of a SOQL query as JSON';

-- Not to be called by itself: in FROM PostgreSQL reads all of a C function's rows, and each costs a call.
-- As a part of a subquery it is read only as far as somebody wants rows.
CREATE FUNCTION sfbulk_job_rows(
	server name, details boolean)
RETURNS TABLE (
	job text, job_type text, operation text, object text, state text, created_by text,
	created timestamptz, modified timestamptz, api_version numeric, content_type text,
	concurrency text, records_processed bigint, records_failed bigint, retries bigint,
	total_ms bigint, api_ms bigint, apex_ms bigint, batches bigint, batches_failed bigint,
	external_id_field text, error_message text)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_job_rows(name, boolean) IS 'what sfbulk_jobs is made of';

CREATE FUNCTION sfbulk_jobs(
	server name, details boolean DEFAULT true)
RETURNS TABLE (
	job text, job_type text, operation text, object text, state text, created_by text,
	created timestamptz, modified timestamptz, api_version numeric, content_type text,
	concurrency text, records_processed bigint, records_failed bigint, retries bigint,
	total_ms bigint, api_ms bigint, apex_ms bigint, batches bigint, batches_failed bigint,
	external_id_field text, error_message text)
LANGUAGE SQL STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT (s.r).job, (s.r).job_type, (s.r).operation, (s.r).object, (s.r).state,
		(s.r).created_by, (s.r).created, (s.r).modified, (s.r).api_version,
		(s.r).content_type, (s.r).concurrency, (s.r).records_processed,
		(s.r).records_failed, (s.r).retries, (s.r).total_ms, (s.r).api_ms, (s.r).apex_ms,
		(s.r).batches, (s.r).batches_failed, (s.r).external_id_field,
		(s.r).error_message
	FROM (SELECT sfbulk_job_rows(server, details) AS r) s;
END;

COMMENT ON FUNCTION sfbulk_jobs(name, boolean) IS 'the bulk jobs of the org';

CREATE FUNCTION sfbulk_abort_job(
	server name, job text)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_abort_job(name, text) IS
	'aborts a bulk job that is not finished; the state that it is in then';

CREATE FUNCTION sfbulk_delete_job(
	server name, job text, abort boolean DEFAULT false)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_delete_job(name, text, boolean) IS
	'deletes a bulk job and its results; false when there is none';

-- Progress of what is under way.

CREATE FUNCTION sfbulk_progress_entries()
RETURNS TABLE (
	pid integer, datname name, usename name, server text, kind text, job text, object text,
	relation regclass, phase text, rows_done bigint, rows_total bigint, rows_failed bigint,
	bytes bigint, percent integer, bar text, api_calls bigint, started timestamptz,
	changed timestamptz)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION sfbulk_progress_entries() IS
	'what is under way with Salesforce: of all sessions, or of this one (see sfbulk_progress_scope)';

CREATE VIEW sfbulk_progress AS SELECT * FROM sfbulk_progress_entries();

COMMENT ON VIEW sfbulk_progress IS
	'what is under way with Salesforce: of all sessions, or of this one (see sfbulk_progress_scope)';

GRANT SELECT ON sfbulk_progress TO PUBLIC;

CREATE FUNCTION sfbulk_progress_scope()
RETURNS TABLE (scope text, slots integer, taken integer, not_shown bigint)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION sfbulk_progress_scope() IS
	'what sfbulk_progress covers, the operations it can show, and how many found no place so far';

-- Incremental copies.

CREATE FUNCTION sfbulk_schema_diff(
	source regclass)
RETURNS TABLE (
	change text, field text, column_name name, detail text, statement text)
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_schema_diff(regclass) IS
	'how a foreign table differs from what an import of its object would make now, with the statements that follow it';

CREATE TABLE sfbulk_sync_state (
	target regclass PRIMARY KEY,
	source regclass NOT NULL,
	server name NOT NULL,
	object text NOT NULL,
	instance text NOT NULL,
	fields text[] NOT NULL,
	query_all boolean NOT NULL,
	watermark timestamptz,
	overlap interval NOT NULL,
	run_by name NOT NULL,
	started timestamptz NOT NULL,
	finished timestamptz NOT NULL,
	inserted bigint NOT NULL,
	updated bigint NOT NULL,
	deleted bigint NOT NULL,
	api_calls bigint NOT NULL,
	runs bigint NOT NULL,
	last_full timestamptz,
	last_repair timestamptz);

COMMENT ON TABLE sfbulk_sync_state IS
	'what sfbulk_sync() knows of each of its targets; the figures are those of the last run';
COMMENT ON COLUMN sfbulk_sync_state.watermark IS
	'changes up to here have been read; by Salesforce''s clock, as last_full and last_repair';

COMMENT ON COLUMN sfbulk_sync_state.fields IS
	'column, field and type of what was copied; when one of them changes, everything is read';

-- A table that is gone would be dumped as a number, which may be that of another table where it is restored.
SELECT pg_catalog.pg_extension_config_dump('sfbulk_sync_state',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target AND c.relpersistence <> ''t'')');

-- Everybody sees the targets that he may sync; what is written is written by sfbulk_sync() alone.
ALTER TABLE sfbulk_sync_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY sfbulk_sync_state_targets ON sfbulk_sync_state FOR SELECT
	USING (pg_catalog.has_table_privilege(target, 'INSERT, UPDATE, DELETE'));
GRANT SELECT ON sfbulk_sync_state TO PUBLIC;

CREATE PROCEDURE sfbulk_sync(
	source regclass, target text, overlap interval DEFAULT '10 minutes',
	repair boolean DEFAULT false, on_drift text DEFAULT 'ignore',
	full_refresh_every interval DEFAULT NULL,
	INOUT inserted bigint DEFAULT NULL, INOUT updated bigint DEFAULT NULL,
	INOUT deleted bigint DEFAULT NULL, INOUT api_calls bigint DEFAULT NULL,
	INOUT watermark timestamptz DEFAULT NULL)
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON PROCEDURE sfbulk_sync(
	regclass, text, interval, boolean, text, interval, bigint, bigint, bigint, bigint, timestamptz) IS
	'makes a table equal to an object: everything at first, what has changed from then on';

CREATE PROCEDURE sfbulk_sync_schema(
	source_schema text, target_schema text, overlap interval DEFAULT '10 minutes',
	repair boolean DEFAULT false, on_drift text DEFAULT 'ignore',
	full_refresh_every interval DEFAULT NULL,
	INOUT tables bigint DEFAULT NULL, INOUT inserted bigint DEFAULT NULL,
	INOUT updated bigint DEFAULT NULL, INOUT deleted bigint DEFAULT NULL,
	INOUT api_calls bigint DEFAULT NULL)
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON PROCEDURE sfbulk_sync_schema(
	text, text, interval, boolean, text, interval, bigint, bigint, bigint, bigint, bigint) IS
	'sfbulk_sync() of every foreign table of a schema, their jobs running together';

-- What it costs: the governor's books.

CREATE FUNCTION sfbulk_usage(
	since timestamptz DEFAULT NULL)
RETURNS TABLE (
	day date, role name, server name, object text, api_calls bigint, logins bigint,
	query_jobs bigint, ingest_jobs bigint, batches bigint, result_bytes bigint,
	bytes_sent bigint, bytes_received bigint)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_usage(timestamptz) IS
	'what this database has spent in Salesforce, by day of UTC, role, server and object';

CREATE FUNCTION sfbulk_usage_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_usage_reset() IS
	'forgets what this database has spent in Salesforce';

REVOKE EXECUTE ON FUNCTION sfbulk_usage_reset() FROM PUBLIC;
