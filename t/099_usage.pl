# sfbulk_usage(): the sums are the requests that the simulator saw, whatever became of statement, transaction
# and backend; the file survives many writers, writing anew, damage, and not being there.
use strict;
use warnings;

use SfBook;
use SfTest;
use SfPsql;
use Test::More;

my $sim = sfsim_start(rows => { Account => 30000, Contact => 300, Lead => 50 });
my $node = node_start('main', conf => "max_parallel_workers_per_gather = 2\nmax_parallel_workers = 4\n");
my %login = (client_id => $sim->env('SF_CLIENT_ID'), client_secret => $sim->env('SF_CLIENT_SECRET'));
server_create($node, $sim);
tables_import($node, 'account', 'contact', 'lead');
my $book = SfBook->new($node);

my %role = map { $_ => 1 } qw(alice bob);
for my $name (sort keys %role)
{
	$node->safe_psql('postgres', "CREATE ROLE $name LOGIN; GRANT USAGE ON FOREIGN SERVER sf TO $name;
		CREATE USER MAPPING FOR $name SERVER sf " . SfTest::options_sql(%login) . ";
		GRANT USAGE ON SCHEMA sf TO $name; GRANT ALL ON ALL TABLES IN SCHEMA sf TO $name;
		CREATE SCHEMA $name AUTHORIZATION $name");
	$node->safe_psql('postgres', <<SQL);
SET ROLE $name;
CREATE FOREIGN TABLE $name.bulk (id text, name text, annualrevenue numeric) SERVER sf OPTIONS (object 'Account', transport 'bulk');
CREATE FOREIGN TABLE $name.bulk1 (id text, name text) SERVER sf OPTIONS (object 'Lead', transport 'bulk', bulk_api '1.0');
CREATE FOREIGN TABLE $name.held (id text, lastname text) SERVER sf OPTIONS (object 'Contact', transport 'bulk', apply 'commit');
CREATE FOREIGN TABLE $name.jobs (id text, lastname text, email text) SERVER sf
	OPTIONS (object 'Contact', transport 'bulk', on_error 'ignore');
SQL
}
$node->safe_psql('postgres', 'SELECT sfbulk_usage_reset()');

# ---- each request is somebody's ------------------------------------------------------------------------

my %backend = map { $_ => SfPsql->new($node, user => $_) } keys %role;
my (%calls, %logins);

# Requests and logins since the log was emptied.
sub seen
{
	my @log = @{ $sim->log };
	my $logins = grep { $_->{path} =~ m{/oauth2/token} } @log;
	return (@log - $logins, $logins);
}

# A piece of work of one role with one object; what it did to the statement is told by %opt.
sub work
{
	my ($role, $object, $name, $sql, %opt) = @_;
	$sim->log_clear;
	my $r;
	if (ref $sql) { $r = $sql->($backend{$role}); }
	else { $r = $backend{$role}->query($sql); }
	if ($opt{fails}) { ok($r->{error}, "$name: fails") or diag($r->{messages}); }
	else { ok(!$r->{error}, $name) or diag($r->{messages}); }
	$sim->fault_clear;
	my ($calls, $logins) = seen();
	cmp_ok($calls, '>', 0, "$name: has sent something");
	$calls{"$role $object"} += $calls;
	$logins{$role} += $logins;
	return;
}

my $cancel = sub {
	my ($c) = @_;
	$sim->fault({ path => '*/jobs/query/*', method => 'GET', hold => 'before', count => 1 });
	$c->begin('SELECT count(name) FROM bulk');
	$sim->wait_request(path => '*/jobs/query/*', method => 'GET', state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	$sim->wait_request(path => '*/jobs/query/*', method => 'DELETE') ;
	return $c->end;
};

for my $who (sort keys %role)
{
	work($who, 'Contact', "$who: rows by REST", 'SELECT lastname FROM sf.contact');
	work($who, 'Account', "$who: rows by bulk", 'SELECT count(name) FROM bulk');
	work($who, 'Account', "$who: auto turns to bulk", 'SELECT count(name) FROM sf.account');
	work($who, 'Account', "$who: a count", 'SELECT count(*) FROM sf.account');
	work($who, 'Lead', "$who: by Bulk API 1.0", 'SELECT count(name) FROM bulk1');
	work($who, 'Account', "$who: an ordered LIMIT", 'SELECT id FROM sf.account ORDER BY id LIMIT 3');
	work($who, 'Contact', "$who: a join", 'SELECT c.lastname, a.name FROM sf.contact c JOIN sf.account a ON a.id = c.accountid');
	work($who, 'Contact', "$who: a call", "INSERT INTO sf.contact (lastname) SELECT 'x' || i FROM generate_series(1, 300) i");
	work($who, 'Contact', "$who: RETURNING", q{INSERT INTO sf.contact (lastname) VALUES ('x') RETURNING id});
	work($who, 'Contact', "$who: a job with rejected rows",
		"INSERT INTO jobs (lastname, email) SELECT 'x', CASE WHEN i = 7 THEN 'no address' END FROM generate_series(1, 3000) i");
	work($who, 'Contact', "$who: for the commit", q{BEGIN; INSERT INTO held (lastname) VALUES ('x'); COMMIT});
	work($who, 'Contact', "$who: rolled back",
		"BEGIN; INSERT INTO held (lastname) SELECT 'x' FROM generate_series(1, 5000); ROLLBACK");
	work($who, 'Lead', "$who: a subtransaction that fails", 'BEGIN; SAVEPOINT s; SELECT name FROM sf.lead; SELECT 1/0; ROLLBACK TO s; COMMIT',
		fails => 1);
	work($who, 'Account', "$who: a cursor that is closed early", 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM bulk; FETCH 5 FROM c; CLOSE c; COMMIT');
	$sim->fault({ path => '*/query*', error => 'html_503', count => 2 });
	work($who, 'Lead', "$who: answers that come at the third time", 'SELECT name FROM sf.lead');
	$sim->fault({ path => '*/query*', status => 400, body => '[{"errorCode":"MALFORMED_QUERY","message":"no"}]', count => 1 });
	work($who, 'Lead', "$who: a refusal", 'SELECT name FROM sf.lead', fails => 1);
	$sim->expire_tokens;
	work($who, 'Lead', "$who: a session that has ended", 'SELECT name FROM sf.lead');
	work($who, 'Account', "$who: several processes",
		'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
		SELECT count(name), sum(annualrevenue) FROM bulk; RESET parallel_setup_cost; RESET parallel_tuple_cost');
	work($who, 'Account', "$who: a cancel", $cancel, fails => 1);
	work($who, 'Lead', "$who: a transaction that is read only", 'BEGIN READ ONLY; SELECT name FROM sf.lead; COMMIT');
	work($who, '', "$who: limits", q{SELECT count(*) FROM sfbulk_limits('sf')});
}

my %books = map { my ($k, $v) = /^(.*)\|(\d+)$/; $k => $v } split /\n/, $node->safe_psql('postgres',
	q{SELECT role || ' ' || coalesce(object, ''), sum(api_calls) FROM sfbulk_usage() WHERE api_calls > 0 GROUP BY 1});
is_deeply(\%books, \%calls, 'the calls of each role for each object are those that were seen');
%books = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
	'SELECT role, sum(logins) FROM sfbulk_usage() GROUP BY 1');
is_deeply(\%books, \%logins, 'and so are the logins');
is($node->safe_psql('postgres', q{SELECT min(query_jobs) > 3 AND min(result_bytes) > 1000000 FROM sfbulk_usage() WHERE object = 'Account'}),
	't', 'query jobs and bytes of results');
is($node->safe_psql('postgres', q{SELECT min(ingest_jobs) >= 2 AND min(batches) >= 2 AND min(bytes_sent) > 10000 AND min(bytes_received) > 10000
	FROM sfbulk_usage() WHERE object = 'Contact'}), 't', 'ingest jobs, batches, bytes on the way');
is($node->safe_psql('postgres', q{SELECT count(*) FROM sfbulk_usage(now() + interval '1 hour')}), 0, 'since then');

# ---- who may see it ------------------------------------------------------------------------------------------

is($backend{alice}->value('SELECT DISTINCT role FROM sfbulk_usage()'), 'alice', 'a role sees what it has spent');
is($backend{alice}->query('SELECT sfbulk_usage_reset()')->{error}{sqlstate}, '42501', 'and cannot forget it');
$node->safe_psql('postgres', 'GRANT bob TO alice');
is($backend{alice}->value('SELECT string_agg(DISTINCT role::text, $$,$$) FROM sfbulk_usage()'), 'alice,bob', 'and what roles that it has');
$node->safe_psql('postgres', 'REVOKE bob FROM alice; GRANT pg_read_all_stats TO alice; CREATE DATABASE other');
is($backend{alice}->value('SELECT string_agg(DISTINCT role::text, $$,$$) FROM sfbulk_usage()'), 'alice,bob', 'who reads all statistics sees all');
$node->safe_psql('other', 'CREATE EXTENSION sfbulk_fdw');
is($node->safe_psql('other', 'SELECT count(*) FROM sfbulk_usage()'), 0, 'another database has spent nothing');

# What is not written yet is shown, too; a role that is gone has no name.
$backend{bob}->close;
$node->safe_psql('postgres', 'DROP OWNED BY bob CASCADE; DROP ROLE bob');
is($node->safe_psql('postgres', 'SELECT bool_and(role IS NULL) FROM sfbulk_usage() WHERE role IS DISTINCT FROM $$alice$$'), 't',
	'what a dropped role has spent stays');
my $alice = $backend{alice};
$alice->value('BEGIN');
my $before = $alice->value(q{SELECT sum(api_calls) FROM sfbulk_usage() WHERE role = 'alice'});
$alice->value('SELECT count(*) FROM sf.lead');
is($alice->value(q{SELECT sum(api_calls) FROM sfbulk_usage() WHERE role = 'alice'}), $before + 1, 'within the transaction');
$alice->value('COMMIT');

# ---- many writers, and a file that grows -----------------------------------------------------------------------------

# Old hours, as if it had not been written anew for long: of one day 50 days ago, and one that is too old.
my ($hour) = grep { $_->{kind} == SfBook::HOUR && $_->{object} eq 'Lead' } $book->read;
my $ago = sub { return { %$hour, at => $hour->{at} - $_[0] * 24 * SfBook::HOUR_US, object => $_[1], number => [ 1 ] } };
$node->safe_psql('postgres', 'SELECT sfbulk_usage_reset()');
$book->write($book->read, map({ $ago->(50, 'Old__c') } 1 .. 2000), map({ $ago->(500, 'Ancient__c') } 1 .. 1900));
$sim->log_clear;
my @writers = map { SfPsql->new($node) } 1 .. 4;
$_->begin(q{DO $$ BEGIN FOR i IN 1..150 LOOP PERFORM count(*) FROM sf.lead; COMMIT; END LOOP; END $$}) for @writers;
is($_->end->{error}, undef, 'a writer') for @writers;
$_->close for @writers;
my ($calls) = seen();
is($calls, 600, 'requests of all writers');
is($node->safe_psql('postgres', q{SELECT sum(api_calls) FROM sfbulk_usage() WHERE object = 'Lead'}), 600, 'none is lost');
cmp_ok(scalar $book->read, '<', 3000, 'the file was written anew');
is($node->safe_psql('postgres', q{SELECT (now() AT TIME ZONE 'UTC')::date - day IN (50, 51), api_calls FROM sfbulk_usage() WHERE object = 'Old__c'}),
	't|2000', 'old hours are a day');
is(scalar(grep { $_->{object} eq 'Old__c' } $book->read), 1, 'of one record');
is($node->safe_psql('postgres', q{SELECT count(*) FROM sfbulk_usage() WHERE object = 'Ancient__c'}), 0, 'what is too old has gone');

# ---- damage ---------------------------------------------------------------------------------------------------------

sub lead_calls { return $node->safe_psql('postgres', q{SELECT coalesce(sum(api_calls), 0) FROM sfbulk_usage() WHERE object = 'Lead'}); }

my $sound = $book->slurp;
$book->spew($sound . 'torn');
$node->safe_psql('postgres', 'SELECT count(*) FROM sf.lead');
is(lead_calls(), 601, 'a torn end is cut away');
is(length($book->slurp) % SfBook::LENGTH, 0, 'so that records stay aligned');
my @records = $book->read;
my ($at) = grep { $records[$_]{object} eq 'Old__c' } 0 .. $#records;
my $data = $book->slurp;
substr($data, SfBook::LENGTH * ($at + 1) + 60, 1) ^= "\x01";
$book->spew($data);
is(lead_calls(), 601, 'a bit that is wrong');
is($node->safe_psql('postgres', q{SELECT count(*) FROM sfbulk_usage() WHERE object = 'Old__c'}), 0, 'costs its record');
$book->spew(join '', map { chr(($_ * 7919) % 251) } 1 .. 300_001);
$node->safe_psql('postgres', 'SELECT count(*) FROM sf.lead');
is(lead_calls(), 1, 'of nonsense nothing is left');
$node->safe_psql('postgres', 'SELECT sfbulk_usage_reset()');
is(length($book->slurp), (1 + $book->read) * SfBook::LENGTH, 'nor of its bytes');
$book->spew('');
$node->safe_psql('postgres', 'SELECT count(*) FROM sf.lead');
is(lead_calls(), 1, 'an empty file');

# A file that cannot be written costs nobody his work.
unlink $book->path or die $!;
mkdir $book->path or die $!;
my $c = SfPsql->new($node);
is($c->value('SELECT count(*) FROM sf.lead'), 50, 'without books');
is($c->value(q{SELECT sum(api_calls) FROM sfbulk_usage() WHERE object = 'Lead'}), 1, 'the session still knows');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/LOG:  could not write what was spent in Salesforce to "pg_stat\/sfbulk_fdw\.usage"/,
	'a line in the log');
rmdir $book->path or die $!;
$c->value('SELECT 1');
$c->close;
wait_for('the backend to end', sub { lead_calls() == 1 });
is(lead_calls(), 1, 'and writes it when it can');

# Jobs with rejected rows stay, for those who want to read them.
is(scalar(grep { $_->{operation} =~ /query/i } @{ $sim->jobs }), 0, 'no query job is left behind');
done_testing;
