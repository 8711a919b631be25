# However a statement ends: cancelled, timed out, its backend told to go, its client gone, an error
# somewhere else, a cursor that nobody reads on.  The job is gone then, too, and so are the
# descriptors; the session goes on where there is one.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('cancel', schemas => [ 'bulk', 'rest' ], conf => q{
	max_prepared_transactions = 2
	client_connection_check_interval = 50ms
	restart_after_crash = on
	log_statement = none
});
my ($sim, $node) = ($t->sim, $t->node);
my $log_at = 0;

# Waits for a line of the server's log behind the last one that was waited for.
sub wait_log
{
	my ($pattern) = @_;
	$log_at = $node->wait_for_log($pattern, $log_at);
	return;
}

# Every moment of reading, as the hold that it is stopped by.
my $read = "$SfFault::all %s.account a";
my $import = 'BEGIN; CREATE SCHEMA imported;
	IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER %s INTO imported; ROLLBACK';
my @moments = (
	[ 'the login', 'bulk', { %$login, hold => 'before' } ],
	[ 'the creation, before', 'bulk', { %$create, hold => 'before' } ],
	[ 'the creation, after', 'bulk', { %$create, hold => 'after' } ],
	[ 'a queued job', 'bulk', { %$create, job => { hold => 'UploadComplete' } }, $poll ],
	[ 'a running job', 'bulk', { %$create, job => { hold => 'InProgress' } }, $poll ],
	[ 'a poll', 'bulk', { %$poll, hold => 'before' } ],
	[ 'the list of pages', 'bulk', { %$links, hold => 'before' } ],
	[ 'all first pages', 'bulk', { %$page, hold => 'before', count => 0 } ],
	[ 'a page half-way', 'bulk', { %$page, nth => 2, hold => 'body', hold_at => 1000 } ],
	[ 'a late page half-way', 'bulk', { %$page, nth => 9, hold => 'body', hold_at => 1000 } ],
	[ 'the query', 'rest', { %$query, hold => 'before' } ],
	[ 'the query half-way', 'rest', { %$query, hold => 'body', hold_at => 1000 } ],
	[ 'the next page', 'rest', { %$more, nth => 2, hold => 'before' } ],
	[ 'the next page half-way', 'rest', { %$more, nth => 3, hold => 'body', hold_at => 1000 } ],
	[ 'the global describe', 'rest', { %$describe, hold => 'before' }, undef, $import ],
	[ 'a describe', 'rest', { %$composite, hold => 'body', hold_at => 100 }, undef, $import ]);

# Until the statement is at that moment.
sub wait_moment
{
	my ($fault, $until) = @_;
	$sim->wait_request(
		method => $fault->{method},
		path => $fault->{path},
		state => 'held') if $fault->{hold};
	$sim->wait_request(%$until) if $until;
	return;
}

for (@moments)
{
	my ($name, $by, $fault, $until, $sql) = @$_;
	my @how = (by => $by, faults => $fault, sql => $sql // $read);

	$t->run("cancelled during $name", @how,
		during => sub {
			my (undef, $pid) = @_;
			wait_moment($fault, $until);
			$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
			wait_log(qr/canceling statement due to user request/);
			$sim->release;
		},
		error => '57014', message => qr/canceling statement due to user request/);
	$t->run("timed out during $name", @how,
		sql => 'BEGIN; SET LOCAL statement_timeout = 500; '
		  . ($sql // $read) =~ s/BEGIN;|; ROLLBACK//gr
		  . '; ROLLBACK',
		during => sub {
			wait_log(qr/canceling statement due to statement timeout/);
			$sim->release;
		},
		error => '57014', message => qr/canceling statement due to statement timeout/);

	for my $end ('backend terminated', 'client gone')
	{
		subtest "$by: $end during $name" => sub {
			my $c = SfPsql->new($node);
			my $pid = $c->pid;

			$sim->reset;
			$sim->set(page_rows => 100);
			$sim->fault($fault);
			$c->begin(($sql // $read) =~ s/%s/$by/r);
			wait_moment($fault, $until);
			if ($end eq 'client gone')
			{
				$c->kill_client;
				wait_log(qr/connection to client lost/);
			}
			else
			{
				$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
				wait_log(qr/terminating connection due to administrator command/);
			}
			$sim->release;
			is($c->end->{error}{sqlstate}, '57P01', 'what the client gets') if $end !~ /client/;
			wait_for('the backend to end', sub { !kill 0, $pid });
			is_deeply($sim->jobs, [], 'no job in the org');
		};
	}
}

# ---- errors elsewhere ------------------------------------------------------------------------

$t->run('division by zero half-way', by => $_, error => '22012', message => qr/division by zero/,
	sql => 'SELECT count(1 / (500 - n)) FROM (SELECT row_number() OVER () n FROM %s.account) a')
  for qw(bulk rest);
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE $_.bad (id text, n integer OPTIONS (field 'Name')) SERVER $_
		OPTIONS (object 'Account')}) for qw(bulk rest);
$t->run('a value that does not fit its column', by => $_, error => '22P02',
	sql => 'SELECT count(n) FROM (SELECT n FROM %s.bad OFFSET 0) b',
	message => qr/invalid input syntax for type integer/,
	context => qr/column "n" \(field Name\) of foreign table "bad", row \d+ of the result/)
  for qw(bulk rest);
$t->run('a limit that is reached early', by => $_, rows => 3,
	sql => 'SELECT count(*) FROM (SELECT * FROM %s.account WHERE md5(name) > \'\' LIMIT 3) a')
  for qw(bulk rest);
$t->run('EXISTS', by => $_, rows => 't',
	sql => 'SELECT EXISTS (SELECT FROM %s.account WHERE md5(name) > \'\')')
  for qw(bulk rest);
$t->run('an exception block', by => $_, rows => "caught\nafter", sql => q{
	DO $$
	DECLARE m bigint;
	BEGIN
		FOR i IN 1 .. 2 LOOP
			BEGIN
				SELECT count(1 / (300 - n)) INTO m
					FROM (SELECT row_number() OVER () n FROM %s.account) a;
			EXCEPTION WHEN division_by_zero THEN
				PERFORM set_config('sfbulk.caught', 'caught', false);
			END;
		END LOOP;
	END $$;
	SELECT current_setting('sfbulk.caught');
	SELECT 'after'})
  for qw(bulk rest);
$t->run('an exception in a loop over the rows', by => $_, rows => 'out', sql => q{
	DO $$
	DECLARE r record;
	BEGIN
		BEGIN
			FOR r IN SELECT id FROM %s.account LOOP
				RAISE EXCEPTION 'enough';
			END LOOP;
		EXCEPTION WHEN raise_exception THEN
		END;
		FOR r IN SELECT id FROM %s.account LOOP
			EXIT;
		END LOOP;
	END $$;
	SELECT 'out'})
  for qw(bulk rest);

# ---- cursors ---------------------------------------------------------------------------------

# Statements of the same backend, each with how many jobs there must be behind it (undef: any) and the
# SQLSTATE that it fails with (undef: none).  Mostly a cursor of which 10 rows were read.
sub cursor
{
	my ($name, @then) = @_;

	subtest "cursor: $name" => sub {
		my $c = $t->backend;

		$sim->reset;
		$sim->set(page_rows => 100);
		while (@then)
		{
			my ($sql, $jobs, $sqlstate) = splice @then, 0, 3;
			my $result = $c->query($sql);

			is($result->{error} && $result->{error}{sqlstate}, $sqlstate, $sql)
			  or diag($result->{messages});
			is(scalar @{ $sim->jobs }, $jobs, "jobs after $sql") if defined $jobs;
		}
		is($c->query("$SfFault::all bulk.account a")->{rows}, $t->expected, 'all rows afterwards');
		$t->drop_sessions;
		is($t->sockets, $t->{sockets}, 'descriptors');
	};
	return;
}

my $declare = 'DECLARE c CURSOR FOR SELECT * FROM bulk.account; FETCH 10 FROM c';
my @open = ('BEGIN', 0, undef, $declare, 1, undef);
cursor('CLOSE', @open, 'CLOSE c', 0, undef, 'COMMIT', 0, undef);
cursor('COMMIT', @open, 'COMMIT', 0, undef);
cursor('ROLLBACK', @open, 'ROLLBACK', 0, undef);
# after the last row the deletion is under way, at the end of the transaction it is over
cursor('read to its end', @open, 'MOVE FORWARD ALL IN c', undef, undef, 'COMMIT', 0, undef);
cursor('ROLLBACK TO', 'BEGIN', 0, undef, 'SAVEPOINT s', 0, undef, $declare, 1, undef,
	'ROLLBACK TO s', 0, undef, 'SELECT 1', 0, undef, 'COMMIT', 0, undef);
cursor('one inside and one outside of a savepoint', @open, 'SAVEPOINT s', 1, undef,
	'DECLARE d CURSOR FOR SELECT * FROM bulk.contact; FETCH 10 FROM d', 2, undef,
	'ROLLBACK TO s', 1, undef, 'FETCH 10 FROM c', 1, undef, 'COMMIT', 0, undef);
cursor('RELEASE keeps it', 'BEGIN', 0, undef, 'SAVEPOINT s', 0, undef, $declare, 1, undef,
	'RELEASE s', 1, undef, 'FETCH 10 FROM c', 1, undef, 'COMMIT', 0, undef);
cursor('opened before the savepoint, read inside of it', @open, 'SAVEPOINT s', 1, undef,
	'FETCH 10 FROM c', 1, undef, 'SELECT 1/0', 1, '22012', 'ROLLBACK TO s', 1, undef,
	'FETCH 10 FROM c', 1, undef, 'COMMIT', 0, undef);
cursor('an error in the transaction', @open, 'SELECT 1/0', 0, '22012', 'ROLLBACK', 0, undef);
cursor('WITH HOLD', 'BEGIN', 0, undef,
	'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM bulk.account; FETCH 10 FROM c', 1, undef,
	'COMMIT', 0, undef, 'FETCH 10 FROM c', 0, undef, 'CLOSE c', 0, undef);
cursor('WITH HOLD, rolled back', 'BEGIN', 0, undef,
	'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM bulk.account; FETCH 10 FROM c', 1, undef,
	'ROLLBACK', 0, undef);
cursor('SCROLL', 'BEGIN', 0, undef,
	'DECLARE c SCROLL CURSOR FOR SELECT * FROM bulk.account; FETCH 10 FROM c', 1, undef,
	'MOVE BACKWARD ALL IN c', 1, undef, 'FETCH 20 FROM c', 1, undef, 'CLOSE c', 0, undef,
	'COMMIT', 0, undef);
cursor('PREPARE TRANSACTION', @open, "PREPARE TRANSACTION 'sfbulk'", 0, undef,
	"COMMIT PREPARED 'sfbulk'", 0, undef);
cursor('PREPARE TRANSACTION after the rows', 'BEGIN', 0, undef,
	'SELECT count(*) FROM bulk.account', 0, undef, "PREPARE TRANSACTION 'sfbulk'", 0, undef,
	"ROLLBACK PREPARED 'sfbulk'", 0, undef);
cursor('DISCARD ALL', @open, 'COMMIT', 0, undef, 'DISCARD ALL', 0, undef);
# whether the job is there already nobody knows
cursor('never read', 'BEGIN', 0, undef, 'DECLARE c CURSOR FOR SELECT * FROM bulk.account', undef,
	undef,
	'COMMIT', 0, undef);

subtest 'cursor: the client goes' => sub {
	my $c = SfPsql->new($node);

	$sim->reset;
	$c->value("BEGIN; $declare");
	is(scalar @{ $sim->jobs }, 1, 'a job');
	$c->kill_client;
	wait_for('the backend to end', sub { !kill 0, $c->pid });
	is_deeply($sim->jobs, [], 'no job in the org');
};

subtest 'cursor: idle_in_transaction_session_timeout' => sub {
	my $c = SfPsql->new($node);

	$sim->reset;
	$c->value("BEGIN; $declare; SET idle_in_transaction_session_timeout = 200");
	wait_log(qr/terminating connection due to idle-in-transaction timeout/);
	wait_for('the backend to end', sub { !kill 0, $c->pid });
	is_deeply($sim->jobs, [], 'no job in the org');
};

# ---- where the clean-up itself is hindered ---------------------------------------------------

my $stuck = { %$create, job => { hold => 'InProgress' } };
my $cancel = sub {
	my (undef, $pid) = @_;
	$sim->wait_request(%$poll);
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
};
$t->backend->value("SET sfbulk_fdw.cleanup_timeout = '300ms'");
$t->run("no answer to the $_->[0]", by => 'bulk',
	faults => [ $stuck, { %{ $_->[1] }, hold => 'before' } ],
	during => $cancel, leftover => 1,
	error => '57014', warnings => [qr/could not delete query job 750\w{15} in time/])
  for [ abort => $abort ], [ delete => $delete ];
$t->run('no answer to the creation', by => 'bulk', leftover => 1,
	faults => { %$create, hold => 'after' },
	during => sub {
		my (undef, $pid) = @_;
		$sim->wait_request(%$create, state => 'held');
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	},
	error => '57014', warnings => [qr/could not delete query job in time/]);
$t->backend->value('RESET sfbulk_fdw.cleanup_timeout');
$t->run('the session has ended when the job is aborted', by => 'bulk',
	faults => [ $stuck, { %$abort, expire_token => JSON::PP::true } ], during => $cancel,
		error => '57014');

# ---- the server goes -------------------------------------------------------------------------

subtest 'fast shutdown' => sub {
	my $c = SfPsql->new($node);

	$sim->reset;
	$c->value("BEGIN; $declare");
	is(scalar @{ $sim->jobs }, 1, 'a job');
	$node->restart;	# fast, as pg_ctl does it by default
	is_deeply($sim->jobs, [], 'no job in the org');
};

# A crash of any backend ends all of them on the spot: nothing can be done for their jobs, which
# Salesforce drops by itself.  What must be: the server recovers, and reading works.
subtest 'crash of another backend' => sub {
	my $c = SfPsql->new($node);
	my $other = SfPsql->new($node);

	$sim->reset;
	$c->value("BEGIN; $declare");
	kill 9, $other->pid;
	wait_for('the backends to end', sub { !kill 0, $c->pid });
	ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
	is($node->safe_psql('postgres', "$SfFault::all bulk.account a"), $t->expected, 'all rows');
	is(scalar @{ $sim->jobs }, 1, 'only the job of the crash is left');
};

$node->stop;
done_testing();
