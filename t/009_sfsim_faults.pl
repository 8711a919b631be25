# The simulator's faults: what they address, what they do, and that they do it together.
use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use IPC::Run qw(start kill_kill timeout);
use JSON::PP;
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
my ($out, $err) = ('', '');
$ENV{TMPDIR} = $dir;
my $sim = start([ $sfsim, '--port', 0, '--env', '--rows', 'Account=100', '--page-rows', 10, '--die-with-parent' ],
	\undef, \$out, \$err, timeout(300));
$sim->pump until $out =~ /^SF_REFRESH_TOKEN=.*\n/m;
my ($base) = $out =~ /^SF_URL='(.*)'/m;
my ($token) = $out =~ /^SF_TOKEN='(.*)'/m;
my ($port) = $base =~ /:(\d+)$/;
my $data = '/services/data/v62.0';
my $json = JSON::PP->new->utf8->canonical;
my $http = HTTP::Tiny->new(timeout => 120);

sub req
{
	my ($method, $path, %opt) = @_;
	my %headers = (Authorization => "Bearer $token", %{ delete $opt{headers} || {} });
	$headers{'Content-Type'} //= 'application/json' if defined $opt{content};
	$path = "$data$path" unless $path =~ m{^/(?:services|__sfsim)};
	return $http->request($method, "$base$path", { headers => \%headers, %opt });
}

sub body { return $json->decode($_[0]{content}); }

sub control
{
	my ($method, $what, $body) = @_;
	my $r = $http->request($method, "$base/__sfsim/$what",
		defined $body ? { content => $json->encode($body) } : {});
	return wantarray ? ($r->{status}, $json->decode($r->{content})) : $json->decode($r->{content});
}

sub fault
{
	my ($status, $answer) = control('POST', 'faults', @_ == 1 ? $_[0] : [@_]);
	die $answer->{error} unless $status == 200;
	return $answer->{ids};
}
sub clear { return control('DELETE', 'faults')->{removed}; }
sub statuses { return join ' ', map { req('GET', $_)->{status} } @_; }

# A finished job over 100 rows in pages of 10: its results path.
sub results
{
	my $id = body(req('POST', '/jobs/query',
		content => $json->encode({ operation => 'query', query => 'SELECT Id, Industry FROM Account' })))->{id};
	for (1 .. 1000)
	{
		last if body(req('GET', "/jobs/query/$id"))->{state} eq 'JobComplete';
	}
	return ("/jobs/query/$id/results", $id);
}

# What comes over the wire for one GET, to the end of the connection.
sub raw
{
	my ($path, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	print $s join("\r\n", "GET $data$path HTTP/1.1", 'Host: x', "Authorization: Bearer $token",
		'Connection: close', @headers, '', '');
	local $/;
	return scalar <$s>;
}

sub is_refused
{
	my ($spec, $pattern) = @_;
	my ($status, $answer) = control('POST', 'faults', $spec);
	is($status, 400, "refused: $pattern");
	like($answer->{error}, qr/$pattern/, 'and why');
}

subtest 'what is addressed' => sub {
	fault({ path => '*/limits', nth => 2, count => 2, error => 'html_503' });
	is(statuses(('/limits') x 5), '200 503 503 200 200', 'occurrences');
	is(control('GET', 'faults')->[0]{seen}, 5, 'all of them are counted');
	is(control('GET', 'faults')->[0]{fired}, 2, 'and those it acted on');
	clear();

	fault({ path => '*/limits', method => 'P*', status => 500, count => 0 });
	is(statuses('/limits'), 200, 'not this method');
	is(req('POST', '/limits')->{status}, 500, 'this one');
	clear();

	fault({ header => { 'X-Test' => 'a*', 'X-Not' => undef }, status => 500, count => 0 });
	is(statuses('/limits'), 200, 'without the header');
	is(req('GET', '/limits', headers => { 'X-Test' => 'abc' })->{status}, 500, 'with it');
	is(req('GET', '/limits', headers => { 'x-test' => 'bc' })->{status}, 200, 'with another value');
	is(req('GET', '/limits', headers => { 'X-Test' => 'abc', 'X-Not' => 1 })->{status}, 200, 'with one too many');
	clear();

	fault({ request_body => '*"na[l-n]e"*', status => 500, count => 0 });
	is(req('POST', '/composite', content => '{"x":1}')->{status}, 400, 'another body');
	is(req('POST', '/composite', content => '{"name":1}')->{status}, 500, 'this body');
	clear();

	my ($path, $id) = results();
	my ($other) = results();
	fault({ job_id => substr($id, 0, 15), status => 500, count => 0 });
	is(statuses($path, $other, '/jobs/query'), '500 200 200', 'one job, by its short id');
	clear();

	fault({ query => 'maxRecords=*', status => 500, count => 0 });
	is(statuses("$path?maxRecords=5", $path), '500 200', 'by the query text');
	is(clear(), 1, 'cleared');

	fault({ name => 'a', status => 500, count => 0 }, { name => 'b', status => 503, count => 0 });
	is(statuses('/limits'), 500, 'the older of two answers');
	is(control('DELETE', 'faults?name=a')->{removed}, 1, 'one goes by its name');
	is(statuses('/limits'), 503, 'the newer one answers');
	my $b = control('GET', 'faults')->[0];
	is_deeply($b->{fault}, { name => 'b', status => 503, count => 0 }, 'it is listed as it was given');
	is($b->{seen}, 2, 'and has seen what the other answered');
	is(control('DELETE', "faults/$b->{id}")->{removed}, 1, 'the other goes by its number');
	is(statuses('/limits'), 200, 'nothing is left');
	is((control('DELETE', 'faults/x'))[0], 400, 'no number');
};

subtest 'several at once' => sub {
	fault({ path => '*/limits', replace => { find => 'DailyApiRequests', with => 'One' } },
		{ path => '*/limits', replace => [ { find => 'One', with => 'Two' }, { find => '{', with_hex => '7b20' } ] },
		{ path => '*/limits', headers => { 'X-One' => '1' } },
		{ path => '*/limits', headers => { 'X-Two' => '2' }, insert => { at => -1, text => "\n" } });
	my $r = req('GET', '/limits');
	like($r->{content}, qr/^\{ /, 'the second edit of the second');
	like($r->{content}, qr/"Two":/, 'edits see what the older ones have left');
	unlike($r->{content}, qr/DailyApiRequests"|"One"/, 'and so did the first');
	like($r->{content}, qr/\n\}$/, 'an insertion before the end');
	is("$r->{headers}{'x-one'}$r->{headers}{'x-two'}", '12', 'headers of both');
	my ($entry) = grep { $_->{n} } reverse @{ control('GET', 'log') };
	is_deeply($entry->{faults}, [ map { $_->{id} } @{ control('GET', 'faults') } ], 'the log names them');
	clear();

	# two holds: the request waits for both
	fault({ name => 'x', path => '*/limits', hold => 'before' }, { name => 'y', path => '*/limits', hold => 'after' });
	my $pid = fork // die;
	if ($pid == 0)
	{
		require POSIX;
		POSIX::_exit(req('GET', '/limits')->{status} == 200 ? 0 : 1);
	}
	is(control('GET', 'wait?path=*/limits&state=held&timeout_ms=60000')->{matched} > 0, 1, 'held');
	wait_until(sub { (grep { $_->{waiting} } @{ control('GET', 'faults') }) == 1 });
	my @f = @{ control('GET', 'faults') };
	is("$f[0]{waiting} $f[1]{waiting}", '1 0', 'at the first');
	control('POST', 'release?name=x');
	wait_until(sub { control('GET', 'faults')->[1]{waiting} });
	@f = @{ control('GET', 'faults') };
	is("$f[0]{waiting} $f[1]{waiting}", '0 1', 'then at the second');
	is($f[0]{released}, JSON::PP::true, 'the first is open');
	control('DELETE', 'faults');
	waitpid $pid, 0;
	is($?, 0, 'answered when the second was cleared');
};

# Until the simulator says so: looks again and again, without a sleep of its own.
sub wait_until
{
	my ($code) = @_;
	for (1 .. 100000)
	{
		return if $code->();
	}
	die 'it does not happen';
}

subtest 'result pages' => sub {
	my ($path) = results();
	my $whole = req('GET', $path)->{content};
	my $wire = sub { return (split /\r\n\r\n/, raw($path), 2)[1]; };
	my @lines = split /(?<=\n)/, $whole;
	is(scalar @lines, 11, 'a page of ten rows');

	fault({ path => '*/results', nth => 3, truncate => 100 });
	is(length $wire->(), length $whole, 'the first page is whole') for 1 .. 2;
	is($wire->(), substr($whole, 0, 100), 'the third is cut');
	clear();

	fault({ path => '*/results', chunked => JSON::PP::true, truncate => 100 });
	my $cut = raw($path);
	like($cut, qr/Transfer-Encoding: chunked/i, 'a chunked body');
	unlike($cut, qr/\r\n0\r\n\r\n\z/, 'that is cut');
	clear();

	fault({ path => '*/results', piece => 7, chunked => JSON::PP::true });
	like(raw($path), qr/\r\n\r\n7\r\n.{7}\r\n7\r\n/s, 'small pieces');
	fault({ path => '*/results', flip => 1 });
	is($wire->(), substr($whole, 0, 1) . ~substr($whole, 1, 1) . substr($whole, 2), 'one byte is wrong');
	fault({ path => '*/results', shuffle_rows => JSON::PP::true, count => 2 });
	my $mixed = $wire->();
	isnt($mixed, $whole, 'another order of rows');
	is($wire->(), $mixed, 'the same at the second reading');
	is(join('', sort split /(?<=\n)/, $mixed), join('', sort @lines), 'the same rows');
	is((split /(?<=\n)/, $mixed)[0], $lines[0], 'the header stays');
	fault({ path => '*/results', reverse_columns => JSON::PP::true });
	like($wire->(), qr/^"Industry","Id"\n"[^"]*","001/, 'the columns the other way round');
	fault({ path => '*/results', drop_rows => 3 });
	is($wire->(), join('', @lines[ 0 .. 7 ]), 'rows are missing');
	fault({ path => '*/results', drop_rows => 30 });
	is($wire->(), $lines[0], 'all of them');
	fault({ path => '*/results', repeat_rows => 2 });
	is($wire->(), join('', @lines, @lines[ 9, 10 ]), 'rows come twice');
	fault({ path => '*/results', header_only => JSON::PP::true });
	is($wire->(), $lines[0], 'only the header');
	fault({ path => '*/results', empty => JSON::PP::true });
	is($wire->(), '', 'nothing');
	fault({ path => '*/results', replace => { find => '"', with_hex => '00', all => JSON::PP::true } });
	is($wire->(), $whole =~ s/"/\0/gr, 'NUL bytes');

	my $locator = req('GET', $path)->{headers}{'sforce-locator'};
	fault({ path => '*/results', same_locator => JSON::PP::true });
	is(req('GET', "$path?locator=$locator")->{headers}{'sforce-locator'}, $locator, 'the same locator again');
	fault({ path => '*/results', drop_headers => 'sforce-*' });
	is_deeply([ grep { /sforce/ } keys %{ req('GET', $path)->{headers} } ], [], 'the Sforce headers are missing');
	fault({ path => '*/results', drop_headers => [ 'x-*', 'Server' ], records_off => -3 });
	my $h = req('GET', $path)->{headers};
	is($h->{'sforce-numberofrecords'}, 7, 'a wrong number of records');
	is_deeply([ grep { /^x-|^server/ } keys %$h ], [], 'other headers are missing');
	fault({ path => '*/results', lower_headers => JSON::PP::true });
	like(raw($path), qr/\r\nsforce-locator: /, 'lower-case names');
	fault({ path => '*/results', gzip_cut => 20 });
	my $gz = raw($path, 'Accept-Encoding: gzip');
	like($gz, qr/Content-Length: 20\r\n/, 'a cut gzip stream in a whole message');
	clear();
};

subtest 'parts of composite calls' => sub {
	my $call = sub {
		return body(req('POST', '/composite/batch',
			content => $json->encode({ batchRequests => [ map { { method => 'GET', url => "v62.0/$_" } } qw(limits sobjects/Account limits) ] })));
	};
	fault({ part => JSON::PP::true, path => '*/limits', nth => 2, error => 'server_unavailable' });
	is(statuses('/limits', '/limits'), '200 200', 'requests of their own are not concerned');
	my $r = $call->();
	is(join(' ', map { $_->{statusCode} } @{ $r->{results} }), '200 200 503', 'the second part of that name');
	is($r->{results}[2]{result}[0]{errorCode}, 'SERVER_UNAVAILABLE', 'with its error');
	is(join(' ', map { $_->{statusCode} } @{ $call->()->{results} }), '200 200 200', 'once');
	clear();
	fault({ part => JSON::PP::true, path => '*/limits', hold => 'after', name => 'part' });
	control('DELETE', 'log');
	my $pid = fork // die;
	if ($pid == 0)
	{
		require POSIX;
		POSIX::_exit($call->()->{hasErrors} ? 1 : 0);
	}
	is(control('GET', 'wait?path=*/batch&state=held&timeout_ms=60000')->{matched}, 1, 'a part that is held holds the whole');
	control('POST', 'release?name=part');
	waitpid $pid, 0;
	is($?, 0, 'until it is released');
	clear();
	is_refused({ part => JSON::PP::true, close => 'before' }, 'not with parts');
};

subtest 'ready answers' => sub {
	my %want = (
		session_expired => '401 INVALID_SESSION_ID', request_limit => '403 REQUEST_LIMIT_EXCEEDED',
		conflict => '409 INVALIDJOB', job_state => '400 INVALIDJOBSTATE', locked_row => '400 UNABLE_TO_LOCK_ROW',
		server_unavailable => '503 SERVER_UNAVAILABLE', query_timeout => '400 QUERY_TIMEOUT',
		unknown_exception => '500 UNKNOWN_EXCEPTION');
	for my $name (sort keys %want)
	{
		fault({ error => $name });
		my $r = req('GET', '/limits');
		is("$r->{status} " . body($r)->[0]{errorCode}, $want{$name}, $name);
	}
	fault({ error => 'conflict' });
	like(req('GET', '/jobs/query')->{content}, qr/^\[\{"errorCode":/, 'below /jobs the code comes first');
	fault({ error => 'conflict' });
	like(req('GET', '/limits')->{content}, qr/^\[\{"message":/, 'elsewhere the message');
	fault({ error => 'session_expired', count => 2 });
	my $async = $http->get("$base/services/async/62.0/job/750000000000001", { headers => { 'X-SFDC-Session' => $token } });
	like("$async->{status} $async->{content}",
		qr{^400 .*<exceptionCode>InvalidSessionId</exceptionCode>\s*<exceptionMessage>Session expired or invalid</}s,
		'the Bulk API 1.0 has its own form');
	$async = $http->get("$base/services/async/62.0/job/750000000000001",
		{ headers => { 'X-SFDC-Session' => $token, Accept => 'application/json' } });
	is($async->{content}, '{"exceptionCode":"InvalidSessionId","exceptionMessage":"Session expired or invalid"}', 'in JSON, too');
	fault({ error => 'edge_420' });
	my $r = req('GET', '/limits');
	is("$r->{status}$r->{content}", '420', 'no body');
	ok(!defined $r->{headers}{'content-type'}, 'and no type');
	fault({ error => 'html_502' });
	like(req('GET', '/limits')->{headers}{'content-type'}, qr{^text/html}, 'HTML');
	fault({ after => JSON::PP::true, status => 500, path => '*/jobs/query', method => 'POST' });
	my $before = @{ control('GET', 'jobs') };
	is(req('POST', '/jobs/query', content => '{"operation":"query","query":"SELECT Id FROM Account"}')->{status}, 500,
		'an answer that says it failed');
	is(@{ control('GET', 'jobs') }, $before + 1, 'though it was done');
	clear();
};

subtest 'while a body arrives' => sub {
	my $id = body(req('POST', '/jobs/ingest', content => '{"object":"Account","operation":"insert"}'))->{id};
	my $upload = sub {
		my ($sent) = @_;
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
		print $s join("\r\n", "PUT $data/jobs/ingest/$id/batches HTTP/1.1", 'Host: x',
			"Authorization: Bearer $token", 'Content-Type: text/csv', 'Content-Length: 21',
			'Connection: close', '', $sent);
		$s->flush;
		return $s;
	};
	my $rest = sub { local $/; return scalar(readline $_[0]) // ''; };
	my %put = (method => 'PUT', path => '*/batches');

	# these go by what has come: the rest of the body never does
	fault({ %put, body_at => 0, close => 'before' });
	is($rest->($upload->('')), '', 'the head alone closes the connection');
	fault({ %put, body_at => 5, close => 'before' });
	is($rest->($upload->("Name\nx")), '', 'so do some bytes of the body');
	my $log = [ grep { $_->{method} eq 'PUT' } @{ control('GET', 'log') } ];
	is("@$_{qw(state fault)}", 'aborted 1', 'it is in the log') for @$log;
	is(@$log, 2, 'each of them once');
	is(body(req('GET', "/jobs/ingest/$id"))->{state}, 'Open', 'nothing was done');

	# held, then let go on
	fault({ %put, body_at => 5, hold => 'before' });
	my $s = $upload->("Name\nHeld");
	control('GET', 'wait?method=PUT&state=held');
	control('POST', 'release', {});
	print $s " for a ride\n";
	like($rest->($s), qr{^HTTP/1.1 201 }, 'an upload that was held is taken');
	$log = [ grep { $_->{method} eq 'PUT' } @{ control('GET', 'log?bodies=all') } ];
	is($log->[-1]{body}, "Name\nHeld for a ride\n", 'all of it');
	is(@$log, 3, 'once');
	clear();
};

subtest 'what is refused' => sub {
	is_refused({ pth => '*' }, 'unknown member "pth"');
	is_refused({ replace => { fnd => 'x' } }, 'unknown member "replace.fnd"');
	is_refused({ replace => [ 1 ] }, '"replace" has the wrong type');
	is_refused({ insert => { at => 0, hex => '0' } }, '"hex" has the wrong type');
	is_refused({ nth => -1 }, '"nth" has the wrong type');
	is_refused({ nth => 1.5 }, '"nth" has the wrong type');
	is_refused({ header => { a => 1 } }, '"header" has the wrong type');
	is_refused({ error => 'x' }, 'unknown error');
	is_refused({ hold => 'x' }, '"hold" is');
	is_refused({ job_id => 'x' }, 'is no id');
	is_refused({ body_at => 1, status => 500 }, '"body_at" goes with');
	is_refused({ body_at => 1, hold => 'after' }, '"body_at" goes with');
	is_refused({ body_at => 1 }, '"body_at" goes with');
	is_refused({ status => 1000 }, 'from 100 to 599');
	is_refused({ job => { fial => 1 } }, 'job.fial');
	is_refused([ { status => 500 }, { x => 1 } ], 'unknown member "x"');
	is_deeply(scalar control('GET', 'faults'), [], 'nothing of these is left behind');
};

$sim->signal('TERM');
$sim->finish;
is($sim->result(0), 0, 'a clean end');
done_testing();
