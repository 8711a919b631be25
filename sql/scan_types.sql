--
-- Columns of other types than IMPORT FOREIGN SCHEMA chooses: whatever the text can be read into.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
ALTER SERVER sf OPTIONS (ADD transport 'rest');
CREATE TYPE stage AS ENUM ('Prospecting');
SELECT format('ALTER TYPE stage ADD VALUE IF NOT EXISTS %L', v)
  FROM (SELECT 'Not seen' AS v) s \gexec

-- All as text, by both transports: what the columns below are cast from.
CREATE FOREIGN TABLE raw_rest (id text, amount text OPTIONS (field 'Amount__c'), probability text OPTIONS (field 'Probability__c'),
	employees text OPTIONS (field 'Employees__c'), seq text OPTIONS (field 'Sequence__c'), weight text OPTIONS (field 'Weight__c'),
	deleted text OPTIONS (field 'IsDeleted'), paid text OPTIONS (field 'Is_Paid__c'), created text OPTIONS (field 'CreatedDate'),
	due text OPTIONS (field 'Due_At__c'), close text OPTIONS (field 'Close_Date__c'), reminder text OPTIONS (field 'Reminder_Time__c'),
	tags text OPTIONS (field 'Tags__c'), stage text OPTIONS (field 'Stage__c'), descr text OPTIONS (field 'Description__c'))
	SERVER sf OPTIONS (object 'Invoice__c');
CREATE TABLE raw AS TABLE raw_rest;
ALTER FOREIGN TABLE raw_rest OPTIONS (ADD transport 'bulk');
-- (numbers and datetimes are only alike where the column says that it is one)
SELECT count(*) AS differ FROM (SELECT id, seq, deleted, paid, close, tags, stage, descr FROM raw
	EXCEPT SELECT id, seq, deleted, paid, close, tags, stage, descr FROM raw_rest) s;
SELECT count(*) > 0 AS amounts, count(*) FILTER (WHERE tags LIKE '%;%') > 0 AS lists,
	   count(*) FILTER (WHERE descr IS NULL) > 0 AS nulls, count(*) FILTER (WHERE descr ~ '"' AND descr ~ E'\n') > 0 AS quotes
  FROM raw WHERE amount IS NOT NULL;

CREATE FOREIGN TABLE typed (id char(18), amount numeric(20, 1) OPTIONS (field 'Amount__c', type 'currency'),
	probability real OPTIONS (field 'Probability__c', type 'percent'), employees bigint OPTIONS (field 'Employees__c'),
	seq numeric OPTIONS (field 'Sequence__c', type 'long'), weight float8 OPTIONS (field 'Weight__c'),
	deleted bool OPTIONS (field 'IsDeleted'), paid text OPTIONS (field 'Is_Paid__c', type 'boolean'),
	created timestamp(0) OPTIONS (field 'CreatedDate'), due date OPTIONS (field 'Due_At__c', type 'datetime'),
	close timestamptz OPTIONS (field 'Close_Date__c', type 'date'), reminder time(0) OPTIONS (field 'Reminder_Time__c'),
	tags varchar(30)[] OPTIONS (field 'Tags__c', type 'multipicklist'), stage varchar(40) OPTIONS (field 'Stage__c'), descr name OPTIONS (field 'Description__c'))
	SERVER sf OPTIONS (object 'Invoice__c');
CREATE FUNCTION pg_temp.differ() RETURNS TABLE (rows bigint, missing bigint, surplus bigint) LANGUAGE sql AS $$
	WITH t AS MATERIALIZED (SELECT * FROM typed),
		 c AS MATERIALIZED (
			SELECT id::char(18), amount::numeric(20, 1), probability::real, employees::bigint, seq::numeric, weight::float8,
				   deleted::bool, paid, created::timestamp(0), due::date, close::timestamptz, reminder::time(0),
				   string_to_array(tags, ';')::varchar(30)[], stage::varchar(40), descr::name FROM raw)
	SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM (TABLE c EXCEPT ALL TABLE t) s),
		   (SELECT count(*) FROM (TABLE t EXCEPT ALL TABLE c) s) $$;
SELECT * FROM pg_temp.differ();
ALTER FOREIGN TABLE typed OPTIONS (ADD transport 'bulk');
SELECT * FROM pg_temp.differ();
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SELECT missing, surplus FROM pg_temp.differ();
RESET TimeZone;
RESET DateStyle;

-- A column in the middle that is dropped, one that is not read, two that read the same field.
ALTER FOREIGN TABLE typed DROP COLUMN deleted;
ALTER FOREIGN TABLE typed ADD COLUMN amount_again text OPTIONS (field 'Amount__c', type 'currency');
ALTER FOREIGN TABLE typed ADD COLUMN owner text OPTIONS (field 'Owner.Name');
ALTER FOREIGN TABLE typed ADD COLUMN parent text OPTIONS (field 'Account__r.Owner.Name');
SELECT count(*), count(amount_again) = count(amount) AS same, count(owner) AS owners, count(parent) > 0 AS parents,
	   bool_and(amount_again::numeric(20, 1) = amount) AS equal FROM typed;
ALTER FOREIGN TABLE typed OPTIONS (SET transport 'rest');
CREATE TABLE by_rest AS SELECT id, owner, parent, amount_again FROM typed;
ALTER FOREIGN TABLE typed OPTIONS (SET transport 'bulk');
SELECT count(*) AS differ FROM (SELECT id, owner, parent, amount_again FROM typed EXCEPT TABLE by_rest) s;

-- What does not fit is an error that says where.
\set SHOW_CONTEXT always
ALTER FOREIGN TABLE typed OPTIONS (SET transport 'rest');
CREATE FOREIGN TABLE narrow (id varchar(17)) SERVER sf OPTIONS (object 'Invoice__c');
SELECT id FROM narrow ORDER BY id;
CREATE DOMAIN huge AS numeric CHECK (VALUE > 1e30);
ALTER FOREIGN TABLE narrow ADD COLUMN amount huge OPTIONS (field 'Amount__c', type 'currency');
SELECT sum(amount) FROM narrow;
ALTER FOREIGN TABLE narrow ADD COLUMN stage stage OPTIONS (field 'Stage__c'),
	ADD COLUMN created uuid OPTIONS (field 'CreatedDate'), ADD COLUMN close interval OPTIONS (field 'Close_Date__c');
\set VERBOSITY sqlstate
SELECT max(stage) FROM narrow;
SELECT max(created::text) FROM narrow;
SELECT max(close) FROM narrow;
\set VERBOSITY default
\set SHOW_CONTEXT errors

DROP FOREIGN TABLE narrow, typed, raw_rest;
DROP TABLE raw, by_rest;
DROP DOMAIN huge;
DROP TYPE stage;
DROP SCHEMA sf CASCADE;
DROP SERVER sf CASCADE;
