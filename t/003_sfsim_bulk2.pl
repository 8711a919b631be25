# Bulk API 2.0 of the simulator: ingest jobs from create to result files, and what query jobs have beside t/001.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use HTTP::Tiny;
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 200, Contact => 50 });
my $json = JSON::PP->new->utf8;
my $http = HTTP::Tiny->new(timeout => 120, keep_alive => 0);
my $token = $sim->token;

# Method, path below /services/data/v62.0 (or /vNN.0/…), options of HTTP::Tiny.
sub req
{
	my ($method, $path, %opt) = @_;
	my %headers = (Authorization => "Bearer $token", %{ delete $opt{headers} || {} });
	my $version = $path =~ s{^/(v\d+\.0)(?=/)}{} ? $1 : 'v62.0';
	return $http->request($method, $sim->url . "/services/data/$version$path",
		{ headers => \%headers, %opt });
}

sub body { return $json->decode($_[0]{content}); }

sub send_json
{
	my ($method, $path, $data) = @_;
	return req($method, $path,
		headers => { 'Content-Type' => 'application/json; charset=UTF-8' },
		content => ref $data ? $json->encode($data) : $data);
}

sub is_error
{
	my ($r, $status, $code, $message, $name) = @_;
	my $b = eval { body($r) };
	my $e = ref $b eq 'ARRAY' ? $b->[0] : {};
	is(join(' ', $r->{status}, $e->{errorCode} // '', $e->{message} // $r->{content}),
		"$status $code $message", $name);
}

# The raw JSON of an answer with ids, times and durations made equal.
sub shape
{
	my ($r) = @_;
	my $text = $r->{content};
	$text =~ s/"(750|005)\w{15}"/"$1"/g;
	$text =~ s/750\w{15}/750/g;
	$text =~ s/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000"/"T"/g;
	$text =~ s/("\w+Time":)\d+/$1N/g;
	return $text;
}

sub create { return send_json('POST', $_[1] // '/jobs/ingest', { object => 'Account', operation => 'insert', %{ $_[0] } }); }
sub id_of { return body($_[0])->{id} // die "no id: $_[0]{content}"; }

sub upload
{
	my ($id, $csv, %headers) = @_;
	return req('PUT', "/jobs/ingest/$id/batches", headers => { 'Content-Type' => 'text/csv', %headers },
		content => $csv);
}
sub set_state { return send_json('PATCH', "/jobs/ingest/$_[0]", { state => $_[1] }); }
sub info { return body(req('GET', "/jobs/ingest/$_[0]")); }

# Until the job has ended (or is in the state): its info.
sub wait_for_state
{
	my ($id, $want) = @_;
	for (1 .. 3000)
	{
		my $i = info($id);
		return $i if $want ? $i->{state} eq $want : $i->{state} =~ /^(?:JobComplete|Failed|Aborted)$/;
		select(undef, undef, undef, 0.02) if $_ > 5;
	}
	die "job $id does not get there";
}

# Create, upload, close, wait: id and info.
sub run_job
{
	my ($spec, $csv, $path) = @_;
	my $id = id_of(create($spec, $path));
	is(upload($id, $csv)->{status}, 201, 'upload') or BAIL_OUT('no upload');
	my $r = set_state($id, 'UploadComplete');
	die $r->{content} if $r->{status} != 200;
	return ($id, wait_for_state($id));
}

sub result { return req('GET', "/jobs/ingest/$_[0]/$_[1]")->{content}; }
sub soql { return body(req('GET', '/query?' . $http->www_form_urlencode({ q => $_[0] })))->{records}; }
sub counters { return join ' ', map { $_[0]{$_} // '-' } qw(state numberRecordsProcessed numberRecordsFailed); }

my $account = '{"id":"750","operation":"insert","object":"Account","createdById":"005","createdDate":"T","systemModstamp":"T"';
my $format = '"lineEnding":"LF","columnDelimiter":"COMMA"';
my $times = '"retries":0,"totalProcessingTime":N,"apiActiveProcessingTime":N,"apexProcessingTime":N,"isPkChunkingSupported":false';

# ---- the life of a job, as recordings have it ------------------------------------------------

subtest 'keys by phase' => sub {
	my $r = create({});
	my $id = id_of($r);
	my $start = qq{$account,"state":"Open","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":62.0};
	my $url = '"contentUrl":"services/data/v62.0/jobs/ingest/750/batches"';
	is($r->{status}, 200, 'create answers 200');
	is(shape($r), "$start,$url,$format}", 'create');
	is(shape(req('GET', "/jobs/ingest/$id")), qq{$start,"jobType":"V2Ingest",$url,$format,$times}.'}', 'open, nothing uploaded');
	$r = upload($id, "Name\nPhase one\nPhase two\n");
	is("$r->{status}/$r->{content}/$r->{headers}{'content-type'}", '201//text/plain', 'PUT: 201, empty, text/plain');
	is(shape(req('GET', "/jobs/ingest/" . substr($id, 0, 15) . '/')),
		qq{$start,"jobType":"V2Ingest",$url,$format,"numberRecordsProcessed":0,"numberRecordsFailed":0,$times}.'}', 'open, uploaded');
	$sim->set(hold_jobs => 'UploadComplete');
	$r = set_state($id, 'UploadComplete');
	is(shape($r), qq{$account,"state":"UploadComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":62.0}.'}', 'closing: the short body');
	my $later = qq{"concurrencyMode":"Parallel","contentType":"CSV","apiVersion":62.0,"jobType":"V2Ingest",$format};
	is(shape(req('GET', "/jobs/ingest/$id")),
		qq{$account,"state":"UploadComplete",$later,"numberRecordsProcessed":0,"numberRecordsFailed":0,$times}.'}', 'closed');
	is_error(req('GET', "/jobs/ingest/$id/successfulResults"), 400, 'INVALIDJOBSTATE',
		'The results of a job in state UploadComplete cannot be read', 'no results yet');
	is_error(upload($id, "Name\nx\n"), 400, 'INVALIDJOBSTATE',
		'InvalidJobState : Uploading data to a job in state UploadComplete not allowed', 'no more uploads');
	$sim->set(hold_jobs => 'none');
	wait_for_state($id);
	is(shape(req('GET', "/jobs/ingest/$id")),
		qq{$account,"state":"JobComplete",$later,"numberRecordsProcessed":2,"numberRecordsFailed":0,$times}.'}', 'complete');
	like(result($id, 'successfulResults/'),
		qr/\A"sf__Id","sf__Created",Name\n"001\w{15}","true","Phase one"\n"001\w{15}","true","Phase two"\n\z/, 'successful');
	is(result($id, 'failedResults'), qq{"sf__Id","sf__Error",Name\n}, 'failed: the header alone');
	is(result($id, 'unprocessedrecords'), "Name\n", 'unprocessed: the header alone');
	is(result($id, 'unprocessedRecords/'), "Name\n", 'in either case');
	is(req('GET', "/jobs/ingest/$id/failedResults")->{headers}{'content-type'}, 'text/csv', 'text/csv');
	is_error(set_state($id, 'UploadComplete'), 400, 'INVALIDJOBSTATE', 'Closing already Completed Job not allowed', 'closing again');
	is_error(set_state($id, 'Aborted'), 400, 'INVALIDJOBSTATE', 'Aborting already Completed Job not allowed', 'aborting late');
	$r = req('DELETE', "/jobs/ingest/$id");
	is("$r->{status}/$r->{content}", '204/', 'deleted');
	is_error(req('GET', "/jobs/ingest/$id"), 404, 'NOT_FOUND', 'The requested resource does not exist', 'gone');
	is(scalar @{ soql("SELECT Id FROM Account WHERE Name LIKE 'Phase %'") }, 2, 'the rows are there');
};

subtest 'create refuses' => sub {
	my @cases = (
		[ { object => '' }, 'INVALIDJOB', 'InvalidJob : Unable to find object: ' ],
		[ { object => 'Nothing__c' }, 'INVALIDJOB', 'InvalidJob : Unable to find object: Nothing__c' ],
		[ { operation => '' }, 'API_ERROR', "Invalid value: '' supplied for property: 'operation'" ],
		[ { operation => 'merge' }, 'API_ERROR', "Invalid value: 'merge' supplied for property: 'operation'" ],
		[ { contentType => '' }, 'API_ERROR', "Invalid value: '' supplied for property: 'contentType'" ],
		[ { columnDelimiter => 'DOT' }, 'API_ERROR', "Invalid value: 'DOT' supplied for property: 'columnDelimiter'" ],
		[ { lineEnding => 'CR' }, 'API_ERROR', "Invalid value: 'CR' supplied for property: 'lineEnding'" ],
		[ { operation => 'upsert' }, 'INVALIDJOB', 'InvalidJob : External ID was blank for Account. An External ID must be specified for upsert.' ],
		[ { operation => 'upsert', externalIdFieldName => 'Phone' }, 'INVALIDJOB',
			'InvalidJob : Field name provided, Phone does not match an External ID, Salesforce Id, or indexed field for Account' ],
		[ { operation => 'hardDelete' }, 'FEATURENOTENABLED',
			'FeatureNotEnabled : hardDelete operation requires special user profile permission, please contact your system administrator' ],
		[ { object => 'TaskStatus' }, 'INVALIDENTITY', "InvalidEntity : Entity 'TaskStatus' is not supported by the Bulk API." ],
		[ { nonsense => 1 }, 'JSON_PARSER_ERROR', 'Unrecognized field "nonsense"' ],
	);
	is_error(create($_->[0]), 400, $_->[1], $_->[2], $_->[2]) for @cases;
	is_error(create({ operation => 'upsert', externalIdFieldName => '' }, '/v47.0/jobs/ingest'), 400, 'INVALIDJOB',
		'InvalidJob : Field name provided,  does not match an External ID for Account', 'the older text');
	like(shape(create({ operation => 'upsert', externalIdFieldName => 'Id' })),
		qr/"state":"Open","externalIdFieldName":"Id","concurrencyMode"/, 'externalIdFieldName behind the state');
	like(create({}, '/v58.0/jobs/ingest/')->{content}, qr/"apiVersion":58\.0,"contentUrl":"services\/data\/v58\.0\//, 'versions as numbers with a fraction');
	is_error(send_json('PATCH', '/jobs/ingest/7505g0000010000AAA', { state => 'Done' }), 400, 'API_ERROR',
		"Invalid value: 'Done' supplied for property: 'state'", 'no such state');
};

subtest 'abort and delete' => sub {
	my $id = id_of(create({}));
	is_error(req('DELETE', "/jobs/ingest/$id"), 400, 'INVALIDJOBSTATE', 'Deleting Open Job not allowed', 'an open job is not deleted');
	upload($id, "Name\nNever\n");
	is(body(set_state($id, 'Aborted'))->{state}, 'Aborted', 'aborted');
	is_error(set_state($id, 'Aborted'), 400, 'INVALIDJOBSTATE', 'Aborting already Aborted Job not allowed', 'once');
	is(result($id, 'unprocessedrecords'), qq{Name\n"Never"\n}, 'nothing was processed');
	is(result($id, 'successfulResults'), qq{"sf__Id","sf__Created",Name\n}, 'nothing succeeded');
	is(req('DELETE', "/jobs/ingest/$id")->{status}, 204, 'deleted');
	is(scalar @{ soql("SELECT Id FROM Account WHERE Name = 'Never'") }, 0, 'no row');
};

# ---- uploads ---------------------------------------------------------------------------------

subtest 'several uploads' => sub {
	my $id = id_of(create({}));
	my $short = substr($id, 0, 15);
	my $rest = "contents for job: <$short>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.";
	is(upload($id, "Name\nOne\n")->{status}, 201, 'the first');
	is(upload($id, "Name\nTwo\n")->{status}, 201, 'the second is taken, too');
	is_error(set_state($id, 'UploadComplete'), 400, 'BULK_API_ERROR', "Found multipe $rest", 'and reported at the close');
	$sim->set(multiple_spelling => JSON::PP::true);
	is_error(set_state($id, 'UploadComplete'), 400, 'INVALIDJOB', "InvalidJob : Found multiple $rest", 'as newer releases say it');
	is(info($id)->{state}, 'Open', 'the job is open still');
	is(set_state($id, 'Aborted')->{status}, 200, 'and can be aborted');
	$sim->reset;
};

subtest 'empty uploads' => sub {
	my ($id, $i) = run_job({}, '');
	is(counters($i), 'JobComplete 0 0', '0 bytes');
	is(result($id, 'unprocessedrecords'), '', 'no header to show');
	($id, $i) = run_job({}, "Name\n");
	is(counters($i), 'JobComplete 0 0', 'a header alone');
	is(result($id, 'successfulResults'), qq{"sf__Id","sf__Created",Name\n}, 'has result files');
	$id = id_of(create({}));
	set_state($id, 'UploadComplete');
	is(counters(wait_for_state($id)), 'JobComplete 0 0', 'no upload at all');
};

subtest 'forms of transfer' => sub {
	my $id = id_of(create({}));
	my @pieces = ("Name,Ph", "one\nPieces,12", "3\n");
	is(upload($id, sub { return shift @pieces })->{status}, 201, 'chunked');
	set_state($id, 'UploadComplete');
	is(counters(wait_for_state($id)), 'JobComplete 1 0', 'arrives whole');

	# pieces of every size on the way to the disk, short ones and long ones in turn
	$sim->set(log_body_kb => 16384);
	my $sent = "Name,Description\n" . join('', map { "Row $_," . 'x' x 500 . "\n" } 1 .. 6000);
	my ($at, $n) = (0, 0);
	$id = id_of(create({}));
	is(upload($id, sub {
			my $size = (1, 367, 65535, 3, 70000, 65536, 200000)[ $n++ % 7 ];
			my $piece = substr($sent, $at, $size);
			$at += length $piece;
			return length $piece ? $piece : undef;
		})->{status}, 201, 'a long one in chunks');
	my ($entry) = grep { $_->{path} =~ /$id/ && $_->{method} eq 'PUT' } @{ $sim->log };
	ok($sim->get_text("/__sfsim/log/$entry->{n}/request") eq $sent, 'is what was sent');
	set_state($id, 'UploadComplete');
	is(counters(wait_for_state($id)), 'JobComplete 6000 0', 'and so are its rows');

	my $csv = "Name\nPacked\n";
	gzip(\$csv, \my $gz);
	$id = id_of(create({}));
	is(upload($id, $gz, 'Content-Encoding' => 'gzip')->{status}, 201, 'gzip');
	set_state($id, 'UploadComplete');
	is(counters(wait_for_state($id)), 'JobComplete 1 0', 'is unpacked');
	is(upload(id_of(create({})), "no gzip at all", 'Content-Encoding' => 'gzip')->{status}, 400, 'what is none is refused');
	$sim->set(gzip_upload => JSON::PP::false);
	($id) = (id_of(create({})));
	upload($id, $gz, 'Content-Encoding' => 'gzip');
	set_state($id, 'UploadComplete');
	is(wait_for_state($id)->{state}, 'Failed', 'unless that is switched off');
	my $body = $json->encode({ object => 'Account', operation => 'insert' });
	gzip(\$body, \$gz);
	is(req('POST', '/jobs/ingest', headers => { 'Content-Type' => 'application/json', 'Content-Encoding' => 'gzip' }, content => $gz)->{status},
		200, 'JSON bodies come in gzip, too');
	$sim->set(max_upload_mb => 1);
	is(upload(id_of(create({})), "Name\n" . "x" x 1100000)->{status}, 413, 'uploads have a limit');
	$sim->reset;
};

subtest 'a multipart create' => sub {
	my $part = sub {
		my ($eol, $csv) = @_;
		return join($eol, '--BOUND', 'Content-Type: application/json', 'Content-Disposition: form-data; name="job"', '',
			'{"object":"Account","operation":"insert","contentType":"CSV"}', '', '--BOUND', 'Content-Type: text/csv',
			'Content-Disposition: form-data; name="content"; filename="content"', '', $csv) . "$eol--BOUND--$eol";
	};
	for my $eol ("\r\n", "\n")
	{
		my $r = req('POST', '/jobs/ingest/', headers => { 'Content-Type' => 'multipart/form-data; boundary="BOUND"' },
			content => $part->($eol, "Name\nMany parts\n"));
		is(body($r)->{state}, 'UploadComplete', 'closed at once');
		ok(!exists body($r)->{contentUrl}, 'and so nowhere to upload to');
		is(counters(wait_for_state(id_of($r))), 'JobComplete 1 0', 'processed');
	}
	is(req('POST', '/jobs/ingest/', headers => { 'Content-Type' => 'multipart/form-data; boundary=BOUND' },
			content => $part->("\n", "Name\n" . "x" x 100000))->{status}, 400, 'at most 100,000 characters');
	is(req('POST', '/jobs/ingest/', headers => { 'Content-Type' => 'multipart/form-data; boundary=OTHER' },
			content => $part->("\n", "Name\nx\n"))->{status}, 400, 'the boundary must be right');
};

# ---- what is wrong with a whole upload -------------------------------------------------------

subtest 'uploads that fail the job' => sub {
	my $eol = 'ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is';
	my $quote = 'InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote';
	my @cases = (
		[ {}, "Name,Nope\nx,y\n", 'InvalidBatch : Field name not found : Nope', qq{Name,Nope\n"x","y"\n} ],
		[ {}, "Name\r\nx\r\n", "$eol LF", qq{Name\n"x"\n} ],
		[ { lineEnding => 'CRLF' }, "Name\nx\n", "$eol CRLF", qq{Name\r\n"x"\r\n} ],
		[ {}, qq{\xef\xbb\xbf"Name"\nx\n}, $quote, undef ],
		[ {}, "\xef\xbb\xbfName\nx\n", "InvalidBatch : Field name not found : \x{feff}Name", undef ],
		[ { operation => 'delete' }, "Id,Name\nx,y\n", "InvalidBatch : The 'delete' batch must contain only ids", qq{Id,Name\n"x","y"\n} ],
		[ { object => 'Contact' }, "LastName,Contact:Nope.Name\nx,y\n", 'InvalidBatch : Unable to find relationship: Nope', undef ],
	);
	for my $c (@cases)
	{
		my ($id, $i) = run_job($c->[0], $c->[1]);
		is($i->{errorMessage}, $c->[2], $c->[2] =~ s/\P{ASCII}//gr);
		is(counters($i), 'Failed 0 0', '  nothing was processed');
		is(result($id, 'unprocessedrecords'), $c->[3], '  all of it is unprocessed') if defined $c->[3];
	}
	my ($id, $i) = run_job({}, "Name,Email\nx,y\n", '/v50.0/jobs/ingest');
	is($i->{errorMessage}, 'InvalidBatch : InvalidBatch : Field name not found : Email', 'older releases say it twice');
	like(req('GET', "/jobs/ingest/$id")->{content}, qr/"apexProcessingTime":0,"errorMessage":/, 'at the end of the info');

	# a batch that cannot be read leaves those before it
	$sim->set(batch_rows => 3, chunk_rows => 2);
	($id, $i) = run_job({}, "Name\n" . join('', map { "Batch $_\n" } 1 .. 4) . qq{Bad"\nBatch 6\n});
	is(counters($i), 'Failed 3 0', 'the batches before the bad one are processed');
	is($i->{errorMessage}, $quote, 'with the reason');
	is(scalar @{ soql("SELECT Id FROM Account WHERE Name LIKE 'Batch %'") }, 3, 'and stay');
	is(result($id, 'unprocessedrecords'), qq{Name\n"Batch 4"\nBad"\nBatch 6\n}, 'the others are unprocessed');
	$sim->reset;
};

# ---- rows ------------------------------------------------------------------------------------

subtest 'row errors and values' => sub {
	my ($id, $i) = run_job({}, qq{Name,AnnualRevenue,NumberOfEmployees\nGood,912260031,7\n,1,\n"Say ""x""",x,1\nInt,1,250.0\n});
	is(counters($i), 'JobComplete 4 3', 'failed rows count as processed');
	like(result($id, 'successfulResults'), qr/^"001\w{15}","true","Good","9\.12260031E8","7"$/m, 'values as parsed');
	my $failed = result($id, 'failedResults');
	like($failed, qr/^"","REQUIRED_FIELD_MISSING:Required fields are missing: \[Name\]:Name --","","1\.0",""$/m, 'a required field');
	like($failed, qr/^"","INVALID_FIELD:Failed to deserialize field at col 1\. Due to, 'x' is not a valid value for the type xsd:double:AnnualRevenue --","Say ""x""","x","1"$/m, 'a number that is none');
	like($failed, qr/^"","INVALID_FIELD:Failed to deserialize field at col 2\. Due to, '250\.0' is not a valid value for the type xsd:int:NumberOfEmployees --"/m, 'an integer with a fraction');
	$sim->set(echo_parsed => JSON::PP::false);
	($id) = run_job({}, "Name,AnnualRevenue\nGood,912260031\n");
	like(result($id, 'successfulResults'), qr/"Good","912260031"$/m, 'or as sent');
	$sim->reset;
};

subtest 'operations' => sub {
	my ($id, $i) = run_job({}, "Name,Phone\nOp 1,1\nOp 2,2\nOp 3,3\n");
	my @ids = map { $_->{Id} } @{ soql("SELECT Id FROM Account WHERE Name LIKE 'Op _' ORDER BY Name") };
	is(scalar @ids, 3, 'insert');

	($id, $i) = run_job({ operation => 'update' }, "Id,Phone,Name\n$ids[0],#N/A,\n" . substr($ids[1], 0, 15) . ",22,\n,33,\n0015g00000ZZZZZ,44,\n");
	is(counters($i), 'JobComplete 4 2', 'update');
	is_deeply([ map { $_->{Name} . ($_->{Phone} // '-') } @{ soql("SELECT Name, Phone FROM Account WHERE Name LIKE 'Op _' ORDER BY Name") } ],
		[ 'Op 1-', 'Op 222', 'Op 33' ], '#N/A is null, an empty cell leaves the field alone');
	my $failed = result($id, 'failedResults');
	like($failed, qr/^"","MISSING_ARGUMENT:Id not specified in an update call:--"/m, 'no id');
	like(result($id, 'successfulResults'), qr/^"$ids[0]","false","$ids[0]","#N\/A",""$/m, 'sf__Created is false');

	($id, $i) = run_job({ operation => 'upsert', externalIdFieldName => 'Id' }, "Id,Name\n$ids[2],Op 3a\n,Op 4\n");
	is(counters($i), 'JobComplete 2 0', 'upsert by Id');
	like(result($id, 'successfulResults'), qr/"false","$ids[2]","Op 3a"\n"001\w{15}","true","","Op 4"/, 'says which rows are new');

	($id, $i) = run_job({ operation => 'delete' }, "Id\n$ids[0]\n$ids[0]\n");
	is(counters($i), 'JobComplete 2 1', 'delete');
	is(result($id, 'failedResults'), qq{"sf__Id","sf__Error",Id\n"$ids[0]","ENTITY_IS_DELETED:entity is deleted:--","$ids[0]"\n}, 'a deleted row');

	my $contact = soql('SELECT Id FROM Contact LIMIT 1')->[0]{Id};
	($id, $i) = run_job({ operation => 'delete' }, "Id\nnonsense\n$contact\n");
	is(result($id, 'failedResults'), qq{"sf__Id","sf__Error",Id\n"nonsense","MALFORMED_ID:bad id nonsense:--","nonsense"\n}
		. qq{"$contact","INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--","$contact"\n}, 'ids that are none, or of another object');

	$sim->set(hard_delete => JSON::PP::true);
	($id, $i) = run_job({ operation => 'hardDelete' }, "Id\n$ids[1]\n");
	is(counters($i), 'JobComplete 1 0', 'hardDelete');
	my $all = body(req('GET', '/queryAll?' . $http->www_form_urlencode({ q => "SELECT Id FROM Account WHERE Id IN ('$ids[0]', '$ids[1]')" })));
	is_deeply([ map { $_->{Id} } @{ $all->{records} } ], [ $ids[0] ], 'leaves nothing in the recycle bin');
	$sim->reset;
};

subtest 'one external id in several rows' => sub {
	my $spec = { object => 'Invoice__c', operation => 'upsert', externalIdFieldName => 'External_Key__c' };
	$sim->set(chunk_rows => 4);
	my ($id, $i) = run_job($spec, "External_Key__c\nbulk-1\nBulk-2\nbulk-3\nbulk-2\nbulk-1\n");
	is(counters($i), 'JobComplete 5 2', 'rows of one chunk that share one are refused');
	my $error = 'DUPLICATE_VALUE:Duplicate external id specified: bulk-2:External_Key__c --';
	is(result($id, 'failedResults'), qq{"sf__Id","sf__Error",External_Key__c\n"","$error","Bulk-2"\n"","$error","bulk-2"\n}, 'all of them');
	is(join(' ', result($id, 'successfulResults') =~ /"(true|false)"/g), 'true true false', 'later chunks find the row');
	$sim->reset;
};

subtest 'relationships in headers' => sub {
	run_job({ object => 'Lead' }, "LastName,Company,Email\nWho,Co,who\@example.com\n");
	my ($id, $i) = run_job({ object => 'Task' }, "Subject,Status,Priority,Lead:Who.Email\nCall,Not Started,Normal,who\@example.com\nCall,Not Started,Normal,nobody\@example.com\n");
	is(counters($i), 'JobComplete 2 1', 'a polymorphic parent by its e-mail address');
	like(result($id, 'successfulResults'), qr/\A"sf__Id","sf__Created",Subject,Status,Priority,Lead:Who\.Email\n"00T\w{15}","true","Call","Not Started","Normal","who\@example\.com"\n\z/, 'its header as sent');
	for (
		[ 'Contact', 'LastName,Account:Account.Name', 'type is not needed for non polymorphic foreign key references: Account' ],
		[ 'Contact', 'LastName,Nothing:Nope.Name', 'Unable to find relationship: Nope' ],
		[ 'Contact', 'LastName,Account.Nope', 'Field name not found : Account.Nope' ])
	{
		(undef, $i) = run_job({ object => $_->[0] }, "$_->[1]\nx,y\n");
		is($i->{errorMessage}, "InvalidBatch : $_->[2]", $_->[1]);
	}
	($id, $i) = run_job({ object => 'Contact' }, "LastName,Birthdate\nDates,1940-06-07Z\nDates,2001-02-03T00:00:00Z\n");
	is(join('|', result($id, 'successfulResults') =~ /"Dates","(.*?)"/g), '1940-06-07|2001-02-03', 'dates in other forms');
};

subtest 'delimiters, line endings, quoting' => sub {
	my %delim = (COMMA => ',', BACKQUOTE => '`', CARET => '^', PIPE => '|', SEMICOLON => ';', TAB => "\t");
	for my $name (sort keys %delim)
	{
		my $d = $delim{$name};
		my ($id, $i) = run_job({ columnDelimiter => $name, lineEnding => 'CRLF' }, qq{"Name"${d}Phone\r\n"a$d""b""\r\nc"${d}7\r\n});
		is(counters($i), 'JobComplete 1 0', $name);
		is(result($id, 'successfulResults') =~ s/001\w{15}/ID/r,
			qq{"sf__Id"$d"sf__Created"$d"Name"${d}Phone\r\n"ID"$d"true"$d"a$d""b""\nc"${d}"7"\r\n}, 'its files have the format of the job');
	}
};

# ---- faults and switches ---------------------------------------------------------------------

sub order { $sim->fault({ method => 'POST', path => '*/jobs/ingest*', job => $_[0] }); }

subtest 'orders' => sub {
	my $rows = "Name\n" . join('', map { "Row $_\n" } 1 .. 9);
	order({ row_errors => [ { nth => 2, message => 'unable to obtain exclusive access to this record or 1 records: 001', code => 'UNABLE_TO_LOCK_ROW' },
				{ every => 4, code => 'CUSTOM', message => 'no', fields => ['Name'] } ] });
	my ($id, $i) = run_job({}, $rows);
	is(counters($i), 'JobComplete 9 3', 'ordered row errors');
	is(result($id, 'failedResults'), qq{"sf__Id","sf__Error",Name\n"","UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 001:--","Row 2"\n}
		. qq{"","CUSTOM:no:Name --","Row 4"\n"","CUSTOM:no:Name --","Row 8"\n}, 'with their texts');
	order({ unprocessed_from => 7 });
	($id, $i) = run_job({}, $rows);
	is(counters($i), 'JobComplete 6 0', 'unprocessed_from');
	is(result($id, 'unprocessedrecords'), qq{Name\n"Row 7"\n"Row 8"\n"Row 9"\n}, 'leaves rows');
	order({ quota_after => 4 });
	($id, $i) = run_job({}, $rows);
	is(counters($i), 'Failed 4 0', 'quota_after');
	like($i->{errorMessage}, qr/^ExceededQuota : /, 'says why');
	$sim->set(batch_rows => 3);
	order({ fail_after => 2, fail => 'TooManyLockFailure : Too many lock failure' });
	($id, $i) = run_job({}, $rows);
	is(counters($i), 'Failed 6 0', 'fail_after');
	is($i->{errorMessage}, 'TooManyLockFailure : Too many lock failure', 'with its message');
	order({ retries => 3 });
	(undef, $i) = run_job({}, $rows);
	is($i->{retries}, 3, 'claimed retries');
	order({ fail => JSON::PP::true });
	($id, $i) = run_job({}, $rows);
	ok($i->{state} eq 'Failed' && !exists $i->{errorMessage}, 'Failed without a message');
	order({ shuffle_rows => JSON::PP::true, reorder_columns => JSON::PP::true });
	($id, $i) = run_job({}, "Phone,Name\n" . join('', map { "$_,Shuffled $_\n" } 1 .. 50));
	my @got = split /\n/, result($id, 'successfulResults');
	is(shift @got, '"sf__Id","sf__Created",Name,Phone', 'reordered columns');
	my @numbers = map { /"Shuffled (\d+)","\1"$/ ? $1 : () } @got;
	is(join(' ', sort { $a <=> $b } @numbers), join(' ', 1 .. 50), 'all rows, with their cells');
	isnt(join(' ', @numbers), join(' ', 1 .. 50), 'in another order');
	$sim->reset;
};

subtest 'counters move while in progress' => sub {
	$sim->fault({ name => 'half', method => 'POST', path => '*/jobs/ingest', job => { hold_after => 5 } });
	my $id = id_of(create({}));
	upload($id, "Name\n" . join('', map { "Held $_\n" } 1 .. 9));
	set_state($id, 'UploadComplete');
	my $i;
	for (1 .. 500)
	{
		$i = info($id);
		last if $i->{numberRecordsProcessed} == 5;
		select(undef, undef, undef, 0.02);
	}
	is(counters($i), 'InProgress 5 0', 'half of it');
	is(scalar @{ soql("SELECT Id FROM Account WHERE Name LIKE 'Held %'") }, 5, 'is committed');
	is_error(req('DELETE', "/jobs/ingest/$id"), 400, 'INVALIDJOBSTATE', 'Deleting InProgress Job not allowed', 'no delete meanwhile');
	is(set_state($id, 'Aborted')->{status}, 200, 'but an abort');
	is(result($id, 'unprocessedrecords'), qq{Name\n} . join('', map { qq{"Held $_"\n} } 6 .. 9), 'leaves the rest unprocessed');
	is(() = result($id, 'successfulResults') =~ /"Held/g, 5, 'and the first half done');
	$sim->reset;

	order({ states => [ 'UploadComplete', 'InProgress', 'JobComplete' ] });
	$id = id_of(create({}));
	upload($id, "Name\nScript\n");
	set_state($id, 'UploadComplete');
	is(join(' ', map { info($id)->{state} } 1 .. 4), 'UploadComplete InProgress JobComplete JobComplete', 'scripted states');
	like(result($id, 'successfulResults'), qr/"Script"/, 'and its rows are written');
	$sim->reset;
};

subtest 'virtual time' => sub {
	$sim->set(queue_ms => 60000, job_ms => 120000);
	$sim->control('POST', 'clock', { freeze => JSON::PP::true });
	my $id = id_of(create({}));
	upload($id, "Name\nLate\n");
	set_state($id, 'UploadComplete');
	is(info($id)->{state}, 'UploadComplete', 'in the queue');
	$sim->control('POST', 'clock', { advance_ms => 60000 });
	is(wait_for_state($id, 'InProgress')->{state}, 'InProgress', 'after a minute');
	$sim->control('POST', 'clock', { advance_ms => 120000 });
	my $i = wait_for_state($id);
	is(counters($i), 'JobComplete 1 0', 'after three');
	is($i->{totalProcessingTime}, 180000, 'which the job says');

	my $open = id_of(create({}));
	$sim->control('POST', 'clock', { advance_ms => 86400000 });
	$token = $sim->token;
	is(info($open)->{state}, 'Aborted', 'a job is open for a day at most');
	$sim->control('POST', 'clock', { advance_ms => 6 * 86400000 });
	$token = $sim->token;
	is(req('GET', "/jobs/ingest/$id")->{status}, 404, 'jobs are kept for seven days');
	is(req('GET', "/jobs/ingest/$open")->{status}, 200, 'from their end');
	$sim->control('POST', 'clock', { reset => JSON::PP::true });
	$sim->reset;
	$token = $sim->token;
};

subtest 'quotas' => sub {
	$sim->set(query_jobs_max => 0);
	my $r = send_json('POST', '/jobs/query', { operation => 'query', query => 'SELECT Id FROM Account' });
	is_error($r, 400, 'LIMIT_EXCEEDED', body($r)->[0]{message}, 'no more query jobs');
	like(body($r)->[0]{message}, qr/^Max bulk v2 query jobs \(0\) per 24 hrs has been reached \(\d+\)$/, 'with the text');
	$sim->set(query_file_mb_max => 0);
	is_error(send_json('POST', '/jobs/query', { operation => 'query', query => 'SELECT Id FROM Account' }), 400, 'LIMIT_EXCEEDED',
		"Max bulk v2 query result size stored (0) kb per 24 hrs has been exceeded", 'no room for results');
	$sim->set(batches_max => 0);
	my ($id, $i) = run_job({}, "Name\nx\n");
	is(counters($i), 'Failed 0 0', 'no more batches');
	like($i->{errorMessage}, qr/^ExceededQuota : /, 'says why');
	$sim->reset;
};

# ---- lists -----------------------------------------------------------------------------------

subtest 'lists' => sub {
	$sim->reset;
	create({}) for 1 .. 3;
	send_json('POST', '/jobs/query', { operation => 'query', query => 'SELECT Id FROM Account' });
	my $r = req('GET', '/jobs/ingest');
	is(shape($r) =~ s/(\{"id.*?\}).*/$1/r, '{"done":true,"records":[' . qq{$account,"state":"Open","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":62.0,"jobType":"V2Ingest",$format}.'}', 'a row');
	is(scalar @{ body($r)->{records} }, 3, 'ingest jobs');
	is(scalar @{ body(req('GET', '/jobs/query'))->{records} }, 1, 'query jobs');
	is(scalar @{ body(req('GET', '/jobs/ingest?jobType=V2Ingest&isPkChunkingEnabled=false'))->{records} }, 3, 'filters');
	is(scalar @{ body(req('GET', "/jobs/ingest?$_"))->{records} }, 0, "nothing with $_") for qw(isPkChunkingEnabled=true jobType=Classic jobType=BigObjectIngest);
	create({}) for 1 .. 998;
	my $page = body(req('GET', '/jobs/ingest?jobType=V2Ingest&isPkChunkingEnabled=false'));
	ok(!$page->{done} && @{ $page->{records} } == 1000, '1,000 per page');
	like($page->{nextRecordsUrl}, qr{^/services/data/v62\.0/jobs/ingest\?queryLocator=01g\w{15}-1000&isPkChunkingEnabled=false&jobType=V2Ingest$}, 'the next page keeps the filters');
	$page = body(req('GET', $page->{nextRecordsUrl} =~ s{^/services/data}{}r));
	ok($page->{done} && @{ $page->{records} } == 1 && !defined $page->{nextRecordsUrl}, 'which is the last');
	is(req('GET', '/jobs/ingest?queryLocator=nonsense')->{status}, 400, 'locators are checked');
	$sim->reset;
};

# ---- query jobs ------------------------------------------------------------------------------

sub query_result
{
	my ($soql, $version) = @_;
	my $r = send_json('POST', ($version ? "/v$version" : '') . '/jobs/query', { operation => 'query', query => $soql });
	my $id = id_of($r);
	for (1 .. 200)
	{
		last if body(req('GET', "/jobs/query/$id"))->{state} eq 'JobComplete';
		select(undef, undef, undef, 0.02) if $_ > 5;
	}
	return req('GET', ($version ? "/v$version" : '') . "/jobs/query/$id/results");
}

subtest 'query jobs' => sub {
	my $soql = "SELECT Phone, Id, Name FROM Account WHERE Name = 'it''s'";
	$soql = "SELECT Phone, Id, Name FROM Account WHERE Name = ' FROM nobody'";
	is(query_result($soql)->{content}, qq{"Phone","Id","Name"\n}, 'columns as selected');
	is(query_result($soql, '49.0')->{content}, qq{"Id","Name","Phone"\n}, 'up to v49 in alphabetical order');
	$sim->set(empty_results => JSON::PP::true, csv_charset => JSON::PP::true);
	my $r = query_result($soql);
	is("$r->{content}/$r->{headers}{'sforce-numberofrecords'}/$r->{headers}{'sforce-locator'}", '/0/null', 'an empty body');
	is($r->{headers}{'content-type'}, 'text/csv; charset=UTF-8', 'with a charset');
	$sim->reset;
};

# ---- size ------------------------------------------------------------------------------------

subtest '100,000 rows' => sub {
	my $csv = "Name,Phone,NumberOfEmployees\n" . join('', map { "Big $_,555-$_,$_\n" } 1 .. 100000);
	my ($id, $i) = run_job({}, $csv);
	is(counters($i), 'JobComplete 100000 0', 'are processed');
	my $r = req('GET', "/jobs/ingest/$id/successfulResults", headers => { 'Accept-Encoding' => 'gzip' });
	is($r->{headers}{'content-encoding'}, 'gzip', 'results come in gzip');
	gunzip(\$r->{content}, \my $text);
	is($text =~ tr/\n//, 100001, 'with a row for each');
	is($text, result($id, 'successfulResults'), 'and plain, the same');
	like($sim->log(qr{PUT .*/batches})->[-1]{body}, qr/\AName,Phone,NumberOfEmployees\nBig 1,/, 'the log has the beginning');
	cmp_ok(length $sim->log(qr{PUT .*/batches})->[-1]{body}, '<', 20000, 'and not more');
	my $total = body(req('GET', '/query?' . $http->www_form_urlencode({ q => "SELECT COUNT() FROM Account WHERE Name LIKE 'Big %'" })))->{totalSize};
	is($total, 100000, 'all rows are there');
};

done_testing();
