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

-- Progress of what is under way.

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
