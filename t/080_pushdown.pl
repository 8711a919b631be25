# Joins, aggregates, orders and lookups that are sent: how many requests they are, what happens when Salesforce does not
# answer, rows that change meanwhile, and statements that write beside them.
use strict;
use warnings;

use SfPsql;
use SfTest;
use Test::More;

my $sim = sfsim_start(
	rows => { Account => 300, Contact => 2500, Lead => 2600, Opportunity => 1000, User => 10, Campaign => 0 });
my $node = node_start('pushdown', conf => "jit = off\n");
my @tables = ('account', 'contact', 'lead', 'opportunity', '"user"', 'campaign');
server_create($node, $sim, options => { rest_row_limit => 3000 });
tables_import($node, @tables);
server_create($node, $sim, name => 'off', options => { pushdown => 'false', rest_row_limit => 3000 });
tables_import($node, @tables, { server => 'off', schema => 'off' });
my $c = SfPsql->new($node);
$c->value('SELECT id FROM sf.account LIMIT 1; SELECT id FROM off.account LIMIT 1');

# Queries that were sent since the log was cleared, by REST and as jobs.
sub sent
{
	my @sent;
	for (@{ $sim->log })
	{
		if ($_->{method} eq 'GET' && $_->{path} =~ m{/query$})
		{
			my ($q) = $_->{query} =~ /(?:^|&)q=([^&]*)/;
			$q =~ tr/+/ /;
			push @sent, $q =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
		}
		push @sent, "next page" if $_->{method} eq 'GET' && $_->{path} =~ m{/query/01g};
		push @sent, "job: $1"
		  if $_->{method} eq 'POST' && $_->{path} =~ m{/jobs/query$} && $_->{body} =~ /"query":"([^"]*)/;
	}
	$sim->log_clear;
	return \@sent;
}

# A query's rows, and the SOQL that it sent.
sub asks
{
	my ($name, $sql, $rows, @patterns) = @_;
	$sim->log_clear;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "$name: no error")
	  or diag($r->{messages});
	is($r->{rows}, $rows, "$name: rows") if defined $rows;
	my $sent = sent();
	is(scalar @$sent, scalar @patterns, "$name: requests") or diag(join "\n", @$sent);
	like($sent->[$_] // '', $patterns[$_], "$name: request " . ($_ + 1)) for 0 .. $#patterns;
	return $r->{rows};
}

# The same query with everything made here.
sub kept { return $c->value($_[0] =~ s/\bsf\./off./gr); }

# ---- requests --------------------------------------------------------------------------------

for my $q (
	['a join', 'SELECT c.id, a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id'],
	['an outer join', 'SELECT c.id, a.name, a FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id'],
	['three tables', 'SELECT c.id, a.name, u.username FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id
		LEFT JOIN sf."user" u ON a.ownerid = u.id'],
	# 2,500 rows are two pages of one answer
	['a list', 'SELECT id FROM sf.account WHERE id IN (SELECT accountid FROM sf.opportunity WHERE isclosed)'])
{
	my ($name, $sql) = @$q;
	my $all = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM ($sql OFFSET 0) t";
	asks($name, $all, kept($all), qr/^SELECT .* FROM (Contact|Account)/, $name =~ /list/ ? () : qr/next page/);
}
asks('ORDER BY and LIMIT', 'SELECT employees FROM (SELECT numberofemployees AS employees FROM sf.account
	ORDER BY numberofemployees DESC NULLS LAST LIMIT 3) s',
	kept('SELECT numberofemployees FROM sf.account ORDER BY numberofemployees DESC NULLS LAST LIMIT 3'),
	qr/ORDER BY NumberOfEmployees DESC NULLS LAST LIMIT 3$/);
asks('an aggregate', 'SELECT count(name), max(createddate) FROM sf.account',
	kept('SELECT count(name), max(createddate) FROM sf.account'),
	qr/^SELECT COUNT\(Name\) c0, MAX\(CreatedDate\) c1 FROM Account$/);
asks('a minimum and a maximum', 'SELECT min(numberofemployees) FROM sf.account',
	kept('SELECT min(numberofemployees) FROM sf.account'), qr/^SELECT /);

# a lookup for each Id there is, whatever the number of outer rows that have it
$c->value(q{CREATE TABLE few AS SELECT id, g FROM (SELECT id FROM sf.account ORDER BY id LIMIT 4) s, generate_series(1, 5) g;
	INSERT INTO few VALUES (NULL, 1), ('nonsense', 1); ANALYZE few});
asks('lookups', 'SELECT count(*), count(DISTINCT a.name) FROM few JOIN sf.account a USING (id)', '20|4',
	(qr/WHERE Id = '\w{18}'$/) x 4);
$c->value(q{INSERT INTO few SELECT 'x' || i, i FROM generate_series(1, 5000) i; ANALYZE few});
asks('no lookups for many', 'SELECT count(*) FROM few JOIN sf.account a USING (id) WHERE a.name IS NOT NULL', '20',
	qr/^SELECT (Id|Id, Name) FROM Account/);
$c->value('DROP TABLE few');

# ---- awkward rows: the same with and without -------------------------------------------------

# Numbers that a double does not keep, no parent, the same name in another case, blanks.
$c->value(q{INSERT INTO sf.account (name, annualrevenue, numberofemployees, parentid)
	SELECT 'Odd ' || n, r, e, CASE WHEN n = 2 THEN (SELECT id FROM sf.account ORDER BY id LIMIT 1) END FROM (VALUES
		(1, 123456789012345678, 99999999), (2, 1, 99999999), (3, -123456789012345678, -99999999), (4, NULL, NULL),
		(5, 0.1, 0), (6, 0.2, 1), (7, 1e15, 5), (8, 999999999999999, 6)) v(n, r, e)});
$c->value(q{INSERT INTO sf.contact (lastname, accountid, birthdate) VALUES ('Orphan', NULL, '1700-01-01'), ('orphan', NULL, '4000-12-31'),
	('O''Neil \ "x"', (SELECT id FROM sf.account WHERE name = 'Odd 4'), NULL)});
for my $sql (
	'SELECT sum(annualrevenue), avg(annualrevenue)::numeric(30,6) FROM sf.account WHERE name IS NOT NULL',
	'SELECT ownerid, trim_scale(sum(annualrevenue)), sum(numberofemployees) FROM sf.account GROUP BY ownerid ORDER BY 1',
	'SELECT parentid, trim_scale(sum(annualrevenue)), min(annualrevenue), max(annualrevenue), count(annualrevenue)
		FROM sf.account GROUP BY parentid ORDER BY 1',
	'SELECT min(birthdate), max(birthdate), count(DISTINCT birthdate) FROM sf.contact',
	'SELECT birthdate, count(*) FROM sf.contact GROUP BY birthdate HAVING count(*) > 3 ORDER BY 1',
	'SELECT numberofemployees FROM sf.account ORDER BY numberofemployees LIMIT 4',
	'SELECT numberofemployees FROM sf.account ORDER BY numberofemployees DESC LIMIT 60',
	'SELECT annualrevenue FROM sf.account ORDER BY annualrevenue DESC NULLS LAST LIMIT 4',
	'SELECT a.id, count(*), count(c.id), max(c.birthdate) FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id GROUP BY a.id ORDER BY 1',
	'SELECT c.lastname, a.name, a IS NULL, row_to_json(a) IS NULL, (a).id IS NULL FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id ORDER BY c.id',
	q{SELECT c.lastname, a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE a.name = 'odd 4' OR c.lastname LIKE 'O''%' ORDER BY c.id},
	q{SELECT c.lastname FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id WHERE a.name IS NULL AND c.lastname ILIKE 'ORPHAN' ORDER BY 1},
	q{SELECT a.name FROM sf.account a WHERE EXISTS (SELECT 1 FROM sf.contact c WHERE c.accountid = a.id AND c.birthdate IS NULL) ORDER BY a.id},
	q{SELECT a.name FROM sf.account a WHERE NOT EXISTS (SELECT 1 FROM sf.contact c WHERE c.accountid = a.id) ORDER BY a.id},
	'SELECT g, (SELECT sum(numberofemployees) FROM sf.account a WHERE numberofemployees < 100 * g) FROM generate_series(1, 3) g',
	'SELECT g, (SELECT string_agg(s.n::text, \',\' ORDER BY s.ownerid) FROM (SELECT ownerid, count(*) AS n FROM sf.account
		WHERE numberofemployees > 100 * g GROUP BY ownerid) s) FROM generate_series(1, 3) g',
	'SELECT g, (SELECT count(a.name) FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE a.numberofemployees < 100 * g) FROM generate_series(1, 3) g',
	'SELECT g, (SELECT a FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id WHERE c.birthdate = \'4000-12-31\' AND c.lastname = \'orphan\') FROM generate_series(1, 2) g')
{
	is($c->value($sql), kept($sql), $sql =~ s/\s+/ /gr);
}
# no rows
for (
	[ 'SELECT sum(budgetedcost), count(*), count(name), avg(numbersent), min(startdate) FROM sf.campaign', '|0|0||' ],
	[ 'SELECT ownerid, sum(budgetedcost) FROM sf.campaign GROUP BY ownerid', '' ],
	[ 'SELECT count(*) FROM sf.campaign m JOIN sf."user" u ON m.ownerid = u.id', '0' ],
	[ 'SELECT name FROM sf.campaign ORDER BY startdate LIMIT 5', '' ])
{
	asks($_->[0], $_->[0], $_->[1], qr/ FROM Campaign/);
}
# conditions that no row can fulfil are not asked
asks('never', q{SELECT count(name), sum(numberofemployees) FROM sf.account WHERE id = 'short'}, '0|');
asks('never a group', q{SELECT ownerid, sum(numberofemployees) FROM sf.account WHERE id = 'short' GROUP BY 1}, '');
asks('never a join', q{SELECT a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE c.ownerid = 'short'}, '');

# ---- what Salesforce does not answer is made here ------------------------------------------------

# a number of its own for each of 2,600 rows
$c->value('UPDATE sf.lead SET numberofemployees = n FROM (SELECT id, row_number() OVER () AS n FROM off.lead) s WHERE s.id = lead.id');
my $by_number = 'SELECT count(*), sum(e), sum(n) FROM (SELECT numberofemployees AS e, count(*) AS n FROM sf.lead
	WHERE numberofemployees <= %d GROUP BY numberofemployees OFFSET 0) s';
my @by_number = (qr/^SELECT NumberOfEmployees c0, COUNT\(Id\) c1 FROM Lead .* GROUP BY NumberOfEmployees$/,
	qr/^SELECT NumberOfEmployees FROM Lead WHERE/);
asks('1,999 groups', sprintf($by_number, 1999), '1999|1999000|1999', $by_number[0]);
asks('2,000 groups', sprintf($by_number, 2000), '2000|2001000|2000', @by_number);
asks('more groups', sprintf($by_number, 2600), '2600|3381300|2600', @by_number, qr/next page/);
asks('more groups than memory holds', 'SET work_mem = \'64kB\'; ' . sprintf($by_number, 2600) . '; RESET work_mem',
	'2600|3381300|2600', @by_number, qr/next page/);
asks('more groups, each with distinct values', 'SELECT count(*), sum(n) FROM (SELECT numberofemployees, count(DISTINCT ownerid) AS n FROM sf.lead
	GROUP BY numberofemployees OFFSET 0) s', '2600|2600', qr/COUNT_DISTINCT\(OwnerId\)/, qr/^SELECT NumberOfEmployees, OwnerId FROM Lead$/,
	qr/next page/);
asks('again and again', 'SELECT g, (SELECT count(*) + g FROM (SELECT numberofemployees FROM sf.lead GROUP BY 1) s) FROM generate_series(1, 3) g',
	"1|2601\n2|2602\n3|2603", qr/GROUP BY NumberOfEmployees$/, qr/^SELECT NumberOfEmployees FROM Lead$/, qr/next page/);
asks('others every time', 'SELECT g, (SELECT count(*) FROM (SELECT numberofemployees FROM sf.lead WHERE numberofemployees <= g GROUP BY 1) s)
	FROM generate_series(1999, 2001) g', "1999|1999\n2000|2000\n2001|2001", qr/<= 1999.* GROUP BY/, qr/<= 2000.* GROUP BY/, qr/<= 2000 [^G]*$/,
	qr/<= 2001.* GROUP BY/, qr/<= 2001 [^G]*$/, qr/next page/);
asks('a sum of many digits', q{SELECT trim_scale(sum(annualrevenue)) FROM sf.account WHERE annualrevenue > 1e14},
	kept(q{SELECT trim_scale(sum(annualrevenue)) FROM sf.account WHERE annualrevenue > 1e14}), qr/^SELECT SUM\(AnnualRevenue\)/,
	qr/^SELECT AnnualRevenue FROM Account/);
asks('one digit too far to the left', q{SELECT sum(annualrevenue) FROM sf.account WHERE annualrevenue >= 999999999999999 AND annualrevenue <= 1000000000000000},
	'1999999999999999', qr/^SELECT SUM/, qr/^SELECT AnnualRevenue/);
asks('15 digits', q{SELECT sum(annualrevenue) FROM sf.account WHERE annualrevenue = 999999999999999}, '999999999999999',
	qr/^SELECT SUM/);

my $groups = 'SELECT ownerid, count(*), sum(numberofemployees) FROM sf.account GROUP BY ownerid ORDER BY 1';
my $expected = kept($groups);
for my $refused (
	['a query that takes too long', error => 'query_timeout'],
	['one that cannot be', status => 400, body => '[{"message":"too complicated","errorCode":"QUERY_TOO_COMPLICATED"}]'],
	['a field that cannot be summed', status => 400, body => '[{"message":"no","errorCode":"MALFORMED_QUERY"}]'])
{
	my ($name, %fault) = @$refused;
	my $id = $sim->fault({ method => 'GET', path => '*/query', query => '*SUM*', count => 0, %fault });
	asks($name, $groups, $expected, qr/GROUP BY OwnerId$/, qr/^SELECT NumberOfEmployees, OwnerId FROM Account$/);
	$sim->fault_clear($id);
}
# errors that are none of the query's
for my $broken (
	['a server that is broken', '08\w{3}|HV\w{3}|58\w{3}', status => 500, body => '[{"message":"broken","errorCode":"UNKNOWN_EXCEPTION"}]'],
	['no requests left', '53400', status => 403, body => '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'],
	['a session that ends', '28000', error => 'session_expired'])
{
	my ($name, $sqlstate, %fault) = @$broken;
	my $id = $sim->fault({ method => 'GET', path => '*/query', query => '*SUM*', count => 0, %fault });
	my $r = $c->query($groups);
	like($r->{error} && $r->{error}{sqlstate}, qr/^(?:$sqlstate)$/, "$name: SQLSTATE") or diag($r->{messages});
	is($r->{rows}, '', "$name: no rows");
	unlike(join("\n", @{ sent() }), qr/^SELECT NumberOfEmployees/m, "$name: and the rows are not asked for");
	$sim->fault_clear($id);
}
# the rows may be refused as well
{
	$sim->fault({ method => 'GET', path => '*/query', query => '*FROM*Account*', error => 'query_timeout', count => 0 });
	$sim->fault({ method => 'POST', path => '*/jobs/query', status => 400,
			body => '[{"errorCode":"INVALIDENTITY","message":"Entity is not supported by the Bulk API."}]', count => 0 });
	my $r = $c->query($groups);
	is($r->{error} && $r->{error}{sqlstate}, '57014', 'rows that take too long, too: SQLSTATE') or diag($r->{messages});
	$sim->fault_clear;
}
# ---- rows that change meanwhile (EvalPlanQual) ------------------------------------------------------

my ($one, $two) = (SfPsql->new($node, name => 'one'), SfPsql->new($node, name => 'two'));
$c->value(q{
	CREATE TABLE local (id text PRIMARY KEY, n integer, note text);
	CREATE VIEW orphans AS SELECT id FROM sf.contact WHERE lastname = 'Orphan'});
my @contacts = split /\n/, $c->value('SELECT id FROM sf.contact WHERE accountid IS NOT NULL ORDER BY id LIMIT 4');
my $orphan = $c->value('SELECT id FROM orphans');
my %name = map { split /\|/ } split /\n/,
  kept('SELECT c.id, a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE c.id IN ('
	  . join(', ', map { "'$_'" } @contacts) . ')');

# Two changes of the same row: the first is begun, the second waits for it, the first commits.
sub race
{
	my ($name, $first, $second, $rows, @state) = @_;
	$c->value("TRUNCATE local; INSERT INTO local VALUES "
		  . join(', ', map { "('$_', 1, NULL)" } @contacts, $orphan));
	$one->value('BEGIN');
	$one->value($first);
	$two->begin($second);
	wait_for(
		"$name: the second to wait",
		sub {
			return $c->value("SELECT count(*) FROM pg_locks WHERE pid = " . $two->pid . ' AND NOT granted');
		});
	$one->value('COMMIT');
	my $r = $two->end;
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "$name: no error") or diag($r->{messages});
	is($r->{rows}, $rows, "$name: rows") if defined $rows;
	is($c->value("SELECT n, note FROM local WHERE id = '$_->[0]'"), $_->[1], "$name: state") for @state;
	return;
}
$two->value('SET enable_nestloop = off; SET enable_material = off');
my $update = q{UPDATE local SET note = a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id
	WHERE c.id = local.id AND local.n < 1000};
like($c->value("SET enable_nestloop = off; EXPLAIN (VERBOSE, COSTS OFF) $update"), qr/SOQL: SELECT .*Account\.Name.* FROM Contact WHERE Account\.Id != null/,
	'the join is sent');
$c->value('RESET enable_nestloop');
race('a row that still counts', "UPDATE local SET n = n + 100 WHERE id = '$contacts[1]'", $update, undef,
	[ $contacts[1], "101|$name{$contacts[1]}" ], [ $contacts[0], "1|$name{$contacts[0]}" ], [ $orphan, '1|' ]);
race('a row that does not count any more', "UPDATE local SET n = 5000 WHERE id = '$contacts[1]'", $update, undef,
	[ $contacts[1], '5000|' ], [ $contacts[2], "1|$name{$contacts[2]}" ]);
race('a row that is another one now', "UPDATE local SET id = 'other' WHERE id = '$contacts[1]'", $update, undef,
	[ 'other', '1|' ], [ $contacts[2], "1|$name{$contacts[2]}" ]);
race('a row that is gone', "DELETE FROM local WHERE id = '$contacts[1]'", $update, undef,
	[ $contacts[2], "1|$name{$contacts[2]}" ]);

# with conditions that are checked here, on both tables and between them
my $here = 'WHERE c.id IN (' . join(', ', map { "'$_'" } @contacts) . q{) AND length(c.lastname) > 0 AND length(a.name) > 1 AND c.lastname || 'x' <> a.name};
race('conditions of this side', "UPDATE local SET n = n + 1 WHERE id = '$contacts[0]'",
	q{UPDATE local SET note = c.lastname || a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id
		WHERE c.id = local.id AND length(c.lastname) > 0 AND length(a.name) > local.n AND c.lastname || 'x' <> a.name
		RETURNING note = c.lastname || a.name},
	kept("SELECT true FROM sf.contact c JOIN sf.account a ON c.accountid = a.id $here"), [ $contacts[0], '2|' . kept("SELECT c.lastname || a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE c.id = '$contacts[0]'") ]);

# a lock, with a parent that is not there
my $ids = join ', ', map { "'$_'" } $contacts[0], $orphan;
race('a lock', "UPDATE local SET n = 7 WHERE id = '$orphan'",
	qq{SELECT local.n, a IS NULL, row_to_json(a) IS NULL, a.name FROM local JOIN (sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id)
		ON c.id = local.id WHERE local.id IN ($ids) AND local.n < 1000 ORDER BY local.id = '$orphan' FOR UPDATE OF local},
	"1|f|f|$name{$contacts[0]}\n7|t|t|");
race('a lock that is not wanted any more', "UPDATE local SET n = 7000 WHERE id = '$orphan'",
	qq{SELECT local.n, a.name FROM local JOIN (sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id)
		ON c.id = local.id WHERE local.id IN ($ids) AND local.n < 1000 FOR UPDATE OF local}, "1|$name{$contacts[0]}");
# in subqueries, which the recheck runs again
race('an aggregate', "UPDATE local SET n = 8 WHERE id = '$contacts[0]'",
	q{UPDATE local SET note = (SELECT count(*) || ' ' || max(c.birthdate) FROM sf.contact c WHERE c.donotcall = (local.n < 0))
		WHERE n < 1000}, undef,
	[ $contacts[0], '8|' . kept("SELECT count(*) || ' ' || max(c.birthdate) FROM sf.contact c WHERE c.donotcall = false") ]);
race('a join', "UPDATE local SET n = 8 WHERE id = '$contacts[0]'",
	q{UPDATE local SET note = (SELECT a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE c.id = local.id)
		WHERE n < 1000}, undef, [ $contacts[0], "8|$name{$contacts[0]}" ]);
$_->close for $one, $two;

# ---- statements that write -----------------------------------------------------------------------------

$c->value('SET enable_nestloop = off');
my $written = $c->value(q{UPDATE sf.contact c SET description = a.name FROM sf.account a
	WHERE c.accountid = a.id AND a.name LIKE 'Odd %' RETURNING c.lastname, c.description, a.name});
is($written, q{O'Neil \ "x"|Odd 4|Odd 4}, 'UPDATE of the child, RETURNING both');
is(kept(q{SELECT description FROM sf.contact WHERE lastname LIKE 'O''Neil%'}), 'Odd 4', 'and it is written');
$sim->log_clear;
$c->value(q{UPDATE sf.account a SET rating = 'Hot' FROM sf.contact c WHERE c.accountid = a.id AND c.lastname LIKE 'O''Neil%'});
like(sent()->[0] // '', qr/^SELECT .*Account\.Id.* FROM Contact WHERE/, 'UPDATE of the parent, found by a join');
is(kept(q{SELECT name, rating FROM sf.account WHERE rating = 'Hot' AND name LIKE 'Odd%'}), 'Odd 4|Hot', 'and it is written');
is($c->value(q{DELETE FROM sf.contact c USING sf.account a WHERE c.accountid = a.id AND a.name LIKE 'Odd %' RETURNING c.lastname, a.name}),
	q{O'Neil \ "x"|Odd 4}, 'DELETE of the child, RETURNING both');
is(kept(q{SELECT count(*) FROM sf.contact WHERE lastname LIKE 'O''Neil%'}), '0', 'and it is gone');
is($c->value(q{DELETE FROM sf.account WHERE id IN (SELECT a.id FROM sf.account a JOIN sf.account p ON a.parentid = p.id WHERE a.name LIKE 'Odd %') RETURNING name}),
	'Odd 2', 'DELETE by a join with itself');
$c->value('RESET enable_nestloop');

# locks of rows, which mean nothing over there
is($c->value(q{SELECT c.lastname, a.name FROM sf.contact c LEFT JOIN sf.account a ON c.accountid = a.id
	WHERE c.lastname = 'Orphan' FOR UPDATE OF c}), 'Orphan|', 'FOR UPDATE of a foreign table');
my $locked = 'SELECT count(*) FROM (SELECT c.id FROM sf.contact c JOIN sf.account a ON c.accountid = a.id WHERE c.donotcall FOR SHARE) s';
is($c->value($locked), kept($locked), 'FOR SHARE of two');

# ---- cursors ----------------------------------------------------------------------------------------------

my $cursor = 'SELECT c.id, a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id ORDER BY c.id';
my @all = split /\n/, kept($cursor);
is($c->value("BEGIN; DECLARE c SCROLL CURSOR FOR $cursor; MOVE 10 IN c; FETCH BACKWARD 2 FROM c"), "$all[8]\n$all[7]", 'a cursor that goes back');
is($c->value('FETCH ABSOLUTE 3 FROM c; CLOSE c; COMMIT'), $all[2], 'and to a place');
is($c->value("BEGIN; DECLARE c CURSOR FOR SELECT c.id, a.name FROM sf.contact c JOIN sf.account a ON c.accountid = a.id; FETCH 1 FROM c; ROLLBACK")
	  =~ /^003/, 1, 'a cursor that is left');

is_deeply($sim->jobs, [], 'no job is left behind');
$c->close;
$node->stop;
done_testing();
