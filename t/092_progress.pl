# What the view sfbulk_progress shows of other sessions' work, from its first request to its last row, and
# that nothing is shown of what has ended, however it did; and, where it cannot show others, the notices.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Utils;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $slots = 6;
my $t = SfFault->new('progress', schemas => [ 'bulk', 'rest', 'shared', 'old' ], rows => { Contact => 400, Invoice__c => 0 },
	options => { poll_interval_max => '100ms', download_streams => 1 },
	own => { shared => { transport => 'bulk', fdw_tuple_cost => '100' }, old => { transport => 'bulk', bulk_api => '1.0' } },
	conf => qq{
		shared_preload_libraries = 'sfbulk_fdw'
		sfbulk_fdw.progress_slots = $slots
		sfbulk_fdw.progress_interval = 1
		max_parallel_workers_per_gather = 0
		client_connection_check_interval = 50ms
		restart_after_crash = on
	});
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my $watcher = SfPsql->new($node);
my $yes = JSON::PP::true;
my $ingest = { method => 'POST', path => '*/jobs/ingest' };

$node->safe_psql('postgres', q{
	CREATE SCHEMA w;
	CREATE FOREIGN TABLE w.jobs (key text OPTIONS (field 'External_Key__c'), name text OPTIONS (field 'Name'),
		code text OPTIONS (field 'Code__c'))
		SERVER bulk OPTIONS (object 'Invoice__c', upsert_key 'External_Key__c', on_error 'ignore');
	CREATE FOREIGN TABLE w.old (key text OPTIONS (field 'External_Key__c'), name text OPTIONS (field 'Name'),
		code text OPTIONS (field 'Code__c')) SERVER old OPTIONS (object 'Invoice__c');
	CREATE FOREIGN TABLE w.commits (key text OPTIONS (field 'External_Key__c'), name text OPTIONS (field 'Name'),
		code text OPTIONS (field 'Code__c'))
		SERVER bulk OPTIONS (object 'Invoice__c', apply 'commit', rest_row_limit '10');
	CREATE FOREIGN TABLE w.calls (key text OPTIONS (field 'External_Key__c'), name text OPTIONS (field 'Name'),
		code text OPTIONS (field 'Code__c')) SERVER rest OPTIONS (object 'Invoice__c')});

my $columns = 'kind, relation, object, phase, rows_done, rows_total, rows_failed, percent';

# What the watcher sees of everybody.
sub shown
{
	my ($what, $from) = @_;
	return ($from // $watcher)->value('SELECT ' . ($what // $columns) . ' FROM sfbulk_progress ORDER BY started, object');
}

# It comes to show just this.
sub shows
{
	my ($name, $expected, $what) = @_;
	my $got;
	eval { wait_for($name, sub { ($got = shown($what)) eq $expected }) };
	is($got, $expected, $name);
	return;
}

sub org
{
	my (@faults) = @_;
	$sim->reset;
	$sim->set(page_rows => 100);
	$sim->fault($_) for @faults;
	return;
}

sub read_from { return "$SfFault::all $_[0] a"; }

# ---- the memory ------------------------------------------------------------------------------------

is($watcher->value('SELECT * FROM sfbulk_progress_scope()'), "server, preloaded|$slots|0|0", 'where it is shown');
is(shown(), '', 'nothing is under way');
{
	my $plain = node_start('plain');
	my $postmaster = sub { (split /\n/, slurp_file($plain->data_dir . '/postmaster.pid'))[0] };
	my $fds = fd_count($postmaster->());

	if ($plain->pg_version < 17)
	{
		is($plain->safe_psql('postgres', 'SELECT scope FROM sfbulk_progress_scope()'), 'session',
			'where the module is not preloaded, each session sees its own');
	}
	else
	{
		# who needs the memory first makes it, and a crash makes it anew
		my ($reader, $other) = map { SfPsql->new($plain) } 1, 2;

		$plain->append_conf('postgresql.conf', 'restart_after_crash = on');
		$plain->reload;
		server_create($plain, $sim, options => { transport => 'bulk' });
		tables_import($plain, 'account');
		$reader->value('BEGIN; DECLARE c CURSOR FOR SELECT * FROM sf.account; FETCH 10 FROM c');
		is($other->value("SELECT $columns FROM sfbulk_progress"),
			'query|sf.account|Account|downloading|10|1000||1', 'without preloading others see it, too');
		is($other->value('SELECT * FROM sfbulk_progress_scope()'), 'server, by the DSM registry|256|1|0', 'by the registry');
		kill 9, $reader->pid;
		wait_for('the other backend to end', sub { !kill 0, $other->pid });
		ok($plain->poll_query_until('postgres', 'SELECT true'), 'the server is back after a crash');
		is($plain->safe_psql('postgres', 'SELECT * FROM sfbulk_progress_scope()'),
			'server, by the DSM registry|256|0|0', 'all places are free');
	}
	$plain->append_conf('postgresql.conf', "shared_preload_libraries = 'sfbulk_fdw'\n");
	$plain->restart;
	is(fd_count($postmaster->()), $fds, 'the postmaster has no descriptor for the module');
	is(scalar(() = glob '/proc/' . $postmaster->() . '/task/*'), 1, '... and no thread');
	is($plain->safe_psql('postgres', 'SELECT * FROM sfbulk_progress_scope()'), 'server, preloaded|256|0|0', 'places');
	$plain->stop;
}
{
	# preloaded, the hooks are there before the first table of ours is named
	my $first = SfPsql->new($node);
	my $result = $first->query("INSERT INTO w.calls VALUES ('k') ON CONFLICT (key) DO UPDATE SET name = 'n'");

	like($result->{error}{message}, qr/INSERT with ON CONFLICT is not supported for foreign table/, 'hooks of a preloaded module');
	$first->close;
}

# ---- a query from its login to its last row --------------------------------------------------------

org({ %$login, name => 'login', hold => 'before' }, { %$create, name => 'create', hold => 'before' },
	{ %$page, nth => 5, hold => 'before', name => 'page' });
$sim->set(queue_ms => 60000, job_ms => 60000);
$sim->control('POST', 'clock', { freeze => $yes });
$c->begin(read_from('bulk.account'));
my $query = 'query|bulk.account|Account';
shows('the login', "$query|logging in|0|||");
is(shown('pid, datname, usename, server, job, bar, api_calls, rows_failed'),
	$c->pid . '|postgres|' . $watcher->value('SELECT session_user') . '|bulk|||0|', 'whose it is');
$sim->release('login');
shows('the creation', "$query|starting|0|||");
$sim->release('create');
shows('a job in the queue', "$query|queued|0|||");
my $job = shown('job');
is($job, $sim->jobs->[0]{id}, 'its id');
is($watcher->value('SELECT wait_event_type, wait_event FROM pg_stat_activity WHERE pid = ' . $c->pid),
	$node->pg_version < 17 ? 'Extension|Extension' : 'Extension|SalesforceJob', 'the wait event');
$sim->control('POST', 'clock', { advance_ms => 60000 });
shows('the job at work', "$query|in progress|0|||");
$sim->control('POST', 'clock', { advance_ms => 60000 });
shows('a part of its rows', "$query|downloading|400|1000||40");
is(shown('job, bar, bytes > 0, api_calls > 5, started < changed, changed <= now()'),
	"$job|[########------------] 40%|t|t|t|t", 'figures');
$sim->release;
is($c->end->{rows}, $t->expected, 'all rows');
is(shown(), '', 'nothing afterwards');
$sim->control('POST', 'clock', { reset => $yes });

# ---- who may see it ---------------------------------------------------------------------------------

$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN;
	CREATE ROLE bob LOGIN;
	CREATE ROLE reader LOGIN IN ROLE pg_read_all_stats;
	CREATE ROLE deputy LOGIN IN ROLE alice;
	GRANT USAGE ON SCHEMA rest TO alice;
	GRANT SELECT ON rest.account TO alice;
	CREATE USER MAPPING FOR alice SERVER rest} . ' '
	  . options_sql(client_id => $sim->env('SF_CLIENT_ID'), client_secret => $sim->env('SF_CLIENT_SECRET')));
my %as = map { $_ => SfPsql->new($node, user => $_) } qw(alice bob reader deputy);
org({ %$more, hold => 'before', count => 0 });
$as{alice}->begin(read_from('rest.account'));
my $details = 'query|rest.account|Account|downloading|200|1000||20';
shows('by REST', $details);
my $pid = $as{alice}->pid;
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', 'CREATE EXTENSION sfbulk_fdw');
my $elsewhere = SfPsql->new($node, dbname => 'elsewhere');
is(shown("pid, datname, usename, $columns", $as{bob}), "$pid|postgres|alice||||||||", 'a stranger sees that there is something');
is(shown('num_nulls(server, job, bytes, bar, api_calls, started, changed)', $as{bob}), 7, '... and nothing of it');
is(shown("pid, datname, usename, $columns", $as{$_}), "$pid|postgres|alice|$details", "$_ sees it") for qw(reader deputy);
is(shown("pid, datname, server, $columns", $elsewhere), "$pid|postgres|rest|" . ($details =~ s/rest\.account//r),
	'from another database');
$elsewhere->close;
$sim->release;
$sim->fault_clear;
is($as{alice}->end->{rows}, $t->expected, 'all rows');
is(shown(), '', 'nothing afterwards');
$_->close for values %as;

# ---- ends --------------------------------------------------------------------------------------------

my $stuck = { %$create, job => { hold => 'InProgress' } };
my $running = "$query|in progress|0|||";

org($stuck);
$c->begin(read_from('bulk.account'));
shows('stuck', $running);
$watcher->value('SELECT pg_cancel_backend(' . $c->pid . ')');
is($c->end->{error}{sqlstate}, '57014', 'cancelled');
is(shown(), '', 'nothing of what was cancelled');

org();
is($c->query('SELECT 1 / (row_number() OVER () - 500) FROM bulk.account')->{error}{sqlstate}, '22012', 'an error');
is(shown(), '', 'nothing of what has failed');
$c->value('BEGIN; DECLARE a CURSOR FOR SELECT * FROM bulk.account; FETCH 10 FROM a; SAVEPOINT s;'
	  . 'DECLARE b CURSOR FOR SELECT * FROM bulk.contact; FETCH 20 FROM b');
is(shown('object, rows_done'), "Account|10\nContact|20", 'two cursors, as far as they were read');
$c->value('FETCH 5 FROM a');
is(shown('object, rows_done'), "Account|15\nContact|20", 'what was read now is there at once');
$c->query('SELECT 1 / 0');
is(shown('object, rows_done'), 'Account|15', 'a subtransaction has aborted, the cursor outside of it is there');
$c->value('ROLLBACK');
is(shown(), '', 'nothing of an aborted transaction');
$c->value('BEGIN; DECLARE a CURSOR FOR SELECT * FROM bulk.account; FETCH 10 FROM a; SAVEPOINT s;'
	  . 'DECLARE b CURSOR FOR SELECT * FROM bulk.contact; FETCH 20 FROM b; ROLLBACK TO s');
is(shown('object, rows_done'), 'Account|10', 'one was opened in a subtransaction that was rolled back');
$c->value('COMMIT');
is(shown(), '', 'nothing after the transaction');

for my $end (qw(terminated gone))
{
	my $victim = SfPsql->new($node);
	my $its = $victim->pid;

	org($stuck);
	$victim->begin(read_from('bulk.account'));
	shows("a backend that is to be $end", $running);
	if ($end eq 'gone') { $victim->kill_client; }
	else { $watcher->value("SELECT pg_terminate_backend($its)"); }
	wait_for('the backend to end', sub { !kill 0, $its });
	is(shown(), '', "nothing of a backend that is $end");
	is($watcher->value('SELECT taken FROM sfbulk_progress_scope()'), 0, 'its place is free');
}

# ---- more than there are places for ------------------------------------------------------------------

org();
my $n = $slots + 2;
$c->value('BEGIN');
$c->value("DECLARE c$_ CURSOR FOR SELECT * FROM rest.account; FETCH 1 FROM c$_") for 1 .. $n;
is($watcher->value('SELECT count(*) FROM sfbulk_progress'), $slots, 'as many as there are places');
is($watcher->value('SELECT slots, taken, not_shown FROM sfbulk_progress_scope()'), "$slots|$slots|2", 'the others are counted');
$c->value("CLOSE c1; FETCH 5 FROM c$n");
is($watcher->value('SELECT count(*), count(*) FILTER (WHERE rows_done = 6) FROM sfbulk_progress'), "$slots|0",
	'one that waited has the free place');
$c->value("CLOSE c2; FETCH 5 FROM c$n");
is($watcher->value('SELECT count(*), count(*) FILTER (WHERE rows_done = 11) FROM sfbulk_progress'), "$slots|1",
	'and so has the next');
$c->value('ROLLBACK');
is($watcher->value('SELECT slots, taken, not_shown FROM sfbulk_progress_scope()'), "$slots|0|2", 'all are free');

# ---- several processes ---------------------------------------------------------------------------------

# Narrow rows: a worker with many of them would wait for its leader, which waits for a page.
my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 1};
my $narrow = 'SELECT count(id), count(DISTINCT id) FROM shared.account';
$c->value($parallel);
like($c->value("EXPLAIN $narrow"), qr/Parallel Foreign Scan/, 'a scan that several processes share');
for my $held (1, 0)
{
	# pages from the fifth on wait: what both have read before is added up in one row
	org({ %$page, nth => 5, hold => 'before', count => 0 });
	$c->value('SET max_parallel_workers = ' . ($held ? 8 : 0));
	$c->begin($narrow);
	shows('a shared scan', 'query|shared.account|Account|downloading|400|1000||40');
	is(shown('pid'), $c->pid, 'is the leader\'s');
	$sim->fault_clear;
	is($c->end->{rows}, '1000|1000', 'all rows');
	is(shown(), '', 'nothing afterwards');
}
$c->value('RESET ALL');

# ---- Bulk API 1.0 --------------------------------------------------------------------------------------

# Its batches wait and work by the org's clock.
sub stop_clock
{
	org();
	$sim->set(queue_ms => 60000, job_ms => 60000);
	$sim->control('POST', 'clock', { freeze => $yes });
	return;
}
sub go_on { $sim->control('POST', 'clock', { advance_ms => 60000 }); return; }

my $old = 'query|old.account|Account';
stop_clock();
$c->begin(read_from('old.account'));
shows('a job of Bulk API 1.0', "$old|queued|0|||");
like(shown('job'), qr/^750\w{15}$/, 'its id');
go_on();
shows('... at work', "$old|in progress|0|||");
go_on();
is($c->end->{rows}, $t->expected, 'all rows');
is(shown(), '', 'nothing afterwards');
stop_clock();
$c->begin("INSERT INTO w.old SELECT 'old-' || i, 'n', 'old-' || i FROM generate_series(1, 50) i");
shows('an ingest job of Bulk API 1.0', 'ingest|w.old|Invoice__c|processing|0|50|0|0');
go_on() for 1, 2;
is($c->end->{error}, undef, 'it is written');
is(shown(), '', 'nothing afterwards');
$sim->control('POST', 'clock', { reset => $yes });

# ---- scans that wait together ----------------------------------------------------------------------------

org({ %$create, count => 0, job => { hold => 'InProgress' } });
$c->begin('SELECT count(*) FROM (SELECT id FROM bulk.account UNION ALL SELECT id FROM bulk.contact OFFSET 0) u');
shows('two scans below an Append', "$query|in progress|0|||\nquery|bulk.contact|Contact|in progress|0|||");
$sim->release;
is($c->end->{rows}, 1400, 'all rows');
is(shown(), '', 'nothing afterwards');

# ---- writing -------------------------------------------------------------------------------------------

# So many rows, with keys that none before had.
my $written = 0;
sub rows_of
{
	my ($n) = @_;
	$written++;
	return "SELECT 'k$written-' || i, 'n' || i, 'c$written-' || i FROM generate_series(1, $n) i";
}
my $put = { method => 'PUT', path => '*/batches' };
my $write = 'ingest|w.jobs|Invoice__c';
org({ %$ingest, name => 'create', hold => 'before' }, { %$put, name => 'put', hold => 'before' },
	{ %$ingest, job => { hold => 'UploadComplete' }, name => 'job' });
$c->begin('INSERT INTO w.jobs ' . rows_of(50));
shows('an ingest job that is created', "$write|starting|50|||");
$sim->release('create');
shows('data on its way', "$write|uploading|50|||");
like(shown('job, bytes > 0'), qr/^750\w{15}\|t$/, 'its id and its bytes');
$sim->release('put');
shows('a job that waits', "$write|processing|0|50|0|0");
$sim->release('job');
is($c->end->{error}, undef, 'it is written');
is(shown(), '', 'nothing afterwards');

org({ %$ingest, job => { hold_after => 20, row_errors => { every => 10, code => 'STRING_TOO_LONG', message => 'no' } } });
$c->begin('INSERT INTO w.jobs ' . rows_of(50));
shows('a job half-way, with rejected rows', "$write|processing|20|50|2|40");
$sim->release;
is($c->end->{error}, undef, 'it is written');
is(shown(), '', 'nothing afterwards');

org({ %$ingest, job => { hold => 'InProgress' } });
$c->value('BEGIN; INSERT INTO w.commits ' . rows_of(50));
shows('rows that wait for the commit', 'ingest|w.commits|Invoice__c|waiting for commit|0|50|0|0');
my $since = shown('started');
$c->begin('COMMIT');
shows('... and for the job', 'ingest|w.commits|Invoice__c|processing|50|50|0|100');
is(shown('started'), $since, 'since it began');
$sim->release;
is($c->end->{error}, undef, 'they are written');
is(shown(), '', 'nothing afterwards');
$c->value('BEGIN; SAVEPOINT s; INSERT INTO w.commits ' . rows_of(50));
shows('again', 'ingest|w.commits|Invoice__c|waiting for commit|0|50|0|0');
$c->value('ROLLBACK TO s');
is(shown(), '', 'nothing of a subtransaction that was rolled back');
$c->value('COMMIT');

org({ method => 'POST', path => '*/composite/sobjects', nth => 2, hold => 'before' });
$c->begin('INSERT INTO w.calls ' . rows_of(401));
shows('rows by calls', 'collections|w.calls|Invoice__c|sending|200|401|0|49');
like(shown('job, bytes > 5000, api_calls'), qr/^\|t\|[12]$/, 'figures');
$sim->release;
is($c->end->{error}, undef, 'they are written');
is(shown(), '', 'nothing afterwards');

org({ %$more, hold => 'before' });
$c->begin('ANALYZE rest.account');
shows('a sample', 'analyze|rest.account|Account|sampling|200|||');
$sim->release;
is($c->end->{error}, undef, 'it is taken');
is(shown(), '', 'nothing afterwards');

org({ method => 'GET', path => '*/query', hold => 'before' });
$node->safe_psql('postgres', "ALTER FOREIGN TABLE rest.contact OPTIONS (ADD truncatable 'true')");
$c->begin('TRUNCATE rest.contact');
shows('a TRUNCATE that reads Ids', 'query|rest.contact|Contact|starting|0|||');
$watcher->value('SELECT pg_cancel_backend(' . $c->pid . ')');
is($c->end->{error}{sqlstate}, '57014', 'cancelled');
is(shown(), '', 'nothing afterwards');

org({ %$more, hold => 'before' }, { %$page, hold => 'before' });
$c->begin(q{CALL sfbulk_sync('rest.account', 'public.account_copy')});
shows('a sync, and the scan that it reads by',
	"sync|rest.account|Account|reading everything|0|||\nquery|rest.account|Account|downloading|200|1000||20");
shows('the calls of both', "sync|3\nquery|2", 'kind, api_calls');
$sim->release;
is($c->end->{error}, undef, 'it is made');
is(shown(), '', 'nothing afterwards');

# ---- a crash ---------------------------------------------------------------------------------------------

org();
$c->value('BEGIN; DECLARE c CURSOR FOR SELECT * FROM bulk.account; FETCH 10 FROM c');
is(shown(), "$query|downloading|10|1000||1", 'before the crash');
kill 9, $c->pid;
wait_for('the watcher to end', sub { !kill 0, $watcher->pid });
ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sfbulk_progress'), 0, 'nothing of what was before');
is($node->safe_psql('postgres', 'SELECT * FROM sfbulk_progress_scope()'), "server, preloaded|$slots|0|0", 'all places are free');

# ---- no memory: notices -----------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "sfbulk_fdw.progress_slots = 0\n");
$node->restart;
$watcher = SfPsql->new($node);
is($watcher->value('SELECT * FROM sfbulk_progress_scope()'), 'session|||', 'no place for it');

# Until the client has got so many messages that match.
sub wait_notices
{
	my ($session, $n, $pattern) = @_;
	wait_for("$n notices", sub {
			$session->{process}->pump_nb;
			return $n <= (() = $session->{err} =~ /$pattern/g);
		});
	return;
}

my %by = (
	often => '100ms', off => '0', late => '1h', deaf => '100ms; SET client_min_messages = warning');
my %sessions;
org({ %$create, count => 0, job => { hold => 'UploadComplete' } });
for (sort keys %by)
{
	$sessions{$_} = SfPsql->new($node);
	$sessions{$_}->value("SET sfbulk_fdw.progress_interval = $by{$_}" =~ s/= (\w+)/= '$1'/r);
	$sessions{$_}->begin(read_from('bulk.account'));
}
my $notice = qr/NOTICE:  00000: sfbulk_fdw: query job 750\w{15} of Account: queued, \d+ kB, \d+ API calls, 00:00:\d\d\n/;
wait_notices($sessions{often}, 3, $notice);
is(shown(), '', 'others do not see it');
$sim->release;
my %ends = map { $_ => $sessions{$_}->end } keys %by;
is($ends{$_}{rows}, $t->expected, "$_: all rows") for sort keys %by;
unlike($ends{$_}{messages}, qr/sfbulk_fdw/, "$_: no notice") for qw(off late deaf);

# with a part of the rows
my $often = $sessions{often};
org({ %$page, nth => 5, hold => 'before' });
$often->begin(read_from('bulk.account'));
wait_notices($often, 2, qr/NOTICE:  00000: sfbulk_fdw: query job 750\w{15} of Account: downloading, 400 of 1000 rows \(40%\), \d+ kB, \d+ API calls, 00:00:\d\d\n/);
$sim->release;
is($often->end->{rows}, $t->expected, 'all rows');

# several processes: the leader tells, and its worker does not
$often->value($parallel);
org({ %$page, nth => 5, hold => 'before', count => 0 });
$often->begin($narrow);
wait_notices($often, 2, qr/NOTICE:  00000: sfbulk_fdw: query job 750\w{15} of Account: downloading, 400 of 1000 rows \(40%\)/);
$sim->fault_clear;
my $result = $often->end;
is($result->{rows}, '1000|1000', 'all rows');
unlike($result->{messages}, qr/parallel worker/, 'no notice of a worker');

# a write that waits in its commit
org({ %$ingest, job => { hold => 'InProgress' } });
$often->value('BEGIN; INSERT INTO w.commits ' . rows_of(30));
$often->begin('COMMIT');
wait_notices($often, 1, qr/NOTICE:  00000: sfbulk_fdw: ingest job 750\w{15} of Invoice__c: processing, 30 of 30 rows \(100%\)/);
$watcher->value('SELECT pg_cancel_backend(' . $often->pid . ')');
is($often->end->{error}{sqlstate}, '57014', 'notices do not keep a cancel away');
$_->close for values %sessions;

$watcher->close;
$node->stop;
done_testing();
