# Result pages that are not what they should be: cut, damaged, short, doubled, mislabelled.  Before
# the first row was handed out and after many were: the right rows, each once, or an ERROR.
use strict;
use warnings;

use IO::Compress::Deflate qw(deflate);
use IO::Compress::Gzip qw(gzip);
use JSON::PP;
use SfFault;
use SfTest;
use Test::More;

my $t = SfFault->new('pages', schemas => [ 'bulk', 'chain', 'plain', 'rest' ],
	options => { transport => 'bulk' },
	own => { chain => { page_rows => 100 }, plain => { compression => 'false' },
		rest => { transport => 'rest' } });
my $yes = JSON::PP::true;

# The first page, one in the middle, the last one.  The third page of 100 rows is asked for before
# any row is read, the ninth when many were.
my @places = ([ 'the first page', 1 ], [ 'a page in the middle', 4 ], [ 'the last page', 10 ]);

for my $by (qw(bulk chain plain))
{
	for (@places)
	{
		my ($place, $nth) = @$_;

		# the ways differ little, so not every place by each of them
		next if $by eq 'chain' && $nth == 4 || $by eq 'plain' && $nth != 4;

		my $once = { %$page, nth => $nth };
		my $always = { %$once, count => 0 };

		# what a second download heals
		$t->run("$place breaks off once, $_ bytes", by => $by, faults => { %$once, truncate => $_ })
		  for 0, 1, 1000, 9000;
		$t->run("$place ends early inside of a whole message once", by => $by,
			faults => { %$once, gzip_cut => 1000 })
		  if $by ne 'plain';
		$t->run("$place comes chunked and breaks off", by => $by, set => { chunked => $yes },
			faults => { %$once, truncate => 3000 });
		$t->run("$place has headers in lower case", by => $by,
			faults => { %$once, lower_headers => $yes });
		$t->run("$place comes uncompressed", by => $by, faults => { %$once, no_gzip => $yes });
		$t->run("$place has a long header", by => $by,
			faults => { %$once, headers => { 'X-Long' => 'x' x 20000 } });

		# what it does not
		$t->run("$place always breaks off", by => $by, faults => { %$always, truncate => 1000 },
			error => '08006', message => qr/could not read a result page of query job 750/);
		$t->run("$place always ends early inside of a whole message", by => $by,
			faults => { %$always, gzip_cut => 1000 },
			error => '08006', message => qr/gzip|compress|end/)
		  if $by ne 'plain';
		$t->run("$place lacks its last row", by => $by, faults => { %$once, drop_rows => 1 },
			error => '08P01', message => qr/has 99 rows instead of 100/);
		$t->run("$place has its last row twice", by => $by, faults => { %$once, repeat_rows => 1 },
			error => '08P01', message => qr/has 101 rows instead of 100/);
		$t->run("$place claims one row more", by => $by, faults => { %$once, records_off => 1 },
			error => '08P01', message => qr/has 100 rows instead of 101/);
		$t->run("$place lacks a row and says so", by => $by,
			faults => { %$once, drop_rows => 1, records_off => -1 },
			error => '08P01', message => qr/query job 750\w{15} gave 999 rows instead of 1000/);
		$t->run("$place is but a header line", by => $by, faults => { %$once, header_only => $yes },
			error => '08P01', message => qr/has 0 rows instead of 100/);
		$t->run("$place is empty", by => $by, faults => { %$once, empty => $yes },
			error => '08P01', message => qr/has 0 rows instead of 100/);
		$t->run("$place is HTML", by => $by, faults => { %$once, error => 'html_200' },
			error => '08P01', message => qr{text/html.* instead of text/csv});
		$t->run("$place is JSON", by => $by, faults => { %$once, status => 200, body => '{}' },
			error => '08P01', message => qr{application/json.* instead of text/csv});
		$t->run("$place is of another version", by => $by,
			faults => { %$once, error => 'conflict' },
			error => 'HV000', message => qr/API version mismatch/, detail => qr/here 62\.0/);
		$t->run("$place has an empty answer", by => $by,
			faults => { %$once, status => 204, body => '' },
			error => '08P01', message => qr/./);
		$t->run("$place lacks the number of records", by => $by,
			faults => { %$once, headers => { 'Sforce-NumberOfRecords' => undef } });
		$t->run("$place lacks the number of records, and a row", by => $by,
			faults => { %$once, headers => { 'Sforce-NumberOfRecords' => undef }, drop_rows => 1 },
			error => '08P01', message => qr/gave 999 rows instead of 1000/);
		$t->run("$place has a number of records that is none", by => $by,
			faults => { %$once, headers => { 'Sforce-NumberOfRecords' => 'many' } },
			error => '08P01', message => qr/malformed Sforce-NumberOfRecords/i);
		$t->run("$place has bytes after its end", by => $by,
			faults => { %$once, insert => { at => -1, text => 'x' } },
			error => '08P01', message => qr/./);
		$t->run("$place has a NUL byte", by => $by,
			faults => { %$once, insert => { at => -9000, hex => '00' } },
			error => '22021', message => qr/NUL|null/i, context => qr/row \d+.*bulk job 750/s);
		$t->run("$place has bytes that are not UTF-8", by => $by,
			faults => { %$once, insert => { at => -9000, hex => 'c328' } },
			error => '22021', message => qr/UTF-8|encoding/i,
				context => qr/row \d+.*bulk job 750/s);
		$t->run("$place lacks a column", by => $by,
			faults => { %$once, replace => { find => '"Name"', with => '"Other"' } },
			error => '08P01', message => qr/name/i);

		# slow is not broken
		$t->run("$place stops in its middle for a while", by => $by,
			faults => { %$once, hold => 'body', hold_at => 700 },
			during => sub {
				my ($sim) = @_;

				$sim->wait_request(path => '*/results', state => 'held');
				$sim->release;
			});
	}
}

# ---- read again ----------------------------------------------------------------------------

# Rows of the first download were handed out: the second must begin with the same text.  (The first
# fault acts on the first request; the second counts that one, too.)
my $again = { %$page, nth => 2 };
$t->run('a page breaks off twice, further on', by => $_, set => { page_rows => 1000 },
	faults => [ { %$page, truncate => 9000 }, { %$again, truncate => 30000 } ])
  for qw(bulk chain plain);
$t->run('a page that is read again is another page', by => 'plain', set => { page_rows => 1000 },
	faults => [
		{ %$page, truncate => 100000 },
		{ %$again, replace => { find => '"001', with => '"002' } }
	],
	error => '08P01', message => qr/other contents when it was read again/);
$t->run('a page that is read again is shorter', by => 'plain', set => { page_rows => 1000 },
	faults => [ { %$page, truncate => 100000 }, { %$again, drop_rows => 990 } ],
	error => '08P01', message => qr/shorter when it was read again/);
$t->run('a page that is read again has another number of rows', by => 'plain',
	set => { page_rows => 1000 },
	faults => [ { %$page, truncate => 100000 }, { %$again, records_off => 1 } ],
	error => '08P01', message => qr/had 1000 rows, and now has 1001/);
$t->run('a page that is read again is compressed otherwise', by => 'bulk',
	set => { page_rows => 1000 },
	faults => [ { %$page, truncate => 30000 }, { %$again, no_gzip => $yes } ]);

# ---- the chain of locators -------------------------------------------------------------------

my $locator = sub { return { 'Sforce-Locator' => $_[0] } };
$t->run('chain: a page lacks its locator', by => 'chain',
	faults => { %$page, nth => $_->[1], headers => $locator->(undef) },
	error => '08P01', message => qr/lacks the Sforce-Locator header/)
  for @places;
$t->run('chain: it ends early', by => 'chain',
	faults => { %$page, nth => $_->[1], headers => $locator->('null') },
	error => '08P01', message => qr/gave \d+ rows instead of 1000/)
  for @places[ 0, 1 ];
$t->run('chain: a page names a locator that is unknown', by => 'chain',
	faults => { %$page, nth => 3, headers => $locator->('MTAwMDA') },
	error => 'HV000', message => qr/INVALID_QUERY_LOCATOR/);
$t->run('chain: a page names itself as the next', by => 'chain',
	faults => { %$page, nth => 2, count => 0, status => 200, body => "\"Id\"\n",
		content_type => 'text/csv',
		headers => { 'Sforce-NumberOfRecords' => '0', 'Sforce-Locator' => 'MTAwMDA' } },
	sql => 'SELECT count(id) FROM (SELECT id FROM %s.account OFFSET 0) a',
	error => '08P01', message => qr/locator "MTAwMDA" of a result page came twice/);
$t->run("chain: locator $_->[0]", by => 'chain',
	faults => { %$page, headers => $locator->($_->[1]) },
	error => '08P01', message => qr/locator/i)
  for [ 'empty' => '' ], [ 'too long' => 'x' x 5000 ];
$t->run('chain: "null" is written otherwise', by => 'chain',
	faults => { %$page, nth => 10, headers => $locator->('NULL') });

# ---- nothing in it --------------------------------------------------------------------------

my $none = 'SELECT count(*) FROM (SELECT id, name FROM %s.account '
  . "WHERE id = '001000000000000AAA' OFFSET 0) a";
for my $by (qw(bulk chain plain))
{
	$t->run('no rows: header line', by => $by, sql => $none, rows => 0);
	$t->run('no rows: empty body', by => $by, sql => $none, rows => 0,
		faults => { %$page, empty => $yes });
	$t->run('no rows: empty body, no header fields', by => $by, sql => $none, rows => 0,
		faults => { %$page, empty => $yes, headers => { 'Sforce-NumberOfRecords' => undef } });
	$t->run('no rows: 204', by => $by, sql => $none, rows => 0,
		faults => { %$page, status => 204, body => '' });
	$t->run('no rows: but one comes', by => $by, sql => $none,
		faults => { %$page, insert => { at => 1000, text => qq("001000000000000AAA"\n) } },
		error => '08P01', message => qr/has 1 rows instead of 0/);
}

# ---- gzip ---------------------------------------------------------------------------------

my $csv = "\"Id\"\n" . join '', map { sprintf "\"001%012dAAA\"\n", $_ * 7919 % 1000003 } 1 .. 1000;
my $coded = sub {
	my ($bytes, %c) = @_;
	return (
		by => 'bulk', set => { page_rows => 1000 },
		sql => 'SELECT count(DISTINCT id) FROM %s.account',
		faults => { %$page, count => 0, status => 200, content_type => 'text/csv',
			no_gzip => $yes, body_hex => unpack('H*', $bytes),
			headers => { 'Content-Encoding' => 'gzip', 'Sforce-NumberOfRecords' => '1000',
				'Sforce-Locator' => 'null', %{ $c{headers} // {} } } },
		%c{ grep { $_ ne 'headers' } keys %c });
};
gzip(\$csv => \my $gz) or die;
my $half = substr $csv, 0, index($csv, "\n", length($csv) / 2) + 1;
gzip(\$half => \my $gz1) or die;
my $rest = substr $csv, length $half;
gzip(\$rest => \my $gz2) or die;
deflate(\$csv => \my $zlib) or die;
my $flip = sub { my ($b, $at) = @_; substr($b, $at, 1) ^= "\x10"; return $b };
my @bad = (error => qr/^08(P01|006)$/, message => qr/gzip|compress|header|data|page/);

$t->run('gzip: as it should be', $coded->($gz, rows => 1000));
$t->run('gzip: two members', $coded->($gz1 . $gz2, rows => 1000));
$t->run('gzip: nothing at all', $coded->('', @bad));
$t->run('gzip: header only', $coded->(substr($gz, 0, 10), @bad));
$t->run('gzip: trailer missing', $coded->(substr($gz, 0, -8), @bad));
$t->run('gzip: a bit of the data is wrong', $coded->($flip->($gz, length($gz) / 2), @bad));
$t->run('gzip: a bit of the checksum is wrong', $coded->($flip->($gz, -6), @bad));
$t->run('gzip: a bit of the length is wrong', $coded->($flip->($gz, -3), @bad));
$t->run('gzip: no gzip', $coded->($csv, @bad));
$t->run('gzip: zlib', $coded->($zlib, @bad));
$t->run('gzip: garbage behind it', $coded->($gz . 'garbage', @bad));
$t->run('another encoding', $coded->($gz, headers => { 'Content-Encoding' => 'br' }, @bad));
$t->run('gzip in another case', $coded->($gz, headers => { 'Content-Encoding' => 'GZip' },
	rows => 1000));
$t->run('gzip by its old name', $coded->($gz, headers => { 'Content-Encoding' => 'x-gzip' },
	rows => 1000));

$t->finish;
done_testing();
