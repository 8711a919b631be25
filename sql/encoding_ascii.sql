--
-- A database that takes any bytes (SQL_ASCII): texts that are no UTF-8 equal nothing, and are no error.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SELECT current_database() AS home \gset
DROP DATABASE IF EXISTS sfbulk_sql_ascii;
CREATE DATABASE sfbulk_sql_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\c sfbulk_sql_ascii
CREATE EXTENSION sfbulk_fdw;
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO sf;
CREATE TABLE account AS SELECT id, billingcity FROM sf.account;
CREATE FUNCTION same(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	remote bigint;
	local bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM sf.account WHERE ' || condition INTO remote;
	EXECUTE 'SELECT count(*) FROM account WHERE ' || condition INTO local;
	RETURN remote = local;
END $$;
SELECT n, same(condition) FROM (VALUES
	(1, E'billingcity = \'Z\xc3\xbcrich\''),
	(2, E'billingcity = \'Z\xfcrich\''),
	(3, E'billingcity IN (\'Z\xfcrich\', \'Berlin\')'),
	(4, E'id = \'Z\xfcrich\''),
	(5, E'id <> \'Z\xfcrich\''),
	(6, E'billingcity LIKE \'Z\xc3%\''),
	(7, E'billingcity LIKE \'Z\xc3_rich\''),
	(8, E'billingcity LIKE \'Z\xfc%\''),
	(9, E'billingcity = (SELECT \'Z\xfcrich\'::text)')) v(n, condition) ORDER BY n;
\c :home
DROP DATABASE sfbulk_sql_ascii;
