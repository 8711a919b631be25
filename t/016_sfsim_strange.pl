# What sfsim makes of input that no client should send, and of looks at jobs that come late.
use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 20 });
my $http = HTTP::Tiny->new;
my $json = JSON::PP->new->utf8;
my $base = $sim->url . '/services/data/v62.0';

# One request with the present token: status and body.
sub call
{
	my ($method, $path, $content) = @_;
	my %headers = (Authorization => 'Bearer ' . $sim->env('SF_TOKEN'));
	$headers{'Content-Type'} = 'application/json' if defined $content;
	my $answer = $http->request(
		$method,
		$path =~ /^http/ ? $path : "$base/$path",
		{ headers => \%headers, defined $content ? (content => $content) : () });
	return ($answer->{status}, $answer->{content});
}

# An answer is JSON, whatever was asked for: the message of its error, bytes that are no UTF-8 replaced.
sub is_message
{
	my ($path, $content, $like) = @_;
	my ($status, $body) = call(defined $content ? 'POST' : 'GET', $path, $content);
	my $message = eval { $json->decode($body)->[0]{message} };
	is($status, 400, "$path is refused");
	like($message // "no JSON: $body", $like, 'with a message that is UTF-8');
	return;
}

subtest 'bytes that are no UTF-8' => sub {
	is_message('query?q=SELECT+%ff+FROM+Account', undef, qr/SELECT \x{fffd} FROM Account/);
	is_message('query?explain=%ff%c3', undef, qr/\x{fffd}/);
	is_message('composite/sobjects/Account?ids=%ed%a0%80&fields=Id', undef, qr/malformed id \x{fffd}{3}/);
	is_message('jobs/query', qq({"operation":"query","query":"SELECT \xff FROM Account"}),
		qr/SELECT \x{fffd} FROM Account/);
	is_message('jobs/ingest', qq({"operation":"insert","object":"\xf0\x9f\x98"}), qr/: \x{fffd}{3}$/);

	my ($status) = call('POST', $sim->url . '/__sfsim/faults', qq({"path":"\xff","status":418}));
	is($status, 400, 'a fault is refused for them');
	is_deeply($sim->control('GET', 'faults'), [], 'and not in the list');
};

subtest 'what is no record' => sub {
	my %seen = (
		'null' => 'VALUE_NULL value null', '[]' => 'START_ARRAY value [', '"x"' => 'VALUE_STRING value x',
		'7' => 'VALUE_NUMBER_INT value 7', '1.5' => 'VALUE_NUMBER_FLOAT value 1.5', 'true' => 'VALUE_TRUE value true');
	is_message('sobjects/Account', $_, qr/^Cannot deserialize instance of Account from \Q$seen{$_}\E or request/)
	  for sort keys %seen;
};

subtest 'an empty locator is none' => sub {
	my (undef, $job) = call('POST', 'jobs/query', '{"operation":"query","query":"SELECT Id FROM Account"}');
	my $id = $json->decode($job)->{id};
	my $state = '';
	$state = $json->decode((call('GET', "jobs/query/$id"))[1])->{state} while $state ne 'JobComplete';
	my ($status, $body) = call('GET', "jobs/query/$id/results/?locator=&maxRecords=2");
	is($status, 200, 'answered');
	is(scalar(() = $body =~ /\n/g), 3, 'with the first page');
	($status) = call('GET', "jobs/query/$id/results?locator=x");
	is($status, 400, 'another one is not');
};

subtest 'rows of one call with one external id' => sub {
	my @rows = map { { attributes => { type => 'Invoice__c' }, External_Key__c => $_ } } qw(a-1 A-1 a-2);
	my %headers = ('Content-Type' => 'application/json', Authorization => 'Bearer ' . $sim->env('SF_TOKEN'));
	my $upsert = sub {
		my $field = shift;
		my $r = $http->request('PATCH', "$base/composite/sobjects/Invoice__c/$field",
			{ headers => \%headers, content => $json->encode({ records => \@_ }) });
		return $json->decode($r->{content});
	};
	my $answer = $upsert->('External_Key__c', @rows);
	my $refused = {
		success => JSON::PP::false,
		errors => [
			{
				statusCode => 'DUPLICATE_VALUE',
				message => 'Duplicate external id specified: a-1',
				fields => ['External_Key__c']
			}
		]
	};
	is_deeply([ @$answer[ 0, 1 ] ], [ $refused, $refused ], 'Collections refuse all of them');
	ok($answer->[2]{success}, 'and take the others');
	$answer = $upsert->('Legacy_Code__c',
		map { { attributes => { type => 'Invoice__c' }, Legacy_Code__c => $_ } } qw(a A));
	ok($answer->[0]{success} && $answer->[1]{success}, 'a field that knows case has two');

	my %session = ('X-SFDC-Session' => $sim->env('SF_TOKEN'));
	my $bulk = $sim->url . '/services/async/62.0/job';
	my $job = $http->post($bulk, {
			headers => { %session, 'Content-Type' => 'application/json' },
			content => $json->encode({
				operation => 'upsert', object => 'Invoice__c', contentType => 'CSV',
				externalIdFieldName => 'External_Key__c' }) });
	my $id = $json->decode($job->{content})->{id};
	my $batch = $http->post("$bulk/$id/batch",
		{ headers => { %session, 'Content-Type' => 'text/csv' }, content => "External_Key__c\nb-1\nb-2\nB-1\n" });
	my ($name) = $batch->{content} =~ /(751\w{15})/;
	my $state = '';
	($state) = $http->get("$bulk/$id/batch/$name", { headers => \%session })->{content} =~ /<state>(\w+)/
	  while $state !~ /Completed|Failed/;
	my $result = $http->get("$bulk/$id/batch/$name/result", { headers => \%session })->{content};
	like(
		$result, qr/^"Id".*\n"","false","false","DUPLICATE_VALUE:Duplicate\ external\ id\ specified:\ b-1:External_Key__c\ --"
			\n"a00\w{15}","true","true",""\n"","false","false","DUPLICATE/x,
		'so does Bulk API 1.0');
};

subtest 'headers of an ingest job' => sub {
	my %auth = (Authorization => 'Bearer ' . $sim->env('SF_TOKEN'));
	my $failed = sub {
		my %more = @_;
		my $r = $http->post("$base/jobs/ingest", {
				headers => { %auth, 'Content-Type' => 'application/json', %more },
				content => '{"object":"Account","operation":"insert"}' });
		my $id = $json->decode($r->{content})->{id};
		$http->put("$base/jobs/ingest/$id/batches",
			{ headers => { %auth, 'Content-Type' => 'text/csv' }, content => "Name\nTwice\n" });
		$http->request('PATCH', "$base/jobs/ingest/$id",
			{ headers => { %auth, 'Content-Type' => 'application/json' }, content => '{"state":"UploadComplete"}' });
		my $info = {};
		$info = $json->decode((call('GET', "jobs/ingest/$id"))[1]) while ($info->{state} // '') ne 'JobComplete';
		return $info->{numberRecordsFailed};
	};
	my @allow = ('Sforce-Duplicate-Rule-Header' => 'allowSave=true');
	is($failed->(), 0, 'a row');
	$sim->control('POST', 'options', { duplicate_rule => JSON::PP::true });
	is($failed->(), 1, 'its duplicate');
	is($failed->(@allow), 0, 'which the header allows');
	$sim->control('POST', 'options', { ingest_headers => JSON::PP::false });
	is($failed->(@allow), 1, 'unless headers do not count');
	$sim->control('POST', 'options', { duplicate_rule => JSON::PP::false });
};

subtest 'a job that nobody looks at' => sub {
	my (undef, $body) = call('POST', 'jobs/query', '{"operation":"query","query":"SELECT Id FROM Account"}');
	my $at_once = $json->decode($body)->{id};
	$sim->set(job_ms => 3600000);
	(undef, $body) = call('POST', 'jobs/query', '{"operation":"query","query":"SELECT Name FROM Account"}');
	my $hour = $json->decode($body)->{id};
	$sim->control('POST', 'clock', { freeze => JSON::PP::true });

	$sim->control('POST', 'clock', { advance_ms => 7200000 });
	my %token = (headers => { Authorization => 'Bearer ' . $sim->token });
	my $info = $json->decode($http->get("$base/jobs/query/$hour", \%token)->{content});
	is($info->{state}, 'JobComplete', 'ends when its time has come');
	cmp_ok($info->{totalProcessingTime}, '<', 3660000, 'and takes no longer than it should');

	$sim->control('POST', 'clock', { advance_ms => 7 * 86400000 - 3600000 });
	%token = (headers => { Authorization => 'Bearer ' . $sim->token });
	is($http->get("$base/jobs/query/$at_once", \%token)->{status}, 404, 'it is kept for seven days from its end');
	is($http->get("$base/jobs/query/$hour", \%token)->{status}, 404, 'not from the look at it');
	$sim->control('POST', 'clock', { reset => JSON::PP::true });
};

$sim->stop;
done_testing();
