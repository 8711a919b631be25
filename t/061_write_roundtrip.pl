# Every type written by both transports, and by both bulk APIs, and read back by both: what comes back is what was written, as
# Salesforce trims and normalises it, and the same whichever way it went.
use strict;
use warnings;

use SfPsql;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 5, Contact => 5, Invoice__c => 0 });
my $node = node_start('write_roundtrip');
# the third one by Bulk API 1.0, in small batches
my %ways = (rest => { transport => 'rest' }, bulk => { transport => 'bulk' },
	bulk1 => { transport => 'bulk', bulk_api => '1.0', batch_rows => 7 });
my @ways = qw(rest bulk bulk1);
for my $by (@ways)
{
	server_create($node, $sim, name => $by, options => $ways{$by});
	tables_import($node, 'account', 'contact', 'invoice__c', { server => $by, schema => $by });
}
my $c = SfPsql->new($node);

sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, 'no error')
	  or diag("$sql\n$r->{messages}");
	return $r->{rows};
}

# Columns that are written; name, which is required, says which row it is.
my @columns = qw(name account__c email__c phone__c stage__c description__c amount__c probability__c
  employees__c close_date__c notes__c priority__c tags__c is_paid__c sequence__c weight__c due_at__c
  reminder_time__c website__c card__c geolocation__latitude__s geolocation__longitude__s
  contact__c);
my $columns = join ', ', @columns;

# Each row: its values as SQL; what comes back where that is something else.
my $texts = 'description__c';
my @rows = (
	{ name => 'nothing' },
	{
		name => 'all',
		account__c => '(SELECT min(id) FROM rest.account)',
		contact__c => '(SELECT max(id) FROM rest.contact)',
		email__c => "'a\@example.com'",
		phone__c => "'+49 30 1'",
		stage__c => "'Awaiting Payment'",
		description__c => "'text'",
		amount__c => '1234567.89',
		probability__c => '12.5',
		employees__c => '-99999999',
		close_date__c => "'2024-02-29'",
		notes__c => "'notes'",
		priority__c => "'High'",
		back => { priority__c => "'HIGH'" },
		tags__c => q{ARRAY['Urgent', 'R&D, "Lab"', 'Küche']},
		is_paid__c => 'true',
		sequence__c => '900719925474099',
		weight__c => '-0.001',
		due_at__c => "'2024-06-01 12:34:56+02'",
		reminder_time__c => "'23:59:59.5'",
		website__c => "'https://example.com/?a=1&b=2'",
		card__c => "'4111111111111111'",
		geolocation__latitude__s => '-89.5',
		geolocation__longitude__s => '179.25',
	},
	{ name => 'false', is_paid__c => 'false', tags__c => "ARRAY['VIP']", amount__c => '0', employees__c => '0' },
	{ name => 'large', amount__c => '90000000', weight__c => '123456789012', employees__c => '99999999',
		close_date__c => "'4000-12-31'", due_at__c => "'3999-12-31 23:59:59Z'", reminder_time__c => "'00:00'" },
	{ name => 'small', close_date__c => "'1700-01-01'", due_at__c => "'1700-01-01 00:00Z'", weight__c => '1e-3' },
	{ name => 'long', notes__c => "repeat('long, \"quoted\" ', 1000) || 'end'" },
	{ name => 'empty', $texts => "''", back => { $texts => 'NULL' } },
	{ name => 'blanks', $texts => "'   '", back => { $texts => 'NULL' } },
	{ name => 'blanks around', $texts => "'  a  b  '", back => { $texts => "'a  b'" } },
	{ name => 'comma', $texts => "'a,b'" },
	{ name => 'quotes', $texts => q{'"a" ""b"" ''c'' "'} },
	{ name => 'LF', $texts => q{E'a\nb\n\nc'} },
	{ name => 'CR LF', $texts => q{E'a\r\nb'}, back => { $texts => q{E'a\nb'} } },
	{ name => 'backslash', $texts => q{E'\\\\n \\\\\\\\ \\\\u0041'} },
	{ name => 'tab', $texts => q{E'a\tb'} },
	{ name => 'non-BMP', $texts => q{'𝄞 Ünï😀 — 漢字'} },
	{ name => 'null in words', $texts => q{'null'} },
	{ name => 'n/a', $texts => q{'n/a'} },
	{ name => 'na within', $texts => q{'#N/A!'} },
	{ name => 'number', $texts => q{'1e5'} },
	{ name => 'true', $texts => q{'true'} },
	{ name => 'id', $texts => q{'001000000000001'} },
	{ name => 'formula', $texts => q{'=1+1'} },
	{ name => 'markup', $texts => q{'<a href="x">&amp;</a>'} });

run("CREATE TABLE want AS SELECT $columns FROM rest.invoice__c WHERE false");
run("CREATE TABLE back (LIKE want)");
for my $row (@rows)
{
	my %values = (%$row, name => "'$row->{name}'");
	my $back = delete $values{back} // {};
	my @names = sort keys %values;
	run("INSERT INTO want (" . join(', ', @names) . ') VALUES (' . join(', ', @values{@names}) . ')');
	@values{ keys %$back } = values %$back;
	run("INSERT INTO back (" . join(', ', @names) . ') VALUES (' . join(', ', @values{@names}) . ')');
}
# what a check box has without a value
run('UPDATE back SET is_paid__c = coalesce(is_paid__c, false)');

sub differences
{
	my ($table, $like) = @_;
	my $got = "SELECT substr(name, 3) AS name, " . join(', ', @columns[ 1 .. $#columns ]) . " FROM $table.invoice__c WHERE name LIKE '$like: %'";
	$got =~ s/substr\(name, 3\)/substr(name, position(': ' in name) + 2)/;
	return run("SELECT 'got', x::text FROM ($got EXCEPT ALL TABLE back) x "
		  . "UNION ALL SELECT 'wanted', x::text FROM (TABLE back EXCEPT ALL ($got)) x");
}

for my $by (@ways)
{
	subtest "INSERT by $by" => sub {
		run("INSERT INTO $by.invoice__c ($columns) SELECT '$by: ' || name, "
			  . join(', ', @columns[ 1 .. $#columns ]) . ' FROM want');
		is(differences($_, $by), '', "read by $_") for 'rest', 'bulk';
	};

	# the same values again, into records that had none
	subtest "UPDATE by $by" => sub {
		run("INSERT INTO $by.invoice__c (name) SELECT 'u$by: ' || name FROM want");
		run("UPDATE $by.invoice__c i SET " . join(', ', map { "$_ = w.$_" }
				  grep { $_ ne 'name' && $_ ne 'is_paid__c' } @columns)
			  . ", is_paid__c = coalesce(w.is_paid__c, false) FROM want w WHERE i.name = 'u$by: ' || w.name");
		is(differences($_, "u$by"), '', "read by $_") for 'rest', 'bulk';

		# and everything away
		run("UPDATE $by.invoice__c i SET " . join(', ', map { "$_ = NULL" }
				  grep { $_ ne 'name' && $_ ne 'is_paid__c' } @columns)
			  . " WHERE name LIKE 'u$by: %'");
		is(run("SELECT count(*) FROM rest.invoice__c WHERE name LIKE 'u$by: %'"), scalar @rows, 'the records are there');
		is(run("SELECT count(*) FROM rest.invoice__c WHERE name LIKE 'u$by: %' AND ("
				  . join(' OR ', map { "$_ IS NOT NULL" } grep { $_ ne 'name' && $_ ne 'is_paid__c' } @columns)
				  . ')'), 0, 'NULL everywhere');
	};
}

subtest 'the text #N/A' => sub {
	run("INSERT INTO rest.invoice__c (name, description__c) VALUES ('na', '#N/A')");
	is(run("SELECT description__c FROM bulk.invoice__c WHERE name = 'na'"), '#N/A', 'by Collections');
	my $r = $c->query("INSERT INTO bulk.invoice__c (name, description__c) VALUES ('na2', '#N/A')");
	is($r->{error} && $r->{error}{sqlstate}, '0A000', 'an ERROR by a job');
	is(run("SELECT count(*) FROM rest.invoice__c WHERE name = 'na2'"), 0, 'nothing was written');
};

subtest 'a row of nothing but one NULL' => sub {
	for my $by (@ways)
	{
		my $r = $c->query("INSERT INTO $by.contact (lastname) VALUES (NULL)");
		is($r->{error} && $r->{error}{sqlstate}, '23502', "$by: refused, and not lost");
	}
};

subtest 'lookups by external id' => sub {
	for my $by (@ways)
	{
		run("CREATE FOREIGN TABLE $by.acc (id text, name text, ext text OPTIONS (field 'External_Key__c'),
			parent text OPTIONS (field 'Parent.External_Key__c')) SERVER $by OPTIONS (object 'Account')");
		run("CREATE FOREIGN TABLE $by.task (id text, subject text, whoid text OPTIONS (type 'reference'),
			lead text OPTIONS (field 'Contact:Who.Email')) SERVER $by OPTIONS (object 'Task')");
		run("INSERT INTO $by.acc (name, ext) VALUES ('$by p', '$by, \"p\"')");
		run("INSERT INTO $by.acc (name, parent) VALUES ('$by c', '$by, \"p\"')");
		is(run("SELECT name, parent FROM rest.acc WHERE parent LIKE '$by%'"), "$by c|$by, \"p\"", "$by: a parent");
		run("UPDATE $by.contact SET email = '$by\@example.com' WHERE id = (SELECT min(id) FROM $by.contact)");
		run("INSERT INTO $by.task (subject, lead) VALUES ('$by', '$by\@example.com')");
		is(run("SELECT whoid FROM rest.task WHERE subject = '$by'"), run('SELECT min(id) FROM rest.contact'),
			"$by: one of several objects");
	}
};

subtest 'databases of another encoding' => sub {
	$node->safe_psql('postgres', "CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql('latin1', 'CREATE EXTENSION sfbulk_fdw');
	server_create($node, $sim, name => $_, dbname => 'latin1', options => $ways{$_}),
	  tables_import($node, 'invoice__c', { server => $_, schema => $_, dbname => 'latin1' }) for @ways;
	for my $by (@ways)
	{
		$node->safe_psql('latin1', "SET client_encoding = 'UTF8'; INSERT INTO $by.invoice__c (name, description__c) VALUES ('l$by', U&'K\\00fcche')");
		is(run("SELECT description__c = U&'K\\00fcche' FROM rest.invoice__c WHERE name = 'l$by'"), 't', $by);
	}
};

is_deeply([ grep { $_->{state} ne 'JobComplete' } @{ $sim->jobs } ], [],
	'no job is left but the one that has rejected a row');
$c->close;
$node->stop;
done_testing();
