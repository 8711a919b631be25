--
-- IMPORT FOREIGN SCHEMA against sfsim: names, types, options, and which objects.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
RESET client_min_messages;

CREATE FUNCTION pg_temp.described(tab regclass) RETURNS TABLE ("column" name, type text, "null" text, options text)
LANGUAGE sql AS $$
	SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' ELSE '' END,
		array_to_string(attfdwoptions, ' ')
	  FROM pg_attribute WHERE attrelid = tab AND attnum > 0 ORDER BY attnum $$;
CREATE FUNCTION pg_temp.tables() RETURNS TABLE (name text, options text[]) LANGUAGE sql AS $$
	SELECT format('%I', relname), ftoptions FROM pg_class JOIN pg_foreign_table ON ftrelid = oid
	 WHERE relnamespace = 'sf'::regnamespace ORDER BY 1 $$;

-- every field type; the API name of each field, types and abilities where they are not the usual ones
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (invoice__c) FROM SERVER sf INTO sf;
SELECT * FROM pg_temp.described('sf.invoice__c');
SELECT * FROM pg_temp.tables();
DROP FOREIGN TABLE sf.invoice__c;

-- names as they are over there, other types, NOT NULL, compound fields
IMPORT FOREIGN SCHEMA salesforce LIMIT TO ("Invoice__c") FROM SERVER sf INTO sf
	OPTIONS (names 'exact', numbers 'float8', multipicklist 'text', not_null 'true', compound 'true');
SELECT * FROM pg_temp.described('sf."Invoice__c"');
SELECT * FROM pg_temp.tables();
DROP FOREIGN TABLE sf."Invoice__c";

-- words apart
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (contact) FROM SERVER sf INTO sf OPTIONS (names 'snake');
SELECT "column" FROM pg_temp.described('sf.contact');
DROP FOREIGN TABLE sf.contact;

-- lists take either form of a name in any case, and say what they did not find
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, "CONTACT", "Invoice__C", nobody, "No""body") FROM SERVER sf INTO sf;
SELECT name FROM pg_temp.tables();
DROP FOREIGN TABLE sf.account, sf.contact, sf.invoice__c;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (task_status, "TaskStatus", opportunity) FROM SERVER sf INTO sf OPTIONS (names 'snake');
SELECT name FROM pg_temp.tables();
DROP FOREIGN TABLE sf.task_status, sf.opportunity;
IMPORT FOREIGN SCHEMA salesforce EXCEPT ("ACCOUNT", contact, "TaskStatus", "User", nobody) FROM SERVER sf INTO sf;
SELECT name FROM pg_temp.tables()
 WHERE name IN ('account', 'contact', 'taskstatus', '"user"', '"case"', 'lead', 'opportunity', 'invoice__c');
DO $$ BEGIN EXECUTE (SELECT 'DROP FOREIGN TABLE sf.' || string_agg(name, ', sf.') FROM pg_temp.tables()); END $$;
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO sf OPTIONS (custom_only 'true');
SELECT name FROM pg_temp.tables();
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO sf OPTIONS (custom_only 'true');
SELECT name FROM pg_temp.tables();

-- what is there is not overwritten
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (invoice__c) FROM SERVER sf INTO sf;

-- what was imported can be read
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO sf OPTIONS (compound 'true', names 'snake');
SELECT jsonb_typeof(billing_address) FROM sf.account WHERE billing_address IS NOT NULL LIMIT 1;
SELECT count(*) = (SELECT count(*) FROM (SELECT id FROM sf.invoice__c OFFSET 0) s) FROM sf.invoice__c;

SET client_min_messages = warning;
DROP SERVER sf CASCADE;
DROP SCHEMA sf;
