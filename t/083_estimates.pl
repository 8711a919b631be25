# ANALYZE, use_remote_estimate and explain_remote: whose credentials, what is asked, what becomes of refusals
# and of networks that break, large tables, and every format of EXPLAIN.
use strict;
use warnings;

use CPAN::Meta::YAML;
use JSON::PP;
use SfPsql;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 1000, Contact => 6000, Opportunity => 300, Invoice__c => 14000 });
my $node = node_start('estimates');
server_create($node, $sim, options => { max_retries => 1, request_timeout => '20s' });
tables_import($node, 'account', 'contact', 'opportunity', 'invoice__c');
my $c = SfPsql->new($node);

my $counts = { method => 'GET', path => '*/limits/recordCount' };
my $explain = { method => 'GET', path => '*/query', query => 'explain=*' };
my $limits = { method => 'GET', path => '*/limits' };
my $refused = { count => 0, status => 403, content_type => 'application/json',
	body => '[{"message":"no such right","errorCode":"INSUFFICIENT_ACCESS"}]' };

# Paths and queries since the last look, decoded, without logins.
sub sent
{
	my @sent = map { (my $query = $_->{query} // '') =~ s/%(..)/chr hex $1/ge;
		($_->{path} =~ s/^.*v62\.0//r) . ($query ne '' ? "?$query" : '') }
	  grep { $_->{path} !~ /oauth2/ } @{ $sim->log };
	$sim->log_clear;
	return @sent;
}

# Starts a case: no faults, an empty log.
sub fresh
{
	$sim->fault_clear;
	$sim->log_clear;
	return;
}

sub reltuples { return $c->value("SELECT reltuples FROM pg_class WHERE oid = '$_[0]'::regclass"); }

sub explain_json
{
	my ($sql, $options) = @_;
	return JSON::PP->new->decode($c->value('EXPLAIN (FORMAT JSON' . ($options // '') . ") $sql"))->[0]{Plan};
}

# ---- ANALYZE: whose credentials --------------------------------------------------------------

subtest 'the owner of the table asks' => sub {
	my $mapping = options_sql(client_id => $sim->env('SF_CLIENT_ID'),
		client_secret => $sim->env('SF_CLIENT_SECRET'));

	$node->safe_psql('postgres', qq{
		CREATE ROLE alice LOGIN;
		GRANT USAGE ON FOREIGN SERVER sf TO alice;
		GRANT ALL ON SCHEMA public TO alice;
		CREATE USER MAPPING FOR alice SERVER sf OPTIONS (client_id 'x', client_secret 'not hers');
		SET ROLE alice;
		CREATE FOREIGN TABLE hers (id text, name text) SERVER sf OPTIONS (object 'Account')});
	fresh();
	my ($error) = psql_result($node, 'ANALYZE hers');
	is($error->{sqlstate}, '28000', 'with her wrong secret she cannot, whoever runs ANALYZE');
	$node->safe_psql('postgres', "DROP USER MAPPING FOR alice SERVER sf");
	($error) = psql_result($node, 'ANALYZE hers');
	is($error->{sqlstate}, '42704', 'nor without a mapping');
	like($error->{message}, qr/"alice"/, 'which names her');
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR alice SERVER sf $mapping;
		ALTER USER MAPPING FOR CURRENT_USER SERVER sf OPTIONS (SET client_secret 'not his')");
	$node->safe_psql('postgres', 'ANALYZE hers');
	is(reltuples('hers'), 1000, 'with the right one it works, although his is wrong');
	$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER sf
		OPTIONS (SET client_secret " . quote_sql($sim->env('SF_CLIENT_SECRET')) . ')');
};

# ---- ANALYZE: counts -------------------------------------------------------------------------

subtest 'the count is refused' => sub {
	fresh();
	$sim->fault({ %$counts, %$refused });
	$c->value('ANALYZE sf.opportunity');
	my @sent = sent();
	is_deeply([ map { s/SELECT .*, .* FROM/SELECT ... FROM/r } @sent ],
		[ '/limits/recordCount?sObjects=Opportunity', '/query?q=SELECT COUNT() FROM Opportunity',
			'/query?q=SELECT ... FROM Opportunity LIMIT 80001' ],
		'COUNT() is asked instead');
	is(reltuples('sf.opportunity'), 300, 'how many there are');
};

subtest 'a count that is old' => sub {
	for my $claim (5, 9_000_000)
	{
		fresh();
		$sim->fault({ %$counts, count => 0, status => 200, content_type => 'application/json',
			body => "{\"sObjects\":[{\"count\":$claim,\"name\":\"Opportunity\"}]}" });
		$c->value('ANALYZE sf.opportunity');
		is(reltuples('sf.opportunity'), 300, "$claim are claimed, but all were read");
	}
};

subtest 'no count, or none at all' => sub {
	fresh();
	$sim->fault({ %$counts, count => 0, status => 200, content_type => 'application/json',
		body => '{"sObjects":[]}' });
	$c->value('ANALYZE sf.opportunity');
	is(scalar(grep { /COUNT\(\)/ } sent()), 1, 'an object that is left out is counted');

	fresh();
	$c->value("CREATE FOREIGN TABLE deleted (id text, name text) SERVER sf
		OPTIONS (object 'Opportunity', query_all 'true')");
	$node->safe_psql('postgres', 'DELETE FROM sf.opportunity WHERE id IN
		(SELECT id FROM sf.opportunity ORDER BY id LIMIT 20)');
	$sim->log_clear;
	$c->value('ANALYZE deleted');
	my @sent = sent();
	is_deeply([ grep { /recordCount|COUNT/ } @sent ], ['/queryAll?q=SELECT COUNT() FROM Opportunity'],
		'records in the recycle bin are counted where they are read');
	is(reltuples('deleted'), $c->value('SELECT count(*) FROM deleted'), 'so many');
	$c->value('ANALYZE sf.opportunity');
	is(reltuples('sf.opportunity'), 280, 'and not where they are not');
};

# ---- ANALYZE: a large table ------------------------------------------------------------------

# How far the bounds of the histogram of Ids are from where they should be.
sub unevenness
{
	my ($table) = @_;
	return $c->value(qq{
		WITH ids AS (SELECT id, row_number() OVER (ORDER BY id COLLATE "C") - 1 AS n,
					count(*) OVER () - 1 AS last FROM sf.$table),
			bounds AS (SELECT id, bound - 1 AS bound, count(*) OVER () - 1 AS last FROM pg_stats,
					unnest(histogram_bounds::text::text[]) WITH ORDINALITY u(id, bound)
				WHERE schemaname = 'sf' AND tablename = '$table' AND attname = 'id')
		SELECT round(max(abs(bound::numeric / b.last - n::numeric / i.last)), 3) FROM bounds b
			JOIN ids i USING (id)});
}

subtest 'ranges of ids' => sub {
	fresh();
	$c->value("SET default_statistics_target = 10;
		ALTER FOREIGN TABLE sf.invoice__c OPTIONS (ADD page_rows '200')");
	$c->value('ANALYZE sf.invoice__c');
	is(reltuples('sf.invoice__c'), 14000, 'the count');
	my @sent = sent();
	is(scalar(grep { /ORDER BY Id (?:DESC )?LIMIT 375$/ } @sent), 8, 'eight runs');
	cmp_ok(unevenness('invoice__c'), '<', 0.1, 'of everywhere');

	# an org that has moved: nothing in the middle of the Ids, and few at one end
	$c->value(q{SET sfbulk_fdw.write_summary = off; DELETE FROM sf.invoice__c WHERE id IN (SELECT id FROM
		(SELECT id, row_number() OVER (ORDER BY id COLLATE "C") AS n FROM sf.invoice__c) s
		WHERE n BETWEEN 501 AND 8500)});
	$sim->log_clear;
	$c->value('ANALYZE sf.invoice__c');
	is(reltuples('sf.invoice__c'), 6000, 'the count of what is left');
	is(scalar(grep { /ORDER BY Id (?:DESC )?LIMIT 375$/ } sent()), 8, 'eight runs');
	cmp_ok(unevenness('invoice__c'), '<', 0.1, 'of where there are records, as many as there are');
	is($c->value(q{SELECT n_distinct FROM pg_stats WHERE schemaname = 'sf' AND tablename = 'invoice__c'
		AND attname = 'id'}), -1, 'none twice');
};

subtest 'ids cannot be sorted' => sub {
	fresh();
	$sim->fault({ method => 'GET', path => '*/query', query => '*ORDER%20BY*', count => 0, status => 400,
		content_type => 'application/json',
		body => '[{"message":"cannot sort","errorCode":"MALFORMED_QUERY"}]' });
	my $result = $c->query('SET client_min_messages = debug1; ANALYZE VERBOSE sf.invoice__c');
	is($result->{error}, undef, 'is no error');
	like($result->{messages}, qr/DEBUG: .*MALFORMED_QUERY: cannot sort/, 'the reason is at DEBUG1');
	like($result->{messages}, qr/DETAIL: +The sample is of the first 4800 records only\./, 'what that means');
	$c->value('RESET client_min_messages');
	is(reltuples('sf.invoice__c'), 6000, 'the count');
};

subtest 'wide rows' => sub {
	fresh();
	$c->value('SET maintenance_work_mem = 1024');
	my $wide = q{SELECT string_agg(format('%s text OPTIONS (field %L)', 'c' || n, p || 'Description'), ', ')
		FROM unnest('{"",Account.,ReportsTo.,ReportsTo.Account.}'::text[]) WITH ORDINALITY AS u(p, n)};
	is($c->value($wide) =~ tr/,//, 3, 'columns');
	$c->value('CREATE FOREIGN TABLE wide (id text, ' . $c->value($wide) . ") SERVER sf OPTIONS (object 'Contact')");
	$c->value('ANALYZE wide');
	is(reltuples('wide'), 6000, 'are counted');
	$c->value('RESET maintenance_work_mem');
};

subtest 'a SELECT list that is too long for REST' => sub {
	fresh();
	my $columns = $c->value(q{SELECT string_agg(format('c%s text OPTIONS (field %L)', row_number, path), ', ')
		FROM (SELECT row_number() OVER (), prefix || split_part(o.option, '=', 2) AS path
			FROM unnest('{Account.,Account.Parent.,Account.Parent.Parent.,Account.Parent.Parent.Parent.,
				ReportsTo.Account.,ReportsTo.Account.Parent.,ReportsTo.Account.Parent.Parent.}'::text[]) AS prefix,
			pg_attribute a, unnest(a.attfdwoptions) AS o(option)
			WHERE a.attrelid = 'sf.account'::regclass AND o.option LIKE 'field=%') s});
	$c->value("CREATE FOREIGN TABLE long (id text, $columns) SERVER sf OPTIONS (object 'Contact')");
	$c->value('SET default_statistics_target = 1');
	$c->value('ANALYZE long');
	is(reltuples('long'), 6000, 'is read by jobs');
	cmp_ok(scalar(grep { m{^/jobs/query$} } sent()), '>=', 1, 'which were made');
	is_deeply($sim->jobs, [], 'and are gone');
	$c->value('SET default_statistics_target = 10');
};

subtest 'a partitioned table' => sub {
	fresh();
	$c->value(q{CREATE TABLE parted (id text, name text) PARTITION BY RANGE (id);
		CREATE FOREIGN TABLE parted_a PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('002') SERVER sf
			OPTIONS (object 'Account');
		CREATE FOREIGN TABLE parted_o PARTITION OF parted FOR VALUES FROM ('002') TO (MAXVALUE) SERVER sf
			OPTIONS (object 'Opportunity')});
	$c->value('ANALYZE parted');
	is(reltuples('parted_a') . '/' . reltuples('parted_o'), '1000/280', 'each partition');
	is($c->value(q{SELECT n_distinct FROM pg_stats WHERE tablename = 'parted' AND attname = 'id' AND inherited}),
		-1, 'and all of it');
};

# ---- ANALYZE: what breaks --------------------------------------------------------------------

subtest 'errors and cancels' => sub {
	for ([ 'the count', $counts ], [ 'the sample', { method => 'GET', path => '*/query' } ])
	{
		my ($name, $where) = @$_;

		fresh();
		$sim->fault({ %$where, count => 0, close => 'before' });
		is($c->query('ANALYZE sf.account')->{error}{sqlstate}, '08006', "$name: the network breaks");

		fresh();
		$sim->fault({ %$where, hold => 'before' });
		$c->begin('ANALYZE sf.account');
		$sim->wait_request(%$where, state => 'held');
		$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
		is($c->end->{error}{sqlstate}, '57014', "$name: cancelled");
		$sim->fault_clear;
		is($c->query('ANALYZE sf.account')->{error}, undef, "$name: and again");
	}
	fresh();
	$c->value("CREATE FOREIGN TABLE narrow (id text, n smallint OPTIONS (field 'NumberOfEmployees')) SERVER sf
		OPTIONS (object 'Account')");
	my $error = $c->query('ANALYZE narrow')->{error};
	is($error->{sqlstate}, '22003', 'a value that cannot be read');
	like($error->{context}, qr/column "n" \(field NumberOfEmployees\) of foreign table "narrow", row \d+ of the result/,
		'where it is');
	is_deeply($sim->jobs, [], 'no job is left');
};

# ---- use_remote_estimate ---------------------------------------------------------------------

subtest 'planning with remote estimates' => sub {
	my $filter = 'SELECT id FROM sf.account WHERE numberofemployees > 50000';

	$node->safe_psql('postgres', q{ALTER SERVER sf OPTIONS (ADD use_remote_estimate 'true')});
	fresh();
	my $rows = explain_json($filter)->{'Plan Rows'};
	is_deeply([ sent() ], ['/query?explain=SELECT Id FROM Account WHERE NumberOfEmployees > 50000'], 'one call');
	is($rows, $c->value("SELECT count(*) FROM ($filter OFFSET 0) s"), 'what Salesforce says');

	fresh();
	$sim->fault({ %$explain, count => 0, status => 200, content_type => 'application/json', body =>
		'{"plans":[{"cardinality":77,"sobjectCardinality":123456,"leadingOperationType":"Index","relativeCost":0.1},
		{"cardinality":99,"sobjectCardinality":123456}]}' });
	is(explain_json($filter)->{'Plan Rows'}, 77, 'the cheapest of its plans');
	is(explain_json('SELECT id FROM sf.account')->{'Plan Rows'}, 123456, 'without a condition the size of the object');
	$c->value('PREPARE s AS SELECT id FROM sf.account WHERE numberofemployees > 50000; EXECUTE s; EXECUTE s');
	$sim->log_clear;
	$c->value('EXECUTE s') for 1 .. 5;
	is(scalar(grep { /explain/ } sent()), 0, 'a plan that is kept asks no more');

	fresh();
	$sim->fault({ %$explain, %$refused });
	my $result = $c->query("SET client_min_messages = debug1; EXPLAIN $filter");
	like($result->{messages}, qr/DEBUG: .*INSUFFICIENT_ACCESS: no such right/, 'a refusal is told at DEBUG1');
	like($result->{rows}, qr/^Foreign Scan on account.*rows=/m, 'and guessed as ever');
	$c->value('RESET client_min_messages');

	fresh();
	$sim->fault({ %$explain, count => 0, close => 'before' });
	is($c->query("EXPLAIN $filter")->{error}{sqlstate}, '08006', 'a network that breaks is an error');
	fresh();
	$sim->fault({ %$explain, hold => 'before' });
	$c->begin("EXPLAIN $filter");
	$sim->wait_request(%{$explain}{qw(method path)}, state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	is($c->end->{error}{sqlstate}, '57014', 'planning can be cancelled');

	# the view's owner plans with his mapping, also for who has none
	fresh();
	$node->safe_psql('postgres', 'CREATE ROLE bob LOGIN; CREATE VIEW seen AS SELECT * FROM sf.account; GRANT SELECT ON seen TO bob;
		GRANT USAGE ON SCHEMA sf TO bob; GRANT SELECT ON sf.account TO bob');
	my $bob = SfPsql->new($node, user => 'bob');
	is($bob->query('EXPLAIN SELECT id FROM sf.account')->{error}{sqlstate}, '42704', 'bob has no mapping');
	is($bob->query('EXPLAIN SELECT id FROM seen')->{error}, undef, "but a view is planned with its owner's");
	is($bob->query('SET sfbulk_fdw.explain_remote = on; EXPLAIN SELECT id FROM seen')->{error}, undef,
		'and explained');
	$bob->close;
	$node->safe_psql('postgres', q{ALTER SERVER sf OPTIONS (DROP use_remote_estimate)});
};

# ---- explain_remote --------------------------------------------------------------------------

subtest 'formats of EXPLAIN' => sub {
	my $sql = 'SELECT id FROM sf.contact';

	fresh();
	$c->value('SET sfbulk_fdw.explain_remote = on');
	my $json = explain_json($sql);
	is($json->{'Remote Estimated Rows'}, 6000, 'JSON: rows');
	my $yaml = CPAN::Meta::YAML->read_string($c->value("EXPLAIN (FORMAT YAML) $sql"))->[0][0]{Plan};
	my $xml = $c->value("EXPLAIN (FORMAT XML) $sql");
	my $text = $c->value("EXPLAIN $sql");
	for my $key (grep { /Remote|Estimated|Today|Per Day/ } sort keys %$json)
	{
		(my $tag = $key) =~ s/ /-/g;
		my $value = $key =~ /API Calls Left/ ? qr/1[0-9]{4}/ : qr/\Q$json->{$key}\E0*/;

		like($yaml->{$key}, qr/^$value$/, "YAML: $key");
		is($c->value("SELECT count(*) FROM unnest(xpath('//*[local-name()=\"$tag\"]', " . quote_sql($xml) . "::xml)) u
			WHERE u::text ~ '>[0-9A-Za-z.]+</'"), 1, "XML: $key");
		like($text, qr/^ *\Q$key\E: $value/m, "text: $key") if $key !~ /Per Day/;
	}
	like($text, qr/^ *API Calls Left Today: \d+ of 15000$/m, 'text: left of all');
};

subtest 'what EXPLAIN says without an answer' => sub {
	fresh();
	$sim->fault({ %$explain, %$refused });
	$sim->fault({ %$limits, %$refused });
	my $plan = explain_json('SELECT id FROM sf.account');
	is($plan->{'Remote Estimate'}, 'none, as Salesforce does not explain the query', 'no estimate');
	is($plan->{'Estimated API Calls'}, 1, 'calls by the rows that ANALYZE found');
	ok(!exists $plan->{'API Calls Left Today'}, 'no limits');
	fresh();
	$sim->fault({ %$limits, count => 0, close => 'before' });
	is($c->query('EXPLAIN SELECT id FROM sf.account')->{error}{sqlstate}, '08006', 'the network breaks');
	fresh();
	$sim->set(query_jobs_max => 50, api_max => 20000);
	$plan = explain_json('SELECT id FROM sf.account');
	is($plan->{'Bulk Query Jobs Per Day'}, 50, 'limits as the org has them');
	is($plan->{'API Calls Per Day'}, 20000, 'and calls');
	$c->value('SET sfbulk_fdw.explain_remote = off');
	fresh();
	explain_json('SELECT id FROM sf.account');
	is_deeply([ sent() ], [], 'off: nothing is sent');
};

# ---- the time in the queue -------------------------------------------------------------------

subtest 'queue and processing time' => sub {
	my $poll = { method => 'GET', path => '*/jobs/query/750' . '?' x 15 };

	fresh();
	$node->safe_psql('postgres', q{ALTER FOREIGN TABLE sf.account OPTIONS (ADD transport 'bulk')});
	$sim->set(hold_jobs => 'UploadComplete');
	$c->begin('EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT id FROM sf.account');
	$sim->wait_request(%$poll, state => 'done', count => 3);
	$sim->set(hold_jobs => 'none');
	my $plan = JSON::PP->new->decode($c->end->{rows})->[0]{Plan};
	cmp_ok($plan->{'Queue Time'}, '>', 0, 'it waited');
	cmp_ok($plan->{'Queue Time'}, '<=', $plan->{'Job Time'}, 'as part of its time');
	cmp_ok($plan->{Polls}, '>', 3, 'polls');
	ok(exists $plan->{'Processing Time'}, 'and was processed');
	is_deeply($sim->jobs, [], 'no job is left');
};

$c->close;
$node->stop;
done_testing();
