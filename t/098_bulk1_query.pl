# Queries by Bulk API 1.0: the same rows as by 2.0 and by REST, chunks as they are asked for, and everything that
# may go wrong with jobs, batches, lists and files: the right rows, each once, or an ERROR, and no job that runs on.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('bulk1', schemas => [ 'one', 'chunks', 'impatient', 'auto', 'bulk', 'rest' ],
	rows => { Contact => 40, OpportunityHistory => 60 },
	options => { transport => 'bulk', poll_interval_max => '100ms' },
	own => { one => { bulk_api => '1.0' }, chunks => { bulk_api => '1.0', pk_chunking => '200' },
		impatient => { bulk_api => '1.0', pk_chunking => '200', job_timeout => '300ms' },
		auto => { transport => 'auto', bulk_api => '1.0', pk_chunking => 'true' },
		rest => { transport => 'rest' } });
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

# The requests of a query, as members of a fault.
my $id = '?' x 15;
my $create1 = { method => 'POST', path => '*/async/62.0/job' };
my $add = { method => 'POST', path => '*/batch' };
my $state1 = { method => 'POST', path => "*/job/750$id" };
my $close = { %$state1, request_body => '*Closed*' };
my $abort1 = { %$state1, request_body => '*Aborted*' };
my $poll1 = { method => 'GET', path => "*/job/750$id" };
my $list = { method => 'GET', path => '*/batch' };
my $results = { method => 'GET', path => '*/result' };
my $file = { method => 'GET', path => '*/result/752*' };

# Of a log: the headers that ask for chunks, what was sent as batches, to which states jobs were put.
sub chunks_asked
{
	my ($log) = @_;
	return [ map { header($_, 'Sforce-Enable-PKChunking') }
		  grep { $_->{method} eq 'POST' && $_->{path} =~ m{/job$} } @$log ];
}

sub header
{
	my ($request, $name) = @_;
	my ($key) = grep { lc $_ eq lc $name } keys %{ $request->{headers} };
	return defined $key ? $request->{headers}{$key} : '';
}

sub bodies
{
	my ($log, $path) = @_;
	return [ map { $_->{body} } grep { $_->{method} eq 'POST' && $_->{path} =~ $path } @$log ];
}

sub ends
{
	my ($log) = @_;
	return join ' ', map { /"state":"(\w+)"/ } @{ bodies($log, qr{/job/\w+$}) };
}

# ---- the same rows ---------------------------------------------------------------------------

subtest 'every column of every object, by each way' => sub {
	for my $by (qw(rest bulk one chunks))
	{
		$node->safe_psql('postgres', "CREATE SCHEMA all_$by;
			IMPORT FOREIGN SCHEMA salesforce FROM SERVER $by INTO all_$by;" . ($by eq 'chunks' ? "
			ALTER SERVER chunks OPTIONS (SET pk_chunking '40')" : ''));
	}
	my @tables = split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class
		WHERE relnamespace = 'all_rest'::regnamespace AND relkind = 'f'
			AND relname NOT IN ('account') ORDER BY 1});
	cmp_ok(scalar @tables, '>', 20, 'objects');
	my ($rows, $refused, $whole) = (0, 0, 0);
	for my $table (@tables)
	{
		my %got;
		for my $by (qw(rest bulk one chunks))
		{
			my $r = $c->query("SELECT count(*), sum(hashtextextended(t::text, 0)), md5(string_agg(t::text, E'\\n'
				ORDER BY t::text COLLATE \"C\")) FROM all_$by.$table t");
			if ($by eq 'chunks' && $r->{error} && $r->{error}{message} =~ /PK chunking is not supported/)
			{
				$whole++;
				next;
			}
			$got{$by} = $r->{error} ? "error $r->{error}{sqlstate}" : $r->{rows};
			$refused++ if $r->{error};
		}
		is($got{$_}, $got{rest}, "$table: $_")
		  for grep { $got{$_} && ($got{$_} !~ /^error/ || $got{bulk} !~ /^error/) } qw(bulk one chunks);
		$rows++ if $got{one} =~ /^[1-9]/;
	}
	cmp_ok($rows, '>', 10, 'objects with rows');
	cmp_ok($refused, '<', @tables, 'objects that bulk refuses are few');
	cmp_ok($whole, '<', @tables / 2, 'objects that are not divided, too');
	$node->safe_psql('postgres', "ALTER SERVER chunks OPTIONS (SET pk_chunking '200')");
};

$t->run('all rows', by => $_, log => sub {
		my ($log) = @_;
		is(header($_, 'X-SFDC-Session') ne '', 1, "a session: $_->{path}")
		  for grep { $_->{path} =~ m{/async/} } @$log;
		is(ends($log), 'Closed', 'the job is closed');
	})
  for qw(one chunks auto);

$t->run('chunks', by => 'chunks', log => sub {
		my ($log) = @_;
		is_deeply(chunks_asked($log), ['chunkSize=200'], 'are asked for');
		is(bodies($log, qr{/batch$})->[0] =~ /^SELECT Id, .* FROM Account$/, 1, 'of the query');
		cmp_ok(requests($log, $file), '>=', 5, 'several files');
	});
$t->run('no chunks', by => 'one', log => sub { is_deeply(chunks_asked($_[0]), [''], 'are asked for') });
$t->run('the default size', by => 'auto', log => sub { is_deeply(chunks_asked($_[0]), ['chunkSize=100000'], 'is said') });
my $one = $c->value('SELECT id FROM rest.account ORDER BY id OFFSET 500 LIMIT 1');
$t->run('a condition', by => $_, sql => "SELECT id FROM (SELECT * FROM %s.account WHERE id = '$one') a", rows => $one)
  for qw(one chunks);
$t->run('no rows', by => $_, rows => 0,
	sql => q{SELECT count(*) FROM (SELECT * FROM %s.account WHERE id = '001000000000000AAA' OFFSET 0) a})
  for qw(one chunks);
$t->run('a LIMIT is not divided', by => 'chunks', sql => 'SELECT count(*) FROM (SELECT id FROM %s.account LIMIT 7) a',
	rows => 7, log => sub { is_deeply(chunks_asked($_[0]), [''], 'no chunks') });
$t->run('nor is a semi-join', by => 'chunks',
	sql => 'SELECT count(*) > 0 FROM %s.contact c WHERE accountid IN (SELECT id FROM %s.account WHERE name IS NOT NULL)',
	rows => 't');
$t->run('a join', by => 'chunks', rows => $c->value('SELECT count(a.name) FROM rest.contact c JOIN rest.account a ON a.id = c.accountid'),
	sql => 'SELECT count(a.name) FROM %s.contact c JOIN %s.account a ON a.id = c.accountid');
$t->run('a count', by => $_, sql => 'SELECT count(*) FROM %s.account', rows => 1000,
	log => sub {
		my ($log) = @_;
		is_deeply(bodies($log, qr{/batch$}), ['SELECT Id FROM Account'], 'of Ids');
		is(requests($log, $file), 0, 'that nobody downloads');
		is(ends($log), 'Closed', 'closed');
	})
  for qw(one chunks);
$t->run('twice', by => $_, sql => 'SELECT count(*), count(x) FROM (VALUES (1), (2)) v (x),
		LATERAL (SELECT id FROM %s.account OFFSET 0) a', rows => '2000|2000',
	log => sub { is(requests($_[0], $create1), 1, 'of one job') })
  for qw(one chunks);
$t->run('a cursor that is not read on', by => $_, rows => '3',
	sql => q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM %s.account; MOVE 3 FROM c; CLOSE c; COMMIT; SELECT 3})
  for qw(one chunks);
$t->run('under an Append', by => 'chunks', rows => 2000,
	sql => 'SELECT count(*) FROM (SELECT id FROM %s.account UNION ALL SELECT id FROM one.account OFFSET 0) a');
$t->run('several files of a batch', by => $_, set => { result_file_kb => 20 },
	log => sub { cmp_ok(requests($_[0], $file), '>', 6, 'files') })
  for qw(one chunks);
$t->run('batches that take their time', by => $_, set => { queue_ms => 60, job_ms => 60 },
	log => sub { cmp_ok(requests($_[0], $poll1), '>', 1, 'polls') })
  for qw(one chunks);
subtest 'a history table, by the ids of its parent' => sub {
	$node->safe_psql('postgres', q{ALTER FOREIGN TABLE all_chunks.opportunityhistory OPTIONS (ADD pk_chunking_parent 'Opportunity')});
	$sim->log_clear;
	my $sql = 'SELECT count(*), md5(string_agg(h::text, \',\' ORDER BY id)) FROM all_%s.opportunityhistory h';
	my $got = $c->value($sql =~ s/%s/chunks/r);
	is($got, $c->value($sql =~ s/%s/rest/r), 'the rows');
	like($got, qr/^[1-9]/, 'as there are some');
	is_deeply(chunks_asked($sim->log), ['chunkSize=200; parent=Opportunity'], 'chunks');
};
$t->run('an object that is not divided', by => 'chunks', sql => 'SELECT id FROM all_%s."group"', error => 'HV000',
	message => qr/could not create a query job: InvalidJob: PK chunking is not supported for Group/, hint => qr/pk_chunking/);

subtest 'deleted rows' => sub {
	$node->safe_psql('postgres', qq{CREATE FOREIGN TABLE everything_$_ (id text, name text, isdeleted boolean
		OPTIONS (field 'IsDeleted')) SERVER $_ OPTIONS (object 'Account', query_all 'true')}) for qw(chunks rest);
	my $sql = 'SELECT count(*), count(*) FILTER (WHERE isdeleted), md5(string_agg(id, \',\' ORDER BY id)) FROM everything_%s';
	$sim->control('POST', 'snapshot', { name => 'all' });
	$c->value("DELETE FROM rest.account WHERE id = '$one'");
	$sim->log_clear;
	my $got = $c->value($sql =~ s/%s/chunks/r);
	is($got, $c->value($sql =~ s/%s/rest/r), 'are read');
	like($got, qr/^1\d{3}\|[1-9]/, 'as there are some');
	is_deeply([ map { /"operation":"(\w+)"/ } @{ bodies($sim->log, qr{/job$}) } ], ['queryAll'], 'by queryAll');
	is($c->value('SELECT count(*) FROM (SELECT * FROM chunks.account OFFSET 0) a'), '999', 'or are not');
	$sim->control('POST', 'restore', { name => 'all', keep_sessions => $yes });
};

subtest 'EXPLAIN' => sub {
	my $plan = $c->value('EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM chunks.account');
	like($plan, qr/Bulk API: 1\.0\n *PK Chunking: 200 ids$/m, 'chunks');
	$plan = $c->value('EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM chunks.account LIMIT 5');
	like($plan, qr/PK Chunking: none, as the query has more than conditions/, 'no chunks');
	unlike($c->value('EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM bulk.account'), qr/Bulk API/, '2.0');
	unlike($c->value('EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM rest.account'), qr/Bulk API/, 'REST');
	$plan = $c->value('EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT id FROM chunks.account');
	like($plan, qr/Transport Used: bulk\n *Rows Received: 1000\n *Job: 750\w{15}\n *API Calls: \d+\n *Pages: [5-9]\n *Polls: \d/, 'what it did');
	$plan = $c->value('SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		EXPLAIN (COSTS OFF) SELECT count(name) FROM one.account');
	unlike($plan, qr/Gather/, 'one process');
	my %calls = map { $_ => $c->value("SET sfbulk_fdw.explain_remote = on; EXPLAIN SELECT id FROM $_.account; RESET sfbulk_fdw.explain_remote")
		  =~ /Estimated API Calls: (\d+)/ } qw(one chunks);
	is($calls{chunks} - $calls{one}, 8, 'two calls for each further chunk');
	$c->value('RESET min_parallel_table_scan_size; RESET parallel_setup_cost; RESET parallel_tuple_cost');
};

# ---- faults that are cured ---------------------------------------------------------------------

$t->run("$_->[0] is refused for a moment", by => 'chunks', faults => { %{ $_->[1] }, error => 'server_unavailable' })
  for [ 'the creation', $create1 ], [ 'the batch', $add ], [ 'the poll', $poll1 ], [ 'the list of batches', $list ],
  [ 'the list of results', $results ], [ 'a file', $file ], [ 'the close', $close ];
$t->run("the answer to $_->[0] is lost", by => $_->[2] // 'chunks', faults => { %{ $_->[1] }, close => 'after' })
  for [ 'the poll', $poll1 ], [ 'the list of batches', $list ], [ 'the list of results', $results ], [ 'a file', $file ],
  [ 'the close', $close ], [ 'the early close', $close, 'one' ];
$t->run('the answer to the batch is lost', by => $_, faults => { %$add, close => 'after' },
	log => sub {
		my ($log) = @_;
		is(requests($log, $create1), 2, 'another job');
		is(ends($log), 'Aborted Closed', 'in place of the first');
	})
  for qw(one chunks);
$t->run('the answer to the creation is lost', by => 'one', faults => { %$create1, close => 'after' }, open => 1,
	warnings => [qr/a query job may have been left/]);
$t->run("the session expires at $_->[0]", by => 'chunks', warm => 1, logins => 1, faults => { %{ $_->[1] }, expire_token => $yes })
  for [ 'the creation', $create1 ], [ 'the batch', $add ], [ 'the poll', $poll1 ], [ 'the list of batches', $list ],
  [ 'the list of results', $results ], [ 'a file', { %$file, nth => 3 } ], [ 'the close', $close ];
$t->run("a file breaks off once, $_ bytes", by => $_ % 2 ? 'one' : 'chunks', faults => { %$file, truncate => $_ }) for 0, 1, 1000, 9001;
$t->run('a file ends early inside of a whole message once', by => 'chunks', faults => { %$file, nth => 3, gzip_cut => 500 });
$t->run('a file comes uncompressed', by => 'chunks', faults => { %$file, no_gzip => $yes });
$t->run('states are spelt with a blank', by => 'chunks', faults => { %$list, count => 0,
		replace => { find => 'NotProcessed', with => 'Not Processed', all => $yes } });

# ---- faults that are not ---------------------------------------------------------------------

my $xml = { status => 400, content_type => 'application/xml' };
$t->run("creation refused: $_->[0]", by => 'one', faults => { %$create1, %$xml,
		body => "<error><exceptionCode>$_->[0]</exceptionCode><exceptionMessage>no</exceptionMessage></error>" },
	error => $_->[1], message => qr/could not create a query job: $_->[0]: no/)
  for [ 'InvalidJob', 'HV000' ], [ 'ExceededQuota', '53400' ], [ 'InvalidEntity', 'HV000' ];
$t->run('an object that bulk does not read', by => 'auto', faults => { %$create1, %$xml,
		body => '<error><exceptionCode>InvalidEntity</exceptionCode><exceptionMessage>no</exceptionMessage></error>' });
my $why = 'InvalidBatch : Failed to process query: ';
$t->run("the batch fails: $_->[0]", by => $_->[3] // 'one', faults => { %$add, job => { fail => $_->[1] } },
	error => $_->[2], message => qr/query job 750\w{15} failed: \Q$_->[1]\E/, log => sub { like(ends($_[0]), qr/Aborted|Closed/, 'ended') })
  for [ 'timeout', "${why}QUERY_TIMEOUT: Your query request was running for too long.", '57014' ],
  [ 'tries', 'Tried more than thirty times', '57014' ],
  [ 'unknown field', "${why}INVALID_FIELD: No such column", '42703' ],
  [ 'unknown object', "${why}INVALID_TYPE: sObject type", '42P01' ],
  [ 'a text', 'Something went wrong', 'HV000' ],
  [ 'before it is divided', 'Something went wrong', 'HV000', 'chunks' ],
  [ 'in auto, too', 'Something went wrong', 'HV000', 'auto' ];
$t->run('the batch fails without a word', by => 'one', faults => { %$add, job => { fail => $yes } },
	error => 'HV000', message => qr/query job 750\w{15} failed$/, detail => qr/gives no reason/);
$t->run('a query that is wrong', by => 'one', sql => q{SELECT count(nope) FROM (SELECT * FROM wrong_field) w},
	error => '42703', message => qr/failed: INVALID_FIELD: No such column 'Nope__c'/, detail => qr/SELECT Nope__c FROM Account\s+\^/)
  if $node->safe_psql('postgres', q{CREATE FOREIGN TABLE wrong_field (id text, nope text OPTIONS (field 'Nope__c'))
	SERVER one OPTIONS (object 'Account'); SELECT true});
$t->run("a file lacks its last row", by => $_, faults => { %$file, drop_rows => 1 }, error => '08P01',
	message => qr/has \d+ rows instead of \d+/, detail => qr/numberRecordsProcessed/)
  for qw(one chunks);
$t->run('a file has its last row twice', by => 'chunks', faults => { %$file, nth => 4, repeat_rows => 1 }, error => '08P01',
	message => qr/has \d+ rows instead of \d+/);
$t->run('one of several files lacks a row', by => 'one', set => { result_file_kb => 20 }, faults => { %$file, nth => 2, drop_rows => 1 },
	error => '08P01', message => qr/results of batch 751\w{15} of query job 750\w{15} have 999 rows instead of 1000/);
$t->run('a file is but a header line', by => 'one', faults => { %$file, header_only => $yes }, error => '08P01', message => qr/has 0 rows instead of 1000/);
$t->run('a file is empty', by => 'one', faults => { %$file, empty => $yes }, error => '08P01', message => qr/has 0 rows instead of 1000/);
$t->run('a file says that there are no records', by => 'one', faults => { %$file, status => 200, content_type => 'text/csv',
		body => 'Records not found for this query' }, error => '08P01', message => qr/has 0 rows instead of 1000/);
$t->run('a file is HTML', by => 'one', faults => { %$file, error => 'html_200' }, error => '08P01', message => qr{text/html.* instead of text/csv});
$t->run('a file always breaks off', by => 'chunks', faults => { %$file, nth => 2, count => 0, truncate => 400 }, error => '08006',
	message => qr/could not read a result page of query job 750/);
$t->run('a list of results is garbage', by => 'one', faults => { %$results, status => 200, body => 'x' }, error => '08P01', message => qr/list of results/);
$t->run('a list of batches is garbage', by => 'one', faults => { %$list, status => 200, body => 'x' }, error => '08P01', message => qr/list of batches/);
$t->run('a list of batches is empty', by => 'chunks', set => {}, faults => { %$list, count => 0, status => 200, content_type => 'application/json',
		body => '{"batchInfo":[]}' }, error => '08P01', message => qr/query job 750\w{15} was divided, and has no batches/);
$t->run('a poll is garbage', by => 'one', faults => { %$poll1, status => 200, body => 'x' }, error => '08P01', message => qr/state of query job 750/);
$t->run('the job says more rows', by => 'one', faults => { %$poll1, count => 0,
		replace => { find => '"numberRecordsProcessed":1000', with => '"numberRecordsProcessed":1001' } },
	error => '08P01', message => qr/batches of query job 750\w{15} have 1000 rows instead of 1001/);
$t->run('it is stuck', by => 'impatient', faults => { %$add, job => { hold => 'InProgress' } }, error => '08006',
	message => qr/query job 750\w{15} was not complete after 300 ms/, hint => qr/job_timeout/,
	log => sub { is(ends($_[0]), 'Aborted', 'aborted') });
$t->run('a table without chunks in 2.0', by => 'bulk', sql => 'SELECT count(id) FROM %s.with_chunks', error => 'HV00D',
	message => qr/option "pk_chunking" of foreign table "with_chunks" needs Bulk API 1\.0/)
  if $node->safe_psql('postgres', q{CREATE FOREIGN TABLE bulk.with_chunks (id text) SERVER bulk
	OPTIONS (object 'Account', pk_chunking '5'); SELECT true});
$t->run('the job is aborted by somebody else', by => 'chunks', faults => { %$add, job => { hold => 'InProgress' } },
	during => sub {
		my ($org) = @_;
		$org->wait_request(%$poll1);
		my ($path) = map { $_->{path} } grep { $_->{path} =~ m{/job/750\w{15}$} } @{ $org->log };
		my $answer = HTTP::Tiny->new->request('POST', $org->url . $path, { content => '{"state":"Aborted"}',
				headers => { 'X-SFDC-Session' => $org->token, 'Content-Type' => 'application/json' } });
		die $answer->{content} if !$answer->{success};
	},
	error => 'HV000', message => qr/query job 750\w{15} was aborted/, detail => qr/not from here/);

# ---- however a statement ends -------------------------------------------------------------------

my $log_at = 0;
sub wait_log { $log_at = $node->wait_for_log($_[0], $log_at); return; }
for (
	[ 'the creation', { %$create1, hold => 'before' } ], [ 'the creation, after', { %$create1, hold => 'after' } ],
	[ 'the batch', { %$add, hold => 'after' } ], [ 'a queued batch', { %$add, job => { hold => 'UploadComplete' } }, $poll1 ],
	[ 'a running batch', { %$add, job => { hold => 'InProgress' } }, $poll1 ], [ 'the list of batches', { %$list, hold => 'before' } ],
	[ 'the early close', { %$close, hold => 'before' }, undef, 'one' ], [ 'the list of results', { %$results, hold => 'before', count => 0 } ],
	[ 'a file half-way', { %$file, nth => 2, hold => 'body', hold_at => 300 } ])
{
	my ($name, $fault, $until, $by) = @$_;
	my $moment = sub {
		$sim->wait_request(method => $fault->{method}, path => $fault->{path}, state => 'held') if $fault->{hold};
		$sim->wait_request(%$until) if $until;
	};
	$t->run("cancelled during $name", by => $by // 'chunks', faults => $fault,
		during => sub {
			my (undef, $pid) = @_;
			$moment->();
			$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
			wait_log(qr/canceling statement due to user request/);
			$sim->release;
		},
		error => '57014', message => qr/canceling statement due to user request/);
	subtest "terminated during $name" => sub {
		my $other = SfPsql->new($node);
		my $pid = $other->pid;
		$sim->reset;
		$sim->fault($fault);
		$other->begin("$SfFault::all " . ($by // 'chunks') . '.account a');
		$moment->();
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		wait_log(qr/terminating connection due to administrator command/);
		$sim->release;
		is($other->end->{error}{sqlstate}, '57P01', 'what the client gets');
		wait_for('the backend to end', sub { !kill 0, $pid });
		is_deeply($t->open_jobs, [], 'no job runs on');
	};
}
$t->run('a job that cannot be aborted', by => 'chunks',
	sql => 'SELECT count(1 / (500 - n)) FROM (SELECT row_number() OVER () n FROM %s.account) a', error => '22012', open => 1,
	faults => [ { %$close, count => 0, %$xml, body => '<error><exceptionCode>ExceededQuota</exceptionCode><exceptionMessage>no</exceptionMessage></error>' } ],
	warnings => [qr/could not close query job 750\w{15}: ExceededQuota: no/]);

$t->finish;
done_testing();
