# Bulk scans that several processes share: each row once, by as many processes as there are; errors,
# cancels and early ends as in a scan of one process.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

# One worker beside the leader, whatever it costs; autovacuum's workers do not start as of themselves.
my $t = SfFault->new('parallel', schemas => [ 'bulk', 'chain', 'old', 'rest' ],
	rows => { Contact => 600 },
	options => { transport => 'bulk', fdw_startup_cost => 0 },
	own => { chain => { page_rows => 100 }, old => { api_version => '57.0' },
		rest => { transport => 'rest' } },
	conf => q{
		parallel_setup_cost = 0
		parallel_tuple_cost = 0
		min_parallel_table_scan_size = 0
		max_parallel_workers_per_gather = 1
		log_statement = none
	});
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my $yes = JSON::PP::true;
my $all = "$SfFault::all %s.account a";

# The locators that pages were asked for by, first tries alone.
sub pages_of
{
	my ($log) = @_;
	return map { $_->{query} =~ /locator=([^&]*)/ ? $1 : '' }
	  grep { $_->{method} eq 'GET' && $_->{path} =~ m{/results$} } @$log;
}

# Ten pages, each of which was asked for exactly once.
my $once = sub {
	my ($log) = @_;
	my %seen;

	$seen{$_}++ for pages_of($log);
	is(join(' ', values %seen), join(' ', (1) x 10), 'each of ten pages once');
	is(requests($log, $create), 1, 'one job');
};

like($c->value('EXPLAIN (COSTS OFF) ' . ($all =~ s/%s/bulk/r)),
	qr/^ +->  Gather\n +Workers Planned: 1\n +->  Parallel Foreign Scan/m, 'the plan');

# ---- who reads ---------------------------------------------------------------------------------

# One of two processes has three of the usual five downloads, so four that wait are those of two.
my $both = { %$page, hold => 'before', count => 4 };
my $when_both = sub {
	$sim->wait_request(%$page, state => 'held', count => 4);
	$sim->release;
};

for ([ 'all rows', $all ],
	[ 'an aggregate in each process', "SELECT count(*), count(*), sum(hashtextextended(a::text, 0))
		FROM %s.account a" ],
	[ 'CREATE TABLE AS', "CREATE TEMP TABLE made AS SELECT * FROM %s.account;
		$SfFault::all made a; DROP TABLE made" ],
	[ 'a prepared statement', "PREPARE p AS $all; EXECUTE p; DEALLOCATE p" ])
{
	my ($name, $sql) = @$_;

	$t->run("$name, by two", sql => $sql, faults => $both, during => $when_both, logins => 2,
		log => $once);
}
$t->run('every list of pages is asked for once', faults => $both, during => $when_both,
	set => { page_links => 3 }, log => sub {
		$once->($_[0]);
		is(requests($_[0], $links), 4, 'four lists');
	});

# Some pages ahead, so that nobody waits for each answer; but not where others would have none.
sub when_held
{
	my ($n) = @_;

	return (faults => { %$page, hold => 'before', count => $n }, during => sub {
		$sim->wait_request(%$page, state => 'held', count => $n);
		$sim->release;
	});
}
$t->run('a process has several pages under way', logins => 1, log => $once, when_held(3),
	sql => "SET max_parallel_workers = 0; $all; RESET max_parallel_workers");
$t->run('two pages are shared fairly', set => { page_rows => 500 }, logins => 2, when_held(2));

# Fewer processes than planned.
$t->run('no worker starts', sql => "SET max_parallel_workers = 0; $all; RESET max_parallel_workers",
	logins => 1, log => $once);
$t->run('two workers are planned, one starts', sql => "SET max_parallel_workers_per_gather = 2;
	SET max_parallel_workers = 1; $all; RESET max_parallel_workers;
	RESET max_parallel_workers_per_gather", faults => $both, during => $when_both, logins => 2,
	log => $once);
my $aside = 'SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2';
my $back = 'RESET parallel_leader_participation; RESET max_parallel_workers_per_gather';
$t->run('the leader has other things to do', sql => "$aside; $all; $back", faults => $both,
	during => $when_both, logins => 3, log => $once);
$t->run('the leader has, but there is no worker', logins => 1, log => $once,
	sql => "$aside; SET max_parallel_workers = 0; $all; $back; RESET max_parallel_workers");
$t->run('more workers than pages', set => { page_rows => 1000 },
	sql => "SET max_parallel_workers_per_gather = 4; $all; RESET max_parallel_workers_per_gather",
	log => sub { is(scalar pages_of($_[0]), 1, 'one page') });
$t->run('a result without rows', sql => q{SELECT count(*) FROM %s.account WHERE name = 'nobody'},
	rows => 0, log => sub { is(scalar pages_of($_[0]), 1, 'one page') });
$t->run('what cannot have a row', rows => 0, logins => 0,
	sql => q{SET plan_cache_mode = force_generic_plan;
		PREPARE p(text) AS SELECT count(*) FROM %s.account WHERE industry = $1; EXECUTE p(NULL);
		DEALLOCATE p; RESET plan_cache_mode});

# A Gather below what takes its rows one by one and may never come back has no workers.
$node->safe_psql('postgres', q{CREATE FUNCTION accounts() RETURNS SETOF text STABLE
	LANGUAGE sql AS 'SELECT id FROM bulk.account'});
$t->run('a function that gives a row at a time', rows => 1000, logins => 1, log => $once,
	sql => 'SELECT count(*) FROM (SELECT accounts() OFFSET 0) s');

# ---- how pages are found -------------------------------------------------------------------------

# The next page of a chain can be taken when the answer to the one before has begun.
my $begun = { %$page, hold => 'body', hold_at => 100, count => 4 };
my $when_begun = sub {
	$sim->wait_request(%$page, state => 'held', count => 4);
	$sim->release;
};

for my $by (qw(chain old))
{
	$t->run('pages name each other', by => $by, faults => $begun, during => $when_begun, logins => 2,
		log => $once);
	$t->run('pages name each other, and there is one process', by => $by, logins => 1, log => $once,
		sql => "SET max_parallel_workers = 0; $all; RESET max_parallel_workers");
	$t->run('a page of the chain breaks off', by => $by, faults => { %$page, nth => 5, truncate => 1000 });
	$t->run('a page of the chain breaks off for good', by => $by,
		faults => { %$page, nth => 5, count => 0, truncate => 1000 },
		error => '08006', message => qr/could not read a result page of query job 750/);
	$t->run('a page of the chain names none', by => $by,
		faults => { %$page, nth => 5, headers => { 'Sforce-Locator' => undef } },
		error => '08P01', message => qr/lacks the Sforce-Locator header/);
	$t->run('the chain ends early', by => $by,
		faults => { %$page, nth => 5, headers => { 'Sforce-Locator' => 'null' } },
		error => '08P01', message => qr/query job 750\w{15} gave 500 rows instead of 1000/);
	$t->run('the chain goes in circles', by => $by, faults => { %$page, nth => 5, same_locator => $yes },
		error => '08P01', message => qr/locator "[^"]+" of a result page came twice/);
}
$t->run("lists of pages: $_", set => { result_pages => $_, shuffle => $yes }, log => $once)
  for qw(doc postman chunks off);
$t->run('no list of pages: the chain', faults => { %$links, error => 'not_found' }, log => $once);

my $second = { %$links, nth => 2 };
$t->run("second list of pages: $_->[0]", faults => { %$second, %{ $_->[1] } },
	error => $_->[2], message => $_->[3])
  for [ '404' => { error => 'not_found' }, 'HV000', qr/NOT_FOUND/ ],
  [ 'garbage' => { status => 200, body => 'x' }, '08P01', qr/list of result pages/ ],
  [ 'no more pages' => { status => 200, body => '{"resultPages":[],"done":true}' }, '08P01',
	qr/query job 750\w{15} gave 500 rows instead of 1000/ ];
my $same = '"resultPages":[{"resultLink":"/a?locator=QQ"}]';
$t->run('second list of pages: a page that the first one had',
	sql => 'SELECT count(length(id)) FROM %s.account',
	faults => [
		{ %$links, status => 200, body => "{$same,\"nextRecordsUrl\":\"/x?locator=N\",\"done\":false}" },
		{ %$second, status => 200, body => "{$same,\"done\":true}" },
		{ %$page, status => 200, content_type => 'text/csv', body => "\"Id\"\n",
			headers => { 'Sforce-NumberOfRecords' => '0' } } ],
	error => '08P01', message => qr/the locator "QQ" of a result page came twice/);

# ---- pages that are not what they should be ------------------------------------------------------

for ([ 'the first page', 1 ], [ 'a page in the middle', 4 ], [ 'the last page', 10 ])
{
	my ($place, $nth) = @$_;
	my $fault = { %$page, nth => $nth };
	my $always = { %$fault, count => 0 };

	$t->run("$place breaks off once", faults => { %$fault, truncate => 1000 });
	$t->run("$place ends early inside of a whole message once", faults => { %$fault, gzip_cut => 1000 });
	$t->run("$place fails once", faults => { %$fault, status => 503, body => '' });
	$t->run("$place always breaks off", faults => { %$always, truncate => 1000 },
		error => '08006', message => qr/could not read a result page of query job 750/);
	$t->run("$place always fails", faults => { %$always, status => 500, body => '' },
		error => '[0-9A-Z]{5}', message => qr/500/);
	$t->run("$place lacks its last row", faults => { %$fault, drop_rows => 1 },
		error => '08P01', message => qr/has 99 rows instead of 100/);
	$t->run("$place lacks a row and says so", faults => { %$fault, drop_rows => 1, records_off => -1 },
		error => '08P01', message => qr/query job 750\w{15} gave 999 rows instead of 1000/);
	$t->run("$place is HTML", faults => { %$fault, error => 'html_200' },
		error => '08P01', message => qr{text/html.* instead of text/csv});
}
$t->run('a session ends between pages', faults => { %$page, nth => 5, expire_token => $yes });
$t->run('the job claims more rows', faults => { %$create, job => { records => 1001 } },
	error => '08P01', message => qr/query job 750\w{15} gave 1000 rows instead of 1001/);
$t->run('the job does not say how many rows', log => $once, faults => { %$poll, count => 0,
	replace => { find => '"numberRecordsProcessed":1000,', with => '' } });
$t->run('the job fails', faults => { %$create, job => { fail => 'no good' } },
	error => 'HV000', message => qr/no good/);
$t->run('a worker cannot log in', faults => { %$login, nth => 2, count => 0, status => 400,
		body => '{"error":"invalid_client"}' },
	sql => "$aside; $all",
	error => '28000', message => qr/invalid_client/);
$c->value('RESET ALL');

# ---- errors and ends --------------------------------------------------------------------------------

$t->run('an error in some process', error => '22012',
	sql => 'SELECT sum(1 / (length(name) * 0)) FROM %s.account');
$t->run('an error that is caught', sql => 'DO $$ BEGIN
		PERFORM sum(1 / (length(name) * 0)) FROM %s.account;
	EXCEPTION WHEN division_by_zero THEN NULL; END $$; ' . $all);

sub workers
{
	return $node->safe_psql('postgres', q{SELECT string_agg(pid::text, ' ') FROM pg_stat_activity
		WHERE backend_type = 'parallel worker' AND leader_pid = } . $c->pid);
}

# Both are in the middle of a page; or one of them waits for the list that the other has asked for.
for ([ 'pages', { %$page, hold => 'body', hold_at => 1000, count => 0 }, $page ],
	[ 'a list of pages', { %$links, hold => 'before', count => 0 }, $links ])
{
	my ($name, $fault, $request) = @$_;
	my $act = sub {
		my ($sql) = @_;

		return sub {
			$sim->wait_request(%$request, state => 'held', count => $name eq 'pages' ? 4 : 1);
			wait_for('a worker', sub { workers() ne '' });
			$node->safe_psql('postgres', $sql->());
		};
	};

	$t->run("cancelled while they wait for $name", faults => $fault, error => '57014',
		during => $act->(sub { 'SELECT pg_cancel_backend(' . $c->pid . ')' }),
		message => qr/canceling statement due to user request/);
	is(workers(), '', 'no worker is left');
	$t->run("a worker is told to go while they wait for $name", faults => $fault,
		during => $act->(sub { 'SELECT pg_terminate_backend(' . workers() . ')' }),
		error => '57P01', message => qr/terminating/);
	$t->run("timed out while they wait for $name", faults => $fault, error => '57014',
		sql => "BEGIN; SET LOCAL statement_timeout = 5000; $all; ROLLBACK",
		message => qr/canceling statement due to statement timeout/);
	$c->value('ROLLBACK');
}

# One worker's page is all that LIMIT needs; the other, whose page does not come, is not waited for.
my $some = 'SELECT 1 FROM %s.account WHERE length(name) > 0 LIMIT 3';
$c->value('SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2');
like($c->value('EXPLAIN (COSTS OFF) ' . ($some =~ s/%s/bulk/r)), qr/Gather/, 'LIMIT above Gather');
$t->run('LIMIT ends it early', sql => $some, rows => "1\n1\n1",
	faults => [ { %$page, name => 'first', hold => 'before' },
		{ %$page, name => 'others', nth => 2, count => 0, hold => 'before' } ],
	during => sub {
		$sim->wait_request(%$page, state => 'held', count => 4);
		$sim->release('first');
	});
$c->value('RESET ALL');
is(workers(), '', 'no worker is left');
$t->run('LIMIT ends it early, with the leader', rows => "1\n1\n1", sql => $some);

# ---- again and beside each other ----------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE TABLE three (n integer) WITH (parallel_workers = 0); INSERT INTO three VALUES (1), (2), (3);
	ANALYZE three; CREATE TABLE since AS SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY createddate)
	AS t FROM rest.account; ANALYZE since');
$c->value('SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off');
my $loop = 'SELECT count(*), count(DISTINCT a.id), sum(n) FROM three LEFT JOIN %s.account a
	ON length(a.name) > n - 100';
like($c->value('EXPLAIN (COSTS OFF) ' . ($loop =~ s/%s/bulk/r)),
	qr/Nested Loop Left Join\n.*\n +->  Seq Scan on three\n +->  Gather/, 'a Gather inside of a loop');
for my $by (qw(bulk chain))
{
	$t->run('read three times', by => $by, sql => $loop, rows => '3000|1000|6000', log => sub {
		is(requests($_[0], $create), 1, 'one job');
		is(scalar pages_of($_[0]), 30, 'its pages three times');
	});
}
$t->run('the second time goes wrong', sql => $loop, faults => { %$page, nth => 13, drop_rows => 1 },
	error => '08P01', message => qr/has 99 rows instead of 100/);
$c->value('RESET ALL');

my $param = 'SELECT count(length(id)) FROM %s.account WHERE createddate >= (SELECT t FROM since)';
like($c->value('EXPLAIN (COSTS OFF) ' . ($param =~ s/%s/bulk/r)), qr/Gather\n(?:.*\n)*.*Parallel Foreign Scan/,
	'a subquery that the leader evaluates');
$t->run('a value that is known when it runs', sql => $param,
	rows => $c->value($param =~ s/%s/rest/r), log => sub {
		like((grep { $_->{path} =~ m{/jobs/query$} } @{ $_[0] })[0]{body},
			qr/CreatedDate >= \d/, 'it was sent');
	});

my $union = 'SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM %s.account UNION ALL
	SELECT id FROM %s.contact) s';
like($c->value('EXPLAIN (COSTS OFF) ' . ($union =~ s/%s/bulk/gr)), qr/Parallel Append/,
	'two scans below a Parallel Append');
$t->run('UNION ALL', sql => $union, rows => '1600|1600', log => sub {
	is(scalar pages_of($_[0]), 16, 'pages of both');
	is(requests($_[0], $create), 2, 'two jobs');
});
my $join = 'SELECT count(*) FROM %s.account a JOIN %s.account b ON a.name = b.name';
$c->value('SET enable_mergejoin = off; SET enable_nestloop = off');
like($c->value('EXPLAIN (COSTS OFF) ' . ($join =~ s/%s/bulk/gr)),
	qr/Parallel Hash Join(?:.*\n)*.*Parallel Foreign Scan(?:.*\n)*.*Parallel Foreign Scan/,
	'two scans in a join');
$t->run('a join', sql => $join, rows => $c->value($join =~ s/%s/rest/gr), log => sub {
	is(scalar pages_of($_[0]), 20, 'pages of both');
	is(requests($_[0], $create), 2, 'two jobs');
});
$c->value('RESET ALL');

# ---- what EXPLAIN ANALYZE says ------------------------------------------------------------------------

$sim->set(page_rows => 100);
my $analyzed = $c->value('EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) ' . ($all =~ s/%s/bulk/r));
like($analyzed, qr/^ +Rows Received: 1000$/m, 'the rows of all processes');
like($analyzed, qr/^ +Pages: 10$/m, 'their pages');
my ($polls) = $analyzed =~ /^ +Polls: (\d+)$/m;
like($analyzed, qr/^ +API Calls: ${\(1 + $polls + 2 + 10)}$/m,
	'all calls: creation, polls, two lists, ten pages');
is_deeply($sim->jobs, [], 'no job is left');

$t->finish;
done_testing();
