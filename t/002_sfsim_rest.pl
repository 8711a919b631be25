# The simulator's synchronous REST surface: rows, Collections, composite requests, limits, conditions, headers.
#
# Bodies are compared as texts where the order of keys and the way numbers are written is the point: clients and
# recordings are compared with it byte for byte.
use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Compress::Gzip qw(gzip $GzipError);
use IPC::Run qw(start kill_kill timeout);
use JSON::PP;
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
my ($out, $err) = ('', '');
my $limit = timeout(120);
$ENV{TMPDIR} = $dir;
my $sim = start(
	[
		$sfsim, '--port', '0', '--env', '--rows', 'Account=50', '--rows', 'Contact=20',
		'--die-with-parent'
	],
	\undef, \$out, \$err, $limit);
$sim->pump until $out =~ /^SF_REFRESH_TOKEN=.*\n/m;
my %env = $out =~ /^(SF_\w+)='(.*)'$/mg;
my $base = $env{SF_URL};
my $api = '/services/data/v62.0';
my $json = JSON::PP->new->utf8->canonical;
my $http = HTTP::Tiny->new(timeout => 60);

# Method, path below the API or from /services on, body (text, or data), headers.
sub call
{
	my ($method, $path, $body, %headers) = @_;
	my %opt = (headers => { Authorization => "Bearer $env{SF_TOKEN}", %headers });

	if (defined $body)
	{
		$opt{content} = ref $body ? $json->encode($body) : $body;
		$opt{headers}{'Content-Type'} //= 'application/json';
	}
	$path = "$api$path" unless $path =~ m{^/services};
	return $http->request($method, "$base$path", \%opt);
}

sub answers
{
	my ($r, $status, $content, $name) = @_;
	if (ref $content)
	{
		is($r->{status}, $status, "$name: status");
		like($r->{content}, $content, $name);
	}
	else
	{
		is("$r->{status} @{[ $r->{content} // q() ]}", "$status $content", $name);
	}
}

sub refused
{
	my ($r, $status, $code, $name) = @_;
	my $b = eval { $json->decode($r->{content}) };
	is("$r->{status} " . (ref $b eq 'ARRAY' ? $b->[0]{errorCode} : ''), "$status $code", $name);
}

sub control
{
	my ($what, $body) = @_;
	my $r = $http->request('POST', "$base/__sfsim/$what", { content => $json->encode($body) });
	die "$what: $r->{status} $r->{content}" unless $r->{success};
	return $r->{content};
}

# Move the org's clock; sessions that it ended are replaced.
sub clock
{
	control('clock', $_[0]);
	$env{SF_TOKEN} = $json->decode(control('tokens', { issue => JSON::PP::true }))->{access_token};
	return;
}

sub decode { return $json->decode($_[0]{content}); }
sub create { return decode(call('POST', "/sobjects/$_[0]", $_[1]))->{id} // die; }

sub count
{
	my ($where) = @_;
	my $q = "SELECT COUNT() FROM $where";
	$q =~ s/([^\w.~-])/sprintf('%%%02X', ord $1)/ge;
	return decode(call('GET', "/query?q=$q"))->{totalSize};
}

my $not_there = qq([{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]);
my $no_key = sub {
	return qq([{"errorCode":"NOT_FOUND","message":"Provided external ID field does not exist or )
	  . qq(is not accessible: $_[0]"}]);
};
my $missing = qr/0015g0000000000AAA/;

subtest 'one row' => sub {
	my $r = call('POST', '/sobjects/Account/', '{"Name":"Acme","Phone":"1"}');
	my $id = decode($r)->{id};
	answers($r, 201, qq({"id":"$id","success":true,"errors":[]}), 'create');
	is($r->{headers}{location}, "$api/sobjects/Account/$id", 'Location');
	answers(
		call('GET', "/sobjects/account/$id?fields=phone,Name"),
		200,
		qq({"attributes":{"type":"Account","url":"$api/sobjects/Account/$id"},)
		  . qq("Phone":"1","Name":"Acme","Id":"$id"}),
		'fields in the order asked for, Id last');
	like(call('GET', "/sobjects/Account/$id?fields=Id,Name,name,Id")->{content},
		qr/\},"Id":"$id","Name":"Acme"\}$/, 'fields asked for twice');
	like(call('GET', '/sobjects/Account/' . substr($id, 0, 15))->{content},
		qr/"Id":"$id"/, 'an id of 15 characters; all fields');
	answers(call('GET', "/sobjects/Account/$id?fields=Nope"),
		400,
		'[{"message":"No such column \'Nope\' on sobject of type Account","errorCode":"INVALID_FIELD"}]',
		'a field that is not');
	answers(call('PATCH', "/sobjects/Account/$id", '{"Phone":null}'), 204, '', 'update');
	is(decode(call('GET', "/sobjects/Account/$id?fields=Phone"))->{Phone}, undef, 'is seen');
	answers(call('POST', "/sobjects/Account/$id?_HttpMethod=PATCH", '{"Phone":"9"}'),
		204, '', '_HttpMethod');
	answers(call('PATCH', "/sobjects/Account/$id", qq({"Id":"$id"})),
		400,
		'[{"message":"The Id field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"}]',
		'Id in the body of an update');
	refused(call('POST', '/sobjects/Account', qq({"Id":"$id","Name":"x"})),
		400, 'INVALID_FIELD_FOR_INSERT_UPDATE', 'Id in the body of a create');
	answers(call('POST', '/sobjects/Contact', '{}'),
		400,
		'[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]',
		'an error of a row names its fields');
	answers(call('POST', '/sobjects/Account', '{"Nam":"x"}'),
		400,
		'[{"message":"No such column \'Nam\' on sobject of type Account","errorCode":"INVALID_FIELD"}]',
		'a member that is no field');
	answers(call('DELETE', "/sobjects/Account/$id"), 204, '', 'delete');
	answers(call('DELETE', "/sobjects/Account/$id"),
		404, '[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]',
		'delete again');
	refused(call('PATCH', "/sobjects/Account/$id", '{"Phone":"1"}'),
		404, 'ENTITY_IS_DELETED', 'update what is deleted');
	answers(call('GET', "/sobjects/Account/$id"), 404, $not_there, 'read what is deleted');
	answers(call('GET', '/sobjects/Account/0015g0000000000AAA'), 404, $not_there, 'never was');
	answers(call('PATCH', '/sobjects/Account/0015g0000000000AAA', '{}'),
		404, $not_there, 'update what never was');
	answers(call('GET', '/sobjects/Account/nonsense'), 404, $no_key->('nonsense'), 'no id');
	answers(call('GET', "/sobjects/Contact/$id"),
		404, $no_key->($id), 'an id of another object');
	answers(call('GET', '/sobjects/Nothing'), 404, $not_there, 'unknown object');
};

subtest 'bodies that are no JSON' => sub {
	my @bad = (
		'' => 'The HTTP entity body is required, but this request has no entity body.',
		'{"Name" "x"}' =>
		  q{Unexpected character ('"' (code 34)): was expecting a colon to separate field name and value at [line:1, column:9]},
		"{\"Name\":\n }" =>
		  q<Unexpected character ('}' (code 125)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:2, column:2]>,
		'{"Name":nil}' =>
		  q{Unrecognized token 'nil': was expecting 'null', 'true', 'false' or NaN at [line:1, column:12]},
		'{"Name":"x"' =>
		  'Unexpected end-of-input: expected close marker for OBJECT at [line:1, column:12]',
		'{"a":1 "b":2}' =>
		  q{Unexpected character ('"' (code 34)): was expecting comma to separate OBJECT entries at [line:1, column:8]},
		'{a:1}' =>
		  q{Unexpected character ('a' (code 97)): was expecting double-quote to start field name at [line:1, column:2]},
		"{\"Name\":\"\xff\"}" => 'Invalid UTF-8 start byte 0xff at [line:1, column:10]',
		"{\n\"AnnualRevenue\": \"abc\",\"Name\":\"x\"}" =>
		  'Cannot deserialize instance of currency from VALUE_STRING value abc or request may be missing a required field at [line:2, column:18]',
	);
	while (my ($body, $message) = splice @bad, 0, 2)
	{
		my $r = call('POST', '/sobjects/Account', $body);
		my $b = eval { decode($r)->[0] } // {};
		is("$r->{status} $b->{errorCode}: $b->{message}",
			"400 JSON_PARSER_ERROR: $message", "'$body'");
	}
	refused(call('POST', '/sobjects/Account', '{}', 'Content-Type' => 'text/plain'),
		415, 'UNSUPPORTED_MEDIA_TYPE', 'wrong type');
	gzip(\'{"Name":"zipped"}', \my $zipped) or die $GzipError;
	is(call('POST', '/sobjects/Account', $zipped, 'Content-Encoding' => 'gzip')->{status},
		201, 'gzip');
	control('options', { check_content_type => JSON::PP::false });
	is(call('POST', '/sobjects/Account', '{"Name":"x"}', 'Content-Type' => 'text/plain')->{status},
		201, 'unless it is switched off');
	control('options', { check_content_type => JSON::PP::true });
};

subtest 'external ids' => sub {
	my $path = '/sobjects/Contact/External_Id__c';
	my $r = call('PATCH', "$path/K%201", '{"LastName":"Key"}');
	my $id = decode($r)->{id};
	answers($r, 201, qq({"id":"$id","success":true,"errors":[],"created":true}), 'upsert creates');
	is($r->{headers}{location}, "$api/sobjects/Contact/$id", 'Location');
	answers(call('PATCH', "$path/K%201", '{"LastName":"Kay"}'),
		200, qq({"id":"$id","success":true,"errors":[],"created":false}), 'upsert updates');
	answers(call('PATCH', "/services/data/v45.0$path/K%201", '{"LastName":"Koy"}'),
		204, '', 'before v46: 204');
	my $old = call('PATCH', "/services/data/v45.0$path/K2", '{"LastName":"Key"}');
	answers($old, 201, qr/^\{"id":"\w{18}","success":true,"errors":\[\]\}$/, 'and no created');
	answers(call('GET', "$path/K%201?fields=LastName"),
		200,
		qq({"attributes":{"type":"Contact","url":"$api/sobjects/Contact/$id"},)
		  . qq("LastName":"Koy","Id":"$id"}),
		'read');
	answers(call('PATCH', "$path/K%201", '{"LastName":"x","External_Id__c":"K 1"}'),
		400,
		'[{"message":"The External_Id__c field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"}]',
		'the key in the body');
	answers(call('PATCH', "$path/K9?updateOnly=true", '{"LastName":"x"}'),
		404, $not_there, 'updateOnly');
	answers(call('GET', "$path/none"), 404, $not_there, 'no such value');
	answers(call('GET', '/sobjects/Contact/FirstName/x'), 404, $no_key->('FirstName'), 'no key');

	create('Contact', { LastName => $_, Email => 'twice@example.com' }) for qw(A B);
	my $two = call('GET', '/sobjects/Contact/Email/twice@example.com');
	answers($two, 300, qr{^\["$api/sobjects/Contact/003\w{15}","$api/sobjects/Contact/003\w{15}"\]$},
		'several rows');
	is(call('PATCH', '/sobjects/Contact/Email/twice@example.com', '{"LastName":"x"}')->{status},
		300, 'several rows, upsert');
	is(call('POST', '/sobjects/Contact/Id', '{"LastName":"x"}')->{status}, 201, 'POST to Id');
	answers(call('DELETE', "$path/K%201"), 204, '', 'delete');
	answers(call('GET', "$path/K%201"), 404, $not_there, 'is gone');
};

subtest 'what hangs on a row' => sub {
	my $account = create('Account', { Name => 'Parent' });
	my $contact = create('Contact', { LastName => 'Child', AccountId => $account });
	is(decode(call('GET', "/sobjects/Contact/$contact/Account?fields=Name"))->{Name},
		'Parent', 'the parent');
	my $children = decode(call('GET', "/sobjects/Account/$account/Contacts?fields=LastName"));
	is_deeply([ map { $_->{LastName} } @{ $children->{records} } ], ['Child'], 'the children');
	answers(call('GET', "/sobjects/Account/$account/Nonsense"), 404, $not_there, 'neither');
	my $file = create('Attachment',
		{ Name => 'a.txt', ParentId => $account, Body => 'aGVsbG8=', ContentType => 'text/x-test' });
	my $r = call('GET', "/sobjects/Attachment/$file/Body");
	answers($r, 200, 'hello', 'a blob');
	like($r->{headers}{'content-type'}, qr{^text/x-test}, 'and its type');

	my $multipart = join "\r\n", '--b', 'Content-Disposition: form-data; name="entity_attachment"',
	  'Content-Type: application/json', '', qq({"Name":"b.bin","ParentId":"$account"}), '--b',
	  'Content-Disposition: form-data; name="Body"; filename="b.bin"',
	  'Content-Type: application/octet-stream', '', "bytes \0\xff", '--b--', '';
	my %type = ('Content-Type' => 'multipart/form-data; boundary="b"');
	$r = call('POST', '/sobjects/Attachment', $multipart, %type);
	is($r->{status}, 201, 'multipart');
	$file = decode($r)->{id};
	is(call('GET', "/sobjects/Attachment/$file/Body")->{content}, "bytes \0\xff", 'its bytes');
	refused(call('POST', '/sobjects/Attachment', '--b--', %type),
		400, 'INVALID_MULTIPART_REQUEST', 'multipart without a record');
};

subtest 'conditional requests' => sub {
	my $id = create('Account', { Name => 'Condition' });
	my $r = call('GET', "/sobjects/Account/$id");
	my ($etag, $date) = @{ $r->{headers} }{qw(etag last-modified)};
	like($etag, qr{^"[\w+/]{27}="$}, 'ETag of an account');
	is(call('GET', "/sobjects/Account/$id?fields=Name")->{headers}{etag},
		$etag, 'the same, whatever is asked for');
	is(call('GET', "/sobjects/Account/$id", undef, 'If-None-Match' => $etag)->{status},
		304, 'If-None-Match');
	is(call('GET', "/sobjects/Account/$id", undef, 'If-None-Match' => '"x"')->{status},
		200, 'another tag');
	is(call('GET', "/sobjects/Account/$id", undef, 'If-Modified-Since' => $date)->{status},
		304, 'If-Modified-Since');
	my %old = ('If-Unmodified-Since' => 'Thu, 05 Nov 2015 00:00:00 GMT');
	is(call('GET', "/sobjects/Account/$id", undef, %old)->{status}, 412, 'If-Unmodified-Since');
	is(call('PATCH', "/sobjects/Account/$id", '{"Phone":"5"}', %old)->{status},
		412, 'and of an update');
	is(decode(call('GET', "/sobjects/Account/$id?fields=Phone"))->{Phone}, undef, 'not written');
	is(call('PATCH', "/sobjects/Account/$id", '{"Phone":"5"}', 'If-Match' => $etag)->{status},
		204, 'If-Match');
	is(call('PATCH', "/sobjects/Account/$id", '{"Phone":"6"}', 'If-Match' => $etag)->{status},
		412, 'the row has another tag now');
	my $contact = create('Contact', { LastName => 'x' });
	my $plain = call('GET', "/sobjects/Contact/$contact");
	is($plain->{headers}{etag}, undef, 'no tag of other rows');

	$r = call('GET', '/sobjects/Contact/describe');
	($etag, $date) = @{ $r->{headers} }{qw(etag last-modified)};
	like($etag, qr/^"[0-9a-f]{8}"$/, 'ETag of a describe');
	$r = call('GET', '/sobjects/Contact/describe', undef, 'If-Modified-Since' => $date);
	is("$r->{status} " . ($r->{content} // q()) . " $r->{headers}{etag}", "304  $etag", 'not modified');
	my %tag = ('If-None-Match' => $etag);
	is(call('GET', '/sobjects/Contact/describe', undef, %tag)->{status}, 200, 'tags do not count');
	control('options', { describe_if_none_match => JSON::PP::true });
	is(call('GET', '/sobjects/Contact/describe', undef, %tag)->{status}, 304, 'with the option');
	control('options', { describe_if_none_match => JSON::PP::false });
};

my $rolled_back =
	'{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back '
  . 'because not all records were valid and the request was using AllOrNone header","fields":[]}]}';
my $no_last_name =
	'{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: '
  . '[LastName]","fields":["LastName"]}]}';

sub record { my ($type, %fields) = @_; return { attributes => { type => $type }, %fields }; }

subtest 'Collections' => sub {
	my $path = '/composite/sobjects';
	my $r = call('POST', $path,
		{ records => [ record('Contact', LastName => 'C1'), record('Contact') ] });
	my $id = decode($r)->[0]{id};
	answers($r, 200, qq([{"id":"$id","success":true,"errors":[]},$no_last_name]), 'create');
	$r = call('POST', $path, { allOrNone => JSON::PP::true,
			records => [ record('Contact', LastName => 'Never'), record('Contact') ] });
	answers($r, 200, "[$rolled_back,$no_last_name]", 'all or none');
	is(count("Contact WHERE LastName = 'Never'"), 0, 'none');

	$r = call('PATCH', $path, { records => [
				record('Contact', id => $id, LastName => 'C2'),
				record('Contact', Id => $id, LastName => undef),
				record('Contact', LastName => 'x') ] });
	answers($r,
		200,
		qq([{"id":"$id","success":true,"errors":[]},$no_last_name,{"success":false,"errors":)
		  . '[{"statusCode":"MISSING_ARGUMENT","message":"Id not specified in an update call","fields":[]}]}]',
		'update');
	control('options', { error_ids => JSON::PP::true });
	$r = call('PATCH', $path, { records => [ record('Contact', Id => $id, LastName => undef) ] });
	is(decode($r)->[0]{id}, $id, 'ids of failed rows, with the option');
	control('options', { error_ids => JSON::PP::false });

	$r = call('PATCH', "$path/Contact/External_Id__c", { records => [
				record('Contact', External_Id__c => 'U1', LastName => 'U') ] });
	my $upserted = decode($r)->[0]{id};
	answers($r, 200, qq([{"id":"$upserted","success":true,"errors":[],"created":true}]), 'upsert');
	answers(
		call('PATCH', "$path/Contact/External_Id__c", { records => [
				record('Contact', External_Id__c => 'u1', LastName => 'V'),
				record('Contact', External_Id__c => 'U2', LastName => 'V') ] }),
		200,
		qr/^\[\{"id":"$upserted","success":true,"errors":\[\],"created":false\},\{"id":"\w+",.*"created":true\}\]$/,
		'upsert, one of each');
	$r = call('PATCH', "$path/Contact/Id",
		{ records => [ record('Contact', Id => undef, LastName => 'W') ] });
	answers($r, 200, qr/^\[\{"id":"003\w{15}","success":true,"errors":\[\],"created":true\}\]$/,
		'upsert by Id, which is null');
	answers(call('PATCH', "$path/Contact/FirstName", { records => [] }),
		404, $no_key->('FirstName'), 'upsert by what is no key');

	my $url = sub { qq("attributes":{"type":"Contact","url":"$api/sobjects/Contact/$_[0]"}) };
	my $both = '[{' . $url->($id) . qq(,"LastName":"C2","Id":"$id"},null]);
	answers(call('GET', "$path/Contact?ids=$id,0035g0000000000AAA&fields=LastName"),
		200, $both, 'retrieve');
	answers(call('POST', "$path/Contact",
			{ ids => [ $id, '0035g0000000000AAA' ], fields => ['LastName'] }),
		200, $both, 'retrieve by POST');

	answers(call('DELETE', "$path?ids=$id,0035g0000000001,nonsense"),
		200,
		qq([{"id":"$id","success":true,"errors":[]},{"success":false,"errors":[{"statusCode":)
		  . '"INVALID_CROSS_REFERENCE_KEY","message":"invalid cross reference id","fields":[]}]},'
		  . '{"success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"malformed id nonsense","fields":[]}]}]',
		'delete');
	answers(call('DELETE', "$path?ids=$upserted,$id&allOrNone=true"),
		200,
		qq([$rolled_back,{"success":false,"errors":[{"statusCode":"ENTITY_IS_DELETED","message":)
		  . '"entity is deleted","fields":[]}]}]',
		'delete, all or none');
	is(count("Contact WHERE Id = '$upserted'"), 1, 'none');

	my @many = map { record('Contact', LastName => "M$_") } 1 .. 201;
	answers(call('POST', $path, { records => \@many }),
		400,
		'[{"message":"record limit reached. cannot submit more than 200 records into this call","errorCode":"EXCEEDED_ID_LIMIT"}]',
		'201 rows');
	my @mixed =
	  map { (record('Account', Name => "N$_"), record('Contact', LastName => "N$_")) } 1 .. 6;
	answers(call('POST', $path, { records => \@mixed }),
		400, qr/Cannot have more than 10 chunks in a single operation/, 'twelve chunks');
	is(scalar(grep { $_->{success} }
			  @{ decode(call('POST', $path, { records => [ @mixed[ 0 .. 9 ] ] })) }),
		10, 'ten chunks');
	answers(call('POST', $path, { records => [ record('Contact', Nope => 1) ] }),
		200,
		'[{"success":false,"errors":[{"statusCode":"INVALID_FIELD","message":"No such column \'Nope\' on sobject of type Contact","fields":[]}]}]',
		'an unknown field refuses its record');
};

subtest 'objects that do not go together' => sub {
	my $user = decode(call('GET', '/query?q=SELECT+Id+FROM+User+LIMIT+1'))->{records}[0]{Id};
	my $account = create('Account', { Name => 'Mixed' });
	my $r = call('PATCH', '/composite/sobjects', { records => [
				record('Account', Id => $account, Phone => '1'),
				record('User', Id => $user, Phone => '1') ] });
	is_deeply([ map { $_->{success} ? '' : $_->{errors}[0]{statusCode} } @{ decode($r) } ],
		[ '', 'MIXED_DML_OPERATION' ], 'an account and a user');
};

subtest 'rows in XML' => sub {
	my %type = ('Content-Type' => 'application/xml; charset=UTF-8', Accept => 'application/xml');
	my $r = call('POST', '/sobjects/Account',
		'<?xml version="1.0"?><Account xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
		  . '<Name>A &amp; B</Name><AnnualRevenue>12.5</AnnualRevenue><Phone xsi:nil="true"/></Account>',
		%type);
	answers($r, 201,
		qr{^<\?xml version="1.0" encoding="UTF-8"\?><Result><id>001\w{15}</id><success>true</success></Result>$},
		'create');
	my ($id) = $r->{content} =~ /<id>(\w+)/;
	my $row = decode(call('GET', "/sobjects/Account/$id?fields=Name,AnnualRevenue,Phone"));
	is("$row->{Name} $row->{AnnualRevenue}", 'A & B 12.5', 'what was written');
	is(call('PATCH', "/sobjects/Account/$id", '<a><Name>C</Name></a>', %type)->{status}, 204, 'update');
	answers(call('POST', '/sobjects/Account', '<Account><Name>', %type), 400, qr/XML_PARSER_ERROR/, 'broken');
};

subtest 'composite' => sub {
	my $part = sub {
		my ($ref, $method, $url, $body) = @_;
		return { referenceId => $ref, method => $method, url => "$api$url",
			defined $body ? (body => $body) : () };
	};
	my $composite = sub {
		my ($all, @parts) = @_;
		return call('POST', '/composite', { compositeRequest => \@parts,
				$all ? (allOrNone => JSON::PP::true) : () });
	};
	my $halted = '"httpHeaders":{},"httpStatusCode":400,"referenceId":';
	my $rolled = '{"body":[{"errorCode":"PROCESSING_HALTED","message":"The transaction was rolled back '
	  . 'since another operation in the same transaction failed."}],' . $halted;

	# references into bodies, URLs and query results, in one transaction
	my $r = $composite->(1,
		$part->('a', 'POST', '/sobjects/Account', { Name => "O'Neil & Co" }),
		$part->('g', 'GET', '/sobjects/Account/@{a.id}?fields=Name'),
		$part->('q', 'GET', '/query?q=SELECT Id FROM Account WHERE Id = \'@{a.id}\''),
		$part->('c', 'POST', '/sobjects/Contact',
			{ LastName => '@{g.Name} jr.', AccountId => '@{q.records[0].Id}' }));
	my @parts = @{ decode($r)->{compositeResponse} };
	is_deeply([ map { $_->{httpStatusCode} } @parts ], [ 201, 200, 200, 201 ], 'all went well');
	my $id = $parts[0]{body}{id};
	like($r->{content},
		qr|^\{"compositeResponse":\[\{"body":\{"id":"$id","success":true,"errors":\[\]\},"httpHeaders":\{"Location":"$api/sobjects/Account/$id"\},"httpStatusCode":201,"referenceId":"a"\},|,
		'the shape');
	is_deeply($parts[2]{httpHeaders}, {}, 'a query has no headers');
	is_deeply([ sort keys %{ $parts[1]{httpHeaders} } ], [ 'ETag', 'Last-Modified' ], 'a row has');
	is(count("Contact WHERE AccountId = '$id' AND LastName = 'O\\'Neil & Co jr.'"),
		1, 'texts and ids arrived');

	$r = $composite->(1,
		$part->('a', 'POST', '/sobjects/Account', { Name => 'Rolled back' }),
		$part->('b', 'POST', '/sobjects/Contact', {}),
		$part->('c', 'GET', '/sobjects/Account/@{a.id}'));
	answers($r,
		200,
		qq({"compositeResponse":[$rolled"a"},{"body":[{"message":"Required fields are missing: [LastName]",)
		  . qq("errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}],$halted"b"},$rolled"c"}]}),
		'all or none');
	is(count("Account WHERE Name = 'Rolled back'"), 0, 'nothing is left');
	$r = $composite->(1,
		$part->('a', 'POST', '/sobjects/Account', { Name => 'Rolled back' }),
		$part->('b', 'POST', '/composite/sobjects',
			{ records => [ record('Account', Name => 'Rolled back'), record('Account') ] }));
	is(count("Account WHERE Name = 'Rolled back'"), 0, 'a failed row of Collections does it, too');

	$r = $composite->(0,
		$part->('a', 'POST', '/sobjects/Account', {}),
		$part->('b', 'POST', '/sobjects/Contact', { LastName => 'x', AccountId => '@{a.id}' }),
		$part->('c', 'GET', '/sobjects/Foo'));
	like($r->{content},
		qr/\{"body":\[\{"errorCode":"PROCESSING_HALTED","message":"Invalid reference specified. No value for a.id found in a. Provided referenceId \('a.id'\) must start with a letter or a number, and it can contain only letters, numbers and underscores \('_'\)."\}\],\Q$halted\E"b"\},\{"body":\Q$not_there\E,"httpHeaders":\{\},"httpStatusCode":404,"referenceId":"c"\}/,
		'what depends on a failed part is not run, the rest is');
	$r = $composite->(0, $part->('a', 'GET', '/jobs/query'),
		{ referenceId => 'b', method => 'GET', url => '/elsewhere' });
	is_deeply([ map { $_->{body}[0]{errorCode} } @{ decode($r)->{compositeResponse} } ],
		[ ('PROCESSING_HALTED') x 2 ], 'what cannot be a part');

	my $whole = sub { return decode($_[0])->{compositeResponse}[0]; };
	my @n = map { $part->("r$_", 'GET', '/limits') } 1 .. 26;
	answers($composite->(0, @n),
		400,
		qq({"compositeResponse":[{"body":[{"errorCode":"LIMIT_EXCEEDED","message":)
		  . qq("The request can\xe2\x80\x99t contain more than 25 operations."}],$halted)
		  . 'null}]}',
		'26 parts');
	is(scalar @{ decode($composite->(0, @n[ 0 .. 24 ]))->{compositeResponse} }, 25, '25 parts');
	my @q = map { $part->("q$_", 'GET', '/query?q=SELECT COUNT() FROM Account') } 1 .. 6;
	is($whole->($composite->(0, @q))->{body}[0]{errorCode}, 'LIMIT_EXCEEDED', 'six queries');
	control('options', { composite_queries => 0 });
	is($composite->(0, @q)->{status}, 200, 'unless that is switched off');
	control('options', { composite_queries => 5, composite_url_max => 40 });
	$r = $composite->(0, $part->('a', 'GET', '/query?q=SELECT Id,Name FROM Account'));
	is($whole->($r)->{httpStatusCode}, 400, 'a URL that is too long');
	control('options', { composite_url_max => 0 });
	is($composite->(0, $n[0], $n[0])->{status}, 400, 'the same reference twice');
	is($composite->(0, $part->('a[1]', 'GET', '/limits'))->{status}, 400, 'a bad reference');
	is(call('GET', '/composite')->{content},
		qq({"tree":"$api/composite/tree","batch":"$api/composite/batch",)
		  . qq("sobjects":"$api/composite/sobjects","graph":"$api/composite/graph"}),
		'what there is');
};

subtest 'batch, tree, graph' => sub {
	my $before = decode(call('GET', '/limits'))->{DailyApiRequests}{Remaining};
	my $r = call('POST', '/composite/batch', { haltOnError => JSON::PP::true, batchRequests => [
				{ method => 'POST', url => 'v62.0/sobjects/Account', richInput => { Name => 'B' } },
				{ method => 'PATCH', url => 'v62.0/sobjects/Account/x', richInput => {} },
				{ method => 'GET', url => 'v62.0/limits' } ] });
	like($r->{content},
		qr/^\{"hasErrors":true,"results":\[\{"statusCode":201,"result":\{"id":"001\w{15}","success":true,"errors":\[\]\}\},\{"statusCode":404,"result":\[.*\]\},\{"statusCode":412,"result":\[\{"errorCode":"BATCH_PROCESSING_HALTED","message":"Batch processing halted per request"\}\]\}\]\}$/,
		'batch');
	is($before - decode(call('GET', '/limits'))->{DailyApiRequests}{Remaining},
		4, 'each part that ran counts');
	refused(call('POST', '/composite/batch',
			{ batchRequests => [ { method => 'GET', url => 'v63.0/limits' } ] }),
		400, 'INVALID_INPUT', 'a version beyond the request\'s');

	my $row = sub {
		my ($type, $ref, %fields) = @_;
		return { attributes => { type => $type, referenceId => $ref }, %fields };
	};
	$r = call('POST', '/composite/tree/Account', { records => [
				$row->('Account', 'r1', Name => 'T1',
					Contacts => { records => [ $row->('Contact', 'r2', LastName => 'T') ] }),
				$row->('Account', 'r3', Name => 'T3') ] });
	answers($r,
		201,
		qr/^\{"hasErrors":false,"results":\[\{"referenceId":"r1","id":"001\w{15}"\},\{"referenceId":"r3","id":"001\w{15}"\},\{"referenceId":"r2","id":"003\w{15}"\}\]\}$/,
		'tree');
	is(count("Contact WHERE LastName = 'T' AND Account.Name = 'T1'"), 1, 'hangs where it should');
	$r = call('POST', '/composite/tree/Account', { records => [
				$row->('Account', 'r1', Name => 'Felled',
					Contacts => { records => [ $row->('Contact', 'r2') ] }) ] });
	answers($r,
		400,
		'{"hasErrors":true,"results":[{"referenceId":"r2","errors":[{"statusCode":"REQUIRED_FIELD_MISSING",'
		  . '"message":"Required fields are missing: [LastName]","fields":["LastName"]}]}]}',
		'tree, a bad row');
	is(count("Account WHERE Name = 'Felled'"), 0, 'all or nothing');
	$r = call('POST', '/composite/tree/Account',
		{ records => [ map { $row->('Account', 'same', Name => "N$_") } 1, 2 ] });
	like($r->{content}, qr/Duplicate ReferenceId/, 'the same reference twice');

	$r = call('POST', '/composite/graph', { graphs => [
				map { { graphId => $_, compositeRequest => [
							{ method => 'POST', url => "$api/sobjects/Account", referenceId => 'a',
								body => { Name => 'Graph' } },
							{ method => 'POST', url => "$api/sobjects/Contact", referenceId => 'b',
								body => $_ eq 'good' ? { LastName => 'G', AccountId => '@{a.id}' } : {} } ]
					} } qw(good bad) ] });
	my @graphs = @{ decode($r)->{graphs} };
	is_deeply([ map { $_->{isSuccessful} ? 1 : 0 } @graphs ], [ 1, 0 ], 'each graph by itself');
	is(count("Account WHERE Name = 'Graph'"), 1, 'and the bad one left nothing');
	my $good = { graphId => 'g', compositeRequest => [ { method => 'POST', referenceId => 'a',
				url => "$api/sobjects/Account", body => { Name => 'Graph' } } ] };
	refused(call('POST', '/composite/graph', { graphs => [ $good, { graphId => 'x' } ] }),
		400, 'INVALID_INPUT', 'a graph without requests');
	is(count("Account WHERE Name = 'Graph'"), 1, 'and nothing of the others was run');
};

subtest 'limits' => sub {
	my $limits = decode(call('GET', '/limits'));
	is(scalar keys %$limits, 47, 'all keys');
	is_deeply($limits->{PermissionSets},
		{ Max => 1500, Remaining => 1496, CreateCustom => { Max => 1000, Remaining => 996 } },
		'nested');
	is_deeply($limits->{DailyBulkApiBatches}{Workbench}, { Max => 0, Remaining => 0 }, 'by app');
	my $r = call('GET', '/limits');
	my ($used) = $r->{headers}{'sforce-limit-info'} =~ m{^api-usage=(\d+)/15000$};
	is(decode($r)->{DailyApiRequests}{Remaining}, 15000 - $used, 'the header says the same');

	control('options', { enforce_api => JSON::PP::true, api_max => $used + 1 });
	is(call('GET', '/limits')->{status}, 200, 'the last one');
	answers(call('GET', '/limits'),
		403,
		'[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
		'one too many');
	clock({ advance_ms => 86400_000 + 900_000 });
	$r = call('GET', '/limits');
	like($r->{headers}{'sforce-limit-info'}, qr/^api-usage=1\//, '24 hours later all is free');
	control('options', { enforce_api => JSON::PP::false, api_max => 15000 });
	clock({ reset => JSON::PP::true });

	my $n = decode(call('GET', '/limits/recordCount?sObjects=Contact'))->{sObjects}[0]{count};
	control('options', { stale_counts => JSON::PP::true });
	my $counted = '{"sObjects":[{"count":' . $n . ',"name":"Contact"}]}';
	answers(call('GET', '/limits/recordCount?sObjects=Contact,Nothing'), 200, $counted, 'count');
	create('Contact', { LastName => 'One more' });
	answers(call('GET', '/limits/recordCount?sObjects=contact'), 200, $counted, 'a stale count');
	control('options', { stale_counts => JSON::PP::false });
	is(decode(call('GET', '/limits/recordCount?sObjects=Contact'))->{sObjects}[0]{count},
		$n + 1, 'and a fresh one');
	answers(call('GET', '/limits/recordCount?sObjects=Nothing'), 200, '{"sObjects":[]}', 'unknown');
};

subtest 'replication and recent rows' => sub {
	my $gone = create('Account', { Name => 'Gone' });
	my $id = create('Account', { Name => 'Here' });
	call('DELETE', "/sobjects/Account/$gone");
	my $stamp = decode(call('GET', "/sobjects/Account/$id?fields=SystemModstamp"))->{SystemModstamp};
	clock({ advance_ms => 120_000 });
	my ($day) = $stamp =~ /^(.*T\d\d:\d\d)/;
	my $span = "start=$day:00%2B00:00&end=" . ($day =~ s/^\d{4}/2999/r) . ':00Z';
	my $r = decode(call('GET', "/sobjects/Account/updated/?$span"));
	ok((grep { $_ eq $id } @{ $r->{ids} }), 'updated');
	ok(!(grep { $_ eq $gone } @{ $r->{ids} }), 'but not deleted');
	like($r->{latestDateCovered}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000\+0000$/, 'so far');
	answers(call('GET', "/sobjects/Account/deleted?$span"),
		200,
		qr/^\{"deletedRecords":\[.*\{"id":"$gone","deletedDate":"[^"]*\.000\+0000"\}.*\],"earliestDateAvailable":"[^"]*","latestDateCovered":"[^"]*"\}$/,
		'deleted');
	refused(call('GET', '/sobjects/Account/updated?start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z'),
		400, 'INVALID_REPLICATION_DATE', 'an end before its start');
	clock({ reset => JSON::PP::true });

	answers(call('GET', '/recent'), 200, '[]', 'calls are no use');
	call('GET', "/sobjects/Account/$id", undef, 'Sforce-Mru' => 'updateMru=true');
	answers(call('GET', '/recent'),
		200,
		qq([{"attributes":{"type":"Account","url":"$api/sobjects/Account/$id"},"Id":"$id","Name":"Here"}]),
		'unless they say so');
	is(decode(call('GET', '/sobjects/Account'))->{recentItems}[0]{Id}, $id, 'of the object');
	is_deeply(decode(call('GET', '/sobjects/Contact'))->{recentItems}, [], 'not of another');
};

subtest 'a duplicate rule' => sub {
	control('options', { duplicate_rule => 'true' });
	my $id = create('Account', { Name => 'Only one' });
	answers(call('POST', '/sobjects/Account', '{"Name":"only one"}'),
		400,
		'[{"duplicateResut":{"allowSave":true,"duplicateRule":"Standard_Account_Duplicate_Rule",'
		  . '"duplicateRuleEntityType":"Account","errorMessage":"Use one of these records?","matchResults":['
		  . '{"entityType":"Account","errors":[],"matchEngine":"ExactMatchEngine","matchRecords":['
		  . '{"additionalInformation":[],"fieldDiffs":[],"matchConfidence":100.0,"record":{"attributes":'
		  . qq({"type":"Account","url":"$api/sobjects/Account/$id"},"Id":"$id"}}],)
		  . '"rule":"Standard_Account_Match_Rule_v1_0","size":1,"success":true}]},'
		  . '"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}]',
		'one row');
	my $rows = { records => [ record('Account', Name => 'Only one') ] };
	answers(call('POST', '/composite/sobjects', $rows),
		200,
		'[{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[]}]}]',
		'Collections');
	my %save = ('Sforce-Duplicate-Rule-Header' => 'includeRecordDetails=false; allowSave=true');
	is(call('POST', '/sobjects/Account', '{"Name":"Only one"}', %save)->{status},
		201, 'allowSave');
	ok(decode(call('POST', '/composite/sobjects', $rows, %save))->[0]{success}, 'of Collections');
	my %part = (method => 'POST', url => "$api/sobjects/Account", body => { Name => 'Only one' });
	my $r = call('POST', '/composite', { allOrNone => JSON::PP::true, compositeRequest => [
				{ %part, referenceId => 'a', httpHeaders => \%save } ] });
	is(decode($r)->{compositeResponse}[0]{httpStatusCode}, 201, 'header of a part');
	$r = call('POST', '/composite', { compositeRequest => [ { %part, referenceId => 'a' } ] }, %save);
	is(decode($r)->{compositeResponse}[0]{httpStatusCode}, 201, 'header of the whole');
	control('options', { duplicate_rule => 'false' });
};

subtest 'headers and methods' => sub {
	my $r = call('PUT', '/sobjects/Account', '{}');
	answers($r,
		405,
		'[{"errorCode":"METHOD_NOT_ALLOWED","message":"HTTP Method \'PUT\' not allowed. Allowed are HEAD,GET,POST"}]',
		'a method that is not');
	is($r->{headers}{allow}, 'HEAD,GET,POST', 'Allow');
	is(call('PATCH', '/sobjects/Account/describe', '{}')->{status}, 405, 'describe is no row');
	is_deeply(
		[
			map { (my $c = $_) =~ s/=.*//s; $c } @{ $r->{headers}{'set-cookie'} } ],
		[ 'CookieConsentPolicy', 'LSKey-c$CookieConsentPolicy', 'BrowserId' ],
		'cookies');
	like($r->{headers}{'x-request-id'}, qr/^[0-9a-f]{32}$/, 'X-Request-Id');
	is($r->{headers}{vary}, 'Accept-Encoding', 'Vary');
	is($r->{headers}{'cache-control'},
		'no-cache,must-revalidate,max-age=0,no-store,private', 'Cache-Control');
	$r = call('GET', '/limits', undef, Cookie => 'BrowserId=x');
	is(scalar @{ $r->{headers}{'set-cookie'} }, 2, 'a browser keeps its id');
	control('options', { cookies => JSON::PP::false });
	is(call('GET', '/limits')->{headers}{'set-cookie'}, undef, 'no cookies');
	control('options', { cookies => JSON::PP::true });

	$r = call('GET', '/sobjects/Foo', undef, Accept => 'application/xml');
	is("$r->{headers}{'content-type'} $r->{content}",
		'application/xml;charset=UTF-8 <?xml version="1.0" encoding="UTF-8"?><Errors><Error>'
		  . '<errorCode>NOT_FOUND</errorCode><message>The requested resource does not exist</message></Error></Errors>',
		'XML');
	my $browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
	like(call('GET', '/services/data', undef, Accept => $browser)->{content},
		qr{<Versions><Version><label>Summer &apos;14</label><url>/services/data/v31.0</url><version>31.0</version></Version>},
		'what a browser gets');
	for my $accept ('*/*', 'application/json, text/plain, */*', 'text/html')
	{
		like(call('GET', '/limits', undef, Accept => $accept)->{headers}{'content-type'},
			qr{^application/json}, "JSON for $accept");
	}

	like(call('GET', '/')->{content},
		qr{^\{"tooling":"$api/tooling".*"identity":"$base/id/00D\w{15}/005\w{15}".*"sobjects":"$api/sobjects"},
		'resources');
	like(call('GET', '/services/data')->{content},
		qr|\{"label":"Winter '25","url":"/services/data/v62.0","version":"62.0"\}|, 'versions');
	is(decode(call('GET', '/services/data/latest/sobjects/Account'))->{objectDescribe}{name},
		'Account', 'latest');
	is(decode(call('GET', '/tabs'))->[0]{sobjectName}, 'Account', 'tabs');
};

kill_kill($sim);
done_testing();
