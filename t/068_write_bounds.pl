# Writing within bounds: few calls for many small statements, what is atomic, what the summary says, memory,
# temporary files, and jobs side by side.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use SfXact;
use Test::More;

xact_start('write_bounds');

# ---- many small statements -----------------------------------------------------------------------------

steps('a thousand statements of one row',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP INSERT INTO commit.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ ('insert Account 200 all') x 5 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 1000, 'rows') } ]);
steps('the same with an exception block for each',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i);
		PERFORM 1 / (i % 5); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$},
		undef, [ ('insert Account 200 all') x 4 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 800, 'rows') } ]);
steps('so many that they become a job',
	[ q{DO $$ BEGIN FOR i IN 1..3000 LOOP INSERT INTO commit.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ @upload, 'close', 'delete' ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 3000, 'rows') } ]);
steps('a thousand for transport bulk are one job',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP INSERT INTO commit_bulk.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ @upload, 'close', 'delete' ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 1000, 'rows') } ]);
steps('tables that take turns keep their order',
	[ q{DO $$ BEGIN FOR i IN 1..20 LOOP INSERT INTO commit.account (name, external_key__c) VALUES ('xact ' || i, 'k' || i);
		INSERT INTO commit.child VALUES ('xact ' || i, 'k' || i); END LOOP; END $$},
		undef, [ ('insert Account 1 all', 'insert Contact 1 all') x 20 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', last_names()), 20, 'children') } ]);
steps('other columns, another user, other options: not put together',
	[ q{BEGIN; [commit a]; INSERT INTO commit.account (name, phone) VALUES ('xact b', '1'); [commit c]; UPDATE commit.account SET
		phone = '2' WHERE name = 'xact none'; [commit d]; COMMIT}, undef,
		[ 'insert Account 1 all', 'insert Account 1 all', 'insert Account 2 all' ] ]);


# Put together they would not do the same: one record twice, a parent and its child in one call.
my $four = q{INSERT INTO statement.account (name, external_key__c) SELECT 'xact ' || i, 'k' || i FROM generate_series(1, 4) i};
for my $schema ('commit', 'commit_bulk')
{
	my $written = sub { return grep { /insert|update|create|delete \d/ } sent() };
	my $by = sub {
		my ($calls, $jobs) = @_;
		return sub {
			my @written = $written->();
			shift @written;
			is_deeply(\@written, $schema =~ /bulk/ ? $jobs : $calls, 'what was sent') or diag(join "\n", sent());
		};
	};
	my $accounts = sub { join ', ', sort(soql($sim, q{SELECT External_Key__c, Phone FROM Account WHERE External_Key__c LIKE 'k_'})) };
	steps("$schema: updates of different records are put together, those of one record are not",
		[ $four, undef, undef ],
		[ qq{BEGIN; UPDATE $schema.account SET phone = '1' WHERE external_key__c = 'k1';
			UPDATE $schema.account SET phone = '2' WHERE external_key__c = 'k2';
			UPDATE $schema.account SET phone = '3' WHERE external_key__c = 'k1';
			UPDATE $schema.account SET phone = '4' WHERE external_key__c = 'k3'; COMMIT}, undef,
			$by->([ ('update Account 2 all') x 2 ], [ ('create Account') x 2 ]) ],
		[ 'SELECT 1', undef, sub { is($accounts->(), 'k1 3, k2 2, k3 4, k4 ', 'in order') } ]);
	steps("$schema: upserts by one key",
		[ "ALTER FOREIGN TABLE $schema.account OPTIONS (ADD upsert_key 'External_Key__c')", undef, undef ],
		[ $four, undef, undef ],
		[ qq{BEGIN; INSERT INTO $schema.account (name, external_key__c, phone) VALUES ('xact 1', 'k1', '1');
			INSERT INTO $schema.account (name, external_key__c, phone) VALUES ('xact 2', 'k2', '2');
			INSERT INTO $schema.account (name, external_key__c, phone) VALUES ('xact 1', 'K1', '3'); COMMIT}, undef,
			$by->([ 'update Account 2 all', 'update Account 1 all' ], [ ('create Account') x 2 ]) ],
		[ 'SELECT 1', undef, sub { is(lc $accounts->(), 'k1 3, k2 2, k3 , k4 ', 'in order') } ],
		[ "ALTER FOREIGN TABLE $schema.account OPTIONS (DROP upsert_key)", undef, undef ]);
	steps("$schema: deletes are put together",
		[ $four, undef, undef ],
		[ qq{BEGIN; DELETE FROM $schema.account WHERE external_key__c = 'k1'; DELETE FROM $schema.account WHERE external_key__c = 'k2'; COMMIT},
			undef, $by->( ['delete 2'], ['create Account'] ) ],
		[ 'SELECT 1', undef, sub { is($accounts->(), 'k3 , k4 ', 'gone') } ]);
	steps("$schema: a parent and its child in one table",
		[ qq{CREATE FOREIGN TABLE tree_$schema (name text, external_key__c text, parent text OPTIONS (field 'Parent.External_Key__c'))
			SERVER $schema OPTIONS (object 'Account')}, undef, undef ],
		[ $four, undef, undef ],
		[ qq{BEGIN; INSERT INTO tree_$schema VALUES ('xact 5', 'k5', 'k1'); INSERT INTO tree_$schema VALUES ('xact 6', 'k6', 'k5'); COMMIT}, undef,
			$by->([ ('insert Account 1 all') x 2 ], [ ('create Account') x 2 ]) ],
		[ 'SELECT 1', undef, sub {
			my ($parent) = soql($sim, q{SELECT Id FROM Account WHERE External_Key__c = 'k5'});
			is(join(' ', soql($sim, q{SELECT ParentId FROM Account WHERE External_Key__c = 'k6'})), $parent, 'the child has its parent');
		} ]);
}

# Salesforce trims, and compares without case.
steps('keys that Salesforce takes for the same',
	[ q{ALTER FOREIGN TABLE commit.account OPTIONS (ADD upsert_key 'External_Key__c')}, undef, undef ],
	map({
		my ($first, $second, @sent) = @$_;
		[ qq{BEGIN; INSERT INTO commit.account (name, external_key__c) VALUES ('xact a', $first);
			INSERT INTO commit.account (name, external_key__c) VALUES ('xact b', $second); COMMIT}, undef,
			sub { is_deeply([ sent() ], \@sent, "$first and $second") or diag(explain([ sent() ])) } ]
	} [ q{'k5'}, q{' K5 '}, ('update Account 1 all') x 2 ],
		[ q{E'k\u00c9'}, q{E'k\u00e9'}, ('update Account 1 all') x 4 ],
		[ q{'k8'}, q{'k9'}, ('update Account 1 all') x 4, 'update Account 2 all' ]),
	[ q{ALTER FOREIGN TABLE commit.account OPTIONS (DROP upsert_key)}, undef, undef ]);

steps('each statement has its own reject_limit',
	[ q{ALTER FOREIGN TABLE commit.contact OPTIONS (ADD on_error 'ignore', ADD reject_limit '1')}, undef, undef ],
	[ q{BEGIN; INSERT INTO commit.contact (lastname, firstname) VALUES (NULL, 'a');
		INSERT INTO commit.contact (lastname, firstname) VALUES (NULL, 'b');
		INSERT INTO commit.contact (lastname, firstname) VALUES ('xact c', 'c'); COMMIT}, undef, sub {
		is(last_names(), 'c', 'what is in the org');
	} ],
	[ q{ALTER FOREIGN TABLE commit.contact OPTIONS (DROP on_error, DROP reject_limit)}, undef, undef ]);

for my $how ('one table', 'exception blocks', 'exception blocks that fail', 'tables in turn')
{
	subtest "memory while 20,000 statements wait: $how" => sub {
		my $c = fresh();
		my $body = $how eq 'one table'
		  ? q{INSERT INTO commit.account (name) VALUES ('xact ' || i);}
		  : $how =~ /fail/ ? q{BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i); RAISE EXCEPTION 'x';
			EXCEPTION WHEN raise_exception THEN END;}
		  : $how =~ /blocks/ ? q{BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i);
			EXCEPTION WHEN division_by_zero THEN END;}
		  : q{INSERT INTO commit.account (name) VALUES ('xact ' || i);
			INSERT INTO commit.contact (lastname) VALUES ('xact ' || i);};

		$c->value("BEGIN; DO \$\$ BEGIN FOR i IN 1..100 LOOP $body END LOOP; END \$\$");
		my $before = memory_reset($c->pid);
		$c->value("DO \$\$ BEGIN FOR i IN 1..20000 LOOP $body END LOOP; END \$\$");
		my $grown = memory_peak($c->pid) - $before;
		cmp_ok($grown, '<', ($how =~ /turn/ ? 40_000 * 6 : 16_384), "kB more at the peak ($grown)");
		is_deeply([ sent() ], [], 'nothing was sent');
		$c->value('ROLLBACK');
		$none->();
		$c->close;
	};
}

# ---- what is atomic ------------------------------------------------------------------------------------

my $one_bad = q{INSERT INTO %s.contact (firstname, lastname)
	SELECT 'xact', CASE WHEN i <> %d THEN 'xact ' || i END FROM generate_series(1, %d) i};
for my $schema ('statement', 'commit')
{
	steps("$schema: one bad row of 200 leaves nothing",
		[ sprintf($one_bad, $schema, 100, 200), '23502', sub {
			is_deeply([ sent() ], ['insert Contact 200 all'], 'one call');
			is(last_names(), '', 'nothing in the org');
			like($_[0]{error}{detail}, qr/Of 200 rows.* 1 was rejected.*Nothing was changed in Salesforce/, 'counts');
		} ]);
	steps("$schema: one bad row of 201 leaves those of the other call",
		[ sprintf($one_bad, $schema, 201, 201), '23502', sub {
			is_deeply([ sent() ], [ 'insert Contact 200', 'insert Contact 1' ], 'two calls');
			is(scalar(split ' ', last_names()), 200, 'rows');
			like($_[0]{error}{detail}, qr/Of 201 rows.* 200 were inserted, 1 was rejected/, 'counts');
		} ]);
	steps("$schema: the first call stops the second",
		[ sprintf($one_bad, $schema, 100, 201), '23502', sub {
			is_deeply([ sent() ], ['insert Contact 200'], 'one call');
			is(scalar(split ' ', last_names()), 199, 'rows');
			like($_[0]{error}{detail}, qr/Of 201 rows.* 199 were inserted, 1 was rejected, 1 was not sent/, 'counts');
		} ]);
	steps("$schema: with on_error 'ignore' the good ones stay",
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (ADD on_error 'ignore')", undef, [] ],
		[ sprintf($one_bad, $schema, 100, 200), undef, sub {
			is_deeply([ sent() ], ['insert Contact 200'], 'a call without allOrNone');
			is(scalar(split ' ', last_names()), 199, 'rows');
			like($_[0]{messages}, qr/^WARNING:  \w+: Salesforce rejected 1 row/m, 'a warning');
		} ],
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (DROP on_error)", undef, [] ]);
}
steps('statements of a transaction that go in one call are atomic together',
	[ q{BEGIN; INSERT INTO commit.contact (firstname, lastname) VALUES ('xact', 'xact a');
		INSERT INTO commit.contact (firstname, lastname) VALUES ('xact', NULL)}, undef, [] ],
	[ 'COMMIT', '23502', ['insert Contact 2 all'] ],
	[ 'SELECT 1', undef, sub { is(last_names(), '', 'nothing in the org') } ]);

# ---- what the summary says ------------------------------------------------------------------------------

# The NOTICE's numbers, and those of the request log (without logins): rows, jobs, API calls.
sub check_summary
{
	my ($name, $sql, $count, $jobs) = @_;

	subtest "summary: $name" => sub {
		my $c = fresh();

		$c->value('SELECT count(*) FROM statement.account');	# logs in
		$sim->log_clear;
		my $result = $c->query($sql);
		is($result->{error}, undef, 'no error') or diag($result->{messages});
		my @notices = $result->{messages} =~
		  /^NOTICE:  \w+: (\d+) rows? inserted into Salesforce object "Account": (\d+) jobs?, (\d+) API calls?, \d+\.\d s$/mg;
		is(scalar @notices, 3, 'one notice') or diag($result->{messages});
		my $requests = grep { $_->{path} !~ /oauth2/ } @{ $sim->log };
		is_deeply(\@notices, [ $count, $jobs, $requests ], 'its numbers') or diag(join "\n", sent());
		is(scalar(grep { /^create/ } sent()), $jobs, 'jobs');
		is(scalar(split ' ', names()), $count, 'rows');
		$c->close;
	};
	return;
}
check_summary('a call', expand('[a]', 'statement'), 1, 0);
check_summary('calls', sprintf($rows, 'statement', 450), 450, 0);
check_summary('a job', sprintf($rows, 'statement_bulk', 450), 450, 1);
check_summary('a job at the commit', sprintf($rows, 'commit_bulk', 450), 450, 1);
check_summary('jobs', 'ALTER FOREIGN TABLE statement_bulk.account OPTIONS (ADD job_bytes \'8000\');' . sprintf($rows, 'statement_bulk', 2000)
	. '; ALTER FOREIGN TABLE statement_bulk.account OPTIONS (DROP job_bytes)', 2000, 3);
steps('ROW_COUNT',
	[ q{DO $$ DECLARE n int; BEGIN INSERT INTO statement.account (name) VALUES ('xact a'), ('xact b');
		GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE 'rows: %', n; END $$}, undef,
		sub { like($_[0]{messages}, qr/NOTICE:  \w+: rows: 2$/m, 'all') } ]);
for my $schema ('statement', 'statement_bulk')
{
	steps("$schema: ROW_COUNT leaves out what was rejected",
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (ADD on_error 'ignore')", undef, undef ],
		[ qq{DO \$\$ DECLARE n int; BEGIN } . sprintf($one_bad, $schema, 3, 10)
			. q{; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE 'rows: %', n; END $$}, undef,
			sub { like($_[0]{messages}, qr/NOTICE:  \w+: rows: 9$/m, 'nine of ten') } ],
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (DROP on_error)", undef, undef ]);
}

# ---- temporary files ------------------------------------------------------------------------------------

# An upload that does not get on fills the spool.
my $large = q{INSERT INTO %s.account (name, description) SELECT 'xact ' || i, repeat('x', 30000) FROM generate_series(1, %d) i};
for my $schema ('statement_bulk', 'commit')
{
	subtest "$schema: temp_file_limit" => sub {
		my $c = fresh();

		$c->value(q{SET temp_file_limit = '2MB'; INSERT INTO local VALUES ('a')});
		$sim->fault({ method => 'PUT', path => '*/batches', hold => 'before' });
		my $result = $c->query('BEGIN; ' . sprintf($large, $schema, 1000));
		is($result->{error}{sqlstate}, '53400', 'SQLSTATE') or diag($result->{messages});
		like($result->{error}{message}, qr/temporary file size exceeds temp_file_limit/, 'message');
		$sim->release;
		$c->value('ROLLBACK');
		$none->();
		is($c->value('SET client_min_messages = error; RESET temp_file_limit; ' . sprintf($large, $schema, 5)), '', 'the next one');
		is(scalar(split ' ', names()), 5, 'its rows');
		nothing_left();
		$c->close;
	};
	for my $how ('cancelled', 'terminated', 'rolled back', 'killed')
	{
		next if $how eq 'rolled back' && $schema !~ /commit/;
		subtest "$schema: no temporary file is left when it is $how" => sub {
			my $c = fresh();
			my $pid = $c->pid;

			$sim->fault({ method => 'PUT', path => '*/batches', hold => 'before' });
			$c->begin('BEGIN; ' . sprintf($large, $schema, 1000));
			wait_for('a temporary file', sub { temporary_files() });
			if ($how eq 'rolled back')
			{
				$sim->release;
				is($c->end->{error}, undef, 'written');
				is_deeply([ temporary_files() ], [], 'it goes with the acknowledgement');
				$c->value('ROLLBACK');
			}
			elsif ($how eq 'cancelled')
			{
				$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
				wait_log(qr/canceling statement due to user request/);
				$sim->release;
				is($c->end->{error}{sqlstate}, '57014', 'SQLSTATE');
				is_deeply([ temporary_files() ], [], 'not even before the ROLLBACK');
				$c->value('ROLLBACK');
			}
			elsif ($how eq 'terminated')
			{
				$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
				wait_log(qr/terminating connection due to administrator command/);
				$sim->release;
				wait_for('the backend to end', sub { !kill 0, $pid });
			}
			else
			{
				kill 9, $pid;
				wait_for('the backend to end', sub { !kill 0, $pid });
				$sim->release;
				ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
				is_deeply([ temporary_files() ], [], 'no temporary file after the restart');
				is(names(), '', 'nothing in the org');
				return;
			}
			$none->();
			$c->close;
		};
	}
}

# ---- jobs side by side --------------------------------------------------------------------------------

# Name, options of the table, statement.
sub with_options
{
	my ($c, $table, $options, $sql) = @_;
	my $names = join ', ', map { s/ .*//r } split /, /, $options;
	$c->value("ALTER FOREIGN TABLE $table OPTIONS ($options)");
	my $result = ref $sql ? $sql->() : $c->query($sql);
	$c->value("ALTER FOREIGN TABLE $table OPTIONS (" . join(', ', map { "DROP $_" } split /, /, $names) . ')');
	return $result;
}

subtest 'job_bytes, to the byte' => sub {
	my $c = fresh();
	my $limit = 5000;

	$sim->set(log_body_kb => 1024);
	# rows of many lengths, with line ends and quotes in them
	my $result = with_options($c, 'statement_bulk.account', "job_bytes '$limit'", q{INSERT INTO statement_bulk.account (name, description)
		SELECT 'xact ' || i, repeat('"' || chr(10) || 'ä,', i % 97) || i FROM generate_series(1, 500) i});
	is($result->{error}, undef, 'no error') or diag($result->{messages});
	my (@pieces, $all);
	for (grep { $_->{method} eq 'PUT' } @{ $sim->control('GET', 'log?bodies=all') })
	{
		my $body = $_->{body};
		utf8::encode($body) if utf8::is_utf8($body);
		push @pieces, $body;
	}
	# in the order of the rows: the log has them as they began to arrive
	@pieces = sort { ($a =~ /xact (\d+)/)[0] <=> ($b =~ /xact (\d+)/)[0] } @pieces;
	cmp_ok(scalar @pieces, '>', 5, 'jobs');
	my ($header) = $pieces[0] =~ /^(.*\n)/;
	my @rows = map { my $data = substr $_, length $header; [ $data =~ /((?:[^"\n]|"(?:[^"]|"")*")*\n)/g ] } @pieces;
	is(scalar(grep { index($_, $header) != 0 } @pieces), 0, 'each begins with the header');
	is(scalar(grep { length > $limit } @pieces), 0, 'none is larger');
	is(scalar(map { @$_ } @rows), 500, 'all rows, none of them split');
	my $loose = grep { length($pieces[$_]) + length($rows[ $_ + 1 ][0]) <= $limit } 0 .. $#pieces - 1;
	is($loose, 0, 'none had room for the next row');
	is(scalar(split ' ', names()), 500, 'rows in the org');
	nothing_left();
	$c->close;
};

for my $parallel (1, 3)
{
	subtest "parallel_jobs '$parallel'" => sub {
		my $c = fresh();

		my $result = with_options($c, 'statement_bulk.account', "job_bytes '2000', parallel_jobs '$parallel'",
			sprintf($rows, 'statement_bulk', 2000));
		is($result->{error}, undef, 'no error') or diag($result->{messages});

		# a job is under way from its creation to the answer that it is complete
		my ($now, $most, $jobs) = (0, 0, 0);
		for (@{ $sim->control('GET', 'log?bodies=all') })
		{
			$now++, $jobs++ if $_->{method} eq 'POST' && $_->{path} =~ m{/jobs/ingest$};
			$now-- if $_->{method} eq 'GET' && $_->{path} =~ m{/jobs/ingest/750\w+$} && $_->{answer_body} =~ /"JobComplete"/;
			$most = $now if $now > $most;
		}
		cmp_ok($jobs, '>', 5, 'jobs');
		is($most, $parallel, 'at a time');
		is(scalar(split ' ', names()), 2000, 'rows in the org');
		nothing_left();
		$c->close;
	};
}

# The first job is held at work; the second one is uploaded meanwhile, and no third one begins.
subtest 'rows go on being uploaded while a job is at work' => sub {
	my $c = fresh();

	with_options($c, 'statement_bulk.account', "job_bytes '2000', parallel_jobs '2'", sub {
		$sim->set(hold_jobs => 'InProgress');
		$c->begin(sprintf($rows, 'statement_bulk', 1000));
		$sim->wait_request(method => 'PUT', path => '*/batches', count => 2);
		# polls of the second one: it is closed
		my $second = (grep { $_->{method} eq 'PUT' } @{ $sim->log })[1]{path} =~ s{/batches$}{}r;
		$sim->wait_request(method => 'GET', path => $second, count => 2);
		is_deeply([ map { $_->{state} } @{ $sim->jobs } ], [ ('InProgress') x 2 ], 'two at work, no third');
		$sim->set(hold_jobs => 'none');
		my $result = $c->end;
		is($result->{error}, undef, 'no error') or diag($result->{messages});
	});
	is(scalar(split ' ', names()), 1000, 'rows in the org');
	nothing_left();
	$c->close;
};

subtest 'two backends at once' => sub {
	my @c = (fresh(), SfPsql->new($node));

	$sim->set(hold_jobs => 'UploadComplete');
	$c[0]->begin(sprintf($rows, 'statement', 3000));
	$c[1]->begin(q{INSERT INTO commit.contact (lastname) SELECT 'xact ' || i FROM generate_series(1, 3000) i});
	# both are at work at the same time
	$sim->wait_request(method => 'GET', path => '*/jobs/ingest/750*', count => 4);
	wait_for('two jobs', sub { 2 == grep { $_->{state} eq 'UploadComplete' } @{ $sim->jobs } });
	$sim->set(hold_jobs => 'none');
	is($_->end->{error}, undef, 'no error') for @c;
	is(scalar(split ' ', names()), 3000, 'the one');
	is(scalar(split ' ', last_names()), 3000, 'the other');
	nothing_left();
	$_->close for @c;
};

# ---- memory ---------------------------------------------------------------------------------------------

# Uploaded and rolled back: the org need not store it.
subtest 'memory while 300 MB are written' => sub {
	my $c = fresh();
	my $count = 10_000;

	$c->value(sprintf($large, 'statement_bulk', 50));
	my $before = memory_reset($c->pid);
	$c->value('BEGIN; ' . sprintf($large, 'commit', $count));
	my $grown = memory_peak($c->pid) - $before;
	cmp_ok($grown, '<', 65_536, "kB more at the peak ($grown)");
	my $bytes = 0;
	$bytes += $_->{body_bytes} for grep { $_->{method} eq 'PUT' } @{ $sim->control('GET', 'log?bodies=head') };
	cmp_ok($bytes, '>', 300_000_000, 'bytes uploaded');
	cmp_ok(scalar(grep { $_->{state} eq 'Open' } @{ $sim->jobs }), '>=', 4, 'jobs');
	$c->value('ROLLBACK');
	is_deeply($sim->jobs, [], 'no job is left');
	is_deeply([ temporary_files() ], [], 'no temporary file is left');
	$c->close;
};

xact_finish();
done_testing();
