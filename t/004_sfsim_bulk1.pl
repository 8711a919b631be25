# The simulator's Bulk API 1.0: jobs, batches, results in three formats, PK chunking, attachments.
use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);
use IPC::Run qw(start timeout);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
my ($out, $err) = ('', '');
$ENV{TMPDIR} = $dir;
my $sim = start(
	[
		$sfsim, '--port', '0', '--env', '--rows', 'Account=250', '--rows', 'Contact=30', '--rows',
		'User=3', '--rows', 'Invoice__c=5', '--die-with-parent'
	],
	\undef, \$out, \$err, timeout(300));
$sim->pump until $out =~ /^SF_REFRESH_TOKEN=.*\n/m;
my %env = $out =~ /^(SF_\w+)='(.*)'$/mg;
s/'\\''/'/g for values %env;
my $base = $env{SF_URL};
my $async = "$base/services/async/62.0";
my $ns = 'http://www.force.com/2009/06/asyncapi/dataload';
my $json = JSON::PP->new->utf8->canonical;
my $http = HTTP::Tiny->new(timeout => 120);

# Method, path below /services/async/62.0 or a whole URL, body, headers.
sub req
{
	my ($method, $path, $content, %headers) = @_;
	$headers{'X-SFDC-Session'} //= $env{SF_TOKEN};
	delete $headers{'X-SFDC-Session'} if $headers{'X-SFDC-Session'} eq '';
	$path = "$async$path" if $path =~ m{^/};
	return $http->request($method, $path,
		{ headers => \%headers, defined $content ? (content => $content) : () });
}

sub control
{
	my ($what, $body, $method) = @_;
	my $r = $http->request($method // 'POST', "$base/__sfsim/$what",
		defined $body ? { content => $json->encode($body) } : {});
	die "$what: $r->{status} $r->{content}" unless $r->{success};
	return $r->{content} =~ /^[\[{]/ ? $json->decode($r->{content}) : undef;
}

sub option { return control('options', {@_}); }
sub advance { return control('clock', { advance_ms => $_[0] }); }

# The text of the first element of that name.
sub xml { my ($r, $name) = @_; return $r->{content} =~ m{<$name>([^<]*)</$name>} ? $1 : undef; }

sub xml_job
{
	my (%is) = @_;
	return qq{<?xml version="1.0" encoding="UTF-8"?>\n<jobInfo xmlns="$ns">}
	  . join('', map { defined $is{$_} ? "<$_>$is{$_}</$_>" : () }
		  qw(operation object externalIdFieldName concurrencyMode contentType assignmentRuleId state))
	  . '</jobInfo>';
}

# The id of a new job, made in XML.
sub job
{
	my ($operation, $object, $type, %more) = @_;
	my %headers = %{ delete $more{headers} || {} };
	my $r = req('POST', '/job',
		xml_job(operation => $operation, object => $object, contentType => $type, %more),
		'Content-Type' => 'application/xml; charset=utf-8', %headers);
	die "$r->{status} $r->{content}" unless $r->{status} == 201;
	return xml($r, 'id');
}

my %media = (CSV => 'text/csv', XML => 'application/xml', JSON => 'application/json',
	ZIP_CSV => 'zip/csv', ZIP_XML => 'zip/xml', ZIP_JSON => 'zip/json');

# Adds a batch: the answer's id, whichever the format.
sub batch
{
	my ($job, $type, $content, %headers) = @_;
	my $r = req('POST', "/job/$job/batch", $content, 'Content-Type' => $media{$type}, %headers);
	die "$r->{status} $r->{content}" unless $r->{status} == 201;
	return $r->{content} =~ /^\{/ ? $json->decode($r->{content})->{id} : xml($r, 'id');
}

# State, counters and message of a batch.
sub state_of
{
	my ($job, $batch) = @_;
	my $r = req('GET', "/job/$job/batch/$batch");
	my $b = $r->{content} =~ /^\{/ ? $json->decode($r->{content})
	  : { map { $_ => xml($r, $_) } qw(state numberRecordsProcessed numberRecordsFailed stateMessage) };
	return "$b->{state} $b->{numberRecordsProcessed} $b->{numberRecordsFailed}"
	  . (defined $b->{stateMessage} ? " $b->{stateMessage}" : '');
}

sub result { my ($job, $batch, $id) = @_; return req('GET', "/job/$job/batch/$batch/result" . (defined $id ? "/$id" : '')); }

# A batch of one job from start to end: state, result.
sub load
{
	my ($operation, $object, $type, $content, %more) = @_;
	my $job = job($operation, $object, $type, %more);
	my $batch = batch($job, $type, $content);
	return (state_of($job, $batch), result($job, $batch)->{content}, $job, $batch);
}

# Rows of a REST query.
sub rows
{
	my ($soql) = @_;
	my $r = $http->get("$base/services/data/v62.0/query?" . $http->www_form_urlencode({ q => $soql }),
		{ headers => { Authorization => "Bearer $env{SF_TOKEN}" } });
	die "$soql: $r->{content}" unless $r->{success};
	return @{ $json->decode($r->{content})->{records} };
}

# [status, code, text] of an error in either format.
sub error_of
{
	my ($r) = @_;
	if ($r->{content} =~ /^\{/)
	{
		my $b = $json->decode($r->{content});
		return "$r->{status} $b->{exceptionCode}: $b->{exceptionMessage}";
	}
	return "$r->{status} " . (xml($r, 'exceptionCode') // '?') . ': ' . (xml($r, 'exceptionMessage') // '?');
}

subtest 'jobs in XML' => sub {
	my $r = req('POST', '/job', xml_job(operation => 'insert', object => 'account', contentType => 'CSV'),
		'Content-Type' => 'application/xml; charset=utf-8');
	is("$r->{status} $r->{headers}{'content-type'}", '201 application/xml', 'created');
	my $id = qr/750\w{15}/;
	like($r->{content}, qr{^\Q<?xml version="1.0" encoding="UTF-8"?><jobInfo
   xmlns="$ns">\E
 <id>($id)</id>
 <operation>insert</operation>
 <object>Account</object>
 <createdById>005\w{15}</createdById>
 <createdDate>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z</createdDate>
 <systemModstamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z</systemModstamp>
 <state>Open</state>
 <concurrencyMode>Parallel</concurrencyMode>
 <contentType>CSV</contentType>
 <numberBatchesQueued>0</numberBatchesQueued>
 <numberBatchesInProgress>0</numberBatchesInProgress>
 <numberBatchesCompleted>0</numberBatchesCompleted>
 <numberBatchesFailed>0</numberBatchesFailed>
 <numberBatchesTotal>0</numberBatchesTotal>
 <numberRecordsProcessed>0</numberRecordsProcessed>
 <numberRetries>0</numberRetries>
 <apiVersion>62\.0</apiVersion>
 <numberRecordsFailed>0</numberRecordsFailed>
 <totalProcessingTime>0</totalProcessingTime>
 <apiActiveProcessingTime>0</apiActiveProcessingTime>
 <apexProcessingTime>0</apexProcessingTime>
</jobInfo>$}, 'as recorded');
	my $job = xml($r, 'id');
	is(req('GET', "/job/$job")->{content}, $r->{content}, 'GET says the same');
	is(req('GET', '/job/' . substr($job, 0, 15))->{content}, $r->{content}, 'by its short id, too');
	is(req('GET', "/job/$job", undef, 'X-SFDC-Session' => '', Authorization => "Bearer $env{SF_TOKEN}")
		->{status}, 200, 'with a Bearer token');
	$r = req('POST', "/job/$job", xml_job(state => 'Closed'), 'Content-Type' => 'application/xml');
	is("$r->{status} " . xml($r, 'state'), '200 Closed', 'close');
	is(error_of(req('POST', "/job/$job", xml_job(state => 'Closed'), 'Content-Type' => 'application/xml')),
		'400 InvalidJobState: Closing already Closed Job not allowed', 'only once');
	is(error_of(req('POST', "/job/$job/batch", 'Name', 'Content-Type' => 'text/csv')),
		"400 InvalidJobState: Job is not open. Current state of job $job: Closed", 'no batches any more');
	$job = job('upsert', 'Contact', 'XML', externalIdFieldName => 'Email', concurrencyMode => 'Serial');
	like(req('GET', "/job/$job")->{content},
		qr{<state>Open</state>\n <externalIdFieldName>Email</externalIdFieldName>\n <concurrencyMode>Serial<},
		'externalIdFieldName and its place');
	$r = req('POST', "/job/$job", xml_job(state => 'Aborted'), 'Content-Type' => 'text/csv');
	is(xml($r, 'state'), 'Aborted', 'abort, XML by whatever name');
	is(error_of(req('POST', "/job/$job", xml_job(state => 'Closed'))),
		'400 InvalidJobState: Closing already Aborted Job not allowed', 'for good');
};

subtest 'jobs in JSON' => sub {
	my @json = ('Content-Type' => 'application/json');
	my $r = req('POST', '/job',
		'{"operation":"insert","object":"Account","concurrencyMode":1,"contentType":"JSON"}', @json);
	is("$r->{status} $r->{headers}{'content-type'}", '201 application/json', 'created');
	like($r->{content}, qr/^\{"apexProcessingTime":0,"apiActiveProcessingTime":0,"apiVersion":62\.0,
		"assignmentRuleId":null,"concurrencyMode":"Serial","contentType":"JSON",
		"createdById":"005\w{15}","createdDate":"[-\dT:]+\.000\+0000","externalIdFieldName":null,
		"fastPathEnabled":false,"id":"750\w{15}","numberBatchesCompleted":0,"numberBatchesFailed":0,
		"numberBatchesInProgress":0,"numberBatchesQueued":0,"numberBatchesTotal":0,
		"numberRecordsFailed":0,"numberRecordsProcessed":0,"numberRetries":0,"object":"Account",
		"operation":"insert","state":"Open","systemModstamp":"[-\dT:]+\.000\+0000",
		"totalProcessingTime":0\}$/x, 'all members in order');
	my $job = $json->decode($r->{content})->{id};
	like(req('GET', "/job/$job")->{content}, qr/^\{"apex/, 'a JSON job is told of in JSON');
	like(req('GET', "/job/$job/batch")->{content}, qr/^\{"batchInfo":\[\]\}$/, 'batches, too');
	$r = req('POST', "/job/$job", '{"state":"Closed"}', @json);
	is($json->decode($r->{content})->{state}, 'Closed', 'close');
	$r = req('POST', '/job', '{"operation":"query","object":"Account","contentType":"CSV"}', @json);
	$job = $json->decode($r->{content})->{id};
	like(req('GET', "/job/$job", undef, @json)->{content}, qr/^<\?xml/, 'a CSV job is told of in XML');
	like(req('GET', "/job/$job", undef, Accept => 'application/json')->{content}, qr/^\{/,
		'unless JSON is all that is accepted');
	$r = req('POST', '/job', '{"operation":"insert","object":"Account","contentType":"JSON"}', @json,
		'X-PrettyPrint' => 1);
	like($r->{content}, qr/^\{\n  "apexProcessingTime" : 0,\n/, 'X-PrettyPrint');
};

subtest 'errors of jobs' => sub {
	my $create = sub { return error_of(req('POST', '/job', xml_job(@_), 'Content-Type' => 'application/xml')) };
	is($create->(operation => 'insert', object => 'Nothing__c'), '400 InvalidJob: Unable to find object: Nothing__c', 'object');
	is($create->(operation => 'fly', object => 'Account'), '400 InvalidJob: Unable to parse Job', 'operation');
	is($create->(operation => 'insert', object => 'Account', contentType => 'PDF'), '400 InvalidJob: Unable to parse Job', 'content type');
	is($create->(operation => 'upsert', object => 'Account'),
		'400 InvalidJob: External ID was blank for Account. An External ID must be specified for upsert.', 'no external id');
	is($create->(operation => 'upsert', object => 'Account', externalIdFieldName => 'Phone'),
		'400 InvalidJob: Field name provided, Phone does not match an External ID, Salesforce Id, or indexed field for Account', 'not an external id');
	is($create->(operation => 'hardDelete', object => 'Account'),
		'400 FeatureNotEnabled: hardDelete operation requires special user profile permission, please contact your system administrator',
		'hardDelete needs a permission');
	is(error_of(req('POST', '/job', '<jobInfo', 'Content-Type' => 'application/xml')), '400 InvalidJob: Unable to parse Job', 'bad XML');
	is(error_of(req('POST', '/job', '{', 'Content-Type' => 'application/json')), '400 InvalidJob: Unable to parse Job', 'bad JSON');
	my $r = req('GET', '/job/750000000000000AAA', undef, 'X-SFDC-Session' => 'x');
	is($r->{content}, qq{<?xml version="1.0" encoding="UTF-8"?><error\n   xmlns="$ns">\n}
		  . " <exceptionCode>InvalidSessionId</exceptionCode>\n <exceptionMessage>Invalid session id</exceptionMessage>\n</error>",
		'the layout of errors');
	is("$r->{status} $r->{headers}{'content-type'}", '400 application/xml', 'and their status');
	is(req('POST', '/job', '{}', 'X-SFDC-Session' => 'x', 'Content-Type' => 'application/json')->{content},
		'{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}', 'in JSON');
	like(error_of(req('GET', '/job/7500000000zzzzzAAA')), qr/^400 InvalidJob: /, 'no such job');
	like(error_of(req('GET', '/jobs')), qr/^400 InvalidUrl: /, 'no such address');
	like(error_of(req('GET', "$base/services/async/20.0/job")), qr/^400 InvalidVersion: /, 'a retired version');
	like(error_of(req('DELETE', '/job/750000000000000AAA')), qr/^405 InvalidOperation: /, 'method');
	my $job = job('insert', 'Account', 'CSV');
	like(error_of(req('POST', "/job/$job/batch", '[]', 'Content-Type' => 'application/json')), qr/^400 ClientInputError: /,
		'content type of a batch');
	like(error_of(req('GET', "/job/$job/batch/751000000000000AAA")), qr/^400 InvalidBatch: /, 'no such batch');
	my $other = $json->decode($http->post_form("$base/services/oauth2/token", [ grant_type => 'password',
				client_id => $env{SF_CLIENT_ID}, client_secret => $env{SF_CLIENT_SECRET},
				username => 'user01@sfsim.example.com', password => "$env{SF_PASSWORD}$env{SF_SECURITY_TOKEN}" ])->{content});
	like(error_of(req('GET', "/job/$job", undef, 'X-SFDC-Session' => $other->{access_token})), qr/^400 InvalidUser: /,
		'somebody else\'s job');
	option(batches_max => 0);
	is(error_of(req('POST', "/job/$job/batch", 'Name', 'Content-Type' => 'text/csv')),
		'400 ExceededQuota: ApiBatchItems Limit exceeded.', 'the daily quota');
	option(batches_max => 15000);
};

subtest 'CSV' => sub {
	my $job = job('insert', 'Account', 'CSV');
	my $r = req('POST', "/job/$job/batch", "Name,NumberOfEmployees\nOne,1\n,2\n\"Th\"\"ree\",x\n",
		'Content-Type' => 'text/csv; charset=UTF-8');
	is("$r->{status} $r->{headers}{'content-type'}", '201 application/xml', 'a batch');
	my $batch = xml($r, 'id');
	is($r->{headers}{location}, "/services/async/62.0/job/$job/batch/$batch", 'Location');
	like($r->{content}, qr{^\Q<?xml version="1.0" encoding="UTF-8"?><batchInfo
   xmlns="$ns">\E
 <id>751\w{15}</id>
 <jobId>$job</jobId>
 <state>Queued</state>
 <createdDate>[-\dT:]+\.000Z</createdDate>
 <systemModstamp>[-\dT:]+\.000Z</systemModstamp>
 <numberRecordsProcessed>0</numberRecordsProcessed>
 <numberRecordsFailed>0</numberRecordsFailed>
 <totalProcessingTime>0</totalProcessingTime>
 <apiActiveProcessingTime>0</apiActiveProcessingTime>
 <apexProcessingTime>0</apexProcessingTime>
</batchInfo>$}, 'as recorded');
	is(state_of($job, $batch), 'Completed 3 2', 'it is processed at once');
	$r = result($job, $batch);
	is($r->{headers}{'content-type'}, 'text/csv', 'results');
	my @lines = split /\n/, $r->{content};
	is($lines[0], '"Id","Success","Created","Error"', 'header');
	like($lines[1], qr/^"001\w{15}","true","true",""$/, 'a row that went in');
	is($lines[2], '"","false","false","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"', 'a row that did not');
	like($lines[3], qr/^"","false","false","INVALID_FIELD:Failed to deserialize field at col 1\. Due to, 'x' is not a valid value for the type xsd:int:NumberOfEmployees --"$/, 'another');
	is(req('GET', "/job/$job/batch/$batch/request")->{content}, "Name,NumberOfEmployees\nOne,1\n,2\n\"Th\"\"ree\",x\n", 'the request');
	my ($row) = rows("SELECT Id, NumberOfEmployees FROM Account WHERE Name = 'One'");
	is($lines[1], qq{"$row->{Id}","true","true",""}, 'the row is there');
	like(req('GET', "/job/$job/batch")->{content}, qr{<batchInfoList\n   xmlns="[^"]+">\n <batchInfo>\n  <id>$batch</id>.*\n </batchInfo>\n</batchInfoList>$}s,
		'list of batches');
	is(xml(req('GET', "/job/$job"), 'numberRecordsFailed'), 2, 'the job adds up');

	my ($state, $res) = load('update', 'Account', 'CSV', "Id,Phone,NumberOfEmployees\n$row->{Id},12,#N/A\n,1,\n" . substr($row->{Id}, 0, 15) . ",13,\n");
	is($state, 'Completed 3 1', 'update');
	is($res, qq{"Id","Success","Created","Error"\n"$row->{Id}","true","false",""\n}
		  . qq{"","false","false","MISSING_ARGUMENT:Id not specified in an update call:--"\n"$row->{Id}","true","false",""\n}, 'in order');
	is_deeply([ map { @$_{qw(Phone NumberOfEmployees)} } rows("SELECT Phone, NumberOfEmployees FROM Account WHERE Id = '$row->{Id}'") ],
		[ '13', undef ], '#N/A is null, nothing is nothing');
	($state, $res) = load('delete', 'Account', 'CSV', "Id\n$row->{Id}\n$row->{Id}\n");
	like($res, qr/\n"$row->{Id}","true","false",""\n"","false","false","ENTITY_IS_DELETED:entity is deleted:--"\n$/, 'delete');
	is((load('insert', 'Account', 'CSV', "Name,Nix\nx,y\n"))[0], 'Failed 0 0 InvalidBatch : Field name not found : Nix', 'an unknown field');
	is((load('delete', 'Account', 'CSV', "Id,Name\nx,y\n"))[0], "Failed 0 0 InvalidBatch : The 'delete' batch must contain only ids", 'ids only');
	is((load('insert', 'Account', 'CSV', ""))[0], 'Failed 0 0 InvalidBatch : Records not found', 'nothing');
	is((load('insert', 'Account', 'CSV', "Name\n"))[0], 'Failed 0 0 InvalidBatch : Records not found', 'only a header');
	like((load('insert', 'Account', 'CSV', "Name\na\"b\n"))[0], qr/^Failed 0 0 InvalidBatch : Failed to parse CSV\. Found unescaped quote/, 'a quote');
	is((load('insert', 'Account', 'CSV', "Name\n" . "x\n" x 10001))[0],
		'Failed 0 0 InvalidBatch : Exceeded maximum number of records per batch: 10000', 'too many records');
	my @failed = load('insert', 'Account', 'CSV', "Nix\nx\n");
	is(error_of(result(@failed[ 2, 3 ])), '400 InvalidBatch: Records not processed', 'no results of a failed batch');

	$job = job('insert', 'Account', 'CSV', headers => { 'Sforce-Line-Ending' => 'CRLF' });
	is(state_of($job, batch($job, 'CSV', "Name\nx\n")),
		'Failed 0 0 ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF', 'Sforce-Line-Ending');
	$job = job('insert', 'Account', 'CSV');
	$batch = batch($job, 'CSV', "Name\nM\xFCller\n", 'Content-Type' => 'text/csv; charset=ISO-8859-1');
	is(state_of($job, $batch), 'Completed 1 0', 'another charset');
	is(scalar(rows("SELECT Id FROM Account WHERE Name = 'M\xFCller'")), 1, 'is understood');
	gzip(\"Name\nZipped\n", \my $packed);
	$batch = batch($job, 'CSV', $packed, 'Content-Encoding' => 'gzip');
	is(state_of($job, $batch), 'Completed 1 0', 'a compressed batch');
	$r = req('GET', "/job/$job/batch/$batch/result", undef, 'Accept-Encoding' => 'gzip');
	gunzip(\$r->{content}, \my $plain);
	like($plain, qr/^"Id","Success"/, 'and a compressed result');
};

subtest 'upsert and parents' => sub {
	my $upsert = sub { return load('upsert', 'Contact', 'CSV', "LastName,Email\n$_[0]", externalIdFieldName => 'Email'); };
	my ($state, $res) = $upsert->("New,b1\@example.com\n");
	is($state, 'Completed 1 0', 'upsert');
	my ($id) = $res =~ /\n"(003\w{15})","true","true",""\n$/;
	($state, $res) = $upsert->("New,b1\@example.com\n");
	like($res, qr/\n"$id","true","false",""\n$/, 'the second time it is an update');
	($state, $res) = $upsert->("New,b1\@example.com\nNew,B1\@example.com\n");
	is($state, 'Completed 2 2', 'but not in one chunk');
	like($res, qr/\n("","false","false","DUPLICATE_VALUE:Duplicate external id specified: b1\@example.com:Email --"\n){2}$/,
		'nobody knows which one counts');
	($state, $res) = load('insert', 'Contact', 'CSV', "LastName,ReportsTo.Email\nLow,b1\@example.com\nLow,none\@example.com\n");
	is($state, 'Completed 2 1', 'a parent by its external id');
	is((rows("SELECT ReportsTo.LastName FROM Contact WHERE LastName = 'Low'"))[0]{ReportsTo}{LastName}, 'New', 'it is the right one');
};

subtest 'JSON' => sub {
	my ($state, $res, $job, $batch) = load('insert', 'Contact', 'JSON',
		'[{"attributes":{"type":"Contact"},"LastName":"J1","HasOptedOutOfEmail":true,"Email":null},{"FirstName":"x"},'
		  . '{"LastName":"J3","ReportsTo":{"Email":"b1@example.com"}}]');
	is($state, 'Completed 3 1', 'batch');
	like($res, qr/^\[\{"success":true,"created":true,"id":"003\w{15}","errors":\[\]\},
		\{"success":false,"created":false,"id":null,"errors":\[\{"message":"Required\ fields\ are\ missing:\ \[LastName\]",
		"fields":\["LastName"\],"statusCode":"REQUIRED_FIELD_MISSING","extendedErrorDetails":null\}\]\},
		\{"success":true,"created":true,"id":"003\w{15}","errors":\[\]\}\]$/x, 'results');
	is(result($job, $batch)->{headers}{'content-type'}, 'application/json', 'content type');
	my $r = req('GET', "/job/$job/batch/$batch");
	like($r->{content}, qr/^\{"apexProcessingTime":0,"apiActiveProcessingTime":\d+,"createdDate":"[-\dT:]+\.000\+0000","id":"$batch",
		"jobId":"$job","numberRecordsFailed":1,"numberRecordsProcessed":3,"state":"Completed","stateMessage":null,
		"systemModstamp":"[-\dT:]+\.000\+0000","totalProcessingTime":\d+\}$/x, 'batchInfo as recorded');
	is((rows("SELECT HasOptedOutOfEmail FROM Contact WHERE LastName = 'J1'"))[0]{HasOptedOutOfEmail}, JSON::PP::true, 'true is true');
	is((rows("SELECT ReportsTo.LastName FROM Contact WHERE LastName = 'J3'"))[0]{ReportsTo}{LastName}, 'New', 'a parent');
	my $id = $json->decode($res)->[0]{id};
	($state, $res) = load('delete', 'Contact', 'JSON', qq([{"Id":"$id"}]));
	is($res, qq([{"success":true,"created":false,"id":"$id","errors":[]}]), 'delete');
	($state, $res) = load('insert', 'Contact', 'JSON', '[{"LastName":"x","Nix":1},{"LastName":"y"}]');
	is($state, 'Completed 2 1', 'an unknown field');
	is_deeply($json->decode($res)->[0], { success => JSON::PP::false, created => JSON::PP::false, id => undef,
			errors => [ { statusCode => 'INVALID_FIELD', fields => [], extendedErrorDetails => undef,
				message => "Unexpected JsonMappingException: No such column 'Nix' on sobject of type Contact" } ] }, 'is its record\'s error');
	like((load('insert', 'Contact', 'JSON', '{"LastName":"x"}'))[0], qr/^Failed 0 0 InvalidBatch : Failed to parse JSON/, 'no array');
	like((load('insert', 'Contact', 'JSON', "[{\"LastName\":\"\xFC\"}]"))[0], qr/^Failed 0 0 ClientInputError : /, 'not UTF-8');
	is((load('insert', 'Contact', 'JSON', '[]'))[0], 'Failed 0 0 InvalidBatch : Records not found', 'nothing');
};

subtest 'XML' => sub {
	my ($state, $res, $job, $batch) = load('insert', 'Contact', 'XML',
		qq{<?xml version="1.0" encoding="UTF-8"?><sObjects xmlns="$ns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">}
		  . '<sObject><LastName>X &amp; Y</LastName><Email xsi:nil="true"/><ReportsTo><sObject><Email>b1@example.com</Email></sObject></ReportsTo></sObject>'
		  . '<sObject><FirstName>only</FirstName><LastName/></sObject></sObjects>');
	is($state, 'Completed 2 1', 'batch');
	my $good = '<result><id>003...</id><success>true</success><created>true</created></result>';
	my $bad = '<result><errors><fields>LastName</fields><message>Required fields are missing: [LastName]</message>'
	  . '<statusCode>REQUIRED_FIELD_MISSING</statusCode></errors><success>false</success><created>false</created></result>';
	is($res =~ s/003\w{15}/003.../r,
		qq{<?xml version="1.0" encoding="UTF-8"?><results xmlns="$ns">$good$bad</results>}, 'results');
	my ($row) = rows("SELECT ReportsTo.LastName FROM Contact WHERE LastName = 'X & Y'");
	is($row->{ReportsTo}{LastName}, 'New', 'entities and parents');
	like((load('insert', 'Contact', 'XML', '<sObjects>'))[0], qr/^Failed 0 0 InvalidBatch : Failed to parse XML\. /, 'not well-formed');
	is((load('insert', 'Contact', 'XML', '<sObjects><sObject><Nix>1</Nix></sObject></sObjects>'))[0],
		'Failed 0 0 InvalidBatch : Field name not found : Nix', 'an unknown field');
};

# A query from start to end: state, text of the first result.
sub query
{
	my ($soql, $type, %more) = @_;
	my ($object) = $soql =~ /FROM (\w+)/;
	my $job = job(delete $more{operation} // 'query', delete $more{object} // $object, $type, %more);
	my $batch = batch($job, $type, $soql);
	my $state = state_of($job, $batch);
	my $list = result($job, $batch)->{content};
	my @ids = $list =~ /\b(752\w+)/g;
	return ($state, $list, @ids ? result($job, $batch, $ids[0]) : undef, $job, $batch, @ids);
}

subtest 'query' => sub {
	my ($state, $list, $r, $job, $batch, $id) = query("SELECT Id, Name FROM Account WHERE Name = 'Zipped'", 'CSV');
	is($state, 'Completed 1 0', 'a query');
	is($list, qq{<result-list xmlns="$ns"><result>$id</result></result-list>}, 'list of results');
	is(length $id, 15, 'with short ids');
	is($r->{headers}{'content-type'}, 'text/csv; charset=UTF-8', 'the result');
	like($r->{content}, qr/^"Id","Name"\n"001\w{15}","Zipped"\n$/, 'its rows');
	is(req('GET', "/job/$job/batch/$batch/request")->{content}, "SELECT Id, Name FROM Account WHERE Name = 'Zipped'", 'the request');
	like(error_of(result($job, $batch, '752000000000000')), qr/^400 InvalidBatch: Invalid result id/, 'no such result');
	is((query("SELECT Id FROM Account WHERE Name = 'nobody'", 'CSV'))[2]{content}, 'Records not found for this query', 'no rows');

	($state, $list, $r) = query("SELECT Id, Name, Account.Name, Account.CreatedDate, Birthdate, CreatedDate, HasOptedOutOfEmail FROM Contact ORDER BY Id LIMIT 2", 'JSON');
	like($list, qr/^\["752\w{12}"\]$/, 'list of results in JSON');
	is($r->{headers}{'content-type'}, 'application/json', 'content type');
	my $rows = $json->decode($r->{content});
	my ($rest) = rows("SELECT Id, CreatedDate, Birthdate, Account.Name FROM Contact ORDER BY Id LIMIT 1");
	like($r->{content}, qr/^\[ \{\n  "attributes" : \{\n    "type" : "Contact",\n    "url" : "\/services\/data\/v62\.0\/sobjects\/Contact\/003\w{15}"\n  \},\n  "Id" : "003\w{15}",\n/,
		'layout of JSON');
	like($r->{content}, qr/\n\}, \{\n.*\n\} \]$/s, 'and of its end');
	like($rows->[0]{CreatedDate}, qr/^\d{12,13}$/, 'dates and times in milliseconds');
	my @t = gmtime($rows->[0]{CreatedDate} / 1000);
	is(sprintf('%04d-%02d-%02dT%02d:%02d:%02d.000+0000', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ]), $rest->{CreatedDate}, 'the right ones');
	is($rows->[0]{Account} ? $rows->[0]{Account}{Name} : undef, $rest->{Account} ? $rest->{Account}{Name} : undef, 'a parent');
	is((query("SELECT Id FROM Contact WHERE LastName = 'nobody'", 'JSON'))[2]{content}, '[ ]', 'no rows in JSON');

	load('insert', 'Contact', 'CSV', "LastName,FirstName\n\"<a> & \"\"b\"\"\nc\tÄ\",\n");
	($state, $list, $r) = query("SELECT Id, LastName, FirstName, ReportsTo.LastName, HasOptedOutOfEmail FROM Contact WHERE LastName LIKE '<a>%'", 'XML');
	(my $got = $r->{content}) =~ s/003\w{15}/ID/g;
	is($got, qq{<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="$ns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">}
		  . '<records xsi:type="sObject"><type>Contact</type><Id>ID</Id><Id>ID</Id><LastName>&lt;a&gt; &amp; "b"' . "\nc\tÄ"
		  . '</LastName><FirstName xsi:nil="true"/><ReportsTo xsi:nil="true"/><HasOptedOutOfEmail>false</HasOptedOutOfEmail></records></queryResult>',
		'XML');
	($state, $list, $r) = query("SELECT LastName, ReportsTo.LastName, CreatedDate FROM Contact WHERE LastName = 'J3'", 'XML');
	like($r->{content}, qr{<type>Contact</type><Id\ xsi:nil="true"/><LastName>J3</LastName><ReportsTo\ xsi:type="sObject"><type>Contact</type>
		<Id\ xsi:nil="true"/><LastName>New</LastName></ReportsTo><CreatedDate>[-\dT:.]+Z</CreatedDate></records>}x, 'parents in XML');

	is((query('SELECT Id FROM Contact', 'CSV', object => 'Account'))[0],
		'Failed 0 0 InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query (Contact) '
		  . 'does not match the entity of the requested Bulk API Job (Account).', 'another object');
	like((query('SELECT Nix FROM Account', 'CSV'))[0], qr/^Failed 0 0 InvalidBatch : Failed to process query: INVALID_FIELD: /, 'an unknown field');
	is((query('SELECT Nix FROM Account', 'CSV'))[1], qq{<result-list xmlns="$ns"></result-list>}, 'whose list of results is empty');
	is((query('SELECT Nix FROM Account', 'JSON'))[1], '[]', 'in JSON too');
	is((query('SELECT BillingAddress FROM Account', 'CSV'))[0],
		'Failed 0 0 InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not supported in Bulk Query', 'compound fields');
	my $deleted = (query("SELECT Id, IsDeleted FROM Account WHERE IsDeleted = true", 'CSV', operation => 'queryAll'))[0];
	like($deleted, qr/^Completed [1-9]/, 'queryAll sees deleted rows');

	option(result_file_kb => 1);
	my @all = query('SELECT Id FROM Account', 'CSV');
	ok(@all > 6, 'several results');
	my %seen;
	for (@all[ 5 .. $#all ])
	{
		my @lines = split /\n/, result(@all[ 3, 4 ], $_)->{content};
		is(shift @lines, '"Id"', 'each with a header');
		$seen{$_}++ for @lines;
	}
	is("Completed " . keys(%seen) . ' 0', $all[0], 'no row is lost or doubled');
	option(result_file_kb => 1048576);
};

subtest 'PK chunking' => sub {
	my $job = job('query', 'Account', 'CSV', headers => { 'Sforce-Enable-PKChunking' => 'chunkSize=100;' });
	my $batch = batch($job, 'CSV', 'SELECT Id FROM Account');
	is(state_of($job, $batch), 'NotProcessed 0 0', 'the original batch');
	is(error_of(result($job, $batch)), '400 InvalidBatch: Records not processed', 'has no result');
	my @parts = req('GET', "/job/$job/batch")->{content} =~ m{<id>(751\w+)</id>}g;
	is(shift @parts, $batch, 'is the first in the list');
	cmp_ok(scalar @parts, '>=', 3, 'and others follow');
	like(req('GET', "/job/$job/batch/$parts[0]/request")->{content},
		qr/^SELECT Id FROM Account WHERE Id >= '001\w{12}' AND Id < '001\w{12}'$/, 'with a range of ids each');
	my %seen;
	for my $part (@parts)
	{
		my ($id) = result($job, $part)->{content} =~ /\b(752\w+)/;
		$seen{$_}++ for grep { /^"001/ } split /\n/, result($job, $part, $id)->{content};
	}
	is(keys(%seen) . ' ' . (grep { $_ > 1 } values %seen), (() = rows('SELECT Id FROM Account')) . ' 0', 'together they have all rows');
	$job = job('query', 'Account', 'CSV', headers => { 'Sforce-Enable-PKChunking' => 'TRUE' });
	$batch = batch($job, 'CSV', "SELECT Id FROM Account WHERE Name = 'Zipped' OR Name = 'One'");
	@parts = req('GET', "/job/$job/batch")->{content} =~ m{<id>(751\w+)</id>}g;
	is(scalar(@parts), 2, 'one part is enough');
	like(req('GET', "/job/$job/batch/$parts[1]/request")->{content},
		qr/WHERE \(Name = 'Zipped' OR Name = 'One'\) AND \(Id >= '\w+' AND Id < '\w+'\)$/, 'conditions stay together');
	$batch = batch($job, 'CSV', 'SELECT Id FROM Account ORDER BY Name');
	like(state_of($job, $batch), qr/^Failed 0 0 InvalidBatch : Failed to process query: /, 'ORDER BY cannot be divided');
	$batch = batch($job, 'CSV', 'SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)');
	like(state_of($job, $batch), qr/^Failed 0 0 InvalidBatch : Failed to process query: /, 'nor can a subquery');
	$job = job('query', 'OpportunityHistory', 'CSV', headers => { 'Sforce-Enable-PKChunking' => 'chunkSize=1000; parent=Opportunity' });
	$batch = batch($job, 'CSV', 'SELECT Id FROM OpportunityHistory');
	@parts = req('GET', "/job/$job/batch")->{content} =~ m{<id>(751\w+)</id>}g;
	like(req('GET', "/job/$job/batch/$parts[1]/request")->{content}, qr/WHERE OpportunityId >= '006/, 'ids of a parent');
	my $refused = sub { error_of(req('POST', '/job', xml_job(operation => 'query', object => $_[0], contentType => 'CSV'),
				'Content-Type' => 'application/xml', 'Sforce-Enable-PKChunking' => $_[1])) };
	like($refused->('Contact', 'parent=Account'), qr/^400 InvalidJob: Account is not the parent/, 'a parent of no share or history object');
	like($refused->('Group', 'TRUE'), qr/^400 InvalidJob: PK chunking is not supported for Group/, 'an object that is not divided');
	for my $wrong ('chunkSize=250001', 'chunkSize=x', 'parent=Nix', 'startRow=1', 'speed=9')
	{
		like(error_of(req('POST', '/job', xml_job(operation => 'query', object => 'Account', contentType => 'CSV'),
					'Content-Type' => 'application/xml', 'Sforce-Enable-PKChunking' => $wrong)), qr/^400 InvalidJob: /, $wrong);
	}
};

subtest 'time' => sub {
	option(queue_ms => 1000, job_ms => 2000);
	control('clock', { freeze => JSON::PP::true });
	my $parallel = job('insert', 'Account', 'CSV');
	my $serial = job('insert', 'Account', 'CSV', concurrencyMode => 'Serial');
	my @p = map { batch($parallel, 'CSV', "Name\nPar$_\n") } 1, 2;
	my @s = map { batch($serial, 'CSV', "Name\nSer$_\n") } 1, 2;
	my $look = sub { join ' ', map({ state_of($parallel, $_) =~ /^(\w+)/ } @p), '|', map { state_of($serial, $_) =~ /^(\w+)/ } @s };
	is($look->(), 'Queued Queued | Queued Queued', 'queued');
	is(error_of(result($parallel, $p[0])), '400 InvalidBatch: Batch not completed', 'no result yet');
	is(xml(req('GET', "/job/$parallel"), 'numberBatchesQueued'), 2, 'the job counts them');
	advance(1500);
	is($look->(), 'InProgress InProgress | InProgress Queued', 'in progress, one by one in a serial job');
	is(scalar(rows("SELECT Id FROM Account WHERE Name = 'Par1'")), 0, 'nothing is written yet');
	advance(1500);
	is(scalar(rows("SELECT Id FROM Account WHERE Name = 'Par1'")), 1, 'now it is, whoever looks');
	is($look->(), 'Completed Completed | Completed Queued', 'completed');
	cmp_ok(xml(req('GET', "/job/$parallel/batch/$p[0]"), 'totalProcessingTime'), '>=', 2000, 'how long it took');
	my $r = req('POST', "/job/$serial", xml_job(state => 'Aborted'));
	is($look->(), 'Completed Completed | Completed NotProcessed', 'an aborted job leaves the rest');
	advance(5000);
	is(scalar(rows("SELECT Id FROM Account WHERE Name LIKE 'Ser%'")), 1, 'for good');
	req('POST', "/job/$parallel", xml_job(state => 'Closed'));
	is(error_of(req('POST', "/job/$parallel", xml_job(state => 'Aborted'))),
		'400 InvalidJobState: Aborting already Completed Job not allowed', 'what is done cannot be aborted');
	control('clock', { freeze => JSON::PP::false });
	option(queue_ms => 0, job_ms => 0);
	advance(86400000 * 7);
	$env{SF_TOKEN} = control('tokens', { issue => JSON::PP::true })->{access_token};
	like(error_of(req('GET', "/job/$parallel")), qr/^400 InvalidJob: /, 'jobs are kept for seven days');

	control('faults', { method => 'POST', path => '*/batch', job => { fail => 'Timeout : too slow' }, count => 1 });
	my $job = job('insert', 'Account', 'CSV');
	is(state_of($job, batch($job, 'CSV', "Name\nF\n")), 'Failed 0 0 Timeout : too slow', 'a batch that fails by order');
	is(scalar(rows("SELECT Id FROM Account WHERE Name = 'F'")), 0, 'writes nothing');
	control('faults', { path => '*/services/async/*', expire_token => JSON::PP::true, count => 1 });
	like(error_of(req('GET', "/job/$job")), qr/^400 InvalidSessionId: /, 'expire_token');
	$env{SF_TOKEN} = control('tokens', { issue => JSON::PP::true })->{access_token};
};

subtest 'hard delete' => sub {
	option(hard_delete => JSON::PP::true);
	my ($row) = rows("SELECT Id FROM Account WHERE Name = 'Zipped'");
	is((load('hardDelete', 'Account', 'CSV', "Id\n$row->{Id}\n"))[0], 'Completed 1 0', 'with the permission');
	is((query("SELECT Id FROM Account WHERE Id = '$row->{Id}'", 'CSV', operation => 'queryAll'))[0], 'Completed 0 0', 'nothing is left');
	option(hard_delete => JSON::PP::false);
};

# A zip file of stored entries.
sub zip
{
	my (@files) = @_;
	my ($body, $dir, $n) = ('', '', 0);
	while (my ($name, $data) = splice @files, 0, 2)
	{
		my $common = pack('v5 V3 v2', 20, 0, 0, 0, 0, 0, length $data, length $data, length $name, 0);
		$dir .= 'PK' . pack('C2 v', 1, 2, 20) . $common . pack('v3 V2', 0, 0, 0, 0, length $body) . $name;
		$body .= 'PK' . pack('C2', 3, 4) . $common . $name . $data;
		$n++;
	}
	return $body . $dir . 'PK' . pack('C2 v4 V2 v', 5, 6, 0, 0, $n, $n, length $dir, length $body, 0);
}

subtest 'attachments' => sub {
	my ($parent) = rows('SELECT Id FROM Account LIMIT 1');
	plan skip_all => 'no object Attachment'
	  if error_of(req('POST', '/job', xml_job(operation => 'insert', object => 'Attachment'))) =~ /Unable to find/;
	my $job = job('insert', 'Attachment', 'ZIP_CSV');
	my $batch = batch($job, 'ZIP_CSV', zip('request.txt',
			"Name,ParentId,Body\na.bin,$parent->{Id},#files/a.bin\nb.bin,$parent->{Id},b.bin\nc.bin,$parent->{Id},#c.bin\n",
			'files/a.bin', "\x00\x01binary\xFF"));
	is(state_of($job, $batch), 'Completed 3 2', 'files of a zip');
	my $res = result($job, $batch)->{content};
	like($res, qr/\n"00P\w{15}","true","true",""\n"","false","false","INVALID_FIELD:[^\n]*Body --"\n"","false","false","INVALID_FIELD:[^\n]*Body --"\n$/, 'results');
	my ($id) = $res =~ /"(00P\w+)"/;
	my $r = $http->get("$base/services/data/v62.0/sobjects/Attachment/$id/Body", { headers => { Authorization => "Bearer $env{SF_TOKEN}" } });
  SKIP:
	{
		skip 'no address of bodies', 1 if $r->{status} == 404;
		is($r->{content}, "\x00\x01binary\xFF", 'the bytes arrived');
	}
	is((load('insert', 'Attachment', 'ZIP_CSV', 'no zip'))[0], 'Failed 0 0 InvalidBatch : Zip content is malformed', 'no zip file');
	is((load('insert', 'Attachment', 'ZIP_XML', zip('x', 'y')))[0], 'Failed 0 0 InvalidBatch : request.txt not found in the zip file', 'no request.txt');
};

subtest 'in the lists of the other API' => sub {
	my $list = sub {
		my $r = $http->get("$base/services/data/v62.0/jobs/$_[0]?jobType=Classic",
			{ headers => { Authorization => "Bearer $env{SF_TOKEN}" } });
		return $json->decode($r->{content})->{records};
	};
	my $job = job('insert', 'Account', 'XML', concurrencyMode => 'Serial');
	my ($row) = grep { $_->{id} eq $job } @{ $list->('ingest') };
	is(join(' ', map { $_ // '' } @$row{qw(operation object state concurrencyMode contentType jobType)}),
		'insert Account Open Serial XML Classic', 'a job');
	ok(!(grep { $_->{id} eq $job } @{ $list->('query') }), 'not where queries are');
	$job = job('query', 'Account', 'CSV');
	ok((grep { $_->{id} eq $job } @{ $list->('query') }), 'queries are there');
};

subtest 'results of some megabytes' => sub {
	my $rows = join '', map { sprintf("Long%05d%s\n", $_, 'y' x 240) } 1 .. 9000;
	is((load('insert', 'Account', 'CSV', "Name\n$rows"))[0], 'Completed 9000 0', "batch $_") for 1, 2;
	my ($state, $list, $r, $job, $batch, $id) = query("SELECT Id, Name FROM Account WHERE Name LIKE 'Long%'", 'CSV');
	is($state, 'Completed 18000 0', 'query');
	is(($r->{content} =~ tr/\n//), 18001, 'all lines arrive');
	my $again = req('GET', "/job/$job/batch/$batch/result/$id", undef, 'Accept-Encoding' => 'gzip');
	is($again->{headers}{'content-encoding'}, 'gzip', 'compressed');
	gunzip(\$again->{content}, \my $plain);
	ok($plain eq $r->{content}, 'they are the same');

	# HTTP::Tiny tries twice
	control('faults', { path => '*/result/*', truncate => 1000, count => 2 });
	is(req('GET', "/job/$job/batch/$batch/result/$id")->{status}, 599, 'and may be cut');
};

subtest 'transformation specs' => sub {
	my $spec = sub { my ($job, $text) = @_; return req('POST', "/job/$job/spec", $text, 'Content-Type' => 'text/csv') };
	my $head = "Salesforce Field,Csv Header,Value,Hint\n";
	my $job = job('insert', 'Contact', 'CSV');
	is($spec->($job, "${head}Name,Full Name,,\nTitle,Job,,\nLeadSource,Source,Import,\nDescription,,Imported,\n"
			. "Birthdate,Born,,dd MM yy\nDoNotCall,Stop,,^(y|ja)\$\n")->{status}, 201, 'taken');
	control('snapshot', { name => 'spec' });
	control('jobs', undef, 'DELETE');
	control('restore', { name => 'spec' });
	my $batch = batch($job, 'CSV', qq{Comment,Full Name,Job,Source,Born,Stop\n}
		. qq{x,"Katz, Tom","say ""no""",Web,10 Feb 99,ja\ny,Jerry Maus,Maus,,10 02 1940,no\nz,Solo,,,10.02.1940,\n});
	is(state_of($job, $batch), 'Completed 3 1', 'processed');
	my $failed = (split /\n/, result($job, $batch)->{content})[3];
	like($failed, qr/^"","false","false","\w+:.*10\.02\.1940/, 'a date that the pattern does not fit');
	is_deeply([ map { join '|', map { $_ // '' } @$_{qw(FirstName LastName Title LeadSource Description Birthdate DoNotCall)} }
			rows("SELECT FirstName, LastName, Title, LeadSource, Description, Birthdate, DoNotCall FROM Contact WHERE LastName IN ('Katz', 'Maus') ORDER BY LastName") ],
		[ 'Tom|Katz|say "no"|Web|Imported|1999-02-10|1', 'Jerry|Maus|Maus|Import|Imported|1940-02-10|0' ],
		'names are divided, empty values stood in for, dates and truth read');
	like(error_of($spec->($job, "${head}Name,Full Name,,\n")), qr/^400 InvalidJobState: /, 'not behind a batch');
	$job = job('insert', 'Contact', 'CSV');
	like(error_of($spec->($job, "Name,Full Name\n")), qr/^400 InvalidBatch: /, 'no spec');
	like(error_of($spec->($job, $head . "Title,T,,\n" x 2000)), qr/^400 InvalidBatch: .*8192/, 'too long');
	like(error_of($spec->(job('insert', 'Contact', 'JSON'), "${head}Title,T,,\n")), qr/^400 InvalidOperation: /, 'for CSV alone');
	is($spec->($job, "${head}Nope__c,T,,\n")->{status}, 201, 'fields are looked up');
	like(state_of($job, batch($job, 'CSV', "T\n1\n")), qr/^Failed 0 0 InvalidBatch : .*Nope__c/, 'with the batch');
};

subtest 'snapshots' => sub {
	my ($state, $list, $r, $job, $batch, $id) = query("SELECT Id, Name FROM Account LIMIT 2", 'CSV');
	my $load = job('insert', 'Account', 'JSON');
	my $rows = batch($load, 'JSON', '[{"Name":"' . ('x' x 250) . '"},{}' . ',{}' x 2000 . ']');
	my @before = map { $_->{content} } req('GET', "/job/$job"), result($load, $rows), req('GET', "/job/$load/batch");
	control('snapshot', { name => 'a' });
	control('jobs', undef, 'DELETE');
	is(req('GET', "/job/$job")->{status}, 400, 'jobs are gone');
	control('restore', { name => 'a' });
	is_deeply([ map { $_->{content} } req('GET', "/job/$job"), result($load, $rows), req('GET', "/job/$load/batch") ],
		\@before, 'and come back');
	is(result($job, $batch, $id)->{content}, $r->{content}, 'with the results of queries');
	isnt(job('insert', 'Account', 'CSV'), $load, 'ids go on');
};

is(ref control('jobs', undef, 'DELETE'), 'HASH', 'jobs can be dropped');
like(error_of(req('GET', '/job/' . job('insert', 'Account', 'CSV'))), qr/^200/, 'and new ones made');
$sim->kill_kill;
done_testing();
