# What one session cannot show of incremental copies: what they ask for and when, runs beside each other, and
# runs that end before their end: by a fault, a cancel, a backend that is told to go, a server that stops at once.
# Each of these leaves the target and the watermark as they were, and no job; the next run makes it good.
use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 3000, Contact => 2500, Opportunity => 2200, Lead => 50, User => 20 });
my $node = node_start('sync', conf => "client_min_messages = warning\nlog_statement = none\n");
server_create($node, $sim);
tables_import($node, 'account', 'contact', 'opportunity', 'lead', '"user"');

# One run: a hash of what came back, or of what failed.
sub sync
{
	my ($source, $target, $more) = @_;
	my ($error, $out) = psql_result($node, "CALL sfbulk_sync('sf.$source', '$target'" . ($more ? ", $more" : '') . ')');
	return $error if $error;
	my %row;
	@row{qw(inserted updated deleted api_calls watermark)} = split /\|/, $out, -1;
	return \%row;
}

sub sync_ok
{
	my ($source, $target, $want, $name, $more) = @_;
	my $row = sync($source, $target, $more);
	is(($row->{sqlstate} // '') . join('/', map { $row->{$_} // $row->{message} } qw(inserted updated deleted)), $want, $name);
	is(differences($source, $target), 0, "$name: the copy is what the org has");
	return $row;
}

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub differences
{
	my ($source, $target) = @_;
	return sql("SELECT count(*) FROM ((TABLE sf.$source EXCEPT ALL TABLE $target) UNION ALL (TABLE $target EXCEPT ALL TABLE sf.$source)) d");
}

sub state_of
{
	my ($target) = @_;
	return sql("SELECT s FROM sfbulk_sync_state s WHERE target = '$target'::regclass") . ' ' . sql("SELECT count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM $target t");
}

# Time passes in the org.
sub pass { $sim->control('POST', 'clock', { advance_ms => $_[0] * 60_000 }); return; }

sub undelete
{
	my (@ids) = @_;
	my $token = $sim->token;
	my $ids = join '', map { "<ids>$_</ids>" } @ids;
	my $answer = HTTP::Tiny->new->post($sim->url . '/services/Soap/u/62.0', {
		headers => { 'Content-Type' => 'text/xml', SOAPAction => '""' },
		content => '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">'
		  . "<soapenv:Header><urn:SessionHeader><urn:sessionId>$token</urn:sessionId></urn:SessionHeader></soapenv:Header>"
		  . "<soapenv:Body><urn:undelete>$ids</urn:undelete></soapenv:Body></soapenv:Envelope>" });
	die "undelete: $answer->{content}" if $answer->{content} !~ /<success>true/;
	return;
}

# ---- many objects -------------------------------------------------------------------------------------

# All jobs exist before the first result is read.
$sim->set(hold_jobs => 'InProgress');
my $session = SfPsql->new($node);
sql('CREATE SCHEMA copies');
$sim->log_clear;
$session->begin("CALL sfbulk_sync_schema('sf', 'copies')");
$sim->wait_request(method => 'POST', path => '*/jobs/query', count => 5);
is(@{ $sim->log(qr{^GET .*/results}) }, 0, 'no result is read while jobs are created');
$sim->set(hold_jobs => 'none');
my $all = $session->end;
is($all->{error}, undef, 'all objects of a schema');
like($all->{rows}, qr/^5\|7770\|0\|0\|\d+$/, 'counts of all of them');
my ($created) = sort { $b <=> $a } map { $_->{n} } @{ $sim->log(qr{^POST .*/jobs/query$}) };
my ($read) = sort { $a <=> $b } map { $_->{n} } @{ $sim->log(qr{^GET .*/results}) };
cmp_ok($created, '<', $read, 'the jobs are created before the first result is read');
is(@{ $sim->log(qr{^POST .*/composite$}) }, 1, 'one call describes all objects');
is($all->{rows} =~ s/.*\|//r, scalar @{ $sim->log(qr{/services/data/}) }, 'API calls are those of the log');
is(differences($_, "copies.$_"), 0, "$_ is what the org has") for qw(account contact opportunity lead "user");
$sim->wait_jobs;

# Each of them fails for itself.
pass(60);
sql("INSERT INTO sf.lead (lastname, company) VALUES ('a', 'b')");
$sim->fault({ method => 'GET', path => '*/query', query => '*FROM+Contact*', error => 'unknown_exception', count => 0 });
$sim->fault({ method => 'GET', path => '*/query', query => '*FROM%20Contact*', error => 'unknown_exception', count => 0 });
$sim->log_clear;
my $failed = $session->query("CALL sfbulk_sync_schema('sf', 'copies')");
like($failed->{error}{message}, qr/^1 of 5 tables of schema "sf" could not be synced/, 'one of them fails');
like($failed->{error}{detail}, qr/^sf\.contact: .*UNKNOWN_EXCEPTION/, 'and why');
is(sql("SELECT inserted FROM sfbulk_sync_state WHERE target = 'copies.lead'::regclass"), 1, 'what the others did is committed');
$sim->fault_clear;

# A login that is refused is not tried again for each of them.
sql("ALTER USER MAPPING FOR CURRENT_USER SERVER sf OPTIONS (SET client_secret 'wrong')");
$sim->log_clear;
$failed = $session->query("CALL sfbulk_sync_schema('sf', 'copies')")->{error};
like($failed->{message}, qr/^5 of 5 tables/, 'no table can be synced');
like($failed->{detail}, qr/^4 others were not tried\.$/m, 'and only one was tried');
is(@{ $sim->log(qr{^POST .*/oauth2/token}) }, 1, 'one login is tried');
sql('ALTER USER MAPPING FOR CURRENT_USER SERVER sf OPTIONS (SET client_secret ' . quote_sql($sim->env('SF_CLIENT_SECRET')) . ')');

# References between copies: they wait for the commit, and do to lookups here what Salesforce does there, without
# a new SystemModstamp.
sql('ALTER TABLE copies.contact
	ADD FOREIGN KEY (accountid) REFERENCES copies.account ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
	ADD FOREIGN KEY (reportstoid) REFERENCES copies.contact ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED');
pass(60);
sql("INSERT INTO sf.account (name) VALUES ('parent')");
sql("INSERT INTO sf.contact (lastname, accountid) SELECT 'child', id FROM sf.account WHERE name = 'parent'");
sql("DELETE FROM sf.account WHERE id IN (SELECT accountid FROM copies.contact WHERE accountid IS NOT NULL LIMIT 1)");
$session->close;
$session = SfPsql->new($node);
my $both = $session->query("CALL sfbulk_sync_schema('sf', 'copies')");
is($both->{error}, undef, 'parents and children') or diag explain $both;
is(sql("SELECT count(*) FROM copies.contact c JOIN copies.account a ON a.id = c.accountid WHERE c.lastname = 'child' AND a.name = 'parent'"), 1, 'are there together');
is(differences('contact', 'copies.contact'), 0, 'lookups are cleared here as they are there');

# An object without the field IsDeleted is not asked for deletions.
$sim->log_clear;
sync_ok('"user"', 'copies."user"', '0/0/0', 'users');
is(@{ $sim->log(qr{/queryAll}) }, 0, 'deletions of users are not asked for');

# ---- clocks -------------------------------------------------------------------------------------------

sql('DROP SCHEMA copies CASCADE');
$sim->control('POST', 'clock', { set => '2031-05-06T07:08:09Z' });
my $row = sync_ok('account', 'account', '3000/0/0', 'everything');
like($row->{watermark}, qr/^2031-05-06 07:\d\d/, 'the watermark is by the clock of the org');

# A record that is saved before the watermark and seen behind it, as by a long transaction.
$sim->control('POST', 'clock', { set => '2031-05-06T07:01:00Z' });
sql("INSERT INTO sf.account (name) VALUES ('late')");
$sim->control('POST', 'clock', { set => '2031-05-06T07:20:00Z' });
sync_ok('account', 'account', '1/0/0', 'the overlap finds what was saved before the watermark and committed behind it');

# The clock of an org may go back; the watermark does not.
my $before = sql("SELECT watermark FROM sfbulk_sync_state");
$sim->control('POST', 'clock', { set => '2031-05-06T07:15:00Z' });
sync_ok('account', 'account', '0/0/0', 'the clock has gone back');
is(sql('SELECT watermark FROM sfbulk_sync_state'), $before, 'the watermark has not');

# ---- changes while a run is under way -------------------------------------------------------------------

pass(60);
sql("INSERT INTO sf.account (name) VALUES ('one'), ('two'), ('three')");
sync_ok('account', 'account', '3/0/0', 'three are new');
my %id = map { split /\|/ } split /\n/, sql(q{SELECT name, id FROM account WHERE name IN ('one', 'two', 'three')});

# The changed rows were chosen and are on their way.
pass(60);
sql("UPDATE sf.account SET site = 'x' WHERE name IN ('one', 'two')");
sql("DELETE FROM sf.account WHERE name = 'three'");
$sim->fault({ path => '*/query', query => '*SystemModstamp*', hold => 'after', name => 'chosen' });
$session->begin("CALL sfbulk_sync('sf.account', 'account')");
$sim->wait_request(path => '*/query', state => 'held');
undelete($id{three});
sql("UPDATE sf.account SET site = 'y' WHERE id = '$id{one}'; DELETE FROM sf.account WHERE id = '$id{two}'");
sql("INSERT INTO sf.account (name) VALUES ('four')");
$sim->release('chosen');
like($session->end->{rows}, qr/^0\|2\|1\|/, 'what was changed before, less what has been deleted since');
sync_ok('account', 'account', '1/2/0', 'the next run brings what was changed meanwhile');
is(sql("SELECT count(*) FROM account WHERE id = '$id{three}'"), 1, 'a record that was undeleted meanwhile is there');

# A job is under way when a record is changed.
$sim->fault({ method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' }, name => 'job' });
$session->begin("CALL sfbulk_sync('sf.account', 'account', full_refresh_every => '0')");
$sim->wait_request(method => 'GET', path => '*/jobs/query/*');
sql("UPDATE sf.account SET site = 'z' WHERE id = '$id{one}'; DELETE FROM sf.account WHERE name = 'four'; INSERT INTO sf.account (name) VALUES ('five')");
$sim->release('job');
is($session->end->{error}, undef, 'a full refresh while records change');
sync('account', 'account');
is(differences('account', 'account'), 0, 'what was changed during a job is in the copy after the next run');
pass(60);
sync_ok('account', 'account', '0/0/0', 'an hour later there is nothing to do');

# Deletes for good are found by Ids.
$sim->set(hard_delete => JSON::PP::true);
sql("ALTER FOREIGN TABLE sf.account OPTIONS (ADD hard_delete 'true'); DELETE FROM sf.account WHERE name IN ('one', 'late')");
$row = sync('account', 'account');
is($row->{deleted}, 0, 'a record that is deleted for good leaves no trace');
sync_ok('account', 'account', '0/0/2', 'a repair finds that it is gone', 'repair => true');

# ---- several portions, ways ---------------------------------------------------------------------------------

sql("CREATE FOREIGN TABLE sf.many (id text, lastname text, company text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp')) SERVER sf OPTIONS (object 'Lead')");
sql("INSERT INTO sf.many (lastname, company) SELECT 'n' || n, 'c' FROM generate_series(1, 16000) n");
sync_ok('many', 'many', '16051/0/0', 'more than one portion');
pass(60);
sql("UPDATE sf.many SET company = 'd' WHERE lastname LIKE 'n1%'; DELETE FROM sf.many WHERE lastname LIKE 'n2%'");
sync_ok('many', 'many', '0/7112/1111', 'changes of more than one portion');
sync_ok('many', 'many', '0/0/0', 'a repair without anything to do', 'repair => true');
sql("DELETE FROM many WHERE lastname LIKE 'n1%'; UPDATE many SET systemmodstamp = '2001-01-01', company = 'wrong' WHERE lastname LIKE 'n3%'");
sync_ok('many', 'many', '7112/1111/0', 'a repair of more records than a query names', "repair => true, overlap => '0'");

# Where jobs cannot read the object, REST does.
$sim->log_clear;
$sim->fault({ method => 'POST', path => '*/jobs/query', status => 400, body => '[{"errorCode":"INVALIDENTITY","message":"Entity is not supported by the Bulk API."}]' });
sync_ok('lead', 'lead', '14940/0/0', 'an object that jobs cannot read');
is($sim->log(qr{/jobs/query$})->[0]{status}, 400, 'a job was tried');

# By Bulk API 1.0, whose results cannot wait until somebody reads them.
sql("CREATE SCHEMA one; CREATE SCHEMA one_copy; CREATE FOREIGN TABLE one.account (id text, name text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp'))
	SERVER sf OPTIONS (object 'Account', bulk_api '1.0', pk_chunking '1000', transport 'bulk')");
sql("CREATE FOREIGN TABLE one.contact (id text, lastname text, systemmodstamp timestamptz OPTIONS (field 'SystemModstamp')) SERVER sf OPTIONS (object 'Contact', bulk_api '1.0')");
for my $more ('', ", full_refresh_every => '0'", ', repair => true')
{
	my ($one_error) = psql_result($node, "CALL sfbulk_sync_schema('one', 'one_copy'$more)");
	is($one_error, undef, "Bulk API 1.0$more") or diag explain $one_error;
	is(sql("SELECT count(*) FROM ((TABLE one.$_ EXCEPT TABLE one_copy.$_) UNION ALL (TABLE one_copy.$_ EXCEPT TABLE one.$_)) d"), 0, "$_ is what the org has")
	  for qw(account contact);
}

# ---- objects without SystemModstamp ---------------------------------------------------------------------------

# Describes without these fields.
sub without
{
	my (@fields) = @_;
	return $sim->fault({ path => '*/composite', count => 0, replace => [ map { { find => qq{"name":"$_"}, with => qq{"name":"No$_"}, all => JSON::PP::true } } @fields ] });
}
sub asked { return grep { /FROM Opportunity WHERE/ } $sim->soql; }

pass(60);
my $fault = without('SystemModstamp');
sync_ok('opportunity', 'opp', '2200/0/0', 'by LastModifiedDate');
pass(60);
sql("INSERT INTO sf.opportunity (name, stagename, closedate) VALUES ('a', 'Prospecting', '2031-01-01'), ('b', 'Prospecting', '2031-01-01')");
sync_ok('opportunity', 'opp', '2/0/0', 'new records');
pass(60);
sql("UPDATE sf.opportunity SET description = 'x' WHERE name = 'a'; DELETE FROM sf.opportunity WHERE name = 'b'");
$sim->log_clear;
sync_ok('opportunity', 'opp', '0/1/1', 'a changed and a deleted one');
my @asked = asked();
like($asked[0], qr/WHERE LastModifiedDate >= /, 'changes are asked for by LastModifiedDate');
like($asked[1], qr/WHERE IsDeleted = true$/, 'and all deletions there are');
$sim->fault_clear($fault);

$fault = without('SystemModstamp', 'LastModifiedDate');
pass(60);
sql("UPDATE sf.opportunity SET description = 'y' WHERE name = 'a'");
sql("INSERT INTO sf.opportunity (name, stagename, closedate) VALUES ('c', 'Prospecting', '2031-01-01')");
$row = sync('opportunity', 'opp');
is("$row->{inserted}/$row->{updated}", '1/0', 'by CreatedDate new ones are found');

sql("CREATE FOREIGN TABLE sf.role (id text OPTIONS (field 'Id'), name text) SERVER sf OPTIONS (object 'UserRole')");
$row = sync('role', 'role');
is($row->{message} // $row->{watermark}, '', 'an object without a time has no watermark');
my $full = sql(q{SELECT last_full FROM sfbulk_sync_state WHERE target = 'role'::regclass});
pass(60);
sync_ok('role', 'role', '0/0/0', 'and is read whole each time');
is(sql(qq{SELECT last_full > '$full' AND runs = 2 FROM sfbulk_sync_state WHERE target = 'role'::regclass}), 't', 'which is noted');
$sim->fault_clear($fault);

# ---- two at a time ------------------------------------------------------------------------------------------

$sim->fault({ method => 'GET', path => '*/query', query => '*Account*SystemModstamp*', hold => 'before', name => 'first' });
$session->begin("CALL sfbulk_sync('sf.account', 'account')");
$sim->wait_request(path => '*/query', state => 'held');
my $error = sync('account', 'account');
is($error->{sqlstate}, '55006', 'another run of the same target is refused');
like($error->{message}, qr/^a sync of table public.account is already running/, 'the message');
like($error->{detail}, qr/PID @{[ $session->pid ]}/, 'the process is named');
sync_ok('lead', 'lead', '0/0/0', 'one of another target is not');
$sim->release('first');
is($session->end->{error}, undef, 'the first goes on');
sync_ok('account', 'account', '0/0/0', 'then the next may run');

# Two that would create the table.
$sim->fault({ method => 'POST', path => '*/jobs/query', hold => 'before', name => 'create' });
$session->begin("CALL sfbulk_sync('sf.account', 'account2')");
$sim->wait_request(method => 'POST', path => '*/jobs/query', state => 'held');
is(sync('account', 'account2')->{sqlstate}, '55006', 'of two first runs one is refused');
$sim->release('create');
is($session->end->{error}, undef, 'the other one creates the table');

# ---- ends before the end ---------------------------------------------------------------------------------------

pass(60);
$sim->fault_clear;
sql("UPDATE sf.account SET site = 'w' WHERE name IN ('two', 'three', 'five'); INSERT INTO sf.account (name) VALUES ('six')");
my $state = state_of('account');

# The rows have been applied when the deletions cannot be read.
$sim->fault({ path => '*/queryAll', error => 'unknown_exception', count => 0 });
like(sync('account', 'account')->{message}, qr/UNKNOWN_EXCEPTION/, 'an error behind the changed rows');
is(state_of('account'), $state, 'leaves target and watermark as they were');
$sim->fault_clear;

my %ends = (
	cancel => sub { sql('SELECT pg_cancel_backend(' . $session->pid . ')'); $session->end },
	terminate => sub { sql('SELECT pg_terminate_backend(' . $session->pid . ')'); $session->end },
	crash => sub { $node->stop('immediate'); $session->end; $node->start });
my %moments = (
	changes => [ { path => '*/query', query => '*SystemModstamp*', hold => 'before' }, '' ],
	deletions => [ { path => '*/queryAll', hold => 'before' }, '' ],
	ids => [ { path => '*/query', query => '*SELECT*Id*SystemModstamp*FROM*Account', hold => 'before' }, 'repair => true' ],
	job => [ { method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' } }, "full_refresh_every => '0'" ]);
for my $end (sort keys %ends)
{
	for my $moment (sort keys %moments)
	{
		my ($fault, $more) = @{ $moments{$moment} };
		$sim->log_clear;
		$sim->fault($fault);
		$session = SfPsql->new($node);
		$session->begin("CALL sfbulk_sync('sf.account', 'account'" . ($more ? ", $more" : '') . ')');
		if ($fault->{hold})
		{
			$sim->wait_request(path => $fault->{path}, state => 'held');
		}
		else
		{
			$sim->wait_request(method => 'GET', path => '*/jobs/query/*');
		}
		my $result = $ends{$end}->();
		$sim->fault_clear;
		is($result->{error}{sqlstate}, '57014', "$end, $moment: it is cancelled") if $end eq 'cancel';
		is(state_of('account'), $state, "$end, $moment: target and watermark are as they were");
		$sim->wait_jobs if $end ne 'crash';
		$sim->control('DELETE', 'jobs') if $end eq 'crash';
	}
}
$session = SfPsql->new($node);
sync_ok('account', 'account', '1/2/0', 'the next run makes it good');

# A first run that is cancelled leaves no table.
$sim->fault({ method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' } });
$sim->log_clear;
$session->begin("CALL sfbulk_sync('sf.account', 'account3')");
$sim->wait_request(method => 'GET', path => '*/jobs/query/*');
$ends{cancel}->();
$sim->fault_clear;
is(sql("SELECT to_regclass('account3') IS NULL"), 't', 'no table is left of a first run that is cancelled');
$sim->wait_jobs;

# A schema: a cancel ends all of it.
sql('CREATE SCHEMA copies');
$sim->fault({ method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' }, count => 0 });
$sim->log_clear;
$session->begin("CALL sfbulk_sync_schema('sf', 'copies')");
$sim->wait_request(method => 'GET', path => '*/jobs/query/*');
is($ends{cancel}->()->{error}{sqlstate}, '57014', 'a sync of a schema is cancelled');
$sim->fault_clear;
$sim->wait_jobs;
is(sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'copies'::regnamespace"), 0, 'nothing is left of it');

# ---- from one database to another --------------------------------------------------------------------------------

# What is known goes along with a dump; not what is known of tables that are gone, whose numbers others may have over there.
sync('account', 'account4');
sql('DROP TABLE account4');
isnt(sql('SELECT count(*) FROM sfbulk_sync_state WHERE target::text ~ $$^[0-9]+$$'), 0, 'there is a row of a table that is gone');
my $dump = $node->basedir . '/dump.sql';
$node->run_log([ 'pg_dump', '-f', $dump, '-N', 'copies', $node->connstr('postgres') ]);
sql('CREATE DATABASE other');
my ($out, $err) = ('', '');
is($node->psql('other', "\\i $dump", stdout => \$out, stderr => \$err, on_error_stop => 1), 0, 'a dump is restored') or diag $err;
is($node->safe_psql('other', 'SELECT count(*) FROM sfbulk_sync_state WHERE target::text ~ $$^[0-9]+$$'), 0, 'without it');
$sim->log_clear;
($out) = $node->safe_psql('other', "CALL sfbulk_sync('sf.account', 'public.account')");
like($out, qr/^0\|0\|0\|3\|/, 'in the other database the sync goes on where it was');

$session->close;
$node->stop;
done_testing;
