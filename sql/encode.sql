--
-- What values become when they are written: src/fdw/encode.c.  The direct paths give what PostgreSQL's
-- output functions give, in the forms that Salesforce takes.  Blocks of generated values count them and
-- the differences (0).
--
-- The module sfb_test_encode is built from test/encode for this test only.
--
CREATE FUNCTION sfb_encode(value anyelement, type integer DEFAULT 0, field text DEFAULT 'F__c',
						   operation integer DEFAULT 0, length integer DEFAULT 0,
						   picklist text DEFAULT NULL) RETURNS text
	AS 'sfb_test_encode' LANGUAGE c;

-- Fields by their number in SfbType, operations by theirs in sf_operation.
\set PICKLIST 1
\set MULTIPICKLIST 2
\set ID 4
\set REFERENCE 5
\set INT 7
\set DOUBLE 9
\set DATE 12
\set DATETIME 13
\set COMPOUND 15
\set BASE64 16
\set UPDATE 1
\set UPSERT 2

-- ---- texts

-- Quotes where they are needed.
SELECT quote_literal(v) AS value, sfb_encode(v) AS cell
  FROM unnest(ARRAY['plain', 'a,b', 'say "x"', '"', E'two\nlines', E'a\rb', E'a\r\nb', E'\r\n', ' lead', 'trail ',
					E'tab\t', E'a\tb', '#N/A', ' #N/A ', '#n/a', 'x #N/A', '#N/', '''', 'ä,ß', '日本語', '😀"', 'a;b',
					repeat('x', 40), repeat('x', 15) || ',', repeat('x', 16) || '"' || repeat('y', 17)]) v;

-- Empty texts and blanks are null.
SELECT quote_literal(v) AS value, sfb_encode(v) AS on_insert, sfb_encode(v, 0, 'F__c', :UPDATE) AS on_update,
	   sfb_encode(v, 0, 'F__c', :UPSERT) AS on_upsert
  FROM unnest(ARRAY[NULL, '', ' ', E' \t\n\r\x0b\f ', '0']) v;
SELECT sfb_encode(NULL::integer, 0, 'F__c', :UPDATE), sfb_encode(NULL::date), sfb_encode(NULL::text[], :MULTIPICKLIST);

-- A parent's external id cannot be set to null.
SELECT sfb_encode('x'::text, 0, 'Account.Ext__c', :UPDATE), sfb_encode(NULL::text, 0, 'Account.Ext__c', :UPSERT);
SELECT sfb_encode(NULL::text, 0, 'Account.Ext__c', :UPDATE);

-- Random texts: what a CSV reader makes of the cell is the text.
WITH texts AS (
	SELECT n, (SELECT string_agg((ARRAY['a', 'b', ',', '"', E'\n', ' ', 'é', '日', '😀', 'x', 'y', 'z'])
									   [1 + abs(hashint4(n * 31 + i)) % 12], '')
				 FROM generate_series(0, abs(hashint4(n)) % 40) i) AS t
	  FROM generate_series(1, 50000) n),
cells AS (SELECT t, sfb_encode(t) AS c FROM texts)
SELECT count(*), count(*) FILTER (WHERE t ~ '[,"\n]') AS special,
	   count(*) FILTER (WHERE CASE WHEN btrim(t, E' \n') = '' THEN c <> ''
								   WHEN c LIKE '"%' THEN c NOT LIKE '"%"' OR length(c) < 2 OR
										replace(substr(c, 2, length(c) - 2), '""', '"') <> t OR
										replace(substr(c, 2, length(c) - 2), '""', '') LIKE '%"%'
								   ELSE c <> t OR t ~ '[,"\n]' END) AS differ
  FROM cells;

-- char(n), varchar, name, domains, long and compressed texts
CREATE DOMAIN word AS text CHECK (value <> 'bad');
SELECT sfb_encode('ab'::char(5)), sfb_encode('ab'::varchar(5)), sfb_encode('ab'::name), sfb_encode('ab'::word),
	   sfb_encode('5'::"char");
CREATE TEMP TABLE long_texts AS SELECT repeat('abcdefghij', n) AS t FROM generate_series(1, 20000, 4999) n;
SELECT length(t), length(sfb_encode(t)), sfb_encode(t) = t AS same FROM long_texts;

-- Longer than the field: characters as Salesforce counts them, without the blanks that it trims.
SELECT sfb_encode('12345'::text, 0, 'F__c', 0, 5), sfb_encode('  12345 '::text, 0, 'F__c', 0, 5),
	   sfb_encode('äöüßé'::text, 0, 'F__c', 0, 5), sfb_encode('😀😀'::text, 0, 'F__c', 0, 4),
	   sfb_encode(E'1\r\n2'::text, 0, 'F__c', 0, 3);
SELECT sfb_encode('123456'::text, 0, 'F__c', 0, 5);
SELECT sfb_encode('😀😀'::text, 0, 'F__c', 0, 3);
SELECT sfb_encode(E'1\n2'::text, 0, 'F__c', 0, 2);

-- ---- ids

SELECT sfb_encode('0015g000002ZKf7'::text, :REFERENCE), sfb_encode('0015g000002ZKf7AAG'::text, :REFERENCE),
	   sfb_encode(' 0015g000002ZKf7 '::text, :ID);
SELECT sfb_encode('001'::text, :REFERENCE);
SELECT sfb_encode('0015g000002ZKf7AAA'::text, :REFERENCE);
SELECT sfb_encode('any text'::text, :REFERENCE, 'Account.Ext__c');

-- ---- picklists

SELECT sfb_encode('Hot'::text, :PICKLIST, 'Rating', 0, 0, '{Hot,Warm,"Very, very cold"}'),
	   sfb_encode('Very, very cold'::text, :PICKLIST, 'Rating', 0, 0, '{Hot,Warm,"Very, very cold"}'),
	   sfb_encode(''::text, :PICKLIST, 'Rating', 0, 0, '{Hot,Warm}');
SELECT sfb_encode('hot'::text, :PICKLIST, 'Rating', 0, 0, '{Hot,Warm,"Very, very cold"}');
SELECT sfb_encode('x'::text, :PICKLIST, 'Rating', 0, 0, '{1,2,3,4,5,6,7,8,9,10,11}');

SELECT sfb_encode(ARRAY['A', 'B, C'], :MULTIPICKLIST), sfb_encode('{}'::text[], :MULTIPICKLIST),
	   sfb_encode('{}'::text[], :MULTIPICKLIST, 'F__c', :UPDATE), sfb_encode(ARRAY['A']::varchar(9)[], :MULTIPICKLIST),
	   sfb_encode('A;B'::text, :MULTIPICKLIST), sfb_encode(ARRAY['B', 'A'], :MULTIPICKLIST, 'F__c', 0, 0, '{A,B}');
SELECT sfb_encode(ARRAY['A', 'C'], :MULTIPICKLIST, 'F__c', 0, 0, '{A,B}');
SELECT sfb_encode(ARRAY['A;B'], :MULTIPICKLIST);
SELECT sfb_encode(ARRAY['A', NULL], :MULTIPICKLIST);
SELECT sfb_encode(ARRAY[''], :MULTIPICKLIST);

-- ---- numbers

SELECT sfb_encode(true), sfb_encode(false), sfb_encode(7::smallint), sfb_encode(-2147483648), sfb_encode('-9223372036854775808'::bigint);

SET extra_float_digits = -5;
WITH numbers AS (
	SELECT (random() - 0.5) * power(10, (random() * 40 - 20)) AS f, n FROM generate_series(1, 100000) n),
floats AS (SELECT f FROM numbers UNION ALL SELECT unnest(ARRAY[0, -0.0, 1e22, 1e23, 4.9e-324, 1.7976931348623157e308, 0.1]))
SELECT count(*) AS float8, count(*) FILTER (WHERE sfb_encode(f)::float8 <> f) AS differ FROM floats;
RESET extra_float_digits;
WITH numbers AS (SELECT (random() - 0.5) * power(10, (random() * 40 - 20)) AS f FROM generate_series(1, 100000))
SELECT count(*) AS float8, count(*) FILTER (WHERE sfb_encode(f) <> f::text) AS differ FROM numbers;
WITH numbers AS (SELECT ((random() - 0.5) * power(10, (random() * 20 - 10)))::float4 AS f FROM generate_series(1, 50000))
SELECT count(*) AS float4, count(*) FILTER (WHERE sfb_encode(f) <> f::text) AS differ FROM numbers;
WITH numbers AS (
	SELECT round(((random() - 0.5) * power(10, random() * 18))::numeric, n % 12) AS v FROM generate_series(1, 100000) n
	UNION ALL SELECT (random()::numeric * power(10::numeric, n % 60 - 30))::numeric FROM generate_series(1, 50000) n
	UNION ALL SELECT unnest(ARRAY[0, 0.00, 1, -1, 9999, 10000, 10001, 99999999, 100000000, 0.1, 0.0001, 0.00001, -0.00010,
								  1e40, 1e-40, 123456789012345678901234567890.123456789, 1e131, 0.12345678901234567890123456789012345678901234]))
SELECT count(*) AS "numeric", count(*) FILTER (WHERE sfb_encode(v) <> v::text) AS differ FROM numbers;
WITH numbers AS (SELECT hashint8(n) * 4294967296 + hashint4(n::int) AS i FROM generate_series(1::bigint, 50000) n)
SELECT count(*) AS bigint, count(*) FILTER (WHERE sfb_encode(i) <> i::text) AS differ FROM numbers;

-- Integer fields take no fraction, in whatever type it comes.
SELECT sfb_encode(250.00, :INT), sfb_encode(-3::numeric, :INT), sfb_encode(250::float8, :INT), sfb_encode(1e15::float8, :INT),
	   sfb_encode(250.00, :DOUBLE), sfb_encode(1e15::float8, :DOUBLE);
SELECT sfb_encode(250.5, :INT);
SELECT sfb_encode(250.5::float8, :INT);
SELECT sfb_encode(1e30::float8, :INT);
SELECT sfb_encode('NaN'::numeric, :DOUBLE);
SELECT sfb_encode('-Infinity'::numeric, :DOUBLE);
SELECT sfb_encode('NaN'::float8, :DOUBLE);
SELECT sfb_encode('Infinity'::float4, :DOUBLE);

-- ---- dates and times

SET timezone = 'America/New_York';
SET datestyle = 'German';
WITH times AS (SELECT timestamptz '1700-01-01 00:00:00Z' + random() * interval '2300 years' AS t FROM generate_series(1, 100000))
SELECT count(*) AS timestamptz,
	   count(*) FILTER (WHERE sfb_encode(t, :DATETIME) <>
							  to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS differ FROM times;
WITH times AS (SELECT timestamp '1700-01-01 00:00:00' + random() * interval '2300 years' AS t FROM generate_series(1, 50000))
SELECT count(*) AS timestamp,
	   count(*) FILTER (WHERE sfb_encode(t, :DATETIME) <> to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS differ FROM times;
WITH dates AS (SELECT date '1700-01-01' + n AS d FROM generate_series(0, 840000, 7) n)
SELECT count(*) AS date, count(*) FILTER (WHERE sfb_encode(d, :DATE) <> to_char(d, 'YYYY-MM-DD')) AS differ FROM dates;
SELECT sfb_encode(time '00:00:00'), sfb_encode(time '23:59:59.999999'), sfb_encode(time '10:15'),
	   sfb_encode(timestamptz '2024-02-29 23:59:59.999999Z', :DATETIME), sfb_encode(timestamptz '1969-12-31 23:59:59.9Z', :DATETIME);

-- A date for a datetime field and the other way round.
SELECT sfb_encode(date '2024-02-29', :DATETIME), sfb_encode(timestamptz '2024-02-29 23:30:00Z', :DATE),
	   sfb_encode(date '2024-02-29', :DATE);
RESET timezone;
RESET datestyle;

SELECT sfb_encode(date 'infinity', :DATE);
SELECT sfb_encode(date '1699-12-31', :DATE);
SELECT sfb_encode(date '4001-01-01', :DATE);
SELECT sfb_encode(timestamptz '-infinity', :DATETIME);
SELECT sfb_encode(timestamptz '0044-03-15 BC', :DATETIME);
SELECT sfb_encode(time '24:00');

-- ---- other types

SELECT sfb_encode('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid), sfb_encode('{"a": "b"}'::jsonb), sfb_encode('1.2.3.4'::inet),
	   sfb_encode(interval '1 day');
SELECT sfb_encode('{}'::jsonb, :COMPOUND);
SELECT sfb_encode('x'::text, :BASE64);

DROP FUNCTION sfb_encode;
DROP DOMAIN word;
