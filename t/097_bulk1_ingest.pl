# Writing by Bulk API 1.0: batches as they were sent, results in the order of the rows, serial mode against locks,
# and faults of every kind at every step, after each of which the org holds every change exactly once or the
# statement has told the truth of it.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use SfWrite;
use Test::More;

my $t = SfWrite->new('bulk1_ingest', lanes => 10, bulk1 => 5);
my ($lane, $node) = ($t->{lanes}[0], $t->node);
my ($sim, $backend) = @$lane{qw(sim backend)};
my $yes = JSON::PP::true;
my ($add, $poll1, $result) = @bulk1{qw(batch poll result)};

$node->safe_psql('postgres', "CREATE FOREIGN TABLE $_->[0] (
	id text OPTIONS (field 'Id'), code text OPTIONS (field 'Code__c'), note text OPTIONS (field 'Description__c'),
	n integer OPTIONS (field 'Employees__c'), account text OPTIONS (field 'Account__c')) SERVER a1 "
	  . options_sql(object => 'Invoice__c', transport => 'bulk', job_bytes => '90MB', %{ $_->[1] }))
  for [ stop => {} ], [ serial => { concurrency => 'serial', job_bytes => '1000' } ],
	[ ignore => { on_error => 'ignore' } ], [ late => { apply => 'commit' } ], [ large => { batch_rows => 10000 } ];

sub into { return "INSERT INTO $_[0] (code, note, n) SELECT 'I-' || i, E'note, \"' || i || E'\"\\n', i FROM source WHERE i <= $_[1] ORDER BY i"; }

sub fresh
{
	$sim->control('POST', 'restore', { name => 'start', keep_sessions => $yes });
	$sim->log_clear;
	return;
}

# The bodies of the batches, in the order of their requests, without their header rows.
sub batches
{
	my @bodies = map { $_->{body} } of_log($sim->control('GET', 'log?bodies=all'), $add);
	s/\A([^\n]*)\n// or die for @bodies;
	return @bodies;
}

sub states { return join ' ', sort map { $_->{state} } @{ SfWrite::classic_jobs($sim) }; }

# ---- what is sent ---------------------------------------------------------------------------------

fresh();
my $r = $backend->query(into('stop', 12));
is($r->{error} && $r->{error}{message}, undef, 'twelve rows are written');
my @sent = batches();
is_deeply([ map { scalar(() = /^"note/mg) || scalar(() = /^I-/mg) } @sent ], [ 5, 5, 2 ], 'in batches of five rows');
is(join('', map { "$_\n" } map { my $b = $_; $b =~ /^(I-\d+),/mg } @sent), join('', map { "I-$_\n" } 1 .. 12), 'in their order');
my ($created) = of_log($sim->control('GET', 'log?bodies=all'), $bulk1{create});
is_deeply(decode_json($created->{body}), { operation => 'insert', object => 'Invoice__c', contentType => 'CSV',
		concurrencyMode => 'Parallel' }, 'the job, as it is made');
is(states(), 'Closed', 'it is closed');
is(scalar(grep { $_->{path} =~ m{/jobs/} && $_->{method} ne 'GET' } @{ $sim->log }), 0, 'nothing goes by the other API');

# more than 10,000 rows are two batches, if they have to be
fresh();
$backend->query("INSERT INTO large (code, n) SELECT 'I-' || i, i FROM generate_series(1, 10001) i");
is_deeply([ map { scalar(() = /^I-/mg) } batches() ], [ 10000, 1 ], '10,000 rows in a batch at most');

# 10 MB
fresh();
$node->safe_psql('postgres', "CREATE FOREIGN TABLE long (code text OPTIONS (field 'Code__c'), notes text OPTIONS (field 'Notes__c'))
	SERVER a1 " . options_sql(object => 'Invoice__c', transport => 'bulk', job_bytes => '90MB', batch_rows => 10000));
$r = $backend->query("INSERT INTO long SELECT 'I-' || i, repeat('ü', 15000) FROM generate_series(1, 700) i");
is($r->{error} && $r->{error}{message}, undef, '21 MB are written');
my @lengths = map { length $_->{body} } of_log($sim->control('GET', 'log?bodies=all'), $add);
ok(@lengths == 3, 'in three batches') or diag("@lengths");
is($backend->value("SELECT count(*) FROM long WHERE code LIKE 'I-%'"), 700, 'all of them are there');

# one that is cut off while it is sent
fresh();
$sim->fault({ method => 'POST', path => $add->{path}, nth => 1, body_at => 100000, close => 'before' });
$r = $backend->query("INSERT INTO long SELECT 'I-' || i, repeat('x', 30000) FROM generate_series(1, 320) i");
$sim->fault_clear;
is($r->{error} && $r->{error}{message}, undef, 'a batch of 10 MB is cut off');
is($backend->value("SELECT count(*) || ' ' || count(DISTINCT code) FROM long WHERE code LIKE 'I-%'"), '320 320', 'all rows are there once');
is(states() =~ /Open/, '', 'and no job is open');

# ---- what becomes of rows -------------------------------------------------------------------------

fresh();
$r = $backend->query("INSERT INTO ignore (code, account) SELECT 'I-' || i,
	CASE WHEN i IN (3, 8, 11) THEN '001000000000000AAA' END FROM source WHERE i <= 12 ORDER BY i");
like($r->{messages}, qr/Salesforce rejected 3 rows.*\nDETAIL:.*\nRow 3: .*\nRow 8: .*\nRow 11: /, 'rejected rows have their numbers');
is($backend->query(q{SELECT string_agg("row"->>'Code__c', ' ') FROM sfbulk_failed_rows('a1')})->{rows}, 'I-3 I-8 I-11',
	'sfbulk_failed_rows has them in their order');
is($backend->query(q{SELECT string_agg("row"->>'Code__c', ' ') FROM sfbulk_successful_rows('a1')})->{rows},
	join(' ', map { "I-$_" } grep { !/^(3|8|11)$/ } 1 .. 12), 'and sfbulk_successful_rows the others');
my ($job) = @{ SfWrite::classic_jobs($sim) };
is($backend->value("SELECT count(*) || min(job) FROM sfbulk_failed_rows('a1', '$job->{id}')"), "3$job->{id}", 'so does a job that is named');

# two rows that are the same but for what becomes of them
fresh();
$backend->query("ALTER FOREIGN TABLE ignore ADD COLUMN key text OPTIONS (field 'External_Key__c')");
$r = $backend->query("INSERT INTO ignore (key, note) SELECT 'same', 'x' FROM source WHERE i <= 7");
like($r->{messages}, qr/\nRow 2: DUPLICATE_VALUE.*\nRow 3: .*\nRow 4: .*\nRow 5: .*\nRow 6: /, 'of rows that are the same each has its own result');
is($backend->value("SELECT count(*) FROM sfbulk_failed_rows('a1')"), 6, 'one was saved, and the others are shown');

# a batch that fails as a whole
fresh();
$sim->fault({ %$add, nth => 2, job => { fail => 'InvalidBatch : Field name not found : Nope' } });
$r = $backend->query(into('stop', 12));
like($r->{error}{message}, qr/ingest job 750\w{15} failed: InvalidBatch : Field name not found : Nope/, 'a batch that fails fails the statement');
like($r->{error}{detail}, qr/Of 12 rows of the statement, 7 were inserted, 5 were not processed/, 'which knows what became of the others');
is($backend->query(q{SELECT string_agg("row"->>'Code__c', ' ') FROM sfbulk_unprocessed_rows('a1')})->{rows}, 'I-6 I-7 I-8 I-9 I-10',
	'sfbulk_unprocessed_rows has its rows');
is(keys %{ SfWrite::org_rows($sim, 'I') }, 7, 'and the org the others');
is(states(), 'Closed', 'the job is closed');
$sim->fault_clear;

# somebody aborts the job
fresh();
$sim->set(hold_jobs => 'UploadComplete');
$sim->log_clear;
$backend->begin(into('stop', 12));
wait_for('a poll', sub { requests($sim->log, $poll1) });
my ($of_job) = map { $_->{path} =~ m{(/services/async/62\.0/job/750\w+)} } of_log($sim->log, $poll1);
HTTP::Tiny->new->post($sim->url . $of_job, { headers => { 'X-SFDC-Session' => $sim->{test_token} // $sim->token,
			'Content-Type' => 'application/json' }, content => '{"state":"Aborted"}' });
$sim->set(hold_jobs => 'none');
$r = $backend->end;
like($r->{error}{message}, qr/ingest job 750\w{15} was aborted in Salesforce/, 'a job that somebody aborts fails the statement');
like($r->{error}{detail}, qr/12 were not processed. Nothing was changed/, 'which says that nothing was saved');

# ---- waiting for the commit -----------------------------------------------------------------------

fresh();
$backend->query('BEGIN');
$backend->query("INSERT INTO late (code, note) SELECT 'I-' || i, repeat('x', 100) FROM generate_series(1, 1000) i");
is(requests($sim->log, $bulk1{create}), 0, 'nothing is sent before the commit');
is($backend->query('ROLLBACK')->{error}, undef, 'ROLLBACK');
is(requests($sim->log, $bulk1{create}), 0, 'or after a ROLLBACK');
$backend->query('BEGIN');
$backend->query("INSERT INTO late (code, n) SELECT 'I-' || i, i FROM generate_series(1, 12) i");
$backend->query('SAVEPOINT s');
$backend->query("INSERT INTO late (code, n) SELECT 'I-' || i, i FROM generate_series(21, 32) i");
$backend->query('ROLLBACK TO s');
$backend->query("INSERT INTO late (code, n) SELECT 'I-' || i, i FROM generate_series(41, 52) i");
is($backend->query('COMMIT')->{error}, undef, 'COMMIT');
is_deeply([ sort { $a <=> $b } map { /-(\d+)/ } keys %{ SfWrite::org_rows($sim, 'I') } ], [ 1 .. 12, 41 .. 52 ], 'sends what is left');

# ---- cancel and terminate -------------------------------------------------------------------------

for my $how (qw(pg_cancel_backend pg_terminate_backend))
{
	fresh();
	$sim->fault({ %$add, nth => 2, hold => 'before' });
	my $pid = $backend->value('SELECT pg_backend_pid()');
	$backend->begin(into('stop', 12));
	wait_for('the second batch', sub { grep { $_->{state} eq 'held' } of_log($sim->control('GET', 'log?bodies=none'), $add) });
	$node->safe_psql('postgres', "SELECT $how($pid)");
	$r = eval { $backend->end };
	$sim->fault_clear;
	if ($how eq 'pg_cancel_backend')
	{
		is($r->{error}{sqlstate}, '57014', 'a cancel');
		like($r->{messages}, qr/rows of ingest job 750\w{15} may have been saved/, 'a WARNING tells of the batch that was there');
	}
	else
	{
		eval { $backend->close };
		$lane->{backend} = $backend = SfPsql->new($node);
	}
	wait_for('the abort', sub { states() eq 'Aborted' });
	is(states(), 'Aborted', "$how: the job is aborted");
}

# ---- locks ----------------------------------------------------------------------------------------

fresh();
$r = $backend->query(into('serial', 100));
is($r->{error} && $r->{error}{message}, undef, 'serial mode');
my @modes = map { decode_json($_->{body})->{concurrencyMode} } of_log($sim->control('GET', 'log?bodies=all'), $bulk1{create});
ok(@modes > 2 && !grep({ $_ ne 'Serial' } @modes), 'every job is serial') or diag("@modes");
my @order = map { $_->{method} eq 'POST' && $_->{path} =~ m{/job$} ? 'create' : $_->{path} =~ m{/batch$} && $_->{method} eq 'GET' ? 'poll' : () }
  @{ $sim->log };
ok((join q( ), @order) !~ /create create/, 'and the next one begins when the one before has ended') or diag("@order");

# Batches of one parent that are worked on together meet each other's locks, in serial mode they do not.
my ($parent, $held) = map { $_->{Id} } @{ SfWrite::rest($sim, 'GET', 'query?q=SELECT+Id+FROM+Account+ORDER+BY+Id')->{records} };
my %locked;
for my $mode (qw(stop serial))
{
	fresh();
	$sim->set(lock_contention => $yes, job_ms => 60);
	$r = $backend->query("INSERT INTO $mode (code, account) SELECT 'I-' || i, '$parent' FROM source WHERE i <= 12 ORDER BY i");
	is($r->{error} && $r->{error}{message}, undef, "$mode: all rows are written in the end");
	is(scalar keys %{ SfWrite::org_rows($sim, 'I') }, 12, 'each of them once');
	my $log = $sim->control('GET', 'log?bodies=all');
	$locked{$mode} = () = map { $_->{response_body} // '' } of_log($log, $result);
	$locked{"$mode jobs"} = requests($log, $bulk1{create});
}
is("$locked{'stop jobs'} $locked{'serial jobs'}", '3 1', 'in parallel rows met locks and were sent again, twice; in serial mode they did not');
is($locked{serial}, 0, 'and nothing was to be asked for');

# rows that stay locked are sent again, and keep their numbers
fresh();
$sim->control('POST', 'locks', { ids => [$held] });
$r = $backend->query("INSERT INTO ignore (code, account) SELECT 'I-' || i, CASE WHEN i IN (4, 9) THEN '$held' END
	FROM source WHERE i <= 12 ORDER BY i");
$sim->control('DELETE', 'locks');
like($r->{messages}, qr/rejected 2 rows.*UNABLE_TO_LOCK_ROW.*\nDETAIL:.*\nRow 4: UNABLE_TO_LOCK_ROW.*\nRow 9: UNABLE_TO_LOCK_ROW/,
	'rows that stay locked have their numbers after all');
is(requests($sim->log, $bulk1{create}), 4, 'they were sent again three times');
is($backend->query(q{SELECT string_agg("row"->>'Code__c', ' ') FROM sfbulk_failed_rows('a1')})->{rows}, 'I-4 I-9', 'and are shown once');

# ---- faults ---------------------------------------------------------------------------------------

my %refused = ('420' => { error => 'edge_420' }, '503' => { error => 'html_503' }, '429' => { status => 429, body => '' });
my %session = (
	'InvalidSessionId' => { status => 400, body => '{"exceptionCode":"InvalidSessionId","exceptionMessage":"gone"}' },
	'the session ends' => { expire_token => $yes });
my %lost_before = ('closed before the act' => { close => 'before' }, '502' => { error => 'html_502' });
my %lost_after = ('closed after the act' => { close => 'after' }, 'the answer is cut' => { truncate => 9 },
	'504 after the act' => { status => 504, body => '<html>', after => $yes });
my %stalled = ('no answer' => { hold => 'before' }, 'no answer, though acted on' => { hold => 'after' });
my %nonsense = ('garbage after the act' => { status => 201, body => '<batchInfo', after => $yes },
	'an empty answer after the act' => { status => 201, body => '', after => $yes },
	'500' => { error => 'unknown_exception' }, '500 after the act' => { error => 'unknown_exception', after => $yes });
my $left = qr/an ingest job may have been left/;
my $maybe = qr/rows of ingest job 750\w{15} may have been saved/;

for ([ insert => 'statement', 1 ], [ insert => 'statement', 4 ], [ upsert => 'commit', 2 ], [ delete => 'statement', 3 ])
{
	my ($op, $apply, $nth) = @$_;
	my @case = (op => $op, by => 'bulk', apply => $apply);
	my $each = sub {
		my ($step, $what, $tables, @more) = @_;

		for my $table (@$tables)
		{
			$t->add("$_, $step $nth", @case, faults => { %$what, nth => $nth, %{ $table->{$_} } }, @more,
				$table == \%stalled ? (hurry => 1) : (warm => 1))
			  for sort keys %$table;
		}
	};

	$each->('batch', $bulk1{batch}, [ \%refused, \%session, \%lost_before, \%lost_after, \%stalled, \%nonsense ]);
	next if $nth > 3;
	$each->('creation', $bulk1{create}, [ \%refused, \%session ]);
	$each->('creation', $bulk1{create}, [ \%lost_before ], warnings => [$left]);
	$each->('creation', $bulk1{create}, [ { 'closed after the act' => { close => 'after' } } ], warnings => [$left], leftover => 1);
	$each->($_, $bulk1{$_}, [ \%refused, \%session, \%lost_before, \%lost_after ]) for qw(close poll);
	$t->add("no calls left, batch $nth", @case, warm => 1, error => '53400', message => qr/ExceededQuota/,
		faults => { %{ $bulk1{batch} }, nth => $nth, status => 400, count => 0,
			body => '{"exceptionCode":"ExceededQuota","exceptionMessage":"ApiBatchItems Limit exceeded."}' },
		may_warn => $maybe);
	$t->add("503 for ever, $_ $nth", @case, warm => 1, error => 'HV000', message => qr/HTTP status 503/, unknown => 'any',
		faults => { %{ $bulk1{$_} }, nth => $nth, error => 'html_503', count => 0 }, may_warn => $maybe)
	  for qw(batch close poll);
}

$t->run;
note $t->count . ' cases';
$t->finish;
done_testing();
