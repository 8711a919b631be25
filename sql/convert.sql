--
-- The direct paths of src/fdw/convert.c give what PostgreSQL's input functions give: the same bytes, or
-- the same error.  Every block counts values (at least 100,000 random ones) and differences (0).
--
-- The module sfb_test_convert is built from test/convert for this test only.
--
CREATE FUNCTION sfb_convert_differs(value text, type oid, typmod integer DEFAULT -1,
									multipicklist boolean DEFAULT false) RETURNS text
	AS 'sfb_test_convert' LANGUAGE c STRICT;
CREATE FUNCTION sfb_convert_text(value text, type oid, typmod integer DEFAULT -1,
								 multipicklist boolean DEFAULT false) RETURNS text
	AS 'sfb_test_convert' LANGUAGE c;
CREATE FUNCTION sfb_convert_direct(value text, type oid, typmod integer DEFAULT -1,
								   multipicklist boolean DEFAULT false) RETURNS boolean
	AS 'sfb_test_convert' LANGUAGE c;

-- Which types have a direct path.
SELECT type, sfb_convert_direct(NULL, type)
  FROM unnest(ARRAY['text', 'varchar', 'bool', 'int2', 'int4', 'int8', 'float8', 'numeric', 'date',
					'timestamptz', 'timestamp', 'time', 'float4', 'jsonb', 'text[]']::regtype[])
	   WITH ORDINALITY u(type, n) ORDER BY n;

-- Text that is no valid value of most types, or only nearly one.
CREATE TEMP TABLE awkward (v text);
INSERT INTO awkward VALUES
	(' '), ('  1'), ('1 '), ('+1'), ('-'), ('--1'), ('.'), ('.5'), ('5.'), ('-.5'), ('1.5.2'),
	('E5'), ('1E'), ('1E+'), ('1E-'), ('1e5'), ('1E5 '), ('1E+05'), ('1E005'), ('1,5'), ('1_000'),
	('0x10'), ('NaN'), ('Infinity'), ('-Infinity'), ('inf'), ('null'), ('abc'), ('1a'), ('a1'),
	('t'), ('f'), ('TRUE'), ('False'), ('yes'), ('no'), ('on'), ('off'), ('truee'), ('true '),
	('tru'), ('falsy'), ('0'), ('1'), ('-0'), ('00'), ('007'), ('-007'),
	('2024'), ('2024-'), ('2024-02'), ('2024-02-'), ('2024-2-9'), ('2024-02-2'), ('2024-02-299'),
	('20240229'), ('2024/02/29'), ('2024-02-29x'), ('2024-0a-01'), ('x024-01-01'), ('2024x01-01'),
	('2024-01x01'), ('02024-01-01'), ('10000-01-01'), ('0000-01-01'), ('0001-01-01'),
	('0001-01-01 BC'), ('9999-12-31'), ('5874897-12-31'), ('5874898-01-01'), ('4713-01-01 BC'),
	('2023-02-29'), ('2024-02-29'), ('1900-02-29'), ('2000-02-29'), ('2024-04-31'), ('2024-13-01'),
	('2024-00-01'), ('2024-01-00'), ('2024-01-32'), ('epoch'), ('infinity'), ('today '),
	('2024-01-01T00:00:00Z'), ('2024-01-01T00:00:00.000Z'), ('2024-01-01T00:00:00.000+0000'),
	('2024-01-01T00:00:00.000+00:00'), ('2024-01-01T00:00:00+0000'), ('2024-01-01T00:00:00+00:00'),
	('2024-01-01T00:00:00.000+00'), ('2024-01-01T00:00:00.000-0000'),
	('2024-01-01T00:00:00.000+0100'), ('2024-01-01T00:00:00.000-08:00'),
	('2024-01-01T00:00:00.000'), ('2024-01-01T00:00:00'), ('2024-01-01 00:00:00.000Z'),
	('2024-01-01T00:00:00.1Z'), ('2024-01-01T00:00:00.12Z'), ('2024-01-01T00:00:00.1234Z'),
	('2024-01-01T00:00:00.123456Z'), ('2024-01-01T00:00:00.1234567Z'), ('2024-01-01T00:00:00.Z'),
	('2024-01-01T00:00:00.000ZZ'), ('2024-01-01T00:00:00.000z'), ('2024-01-01T00:00:00.000Zx'),
	('2024-01-01T00:00:00.000+00000'), ('2024-01-01T00:00:00.000+000'),
	('2024-01-01T24:00:00.000Z'), ('2024-01-01T24:00:01.000Z'), ('2024-01-01T25:00:00.000Z'),
	('2024-01-01T23:60:00.000Z'), ('2024-01-01T23:59:60.000Z'), ('2024-01-01T23:59:61.000Z'),
	('2024-12-31T23:59:59.999Z'), ('2024-02-30T12:00:00.000Z'), ('0000-01-01T00:00:00.000Z'),
	('0001-01-01T00:00:00.000Z'), ('9999-12-31T23:59:59.999Z'), ('2024-01-01T0:00:00.000Z'),
	('2024-01-01T00:0:00.000Z'), ('2024-01-01T00:00:0.000Z'), ('2024-01-01Tx0:00:00.000Z'),
	('2024-01-01T00;00:00.000Z'), ('2024-01-01T00:00;00.000Z'), ('2024-01-01T00:00:00,000Z'),
	('2024-01-01T00:00:00.0x0Z'), ('2024-01-01T00:00:00.000Z BC'), ('1700-03-01T05:06:07.089Z'),
	('00:00:00'), ('00:00:00Z'), ('00:00:00.000Z'), ('23:59:59.999Z'), ('24:00:00.000Z'),
	('24:00:00'), ('24:00:00.001Z'), ('23:60:00'), ('23:59:60Z'), ('23:59:60'), ('1:02:03'),
	('01:02'), ('01:02:03.4Z'), ('01:02:03.4567Z'), ('01:02:03.456+00'), ('01:02:03.456z'),
	('01:02:03.456ZZ'), ('01-02:03Z'), ('01:02-03Z'), ('0a:02:03Z'), ('01:02:03 PM'),
	('9223372036854775807'), ('9223372036854775808'), ('-9223372036854775808'),
	('-9223372036854775809'), ('2147483647'), ('2147483648'), ('-2147483648'), ('-2147483649'),
	('32767'), ('32768'), ('-32768'), ('-32769'), ('999999999999999999'), ('1000000000000000000'),
	('99999999999999999999999999'), ('9007199254740992'), ('9007199254740993'), ('9007199254740991'),
	('0.1'), ('0.30000000000000004'), ('1.0E22'), ('1.0E23'), ('9.9E22'), ('1E22'), ('1E23'),
	('123456789012345678'), ('1234567890123456789'), ('0.000000000000000001'), ('1E-400'), ('1E400'),
	('4.9E-324'), ('2.2250738585072014E-308'), ('1.7976931348623157E308'), ('1.7976931348623159E308'),
	('-0.0'), ('-0.0E5'), ('0E99'), ('0.0E-20'), ('100.0'), ('9.0E7'), ('1.15056052E8'),
	('1.6147805824397E13'), ('1.0E-5'), ('9999'), ('10000'), ('10001'), ('99999999'), ('100000000'),
	('0.0001'), ('0.00001'), ('0.99990001'), ('1.0E20'), ('1.0E21'), ('1E-20'), ('1E-21'),
	('9999999999999999'), ('10000000000000000'), ('99999999.99999999'), ('0.1000'), ('1000.1000'),
	('ä'), ('Straße'), ('日本語'), ('😀'), (repeat('x', 100)), (repeat('é', 50)), (repeat(' ', 300)),
	('12345     '), ('abcde     '), ('"'), (E'a\nb'), (E'\t'), ('{a,b}'), ('{}'), ('[1]'),
	('{"a": [1, null, "x"]}'), ('\x00ff');

SELECT t.type, t.typmod, count(*) AS awkward,
	   count(sfb_convert_differs(v, t.type, t.typmod)) AS differ
  FROM awkward,
	   (VALUES ('text'::regtype, -1), ('varchar', -1), ('varchar', 5 + 4), ('varchar', 50 + 4),
			   ('char', -1), ('bpchar', 5 + 4), ('name', -1), ('bool', -1), ('float4', -1),
			   ('float8', -1), ('numeric', -1), ('numeric', (10 << 16 | 2) + 4), ('date', -1),
			   ('timestamptz', -1), ('timestamptz', 0), ('timestamptz', 2), ('timestamptz', 3),
			   ('timestamptz', 6), ('timestamp', -1), ('timestamp', 0), ('timestamp', 3),
			   ('time', -1), ('time', 0), ('time', 3), ('timetz', -1), ('jsonb', -1),
			   ('text[]', -1), ('bytea', -1), ('uuid', -1), ('interval', -1)) t(type, typmod)
 GROUP BY 1, 2 ORDER BY t.type::oid, 2;

-- Integers: the same, but for doubles with an integral value, which only we take.
SELECT t.type, count(*) AS awkward, count(sfb_convert_differs(v, t.type)) AS differ
  FROM awkward, (VALUES ('int2'::regtype), ('int4'), ('int8')) t(type)
 WHERE v !~ '^-?[0-9]+[.Ee]'
 GROUP BY 1 ORDER BY t.type::oid;
SELECT v, sfb_convert_text(v, 'int8'::regtype) AS int8
  FROM unnest(ARRAY['100.0', '-0.0', '9.0E7', '1.15056052E8', '1.6147805824397E13', '1E18',
					'2.5E1', '-1.0E3', '9.223372036854775E18', '1E+2', '0E9', '0.0E-9', '1200E-2']) WITH ORDINALITY u(v, n) ORDER BY n;
SELECT sfb_convert_text('1.5', 'int4'::regtype);
SELECT sfb_convert_text('1.5E0', 'int8'::regtype);
SELECT sfb_convert_text('9.0E9', 'int4'::regtype);
SELECT sfb_convert_text('-32769.0', 'int2'::regtype);
SELECT sfb_convert_text('1E19', 'int8'::regtype);

-- Neither DateStyle nor TimeZone has a say.
SET DateStyle TO 'SQL, DMY';
SET TimeZone TO 'America/St_Johns';
SELECT t.type, count(sfb_convert_differs(v, t.type)) AS differ
  FROM awkward, (VALUES ('date'::regtype), ('timestamptz'), ('timestamp'), ('time')) t(type)
 GROUP BY 1 ORDER BY t.type::oid;
RESET DateStyle;
RESET TimeZone;

-- Random values, the same in every run.
SELECT setseed(0.42);

CREATE TEMP TABLE numbers AS
SELECT CASE n % 8
		   WHEN 0 THEN (random() * 1e6)::integer::text
		   WHEN 1 THEN ((random() - 0.5) * power(10, random() * 18))::bigint::text
		   WHEN 2 THEN (round((random() * 1e7)::numeric, (n / 8) % 6))::text
		   WHEN 3 THEN (random() * power(10, random() * 40 - 20))::text
		   WHEN 4 THEN round((random() * 10)::numeric, 1 + (n / 8) % 16) || 'E' || (random() * 50 - 25)::integer
		   WHEN 5 THEN '-' || round((random() * 1e4)::numeric, (n / 8) % 20)
		   WHEN 6 THEN lpad((random() * 1e9)::bigint::text, 1 + (n / 8) % 25, '0') || '.' ||
					   rpad((random() * 1e9)::bigint::text, 1 + (n / 200) % 25, '0')
		   ELSE translate((random() * 1e6)::text, '0123', substr('.-E+0123', 1 + (n / 8) % 5, 4))
	   END AS v
  FROM generate_series(1, 120000) n;

SELECT t.type, count(*) > 100000 AS many, count(sfb_convert_differs(v, t.type)) AS differ
  FROM numbers, (VALUES ('float8'::regtype), ('float4'), ('numeric'), ('bool'), ('text')) t(type)
 GROUP BY 1 ORDER BY t.type::oid;
SELECT t.type, count(*) >= 100000 AS many, count(sfb_convert_differs(v, t.type)) AS differ
  FROM (SELECT v FROM numbers WHERE v !~ '[.E]'
		 UNION ALL SELECT ((random() - 0.5) * power(2, 65 * random()))::numeric(30, 0)::text
					 FROM generate_series(1, 100000)) n,
	   (VALUES ('int2'::regtype), ('int4'), ('int8')) t(type)
 GROUP BY 1 ORDER BY t.type::oid;

-- Doubles in integer columns: what numeric makes of them, where that is an integer.
SELECT count(*) > 1000 AS many,
	   count(*) FILTER (WHERE sfb_convert_text(v, 'int8'::regtype) <> v::numeric::bigint::text) AS differ
  FROM numbers
 WHERE CASE WHEN v ~ '^-?[0-9]{1,8}[.][0-9]{1,8}(E[0-9])?$' THEN v::numeric = trunc(v::numeric) END;

CREATE TEMP TABLE times AS
SELECT to_char(t, 'YYYY-MM-DD') AS d, to_char(t, 'HH24:MI:SS.MS') AS t
  FROM (SELECT timestamp '0001-01-01' + random() * (timestamp '9999-12-31' - timestamp '0001-01-01') AS t
		  FROM generate_series(1, 60000)
		 UNION ALL SELECT timestamp '1990-01-01' + random() * interval '50 years'
		  FROM generate_series(1, 60000)) s;
-- ... and with one character changed
CREATE TEMP TABLE broken AS
SELECT overlay(v PLACING chr(32 + (random() * 94)::integer) FROM 1 + (random() * 24)::integer FOR 1) AS v
  FROM (SELECT d || 'T' || t || 'Z' AS v FROM times) s;

SELECT count(*) > 100000 AS many, count(sfb_convert_differs(d, 'date'::regtype)) AS date,
	   count(sfb_convert_differs(left(b.v, 10), 'date'::regtype)) AS broken
  FROM times LEFT JOIN (SELECT v FROM broken LIMIT 0) b ON true;
SELECT t.type, t.typmod, count(*) > 100000 AS many,
	   count(sfb_convert_differs(d || 'T' || times.t || 'Z', t.type, t.typmod)) AS bulk,
	   count(sfb_convert_differs(d || 'T' || times.t || '+0000', t.type, t.typmod)) AS rest,
	   count(sfb_convert_differs(d || 'T' || left(times.t, 8) || 'Z', t.type, t.typmod)) AS seconds
  FROM times,
	   (VALUES ('timestamptz'::regtype, -1), ('timestamptz', 0), ('timestamp', -1)) t(type, typmod)
 GROUP BY 1, 2 ORDER BY t.type::oid, 2;
SELECT count(sfb_convert_differs(t || 'Z', 'time'::regtype)) AS bulk,
	   count(sfb_convert_differs(t, 'time'::regtype)) AS bare,
	   count(sfb_convert_differs(t || 'Z', 'time'::regtype, 1)) AS rounded
  FROM times;
SELECT t.type, count(*) > 100000 AS many, count(sfb_convert_differs(left(v, t.len), t.type)) AS differ
  FROM broken, (VALUES ('date'::regtype, 10), ('timestamptz', 24), ('timestamp', 24)) t(type, len)
 GROUP BY 1 ORDER BY t.type::oid;
SELECT count(*) > 100000 AS many, count(sfb_convert_differs(substr(v, 12), 'time'::regtype)) AS differ
  FROM broken;

-- Every day of four centuries.
SELECT count(*) AS days, count(sfb_convert_differs(to_char(d, 'YYYY-MM-DD'), 'date'::regtype)) AS differ
  FROM generate_series(timestamp '1800-01-01', timestamp '2200-12-31', interval '1 day') d;

-- Text: any length around the ones that matter, one to four bytes a character.
SELECT t.type, t.typmod, count(*) AS texts,
	   count(sfb_convert_differs(repeat(c, n) || repeat(' ', n % 4), t.type, t.typmod)) AS differ
  FROM generate_series(1, 300) n, unnest(ARRAY['x', 'é', '日', '😀']) c,
	   (VALUES ('text'::regtype, -1), ('varchar', 20 + 4), ('varchar', 255 + 4), ('bpchar', 20 + 4)) t(type, typmod)
 GROUP BY 1, 2 ORDER BY t.type::oid, 2;
SELECT count(*) AS large, count(sfb_convert_differs(repeat('0123456789abcdef', n * 997), 'text'::regtype)) AS differ
  FROM generate_series(1, 60) n;

-- Multipicklists: A;B is an array of two, for any element type; the literal form is not taken apart.
SELECT v, sfb_convert_text(v, 'text[]'::regtype, -1, true) AS list
  FROM unnest(ARRAY['A', 'A;B', 'one; two;3 "three"', '{x,y}', 'NULL;null', 'a,b;c']) WITH ORDINALITY u(v, n) ORDER BY n;
SELECT count(*) FILTER (WHERE sfb_convert_text(v, 'text[]'::regtype, -1, true) IS DISTINCT FROM
							  string_to_array(v, ';')::text) AS differ
  FROM (SELECT string_agg(substr('ABC def äöü', 1 + (random() * 10)::integer, 1 + (random() * 5)::integer), ';') AS v
		  FROM generate_series(1, 20000) n GROUP BY n / 7) s;
SELECT sfb_convert_text('1;22;333', 'int4[]'::regtype, -1, true);
SELECT sfb_convert_text('1;x', 'int4[]'::regtype, -1, true);
SELECT sfb_convert_text('abc;de', 'varchar[]'::regtype, 2 + 4, true);
SELECT sfb_convert_text('A;B', 'text'::regtype, -1, true);

-- Domains: their constraints hold, on nulls too.
CREATE DOMAIN present AS text NOT NULL CHECK (VALUE <> 'bad');
CREATE DOMAIN pair AS text[] CHECK (array_length(VALUE, 1) = 2);
CREATE DOMAIN present_list AS text[] NOT NULL;
SELECT sfb_convert_text('good', 'present'::regtype);
SELECT sfb_convert_text('bad', 'present'::regtype);
SELECT sfb_convert_text(NULL, 'present'::regtype);
SELECT sfb_convert_text(NULL, 'text'::regtype);
SELECT sfb_convert_text('A;B', 'pair'::regtype, -1, true);
SELECT sfb_convert_text('A;B;C', 'pair'::regtype, -1, true);
SELECT sfb_convert_text(NULL, 'pair'::regtype, -1, true);
SELECT sfb_convert_text(NULL, 'present_list'::regtype, -1, true);

DROP DOMAIN present, pair, present_list;
DROP FUNCTION sfb_convert_differs(text, oid, integer, boolean);
DROP FUNCTION sfb_convert_text(text, oid, integer, boolean);
DROP FUNCTION sfb_convert_direct(text, oid, integer, boolean);
