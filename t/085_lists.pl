# Lists of any length: cut into several queries, or looked up here; what a subquery gives as a list; days in
# the session's time zone.
use strict;
use warnings;

use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('lists', rows => { Contact => 600 });
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);

# 50,000 ids, of which 1,000 are there; and texts.
$node->safe_psql('postgres', q{
	CREATE TABLE ids AS SELECT id, name FROM rest.account;
	INSERT INTO ids SELECT '001' || lpad(i::text, 12, '0') || 'AAA', 'none ' || i FROM generate_series(1, 49000) i;
	CREATE TABLE here AS SELECT id, name, createddate, numberofemployees AS employees,
		row_number() OVER (ORDER BY id) AS n FROM rest.account;
	CREATE TABLE contact_here AS SELECT id, accountid FROM rest.contact;
	ANALYZE ids, here, contact_here;
	CREATE FUNCTION all_ids() RETURNS text[] STABLE LANGUAGE sql AS 'SELECT array_agg(id) FROM ids'});
my $list = 'ARRAY(SELECT id FROM ids)';
my $in_list = "$SfFault::all %s.account a WHERE id = ANY ($list)";

sub jobs_made
{
	return [ map { $_->{body} =~ /"query":"([^"]*)/ ? $1 : undef }
		  grep { $_->{method} eq 'POST' && $_->{path} =~ m{/jobs/query$} } @{ $sim->log } ];
}

sub asked_rest { return requests($sim->log, $query); }

# ---- 50,000 ids -------------------------------------------------------------------------------------

for my $by (qw(bulk auto))
{
	$t->run('50,000 ids', by => $by, sql => $in_list, log => sub {
		is(scalar @{ jobs_made() }, 11, 'jobs');
		is(scalar(grep { / WHERE Id IN \('001/ } @{ jobs_made() }), 11, 'each with a part of the list');
		is(asked_rest(), 0, 'REST is not asked');
	});
}
$t->run('50,000 ids', by => 'rest', sql => $in_list, log => sub {
	cmp_ok(asked_rest(), '>', 90, 'several requests');
	cmp_ok(asked_rest(), '<', 200, 'but not many');
	is(scalar(grep { $_->{status} != 200 } @{ $sim->log }), 0, 'none of them is too long');
});
$t->run('50,000 ids as constants', by => 'bulk',
	sql => $in_list =~ s/\Q$list\E/'{' . $node->safe_psql('postgres', q{SELECT string_agg(id, ',') FROM ids}) . '}'/er =~ s/\(\{(.*)\}\)/('{$1}')/sr,
	log => sub { is(scalar @{ jobs_made() }, 11, 'jobs'); });
$t->run('as a parameter', by => 'bulk', rows => $t->expected,
	sql => "SET plan_cache_mode = force_generic_plan;
		PREPARE p(text[]) AS $SfFault::all %s.account a WHERE id = ANY (\$1);
		EXECUTE p(all_ids()); DEALLOCATE p; RESET plan_cache_mode",
	log => sub { is(scalar @{ jobs_made() }, 11, 'jobs'); });

# what makes no row come twice, or not at all
$t->run('ids in all forms', by => $_,
	sql => "$SfFault::all %s.account a WHERE id = ANY (ARRAY(SELECT x FROM ids,
		unnest(ARRAY[id, left(id, 15), id, NULL, 'short', id || 'x', '']) x ORDER BY md5(x)))",
	log => sub { cmp_ok(asked_rest() + @{ jobs_made() }, '>', 5, 'several queries'); })
  for qw(bulk rest);
$t->run('a list of no id', by => 'bulk', rows => '0|0|',
	sql => "$SfFault::all %s.account a WHERE id = ANY (ARRAY(SELECT 'x' || id FROM ids))",
	log => sub { is(scalar @{ $sim->log }, 0, 'nothing is asked'); });
$t->run('an empty list', by => 'bulk', rows => '0|0|',
	sql => "$SfFault::all %s.account a WHERE id = ANY (ARRAY(SELECT id FROM ids WHERE id = 'x'))",
	log => sub { is(scalar @{ $sim->log }, 0, 'nothing is asked'); });
my $names = q{ARRAY(SELECT x FROM ids, unnest(ARRAY[name, upper(name), lower(name) || ' ' || name]) x
	WHERE name LIKE '%a%' OR name LIKE 'none%' OR x <> name ORDER BY md5(x))};
$t->run('names, and the same in other case', by => $_,
	rows => $c->value("SELECT count(*), count(DISTINCT id) FROM here WHERE name = ANY ($names)"),
	sql => "SELECT count(*), count(DISTINCT id) FROM %s.account WHERE name = ANY ($names)",
	log => sub { cmp_ok(asked_rest() + @{ jobs_made() }, '>', 5, 'several queries'); })
  for qw(bulk rest);
my $numbers = 'ARRAY(SELECT 2 * i FROM generate_series(-50000, 50000) i)';
$t->run('whole numbers', by => $_,
	rows => $c->value("SELECT count(*), count(DISTINCT id) FROM here WHERE employees = ANY ($numbers)"),
	sql => "SELECT count(*), count(DISTINCT id) FROM %s.account WHERE numberofemployees = ANY ($numbers)",
	log => sub { cmp_ok(asked_rest() + @{ jobs_made() }, '>', 5, 'several queries'); })
  for qw(bulk rest);

# two lists, of which one is cut and the other looked up here
$t->run('two lists', by => $_,
	rows => $c->value('SELECT count(*), count(DISTINCT id) FROM contact_here
		WHERE accountid IN (SELECT id FROM ids) AND id NOT IN (SELECT id FROM contact_here ORDER BY id LIMIT 100)'),
	sql => "SELECT count(*), count(DISTINCT id) FROM %s.contact WHERE accountid = ANY ($list)
		AND id = ANY (ARRAY(SELECT id FROM ids UNION ALL (SELECT id FROM contact_here ORDER BY id OFFSET 100)))",
	log => sub { cmp_ok(asked_rest() + @{ jobs_made() }, '>', 5, 'several queries'); })
  for qw(bulk rest);
$t->run('two lists, counted', by => $_,
	rows => $c->value('SELECT count(*) FROM contact_here
		WHERE accountid IN (SELECT id FROM ids) AND id NOT IN (SELECT id FROM contact_here ORDER BY id LIMIT 100)'),
	sql => "SELECT count(*) FROM %s.contact WHERE accountid = ANY ($list)
		AND id = ANY (ARRAY(SELECT id FROM ids UNION ALL (SELECT id FROM contact_here ORDER BY id OFFSET 100)))")
  for qw(bulk rest);

# so many that they would be more than 100 jobs
my $many = q{ARRAY(SELECT id FROM ids UNION ALL
	SELECT '003' || lpad(i::text, 12, '0') || 'AAA' FROM generate_series(1, 500000) i)};
$t->run('half a million ids', by => 'bulk', sql => "$SfFault::all %s.account a WHERE id = ANY ($many)",
	log => sub {
		is(scalar @{ jobs_made() }, 1, 'one job');
		unlike(jobs_made()->[0], qr/WHERE/, 'for everything');
	});
$t->run('half a million ids, with LIMIT', by => 'bulk', rows => 7,
	sql => "SELECT count(*) FROM (SELECT * FROM %s.account WHERE id = ANY (ARRAY(
		SELECT id FROM unnest($many) id WHERE id > (SELECT max(id) FROM here WHERE id NOT IN
			(SELECT id FROM here ORDER BY id DESC LIMIT 7)) OR id LIKE '003%')) LIMIT 10) s",
	log => sub {
		is(scalar @{ jobs_made() }, 1, 'one job');
		unlike(jobs_made()->[0], qr/LIMIT/, 'without LIMIT');
	});
$t->run('half a million ids, counted', by => 'bulk', rows => 1000,
	sql => "SELECT count(*) FROM %s.account a WHERE id = ANY ($many)",
	log => sub { is(scalar @{ jobs_made() }, 1, 'one job'); });

# ---- counts, groups, limits ------------------------------------------------------------------------------

for my $by (qw(bulk auto))
{
	$t->run('a count', by => $by, rows => 1000, sql => "SELECT count(*) FROM %s.account WHERE id = ANY ($list)",
		log => sub {
			is(scalar @{ jobs_made() }, 11, 'jobs');
			is(requests($sim->log, $page), 0, 'no row is downloaded');
		});
}
$t->run('a count', by => 'rest', rows => 1000, sql => "SELECT count(*) FROM %s.account WHERE id = ANY ($list)",
	log => sub {
		cmp_ok(asked_rest(), '>', 90, 'several requests');
		is(requests($sim->log, $more), 0, 'no row is asked for');
	});
my $groups = $c->value('SELECT string_agg(g::text, $$;$$ ORDER BY g) FROM
	(SELECT employees % 3 IS NULL AS n, employees, count(*) AS k, max(createddate) AS m FROM here GROUP BY 2) g');
$t->run('groups', by => 'auto', rows => $groups,
	sql => "SELECT string_agg(g::text, \$\$;\$\$ ORDER BY g) FROM
	(SELECT numberofemployees % 3 IS NULL AS n, numberofemployees, count(*) AS k, max(createddate) AS m
	FROM %s.account WHERE id = ANY ($list) GROUP BY 2) g",
	log => sub {
		is(scalar @{ jobs_made() }, 11, 'jobs');
		is(asked_rest(), 0, 'no groups are asked for');
	});
$t->run('a limit', by => 'bulk', rows => 5,
	sql => "SELECT count(*) FROM (SELECT * FROM %s.account WHERE id = ANY ($list) LIMIT 5) s",
	log => sub { is(scalar @{ jobs_made() }, 1, 'one job'); });
$t->run('a limit above', by => 'bulk', rows => 1000,
	sql => "SELECT count(*) FROM (SELECT * FROM %s.account WHERE id = ANY ($list) LIMIT 1500) s");
$t->run('in order', by => $_,
	rows => $c->value('SELECT string_agg(id, $$,$$ ORDER BY createddate DESC, id) FROM
		(SELECT * FROM here ORDER BY createddate DESC, id LIMIT 20) s'),
	sql => "SELECT string_agg(id, \$\$,\$\$ ORDER BY createddate DESC, id) FROM
		(SELECT * FROM %s.account WHERE id = ANY ($list) ORDER BY createddate DESC, id LIMIT 20) s")
  for qw(bulk rest);
$t->run('again and again', by => $_, rows => 3000,
	sql => "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
		SELECT count(a.name) FROM generate_series(1, 3) g LEFT JOIN %s.account a ON a.id = ANY ($list)
		AND g <> length(a.id);
		RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material",
	log => sub { is(scalar @{ jobs_made() }, 11, 'jobs'); })
  for qw(bulk auto);
$t->run('another list for each row', by => 'bulk', rows => '3|600',
	sql => "SELECT count(*), sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(name) AS n
		FROM %s.account WHERE id = ANY (ARRAY(
			SELECT id FROM here WHERE n <= 100 * g
			UNION ALL SELECT '003' || lpad(i::text, 12, '0') || 'AAA' FROM generate_series(1, 12000) i))) s",
	log => sub { is(scalar @{ jobs_made() }, 9, 'jobs'); });

# ---- what EXPLAIN says ---------------------------------------------------------------------------------

my $explain = 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF)';
my $plan = $c->value("$explain SELECT name FROM bulk.account WHERE id = ANY ($list)");
like($plan, qr/Queries: 11\n/, 'EXPLAIN ANALYZE tells the number of queries');
like($plan, qr/SOQL: SELECT Name, Id FROM Account WHERE Id IN \('001\w{15}', '001\w{15}', '001\w{15}', 49997 more\)\n/,
	'and the beginning of the list');
like($plan, qr/Rows Received: 1000\n/, 'and all rows');
like($plan, qr/Remote Filter: \(account\.id = ANY \(/, 'which are not checked again');
unlike($c->value("$explain SELECT name FROM bulk.account WHERE id = ANY (ARRAY(SELECT id FROM ids LIMIT 50))"),
	qr/Queries/, 'one query is not counted');

# ---- jobs together, faults, cancel ----------------------------------------------------------------------

subtest 'jobs wait together, a few at a time' => sub {
	$sim->reset;
	$sim->set(hold_jobs => 'UploadComplete');
	$c->begin($in_list =~ s/%s/bulk/r);
	$sim->wait_request(%$create, count => 5);
	$sim->wait_request(%$poll, count => 10);
	is(scalar @{ $sim->jobs }, 5, 'jobs at first');
	is(scalar @{ jobs_made() }, 5, 'no more are made while these wait');
	$sim->set(hold_jobs => 'none');
	is($c->end->{rows}, $t->expected, 'the rows');
	is(scalar @{ jobs_made() }, 11, 'all jobs');
	is_deeply($sim->jobs, [], 'none is left');
};
$t->run("job $_ fails", by => 'bulk', sql => $in_list, error => 'HV000', message => qr/Something went wrong/,
	faults => { %$create, nth => $_, job => { fail => 'Something went wrong' } })
  for 1, 3, 11;
$t->run("job $_ is not made", by => 'bulk', sql => $in_list, error => '57014', message => qr/QUERY_TIMEOUT/,
	faults => { %$create, nth => $_, error => 'query_timeout' })
  for 2, 7;
$t->run('request 50 fails', by => 'rest', sql => $in_list, error => '57014', message => qr/QUERY_TIMEOUT/,
	faults => { %$query, nth => 50, error => 'query_timeout' });
$t->run('the login', by => 'bulk', sql => $in_list, logins => 1);
$t->run('cancelled while jobs wait', by => 'bulk', sql => $in_list, set => { hold_jobs => 'UploadComplete' },
	error => '57014', message => qr/canceling statement due to user request/,
	during => sub {
		my (undef, $pid) = @_;
		$sim->wait_request(%$create, count => 5);
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	});
$t->run('ended early', by => 'bulk', rows => '3',
	sql => "SELECT count(*) FROM (SELECT id FROM %s.account WHERE id = ANY ($list) AND md5(name) > '' LIMIT 3) s");

# ---- IN (SELECT …) -----------------------------------------------------------------------------------------

for my $by (qw(bulk rest))
{
	my $sql = "$SfFault::all %s.account a WHERE id IN (SELECT id FROM ids WHERE id >= (SELECT min(id) FROM here))";
	$t->run('IN (SELECT ...)', by => $by, sql => $sql,
		log => sub { is(asked_rest() + @{ jobs_made() } >= 1, 1, 'asked'); });
}
subtest 'IN (SELECT ...) is a list' => sub {
	my %sql = (
		'a local table' => [ 'id IN (SELECT id FROM ids)', 1000, 11 ],
		'a subquery' => [ 'id IN (SELECT max(id) FROM ids GROUP BY left(name, 3))', undef, undef ],
		'a CTE' => [ 'id IN (SELECT id FROM few)', 20, 1, 'WITH few AS (SELECT id FROM here ORDER BY id LIMIT 20)' ],
		'short ids' => [ 'id IN (SELECT left(id, 15) FROM ids)', 0, 0 ],
		'nulls' => [ 'id IN (SELECT nullif(id, id) FROM ids)', 0, 0 ]);
	for my $name (sort keys %sql)
	{
		my ($where, $rows, $jobs, $with) = @{ $sql{$name} };
		my $q = ($with // '') . " SELECT count(name) FROM bulk.account WHERE $where";
		my $truth = ($with // '') . " SELECT count(name) FROM here WHERE $where";

		$sim->reset;
		my $got = $c->value($q);
		is($got, $c->value($truth), $name);
		is($got, $rows, "$name: the number") if defined $rows;
		is(scalar @{ jobs_made() }, $jobs, "$name: jobs") if defined $jobs;
		like($c->value("EXPLAIN (VERBOSE) $q"), qr/Id IN :/, "$name: in the plan");
		$c->value('SET sfbulk_fdw.fetch_by_list = off');
		unlike($c->value("EXPLAIN (VERBOSE) $q"), qr/Id IN :/, "$name: switched off");
		is($c->value($q), $got, "$name: the same without");
		$c->value('RESET sfbulk_fdw.fetch_by_list');
	}
};
# an object that is small, as far as is known, is read
$node->safe_psql('postgres', 'ANALYZE bulk.contact');
like($c->value('EXPLAIN SELECT * FROM bulk.contact WHERE accountid IN (SELECT id FROM ids)'), qr/Join/,
	'a list that is longer than the object is large is none');

# ---- days ----------------------------------------------------------------------------------------------------

subtest 'a prepared day follows the time zone' => sub {
	my @days = ('2024-03-31', '2023-10-29', split /\n/, $c->value(
		q{SELECT DISTINCT (createddate AT TIME ZONE 'UTC')::date FROM here ORDER BY 1 LIMIT 8}));

	$c->value('SET plan_cache_mode = force_generic_plan');
	for my $table (qw(rest.account here))
	{
		my $name = $table =~ s/\W/_/r;
		$c->value("PREPARE $name(date) AS SELECT count(*), min(id), max(id) FROM $table WHERE createddate::date = \$1");
		$c->value("PREPARE ${name}_from(date) AS SELECT count(*), min(id) FROM $table WHERE createddate::date > \$1
			AND createddate::date <> '$days[2]' AND createddate >= '$days[3]'::date");
	}
	for my $zone ('UTC', 'America/New_York', 'Pacific/Kiritimati', 'Europe/Vienna', 'Pacific/Pago_Pago')
	{
		$c->value("SET TimeZone = '$zone'");
		for my $day (@days)
		{
			is($c->value("EXECUTE rest_account('$day')"), $c->value("EXECUTE here('$day')"), "$day in $zone");
			is($c->value("EXECUTE rest_account_from('$day')"), $c->value("EXECUTE here_from('$day')"),
				"after $day in $zone");
		}
	}
	$c->value('RESET TimeZone; RESET plan_cache_mode; DEALLOCATE ALL');
};

$t->finish;
done_testing();
