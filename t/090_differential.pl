# Random queries: whatever is sent to Salesforce, and however the rows come back, the answer is the one
# that PostgreSQL gives over the same rows of its own.
#
# The truth is what local copies say, made without pushdown.  Every query runs against them, against foreign
# tables whose conditions, joins, aggregates, orders and limits are sent, against such that send nothing,
# every second by REST alone, and some by bulk.  The seed is fixed, so a failure can be repeated: SFBULK_SEED chooses
# another, SFBULK_QUERIES says how many queries, SFBULK_BULK every how many goes by bulk, too.
#
# With SFBULK_SENT_SOQL the SOQL that was sent goes to that file, one JSON string per line: make
# conformance has it read by somebody else's parser.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP;
use PostgreSQL::Test::Utils;
use SfQuery;
use SfRandom;
use SfTest;
use Test::More;

my $seed = $ENV{SFBULK_SEED} // 20261126;
my $number = $ENV{SFBULK_QUERIES} // 2000;
my $bulk_every = $ENV{SFBULK_BULK} // 4;
srand($seed);

# What refers to what: a record of the first object, by the field, to one of the last.
my @references = (
	[ 'account', 'parentid', 'account' ],
	[ 'account', 'ownerid', 'user' ],
	[ 'contact', 'accountid', 'account' ],
	[ 'contact', 'reportstoid', 'contact' ],
	[ 'contact', 'createdbyid', 'user' ],
	[ 'opportunity', 'accountid', 'account' ],
	[ 'opportunity', 'contactid', 'contact' ],
	[ 'opportunity', 'ownerid', 'user' ],
	[ 'case', 'accountid', 'account' ],
	[ 'case', 'contactid', 'contact' ],
	[ 'case', 'parentid', 'case' ],
	[ 'case', 'ownerid', 'user' ],
	[ 'task', 'accountid', 'account' ],
	[ 'task', 'whatid', 'account' ],
	[ 'task', 'ownerid', 'user' ],
	[ 'invoice__c', 'account__c', 'account' ],
	[ 'invoice__c', 'contact__c', 'contact' ],
	[ 'invoice__c', 'parent_invoice__c', 'invoice__c' ],
	[ 'line__c', 'invoice__c', 'invoice__c' ],
	[ 'line__c', 'credited_line__c', 'line__c' ]);
my @tables = qw(account case contact invoice__c line__c opportunity task user);

# ---- the org, and the tables ---------------------------------------------------------------------

my $sim = sfsim_start(
	rows => { Account => 120, Contact => 160, Opportunity => 120, Case => 100, Invoice__c => 160, Line__c => 120, Task => 80, User => 20 });
my $node = node_start('main', conf => "max_connections = 30\nfsync = off\n");
my %variants = (
	sent => {},
	unsent => { pushdown => 'false' },
	rest => { transport => 'rest' },
	bulk => { transport => 'bulk', poll_interval_max => '100ms' });
for (sort keys %variants)
{
	server_create($node, $sim, name => $_, options => $variants{$_});
	tables_import($node, (map { SfQuery::table_name($_) } @tables), { schema => $_, server => $_ });

	# fields of a parent without a join, which joins may ask for, too
	$node->safe_psql('postgres', <<"SQL");
ALTER FOREIGN TABLE $_.contact ADD manager_donotcall boolean OPTIONS (field 'ReportsTo.DoNotCall'),
	ADD manager_birthdate date OPTIONS (field 'ReportsTo.Birthdate'), ADD manager_title text OPTIONS (field 'ReportsTo.Title');
SQL
}

# What the org's rows lack: texts that differ in case alone, sums that a double cannot hold, few values in
# many rows, and references to nothing.
$node->safe_psql('postgres', <<'SQL');
SET search_path = sent;
INSERT INTO account (name, industry, rating, annualrevenue, numberofemployees, site, legacy_code__c, is_key_account__c)
	VALUES ('acme', 'banking', 'hot', 0.1, 7, 'Straße', 'aB1', true), ('ACME', 'BANKING', 'HOT', 0.2, 7, 'STRASSE', 'Ab1', false),
		('Acme', 'Banking', 'Hot', 0.3, 7, 'strasse', 'AB1', true), ('Äcme', NULL, NULL, NULL, NULL, NULL, NULL, false),
		('äCME', 'Bänking', NULL, 99999999999999.99, -7, E'it''s \\ "q"', NULL, false);
INSERT INTO account (name, parentid, annualrevenue)
	SELECT 'child of ' || name, id, 0.01 FROM sent.account WHERE name IN ('acme', 'ACME');
INSERT INTO contact (lastname, accountid, department, birthdate)
	SELECT l, a.id, upper(l), d::date FROM (VALUES ('smith', '1970-01-01'), ('SMITH', '1970-01-01'), ('Smith', NULL)) v (l, d),
		(SELECT id FROM account WHERE name = 'Acme' UNION ALL SELECT NULL) a;
INSERT INTO invoice__c (name, account__c, amount__c, weight__c, employees__c, is_paid__c, priority__c, close_date__c)
	SELECT 'part ' || n, a.id, 0.1 * n, 1e-6 * n, n % 3, n % 2 = 0, CASE n % 3 WHEN 0 THEN 'high' WHEN 1 THEN 'HIGH' ELSE 'High' END,
		date '2024-02-27' + n % 4
	FROM generate_series(1, 9) n, (SELECT id FROM account WHERE name IN ('acme', 'Äcme') UNION ALL SELECT NULL) a;
SQL
$node->safe_psql('postgres', join '',
	'CREATE SCHEMA local;',
	map { my $name = SfQuery::table_name($_); "CREATE TABLE local.$name AS SELECT * FROM unsent.$name;" } @tables);
$node->safe_psql('postgres', 'ANALYZE local.' . SfQuery::table_name($_)) for @tables;

# Some ids of all objects, some of them again, in a table that is no foreign one.
$node->safe_psql('postgres', 'CREATE TABLE public.picked AS SELECT id, (row_number() OVER (ORDER BY id))::int % 20 AS n FROM ('
	  . join(' UNION ALL ', map { 'SELECT id FROM local.' . SfQuery::table_name($_) } @tables, 'account')
	  . ') s; ANALYZE public.picked');

# ---- the queries ------------------------------------------------------------------------------------

my $random = SfRandom->new($node, schema => 'local', tables => \@tables, further => 0.15);
my $generator = SfQuery->new($random, \@references, 'picked');
my @queries = map { $generator->query } 1 .. $number;

# ---- run --------------------------------------------------------------------------------------------

my ($field, $record) = ("\x1f", "\x1e");

# One psql that runs some of the queries in a schema.
sub start
{
	my ($schema, @which) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$schema.sql";
	open my $out, '>:raw', $file or die $!;
	print $out "SET search_path = $schema, public;\nSET TimeZone = 'Europe/Vienna';\n";
	print $out "SET plan_cache_mode = force_generic_plan;\n";
	for my $i (@which)
	{
		my $query = $queries[$i];
		my $sql = $schema eq 'local' && $query->{whole} ? $query->{whole} : $query->{sql};
		print $out "\\echo $record\@$i\n\\warn \@$i\n";
		print $out "SET $_;\n" for @{ $query->{settings} };
		if ($query->{types})
		{
			print $out 'PREPARE q(' . join(', ', @{ $query->{types} }) . ") AS $sql;\n";
			print $out 'EXECUTE q(' . join(', ', @{ $query->{values} }) . ");\nDEALLOCATE q;\n";
		}
		else
		{
			print $out "$sql;\n";
		}
		print $out 'RESET ', /^(\w+)/, ";\n" for @{ $query->{settings} };
	}
	close $out;
	my %run = (schema => $schema, output => '', errors => '');
	$run{process} = IPC::Run::start(
		[
			'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-F', $field, '-R', $record, '-P', 'null=(null)', '-d',
			$node->connstr('postgres'), '-f', $file
		],
		'<', \undef, '>', \$run{output}, '2>', \$run{errors});
	return \%run;
}

# What became of the queries: by schema and number the rows, and the errors.
my (%rows, @errors);

sub finish
{
	my ($run) = @_;
	$run->{process}->finish or diag "psql ended with $?";
	my $schema = $run->{schema};
	for (split /^$record@/m, $run->{output})
	{
		my ($i, $text) = /^(\d+)\n(.*)\z/s or next;
		$text =~ s/\n\z//;
		$rows{$schema}[$i] = [ length $text ? split /$record/, $text, -1 : () ];
	}
	my $i = -1;
	for (split /\n/, $run->{errors})
	{
		if (/^@(\d+)$/) { $i = $1; next; }
		push @errors, "$schema $i: $_\n\t$queries[$i]{sql}" if /ERROR:|WARNING:|FATAL:|^psql:.*(?:connection|server closed)/;
	}
	return;
}

sub run_all
{
	my (@runs) = @_;
	finish($_) for map { start(@$_) } @runs;
	return;
}

my %sent;

# The SOQL that was sent since the last call; it is in %sent, too.
sub soql_sent
{
	my @soql = $sim->soql;
	$sent{$_}++ for @soql;
	$sim->log_clear;
	return @soql;
}

# What is asked for shall not go for the room that answers take in the log.
$sim->set(log_body_kb => 16);

my @all = (0 .. $#queries);
my @half = grep { $_ % 2 == 0 } @all;
my @some = grep { $_ % $bulk_every == 0 } @all;
soql_sent();
%sent = ();
run_all([ 'local', @all ], [ 'sent', @all ]);
my @pushed = soql_sent();
my $half = int(@some / 2);
run_all([ 'unsent', @all ], [ 'rest', @half ]);
soql_sent();
run_all([ 'bulk', @some[ 0 .. $half - 1 ] ], [ 'bulk', @some[ $half .. $#some ] ]);
soql_sent();

# ---- compare ------------------------------------------------------------------------------------------

is(scalar @errors, 0, "no query fails (seed $seed)") or diag join "\n", @errors[ 0 .. ($#errors < 9 ? $#errors : 9) ];

# What is wrong with the rows of a query, or nothing.
sub difference
{
	my ($query, $truth, $rows) = @_;
	return 'no answer' if !$truth || !$rows;
	if ($query->{whole})
	{
		my $left = @$truth - $query->{offset};
		my $count = $left < 0 ? 0 : $left < $query->{count} ? $left : $query->{count};
		my %known;
		$known{$_}++ for @$truth;
		return "$count rows, not " . @$rows if $count != @$rows;
		return 'other rows' if grep { --$known{$_} < 0 } @$rows;
		return;
	}
	my ($expected, $got) = map { join $record, $query->{ordered} ? @$_ : sort @$_ } $truth, $rows;
	return if $expected eq $got;
	return @$truth . ' rows, not ' . @$rows if @$truth != @$rows;
	my @first = grep { $truth->[$_] ne $rows->[$_] } 0 .. $#$truth;
	return @first ? "row $first[0] is $rows->[$first[0]], not $truth->[$first[0]]" : 'other rows';
}

my (%compared, @wrong, %kinds);
my $nonempty = 0;
for my $i (@all)
{
	my $query = $queries[$i];
	for my $schema (sort keys %variants)
	{
		next if ($schema eq 'bulk' && $i % $bulk_every != 0) || ($schema eq 'rest' && $i % 2 != 0);
		my $difference = difference($query, $rows{local}[$i], $rows{$schema}[$i]);
		$compared{$schema}++;
		push @wrong, "$schema $i: $difference\n\t$query->{sql}" . ($query->{types} ? "\n\twith " . join ', ', @{ $query->{values} } : '')
		  if defined $difference;
	}
	$kinds{ $query->{kind} }++;
	$nonempty++ if @{ $rows{local}[$i] // [] };
}
is(scalar @wrong, 0, 'the same rows whatever is sent') or diag join "\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ];
is($compared{$_}, $number, "all $number queries were compared: $_") for qw(sent unsent);
is($compared{rest}, scalar @half, scalar @half . ' by REST');
is($compared{bulk}, scalar @some, scalar @some . ' by bulk');
cmp_ok($nonempty, '>', $number / 2, 'most queries have rows');
note(join ', ', map { "$kinds{$_} $_" } sort keys %kinds);

# ---- what was sent ------------------------------------------------------------------------------------

# Each of these has to occur among so large a part of the queries; the paths to parents are those of joins, as
# those of columns go by ReportsTo.
my %sorts = (
	'a condition' => [ qr/ WHERE /, 0.5 ],
	'a list of values' => [ qr/ IN \('/, 0.02 ],
	'a condition on a parent' => [ qr/ WHERE .*\b(?:Account|Contact|Owner|Parent|CreatedBy|\w+__r)\./, 0.05 ],
	'a parent\'s field' => [ qr/^SELECT [^(]*?\b(?:Account|Contact|Owner|Parent|CreatedBy|\w+__r)\.\w+.* FROM /, 0.1 ],
	'a parent\'s parent' => [ qr/\b(?:Account|Contact|Parent|\w+__r)\.\w+\.\w+/, 0.01 ],
	'a set' => [ qr/ INCLUDES \(/, 0.005 ],
	'a day' => [ qr/ [<>]=? \S+T2[23]:00:00Z/, 0.002 ],
	'a semi-join' => [ qr/ IN \(SELECT /, 0.01 ],
	'a count' => [ qr/^SELECT COUNT\(\)/, 0.015 ],
	'an aggregate' => [ qr/\b(?:COUNT|SUM|MIN|MAX)\(\w/, 0.03 ],
	'a sum' => [ qr/\bSUM\(/, 0.005 ],
	'a group' => [ qr/ GROUP BY /, 0.015 ],
	'a condition on groups' => [ qr/ HAVING /, 0.001 ],
	'an order' => [ qr/ ORDER BY /, 0.01 ],
	'an order with a limit' => [ qr/ ORDER BY .* LIMIT \d/, 0.003 ],
	'a limit' => [ qr/ LIMIT \d/, 0.01 ]);
for (sort keys %sorts)
{
	my ($pattern, $part) = @{ $sorts{$_} };
	my $count = grep { $_ =~ $pattern } @pushed;
	cmp_ok($count, '>=', $part * $number, "$count times $_ was sent");
}
is(scalar(grep { /SUM\([\w.]*(?:Latitude|Longitude)/ } @pushed), 0, 'no sum of coordinates, which have more digits than a sum');
is_deeply($sim->jobs, [], 'no job is left behind');

if (my $file = $ENV{SFBULK_SENT_SOQL})
{
	open my $out, '>', "$file.new" or die "$file.new: $!";
	my $json = JSON::PP->new->allow_nonref->ascii;
	print $out $json->encode($_), "\n" for sort keys %sent;
	close $out or die "$file.new: $!";
	rename "$file.new", $file or die "$file: $!";
}

done_testing();
