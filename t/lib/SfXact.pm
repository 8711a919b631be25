# SfXact.pm
#		What the tests of writing and transactions share: two simulated orgs, a node with four ways to write to
#		the first one and two to the second, statements and what must be true behind them.
#
#	use SfXact;
#
#	steps('a name',
#		[ 'BEGIN; [commit a]', undef, [] ],						# SQL, SQLSTATE, what was sent
#		[ 'COMMIT', undef, ['insert Account 1 all'] ],
#		[ 'SELECT 1', undef, sub { is(names(), 'a', 'in the org') } ]);
#	xact_finish();

package SfXact;

use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use Test::More;

use Exporter qw(import);
our @EXPORT = qw($sim $other $node $rows $none @upload fresh names last_names soql sent calls
  nothing_left temporary_files memory_peak memory_reset wait_log expand steps xact_start xact_finish);

our ($sim, $other, $node);
my $log_at = 0;

# Four ways to write to one org, and two to another one: schemas and servers of these names.
my %servers = (
	statement => {},
	statement_bulk => { transport => 'bulk' },
	commit => { apply => 'commit' },
	commit_bulk => { apply => 'commit', transport => 'bulk' },
	other => { apply => 'commit' },
	other_statement => {});

# xact_start(NAME)
sub xact_start
{
	my ($name) = @_;

	$sim = sfsim_start(rows => { Account => 20, Contact => 20 });
	$other = sfsim_start(rows => { Account => 20, Contact => 20 });
	$node = node_start($name, conf => q{
		max_prepared_transactions = 4
		restart_after_crash = on
		log_statement = none
	});
	for my $schema (sort keys %servers)
	{
		server_create($node, $schema =~ /^other/ ? $other : $sim, name => $schema,
			options => { poll_interval_max => '200ms', %{ $servers{$schema} } });
		tables_import($node, 'account', 'contact', { server => $schema, schema => $schema });
		$node->safe_psql('postgres', qq{
		CREATE FOREIGN TABLE "$schema".child (lastname text OPTIONS (field 'LastName'),
				parent text OPTIONS (field 'Account.External_Key__c')) SERVER "$schema" OPTIONS (object 'Contact')});
	}
	$node->safe_psql('postgres', 'CREATE TABLE local (name text)');
	$_->control('POST', 'snapshot', { name => 'start' }) for $sim, $other;
	return;
}

# A statement of so many rows; what is true when nothing has come of a transaction; an upload.
our $rows = "INSERT INTO %s.account (name) SELECT 'xact ' || i FROM generate_series(1, %d) i";
our $none = sub { is(names(), '', 'nothing in the org'); nothing_left() };
our @upload = ('create Account', 'upload');

# ---- looking at the org ------------------------------------------------------------------------

# Everything as at the start, and a fresh backend.
sub fresh
{
	for ($sim, $other)
	{
		$_->reset;
		$_->control('POST', 'restore', { name => 'start' });
		$_->log_clear;
	}
	$node->safe_psql('postgres', 'TRUNCATE local');
	return SfPsql->new($node);
}

# The rows of a SOQL query, each as its values separated by blanks; it is not in the log.
sub soql
{
	my ($where, $query) = @_;
	my $query_text = $query =~ s/([^\w.*-])/sprintf('%%%02X', ord $1)/ger;
	my @fields = split /, /, ($query =~ /^SELECT (.*?) FROM/)[0];
	my $token = $where->token;
	my $next = "/services/data/v62.0/query?q=$query_text";
	my @found;

	while (defined $next)
	{
		my $answer = $where->{http}->request('GET', $where->url . $next,
			{ headers => { Authorization => "Bearer $token" } });
		die "$query: $answer->{content}" if !$answer->{success};
		my $page = JSON::PP->new->utf8->decode($answer->{content});
		for my $row (@{ $page->{records} })
		{
			push @found, join ' ', map { $row->{$_} // '' } @fields;
		}
		$next = $page->{nextRecordsUrl};
	}
	return @found;
}

# What the tests have put there.
sub names
{
	my ($where) = @_;
	return join ' ', sort map { s/^xact //r } soql($where // $sim,
		"SELECT Name FROM Account WHERE Name LIKE 'xact %'");
}

sub last_names
{
	my ($where) = @_;
	return join ' ', sort map { s/^xact //r } soql($where // $sim,
		"SELECT LastName FROM Contact WHERE LastName LIKE 'xact %'");
}

# The requests that write, in short: "insert Account 3 all" (Collections: records, allOrNone), "create Account",
# "upload", "close", "abort", "delete".
sub sent
{
	my ($where) = @_;
	my @sent;

	for (@{ ($where // $sim)->control('GET', 'log?bodies=all') })
	{
		my $request = "$_->{method} $_->{path}";

		if ($request =~ m{^(POST|PATCH) \S+/composite/sobjects})
		{
			my $body = JSON::PP->new->decode($_->{body});
			my %types = map { $_->{attributes}{type} => 1 } @{ $body->{records} };

			push @sent, join ' ', $1 eq 'POST' ? 'insert' : 'update', sort(keys %types),
			  scalar(@{ $body->{records} }), $body->{allOrNone} ? 'all' : ();
		}
		elsif ($request =~ m{^DELETE \S+/composite/sobjects})
		{
			push @sent, 'delete ' . scalar split /,|%2C/, ($_->{query} =~ /ids=([^&]*)/)[0];
		}
		elsif ($request =~ m{^POST \S+/jobs/ingest$})
		{
			push @sent, 'create ' . JSON::PP->new->decode($_->{body})->{object};
		}
		elsif ($request =~ m{^PUT \S+/jobs/ingest})
		{
			push @sent, 'upload';
		}
		elsif ($request =~ m{^PATCH \S+/jobs/ingest})
		{
			push @sent, JSON::PP->new->decode($_->{body})->{state} eq 'Aborted' ? 'abort' : 'close';
		}
		elsif ($request =~ m{^DELETE \S+/jobs/ingest})
		{
			push @sent, 'delete';
		}
	}
	return @sent;
}

sub calls
{
	my ($where) = @_;
	return grep { /^(?:insert|update)/ } sent($where);
}

# What must be true of any org behind a transaction.
sub nothing_left
{
	my (%opt) = @_;
	is_deeply($_->jobs, [], 'no job is left') for $opt{kept} ? () : ($sim, $other);
	is_deeply([ temporary_files() ], [], 'no temporary file is left');
	return;
}

sub temporary_files
{
	return map { s{.*/}{}r } glob $node->data_dir . '/base/pgsql_tmp/*';
}

sub memory_peak
{
	my ($pid) = @_;
	return slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die "no VmHWM of $pid";
}

# From here on the peak is what is in use now.
sub memory_reset
{
	my ($pid) = @_;
	open(my $file, '>', "/proc/$pid/clear_refs") or die "/proc/$pid/clear_refs: $!";
	print $file '5';
	close($file) or die "/proc/$pid/clear_refs: $!";
	return memory_peak($pid);
}

sub wait_log
{
	my ($pattern) = @_;
	$log_at = $node->wait_for_log($pattern, $log_at);
	return;
}

# [a] stands for a statement that inserts one account of that name, %s for the schema.
sub expand
{
	my ($sql, $schema) = @_;
	$sql =~ s/\[(\w+)\]/INSERT INTO "$schema".account (name) VALUES ('xact $1')/g;
	$sql =~ s/%s/"$schema"/g;
	return $sql;
}

# steps(NAME, [ SQL, SQLSTATE or undef, CHECK ]...): statements of one backend, and what must be true behind
# each.  CHECK is a code, or what "sent" must give from the step before on.
sub steps
{
	my ($name, @steps) = @_;

	subtest $name => sub {
		my $c = fresh();
		my $seen = 0;

		for (@steps)
		{
			my ($sql, $sqlstate, $check) = @$_;
			my $result = $c->query($sql =~ s/\[(\w+) (\w+)\]/expand("[$2]", $1)/ger);

			is($result->{error} && $result->{error}{sqlstate}, $sqlstate, $sql)
			  or diag($result->{messages});
			if (ref $check eq 'ARRAY')
			{
				my @sent = sent();

				is_deeply([ @sent[ $seen .. $#sent ] ], $check, 'what was sent') or diag(join "\n", @sent);
			}
			$check->($result, $c) if ref $check eq 'CODE';
			$seen = () = sent();
		}
		$c->close;
	};
	return;
}

# Ends the server with the test.
sub xact_finish
{
	$node->stop;
	return;
}

1;
