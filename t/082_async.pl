# Append over scans of several orgs and objects: their jobs run together, rows come from whichever has
# some, whatever order they are in; and whatever happens to one of them, nothing of the others is left.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('async', schemas => [ 'bulk', 'rest' ],
	options => { poll_interval_max => '100ms' });
my $other = sfsim_start(rows => { Account => 400, Contact => 50 });
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my %orgs = (bulk => $sim, other => $other);

server_create($node, $other, name => 'other',
	options => { transport => 'bulk', poll_interval_max => '100ms', fdw_tuple_cost => '0.05' });
tables_import($node, 'account', 'contact', { server => 'other', schema => 'other' });
$node->safe_psql('postgres', q{
	CREATE TABLE parts (phone text, id text, fax text) PARTITION BY LIST (phone);
	CREATE FOREIGN TABLE parts_1 PARTITION OF parts FOR VALUES IN ('1') SERVER bulk OPTIONS (object 'Account');
	CREATE FOREIGN TABLE parts_2 PARTITION OF parts FOR VALUES IN ('2') SERVER other OPTIONS (object 'Account');
	CREATE FOREIGN TABLE parts_3 PARTITION OF parts FOR VALUES IN ('3') SERVER bulk OPTIONS (object 'Contact');
	CREATE FOREIGN TABLE parts_4 PARTITION OF parts FOR VALUES IN ('4') SERVER other OPTIONS (object 'Contact');
	CREATE TABLE three (n integer);
	INSERT INTO three VALUES (1), (2), (3);
	ANALYZE three});

# The four tables, as [ server, object, rows ].
my @tables = (
	[ 'bulk', 'Account', 1000 ],
	[ 'other', 'Account', 400 ],
	[ 'bulk', 'Contact', 30 ],
	[ 'other', 'Contact', 50 ]);
my $all = 1480;

# UNION ALL of them, each row with the table it comes from.
sub union
{
	my ($columns) = @_;
	return join ' UNION ALL ',
	  map { "SELECT '$_->[0] $_->[1]' AS t, $columns FROM $_->[0].$_->[1]" } @tables;
}

# How the rows of a cursor divide: { table => rows }.
sub counts
{
	my %counts;
	$counts{ $_ =~ s/\|.*//r }++ for split /\n/, $_[0];
	return \%counts;
}

sub expected
{
	return { map { ("$_->[0] $_->[1]" => $_->[2]) } @_ };
}

sub reset_orgs
{
	for (values %orgs)
	{
		$_->reset;
		$_->set(page_rows => 100);
	}
	return;
}

# Nothing is left of the statement: no job in either org, and the backend reads on.
sub nothing_left
{
	is_deeply([ map { @{ $_->jobs } } values %orgs ], [], 'no job is left');
	reset_orgs();
	is($c->value('SELECT count(*) FROM (' . union('id') . ' OFFSET 0) u'), $all,
		'all rows afterwards');
	$t->drop_sessions;
	$c->value("ALTER SERVER other OPTIONS (SET fdw_tuple_cost '0.05')");
	is($t->sockets, $t->{sockets}, 'descriptors');
	return;
}

# Keeps the job of a table from being complete until it is released by its name.
sub hold
{
	my ($server, $object) = @{ $_[0] };
	$orgs{$server}->fault({ %$create, request_body => "*FROM $object*", name => "$server $object",
		job => { hold => 'InProgress' } });
	return;
}

sub release
{
	my ($server, $object) = @{ $_[0] };
	$orgs{$server}->release("$server $object");
	return;
}

like($c->value('EXPLAIN ' . union('id')), qr/^Append.*(?:Async Foreign Scan.*){4}/s,
	'UNION ALL is asynchronous');
like($c->value('EXPLAIN SELECT id FROM parts'), qr/^Append.*(?:Async Foreign Scan.*){4}/s,
	'so are partitions');

# ---- together --------------------------------------------------------------------------------

# Each job takes a minute of its org's time, which stands still until all four are at work; then a
# single minute is enough for all of them.
for ([ 'UNION ALL', 'SELECT count(*), count(DISTINCT id) FROM (' . union('id') . ') u' ],
	[ 'partitions', 'SELECT count(*), count(DISTINCT id) FROM parts' ])
{
	my ($name, $sql) = @$_;

	subtest "four jobs together: $name" => sub {
		reset_orgs();
		my $expected = $c->value($sql);
		like($expected, qr/^$all\|/, 'all rows');
		reset_orgs();
		for (values %orgs)
		{
			$_->control('POST', 'clock', { freeze => JSON::PP::true });
			$_->set(job_ms => 60_000);
		}
		$c->begin($sql);
		$_->wait_request(%$create, count => 2) for values %orgs;
		for my $org (values %orgs)
		{
			my @jobs = map { $_->{id} } @{ $org->jobs };
			is(scalar @jobs, 2, 'two jobs in each org');
			$org->wait_request(method => 'GET', path => "*/jobs/query/$_", count => 2) for @jobs;
		}
		is(requests($_->log, $links), 0, 'none is complete') for values %orgs;

		# the first page of each is asked for before any of them is answered
		$_->fault({ %$page, hold => 'before', count => 0 }) for values %orgs;
		$_->control('POST', 'clock', { advance_ms => 60_000 }) for values %orgs;
		for my $org (values %orgs)
		{
			for my $job (@{ $org->jobs })
			{
				$org->wait_request(
					method => 'GET',
					path => "*/$job->{id}/results",
					state => 'held');
			}
		}
		$_->release for values %orgs;
		is($c->end->{rows}, $expected, 'rows');
		for my $org (values %orgs)
		{
			my @log = map { "$_->{method} $_->{path}" } @{ $org->log };
			my ($first_page) = grep { $log[$_] =~ m{/results$} } 0 .. $#log;
			is((grep { m{POST .*/jobs/query$} } @log[ 0 .. $first_page ]), 2,
				'both jobs were created before the first page');
			is((grep { m{POST .*/jobs/query$} } @log), 2, 'and no others');
			$org->control('POST', 'clock', { reset => JSON::PP::true });
		}
		nothing_left();
	};
}

# ---- from whichever has some -----------------------------------------------------------------

for my $last (@tables)
{
	my @first = grep { $_ != $last } @tables;
	my $rows = $all - $last->[2];

	subtest "the job of $last->[0] $last->[1] is the last" => sub {
		reset_orgs();
		hold($last);
		$c->value('BEGIN; DECLARE c CURSOR FOR ' . union('id'));
		is_deeply(counts($c->value("FETCH $rows FROM c")), expected(@first),
			'all rows of the others come before');
		is((grep { $_->{state} eq 'InProgress' } map { @{ $_->jobs } } values %orgs), 1,
			'its job is at work');
		$c->begin('FETCH ALL FROM c');
		release($last);
		is_deeply(counts($c->end->{rows}), expected($last), 'then its own');
		$c->value('COMMIT');
		nothing_left();
	};
}

subtest 'one after the other, in another order than the plan has them' => sub {
	reset_orgs();
	hold($_) for @tables;
	$c->value('BEGIN; DECLARE c CURSOR FOR ' . union('id'));
	for my $i (2, 3, 1, 0)
	{
		release($tables[$i]);
		is_deeply(counts($c->value("FETCH $tables[$i][2] FROM c")), expected($tables[$i]),
			"@{$tables[$i]}[0, 1]");
	}
	is($c->value('FETCH 1 FROM c'), '', 'that is all');
	$c->value('COMMIT');
	nothing_left();
};

subtest 'rows of several jobs that come in turns' => sub {
	reset_orgs();
	for (values %orgs)
	{
		$_->set(page_rows => 10);
		$_->fault({ %$page, piece => 500, piece_ms => 1, count => 0, chunked => JSON::PP::true });
	}
	is_deeply(counts($c->value(union('id, md5(name)'))), expected(@tables), 'all rows');
	nothing_left();
};

subtest 'the wait is one' => sub {
	reset_orgs();
	hold($_) for @tables;
	$c->begin('SELECT count(*) FROM (' . union('id') . ') u');
	wait_for('Append to wait', sub {
		return $node->safe_psql('postgres', 'SELECT wait_event FROM pg_stat_activity WHERE pid = '
			  . $c->pid) =~ /^AppendReady$/;
	});
	pass('Append waits');
	release($_) for @tables;
	is($c->end->{rows}, $all, 'rows');
	nothing_left();
};

# While Append waits for one org, the job of another, which is no part of it, is read on.
subtest 'sessions beside the Append' => sub {
	reset_orgs();
	hold($tables[0]);
	$c->value('SET enable_mergejoin = off; SET enable_nestloop = off');
	my $sql = 'SELECT count(*) FROM (SELECT id FROM bulk.account UNION ALL
		SELECT id FROM bulk.contact) u JOIN other.account a ON left(a.id, 18) = u.id';
	like($c->value("EXPLAIN $sql"), qr/Hash Join.*Async Foreign Scan/s, 'plan');
	$c->begin($sql);
	$sim->wait_request(method => 'DELETE', path => '*/jobs/query/*');	# the contacts are read
	$other->wait_request(%$page);
	release($tables[0]);
	like($c->end->{rows}, qr/^\d+$/, 'rows');
	$c->value('RESET ALL');
	nothing_left();
};

# ---- other kinds of scans, other plans -------------------------------------------------------

subtest 'counts and groups' => sub {
	plan skip_all => 'PostgreSQL 14 has a node above an aggregate that is not asynchronous'
	  if $node->pg_version < 15;
	for my $sql ('SELECT count(*) FROM %s.account', 'SELECT count(*), max(createddate) FROM %s.account')
	{
		my $union = join ' UNION ALL ', map { $sql =~ s/%s/$_/r } qw(rest other rest);

		reset_orgs();
		$c->value("ALTER SERVER other OPTIONS (SET transport 'auto')");
		like($c->value("EXPLAIN $union"), qr/^Append.*(?:Async Foreign Scan.*){3}/s, "plan: $sql");
		my %answer = map { $_ => $c->value($sql =~ s/%s/$_/r) } qw(rest other);
		like($answer{rest}, qr/^1000\b/, 'one answer');
		like($answer{other}, qr/^400\b/, 'the other');
		$sim->fault({ %$query, hold => 'before', name => 'first' });
		$c->value("BEGIN; DECLARE c CURSOR FOR $union");
		is_deeply([ sort split /\n/, $c->value('FETCH 2 FROM c') ], [ sort values %answer ],
			'those that are there come first');
		$c->begin('FETCH ALL FROM c');
		$sim->release('first');
		is($c->end->{rows}, $answer{rest}, 'then the last');
		$c->value('COMMIT');
		is($c->value("SELECT count(*), sum(u.count)
			FROM three, LATERAL (SELECT * FROM ($union) x WHERE x.count > three.n) u"), '9|7200',
			'read again');
		$c->value("ALTER SERVER other OPTIONS (SET transport 'bulk')");
		nothing_left();
	}
};

subtest 'aggregates that are made here after all' => sub {
	my $sql = 'SELECT sum(numberofemployees) FROM rest.account UNION ALL
		SELECT sum(numberofemployees) FROM rest.account WHERE numberofemployees > 100';
	reset_orgs();
	like($c->value("EXPLAIN $sql"), qr/^Append.*(?:Async Foreign Scan.*){2}/s, 'plan')
	  if $node->pg_version >= 15;
	my $expected = $c->value("SELECT * FROM ($sql) x ORDER BY 1");
	$sim->fault({ %$query, query => '*SUM*', error => 'query_timeout', count => 0 });
	is($c->value("SELECT * FROM ($sql) x ORDER BY 1"), $expected, 'the same');
	nothing_left();
};

subtest 'joins with parents' => sub {
	my $sql = join ' UNION ALL ', map {
		"SELECT c.id, a.name FROM $_.contact c LEFT JOIN $_.account a ON a.id = c.accountid"
	} qw(bulk other);
	reset_orgs();
	like($c->value("EXPLAIN $sql"), qr/^Append.*(?:Async Foreign Scan.*){2}/s, 'plan');
	hold($tables[2]);
	$c->value("BEGIN; DECLARE c CURSOR FOR $sql");
	is(scalar(split /\n/, $c->value('FETCH 50 FROM c')), 50, 'rows of the one that is complete');
	$c->begin('FETCH ALL FROM c');
	release($tables[2]);
	is(scalar(split /\n/, $c->end->{rows}), 30, 'rows of the other');
	$c->value('COMMIT');
	nothing_left();
};

subtest 'conditions that are checked here' => sub {
	reset_orgs();
	is($c->value('SELECT count(*) FROM (' . union('id') . ") u WHERE length(id) < 0"), 0, 'none');
	is($c->value('SELECT count(*) FROM (' . union('id, name') . ") u WHERE md5(name) < '8'"),
		$c->value('SET enable_async_append = off; SELECT count(*) FROM (' . union('id, name')
			  . ") u WHERE md5(name) < '8'; RESET enable_async_append"), 'some');
	nothing_left();
};

subtest 'by all transports, among tables that are here' => sub {
	my $sql = 'SELECT id FROM bulk.account UNION ALL SELECT n::text FROM three
		UNION ALL SELECT id FROM rest.account UNION ALL SELECT id FROM other.contact
		UNION ALL SELECT (n + 10)::text FROM three';
	reset_orgs();
	like($c->value("EXPLAIN $sql"), qr/Async Foreign Scan.*Seq Scan.*Async Foreign Scan/s, 'plan');
	hold($tables[0]);
	$c->value("BEGIN; DECLARE c CURSOR FOR $sql");
	my @rows = split /\n/, $c->value('FETCH 1056 FROM c');
	is(scalar @rows, 1056, 'rows of all that are ready');
	is((grep { /^1?\d$/ } @rows), 6, 'among them those of the tables here');
	$c->begin('FETCH ALL FROM c');
	release($tables[0]);
	is(scalar(split /\n/, $c->end->{rows}), 1000, 'and the rest');
	$c->value('COMMIT');
	nothing_left();
};

# More than Append takes events for at a time.
subtest 'forty scans' => sub {
	my $sql = join ' UNION ALL ', map { "SELECT id, $_ AS n FROM rest.contact" } 1 .. 40;
	reset_orgs();
	is($c->value("SELECT count(*), count(DISTINCT (id, n)) FROM ($sql) u"), '1200|1200', 'rows');
	is(requests($sim->log, $query), 40, 'requests');
	nothing_left();
};

subtest 'two in one plan' => sub {
	my $u = 'SELECT id, name FROM bulk.contact UNION ALL SELECT id, name FROM other.contact';
	reset_orgs();
	my $sql = "SELECT count(*), count(DISTINCT a.id) FROM ($u) a JOIN ($u) b ON b.id || '' = a.id || ''";
	is($c->value($sql),
		$c->value("SET enable_async_append = off; $sql; RESET enable_async_append"), 'rows');
	is(requests($_->log, $create), 4, 'jobs') for values %orgs;
	nothing_left();
};

subtest 'read again' => sub {
	reset_orgs();
	$c->value('SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off');
	is($c->value('SELECT count(*) FROM three LEFT JOIN parts p ON length(p.id) > n'), 3 * $all,
		'rows');
	is(requests($_->log, $create), 2, 'jobs') for values %orgs;
	is($c->value('SELECT count(*) FROM three, LATERAL (SELECT * FROM parts
		WHERE length(id) > n LIMIT 7) x'), 21, 'left early each time');
	$c->value('RESET ALL');
	nothing_left();
};

subtest 'parameters, and partitions that are left out when the plan runs' => sub {
	reset_orgs();
	$c->value('SET plan_cache_mode = force_generic_plan; PREPARE p(text, text) AS
		SELECT count(*) FROM parts WHERE phone = $1 OR phone = $2');
	$c->value(q{EXECUTE p('2', '4')});
	is_deeply([ map { requests($orgs{$_}->log, $create) } qw(bulk other) ], [ 0, 2 ],
		'requests of those that are left');
	$c->value('DEALLOCATE p; RESET plan_cache_mode');

	# each row of the outer table leaves other partitions
	reset_orgs();
	$c->value('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off');
	my $sql = 'SELECT count(*) FROM three CROSS JOIN LATERAL (SELECT * FROM parts
		WHERE phone = n::text OFFSET 0) x';
	like($c->value("EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) $sql"),
		qr/Async Foreign Scan on parts_3.*\n.*Async Foreign Scan on parts_4[^\n]*never executed/s,
		'one is never needed');
	$c->value('RESET ALL');
	nothing_left();
};

# ---- ends of all kinds -----------------------------------------------------------------------

for (
	[ 'a job that fails', 'HV000', qr/failed.*broken/,
		sub { $other->fault({ %$create, job => { fail => 'InvalidBatch : broken' } }); } ],
	[ 'a creation that is refused', 'HV000', qr/./,
		sub { $other->fault({ %$create, status => 500, count => 0,
			body => '[{"errorCode":"UNKNOWN_EXCEPTION","message":"broken"}]' }); } ],
	[ 'a login that is refused', '28000', qr/./,
		sub { $other->fault({ %$login, status => 400, count => 0,
			body => '{"error":"invalid_grant","error_description":"broken"}' }); } ],
	[ 'a page that is not whole', undef, undef,
		sub { $_->fault({ %$page, nth => 2, truncate => 500 }) for values %orgs; } ],
	[ 'a session that ends', undef, undef,
		sub { $_->fault({ %$page, nth => 2, expire_token => JSON::PP::true }) for values %orgs; } ])
{
	my ($name, $sqlstate, $message, $fault) = @$_;

	subtest $name => sub {
		reset_orgs();
		$t->drop_sessions;
		$c->value("ALTER SERVER other OPTIONS (SET fdw_tuple_cost '0.05')");
		hold($tables[0]) if defined $sqlstate;	# is at work when the other fails
		$fault->();
		my $result = $c->query('SELECT count(*) FROM (' . union('id') . ') u');
		is($result->{error} && $result->{error}{sqlstate}, $sqlstate, 'SQLSTATE')
		  or diag($result->{messages});
		like($result->{error}{message}, $message, 'message') if defined $message;
		is($result->{rows}, $all, 'rows') if !defined $sqlstate;
		nothing_left();
	};
}

for my $how ('pg_cancel_backend', 'statement_timeout', 'pg_terminate_backend')
{
	subtest "pending: $how" => sub {
		my $d = SfPsql->new($node);

		reset_orgs();
		hold($_) for @tables[ 0, 1, 3 ];
		$d->value('SET statement_timeout = 5000') if $how eq 'statement_timeout';
		$d->begin('SELECT count(*) FROM (' . union('id') . ') u');
		$sim->wait_request(method => 'DELETE', path => '*/jobs/query/*');	# one is read
		$other->wait_request(%$create, count => 2);
		$node->safe_psql('postgres', "SELECT $how(" . $d->pid . ')') if $how =~ /pg/;
		is($d->end->{error}{sqlstate}, $how =~ /terminate/ ? '57P01' : '57014', 'SQLSTATE');
		$how =~ /terminate/ ? wait_for('the backend to end', sub { !kill 0, $d->pid }) : $d->close;
		nothing_left();
	};
}

subtest 'LIMIT is reached while jobs are at work' => sub {
	reset_orgs();
	hold($_) for @tables[ 0, 1 ];
	is(scalar(split /\n/, $c->value(union('id') . ' LIMIT 60')), 60, 'rows of the others');
	nothing_left();
};

subtest 'an error elsewhere, caught' => sub {
	reset_orgs();
	hold($tables[0]);
	$c->value('DO $$ DECLARE n bigint; BEGIN
		BEGIN
			SELECT sum(1 / (20 - row_number)) INTO n
				FROM (SELECT row_number() OVER () FROM (' . union('id') . ') u) r;
		EXCEPTION WHEN division_by_zero THEN
		END; END $$');
	nothing_left();
};

subtest 'a cursor that is closed early' => sub {
	reset_orgs();
	hold($tables[1]);
	$c->value('BEGIN; DECLARE c CURSOR FOR ' . union('id') . '; FETCH 3 FROM c; SAVEPOINT s;
		DECLARE d CURSOR FOR ' . union('id') . '; FETCH 3 FROM d; ROLLBACK TO s; FETCH 3 FROM c;
		CLOSE c; COMMIT');
	nothing_left();
};

subtest 'writing what is read' => sub {
	reset_orgs();
	is($c->value('CREATE TEMP TABLE copy AS ' . union('id') . '; SELECT count(*) FROM copy'), $all,
		'CREATE TABLE AS');
	is($c->value(q{BEGIN; CREATE TEMP TABLE mine (id text) ON COMMIT DROP;
		WITH u AS (UPDATE parts SET fax = '+1 555' RETURNING id)
			INSERT INTO mine SELECT id FROM u;
		SELECT count(*) FROM mine; COMMIT} =~ s/\n\s*/ /gr), $all, 'UPDATE of all partitions');
	nothing_left();
};

# ---- where it is not wanted, or not possible -------------------------------------------------

subtest 'async_capable' => sub {
	my $plan = sub { return scalar(() = $c->value('EXPLAIN ' . union('id')) =~ /Async/g); };

	$c->value("ALTER SERVER other OPTIONS (ADD async_capable 'false')");
	is($plan->(), 2, 'not on one server');
	is($c->value('SELECT count(*) FROM (' . union('id') . ') u'), $all, 'rows');
	$c->value("ALTER FOREIGN TABLE other.contact OPTIONS (ADD async_capable 'true')");
	is($plan->(), 3, 'but for one of its tables');
	$c->value("ALTER FOREIGN TABLE other.contact OPTIONS (SET async_capable 'false');
		ALTER SERVER other OPTIONS (DROP async_capable)");
	is($plan->(), 3, 'not on one table');
	$c->value('ALTER FOREIGN TABLE other.contact OPTIONS (DROP async_capable)');
	is($plan->(), 4, 'on all');
	$c->value('SET enable_async_append = off');
	is($plan->(), 0, 'as PostgreSQL wants it');
	is($c->value('SELECT count(*) FROM (' . union('id') . ') u'), $all, 'rows');
	$c->value('RESET enable_async_append');
	nothing_left();
};

$t->finish;

# So few descriptors that the sessions have all that may be had: then rows come one scan after the other.
# Which number makes that so hangs on what the server has open besides; it is a third of it that
# may be had, a session takes eight, and two are needed to wait for all sessions: one of the steps hits it.
subtest 'no descriptor is left to wait for' => sub {
	my $small = node_start('small');
	my %waits;

	server_create($small, $sim, name => 'bulk', options => { transport => 'bulk' });
	server_create($small, $other, name => 'other', options => { transport => 'bulk' });
	tables_import($small, 'account', 'contact', { server => $_, schema => $_ }) for qw(bulk other);
	for my $files (76, 82, 88, 94)
	{
		$small->append_conf('postgresql.conf', "max_files_per_process = $files");
		$small->restart;
		my $d = SfPsql->new($small);

		reset_orgs();
		hold($_) for @tables;
		$d->begin('SELECT count(*) FROM (' . union('id') . ') u');
		my $state;
		wait_for('the statement to wait or end', sub {
			$state = $small->safe_psql('postgres', q{SELECT CASE WHEN query !~ 'UNION ALL' THEN ''
				WHEN state = 'active' THEN wait_event ELSE 'over' END
				FROM pg_stat_activity WHERE pid = } . $d->pid);
			return $state =~ /^(?:AppendReady|Extension|SalesforceAnswer|over)$/;
		});
		release($_) for @tables;
		my $result = $d->end;
		if ($result->{error})
		{
			is($result->{error}{sqlstate}, '53000', "$files: not enough for the sessions");
		}
		else
		{
			is($result->{rows}, $all, "$files: rows");
			$waits{$state}++;
		}
		$d->close;
		is_deeply([ map { @{ $_->jobs } } values %orgs ], [], 'no job is left');
	}
	ok($waits{AppendReady}, 'there were enough');
	ok($waits{Extension} || $waits{SalesforceAnswer}, 'there were too few');
	$small->stop;
};

$other->stop;
done_testing();
