# Queries by REST and describes that answer something else than they should.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfTest;
use Test::More;

my $t = SfFault->new('rest');
my $yes = JSON::PP::true;

# The first answer, and one when rows of others were handed out already.
my @places = ([ 'first answer' => $query ], [ 'later answer' => { %$more, nth => 3 } ]);

for (@places)
{
	my ($place, $what) = @$_;
	my $case = sub {
		my ($name, $fault, $sqlstate, $message, %c) = @_;

		$t->run("$place: $name", by => 'rest', faults => { %$what, %$fault },
			defined $sqlstate ? (error => $sqlstate, message => $message) : (), %c);
	};
	my $always = { count => 0 };
	my $answer = qr/answer to the query/;
	my $where = $place =~ /first/ ? qr/field "Name", row 1 of/ : qr/field "Name", row 601 of/;

	$case->('HTML', { error => 'html_200' }, '08P01', $answer);
	$case->('garbage', { status => 200, body => "\x02" }, '08P01', $answer);
	$case->('empty', { status => 200, body => '' }, '08P01', $answer);
	$case->('an array', { status => 200, body => '[]' }, '08P01', $answer);
	$case->('no rows', { status => 200, body => '{"totalSize":1000,"done":true}' }, '08P01',
		qr/records/);
	$case->('rows that are no array',
		{ status => 200, body => '{"totalSize":1000,"done":true,"records":{}}' }, '08P01',
			qr/records/);
	$case->('rows that are no objects', { replace => { find => '"records":[',
		with => '"records":[7,' } },
		'08P01', qr/./);
	$case->('"done" that is a text', { replace => { find => '"done":',
		with => '"done":"x","x":' } },
		'08P01', qr/done/);
	$case->('deeply nested', { status => 200, body =>
			'{"totalSize":1,"done":true,"records":' . '[' x 2000 . ']' x 2000 . '}' },
				'08P01|54000', qr/./);
	$case->('done before the end', { replace => { find => '"done":false', with => '"done":true' } },
		'08P01', qr/gave \d+ rows, but its totalSize is 1000/);
	$case->('no next page', { replace => { find => '"nextRecordsUrl"', with => '"other"' } },
		'08P01', qr/not done but names no next page/);
	$case->('one row less', { replace => { find => '"records":[{',
		with => '"records":[],"others":[{' } },
		'08P01', qr/no rows but is not done/);
	$case->('a next page elsewhere', { replace => {
				find => '"nextRecordsUrl":"',
					with => '"nextRecordsUrl":"https://collect.example.com' } },
		'08P01', qr/malformed next page/);
	$case->('a next page that breaks the request', { replace => {
				find => '"nextRecordsUrl":"',
					with => '"nextRecordsUrl":"/services/data/v62.0/\r\nHost: x' } },
		'08P01', qr/malformed next page/);
	$case->('totalSize is a text', { replace => { find => '"totalSize":1000',
		with => '"totalSize":"all"' } },
		'08P01', qr/totalSize/);
	$case->('totalSize is one more', { replace => { find => '"totalSize":1000',
		with => '"totalSize":1001' } },
		'08P01', qr/totalSize/);
	$case->('a NUL character', { replace => { find => '"Name":"', with => '"Name":"\u0000' } },
		'22021', qr/has a NUL character/, context => $where);
	$case->('half a surrogate pair', { replace => { find => '"Name":"',
		with => '"Name":"\ud83d' } },
		'08P01|22021', qr/./);
	$case->('bytes that are not UTF-8', { replace => { find => '"Name":"', with_hex =>
				unpack('H*', '"Name":"') . 'c328' } },
		'22021', qr/invalid UTF-8/, context => $where);
	$case->('a field is missing', { replace => { find => '"Name":', with => '"Other":' } },
		'08P01', qr/Name/i);
	$case->('cut once', { truncate => 500 });
	$case->('cut always', { truncate => 500, count => 0 }, '08006', qr/could not run the query/);
	$case->('gzip cut', { gzip_cut => 500, count => 0 }, '08(006|P01)', qr/./);
	$case->('chunked and cut', { truncate => 500, headers => { 'Content-Length' => undef } });
	$case->('uncompressed', { no_gzip => $yes });
	$case->('lower-case headers', { lower_headers => $yes });
	$case->('no Sforce headers', { headers => { 'Sforce-Limit-Info' => undef } });
	$case->('pretty-printed', { replace => { find => '{', with => " \n{ \r\n\t" } });
	$case->('a long header', { headers => { 'X-Long' => 'x' x 20000 } });
	$case->('a redirect', { status => 301, body => '',
		headers => { Location => 'https://x.example.com/' } },
		'HV000', qr/redirected/);
	$case->('query timeout', { error => 'query_timeout' }, '57014', qr/QUERY_TIMEOUT/);
	$case->('cursor is gone', { error => 'invalid_locator' }, 'HV000', qr/INVALID_QUERY_LOCATOR/);
	$case->('stops for a while', { hold => 'body', hold_at => 300 }, undef, undef,
		during => sub {
			my ($sim) = @_;
			$sim->wait_request(method => 'GET', path => '*/query*', state => 'held');
			$sim->release;
		});
}

# Every locator is dropped by the org while the first page is read.
$t->run('the cursors are gone', by => 'rest',
	faults => { %$more, hold => 'before' },
	during => sub {
		my ($sim) = @_;
		$sim->wait_request(%$more, state => 'held');
		$sim->control('DELETE', 'cursors');
		$sim->release;
	},
	error => 'HV000', message => qr/INVALID_QUERY_LOCATOR/);
$t->run('the second page names itself as the next', by => 'rest',
	faults => { %$more, count => 0, status => 200, body =>
			'{"totalSize":1000,"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01gx-200",'
			. '"records":[{"attributes":{"type":"Account"},"Id":"001000000000001AAA"}]}' },
	sql => 'SELECT count(DISTINCT id) FROM (SELECT id FROM %s.account OFFSET 0) a',
	error => '08P01', message => qr/names itself as the next page/);

# What REST cannot do goes by a job where the transport is not named.
$t->run("auto: $_->[0] goes by bulk", by => 'auto', faults => { %$query, count => 0, %{ $_->[1] } },
	log => sub { is(requests($_[0], $create), 1, 'one job') })
  for [ 'a timeout' => { error => 'query_timeout' } ],
  [ 'a URL that is too long' => { status => 414, body => '<html>too long' } ],
  [ 'headers that are too long' => { status => 431, body => '<html>too long' } ];
$t->run('auto: few rows stay with REST', by => 'auto', rows => 30,
	sql => 'SELECT count(*) FROM (SELECT * FROM %s.contact OFFSET 0) a',
	log => sub { is(requests($_[0], $create), 0, 'no job') });
$t->run("auto: $_->[0]", by => 'auto', faults => { %$query, count => 0, %{ $_->[1] } },
	error => $_->[2], message => $_->[3])
  for [ 'INVALID_FIELD' => { status => 400, body =>
		'[{"message":"\nSELECT Nope\n       ^\nERROR at Row:1:Column:8\nNo such column \'Nope\'",'
		. '"errorCode":"INVALID_FIELD"}]' }, '42703',
			qr/run the query: INVALID_FIELD: No such column 'Nope'/ ],
  [ 'garbage' => { status => 200, body => 'x' }, '08P01', qr/answer to the query/ ],
  [ 'limit' => { error => 'request_limit' }, '53400', qr/REQUEST_LIMIT_EXCEEDED/ ];

# ---- count(*) --------------------------------------------------------------------------------

my @count = (by => 'rest', sql => 'SELECT count(*) FROM %s.account');
$t->run('count', @count, rows => 1000);
$t->run("count: $_->[0]", @count, faults => { %$query, %{ $_->[1] } }, error => '08P01',
	message => qr/query/)
  for [ 'no number' => { status => 200, body => '{"done":true,"records":[]}' } ],
  [ 'a text' => { status => 200, body => '{"totalSize":"7","done":true,"records":[]}' } ],
  [ 'a negative one' => { status => 200, body => '{"totalSize":-7,"done":true,"records":[]}' } ],
  [ 'HTML' => { error => 'html_200' } ];
$t->run('count: cut once', @count, rows => 1000, faults => { %$query, truncate => 10 });

# ---- describes -------------------------------------------------------------------------------

my $import = q{
	BEGIN;
	CREATE SCHEMA imported;
	IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account, contact) FROM SERVER %s INTO imported;
	SELECT count(*) FROM pg_attribute WHERE attnum > 0 AND attrelid IN
		('imported.account'::regclass, 'imported.contact'::regclass);
	ROLLBACK};
my $columns = $t->node->safe_psql('postgres', q{
	SELECT count(*) FROM pg_attribute WHERE attnum > 0 AND attrelid IN
		('rest.account'::regclass, 'rest.contact'::regclass)});
for ([ 'global' => $describe ], [ 'objects' => $composite ])
{
	my ($place, $what) = @$_;
	my $case = sub {
		my ($name, $fault, $sqlstate, $message) = @_;

		$t->run("describe $place: $name", by => 'rest', sql => $import,
			faults => { %$what, %$fault },
			defined $sqlstate
			? (error => $sqlstate, message => $message)
			: (rows => $columns));
	};

	$case->('all is well', {});
	$case->('HTML', { error => 'html_200' }, '08P01', qr/./);
	$case->('garbage', { status => 200, body => 'x' }, '08P01', qr/./);
	$case->('empty', { status => 200, body => '' }, '08P01', qr/./);
	$case->('an array', { status => 200, body => '[]' }, '08P01', qr/./);
	$case->('an object without members', { status => 200, body => '{}' }, '08P01', qr/./);
	$case->('cut once', { truncate => 1000 });
	$case->('cut always', { truncate => 1000, count => 0 }, '08006', qr/could not/);
	$case->('gzip cut', { gzip_cut => 200, count => 0 }, '08(P01|006)', qr/./);
	$case->('lower-case headers', { lower_headers => $yes });
	$case->('session has ended', { expire_token => $yes });
	$case->('limit', { error => 'request_limit', count => 0 }, '53400', qr/REQUEST_LIMIT_EXCEEDED/);
	$case->('not for this session', { error => 'session_not_rest' }, '28000',
		qr/INVALID_SESSION_ID/);
}
my $part = sub {
	my ($name, $find, $with, $sqlstate, $message) = @_;

	$t->run("describe: $name", by => 'rest', sql => $import,
		faults => { %$composite, replace => { find => $find, with => $with } },
		error => $sqlstate, message => $message);
};
$part->('an object without a name', '"name":"Account"', '"nam":"Account"', '08P01', qr/./);
$part->('fields that are none', '"fields":[', '"fields":7,"x":[', '08P01', qr/fields/);
$part->('a field without a type', '"type":"id"', '"typ":"id"', '08P01', qr/type/);
$part->('an object is refused', '"httpStatusCode":200', '"httpStatusCode":500', 'HV000|08P01',
	qr/Account|500/);
$part->('an answer without a body', '"compositeResponse":[', '"compositeResponse":[],"x":[',
	'08P01', qr/./);
$t->run('describe: the object is not there', by => 'rest', rows => '',
	sql => 'BEGIN; CREATE SCHEMA imported;
		IMPORT FOREIGN SCHEMA salesforce LIMIT TO (nothing) FROM SERVER %s INTO imported; ROLLBACK',
	warnings => [qr/object "nothing" was not found/]);

$t->finish;
done_testing();
