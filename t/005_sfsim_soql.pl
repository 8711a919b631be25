# SOQL over HTTP: answers, pages, subqueries' pages, locators and their end, errors byte for byte, explain.
use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use Test::More;

use FindBin;
use lib "$FindBin::RealBin/lib";
use SfTest;

my $sim = sfsim_start(rows => { Account => 2500, Contact => 6000, Opportunity => 300 });
my $http = HTTP::Tiny->new(timeout => 120);
my $json = JSON::PP->new->utf8;
my $token = $sim->token;

sub get
{
	my ($path, %headers) = @_;
	$path = "/services/data/v62.0$path" if $path !~ m{^/services};
	return $http->get($sim->url . $path,
		{ headers => { Authorization => "Bearer $token", %headers } });
}

sub encode
{
	my ($text) = @_;
	return $text =~ s/([^\w.~-])/sprintf('%%%02X', ord $1)/gers;
}

sub query
{
	my ($soql, %headers) = @_;
	return get('/query?q=' . encode($soql), %headers);
}

sub body { return $json->decode($_[0]{content}); }

sub is_error
{
	my ($r, $status, $code, $message, $name) = @_;
	my $e = eval { body($r)->[0] } // {};
	is("$r->{status} " . ($e->{errorCode} // '') . ": " . ($e->{message} // ''),
		"$status $code: $message", $name);
	return;
}

subtest 'answers' => sub {
	my $r = query('SELECT Id, Name FROM Account ORDER BY Name LIMIT 1');
	like($r->{content},
		qr!^\{"totalSize":1,"done":true,"records":\[\{"attributes":\{"type":"Account","url":"/services/data/v62\.0/sobjects/Account/001\w{15}"\},"Id":"001\w{15}","Name":".*"\}\]\}$!,
		'one row, byte for byte');
	is(query('SELECT Id FROM Account WHERE Id = null')->{content},
		'{"totalSize":0,"done":true,"records":[]}', 'no row');
	is(query('SELECT COUNT() FROM Account')->{content},
		'{"totalSize":2500,"done":true,"records":[]}', 'COUNT()');
	is(query('SELECT COUNT(Id) FROM Account')->{content},
		'{"totalSize":1,"done":true,"records":[{"attributes":{"type":"AggregateResult"},"expr0":2500}]}',
		'an aggregate');
	my $all = body(get('/queryAll?q=' . encode('SELECT COUNT() FROM Account')))->{totalSize};
	cmp_ok($all, '>', 2500, 'queryAll sees what was deleted');
};

subtest 'errors' => sub {
	my $rest = 'If you are attempting to use a custom field, be sure to append the \'__c\' after the '
	  . 'custom field name. Please reference your WSDL or the describe call for the appropriate names.';
	is(query('SELECT Bacon__c FROM Account LIMIT 2')->{content},
		'[{"message":"\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\nNo such '
		  . 'column \'Bacon__c\' on entity \'Account\'. ' . $rest . '","errorCode":"INVALID_FIELD"}]',
		'an unknown field, byte for byte');
	is_error(query('SELECT Name, Id, From Account'), 400, 'MALFORMED_QUERY',
		"\nSELECT Name, Id, From Account\n                ^\nERROR at Row:1:Column:17\nunexpected token: 'From'",
		'syntax');
	is_error(query('SELECT Id FROM Accountz LIMIT 2'), 400, 'INVALID_TYPE',
		"\nSELECT Id FROM Accountz LIMIT 2\n               ^\nERROR at Row:1:Column:16\nsObject type "
		  . "'Accountz' is not supported. If you are attempting to use a custom object, be sure to "
		  . "append the '__c' after the entity name. Please reference your WSDL or the describe call "
		  . "for the appropriate names.", 'an unknown object');
	is_error(query("SELECT BillingCity, BillingPostalCode FROM Account WHERE Id = '53'"), 400,
		'INVALID_QUERY_FILTER_OPERATOR',
		"\nBillingPostalCode FROM Account WHERE Id = '53'\n                                     ^\n"
		  . "ERROR at Row:1:Column:58\ninvalid ID field: 53", 'a bad id, shown at its field');
	is_error(query('select Id from Account where AccountNumber = 3999'), 400, 'INVALID_FIELD',
		"\nselect Id from Account where AccountNumber = 3999\n                             ^\nERROR at "
		  . "Row:1:Column:30\nvalue of filter criterion for field 'AccountNumber' must be of type "
		  . "string and should be enclosed in quotes", 'a number for a text');
	is_error(query('SELECT Id, id FROM User'), 400, 'INVALID_FIELD', 'duplicate field selected: Id',
		'a field twice');
	is_error(query('SELECT Id FROM Account WHERE Name = :x'), 400, 'MALFORMED_QUERY',
		'Bind variables only allowed in Apex code', 'a variable');
	is_error(query('SELECT Id FROM Account OFFSET 2001'), 400, 'NUMBER_OUTSIDE_VALID_RANGE',
		'Maximum SOQL offset allowed is 2000', 'an offset');
	is_error(query('SELECT Id, Name FROM Contact GROUP BY Id, Name'), 400, 'EXCEEDED_ID_LIMIT',
		'Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch',
		'too many groups');
	is_error(query(''), 400, 'MALFORMED_QUERY', 'SOQL statements cannot be empty or null', 'nothing');
	is_error(query("SELECT Id FROM Account WHERE Name = '" . 'x' x 4001 . "'"), 400,
		'MALFORMED_QUERY',
		body(query("SELECT Id FROM Account WHERE Name = '" . 'x' x 4001 . "'"))->[0]{message},
		'a string of more than 4,000 characters');
};

# Every record of a query that has several pages.
sub pages
{
	my ($r) = @_;
	my (@records, @sizes);
	for (;;)
	{
		my $page = body($r);
		push @records, @{ $page->{records} };
		push @sizes, scalar @{ $page->{records} };
		return (\@records, \@sizes) if $page->{done};
		$r = get($page->{nextRecordsUrl});
	}
}

subtest 'pages' => sub {
	my ($records, $sizes) = pages(query('SELECT Id FROM Account'));
	is("@$sizes", '2000 500', '2,000 rows a page');
	my %ids = map { $_->{Id} => 1 } @$records;
	is(scalar keys %ids, 2500, 'each once');
	my $r = query('SELECT Id FROM Account', 'Sforce-Query-Options' => 'batchSize=300');
	my $first = body($r);
	is(scalar @{ $first->{records} }, 300, 'batchSize');
	like($first->{nextRecordsUrl}, qr{^/services/data/v62\.0/query/01g\w{15}-300$}, 'its locator');
	is(scalar @{ body(query('SELECT Id FROM Account', 'Sforce-Query-Options' => 'batchSize=5'))->{records} },
		200, 'no less than 200');
	my $url = $first->{nextRecordsUrl};
	is(get($url)->{content}, get($url)->{content}, 'a page can be asked for again');
	is(get($url =~ s{/query/}{/queryAll/}r)->{content}, get($url)->{content}, 'also of queryAll');
	is_error(get($url =~ s/-300$/-99999/r), 400, 'INVALID_QUERY_LOCATOR', 'invalid query locator',
		'not beyond the end');
	is_error(get('/query/01g000000000000AAA-200'), 400, 'INVALID_QUERY_LOCATOR',
		'invalid query locator', 'nor of another org');
};

subtest 'snapshots' => sub {
	$sim->set(cursor_spool_rows => 0);
	my $first = body(query('SELECT Id, Name FROM Account'));
	$sim->set(cursor_spool_rows => 20000);
	my $name = "Renamed $$";
	my $last = body(get($first->{nextRecordsUrl}))->{records}[-1];
	my $again = body(query('SELECT Id, Name FROM Account'));
	my $r = $http->request('PATCH', $sim->url . "/services/data/v62.0/sobjects/Account/$last->{Id}",
		{ headers => { Authorization => "Bearer $token", 'Content-Type' => 'application/json' },
			content => $json->encode({ Name => $name }) });
	is($r->{status}, 204, 'a row is changed');
	is(body(get($_->{nextRecordsUrl}))->{records}[-1]{Name}, $last->{Name},
		'the locator does not see it') for $first, $again;
	is(body(query("SELECT Name FROM Account WHERE Id = '$last->{Id}'"))->{records}[0]{Name}, $name,
		'a new query does');
};

subtest 'subqueries have pages' => sub {
	my $r = query('SELECT Id, (SELECT Id, CreatedById FROM Contacts) FROM Account WHERE Id IN (SELECT '
		  . 'AccountId FROM Contact) LIMIT 3');
	my $sub = body($r)->{records}[0]{Contacts};
	is_deeply([ sort keys %$sub ], [qw(done records totalSize)], 'a short list is whole');
	like($r->{content},
		qr!"Contacts":\{"totalSize":\d+,"done":true,"records":\[\{"attributes":\{"type":"Contact","url":"/services/data/v62\.0/sobjects/Contact/003\w{15}"\},"Id":"003!,
		'keys in their order');
	$r = body(query("SELECT Id, (SELECT Id FROM Opportunities) FROM Account WHERE Name = 'nobody at all'"));
	is($r->{totalSize}, 0, 'no parent, no child');
	$sim->set(query_rows => 1);
	my $page = body(query('SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Id IN (SELECT AccountId '
		  . 'FROM Contact) LIMIT 1'));
	$sub = $page->{records}[0]{Contacts};
	my ($rows) = ($sub->{done} ? [ @{ $sub->{records} } ] : undef);
	if (!$rows)
	{
		like($sub->{nextRecordsUrl}, qr{^/services/data/v62\.0/query/01g\w{15}-1$}, 'a long one has a locator');
		my ($more) = pages(get($sub->{nextRecordsUrl}));
		$rows = [ @{ $sub->{records} }, @$more ];
	}
	$sim->set(query_rows => 2000);
	my $all = body(query("SELECT COUNT() FROM Contact WHERE AccountId = '$page->{records}[0]{Id}'"));
	is(scalar @$rows, $all->{totalSize}, 'all children come');
	is($sub->{totalSize}, $all->{totalSize}, 'and are announced');
};

subtest 'locators end' => sub {
	my $url = body(query('SELECT Id FROM Account'))->{nextRecordsUrl};
	$sim->control('POST', 'clock', { advance_ms => 47 * 3600 * 1000 });
	$token = $sim->token;
	is(get($url)->{status}, 200, 'they live for two days');
	$sim->control('POST', 'clock', { advance_ms => 2 * 3600 * 1000 });
	$token = $sim->token;
	is_error(get($url), 400, 'INVALID_QUERY_LOCATOR', 'invalid query locator', 'and no longer');
	$sim->set(cursor_minutes => 15);
	$url = body(query('SELECT Id FROM Account'))->{nextRecordsUrl};
	$sim->control('POST', 'clock', { advance_ms => 16 * 60 * 1000 });
	is(get($url)->{status}, 400, 'or for 15 minutes, by an option');
	$sim->control('POST', 'clock', { reset => JSON::PP::true });
	$sim->set(cursor_minutes => 2880, max_cursors => 3);
	$token = $sim->token;
	my @urls = map { body(query('SELECT Id FROM Account'))->{nextRecordsUrl} } 1 .. 4;
	is(join(' ', map { get($_)->{status} } @urls), '400 200 200 200', 'the oldest goes when there are too many');
	$sim->set(max_cursors => 50);
};

subtest 'explain' => sub {
	my $r = get('/query?explain=' . encode("SELECT Id \n FROM Account \n LIMIT 10"));
	my $note = '"notes":[{"description":"Not considering filter for optimization because unindexed",'
	  . '"fields":["IsDeleted"],"tableEnumOrId":"Account"}]';
	like($r->{content},
		qr(^\{"plans":\[\{"cardinality":10,"fields":\[\],"leadingOperationType":"Other",\Q$note\E,"relativeCost":0\.0\d+,"sobjectCardinality":2500,"sobjectType":"Account"\},\{"cardinality":1250,"fields":\[\],"leadingOperationType":"TableScan",\Q$note\E,"relativeCost":1\.\d+,"sobjectCardinality":2500,"sobjectType":"Account"\}\],"sourceQuery":"SELECT Id \\n FROM Account \\n LIMIT 10"\}\z),
		'keys in their order');
	my $id = body(query('SELECT Id FROM Account LIMIT 1'))->{records}[0]{Id};
	my $plan = body(get('/query?explain=' . encode("SELECT Name FROM Account WHERE Id = '$id'")))->{plans}[0];
	is("$plan->{leadingOperationType} @{ $plan->{fields} } $plan->{cardinality}", 'Index Id 1', 'an index');
	is_error(get('/query?explain=' . encode('SELECT Nope')), 400, 'MALFORMED_QUERY',
		"\nSELECT Nope\n          ^\nERROR at Row:1:Column:11\nunexpected token: '<EOF>'", 'a bad query');
	is(get('/query?explain=00O5g000001234AAAA')->{status} >= 400 ? 1 : 0, 1, 'a report that is not there');
};

subtest 'other versions' => sub {
	my $deep = '/query?q=' . encode('SELECT Id, (SELECT Id, (SELECT Id FROM Invoices__r) FROM Contacts) FROM '
		  . 'Account LIMIT 1');
	is(get("/services/data/v62.0$deep")->{status}, 200, 'subqueries nest');
	is_error(get("/services/data/v57.0$deep"), 400, 'MALFORMED_QUERY',
		'SOQL statements cannot query aggregate relationships more than 1 level away from the root '
		  . 'entity object.', 'not before v58');
	like(get('/services/data/v50.0/query?q=' . encode('SELECT Id FROM User LIMIT 1'))->{content},
		qr{"/services/data/v50\.0/sobjects/User/005}, 'urls have the version of the request');
};

done_testing();
