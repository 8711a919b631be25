# Query jobs that do not go as they should: refused, failed, aborted or deleted by others, stuck,
# complete with other numbers; and the lists of their pages, in every shape that there is.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfTest;
use Test::More;

my $t = SfFault->new('jobs', schemas => [ 'bulk', 'impatient', 'auto', 'rest' ],
	own => { impatient => { transport => 'bulk', job_timeout => '300ms' } });
my $yes = JSON::PP::true;
my $job = sub { return { %$create, job => {@_} } };

# An HTTP request of somebody else's to the only job that there is.
my $somebody = sub {
	my ($sim, $method, $content) = @_;
	my $id = $sim->jobs->[0]{id};
	my $answer = HTTP::Tiny->new->request($method,
		$sim->url . "/services/data/v62.0/jobs/query/$id", {
		headers => { Authorization => 'Bearer ' . $sim->token,
			'Content-Type' => 'application/json' },
		defined $content ? (content => $content) : () });
	die "$method: $answer->{status} $answer->{content}" if !$answer->{success};
	return;
};

# ---- the creation ------------------------------------------------------------------------

my @creation = (
	[ 'HTML' => { error => 'html_200' }, qr/answer to the creation/ ],
	[ 'garbage' => { status => 200, body => "\x01garbage" }, qr/answer to the creation/ ],
	[ 'an empty answer' => { status => 200, body => '' }, qr/answer to the creation/ ],
	[ 'an array' => { status => 200, body => '[]' }, qr/answer to the creation/ ],
	[ 'no id' => { status => 200, body => '{"state":"UploadComplete"}' }, qr/"id"/ ],
	[ 'an id that is a number' => { status => 200, body => '{"id":750}' }, qr/"id"/ ],
	[ 'an id that is a path' => { status => 200, body => '{"id":"../../sobjects/A"}' },
		qr/malformed id/ ]);
$t->run("creation answers with $_->[0]", by => 'bulk',
	faults => { %$create, %{ $_->[1] }, count => 0, content_type => 'application/json' },
	error => '08P01', message => $_->[2], warnings => [qr/a query job may have been left/])
  for @creation;

my @refusals = (
	[ 'INVALIDENTITY', q{Entity 'Account' is not supported by the Bulk API.}, 'HV000' ],
	[ 'INVALID_FIELD', q{No such column 'Nope' on entity 'Account'.}, '42703' ],
	[ 'INVALID_TYPE', q{sObject type 'Nope' is not supported.}, '42P01' ],
	[ 'MALFORMED_QUERY', 'unexpected token', 'HV000' ],
	[ 'LIMIT_EXCEEDED', 'Max bulk v2 query jobs (10000) per 24 hrs has been reached', '53400' ],
	[ 'TXN_SECURITY_METERING_ERROR', 'The operation was blocked', 'HV000' ],
	[ 'API_ERROR', 'Selecting compound data not supported in Bulk Query', 'HV000' ]);
for (@refusals)
{
	my ($code, $text, $sqlstate) = @$_;
	my $body = encode_json([ { errorCode => $code, message => $text } ]);
	my %fault = (%$create, status => 400, body => $body);

	$t->run("creation refused: $code", by => 'bulk', faults => {%fault}, error => $sqlstate,
		message => qr/could not create a query job: $code: \Q$text\E/,
		log => sub { is(requests($_[0], $create), 1, 'asked once') });

	# what bulk cannot do, REST can
	$t->run("creation refused: $code", by => 'auto', faults => {%fault},
		$code =~ /INVALIDENTITY|API_ERROR/
		? ()
		: (error => $sqlstate, message => qr/\Q$text\E/));
}

# ---- while it runs --------------------------------------------------------------------------

$t->run("poll answers with $_->[0]", by => 'bulk',
	faults => { %$poll, %{ $_->[1] }, count => 0, content_type => 'application/json' },
	error => '08P01', message => qr/state of a query job|"state"/, context => qr/bulk job 750/)
  for [ 'HTML' => { error => 'html_200' } ], [ 'garbage' => { status => 200, body => 'x' } ],
  [ 'an empty answer' => { status => 200, body => '' } ],
  [ 'no state' => { status => 200, body => '{}' } ],
  [ 'an array' => { status => 200, body => '[{"state":"JobComplete"}]' } ],
  [ 'half of itself' => { status => 200, body => '{"state":"InProg' } ];
$t->run('poll answers with a state that is unknown', by => 'bulk',
	faults => { %$poll, replace => { find => 'JobComplete', with => 'Paused' } },
	error => '08P01', message => qr/query job 750\w{15} is in the unknown state "Paused"/);
$t->run('poll answers with another version', by => 'bulk',
	faults => { %$poll, error => 'conflict' },
	error => 'HV000', message => qr/ask for the state of query job 750\w{15}: INVALIDJOB/);
$t->run('the job takes its time', by => 'bulk',
	faults => $job->(states => [ ('UploadComplete') x 2, ('InProgress') x 3, 'JobComplete' ]),
	log => sub { cmp_ok(requests($_[0], $poll), '>=', 6, 'polls') });
$t->run('the job falls back in the queue', by => 'bulk',
	faults => $job->(states => [ 'InProgress', 'UploadComplete', 'JobComplete' ]));

my $why = 'InvalidBatch : Failed to process query: ';
$t->run("the job fails: $_->[0]", by => $_->[3] // 'bulk', faults => $job->(fail => $_->[1]),
	error => $_->[2], message => $_->[4] // qr/query job 750\w{15} failed: \Q$_->[1]\E/)
  for [ 'timeout', "${why}QUERY_TIMEOUT: Your query request was running for too long.", '57014' ],
  [ 'unknown field', "${why}INVALID_FIELD: No such column", '42703' ],
  [ 'unknown object', "${why}INVALID_TYPE: sObject type", '42P01' ],
  [ 'a text', 'Something went wrong', 'HV000' ],
  [ 'a text in quotes and lines', qq("It"\nwent\twrong: \x{2603}), 'HV000', undef,
	qr/failed: "It"$/ ],
  [ 'in auto, too', 'Something went wrong', 'HV000', 'auto' ];
$t->run('the job fails without a word', by => 'bulk', faults => $job->(fail => $yes),
	error => 'HV000', message => qr/query job 750\w{15} failed$/, detail => qr/gives no reason/,
	hint => qr/Bulk Data Load Jobs/);
$t->run('SOQL errors show as a failed job', by => 'bulk',
	set => { errors_at_create => JSON::PP::false },
	sql => 'SELECT count(nope) FROM (SELECT * FROM wrong_field) w',
	error => '42703', message => qr/failed: INVALID_FIELD: No such column 'Nope__c'/,
	detail => qr/SELECT Nope__c FROM Account\s+\^/)
  if $t->node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE wrong_field (id text, nope text OPTIONS (field 'Nope__c')) SERVER bulk
		OPTIONS (object 'Account'); SELECT true});
$t->run('SOQL errors show at creation', by => 'bulk', sql => 'SELECT count(nope) FROM wrong_field',
	error => '42703', message => qr/create a query job: INVALID_FIELD/);

$t->run('the job is aborted by somebody else', by => 'bulk',
	faults => $job->(hold => 'InProgress'),
	during => sub {
		my ($sim) = @_;
		$sim->wait_request(%$poll);
		$somebody->($sim, 'PATCH', '{"state":"Aborted"}');
	},
	error => 'HV000', message => qr/query job 750\w{15} was aborted/, detail => qr/not from here/);
$t->run('the job is deleted by somebody else', by => 'bulk', set => { delete_any_state => $yes },
	faults => $job->(hold => 'InProgress'),
	during => sub {
		my ($sim) = @_;
		$sim->wait_request(%$poll);
		$somebody->($sim, 'DELETE');
	},
	error => 'HV000', message => qr/NOT_FOUND/, detail => qr/Somebody else has deleted the job/);
$t->run('the job is deleted while its pages are read', by => 'bulk',
	faults => { %$page, nth => 4, hold => 'before', count => 0 },
	during => sub {
		my ($sim) = @_;
		$sim->wait_request(path => '*/results', state => 'held');
		$somebody->($sim, 'DELETE');
		$sim->release;
	},
	error => 'HV000', message => qr/NOT_FOUND/);

# ---- too long -------------------------------------------------------------------------------

$t->run("the job is stuck $_", by => 'impatient', faults => $job->(hold => $_),
	error => '08006', message => qr/query job 750\w{15} was not complete after 300 ms/,
	detail => qr/Its state is $_/, hint => qr/job_timeout/)
  for qw(UploadComplete InProgress);

# ---- its numbers -----------------------------------------------------------------------------

$t->run('the job claims one row more', by => 'bulk', faults => $job->(records => 1001),
	error => '08P01', message => qr/gave 1000 rows instead of 1001/);
$t->run('the job claims one row less', by => 'bulk', faults => $job->(records => 999),
	error => '08P01', message => qr/gave 1000 rows instead of 999/);
my $without = { %$poll, count => 0, replace => { find => '"numberRecordsProcessed":1000,',
	with => '' } };
$t->run('the job does not say how many rows', by => 'bulk', faults => $without);
$t->run('neither job nor pages say how many rows', by => 'bulk',
	faults => [ $without, { %$page, nth => 3, headers => { 'Sforce-NumberOfRecords' => undef } } ],
	error => '08P01', message => qr/lacks the Sforce-NumberOfRecords header/);
$t->run('the job does not say how many rows, and its list is not done', by => 'bulk',
	faults => [ $without, { %$links, nth => 2,
		replace => { find => '"done":true', with => '"done":false' } } ],
	error => '08P01', message => qr/not done but names no next list/);
$t->run('the number of rows is none', by => 'bulk', faults => { %$poll,
		replace => { find => '"numberRecordsProcessed":1000',
			with => '"numberRecordsProcessed":"all"' } },
	error => '08P01', message => qr/numberRecordsProcessed/);
$t->run('the job has further members', by => 'bulk', set => { pk_chunking_key => $yes });

# ---- the lists of its pages ------------------------------------------------------------------

for my $shape (qw(doc postman chunks off))
{
	$t->run("list of pages: $shape", by => 'bulk', set => { result_pages => $shape });
	$t->run("list of pages: $shape, $_ links", by => 'bulk',
		set => { result_pages => $shape, page_links => $_, shuffle => $yes })
	  for $shape eq 'off' ? () : (1, 3, 10, 20);
	$t->run("list of pages: $shape, one page", by => 'bulk',
		set => { result_pages => $shape, page_rows => 1000 });
}

# What nobody understands: the chain of locators has the same rows.
my $chain = sub { is(requests($_[0], $page), 10, 'every page once') };
$t->run("list of pages: $_->[0]", by => 'bulk', faults => { %$links, %{ $_->[1] } }, log => $chain)
  for [ '404' => { error => 'not_found' } ],
  [ 'HTML' => { error => 'html_200' } ],
  [ 'garbage' => { status => 200, body => 'x' } ],
  [ 'empty' => { status => 200, body => '' } ],
  [ 'another shape' => { status => 200, body => '{"pages":[]}' } ],
  [ 'an array' => { status => 200, body => '[]' } ],
  [ 'no array' => { status => 200, body => '{"resultPages":{}}' } ],
  [ 'links that are none' => { status => 200, body => '{"resultPages":[{"resultUrl":7}]}' } ],
  [ 'the same page twice' => { status => 200, body =>
		'{"resultPages":[{"resultLink":"/a?locator=QQ"},{"resultLink":"/a?locator=QQ"}]}' } ],
  [ 'a next list without a locator' => { status => 200, body =>
		'{"resultPages":[{"resultLink":"/a?locator=QQ"}],"nextRecordsUrl":"/x","done":false}' } ],
  [ 'no page' => { status => 200, body => '{"resultPages":[],"done":true}' } ],
  [ '400' => { status => 400, body => '[{"errorCode":"API_ERROR","message":"no"}]' } ],
  [ '405' => { status => 405, body => '' } ];
$t->run('list of pages: 409', by => 'bulk', faults => { %$links, error => 'conflict' },
	error => 'HV000', message => qr/API version mismatch/);

# A list that goes wrong after pages of the one before were taken: no way back to the chain.
my $second = { %$links, nth => 2 };
$t->run("second list of pages: $_->[0]", by => 'bulk', faults => { %$second, %{ $_->[1] } },
	error => $_->[2] // '08P01', message => $_->[3])
  for [ '404' => { error => 'not_found' }, 'HV000', qr/NOT_FOUND/ ],
  [ 'HTML' => { error => 'html_200' }, undef, qr/list of result pages/ ],
  [ 'garbage' => { status => 200, body => 'x' }, undef, qr/list of result pages/ ],
  [ 'another shape' => { status => 200, body => '{"pages":[]}' }, undef, qr/no array of pages/ ],
  [ 'no more pages' => { status => 200, body => '{"resultPages":[],"done":true}' }, undef,
	qr/gave 500 rows instead of 1000/ ];
$t->run('second list of pages: the first one again', by => 'bulk', set => { page_links => 3 },
	faults => { %$second, replace => { find => 'resultpages?locator=', with => 'resultpages?x=' } },
	error => '08P01', message => qr/has no locator/);
$t->run('first list of pages says that it is the last', by => 'bulk',
	faults => { %$links, replace => { find => '"done":false', with => '"done":true' } },
	error => '08P01', message => qr/gave 500 rows instead of 1000/);
$t->run('list of pages names a page of another job', by => 'bulk',
	faults => { %$links, status => 200, body =>
		'{"resultPages":[{"resultLink":"https://collect.example.com/a?locator=QQ"}],"done":true}' },
	error => 'HV000', message => qr/INVALID_QUERY_LOCATOR/);

$t->finish;
done_testing();
