# SfWrite.pm
#		What the tests of faults while writing share: simulated orgs with a backend for each, side by side,
#		and the cases.
#
#	my $t = SfWrite->new('name', lanes => 6);
#	$t->add('an insert whose answer is lost', op => 'insert', by => 'rest',
#		faults => { %$insert, nth => 2, close => 'after' },
#		error => '08006', unknown => 200);
#	$t->run;						# the cases, a few at a time, in their order
#	note $t->count . ' cases';
#
# A case is one statement in an org of its own, which is as at the start.  What must be true of each:
#
#	- the statement succeeds, and the org holds every change exactly once; or it fails, and what it
#	  says of its rows (how many were written, how many may have been) is what the org holds
#	- no row is there twice, and none is there that is neither the old one nor the new one
#	- no job got more than one upload; none is left open, unless a WARNING told of it
#	- no more warnings than the case names, and every fault that it orders has acted
#	- the same backend writes another row afterwards, and its transaction is over

package SfWrite;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use SfPsql;
use SfTest;
use Test::More;

use Exporter qw(import);
our @EXPORT = qw($login $create $put $close $poll $failed $delete $abort %call %bulk1 requests of_log);

# The requests of writing, as members of a fault.  A star crosses slashes, so that the path of a
# job has to be as long as it is.
my $one_job = '*/jobs/ingest/750' . '?' x 15;
our $login = { method => 'POST', path => '*/oauth2/token' };
our $create = { method => 'POST', path => '*/jobs/ingest' };
our $put = { method => 'PUT', path => '*/batches' };
our $close = { method => 'PATCH', path => $one_job, request_body => '*UploadComplete*' };
our $abort = { method => 'PATCH', path => $one_job, request_body => '*Aborted*' };
our $poll = { method => 'GET', path => $one_job };
our $failed = { method => 'GET', path => '*/failedResults*' };
our $delete = { method => 'DELETE', path => $one_job };

# The same of Bulk API 1.0.
my $one_bulk1 = '*/services/async/62.0/job/750' . '?' x 15;
our %bulk1 = (
	create => { method => 'POST', path => '*/services/async/62.0/job' },
	batch => { method => 'POST', path => "$one_bulk1/batch" },
	close => { method => 'POST', path => $one_bulk1, request_body => '*Closed*' },
	abort => { method => 'POST', path => $one_bulk1, request_body => '*Aborted*' },
	poll => { method => 'GET', path => "$one_bulk1/batch" },
	result => { method => 'GET', path => "$one_bulk1/batch/751" . '?' x 15 . '/result' },
	request => { method => 'GET', path => "$one_bulk1/batch/751" . '?' x 15 . '/request' });

# A call of Collections, by the operation.
our %call = (
	insert => { method => 'POST', path => '*/composite/sobjects' },
	update => { method => 'PATCH', path => '*/composite/sobjects' },
	upsert => { method => 'PATCH', path => '*/composite/sobjects/Invoice__c/External_Key__c' },
	delete => { method => 'DELETE', path => '*/composite/sobjects' });

# Rows of a statement: three calls of Collections, three jobs.
my $call_rows = 401;
my $job_rows = 24;
my $job_deleted = 120;

# What an old row and a new one say.  The text makes three jobs of 24 rows at 1,000 bytes each.
my $old = 'old';
my $new = 'new' . 'x' x 70;

# The key of row i of an operation, and the rows that are there before.
my %keys = (
	insert => sub { "I-$_[0]" },
	update => sub { "U$_[1]-$_[0]" },
	upsert => sub { "U$_[1]-$_[0]" },
	delete => sub { "D$_[1]-$_[0]" });

sub rows_of
{
	my ($op, $by) = @_;
	return $by eq 'rest' ? $call_rows : $op eq 'delete' ? $job_deleted : $job_rows;
}

# ---- setting up ------------------------------------------------------------------------------

#	lanes	how many orgs and backends		conf	for postgresql.conf
#	bulk1	jobs are of Bulk API 1.0, with batches of so many rows
sub new
{
	my ($class, $name, %opt) = @_;
	my $self = bless { cases => [], lanes => [], count => 0, bulk1 => $opt{bulk1} }, $class;

	$self->{node} = node_start($name, conf => $opt{conf});
	$self->{node}->safe_psql('postgres', 'CREATE TABLE source AS SELECT generate_series(1, 1000) i');
	$self->add_lane($_) for 1 .. $opt{lanes} // 1;
	return $self;
}

sub node { return $_[0]{node}; }
sub count { return $_[0]{count}; }

# An org with the rows that updates, upserts and deletes are about, a server that waits as long as it
# takes and one that is in a hurry, and their tables: NAME_BY, in the schemas a1 and b1.
sub add_lane
{
	my ($self, $n) = @_;
	my $sim = sfsim_start(rows => { Account => 10, Contact => 0, Invoice__c => 0, Line__c => 0 });
	my $lane = { sim => $sim, n => $n };
	my $sql = '';

	for my $server ("a$n", "b$n")
	{
		# few rows for a job would be held until the commit
		server_create($self->{node}, $sim, name => $server,
			options => { rest_row_limit => 10, max_retries => 2, parallel_jobs => 3, job_bytes => 1000,
				$self->{bulk1} ? (bulk_api => '1.0', batch_rows => $self->{bulk1}) : (),
				$server =~ /^b/ ? (request_timeout => '300ms') : () });
		$sql .= "CREATE SCHEMA $server;";
		for my $by (qw(rest bulk))
		{
			for my $apply (qw(statement commit))
			{
				for my $kind (qw(plain upsert ignore))
				{
					my %options = (object => 'Invoice__c', transport => $by, apply => $apply,
						$kind eq 'upsert' ? (upsert_key => 'External_Key__c') : (),
						$kind eq 'ignore' ? (on_error => 'ignore') : ());
					$sql .= "CREATE FOREIGN TABLE $server.${kind}_${by}_$apply (
						id text OPTIONS (field 'Id'), key text OPTIONS (field 'External_Key__c'),
						code text OPTIONS (field 'Code__c'), note text OPTIONS (field 'Description__c'),
						n integer OPTIONS (field 'Employees__c')) SERVER $server "
					  . options_sql(%options) . ';';
				}
			}
		}
	}
	$self->{node}->safe_psql('postgres', $sql);

	my @there = ((map { "Urest-$_" } 1 .. $call_rows), (map { "Ubulk-$_" } 1 .. $job_rows),
		(map { "Drest-$_" } 1 .. $call_rows), (map { "Dbulk-$_" } 1 .. $job_deleted));
	while (my @some = splice @there, 0, 200)
	{
		my $results = rest($sim, 'POST', 'composite/sobjects', { allOrNone => JSON::PP::true,
				records => [ map { { attributes => { type => 'Invoice__c' }, Name => $_,
							External_Key__c => $_, Code__c => $_, Description__c => $old } } @some ] });
		die JSON::PP->new->encode($results) if grep { !$_->{success} } @$results;
	}
	$lane->{backend} = SfPsql->new($self->{node});
	$sim->control('POST', 'snapshot', { name => 'start' });
	push @{ $self->{lanes} }, $lane;
	return;
}

# A request of somebody else's.
sub rest
{
	my ($sim, $method, $path, $content) = @_;
	my $answer = HTTP::Tiny->new->request($method, $sim->url . "/services/data/v62.0/$path", {
			headers => { Authorization => 'Bearer ' . ($sim->{test_token} //= $sim->token),
				'Content-Type' => 'application/json' },
			defined $content ? (content => encode_json($content)) : () });
	if ($answer->{status} == 401)
	{
		delete $sim->{test_token};
		return rest($sim, $method, $path, $content);
	}
	die "$method $path: $answer->{status} $answer->{content}" if !$answer->{success};
	return length $answer->{content} ? decode_json($answer->{content}) : undef;
}

# The jobs of Bulk API 1.0 in the org.
sub classic_jobs
{
	my ($sim) = @_;
	return rest($sim, 'GET', 'jobs/ingest?jobType=Classic')->{records};
}

# The rows of the org whose codes begin so: code => [ notes ].
sub org_rows
{
	my ($sim, $prefix) = @_;
	my %rows;
	my $answer = rest($sim, 'GET', 'query?q=SELECT+Code__c,Description__c,Employees__c+FROM+Invoice__c'
		  . "+WHERE+Code__c+LIKE+'$prefix-%25'");

	die 'more rows than a page' if !$answer->{done};
	push @{ $rows{ $_->{Code__c} } }, $_ for @{ $answer->{records} };
	return \%rows;
}

# ---- cases -----------------------------------------------------------------------------------

# add(NAME, ...)
#	op		insert, update, upsert, delete			by		rest, bulk
#	apply	statement, commit						faults	one or several
#	kind	of table, if it says more than op		warm	the session is logged in before
#	hurry	by the server with a short request_timeout
#	error	SQLSTATE, and message, detail, hint: patterns; without one it must succeed
#	unknown	how many rows it must say it does not know of (0), or "any"
#	saved	how many it must say were written, where that is certain
#	rejected	how many it must have rejected (0)
#	warnings	patterns of those that must come, in any order (none else may)
#	may_warn	a pattern of others that may come
#	leftover	jobs that stay, as nobody knows of them
#	before	a code that acts in the org before; it gets the simulator
#	during	a code that acts while the statement runs; it gets the simulator and the backend
#	log		a code that looks at the requests; it gets the log and a code to complain with
sub add
{
	my ($self, $name, %c) = @_;

	$c{apply} //= 'statement';
	$c{name} = "$c{by} $c{op}, $c{apply}: $name";
	$c{faults} = [ ref $c{faults} eq 'ARRAY' ? @{ $c{faults} } : $c{faults} // () ];
	$c{kind} //= $c{op} eq 'upsert' ? 'upsert' : 'plain';
	$c{rows} //= rows_of($c{op}, $c{by});
	$c{bulk1} = $self->{bulk1};
	push @{ $self->{cases} }, \%c;
	return;
}

sub statement
{
	my ($lane, $c) = @_;
	my $table = ($c->{hurry} ? 'b' : 'a') . "$lane->{n}.$c->{kind}_$c->{by}_$c->{apply}";
	my ($op, $by, $rows) = @$c{qw(op by rows)};

	return $c->{sql} =~ s/%s/$table/gr if $c->{sql};
	return "INSERT INTO $table (code, note, n) SELECT 'I-' || i, '$new', i FROM source"
	  . " WHERE i <= $rows ORDER BY i"
	  if $op eq 'insert';

	# every second row is there already
	return "INSERT INTO $table (key, code, note, n) SELECT x, x, '$new', i FROM source,"
	  . " LATERAL (SELECT 'U$by-' || CASE WHEN i % 2 = 0 THEN i ELSE i + 5000 END x) k"
	  . " WHERE i <= $rows ORDER BY i"
	  if $op eq 'upsert';
	return "UPDATE $table SET note = '$new' WHERE key LIKE 'U$by-%'" if $op eq 'update';
	return "DELETE FROM $table WHERE key LIKE 'D$by-%'";
}

# How many changes the org shows, and what is wrong with its rows.
sub changes
{
	my ($c, $sim, $complain) = @_;
	my ($op, $by, $rows) = @$c{qw(op by rows)};
	my $prefix = $op eq 'insert' ? 'I' : $op eq 'delete' ? "D$by" : "U$by";
	my $there = org_rows($sim, $prefix);
	my $changed = 0;

	for my $i (1 .. $rows)
	{
		my $key = $keys{$op}->($op eq 'upsert' && $i % 2 ? $i + 5000 : $i, $by);
		my $found = delete $there->{$key};
		my @notes = map { $_->{Description__c} // 'null' } @{ $found // [] };

		$complain->("row $key is there " . @notes . ' times') if @notes > 1;
		if ($op eq 'delete')
		{
			$changed++ if !@notes;
		}
		elsif (@notes && $notes[0] eq $new)
		{
			$changed++;
			$complain->("row $key has $found->[0]{Employees__c}")
			  if $op ne 'update' && ($found->[0]{Employees__c} // 0) != $i;
		}
		else
		{
			$complain->("row $key says $notes[0]") if @notes && $notes[0] ne $old;
			$complain->("row $key is lost") if !@notes && ($op eq 'update' || ($op eq 'upsert' && $i % 2 == 0));
			$complain->("row $key came from nowhere") if @notes && $op eq 'insert';
		}
	}
	for my $key (sort keys %$there)
	{
		# what an upsert does not name
		next if $op eq 'upsert' && @{ $there->{$key} } == 1 && $there->{$key}[0]{Description__c} eq $old;
		$complain->("row $key is not of this statement");
	}
	return $changed;
}

# The counts in an error's detail; undef when there are none.
sub counts
{
	my ($text) = @_;
	my ($rows, $list) = $text =~ /Of (\d+) rows? (?:of the statement|that waited for the commit)[^,]*, (.*?)\./ or return;
	my %n = (rows => $rows, map { $_ => 0 } qw(saved rejected unprocessed unknown unsent));

	for (split /, (?=\d)/, $list)
	{
		my ($n) = /^(\d+) / or return;
		$n{ /may or may not/ ? 'unknown' : /rejected/ ? 'rejected' : /processed/ ? 'unprocessed'
			: /sent/ ? 'unsent' : 'saved' } += $n;
	}
	$n{nothing} = $text =~ /Nothing was changed in Salesforce/;
	return \%n;
}

sub requests
{
	my ($log, $what) = @_;
	return scalar of_log($log, $what);
}

# The requests of the log that a fault's members address, but for what it says of bodies.
sub of_log
{
	my ($log, $what) = @_;
	my ($path, $body) = map {
		my $glob = $_ // '*';
		join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $glob;
	} map { $what->{$_} } qw(path request_body);
	return grep { $_->{method} eq $what->{method} && $_->{path} =~ /^$path$/
		  && ($_->{body} // '') =~ /^$body$/s } @$log;
}

sub begin_case
{
	my ($lane, $c) = @_;
	my ($sim, $backend) = @$lane{qw(sim backend)};

	$sim->control('POST', 'restore', { name => 'start', keep_sessions => JSON::PP::true });
	$sim->set(%{ $c->{set} }) if $c->{set};
	if ($c->{warm})
	{
		my $server = ($c->{hurry} ? 'b' : 'a') . $lane->{n};
		$backend->value("SELECT id FROM $server.plain_rest_statement WHERE code = 'none'");
	}
	else
	{
		# a session that is dropped, as its definition changes, logs in again
		$backend->value("ALTER SERVER $_$lane->{n} OPTIONS (SET max_retries '2')") for qw(a b);
	}
	$c->{before}->($sim) if $c->{before};
	$sim->log_clear;
	$sim->fault($_) for @{ $c->{faults} };
	$backend->begin(statement($lane, $c));
	$c->{during}->($sim, $backend) if $c->{during};
	return;
}

sub end_case
{
	my ($lane, $c) = @_;
	my ($sim, $backend) = @$lane{qw(sim backend)};
	my @bad;
	my $complain = sub { push @bad, @_; };
	my $result = $backend->end;
	my $log = $sim->log;
	my $orders = $sim->control('GET', 'faults');
	my ($error, $messages) = @$result{qw(error messages)};

	for (0 .. $#$orders)
	{
		$complain->('fault ' . ($_ + 1) . " has not acted (seen $orders->[$_]{seen})") if !$orders->[$_]{fired};
	}
	check_outcome($c, $sim, $result, $complain);
	check_jobs($c, $sim, $log, $messages, $complain);
	check_warnings($c, $messages, $complain);
	$c->{log}->($log, $complain, $result) if $c->{log};

	# requests that are held go on to their end, whatever it is
	$sim->fault_clear;
	wait_for('held requests',
		sub { !grep { $_->{state} =~ /arrived|held/ } @{ $sim->control('GET', 'log?bodies=none') } })
	  if grep { $_->{hold} } @{ $c->{faults} };

	# the backend is fit for more
	my $server = ($c->{hurry} ? 'b' : 'a') . $lane->{n};
	my $after = $backend->query("INSERT INTO $server.plain_rest_statement (code) VALUES ('A-1')");
	$complain->("afterwards: $after->{messages}") if $after->{error};
	$complain->('afterwards: not one row') if @{ org_rows($sim, 'A')->{'A-1'} // [] } != 1;
	$complain->('the transaction goes on')
	  if $backend->value('SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND xact_start < query_start') ne '0';

	ok(!@bad, $c->{name})
	  or diag(join "\n", @bad[ 0 .. ($#bad > 9 ? 9 : $#bad) ], $messages, map { of_request($_) } @$log);
	return;
}

sub of_request
{
	my ($r) = @_;
	return "  $r->{method} " . substr($r->{path}, 19) . ' ' . ($r->{status} // '') . " $r->{state}"
	  . ($r->{faults} && @{ $r->{faults} } ? ' (fault)' : '');
}

sub check_outcome
{
	my ($c, $sim, $result, $complain) = @_;
	my $error = $result->{error};
	my $changed = changes($c, $sim, $complain);
	my $rejected = $c->{rejected} // 0;

	if (!defined $c->{error})
	{
		$complain->("it failed: $error->{sqlstate} $error->{message}") if $error;
		my $want = $c->{rows} - $rejected;
		$complain->("$changed changes instead of $want") if $changed != $want;
		return;
	}
	if (!$error)
	{
		$complain->("it did not fail with $c->{error}; $changed of $c->{rows} changes");
		return;
	}
	$complain->("SQLSTATE $error->{sqlstate} instead of $c->{error}")
	  if $error->{sqlstate} !~ /^$c->{error}$/;
	for my $part (grep { $c->{$_} } qw(message detail hint context))
	{
		$complain->("$part does not fit $c->{$part}") if $error->{$part} !~ $c->{$part};
	}

	# what it says of the rows is what the org has
	my $said = counts($error->{detail}) // { saved => 0, unknown => 0, rejected => 0, nothing => 1 };
	return if $c->{uncounted};
	$complain->("it says that $said->{saved} were written, and $said->{unknown} may have been; $changed were")
	  if $changed < $said->{saved} || $changed > $said->{saved} + $said->{unknown};
	$complain->("it says that nothing was changed; $changed rows were") if $said->{nothing} && $changed;
	$complain->("unknown: $said->{unknown}")
	  if ($c->{unknown} // 0) ne 'any' && $said->{unknown} != ($c->{unknown} // 0);
	$complain->("written: $said->{saved}") if defined $c->{saved} && $said->{saved} != $c->{saved};
	$complain->("rejected: $said->{rejected}") if $said->{rejected} != $rejected;
	if (defined $said->{rows})
	{
		my $sum = 0;
		$sum += $said->{$_} for qw(saved rejected unprocessed unknown unsent);
		$complain->("its counts make $sum of $said->{rows}") if $sum != $said->{rows};
	}
	return;
}

sub check_jobs
{
	my ($c, $sim, $log, $messages, $complain) = @_;
	my %uploads;
	my $left = 0;

	$uploads{ $_->{path} }++ for of_log($log, $put);
	for (sort keys %uploads)
	{
		$complain->("$uploads{$_} uploads: $_") if $uploads{$_} > 1;
	}
	for my $job (@{ $sim->jobs })
	{
		if ($job->{state} eq 'Open')
		{
			$left++;
		}
		elsif (!defined $c->{error} && !$c->{rejected} && !$c->{kept})
		{
			$complain->("job $job->{id} is left, $job->{state}");
		}
		elsif ($messages !~ /$job->{id}/ && !$c->{rejected})
		{
			$complain->("job $job->{id} is left, $job->{state}, and nothing tells of it");
		}
	}
	if ($c->{bulk1} && $c->{by} eq 'bulk')
	{
		# they cannot be deleted; what matters is that none is open, and that no batch is there twice
		$left += grep { $_->{state} eq 'Open' } @{ classic_jobs($sim) };
	}
	my $want = $c->{leftover} // 0;
	$complain->("$left open jobs instead of $want") if $left != $want;
	return;
}

sub check_warnings
{
	my ($c, $messages, $complain) = @_;
	my @warnings = $messages =~ /^WARNING:  (.*)/mg;

	for my $pattern (@{ $c->{warnings} // [] })
	{
		my ($i) = grep { $warnings[$_] =~ $pattern } 0 .. $#warnings;
		$complain->("no WARNING $pattern"), next if !defined $i;
		splice @warnings, $i, 1;
	}
	@warnings = grep { $_ !~ $c->{may_warn} } @warnings if $c->{may_warn};
	$complain->("WARNING $_") for @warnings;
	return;
}

# Runs what was added: as many at a time as there are lanes, and together what takes its time.
sub run
{
	my ($self) = @_;
	my $patience = sub {
		my ($c) = @_;
		return ($c->{hurry} ? 4 : 0) + 2 * grep { ($_->{count} // 1) == 0 || $_->{headers} } @{ $c->{faults} };
	};

	$self->{cases} = [ map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ $patience->($_), $_ ] } @{ $self->{cases} } ];
	while (my @some = splice @{ $self->{cases} }, 0, scalar @{ $self->{lanes} })
	{
		my @lanes = @{ $self->{lanes} };
		begin_case($lanes[$_], $some[$_]) for 0 .. $#some;
		end_case($lanes[$_], $some[$_]) for 0 .. $#some;
		$self->{count} += @some;
	}
	return;
}

sub finish
{
	my ($self) = @_;
	$_->{backend}->close for @{ $self->{lanes} };
	$self->{node}->stop;
	return;
}

1;
