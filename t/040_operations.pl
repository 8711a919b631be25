# Running it: every way to log in and to fail at that, where secrets show (nowhere), certificates,
# proxies, dumps, encodings, restarts, background workers.
use strict;
use warnings;

use IPC::Run;
use JSON::PP;
use SfProxy;
use SfPsql;
use SfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sim = sfsim_start(rows => { Account => 300, Contact => 20 });
my $node = node_start('operations', conf => q{
	log_statement = none
	log_min_messages = debug1
	log_min_error_statement = panic
	wal_level = logical
	max_wal_senders = 4
});
my $dir = PostgreSQL::Test::Utils::tempdir();
my $count = 'SELECT count(*) FROM (SELECT * FROM %s.account OFFSET 0) a';
my %secrets; # text => what it is

sub openssl
{
	my (@args) = @_;
	my ($out, $err);
	IPC::Run::run([ 'openssl', @args ], '<', \undef, '>', \$out, '2>', \$err)
	  or die "openssl @args: $err";
	return $out;
}

# ---- logins ----------------------------------------------------------------------------------

openssl('genrsa', '-out', "$dir/key.pem", '2048');
openssl('rsa', '-in', "$dir/key.pem", '-pubout', '-out', "$dir/pub.pem");
openssl('genrsa', '-out', "$dir/other.pem", '2048');
$sim->request_text('POST', '/__sfsim/jwt-key', slurp_file("$dir/pub.pem"));
my $key = slurp_file("$dir/key.pem");
my $other_key = slurp_file("$dir/other.pem");

my @id = (client_id => $sim->env('SF_CLIENT_ID'));
my @app = (@id, client_secret => $sim->env('SF_CLIENT_SECRET'));
my @user = (username => $sim->env('SF_USERNAME'));
my @password = (@user, password => $sim->env('SF_PASSWORD'),
	security_token => $sim->env('SF_SECURITY_TOKEN'));
my $token = $sim->token;
$secrets{ $sim->env('SF_CLIENT_SECRET') } = 'client_secret';
$secrets{ $sim->env('SF_PASSWORD') } = 'password';
$secrets{ $sim->env('SF_SECURITY_TOKEN') } = 'security_token';
$secrets{ $sim->env('SF_REFRESH_TOKEN') } = 'refresh_token';
$secrets{$token} = 'access_token';
$secrets{ (split /\n/, $key)[3] } = 'private_key';
$secrets{ (split /\n/, $other_key)[3] } = 'wrong private_key';

# Name, user mapping, server options, what the login request looks like.
my @flows = (
	[ 'client_credentials', {@app}, {}, qr/grant_type=client_credentials/ ],
	[ 'jwt', { @id, @user, private_key => $key }, {}, qr/jwt-bearer/ ],
	[ 'jwt_file', { @id, @user, private_key_file => "$dir/key.pem" }, {}, qr/jwt-bearer/ ],
	[ 'refresh_token', { @app, refresh_token => $sim->env('SF_REFRESH_TOKEN') }, {},
		qr/grant_type=refresh_token/ ],
	[ 'refresh_token_public', { @id, refresh_token => $sim->env('SF_REFRESH_TOKEN') }, {},
		qr/grant_type=refresh_token/ ],
	[ 'password', { @app, @password }, {}, qr/grant_type=password/ ],
	[ 'soap', {@password}, {}, qr/<\w*:?login/ ],
	[ 'access_token', { access_token => $token }, { instance_url => $sim->url }, undef ],
	[ 'named', { auth => 'soap', @app, @password }, {}, qr/<\w*:?login/ ]);
for (@flows)
{
	my ($name, $mapping, $options, $request) = @$_;

	subtest "login: $name" => sub {
		$sim->reset;
		# one that the tests before have not ended
		$secrets{ $mapping->{access_token} = $sim->token } = 'access_token'
		  if $mapping->{access_token};
		server_create($node, $sim, name => $name, options => { transport => 'bulk', %$options },
			mapping => $mapping);
		tables_import($node, 'account', { server => $name, schema => $name });
		$sim->log_clear;
		is($node->safe_psql('postgres', $count =~ s/%s/$name/r), 300, 'rows');
		my @logins = grep { $_->{path} =~ m{oauth2/token|/Soap/} } @{ $sim->log };
		is(scalar @logins, $request ? 1 : 0, 'logins');
		like($logins[0]{body}, $request, 'the flow') if $request;

		# the session is renewed the same way, where there is one
		my $c = SfPsql->new($node);
		$c->value($count =~ s/%s/$name/r);
		$sim->expire_tokens if $request;
		is($c->value($count =~ s/%s/$name/r), 300, 'rows after the session has ended');
		my $plan = $c->value("EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM $name.account");
		like($plan, qr/SOQL: SELECT/i, 'a plan');
		unlike($plan, qr/\Q$_\E/, "without $secrets{$_}") for keys %secrets;
		$c->close;
	};
}

# What is wrong, how it is said.
my $wrong = 'Wr0ng&<secret>+%';
$secrets{$wrong} = 'wrong secret';
$secrets{'00Dwrong!token'} = 'wrong token';
my @failures = (
	[ 'client_credentials', { @id, client_secret => $wrong }, {}, '28000', qr/invalid_client/,
		qr/client_secret/ ],
	[ 'client_credentials', { client_id => 'nobody', client_secret => $wrong }, {}, '28000',
		qr/invalid_client_id/, qr/client_id/ ],
	[ 'jwt with another key', { @id, @user, private_key => $other_key }, {}, '28000',
		qr/invalid_grant/, qr/certificate/ ],
	[ 'jwt of another user', { @id, username => 'x@example.com', private_key => $key }, {},
		'28000', qr/invalid_grant/, qr/./ ],
	[ 'refresh_token', { @app, refresh_token => $wrong }, {}, '28000', qr/invalid_grant/,
		qr/refresh token/ ],
	[ 'password', { @app, @user, password => $wrong }, {}, '28000', qr/invalid_grant/,
		qr/security_token/ ],
	[ 'soap', { @user, password => $wrong }, {}, '28000', qr/INVALID_LOGIN/, qr/security_token/ ],
	[ 'access_token', { access_token => '00Dwrong!token' }, { instance_url => $sim->url }, '28000',
		qr/access token was refused/, qr/fresh access_token/ ]);
my $n = 0;
for (@failures)
{
	my ($name, $mapping, $options, $sqlstate, $message, $hint) = @$_;
	my $server = 'wrong' . ++$n;

	subtest "failed login: $name" => sub {
		$sim->reset;
		server_create($node, $sim, name => $server, options => $options, mapping => $mapping);
		$node->safe_psql('postgres',
			"CREATE FOREIGN TABLE $server (id text) SERVER $server OPTIONS (object 'Account')");
		my ($error, $out, $err) = psql_result($node, "SELECT * FROM $server");
		is($error->{sqlstate}, $sqlstate, 'SQLSTATE') or diag($err);
		like($error->{message}, $message, 'message');
		like($error->{hint}, $hint, 'hint');
		unlike($err, qr/\Q$_\E/, "without $secrets{$_}") for keys %secrets;
		is(scalar(grep { $_->{path} =~ m{oauth2/token|/Soap/} } @{ $sim->log }),
			$name eq 'access_token' ? 0 : 1,
			'not tried again');
	};
}

subtest 'SOAP login is switched off' => sub {
	$sim->reset;
	$sim->set(soap_login => JSON::PP::false);
	my ($error) = psql_result($node, $count =~ s/%s/soap/r);
	is($error->{sqlstate}, '28000', 'SQLSTATE');
	like($error->{hint}, qr/switched off in this org/, 'hint');
};

subtest 'a refresh token that is replaced at every use' => sub {
	my $c = SfPsql->new($node);

	$sim->reset;
	$sim->set(rotate_refresh_token => JSON::PP::true);
	for (1 .. 3)
	{
		is($c->value($count =~ s/%s/refresh_token/r), 300, 'rows');
		$sim->expire_tokens;
	}
	my ($error) = psql_result($node, $count =~ s/%s/refresh_token/r);
	is($error->{sqlstate}, '28000', 'the stored one is of no more use to others');
	like($error->{hint}, qr/get a new one/, 'hint');
	$c->close;
	$sim->reset;
};

subtest 'options that do not fit together' => sub {
	for (
		[ { auth => 'jwt', @app }, {}, qr/private_key/ ],
		[ { access_token => $token }, {}, qr/instance_url/ ],
		[ {@id}, {}, qr/client_secret|credential/ ],
		[ {@user}, {}, qr/password/ ])
	{
		my ($mapping, $options, $message) = @$_;
		my $server = 'unfit' . ++$n;

		server_create($node, $sim, name => $server, options => $options, mapping => {});
		my ($error) = psql_result($node, "ALTER USER MAPPING FOR CURRENT_USER SERVER $server "
			  . options_sql(%$mapping) =~ s/(\w+) (E?')/ADD $1 $2/gr
			  . "; CREATE FOREIGN TABLE $server (id text) SERVER $server OPTIONS (object 'Account');
				SELECT * FROM $server");
		like("$error->{message} $error->{detail} $error->{hint}", $message, join ' ',
			sort keys %$mapping);
		unlike("$error->{message} $error->{detail} $error->{hint}", qr/\Q$_\E/,
			'no secret') for keys %secrets;
	}
};

# ---- where secrets might show ----------------------------------------------------------------

subtest 'secrets' => sub {
	my $c = SfPsql->new($node);

	$sim->reset;
	$sim->fault({ path => '*/results', hold => 'before' });
	$c->begin($count =~ s/%s/client_credentials/r);
	$sim->wait_request(path => '*/results', state => 'held');
	my $activity = $node->safe_psql('postgres',
		'SELECT a::text FROM pg_stat_activity a WHERE pid = ' . $c->pid);
	$sim->release;
	is($c->end->{rows}, 300, 'rows');
	like($activity, qr/client_credentials\.account/, 'pg_stat_activity');
	my $log = slurp_file($node->logfile);
	like($log, qr{sfbulk_fdw: POST /services/oauth2/token 200},
		'requests are in the log at debug1');
	for (sort keys %secrets)
	{
		unlike($activity, qr/\Q$_\E/, "pg_stat_activity is without $secrets{$_}");
		unlike($log, qr/\Q$_\E/, "the log is without $secrets{$_}");
	}
	unlike($log, qr/Bearer |00D\w{12}!/, 'nor has it a token');

	# who may see the mapping of others is for PostgreSQL to say, and it does
	$node->safe_psql('postgres', 'CREATE ROLE curious LOGIN');
	my $d = SfPsql->new($node, user => 'curious');
	is($d->value(q{SELECT count(umoptions) FROM pg_user_mappings}), 0, 'mappings of others');
	$d->close;
	$c->close;
};

# ---- TLS -------------------------------------------------------------------------------------

openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$dir/tls.key", '-out',
	"$dir/tls.pem",
	'-days', '2', '-subj', '/CN=sfsim', '-addext', 'subjectAltName=IP:127.0.0.1');
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$dir/no.key", '-out',
	"$dir/no.pem",
	'-days', '2', '-subj', '/CN=sfsim', '-addext', 'subjectAltName=IP:127.0.0.1');
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$dir/host.key", '-out',
	"$dir/host.pem",
	'-days', '2', '-subj', '/CN=elsewhere', '-addext', 'subjectAltName=DNS:elsewhere.example.com');
my $tls = sfsim_start(rows => { Account => 300 }, tls => [ "$dir/tls.pem", "$dir/tls.key" ]);
my $host = sfsim_start(rows => { Account => 3 }, tls => [ "$dir/host.pem", "$dir/host.key" ]);

sub tls_server
{
	my ($name, $s, %options) = @_;
	server_create($node, $s, name => $name, options => \%options, mapping => {
		client_id => $s->env('SF_CLIENT_ID'), client_secret => $s->env('SF_CLIENT_SECRET') });
	$node->safe_psql('postgres',
		"CREATE FOREIGN TABLE $name (id text, name text) SERVER $name OPTIONS (object 'Account')");
	return psql_result($node, "SELECT count(*) FROM (SELECT * FROM $name OFFSET 0) a");
}

subtest 'TLS' => sub {
	my ($error, $out) = tls_server('tls_rest', $tls, ca_file => "$dir/tls.pem",
		transport => 'rest');
	is($out, 300, 'a private CA by ca_file, REST') or diag(explain $error);
	($error, $out) = tls_server('tls_bulk', $tls, ca_file => "$dir/tls.pem", transport => 'bulk');
	is($out, 300, 'and bulk') or diag(explain $error);
	($error) = tls_server('tls_no', $tls);
	is($error->{sqlstate}, '08006', 'an unknown certificate');
	like($error->{message}, qr/could not log in to Salesforce: .*certificate/i, 'is refused');
	like($error->{hint}, qr/ca_file/, 'with a hint');
	($error) = tls_server('tls_other', $tls, ca_file => "$dir/no.pem");
	is($error->{sqlstate}, '08006', 'a certificate of another CA');
	($error) = tls_server('tls_host', $host, ca_file => "$dir/host.pem");
	is($error->{sqlstate}, '08006', 'a certificate of another host');
	like($error->{message}, qr/127\.0\.0\.1/, 'is told with the host');
	($error) = tls_server('tls_plain', $sim, login_url => $sim->url =~ s/http:/https:/r);
	is($error->{sqlstate}, '08006', 'https to what speaks http');
	($error) = tls_server('plain_tls', $tls, login_url => $tls->url =~ s/https:/http:/r);
	like($error->{sqlstate}, qr/^08/, 'http to what speaks https');
};

# ---- proxies ---------------------------------------------------------------------------------

subtest 'proxy' => sub {
	my $proxy = SfProxy->new;

	my ($error, $out) = tls_server('proxy_plain', $sim, proxy => $proxy->url);
	like($error->{message}, qr/"proxy" of server "proxy_plain" cannot be used with an http URL/,
		'not with http');
	is_deeply([ $proxy->lines ], [], 'nothing is sent there');
	($error, $out) = tls_server('proxy_tls', $tls, proxy => $proxy->url, ca_file => "$dir/tls.pem",
		transport => 'bulk');
	is($out, 300, 'CONNECT') or diag(explain $error);
	is_deeply([ grep { $_ ne 'CONNECT 127.0.0.1:' . $tls->port . ' HTTP/1.1' } $proxy->lines ],
		[], 'is all it gets');
	isnt(scalar(() = $proxy->lines), 0, 'and it gets that');
	$proxy->stop;
	($error) = psql_result($node, 'SELECT count(*) FROM (SELECT * FROM proxy_tls OFFSET 0) a');
	is($error->{sqlstate}, '08006', 'a proxy that is gone');
};

subtest 'an org that is gone' => sub {
	my $gone = sfsim_start(rows => { Account => 3 });
	my ($error, $out) = tls_server('gone', $gone, max_retries => 1);
	is($out, 3, 'rows');
	$gone->stop;
	($error) = psql_result($node, 'SELECT * FROM gone');
	is($error->{sqlstate}, '08006', 'SQLSTATE');
	like($error->{message}, qr/could not log in to Salesforce: .*connect/, 'message');
	($error) = tls_server('unresolved', $gone,
		login_url => 'https://no.such.host.salesforce.com', max_retries => 0);
	like($error->{message}, qr/could not log in to Salesforce: .*(resolve|connect)/i,
		'a name that there is not');
};

# ---- dump and restore ------------------------------------------------------------------------

subtest 'pg_dump' => sub {
	my $definitions = q{
		SELECT srvname, srvoptions FROM pg_foreign_server WHERE srvname IN ('client_credentials',
			'tls_bulk');
		SELECT srvname, usename,
			umoptions FROM pg_user_mappings WHERE srvname IN ('client_credentials', 'tls_bulk');
		SELECT ftrelid::regclass,
			ftoptions FROM pg_foreign_table WHERE ftrelid::regclass::text ~ '^client_credentials';
		SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
			ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1)
			FROM pg_attribute WHERE attrelid = 'client_credentials.account'::regclass AND attnum > 0
			ORDER BY attnum};

	$sim->reset;
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', "$dir/dump.sql",
			'--include-foreign-data=client_credentials' ], 'dump, with the data of one server');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f',
		"$dir/dump.custom" ],
		'dump of the definitions');
	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'),
		"$dir/dump.custom" ], 'restore');
	is($node->safe_psql('restored', $definitions), $node->safe_psql('postgres', $definitions),
		'options');
	is($node->safe_psql('restored', $count =~ s/%s/client_credentials/r), 300, 'and it works');
	my $dump = slurp_file("$dir/dump.sql");
	my ($data) = $dump =~ /^COPY client_credentials\.account .*?\n(.*?)^\\\.$/ms;
	is(scalar(split /\n/, $data), 300, 'rows in the dump');

	# who is no superuser cannot bring files into it by way of a dump
	$node->safe_psql('postgres',
		'CREATE ROLE restorer LOGIN CREATEDB; CREATE DATABASE others OWNER restorer');
	$node->safe_psql('others',
		'CREATE EXTENSION sfbulk_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER sfbulk_fdw TO restorer');
	my $d = SfPsql->new($node, dbname => 'others', user => 'restorer');
	my $create = 'CREATE SERVER s FOREIGN DATA WRAPPER sfbulk_fdw ';
	my $result = $d->query($create . options_sql(ca_file => '/etc/passwd'));
	is($result->{error}{sqlstate}, '42501', 'ca_file');
	$result = $d->query($create . options_sql(login_url => $sim->url));
	isnt($result->{error}, undef, 'a host that is not allowed');
	$node->append_conf('postgresql.conf',
		q{sfbulk_fdw.allowed_hosts = '*.salesforce.com, 127.0.0.1'});
	$node->reload;
	$d->close;
	$d = SfPsql->new($node, dbname => 'others', user => 'restorer');
	$d->value($create . options_sql(login_url => $sim->url) . ';
		CREATE USER MAPPING FOR CURRENT_USER SERVER s ' . options_sql(@app) . ';
		CREATE SCHEMA mine;
		IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER s INTO mine');
	is($d->value($count =~ s/%s/mine/r), 300, 'a host that a superuser has allowed');
	$d->close;
};

# ---- encodings -------------------------------------------------------------------------------

for my $encoding (qw(LATIN1 SQL_ASCII EUC_JP))
{
	my $db = lc $encoding;

	subtest "a database in $encoding" => sub {
		$node->safe_psql('postgres',
			"CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
		$node->safe_psql($db, 'CREATE EXTENSION sfbulk_fdw');
		for my $by (qw(bulk rest))
		{
			server_create($node, $sim, name => $by, dbname => $db, options => { transport => $by });
			tables_import($node, 'contact', { server => $by, schema => $by, dbname => $db });
			my $c = SfPsql->new($node, dbname => $db);
			my $path = $by eq 'bulk' ? '*/results' : '*/query';
			# a text of the first row becomes another one
			my $with = sub {
				my ($hex, $sql) = @_;
				my $find = $by eq 'bulk' ? "\"LastName\"\n\"" : '"LastName":"';
				$sim->reset;
				$sim->fault({ path => $path, replace => { find => $find,
					with_hex => unpack('H*', $find) . $hex } });
				return $c->query($sql);
			};
			my $result = $with->('c3a9',
				q{SELECT encode(convert_to(lastname, getdatabaseencoding()::name), 'hex')
				FROM (SELECT lastname FROM %s.contact OFFSET 0) c LIMIT 1} =~ s/%s/$by/r);
			my %begins = (LATIN1 => 'e9', SQL_ASCII => 'c3a9', EUC_JP => '8fabb1');
			like($result->{rows}, qr/^$begins{$encoding}/m,
				"$by: e with an accent") or diag($result->{messages});
			$result = $with->('f09f9880',
				"SELECT count(lastname) FROM (SELECT lastname FROM $by.contact OFFSET 0) c");
			if ($encoding eq 'SQL_ASCII')
			{
				is($result->{rows}, 20, "$by: bytes go as they are");
			}
			else
			{
				is($result->{error}{sqlstate}, '22P05', "$by: what the encoding lacks");
				like($result->{messages}, qr/column "lastname".*row 1 of/s,
					"$by: is told with its place");
			}

			# and the way there
			$sim->reset;
			$c->value("SELECT count(*) FROM $by.contact WHERE lastname =
				convert_from('\\x$begins{$encoding}', getdatabaseencoding()::name)");
			my $sent = join '',
				map { "$_->{query}$_->{body}" } grep { $_->{path} =~ /query$/ } @{ $sim->log };
			like($sent, qr/%C3%A9|\x{e9}/i, "$by: literals are sent in UTF-8");
			$c->close;
		}
	};
}

# ---- restarts and workers --------------------------------------------------------------------

subtest 'restart' => sub {
	$sim->reset;
	$node->restart;
	is($node->safe_psql('postgres', $count =~ s/%s/client_credentials/r), 300, 'rows');
};

# A worker of logical replication has no client, and no Port: a trigger there reads.
subtest 'background worker' => sub {
	$sim->reset;
	$node->safe_psql('postgres', q{
		CREATE TABLE told (n integer PRIMARY KEY);
		CREATE PUBLICATION sfbulk FOR TABLE told;
		SELECT pg_create_logical_replication_slot('sfbulk', 'pgoutput')});
	my $connstr = quote_sql($node->connstr('postgres'));
	$node->safe_psql('restored', qq{
		CREATE TABLE told (n integer PRIMARY KEY);
		CREATE TABLE heard (n bigint);
		CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			INSERT INTO public.heard SELECT count(*)
				FROM (SELECT * FROM client_credentials.account OFFSET 0) a;
			RETURN NULL;
		END \$\$;
		CREATE TRIGGER hear AFTER INSERT ON told FOR EACH ROW EXECUTE FUNCTION hear();
		ALTER TABLE told ENABLE ALWAYS TRIGGER hear;
		CREATE SUBSCRIPTION sfbulk CONNECTION $connstr PUBLICATION sfbulk
			WITH (create_slot = false, slot_name = 'sfbulk', copy_data = false)});
	$node->safe_psql('postgres', 'INSERT INTO told VALUES (1)');
	ok($node->poll_query_until('restored', 'SELECT n = 300 FROM heard', 't'), 'it has read');
	is_deeply($sim->jobs, [], 'no job is left');
	$node->safe_psql('restored', 'DROP SUBSCRIPTION sfbulk');
};

unlike(slurp_file($node->logfile), qr/\Q$_\E/,
	"the log is still without $secrets{$_}") for sort keys %secrets;
$node->stop;
done_testing();
