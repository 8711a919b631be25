# api_reserve: nothing new begins when no more API calls are left than it keeps back, and nobody is asked for that.
use strict;
use warnings;

use JSON::PP;

use SfBook;
use SfTest;
use SfPsql;
use Test::More;

my $sim = sfsim_start(rows => { Account => 5000, Contact => 200, Lead => 10 });
my $node = node_start('main');
server_create($node, $sim, options => { api_reserve => 0 });
tables_import($node, 'account', 'contact', 'lead');
my $book = SfBook->new($node);
my $c = SfPsql->new($node);
my $other;

sub sent
{
	return [ map { "$_->{method} $_->{path}" } @{ $sim->log } ];
}

# A statement that must be refused with nothing sent.
sub refused
{
	my ($name, $sql, $backend) = @_;

	$sim->log_clear;
	my $r = ($backend // $c)->query($sql);
	is($r->{error} ? $r->{error}{sqlstate} : 'none', '53400', "$name: refused")
	  or diag($r->{messages});
	is_deeply(sent(), [], "$name: nothing is sent");
	return $r->{error} // { map { $_ => '' } qw(message detail hint) };
}

sub reserve
{
	my ($value) = @_;
	$node->safe_psql('postgres', "ALTER SERVER sf OPTIONS (SET api_reserve '$value')");
	return;
}

# ---- a count, and all that begins work -----------------------------------------------------------

$sim->set(api_max => 1000);
$node->safe_psql('postgres', <<'SQL');
CREATE FOREIGN TABLE bulk (id text, name text) SERVER sf OPTIONS (object 'Account', transport 'bulk');
CREATE FOREIGN TABLE bulk1 (id text, name text) SERVER sf OPTIONS (object 'Account', transport 'bulk', bulk_api '1.0');
CREATE FOREIGN TABLE rest (id text, name text) SERVER sf OPTIONS (object 'Account', transport 'rest');
CREATE FOREIGN TABLE lazy (id text, lastname text) SERVER sf OPTIONS (object 'Contact', apply 'commit');
CREATE FOREIGN TABLE guessed (id text, lastname text) SERVER sf
	OPTIONS (object 'Contact', use_remote_estimate 'true');
ALTER FOREIGN TABLE sf.lead OPTIONS (ADD truncatable 'true');
SQL
is($c->value('SELECT count(*) FROM sf.contact'), 200, 'without a reserve');
reserve(1000);
my $e = refused('a count', 'SELECT count(*) FROM sf.contact');
is($e->{message}, 'too few API calls are left today for server "sf"', 'the message');
like($e->{detail}, qr/^9\d\d of 1,000 calls are left, and 1,000 are reserved\.$/, 'the detail');
my $hour = qr/\d{4}-\d\d-\d\d \d\d:00:00\S+/;
like($e->{hint}, qr/^The allowance counts the calls of the last 24 hours\. By $hour the \d calls that this database made in the hour from $hour leave the window(?:, and by .*)?\.$/,
	'the hint says when the window moves');

my @begins = (
	['rows by REST', 'SELECT name FROM rest'],
	['rows by bulk', 'SELECT name FROM bulk'],
	['rows by auto', 'SELECT name FROM sf.account'],
	['an order', 'SELECT name FROM sf.account ORDER BY id LIMIT 1'],
	['groups', 'SELECT isdeleted, count(*) FROM sf.contact GROUP BY 1'],
	['a join', 'SELECT c.lastname, a.name FROM sf.contact c JOIN sf.account a ON a.id = c.accountid'],
	['a cursor', 'BEGIN; DECLARE x CURSOR FOR SELECT * FROM rest'],
	['INSERT', q{INSERT INTO sf.contact (lastname) VALUES ('x')}],
	['INSERT with RETURNING', q{INSERT INTO sf.contact (lastname) VALUES ('x') RETURNING id}],
	['INSERT for the commit', q{INSERT INTO lazy (lastname) VALUES ('x')}],
	['UPDATE', q{UPDATE sf.contact SET lastname = 'y'}],
	['DELETE', q{DELETE FROM sf.contact WHERE id = '003000000000001AAA'}],
	['COPY', "COPY sf.contact (lastname) FROM PROGRAM 'echo x'"],
	['TRUNCATE', 'TRUNCATE sf.lead'],
	['ANALYZE', 'ANALYZE sf.contact'],
	['an import', 'CREATE SCHEMA IF NOT EXISTS other; IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO other'],
	['a list of jobs', q{SELECT * FROM sfbulk_jobs('sf')}],
	['rejected rows', q{SELECT * FROM sfbulk_failed_rows('sf', '750000000000001AAA')}],
	['planning that asks', 'SELECT lastname FROM guessed']);
for my $work (@begins)
{
	refused(@$work);
	$c->query('ROLLBACK');
}

# What can be done without is done without.
$sim->log_clear;
$c->value('SET sfbulk_fdw.explain_remote = on');
like($c->value('EXPLAIN SELECT lastname FROM guessed'),
	qr/Remote Estimate: none, as the API calls that are left are reserved/, 'EXPLAIN says why it does not ask');
$c->value('RESET sfbulk_fdw.explain_remote');
is_deeply(sent(), [], 'and asks nothing');

# Telling how things stand is allowed, and a share is of what may be made.
ok($c->value(q{SELECT count(*) FROM sfbulk_limits('sf')}) > 10, 'limits can be looked at');
reserve('50%');
is($c->value('SELECT count(*) FROM sf.contact'), 200, 'enough is left of a share');
reserve('99.9%');
$e = refused('a share', 'SELECT count(*) FROM sf.contact');
like($e->{detail}, qr/^9\d\d of 1,000 calls are left, and 99\.9% \(999\) are reserved\.$/, 'its detail');

# ---- others know -------------------------------------------------------------------------------------

$other = SfPsql->new($node);
refused('a backend that never asked', 'SELECT count(*) FROM sf.contact', $other);
$other->close;
$c->close;
$node->restart;
$c = SfPsql->new($node);
refused('after a restart', 'SELECT count(*) FROM sf.contact');
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE reader LOGIN;
GRANT USAGE ON FOREIGN SERVER sf TO reader;
GRANT USAGE ON SCHEMA sf TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA sf TO reader;
SQL
$node->safe_psql('postgres', 'CREATE USER MAPPING FOR reader SERVER sf ' . SfTest::options_sql(
		client_id => $sim->env('SF_CLIENT_ID'), client_secret => $sim->env('SF_CLIENT_SECRET')));
$other = SfPsql->new($node, user => 'reader');
is($other->value('SELECT count(*) FROM sf.contact'), 200,
	'a mapping that has never logged in: nobody knows its org yet');
refused('the same mapping', 'SELECT count(*) FROM sf.contact', $other);
$other->close;

# ---- what has begun goes on ----------------------------------------------------------------------------

reserve(500);
$sim->set(api_max => 100000);
is($c->value(q{SELECT count(*) > 0 FROM sfbulk_limits('sf')}), 't', 'how many are allowed now');
$c->value('BEGIN; DECLARE x CURSOR FOR SELECT id FROM rest');
is(scalar split(/\n/, $c->value('FETCH 100 FROM x')), 100, 'a scan begins');
$c->value(q{INSERT INTO lazy (lastname) VALUES ('for the commit')});
$sim->set(api_max => 500);
is(scalar split(/\n/, $c->value('FETCH ALL FROM x')), 4900, 'it is read to its end when calls become few');
$c->value('SAVEPOINT s');
refused('another scan', 'SELECT count(*) FROM sf.contact');
$c->value('ROLLBACK TO s');
$sim->log_clear;
$c->value('COMMIT');
is_deeply(sent(), ['POST /services/data/v62.0/composite/sobjects'], 'and the commit is made');

$sim->set(api_max => 100000);
$c->value(q{SELECT count(*) FROM sfbulk_limits('sf')});
$sim->set(job_ms => 300);
$c->value('BEGIN; DECLARE y CURSOR FOR SELECT id FROM bulk');
$sim->set(api_max => 500);
is(scalar split(/\n/, $c->value('FETCH ALL FROM y')), 5000, 'a job that has begun is read');
$c->value('COMMIT');
is_deeply($sim->jobs, [], 'and deleted');
refused('another job', 'SELECT name FROM bulk');

# ---- the window moves --------------------------------------------------------------------------------------

# This database has spent 300 calls 20 hours ago and 200 calls 10 hours ago; then Salesforce said 950 of 1,000.
my ($template) = grep { $_->{kind} == SfBook::CALLS } $book->read;
my ($spent) = grep { $_->{kind} == SfBook::HOUR } $book->read;
my $now = $node->safe_psql('postgres',
	q{SELECT (extract(epoch FROM now() - timestamptz '2000-01-01 00:00+00') * 1000000)::bigint});
my $this_hour = $now - $now % SfBook::HOUR_US;
sub write_books
{
	my ($hours_ago) = @_;
	$book->write(
		{ %$spent, at => $this_hour - ($hours_ago + 10) * SfBook::HOUR_US, number => [300] },
		{ %$spent, at => $this_hour - $hours_ago * SfBook::HOUR_US, number => [200] },
		{ %$template, at => $now - ($hours_ago - 1) * SfBook::HOUR_US, number => [ 950, 1000 ] });
	return;
}
reserve(300);
write_books(10);
$c->close;
$c = SfPsql->new($node);
$c->value(q{SET TimeZone = 'UTC'});
$e = refused('shortly before', 'SELECT count(*) FROM sf.contact');
like($e->{detail}, qr/^50 of 1,000 calls are left, and 300 are reserved\. Salesforce said so at \d{4}-\d\d-\d\d .*; sfbulk_limits\(\) asks again\.$/,
	'the detail dates what is old');
sub hour_text
{
	my ($us) = @_;
	return $node->safe_psql('postgres', "SET TimeZone = 'UTC'; SELECT timestamptz '2000-01-01 00:00+00' + $us * interval '1 us'");
}
is($e->{hint}, 'The allowance counts the calls of the last 24 hours. By '
	  . hour_text($this_hour + 5 * SfBook::HOUR_US) . ' the 300 calls that this database made in the hour from '
	  . hour_text($this_hour - 20 * SfBook::HOUR_US) . ' leave the window.', 'the next hour');
reserve(450);
$e = refused('more than that', 'SELECT count(*) FROM sf.contact');
like($e->{hint}, qr/ leave the window, and by \Q${\hour_text($this_hour + 15 * SfBook::HOUR_US)}\E 500 calls, which is enough\.$/,
	'and the one that is enough');

reserve(300);
write_books(16);
is($c->value('SELECT count(*) FROM sf.contact'), 201, 'when the first hour has left the window');
reserve(1000);
write_books(25);
is($c->value('SELECT count(*) FROM sf.contact'), 201, 'after a day nothing is known any more');

# ---- quotas of jobs ------------------------------------------------------------------------------------------

# Requests that the statement makes, without those of a job after its creation.
sub asks
{
	my ($sql, %opt) = @_;
	$sim->log_clear;
	my $r = $c->query($sql);
	is($r->{error} ? $r->{error}{message} : undef, $opt{error}, "$opt{name}: the outcome") or diag($r->{messages});
	$sim->wait_jobs if !$opt{jobs};
	my %kind;
	for (@{ sent() })
	{
		$kind{limits}++ if m{/limits$};
		$kind{rest}++ if m{GET .*/query(?:/|$)} && !m{/jobs/};
		$kind{job}++ if m{POST .*/jobs/};
		$kind{call}++ if m{/composite/sobjects};
	}
	is_deeply(\%kind, $opt{asks}, "$opt{name}: what was sent") or diag(join "\n", @{ sent() });
	return $r->{error} // {};
}

$book->write;
$sim->reset;
$sim->set(api_max => 100000, query_jobs_max => 100, batches_max => 100);
reserve('10%');
$c->close;
$c = SfPsql->new($node);
asks('SELECT count(name) FROM bulk', name => 'a first job', asks => { limits => 1, job => 1 });
asks('SELECT count(name) FROM bulk', name => 'the next one', asks => { job => 1 });
asks('SELECT name FROM sf.account', name => 'auto', asks => { rest => 1, job => 1 });
asks("INSERT INTO sf.contact (lastname) SELECT 'x' FROM generate_series(1, 2500)", name => 'many rows', asks => { job => 1 });

# Somebody looks at the limits: whoever that is, all know.
$sim->set(query_jobs_max => 3, batches_max => 1);
$other = SfPsql->new($node);
$other->value(q{SELECT count(*) FROM sfbulk_limits('sf')});
$other->close;
$e = asks('SELECT count(name) FROM bulk', name => 'no job is left', asks => {},
	error => 'too few bulk query jobs are left today for server "sf"');
is($e->{sqlstate}, '53400', 'its SQLSTATE');
is($e->{detail}, '0 of 3 are left (DailyBulkV2QueryJobs), and 10% (1) are reserved.', 'its detail');
is($e->{hint}, q{The quota counts the last 24 hours. What transport 'rest' can read takes none of it.}, 'its hint');
asks('SELECT name FROM sf.lead', name => 'what REST can do', asks => { rest => 1 });
asks('SELECT name FROM sf.account', name => 'what it cannot', asks => { rest => 1 },
	error => 'too few bulk query jobs are left today for server "sf"');
$e = asks("INSERT INTO sf.contact (lastname) SELECT 'x' FROM generate_series(1, 2500)", name => 'too many rows', asks => {},
	error => 'too few batches of bulk jobs are left today for server "sf"');
is($e->{hint}, q{The quota counts the last 24 hours. What goes by transport 'rest' takes none of it.}, 'the hint for rows');
asks(q{INSERT INTO sf.contact (lastname) VALUES ('x')}, name => 'few rows', asks => { call => 1 });
asks('SELECT count(name) FROM bulk1', name => 'a query by Bulk API 1.0, which is made of batches', asks => {},
	error => 'too few batches of bulk jobs are left today for server "sf"');
reserve(10);
$e = asks('SELECT count(name) FROM bulk', name => 'with a number of calls', asks => {},
	error => 'too few bulk query jobs are left today for server "sf"');
is($e->{detail}, '0 of 3 are left (DailyBulkV2QueryJobs).', 'one job must be left');
reserve(0);
$sim->set(enforce_limits => JSON::PP::true);
$e = asks('SELECT count(name) FROM bulk', name => 'without a reserve', asks => { job => 1 }, error =>
	  'could not create a query job: LIMIT_EXCEEDED: Max bulk v2 query jobs (3) per 24 hrs has been reached (4)');
is("$e->{sqlstate} $e->{hint}", '53400 The quota counts the last 24 hours; sfbulk_limits() shows what is left.',
	'Salesforce says it itself');

# ---- what Salesforce itself refuses --------------------------------------------------------------------------

reserve(0);
$sim->fault({ path => '*/query*', error => 'request_limit', count => 0 });
my $r = $c->query('SELECT count(*) FROM sf.contact');
is($r->{error}{sqlstate}, '53400', 'a refusal of Salesforce');
like($r->{error}{hint}, qr/^The allowance counts the calls of the last 24 hours\. By /, 'has the same hint');
$sim->fault_clear;

done_testing;
