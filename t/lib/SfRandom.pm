# SfRandom.pm
#		Random conditions over the columns of tables, with values that occur and values that hurt.
#
#	use SfRandom;
#
#	my $random = SfRandom->new($node, schema => 'local', tables => [ 'account', 'contact' ]);
#	my $scope = [ [ 'account', 'a.' ], [ 'contact', 'c.' ] ];		# tables and what to put before columns
#	my $where = $random->condition($scope, 2);
#
#	$random->parameters(1);							# constants become $1, $2, ...
#	$where = $random->condition($scope, 1);
#	my ($values, $types) = $random->parameters(0);	# of which these are the values and the types
#
# The caller calls srand: the same seed over the same rows gives the same conditions.  No condition
# raises an error, whatever the order in which its parts are evaluated, and none says another thing when
# it is asked a moment later (now() stands for a time of which there are no rows).

package SfRandom;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(pick chance);

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

# Values that need not occur, by type.
my %extra = (
	text => [
		"''", "' '", "'acme'", "'ACME'", "' Acme '", "'%'", "'#N/A'", q{E'it''s \\\\ \"q\"'}, q{E'\u00e9'},
		"'null'"
	],
	integer => [ 0, -1, 1, 2147483647, -2147483648, 99999999999, '2.5' ],
	bigint => [ 0, -1, '9223372036854775807', '1.5' ],
	numeric => [
		0, '0.1', '-0.0001', '90000000', '1e7', '123456789012345678.5', "'NaN'::numeric", "'Infinity'::float8",
		'0.30000000000000004', '1e300'
	],
	date => [
		"'1700-01-01'", "'4000-12-31'", "'1970-01-01'", "'2024-02-29'", "'1600-01-01'", "'infinity'",
		"'4713-01-01 BC'"
	],
	'timestamp with time zone' => [
		"'1970-01-01 00:00:00+00'", "'2024-02-29 12:00:00.5+00'", "'2024-03-01 00:00:00.000001+02'",
		"'4000-12-31 23:59:59+00'", "'1650-01-01 00:00:00+00'", "'infinity'", "'-infinity'", "'2023-06-15'::date"
	],
	boolean => [ 'true', 'false' ],
	'text[]' => [ "'{}'", "'{urgent}'", "'{Urgent,VIP}'", "'{NULL}'", "'{\"R&D, \\\\\"Lab\\\\\"\"}'" ],
);

# new(NODE, schema => SCHEMA, tables => [ NAME, ... ], further => 0)
#
# Reads what columns the tables of the (local) schema have, and which values occur in them.  Columns of
# nulls only are left out.  With further, so large a part of the comparisons is of the kinds that are not
# "column operator value": casts, functions, arrays.
sub new
{
	my ($class, $node, %opt) = @_;
	my $self = bless { further => $opt{further} // 0, columns => {} }, $class;

	for my $table (@{ $opt{tables} })
	{
		my $list = $node->safe_psql('postgres', <<"SQL");
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = '$opt{schema}."$table"'::regclass AND attnum > 0 ORDER BY attnum
SQL
		for (split /\n/, $list)
		{
			my ($name, $type) = split /\|/;
			next if !$extra{$type} || ($type eq 'text[]' && !$self->{further});
			my @values = split /\n/, $node->safe_psql('postgres', <<"SQL");
SELECT replace(v, E'\\n', E'\\\\n') FROM (
	SELECT DISTINCT quote_literal(left("$name"::text, 200)) AS v FROM $opt{schema}."$table"
	WHERE "$name" IS NOT NULL AND strpos("$name"::text, E'\\n') = 0 AND strpos("$name"::text, E'\\r') = 0
	ORDER BY 1 LIMIT 80) s
SQL
			push @{ $self->{columns}{$table} }, [ $name, $type, @values ] if @values;
		}
	}
	return $self;
}

# The columns of a table: a list of [ NAME, TYPE, VALUE, ... ], the values as SQL literals.
sub columns
{
	my ($self, $table) = @_;
	return @{ $self->{columns}{$table} };
}

# Begins (1) or ends (0) to collect constants as parameters; returns those collected, and their types.
sub parameters
{
	my ($self, $on) = @_;
	my @collected = @$self{qw(values types)};
	@$self{qw(values types)} = $on ? ([], []) : (undef, undef);
	return @collected;
}

# From now on only columns of types like this are compared, or all again; in the plain way then.
sub only
{
	my ($self, $types) = @_;
	$self->{only} = $types;
	return;
}

# ---- operands --------------------------------------------------------------------------------------

# A literal to compare a column with.
sub value
{
	my ($self, $column) = @_;
	my ($name, $type, @values) = @$column;
	my $value = chance(0.25) ? pick(@{ $extra{$type} }) : pick(@values);

	if ($type eq 'text' && $value =~ /^'/ && chance(0.3))
	{
		$value = "upper($value)" if chance(0.5);
		$value = "lower($value)" if chance(0.3);
	}

	# A 15-character id is the same id to Salesforce and another text to PostgreSQL: not compared here.
	return $value if $value =~ /::/;
	return $value =~ /^'/ ? "${value}::$type" : $value if $type =~ /^(integer|bigint)$/;
	return "${value}::$type";
}

# The literal itself, or the parameter that it becomes.
sub operand
{
	my ($self, $column, $text) = @_;
	return $text if !$self->{values};
	push @{ $self->{values} }, $text;
	my $type = $column->[1];
	$type = 'numeric' if $type =~ /^(integer|bigint)$/ && $text !~ /::/ && $text =~ /[.e]|\d{11}/;
	$type = 'float8' if $text =~ /::float8/;
	$type = 'date' if $text =~ /::date$/;
	push @{ $self->{types} }, $type;
	return '$' . scalar @{ $self->{values} };
}

sub any_operand
{
	my ($self, $column) = @_;
	return $self->operand($column, $self->value($column));
}

# ---- comparisons -------------------------------------------------------------------------------------

# An array of values, without parameters: their types might differ.
sub array_of
{
	my ($self, $column, @more) = @_;
	my $type = $column->[1] =~ /^(integer|bigint)$/ ? 'numeric' : $column->[1];
	my @values = map { $self->value($column) . "::$type" } 1 .. 1 + int rand 4;
	return 'ARRAY[' . join(', ', @values, @more) . ']';
}

# One label out of the values of a text[] column, as a literal.
sub label_of
{
	my ($self, $column) = @_;
	my ($labels) = pick(@$column[ 2 .. $#$column ]) =~ /^'\{(.*)\}'$/;
	return pick("'urgent'", "'nothing'", "''", q{'R&D, "Lab"'}) if !$labels || chance(0.1);
	return "'" . pick($labels =~ /([^",]+)/g) . "'";
}

sub labels_comparison
{
	my ($self, $name, $column) = @_;
	my $label = $self->label_of($column);
	my $array = "ARRAY[" . join(', ', $label, map { $self->label_of($column) } 1 .. int rand 3) . ']';

	return pick(
		"$name @> $array", "$name @> $array", "$name && $array", "$name && $array", "$label = ANY ($name)",
		"$label = ANY ($name)", "$label <> ALL ($name)", "$name <@ $array", "$name = $array", "$name <> $array",
		"NOT ($name && $array)", "$name IS NULL", "$name IS NOT NULL", "array_length($name, 1) = 1",
		"$name @> '{}'", "$name && ARRAY[$label, NULL]");
}

# The kinds of comparison that are more than a column and a value.
sub further_comparison
{
	my ($self, $name, $column) = @_;
	my $type = $column->[1];
	my $value = $self->value($column);

	return "$name IS " . pick('DISTINCT', 'NOT DISTINCT') . " FROM $value" if chance(0.15);
	if ($type eq 'text')
	{
		return pick(
			"lower($name) = lower($value)", "upper($name) <> $value", "$name ^@ left($value, 2)",
			"length($name) > 6", "$name || '' = $value", "left($name, 1) = left($value, 1)",
			"coalesce($name, '') = $value", "coalesce($name, '') = ''", "$name = ANY (" . $self->array_of($column) . ')',
			"$name <> ALL (" . $self->array_of($column) . ')', "nullif($name, $value) IS NULL",
			"$name IN ($value, 'x', NULL)", "NOT ($name = $value)", "NOT ($name LIKE left($value, 2) || '%')");
	}
	if ($type =~ /^timestamp/)
	{
		my $day = pick(@$column[ 2 .. $#$column ]) . '::timestamptz::date';
		return pick(
			"$name\::date = $day", "$name\::date BETWEEN $day AND $day + " . int(rand 2000), "$name\::date > $day",
			"$name\::date <= $day", "$name >= $day", "$name < $day", "extract(year FROM $name) = 2024",
			"date_trunc('month', $name) = date_trunc('month', $day)", "$name + interval '1 day' > $value",
			"$name > now() - interval '210 years'", "$name < current_date - 80000");
	}
	if ($type eq 'date')
	{
		my $day = pick(@$column[ 2 .. $#$column ]) . '::date';
		return pick(
			"$name + 1 > $day", "extract(month FROM $name) = 2", "$name = ANY (" . $self->array_of($column) . ')',
			"$name\::timestamp >= $day", "$name BETWEEN $day AND $day + " . int(rand 9000),
			"$name > current_date - 80000");
	}
	return pick(
		"$name\::numeric + 1 > 0", "$name = ANY (" . $self->array_of($column) . ')',
		"$name <> ALL (" . $self->array_of($column) . ')', "coalesce($name, 0) = 0", "-$name\::numeric < 0",
		"$name = ANY (" . $self->array_of($column, 'NULL') . ')', "$name <> ALL (" . $self->array_of($column, 'NULL') . ')',
		"NOT ($name > $value)", "NOT ($name = $value)", "($name > 0) IS NOT TRUE")
	  if $type ne 'boolean';
	return pick("$name\::int = 1", "coalesce($name, false)", "($name OR $name IS NULL)", "$name IN (true, NULL)");
}

# One comparison of a column of one of the scope's tables.
sub comparison
{
	my ($self, $scope) = @_;
	my ($table, $prefix) = @{ pick(@$scope) };
	my @columns = $self->columns($table);
	my @sets = grep { $_->[1] eq 'text[]' } @columns;
	@columns = $self->{only} ? grep { $_->[1] =~ $self->{only} } @columns : @sets && chance(0.1) ? @sets : @columns;
	my $column = pick(@columns);
	my $type = $column->[1];
	my $name = $prefix . $column->[0];
	my $roll = rand();

	return $self->labels_comparison($name, $column) if $type eq 'text[]';
	return "$name IS " . (chance(0.5) ? '' : 'NOT ') . 'NULL' if $roll < 0.12;
	return $self->further_comparison($name, $column) if !$self->{only} && chance($type =~ /^timestamp/ ? 2 * $self->{further} : $self->{further});
	if ($type eq 'boolean')
	{
		return pick($name, "NOT $name", "$name = true", "$name = false", "$name <> true", "$name IS TRUE",
			"$name IS NOT TRUE", "$name IS FALSE", "$name IS NOT FALSE", "$name IS UNKNOWN");
	}
	if ($roll < 0.3)
	{
		my $op = chance(0.5) ? 'IN' : 'NOT IN';
		my @list = map { $self->any_operand($column) } 1 .. 1 + int rand 5;
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
		return "$name " . pick('LIKE', 'ILIKE', 'NOT LIKE') . ' ' . $self->operand($column, "$open$pattern'");
	}
	if ($roll < 0.5 && $type ne 'text')
	{
		return "$name BETWEEN " . $self->any_operand($column) . ' AND ' . $self->any_operand($column);
	}
	my $op = pick('=', '=', '<>', '<', '<=', '>', '>=');
	my $value = $self->any_operand($column);
	return chance(0.1) ? "$value $op $name" : "$name $op $value";
}

# A condition over the tables of the scope, a list of [ TABLE, PREFIX of its columns ]; its ANDs, ORs and
# NOTs nest so deep.
sub condition
{
	my ($self, $scope, $depth) = @_;
	return $self->comparison($scope) if $depth == 0 || chance(0.35);
	my $text = join pick(' AND ', ' OR '), map { $self->condition($scope, $depth - 1) } 1 .. 2 + int rand 2;
	return chance(0.12) ? "NOT ($text)" : "($text)";
}

1;
