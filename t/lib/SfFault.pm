# SfFault.pm
#		What the tests of faults share: one simulated org, one backend, and the cases.
#
#	my $t = SfFault->new('name');
#	$t->run('the second page breaks off', by => 'bulk',
#		faults => { path => '*/results', nth => 2, truncate => 1000 });
#	$t->run('the session ends for good', by => 'rest', warm => 1,
#		faults => { path => '*/query', error => 'session_expired', count => 0 },
#		error => '28000', message => qr/INVALID_SESSION_ID/);
#
# A case is one subtest.  It ends with exactly the rows that there are, or with the ERROR that it
# names; every fault that it orders must have acted; and afterwards there must be no job in the org,
# the same backend must read everything, and its session, dropped, must give back every descriptor.

package SfFault;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use SfPsql;
use SfTest;
use Test::More;

use Exporter qw(import);
our @EXPORT = qw($login $create $poll $links $page $abort $delete $query $more $describe $composite
  requests);

# The requests of reading, as members of a fault.  A star crosses slashes, so that the path of a
# job has to be as long as it is.
our $login = { method => 'POST', path => '*/oauth2/token' };
our $create = { method => 'POST', path => '*/jobs/query' };
our $poll = { method => 'GET', path => '*/jobs/query/750' . '?' x 15 };
our $links = { method => 'GET', path => '*/resultPages' };
our $page = { method => 'GET', path => '*/results' };
our $abort = { method => 'PATCH', path => '*/jobs/query/*' };
our $delete = { method => 'DELETE', path => '*/jobs/query/*' };
our $query = { method => 'GET', path => '*/query' };
our $more = { method => 'GET', path => '*/query/01g*' };
our $describe = { method => 'GET', path => '*/sobjects' };
our $composite = { method => 'POST', path => '*/composite' };

# Everything of every row, in no order.
our $all = 'SELECT count(*), count(DISTINCT a.id), sum(hashtextextended(a::text, 0)) FROM';

# A simulated org of 1,000 accounts that come in pages of 100 (bulk) and 200 (REST), the schemas bulk,
# rest and auto on servers with that transport (auto takes up to 100 rows by REST), and a backend.
#	schemas		others than these	options		of all servers	own		{ schema => its server's options }
#	rows		of the org				conf		for postgresql.conf
sub new
{
	my ($class, $name, %opt) = @_;
	my $self = bless { schemas => $opt{schemas} // [ 'bulk', 'rest', 'auto' ] }, $class;

	$self->{sim} = sfsim_start(rows => { Account => 1000, Contact => 30, %{ $opt{rows} // {} } });
	$self->{node} = node_start($name, conf => $opt{conf});
	$self->{bulk1} = grep { ($_->{bulk_api} // '') eq '1.0' } $opt{options} // {},
	  values %{ $opt{own} // {} };
	for my $by (@{ $self->{schemas} })
	{
		server_create($self->{node}, $self->{sim}, name => $by,
			options => { transport => $by, max_retries => 2, rest_row_limit => 100,
				fdw_tuple_cost => '0.05',
				$by eq 'rest' ? (page_rows => 200) : (),
				%{ $opt{options} // {} }, %{ $opt{own}{$by} // {} } });
		tables_import($self->{node}, 'account', 'contact', { server => $by, schema => $by });
	}
	$self->{expected} = $self->{node}->safe_psql('postgres', "$all rest.account a");
	like($self->{expected}, qr/^1000\|1000\|/, 'what the org holds');
	$self->{backend} = SfPsql->new($self->{node});
	$self->{backend}->query("$all $_.account a") for @{ $self->{schemas} };
	$self->drop_sessions;
	$self->{sockets} = $self->sockets;
	return $self;
}

sub sim { return $_[0]{sim}; }
sub node { return $_[0]{node}; }
sub backend { return $_[0]{backend}; }
sub expected { return $_[0]{expected}; }

# The backend's sessions end, as their definition changes, and give back what they hold.
sub drop_sessions
{
	my ($self) = @_;
	$self->{backend}->value("ALTER SERVER $_ OPTIONS (SET fdw_tuple_cost '0.05')")
	  for @{ $self->{schemas} };
	return;
}

# Descriptors of the backend that files do not account for.
sub sockets
{
	my ($self) = @_;
	return fd_count($self->{backend}->pid, qr/^(?:socket|anon_inode|pipe):/);
}

# run(NAME, by => SCHEMA, ...)
#	set		options of the simulator		faults	one or several, or a code that gives them
#	sql		instead of reading all accounts; "%s" is the schema
#	warm	the session is logged in before		warnings	that must come (none else may)
#	error	SQLSTATE, message, detail, hint, context: patterns; or rows: exactly these
#	during	a code that acts while the statement runs; it gets the simulator and the backend's id
#	log		a code that looks at the requests; it gets the log
#	logins	how many there must be
#	open	jobs of Bulk API 1.0 that stay, likewise (its jobs cannot be deleted, only ended)
#	leftover	jobs that stay, as nobody could know of them
sub run
{
	my ($self, $name, %c) = @_;
	my ($sim, $backend) = @$self{qw(sim backend)};
	my $by = $c{by} // 'bulk';
	my $sql = ($c{sql} // "$all %s.account a") =~ s/%s/$by/gr;

	subtest "$by: $name" => sub {
		my @faults = ref $c{faults} eq 'ARRAY' ? @{ $c{faults} } : $c{faults} // ();

		$sim->reset;
		$sim->set(page_rows => 100, %{ $c{set} // {} });
		$backend->query("SELECT id FROM $by.contact LIMIT 1") if $c{warm};
		$sim->log_clear;
		$sim->fault($_) for @faults;
		$backend->begin($sql);
		$c{during}->($sim, $backend->pid) if $c{during};
		my $result = $backend->end;
		my $orders = $sim->control('GET', 'faults');
		ok($orders->[$_]{fired} > 0, 'fault ' . ($_ + 1) . ' acted')
		  or diag(JSON::PP->new->canonical->encode($orders->[$_]))
		  for 0 .. $#$orders;
		$self->check_result($result, %c);
		$c{log}->($sim->log) if $c{log};
		is(requests($sim->log, $login), $c{logins}, 'logins') if defined $c{logins};
		is(scalar @{ $sim->jobs }, $c{leftover} // 0, 'jobs in the org');
		is(scalar @{ $self->open_jobs }, $c{open} // 0, 'jobs that may go on')
		  if $self->{bulk1};

		$sim->reset;
				is($backend->query("$all $by.account a")->{rows}, $self->{expected},
					'all rows afterwards')
		  or diag($result->{messages});
		is_deeply($sim->jobs, [], 'no job afterwards');
		$self->drop_sessions;
		is($self->sockets, $self->{sockets}, 'descriptors');
	};
	return;
}

# The query jobs of Bulk API 1.0 that are open, or have batches still to be worked on.
sub open_jobs
{
	my ($self) = @_;
	my $sim = $self->{sim};
	my $http = HTTP::Tiny->new(keep_alive => 0);
	my $token = $sim->token;
	my $ask = sub {
		my ($path) = @_;
		my $answer = $http->get($sim->url . $path,
			{ headers => { Authorization => "Bearer $token", 'X-SFDC-Session' => $token } });
		die "$path: $answer->{status} $answer->{content}" if !$answer->{success};
		return $answer->{content};
	};
	my $jobs = JSON::PP->new->decode($ask->('/services/data/v62.0/jobs/query?jobType=Classic'));
	return [ map { "$_->{id} $_->{state}" } grep {
			$_->{state} eq 'Open' || $ask->("/services/async/62.0/job/$_->{id}") =~
			  m{<numberBatches(?:Queued|InProgress)>[1-9]}
		} @{ $jobs->{records} } ];
}

sub check_result
{
	my ($self, $result, %c) = @_;
	my $error = $result->{error};

	if (defined $c{error})
	{
		like($error && $error->{sqlstate}, qr/^$c{error}$/,
			'SQLSTATE') or diag($result->{messages});
		is($result->{rows}, $c{rows} // '', 'no rows beside the error');
		for my $part (grep { $c{$_} } qw(message detail hint context))
		{
			like($error->{$part}, $c{$part}, $part);
		}
	}
	else
	{
		is($error && "$error->{sqlstate} $error->{message}", undef, 'no error')
		  or diag($result->{messages});
		is($result->{rows}, $c{rows} // $self->{expected}, 'the rows');
	}
	my @warnings = $result->{messages} =~ /^WARNING:  (.*)/mg;
	if (my $want = $c{warnings})
	{
		is(scalar @warnings, scalar @$want, 'number of warnings') or diag($result->{messages});
		like($warnings[$_] // '', $want->[$_], "warning $_") for 0 .. $#$want;
	}
	else
	{
		is_deeply(\@warnings, [], 'no warnings');
	}
	return;
}

# How many requests of the log match a fault's method and path.
sub requests
{
	my ($log, $what) = @_;
	my $path = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //,
	  $what->{path};
	return scalar grep { $_->{method} eq $what->{method} && $_->{path} =~ /^$path$/ } @$log;
}

sub finish
{
	my ($self) = @_;
	$self->{backend}->close;
	$self->{node}->stop;
	return;
}

1;
