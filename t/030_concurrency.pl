# What runs beside what: jobs of one statement, scans of one session, sessions of one server; and
# whose session it is that a statement uses.
use strict;
use warnings;

use JSON::PP;
use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('concurrency', schemas => [ 'bulk', 'rest' ]);
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my $everything = "$SfFault::all bulk.account a";

$node->safe_psql('postgres', q{
	CREATE TABLE one (n integer);
	INSERT INTO one VALUES (1);
	CREATE TABLE three (n integer);
	INSERT INTO three VALUES (1), (2), (3);
	ANALYZE});

server_create($node, $sim, name => 'other', options => { transport => 'bulk' });
tables_import($node, 'account', { server => 'other', schema => 'other' });

sub count_of { return requests($sim->log, $_[0]); }

# ---- together ------------------------------------------------------------------------------

# Statements whose jobs must all be there before any of them may go on.  Their joins are ones that SOQL
# does not have.
for (
	[ 'a join', 2,
		'SELECT count(*) FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id' ],
	[ 'an outer join', 2,
		'SELECT count(*) FROM bulk.account a LEFT JOIN bulk.contact c ON left(c.accountid, 18) = a.id' ],
	[ 'a join with sorting', 2,
		'SELECT count(*) FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id',
		'SET enable_hashjoin = off; SET enable_nestloop = off' ],
	[ 'a nested loop', 2,
		'SELECT count(*) FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id',
		'SET enable_hashjoin = off; SET enable_mergejoin = off' ],
	[ 'UNION ALL', 3,
		'SELECT count(*) FROM (SELECT id FROM bulk.account UNION ALL SELECT id FROM bulk.contact
		UNION ALL SELECT id FROM bulk.account) u' ],
	[ 'INTERSECT', 2,
		'SELECT count(*) FROM (SELECT name FROM bulk.account INTERSECT
			SELECT name FROM bulk.contact) u' ],
	[ 'CREATE TABLE AS', 2,
		'CREATE TEMP TABLE made AS SELECT a.id FROM bulk.account a JOIN bulk.contact c
		ON left(c.accountid, 18) = a.id; SELECT count(*) FROM made; DROP TABLE made' ],
	[ 'a prepared statement', 2,
		'PREPARE p AS SELECT count(*) FROM bulk.account a JOIN bulk.contact c
		ON left(c.accountid, 18) = a.id; EXECUTE p; DEALLOCATE p' ],
	[ 'PL/pgSQL', 2,
		q{DO $$ DECLARE n bigint; BEGIN
			SELECT count(*) INTO n FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id;
			PERFORM set_config('sfbulk.n', n::text, false); END $$;
			SELECT current_setting('sfbulk.n')} ],
	[ 'two servers', 2,
		'SELECT count(*) FROM bulk.account a, other.account b WHERE b.id = a.id' ])
{
	my ($name, $jobs, $sql, $before) = @$_;

	subtest "together: $name" => sub {
		$sim->reset;
		my $expected = $c->value($sql);

		$c->value($before) if $before;
		$sim->set(hold_jobs => 'UploadComplete');
		$c->begin($sql);
		$sim->wait_request(%$create, count => 2 * $jobs);
		is(scalar @{ $sim->jobs }, $jobs, 'all jobs are there');
		$sim->set(hold_jobs => 'none');
		my $result = $c->end;
		is($result->{rows}, $expected, 'rows') or diag($result->{messages});
		isnt($expected, 0, 'there are some');
		is_deeply($sim->jobs, [], 'no job is left');
		$c->value('RESET ALL');
	};
}

# What runs nothing asks for nothing.
for (
	[ 'EXPLAIN',
		'EXPLAIN SELECT count(*) FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id' ],
	[ 'EXPLAIN VERBOSE', 'EXPLAIN (VERBOSE, COSTS) SELECT * FROM bulk.account' ],
	[ 'EXPLAIN of CREATE TABLE AS', 'EXPLAIN CREATE TABLE made AS SELECT * FROM bulk.account' ],
	[ 'CREATE TABLE AS WITH NO DATA',
		'CREATE TEMP TABLE made AS SELECT * FROM bulk.account WITH NO DATA;
		DROP TABLE made' ],
	[ 'a view', 'CREATE TEMP VIEW seen AS SELECT * FROM bulk.account; DROP VIEW seen' ],
	[ 'PREPARE', 'PREPARE p AS SELECT * FROM bulk.account; DEALLOCATE p' ],
	[ 'WHERE false', 'SELECT * FROM bulk.account WHERE false' ],
	[ 'a one-time filter',
		q{SELECT * FROM bulk.account WHERE current_setting('sfbulk.no', true) = 'x'} ],
	[ 'a join with a one-time filter',
		q{SELECT * FROM bulk.account a JOIN bulk.contact c ON left(c.accountid, 18) = a.id
		WHERE current_setting('sfbulk.no', true) = 'x'} ],
	[ 'LIMIT 0', 'SELECT * FROM bulk.account LIMIT 0' ],
	[ 'a subplan that is not asked',
		'SELECT CASE WHEN n > 1 THEN (SELECT max(name) FROM bulk.account
		WHERE length(name) > n) END FROM one' ],
	[ 'an InitPlan that is not asked',
		'SELECT CASE WHEN n > 1 THEN (SELECT max(name) FROM bulk.account) END FROM one' ],
	[ 'a CTE that is not asked', 'WITH x AS MATERIALIZED (SELECT * FROM bulk.account)
		SELECT CASE WHEN n > 1 THEN (SELECT count(*) FROM x) END FROM one' ],
	[ 'the right side of a short OR',
		'SELECT count(*) FROM one WHERE n = 1 OR n IN (SELECT length(name) FROM bulk.account)' ],
	[ 'a NULL parameter', 'PREPARE p(text) AS SELECT * FROM bulk.account WHERE industry = $1;
		SET plan_cache_mode = force_generic_plan; EXECUTE p(NULL); DEALLOCATE p;
		RESET plan_cache_mode' ])
{
	my ($name, $sql) = @$_;

	subtest "nothing is asked: $name" => sub {
		$sim->reset;
		$t->drop_sessions;
		$c->value($sql);
		is_deeply([ map { "$_->{method} $_->{path}" } @{ $sim->log } ], [], 'requests');
	};
}

subtest 'partitions that are pruned when the statement starts' => sub {
	$node->safe_psql('postgres', q{
		CREATE TABLE parts (rating text, id text, name text) PARTITION BY LIST (rating);
		CREATE FOREIGN TABLE parts_hot PARTITION OF parts FOR VALUES IN ('Hot') SERVER bulk
			OPTIONS (object 'Account');
		CREATE FOREIGN TABLE parts_cold PARTITION OF parts FOR VALUES IN ('Cold') SERVER bulk
			OPTIONS (object 'Account')});
	$sim->reset;
	my $n = $c->value(q{
		PREPARE p(text) AS SELECT count(*) FROM (SELECT id FROM parts WHERE rating = $1 OFFSET 0) x;
		SET plan_cache_mode = force_generic_plan;
		EXECUTE p('Hot');
		DEALLOCATE p;
		RESET plan_cache_mode});
	is(count_of($create), 1, 'one job');
	is($n, $c->value(q{SELECT count(*) FROM bulk.account WHERE rating = 'Hot'}), 'rows');
};

# ---- side by side ----------------------------------------------------------------------------

subtest 'several backends at once' => sub {
	my @c = map { SfPsql->new($node) } 1 .. 4;

	$sim->reset;
	$sim->set(page_rows => 100, hold_jobs => 'UploadComplete');
	$_->begin($everything) for @c;
	$sim->wait_request(%$create, count => 4);
	is(scalar @{ $sim->jobs }, 4, 'jobs');
	$sim->set(hold_jobs => 'none');
	is($_->end->{rows}, $t->expected, 'rows') for @c;
	is(count_of($login), 4, 'each with its own session');
	is_deeply($sim->jobs, [], 'no job is left');
	$_->close for @c;
};

subtest 'scans of one session, row by row in turn' => sub {
	my %ids;
	my %cursor = (a => 'bulk.account', b => 'rest.account', c => 'bulk.account',
		d => 'bulk.contact');

	$sim->reset;
	$sim->set(page_rows => 70);
	$c->value('BEGIN');
	$c->value("DECLARE $_ CURSOR FOR SELECT id FROM $cursor{$_}") for sort keys %cursor;
	for my $round (1 .. 40)
	{
		for my $name (sort keys %cursor)
		{
			$ids{$name}{$_}++ for split /\n/, $c->value("FETCH " . (7 * $round) . " FROM $name");
		}
	}
	is(scalar keys %{ $ids{$_} }, $_ eq 'd' ? 30 : 1000, "$_: rows") for sort keys %cursor;
	is((grep { $_ != 1 } map { values %$_ } values %ids), 0, 'each once');
	is_deeply([ sort keys %{ $ids{$_} } ], [ sort keys %{ $ids{a} } ], "$_: the same") for qw(b c);
	is(count_of($create), 3, 'jobs');
	$c->value('COMMIT');
	is_deeply($sim->jobs, [], 'no job is left');
};

subtest 'a query while another is under way' => sub {
	$sim->reset;
	my $n = $c->value(q{
		DO $$
		DECLARE
			r record;
			m bigint;
			n bigint := 0;
		BEGIN
			FOR r IN SELECT id FROM bulk.contact LOOP
				SELECT count(*) INTO m
					FROM (SELECT * FROM rest.contact c WHERE c.id = r.id OFFSET 0) x;
				n := n + m;
			END LOOP;
			PERFORM set_config('sfbulk.n', n::text, false);
		END $$;
		SELECT current_setting('sfbulk.n')});
	is($n, 30, 'rows');
};

# ---- again ----------------------------------------------------------------------------------

my $loops = 'SET enable_hashjoin = off; SET enable_mergejoin = off;
	SET enable_material = off; SET enable_memoize = off';
for (
	[ 'the inner side of a nested loop',
		'SELECT count(*) FROM three LEFT JOIN bulk.account a ON length(a.id) > n', 3000 ],
	[ 'LATERAL', 'SELECT count(*) FROM three, LATERAL (SELECT * FROM bulk.account OFFSET 0) a',
		3000 ],
	[ 'a correlated subquery',
		'SELECT sum((SELECT count(*) FROM (SELECT * FROM bulk.account OFFSET 0) a
		WHERE length(a.name) > n - 5)) FROM three', 3000 ],
	[ 'a scan that is left early each time',
		'SELECT count(*) FROM three, LATERAL (SELECT * FROM bulk.account
		WHERE length(name) > n - 5 LIMIT 4) a', 12 ])
{
	my ($name, $sql, $rows) = @$_;

	subtest "read again: $name" => sub {
		$sim->reset;
		$sim->set(page_rows => 300);
		$c->value($loops);
		is($c->value($sql), $rows, 'rows');
		is(count_of($create), 1, 'one job');
		is_deeply($sim->jobs, [], 'no job is left');
		$c->value('RESET ALL');
	};
}

subtest 'generic plans' => sub {
	$sim->reset;
	$c->value('SET plan_cache_mode = force_generic_plan;
		PREPARE p(text, date) AS SELECT count(*) FROM bulk.account
			WHERE rating = $1 AND createddate > $2 AND name IS NOT NULL OFFSET 0');
	for my $rating ("Hot", "Warm", "O'Hara\\", "Hot")
	{
		my $quoted = quote_sql($rating);
		is($c->value("EXECUTE p($quoted, '2001-02-03')"),
			$c->value("SELECT count(*) FROM
				(SELECT rating FROM rest.account WHERE createddate > '2001-02-03' OFFSET 0) a
				WHERE rating = $quoted"), "rows of $rating");
	}
	is(scalar(grep { $_->{body} =~ /Rating = 'O\\+'Hara\\+'/ } @{ $sim->log }),
		1, 'values are sent');
	$c->value('DEALLOCATE p; RESET plan_cache_mode');
};

# ---- whose session ---------------------------------------------------------------------------

subtest 'one login for many statements' => sub {
	$sim->reset;
	$t->drop_sessions;
	$c->value('SELECT count(*) FROM bulk.account') for 1 .. 3;
	$c->value($everything);
	$c->query('SELECT 1/0');
	$c->value("BEGIN; $everything; ROLLBACK");
	is(count_of($login), 1, 'logins');
};

# Each change, by this backend or by another, and then a login the next time.
for my $who ('this backend', 'another')
{
	for (
		[ 'ALTER SERVER', "ALTER SERVER bulk OPTIONS (SET fdw_tuple_cost '0.05')" ],
		[ 'ALTER USER MAPPING',
			'ALTER USER MAPPING FOR CURRENT_USER SERVER bulk OPTIONS (SET client_id '
			  . quote_sql($sim->env('SF_CLIENT_ID')) . ')' ],
		[ 'another user mapping',
			'DROP USER MAPPING FOR CURRENT_USER SERVER bulk; CREATE USER MAPPING FOR CURRENT_USER
			SERVER bulk OPTIONS (client_id ' . quote_sql($sim->env('SF_CLIENT_ID')) . ',
				client_secret '
			  . quote_sql($sim->env('SF_CLIENT_SECRET')) . ')' ])
	{
		my ($name, $sql) = @$_;

		subtest "$name by $who" => sub {
			$sim->reset;
			$c->value($everything);
			$sim->log_clear;
			$who eq 'another' ? $node->safe_psql('postgres', $sql) : $c->value($sql);
			is($c->value($everything), $t->expected, 'rows');
			is(count_of($login), 1, 'logins');
		};
	}
}

subtest 'credentials that become wrong' => sub {
	$sim->reset;
	$c->value($everything);
	$node->safe_psql('postgres',
		"ALTER USER MAPPING FOR CURRENT_USER SERVER bulk OPTIONS (SET client_secret 'wrong')");
	is($c->query($everything)->{error}{sqlstate}, '28000', 'are noticed');
	$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER bulk');
	is($c->query($everything)->{error}{sqlstate}, '42704', 'no user mapping, no rows');
	$node->safe_psql('postgres',
		'CREATE USER MAPPING FOR CURRENT_USER SERVER bulk OPTIONS (client_id '
		  . quote_sql($sim->env('SF_CLIENT_ID'))
		  . ', client_secret '
		  . quote_sql($sim->env('SF_CLIENT_SECRET')) . ')');
	is($c->value($everything), $t->expected, 'and right again');
};

subtest 'another org under an open cursor' => sub {
	my $second = sfsim_start(rows => { Account => 7, Contact => 3 });

	$sim->reset;
	$sim->set(page_rows => 100);
	$c->value('BEGIN; DECLARE c CURSOR FOR SELECT id FROM bulk.account');
	my $ids = $c->value('FETCH 10 FROM c');
	$node->safe_psql('postgres',
		'ALTER SERVER bulk OPTIONS (SET login_url ' . quote_sql($second->url) . ')');
	is($c->value('SELECT count(*) FROM (SELECT * FROM bulk.account OFFSET 0) a'), 7,
		'new scans read the new org');
	$ids .= "\n" . $c->value('FETCH ALL FROM c');
	my %seen = map { $_ => 1 } split /\n/, $ids;
	is(scalar keys %seen, 1000, 'the open one its own');
	$c->value('COMMIT');
	is_deeply([ @{ $sim->jobs }, @{ $second->jobs } ], [], 'no job is left');
	$sim->log_clear;
	is($c->value('SELECT count(*) FROM (SELECT * FROM bulk.contact OFFSET 0) a'), 3, 'the new org');
	is(scalar @{ $sim->log }, 0, 'the old one is not asked any more');
	$node->safe_psql('postgres',
		'ALTER SERVER bulk OPTIONS (SET login_url ' . quote_sql($sim->url) . ')');
	is($c->value($everything), $t->expected, 'and back');
	$second->stop;
};

subtest 'roles' => sub {
	my $id = quote_sql($sim->env('SF_CLIENT_ID'));
	my $secret = quote_sql($sim->env('SF_CLIENT_SECRET'));

	$node->safe_psql('postgres', qq{
		CREATE ROLE alice LOGIN;
		CREATE ROLE bob LOGIN;
		GRANT USAGE ON SCHEMA bulk TO alice, bob;
		GRANT SELECT ON ALL TABLES IN SCHEMA bulk TO alice;
		CREATE USER MAPPING FOR alice SERVER bulk OPTIONS (client_id $id, client_secret 'not hers');
		CREATE VIEW of_owner AS SELECT * FROM bulk.account;
		CREATE VIEW of_invoker WITH (security_invoker) AS SELECT * FROM bulk.account;
		CREATE FUNCTION as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER
			BEGIN ATOMIC SELECT count(*) FROM (SELECT * FROM bulk.account OFFSET 0) a; END;
		GRANT SELECT ON of_owner, of_invoker TO alice, bob});
	$sim->reset;
	my $count = 'SELECT count(*) FROM (SELECT * FROM %s OFFSET 0) a';
	my $try = sub {
		my ($role, $what, $want, $name) = @_;
		my $sql = $what =~ /\(/ ? "SELECT $what" : $count =~ s/%s/$what/r;
		my $result = $c->query("SET ROLE $role; $sql; RESET ROLE");
		is($result->{error} ? $result->{error}{sqlstate} : $result->{rows}, $want, $name)
		  or diag($result->{messages});
		$c->value('RESET ROLE');
	};

	$try->('postgres', 'bulk.account', 1000, 'a session of the superuser');
	$try->('alice', 'bulk.account', '28000', 'is not what another role gets');
	$try->('alice', 'of_owner', 1000, "a view reads by its owner's mapping");
	$try->('bob', 'of_owner', 1000, 'also for who has no mapping');
	$try->('alice', 'of_invoker', '28000', "a security_invoker view by its reader's");
	$try->('alice', 'as_owner()', 1000, "a SECURITY DEFINER function by its owner's");
	$try->('bob', 'bulk.account', '42501', 'no right to the table');
	$node->safe_psql('postgres', 'GRANT SELECT ON ALL TABLES IN SCHEMA bulk TO bob');
	$try->('bob', 'bulk.account', '42704', 'no mapping');
	$node->safe_psql('postgres',
		"CREATE USER MAPPING FOR PUBLIC SERVER bulk
			OPTIONS (client_id $id, client_secret $secret)");
	$try->('bob', 'bulk.account', 1000, "PUBLIC's mapping");
	$try->('alice', 'bulk.account', '28000', 'is not for who has an own one');
	$sim->log_clear;
	my $d = SfPsql->new($node, user => 'bob');
	is($d->value($count =~ s/%s/bulk.account/r), 1000,
		"PUBLIC's mapping after a login as the role");
	$d->close;
	$node->safe_psql('postgres',
		"ALTER USER MAPPING FOR PUBLIC SERVER bulk OPTIONS (SET client_secret 'wrong')");
	$try->('bob', 'bulk.account', '28000', 'it changes for all who use it');
	$try->('postgres', 'bulk.account', 1000, 'and for nobody else');
};

subtest 'where parallel workers might run' => sub {
	$sim->reset;
	is($c->value("SET force_parallel_mode = on; SET parallel_setup_cost = 0;
		SET min_parallel_table_scan_size = 0;
		$everything"), $t->expected, 'rows');
	$c->value('RESET ALL');
};

$c->value('DROP SERVER other CASCADE');
$t->drop_sessions;
is($t->sockets, $t->{sockets}, 'descriptors');
$t->finish;
done_testing();
