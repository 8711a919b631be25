# However a write ends before its end: cancelled, timed out, its backend told to go or killed, its client
# gone, the server stopped at once.  No job is left open, except where nobody is left to see to it; rows
# are there once or not at all, none of them when nothing was closed or sent; and a WARNING tells of
# what may have been written.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use SfWrite;
use Test::More;

my $t = SfWrite->new('cancel', lanes => 1, conf => q{
	client_connection_check_interval = 50ms
	restart_after_crash = on
	log_statement = none
});
my ($lane, $node) = ($t->{lanes}[0], $t->node);
my $sim = $lane->{sim};
my $log_at = 0;	# what was logged before a case is not looked at

# one job for all rows, where it is not about several
$node->safe_psql('postgres', "ALTER SERVER a1 OPTIONS (SET job_bytes '90MB')");

sub wait_log
{
	my ($pattern) = @_;
	$node->wait_for_log($pattern, $log_at);
	return;
}

# ---- moments of writing ------------------------------------------------------------------------

# What a moment is stopped by, what to wait for when that is no request that is held, how many rows are
# written when the request goes on after the end of the statement, and what tells of them.
my $call_done = qr/200 of 200 rows of Invoice__c were written although their statement was ended/;
my $before = qr/200 rows that were written stay in Salesforce/;
my $maybe = qr/ingest job 750\w{15}.*may have been/;
my $stuck = { %$create, job => { hold => 'InProgress' } };
my $insert = $call{insert};
my @rest = (op => 'insert', by => 'rest');
my @bulk = (op => 'insert', by => 'bulk');
my @moments = (
	{ name => 'the login', @rest, fault => { %$login, hold => 'before' }, rows => 0 },
	{ name => 'the first call', @rest, fault => { %$insert, hold => 'before' }, rows => 200, tells => [$call_done] },
	{ name => 'the second call', @rest, fault => { %$insert, nth => 2, hold => 'before' }, rows => 400,
		tells => [ $before, $call_done ] },
	{ name => 'the second call, acted on', @rest, fault => { %$insert, nth => 2, hold => 'after' }, rows => 400,
		tells => [ $before, $call_done ] },
	{ name => 'the answer to the second call', @rest, fault => { %$insert, nth => 2, hold => 'body', hold_at => 50 },
		rows => 400, tells => [ $before, $call_done ] },
	{ name => 'the second call of a commit', @rest, apply => 'commit',
		fault => { %$insert, nth => 2, hold => 'after' }, rows => 400, tells => [ $before, $call_done ] },
	{ name => 'the login', @bulk, fault => { %$login, hold => 'before' }, rows => 0 },
	{ name => 'the creation', @bulk, fault => { %$create, hold => 'before' }, rows => 0 },
	{ name => 'the creation, acted on', @bulk, fault => { %$create, hold => 'after' }, rows => 0 },
	{ name => 'the head of the upload', @bulk, fault => { %$put, body_at => 0, hold => 'before' }, rows => 0 },
	{ name => 'the upload half-way', @bulk, fault => { %$put, body_at => 100, hold => 'before' }, rows => 0 },
	{ name => 'the upload', @bulk, fault => { %$put, hold => 'before' }, rows => 0 },
	{ name => 'the upload, acted on', @bulk, fault => { %$put, hold => 'after' }, rows => 0 },
	{ name => 'the closing', @bulk, fault => { %$close, hold => 'before' }, tells => [$maybe] },
	{ name => 'the closing, acted on', @bulk, fault => { %$close, hold => 'after' }, tells => [$maybe] },
	{ name => 'a queued job', @bulk, fault => { %$create, job => { hold => 'UploadComplete' } }, until => $poll,
		rows => 0, tells => [$maybe] },
	{ name => 'a running job', @bulk, fault => $stuck, until => $poll, tells => [$maybe] },
	{ name => 'a poll', @bulk, fault => { %$poll, hold => 'before' }, tells => [$maybe] },
	{ name => 'the upload before a commit', @bulk, apply => 'commit', fault => { %$put, body_at => 100, hold => 'before' },
		rows => 0 },
	{ name => 'the closing of a commit', @bulk, apply => 'commit', fault => { %$close, hold => 'before' },
		tells => [$maybe] },
	{ name => 'a running job of a commit', @bulk, apply => 'commit', fault => $stuck, until => $poll, tells => [$maybe] });

sub wait_moment
{
	my ($m) = @_;
	my ($fault, $until) = @$m{qw(fault until)};

	$sim->wait_request(method => $fault->{method}, path => $fault->{path}, state => 'held') if $fault->{hold};
	$sim->wait_request(method => $until->{method}, path => $until->{path}) if $until;
	return;
}

sub start
{
	my ($m) = @_;
	$sim->control('POST', 'restore', { name => 'start', keep_sessions => JSON::PP::true });
	$sim->fault($m->{fault});
	return;
}

# What the org holds afterwards: rows once or not at all, as many as there may be, and no open job.
sub look
{
	my ($m, $messages, %opt) = @_;
	my @bad;
	my %c = (op => $m->{op}, by => $m->{by}, rows => SfWrite::rows_of($m->{op}, $m->{by}));
	my $changed = SfWrite::changes(\%c, $sim, sub { push @bad, @_; });

	is_deeply(\@bad, [], 'rows are there once, or not at all') or diag($messages // '');
	is($changed, $m->{rows}, 'how many are written') if defined $m->{rows} && !$opt{killed};
	my %uploads;
	$uploads{ $_->{path} }++ for of_log($sim->log, $put);
	is_deeply([ grep { $_ > 1 } values %uploads ], [], 'no job has two uploads');
	my @open = grep { $_->{state} eq 'Open' } @{ $sim->jobs };
	is(scalar @open, 0, 'no open job') if !$opt{killed};
	if (defined $messages && !$opt{killed})
	{
		my @warnings = $messages =~ /^WARNING:  (.*)/mg;
		my @want = @{ $m->{tells} // [] };

		is(scalar @warnings, scalar @want, 'number of warnings') or diag($messages);
		for my $pattern (@want)
		{
			my ($i) = grep { $warnings[$_] =~ $pattern } 0 .. $#warnings;
			ok(defined $i, "a WARNING $pattern") or diag($messages);
			splice @warnings, $i, 1 if defined $i;
		}
	}
	return $changed;
}

# The same backend, or another one, writes.
sub writes
{
	my ($c) = @_;
	$sim->reset;
	my $result = $c->query("INSERT INTO a1.plain_rest_statement (code) VALUES ('A-1')");
	is($result->{error} && $result->{error}{message}, undef, 'writing works afterwards');
	is(scalar @{ SfWrite::org_rows($sim, 'A')->{'A-1'} // [] }, 1, 'one row');
	return;
}

for my $m (@moments)
{
	$m->{apply} //= 'statement';
	my $sql = SfWrite::statement($lane, { %$m, kind => 'plain', rows => SfWrite::rows_of($m->{op}, $m->{by}) });

	for my $how ('cancelled', 'timed out', 'terminated', 'client gone', 'killed')
	{
		# what takes its time, at some of them
		next if $how =~ /timed|killed/ && $m->{name} !~ /second call, acted|half-way|the closing|running/;
		next if $how =~ /client/ && $m->{name} !~ /second call|half-way|running/;

		subtest "$m->{by}, $m->{apply}: $how during $m->{name}" => sub {
			my $c = SfPsql->new($node);
			my $pid = $c->pid;
			my $messages;

			start($m);
			$c->value('SET statement_timeout = 1000') if $how eq 'timed out';
			$c->begin($sql);
			wait_moment($m);
			$log_at = -s $node->logfile;
			if ($how eq 'cancelled' || $how eq 'timed out')
			{
				$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)") if $how eq 'cancelled';
				wait_log(qr/canceling statement due to/);
				$sim->release;
				my $result = $c->end;
				is($result->{error}{sqlstate}, '57014', 'SQLSTATE');
				look($m, $result->{messages});
				writes($c);
				return;
			}
			if ($how eq 'killed')
			{
				kill 'KILL', $pid;
				wait_log(qr/all server processes terminated; reinitializing/);
				$sim->release;
				$c->end;
				ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
				my $changed = look($m, undef, killed => 1);
				cmp_ok($changed, '<=', $m->{rows}, 'no more rows than were under way') if defined $m->{rows};
				writes(SfPsql->new($node));
				return;
			}
			if ($how eq 'client gone')
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
			is($c->end->{error}{sqlstate}, '57P01', 'what the client gets') if $how !~ /client/;
			wait_for('the backend to end', sub { !kill 0, $pid });

			# nobody is left to be told, but the server's log is
			look($m, join '', grep { /^WARNING:/ } map { s/^.*?(?=WARNING:)//r }
				  split /^/, substr(slurp_file($node->logfile), $log_at));
		};
	}
}

# ---- a transaction that waits for its commit --------------------------------------------------------

my $waiting = SfWrite::statement($lane, { @bulk, kind => 'plain', apply => 'commit', rows => 24 });
my %nothing = (@bulk, rows => 0);

for my $how ('ROLLBACK', 'SELECT 1/0', 'idle_in_transaction_session_timeout', 'terminated', 'client gone', 'killed',
	'immediate shutdown')
{
	subtest "uploaded, waits for the commit: $how" => sub {
		my $c = SfPsql->new($node);
		my $pid = $c->pid;

		$sim->control('POST', 'restore', { name => 'start', keep_sessions => JSON::PP::true });
		$log_at = -s $node->logfile;
		$c->value("BEGIN; $waiting");
		is(join(' ', map { $_->{state} } @{ $sim->jobs }), 'Open', 'an open job');
		is(requests($sim->log, $put), 1, 'with its data');

		if ($how eq 'idle_in_transaction_session_timeout')
		{
			$c->value('SET idle_in_transaction_session_timeout = 100');
			wait_log(qr/terminating connection due to idle-in-transaction timeout/);
		}
		elsif ($how eq 'terminated')
		{
			$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		}
		elsif ($how eq 'client gone')
		{
			$c->kill_client;
		}
		elsif ($how eq 'killed')
		{
			kill 'KILL', $pid;
			wait_log(qr/all server processes terminated; reinitializing/);
			ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
		}
		elsif ($how eq 'immediate shutdown')
		{
			$node->stop('immediate');
			$node->start;
		}
		else
		{
			$c->query($how);
			is($c->query('COMMIT')->{error}, undef, 'the end of the transaction');
			look(\%nothing, '');
			is_deeply($sim->jobs, [], 'no job');
			writes($c);
			return;
		}
		wait_for('the backend to end', sub { !kill 0, $pid });
		if ($how =~ /killed|immediate/)
		{
			look(\%nothing, undef, killed => 1);
			is(join(' ', map { $_->{state} } @{ $sim->jobs }), 'Open', 'nobody could see to the job, but it is not closed');
		}
		else
		{
			look(\%nothing);
			is_deeply($sim->jobs, [], 'no job');
		}
		writes(SfPsql->new($node));
	};
}

subtest 'immediate shutdown in the middle of an upload' => sub {
	my $c = SfPsql->new($node);

	start({ fault => { %$put, body_at => 100, hold => 'before' } });
	$c->begin(SfWrite::statement($lane, { @bulk, kind => 'plain', apply => 'statement', rows => 24 }));
	$sim->wait_request(method => 'PUT', path => '*/batches', state => 'held');
	$node->stop('immediate');
	$sim->release;
	$c->end;
	$node->start;
	look(\%nothing, undef, killed => 1);
	writes(SfPsql->new($node));
};

$node->stop;
done_testing();
