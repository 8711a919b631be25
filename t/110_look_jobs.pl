# The jobs of an org: sfbulk_jobs with what the list does not have, sfbulk_abort_job, sfbulk_delete_job.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $sim = sfsim_start(rows => { Contact => 0, Account => 10 });
my $node = node_start('look_jobs');
server_create($node, $sim, options => { keep_jobs => 'true', transport => 'bulk', on_error => 'ignore' });
tables_import($node, 'contact', 'account');
my $c = SfPsql->new($node);

sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "no error: $sql")
	  or diag($r->{messages});
	return $r->{rows};
}

sub fails
{
	my ($sql, $sqlstate, $message) = @_;
	my $r = $c->query($sql);
	is($r->{error} && $r->{error}{sqlstate}, $sqlstate, "SQLSTATE: $sql") or diag($r->{messages});
	like($r->{error} && $r->{error}{message}, $message, 'message');
	return $r->{error};
}

# A request of Bulk API 1.0, which the FDW does not make here.
sub async
{
	my ($method, $path, $content, $type) = @_;
	my $answer = $sim->{http}->request($method, $sim->url . "/services/async/62.0/$path",
		{ content => $content, headers => { 'X-SFDC-Session' => $sim->token, 'Content-Type' => $type // 'application/json',
			Accept => 'application/json' } });
	die "$method $path: $answer->{status} $answer->{content}\n" if !$answer->{success};
	return $answer->{content} =~ /^\{/ ? JSON::PP->new->utf8->decode($answer->{content}) : undef;
}

# A job that was created with a fault and is left as it is.
sub post
{
	my ($family, %job) = @_;
	my $answer = $sim->{http}->request('POST', $sim->url . "/services/data/v62.0/jobs/$family",
		{ content => JSON::PP->new->encode(\%job), headers => { Authorization => 'Bearer ' . $sim->token,
			'Content-Type' => 'application/json' } });
	die "$family: $answer->{status} $answer->{content}\n" if !$answer->{success};
	return JSON::PP->new->utf8->decode($answer->{content})->{id};
}

sub details { return scalar @{ $sim->log(qr{^GET \S*/jobs?/(?:ingest/|query/)?750\w+$}) }; }

my $counters = 'records_processed, records_failed, retries, total_ms >= 0, api_ms >= 0, apex_ms, batches, batches_failed';

subtest 'counters and times' => sub {
	$c->query(q{INSERT INTO sf.contact (lastname) SELECT CASE WHEN n % 5 > 0 THEN 'n' || n END FROM generate_series(1, 10) n});
	my ($ingest) = map { $_->{id} } @{ $sim->jobs };
	$sim->log_clear;
	is(run("SELECT job, job_type, operation, object, state, $counters, error_message FROM sfbulk_jobs('sf')"),
		"$ingest|V2Ingest|insert|Contact|JobComplete|10|2|0|t|t|0|||", 'an ingest job');
	is(details(), 1, 'one request more');
	is(run("SELECT job, job_type, state, $counters FROM sfbulk_jobs('sf', false)"), "$ingest|V2Ingest|JobComplete||||||||", 'the list alone');
	is(details(), 1, 'no request more');
	is(run("SELECT count(*) FROM sfbulk_jobs(server => 'sf', details => false)"), 1, 'by name');
	fails("SELECT * FROM sfbulk_jobs('sf', NULL)", '22004', qr/^whether details are wanted must not be null$/);

	my $query = post('query', operation => 'query', query => 'SELECT Id FROM Account');
	my $open = post('ingest', operation => 'upsert', object => 'Account', externalIdFieldName => 'Id', contentType => 'CSV');
	wait_for('the query job', sub { run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$query'") eq 'JobComplete' });
	is(run("SELECT job_type, state, $counters FROM sfbulk_jobs('sf') WHERE job = '$query'"),
		'V2Query|JobComplete|10||0|t||||', 'a query job has fewer');
	is(run("SELECT state, records_processed, retries, external_id_field FROM sfbulk_jobs('sf') WHERE job = '$open'"),
		'Open||0|Id', 'one that waits for data');

	my $classic = async('POST', 'job', '{"operation":"insert","object":"Account","contentType":"CSV"}')->{id};
	async('POST', "job/$classic/batch", "Name\na\n\nb\n", 'text/csv');
	async('POST', "job/$classic", '{"state":"Closed"}');
	wait_for('its batch', sub { run("SELECT records_processed FROM sfbulk_jobs('sf') WHERE job = '$classic'") eq '2' });
	is(run("SELECT job_type, operation, state, concurrency, records_failed, batches, batches_failed FROM sfbulk_jobs('sf') WHERE job = '$classic'"),
		'Classic|insert|Closed|Parallel|0|1|0', 'one of Bulk API 1.0');
	like($sim->log(qr{^GET /services/async/62\.0/job/750})->[-1]{path}, qr{/$classic$}, 'by its own resource');
	is(run(q{SELECT count(*), count(DISTINCT job) FROM sfbulk_jobs('sf')}), '4|4', 'each once');

	$sim->reset;
	$sim->fault({ method => 'POST', path => '*/jobs/query', job => { fail => 'InvalidBatch : Failed to process query: QUERY_TIMEOUT: too long' } });
	$query = post('query', operation => 'query', query => 'SELECT Id FROM Account');
	wait_for('the failure', sub { run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$query'") eq 'Failed' });
	like(run("SELECT error_message FROM sfbulk_jobs('sf') WHERE job = '$query'"), qr/QUERY_TIMEOUT/, 'why a job has failed');
	$sim->reset;
};

subtest 'LIMIT, a window, and jobs that vanish' => sub {
	my @ids = map { post('ingest', operation => 'insert', object => 'Account', contentType => 'CSV') } 1 .. 30;
	$sim->log_clear;
	is(run(q{SELECT count(*) FROM (SELECT * FROM sfbulk_jobs('sf') LIMIT 2) s}), 2, 'two of them');
	my $asked = details();
	cmp_ok($asked, '>=', 2, 'asked for as far as they were read');
	cmp_ok($asked, '<=', 2 + 8, 'and a few ahead');
	is(run(q{SELECT count(*) FROM sfbulk_jobs('sf') WHERE retries = 0}), 30, 'all');
	$sim->log_clear;
	is(run(q{SELECT count(*), count(retries) FROM sfbulk_jobs('sf', false)}), '30|0', 'without details');
	is(details(), 0, 'nothing is asked');

	# gone between the list and the question
	$sim->fault({ method => 'GET', path => "*/jobs/ingest/$ids[3]", error => 'not_found', count => 0 });
	is(run(qq{SELECT count(*), count(retries), max(state) FILTER (WHERE job = '$ids[3]') FROM sfbulk_jobs('sf')}), '30|29|Open', 'as the list has it');
	$sim->fault_clear;
	# what is no answer is an error
	$sim->fault({ method => 'GET', path => "*/jobs/ingest/$ids[5]", status => 200, body => 'no JSON', count => 0 });
	fails(q{SELECT count(*) FROM sfbulk_jobs('sf')}, '08P01', qr/state of a job/);
	$sim->fault_clear;
	is(run(q{SELECT count(retries) FROM sfbulk_jobs('sf')}), 30, 'afterwards');

	# a cancel while one is waited for
	my $sockets = fd_count($c->pid, qr/^socket:/);
	$sim->fault({ method => 'GET', path => "*/jobs/ingest/$ids[7]", hold => 'before', name => 'held' });
	$c->begin(q{SELECT count(*) FROM sfbulk_jobs('sf')});
	$sim->wait_request(method => 'GET', path => "*/jobs/ingest/$ids[7]", state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	is($c->end->{error}{sqlstate}, '57014', 'cancelled');
	$sim->release;
	$sim->fault_clear;
	is(run(q{SELECT count(retries) FROM sfbulk_jobs('sf')}), 30, 'afterwards');
	cmp_ok(fd_count($c->pid, qr/^socket:/), '<=', $sockets, 'no socket stays');
	$sim->reset;
};

subtest 'aborting' => sub {
	my $open = post('ingest', operation => 'insert', object => 'Account', contentType => 'CSV');
	is(run("SELECT sfbulk_abort_job('sf', '$open')"), 'Aborted', 'one that waits for data');
	is(run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$open'"), 'Aborted', 'so it is');
	$sim->log_clear;
	is(run("SELECT sfbulk_abort_job('sf', substr('$open', 1, 15))"), 'Aborted', 'once more, by its short id');
	is(scalar @{ $sim->log(qr{^PATCH}) }, 0, 'nothing to do');

	$sim->fault({ method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' } });
	my $query = post('query', operation => 'query', query => 'SELECT Id FROM Account');
	is(run("SELECT sfbulk_abort_job('sf', '$query')"), 'Aborted', 'a query that runs');
	$sim->fault_clear;

	my $done = post('query', operation => 'query', query => 'SELECT Id FROM Account');
	wait_for('the query job', sub { run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$done'") eq 'JobComplete' });
	my $error = fails("SELECT sfbulk_abort_job('sf', '$done')", '55000', qr/^cannot abort job "$done"$/);
	is($error->{detail}, 'Its state is JobComplete.', 'why');

	my $classic = async('POST', 'job', '{"operation":"insert","object":"Account","contentType":"CSV"}')->{id};
	is(run("SELECT sfbulk_abort_job('sf', '$classic')"), 'Aborted', 'one of Bulk API 1.0');
	is(run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$classic'"), 'Aborted', 'so it is');

	# the answer is lost and the second attempt refused
	my $lost = post('ingest', operation => 'insert', object => 'Account', contentType => 'CSV');
	$sim->fault({ method => 'PATCH', path => "*/jobs/ingest/$lost", close => 'after' });
	is(run("SELECT sfbulk_abort_job('sf', '$lost')"), 'Aborted', 'an answer that is lost');
	$sim->fault_clear;

	$error = fails(q{SELECT sfbulk_abort_job('sf', '750000000000009AAA')}, '42704', qr/^job "750000000000009AAA" does not exist$/);
	like($error->{hint}, qr/sfbulk_jobs\('sf'\)/, 'where to look');
	fails(q{SELECT sfbulk_abort_job('sf', '750')}, '22P02', qr/^invalid job id: "750"$/);
	fails(q{SELECT sfbulk_abort_job('sf', NULL)}, '22004', qr/must not be null/);
	$sim->fault({ method => 'GET', path => '*/jobs/ingest/*', status => 403, content_type => 'application/json', body => '[{"errorCode":"API_DISABLED_FOR_ORG","message":"no"}]', count => 0 });
	fails("SELECT sfbulk_abort_job('sf', '$done')", 'HV000', qr/API_DISABLED_FOR_ORG/);
	$sim->reset;
};

subtest 'deleting' => sub {
	my $open = post('ingest', operation => 'insert', object => 'Account', contentType => 'CSV');
	my $error = fails("SELECT sfbulk_delete_job('sf', '$open')", '55000', qr/^cannot delete job "$open"$/);
	is($error->{detail}, 'Its state is Open.', 'why');
	like($error->{hint}, qr/abort => true/, 'what to do');
	is(run("SELECT sfbulk_delete_job('sf', '$open', abort => true)"), 't', 'aborted and deleted');
	is(run("SELECT count(*) FROM sfbulk_jobs('sf')"), 0, 'gone');
	is(run("SELECT sfbulk_delete_job('sf', '$open')"), 'f', 'there is none any more');

	my $query = post('query', operation => 'query', query => 'SELECT Id FROM Account');
	wait_for('the query job', sub { run("SELECT state FROM sfbulk_jobs('sf') WHERE job = '$query'") eq 'JobComplete' });
	is(run("SELECT sfbulk_delete_job('sf', '$query')"), 't', 'a complete query');
	is(scalar @{ $sim->jobs }, 0, 'gone');

	my $classic = async('POST', 'job', '{"operation":"insert","object":"Account","contentType":"CSV"}')->{id};
	$error = fails("SELECT sfbulk_delete_job('sf', '$classic', true)", '0A000', qr/^cannot delete job "$classic"$/);
	like($error->{detail}, qr/Bulk API 1\.0/, 'why');
	is(scalar @{ $sim->log(qr{^DELETE .*$classic}) }, 0, 'nothing is sent');
	$sim->reset;
};

subtest 'rights' => sub {
	my $open = post('ingest', operation => 'insert', object => 'Account', contentType => 'CSV');
	run('CREATE ROLE other; SET ROLE other');
	fails($_, '42501', qr/^permission denied for foreign server sf$/)
	  for "SELECT sfbulk_abort_job('sf', '$open')", "SELECT sfbulk_delete_job('sf', '$open', true)", "SELECT * FROM sfbulk_jobs('sf')";
	run('RESET ROLE; GRANT USAGE ON FOREIGN SERVER sf TO other; SET ROLE other');
	fails($_, '42704', qr/^user mapping not found/)
	  for "SELECT sfbulk_abort_job('sf', '$open')", "SELECT sfbulk_delete_job('sf', '$open', true)", "SELECT * FROM sfbulk_jobs('sf')";
	run('RESET ROLE');
	is(run("SELECT state FROM sfbulk_jobs('sf')"), 'Open', 'untouched');
	# the inlined function needs no search_path
	run('CREATE SCHEMA ext; ALTER EXTENSION sfbulk_fdw SET SCHEMA ext');
	is(run("SELECT state FROM ext.sfbulk_jobs('sf')"), 'Open', 'in another schema');
	run('ALTER EXTENSION sfbulk_fdw SET SCHEMA public');
	$sim->reset;
};

$c->close;
$node->stop;
$sim->stop;
done_testing();
