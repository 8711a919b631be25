# The simulator as a program: its clock, its log, its state as a whole, and its start and end.
use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Compress::Gzip qw(gzip);
use IO::Socket::INET;
use IPC::Run qw(start run timeout);
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
$ENV{TMPDIR} = $dir;
my $json = JSON::PP->new->utf8->canonical;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $http = HTTP::Tiny->new(timeout => 120);
my (%env, $base, $token);

# A simulator: { process, out, err, env }; the requests below go to the one started last.
sub launch
{
	my (@args) = @_;
	my $self = { out => '', err => '' };
	$self->{process} = start([ $sfsim, '--port', 0, '--env', '--die-with-parent', @args ],
		\undef, \$self->{out}, \$self->{err}, timeout(300));
	$self->{process}->pump until $self->{out} =~ /^SF_REFRESH_TOKEN=.*\n/m;
	use_env($self->{out});
	return $self;
}

sub use_env
{
	my ($text) = @_;
	%env = $text =~ /^(SF_\w+)='(.*)'$/mg;
	s/'\\''/'/g for values %env;
	$base = $env{SF_URL};
	$token = $env{SF_TOKEN};
	return;
}

# Ends it with a signal: the exit code.
sub end
{
	my ($self, $signal) = @_;
	$self->{process}->signal($signal // 'TERM');
	$self->{process}->finish;
	return $self->{process}->result(0);
}

sub req
{
	my ($method, $path, %opt) = @_;
	my %headers = (Authorization => "Bearer $token", %{ delete $opt{headers} || {} });
	$headers{'Content-Type'} //= 'application/json' if defined $opt{content};
	$path = "/services/data/v62.0$path" unless $path =~ m{^/(?:services|__sfsim|id)};
	return $http->request($method, "$base$path", { headers => \%headers, %opt });
}

sub body { return $json->decode($_[0]{content}); }
sub code_of { my $b = body($_[0]); return ref $b eq 'ARRAY' ? $b->[0]{errorCode} : $b->{error}; }

sub control
{
	my ($method, $what, $body) = @_;
	my $r = $http->request($method, "$base/__sfsim/$what",
		defined $body ? { content => $json->encode($body) } : {});
	my $content = $r->{content} =~ /^[\[{]/ ? body($r) : $r->{content};
	return wantarray ? ($r->{status}, $content) : $content;
}

sub query
{
	my ($soql) = @_;
	my $r = req('GET', '/query?q=' . $soql =~ s/([^\w])/sprintf '%%%02X', ord $1/ger);
	die "$soql: $r->{status} $r->{content}" unless $r->{success};
	return body($r);
}

sub job
{
	my ($soql) = @_;
	return body(req('POST', '/jobs/query', content => $json->encode({ operation => 'query', query => $soql })))->{id};
}
sub state_of { return body(req('GET', "/jobs/query/$_[0]"))->{state}; }

my $sim = launch('--rows', 'Account=50');

subtest 'the clock' => sub {
	my $c = control('GET', 'clock');
	is("$c->{frozen} $c->{moved}", '0 0', 'at first it is the machine\'s');
	ok(abs($c->{now_ms} - $c->{machine_ms}) < 60000, 'and shows its time');
	control('POST', 'options', { queue_ms => 1000, job_ms => 3600000 });
	my $id = job('SELECT Id FROM Account');
	control('POST', 'clock', { freeze => $true });
	control('POST', 'clock', { advance_ms => 60000 });
	is(state_of($id), 'InProgress', 'a minute later');
	control('POST', 'clock', { advance_ms => 3500000 });
	is(state_of($id), 'InProgress', 'nearly an hour later');
	control('POST', 'clock', { advance_ms => 41000 });
	is(state_of($id), 'JobComplete', 'after the hour');
	my $info = body(req('GET', "/jobs/query/$id"));
	ok($info->{totalProcessingTime} >= 3600000, 'it says how long that took');
	control('POST', 'options', { queue_ms => 0, job_ms => 0 });

	control('POST', 'clock', { set => '2001-02-03T04:05:06Z' });
	$c = control('GET', 'clock');
	is($c->{now}, '2001-02-03T04:05:06.000Z', 'set, and still frozen');
	is(control('GET', 'options')->{now}, '2001-02-03T04:05:06.000Z', 'the older switch shows the same');
	like(body(req('GET', '/jobs/query/' . job('SELECT Id FROM Account')))->{createdDate}, qr/^2001-02-03T04:05:06/,
		'rows and jobs get that date');
	is(query('SELECT COUNT() FROM Account WHERE CreatedDate > TODAY')->{totalSize}, 50, 'all rows are of the future');
	control('POST', 'clock', { set => '2200-01-01T00:00:00Z', freeze => $false });
	is(query('SELECT COUNT() FROM Account WHERE CreatedDate > TODAY')->{totalSize}, 0, 'all rows are of the past');
	ok(control('GET', 'clock')->{moved}, 'it runs on from there');
	for ({ advance_ms => -1 }, { advance_ms => 'x' }, { set => 'tomorrow' }, { freeze => 1 }, { reset => $false }, {},
		{ advance_ms => 5, other => 1 }, [], { set => '9999-01-01T00:00:00Z' })
	{
		is((control('POST', 'clock', $_))[0], 400, 'refused: ' . $json->encode($_));
	}
	my $before = control('GET', 'clock')->{now_ms};
	ok($before < 7258118400000 + 600000, 'a refused one moves nothing');
	control('POST', 'options', { now => '2024-02-29T13:00:00Z' });
	is(control('GET', 'clock')->{now}, '2024-02-29T13:00:00.000Z', 'the older switch sets the clock');
	control('POST', 'reset', {});
	$c = control('GET', 'clock');
	is("$c->{frozen} $c->{moved}", '0 0', 'reset');
};

sub last_log { return control('GET', "log?last=1&bodies=all&$_[0]")->[0]; }

subtest 'the log keeps bodies' => sub {
	control('DELETE', 'log');
	my $text = '{"x":"' . ("\xc3\xbc" x 9000) . '"}';
	req('POST', '/composite', content => $text);
	my $e = last_log('path=*/composite');
	my $sent = $e->{body};
	utf8::encode($sent);
	ok($sent eq $text, 'the whole request');
	is($e->{body_bytes}, length $text, 'its length');
	like($e->{answer_body}, qr/"message":"The request has no subrequests."/, 'the whole answer');
	is($e->{answer_body_bytes}, length $e->{answer_body}, 'and its length');
	my $head = control('GET', 'log?last=1')->[0];
	ok(length $head->{body} < 4097 && length $head->{body} > 2000, 'the list shows the beginning, in whole characters');
	ok(!exists control('GET', 'log?bodies=none')->[0]{body}, 'or nothing of it');
	my $n = $e->{n};
	is($http->get("$base/__sfsim/log/$n/request")->{content} eq $text, 1, 'the request as it was');
	like($json->encode(scalar control('GET', "log/$n/answer")), qr/has no subrequests/, 'the answer as it was');
	is(control('GET', "log/$n")->{n}, $n, 'one entry');
	is((control('GET', $_))[0], 404, $_) for "log/999999", "log/x", "log/$n/other", "log/$n/request/x", 'log/-1';

	# gzip on the wire, plain in the log
	my $r = req('GET', '/limits', headers => { 'Accept-Encoding' => 'gzip' });
	like(last_log('path=*/limits')->{answer_body}, qr/^\{"/, 'the answer before compression');
	gzip(\'{"compositeRequest":7}' => \my $packed);
	req('POST', '/composite', content => $packed, headers => { 'Content-Encoding' => 'gzip' });
	is(last_log('')->{body}, '{"compositeRequest":7}', 'the request unpacked');
};

subtest 'bodies that are no text' => sub {
	my $bytes = join '', map { chr } 0 .. 255;
	for ([ $bytes, 'all bytes' ], [ "\xc3", 'a cut character' ], [ "ab\xff", 'no character' ], [ "\xed\xa0\x80", 'a surrogate' ],
		[ "\xc0\x80", 'overlong' ], [ "\xf4\x90\x80\x80", 'too high' ])
	{
		my ($body, $name) = @$_;
		req('POST', '/composite', content => $body);
		my $e = last_log('');
		is($e->{body}, undef, "$name: no text");
		is(decode_base64($e->{body_base64}), $body, 'but base64');
		is(control('GET', "log/$e->{n}/request"), $body, 'or as it was') unless $body =~ /^[\[{]/;
	}
	req('POST', '/composite', content => "a\0b\x7f");
	is(last_log('')->{body}, "a\0b\x7f", 'NUL is text');
	req('GET', '/sob%FFjects');
	is(last_log('')->{path}, "/services/data/v62.0/sob\x{fffd}jects", 'a path that is no text');
	my $socket = IO::Socket::INET->new($base =~ s{^http://}{}r) or die $!;
	print $socket "GET /services/data HTTP/1.1\r\nHost: x\r\nX-Odd: a\xe9b\r\nConnection: close\r\n\r\n";
	1 while <$socket>;
	my $headers = last_log('')->{headers};
	is((map { $headers->{$_} } grep { lc eq 'x-odd' } keys %$headers)[0], "a\x{fffd}b", 'a header that is none');

	# cut in the middle of a character by the limit of one body
	control('POST', 'options', { log_body_kb => 1 });
	req('POST', '/composite', content => 'x' . "\xc3\xbc" x 1000);
	my $e = last_log('');
	is($e->{body}, 'x' . "\xfc" x 511, 'a cut character is left out');
	is($e->{body_bytes}, 2001, 'the length is that of the whole');
	control('POST', 'reset', {});
};

subtest 'filters of the log' => sub {
	control('DELETE', 'log');
	req('GET', '/limits') for 1 .. 3;
	req('POST', '/composite', content => '{}');
	req('GET', '/nowhere');
	my @n = map { $_->{n} } @{ control('GET', 'log') };
	is(scalar @n, 5, 'all');
	my $is = sub {
		my ($query, @want) = @_;
		is_deeply([ map { $_->{n} } @{ control('GET', "log?$query") } ], [ @n[@want] ], $query);
	};
	$is->("since=$n[1]", 2, 3, 4);
	$is->("since=$n[1]&limit=2", 2, 3);
	$is->('limit=1', 0);
	$is->('last=2', 3, 4);
	$is->('last=2&path=*/limits', 1, 2);
	$is->('method=POST', 3);
	$is->('method=P*T', 3);
	$is->('status=404', 4);
	$is->('path=*/limits&method=GET&limit=2&since=' . $n[0], 1, 2);
	$is->('last=0');
	$is->('since=999999');
	is((control('GET', "log?$_"))[0], 400, $_) for 'since=x', 'limit=-1', 'bodies=x';
};

subtest 'the log has a budget' => sub {
	control('DELETE', 'log');
	control('POST', 'options', { log_mb => 1 });
	req('POST', '/composite', content => $_ x 400000) for 'a' .. 'd';
	my @e = @{ control('GET', 'log?bodies=all') };
	is(join(' ', map { length($_->{body} // '') } @e), '0 0 400000 400000', 'the oldest make room');
	is(join(' ', map { $_->{body_dropped} } @e), '1 1 0 0', 'and say so');
	is(join(' ', map { $_->{body_bytes} } @e), '400000 400000 400000 400000', 'how long they were');
	is((control('GET', "log/$e[0]{n}/request"))[0], 410, 'they are gone');
	control('POST', 'reset', {});
};

subtest 'a result page in the log' => sub {
	my $id = job('SELECT Id FROM Account');
	for (1 .. 1000)
	{
		last if state_of($id) eq 'JobComplete';
	}
	my $page = req('GET', "/jobs/query/$id/results")->{content};
	my $e = last_log('');
	is($e->{answer_body}, $page, 'its text');
	is($e->{answer_body_bytes}, length $page, 'its length');
	is(control('GET', "log/$e->{n}/answer"), $page, 'as it was');
};

subtest 'secrets stay out of the log' => sub {
	control('DELETE', 'log');
	my @client = (client_id => $env{SF_CLIENT_ID}, client_secret => $env{SF_CLIENT_SECRET});
	my $r = $http->post_form("$base/services/oauth2/token", { grant_type => 'client_credentials', @client });
	my $access = body($r)->{access_token};
	$http->post_form("$base/services/oauth2/token", { grant_type => 'password', @client, username => $env{SF_USERNAME},
		password => "$env{SF_PASSWORD}$env{SF_SECURITY_TOKEN}" });
	$http->post_form("$base/services/oauth2/introspect", { token => $access, @client });
	$http->post_form("$base/services/oauth2/token", { grant_type => 'refresh_token', @client, refresh_token => $env{SF_REFRESH_TOKEN} });
	$http->post("$base/services/oauth2/token", { content => "grant_type=x&client%5Fsecret=$env{SF_CLIENT_SECRET}" });
	my $soap = '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><login xmlns="urn:partner.soap.sforce.com"><username>'
	  . "$env{SF_USERNAME}</username><password>" . ($env{SF_PASSWORD} =~ s/&/&amp;/gr =~ s/</&lt;/gr) . $env{SF_SECURITY_TOKEN}
	  . '</password></login></Body></Envelope>';
	my $answer = $http->post("$base/services/Soap/u/62.0", { content => $soap, headers => { SOAPAction => '""', 'Content-Type' => 'text/xml' } });
	my ($session) = $answer->{content} =~ m{<sessionId>(.*?)</sessionId>};
	ok($session, 'a SOAP session');
	req('GET', "/id/x/y?access_token=$access", headers => { Authorization => 'none' });
	req('GET', '/limits', headers => { 'X-SFDC-Session' => $session });
	my $text = $http->get("$base/__sfsim/log?bodies=all")->{content};
	for ([ $access, 'access token' ], [ $token, 'token' ], [ $session, 'session' ], [ $env{SF_CLIENT_SECRET}, 'client secret' ],
		[ $env{SF_SECURITY_TOKEN}, 'security token' ], [ $env{SF_REFRESH_TOKEN}, 'refresh token' ],
		[ substr($env{SF_PASSWORD}, 0, 10), 'password' ])
	{
		ok(index($text, $_->[0]) < 0, "no $_->[1]");
	}
	like($text, qr/\\"instance_url\\":\\"http/, 'the rest of an answer is there');
	like($text, qr/\\"access_token\\":\\"\*\*\*\\"/, 'with stars for the token');
	like($text, qr/grant_type=client_credentials|grant_type=x/, 'and of a request');
};

is(end($sim), 0, 'a clean end');
done_testing();
