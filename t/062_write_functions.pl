# What became of written rows: sfbulk_failed_rows, sfbulk_successful_rows, sfbulk_unprocessed_rows, and
# the list of jobs, sfbulk_jobs.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $sim = sfsim_start(rows => { Contact => 0, Account => 10 });
my $node = node_start('write_functions');
my $c;
my $true = JSON::PP::true;

server_create($node, $sim);
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA sf;
CREATE FOREIGN TABLE sf.contact (
	id text OPTIONS (field 'Id'),
	lastname text OPTIONS (field 'LastName'),
	email text OPTIONS (field 'Email'),
	description text OPTIONS (field 'Description')
) SERVER sf OPTIONS (object 'Contact');
CREATE FOREIGN TABLE sf.account (id text OPTIONS (field 'Id'), name text OPTIONS (field 'Name'))
	SERVER sf OPTIONS (object 'Account');
CREATE TABLE loaded (n integer, lastname text, description text);
SQL
$c = SfPsql->new($node);

# Runs a statement that must succeed; its rows.
sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "no error: $sql")
	  or diag($r->{messages});
	return $r->{rows};
}

sub fails
{
	my ($sql, $sqlstate, $message) = @_;
	my $r = $c->query($sql);
	is($r->{error} && $r->{error}{sqlstate}, $sqlstate, "SQLSTATE: $sql") or diag($r->{messages});
	like($r->{error} && $r->{error}{message}, $message, 'message');
	return $r->{error};
}

# How rows are written from here on.
sub options
{
	my (%options) = @_;
	my @old = split /\n/, run(q{SELECT split_part(o, '=', 1) FROM pg_foreign_server, unnest(srvoptions) o
		WHERE split_part(o, '=', 1) <> 'login_url'});
	run('ALTER SERVER sf OPTIONS (' . join(', ', (map { "DROP $_" } @old),
		map { "ADD $_ '$options{$_}'" } sort keys %options) . ')') if @old || %options;
	return;
}

# The ids of the jobs in the org that write, oldest first.
sub jobs { return map { $_->{id} } grep { $_->{operation} !~ /query/ } @{ $sim->jobs }; }

# A fault of one job: what becomes of its rows.
sub order
{
	my (%job) = @_;
	return $sim->fault({ method => 'POST', path => '*/jobs/ingest', job => \%job });
}

# The downloads since the log was cleared.
sub downloads { return scalar @{ $sim->log(qr{^GET .*(?:Results|unprocessedrecords)}i) }; }

# Waits until no download is open in the backend.
sub sockets { return fd_count($c->pid, qr/^socket:/); }

my $rows = 'error_code, error_message, error_fields, "row"';
my $missing = 'REQUIRED_FIELD_MISSING';

fails("SELECT * FROM sfbulk_$_('sf')", '55000', qr/^no statement of this session has written rows to server "sf"$/)
  for qw(failed_rows successful_rows unprocessed_rows);

# What is sent, and as what it must come back.
my @texts = (
	[ 'plain', 'plain' ], [ 'a,b', 'a,b' ], [ 'say "hi"', 'say "hi"' ], [ "two\nlines", "two\nlines" ],
	[ "\x{e9}\x{20ac}\x{1f600}", "\x{e9}\x{20ac}\x{1f600}" ], [ undef, undef ], [ '"', '"' ], [ '\\', '\\' ]);

# Both transports give the same rows.
for my $by ('rest', 'bulk')
{
	subtest "rows by $by" => sub {
		options(transport => $by, on_error => 'ignore', keep_jobs => 'true');
		my $values = join ', ', map {
			my ($t) = @{ $texts[$_] };
			utf8::encode($t) if defined $t;
			"($_, NULL, " . (defined $t ? quote_sql($t) : 'NULL') . "), ($_, 'good $_', "
			  . (defined $t ? quote_sql($t) : 'NULL') . ')'
		} 0 .. $#texts;
		run("TRUNCATE loaded; INSERT INTO loaded VALUES $values");
		run('INSERT INTO sf.contact (lastname, email, description)
			SELECT lastname, n || \'@example.com\', description FROM loaded ORDER BY n, lastname NULLS FIRST');
		for my $function ('failed', 'successful')
		{
			my $got = run("SELECT jsonb_agg(\"row\" ORDER BY \"row\"->>'Email') FROM sfbulk_${function}_rows('sf')");
			utf8::decode($got);
			is_deeply(
				JSON::PP->new->decode($got),
				[ map { {
					LastName => $function eq 'failed' ? undef : "good $_",
					Email => "$_\@example.com",
					Description => $texts[$_][1] } } 0 .. $#texts ],
				"$function rows: what was sent");
		}
		is(run(qq{SELECT DISTINCT error_code, error_message, error_fields, sf_id FROM sfbulk_failed_rows('sf')}),
			"$missing|Required fields are missing: [LastName]|{LastName}|", 'why');
		is(run(q{SELECT count(*), count(DISTINCT sf_id), bool_and(created), bool_and(sf_id ~ '^003.{15}$')
			FROM sfbulk_successful_rows('sf')}), scalar(@texts) . '|' . scalar(@texts) . '|t|t', 'Ids');
		is(run(q{SELECT count(*) FROM sf.contact c JOIN sfbulk_successful_rows('sf') r
			ON r.sf_id = c.id AND r.row->>'Email' = c.email}), scalar @texts, 'of these records');
		is(run(q{SELECT * FROM sfbulk_unprocessed_rows('sf')}), '', 'all were processed');
		my ($job) = jobs();
		is(run(q{SELECT DISTINCT job FROM sfbulk_failed_rows('sf')}), $job // '', 'the job, if there is one');

		# to be loaded again, in plain SQL
		run(q{INSERT INTO sf.contact (lastname, email, description)
			SELECT coalesce(r.row->>'LastName', 'repaired'), r.row->>'Email', r.row->>'Description'
			FROM sfbulk_failed_rows('sf') r});
		is(run(q{SELECT count(*) FROM sf.contact WHERE lastname = 'repaired'}), scalar @texts, 'repaired');
		is(run(q{SELECT count(*) FROM sfbulk_failed_rows('sf')}), 0, 'that was the last statement now');
		is(run(q{SELECT count(*) FROM sfbulk_successful_rows('sf')}), scalar @texts, 'which went well');

		# an update that sets to null
		run(q{UPDATE sf.contact SET description = NULL, email = '' WHERE lastname = 'good 0'});
		is(run(q{SELECT created, "row" - 'Id', "row"->>'Id' = sf_id FROM sfbulk_successful_rows('sf')}),
			'f|{"Email": "#N/A", "Description": "#N/A"}|t', 'UPDATE');
		run(q{DELETE FROM sf.contact});
		is(run(q{SELECT count(*) > 0 AND bool_and("row" = jsonb_build_object('Id', sf_id)) FROM sfbulk_successful_rows('sf')}),
			't', 'DELETE');
		$sim->reset;
	};
}

subtest 'after an ERROR' => sub {
	my $sql = q{INSERT INTO sf.contact (lastname, email) SELECT nullif('n' || n, 'n2'), n || '@example.com'
		FROM generate_series(1, 3) n};

	options(transport => 'rest');
	fails($sql, '23502', qr/rejected/);
	is(run(qq{SELECT job, sf_id, $rows FROM sfbulk_failed_rows('sf')}),
		qq(||$missing|Required fields are missing: [LastName]|{LastName}|{"Email": "2\@example.com", "LastName": null}), 'Collections');
	is(run(q{SELECT job, "row"->>'LastName' FROM sfbulk_unprocessed_rows('sf') ORDER BY 2}), "|n1\n|n3", 'the others');
	is(run(q{SELECT count(*) FROM sfbulk_successful_rows('sf')}), 0, 'none was saved');
	is(run(q{SELECT count(*) FROM sf.contact}), 0, 'indeed');

	options(transport => 'bulk');
	my $error = fails($sql, '23502', qr/rejected/);
	my ($job) = jobs();
	is(run(qq{SELECT $rows FROM sfbulk_failed_rows('sf')}),
		qq($missing|Required fields are missing: [LastName]|{LastName}|{"Email": "2\@example.com", "LastName": null}), 'a job');
	is(run(q{SELECT "row"->>'LastName' FROM sfbulk_successful_rows('sf') ORDER BY 1}), "n1\nn3", 'the others were saved');
	like($error->{hint}, qr/^SELECT \* FROM sfbulk_failed_rows\('sf', '$job'\) shows/, 'the hint');
	my ($hint) = $error->{hint} =~ /^(SELECT .*\))/;
	like(run($hint), qr/^$job\|.*2\@example\.com/, 'what it says works');
	is(run("SELECT count(*) FROM sfbulk_successful_rows('sf', '" . substr($job, 0, 15) . "')"), 2, 'an id of 15 characters');

	# in a transaction that is rolled back, in an exception block, and in another session
	run('ROLLBACK') if $c->query("BEGIN; $sql")->{error};
	is(run(q{SELECT count(*) FROM sfbulk_failed_rows('sf')}), 1, 'after a rollback');
	run("DO \$\$ DECLARE seen bigint; BEGIN BEGIN $sql; EXCEPTION WHEN not_null_violation THEN
		SELECT count(*) INTO seen FROM sfbulk_failed_rows('sf'); END; IF seen <> 1 THEN RAISE 'seen: %', seen; END IF; END \$\$");
	my $other = SfPsql->new($node);
	is($other->query(q{SELECT * FROM sfbulk_failed_rows('sf')})->{error}{sqlstate}, '55000', 'another session has written nothing');
	is($other->value("SELECT count(*) FROM sfbulk_failed_rows('sf', '$job')"), 1, 'but sees the job');
	$other->close;
	run(q{DELETE FROM sf.contact});
	$sim->reset;
};

subtest 'the last statement' => sub {
	my $failed = q{SELECT string_agg("row"->>'Email', ' ' ORDER BY "row"->>'Email') FROM sfbulk_failed_rows('sf')};

	# more rows than its memory holds
	options(transport => 'rest', on_error => 'ignore');
	run(q{INSERT INTO sf.contact (lastname, description)
		SELECT CASE WHEN n % 2 = 0 THEN 'n' || n END, repeat('x', 300) || n FROM generate_series(1, 2000) n});
	is(run(q{SELECT count(*) FROM pg_ls_tmpdir()}), 1, 'a temporary file');
	for ('once', 'again')
	{
		is(run(q{SELECT count(*), count(DISTINCT "row"->>'Description'), sum(substr("row"->>'Description', 301)::int)
			FROM sfbulk_failed_rows('sf')}), '1000|1000|1000000', "rejected rows, $_");
	}
	is(run(q{SELECT count(*), sum(substr("row"->>'Description', 301)::int) FROM sfbulk_successful_rows('sf')}),
		'1000|1001000', 'successful ones');

	# what is being read stays until it is read
	is(run(q{BEGIN; DECLARE x CURSOR FOR SELECT substr((sfbulk_failed_rows('sf'))."row"->>'Description', 301); FETCH 2 FROM x}),
		"1\n3", 'begun');
	run(q{INSERT INTO sf.contact (lastname, email) VALUES (NULL, 'next@example.com')});
	is(run($failed), 'next@example.com', 'the next statement');
	is(run('FETCH 1 FROM x'), 5, 'the one before goes on');
	is(run(q{CLOSE x; SELECT count(*) FROM pg_ls_tmpdir()}), 0, 'and is forgotten');
	run('ROLLBACK');
	is(run($failed), 'next@example.com', 'a rollback changes nothing');

	# what sent nothing is no such statement
	run(q{UPDATE sf.contact SET email = NULL WHERE id = '003000000000001AAA'});
	fails(q{INSERT INTO sf.contact (lastname) SELECT n::text FROM generate_series(-1, 1) n WHERE 1 / n < 2}, '22012', qr/division/);
	is(run($failed), 'next@example.com', 'still the last one');

	# a statement that writes to tables of both kinds of apply
	run(q{CREATE TABLE both_kinds (lastname text, email text) PARTITION BY LIST (email)});
	run("CREATE FOREIGN TABLE sf.\L$_\E PARTITION OF both_kinds FOR VALUES IN ('$_\@example.com')
		SERVER sf OPTIONS (object 'Contact', apply '$_')") for 'commit', 'statement';
	run(q{BEGIN; INSERT INTO both_kinds VALUES (NULL, 'commit@example.com'), (NULL, 'statement@example.com')});
	$failed =~ s/'Email'/'email'/g; # as these tables name the field
	is(run($failed), 'statement@example.com', 'what is done with the statement');
	run('COMMIT');
	is(run($failed), 'commit@example.com', 'what is done by the commit');
	run('DROP TABLE both_kinds; DELETE FROM sf.contact');
	$sim->reset;
};

subtest 'users' => sub {
	options(transport => 'rest', on_error => 'ignore');
	run(q{INSERT INTO sf.contact (lastname) VALUES (NULL)});
	run(q{CREATE ROLE alice});
	run(q{SET ROLE alice});
	fails(q{SELECT * FROM sfbulk_failed_rows('sf')}, '42501', qr/^permission denied for foreign server sf$/);
	fails(q{SELECT * FROM sfbulk_jobs('sf')}, '42501', qr/^permission denied for foreign server sf$/);
	run(q{RESET ROLE; GRANT USAGE ON FOREIGN SERVER sf TO alice; SET ROLE alice});
	fails(q{SELECT * FROM sfbulk_failed_rows('sf')}, '42704', qr/^user mapping not found/);
	run(q{RESET ROLE});
	run('CREATE USER MAPPING FOR alice SERVER sf '
		  . options_sql(client_id => $sim->env('SF_CLIENT_ID'), client_secret => $sim->env('SF_CLIENT_SECRET')));
	run(q{SET ROLE alice});
	fails(q{SELECT * FROM sfbulk_failed_rows('sf')}, '55000', qr/^no statement/);
	is(run(q{SELECT count(*) FROM sfbulk_jobs('sf')}), 0, 'jobs');
	run(q{RESET ROLE});
	is(run(q{SELECT count(*) FROM sfbulk_failed_rows('sf')}), 1, 'who wrote the row sees it');
};

subtest 'clean jobs' => sub {
	options(transport => 'bulk');
	$sim->reset;
	run(q{INSERT INTO sf.contact (lastname) VALUES ('clean')});
	my ($id) = map { $_->{path} =~ m{(750\w{15})/batches} } @{ $sim->log(qr{^PUT }) };
	$sim->log_clear;
	is(run(q{SELECT * FROM sfbulk_failed_rows('sf')}), '', 'no rejected row');
	is(run(q{SELECT * FROM sfbulk_unprocessed_rows('sf')}), '', 'no unprocessed row');
	is(run(qq{SELECT * FROM sfbulk_failed_rows('sf', '$id')}), '', 'nor by its name');
	is(downloads(), 0, 'nobody asked for them');
	for (q{'sf'}, qq{'sf', '$id'})
	{
		my $error = fails("SELECT * FROM sfbulk_successful_rows($_)", '42704', qr/^ingest job "$id" has been deleted$/);
		like($error->{hint}, qr/keep_jobs/, 'what to do');
	}
	run(q{ALTER SERVER sf OPTIONS (ADD keep_jobs 'true')});
	run(q{INSERT INTO sf.contact (lastname) VALUES ('kept')});
	is(run(q{SELECT "row" FROM sfbulk_successful_rows('sf')}), '{"LastName": "kept"}', 'keep_jobs');
	$sim->reset;
};

subtest 'several jobs' => sub {
	options(transport => 'bulk', on_error => 'ignore', job_bytes => '1kB', keep_jobs => 'true');
	run(q{INSERT INTO sf.contact (lastname, description) SELECT CASE WHEN n % 10 > 0 THEN 'm' || n END, repeat('x', 50) || n
		FROM generate_series(1, 100) n});
	cmp_ok(scalar jobs(), '>', 3, 'several jobs');
	is(run(q{SELECT count(*), count(DISTINCT job) > 3, string_agg(substr("row"->>'Description', 51), ' ' ORDER BY length("row"->>'Description'), "row"->>'Description')
		FROM sfbulk_failed_rows('sf')}), '10|t|10 20 30 40 50 60 70 80 90 100', 'all of their rows');
	is(run(q{SELECT count(*), count(DISTINCT job) FROM sfbulk_successful_rows('sf')}), '90|' . scalar jobs(), 'successful ones');
	$sim->reset;
};

subtest 'order of rows and columns' => sub {
	options(transport => 'bulk', on_error => 'ignore');
	order(shuffle_rows => $true, reorder_columns => $true,
		row_errors => { every => 2, code => 'CUSTOM_ERROR', message => 'a: b, "c"' });
	run(q{INSERT INTO sf.contact (lastname, email, description) SELECT 'o' || n, n || '@example.com', 'text ' || n FROM generate_series(1, 10) n});
	is(run(q{SELECT "row" FROM sfbulk_failed_rows('sf') ORDER BY length("row"->>'Email'), "row"->>'Email'}),
		join("\n", map { qq({"Email": "$_\@example.com", "LastName": "o$_", "Description": "text $_"}) } 2, 4, 6, 8, 10), 'rows');
	is(run(q{SELECT DISTINCT error_code, error_message, error_fields FROM sfbulk_failed_rows('sf')}), 'CUSTOM_ERROR|a: b, "c"|{}', 'reason');
	is(run(q{SELECT count(DISTINCT sf_id) FROM sfbulk_successful_rows('sf')}), 5, 'Ids');
	$sim->reset;
};

subtest 'unprocessed rows' => sub {
	options(transport => 'bulk');
	order(unprocessed_from => 4);
	my $error = fails(q{INSERT INTO sf.contact (lastname) SELECT 'u' || n FROM generate_series(1, 6) n}, 'HV000', qr/did not process/);
	my ($job) = jobs();
	is(run(q{SELECT job, "row" FROM sfbulk_unprocessed_rows('sf')}),
		join("\n", map { qq($job|{"LastName": "u$_"}) } 4 .. 6), 'unprocessed');
	is(run(q{SELECT string_agg("row"->>'LastName', ' ' ORDER BY 1) FROM sfbulk_successful_rows('sf')}), 'u1 u2 u3', 'saved');
	is(run(q{SELECT count(*) FROM sfbulk_failed_rows('sf')}), 0, 'rejected');
	run(q{INSERT INTO sf.contact (lastname) SELECT "row"->>'LastName' FROM sfbulk_unprocessed_rows('sf')});
	is(run(q{SELECT count(*) FROM sf.contact WHERE lastname LIKE 'u_'}), 6, 'written again: every one once');
	$sim->reset;
};

subtest 'rows that met a lock' => sub {
	options(transport => 'bulk', on_error => 'ignore', keep_jobs => 'true');
	order(row_errors => [
		{ nth => 2, code => 'UNABLE_TO_LOCK_ROW', message => 'unable to obtain exclusive access to this record' },
		{ nth => 3, code => 'CUSTOM_ERROR', message => 'no' } ]);
	run(q{INSERT INTO sf.contact (lastname) SELECT 'l' || n FROM generate_series(1, 4) n});
	my ($first) = run(q{SELECT DISTINCT job FROM sfbulk_failed_rows('sf')});
	is(run(q{SELECT error_code, "row" FROM sfbulk_failed_rows('sf')}), 'CUSTOM_ERROR|{"LastName": "l3"}', 'sent again, and so not rejected');
	is(run("SELECT error_code, \"row\" FROM sfbulk_failed_rows('sf', '$first')"), 'CUSTOM_ERROR|{"LastName": "l3"}', 'nor by the name of the job');
	is(run(q{SELECT string_agg("row"->>'LastName', ' ' ORDER BY "row"->>'LastName') FROM sfbulk_successful_rows('sf')}), 'l1 l2 l4', 'saved');
	$sim->reset;

	# another job is why the statement fails before they are sent again
	options(transport => 'bulk', job_bytes => '1kB', parallel_jobs => 1);
	order(row_errors => { nth => 2, code => 'UNABLE_TO_LOCK_ROW', message => 'unable to obtain exclusive access to this record' });
	fails(q{INSERT INTO sf.contact (lastname, description) SELECT CASE n WHEN 30 THEN NULL ELSE 'f' || n END, repeat('y', 50) FROM generate_series(1, 30) n},
		'23502', qr/rejected/);
	is(run(q{SELECT error_code, "row"->>'LastName' FROM sfbulk_failed_rows('sf') ORDER BY 1}),
		"$missing|\nUNABLE_TO_LOCK_ROW|f2", 'not sent again, and so still rejected');
	$sim->reset;
};

subtest 'many rows' => sub {
	options(transport => 'bulk', on_error => 'ignore');
	my $sql = q{INSERT INTO sf.contact (lastname, description) SELECT NULL, repeat('x', 1000) || n FROM generate_series(1, 20000) n};
	run("$sql");
	run(q{SELECT count(*) FROM (SELECT sfbulk_failed_rows('sf') LIMIT 10) s});
	open(my $clear, '>', '/proc/' . $c->pid . '/clear_refs') or die "clear_refs: $!";
	print $clear "5\n";
	close $clear;
	my $before = peak();
	is(run(q{SELECT count(*), count(DISTINCT r."row"->>'Description'), bool_and(r.error_code = 'REQUIRED_FIELD_MISSING')
		FROM (SELECT (f).* FROM (SELECT sfbulk_failed_rows('sf') AS f OFFSET 0) s) r}), '20000|20000|t', 'all of them, as they come');
	is(run(q{SELECT count(*) FROM (SELECT sfbulk_failed_rows('sf') OFFSET 0) s}), 20000, 'again');
	my $growth = peak() - $before;
	cmp_ok($growth, '<', 12 * 1024, "in little memory (kB), of a file of 20 MB");
	is(run(q{SELECT count(*) FROM sfbulk_failed_rows('sf')}), 20000, 'in FROM');
};

# The most memory that the backend has had, in kB.
sub peak
{
	my ($line) = grep { /^VmHWM/ } split /\n/, slurp_file('/proc/' . $c->pid . '/status');
	my ($kb) = $line =~ /(\d+)/;
	return $kb;
}

# The 20,000 rows of above are still there.
subtest 'left early' => sub {
	my ($job) = jobs();
	is(run(q{SELECT count(*) FROM (SELECT sfbulk_failed_rows('sf') LIMIT 0) s}), 0, 'LIMIT 0');
	$sim->log_clear;
	my $hold = $sim->fault({ method => 'GET', path => '*/failedResults*', hold => 'body', hold_at => 50000, count => 0 });

	# the rest of the file never comes, so this ends only because nobody wants it
	is(run(q{SELECT count(*) FROM (SELECT sfbulk_failed_rows('sf') LIMIT 5) s}), 5, 'LIMIT');
	is(run(q{BEGIN; DECLARE x CURSOR FOR SELECT (sfbulk_failed_rows('sf'))."row"->>'LastName' IS NULL; FETCH 3 FROM x}), "t\nt\nt", 'a cursor');
	is(run(q{FETCH 2 FROM x}), "t\nt", 'goes on');
	my $with = sockets();
	is(run(q{CLOSE x}), '', 'closed');
	cmp_ok(sockets(), '<', $with, 'its connection is closed with it');
	is(run(q{SELECT count(*) FROM sf.contact WHERE lastname = 'nobody'}), 0, 'the session goes on');
	is(run(q{DECLARE y CURSOR FOR SELECT sfbulk_failed_rows('sf'); MOVE 3 FROM y; COMMIT}), '', 'a cursor that is left open');
	is(run(q{DO $$ DECLARE r record; n integer := 0; BEGIN
		FOR i IN 1 .. 3 LOOP
			BEGIN
				FOR r IN SELECT sfbulk_failed_rows('sf') LOOP n := n + 1; IF n % 7 = 0 THEN RAISE division_by_zero; END IF; END LOOP;
			EXCEPTION WHEN division_by_zero THEN NULL;
			END;
		END LOOP;
		IF n <> 21 THEN RAISE 'n is %', n; END IF; END $$}), '', 'an error in a loop over them');
	is(run(q{SELECT n, (SELECT count(*) FROM (SELECT sfbulk_failed_rows('sf') LIMIT n) s) FROM generate_series(1, 3) n}),
		"1|1\n2|2\n3|3", 'read again for each outer row');
	is(fd_count($c->pid, qr/^socket:/), $with - 1, 'no connection is left');

	# cancelled in the middle
	$sim->log_clear;
	$c->begin(q{SELECT count(*) FROM sfbulk_failed_rows('sf')});
	$sim->wait_request(path => '*/failedResults*', state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	is($c->end->{error}{sqlstate}, '57014', 'cancelled');
	fails(q{BEGIN; SET LOCAL statement_timeout = '300ms'; SELECT count(*) FROM sfbulk_failed_rows('sf')}, '57014', qr/statement timeout/);
	run('ROLLBACK');
	$sim->fault_clear;
	is(run(qq{SELECT count(*) FROM sfbulk_failed_rows('sf', '$job')}), 20000, 'all of them afterwards');
};

subtest 'downloads that break off' => sub {
	my $count = q{SELECT count(*), count(DISTINCT "row"->>'Description') FROM sfbulk_failed_rows('sf')};
	for ([ 'cut', { truncate => 50000 } ], [ 'dropped', { close => 'before' } ], [ 'unavailable', { status => 503 } ])
	{
		my ($name, $fault) = @$_;
		$sim->log_clear;
		$sim->fault({ method => 'GET', path => '*/failedResults*', %$fault });
		is(run($count), '20000|20000', $name);
		is(downloads(), 2, 'asked for twice');
	}
	$sim->fault({ method => 'GET', path => '*/failedResults*', truncate => 50000, count => 0 });
	fails($count, '08006', qr/could not read the rejected rows of ingest job/);
	$sim->fault_clear;
	is(run($count), '20000|20000', 'afterwards');
	$sim->reset;

	# the statement itself cannot read why its rows were rejected, but they are
	$sim->fault({ method => 'GET', path => '*/failedResults*', truncate => 5, count => 0 });
	fails(q{INSERT INTO sf.contact (lastname, email) VALUES (NULL, 'x@example.com')}, '08006', qr/could not read the rejected rows/);
	$sim->fault_clear;
	is(run(q{SELECT "row"->>'Email' FROM sfbulk_failed_rows('sf')}), 'x@example.com', 'read later');
	$sim->reset;
};

subtest 'jobs that have no such rows' => sub {
	options(transport => 'bulk', on_error => 'ignore');
	fails(q{SELECT * FROM sfbulk_failed_rows('sf', '750')}, '22P02', qr/^invalid job id: "750"$/);
	fails(q{SELECT * FROM sfbulk_failed_rows('sf', '750000000000001/..')}, '22P02', qr/^invalid job id/);
	my $error = fails(q{SELECT * FROM sfbulk_unprocessed_rows('sf', '750000000000001')}, '42704',
		qr/^the unprocessed rows of ingest job "750000000000001AAA" cannot be found$/);
	like($error->{hint}, qr/sfbulk_jobs\('sf'\)/, 'where to look');

	# a query's job, held while it runs
	my $q = SfPsql->new($node);
	$sim->fault({ method => 'POST', path => '*/jobs/query', job => { hold => 'InProgress' } });
	$q->begin('SELECT count(id) FROM sf.account');
	$sim->wait_request(method => 'GET', path => '*/jobs/query/750*');
	my ($query) = map { $_->{id} } @{ $sim->jobs };
	fails("SELECT * FROM sfbulk_failed_rows('sf', '$query')", '42704', qr/cannot be found/);
	like(run(q{SELECT job, job_type, operation, object, state, content_type, api_version FROM sfbulk_jobs('sf')}),
		qr/^$query\|V2Query\|query\|Account\|InProgress\|CSV\|62\.0$/, 'in the list of jobs');
	$sim->release;
	is($q->end->{rows}, 10, 'the query');

	# a load's, before its end
	for my $not_ready (400, 404, 204)
	{
		$sim->reset;
		$sim->set(not_ready => $not_ready);
		order(hold => 'InProgress');
		$q->begin(q{INSERT INTO sf.contact (lastname) VALUES ('held')});
		$sim->wait_request(method => 'GET', path => '*/jobs/ingest/750' . '?' x 15);
		my ($job) = jobs();
		if ($not_ready == 404)
		{
			fails("SELECT * FROM sfbulk_failed_rows('sf', '$job')", '42704', qr/cannot be found/);
		}
		else
		{
			fails("SELECT * FROM sfbulk_failed_rows('sf', '$job')", '55000', qr/^ingest job "$job" has not finished$/);
		}
		is(run("SELECT operation, object, state FROM sfbulk_jobs('sf') WHERE job = '$job'"), 'insert|Contact|InProgress', 'listed');
		$sim->release;
		is($q->end->{error}, undef, 'the load');
	}
	$q->close;
	$sim->reset;
};

subtest 'encodings' => sub {
	options(transport => 'bulk', on_error => 'ignore');
	order(row_errors => { every => 1, code => 'CUSTOM_ERROR', message => "only \x{201e}good\x{201c} ones" });
	run(q{INSERT INTO sf.contact (lastname, description) VALUES (U&'caf\00e9', '1'), (U&'5 \20ac', '2')});
	my ($job) = jobs();
	$node->safe_psql('postgres', q{CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
	$node->safe_psql('latin1', 'CREATE EXTENSION sfbulk_fdw');
	server_create($node, $sim, dbname => 'latin1');
	my $latin1 = SfPsql->new($node, dbname => 'latin1');
	$latin1->query('SET client_encoding = utf8');
	is($latin1->value("SELECT error_message, \"row\"->>'LastName' = U&'caf\\00e9' FROM (SELECT (f).* FROM
		(SELECT sfbulk_failed_rows('sf', '$job') f LIMIT 1) s) r"), 'only ?good? ones|t', 'what it has characters for');
	my $error = $latin1->query("SELECT * FROM sfbulk_failed_rows('sf', '$job')")->{error};
	is($error->{sqlstate}, '22P05', 'what it has none for');
	like($error->{context}, qr/^field "LastName", row 2 of the rejected rows of ingest job $job/, 'where');
	$latin1->close;
	$node->safe_psql('postgres', 'DROP DATABASE latin1');
	$sim->reset;
};

subtest 'another wrapper' => sub {
	run(q{CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw});
	fails("SELECT * FROM $_", '42809', qr/^server "files" is not a Salesforce server$/)
	  for q{sfbulk_jobs('files')}, q{sfbulk_failed_rows('files', '750000000000001AAA')};
};

subtest 'list of jobs' => sub {
	options(transport => 'bulk', on_error => 'ignore', keep_jobs => 'true');
	is(run(q{SELECT * FROM sfbulk_jobs('sf')}), '', 'none');
	run(q{INSERT INTO sf.contact (lastname, email) VALUES (NULL, 'j@example.com')});
	run(q{INSERT INTO sf.contact (lastname) VALUES ('j' || 1)});
	my $order = 'ORDER BY job';
	is(run("SELECT job FROM sfbulk_jobs('sf') $order"), join("\n", sort(jobs())), 'ids');
	is(run(q{SELECT DISTINCT job_type, operation, object, state, content_type, concurrency, api_version, created_by ~ '^005',
		created <= modified, abs(extract(epoch FROM created - now())) < 86400 FROM sfbulk_jobs('sf')}),
		'V2Ingest|insert|Contact|JobComplete|CSV|Parallel|62.0|t|t|t', 'what they are');
	is(run(q{SET datestyle = 'SQL, DMY'; SELECT count(*) FROM sfbulk_jobs('sf') WHERE created IS NOT NULL; RESET datestyle}), 2, 'another DateStyle');
	is(run(q{SELECT count(*) FROM sfbulk_jobs('sf') j, LATERAL sfbulk_failed_rows('sf', j.job) r WHERE j.operation = 'insert'}), 1, 'joined with their rows');
	is(run(q{SELECT count(*) FROM (SELECT sfbulk_jobs('sf') LIMIT 1) s}), 1, 'LIMIT');
	$sim->fault({ path => '*/jobs/query', method => 'GET', status => 500, count => 0 });
	$c->query(q{SELECT count(*) FROM sfbulk_jobs('sf')})->{error} or fail('an error of the second list');
	$sim->fault_clear;
	is(run(q{SELECT count(*) FROM sfbulk_jobs('sf')}), 2, 'afterwards');
};

$c->close;
$node->stop;
done_testing();
