# Writing and transactions: what is in the org, and what was sent, after COMMIT, ROLLBACK, savepoints,
# exception blocks, procedures, PREPARE, errors at every place; with apply 'statement' and apply 'commit', by
# Collections and by ingest jobs.  What was not committed has left nothing; few calls for many statements;
# memory, temporary files and jobs stay within their bounds.
use strict;
use warnings;

use Config;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfPsql;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 20, Contact => 20 });
my $other = sfsim_start(rows => { Account => 20, Contact => 20 });
my $node = node_start('xact', conf => q{
	max_prepared_transactions = 4
	log_statement = none
});
my $log_at = 0;

# Four ways to write to one org, and two to another one: schemas and servers of these names.
my %servers = (
	statement => {},
	statement_bulk => { transport => 'bulk' },
	commit => { apply => 'commit' },
	commit_bulk => { apply => 'commit', transport => 'bulk' },
	other => { apply => 'commit' },
	other_statement => {});
for my $name (sort keys %servers)
{
	server_create($node, $name =~ /^other/ ? $other : $sim, name => $name,
		options => { poll_interval_max => '200ms', %{ $servers{$name} } });
	tables_import($node, 'account', 'contact', { server => $name, schema => $name });
	$node->safe_psql('postgres', qq{
		CREATE FOREIGN TABLE "$name".child (lastname text OPTIONS (field 'LastName'),
			parent text OPTIONS (field 'Account.External_Key__c')) SERVER "$name" OPTIONS (object 'Contact')});
}
$node->safe_psql('postgres', 'CREATE TABLE local (name text)');
$_->control('POST', 'snapshot', { name => 'start' }) for $sim, $other;

# ---- looking at the org ------------------------------------------------------------------------

# Everything as at the start, and a fresh backend.
sub fresh
{
	for ($sim, $other)
	{
		$_->reset;
		$_->control('POST', 'restore', { name => 'start' });
		$_->log_clear;
	}
	$node->safe_psql('postgres', 'TRUNCATE local');
	return SfPsql->new($node);
}

# The rows of a SOQL query, each as its values separated by blanks; it is not in the log.
sub soql
{
	my ($where, $query) = @_;
	my $query_text = $query =~ s/([^\w.*-])/sprintf('%%%02X', ord $1)/ger;
	my $answer = $where->{http}->request('GET', $where->url . "/services/data/v62.0/query?q=$query_text",
		{ headers => { Authorization => 'Bearer ' . $where->token } });
	die "$query: $answer->{content}" if !$answer->{success};
	my ($select) = $query =~ /^SELECT (.*?) FROM/;
	return map { my $row = $_; join ' ', map { $row->{$_} // '' } split /, /, $select }
	  @{ JSON::PP->new->utf8->decode($answer->{content})->{records} };
}

# What the tests have put there.
sub names
{
	my ($where) = @_;
	return join ' ', sort map { s/^xact //r } soql($where // $sim,
		"SELECT Name FROM Account WHERE Name LIKE 'xact %'");
}

sub last_names
{
	my ($where) = @_;
	return join ' ', sort map { s/^xact //r } soql($where // $sim,
		"SELECT LastName FROM Contact WHERE LastName LIKE 'xact %'");
}

# The requests that write, in short: "insert Account 3 all" (Collections: records, allOrNone), "create Account",
# "upload", "close", "abort", "delete".
sub sent
{
	my ($where) = @_;
	my @sent;

	for (@{ ($where // $sim)->control('GET', 'log?bodies=all') })
	{
		my $request = "$_->{method} $_->{path}";

		if ($request =~ m{^(POST|PATCH) \S+/composite/sobjects})
		{
			my $body = JSON::PP->new->decode($_->{body});
			my %types = map { $_->{attributes}{type} => 1 } @{ $body->{records} };

			push @sent, join ' ', $1 eq 'POST' ? 'insert' : 'update', sort(keys %types),
			  scalar(@{ $body->{records} }), $body->{allOrNone} ? 'all' : ();
		}
		elsif ($request =~ m{^DELETE \S+/composite/sobjects})
		{
			push @sent, 'delete ' . scalar split /,|%2C/, ($_->{query} =~ /ids=([^&]*)/)[0];
		}
		elsif ($request =~ m{^POST \S+/jobs/ingest$})
		{
			push @sent, 'create ' . JSON::PP->new->decode($_->{body})->{object};
		}
		elsif ($request =~ m{^PUT \S+/jobs/ingest})
		{
			push @sent, 'upload';
		}
		elsif ($request =~ m{^PATCH \S+/jobs/ingest})
		{
			push @sent, JSON::PP->new->decode($_->{body})->{state} eq 'Aborted' ? 'abort' : 'close';
		}
		elsif ($request =~ m{^DELETE \S+/jobs/ingest})
		{
			push @sent, 'delete';
		}
	}
	return @sent;
}

sub calls
{
	my ($where) = @_;
	return grep { /^(?:insert|update)/ } sent($where);
}

# What must be true of any org behind a transaction.
sub nothing_left
{
	my (%opt) = @_;
	is_deeply($_->jobs, [], 'no job is left') for $opt{kept} ? () : ($sim, $other);
	is_deeply([ temporary_files() ], [], 'no temporary file is left');
	return;
}

sub temporary_files
{
	return map { s{.*/}{}r } glob $node->data_dir . '/base/pgsql_tmp/*';
}

sub memory_peak
{
	my ($pid) = @_;
	return slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die "no VmHWM of $pid";
}

# From here on the peak is what is in use now.
sub memory_reset
{
	my ($pid) = @_;
	open(my $file, '>', "/proc/$pid/clear_refs") or die "/proc/$pid/clear_refs: $!";
	print $file '5';
	close($file) or die "/proc/$pid/clear_refs: $!";
	return memory_peak($pid);
}

sub wait_log
{
	my ($pattern) = @_;
	$log_at = $node->wait_for_log($pattern, $log_at);
	return;
}

# [a] stands for a statement that inserts one account of that name, %s for the schema.
sub expand
{
	my ($sql, $schema) = @_;
	$sql =~ s/\[(\w+)\]/INSERT INTO "$schema".account (name) VALUES ('xact $1')/g;
	$sql =~ s/%s/"$schema"/g;
	return $sql;
}

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
		SELECT \'xact \' || f(n) FROM unnest(ARRAY[\'a\', \'b\']) n; DROP FUNCTION f;',
		'a aa b bb', 'a aa b bb' ],
	[ 'a function whose own writing is rolled back', 'CREATE OR REPLACE FUNCTION f(n text)
		RETURNS text LANGUAGE plpgsql AS $$ BEGIN BEGIN INSERT INTO %s.account (name)
		VALUES (\'xact \' || n); RAISE EXCEPTION \'x\'; EXCEPTION WHEN raise_exception THEN END;
		RETURN n || n; END $$; INSERT INTO %s.account (name)
		SELECT \'xact \' || f(n) FROM unnest(ARRAY[\'a\', \'b\']) n; DROP FUNCTION f;',
		'a aa b bb', 'aa bb' ],
	[ 'a trigger that writes', 'CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO %s.account (name) VALUES (\'xact \' || new.name); RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON local FOR EACH ROW EXECUTE FUNCTION f();
		INSERT INTO local VALUES (\'a\'), (\'b\'); BEGIN; INSERT INTO local VALUES (\'c\'); ROLLBACK;
		DROP TRIGGER t ON local;', 'a b c', 'a b' ],
	[ 'a deferred constraint trigger that writes', 'CREATE OR REPLACE FUNCTION f() RETURNS trigger
		LANGUAGE plpgsql AS $$ BEGIN INSERT INTO %s.account (name) VALUES (\'xact \' || new.name);
		RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON local DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION f(); BEGIN; INSERT INTO local VALUES (\'a\'), (\'b\'); [c];
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

# steps(NAME, [ SQL, SQLSTATE or undef, CHECK ]...): statements of one backend, and what must be true behind
# each.  CHECK is a code, or what "sent" must give from the step before on.
sub steps
{
	my ($name, @steps) = @_;

	subtest $name => sub {
		my $c = fresh();
		my $seen = 0;

		for (@steps)
		{
			my ($sql, $sqlstate, $check) = @$_;
			my $result = $c->query($sql =~ s/\[(\w+) (\w+)\]/expand("[$2]", $1)/ger);

			is($result->{error} && $result->{error}{sqlstate}, $sqlstate, $sql)
			  or diag($result->{messages});
			if (ref $check eq 'ARRAY')
			{
				my @sent = sent();

				is_deeply([ @sent[ $seen .. $#sent ] ], $check, 'what was sent') or diag(join "\n", @sent);
			}
			$check->($result, $c) if ref $check eq 'CODE';
			$seen = () = sent();
		}
		$c->close;
	};
	return;
}

my $rows = "INSERT INTO %s.account (name) SELECT 'xact ' || i FROM generate_series(1, %d) i";
my $none = sub { is(names(), '', 'nothing in the org'); nothing_left() };
my @upload = ('create Account', 'upload');

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
	[ 'COMMIT', undef, [ 'close', 'delete', 'insert Account 1 all' ] ],
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
				'in that order') if $schema ne 'commit_bulk';
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

steps('a job that fails at the commit',
	[ sprintf("BEGIN; INSERT INTO local VALUES ('a'); [commit a]; $rows; [commit b]", 'commit', 2500), undef, sub {
		$sim->fault({ method => 'PATCH', path => '*/jobs/ingest/*', error => 'job_state' });
	} ],
	[ 'COMMIT', 'HV000', sub {
		like($_[0]{error}{context}, qr/has written 1 row by earlier statements/, 'what was applied');
		is(names(), 'a', 'what is in the org');
		is_deeply([ grep { /insert/ } sent() ], ['insert Account 1 all'], 'nothing behind it');
		nothing_left();
	} ],
	[ 'SELECT count(*) FROM local', undef, sub { is($_[0]{rows}, 0, 'rolled back here') } ]);

subtest 'cancelled during the commit' => sub {
	my $c = fresh();

	$c->value(expand('BEGIN; [a]', 'commit') . q{; INSERT INTO commit.contact (lastname) VALUES ('xact b')});
	$sim->fault({ method => 'POST', path => '*/composite/sobjects', nth => 2, hold => 'before' });
	$c->begin('COMMIT');
	$sim->wait_request(method => 'POST', path => '*/composite/sobjects', state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	wait_log(qr/canceling statement due to user request/);
	$sim->release;
	my $result = $c->end;
	is($result->{error}{sqlstate}, '57014', 'SQLSTATE');
	like($result->{error}{context}, qr/has written 1 row by earlier statements/, 'what was applied');
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
		[ "BEGIN; DECLARE c CURSOR FOR SELECT name FROM $from.account ORDER BY name", undef, [] ],
		[ 'FETCH 2 FROM c', undef, sub { is(scalar(split /\n/, $_[0]{rows}), 2, 'two rows') } ],
		[ "[statement a]; [commit b]; " . sprintf($rows, 'commit', 2500), undef, sub { is(names(), 'a', 'the first') } ],
		[ 'MOVE ALL IN c; SELECT 1', undef, undef ],
		[ 'COMMIT', undef, sub { is(scalar(split ' ', names()), 2502, 'all'); nothing_left() } ]);
	steps("a cursor WITH HOLD, read behind the commit ($by)",
		[ "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT name FROM $from.account; [commit a]; COMMIT", undef,
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

# ---- many small statements -----------------------------------------------------------------------------

steps('a thousand statements of one row',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP INSERT INTO commit.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ ('insert Account 200') x 5 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 1000, 'rows') } ]);
steps('the same with an exception block for each',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i);
		PERFORM 1 / (i % 5); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$},
		undef, [ ('insert Account 200') x 4 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 800, 'rows') } ]);
steps('so many that they become a job',
	[ q{DO $$ BEGIN FOR i IN 1..3000 LOOP INSERT INTO commit.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ @upload, 'close', 'delete' ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 3000, 'rows') } ]);
steps('a thousand for transport bulk are one job',
	[ q{DO $$ BEGIN FOR i IN 1..1000 LOOP INSERT INTO commit_bulk.account (name) VALUES ('xact ' || i); END LOOP; END $$},
		undef, [ @upload, 'close', 'delete' ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', names()), 1000, 'rows') } ]);
steps('tables that take turns keep their order',
	[ q{DO $$ BEGIN FOR i IN 1..20 LOOP INSERT INTO commit.account (name, external_key__c) VALUES ('xact ' || i, 'k' || i);
		INSERT INTO commit.child VALUES ('xact ' || i, 'k' || i); END LOOP; END $$},
		undef, [ ('insert Account 1 all', 'insert Contact 1 all') x 20 ] ],
	[ 'SELECT 1', undef, sub { is(scalar(split ' ', last_names()), 20, 'children') } ]);
steps('other columns, another user, other options: not put together',
	[ q{BEGIN; [commit a]; INSERT INTO commit.account (name, phone) VALUES ('xact b', '1'); [commit c]; UPDATE commit.account SET
		phone = '2' WHERE name = 'xact none'; [commit d]; COMMIT}, undef,
		[ 'insert Account 1 all', 'insert Account 1 all', 'insert Account 2 all' ] ]);

for my $how ('one table', 'exception blocks', 'exception blocks that fail', 'tables in turn')
{
	subtest "memory while 20,000 statements wait: $how" => sub {
		my $c = fresh();
		my $body = $how eq 'one table'
		  ? q{INSERT INTO commit.account (name) VALUES ('xact ' || i);}
		  : $how =~ /fail/ ? q{BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i); RAISE EXCEPTION 'x';
			EXCEPTION WHEN raise_exception THEN END;}
		  : $how =~ /blocks/ ? q{BEGIN INSERT INTO commit.account (name) VALUES ('xact ' || i);
			EXCEPTION WHEN division_by_zero THEN END;}
		  : q{INSERT INTO commit.account (name) VALUES ('xact ' || i);
			INSERT INTO commit.contact (lastname) VALUES ('xact ' || i);};

		$c->value("BEGIN; DO \$\$ BEGIN FOR i IN 1..100 LOOP $body END LOOP; END \$\$");
		my $before = memory_reset($c->pid);
		$c->value("DO \$\$ BEGIN FOR i IN 1..20000 LOOP $body END LOOP; END \$\$");
		my $grown = memory_peak($c->pid) - $before;
		cmp_ok($grown, '<', ($how =~ /turn/ ? 40_000 * 6 : 16_384), "kB more at the peak ($grown)");
		is_deeply([ sent() ], [], 'nothing was sent');
		$c->value('ROLLBACK');
		$none->();
		$c->close;
	};
}

# ---- what is atomic ------------------------------------------------------------------------------------

my $one_bad = q{INSERT INTO %s.contact (firstname, lastname)
	SELECT 'xact', CASE WHEN i <> %d THEN 'xact ' || i END FROM generate_series(1, %d) i};
for my $schema ('statement', 'commit')
{
	steps("$schema: one bad row of 200 leaves nothing",
		[ sprintf($one_bad, $schema, 100, 200), '23502', sub {
			is_deeply([ sent() ], ['insert Contact 200 all'], 'one call');
			is(last_names(), '', 'nothing in the org');
			like($_[0]{error}{detail}, qr/Of 200 rows.* 1 was rejected.*Nothing was changed in Salesforce/, 'counts');
		} ]);
	steps("$schema: one bad row of 201 leaves those of the other call",
		[ sprintf($one_bad, $schema, 201, 201), '23502', sub {
			is_deeply([ sent() ], [ 'insert Contact 200', 'insert Contact 1' ], 'two calls');
			is(scalar(split ' ', last_names()), 200, 'rows');
			like($_[0]{error}{detail}, qr/Of 201 rows.* 200 were inserted, 1 was rejected/, 'counts');
		} ]);
	steps("$schema: the first call stops the second",
		[ sprintf($one_bad, $schema, 100, 201), '23502', sub {
			is_deeply([ sent() ], ['insert Contact 200'], 'one call');
			is(scalar(split ' ', last_names()), 199, 'rows');
			like($_[0]{error}{detail}, qr/Of 201 rows.* 199 were inserted, 1 was rejected, 1 was not sent/, 'counts');
		} ]);
	steps("$schema: with on_error 'ignore' the good ones stay",
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (ADD on_error 'ignore')", undef, [] ],
		[ sprintf($one_bad, $schema, 100, 200), undef, sub {
			is_deeply([ sent() ], ['insert Contact 200'], 'a call without allOrNone');
			is(scalar(split ' ', last_names()), 199, 'rows');
			like($_[0]{messages}, qr/^WARNING:  \w+: Salesforce rejected 1 row/m, 'a warning');
		} ],
		[ "ALTER FOREIGN TABLE $schema.contact OPTIONS (DROP on_error)", undef, [] ]);
}
steps('statements of a transaction that go in one call are atomic together',
	[ q{BEGIN; INSERT INTO commit.contact (firstname, lastname) VALUES ('xact', 'xact a');
		INSERT INTO commit.contact (firstname, lastname) VALUES ('xact', NULL)}, undef, [] ],
	[ 'COMMIT', '23502', ['insert Contact 2 all'] ],
	[ 'SELECT 1', undef, sub { is(last_names(), '', 'nothing in the org') } ]);

# ---- what the summary says ------------------------------------------------------------------------------

# The NOTICE's numbers, and those of the request log (without logins): rows, jobs, API calls.
sub check_summary
{
	my ($name, $sql, $count, $jobs) = @_;

	subtest "summary: $name" => sub {
		my $c = fresh();

		$c->value('SELECT count(*) FROM statement.account');	# logs in
		$sim->log_clear;
		my $result = $c->query($sql);
		is($result->{error}, undef, 'no error') or diag($result->{messages});
		my @notices = $result->{messages} =~
		  /^NOTICE:  \w+: (\d+) rows? inserted into Salesforce object "Account": (\d+) jobs?, (\d+) API calls?, \d+\.\d s$/mg;
		is(scalar @notices, 3, 'one notice') or diag($result->{messages});
		my $requests = grep { $_->{path} !~ /oauth2/ } @{ $sim->log };
		is_deeply(\@notices, [ $count, $jobs, $requests ], 'its numbers') or diag(join "\n", sent());
		is(scalar(grep { /^create/ } sent()), $jobs, 'jobs');
		is(scalar(split ' ', names()), $count, 'rows');
		$c->close;
	};
	return;
}
check_summary('a call', expand('[a]', 'statement'), 1, 0);
check_summary('calls', sprintf($rows, 'statement', 450), 450, 0);
check_summary('a job', sprintf($rows, 'statement_bulk', 450), 450, 1);
check_summary('a job at the commit', sprintf($rows, 'commit_bulk', 450), 450, 1);
check_summary('jobs', 'ALTER FOREIGN TABLE statement_bulk.account OPTIONS (ADD job_bytes \'10000\');' . sprintf($rows, 'statement_bulk', 2000)
	. '; ALTER FOREIGN TABLE statement_bulk.account OPTIONS (DROP job_bytes)', 2000, 3);
steps('ROW_COUNT',
	[ q{DO $$ DECLARE n int; BEGIN INSERT INTO statement.account (name) VALUES ('xact a'), ('xact b');
		GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE 'rows: %', n; END $$}, undef,
		sub { like($_[0]{messages}, qr/NOTICE:  \w+: rows: 2$/m, 'all') } ]);

# ---- temporary files ------------------------------------------------------------------------------------

# An upload that does not get on fills the spool.
my $large = q{INSERT INTO %s.account (name, description) SELECT 'xact ' || i, repeat('x', 30000) FROM generate_series(1, %d) i};
for my $schema ('statement_bulk', 'commit')
{
	subtest "$schema: temp_file_limit" => sub {
		my $c = fresh();

		$c->value(q{SET temp_file_limit = '2MB'; INSERT INTO local VALUES ('a')});
		$sim->fault({ method => 'POST', path => '*/jobs/ingest', hold => 'before' });
		$c->begin('BEGIN; ' . sprintf($large, $schema, 1000));
		my $result = $c->end;
		is($result->{error}{sqlstate}, '53400', 'SQLSTATE') or diag($result->{messages});
		like($result->{error}{message}, qr/temporary file size exceeds temp_file_limit/, 'message');
		$sim->release;
		$c->value('ROLLBACK');
		$none->();
		is($c->value('SET client_min_messages = error; RESET temp_file_limit; ' . sprintf($large, $schema, 10)), '', 'the next one');
		is(scalar(split ' ', names()), 10, 'its rows');
		nothing_left();
		$c->close;
	};
	for my $how ('cancelled', 'terminated', 'rolled back', 'killed')
	{
		next if $how eq 'rolled back' && $schema !~ /commit/;
		subtest "$schema: no temporary file is left when it is $how" => sub {
			my $c = fresh();
			my $pid = $c->pid;

			$sim->fault({ method => 'PUT', path => '*/batches', hold => 'before' });
			$c->begin('BEGIN; ' . sprintf($large, $schema, 1000));
			wait_for('a temporary file', sub { temporary_files() });
			if ($how eq 'rolled back')
			{
				$sim->release;
				is($c->end->{error}, undef, 'written');
				is_deeply([ temporary_files() ], [], 'it goes with the acknowledgement');
				$c->value('ROLLBACK');
			}
			elsif ($how eq 'cancelled')
			{
				$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
				wait_log(qr/canceling statement due to user request/);
				$sim->release;
				is($c->end->{error}{sqlstate}, '57014', 'SQLSTATE');
				is_deeply([ temporary_files() ], [], 'not even before the ROLLBACK');
				$c->value('ROLLBACK');
			}
			elsif ($how eq 'terminated')
			{
				$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
				wait_log(qr/terminating connection due to administrator command/);
				$sim->release;
				wait_for('the backend to end', sub { !kill 0, $pid });
			}
			else
			{
				kill 9, $pid;
				wait_for('the backend to end', sub { !kill 0, $pid });
				$sim->release;
				ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
				is_deeply([ temporary_files() ], [], 'no temporary file after the restart');
				is(names(), '', 'nothing in the org');
				return;
			}
			$none->();
			$c->close;
		};
	}
}

# ---- jobs side by side --------------------------------------------------------------------------------

# Name, options of the table, statement.
sub with_options
{
	my ($c, $table, $options, $sql) = @_;
	my $names = join ', ', map { s/ .*//r } split /, /, $options;
	$c->value("ALTER FOREIGN TABLE $table OPTIONS ($options)");
	my $result = ref $sql ? $sql->() : $c->query($sql);
	$c->value("ALTER FOREIGN TABLE $table OPTIONS (" . join(', ', map { "DROP $_" } split /, /, $names) . ')');
	return $result;
}

subtest 'job_bytes, to the byte' => sub {
	my $c = fresh();
	my $limit = 5000;

	$sim->set(log_body_kb => 1024);
	# rows of many lengths, with line ends and quotes in them
	my $result = with_options($c, 'statement_bulk.account', "job_bytes '$limit'", q{INSERT INTO statement_bulk.account (name, description)
		SELECT 'xact ' || i, repeat('"' || chr(10) || 'ä,', i % 97) || i FROM generate_series(1, 500) i});
	is($result->{error}, undef, 'no error') or diag($result->{messages});
	my (@pieces, $all);
	for (grep { $_->{method} eq 'PUT' } @{ $sim->control('GET', 'log?bodies=all') })
	{
		my $body = $_->{body};
		utf8::encode($body) if utf8::is_utf8($body);
		push @pieces, $body;
	}
	cmp_ok(scalar @pieces, '>', 5, 'jobs');
	my ($header) = $pieces[0] =~ /^(.*\n)/;
	my @rows = map { my $data = substr $_, length $header; [ $data =~ /((?:[^"\n]|"(?:[^"]|"")*")*\n)/g ] } @pieces;
	is(scalar(grep { index($_, $header) != 0 } @pieces), 0, 'each begins with the header');
	is(scalar(grep { length > $limit } @pieces), 0, 'none is larger');
	is(scalar(map { @$_ } @rows), 500, 'all rows, none of them split');
	my $loose = grep { length($pieces[$_]) + length($rows[ $_ + 1 ][0]) <= $limit } 0 .. $#pieces - 1;
	is($loose, 0, 'none had room for the next row');
	is(scalar(split ' ', names()), 500, 'rows in the org');
	nothing_left();
	$c->close;
};

for my $parallel (1, 3)
{
	subtest "parallel_jobs '$parallel'" => sub {
		my $c = fresh();

		my $result = with_options($c, 'statement_bulk.account', "job_bytes '2000', parallel_jobs '$parallel'",
			sprintf($rows, 'statement_bulk', 1000));
		is($result->{error}, undef, 'no error') or diag($result->{messages});

		# a job is under way from its creation to the answer that it is complete
		my ($now, $most, $jobs) = (0, 0, 0);
		for (@{ $sim->control('GET', 'log?bodies=all') })
		{
			$now++, $jobs++ if $_->{method} eq 'POST' && $_->{path} =~ m{/jobs/ingest$};
			$now-- if $_->{method} eq 'GET' && $_->{path} =~ m{/jobs/ingest/750\w+$} && $_->{answer_body} =~ /"JobComplete"/;
			$most = $now if $now > $most;
		}
		cmp_ok($jobs, '>', 5, 'jobs');
		is($most, $parallel, 'at a time');
		is(scalar(split ' ', names()), 1000, 'rows in the org');
		nothing_left();
		$c->close;
	};
}

# The first job is held at work; the second one is uploaded meanwhile, and no third one begins.
subtest 'rows go on being uploaded while a job is at work' => sub {
	my $c = fresh();

	with_options($c, 'statement_bulk.account', "job_bytes '2000', parallel_jobs '2'", sub {
		$sim->set(hold_jobs => 'InProgress');
		$c->begin(sprintf($rows, 'statement_bulk', 1000));
		$sim->wait_request(method => 'PUT', path => '*/batches', count => 2);
		# polls of the second one: it is closed
		my $second = (grep { $_->{method} eq 'PUT' } @{ $sim->log })[1]{path} =~ s{/batches$}{}r;
		$sim->wait_request(method => 'GET', path => $second, count => 2);
		is_deeply([ map { $_->{state} } @{ $sim->jobs } ], [ ('InProgress') x 2 ], 'two at work, no third');
		$sim->set(hold_jobs => 'none');
		my $result = $c->end;
		is($result->{error}, undef, 'no error') or diag($result->{messages});
	});
	is(scalar(split ' ', names()), 1000, 'rows in the org');
	nothing_left();
	$c->close;
};

subtest 'two backends at once' => sub {
	my @c = (fresh(), SfPsql->new($node));

	$sim->set(hold_jobs => 'UploadComplete');
	$c[0]->begin(sprintf($rows, 'statement', 3000));
	$c[1]->begin(q{INSERT INTO commit.contact (lastname) SELECT 'xact ' || i FROM generate_series(1, 3000) i});
	# both are at work at the same time
	$sim->wait_request(method => 'GET', path => '*/jobs/ingest/750*', count => 4);
	wait_for('two jobs', sub { 2 == grep { $_->{state} eq 'UploadComplete' } @{ $sim->jobs } });
	$sim->set(hold_jobs => 'none');
	is($_->end->{error}, undef, 'no error') for @c;
	is(scalar(split ' ', names()), 3000, 'the one');
	is(scalar(split ' ', last_names()), 3000, 'the other');
	nothing_left();
	$_->close for @c;
};

# ---- memory ---------------------------------------------------------------------------------------------

# Uploaded and rolled back: the org need not store it.
subtest 'memory while 300 MB are written' => sub {
	my $c = fresh();
	my $count = 10_000;

	$c->value(sprintf($large, 'statement_bulk', 50));
	my $before = memory_reset($c->pid);
	$c->value('BEGIN; ' . sprintf($large, 'commit', $count));
	my $grown = memory_peak($c->pid) - $before;
	cmp_ok($grown, '<', 65_536, "kB more at the peak ($grown)");
	my $bytes = 0;
	$bytes += $_->{body_bytes} for grep { $_->{method} eq 'PUT' } @{ $sim->control('GET', 'log?bodies=none') };
	cmp_ok($bytes, '>', 300_000_000, 'bytes uploaded');
	cmp_ok(scalar(grep { $_->{state} eq 'Open' } @{ $sim->jobs }), '>=', 4, 'jobs');
	$c->value('ROLLBACK');
	is_deeply($sim->jobs, [], 'no job is left');
	is_deeply([ temporary_files() ], [], 'no temporary file is left');
	$c->close;
};

$node->stop;
done_testing();
