# Writing and transactions: what is in the org, and what was sent, after COMMIT, ROLLBACK, savepoints,
# exception blocks, procedures, PREPARE, errors at every place; with apply 'statement' and apply 'commit', by
# Collections and by ingest jobs.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use SfXact;
use Test::More;

xact_start('write_transactions');

# ---- every way in which a transaction ends -------------------------------------------------------

# Name; statements; the names that are in the org afterwards with apply 'statement', and with apply 'commit';
# the SQLSTATE of the first error.
my @transactions = (
	[ 'autocommit', '[a]; [b];', 'a b', 'a b' ],
	[ 'COMMIT', 'BEGIN; [a]; [b]; COMMIT;', 'a b', 'a b' ],
	[ 'ROLLBACK', 'BEGIN; [a]; [b]; ROLLBACK;', 'a b', '' ],
	[ 'several statements in one message', '[a]\; [b]\; SELECT 1;', 'a b', 'a b' ],
	[ 'an error in one message', '[a]\; [b]\; SELECT 1/0;', 'a b', '', '22012' ],
	[ 'an error in the transaction', 'BEGIN; [a]; SELECT 1/0; COMMIT;', 'a', '', '22012' ],
	[ 'ROLLBACK TO', 'BEGIN; [a]; SAVEPOINT s; [b]; ROLLBACK TO s; [c]; COMMIT;', 'a b c', 'a c' ],
	[ 'RELEASE', 'BEGIN; [a]; SAVEPOINT s; [b]; RELEASE s; [c]; COMMIT;', 'a b c', 'a b c' ],
	[ 'RELEASE and ROLLBACK', 'BEGIN; [a]; SAVEPOINT s; [b]; RELEASE s; ROLLBACK;', 'a b', '' ],
	[ 'nested, the outer one rolled back', 'BEGIN; [a]; SAVEPOINT s; [b]; SAVEPOINT t; [c];
		RELEASE t; [d]; ROLLBACK TO s; [e]; COMMIT;', 'a b c d e', 'a e' ],
	[ 'nested, the inner one rolled back', 'BEGIN; [a]; SAVEPOINT s; [b]; SAVEPOINT t; [c];
		ROLLBACK TO t; [d]; RELEASE s; [e]; COMMIT;', 'a b c d e', 'a b d e' ],
	[ 'a savepoint rolled back twice', 'BEGIN; SAVEPOINT s; [a]; ROLLBACK TO s; [b];
		ROLLBACK TO s; [c]; COMMIT;', 'a b c', 'c' ],
	[ 'an error behind a savepoint', 'BEGIN; [a]; SAVEPOINT s; [b]; SELECT 1/0; ROLLBACK TO s;
		[c]; COMMIT;', 'a b c', 'a c', '22012' ],
	[ 'an exception block', 'DO $$ BEGIN [a]; BEGIN [b]; PERFORM 1/0;
		EXCEPTION WHEN division_by_zero THEN [c]; END; [d]; END $$;', 'a b c d', 'a c d' ],
	[ 'exception blocks in a loop', 'DO $$ BEGIN FOR i IN 1..4 LOOP BEGIN
		INSERT INTO %s.account (name) VALUES (\'xact \' || i); PERFORM 1 / (i % 2);
		EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$;', '1 2 3 4', '1 3' ],
	[ 'exception blocks in each other', 'DO $$ BEGIN BEGIN [a]; BEGIN [b]; BEGIN [c]; PERFORM 1/0;
		EXCEPTION WHEN division_by_zero THEN END; [d]; END; RAISE EXCEPTION \'x\';
		EXCEPTION WHEN raise_exception THEN [e]; END; END $$;', 'a b c d e', 'e' ],
	[ 'COMMIT AND CHAIN', 'BEGIN; [a]; COMMIT AND CHAIN; [b]; ROLLBACK AND CHAIN; [c]; COMMIT;',
		'a b c', 'a c' ],
	[ 'COMMIT in a DO block', 'DO $$ BEGIN [a]; COMMIT; [b]; ROLLBACK; [c]; COMMIT; [d]; END $$;',
		'a b c d', 'a c d' ],
	[ 'a procedure that commits in a loop', 'CREATE OR REPLACE PROCEDURE p() LANGUAGE plpgsql AS $$
		BEGIN FOR i IN 1..4 LOOP INSERT INTO %s.account (name) VALUES (\'xact \' || i);
		IF i % 2 = 0 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END $$;
		CALL p(); DROP PROCEDURE p;', '1 2 3 4', '1 3' ],
	[ 'a commit that fails in a procedure', 'DO $$ BEGIN [a]; COMMIT;
		INSERT INTO %s.contact (firstname) VALUES (\'xact\'); COMMIT; [b]; END $$;',
		'a', 'a', '23502' ],
	[ 'a function that writes for each row', 'CREATE OR REPLACE FUNCTION f(n text) RETURNS text
		LANGUAGE plpgsql AS $$ BEGIN INSERT INTO %s.account (name) VALUES (\'xact \' || n);
		RETURN n || n; END $$; INSERT INTO %s.account (name)
		SELECT \'xact \' || f(n) FROM unnest(ARRAY[\'a\', \'b\']) n; DROP FUNCTION f(text);',
		'a aa b bb', 'a aa b bb' ],
	[ 'a function whose own writing is rolled back', 'CREATE OR REPLACE FUNCTION f(n text)
		RETURNS text LANGUAGE plpgsql AS $$ BEGIN BEGIN INSERT INTO %s.account (name)
		VALUES (\'xact \' || n); RAISE EXCEPTION \'x\'; EXCEPTION WHEN raise_exception THEN END;
		RETURN n || n; END $$; INSERT INTO %s.account (name)
		SELECT \'xact \' || f(n) FROM unnest(ARRAY[\'a\', \'b\']) n; DROP FUNCTION f(text);',
		'a aa b bb', 'aa bb' ],
	[ 'a trigger that writes', 'CREATE OR REPLACE FUNCTION write_it() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO %s.account (name) VALUES (\'xact \' || new.name); RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON local FOR EACH ROW EXECUTE FUNCTION write_it();
		INSERT INTO local VALUES (\'a\'), (\'b\'); BEGIN; INSERT INTO local VALUES (\'c\'); ROLLBACK;
		DROP TRIGGER t ON local;', 'a b c', 'a b' ],
	[ 'a deferred constraint trigger that writes', 'CREATE OR REPLACE FUNCTION write_it() RETURNS trigger
		LANGUAGE plpgsql AS $$ BEGIN INSERT INTO %s.account (name) VALUES (\'xact \' || new.name);
		RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON local DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION write_it(); BEGIN; INSERT INTO local VALUES (\'a\'), (\'b\'); [c];
		COMMIT; BEGIN; INSERT INTO local VALUES (\'d\'); ROLLBACK; DROP TRIGGER t ON local;',
		'a b c', 'a b c' ],
	[ 'WITH', 'BEGIN; WITH w AS ([a]) [b]; COMMIT;', 'a b', 'a b' ],
	[ 'a statement that fails half-way, caught', 'DO $$ BEGIN [a]; BEGIN
		INSERT INTO %s.account (name) SELECT \'xact x\' || 1 / (3 - i) FROM generate_series(1, 5) i;
		EXCEPTION WHEN division_by_zero THEN END; [b]; END $$;', 'a b', 'a b' ],
	[ 'a rejected row, caught at once', 'DO $$ BEGIN [a]; BEGIN
		INSERT INTO %s.contact (firstname) VALUES (\'xact\');
		EXCEPTION WHEN not_null_violation THEN END; [b]; END $$;', 'a b', 'a', [ undef, '23502' ] ]);

for my $schema ('statement', 'commit', 'statement_bulk', 'commit_bulk')
{
	my $commit = $schema =~ /commit/;

	for (@transactions)
	{
		my ($name, $sql, @names) = @$_;
		my $sqlstate = ref $names[2] ? $names[2][$commit] : $names[2];
		my $rejected = ref $names[2] || ($sqlstate // '') eq '23502';

		subtest "$schema: $name" => sub {
			my $c = fresh();
			my $result = $c->query('SET client_min_messages = error; ' . expand($sql, $schema));

			is($result->{error} && $result->{error}{sqlstate}, $sqlstate, 'SQLSTATE')
			  or diag($result->{messages});
			is(names(), $names[$commit], 'names in the org') or diag(join "\n", sent());
			if ($names[$commit] eq '')
			{
				is_deeply([ grep { /close|insert/ } sent() ], [], 'nothing was sent that counts');
			}
			is_deeply([ grep { /insert/ } sent() ], [], 'no call was made') if $schema =~ /bulk/;
			nothing_left(kept => $rejected && $schema =~ /bulk/);
			$c->close;
		};
	}
}

# ---- when it is sent --------------------------------------------------------------------------------

steps('apply statement: the work is done when the statement returns',
	[ 'BEGIN', undef, [] ],
	[ '[statement a]', undef, ['insert Account 1 all'] ],
	[ '[statement_bulk b]', undef, sub {
		is_deeply([ (sent())[ 1 .. 3 ] ], [ @upload, 'close' ], 'a job');
		is(names(), 'a b', 'both are there before the COMMIT');
	} ],
	[ 'ROLLBACK', undef, sub { is(names(), 'a b', 'and after ROLLBACK'); nothing_left() } ]);

steps('apply commit: nothing is sent before',
	[ 'BEGIN', undef, [] ],
	[ '[commit a]', undef, [] ],
	[ '[commit b]', undef, [] ],
	[ 'SELECT count(*) FROM statement.account WHERE name LIKE \'xact%\'', undef,
		sub { is($_[0]{rows}, 0, 'not there yet') } ],
	[ 'COMMIT', undef, ['insert Account 2 all'] ],
	[ 'SELECT 1', undef, sub { is(names(), 'a b', 'both are there'); nothing_left() } ]);

steps('apply commit: jobs are uploaded and stay Open',
	[ 'BEGIN', undef, [] ],
	[ sprintf($rows, 'commit', 2500), undef, [@upload] ],
	[ '[commit a]', undef, sub { is($sim->jobs->[0]{state}, 'Open', 'Open') } ],
	[ 'COMMIT', undef, sub {
		my @sent = sent();

		# the deletion goes beside the next one
		is_deeply([ grep { $_ ne 'delete' } @sent ], [ @upload, 'close', 'insert Account 1 all' ], 'in order');
		is(scalar(grep { $_ eq 'delete' } @sent), 1, 'the job is deleted');
	} ],
	[ 'SELECT 1', undef, sub {
		is(scalar(split ' ', names()), 2501, 'all are there');
		nothing_left();
	} ]);

# however it ends, jobs that were uploaded are gone, and were not closed
for ('ROLLBACK', 'SELECT 1/0', 'ROLLBACK TO s')
{
	my $end = $_;
	steps("apply commit: uploaded, then $end",
		[ 'BEGIN; SAVEPOINT s', undef, [] ],
		[ sprintf($rows, 'commit', 2500), undef, [@upload] ],
		[ $end, $end =~ m{/0} ? '22012' : undef, [ 'abort', 'delete' ] ],
		[ 'COMMIT', undef, $none ]);
}
for my $how ('idle in transaction', 'terminated', 'client gone')
{
	subtest "apply commit: uploaded, then $how" => sub {
		my $c = fresh();
		my $pid = $c->pid;

		$c->value('BEGIN; [a];' =~ s/\[a\]/expand('[a]', 'commit')/er . sprintf($rows, 'commit', 2500));
		is_deeply([ sent() ], [@upload], 'uploaded');
		if ($how =~ /idle/)
		{
			$c->value('SET idle_in_transaction_session_timeout = 100');
			wait_log(qr/terminating connection due to idle-in-transaction timeout/);
		}
		elsif ($how =~ /term/)
		{
			$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		}
		else
		{
			$c->kill_client;
		}
		wait_for('the backend to end', sub { !kill 0, $pid });
		is_deeply([ sent() ], [ @upload, 'abort', 'delete' ], 'not closed');
		$none->();
	};
}

# ---- several tables and servers --------------------------------------------------------------------

for my $schema ('statement', 'commit', 'statement_bulk', 'commit_bulk')
{
	# a child finds its parent by external id only when that is there already
	steps("$schema: parents, children, and parents again, in the order of the statements",
		[ qq{BEGIN;
			INSERT INTO "$schema".account (name, external_key__c) SELECT 'xact ' || i, 'k' || i FROM generate_series(1, 3) i;
			INSERT INTO "$schema".child SELECT 'xact ' || i, 'k' || i FROM generate_series(1, 3) i;
			INSERT INTO "$schema".account (name, external_key__c) VALUES ('xact 4', 'k4');
			INSERT INTO "$schema".child VALUES ('xact 4', 'k4');
			COMMIT}, undef, sub {
			is(names(), '1 2 3 4', 'parents');
			is_deeply([ sort { $a cmp $b } soql($sim, 'SELECT LastName, AccountId FROM Contact WHERE LastName LIKE \'xact %\'') ],
				[ map { my ($id) = soql($sim, "SELECT Id FROM Account WHERE Name = 'xact $_'"); "xact $_ $id" } 1 .. 4 ],
				'children of theirs');
			is_deeply([ grep { /insert|close|create/ } sent() ],
				$schema =~ /bulk/
				? [ ('create Account', 'close', 'create Contact', 'close') x 2 ]
				: [ 'insert Account 3 all', 'insert Contact 3 all', 'insert Account 1 all', 'insert Contact 1 all' ],
				'in that order');
			nothing_left();
		} ]);
}

steps('two orgs in one transaction, committed',
	[ 'BEGIN; [commit a]; [other b]; [commit_bulk c]; [other d]', undef, sub {
		is_deeply([ sent(), sent($other) ], [], 'nothing sent');
	} ],
	[ 'COMMIT', undef, sub {
		is(names(), 'a c', 'the one org');
		is(names($other), 'b d', 'the other org');
		nothing_left();
	} ]);
steps('two orgs in one transaction, rolled back',
	[ 'BEGIN; [commit a]; [other b]; ' . sprintf($rows, 'other', 2500), undef, sub {
		is_deeply([ sent(), sent($other) ], [@upload], 'the upload');
	} ],
	[ 'ROLLBACK', undef, sub {
		is(names($other), '', 'the other org');
		is_deeply([ sent($other) ], [ @upload, 'abort', 'delete' ], 'not closed');
		$none->();
	} ]);
steps('two orgs, each in its own way',
	[ 'BEGIN; [statement a]; [other b]; ROLLBACK; BEGIN; [other_statement c]; [commit d]; ROLLBACK', undef, sub {
		is(names() . '|' . names($other), 'a|c', 'those that do not wait');
		nothing_left();
	} ]);

# ---- errors in the commit itself -------------------------------------------------------------------

my $bad = q{INSERT INTO commit.contact (firstname) VALUES ('xact')};
steps('a row that is rejected at the commit',
	[ "BEGIN; INSERT INTO local VALUES ('a'); [commit a]; [commit b]; $bad; [commit c]", undef, [] ],
	[ 'COMMIT', '23502', sub {
		my $error = $_[0]{error};

		like($error->{message}, qr/rejected the row for foreign table "contact"/, 'message');
		like($error->{context}, qr/has written 2 rows by earlier statements, which stay in Salesforce/, 'what was applied');
		is_deeply([ sent() ], [ 'insert Account 2 all', 'insert Contact 1 all' ], 'what was sent');
		is(names(), 'a b', 'what is in the org');
		nothing_left();
	} ],
	[ 'SELECT count(*) FROM local', undef, sub { is($_[0]{rows}, 0, 'rolled back here') } ],
	[ '[commit d]', undef, sub { is(names(), 'a b d', 'the next transaction') } ]);

# All that a transaction applies is one outcome, for the functions that show it.
steps('what became of the rows of a transaction',
	[ "BEGIN; [commit a]; $bad; [commit c]; COMMIT", '23502', undef ],
	[ q{SELECT error_code, "row" FROM sfbulk_failed_rows('commit')}, undef, sub {
		is($_[0]{rows}, 'REQUIRED_FIELD_MISSING|{"FirstName": "xact"}', 'rejected');
	} ],
	[ q{SELECT "row" FROM sfbulk_successful_rows('commit')}, undef, sub {
		is($_[0]{rows}, '{"Name": "xact a"}', 'written by an earlier statement');
	} ],
	[ q{BEGIN; [commit b]; INSERT INTO commit.contact (lastname) VALUES ('xact d'); [commit e]; COMMIT;
		SELECT "row" FROM sfbulk_successful_rows('commit')}, undef, sub {
		is($_[0]{rows}, qq({"Name": "xact b"}\n{"LastName": "xact d"}\n{"Name": "xact e"}), 'all of them, in order');
	} ]);

steps('a job that fails at the commit',
	[ sprintf("BEGIN; INSERT INTO local VALUES ('a'); [commit a]; $rows; [commit b]", 'commit', 2500), undef, sub {
		$sim->fault({ method => 'PATCH', path => '*/jobs/ingest/*', error => 'not_found' });
	} ],
	[ 'COMMIT', 'HV000', sub {
		like($_[0]{error}{context}, qr/has written 1 row by earlier statements, which stays in/, 'what was applied');
		is(names(), 'a', 'what is in the org');
		is_deeply([ grep { /insert/ } sent() ], ['insert Account 1 all'], 'nothing behind it');
		nothing_left();
	} ],
	[ 'SELECT count(*) FROM local', undef, sub { is($_[0]{rows}, 0, 'rolled back here') } ]);

for my $how ('cancelled', 'timed out')
{
	subtest "$how during the commit" => sub {
		my $c = fresh();

		$c->value(expand('BEGIN; [a]', 'commit') . q{; INSERT INTO commit.contact (lastname) VALUES ('xact b')});
		$sim->fault({ method => 'POST', path => '*/composite/sobjects', nth => 2, hold => 'before' });
		$c->value("SET statement_timeout = '3s'") if $how eq 'timed out';
		$c->begin('COMMIT');
		$sim->wait_request(method => 'POST', path => '*/composite/sobjects', state => 'held');
		$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')') if $how eq 'cancelled';
		wait_log($how eq 'cancelled' ? qr/canceling statement due to user request/
			: qr/canceling statement due to statement timeout/);
		$sim->release;
		my $result = $c->end;
		is($result->{error}{sqlstate}, '57014', 'SQLSTATE');
		like($result->{error}{context}, qr/has written 1 row by earlier statements, which stays in/, 'what was applied');
		is(names(), 'a', 'the first statement');
		if (last_names() eq '')
		{
			pass('the second one was not there in time');
		}
		else
		{
			like($result->{messages}, qr/^WARNING:/m, 'a warning tells of the other one');
		}
		nothing_left();
		$c->close;
	};
}

# PostgreSQL looks for serialization failures behind the callbacks before a commit.
subtest 'a transaction that fails when its rows are applied already' => sub {
	my ($c, $d) = (fresh(), SfPsql->new($node));

	$c->value(q{INSERT INTO local VALUES ('a'), ('b')});
	$_->value('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM local') for $c, $d;
	$c->value(q{UPDATE local SET name = 'c' WHERE name = 'a'});
	$d->value(q{UPDATE local SET name = 'd' WHERE name = 'b'; } . expand('[a]', 'commit'));
	$c->value('COMMIT');
	my $result = $d->query('COMMIT');
	is($result->{error} && $result->{error}{sqlstate}, '40001', 'SQLSTATE');
	like($result->{messages}, qr/WARNING:  \w+: 1 row that was written stays in Salesforce/, 'warning');
	is(names(), 'a', 'what is in the org');
	is($d->value(expand('[b]', 'commit') . "; SELECT 'on'"), 'on', 'the next transaction');
	is(names(), 'a b', 'and its row');
	nothing_left();
	$_->close for $c, $d;
};

# With apply 'statement', a job may have been completed when the statement fails for another reason.
subtest 'an error of the statement when a part of its rows is written' => sub {
	my $c = fresh();

	$c->value(q{ALTER FOREIGN TABLE statement_bulk.account OPTIONS (job_bytes '1000', parallel_jobs '1')});
	my $result = $c->query(q{INSERT INTO statement_bulk.account (name)
		SELECT 'xact ' || 1 / (400 - i) || i FROM generate_series(1, 500) i});
	is($result->{error}{sqlstate}, '22012', 'SQLSTATE');
	my $count = split ' ', names();
	like($result->{messages}, qr/WARNING:  \w+: $count rows that were written stay in Salesforce/, 'warning')
	  if $count > 0;
	ok($count > 0, 'there are rows');
	nothing_left();
	$c->value('ALTER FOREIGN TABLE statement_bulk.account OPTIONS (DROP job_bytes, DROP parallel_jobs)');
	$c->close;
};

# ---- PREPARE TRANSACTION ------------------------------------------------------------------------------

steps('PREPARE TRANSACTION with rows that wait for the commit',
	[ "BEGIN; INSERT INTO local VALUES ('a'); [commit a]", undef, [] ],
	[ "PREPARE TRANSACTION 'x'", '0A000', sub {
		like($_[0]{error}{message}, qr/^cannot PREPARE a transaction that has rows for Salesforce to apply/, 'message');
		like($_[0]{error}{detail}, qr/foreign table "account"/, 'detail');
		is_deeply([ sent() ], [], 'nothing was sent');
	} ],
	[ 'SELECT count(*) FROM pg_prepared_xacts', undef, sub { is($_[0]{rows}, 0, 'nothing prepared'); $none->() } ]);
steps('PREPARE TRANSACTION with uploaded jobs',
	[ 'BEGIN; ' . sprintf($rows, 'commit', 2500), undef, [@upload] ],
	[ "PREPARE TRANSACTION 'x'", '0A000', [ 'abort', 'delete' ] ],
	[ 'SELECT 1', undef, $none ]);
steps('PREPARE TRANSACTION of one that has only read',
	[ "BEGIN; INSERT INTO local SELECT name FROM commit.account LIMIT 3; PREPARE TRANSACTION 'x'", undef, [] ],
	[ "COMMIT PREPARED 'x'; SELECT count(*) FROM local", undef, sub { is($_[0]{rows}, 3, 'committed') } ]);
steps('PREPARE TRANSACTION of one whose writing is done',
	[ "BEGIN; INSERT INTO local VALUES ('a'); [statement a]; [statement_bulk b]; PREPARE TRANSACTION 'x'", undef, sub {
		is(names(), 'a b', 'in the org');
		nothing_left();
	} ],
	[ "COMMIT PREPARED 'x'; SELECT count(*) FROM local", undef, sub { is($_[0]{rows}, 1, 'committed') } ]);
steps('PREPARE TRANSACTION of one whose rows were rolled back',
	[ "BEGIN; SAVEPOINT s; [commit a]; ROLLBACK TO s; INSERT INTO local VALUES ('a'); PREPARE TRANSACTION 'x'", undef, [] ],
	[ "ROLLBACK PREPARED 'x'; SELECT count(*) FROM local", undef, sub { is($_[0]{rows}, 0, 'rolled back') } ]);

# ---- cursors --------------------------------------------------------------------------------------------

for my $by ('rest', 'bulk')
{
	my $from = $by eq 'bulk' ? 'statement_bulk' : 'statement';
	steps("a cursor that is open while rows are written ($by)",
		[ "BEGIN; DECLARE c CURSOR FOR SELECT id FROM $from.account ORDER BY id", undef, [] ],
		[ 'FETCH 2 FROM c', undef, sub { is(scalar(split /\n/, $_[0]{rows}), 2, 'two rows') } ],
		[ "[statement a]; [commit b]; " . sprintf($rows, 'commit', 2500), undef, sub { is(names(), 'a', 'the first') } ],
		[ 'MOVE ALL IN c; SELECT 1', undef, undef ],
		[ 'COMMIT', undef, sub { is(scalar(split ' ', names()), 2502, 'all'); nothing_left() } ]);
	steps("a cursor WITH HOLD, read behind the commit ($by)",
		[ "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM $from.account; [commit a]; COMMIT", undef,
			['insert Account 1 all'] ],
		[ 'FETCH ALL FROM c', undef, sub {
			is(scalar(split /\n/, $_[0]{rows}), 20, 'what there was before');
			is(names(), 'a', 'the row');
			nothing_left();
		} ]);
	steps("PL/pgSQL: writing while it reads, committing in the loop ($by)",
		[ qq{DO \$\$ DECLARE r record; BEGIN FOR r IN SELECT name FROM $from.account LOOP
			INSERT INTO commit.account (name) VALUES ('xact ' || r.name); COMMIT; END LOOP; END \$\$}, undef, sub {
			is(scalar(soql($sim, q{SELECT Id FROM Account WHERE Name LIKE 'xact %'})), 20, 'rows');
			is(scalar(calls()), 20, 'a call for each transaction');
			nothing_left();
		} ]);
}

# ---- at random --------------------------------------------------------------------------------------

# Whatever a transaction does, with apply 'commit' the org has in the end what a local table has to which the same
# was done.  The seed is printed, and SEED sets it.
my $seed = $ENV{SEED} // 4711;
note("SEED=$seed");
srand($seed);

# Statements of a transaction as a text: inserts into both, savepoints in each other, exception blocks.
my $number = 0;
sub random_statements
{
	my ($schema, $depth, $block) = @_;
	my $sql = '';

	for (1 .. 1 + int rand 4)
	{
		my $kind = rand;
		my $n = ++$number;

		if ($kind < 0.6 || $depth > 4)
		{
			my $count = rand() < 0.02 ? 2100 : rand() < 0.1 ? 250 : 1 + int rand 3;
			my ($table, $column) = rand() < 0.7 ? ('account', 'name') : ('contact', 'lastname');
			my $values = "SELECT 'xact $n.' || i FROM generate_series(1, $count) i";

			$sql .= "INSERT INTO local $values; INSERT INTO $schema.$table ($column) $values;\n";
		}
		elsif ($block || $kind < 0.8)
		{
			my $inner = random_statements($schema, $depth + 1, 1);
			my $end = rand() < 0.5 ? "RAISE EXCEPTION 'x';" : '';
			my $text = "BEGIN $inner $end EXCEPTION WHEN raise_exception THEN NULL; END;";

			$sql .= $block ? "$text\n" : "DO \$\$ BEGIN $text END \$\$;\n";
		}
		else
		{
			my $inner = random_statements($schema, $depth + 1, 0);

			$sql .= "SAVEPOINT s$n;\n$inner"
			  . (rand() < 0.5 ? "RELEASE s$n;\n" : rand() < 0.8 ? "ROLLBACK TO s$n;\n" : '');
		}
	}
	return $sql;
}

for my $schema ('commit', 'commit_bulk')
{
	subtest "$schema: at random" => sub {
		my $c = fresh();

		for (1 .. 10)
		{
			my $sql = random_statements($schema, 0, 0);
			my $end = rand() < 0.8 ? 'COMMIT' : 'ROLLBACK';
			my $seen = () = sent();
			my $result = $c->query("SET client_min_messages = warning; BEGIN;\n$sql");
			my @early = grep { /close|insert/ } (sent())[ $seen .. -1 + (() = sent()) ];

			is($result->{messages}, '', 'no message') or diag($sql);
			is_deeply(\@early, [], 'nothing before the end') or diag($sql);
			$result = $c->query($end);
			is($result->{messages}, '', $end) or diag($sql);
			my $expected = join ' ', sort split /\n/, $c->value(q{SELECT replace(name, 'xact ', '') FROM local});
			is(join(' ', sort(split(' ', names()), split(' ', last_names()))), $expected, 'the same') or diag($sql);
			nothing_left();
		}
		$c->close;
	};
}

xact_finish();
done_testing();
