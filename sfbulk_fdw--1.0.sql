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
