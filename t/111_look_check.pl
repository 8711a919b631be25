# The doctor: sfbulk_check tells what works and what would help, and raises nothing that it can tell.
use strict;
use warnings;

use SfPsql;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $sim = sfsim_start(rows => { Contact => 3, Account => 3 });
my $node = node_start('look_check');
server_create($node, $sim, options => { max_retries => 0 });
my $c = SfPsql->new($node);
my @all = ('options', 'dns', 'connection', 'login', 'user', 'org', 'environment', 'api version', 'objects', 'limits', 'clock');

sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "no error: $sql")
	  or diag($r->{messages});
	return $r->{rows};
}

# The answer: names in order, and name => [ ok, detail, hint ].
my @names;
sub check
{
	my ($server) = @_;
	my %found;
	my $all = '';
	@names = ();
	for (split /\n/, run(qq{SELECT check_name, coalesce(ok::text, 'none'), coalesce(detail, ''), coalesce(hint, '') FROM sfbulk_check('$server')}))
	{
		my ($name, @rest) = split /\|/, $_, -1;
		push @names, $name;
		$found{$name} = \@rest;
		$all .= $_;
	}
	unlike($all, qr/\Q$_\E|WRONGSECRET|00D5g\w+!/, 'no secret is shown') for $sim->env('SF_CLIENT_SECRET');
	return \%found;
}

# The verdicts: "options=true dns=true …", those that are true left out.
sub others { my ($f) = @_; return join ' ', map { "$_=$f->{$_}[0]" } grep { $f->{$_}[0] ne 'true' } @names; }
sub none { return join ' ', map { "$_=none" } @_; }

subtest 'all is well' => sub {
	$sim->log_clear;
	my $f = check('sf');
	is_deeply(\@names, \@all, 'a row a check, in order');
	is(others($f), '', 'all true');
	like($f->{options}[1], qr/^login by client_credentials at \Q@{[$sim->url]}\E, API version 62\.0$/, 'options');
	is($f->{dns}[1], '127.0.0.1 by address 127.0.0.1', 'dns');
	is($f->{connection}[1], '127.0.0.1 answers', 'connection');
	like($f->{login}[1], qr/instance is http/, 'login');
	like($f->{user}[1], qr/^admin\@sfsim\.example\.com \(.*\), user id 005\w{15}, org id 00D\w{15}$/, 'user');
	is($f->{org}[1], 'sfsim, Developer Edition', 'org');
	is($f->{environment}[1], 'production on instance SIM1', 'environment');
	like($f->{'api version'}[1], qr/^62\.0 is configured; the org has 31\.0 to 66\.0 /, 'versions');
	is($f->{objects}[1], '0 of 0 foreign tables are as the org has them', 'no tables');
	like($f->{limits}[1], qr/\d+ of 15000 API calls/, 'limits');
	is($f->{clock}[1], 'within 60 s of Salesforce\'s', 'clock');
	is(scalar @{ $sim->log(qr{^POST /services/oauth2/token}) }, 1, 'one login');
	is($sim->log->[0]{path}, '/services/data', 'the login host is asked before');

	# it logs in anew, and does not take anything from the session that is there
	run(q{SELECT count(*) FROM sfbulk_limits('sf')});
	$sim->log_clear;
	check('sf');
	run(q{SELECT count(*) FROM sfbulk_limits('sf')});
	is(scalar @{ $sim->log(qr{^POST /services/oauth2/token}) }, 1, 'a login of its own');
	is(run('SELECT count(*), bool_and(valid) FROM sfbulk_sessions()'), '1|t', 'and nothing left of it');
	is(run(q{SELECT count(*) FROM (SELECT sfbulk_check('sf') LIMIT 1) s}), 1, 'read in part');
};

subtest 'a sandbox' => sub {
	$sim->fault({ method => 'GET', path => '*/query', query => '*Organization*', count => 1,
		replace => { find => '"IsSandbox":false', with => '"IsSandbox":true' } });
	my $f = check('sf');
	is($f->{environment}[1], 'sandbox on instance SIM1', 'is told');
	$sim->fault_clear;
};

subtest 'options and logins' => sub {
	run(q{CREATE ROLE nobody; GRANT USAGE ON FOREIGN SERVER sf TO nobody; SET ROLE nobody});
	my $f = check('sf');
	is(others($f), 'options=false ' . none(@all[ 1 .. $#all ]), 'no user mapping');
	like($f->{options}[1], qr/^user mapping not found/, 'is told');
	is($f->{options}[2], 'CREATE USER MAPPING FOR nobody SERVER sf OPTIONS (...);', 'with what to do');
	run('RESET ROLE; CREATE USER MAPPING FOR nobody SERVER sf OPTIONS (client_id \'x\')');
	run('SET ROLE nobody');
	$f = check('sf');
	is($f->{options}[0], 'false', 'half a mapping');
	like("@{$f->{options}}", qr/client_secret/, 'is told');
	run('RESET ROLE; ALTER USER MAPPING FOR nobody SERVER sf OPTIONS (SET client_id ' . quote_sql($sim->env('SF_CLIENT_ID')) . ', ADD client_secret \'WRONGSECRET\'); SET ROLE nobody');
	$f = check('sf');
	is(others($f), 'login=false ' . none(@all[ 4 .. 9 ]), 'a wrong secret');
	like($f->{login}[1], qr/invalid_client/, 'what Salesforce says');
	like($f->{login}[2], qr/client_secret/, 'and what helps');
	run('RESET ROLE');

	$sim->fault({ method => 'GET', path => '*/userinfo', status => 403, body => 'Missing_OAuth_Token', count => 0 });
	$f = check('sf');
	like(others($f), qr/^user=false/, 'who may not be asked for the user') or diag(explain $f);
	$sim->fault_clear;
};

subtest 'the way there' => sub {
	my ($port) = (1);
	run(q{ALTER SERVER sf OPTIONS (SET login_url 'http://127.0.0.1:1')});
	my $f = check('sf');
	is(others($f), 'connection=false ' . none(@all[ 3 .. $#all ]), 'nobody listens');
	like($f->{connection}[1], qr/^could not reach the login host: .*connect/i, 'is told');
	run(q{ALTER SERVER sf OPTIONS (SET login_url 'https://no.such.host.salesforce.com', ADD connect_timeout '5s')});
	$f = check('sf');
	is(others($f), 'dns=false ' . none(@all[ 2 .. $#all ]), 'a name that there is not');
	run('ALTER SERVER sf OPTIONS (DROP connect_timeout, SET login_url ' . quote_sql($sim->url) . ')');

	system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$dir/t.key", '-out', "$dir/t.pem",
		'-days', '2', '-subj', '/CN=sfsim', '-addext', 'subjectAltName=IP:127.0.0.1');
	my $tls = sfsim_start(rows => { Account => 3 }, tls => [ "$dir/t.pem", "$dir/t.key" ]);
	server_create($node, $tls, name => 'tls', options => { max_retries => 0 }, mapping => {
		client_id => $tls->env('SF_CLIENT_ID'), client_secret => $tls->env('SF_CLIENT_SECRET') });
	$f = check('tls');
	is(others($f), 'connection=false ' . none(@all[ 3 .. $#all ]), 'a certificate that is not trusted');
	like($f->{connection}[2], qr/ca_file/, 'what helps');
	run("ALTER SERVER tls OPTIONS (ADD ca_file '$dir/t.pem')");
	$f = check('tls');
	is(others($f), '', 'one that is');
	is($f->{connection}[1], '127.0.0.1 answers, and TLS is trusted', 'is told');
	run('DROP SERVER tls CASCADE');
	$tls->stop;
};

subtest 'versions' => sub {
	run(q{ALTER SERVER sf OPTIONS (ADD api_version '67.0')});
	my $f = check('sf');
	is(others($f), 'org=none environment=none api version=false objects=none limits=none', 'one that the org lacks');
	is($f->{'api version'}[2], q{ALTER SERVER sf OPTIONS (SET api_version '66.0');}, 'what helps');
	run($f->{'api version'}[2]);
	is(others(check('sf')), '', 'it does');
	run('ALTER SERVER sf OPTIONS (DROP api_version)');
};

subtest 'tables' => sub {
	tables_import($node, 'account', 'contact');
	run(q{CREATE FOREIGN TABLE sf.paths (a text OPTIONS (field 'Account.Owner.Name'), b text OPTIONS (field 'Account.Owner.Nope'),
		c text OPTIONS (field 'Nope.Name'), d text OPTIONS (field 'LastName'), e text OPTIONS (field 'Nope')) SERVER sf OPTIONS (object 'Contact');
		CREATE FOREIGN TABLE sf.gone (id text) SERVER sf OPTIONS (object 'Nothing__c');
		CREATE FOREIGN TABLE sf.q (name text) SERVER sf OPTIONS (query 'SELECT Name FROM Account')});
	my $f = check('sf');
	is(others($f), 'objects=false table sf.gone=false table sf.paths=false', 'two of them');
	is($f->{objects}[1], '3 of 5 foreign tables are as the org has them', 'summary');
	like($f->{'table sf.paths'}[1], qr/^object Contact has no field Nope\.Name, Nope, Account\.Owner\.Nope, or/, 'fields, also of parents');
	like($f->{'table sf.paths'}[2], qr/sfbulk_schema_diff\('sf\.paths'\)/, 'what shows more');
	like($f->{'table sf.gone'}[1], qr/^the org has no object Nothing__c/, 'an object');
	is(run(q{SELECT count(*) FROM sfbulk_check('sf') WHERE ok IS FALSE AND check_name = 'table sf.gone'}), 1, 'in SQL');

	# only what may be read
	run(q{ALTER USER MAPPING FOR nobody SERVER sf OPTIONS (SET client_id } . quote_sql($sim->env('SF_CLIENT_ID')) . ', SET client_secret '
		. quote_sql($sim->env('SF_CLIENT_SECRET')) . q{); GRANT USAGE ON SCHEMA sf TO nobody; GRANT SELECT ON sf.account TO nobody;
		GRANT SELECT (id) ON sf.contact TO nobody; SET ROLE nobody});
	$f = check('sf');
	is($f->{objects}[1], '2 of 2 foreign tables are as the org has them', 'tables of the user');
	run('RESET ROLE; DROP FOREIGN TABLE sf.paths, sf.gone');

	$sim->fault({ method => 'GET', path => '*/sobjects', error => 'unknown_exception', count => 0 });
	$f = check('sf');
	is(others($f), 'objects=false', 'a list that fails');
	$sim->fault_clear;
};

subtest 'limits and clock' => sub {
	my $used = run(q{SELECT used FROM sfbulk_limits('sf') WHERE name = 'DailyApiRequests'});
	$sim->set(api_max => $used + 8);
	my $f = check('sf');
	is(others($f), 'limits=false', 'few calls are left') or diag(explain $f);
	like($f->{limits}[2], qr/^Less than 10 % is left: API calls/, 'is told');
	$sim->reset;
	for (300_000, -300_000)
	{
		$sim->control('POST', 'clock', { advance_ms => $_ }) if $_ > 0;
		$sim->control('POST', 'clock', { set => gm($_) }) if $_ < 0;
		$f = check('sf');
		is(others($f), 'clock=false', 'another clock');
		like($f->{clock}[1], $_ > 0 ? qr/^this host's clock is (29\d|30\d) s behind Salesforce's$/ : qr/^this host's clock is (29\d|30\d) s ahead of Salesforce's$/, 'is told');
		$sim->control('POST', 'clock', { reset => JSON::PP::true() });
	}
	$sim->reset;
};

sub gm
{
	my ($ms) = @_;
	my @t = gmtime(time + $ms / 1000);
	return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ];
}

subtest 'a refresh token' => sub {
	server_create($node, $sim, name => 'refresh', mapping => { client_id => $sim->env('SF_CLIENT_ID'),
		client_secret => $sim->env('SF_CLIENT_SECRET'), refresh_token => $sim->env('SF_REFRESH_TOKEN') });
	run(q{SELECT count(*) FROM sfbulk_limits('refresh')});
	$sim->log_clear;
	is(others(check('refresh')), '', 'works');
	is(scalar @{ $sim->log(qr{^POST /services/oauth2/token}) }, 0, 'without another login, which might take the token');
	run('DROP SERVER refresh CASCADE');
};

subtest 'what is raised' => sub {
	my $r = $c->query(q{SELECT * FROM sfbulk_check('nowhere')});
	is($r->{error}{sqlstate}, '42704', 'no server');
	$r = $c->query('SELECT * FROM sfbulk_check(NULL)');
	is($r->{error}{sqlstate}, '22004', 'null');
	run('REVOKE USAGE ON FOREIGN SERVER sf FROM nobody; SET ROLE nobody');
	$r = $c->query(q{SELECT * FROM sfbulk_check('sf')});
	is($r->{error}{sqlstate}, '42501', 'no right');
	run('RESET ROLE');

	run(q{SELECT * FROM sfbulk_check('sf')});
	my $sockets = fd_count($c->pid, qr/^socket:/);
	for my $path ('/services/data', '*/userinfo', '*/sobjects', '*/limits')
	{
		$sim->fault({ method => 'GET', path => $path, hold => 'before' });
		$c->begin(q{SELECT * FROM sfbulk_check('sf')});
		$sim->wait_request(method => 'GET', path => $path, state => 'held');
		$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
		is($c->end->{error}{sqlstate}, '57014', "cancelled at $path");
		$sim->release;
		$sim->fault_clear;
		$sim->log_clear;
	}
	is(others(check('sf')), '', 'afterwards');
	cmp_ok(fd_count($c->pid, qr/^socket:/), '<=', $sockets, 'no socket stays');
};

$c->close;
$node->stop;
$sim->stop;
done_testing();
