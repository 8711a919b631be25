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

CREATE FUNCTION sfbulk_jobs(
	server name)
RETURNS TABLE (
	job text, job_type text, operation text, object text, state text, created_by text,
	created timestamptz, modified timestamptz, api_version numeric, content_type text,
	concurrency text)
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION sfbulk_jobs(name) IS 'the bulk jobs of the org';

-- Looking at an org: a doctor, limits, objects, fields, jobs, sessions.

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

-- What it costs: the governor's books.
