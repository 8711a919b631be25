# SfTest.pm
#		What the TAP tests share: a simulated org, a private PostgreSQL that is connected to it, and
#		looking at what was sent.
#
#	use SfTest;
#
#	my $sim = sfsim_start(rows => { Account => 5000 });
#	my $node = node_start('main');
#	server_create($node, $sim, options => { transport => 'bulk' });
#	tables_import($node, 'account', 'contact');			# into the schema sf
#
#	$sim->fault({ match => { path => '*/results*' }, ... });	# see simulator/faults.c
#	is($node->safe_psql('postgres', 'SELECT count(id) FROM sf.account'), 5000);
#	is_deeply($sim->jobs, [], 'no job is left behind');
#
# The environment (scripts/test sets it) says where sfsim is (SFSIM) and puts the programs of a
# PostgreSQL with the extension in it in front of the PATH.  Every simulator ends with the test that
# started it, whatever becomes of it; the PostgreSQL nodes are PostgreSQL::Test::Cluster's.

package SfTest;

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  sfsim_start node_start server_create tables_import
  quote_sql options_sql psql_result fd_count wait_for
);

my @running;

# ---- the simulator ---------------------------------------------------------------------------

# sfsim_start(rows => { Object => N, ... }, args => [ ... ], tls => [ CERTIFICATE, KEY ])
#
# Starts sfsim on a port that the system chooses and returns an object with the methods below.
# Objects that rows does not name have the simulator's default number of rows.  With tls it speaks
# https, and of the methods only url, port, env, output and stop can be used: HTTP::Tiny speaks none.
sub sfsim_start
{
	my (%opt) = @_;
	my $program = $ENV{SFSIM} || dirname(__FILE__) . '/../../sfsim';
	my $dir = PostgreSQL::Test::Utils::tempdir();

	# a connection for each request: head and body are two writes, and on a connection that is kept the
	# second would wait 40 ms for the acknowledgement of the first
	my $http = HTTP::Tiny->new(timeout => 300, keep_alive => 0);
	my $self = bless { dir => $dir, http => $http }, __PACKAGE__;

	my @command = ($program, '--port', 0, '--port-file', "$dir/port", '--die-with-parent');
	push @command, '--rows', "$_=$opt{rows}{$_}" for sort keys %{ $opt{rows} // {} };
	push @command, '--tls-cert', $opt{tls}[0], '--tls-key', $opt{tls}[1], '--env' if $opt{tls};
	push @command, @{ $opt{args} // [] };
	$self->{process} =
	  IPC::Run::start(\@command, '<', \undef, '>', "$dir/sfsim.log", '2>&1');
	push @running, $self;

	# the file appears, complete, when the simulator listens
	wait_for(
		"sfsim to start",
		sub {
			return 1 if -s "$dir/port";
			die 'sfsim has ended: ' . slurp_file("$dir/sfsim.log") if !$self->{process}->pumpable;
			return 0;
		});
	chomp($self->{port} = slurp_file("$dir/port"));
	$self->{url} = ($opt{tls} ? 'https' : 'http') . "://127.0.0.1:$self->{port}";
	wait_for('the logins', sub { $self->output =~ /^SF_REFRESH_TOKEN=.*\n/m }) if $opt{tls};
	for (split /\n/, $opt{tls} ? $self->output : $self->get_text('/__sfsim/env'))
	{
		# shell assignments; a quote inside is written as '\''
		$self->{env}{$1} = $2 =~ s/'\\''/'/gr if /^(\w+)='(.*)'$/;
	}
	return $self;
}

# Where it listens: "http://127.0.0.1:PORT", and the port alone.
sub url { return $_[0]{url}; }
sub port { return $_[0]{port}; }

# A credential of the simulated org by the name that "sfsim --env" gives it: SF_CLIENT_ID, SF_CLIENT_SECRET,
# SF_USERNAME, SF_PASSWORD, SF_SECURITY_TOKEN, SF_REFRESH_TOKEN, SF_TOKEN.
sub env
{
	my ($self, $name) = @_;
	return $self->{env}{$name} // die "sfsim has no $name";
}

# What it has printed so far.
sub output
{
	my ($self) = @_;
	return slurp_file("$self->{dir}/sfsim.log");
}

# One request to the control endpoint: the decoded JSON of the answer (or undef when empty).
# Dies when the answer is no 2xx.
sub control
{
	my ($self, $method, $path, $data) = @_;
	my $text = $self->request_text($method, "/__sfsim/$path",
		defined $data ? JSON::PP->new->utf8->canonical->encode($data) : undef);
	return length $text ? JSON::PP->new->utf8->decode($text) : undef;
}

sub get_text
{
	my ($self, $path) = @_;
	return $self->request_text('GET', $path);
}

# The text of an answer; dies when that is no 2xx.
sub request_text
{
	my ($self, $method, $path, $content) = @_;
	my %options;
	%options = (content => $content, headers => { 'Content-Type' => 'application/json' })
	  if defined $content;
	my $answer = $self->{http}->request($method, "$self->{url}$path", \%options);
	die "$method $path: $answer->{status} $answer->{content}\n" if !$answer->{success};
	return $answer->{content};
}

# The requests so far, oldest first, without those to the control endpoint: an array of hashes with n,
# at_ms, method, path, query, headers, body, status, state, bytes, answer (headers) and fault.  With a
# pattern only those whose "METHOD path" matches.
sub log
{
	my ($self, $pattern) = @_;
	my $log = $self->control('GET', 'log');
	return $log if !defined $pattern;
	return [ grep { "$_->{method} $_->{path}" =~ $pattern } @$log ];
}

sub log_clear
{
	my ($self) = @_;
	$self->control('DELETE', 'log');
	return;
}

# The SOQL of all queries so far: those asked by REST in their order, then those of jobs.  Dies when the log has not
# kept one (see log_body_kb).
sub soql
{
	my ($self) = @_;
	my @soql;
	for (@{ $self->control('GET', 'log?bodies=none&method=GET&path=*/query*') })
	{
		next if $_->{path} !~ m{/query(All)?/?$} || ($_->{query} // '') !~ /(?:^|&)q=([^&]*)/;
		(my $q = $1) =~ s/\+/ /g;
		$q =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
		utf8::decode($q);
		push @soql, $q;
	}
	for (@{ $self->control('GET', 'log?bodies=all&method=POST&path=*/jobs/query') })
	{
		push @soql, JSON::PP->new->decode($_->{body} // die 'a body was not kept')->{query};
	}
	return @soql;
}

# Switches a fault on (a hash as simulator/faults.c documents it); returns its id.
sub fault
{
	my ($self, $spec) = @_;
	return $self->control('POST', 'faults', $spec)->{ids}[0];
}

# Ends one fault, or all; requests that they hold go on.
sub fault_clear
{
	my ($self, $id) = @_;
	$self->control('DELETE', defined $id ? "faults/$id" : 'faults');
	return;
}

# Lets held requests and jobs go on: all, or those of the faults of one name.
sub release
{
	my ($self, $name) = @_;
	$self->control('POST', defined $name ? 'release?name=' . escaped($name) : 'release', {});
	return;
}

# A value of a query string: HTTP::Tiny refuses blanks, in some versions only.
sub escaped { return $_[0] =~ s/([^\w.*\/-])/sprintf('%%%02X', ord $1)/ger; }

# wait_request(path => GLOB, method => 'GET', state => 'done', count => 1): until so many requests
# have arrived, been held, been answered or are done.  What a test waits for, instead of sleeping.
sub wait_request
{
	my ($self, %want) = @_;
	my $query = join '&', 'timeout_ms=' . 1000 * $PostgreSQL::Test::Utils::timeout_default,
	  map { "$_=" . escaped($want{$_}) } sort keys %want;
	return $self->control('GET', "wait?$query")->{matched};
}

# Until at most so many jobs exist in the org.
sub wait_jobs
{
	my ($self, $most) = @_;
	return $self->wait_request(jobs => $most // 0);
}

# Every session of the org ends, as a revoked token's.
sub expire_tokens
{
	my ($self) = @_;
	$self->control('POST', 'tokens', { expire => 'all' });
	return;
}

# A fresh access token, as if somebody had logged in.
sub token
{
	my ($self) = @_;
	return $self->control('POST', 'tokens', { issue => JSON::PP::true })->{access_token};
}

# Faults, log, options, switches and jobs as at the start.
sub reset
{
	my ($self) = @_;
	$self->control('POST', 'reset', {});
	return;
}

# Changes options of the running simulator: queue_ms, job_ms, page_rows, result_pages ...
sub set
{
	my ($self, %options) = @_;
	$self->control('POST', 'options', \%options);
	return;
}

# The jobs that exist in the org now: hashes with id, state, operation, object, query.
sub jobs
{
	my ($self) = @_;
	return $self->control('GET', 'jobs');
}

# Ends the simulator, as a network that is gone.
sub stop
{
	my ($self) = @_;
	return if !$self->{process};
	$self->{process}->kill_kill(grace => 5);
	delete $self->{process};
	@running = grep { $_ != $self } @running;
	return;
}

END
{
	my $status = $?;
	$_->stop for @running;
	$? = $status;
}

# ---- PostgreSQL ------------------------------------------------------------------------------

# node_start(NAME, conf => "text for postgresql.conf"): a running node with the extension created
# in the database postgres.
sub node_start
{
	my ($name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	# no lines that come or not with the machine's speed; conf may say otherwise
	$node->append_conf('postgresql.conf', 'sfbulk_fdw.progress_interval = 0');
	$node->append_conf('postgresql.conf', $opt{conf}) if defined $opt{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION sfbulk_fdw');
	return $node;
}

# A text as an SQL literal.
sub quote_sql
{
	my ($text) = @_;
	(my $quoted = $text) =~ s/'/''/g;
	return $quoted =~ /\\/ ? "E'" . ($quoted =~ s/\\/\\\\/gr) . "'" : "'$quoted'";
}

# OPTIONS (...) of a hash, or nothing for an empty one.
sub options_sql
{
	my (%options) = @_;
	return '' if !%options;
	return 'OPTIONS (' . join(', ',
		map { "$_ " . quote_sql($options{$_}) } sort keys %options) . ')';
}

# server_create(NODE, SIM, name => 'sf', dbname => 'postgres', options => { ... },
#	mapping => { ... })
#
# A foreign server for the simulated org and a user mapping for the current user.  mapping replaces
# the default login (client credentials); options come on top of login_url.
sub server_create
{
	my ($node, $sim, %opt) = @_;
	my $name = $opt{name} // 'sf';
	my %server = (login_url => $sim->url, %{ $opt{options} // {} });
	my %mapping = %{
		$opt{mapping} // {
			client_id => $sim->env('SF_CLIENT_ID'),
			client_secret => $sim->env('SF_CLIENT_SECRET')
		}
	};
	$node->safe_psql($opt{dbname} // 'postgres',
		"CREATE SERVER $name FOREIGN DATA WRAPPER sfbulk_fdw " . options_sql(%server) . ";\n"
		  . "CREATE USER MAPPING FOR CURRENT_USER SERVER $name " . options_sql(%mapping) . ";\n");
	return;
}

# tables_import(NODE, TABLE...[, { schema => 'sf', server => 'sf', dbname => ..., options => {} }])
sub tables_import
{
	my ($node, @tables) = @_;
	my %opt = ref $tables[-1] ? %{ pop @tables } : ();
	my $schema = $opt{schema} // 'sf';
	$node->safe_psql($opt{dbname} // 'postgres',
		"CREATE SCHEMA IF NOT EXISTS $schema;\n"
		  . 'IMPORT FOREIGN SCHEMA salesforce '
		  . (@tables ? 'LIMIT TO (' . join(', ', @tables) . ') ' : '')
		  . 'FROM SERVER ' . ($opt{server} // 'sf') . " INTO $schema "
		  . options_sql(%{ $opt{options} // {} }) . ";\n");
	return;
}

# Runs SQL that may fail: ( { sqlstate, message, detail, hint } or undef, output ).  A server or
# connection that is gone shows as the SQLSTATE "crash".
sub psql_result
{
	my ($node, $sql, %opt) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql(
		$opt{dbname} // 'postgres', "\\set VERBOSITY verbose\n$sql",
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		timeout => $PostgreSQL::Test::Utils::timeout_default);
	return (undef, $out, $err) if $rc == 0;
	my %error = (sqlstate => 'crash', message => $err, detail => '', hint => '');
	if ($err =~ /(?:ERROR|FATAL): +(\w{5}): (.*)/)
	{
		@error{qw(sqlstate message)} = ($1, $2);
		$error{detail} = $1 if $err =~ /^DETAIL: +(.*)/m;
		$error{hint} = $1 if $err =~ /^HINT: +(.*)/m;
	}
	return (\%error, $out, $err);
}

# Open descriptors of a process: a leak shows as a number that grows.  With a pattern only those
# whose target ("socket:[1234]", "/path/of/file") matches: files come and go as they are used.
sub fd_count
{
	my ($pid, $pattern) = @_;
	opendir(my $dir, "/proc/$pid/fd") or die "/proc/$pid/fd: $!";
	my @fds = grep { !/^\./ } readdir $dir;
	return scalar @fds if !defined $pattern;
	return scalar grep { (readlink("/proc/$pid/fd/$_") // '') =~ $pattern } @fds;
}

# wait_for(WHAT, CODE): until CODE says true; dies after PostgreSQL::Test's usual patience.
sub wait_for
{
	my ($what, $code) = @_;
	my $end = time + $PostgreSQL::Test::Utils::timeout_default;
	until ($code->())
	{
		die "timed out waiting for $what" if time > $end;
		sleep 0.05;
	}
	return;
}

1;
