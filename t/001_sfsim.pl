# The simulator by itself: sessions, REST, bulk query jobs, faults, the log.
#
# Everything later tests rely on is looked at here over HTTP, with nothing but
# core modules and IPC::Run, so that a failure points at the simulator and not
# at the extension.
use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use IPC::Run qw(start finish kill_kill run timeout);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
my ($out, $err) = ('', '');
my $limit = timeout(120);
$ENV{TMPDIR} = $dir;
my $sim = start(
	[
		$sfsim, '--port', '0', '--port-file', "$dir/port", '--env',
		'--rows', 'Account=5003', '--rows', 'Contact=300', '--page-rows', '1000',
		'--die-with-parent'
	],
	\undef, \$out, \$err, $limit);
$sim->pump until $out =~ /^SF_REFRESH_TOKEN=.*\n/m;
my %env = $out =~ /^(SF_\w+)='(.*)'$/mg;
s/'\\''/'/g for values %env;
my $base = $env{SF_URL};
my ($port) = $base =~ m{^http://127\.0\.0\.1:(\d+)$};
my $data = "$base/services/data/v62.0";
my $json = JSON::PP->new->utf8;
my $http = HTTP::Tiny->new(timeout => 60);
my $token = $env{SF_TOKEN};

# Method, path below /services/data/v62.0 or a whole URL, options of HTTP::Tiny.
sub req
{
	my ($method, $url, %opt) = @_;
	my %headers = (Authorization => "Bearer $token", %{ delete $opt{headers} || {} });
	delete $headers{Authorization} unless defined $headers{Authorization};
	$url = "$data$url" if $url =~ m{^/};
	return $http->request($method, $url, { headers => \%headers, %opt });
}

sub body { return $json->decode($_[0]{content}); }

sub code_of
{
	my $b = eval { body($_[0]) };
	return ref $b eq 'ARRAY' ? $b->[0]{errorCode} : ref $b eq 'HASH' ? $b->{error} : '';
}

sub is_error
{
	my ($r, $status, $code, $name) = @_;
	is("$r->{status} " . code_of($r), "$status $code", $name);
}

sub control
{
	my ($method, $what, $body) = @_;
	my $r = $http->request($method, "$base/__sfsim/$what",
		defined $body ? { content => ref $body ? $json->encode($body) : $body } : {});
	die "$method $what: $r->{status} $r->{content}" unless $r->{success};
	return $r->{content} =~ /^[\[{]/ ? body($r) : $r->{content};
}

sub form
{
	my ($fields, %headers) = @_;
	return $http->post_form("$base/services/oauth2/token", $fields, { headers => \%headers });
}

sub job
{
	my ($soql, %more) = @_;
	return req('POST', '/jobs/query',
		headers => { 'Content-Type' => 'application/json' },
		content => $json->encode({ operation => 'query', query => $soql, %more }));
}

# A finished job: its id.
sub finished
{
	my $id = body(job(@_))->{id};
	for (1 .. 600)
	{
		my $state = body(req('GET', "/jobs/query/$id"))->{state};
		return $id if $state eq 'JobComplete';
		die "job is $state" if $state eq 'Failed' || $state eq 'Aborted';
	}
	die 'the job does not end';
}

# Split CSV as bulk writes it: every cell in quotes.
sub rows_of
{
	my ($text) = @_;
	my @rows;
	while ($text =~ /\G((?:"(?:[^"]|"")*",?)+)\n/gc)
	{
		my $line = $1;
		push @rows, [ map { s/""/"/gr } $line =~ /"((?:[^"]|"")*)"/g ];
	}
	my $end = pos($text) // 0;
	is($end, length $text, 'the CSV is well-formed') if $end != length $text;
	return @rows;
}

# All rows of a finished job by the locator chain, header lines apart.
sub chain
{
	my ($id, $query) = @_;
	my ($locator, @rows, @pages) = ('');
	do
	{
		my $r = req('GET',
			"/jobs/query/$id/results?$query" . ($locator ? "&locator=$locator" : ''));
		die "$r->{status} $r->{content}" unless $r->{status} == 200;
		my ($head, @page) = rows_of($r->{content});
		is(scalar @page, $r->{headers}{'sforce-numberofrecords'}, 'rows as the header says')
		  if @page != $r->{headers}{'sforce-numberofrecords'};
		push @pages, { head => $head, rows => scalar @page };
		push @rows, @page;
		$locator = $r->{headers}{'sforce-locator'};
	} while ($locator ne 'null');
	return (\@rows, \@pages);
}

like($err, qr/is a simulator, not Salesforce/, 'the banner says what it is');
ok($port, '--env names the address');

subtest 'sessions' => sub {
	my @client = (client_id => $env{SF_CLIENT_ID}, client_secret => $env{SF_CLIENT_SECRET});
	my $r = form([ grant_type => 'client_credentials', @client ]);
	is($r->{status}, 200, 'client credentials in the body');
	is(body($r)->{instance_url}, $base, 'instance_url');
	ok(!exists body($r)->{refresh_token}, 'no refresh token in this flow');
	like(body($r)->{issued_at}, qr/^\d{13}$/, 'issued_at is text');
	$token = body($r)->{access_token};
	is(req('GET', '/limits')->{status}, 200, 'the token is good');

	$r = form([ grant_type => 'client_credentials' ],
		Authorization => 'Basic ' . encode_base64("$env{SF_CLIENT_ID}:$env{SF_CLIENT_SECRET}",
			''));
	is($r->{status}, 200, 'client credentials by HTTP Basic');
	is_error(form([ grant_type => 'client_credentials', @client[ 0, 1 ], client_secret => 'x' ]),
		400, 'invalid_client', 'wrong secret');
	is_error(form([ grant_type => 'client_credentials', client_id => 'x' ]),
		400, 'invalid_client_id', 'wrong client');
	is_error(form([ grant_type => 'magic' ]), 400, 'unsupported_grant_type', 'unknown grant');

	my $secret = "$env{SF_PASSWORD}$env{SF_SECURITY_TOKEN}";
	is(form([ grant_type => 'password', @client, username => $env{SF_USERNAME},
		password => $secret ])
		  ->{status}, 200, 'password flow');
	is_error(form([ grant_type => 'password', @client, username => $env{SF_USERNAME},
				password => $env{SF_PASSWORD} ]),
		400, 'invalid_grant', 'password without the security token');
	is(form([ grant_type => 'refresh_token', @client, refresh_token => $env{SF_REFRESH_TOKEN} ])
		  ->{status}, 200, 'refresh token');
	is_error(form([ grant_type => 'refresh_token', @client, refresh_token => 'x' ]),
		400, 'invalid_grant', 'wrong refresh token');
	control('POST', 'options', { rotate_refresh_token => JSON::PP::true });
	$r = form([ grant_type => 'refresh_token', @client,
		refresh_token => $env{SF_REFRESH_TOKEN} ]);
	ok(body($r)->{refresh_token}, 'rotation hands out a new refresh token');
	is_error(form([ grant_type => 'refresh_token', @client,
		refresh_token => $env{SF_REFRESH_TOKEN} ]),
		400, 'invalid_grant', 'and the old one is void');

	$r = req('GET', '/limits', headers => { Authorization => 'Bearer x' });
	is_error($r, 401, 'INVALID_SESSION_ID', 'a token nobody issued');
	is_error(req('GET', '/limits', headers => { Authorization => undef }),
		401, 'INVALID_SESSION_ID', 'no token');
	control('POST', 'tokens', { expire => $token });
	is_error(req('GET', '/limits'), 401, 'INVALID_SESSION_ID', 'an expired token');
	$token = control('POST', 'tokens', { issue => JSON::PP::true })->{access_token};
	is(req('GET', '/limits')->{status}, 200, 'a new token');
	like(body(req('GET', "$base/services/oauth2/userinfo"))->{user_id}, qr/^005.{15}$/,
		'userinfo');
	control('POST', 'reset');
};

subtest 'JWT bearer' => sub {
	run([ 'openssl', 'genrsa', '-out', "$dir/key.pem", '2048' ], \undef, \my $o, \my $e)
	  or plan skip_all => 'no openssl command';
	run([ 'openssl', 'rsa', '-in', "$dir/key.pem", '-pubout', '-out', "$dir/pub.pem" ],
		\undef, \$o, \$e) or die $e;
	my $grant = sub {
		my ($claims, %alter) = @_;
		my $b64 = sub { my $t = encode_base64($_[0], ''); $t =~ tr{+/}{-_}; $t =~ s/=+$//; $t };
		my $text = $b64->('{"alg":"RS256"}') . '.'
		  . $b64->($json->encode({ iss => $env{SF_CLIENT_ID}, sub => $env{SF_USERNAME},
				aud => 'https://login.salesforce.com', exp => time + 120, %$claims }));
		run([ 'openssl', 'dgst', '-sha256', '-sign', "$dir/key.pem" ], \$text, \my $sig,
			\$e) or die $e;
		substr($sig, 9, 1) ^= "\1" if $alter{signature};
		return form([ grant_type => 'urn:ietf:params:oauth:grant-type:jwt-bearer',
				assertion => "$text." . $b64->($sig) ]);
	};
	is_error($grant->({}), 400, 'invalid_grant', 'no key is known yet');
	open my $f, '<', "$dir/pub.pem" or die $!;
	control('POST', 'jwt-key', join '', <$f>);
	my $r = $grant->({});
	is($r->{status}, 200, 'signature and claims are accepted') or diag $r->{content};
	is($grant->({ exp => '' . (time + 120) })->{status}, 200, 'exp as text');
	is($grant->({ aud => $base })->{status}, 200, 'the own address as audience');
	is_error($grant->({}, signature => 1), 400, 'invalid_grant', 'a changed signature');
	like($grant->({ aud => 'https://example.com' })->{content}, qr/audience is invalid/,
		'audience');
	like($grant->({ exp => time - 5 })->{content}, qr/invalid_grant.*expired/, 'expired');
	is($grant->({ exp => time + 3600 })->{status}, 200, 'exp far ahead');
	like($grant->({ sub => 'nobody@example.com' })->{content}, qr/approved/, 'another user');
	like($grant->({ iss => 'x' })->{content}, qr/invalid_client_id/, 'another app');
};

subtest 'SOAP login' => sub {
	my $login = sub {
		my ($version, $password) = @_;
		return $http->post("$base/services/Soap/u/$version", {
				headers => { 'Content-Type' => 'text/xml; charset=UTF-8', SOAPAction => 'login' },
				content => '<?xml version="1.0"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/'
				  . 'envelope/"><env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>'
				  . "$env{SF_USERNAME}</n1:username><n1:password>$password</n1:password></n1:login>"
				  . '</env:Body></env:Envelope>' });
	};
	my $raw = "$env{SF_PASSWORD}$env{SF_SECURITY_TOKEN}";
	my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;');
	my $escaped = $raw =~ s/([&<>])/$entity{$1}/gr;
	my $r = $login->('62.0', $escaped);
	is($r->{status}, 200, 'login');
	my ($session) = $r->{content} =~ m{<sessionId>([^<]+)</sessionId>};
	is(req('GET', '/limits', headers => { Authorization => "Bearer $session" })->{status}, 200,
		'its session is a Bearer token');
	like($r->{content}, qr{<serverUrl>\Q$base\E/services/Soap/u/62\.0/00D}, 'serverUrl');
	$r = $login->('62.0', 'wrong');
	is($r->{status}, 500, 'a fault is a 500');
	like($r->{content}, qr{<faultcode>sf:INVALID_LOGIN</faultcode>}, 'INVALID_LOGIN');
	like($login->('62.0', $raw)->{content}, qr/UNKNOWN_EXCEPTION/, 'an unescaped password');
	like($login->('65.0', $escaped)->{content}, qr/UNSUPPORTED_API_VERSION/,
		'no login() in 65.0');
	$r = $http->post("$base/services/Soap/u/62.0", { content =>
			'<se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/"><se:Header><SessionHeader>'
			  . "<sessionId>$session</sessionId></SessionHeader></se:Header><se:Body><logout/></se:Body></se:Envelope>" });
	is($r->{status}, 200, 'logout');
	is(req('GET', '/limits', headers => { Authorization => "Bearer $session" })->{status}, 401,
		'ends the session');
	my $log = $json->encode([ grep { $_->{path} =~ /Soap/ } @{ control('GET', 'log') } ]);
	unlike($log, qr/\Q$session\E|\Q$env{SF_SECURITY_TOKEN}\E/,
		'no secret of SOAP calls is logged');
	control('POST', 'options', { soap_login => JSON::PP::false });
	like($login->('62.0', $escaped)->{content}, qr/INVALID_OPERATION.*disabled/, 'switched off');
	control('POST', 'reset');
};

subtest 'describe and limits' => sub {
	my $versions = body(req('GET', "$base/services/data", headers => { Authorization => undef }));
	is($versions->[-1]{url}, '/services/data/v66.0', 'versions need no session');
	is((grep { $_->{version} eq '58.0' } @$versions)[0]{label}, "Summer '23", 'label of 58.0');
	is((grep { $_->{version} eq '62.0' } @$versions)[0]{label}, "Winter '25", 'label of 62.0');
	my $r = req('GET', '/sobjects');
	is($r->{headers}{'content-type'}, 'application/json;charset=UTF-8', 'content type');
	like($r->{headers}{'sforce-limit-info'}, qr{^api-usage=\d+/15000$}, 'Sforce-Limit-Info');
	ok((grep { $_->{name} eq 'Invoice__c' } @{ body($r)->{sobjects} }), 'describe global');
	$r = req('GET', '/sobjects/account/describe');
	is(body($r)->{name}, 'Account', 'describe, name in another case');
	my $modified = $r->{headers}{'last-modified'};
	ok($r->{headers}{etag}, 'ETag');
	$r = req('GET', '/sobjects/Account/describe',
		headers => { 'If-Modified-Since' => $modified });
	is($r->{status}, 304, 'If-Modified-Since');
	is_error(req('GET', '/sobjects/Nothing/describe'), 404, 'NOT_FOUND', 'unknown object');
	is_error(req('GET', "$base/services/data/v99.0/limits"), 404, 'NOT_FOUND', 'version to come');
	is_error(req('GET', "$base/services/data/v25.0/limits"), 410, 'GONE', 'retired version');
	is_error(req('DELETE', '/limits'), 405, 'METHOD_NOT_ALLOWED', 'wrong method');
	is(body(req('GET', '/limits/recordCount?sObjects=Account,Nothing'))->{sObjects}[0]{name},
		'Account', 'recordCount');

	$r = req('POST', '/composite', headers => { 'Content-Type' => 'application/json' },
		content => $json->encode({ compositeRequest => [
				{ method => 'GET', url => '/services/data/v62.0/sobjects/Account/describe',
					referenceId => 'a' },
				{ method => 'GET', url => '/services/data/v62.0/sobjects/Contact/describe',
					referenceId => 'b',
					httpHeaders => { 'If-Modified-Since' => $modified } },
				{ method => 'GET', url => '/services/data/v62.0/sobjects/No/describe',
					referenceId => 'c' } ] }));
	my $parts = body($r)->{compositeResponse};
	is_deeply([ map { "$_->{referenceId} $_->{httpStatusCode}" } @$parts ],
		[ 'a 200', 'b 304', 'c 404' ], 'composite');
	is($parts->[0]{body}{name}, 'Account', 'body of a part');
	is($parts->[0]{httpHeaders}{'Last-Modified'}, $modified, 'headers of a part');
	is($parts->[1]{body}, undef, 'an unchanged one is null');
	$r = req('POST', '/composite/batch', headers => { 'Content-Type' => 'application/json' },
		content => $json->encode({ batchRequests => [
				map { { method => 'GET',
					url => "v62.0/sobjects/$_/describe" } } qw(Account No) ] }));
	is_deeply([ map { $_->{statusCode} } @{ body($r)->{results} } ], [ 200, 404 ],
		'composite/batch');
	ok(body($r)->{hasErrors}, 'hasErrors');

	like(req('GET', '/limits', headers => { 'X-PrettyPrint' => '1' })->{content},
		qr/^\{\n  "AnalyticsExternalDataSizeMB" : \{\n    "Max" : 40960,/, 'X-PrettyPrint');
	$r = req('GET', '/sobjects/Account/describe', headers => { 'Accept-Encoding' => 'gzip' });
	is($r->{headers}{'content-encoding'}, 'gzip', 'JSON is compressed');
	gunzip(\$r->{content}, \my $plain) or die $GunzipError;
	is($json->decode($plain)->{name}, 'Account', 'and can be expanded');
	is(req('GET', '/query?q=' . 'x' x 16500)->{status}, 414, 'URI too long');
	$r = req('GET', '/query?q=x', headers => { 'X-Long' => 'x' x 16500 });
	is($r->{status}, 431, 'headers too long');
	like($r->{content}, qr/^<html>/, 'in HTML');
};

subtest 'REST query' => sub {
	my $r = body(req('GET', '/query?q=SELECT+Id,Name+FROM+Account+LIMIT+3'));
	is("$r->{totalSize} " . @{ $r->{records} }, '3 3', 'a small result');
	ok($r->{done}, 'is done');
	is($r->{records}[0]{attributes}{type}, 'Account', 'attributes');
	is(body(req('GET', '/query?q=SELECT+COUNT()+FROM+Account'))->{totalSize}, 5003, 'COUNT()');
	is_error(req('GET', '/query?q=SELECT+Nope+FROM+Account'), 400, 'INVALID_FIELD',
		'unknown field');
	is_error(req('GET', '/query'), 400, 'MALFORMED_QUERY', 'no query');

	my (%seen, $sizes);
	my $url = '/query?q=SELECT+Id+FROM+Account';
	my $first_next;
	while (1)
	{
		my $page = body(req('GET', $url));
		$seen{ $_->{Id} }++ for @{ $page->{records} };
		$sizes .= @{ $page->{records} } . ' ';
		last if $page->{done};
		like($page->{nextRecordsUrl}, qr{^/services/data/v62\.0/query/01g\w{15}-\d+$}, 'locator')
		  unless $first_next;
		$first_next ||= $base . $page->{nextRecordsUrl};
		$url = $base . $page->{nextRecordsUrl};
	}
	is($sizes, '2000 2000 1003 ', 'pages of 2,000');
	is(scalar keys %seen, 5003, 'every row once');
	is(req('GET', $first_next)->{content}, req('GET', $first_next)->{content},
		'a page can be read again');
	$r = req('GET', '/query?q=SELECT+Id+FROM+Account',
		headers => { 'Sforce-Query-Options' => 'batchSize=250' });
	is(scalar @{ body($r)->{records} }, 250, 'batchSize');
	control('DELETE', 'cursors');
	is_error(req('GET', $first_next), 400, 'INVALID_QUERY_LOCATOR', 'a dropped cursor');
	$r = body(req('GET', '/query?explain=SELECT+Id+FROM+Account+LIMIT+7'));
	is($r->{plans}[0]{cardinality}, 7, 'explain');
	my $id = (sort keys %seen)[0];
	is(body(req('GET', "/sobjects/Account/$id"))->{Id}, $id, 'one record by id');
};

subtest 'a bulk query job' => sub {
	control('POST', 'options', { hold_jobs => 'UploadComplete' });
	my $r = job('SELECT Name, Id FROM Account');
	is($r->{status}, 200, 'create answers 200');
	my @keys = $r->{content} =~ /"(\w+)":/g;
	is("@keys", 'id operation object createdById createdDate systemModstamp state concurrencyMode '
		  . 'contentType apiVersion lineEnding columnDelimiter', 'keys of the create answer');
	like($r->{content}, qr/"apiVersion":62\.0,/, 'apiVersion is a number with a fraction');
	my $id = body($r)->{id};
	like($id, qr/^750\w{15}$/, 'id');
	is(body(req('GET', "/jobs/query/$id"))->{state}, 'UploadComplete', 'held in UploadComplete');
	control('POST', 'options', { hold_jobs => 'InProgress' });
	is(body(req('GET', "/jobs/query/$id"))->{state}, 'InProgress', 'held in InProgress');
	is_error(req('GET', "/jobs/query/$id/results"), 400, 'INVALIDJOBSTATE', 'no results yet');
	is_error(req('DELETE', "/jobs/query/$id"), 400, 'INVALIDJOBSTATE', 'no DELETE while it runs');
	control('POST', 'options', { hold_jobs => 'none' });
	my $info;
	for (1 .. 600) { $info = req('GET',
		"/jobs/query/$id"); last if body($info)->{state} eq 'JobComplete'; }
	@keys = $info->{content} =~ /"(\w+)":/g;
	is("@keys[9 .. $#keys]",
		'apiVersion jobType lineEnding columnDelimiter numberRecordsProcessed '
		  . 'retries totalProcessingTime isPkChunkingSupported', 'keys of the info');
	is(body($info)->{numberRecordsProcessed}, 5003, 'numberRecordsProcessed');

	my ($rows, $pages) = chain($id, '');
	is(join(' ', map { $_->{rows} } @$pages), '1000 1000 1000 1000 1000 3', 'pages of page_rows');
	is_deeply($_->{head}, [ 'Name', 'Id' ],
		'header row on every page, in SELECT order') for @$pages;
	my %ids = map { $_->[1] => 1 } @$rows;
	is(scalar keys %ids, 5003, 'every row once');

	my ($odd, $odd_pages) = chain(substr($id, 0, 15), 'maxRecords=700');
	is(join(' ', map { $_->{rows} } @$odd_pages), '700 700 700 700 700 700 700 103',
		'maxRecords, 15-character id');
	is_deeply($odd, $rows, 'the same rows in pages of another size');
	is((chain($id, 'maxRecords=99999'))[1][0]{rows}, 1000, 'maxRecords cannot raise page_rows');

	$r = req('GET', "/jobs/query/$id/results/?maxRecords=10");
	is($r->{status}, 200, 'a trailing slash');
	is($r->{headers}{'content-type'}, 'text/csv', 'content type');
	my $gz = req('GET', "/jobs/query/$id/results?maxRecords=10",
		headers => { 'Accept-Encoding' => 'deflate, gzip' });
	is($gz->{headers}{'content-encoding'}, 'gzip', 'gzip on request');
	gunzip(\$gz->{content}, \my $plain) or die $GunzipError;
	is($plain, $r->{content}, 'with the same bytes inside');
	is_error(req('GET', "/jobs/query//$id"), 404, 'NOT_FOUND', 'a doubled slash');
	is_error(req('GET', "/jobs/query/$id/results?locator=MTAw"), 400, 'INVALID_QUERY_LOCATOR',
		'an invented locator');
	is_error(req('GET', "$base/services/data/v61.0/jobs/query/$id/results"), 409, 'INVALIDJOB',
		'another version');
	is_error(req('PATCH', "/jobs/query/$id", content => '{"state":"Aborted"}'), 400,
		'INVALIDJOBSTATE', 'abort after the end');

	for my $shape (qw(doc postman chunks))
	{
		control('POST', 'options', { result_pages => $shape });
		my ($url, @links) = ("/jobs/query/$id/resultPages");
		while ($url)
		{
			my $b = body(req('GET', $url));
			push @links, map { $_->{resultUrl} // $_->{resultLink} } @{ $b->{resultPages} // $b->{resultChunks} };
			$url = $b->{nextRecordsUrl};
			last if $b->{done};
			$url = $base . $url if $url =~ m{^/services};
		}
		is(scalar @links, 6, "$shape: links");
		my %got;
		for my $link (reverse @links)
		{
			$link = $base . $link if $link =~ m{^/services};
			my ($head, @page) = rows_of(req('GET', $link)->{content});
			$got{ $_->[1] }++ for @page;
		}
		is(scalar keys %got, 5003, "$shape: every row once");
	}
	control('POST', 'options', { result_pages => 'off' });
	is(req('GET', "/jobs/query/$id/resultPages")->{status}, 404, 'resultPages switched off');
	is(req('GET', "$base/services/data/v57.0/jobs/query/$id/resultPages")->{status}, 404,
		'and before v58.0');

	is(scalar(grep { $_->{id} eq $id } @{ body(req('GET', '/jobs/query'))->{records} }), 1,
		'list');
	$r = req('DELETE', "/jobs/query/$id");
	is($r->{status}, 204, 'DELETE');
	is_error(req('GET', "/jobs/query/$id"), 404, 'NOT_FOUND', 'gone');
	is_deeply(control('GET', 'jobs'), [], 'no job is left');
	control('POST', 'reset');
};

subtest 'more about jobs' => sub {
	my $id = finished("SELECT Id FROM Account WHERE Name = 'no such name'");
	my $r = req('GET', "/jobs/query/$id/results");
	is($r->{content}, qq("Id"\n), 'an empty result is a header line');
	is("$r->{headers}{'sforce-numberofrecords'} $r->{headers}{'sforce-locator'}", '0 null',
		'its headers');
	is(scalar @{ body(req('GET', "/jobs/query/$id/resultPages"))->{resultPages} }, 1,
		'and one page');

	$id = finished('SELECT Id, Name FROM Account LIMIT 2', columnDelimiter => 'PIPE',
		lineEnding => 'CRLF');
	like(req('GET', "/jobs/query/$id/results")->{content},
		qr/^"Id"\|"Name"\r\n"001/, 'delimiter and line ending');
	$id = finished('SELECT Id FROM Account LIMIT 1000');
	is($_->{headers}{'sforce-locator'}, 'null', 'no empty page behind a full one') for req('GET',
		"/jobs/query/$id/results");

	$r = job('SELECT COUNT(Id) FROM Account');
	is($r->{status}, 400, 'aggregates are refused');
	like($r->{content}, qr/^\[\{"errorCode":"\w+","message":"[^"]*[Aa]ggregate/,
		'errorCode first');
	is_error(job('SELECT Nope FROM Account'), 400, 'INVALID_FIELD', 'SOQL is checked');
	is_error(job('SELECT Id FROM Account', columnDelimiter => 'HASH'), 400, 'API_ERROR',
		'unknown delimiter');
	is_error(job('SELECT Id FROM Account', operation => 'insert'), 400, 'API_ERROR',
		'unknown operation');
	is_error(job('SELECT Id FROM Account', wrong => 1), 400, 'JSON_PARSER_ERROR', 'unknown key');
	control('POST', 'options', { errors_at_create => JSON::PP::false });
	$id = body(job('SELECT Nope FROM Account'))->{id};
	$r = body(req('GET', "/jobs/query/$id"));
	is($r->{state}, 'Failed', 'or the job fails');
	like($r->{errorMessage}, qr/Nope/, 'with a message');

	control('POST', 'options', { hold_jobs => 'InProgress' });
	$id = body(job('SELECT Id FROM Contact'))->{id};
	$r = req('PATCH', "/jobs/query/$id", content => '{"state":"Aborted"}');
	is(body($r)->{state}, 'Aborted', 'abort');
	my @keys = $r->{content} =~ /"(\w+)":/g;
	is($keys[-1], 'apiVersion', 'the short body');
	is(req('DELETE', "/jobs/query/$id")->{status}, 204, 'an aborted job can be deleted');
	control('POST', 'reset');

	control('POST', 'options', { shuffle => JSON::PP::true });
	my ($mixed) = chain(finished('SELECT Id FROM Account'), '');
	control('POST', 'options', { shuffle => JSON::PP::false });
	my ($plain) = chain(finished('SELECT Id FROM Account'), '');
	my @order = map { $_->[0] } @$mixed;
	isnt("@order", join(' ', map { $_->[0] } @$plain), 'shuffle changes the order');
	is_deeply([ sort @order ], [ sort map { $_->[0] } @$plain ], 'and nothing else');
	control('POST', 'reset');
};

subtest 'faults' => sub {
	my $id = finished('SELECT Id, Name FROM Account');
	my $results = "/jobs/query/$id/results";
	my $good = req('GET', $results);
	my $fault = sub { control('POST', 'faults', { path => '*/results', @_ }); return req('GET',
		$results); };

	my $bad = $http->request('POST', "$base/__sfsim/faults", { content => '{"pth":"x"}' });
	is($bad->{status}, 400, 'a misspelt fault is refused');
	like($bad->{content}, qr/unknown member \\"pth\\"/, 'by name');

	is_error($fault->(error => 'session_expired'), 401, 'INVALID_SESSION_ID', 'session_expired');
	is(req('GET', $results)->{status}, 200, 'once');
	my $r = $fault->(error => 'html_503', headers => { 'Retry-After' => '7' });
	is("$r->{status} $r->{headers}{'retry-after'}", '503 7', 'html_503 with Retry-After');
	like($r->{content}, qr/^<!DOCTYPE html>/, 'HTML');
	$r = $fault->(error => 'edge_420');
	is("$r->{status}$r->{content}", '420', '420 without a body');
	$r = $fault->(records_off => -1);
	is($r->{headers}{'sforce-numberofrecords'}, 999, 'records_off');
	$r = $fault->(headers => { 'Sforce-Locator' => undef, 'Sforce-NumberOfRecords' => undef });
	ok(!exists $r->{headers}{'sforce-locator'}, 'a header removed');
	is($r->{content}, $good->{content}, 'the body is the real one');
	is($fault->(empty => JSON::PP::true)->{content}, '', 'empty');
	is($fault->(header_only => JSON::PP::true)->{content}, qq("Id","Name"\n), 'header_only');
	is(scalar(rows_of($fault->(drop_rows => 2)->{content})), 999, 'drop_rows');
	is(scalar(rows_of($fault->(repeat_rows => 3)->{content})), 1004, 'repeat_rows');
	$r = $fault->(replace => { find => '"Name"', with_hex => '224e0022' });
	like($r->{content}, qr/^"Id","N\0"\n/, 'replace with a NUL byte');
	$r = $fault->(insert => { at => -1, hex => 'ff' });
	is(substr($r->{content}, -2), "\xff\n", 'insert');

	# not by HTTP::Tiny, which tries again by itself
	my $curl = sub {
		control('POST', 'faults', { path => '*/results', @_ });
		run([ 'curl', '-s', '-m', '60', '-H', "Authorization: Bearer $token", "$data$results" ],
			\undef, \my $got);
		return join ' ', $? >> 8, length $got;
	};
	is($curl->(truncate => 100), '18 100', 'truncate breaks the connection in the body');
	is($curl->(truncate => 0), '18 0', 'or before it');
	is($curl->(close => 'before'), '52 0', 'close before processing');
	is($curl->(close => 'after'), '52 0', 'close after it');

	my $head = sub {
		run([ 'curl', '-s', '-m', '60', '-D', '-', '-o', "$dir/body", '-H',
			"Authorization: Bearer $token",
				"$data$results" ], \undef, \my $got);
		return $got;
	};
	like($head->(), qr/^Sforce-NumberOfRecords: 1000\r$/m, 'header names as they are');
	control('POST', 'faults', { path => '*/results', lower_headers => JSON::PP::true });
	like($head->(), qr/^sforce-numberofrecords: 1000\r$/m, 'lower_headers');
	control('POST', 'options', { chunked => JSON::PP::true });
	like($head->(), qr/^Transfer-Encoding: chunked\r$/mi, 'chunked');
	is(-s "$dir/body", length $good->{content}, 'with the whole body');
	is($curl->(truncate => 100), '18 100', 'truncate without a Content-Length');
	control('POST', 'options', { chunked => JSON::PP::false });

	control('POST', 'faults', { path => '*/results', gzip_cut => 200 });
	$r = req('GET', $results, headers => { 'Accept-Encoding' => 'gzip' });
	is("$r->{status} " . length $r->{content}, '200 200',
		'gzip_cut: a whole message of a cut stream');

	control('POST', 'faults', { path => '*/results', query => '*locator=*', nth => 2, count => 2,
		error => 'unknown_exception' });
	my $next = $good->{headers}{'sforce-locator'};
	is(join(' ', req('GET', $results)->{status}, map { req('GET',
		"$results?locator=$next")->{status} } 1 .. 4),
		'200 200 500 500 200', 'query, nth, count');

	control('POST', 'faults', { path => '*/results', expire_token => JSON::PP::true });
	is_error(req('GET', $results), 401, 'INVALID_SESSION_ID', 'expire_token');
	is_error(req('GET', $results), 401, 'INVALID_SESSION_ID', 'and it stays so');
	$token = control('POST', 'tokens', { issue => JSON::PP::true })->{access_token};

	control('POST', 'faults', [
			{ method => 'POST', path => '*/jobs/query',
				job => { fail => 'InternalServerError : no' } },
			{ method => 'POST', path => '*/jobs/query', nth => 2,
				job => { states => [qw(InProgress JobComplete InProgress JobComplete)] } },
			{ method => 'POST', path => '*/jobs/query', nth => 3, job => { records => 5 } } ]);
	my @jobs = map { body(job('SELECT Id FROM Contact'))->{id} } 1 .. 3;
	$r = body(req('GET', "/jobs/query/$jobs[0]"));
	is("$r->{state} $r->{errorMessage}", 'Failed InternalServerError : no', 'a job that fails');
	is(join(' ', map { body(req('GET', "/jobs/query/$jobs[1]"))->{state} } 1 .. 5),
		'InProgress JobComplete InProgress JobComplete JobComplete', 'scripted states');
	for (1 .. 600) { $r = body(req('GET',
		"/jobs/query/$jobs[2]")); last if $r->{state} eq 'JobComplete'; }
	is($r->{numberRecordsProcessed}, 5, 'a wrong count');
	control('POST', 'reset');
};

subtest 'holding, waiting, the log' => sub {
	my $id = finished('SELECT Id FROM Account');
	control('DELETE', 'log');
	control('POST', 'faults', [
			{ name => 'gate', path => '*/limits', hold => 'before' },
			{ name => 'body', path => '*/results', hold => 'body', hold_at => 5000 } ]);
	my @curl = ('curl', '-s', '-m', '60', '-H', "Authorization: Bearer $token");
	my ($limits, $page) = ('', '');
	my $a = start([ @curl, "$data/limits" ], \undef, \$limits, $limit);
	my $b = start([ @curl, '-N', "$data/jobs/query/$id/results" ], \undef, \$page, $limit);
	is(control('GET', 'wait?path=*&state=held&count=2')->{matched}, 2, 'two requests are held');
	$b->pump until length $page >= 5000;
	is(length $page, 5000, 'one of them in the middle of its body');
	is(req('GET', '/sobjects')->{status}, 200, 'others are served meanwhile');
	control('POST', 'release?name=gate');
	finish($a);
	like($limits, qr/DailyApiRequests/, 'the first goes on');
	control('POST', 'release');
	finish($b);
	is($page, req('GET', "/jobs/query/$id/results")->{content}, 'and the other');

	form([ grant_type => 'password', client_id => 'x', client_secret => 'hush',
		password => 'hush' ]);
	control('GET', 'wait?path=*/token');
	my $log = control('GET', 'log');
	my ($entry) = grep { $_->{path} =~ m{/limits$} } @$log;
	is("$entry->{method} $entry->{status} $entry->{state} $entry->{fault}", 'GET 200 done 1',
		'a log entry');
	like($entry->{headers}{Authorization}, qr/^Bearer #[0-9a-f]{8}$/, 'without the token');
	my ($login) = grep { $_->{path} =~ m{/token$} } @$log;
	like($login->{body}, qr/client_id=x/, 'a login has its body');
	unlike($login->{body}, qr/hush/, 'without secrets');
	($entry) = grep { $_->{path} =~ m{/results$} } @$log;
	is($entry->{bytes}, length $page, 'bytes of the body');

	my $wide = finished('SELECT Id, Name, Phone, Website, Industry, Description FROM Account');
	control('POST', 'faults', { path => '*/results', hold => 'body', hold_at => 1000 });
	my $part = '';
	my $c = start([ @curl, '-N', "$data/jobs/query/$wide/results" ], \undef, \$part, $limit);
	$c->pump until length $part >= 1000;
	$c->kill_kill;
	control('POST', 'release');
	control('GET', 'wait?path=*/results&count=3');
	is((grep { $_->{path} =~ m{/results$} } @{ control('GET', 'log') })[-1]{state}, 'aborted',
		'a reader that went away');
	req('DELETE', "/jobs/query/$_") for $id, $wide;
	is(control('GET', 'wait?jobs=0')->{matched}, 0, 'wait for the jobs to go');
	is($http->get("$base/__sfsim/wait?path=*/never&timeout_ms=1")->{status}, 408,
		'waiting in vain');
};

subtest 'the end' => sub {
	open my $port_file, '<', "$dir/port" or die "no port file: $!";
	is(<$port_file>, "$port\n", 'the port file has the port');
	close $port_file;
	control('POST', 'faults', { path => '*/limits', hold => 'before' });
	my $held = start([ 'curl', '-s', '-H', "Authorization: Bearer $token", "$data/limits" ],
		\undef, \my $o, $limit);
	control('GET', 'wait?path=*/limits&state=held');
	$sim->signal('TERM');
	finish($sim);
	is($sim->full_result(0), 0, 'SIGTERM ends it, held requests and all');
	eval { finish($held) };
	is_deeply([ glob "$dir/sfsim.*" ], [], 'its directory is gone');
};

subtest 'https' => sub {
	run([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext),
			'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/tls.key", '-out', "$dir/tls.crt" ],
		\undef, \my $o, \my $e) or plan skip_all => 'no openssl command';
	my ($said, $errors) = ('', '');
	my $tls = start([ $sfsim, '--port', 0, '--env', '--tls-cert', "$dir/tls.crt", '--tls-key',
		"$dir/tls.key",
			'--rows', 'Account=2000', '--die-with-parent' ], \undef, \$said, \$errors, $limit);
	$tls->pump until $said =~ /^SF_REFRESH_TOKEN=.*\n/m;
	my ($url, $session) = map { $said =~ /^$_='(.*)'$/m } qw(SF_URL SF_TOKEN);
	like($url, qr{^https://}, 'the address');
	my @curl = ('curl', '-s', '-m', '60', '--cacert', "$dir/tls.crt", '-H',
		"Authorization: Bearer $session");
	run([ @curl, '-d', '{"operation":"query","query":"SELECT Id FROM Account"}',
			"$url/services/data/v62.0/jobs/query" ], \undef, \$o) or fail('no answer');
	my $id = $json->decode($o)->{id};
	for (1 .. 600)
	{
		run([ @curl, "$url/services/data/v62.0/jobs/query/$id" ], \undef, \$o);
		last if $o =~ /JobComplete/;
	}
	run([ @curl, "$url/services/data/v62.0/jobs/query/$id/results" ], \undef, \$o);
	is(scalar(rows_of($o)), 2001, 'a page over TLS');
	$tls->signal('INT');
	finish($tls);
	is($tls->full_result(0), 0, 'SIGINT ends it');
};

done_testing();
