# SfQuery.pm
#		Random SELECTs over tables that refer to each other: joins, semi-joins, aggregates, orders, limits and
#		what goes around them.
#
#	use SfQuery;
#
#	my $generator = SfQuery->new($random, \@references, 'picked');
#		# an SfRandom; [ CHILD, COLUMN, PARENT ], ...; a table of PostgreSQL's own with the columns id and n
#	my $query = $generator->query;
#
# A query is a hash:
#	sql			its text, with tables without a schema
#	values		values of its parameters, and
#	types		their types, when it has parameters
#	kind		what it is, for statistics
#	ordered		its rows come in one order only
#	whole		the text without a LIMIT that leaves the choice of rows open; then
#	count		is how many rows it takes, behind
#	offset		so many
#	settings	planner settings, a list of "name = value"
#
# Everything in it has one right answer: ties are broken or look alike, numbers whose scale may differ
# are trimmed.

package SfQuery;

use strict;
use warnings;

use SfRandom;

sub new
{
	my ($class, $random, $references, $picked) = @_;
	return bless { random => $random, references => $references, picked => $picked, simple => 0 }, $class;
}

# ---- tables and joins --------------------------------------------------------------------------------

# Names that are key words.
my %quoted = (user => '"user"', case => '"case"');
sub table_name { return $quoted{ $_[0] } // $_[0]; }

# Columns of one of the scope's tables, of the types given; each as [ EXPRESSION, TYPE ].
sub columns_of
{
	my ($self, $scope, $types) = @_;
	my @columns;
	for (@$scope)
	{
		my ($table, $prefix) = @$_;
		push @columns, map { [ $prefix . $_->[0], $_->[1] ] }
		  grep { !$types || $_->[1] =~ $types } $self->{random}->columns($table);
	}
	return @columns;
}

# A number of the scope's tables; not every table has one.
sub number_of
{
	my ($self, $scope) = @_;
	my @numbers = $self->columns_of($scope, qr/^(integer|bigint|numeric)$/);
	@numbers = grep { $_->[0] !~ /tude/ } @numbers if $self->{simple};
	return @numbers ? pick(@numbers)->[0] : '1';
}

# A reference that leaves from or arrives at the table: [ CHILD, COLUMN, PARENT, the table is the child ].
sub reference_of
{
	my ($self, $table) = @_;
	my @known = ((map { [ @$_, 1 ] } grep { $_->[0] eq $table } @{ $self->{references} }),
		(map { [ @$_, 0 ] } grep { $_->[2] eq $table } @{ $self->{references} }));
	return pick(@known);
}

# What joins a table of the scope with a new one, which is added to the scope: ( TABLE, CONDITION ).
sub join_condition
{
	my ($self, $scope, $alias) = @_;
	my ($table, $prefix) = @{ pick(@$scope) };
	my ($child, $column, $parent, $is_child) = @{ $self->reference_of($table) };
	my $other = $is_child ? $parent : $child;
	my $condition = join ' = ', reverse_some($is_child ? ("$prefix$column", "$alias.id") : ("$alias.$column", "${prefix}id"));

	if (chance(0.1))
	{
		# something else than the reference: equal values, of which there are not too few
		my @mine = grep { !/isdeleted/ } $self->columns_of([ [ $table, $prefix ] ], qr/^(text|integer|numeric|date)$/);
		my $mine = pick(@mine);
		my @theirs = $self->columns_of([ [ $other, "$alias." ] ], qr/^\Q$mine->[1]\E$/);
		$condition = join ' = ', reverse_some($mine->[0], pick(@theirs)->[0]) if @theirs;
	}
	push @$scope, [ $other, "$alias." ];
	return ($other, $condition);
}

sub reverse_some { return chance(0.5) ? reverse @_ : @_; }

# FROM so many tables: a hash of text, scope and conditions for WHERE.
sub from
{
	my ($self, $count, $first) = @_;
	my $random = $self->{random};
	my $alias = $first // 't1';
	my $base = pick(map { $_->[0] } @{ $self->{references} });
	my @scope = ([ $base, "$alias." ]);
	my %from = (text => table_name($base) . " $alias", scope => \@scope, where => []);

	while (@scope < $count)
	{
		$alias++;
		my ($other, $condition) = $self->join_condition(\@scope, $alias);
		my $roll = rand();
		my $style =
			$roll < 0.5 ? 'JOIN'
		  : $roll < 0.82 ? 'LEFT JOIN'
		  : $roll < 0.88 ? 'RIGHT JOIN'
		  : $roll < 0.91 ? 'FULL JOIN'
		  : undef;
		if (!defined $style)
		{
			$from{text} .= ', ' . table_name($other) . " $alias";
			push @{ $from{where} }, $condition;

			# the comma binds less than JOIN: what is named before it could not be seen behind
			return \%from;
		}
		$condition .= ' AND ' . $random->condition([ $scope[-1] ], pick(0, 0, 1)) if $style ne 'FULL JOIN' && chance(0.25);
		$condition .= ' AND ' . $random->condition(\@scope, pick(0, 0, 1)) if $style ne 'FULL JOIN' && chance(0.12);
		$condition .= ' AND ' . $self->between_tables(\@scope) if $style ne 'FULL JOIN' && chance(0.1);
		$from{text} .= " $style " . table_name($other) . " $alias ON $condition";
	}
	return \%from;
}

# A comparison of two columns, of two tables where there are two.
sub between_tables
{
	my ($self, $scope) = @_;
	my $type = pick('text', 'numeric', 'date', 'timestamp with time zone', 'text');
	my @columns = $self->columns_of($scope, qr/^\Q$type\E$/);
	return 'true' if @columns < 2;
	return pick(@columns)->[0] . ' ' . pick('<', '<=', '<>', '>', 'IS DISTINCT FROM') . ' ' . pick(@columns)->[0];
}

# IN, EXISTS and the like about a table of the scope.  Where rows are many, each would ask for itself if
# the condition depended on it in more than the reference: only alone it may.
sub semi_join
{
	my ($self, $scope, $alone) = @_;
	my $random = $self->{random};
	my ($table, $prefix) = @{ pick(@$scope) };
	my ($child, $column, $parent, $is_child) = @{ $self->reference_of($table) };
	my ($outer, $inner, $other) = $is_child ? ("$prefix$column", 's.id', $parent) : ("${prefix}id", "s.$column", $child);
	my $from = table_name($other) . ' s';
	my @where;

	# ids out of a table that is here
	if ($self->{picked} && chance(0.15))
	{
		my $some = "SELECT p.id FROM $self->{picked} p WHERE p.n " . pick('=', '<', '>') . ' ' . int(rand 20);
		return $outer . pick(' IN ', ' IN ', ' NOT IN ') . "($some)" if chance(0.6) || !$alone;
		return pick('EXISTS', 'NOT EXISTS') . " ($some AND p.id = $outer)";
	}

	push @where, $random->condition([ [ $other, 's.' ] ], pick(0, 0, 1)) if chance(0.75);
	push @where, "$inner IS NOT NULL" if !$is_child && chance(0.3);
	if (chance(0.12))
	{
		my ($more, $condition) = $self->join_condition([ [ $other, 's.' ] ], 'm');
		$from .= pick(' JOIN ', ' LEFT JOIN ') . table_name($more) . " m ON $condition";
		push @where, $random->condition([ [ $more, 'm.' ] ], 0) if chance(0.5);
	}
	if (chance(0.5) || !$alone)
	{
		my $where = @where ? ' WHERE ' . join ' AND ', @where : '';
		return "$outer " . pick('IN', 'IN', 'IN', 'NOT IN', '= ANY') . " (SELECT $inner FROM $from$where)";
	}
	push @where, $random->condition([ @$scope, [ $other, 's.' ] ], 0) if chance(0.1);
	return pick('EXISTS', 'EXISTS', 'NOT EXISTS') . " (SELECT FROM $from WHERE " . join(' AND ', "$inner = $outer", @where) . ')';
}

# The WHERE clause of a FROM, or nothing.
sub where
{
	my ($self, $from, $often) = @_;
	my $random = $self->{random};
	my @where = @{ $from->{where} };

	push @where, $random->condition([ pick(@{ $from->{scope} }) ], pick(0, 0, 1)) for 1 .. (chance($often // 0.6) ? 1 + int rand 2 : 0);
	push @where, $random->condition($from->{scope}, pick(1, 2)) if chance(0.2);
	push @where, $self->semi_join($from->{scope}, 1) if chance($self->{simple} ? 0.08 : 0.22);
	if (!$self->{simple})
	{
		push @where, $self->between_tables($from->{scope}) if chance(0.06);
		push @where, '(' . $self->semi_join($from->{scope}, 0) . ' OR ' . $random->condition($from->{scope}, 0) . ')' if chance(0.05);
	}
	return @where ? ' WHERE ' . join ' AND ', @where : '';
}

sub table_count { return chance(0.4) ? 1 : chance(0.66) ? 2 : 3; }

# ---- results --------------------------------------------------------------------------------------------

# One expression of a SELECT list.
sub output
{
	my ($self, $scope) = @_;
	my $roll = rand();
	my ($name, $type) = @{ pick($self->columns_of($scope)) };
	my ($table, $prefix) = @{ pick(@$scope) };
	my $alias = $prefix =~ s/\.//r;

	return "${prefix}id" if $roll < 0.12;
	return $alias if $roll < 0.16;
	return "($alias).id" if $roll < 0.18;
	return "$alias IS NULL" if $roll < 0.2;
	return "$name IS NULL" if $roll < 0.24;
	return "coalesce($name\::text, 'none')" if $roll < 0.28;
	return "$name\::date" if $roll < 0.4 && $type =~ /^timestamp/;
	return "upper($name)" if $roll < 0.32 && $type eq 'text';
	return "$name * 2" if $roll < 0.36 && $type eq 'numeric';
	return $name;
}

sub outputs
{
	my ($self, $scope) = @_;
	return join ', ', map { $self->output($scope) } 1 .. 1 + int rand 5;
}

# ORDER BY these expressions, in random directions.
sub order_by
{
	my (@keys) = @_;
	return ' ORDER BY ' . join ', ',
	  map { $_ . pick('', '', ' DESC', ' ASC') . pick('', ' NULLS FIRST', ' NULLS LAST') } @keys;
}

# LIMIT and OFFSET of so many rows, sometimes as parameters: ( TEXT, COUNT, OFFSET ).
sub limit
{
	my ($self, $most) = @_;
	my $random = $self->{random};
	my $count = pick(0, 1, 1, 2, 5, 10, 20, 100, 3000);
	$count = $most if defined $most && $count > $most;
	my $offset = chance(0.3) ? pick(0, 1, 3, 50, 2500) : 0;
	my ($shown, $skipped) = ($count, $offset);

	if ($random->{values} && chance(0.5))
	{
		($shown, $skipped) = map { $random->operand([ 'limit', 'bigint' ], $_) } $count, $offset;
	}
	return (" LIMIT $shown" . ($offset > 0 || $skipped ne $offset || chance(0.05) ? " OFFSET $skipped" : ''), $count, $offset);
}

# ---- kinds of queries ------------------------------------------------------------------------------------

# Rows, often in an order.
sub rows
{
	my ($self, $count) = @_;
	my $from = $self->from($count // table_count());
	my $where = $self->where($from);
	my $scope = $from->{scope};
	my %query = (kind => 'rows', ordered => 0);

	if (chance(0.4))
	{
		$query{sql} = 'SELECT ' . $self->outputs($scope) . " FROM $from->{text}$where";
		return \%query;
	}

	# a total order, or one in which rows that tie look alike
	my @keys = map { pick($self->columns_of($scope, $_))->[0] }
	  grep { $self->columns_of($scope, $_) }
	  map { pick(qr/^(integer|bigint|numeric|date|timestamp.*)$/, qr/^(integer|numeric|date|timestamp.*)$/, qr/./) }
	  1 .. 1 + int rand 2;
	my $list = join ', ', @keys;
	if (chance(0.6))
	{
		push @keys, map { "$_->[1]id" } @$scope;
		$list = $self->outputs($scope);
	}
	%query = (kind => 'order', ordered => 1);
	$query{sql} = "SELECT $list FROM $from->{text}$where" . order_by(@keys);
	if (chance(0.6))
	{
		$query{sql} .= ($self->limit)[0];
		$query{kind} = 'order limit';
	}
	elsif (chance(0.05))
	{
		$query{sql} .= ' FETCH FIRST 5 ROWS WITH TIES';
	}
	return \%query;
}

# As many rows as there may be, whichever.
sub limited
{
	my ($self) = @_;
	my $from = $self->from(table_count());
	my %query = (kind => 'limit', ordered => 0);

	$query{whole} = 'SELECT ' . $self->outputs($from->{scope}) . " FROM $from->{text}" . $self->where($from);
	(my $limit, @query{qw(count offset)}) = $self->limit;
	$query{sql} = $query{whole} . $limit;
	return \%query;
}

sub aggregate
{
	my ($self, $scope) = @_;
	my $random = $self->{random};
	my $number = $self->number_of($scope);
	my ($ordered) = @{ pick($self->columns_of($scope, qr/^(integer|bigint|date|timestamp.*)$/)) };
	my ($any) = @{ pick($self->columns_of($scope, qr/^(?!boolean|text\[\])/)) };
	my ($flag) = @{ pick($self->columns_of($scope, qr/^boolean$/)) };
	my $id = pick(@$scope)->[1] . 'id';
	my $roll = rand() * ($self->{simple} ? 0.91 : 1);

	return 'count(*)' if $roll < 0.22 || ($self->{simple} && $number eq '1');
	my $call =
		$roll < 0.34 ? "count($any)"
	  : $roll < 0.40 ? "count($id)"
	  : $roll < 0.46 ? "count(DISTINCT " . pick($id, $any) . ')'
	  : $roll < 0.58 ? "sum($number)"
	  : $roll < 0.64 ? "avg($number)"
	  : $roll < 0.74 ? "min($number)"
	  : $roll < 0.82 ? "max($number)"
	  : $roll < 0.86 ? "min($ordered)"
	  : $roll < 0.91 ? "max($ordered)"
	  : $roll < 0.94 ? "max($any)"
	  : $roll < 0.96 ? "bool_or($flag)"
	  : $roll < 0.98 ? "string_agg(DISTINCT left($any\::text, 8), ',' ORDER BY left($any\::text, 8))"
	  : "sum(DISTINCT $number)";
	$call .= ' FILTER (WHERE ' . $random->condition($scope, pick(0, 0, 1)) . ')' if !$self->{simple} && chance(0.1);

	# the number of digits behind the point is not part of the answer
	return $call =~ /^(sum|avg|min|max)\((?:DISTINCT )?\Q$number\E\)/ ? "trim_scale(($call)::numeric)" : $call;
}

# A key to group by: ( EXPRESSION, what of it to show ).
sub group_key
{
	my ($self, $scope) = @_;
	my @types = (qr/^(boolean|integer|date)$/, qr/^(boolean|integer|date)$/, qr/^(text|bigint|numeric|timestamp.*)$/);
	my ($name, $type) = @{ pick($self->columns_of($scope, $self->{simple} ? $types[0] : pick(@types))) };
	my @references = grep { $_ } map {
		my ($table, $prefix) = @$_;
		map { "$prefix$_->[1]" } grep { $_->[0] eq $table } @{ $self->{references} };
	} @$scope;

	return (pick(@references)) x 2 if @references && chance(0.3);
	return ("$name\::date") x 2 if $type =~ /^timestamp/ && chance(0.5);
	return ($name, $type eq 'numeric' ? "trim_scale($name)" : $name);
}

sub aggregated
{
	my ($self, $count) = @_;
	my $random = $self->{random};
	my $from = $self->from($count // table_count());
	my $scope = $from->{scope};
	my $where = $self->where($from, 0.45);
	my %query = (kind => 'aggregate', ordered => 0);
	my @list = map { $self->aggregate($scope) } 1 .. 1 + int rand 4;

	if (chance(0.3))
	{
		$query{sql} = 'SELECT ' . join(', ', @list) . " FROM $from->{text}$where";
		$query{sql} .= ' HAVING count(*) > ' . pick(0, 1, 1000) if chance(0.1);
		return \%query;
	}
	my (@keys, @shown);
	for (1 .. 1 + int rand 2)
	{
		my ($key, $shown) = $self->group_key($scope);
		next if grep { $_ eq $key } @keys;
		push @keys, $key;
		push @shown, $shown;
	}
	@list = () if chance(0.08);
	$query{kind} = 'group';
	$query{sql} = 'SELECT ' . join(', ', reverse_some(@shown, @list)) . " FROM $from->{text}$where GROUP BY ";
	if (chance(0.05))
	{
		$query{sql} .= 'ROLLUP (' . join(', ', @keys) . ')';
		return \%query;
	}
	$query{sql} .= join ', ', @keys;
	if (chance(0.25))
	{
		my $number = $self->number_of($scope);
		$query{sql} .= ' HAVING '
		  . pick('count(*) > 1', 'count(*) = 1', "sum($number) IS NOT NULL", "min($number) < 0", "max($number) > 1000",
			"count(*) > 1 AND max($number) <> 0", "$keys[0] IS NOT NULL", "count(DISTINCT $keys[0]) = 1");
	}
	if (chance(0.4))
	{
		$query{sql} .= order_by(chance(0.2) ? ('count(*)', @keys) : @keys);
		$query{sql} .= ($self->limit)[0] if chance(0.4);
		$query{ordered} = 1;
	}
	return \%query;
}

sub distinct
{
	my ($self) = @_;
	my $from = $self->from(table_count());
	my (@keys, @shown);

	for (1 .. 1 + int rand 2)
	{
		my ($key, $shown) = $self->group_key($from->{scope});
		push @keys, $shown;
	}
	return {
		kind => 'distinct',
		ordered => 0,
		sql => 'SELECT DISTINCT ' . join(', ', @keys) . " FROM $from->{text}" . $self->where($from)
	};
}

sub counted
{
	my ($self) = @_;
	my $from = $self->from(table_count());
	my $what = pick('count(*)', 'count(*)', 'count(' . pick(@{ $from->{scope} })->[1] . 'id)', '1 + count(*)');
	return { kind => 'count', ordered => 0, sql => "SELECT $what FROM $from->{text}" . $self->where($from, 0.9) };
}

# Two selections of the same columns put together.
sub united
{
	my ($self) = @_;
	my @parts;
	my @types = map { pick('text', 'text', 'date', 'boolean', 'timestamp with time zone') } 1 .. 1 + int rand 2;

	for (1 .. 2 + int rand 2)
	{
		my $from = $self->from(pick(1, 1, 2));
		my @list = map { (pick($self->columns_of($from->{scope}, qr/^\Q$_\E$/)) // ["NULL::$_"])->[0] } @types;
		push @parts, 'SELECT ' . join(', ', @list) . " FROM $from->{text}" . $self->where($from, 0.8);
	}
	my $sql = shift @parts;
	$sql .= ' ' . pick('UNION ALL', 'UNION ALL', 'UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT') . " $_" for @parts;
	return { kind => 'union', ordered => 0, sql => $sql } if chance(0.7);
	my @keys = reverse_some(1 .. @types);
	return { kind => 'union', ordered => 1, sql => $sql . order_by(@keys) . ($self->limit)[0] };
}

# A query as a table of another one.
sub nested
{
	my ($self) = @_;
	my $random = $self->{random};
	my ($child, $column, $parent) = @{ pick(@{ $self->{references} }) };
	my $inner = $self->from(1, 's1');
	my $scope = $inner->{scope};
	my ($table) = @{ $scope->[0] };
	my $where = $self->where($inner);
	my $limit = '';

	$limit = order_by(pick($self->columns_of($scope, qr/^(integer|numeric|date|timestamp.*)$/))->[0], 's1.id') . ($self->limit)[0]
	  if chance(0.5);
	my $sub = "SELECT s1.* FROM $inner->{text}$where$limit";
	my $roll = rand();
	if ($roll < 0.4)
	{
		# with another table
		my @outer = ([ $table, 'c.' ]);
		my ($other, $condition) = $self->join_condition(\@outer, 'o');
		my $join = pick('JOIN', 'LEFT JOIN') . ' ' . table_name($other) . " o ON $condition";
		my $with = pick('', '', 'MATERIALIZED ', 'NOT MATERIALIZED ');
		my $filter = chance(0.5) ? ' WHERE ' . $random->condition(\@outer, pick(0, 1)) : '';
		my $list = $self->outputs(\@outer);
		return { kind => 'cte', ordered => 0, sql => "WITH c AS $with($sub) SELECT $list FROM c $join$filter" };
	}
	my @outer = ([ $table, 'c.' ]);
	my $filter = chance(0.5) ? ' WHERE ' . $random->condition(\@outer, pick(0, 1)) : '';
	return { kind => 'subquery', ordered => 0, sql => 'SELECT ' . $self->outputs(\@outer) . " FROM ($sub) c$filter" } if $roll < 0.7;
	my ($key, $shown) = $self->group_key(\@outer);
	return {
		kind => 'subquery',
		ordered => 0,
		sql => "SELECT $shown, " . $self->aggregate(\@outer) . " FROM ($sub) c$filter GROUP BY $key"
	};
}

# Subqueries that give a value: for the query, or for each of a few rows.
sub scalar
{
	my ($self) = @_;
	my $random = $self->{random};
	my ($child, $column, $parent) = @{ pick(@{ $self->{references} }) };
	my $few = order_by('t1.' . pick($self->columns_of([ [ $parent, '' ] ], qr/^(date|timestamp.*|integer)$/))->[0], 't1.id')
	  . ' LIMIT ' . pick(1, 3, 6);
	my @inner = ([ $child, 's.' ]);
	my $where = chance(0.6) ? ' AND ' . $random->condition(\@inner, pick(0, 1)) : '';
	my $name = table_name($child);

	if (chance(0.4))
	{
		my $other = $self->from(1, 'u1');
		my $value = $self->aggregate($other->{scope});
		return {
			kind => 'scalar',
			ordered => 0,
			sql => 'SELECT ' . $self->outputs([ [ $parent, 't1.' ] ]) . ", (SELECT $value FROM $other->{text}" . $self->where($other) . ') FROM '
			  . table_name($parent) . ' t1 WHERE ' . $random->condition([ [ $parent, 't1.' ] ], 1)
		};
	}
	if (chance(0.5))
	{
		return {
			kind => 'scalar',
			ordered => 1,
			sql => 'SELECT t1.id, (SELECT ' . $self->aggregate(\@inner) . " FROM $name s WHERE s.$column = t1.id$where) FROM "
			  . table_name($parent) . " t1$few"
		};
	}
	my ($join, $on) = @{ pick([ 'CROSS JOIN', '' ], [ 'LEFT JOIN', ' ON true' ]) };
	my $first = order_by(pick($self->columns_of(\@inner, qr/^(numeric|date|timestamp.*)$/))->[0], 's.id');
	return {
		kind => 'lateral',
		ordered => 0,
		sql => 'SELECT t1.id, x.* FROM (SELECT * FROM ' . table_name($parent) . " t1$few) t1 $join"
		  . " LATERAL (SELECT s.id AS child, s.$column FROM $name s WHERE s.$column = t1.id$where$first LIMIT " . pick(1, 2) . ") x$on"
	};
}

sub windowed
{
	my ($self) = @_;
	my $from = $self->from(pick(1, 1, 2));
	my $scope = $from->{scope};
	my $where = $self->where($from);
	my @ids = map { "$_->[1]id" } @$scope;
	my ($key) = @{ pick($self->columns_of($scope, qr/^(text|date|integer|boolean)$/)) };
	my ($by) = @{ pick($self->columns_of($scope, qr/^(text|date|integer|numeric|timestamp.*)$/)) };
	my $number = $self->number_of($scope);
	my $call = pick('row_number()', 'rank()', "lag($ids[0])", 'count(*)', "max($by)");
	my $over = 'PARTITION BY ' . $key . order_by($by, @ids);
	my $sql = "SELECT $ids[0], $call OVER ($over) FROM $from->{text}$where";

	if (chance(0.4))
	{
		my ($group, $shown) = $self->group_key($scope);
		$sql = "SELECT $shown, trim_scale(sum(count(*)) OVER ()), count($number) FROM $from->{text}$where GROUP BY $group";
	}
	return { kind => 'window', ordered => 0, sql => $sql };
}

sub locked
{
	my ($self) = @_;
	my $from = $self->from(pick(1, 1, 2));
	my $scope = $from->{scope};
	my $locks = pick(' FOR UPDATE', ' FOR SHARE', ' FOR NO KEY UPDATE');

	# not of what an outer join may leave null
	$locks .= ' OF t1' if @$scope > 1 && chance(0.4);
	$locks = ' FOR UPDATE OF ' . ($from->{text} =~ /(RIGHT|FULL)/ ? 'none' : 't1') if $from->{text} =~ /(LEFT|RIGHT|FULL) JOIN/;
	$locks = '' if $locks =~ /none/;
	my $sql = 'SELECT ' . $self->outputs($scope) . " FROM $from->{text}" . $self->where($from);
	my $ordered = chance(0.4);
	$sql .= order_by(pick($self->columns_of($scope))->[0], map { "$_->[1]id" } @$scope) . ($self->limit)[0] if $ordered;
	return { kind => 'lock', ordered => $ordered, sql => $sql . $locks };
}

# ---- a query ------------------------------------------------------------------------------------------------

my @kinds = (
	[ 30, \&rows ],
	[ 24, \&aggregated ],
	[ 8, \&limited ],
	[ 6, \&counted ],
	[ 6, \&distinct ],
	[ 6, \&nested ],
	[ 5, \&united ],
	[ 5, \&scalar ],
	[ 4, \&windowed ],
	[ 3, \&locked ]);

my @settings = (
	'enable_hashjoin = off',
	'enable_mergejoin = off',
	'enable_nestloop = off',
	'enable_hashagg = off',
	'enable_sort = off',
	'join_collapse_limit = 1');

sub query
{
	my ($self) = @_;
	my $random = $self->{random};
	my $sum = 0;
	$sum += $_->[0] for @kinds;
	my $roll = rand $sum;
	my $make;
	for (@kinds)
	{
		$make = $_->[1];
		last if ($roll -= $_->[0]) < 0;
	}

	# With a condition on a text, or one aggregate that Salesforce does not have, hardly anything else is left to
	# it: half of the queries have none.
	$self->{simple} = chance(0.5);
	$random->only($self->{simple} ? qr/^(boolean|integer|numeric|date|timestamp.*)$/ : undef);
	$random->parameters(chance(0.2));
	my $query = $self->$make;
	my ($values, $types) = $random->parameters(0);
	@$query{qw(values types)} = ($values, $types) if $values && @$values;
	$query->{settings} = [ grep { chance(0.06) } @settings ];
	return $query;
}

1;
