--
-- Which conditions are sent, in which words, and whether they are checked again.  No network.
--
-- exact: Salesforce's answer is PostgreSQL's; rechecked: it may have more rows; local: not sent.
--
SET client_min_messages = warning;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER sf OPTIONS (client_id 'id', client_secret 'secret');
CREATE FOREIGN TABLE acc (
	id text OPTIONS (field 'Id'),
	ref text OPTIONS (field 'OwnerId', type 'reference'),
	name text OPTIONS (field 'Name'),
	vname varchar(80) OPTIONS (field 'Phone'),
	pick text OPTIONS (field 'Rating', type 'picklist'),
	ext text OPTIONS (field 'Ext__c', case_sensitive 'true'),
	long text OPTIONS (field 'Description', filterable 'false'),
	secret text OPTIONS (field 'Secret__c', type 'encryptedstring'),
	multi text[] OPTIONS (field 'Multi__c'),
	flag boolean OPTIONS (field 'IsDeleted'),
	pflag boolean OPTIONS (field 'Parent.IsDeleted'),
	pname text OPTIONS (field 'Parent.Name'),
	n2 smallint OPTIONS (field 'Small__c'),
	n4 integer OPTIONS (field 'NumberOfEmployees'),
	n8 bigint OPTIONS (field 'Long__c'),
	nn numeric OPTIONS (field 'Whole__c', type 'int'),
	num numeric OPTIONS (field 'Double__c'),
	cur numeric OPTIONS (field 'AnnualRevenue', type 'currency'),
	pct float8 OPTIONS (field 'Percent__c', type 'percent'),
	rnd numeric(10,2) OPTIONS (field 'Rounded__c'),
	f4 real OPTIONS (field 'Float__c'),
	i_on_double integer OPTIONS (field 'Odd__c', type 'double'),
	d date OPTIONS (field 'Date__c'),
	ts timestamptz OPTIONS (field 'CreatedDate'),
	ts0 timestamptz(0) OPTIONS (field 'Ts0__c'),
	tsl timestamp OPTIONS (field 'LocalTime__c'),
	d_on_ts date OPTIONS (field 'DateOfTs__c', type 'datetime'),
	t_on_num text OPTIONS (field 'NumText__c', type 'double'),
	tm time OPTIONS (field 'Time__c'),
	addr jsonb OPTIONS (field 'BillingAddress'),
	c char(10) OPTIONS (field 'Char__c'),
	nam name OPTIONS (field 'Nam__c')
) SERVER sf OPTIONS (object 'Account');

CREATE FUNCTION sent(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	soql text;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT 1 FROM acc WHERE ' || condition INTO plan;
	plan := plan->0->'Plan';
	IF plan->>'Node Type' <> 'Foreign Scan' THEN
		RETURN plan->>'Node Type';
	END IF;
	-- PostgreSQL 17 shows an InitPlan's value by another name.
	soql := regexp_replace(plan->>'SOQL', ':(\$\d+|\(InitPlan \d+\)\.col\d+)', ':PARAMETER', 'g');
	RETURN concat_ws(' + ', CASE WHEN plan->>'Remote Filter' IS NOT NULL THEN 'exact' END,
		CASE WHEN plan->>'Remote Filter, Rechecked' IS NOT NULL THEN 'rechecked' END,
		CASE WHEN plan->>'Local Filter' IS NOT NULL THEN 'local' END) ||
		coalesce(': ' || substring(soql FROM ' WHERE (.*)'),
				 CASE WHEN soql LIKE 'none%' THEN ': ' || soql END, '');
END $$;

\pset format unaligned
\pset fieldsep '  =>  '
\pset tuples_only on

-- ids: exact, made 18 characters long; what is none equals nothing
SELECT c, sent(c) FROM (VALUES
	($$id = '0013h00000FFfwFAAT'$$), ($$id = '0013h00000FFfwF'$$), ($$'0013h00000FFfwF' = id$$),
	($$id = 'short'$$), ($$id = ''$$), ($$id = '0013h00000FFfwFAAA'$$), ($$id = ' 013h00000FFfwF'$$),
	($$id <> '0013h00000FFfwF'$$), ($$id <> 'short'$$), ($$id > '0013h00000FFfwF'$$),
	($$id BETWEEN '001' AND '002'$$), ($$id LIKE '001%'$$), ($$id IS NULL$$), ($$id IS NOT NULL$$),
	($$id IN ('0013h00000FFfwF', 'short', '0013h00000FFfwG')$$), ($$id IN ('short', '')$$),
	($$id NOT IN ('0013h00000FFfwF', 'short')$$), ($$id NOT IN ('short')$$),
	($$id IN ('0013h00000FFfwF', NULL)$$), ($$id NOT IN ('0013h00000FFfwF', NULL)$$),
	($$id = ANY ('{}')$$), ($$id <> ALL ('{}')$$), ($$id = ANY (NULL::text[])$$),
	($$id = ALL ('{0013h00000FFfwF}')$$), ($$id <> ANY ('{0013h00000FFfwF}')$$),
	($$ref = '0053h00000FFfwF'$$), ($$ref <> '0053h00000FFfwF'$$), ($$ref = id$$),
	($$lower(id) = '0013h00000ffwf'$$), ($$id = NULL$$)
	) AS t(c);

-- text: remote = ignores case, so it is checked again; other comparisons do not agree at all
SELECT c, sent(c) FROM (VALUES
	($$name = 'Acme'$$), ($$vname = 'Acme'$$), ($$pick = 'Hot'$$), ($$pname = 'Acme'$$),
	($$name = ''$$), ($$name = ' Acme'$$), ($$name = E'Acme\t'$$), ($$name = E'It\'s "1\\2"\n'$$),
	($$name = E'It\'s "1\\2"'$$), ($$name = 'Zürich 東京 🙂'$$),
	($$name <> 'Acme'$$), ($$name <> ''$$), ($$name < 'Acme'$$), ($$name BETWEEN 'A' AND 'B'$$),
	($$name IN ('a', 'b', '')$$), ($$name IN ('', NULL)$$), ($$name IN ('a', ' b')$$),
	($$name NOT IN ('a', 'b')$$), ($$name IS NULL$$), ($$name IS NOT NULL$$), ($$pname IS NULL$$),
	($$name = 'a' COLLATE "C"$$), ($$name = vname$$), ($$upper(name) = 'A'$$), ($$name || 'x' = 'ax'$$),
	($$name = 'a'::char(3)$$), ($$name = 'a'::name$$), ($$name::char(3) = 'a'$$),
	($$c = 'a'$$), ($$nam = 'a'$$), ($$c IS NULL$$),
	($$ext = 'Ab-1'$$), ($$ext <> 'Ab-1'$$), ($$ext IN ('a', 'B')$$), ($$ext NOT IN ('a', 'B')$$),
	($$ext <> ''$$), ($$ext = ' x'$$), ($$ext < 'a'$$),
	($$long = 'x'$$), ($$long IS NULL$$), ($$secret = 'x'$$), ($$secret IS NULL$$),
	($$multi = '{a,b}'$$), ($$multi IS NULL$$), ($$'a' = ANY (multi)$$), ($$multi @> '{a}'$$),
	($$t_on_num = '5'$$), ($$t_on_num IS NULL$$), ($$addr IS NULL$$), ($$addr->>'city' = 'x'$$),
	($$name IS DISTINCT FROM 'a'$$), ($$name IS NOT DISTINCT FROM 'a'$$)
	) AS t(c);
SELECT sent(format('name = %L', repeat('x', 4000))) LIKE 'rechecked: Name = %',
	sent(format('name = %L', repeat('x', 4001))), sent(format('name = %L', repeat('🙂', 2001)));

-- LIKE: a pattern that matches at least as much
SELECT c, sent(c) FROM (VALUES
	($$name LIKE 'Ac%'$$), ($$name LIKE 'A_me%'$$), ($$name LIKE 'A__%_me'$$), ($$name LIKE '100\%'$$),
	($$name LIKE 'a\_b%'$$), ($$name LIKE 'a\\b'$$), ($$name LIKE 'a\'$$), ($$name LIKE '%'$$),
	($$name LIKE ''$$), ($$name LIKE '% x '$$), ($$name LIKE 'it''s%'$$), ($$name LIKE '\%%'$$),
	($$name ILIKE 'ac%'$$), ($$name ILIKE 'zürich%'$$), ($$name ILIKE 'Kiel%'$$),
	($$name NOT LIKE 'Ac%'$$), ($$name ~ '^Ac'$$), ($$name LIKE 'A#%' ESCAPE '#'$$),
	($$name ^@ 'Ac'$$), ($$ext LIKE 'A%'$$), ($$ext ILIKE 'A%'$$), ($$long LIKE 'A%'$$), ($$multi::text LIKE 'A%'$$)
	) AS t(c);

-- booleans are never null over there, but a missing parent's counts as false
SELECT c, sent(c) FROM (VALUES
	('flag'), ('NOT flag'), ('flag = true'), ('flag <> true'), ('flag = false'), ('flag IS TRUE'),
	('flag IS NOT TRUE'), ('flag IS FALSE'), ('flag IS NOT FALSE'), ('flag IS UNKNOWN'),
	('flag IS NULL'), ('flag IS NOT NULL'), ('flag > false'), ('flag IN (true, false)'),
	('flag = (n4 > 5)'), ('pflag'), ('NOT pflag'), ('pflag IS NOT TRUE'), ('pflag IS NOT FALSE'),
	('(n4 = 5) IS TRUE'), ('(n4 = 5) IS NOT TRUE'), ('(n4 = 5) IS NOT FALSE')
	) AS t(c);

-- whole numbers: values beyond the field or between two of its values have a clear answer
SELECT c, sent(c) FROM (VALUES
	('n4 = 5'), ('5 = n4'), ('n4 <> 5'), ('n4 < 5'), ('n4 <= 5'), ('n4 > -5'), ('5 <= n4'),
	('n4 BETWEEN 1 AND 5'), ('n4 IN (1, 2, 3)'), ('n4 NOT IN (1, 2)'), ('n4 IS NULL'), ('n4 = n8'),
	('n4 = 3000000000'), ('n4 < 3000000000'), ('n4 > 3000000000'), ('n4 <> 3000000000'),
	('n4 IN (1, 3000000000)'), ('n4 > -3000000000'), ('n4 = 5.0'), ('n4 = 2.5'), ('n4 <> 2.5'),
	('n4 < 2.5'), ('n4 <= 2.5'), ('n4 > 2.5'), ('n4 >= -2.5'), ('n4 < 1e6'), ('n4 < 1e6::float8'),
	($$n4 < 'NaN'::float8$$), ($$n4 > 'NaN'::numeric$$), ($$n4 < '-Infinity'::float8$$),
	('n4 < 2147483647.5'), ('n4 < 2147483646.5'), ('n4 > 2.00000000000000000001'),
	('n4 + 1 = 5'), ('n4::text = $$5$$'), ('n4::float4 = 5'), ('n4::numeric(3,1) = 5'), ('-n4 = 5'),
	('n2 = 5'), ('n2 = 70000'), ('n8 = 5'), ('n8 = 9223372036854775807'), ('n8 = 5.5'),
	('n8 < 1e15::numeric'), ('n8 = 5::float8'), ('nn = 5'), ('nn < 5.5'), ('nn = 1e10')
	) AS t(c);

-- decimal numbers: 15 digits come and go as they are
SELECT c, sent(c) FROM (VALUES
	('num = 5'), ('num = 5.50'), ('num = -0.0'), ('num = 0.001'), ('num = 1e3'), ('num <> 1.5'),
	('num < 1.5'), ('num BETWEEN 1.5 AND 2.5'), ('num IN (1, 2.5)'), ('num NOT IN (1, 2.5)'),
	('num = 123456789012345'), ('num = 1234567890123456'), ('num = 1234567890123450000'),
	('num = 123456789012345000'), ('num = 0.123456789012345'), ('num = 0.1234567890123456'),
	('num = 1e18'), ('num = 1e-18'), ('num = 1e-19'), ($$num = 'NaN'$$), ($$num < 'NaN'$$),
	($$num > '-Infinity'$$), ('num IN (1, 1e30)'), ('num = 5::float8'), ('cur > 1000000'),
	('pct = 0.1'), ('pct = 5'), ('pct = 1e-7'), ('pct = 1e17'), ('pct = 1e18'), ('pct = 1/3.0'),
	('pct = 0.30000000000000004'), ('pct < 123456.789'), ($$pct < 'Infinity'$$), ($$pct = 'NaN'$$),
	('pct = 0.1::float4'), ('pct = 0.5::float4'), ('pct::numeric = 5'),
	('rnd = 5'), ('rnd IS NULL'), ('f4 = 5'), ('i_on_double = 5'), ('num = cur'), ('num % 2 = 0')
	) AS t(c);

-- dates and datetimes: 1700 to 4000, whole seconds, and the session's time zone for what has none
SET TimeZone = 'America/New_York';
SELECT c, sent(c) FROM (VALUES
	($$d = '2024-02-29'$$), ($$d <> '2024-02-29'$$), ($$d < '2024-02-29'$$), ($$d >= '2024-02-29'$$),
	($$d IN ('2024-02-29', '0001-01-01')$$), ($$d IS NOT NULL$$),
	($$d = '1700-01-01'$$), ($$d = '1699-12-31'$$), ($$d > '1699-12-31'$$), ($$d < '1699-12-31'$$),
	($$d <= '4000-12-31'$$), ($$d <= '4001-01-01'$$), ($$d > 'infinity'$$), ($$d < 'infinity'$$),
	($$d > '-infinity'$$), ($$d <> 'infinity'$$), ($$d < '0044-03-15 BC'$$),
	($$d > '2024-02-29'::timestamptz$$), ($$d > '2024-02-29'::timestamp$$), ($$d + 1 = '2024-03-01'$$),
	($$ts = '2024-02-29 12:00:00'$$), ($$ts = '2024-02-29 12:00:00+00'$$), ($$ts <> '2024-02-29 12:00Z'$$),
	($$ts < '2024-02-29 12:00Z'$$), ($$ts > '2024-02-29 12:00Z'$$), ($$ts >= '2024-02-29 12:00:00.25Z'$$),
	($$ts > '2024-02-29 12:00:00.25Z'$$), ($$ts <= '2024-02-29 12:00:00.25Z'$$),
	($$ts < '2024-02-29 12:00:00.25Z'$$), ($$ts = '2024-02-29 12:00:00.25Z'$$),
	($$ts <> '2024-02-29 12:00:00.25Z'$$), ($$ts = '1969-12-31 23:59:59.999999Z'$$),
	($$ts IN ('2024-02-29 12:00Z', '2024-03-01Z')$$), ($$ts IN ('2024-02-29 12:00:00.5Z')$$),
	($$ts >= '1700-01-01 00:00Z'$$), ($$ts >= '1699-12-31 23:59:59Z'$$), ($$ts < '4000-12-31 00:00Z'$$),
	($$ts < '4000-12-31 23:59:59Z'$$), ($$ts < '4001-01-01 00:00Z'$$), ($$ts < 'infinity'$$), ($$ts = '-infinity'$$),
	($$ts >= '2024-02-29'::date$$), ($$ts < '2024-07-01'::date$$), ($$ts < 'infinity'::date$$),
	($$ts > '2024-02-29 12:00'::timestamp$$), ($$ts > '2024-02-29 12:00:00.5'::timestamp$$),
	($$ts::date = '2024-02-29'$$), ($$date_trunc('day', ts) = '2024-02-29'$$),
	($$ts0 = '2024-02-29 12:00Z'$$), ($$ts0 IS NULL$$),
	($$tsl = '2024-02-29 12:00'$$), ($$tsl < '2024-02-29'::date$$), ($$tsl < '2024-02-29 12:00Z'::timestamptz$$),
	($$d_on_ts = '2024-02-29'$$), ($$tm = '12:00'$$), ($$tm IS NULL$$)
	) AS t(c);

-- multi-select picklists: arrays here, INCLUDES over there
SELECT c, sent(c) FROM (VALUES
	($$multi @> '{a}'$$), ($$multi @> '{a,B b}'$$), ($$'{a,b}' <@ multi$$), ($$multi @> '{}'$$),
	($$multi @> '{a,NULL}'$$), ($$multi @> NULL$$), ($$multi @> '{a;b}'$$), ($$multi @> '{a,""}'$$), ($$multi @> '{a," b"}'$$),
	($$multi @> ARRAY['it''s "1\2"']$$), ($$multi && '{a,b}'$$), ($$'{a,b}' && multi$$), ($$multi && '{}'$$),
	($$multi && '{a,NULL}'$$), ($$multi && '{NULL}'$$), ($$multi && '{a;b}'$$), ($$'a' = ANY (multi)$$),
	($$'' = ANY (multi)$$), ($$NULL = ANY (multi)$$), ($$'a' = ALL (multi)$$), ($$'a' <> ANY (multi)$$),
	($$NOT 'a' = ANY (multi)$$), ($$NOT multi && '{a}'$$), ($$multi = '{a,b}'$$), ($$multi <> '{a,b}'$$), ($$multi <@ '{a,b}'$$),
	($$multi[1] = 'a'$$), ($$array_length(multi, 1) = 2$$), ($$multi > '{a}'$$), ($$multi @> ARRAY[name]$$),
	($$multi @> ARRAY[current_user::text]$$), ($$multi && string_to_array(current_setting('application_name'), ',')$$),
	($$current_user::text = ANY (multi)$$), ($$'a' = ANY (multi) OR n4 = 1$$), ($$name = ANY (multi)$$)
	) AS t(c);
SELECT sent(format('multi @> ARRAY[%L]', repeat('x', 4000))) LIKE 'rechecked: Multi__c INCLUDES (%',
	sent(format('multi @> ARRAY[%L, %L]', repeat('x', 2000), repeat('y', 2000)));

-- the day of a datetime: spans of time in the session's time zone
SELECT c, sent(c) FROM (VALUES
	($$ts::date = '2024-02-29'$$), ($$'2024-02-29' = ts::date$$), ($$ts::date <> '2024-02-29'$$), ($$ts::date < '2024-02-29'$$),
	($$ts::date <= '2024-02-29'$$), ($$ts::date > '2024-02-29'$$), ($$ts::date >= '2024-02-29'$$), ($$'2024-02-29' < ts::date$$),
	($$ts::date BETWEEN '2024-02-01' AND '2024-02-29'$$), ($$date(ts) = '2024-02-29'$$),
	($$ts::date = '2024-03-10'$$), ($$ts::date = '2024-11-03'$$), ($$NOT ts::date = '2024-02-29'$$),
	($$ts::date IN ('2024-03-02', '2024-02-29', '2024-03-01', '2024-02-29', '2024-05-01')$$), ($$ts::date IN ('2024-02-29', NULL)$$),
	($$ts::date NOT IN ('2024-02-29', '2024-05-01')$$), ($$ts::date NOT IN ('2024-02-29', NULL)$$),
	($$ts::date = ANY ('{}')$$), ($$ts::date <> ALL ('{}')$$), ($$ts::date = NULL$$), ($$ts::date IS NULL$$),
	($$ts::date = 'infinity'$$), ($$ts::date < 'infinity'$$), ($$ts::date > '-infinity'$$), ($$ts::date < '1700-01-01'$$),
	($$ts::date >= '1700-01-01'$$), ($$ts::date > '1700-01-01'$$), ($$ts::date <= '4000-12-30'$$), ($$ts::date > '4000-12-30'$$),
	($$ts::date > '4000-12-31'$$), ($$ts::date < '0044-03-15 BC'$$), ($$ts::date > '2024-02-29'::timestamp$$),
	($$ts::date = d$$), ($$ts::date + 1 = '2024-03-01'$$), ($$ts0::date = '2024-02-29'$$), ($$tsl::date = '2024-02-29'$$),
	($$d_on_ts::date = '2024-02-29'$$), ($$ts::date = current_date$$), ($$ts::date >= current_date - 7$$), ($$ts::date < current_date$$),
	($$ts::date <= current_date$$), ($$ts::date > current_date$$), ($$ts::date <> current_date$$),
	($$ts::date = ANY (ARRAY[current_date, current_date - 1])$$), ($$ts::date <> ALL (ARRAY[current_date])$$),
	($$ts::date = '2024-02-29' OR n4 = 1$$), ($$(ts AT TIME ZONE 'UTC')::date = '2024-02-29'$$)
	) AS t(c);
-- midnight that does not exist, clocks put back over midnight, a day left out
SET TimeZone = 'America/Sao_Paulo';
SELECT sent($$ts::date = '2018-11-04'$$), sent($$ts::date = '2018-02-17'$$);
SET TimeZone = 'America/St_Johns';
SELECT sent($$ts::date = '2006-10-29'$$), sent($$ts::date >= '2006-10-29'$$), sent($$ts::date <> '2006-10-29'$$);
SET TimeZone = 'Pacific/Apia';
SELECT sent($$ts::date = '2011-12-30'$$), sent($$ts::date < '2011-12-30'$$), sent($$ts::date = '2011-12-31'$$);
-- every change that a zone has made: the spans hold what PostgreSQL says of the hours around it
CREATE FUNCTION wrong_days(zone text, around date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	soql text;
	day date;
	wrong bigint := 0;
	this_day bigint;
BEGIN
	PERFORM set_config('TimeZone', zone, false);
	FOR day IN SELECT d::date FROM generate_series(around::timestamp - '5 days'::interval, around::timestamp + '5 days'::interval, '1 day') AS d LOOP
		soql := substring(sent(format('ts::date = %L', day)) FROM 'exact: (CreatedDate.*|\(.*)');
		soql := coalesce(regexp_replace(regexp_replace(soql, 'CreatedDate', 't', 'g'), '(\d{4}-\S+?Z)', '''\1''', 'g'), 'false');
		EXECUTE format('SELECT count(*) FROM generate_series(%L::date::timestamptz - interval ''36 hours'',
			%1$L::date::timestamptz + interval ''60 hours'', interval ''15 minutes'') AS g(x), unnest(ARRAY[x, x - interval ''1 second'']) AS t
			WHERE (%s) <> (t::date = %1$L)', day, soql) INTO this_day;
		wrong := wrong + this_day;
	END LOOP;
	RETURN wrong;
END $$;
SELECT wrong_days(zone, day), zone FROM (VALUES ('America/St_Johns', '2006-10-29'::date), ('America/St_Johns', '2006-04-02'),
	('Pacific/Apia', '2011-12-30'), ('America/Sao_Paulo', '2018-11-04'), ('America/Sao_Paulo', '2018-02-17'), ('Europe/Vienna', '2024-03-31')) AS t(zone, day);
SET TimeZone = 'America/New_York';

-- what is known only when the query runs: shown as it stands in the query
SELECT c, sent(c) FROM (VALUES
	('ts > now()'), ($$ts > now() - interval '7 days'$$), ('d = current_date'), ('d > current_date - 7'),
	('ts >= current_date'), ('ts > localtimestamp'), ('name = current_user::text'),
	('n4 = extract(year FROM now())::int'), ('num = extract(year FROM now())'),
	('n4 = (random() * 10)::int'), ('ts > clock_timestamp()'), ('name = current_setting($$application_name$$)'),
	('name LIKE current_user || $$%$$'), ('name <> current_user::text'), ('ext <> current_setting($$application_name$$)'),
	('id = current_setting($$application_name$$)'), ('id = ANY (string_to_array(current_setting($$application_name$$), $$,$$))'),
	('id <> ALL (string_to_array(current_setting($$application_name$$), $$,$$))'),
	('n4 = (SELECT 5)'), ('n4 = (SELECT max(oid)::int FROM pg_class)'), ('n4 IN (SELECT 5)'),
	('EXISTS (SELECT 1 FROM pg_class WHERE oid::int = n4)')
	) AS t(c);

-- AND, OR, NOT: an OR goes when each arm can, an AND when any part can
SELECT c, sent(c) FROM (VALUES
	($$n4 = 1 AND n8 = 2 AND num = 3$$), ($$n4 = 1 OR n8 = 2$$), ($$n4 = 1 OR name = 'x'$$),
	($$n4 = 1 OR lower(name) = 'x'$$), ($$n4 = 1 AND lower(name) = 'x'$$),
	($$(n4 = 1 AND n8 = 2) OR (flag AND num = 3)$$), ($$(n4 = 1 AND lower(name) = 'x') OR n8 = 2$$),
	($$(n4 = 1 OR n8 = 2) AND (num = 3 OR cur = 4)$$), ($$n4 = 1 OR (n8 = 2 AND (num = 3 OR flag))$$),
	($$NOT (n4 = 1)$$), ($$NOT (n4 = 1 OR n8 = 2)$$), ($$NOT (n4 = 1 AND n8 = 2)$$), ($$NOT (n4 IS NULL)$$),
	($$NOT (name = 'x')$$), ($$NOT (n4 = 1 OR name = 'x')$$), ($$n4 = 1 OR id = 'short'$$),
	($$id = 'short' OR name = ''$$), ($$n4 = 1 AND id = 'short'$$), ($$n4 < 9e9 OR flag$$),
	($$n4 = 1 OR id <> ALL ('{}')$$), ($$n4 = 1 OR n4 IS NULL$$), ($$CASE WHEN flag THEN n4 = 1 END$$),
	($$coalesce(n4, 0) = 0$$), ($$(n4, n8) = (1, 2)$$), ($$(n4, n8) < (1, 2)$$), ($$n4 = 1 AND n4 = 2$$),
	($$false$$), ($$n4 = 1 AND NULL$$), ($$acc IS NOT NULL$$), ($$n4 = n4$$)
	) AS t(c);

-- lists: of any length, as the scan cuts them; EXPLAIN shows their beginning
CREATE FUNCTION id_list(n integer) RETURNS text[] LANGUAGE sql IMMUTABLE AS
	$$ SELECT array_agg('0013h00000' || to_char(i, 'FM00000')) FROM generate_series(1, n) AS i $$;
SELECT sent(format('id = ANY (%L)', id_list(4)));
SELECT sent(format('id = ANY (%L)', id_list(4000)));
SELECT sent(format('id = ANY (%L)', id_list(50000)));
SELECT sent(format('id = ANY (%L) AND ref = ANY (%1$L) AND n4 = 1', id_list(4300)));
SELECT sent(format('id = ANY (%L) OR n4 = 1', id_list(4000)));
SELECT sent(format('id = ANY (%L) OR n4 = 1', id_list(5000)));
SELECT sent(format('id <> ALL (%L)', id_list(5000)));
SELECT sent(format('name = ANY (%L)', ARRAY(SELECT 'name ' || i FROM generate_series(1, 20000) AS i)));
SELECT sent(format('name = ANY (%L)', ARRAY(SELECT ' name ' || i FROM generate_series(1, 20000) AS i)));
SELECT sent(format('n4 = ANY (%L)', ARRAY(SELECT i FROM generate_series(1, 30000) AS i)));
SELECT sent(format('n4 = ANY (%L)', ARRAY(SELECT i FROM generate_series(1, 300) AS i)));
SELECT sent('id = ANY (ARRAY(SELECT relname::text FROM pg_class))');
SELECT sent('id = ANY (ARRAY(SELECT relname::text FROM pg_class)) OR n4 = 1');
SELECT sent('name = ANY (ARRAY(SELECT relname::text FROM pg_class))');
SELECT sent('n4 = ANY (ARRAY(SELECT oid::int FROM pg_class))');
SELECT sent('ref <> ALL (ARRAY(SELECT relname::text FROM pg_class))');
-- what the scan may have to look up itself is asked for, a count is a count, and there is no order of several queries
EXPLAIN (VERBOSE, COSTS OFF) SELECT n4 FROM acc WHERE id = ANY (string_to_array(current_setting('application_name'), ','))
	AND ref = ANY (string_to_array(current_setting('application_name'), ','));
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM acc WHERE id = ANY (string_to_array(current_setting('application_name'), ','));
EXPLAIN (VERBOSE, COSTS OFF) SELECT n4 FROM acc WHERE id = ANY (string_to_array(current_setting('application_name'), ',')) ORDER BY n4 LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT n4 FROM acc WHERE id = ANY (string_to_array(current_setting('application_name'), ',')) LIMIT 3;

-- nothing is sent of what is not to be
ALTER FOREIGN TABLE acc OPTIONS (ADD pushdown 'false');
SELECT sent('n4 = 1');
ALTER FOREIGN TABLE acc OPTIONS (SET pushdown 'true');

-- amounts of several currencies cannot be compared over there
SELECT sent('cur = 1'), sent('cur IS NULL');
ALTER FOREIGN TABLE acc ADD COLUMN currencyisocode text;
SELECT sent('cur = 1'), sent('cur IS NULL'), sent('num = 1');

DROP SERVER sf CASCADE;
