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

	# the header by which clients tell Salesforce's time
	control('POST', 'clock', { set => '2024-02-29T13:00:00Z', freeze => $true });
	for ([ 'GET', '/limits', 200 ], [ 'GET', '/sobjects/Account/describe', 200 ], [ 'GET', '/jobs/query/x', 404 ],
		[ 'POST', '/composite', 400 ])
	{
		my ($method, $path, $status) = @$_;
		my $r = req($method, $path, $method eq 'POST' ? (content => '{}') : ());
		is("$r->{status} $r->{headers}{date}", "$status Thu, 29 Feb 2024 13:00:00 GMT", "Date of $method $path");
	}
	control('POST', 'clock', { set => '2024-03-01T12:59:59Z' });
	control('POST', 'clock', { advance_ms => 2001 });
	is(req('GET', '/limits')->{headers}{date}, 'Fri, 01 Mar 2024 13:00:01 GMT', 'Date goes by the clock');
	control('POST', 'clock', { freeze => $false });
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
	like($e->{answer_body}, qr/^\{"compositeResponse".*\}\z/, 'the whole answer');
	is($e->{answer_body_bytes}, length $e->{answer_body}, 'and its length');
	my $head = control('GET', 'log?last=1')->[0];
	ok(length $head->{body} < 4097 && length $head->{body} > 2000, 'the list shows the beginning, in whole characters');
	ok(!exists control('GET', 'log?bodies=none')->[0]{body}, 'or nothing of it');
	my $n = $e->{n};
	is($http->get("$base/__sfsim/log/$n/request")->{content} eq $text, 1, 'the request as it was');
	is($http->get("$base/__sfsim/log/$n/answer")->{content}, $e->{answer_body}, 'the answer as it was');
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


# What can differ between two moments of an org, as one text.
sub picture
{
	my $accounts = query('SELECT Id, Name FROM Account ORDER BY Id');
	my $deleted = body(req('GET', '/queryAll?q=' . 'SELECT+COUNT()+FROM+Account'))->{totalSize};
	return $json->encode({
		accounts => [ map { "$_->{Id} $_->{Name}" } @{ $accounts->{records} } ],
		deleted => $deleted,
		options => scalar control('GET', 'options'),
		jobs => scalar control('GET', 'jobs'),
	});
}

sub insert { return body(req('POST', '/sobjects/Account', content => $json->encode({ Name => $_[0] })))->{id}; }

subtest 'snapshot and restore' => sub {
	control('POST', 'reset', {});
	is((control('POST', 'restore', {}))[0], 400, 'there is none yet');
	my $first = insert('before');
	ok($first, 'a row');
	control('POST', 'options', { page_rows => 7, null_less => 'true', security_token => 'Other' });
	control('POST', 'clock', { set => '2031-05-06T07:08:09Z', freeze => $true });
	my $job = job('SELECT Id FROM Account');
	for (1 .. 1000) { last if state_of($job) eq 'JobComplete'; }
	my $before = picture();
	is(control('POST', 'snapshot', { name => 'one' })->{name}, 'one', 'taken');
	is_deeply([ map { $_->{name} } @{ control('GET', 'snapshot') } ], ['one'], 'and listed');

	# everything changes
	my $second = insert('after');
	my $more = insert('after that');
	is(req('DELETE', "/sobjects/Account/$first")->{status}, 204, 'a row goes');
	is(req('PATCH', '/sobjects/Account/' . query('SELECT Id FROM Account LIMIT 1')->{records}[0]{Id},
		content => '{"Name":"changed"}')->{status}, 204, 'a row changes');
	control('POST', 'options', { page_rows => 8, null_less => 'false', security_token => 'Third' });
	control('POST', 'clock', { reset => $true });
	control('DELETE', 'jobs');
	control('POST', 'faults', { status => 500, count => 0, path => '/nowhere' });
	my $old_token = $token;
	control('POST', 'tokens', { expire => $token });
	is(req('GET', '/limits')->{status}, 401, 'the session is gone');
	$token = control('POST', 'tokens', { issue => $true })->{access_token};
	isnt(picture(), $before, 'another org');

	control('POST', 'restore', { name => 'one' });
	is(req('GET', '/limits')->{status}, 401, 'a session that was not there then');
	$token = $old_token;
	is(picture(), $before, 'as it was');
	is(control('GET', 'clock')->{now}, '2031-05-06T07:08:09.000Z', 'its clock, too');
	is_deeply(scalar control('GET', 'faults'), [], 'without faults');
	is(insert('again'), $second, 'the next row gets the id that it got then');
	is(body(req('GET', "/sobjects/Account/$second?fields=Name,CreatedDate"))->{CreatedDate},
		'2031-05-06T07:08:09.000+0000', 'at the time that it was then');
	my $results = req('GET', "/jobs/query/$job/results");
	is($results->{status}, 200, 'the job is there with its results');
	control('POST', 'restore', { name => 'one' }) for 1 .. 3;
	is(picture(), $before, 'as often as one likes');

	# sessions may stay
	my $new = control('POST', 'tokens', { issue => $true })->{access_token};
	control('POST', 'faults', { name => 'kept', status => 500, count => 0, path => '/nowhere' });
	req('GET', '/limits');
	control('POST', 'restore', { name => 'one', keep_sessions => $true, keep_faults => $true, keep_log => $true });
	is(req('GET', '/limits', headers => { Authorization => "Bearer $_" })->{status}, 200, 'a session') for $new, $token;
	is(control('GET', 'faults')->[0]{fault}{name}, 'kept', 'faults');
	ok(@{ control('GET', 'log') } > 2, 'and the log');

	# a reader does not hinder
	control('POST', 'snapshot', {});
	my $page = query('SELECT Id FROM Account');
	my $cursor = body(req('GET', '/query?q=SELECT+Id+FROM+Account', headers => { 'Sforce-Query-Options' => 'batchSize=200' }));
	insert('x');
	control('POST', 'restore', {});
	is(query('SELECT COUNT() FROM Account')->{totalSize}, $page->{totalSize}, 'restored beside readers');
	is_deeply([ sort map { $_->{name} } @{ control('GET', 'snapshot') } ], [ 'default', 'one' ], 'two of them');
	is(control('DELETE', 'snapshot/one')->{removed}, 1, 'one goes');
	is(control('DELETE', 'snapshot/one')->{removed}, 0, 'once');
	is((control('POST', 'restore', { name => 'one' }))[0], 400, 'and cannot be restored');
	is(control('DELETE', 'snapshot')->{removed}, 1, 'the others go');
	for ({ name => '../x' }, { name => '.x' }, { name => '' }, { name => 'a/b' }, { name => 'x' x 65 }, { nme => 'x' },
		{ name => 7 }, [])
	{
		is((control('POST', 'snapshot', $_))[0], 400, 'refused: ' . $json->encode($_));
	}
	control('POST', 'reset', {});
};

is(end($sim), 0, 'a clean end');
is_deeply([ glob "$dir/*" ], [], 'nothing is left behind');

subtest 'an org that stays' => sub {
	my $data = "$dir/org";
	$sim = launch('--data', $data, '--rows', 'Account=30');
	is(query('SELECT COUNT() FROM Account')->{totalSize}, 30, 'rows are made');
	my $id = insert('stays');
	control('POST', 'options', { page_rows => 9 });
	control('POST', 'snapshot', { name => 'kept' });
	my ($out, $err) = ('', '');
	run([ $sfsim, '--port', 0, '--data', $data ], \undef, \$out, \$err);
	like($err, qr/another sfsim uses/, 'nobody else may use it');
	my $old = $token;
	my $job = job('SELECT Id FROM Account');
	for (1 .. 1000) { last if state_of($job) eq 'JobComplete'; }
	is(end($sim), 0, 'ends');
	is((stat $data)[2] & 0777, 0700, 'for its owner alone');

	$sim = launch('--data', $data, '--rows', 'Account=5');
	like($sim->{err}, qr/--rows and --seed change nothing/, 'rows are not made again');
	is(query('SELECT COUNT() FROM Account')->{totalSize}, 31, 'they are there');
	is(control('GET', 'options')->{page_rows}, 9, 'options');
	is(req('GET', '/limits', headers => { Authorization => "Bearer $old" })->{status}, 200, 'sessions');
	is(control('GET', 'snapshot')->[0]{name}, 'kept', 'snapshots');
	is(body(req('GET', "/sobjects/Account/$id"))->{Name}, 'stays', 'the row');
	is(req('GET', "/jobs/query/$job/results")->{status}, 200, 'jobs and their results');
	my $next = insert('killed');
	my $new = control('POST', 'tokens', { issue => $true })->{access_token};
	control('POST', 'clock', { set => '2030-01-01T00:00:00Z', freeze => $true });
	$sim->{process}->signal('KILL');
	$sim->{process}->finish;

	$sim = launch('--data', $data);
	is(body(req('GET', "/sobjects/Account/$next"))->{Name}, 'killed', 'a SIGKILL loses no row');
	is(query('SELECT COUNT() FROM Account')->{totalSize}, 32, 'counts are right');
	is(req('GET', '/limits', headers => { Authorization => "Bearer $new" })->{status}, 200, 'no session');
	is(control('GET', 'clock')->{now}, '2030-01-01T00:00:00.000Z', 'not the clock');
	isnt(insert('more'), $next, 'and no number of a row');
	is_deeply(scalar control('GET', 'jobs'), [], 'but jobs, which are written at a clean end');
	control('POST', 'restore', { name => 'kept', keep_sessions => $true });
	is(query('SELECT COUNT() FROM Account')->{totalSize}, 31, 'a snapshot of an earlier run');
	is(end($sim), 0, 'ends');
	$sim = launch('--data', $data);
	is(query('SELECT COUNT() FROM Account')->{totalSize}, 31, 'what was restored stays');
	is(end($sim), 0, 'ends');

	# what is not ours, or not of this schema
	open(my $f, '>', "$data/state.json") or die;
	print $f '{"format":1,"schema":"0000000000000000"}';
	close $f;
	run([ $sfsim, '--port', 0, '--data', $data ], \undef, \$out, \$err);
	like($err, qr/other objects or fields/, 'another schema');
	open($f, '>', "$data/state.json") or die;
	print $f 'nonsense';
	close $f;
	$err = '';
	run([ $sfsim, '--port', 0, '--data', $data ], \undef, \$out, \$err);
	like($err, qr/is not what this sfsim writes/, 'nonsense');
	$err = '';
	run([ $sfsim, '--port', 0, '--data', "$sfsim/x" ], \undef, \$out, \$err);
	like($err, qr/could not create/, 'no directory');
};

subtest 'https' => sub {
	$sim = launch('--tls', '--env-file', "$dir/env");
	like($base, qr/^https:/, 'the address');
	my $ca = $env{SF_CA_FILE};
	ok(-s $ca, 'its certificate');
	my ($out, $err) = ('', '');
	for my $host ('127.0.0.1', 'localhost')
	{
		my $url = "$base/services/data" =~ s/127\.0\.0\.1/$host/r;
		run([ 'curl', '-sS', '--noproxy', '*', '--cacert', $ca, $url ], \undef, \$out, \$err);
		like($out, qr/"version":"62\.0"/, "curl trusts it for $host");
	}
	run([ 'curl', '-sS', '--noproxy', '*', "$base/services/data" ], \undef, \$out, \$err);
	like($err, qr/certificate/, 'but only with it');
	run([ 'openssl', 'x509', '-in', $ca, '-noout', '-ext', 'subjectAltName' ], \undef, \$out, \$err);
	like($out, qr/DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/, 'its names');
	open(my $f, '<', "$dir/env") or die $!;
	my $file = do { local $/; <$f> };
	is((stat "$dir/env")[2] & 0777, 0600, 'the file of --env-file is for its owner alone');
	my %printed = %env;
	use_env($file);
	is_deeply([ sort keys %env ], [ sort keys %printed ], 'and has what --env prints');
	ok(-s $env{SF_JWT_KEY}, 'a private key');
	is(end($sim), 0, 'ends');
	ok(!-e $ca, 'the certificate goes with it');
	unlink "$dir/env";
};

subtest 'logins with the key of --env' => sub {
	$sim = launch();
	my $url = sub { my $t = encode_base64($_[0], ''); $t =~ tr{+/=}{-_}d; return $t; };
	my $part = $url->('{"alg":"RS256"}') . '.'
	  . $url->($json->encode({ iss => $env{SF_CLIENT_ID}, sub => $env{SF_USERNAME}, aud => $base, exp => time + 120 }));
	my ($signature, $err) = ('', '');
	run([ 'openssl', 'dgst', '-sha256', '-sign', $env{SF_JWT_KEY} ], \$part, \$signature, \$err);
	my $r = $http->post_form("$base/services/oauth2/token", {
		grant_type => 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion => "$part." . $url->($signature) });
	is($r->{status}, 200, 'taken');
	$token = body($r)->{access_token};
	is(req('GET', '/limits')->{status}, 200, 'a session');
	is((stat $env{SF_JWT_KEY})[2] & 0777, 0600, 'the key is for its owner alone');
	is(end($sim), 0, 'ends');
};

subtest 'it ends whatever goes on' => sub {
	for my $signal (qw(TERM INT HUP))
	{
		$sim = launch('--rows', 'Account=20000', '--page-rows', 100);
		my ($host) = $base =~ m{^http://(.*)};
		my @held;
		control('POST', 'faults', $_) for { path => '*/limits', hold => 'before', count => 0 },
			{ path => '*/sobjects', hold => 'body', hold_at => 10, count => 0 },
			{ path => '/services/data', delay_ms => 3600000 },
			{ path => '*/jobs/query', method => 'POST', job => { hold => 'InProgress' }, count => 0 };
		for my $path ('/services/data/v62.0/limits', '/services/data/v62.0/sobjects', '/services/data',
			'/__sfsim/wait?path=*/never&timeout_ms=600000')
		{
			my $s = IO::Socket::INET->new($host) or die $!;
			print $s "GET $path HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token\r\n\r\n";
			push @held, $s;
		}
		job('SELECT Id, Name FROM Account') for 1 .. 3;
		control('GET', 'wait?path=*/v62.0/*s&state=held&count=2&timeout_ms=60000');
		is(end($sim, $signal), 0, "SIG$signal");
	}
	is_deeply([ grep { !/org$/ } glob "$dir/*" ], [], 'nothing is left behind');
};

subtest 'arguments' => sub {
	my $try = sub {
		my ($out, $err) = ('', '');
		run([ $sfsim, @_ ], \undef, \$out, \$err);
		return ($? >> 8, $out, $err);
	};
	my ($rc, $out, $err) = $try->('--help');
	is($rc, 0, '--help');
	like($out, qr/^  --$_ /m, "--help tells of $_")
	  for qw(port port-file env env-file tls tls-cert jwt-public-key rows seed data page-rows job-time queue-time cache-mb
	  die-with-parent help);
	my $bad = sub {
		my ($pattern, @args) = @_;
		($rc, $out, $err) = $try->(@args);
		is($rc, 2, "@args");
		like($err, $pattern, 'and why');
	};
	$bad->(qr/unrecognized option '--prot'/, '--prot', 1);
	$bad->(qr/--port takes a number from 0 to 65535, not "x"/, '--port', 'x');
	$bad->(qr/from 0 to 65535/, '--port', 65536);
	$bad->(qr/from 0 to 65535/, '--port', '');
	$bad->(qr/requires an argument/, '--data');
	$bad->(qr/which is empty/, '--data', '');
	$bad->(qr/no object "Acount"/, '--rows', 'Acount=5');
	$bad->(qr/not of the form/, '--rows', 'Account');
	$bad->(qr/belong together/, '--tls-cert', 'x');
	$bad->(qr/one or the other/, '--tls', '--tls-cert', 'x', '--tls-key', 'y');
	$bad->(qr/unexpected argument "more"/, 'more');
	($rc, $out, $err) = $try->('--port', 0, '--tls-cert', '/nowhere', '--tls-key', '/nowhere');
	is($rc, 1, 'a file that is not there');
	like($err, qr{could not read "/nowhere": No such file}, 'and why');
	($rc, $out, $err) = $try->('--port', 0, '--env-file', '/nowhere/x');
	is($rc, 1, 'a file that cannot be written');
	like($err, qr{could not write "/nowhere/x"}, 'and why');
};

done_testing();
