--
-- Options: what may be set where, to which values, and what is said when not.  No network.
--
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER sf;
CREATE FOREIGN TABLE account (id text, name text) SERVER sf OPTIONS (object 'Account');

-- Prints what a command says, one line, so that a hundred of them stay readable.
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	state text;
BEGIN
	EXECUTE command;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT, state = RETURNED_SQLSTATE;
	RETURN state || ' ' || message || coalesce(' | ' || nullif(detail, ''), '') ||
		coalesce(' | ' || nullif(hint, ''), '');
END $$;

-- Makes a table and drops it again.
CREATE FUNCTION try_table(options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := try('CREATE FOREIGN TABLE tried (id text) SERVER sf ' || options);
BEGIN
	DROP FOREIGN TABLE IF EXISTS tried;
	RETURN result;
END $$;

-- Sets an option and takes it away again.
CREATE FUNCTION try_option(place text, name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	command text := CASE place
		WHEN 'server' THEN 'ALTER SERVER sf OPTIONS (%s %I %s)'
		WHEN 'user' THEN 'ALTER USER MAPPING FOR CURRENT_USER SERVER sf OPTIONS (%s %I %s)'
		WHEN 'table' THEN 'ALTER FOREIGN TABLE account OPTIONS (%s %I %s)'
		WHEN 'column' THEN 'ALTER FOREIGN TABLE account ALTER name OPTIONS (%s %I %s)'
	END;
	result text := try(format(command, 'ADD', name, quote_literal(value)));
BEGIN
	IF result = 'ok' THEN
		EXECUTE format(command, 'DROP', name, '');
	END IF;
	RETURN result;
END $$;

SET client_min_messages = warning;
\pset tuples_only on
\pset format unaligned

-- names: unknown, misspelt, of another place, of no place
SELECT try_option('server', 'nonsense', 'x');
SELECT try_option('server', 'login_uri', 'x');
SELECT try_option('server', 'Transport', 'rest');
SELECT try_option('server', 'client_id', 'x');
SELECT try_option('server', 'object', 'x');
SELECT try_option('user', 'clientid', 'x');
SELECT try_option('user', 'login_url', 'x');
SELECT try_option('user', 'transport', 'rest');
SELECT try_option('table', 'objekt', 'x');
SELECT try_option('table', 'login_url', 'x');
SELECT try_option('table', 'filterable', 'true');
SELECT try_option('column', 'fild', 'x');
SELECT try_option('column', 'object', 'x');
SELECT try_option('column', 'names', 'lower');
SELECT try_option('column', repeat('x', 100), 'y');
SELECT try('ALTER FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url ''x'')');
SELECT try('ALTER FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (nonsense ''x'')');

-- URLs
SELECT v, try_option('server', 'login_url', v) FROM (VALUES
	('https://login.salesforce.com'), ('https://test.salesforce.com/'),
	('https://acme.my.salesforce.com'), ('HTTPS://ACME.MY.SALESFORCE.COM'),
	('https://acme--full.sandbox.my.salesforce.com:443/path'), ('https://site.force.com/customers'),
	('http://127.0.0.1:8080'), ('http://localhost'), ('http://[::1]:8080/'), ('https://127.1.2.3'),
	('http://login.salesforce.com'), ('ftp://login.salesforce.com'), ('login.salesforce.com'), (''),
	('https://'), ('https://salesforce.com'), ('https://evil.com'),
	('https://login.salesforce.com.evil.com'), ('https://evilsalesforce.com'),
	('https://evil.com/login.salesforce.com'), ('https://evil.com#.salesforce.com'),
	('https://evil.com?.salesforce.com'), ('https://evil.com\.salesforce.com'),
	('https://user:pa55word@login.salesforce.com'), ('https://login.salesforce.com@evil.com'),
	('https://login.salesforce.com:99999'), ('https://login.salesforce.com:'),
	('https://login.salesforce.com:80x'), ('https://login.sales force.com'),
	('https://login.salesforce.com/ä'), ('http://127.0.0.1.evil.com'), ('http://128.0.0.1'),
	('http://127.0.0.256'), ('http://[::2]'), ('https://[fe80::1')
	) AS t(v);
SELECT try_option('server', 'instance_url', 'https://acme.my.salesforce.com');
SELECT try_option('server', 'instance_url', 'https://acme.example.com');

-- versions
SELECT v, try_option('server', 'api_version', v) FROM (VALUES
	('62.0'), ('47.0'), ('99.0'), ('46.0'), ('62'), ('v62.0'), ('62.1'), ('100.0'), ('6.0'), (''), ('62.0 ')
	) AS t(v);

-- times, with a unit or in milliseconds
SELECT v, try_option('server', 'request_timeout', v) FROM (VALUES
	('120000'), ('10s'), ('500ms'), ('2min'), ('1.5s'), ('0'), ('-1'), ('2h'), ('10 parsecs'), ('soon'), ('')
	) AS t(v);
SELECT try_option('server', 'connect_timeout', '11min');
SELECT try_option('table', 'poll_interval_max', '50ms');
SELECT try_option('table', 'poll_interval_max', '2s');
SELECT try_option('table', 'job_timeout', '0');
SELECT try_option('table', 'job_timeout', '8d');
SELECT try_option('server', 'job_timeout', '1d');

-- numbers
SELECT v, try_option('table', 'rest_row_limit', v) FROM (VALUES
	('1'), ('2000'), ('50000'), ('0'), ('50001'), ('-5'), ('many'), ('2.7'), ('0x10'), ('20 ms'), ('99999999999'), ('')) AS t(v);
SELECT v, try_option('server', 'download_streams', v) FROM (VALUES ('1'), ('20'), ('21'), ('0')) AS t(v);
SELECT v, try_option('server', 'max_retries', v) FROM (VALUES ('0'), ('20'), ('21'), ('-1')) AS t(v);
SELECT v, try_option('server', 'page_rows', v) FROM (VALUES ('0'), ('50000'), ('-1')) AS t(v);
SELECT v, try_option('server', 'fdw_startup_cost', v) FROM (VALUES
	('0'), ('12.5'), ('1e3'), ('-1'), ('NaN'), ('cheap')) AS t(v);
SELECT try_option('table', 'fdw_tuple_cost', '0.01');
SELECT v, try_option('table', 'reject_limit', v) FROM (VALUES
	('-1'), ('0'), ('2147483647'), ('-2'), ('2147483648'), ('some')) AS t(v);
SELECT v, try_option('server', 'parallel_jobs', v) FROM (VALUES ('1'), ('20'), ('0'), ('21'), ('2.5')) AS t(v);
SELECT v, try_option('server', 'batch_rows', v), try_option('table', 'batch_rows', v) FROM (VALUES ('1'), ('10000'), ('0'), ('10001')) AS t(v);
SELECT v, try_option('server', 'bulk_api', v), try_option('table', 'bulk_api', v) FROM (VALUES ('1.0'), ('2.0'), ('1'), ('3.0')) AS t(v);
SELECT v, try_option('server', 'concurrency', v), try_option('table', 'concurrency', v) FROM (VALUES ('serial'), ('parallel'), ('seriel')) AS t(v);
-- Bulk API 2.0 has no such mode, which is told where the table is used
ALTER SERVER sf OPTIONS (ADD concurrency 'serial');
SELECT try('EXPLAIN SELECT id FROM account');
ALTER FOREIGN TABLE account OPTIONS (ADD bulk_api '1.0');
SELECT try('EXPLAIN SELECT id FROM account');
ALTER FOREIGN TABLE account OPTIONS (DROP bulk_api);
ALTER SERVER sf OPTIONS (DROP concurrency);
SELECT v, try_option('server', 'pk_chunking', v), try_option('table', 'pk_chunking', v) FROM (VALUES
	('true'), ('off'), ('1'), ('100000'), ('250000'), ('0'), ('250001'), ('-1'), ('1e5'), ('some'), ('')) AS t(v);
SELECT v, try_option('server', 'pk_chunking_parent', v), try_option('table', 'pk_chunking_parent', v) FROM (VALUES
	('Account'), ('Invoice__c'), ('Account; startRow=0')) AS t(v);
-- nor does it divide a query as it is told, unless the table has chosen it against its server
ALTER FOREIGN TABLE account OPTIONS (ADD pk_chunking '5');
SELECT try('EXPLAIN SELECT id FROM account');
ALTER FOREIGN TABLE account OPTIONS (ADD bulk_api '1.0', ADD pk_chunking_parent 'Account');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account LIMIT 3;
ALTER FOREIGN TABLE account OPTIONS (DROP pk_chunking);
SELECT try('EXPLAIN SELECT id FROM account');
ALTER FOREIGN TABLE account OPTIONS (DROP pk_chunking_parent, SET bulk_api '2.0');
ALTER SERVER sf OPTIONS (ADD bulk_api '1.0', ADD pk_chunking 'true');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER FOREIGN TABLE account OPTIONS (DROP bulk_api);
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER SERVER sf OPTIONS (DROP bulk_api, DROP pk_chunking);
SELECT v, try_option('column', 'length', v) FROM (VALUES ('1'), ('131072'), ('0'), ('1000001'), ('80B'), ('')) AS t(v);

-- what must remain of the daily API calls: a share or a number
SELECT v, try_option('server', 'api_reserve', v) FROM (VALUES
	('0'), ('1'), ('5000'), ('10%'), ('2.5%'), ('0%'), ('99.9%'), ('100%'), ('-1%'), ('%'),
	('ten'), ('10 %%'), ('0.1'), ('-5'), (''), ('1000000000'), ('1000000001'), ('nan%')) AS t (v);
SELECT try_option('table', 'api_reserve', '10%');

-- sizes, with a unit or in bytes
SELECT v, try_option('table', 'job_bytes', v) FROM (VALUES
	('1000'), ('100000000'), ('90MB'), ('512kB'), ('2000B'), ('1.5MB'), ('999'), ('100000001'), ('1GB'), ('96MB'),
	('-1'), ('90 megabytes'), ('10s'), ('big'), ('')) AS t(v);
SELECT try_option('server', 'job_bytes', '10MB');

-- booleans and words
SELECT v, try_option('table', 'pushdown', v) FROM (VALUES
	('true'), ('false'), ('on'), ('off'), ('0'), ('1'), ('maybe'), ('')) AS t(v);
SELECT try_option('server', 'compression', 'false');
SELECT try_option('table', 'query_all', 'true');
SELECT try_option('table', o, 'true'), try_option('table', o, 'perhaps'), try_option('server', o, 'true')
FROM unnest(ARRAY['updatable', 'truncatable', 'keep_jobs', 'async_capable', 'hard_delete']) AS o;
SELECT v, try_option('table', 'apply', v), try_option('server', 'apply', v) FROM (VALUES
	('statement'), ('commit'), ('Commit'), ('comit'), ('later'), ('')) AS t(v);
SELECT v, try_option('table', 'on_error', v), try_option('server', 'on_error', v) FROM (VALUES
	('stop'), ('ignore'), ('STOP'), ('ignor'), ('continue'), ('')) AS t(v);
SELECT v, try_option('table', 'transport', v) FROM (VALUES
	('auto'), ('rest'), ('bulk'), ('BULK'), ('bulk2'), ('soap'), ('')) AS t(v);
SELECT v, try_option('user', 'auth', v) FROM (VALUES
	('client_credentials'), ('jwt'), ('refresh_token'), ('access_token'), ('password'), ('soap'),
	('client_credential'), ('oauth')) AS t(v);
SELECT v, try_option('column', 'type', v) FROM (VALUES
	('string'), ('textarea'), ('picklist'), ('id'), ('reference'), ('int'), ('double'), ('currency'),
	('datetime'), ('anyType'), ('curency'), ('varchar'), ('text')) AS t(v);
SELECT try_option('column', o, 'true'), try_option('column', o, 'perhaps') FROM unnest(ARRAY[
	'case_sensitive', 'filterable', 'sortable', 'groupable', 'aggregatable', 'createable', 'updateable']) AS o;
SELECT v, try_option('column', 'scale', v) FROM (VALUES ('0'), ('15'), ('18'), ('19'), ('-1'), ('2.5'), ('')) AS t(v);

-- names go into SOQL, so they can be nothing but names
SELECT v, try_table(format('OPTIONS (object %L)', v))
FROM (VALUES ('Account'), ('Invoice__c'), ('ns__Invoice__c'), (''), ('Account, Contact'), ('Account WHERE x'),
	('1Account'), ('Account.Name'), ('_Account'), ('Konto-Ä'), (repeat('x', 81))) AS t(v);
SELECT v, try_option('column', 'field', v) FROM (VALUES
	('Name'), ('Account.Name'), ('A.B.C.D.E.F'), ('Parent__r.Ext__c'), ('A.B.C.D.E.F.G'), ('Account.'),
	('.Name'), ('Account..Name'), ('Name, Id'), ('COUNT(Id)'), ('Name''s'), (''),
	('Lead:Who.Email'), ('ns__Thing__c:Parent__r.ns__Ext__c'), ('Lead:Who'), ('Lead:Who.Owner.Email'), (':Who.Email'),
	('Lead:.Email'), ('Lead:Who.'), ('Lead::Who.Email'), ('Lead.Who:Email'), ('Le ad:Who.Email')) AS t(v);
SELECT v, try_option('table', 'upsert_key', v) FROM (VALUES
	('Ext__c'), ('ns__Ext__c'), ('Id'), ('Account.Ext__c'), ('Ext__c/../'), ('Ext__c?x'), ('')) AS t(v);
SELECT try_option('server', 'upsert_key', 'Ext__c'), try_option('column', 'upsert_key', 'true');
SELECT v, try_option('table', 'assignment_rule_id', v) FROM (VALUES
	('01Q5e000000TestEAC'), ('01Q5e000000Test'), ('01Q5e000000TestAAA'), ('01Q5e000000Tes'), ('01Q5e000000Te-t'), ('')) AS t(v);
SELECT try_option('server', 'assignment_rule_id', '01Q5e000000Test');
SELECT v, try_table(format('OPTIONS (query %L)', v))
FROM (VALUES ('SELECT Id FROM Account'), ('DELETE FROM Account'), ('SELECTED'), ('')) AS t(v);
SELECT try_table(format('OPTIONS (query %L)',
	'SELECT Id FROM Account WHERE Name = ' || quote_literal(repeat('x', 100000))));

-- lists
SELECT v, try_option('column', 'picklist', v) FROM (VALUES
	('{Hot,Warm,Cold}'), ('{"A, B","say \"x\"","NULL"}'), ('{Hot,NULL}'), ('{{Hot},{Warm}}'), ('{}'), ('Hot,Warm'), ('{Hot,Warm'), ('{Hot,{Warm}}'), ('[0:1]={a,b}'),
	('')) AS t(v);
SELECT try_option('table', 'picklist', '{a}'), try_option('column', 'picklists', '{a}');
SELECT try_option('column', 'creatable', 'true'), try_option('column', 'updatable', 'true'),
	   try_option('column', 'lenght', '5');
SELECT try_option('table', 'updateable', 'true'), try_option('table', 'rejectlimit', '5'), try_option('table', 'on_eror', 'stop');

-- credentials: texts, not shown when they are wrong
SELECT o, try_option('user', o, 'text'), try_option('user', o, '') FROM unnest(ARRAY['client_id',
	'client_secret', 'refresh_token', 'access_token', 'username', 'password', 'security_token']) AS o;
SELECT try_option('user', 'private_key', 'not-a-key-but-secret');
SELECT try_option('user', 'private_key', E'-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n');
SELECT try_option('user', 'private_key_file', '/etc/ssl/private/sf.pem');
SELECT try_option('user', 'private_key_file', 'sf.pem');
SELECT try_option('server', 'ca_file', 'ca.pem');
SELECT try_option('server', 'ca_file', '/etc/ssl/certs/ca.pem');
SELECT try_option('server', 'proxy', 'http://proxy.example.com:3128');

-- options that need or exclude each other
SELECT try_table('');
SELECT try_table('OPTIONS (object ''A'', query ''SELECT Id FROM A'')');
SELECT try('ALTER FOREIGN TABLE account OPTIONS (DROP object)');
SELECT try('ALTER FOREIGN TABLE account OPTIONS (DROP object, ADD query ''SELECT Id, Name FROM Account'')');
SELECT try('ALTER FOREIGN TABLE account OPTIONS (DROP query, ADD object ''Account'')');
SELECT try($$ALTER USER MAPPING FOR CURRENT_USER SERVER sf OPTIONS (private_key_file '/x',
	private_key '-----BEGIN PRIVATE KEY-----')$$);
SELECT try_table('OPTIONS (query ''SELECT Id FROM A'', upsert_key ''Ext__c'')');

-- what the table says goes before what the server says
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER SERVER sf OPTIONS (ADD transport 'rest');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER FOREIGN TABLE account OPTIONS (ADD transport 'bulk');
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account;
ALTER SERVER sf OPTIONS (DROP transport);
ALTER FOREIGN TABLE account OPTIONS (DROP transport);

-- a column whose name no field can have says so when it is used
CREATE FOREIGN TABLE named ("Annual Revenue" numeric) SERVER sf OPTIONS (object 'Account');
SELECT try('EXPLAIN SELECT * FROM named');
ALTER FOREIGN TABLE named ALTER "Annual Revenue" OPTIONS (ADD field 'AnnualRevenue');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM named;

-- a lookup that is written by a field of what it refers to: never selected, never asked for
CREATE FOREIGN TABLE task (id text, subject text, lead_email text OPTIONS (field 'Lead:Who.Email', filterable 'true'))
	SERVER sf OPTIONS (object 'Task');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM task WHERE lead_email IS NULL AND subject = 'x';
EXPLAIN (VERBOSE, COSTS OFF) SELECT task FROM task WHERE lead_email = 'a@b.c' ORDER BY lead_email;
EXPLAIN (VERBOSE, COSTS OFF) SELECT lead_email, count(*) FROM task GROUP BY 1;

DROP SERVER sf CASCADE;
