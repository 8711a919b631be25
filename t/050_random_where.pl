# Random conditions: what Salesforce answers together with what is checked here must be exactly what
# PostgreSQL says of the same rows.
#
# The truth is a local copy, made without pushdown.  Every condition runs against it and against
# the foreign table by REST, by bulk, with its constants as parameters of a generic plan, as a
# count and under a LIMIT.  The seed is fixed, so a failure can be repeated; SFBULK_SEED and
# SFBULK_CONDITIONS choose others.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SFBULK_SEED} // 20261123;
my $conditions = $ENV{SFBULK_CONDITIONS} // 1000;
srand($seed);

my $sim = sfsim_start(rows => { Account => 300, Invoice__c => 600, Contact => 300 });
my $node = node_start('main');
server_create($node, $sim);
server_create($node, $sim, name => 'plain', options => { pushdown => 'false' });
my %objects = (invoice__c => 'Invoice__c', account => 'Account', contact => 'Contact');
tables_import($node, sort keys %objects);
tables_import($node, (sort keys %objects), { schema => 'plain', server => 'plain' });
tables_import($node, (sort keys %objects), { schema => 'bulk' });
$node->safe_psql('postgres', join '', map { "ALTER FOREIGN TABLE bulk.$_ OPTIONS (transport 'bulk');" } keys %objects);

# a parent's fields, with parents that are missing
$node->safe_psql('postgres', <<'SQL');
ALTER FOREIGN TABLE sf.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
ALTER FOREIGN TABLE bulk.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
ALTER FOREIGN TABLE plain.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
CREATE SCHEMA local;
CREATE TABLE local.invoice__c AS SELECT * FROM plain.invoice__c;
CREATE TABLE local.account AS SELECT * FROM plain.account;
CREATE TABLE local.contact AS SELECT * FROM plain.contact;
SQL

# ---- what there is to compare --------------------------------------------------------------------

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

# Columns by table: [ name, type, values that occur (as SQL literals) ].
my %columns;
for my $table (sort keys %objects)
{
	my $list = $node->safe_psql('postgres', <<"SQL");
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = 'local.$table'::regclass AND attnum > 0 ORDER BY attnum
SQL
	for (split /\n/, $list)
	{
		my ($name, $type) = split /\|/;
		next if $type !~ /^(text|boolean|integer|bigint|numeric|date|timestamp with time zone)$/;
		my @values = split /\n/, $node->safe_psql('postgres', <<"SQL");
SELECT replace(v, E'\\n', E'\\\\n') FROM (
	SELECT DISTINCT quote_literal(left("$name"::text, 200)) AS v FROM local.$table
	WHERE "$name" IS NOT NULL AND strpos("$name"::text, E'\\n') = 0 AND strpos("$name"::text, E'\\r') = 0
	ORDER BY 1 LIMIT 80) s
SQL
		push @{ $columns{$table} }, [ $name, $type, @values ] if @values;
	}
}

my %extra = (
	text => [ "''", "' '", "'acme'", "'ACME'", "' Acme '", "'%'", "'#N/A'", q{E'it''s \\\\ \"q\"'}, q{E'\u00e9'}, "'null'" ],
	integer => [ 0, -1, 1, 2147483647, -2147483648, 99999999999, '2.5' ],
	bigint => [ 0, -1, '9223372036854775807', '1.5' ],
	numeric => [ 0, '0.1', '-0.0001', '90000000', '1e7', '123456789012345678.5', "'NaN'::numeric", "'Infinity'::float8", '0.30000000000000004', '1e300' ],
	date => [ "'1700-01-01'", "'4000-12-31'", "'1970-01-01'", "'2024-02-29'", "'1600-01-01'", "'infinity'", "'4713-01-01 BC'" ],
	'timestamp with time zone' => [
		"'1970-01-01 00:00:00+00'", "'2024-02-29 12:00:00.5+00'", "'2024-03-01 00:00:00.000001+02'",
		"'4000-12-31 23:59:59+00'", "'1650-01-01 00:00:00+00'", "'infinity'", "'-infinity'", "'2023-06-15'::date"
	],
	boolean => [ 'true', 'false' ],
);

sub value
{
	my ($column) = @_;
	my ($name, $type, @values) = @$column;
	my $value = chance(0.25) ? pick(@{ $extra{$type} }) : pick(@values);

	if ($type eq 'text' && $value =~ /^'/ && chance(0.3))
	{
		$value = "upper($value)" if chance(0.5);
		$value = "lower($value)" if chance(0.3);
	}
	# A 15-character id is the same id to Salesforce and another text to PostgreSQL: not compared here.
	return $value =~ /::/ ? $value : "$value" . ($type eq 'integer' || $type eq 'bigint' ? ($value =~ /^'/ ? "::$type" : '') : "::$type");
}

# One comparison; its constants are either written or collected as parameters.
my ($parameters, $types);

sub operand
{
	my ($column, $text) = @_;
	return $text if !$parameters;
	push @$parameters, $text;
	my $type = $column->[1];
	$type = 'numeric' if $type =~ /^(integer|bigint)$/ && $text !~ /::/ && $text =~ /[.e]|\d{11}/;
	$type = 'float8' if $text =~ /::float8/;
	$type = 'date' if $text =~ /::date$/;
	push @$types, $type;
	return '$' . scalar @$parameters;
}

sub comparison
{
	my ($table) = @_;
	my $column = pick(@{ $columns{$table} });
	my ($name, $type) = @$column;
	my $roll = rand();

	return "$name IS " . (chance(0.5) ? '' : 'NOT ') . 'NULL' if $roll < 0.12;
	if ($type eq 'boolean')
	{
		return pick($name, "NOT $name", "$name = true", "$name = false", "$name <> true", "$name IS TRUE",
			"$name IS NOT TRUE", "$name IS FALSE", "$name IS NOT FALSE", "$name IS UNKNOWN");
	}
	if ($roll < 0.3)
	{
		my $op = chance(0.5) ? 'IN' : 'NOT IN';
		my @list = map { operand($column, value($column)) } 1 .. 1 + int rand 5;
		push @list, 'NULL' if chance(0.08);
		return "$name $op (" . join(', ', @list) . ')';
	}
	if ($type eq 'text' && $roll < 0.4)
	{
		my $pattern = pick(@$column[ 2 .. $#$column ]);
		$pattern =~ s/^(E?')(.*)'$/$2/s;
		my $open = $1;
		$pattern = substr($pattern, 0, 1 + int rand 6) if $open !~ /E/ && $pattern !~ /'/;
		# not in the middle of a character
		$pattern =~ s/(?:[\xC2-\xDF]|[\xE0-\xEF][\x80-\xBF]?|[\xF0-\xF4][\x80-\xBF]{0,2})$//;
		$pattern = pick("$pattern%", "%$pattern", "%$pattern%", "_$pattern%");
		return "$name " . pick('LIKE', 'ILIKE', 'NOT LIKE') . ' ' . operand($column, "$open$pattern'");
	}
	if ($roll < 0.5 && $type ne 'text')
	{
		return "$name BETWEEN " . operand($column, value($column)) . ' AND ' . operand($column, value($column));
	}
	my $op = pick('=', '=', '<>', '<', '<=', '>', '>=');
	my $value = operand($column, value($column));
	return chance(0.1) ? "$value $op $name" : "$name $op $value";
}

sub condition
{
	my ($table, $depth) = @_;
	return comparison($table) if $depth == 0 || chance(0.35);
	my $text = join pick(' AND ', ' OR '), map { condition($table, $depth - 1) } 1 .. 2 + int rand 2;
	return chance(0.12) ? "NOT ($text)" : "($text)";
}

# ---- run -----------------------------------------------------------------------------------------------

my (@wanted, @script);
my $digest = q{count(*) || ' ' || coalesce(md5(string_agg(id, ',' ORDER BY id)), '')};
push @script, "SET TimeZone = 'Europe/Vienna';", 'SET plan_cache_mode = force_generic_plan;';
for my $i (1 .. $conditions)
{
	my $table = pick('invoice__c', 'invoice__c', 'account', 'contact');
	my $generic = $i % 4 == 0;

	($parameters, $types) = $generic ? ([], []) : (undef, undef);
	my $where = condition($table, pick(0, 0, 1, 2));
	my @schemas = ('local', 'sf', $i % 8 == 0 ? 'bulk' : ());
	for my $schema (@schemas)
	{
		if ($generic && @$parameters)
		{
			push @script,
			  'PREPARE q(' . join(', ', @$types) . ") AS SELECT $i, '$schema rows', $digest FROM $schema.$table WHERE $where;",
			  'EXECUTE q(' . join(', ', @$parameters) . ');', 'DEALLOCATE q;';
		}
		else
		{
			push @script, "SELECT $i, '$schema rows', $digest FROM $schema.$table WHERE $where;";
			push @script, "SELECT $i, '$schema count', count(*) FROM $schema.$table WHERE $where;" if $i % 3 == 0;
			push @script,
			  "SELECT $i, '$schema limit', count(*) FROM (SELECT id FROM $schema.$table WHERE $where LIMIT 7) s;"
			  if $i % 3 == 1;
		}
	}
	$wanted[$i] = "$table WHERE $where" . ($generic ? ' with ' . join(', ', @$parameters) : '');
}

my $file = PostgreSQL::Test::Utils::tempdir() . '/conditions.sql';
open my $out, '>:raw', $file or die $!;
print $out "$_\n" for @script;
close $out;
my $output = '';
my $errors = '';
IPC::Run::run(
	[
		'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('postgres'), '-f', $file
	],
	'<', \undef, '>', \$output, '2>', \$errors) or diag "psql ended with $?";

is($errors, '', "no condition fails (seed $seed)") or diag substr $errors, 0, 4000;

my (%truth, %got);
for (split /\n/, $output)
{
	my ($i, $what, $result) = split /\|/;
	my ($schema, $kind) = split / /, $what;
	if ($schema eq 'local') { $truth{"$i $kind"} = $result; }
	else { push @{ $got{"$i $kind"} }, [ $schema, $result ]; }
}

my %compared;
my @wrong;
my $nonempty = 0;
for my $key (sort keys %got)
{
	my ($i, $kind) = split / /, $key;
	for (@{ $got{$key} })
	{
		my ($schema, $result) = @$_;
		$compared{"$schema $kind"}++;
		push @wrong, "$schema $kind of $wanted[$i]: got $result, not $truth{$key}" if $result ne ($truth{$key} // 'nothing');
	}
	$nonempty++ if $kind eq 'rows' && ($truth{$key} // '0') !~ /^0 /;
}
is(scalar @wrong, 0, 'the same rows with and without pushdown') or diag join "\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ];
cmp_ok($compared{'sf rows'} // 0, '==', $conditions, "all $conditions conditions were compared");
cmp_ok($compared{'bulk rows'} // 0, '>=', int($conditions / 8), 'by bulk, too');
cmp_ok($compared{'sf count'} // 0, '>', $conditions / 5, 'as counts, too');
cmp_ok($compared{'sf limit'} // 0, '>', $conditions / 5, 'under a LIMIT, too');
cmp_ok($nonempty, '>', $conditions / 4, 'many conditions have rows');

# Sent they were: most requests had a WHERE clause, some a LIMIT, some were counts.
my @sent = map { my $q = $_->{query} // ''; $q =~ s/\+/ /g; $q =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; $q }
  grep { $_->{path} =~ m{/query/?$} && $_->{method} eq 'GET' } @{ $sim->log };
cmp_ok(scalar(grep { / WHERE / } @sent), '>', @sent / 2, 'most conditions were sent');
cmp_ok(scalar(grep { / LIMIT 7/ } @sent), '>', 0, 'a LIMIT was sent');
cmp_ok(scalar(grep { /SELECT COUNT\(\)/ } @sent), '>', 0, 'a count was sent');
is_deeply($sim->jobs, [], 'no job is left behind');

done_testing();
