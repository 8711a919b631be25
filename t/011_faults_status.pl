# Answers that are no answers, at every step of reading: a gateway's HTML, the edge's empty 420, too
# many requests, errors of the server, connections that are cut.  What may be repeated is, a bounded
# number of times; the rest is an ERROR.
use strict;
use warnings;

use SfFault;
use SfTest;
use Test::More;

my $t = SfFault->new('status');

# A statement that is cancelled while its job runs, so that the job has to be aborted.
my $running = { %$create, job => { hold => 'InProgress' } };
my @abort = (
	by => 'bulk',
	error => '57014',
	message => qr/canceling statement due to user request/,
	during => sub {
		my ($sim, $pid) = @_;

		$sim->wait_request(%$poll);
		$t->node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	});

# A statement that describes.
my $import = q{
	BEGIN;
	CREATE SCHEMA imported;
	IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact) FROM SERVER %s INTO imported;
	SELECT count(*) FROM pg_attribute WHERE attnum > 0 AND attrelid IN
		('imported.account'::regclass, 'imported.contact'::regclass);
	ROLLBACK};
my $columns = $t->node->safe_psql('postgres', q{
	SELECT count(*) FROM pg_attribute WHERE attnum > 0 AND attrelid IN
		('bulk.account'::regclass, 'bulk.contact'::regclass)});

# Name, request, and what else a case needs so that the request is made.
my @bulk = (
	[ create => $create ], [ poll => $poll ], [ resultPages => $links ], [ page => $page ],
	[ delete => $delete ]);
my @rest = ([ query => $query ], [ nextRecords => $more ]);
my @describe = ([ describe => $describe ], [ composite => $composite ]);
my @import = (by => 'rest', sql => $import, rows => $columns);

# Once at every step of one statement: it is repeated, and all is well.
for my $status (
	[ 'HTTP 503, HTML' => { error => 'html_503' } ],
	[ 'HTTP 503, JSON' => { error => 'server_unavailable' } ],
	[ 'HTTP 420, empty' => { error => 'edge_420' } ],
	[ 'HTTP 429, empty' => { status => 429, body => '' } ],
	[ 'HTTP 500' => { error => 'unknown_exception' } ],
	[ 'HTTP 502, HTML' => { error => 'html_502' } ],
	[ 'HTTP 504, HTML' => { status => 504, body => '<html>', content_type => 'text/html' } ],
	[ 'connection closed before' => { close => 'before' } ],
	[ 'connection closed after' => { close => 'after' } ],
	[ 'answer cut' => { truncate => 5 } ])
{
	my ($name, $fault) = @$status;
	my $refused = $name =~ /503|420|429/;
	my $once = sub { return [ map { { %{ $_->[1] }, %$fault } } @_ ]; };

	# a creation that may have been acted on is not simply sent again: see below
	$t->run("$name once", by => 'bulk',
		faults => $once->(grep { $refused || $_->[0] ne 'create' } @bulk, [ login => $login ]));
	$t->run("$name once", by => 'rest', faults => $once->(@rest, [ login => $login ]));
	$t->run("describe: $name once", @import, faults => $once->(@describe));
	$t->run("abort: $name once", @abort,
		faults => [ $running, @{ $once->([ abort => $abort ], [ delete => $delete ]) } ]);
}

$t->run('Retry-After is kept to', by => 'rest', warm => 1,
	faults => { %$query, error => 'html_503', headers => { 'Retry-After' => '1' } },
	log => sub {
		my @at = map { $_->{at_ms} } grep { $_->{path} =~ /query$/ } @{ $_[0] };
		cmp_ok($at[1] - $at[0], '>=', 990, 'at least a second lies between');
	});

# For ever: three attempts, then an ERROR that says what could not be done.  (curl adds one of its own
# where a connection that was kept dies before the first byte of an answer.)
for my $status (
	[ 'HTTP 503, HTML' => { error => 'html_503' }, 'HV000', qr/HTTP status 503/ ],
	[ 'HTTP 420' => { error => 'edge_420' }, 'HV000', qr/HTTP status 420/ ],
	[ 'closed' => { close => 'before' }, '08006', qr/could not/ ])
{
	my ($name, $fault, $sqlstate, $message) = @$status;
	my $case = sub {
		my ($step, $what, %c) = @_;
		my $attempts = $name eq 'closed' ? 4 : 3;
		my $most = ($what->{nth} // 1) - 1 + $attempts;

		# pages are asked for several at a time
		$most = ($what->{nth} // 1) - 1 + 5 * 2 * $attempts if $step =~ /page$/;
		$t->run("$name at $step for ever", error => $sqlstate, message => $message,
			rows => '', %c, faults => { %$what, %$fault, count => 0 },
			log => sub {
				cmp_ok(requests($_[0], $what), '>=', 3, 'it is tried again');
				cmp_ok(requests($_[0], $what), '<=', $most, 'not too often');
			});
	};

	$case->(@{ $bulk[0] }, by => 'bulk',
		$name eq 'closed' ? (warnings => [qr/a query job may have been left/]) : ());
	$case->(@{ $bulk[1] }, by => 'bulk');
	# without the list of pages there is their chain
	$case->(@{ $bulk[2] }, by => 'bulk',
		$name =~ /503/ ? (error => undef, message => undef, rows => undef) : ());
	$case->(@$_, by => 'bulk') for $bulk[3], [ 'a later page', { %$page, nth => 7 } ];
	$case->(@$_, by => 'rest')
	  for @rest, [ 'a later nextRecords', { %$more, nth => 4 } ], [ login => $login ];
	$case->(@$_, @import, rows => '') for @describe;
}

# Where a job cannot be deleted, a WARNING names it and the statement stands.
$t->run('HTTP 503 at delete for ever', by => 'bulk', leftover => 1,
	faults => { %$delete, error => 'html_503', count => 0 },
	warnings => [qr/could not delete query job 750\w{15}: HTTP status 503/]);
$t->run('HTTP 503 at abort for ever', @abort, leftover => 1,
	faults => [ $running, { %$abort, error => 'html_503', count => 0 } ],
	warnings => [qr/could not abort query job 750\w{15}: HTTP status 503/]);
$t->run('abort finds the job complete', @abort,
	faults => [
		$running,
		{ %$abort, status => 400, body =>
			'[{"errorCode":"INVALIDJOBSTATE",'
			  . '"message":"Aborting already Completed Job not allowed"}]' }
	],
	# the simulator has it in progress still, and would not let go of such a job
	set => { delete_any_state => JSON::PP::true });
$t->run('abort finds no job', @abort, leftover => 1,
	faults => [ $running, { %$abort, error => 'not_found' } ]);
$t->run('delete finds no job', by => 'bulk', leftover => 1,
	faults => { %$delete, error => 'not_found' });

# The creation: what may have made a job is told by a warning, for its id is not known.
$t->run('creation: connection closed before it was processed', by => 'bulk', warm => 1,
	faults => { %$create, close => 'before' },
	warnings => [qr/a query job may have been left/]);
$t->run('creation: connection closed after it was processed', by => 'bulk', warm => 1,
	faults => { %$create, close => 'after' }, leftover => 1,
	warnings => [qr/a query job may have been left/]);
$t->run('creation: answer cut', by => 'bulk', warm => 1,
	faults => { %$create, truncate => 20 }, leftover => 1,
	warnings => [qr/a query job may have been left/]);
$t->run('creation: HTTP 502 from a gateway', by => 'bulk', warm => 1,
	faults => { %$create, error => 'html_502', after => JSON::PP::true }, leftover => 1,
	warnings => [qr/a query job may have been left/]);
$t->run('creation: HTTP 500', by => 'bulk', warm => 1,
	faults => { %$create, error => 'unknown_exception' },
	error => 'HV000', message => qr/UNKNOWN_EXCEPTION/);

# A login is a request for a token and makes nothing.
$t->run("login: $_->[0]", by => 'rest', faults => { %$login, %{ $_->[1] } })
  for [ 'connection closed before' => { close => 'before' } ],
  [ 'connection closed after' => { close => 'after' } ],
  [ 'HTTP 500' => { error => 'unknown_exception' } ],
  [ 'HTTP 502' => { error => 'html_502' } ];

# A request that is not answered at all ends by request_timeout, a few times over.
$t->backend->value("ALTER SERVER $_ OPTIONS (ADD request_timeout '300ms')") for qw(bulk rest);
for (@bulk[ 1 .. 3 ], @rest, [ login => $login ])
{
	my ($step, $what) = @$_;

	$t->run("no answer at $step", by => $step =~ /page|poll/i ? 'bulk' : 'rest',
		faults => { %$what, hold => 'before', count => 0 },
		error => '08006', message => qr/nothing came for 300 ms/);
}
$t->run('a page stops half-way', by => 'bulk',
	faults => { %$page, hold => 'body', hold_at => 500, count => 0 },
	error => '08006', message => qr/nothing came for 300 ms/);
$t->run('a page stops half-way once', by => 'bulk',
	faults => { %$page, nth => 3, hold => 'body', hold_at => 500 });

$t->finish;
done_testing();
