# What pg_cron starts by itself: jobs that read from Salesforce and write to it, once in a connection
# of their own (libpq) and once in a background worker, where there is no client; and syncs.  pg_cron looks
# at the clock once a minute, so the test waits for the next minute; both ways wait side by side.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfTest;
use Test::More;

my ($pkglibdir) = run_command([ 'pg_config', '--pkglibdir' ]);
plan skip_all => 'pg_cron is not installed' if !-e "$pkglibdir/pg_cron.so";

my @ways = ('libpq', 'worker');
my (%sim, %node);

# The settings of each way: see start_pg and use_cron in scripts/lib.sh.
sub settings
{
	my ($way, $node) = @_;
	my $host = $node->host;
	# notices of progress at every wait: a worker has no client that they could go to
	return "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\n"
	  . "sfbulk_fdw.progress_interval = 1\n"
	  . "max_worker_processes = 30\ncron.max_running_jobs = 20\n"
	  . ($way eq 'libpq' ? "cron.host = '$host'\n" : "cron.use_background_workers = on\n");
}

# Sends what an outbox holds and marks it as sent, in one statement.
sub load
{
	my ($outbox) = @_;
	return "WITH sent AS (UPDATE $outbox SET sent_at = now() WHERE sent_at IS NULL RETURNING *) "
	  . 'INSERT INTO sf.contact (external_id__c, lastname) SELECT number, name FROM sent';
}

# What pg_cron runs each minute, and what cron.job_run_details says about it.  An outbox with more rows
# than rest_row_limit goes by an ingest job, and is sent by two jobs at the same time: what one of them
# has marked the other must not send.
my %jobs = (
	read => {
		sql => 'INSERT INTO seen SELECT id, name FROM sf.account',
		status => 'succeeded',
		message => qr/^INSERT 0 300$/,
	},
	refused => {
		sql => 'SELECT id FROM sf.refused',
		status => 'failed',
		message => qr/^ERROR: .*No such column 'Nothing__c'/s,
	},
	load => {
		sql => load('outbox'),
		status => 'succeeded',
		message => qr/^INSERT 0 (?:500|0)$/,
	},
	load_again => {
		sql => load('outbox'),
		status => 'succeeded',
		message => qr/^INSERT 0 (?:500|0)$/,
	},
	load_small => {
		sql => load('outbox_small'),
		status => 'succeeded',
		message => qr/^INSERT 0 3$/,
	},
	load_refused => {
		sql => load('outbox_refused'),
		status => 'failed',
		message => qr/^ERROR: .*Required fields are missing: \[LastName\]/s,
	},
	sync_new => {
		sql => q{CALL sfbulk_sync('sf.opportunity', 'public.opportunity')},
		status => 'succeeded',
	},
	sync_refused => {
		sql => q{CALL sfbulk_sync('sf.refused_object', 'public.refused')},
		status => 'failed',
		message => qr/^ERROR: .*No such column 'nothing__c'/s,
	},
	# of its tables one cannot be synced; the other one is, and stays
	sync_schema => {
		sql => q{CALL sfbulk_sync_schema('mixed', 'copies')},
		status => 'failed',
		message => qr/^ERROR: .*1 of 2 tables of schema "mixed" could not be synced/s,
	},
	# two at the same time: see overlapping_syncs
	sync => { sql => q{CALL sfbulk_sync('sf.account', 'public.account')} },
	sync_too => { sql => q{CALL sfbulk_sync('sf.account', 'public.account')} });

# Of two syncs of a table one is stopped when it has begun; the other one says at once that it cannot run.
sub overlapping_syncs
{
	my ($way, $jobid) = @_;
	my ($sim, $node) = ($sim{$way}, $node{$way});
	my $runs = "cron.job_run_details WHERE jobid IN ($jobid->{sync}, $jobid->{sync_too})";

	$sim->wait_request(path => '*/composite', state => 'held');
	# pg_cron may be waiting for the one that is held before it notes what became of the other
	wait_for('a sync that notices another one',
		sub { slurp_file($node->logfile) =~ /ERROR:  a sync of table public\.account is already running/ });
	is($node->safe_psql('postgres', "SELECT count(*) FROM $runs AND status = 'succeeded'"), '0',
		"$way: of two syncs of a table one runs");
	$sim->release('sync');
	$node->poll_query_until('postgres', "SELECT count(DISTINCT status) = 2 FROM $runs AND status IN ('succeeded', 'failed')")
	  or BAIL_OUT("$way: syncs that do not end");
	like($node->safe_psql('postgres', "SELECT return_message FROM $runs AND status = 'failed' LIMIT 1"),
		qr/^ERROR: .*a sync of table public\.account is already running/s, "$way: and the other says why it does not");
	return;
}

# The foreign table and its copy are the same.
sub same
{
	my ($table) = @_;
	return "SELECT count(*) > 0, count(*) FILTER (WHERE s IS DISTINCT FROM c)"
	  . " FROM (SELECT id, t::text AS s FROM sf.$table t) s FULL JOIN (SELECT id, t::text AS c FROM public.$table t) c USING (id)";
}

# The requests that write records since the log was cleared: what they are for, without ids.
sub writes
{
	my ($sim) = @_;
	return [
		sort map { "$_->{method} " . ($_->{path} =~ s{^/services/data/v[\d.]+/}{}r =~ s{/750\w+}{/ID}r) }
		  @{ $sim->log(qr{^(?:POST|PUT|PATCH|DELETE) .*/(?:jobs/ingest|composite)}) }
	];
}

for my $way (@ways)
{
	my $sim = $sim{$way} = sfsim_start(rows => { Account => 300, Contact => 0, Opportunity => 250 });
	my $node = $node{$way} = node_start("cron_$way");
	$node->append_conf('postgresql.conf', settings($way, $node));
	$node->restart;
	server_create($node, $sim, options => { rest_row_limit => 200 });
	tables_import($node, 'account', 'contact', 'opportunity');
	$node->safe_psql('postgres', q{
		CREATE EXTENSION pg_cron;
		CREATE TABLE seen (id text, name text);
		CREATE FOREIGN TABLE sf.refused (id text) SERVER sf
			OPTIONS (query 'SELECT Id, Nothing__c FROM Account', transport 'rest');
		CREATE FOREIGN TABLE sf.refused_object (id text, systemmodstamp timestamptz, nothing__c text) SERVER sf
			OPTIONS (object 'Contact');
		CREATE SCHEMA mixed;
		CREATE SCHEMA copies;
		CREATE FOREIGN TABLE mixed.bad (id text, systemmodstamp timestamptz, nothing__c text) SERVER sf OPTIONS (object 'Contact');
		CREATE FOREIGN TABLE mixed.good (id text, systemmodstamp timestamptz) SERVER sf OPTIONS (object 'Opportunity');
		CREATE TABLE outbox (number text, name text, sent_at timestamptz);
		CREATE TABLE outbox_small (LIKE outbox);
		CREATE TABLE outbox_refused (LIKE outbox);
		INSERT INTO outbox SELECT 'big-' || n, 'Name ' || n FROM generate_series(1, 500) n;
		INSERT INTO outbox_small SELECT 'small-' || n, 'Name ' || n FROM generate_series(1, 3) n;
		INSERT INTO outbox_refused VALUES ('refused-1', 'Name'), ('refused-2', NULL)});

	# a copy as of yesterday, say
	$node->safe_psql('postgres', q{
		CALL sfbulk_sync('sf.account', 'public.account');
		UPDATE sf.account SET name = 'Renamed ' || right(id, 5) WHERE id IN (SELECT id FROM public.account ORDER BY id LIMIT 3);
		DELETE FROM sf.account WHERE id IN (SELECT id FROM public.account ORDER BY id DESC LIMIT 2);
		INSERT INTO sf.account (name) VALUES ('New'), ('Newer')});
	$sim->fault({ path => '*/composite', request_body => '*/sobjects/Account/describe*', hold => 'before', count => 1,
		name => 'sync' });
	$sim->log_clear;
}
my %jobid;
for my $way (@ways)
{
	my @names = sort keys %jobs;
	# in one transaction, so that all of them start in the same minute
	my @ids = split /\n/, $node{$way}->safe_psql('postgres', join '', "BEGIN;\n",
		(map { "SELECT cron.schedule('$_', '* * * * *', " . quote_sql($jobs{$_}{sql}) . ");\n" } @names),
		"COMMIT;\n");
	@{ $jobid{$way} }{@names} = @ids;
}

for my $way (@ways)
{
	my ($sim, $node) = ($sim{$way}, $node{$way});
	my $number = keys %jobs;
	my $ended = q{status IN ('succeeded', 'failed')};

	overlapping_syncs($way, $jobid{$way});
	$node->poll_query_until('postgres',
		"SELECT count(DISTINCT jobid) = $number FROM cron.job_run_details WHERE $ended")
	  or BAIL_OUT("$way: not all jobs have run");
	$node->safe_psql('postgres', 'SELECT cron.unschedule(jobid) FROM cron.job');
	# where the machine was slow a second run is under way, and ends now
	$node->poll_query_until('postgres',
		"SELECT NOT EXISTS (SELECT FROM cron.job_run_details WHERE NOT $ended)")
	  or BAIL_OUT("$way: jobs that do not end");
	for my $name (grep { $jobs{$_}{status} } sort keys %jobs)
	{
		my ($status, $message) = split /\|/, $node->safe_psql('postgres',
			'SELECT status, return_message FROM cron.job_run_details '
			  . "WHERE jobid = $jobid{$way}{$name} ORDER BY runid LIMIT 1"), 2;
		is($status, $jobs{$name}{status}, "$way: status of $name");
		like($message, $jobs{$name}{message} // qr/^(?:CALL|1 row)/, "$way: what it says");
	}

	# every row in each run
	is($node->safe_psql('postgres', q{
			SELECT count(*) % 300, count(DISTINCT id),
				count(*) / 300 = (SELECT count(*) FROM cron.job_run_details
					WHERE return_message = 'INSERT 0 300') FROM seen}),
		'0|300|t', "$way: the rows that were read");

	# what the syncs have brought
	is($node->safe_psql('postgres', same($_)), 't|0', "$way: the copy of $_ is what Salesforce has") for 'account', 'opportunity';
	is($node->safe_psql('postgres', q{
			SELECT object, watermark IS NOT NULL, runs > 0 FROM sfbulk_sync_state
			WHERE target <> 'copies.good'::regclass ORDER BY object}),
		"Account|t|t\nOpportunity|t|t", "$way: what is known of the copies");
	is($node->safe_psql('postgres', q{SELECT to_regclass('public.refused')}), '', "$way: a sync that fails leaves nothing");

	is($node->safe_psql('postgres', q{
			SELECT (SELECT count(*) FROM copies.good) = (SELECT count(*) FROM sf.opportunity), to_regclass('copies.bad') IS NULL}), 't|t',
		"$way: what could be synced of a schema stays");

	# what was sent by all runs together
	is($node->safe_psql('postgres', q{
			SELECT return_message, count(*) FROM cron.job_run_details
			WHERE command LIKE '%outbox %' AND return_message <> 'INSERT 0 0' GROUP BY 1}),
		'INSERT 0 500|1', "$way: of two loads at the same time one sends the rows");
	my @writes = grep { !m{^POST composite} } @{ writes($sim) };
	is_deeply(
		\@writes,
		[
			'DELETE jobs/ingest/ID', 'PATCH jobs/ingest/ID',
			'POST jobs/ingest', 'PUT jobs/ingest/ID/batches'
		],
		"$way: one ingest job, that is deleted when it has succeeded");
	is($node->safe_psql('postgres', q{
			SELECT split_part(external_id__c, '-', 1) AS kind, count(*), count(DISTINCT external_id__c),
				bool_and(lastname = 'Name ' || split_part(external_id__c, '-', 2))
			FROM sf.contact GROUP BY 1 ORDER BY 1}),
		"big|500|500|t\nsmall|3|3|t", "$way: each row once in the org, none of those that were refused");
	is($node->safe_psql('postgres', q{
			SELECT (SELECT count(*) FROM outbox WHERE sent_at IS NULL),
				(SELECT count(*) FROM outbox_small WHERE sent_at IS NULL),
				(SELECT count(*) FROM outbox_refused WHERE sent_at IS NULL)}),
		'0|0|2', "$way: marked as sent is what was sent");

	# once more, all of them
	$sim->log_clear;
	$node->safe_psql('postgres', join ";\n", load('outbox'), load('outbox_small'));
	is_deeply(writes($sim), [], "$way: a second run sends nothing");
	is_deeply($sim->jobs, [], "$way: no job is left in the org");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_stat_activity
			WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'}),
		'0', "$way: no transaction is left open");
	$node->stop;
}
done_testing();
