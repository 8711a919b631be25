# What pg_cron starts by itself: jobs that read from Salesforce and write to it, once in a connection
# of their own (libpq) and once in a background worker, where there is no client.  pg_cron looks at
# the clock once a minute, so the test waits for the next minute; both ways wait side by side.
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
	return "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\n"
	  . "max_worker_processes = 20\n"
	  . ($way eq 'libpq' ? "cron.host = '$host'\n" : "cron.use_background_workers = on\n");
}

# What pg_cron runs each minute, and what cron.job_run_details says about it.
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
	});

for my $way (@ways)
{
	my $sim = $sim{$way} = sfsim_start(rows => { Account => 300 });
	my $node = $node{$way} = node_start("cron_$way");
	$node->append_conf('postgresql.conf', settings($way, $node));
	$node->restart;
	server_create($node, $sim, options => { rest_row_limit => 200 });
	tables_import($node, 'account');
	$node->safe_psql('postgres', q{
		CREATE EXTENSION pg_cron;
		CREATE TABLE seen (id text, name text);
		CREATE FOREIGN TABLE sf.refused (id text) SERVER sf
			OPTIONS (query 'SELECT Id, Nothing__c FROM Account', transport 'rest')});
	$sim->log_clear;
}
for my $way (@ways)
{
	$node{$way}->safe_psql('postgres', join '',
		map { "SELECT cron.schedule('$_', '* * * * *', " . quote_sql($jobs{$_}{sql}) . ");\n" }
		  sort keys %jobs);
}

for my $way (@ways)
{
	my ($sim, $node) = ($sim{$way}, $node{$way});
	my $number = keys %jobs;
	my $ended = q{status IN ('succeeded', 'failed')};

	$node->poll_query_until('postgres',
		"SELECT count(DISTINCT jobid) = $number FROM cron.job_run_details WHERE $ended")
	  or BAIL_OUT("$way: not all jobs have run");
	$node->safe_psql('postgres', 'SELECT cron.unschedule(jobid) FROM cron.job');
	# where the machine was slow a second run is under way, and ends now
	$node->poll_query_until('postgres',
		"SELECT NOT EXISTS (SELECT FROM cron.job_run_details WHERE NOT $ended)")
	  or BAIL_OUT("$way: jobs that do not end");
	for my $name (sort keys %jobs)
	{
		my ($status, $message) = split /\|/, $node->safe_psql('postgres',
			'SELECT status, return_message FROM cron.job_run_details WHERE command = '
			  . quote_sql($jobs{$name}{sql}) . ' ORDER BY runid LIMIT 1'), 2;
		is($status, $jobs{$name}{status}, "$way: status of $name");
		like($message, $jobs{$name}{message}, "$way: what it says");
	}

	# every row in each run
	is($node->safe_psql('postgres', q{
			SELECT count(*) % 300, count(DISTINCT id),
				count(*) / 300 = (SELECT count(*) FROM cron.job_run_details
					WHERE return_message = 'INSERT 0 300') FROM seen}),
		'0|300|t', "$way: the rows that were read");
	is_deeply($sim->jobs, [], "$way: no job is left in the org");
	$node->stop;
}
done_testing();
