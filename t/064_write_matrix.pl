# Never twice, never lost: a fault of every kind at every step of writing.  After each the org holds
# every change exactly once, or the statement has failed and what it says of its rows is true.
use strict;
use warnings;

use JSON::PP;
use SfTest;
use SfWrite;
use Test::More;

my $t = SfWrite->new('matrix', lanes => 14);
my $yes = JSON::PP::true;

# ---- what can go wrong ------------------------------------------------------------------------

# The server says that it has done nothing, and it may be asked again.
my %refused = (
	'420, empty' => { error => 'edge_420' },
	'429' => { status => 429, body => '' },
	'503, HTML' => { error => 'html_503' },
	'503, JSON' => { error => 'server_unavailable' },
	'503 with Retry-After' => { error => 'html_503', headers => { 'Retry-After' => '1' } },
	'403, too many long requests' => { error => 'concurrent_limit' });

# Nobody can say whether it has: it has not here …
my %lost_before = (
	'connection closed before the request is read' => { body_at => 0, close => 'before' },
	'connection closed before it is acted on' => { close => 'before' },
	'502, HTML' => { error => 'html_502' },
	'504, HTML' => { status => 504, body => '<html>' });

# … and it has here.
my %lost_after = (
	'connection closed without an answer' => { close => 'after' },
	'answer cut at its head' => { truncate => 0 },
	'answer cut' => { truncate => 9 },
	'502 after the act' => { error => 'html_502', after => $yes },
	'504 after the act' => { status => 504, body => '<html>', after => $yes });

# Requests with a body of some length.
my %lost_within = (
	'connection closed in the middle of the request' => { body_at => 40, close => 'before' });

# Nothing comes until request_timeout.
my %stalled_before = (
	'no answer, not acted on' => { hold => 'before' });
my %stalled_after = (
	'no answer, though acted on' => { hold => 'after' },
	'an answer that stops' => { hold => 'body', hold_at => 5 });

# A session that ends.
my %session = (
	'401' => { error => 'session_expired' },
	'the session ends' => { expire_token => $yes });

# What is no answer to the question.
my %nonsense = (
	'HTML instead of an answer' => { error => 'html_200' },
	'HTML after the act' => { error => 'html_200', after => $yes },
	'an empty answer after the act' => { status => 200, body => '', after => $yes },
	'garbage after the act' => { status => 200, body => '{"', after => $yes },
	'another shape after the act' => { status => 200, body => '[]', after => $yes });

# Each fault of several tables at a request, as a case: like($name, $fault, hurry => …).
sub each_fault
{
	my ($code, @tables) = @_;

	for my $table (@tables)
	{
		my $hurry = $table == \%stalled_before || $table == \%stalled_after;
		$code->($_, $table->{$_}, $hurry ? (hurry => 1) : (warm => 1)) for sort keys %$table;
	}
	return;
}

# ---- Collections --------------------------------------------------------------------------------

for my $op (qw(insert update upsert delete))
{
	my $what = $call{$op};
	my @lost = (\%lost_before, \%lost_after, \%stalled_before, \%stalled_after,
		$op eq 'delete' ? () : \%lost_within);

	for my $nth (1 .. 3)
	{
		my $apply = $nth == 2 ? 'commit' : 'statement';
		my @case = (op => $op, by => 'rest', apply => $apply);
		my $place = qw(- first middle last)[$nth];
		my $saved = ($nth - 1) * 200;
		my $unknown = $nth == 3 ? 1 : 200;
		my $once = sub {
			my ($name, $fault, @more) = @_;
			$t->add("$name, $place call", @case, faults => { %$what, nth => $nth, %$fault }, @more);
		};
		my $never = sub {
			my ($name, $fault, @more) = @_;
			$t->add("$name for ever, $place call", @case, saved => $saved, error => '(HV000|08006)',
				faults => { %$what, nth => $nth, %$fault, count => 0 }, @more);
		};

		# what was refused is sent again; so is what changes nothing more when it is done twice
		each_fault($once, \%refused, \%session);
		each_fault($once, @lost) if $op ne 'insert';

		# an insert is not, and nobody knows what became of it
		each_fault(sub { $once->(@_, error => '(08006|HV000)', message => qr/./, saved => $saved, unknown => $unknown,
				detail => qr/$unknown may or may not have been saved/, hint => qr/upsert_key/,
				log => sub {
					my ($log, $complain) = @_;
					my $n = requests($log, $what);
					$complain->("$n calls instead of $nth") if $n != $nth;
				}) }, @lost)
		  if $op eq 'insert';

		# whatever it is, an answer that tells nothing leaves it open
		each_fault(sub { $once->(@_, error => '08(P01|006)', saved => $saved, unknown => $unknown) }, \%nonsense);

		# 500 may come before the act and after it
		for my $after (JSON::PP::false, $yes)
		{
			$once->($after ? '500 after the act' : '500', { error => 'unknown_exception', after => $after }, warm => 1,
				$op eq 'insert' ? (error => 'HV000', message => qr/UNKNOWN_EXCEPTION/, saved => $saved,
					unknown => $unknown) : ());
		}

		# for ever
		$never->('503', { error => 'html_503' }, message => qr/HTTP status 503/);
		$never->('401', { error => 'session_expired' }, error => '28000', message => qr/INVALID_SESSION_ID/);
		$never->('no calls are left today', { error => 'request_limit' }, error => '53400',
			message => qr/REQUEST_LIMIT_EXCEEDED/);
		$never->('400', { status => 400, body => '[{"message":"No such column","errorCode":"INVALID_FIELD"}]' },
			error => '42703', message => qr/No such column/);
		if ($op ne 'insert')
		{
			$never->('connection closed', { close => 'before' }, unknown => $unknown);
			$never->('answer cut', { truncate => 9 }, unknown => $unknown);
			$never->('502', { error => 'html_502' }, unknown => $unknown);
			$never->('no answer', { hold => 'before' }, unknown => $unknown, hurry => 1);
		}
	}
}

# ---- ingest jobs ----------------------------------------------------------------------------------

my $left = qr/an ingest job may have been left/;
my $maybe = qr/rows of ingest job 750\w{15} may have been saved/;

for (
	[ insert => 'statement', 1 ], [ insert => 'commit', 3 ], [ update => 'statement', 2 ],
	[ upsert => 'commit', 1 ], [ delete => 'statement', 3 ], [ delete => 'commit', 2 ])
{
	my ($op, $apply, $nth) = @$_;
	my @case = (op => $op, by => 'bulk', apply => $apply);
	my $rows = SfWrite::rows_of($op, 'bulk');
	my $place = (qw(- first second third))[$nth];
	my $case = sub {
		my ($step, $what, $name, $fault, @more) = @_;
		my %order = (%$what, nth => $nth, %$fault);

		# before the body is there it cannot be looked at; there is but one PATCH to a job
		delete $order{request_body} if defined $order{body_at};
		$t->add("$name, $place $step", @case, faults => \%order, @more);
	};
	my $never = sub {
		my ($step, $what, $name, $fault, @more) = @_;
		$t->add("$name for ever, $place $step", @case, error => '(HV000|08006)',
			faults => { %$what, nth => $nth, %$fault, count => 0 }, @more);
	};
	my @lost_before = (\%lost_before, \%stalled_before);
	my @lost_after = (\%lost_after, \%stalled_after);

	# what is refused is asked for again, and a lost answer does no harm
	each_fault(sub { $case->(creation => $create, @_) }, \%refused, \%session);
	each_fault(sub { $case->(creation => $create, @_, warnings => [$left]) }, @lost_before);
	each_fault(sub { $case->(creation => $create, @_, warnings => [$left], leftover => 1) }, @lost_after);
	each_fault(sub { $case->(upload => $put, @_) }, \%refused, \%session, @lost_before, @lost_after, \%lost_within);
	each_fault(sub { $case->(closing => $close, @_) }, \%refused, \%session, @lost_before, @lost_after);
	each_fault(sub { $case->(poll => $poll, @_) }, \%refused, \%session, @lost_before, @lost_after);
	each_fault(sub { $case->(deletion => $delete, @_) }, \%refused, \%session, @lost_before, @lost_after);

	# 500: a creation has failed; the others are asked again, or looked after
	$case->(creation => $create, '500', { error => 'unknown_exception' }, warm => 1,
		error => 'HV000', message => qr/UNKNOWN_EXCEPTION/);
	for (JSON::PP::false, $yes)
	{
		my @fault = ($_ ? '500 after the act' : '500', { error => 'unknown_exception', after => $_ }, warm => 1);
		$case->(upload => $put, @fault);
		$case->(closing => $close, @fault);
		$case->(poll => $poll, @fault);
		$case->(deletion => $delete, @fault);
	}
	each_fault(sub { $case->(upload => $put, @_) }, { map { $_ => $nonsense{$_} } grep { /HTML/ } keys %nonsense });
	each_fault(sub { $case->(closing => $close, @_) }, \%nonsense);

	# for ever
	my @steps = ([ creation => $create ], [ upload => $put ], [ closing => $close ], [ poll => $poll ]);
	for (@steps)
	{
		my ($step, $what) = @$_;

		# what was closed is told of, and the jobs of the same statement that meet the same
		my @unknown = (unknown => 'any', warnings => [$maybe], may_warn => $maybe);
		my @lost = $step eq 'creation' ? (warnings => [$left], may_warn => $left)
		  : $step =~ /poll|closing/ ? @unknown : ();
		my @refused = $step eq 'poll' ? @unknown : ();

		$never->($step, $what, '503', { error => 'html_503' },
			$step eq 'closing' ? (message => qr/is still Open after/, @unknown)
			: (message => qr/HTTP status 503/, @refused));
		$never->($step, $what, '401', { error => 'session_expired' }, error => '28000',
			message => qr/INVALID_SESSION_ID/, @refused);
		$never->($step, $what, 'no calls are left today', { error => 'request_limit' }, error => '53400',
			message => qr/REQUEST_LIMIT_EXCEEDED/, @refused);
		$never->($step, $what, 'connection closed', { close => 'before' }, @lost);
		$never->($step, $what, 'no answer', { hold => 'before' }, @lost, hurry => 1);
	}
	$t->add('503 for ever, deletion', @case, faults => { %$delete, error => 'html_503', count => 0 },
		kept => 1, warnings => [ map { qr/could not delete ingest job 750\w{15}: HTTP status 503/ } 1 .. 3 ]);
	$t->add('closing: acted on, and never answered', @case, faults => { %$close, close => 'after', count => 0 });
}

# ---- why rows were rejected, and jobs that are given up ----------------------------------------------

for my $apply (qw(statement commit))
{
	my @case = (op => 'insert', by => 'bulk', apply => $apply);
	my $reject = { %$create, nth => 2, job => { row_errors => { nth => 1, code => 'DUPLICATE_VALUE', message => 'twice' } } };
	my $refuse = { %$put, nth => 2, status => 400, body => '[{"errorCode":"INVALIDJOB","message":"no"}]' };
	my @all = (\%refused, \%session, \%lost_before, \%lost_after, \%stalled_before, \%stalled_after);

	each_fault(sub {
			my ($name, $fault, @more) = @_;
			$t->add("$name, the file of rejected rows", @case, faults => [ $reject, { %$failed, %$fault } ], @more,
				kind => 'ignore', rejected => 1, warnings => [qr/rejected 1 row /]);
		}, @all, { '500' => { error => 'unknown_exception' } });
	$t->add("$_->[0] for ever, the file of rejected rows", @case, faults => [ $reject, { %$failed, %{ $_->[1] }, count => 0 } ],
		kind => 'ignore', rejected => 1, error => '(HV000|08006)', message => qr/could not read the rejected rows/,
		unknown => 'any', may_warn => $maybe)	# of jobs that are at work at that moment
	  for [ '503', { error => 'html_503' } ], [ 'closed', { close => 'before' } ], [ 'cut', { truncate => 9 } ];

	each_fault(sub {
			my ($name, $fault, @more) = @_;
			my %order = (%$abort, %$fault);
			delete $order{body_at};
			$t->add("$name, the abort", @case, faults => [ $refuse, \%order ], @more,
				error => 'HV000', message => qr/INVALIDJOB: no/);
		}, @all, { '500' => { error => 'unknown_exception' } });
	$t->add('503 for ever, the abort', @case, faults => [ $refuse, { %$abort, error => 'html_503', count => 0 } ],
		error => 'HV000', message => qr/INVALIDJOB: no/, leftover => $apply eq 'commit' ? 3 : 1,
		warnings => [ (qr/could not abort ingest job 750\w{15}: HTTP status 503/) x ($apply eq 'commit' ? 3 : 1) ]);
}

# ---- the login --------------------------------------------------------------------------------------

for my $by (qw(rest bulk))
{
	my @case = (op => 'insert', by => $by);
	each_fault(sub { my ($name, $fault, @more) = @_; $t->add("$name, login", @case, faults => { %$login, %$fault },
				@more, warm => 0) }, \%refused, \%lost_before, \%lost_after, \%stalled_before, \%stalled_after);
	$t->add("$_->[0] for ever, login", @case, faults => { %$login, %{ $_->[1] }, count => 0 },
		error => $_->[2], message => $_->[3], saved => 0)
	  for [ '503', { error => 'html_503' }, 'HV000', qr/503/ ], [ 'closed', { close => 'before' }, '08006', qr/could not/ ],
	  [ 'refused', { status => 400, body => '{"error":"invalid_client","error_description":"no"}' }, '28000', qr/invalid_client/ ];
}

$t->run;
note 'matrix: ' . $t->count . ' cases';
$t->finish;
done_testing();
