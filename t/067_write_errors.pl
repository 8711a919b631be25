# What Salesforce says of jobs and rows: jobs that fail, rows that it rejects or does not look at, quotas,
# rows that are locked for a while.  The error, its counts, its query for the rest, and what is sent again.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use SfWrite;
use Test::More;

my $t = SfWrite->new('errors', lanes => 1);
my ($lane, $node) = ($t->{lanes}[0], $t->node);
my ($sim, $backend) = @$lane{qw(sim backend)};
my $yes = JSON::PP::true;

# tables with other options: NAME_BY
my %columns = (id => 'text Id', code => 'text Code__c', note => 'text Description__c', n => 'integer Employees__c',
	big => 'bigint Sequence__c', amount => 'numeric Amount__c', weight => 'float8 Weight__c', paid => 'boolean Is_Paid__c',
	closed => 'date Close_Date__c', due => 'timestamptz Due_At__c', account => 'text Account__c',
	key => 'text External_Key__c', tags => 'text Tags__c');
my $columns = join ', ', map { my ($type, $field) = split / /, $columns{$_}; "$_ $type OPTIONS (field '$field')" }
  sort keys %columns;
my %tables = (stop => {}, ignore => { on_error => 'ignore' }, limit => { on_error => 'ignore', reject_limit => 2 },
	late => { apply => 'commit' });
for my $name (sort keys %tables)
{
	# the last one by Bulk API 1.0
	for my $by (qw(rest bulk bulk1))
	{
		$node->safe_psql('postgres', "CREATE FOREIGN TABLE ${name}_$by ($columns) SERVER a1 "
			  . options_sql(object => 'Invoice__c', transport => $by eq 'rest' ? 'rest' : 'bulk', job_bytes => '90MB',
				$by eq 'bulk1' ? (bulk_api => '1.0', batch_rows => 7) : (), %{ $tables{$name} }));
	}
}

my $lock = { code => 'UNABLE_TO_LOCK_ROW', message => 'unable to obtain exclusive access to this record' };
sub with_job { return { %$create, job => {@_} }; }

# So many rows into a table.
sub into { return "INSERT INTO $_[0] (code, note, n) SELECT 'I-' || i, 'note ' || i, i FROM source WHERE i <= $_[1] ORDER BY i"; }

# event(NAME, sql => ..., faults => [...], ...): a subtest.
#	error, message, detail, hint	of the ERROR; without error there must be none
#	warning		what a WARNING says, else there is none	saved	rows of the org afterwards, with codes I-
#	during		acts while it runs						hint_rows	how many rows the query of the hint shows
#	jobs		that are left							check	looks at the log and the result
sub event
{
	my ($name, %c) = @_;

	subtest $name => sub {
		$sim->control('POST', 'restore', { name => 'start', keep_sessions => $yes });
		$sim->set(%{ $c{set} }) if $c{set};
		$c{before}->() if $c{before};
		$sim->log_clear;
		$sim->fault($_) for @{ $c{faults} // [] };
		$backend->begin($c{sql});
		$c{during}->() if $c{during};
		my $result = $backend->end;
		my ($error, $messages) = @$result{qw(error messages)};
		my $orders = $sim->control('GET', 'faults');

		ok($_->{fired} > 0, 'the fault acted') or diag(encode_json($_)) for @$orders;
		if (defined $c{error})
		{
			is($error && $error->{sqlstate}, $c{error}, 'SQLSTATE') or diag($messages);
			for my $part (grep { $c{$_} } qw(message detail hint context))
			{
				like($error->{$part}, $c{$part}, $part) or diag($messages);
			}
		}
		else
		{
			is($error && "$error->{sqlstate} $error->{message}", undef, 'no error') or diag($messages);
		}
		my @warnings = $messages =~ /^WARNING:  (.*)/mg;
		is(scalar @warnings, $c{warning} ? 1 : 0, 'number of warnings') or diag($messages);
		like($warnings[0] // '', $c{warning}, 'the warning') if $c{warning};

		my $there = SfWrite::org_rows($sim, 'I');
		is(scalar keys %$there, $c{saved}, 'rows in the org') if defined $c{saved};
		is_deeply([ grep { @{ $there->{$_} } > 1 } keys %$there ], [], 'none twice');
		if ($error && (my $said = SfWrite::counts($error->{detail})))
		{
			my $sum = 0;
			$sum += $said->{$_} for qw(saved rejected unprocessed unknown unsent);
			is($sum, $said->{rows}, 'its counts add up') or diag($messages);
			is($said->{saved}, $c{saved}, 'it says how many rows were saved') if defined $c{saved};
		}
		if (defined $c{hint_rows})
		{
			my ($query) = $messages =~ /^HINT:  (SELECT .*?) shows/m;
			my $shown = $backend->query("SELECT count(*) FROM ($query) q") if defined $query;
			is($shown && $shown->{rows}, $c{hint_rows}, 'the query of the hint shows the rows') or diag($messages);
		}
		my %uploads;
		$uploads{ $_->{path} }++ for of_log($sim->log, $put);
		is_deeply([ grep { $_ > 1 } values %uploads ], [], 'no job has two uploads');
		is(scalar(grep { $_->{state} eq 'Open' } @{ $sim->jobs }), 0, 'no open job');
		is(scalar @{ $sim->jobs }, $c{jobs}, 'jobs that are kept') if defined $c{jobs};
		$c{check}->($sim->control('GET', 'log?bodies=all'), $result) if $c{check};

		$sim->fault_clear;
		my $after = $backend->query("INSERT INTO stop_rest (code) VALUES ('A-1')");
		is($after->{error} && $after->{error}{message}, undef, 'the session goes on');
	};
	return;
}

# ---- jobs that do not end well -------------------------------------------------------------------

for my $table (qw(stop_bulk late_bulk ignore_bulk))
{
	my $into = into($table, 24);

	event("$table: the job fails", sql => $into, faults => [ with_job(fail => 'InvalidBatch : Field name not found : Nope', fail_after => 0) ],
		error => 'HV000', message => qr/InvalidBatch : Field name not found : Nope/,
		detail => qr/24 were not processed.*Nothing was changed/, saved => 0,
		hint => qr/sfbulk_unprocessed_rows/, hint_rows => 24, jobs => 1);
	event("$table: the job fails without a reason", sql => $into, faults => [ with_job(fail => $yes, fail_after => 0) ],
		error => 'HV000', message => qr/failed/i, detail => qr/24 were not processed/, saved => 0, hint_rows => 24, jobs => 1);
	event("$table: the job fails after some rows", sql => $into, set => { batch_rows => 10 },
		faults => [ with_job(fail => 'InternalServerError', fail_after => 1) ],
		error => 'HV000', message => qr/InternalServerError/, detail => qr/10 were inserted, 14 were not processed/,
		saved => 10, hint_rows => 14, jobs => 1);
	event("$table: rows that are not processed", sql => $into, faults => [ with_job(unprocessed_from => 11) ],
		error => 'HV000', message => qr/did not process 14 rows/, detail => qr/10 were inserted, 14 were not processed/,
		saved => 10, hint => qr/sfbulk_unprocessed_rows/, hint_rows => 14, jobs => 1);
	event("$table: the day's quota ends in the middle", sql => $into, faults => [ with_job(quota_after => 10) ],
		error => '53400', message => qr/quota/i, saved => 10);
}

# Somebody else sees to it.
my $somebody = sub {
	my ($method, $content) = @_;
	$sim->wait_request(%$poll);
	my $id = $sim->jobs->[0]{id};
	SfWrite::rest($sim, $method, "jobs/ingest/$id", $content);
};
event('somebody aborts the job', sql => into('stop_bulk', 24), faults => [ with_job(hold => 'UploadComplete') ],
	during => sub { $somebody->('PATCH', { state => 'Aborted' }) },
	error => 'HV000', message => qr/abort/i, saved => 0);
event('somebody deletes the job', sql => into('stop_bulk', 24), faults => [ with_job(hold => 'InProgress') ],
	set => { delete_any_state => $yes }, during => sub { $somebody->('DELETE') },
	error => 'HV000', message => qr/NOT_FOUND/, detail => qr/24 may or may not have been saved/,
	warning => qr/rows of ingest job 750\w{15} may have been saved/,
	check => sub { unlike($_[1]{messages}, qr/is kept in Salesforce/, 'the job is gone') });

# Limits that are reached before anything is done.
for my $limit (
	[ 'LIMIT_EXCEEDED', 400, 'Max batches (15000) per 24 hrs has been reached' ],
	[ 'EXCEEDEDQUOTA', 400, 'ExceededQuota : ApiBatchItems Limit exceeded.' ],
	[ 'REQUEST_LIMIT_EXCEEDED', 403, 'TotalRequests Limit exceeded.' ],
	[ 'STORAGE_LIMIT_EXCEEDED', 400, 'storage limit exceeded' ])
{
	my ($code, $status, $text) = @$limit;
	my $body = encode_json([ { errorCode => $code, message => $text } ]);

	event("$code at the creation", sql => into('stop_bulk', 24), jobs => 0, saved => 0,
		faults => [ { %$create, status => $status, body => $body, count => 0 } ],
		error => '53400', message => qr/\Q$text\E/, detail => qr/24 were not sent. Nothing was changed/,
		check => sub { is(requests($_[0], $create), 1, 'asked once') });
	event("$code at a call", sql => into('stop_rest', 401), jobs => 0, saved => 200,
		faults => [ { %{ $call{insert} }, nth => 2, status => $status, body => $body, count => 0 } ],
		error => '53400', message => qr/\Q$text\E/, detail => qr/200 were inserted/,
		check => sub { is(requests($_[0], $call{insert}), 2, 'asked once') });
}

# ---- rejected rows ----------------------------------------------------------------------------------

my @codes = (
	[ DUPLICATE_VALUE => '23505' ], [ DUPLICATES_DETECTED => '23505' ], [ DUPLICATE_EXTERNAL_ID => '23505' ],
	[ REQUIRED_FIELD_MISSING => '23502' ], [ INVALID_CROSS_REFERENCE_KEY => '23503' ],
	[ FIELD_CUSTOM_VALIDATION_EXCEPTION => '23514' ], [ INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST => '23514' ],
	[ STRING_TOO_LONG => '22001' ], [ NUMBER_OUTSIDE_VALID_RANGE => '22003' ], [ MALFORMED_ID => '22P02' ],
	[ REQUEST_LIMIT_EXCEEDED => '53400' ], [ STORAGE_LIMIT_EXCEEDED => '53400' ],
	[ INSUFFICIENT_ACCESS_OR_READONLY => '42501' ], [ INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY => '42501' ],
	[ INVALID_FIELD => '42703' ], [ INVALID_TYPE => '42P01' ], [ DELETE_FAILED => 'HV000' ],
	[ SOMETHING_NEW => 'HV000' ]);
for (@codes)
{
	my ($code, $sqlstate) = @$_;
	my @of = (error => $sqlstate, message => qr/rejected 1 row .*$code: what is wrong \(field Description__c\)/);

	event("a job's row: $code", sql => into('stop_bulk', 24), @of, saved => 23, hint_rows => 1, jobs => 1,
		faults => [ with_job(row_errors => { nth => 3, code => $code, message => 'what is wrong',
				fields => ['Description__c'] }) ],
		detail => qr/Of 24 rows.*23 were inserted, 1 was rejected\./);
	event("a call's row: $code", sql => into('stop_rest', 401), @of, saved => 400, hint_rows => 1,
		faults => [ { %{ $call{insert} }, nth => 3, status => 200, body => encode_json([ { success => JSON::PP::false,
						errors => [ { statusCode => $code, message => 'what is wrong', fields => ['Description__c'] } ] } ]) } ],
		detail => qr/Of 401 rows.*400 were inserted, 1 was rejected\..*Row 401: $code: what is wrong/s);
}

# Few rows are all or nothing.
event('a call of a whole statement', sql => "INSERT INTO stop_rest (code, key) SELECT 'I-' || i, CASE WHEN i = 7
	THEN 'Urest-1' END FROM source WHERE i <= 20", saved => 0, hint_rows => 1,
	error => '23505', message => qr/rejected 1 row .*DUPLICATE_VALUE/, detail => qr/Row 7: DUPLICATE_VALUE.*Nothing was changed|Nothing was changed.*Row 7: DUPLICATE_VALUE/s);

# Result files in any order.
for my $table (qw(stop_bulk late_bulk ignore_bulk))
{
	my $stop = $table !~ /ignore/;
	event("$table: rejected rows, in another order, columns too", sql => into($table, 24), saved => 16, hint_rows => 8, jobs => 1,
		faults => [ with_job(shuffle_rows => $yes, reorder_columns => $yes, row_errors => [
					{ every => 3, code => 'DUPLICATE_VALUE', message => 'duplicate value found: "x", y', fields => ['External_Key__c'] } ]) ],
		$stop ? (error => '23505', message => qr/rejected 8 rows .*DUPLICATE_VALUE: duplicate value found: "x", y/,
			detail => qr/16 were inserted, 8 were rejected.*\.\.\. and 3 more/s)
		: (warning => qr/rejected 8 rows .*DUPLICATE_VALUE: duplicate/));
}

# ---- on_error and reject_limit ------------------------------------------------------------------------

for my $by (qw(rest bulk bulk1))
{
	my $n = 24;
	for my $bad (0 .. 3, 24)
	{
		# keys that are there
		my $sql = sub { "INSERT INTO $_[0]_$by (code, key) SELECT 'I-' || i, CASE WHEN i <= $bad THEN 'Urest-' || i END FROM source"
			  . " WHERE i <= $n ORDER BY i" };
		my @warn = $bad ? (warning => qr/rejected $bad rows? /, hint_rows => $bad) : ();
		my @stop = (error => '23505', message => qr/rejected $bad rows? /, hint_rows => $bad);

		event("$by, on_error ignore, $bad rejected", sql => $sql->('ignore'), saved => $n - $bad, @warn);
		event("$by, reject_limit 2, $bad rejected", sql => $sql->('limit'), saved => $n - $bad, $bad > 2 ? @stop : @warn);
		event("$by, on_error stop, $bad rejected", sql => $sql->('stop'), $bad ? @stop : (),
			saved => !$bad ? $n : $by eq 'rest' ? 0 : $n - $bad);
	}
}

# ---- rows that are locked, beside one that stops the statement -----------------------------------------

event('a locked row is rejected, too, when another one ends the statement',
	sql => "INSERT INTO stop_bulk (code, key) SELECT 'I-' || i, CASE WHEN i = 1 THEN 'Urest-1' END FROM source WHERE i <= 24 ORDER BY i",
	faults => [ with_job(row_errors => { nth => 5, %$lock }) ], saved => 22, jobs => 1,
	error => '23505', message => qr/rejected 2 rows .*DUPLICATE_VALUE/, detail => qr/22 were inserted, 2 were rejected\./, hint_rows => 2);

# ---- rows that are locked for a while -------------------------------------------------------------------

# values of all kinds survive the way back and forth
my @values = (
	q{'I-1', E'with, comma and "quotes"\nand a line', 912260031, 1234567890123456, 12.5, 1e-7, true, '2024-02-29', '2024-02-29 10:11:12+00', 'Urgent;VIP'},
	q{'I-2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
	q{'I-3', '#N/A x', 0, -1, -1000000, 12345678.9, false, '1970-01-01', '1970-01-01 00:00:00+00', 'Export'},
	q{'I-4', 'plain', 1, 1, 1, 1, true, '2000-01-01', '2000-01-01 00:00:00+00', NULL});
my $names = 'code, note, n, big, amount, weight, paid, closed, due, tags';
my $fields = 'Code__c,Description__c,Employees__c,Sequence__c,Amount__c,Weight__c,Is_Paid__c,Close_Date__c,Due_At__c,Tags__c';
my $values_sql = "INSERT INTO %s ($names) VALUES " . join ', ', map { "($_)" } @values;

sub org_values
{
	my $answer = SfWrite::rest($sim, 'GET', "query?q=SELECT+$fields+FROM+Invoice__c+WHERE+Code__c+LIKE+'I-%25'+ORDER+BY+Code__c");
	delete $_->{attributes} for @{ $answer->{records} };
	return $answer->{records};
}
my $want;
event('rows of all kinds', sql => $values_sql =~ s/%s/stop_rest/r, saved => 4, check => sub { $want = org_values() });

for my $rounds (1 .. 4)
{
	for my $table (qw(stop_bulk late_bulk ignore_bulk))
	{
		my @locks = map { { %{ with_job(row_errors => { $_ == 1 ? (from => 1) : (every => 1), %$lock }) }, nth => $_ } } 1 .. $rounds;
		my $lost = $rounds == 4;
		event("$table: all rows are locked $rounds times", sql => $values_sql =~ s/%s/$table/r, faults => \@locks,
			saved => $lost ? 0 : 4, jobs => undef,
			$lost && $table =~ /ignore/ ? (warning => qr/rejected 4 rows/, hint_rows => 4)
			: $lost ? (error => '55P03', message => qr/rejected 4 rows .*UNABLE_TO_LOCK_ROW/, hint_rows => 4) : (),
			check => sub {
				my ($log) = @_;
				is(requests($log, $create), $lost ? 4 : $rounds + 1, 'jobs');
				is(requests($log, $put), $lost ? 4 : $rounds + 1, 'uploads');
				is_deeply(org_values(), $want, 'the values') if !$lost;
			});
	}

	# one of many: alone
	event("bulk: one of 24 rows is locked $rounds times", sql => into('stop_bulk', 24),
		faults => [ map { { %{ with_job(row_errors => { nth => $_ == 1 ? 5 : 1, %$lock }) }, nth => $_ } } 1 .. $rounds ],
		$rounds == 4 ? (saved => 23, error => '55P03', message => qr/rejected 1 row .*UNABLE_TO_LOCK_ROW/, hint_rows => 1)
		: (saved => 24),
		check => sub {
			my @puts = of_log($_[0], $put);
			is(scalar @puts, $rounds == 4 ? 4 : $rounds + 1, 'uploads');
			like($puts[$_]{body}, qr/^[^\n]*\n"?I-5"?,[^\n]*\n\z/, 'the row alone is sent again') for 1 .. $#puts;
		});

	# by Collections: the locks go before the call that finds none
	for my $rows (401, 100)
	{
		my @ids;
		my $sql = "UPDATE stop_rest SET note = 'new', n = 912260031 WHERE key LIKE 'Urest-%'"
		  . ($rows == 100 ? " AND id IN (SELECT id FROM hundred)" : '');
		my $first = $rows == 401 ? 3 : 1;
		event("rest: two of $rows rows are locked $rounds times", sql => $sql,
			before => sub {
				my $rows_there = SfWrite::rest($sim, 'GET',
					"query?q=SELECT+Id,Code__c+FROM+Invoice__c+WHERE+External_Key__c+LIKE+'Urest-%25'")->{records};
				@ids = map { $_->{Id} } @$rows_there[ 7, 70 ];
				$backend->value('DROP TABLE IF EXISTS hundred; CREATE TEMP TABLE hundred AS SELECT unnest(ARRAY['
					  . join(',', map { "'$_->{Id}'" } @$rows_there[ 0 .. 99 ]) . ']) id');
				$sim->control('POST', 'locks', { ids => \@ids });
			},
			$rounds == 4 ? (faults => []) : (faults => [ { %{ $call{update} }, nth => 1 + $rounds, hold => 'before' } ],
				during => sub {
					$sim->wait_request(%{ $call{update} }, state => 'held');
					$sim->control('DELETE', 'locks');
					$sim->release;
				}),
			$rounds == 4 ? (error => '55P03', message => qr/rejected 2 rows .*UNABLE_TO_LOCK_ROW/, hint_rows => 2,
				detail => $rows == 100 ? qr/Nothing was changed/ : qr/198 were updated, 2 were rejected/) : (),
			check => sub {
				my ($log) = @_;
				my @calls = of_log($log, $call{update});
				my $there = SfWrite::org_rows($sim, 'Urest');
				my $changed = grep { $_->[0]{Description__c} eq 'new' && $_->[0]{Employees__c} == 912260031 } values %$there;

				is($changed, $rounds < 4 ? $rows : $rows == 401 ? 198 : 0, 'rows changed');
				is(scalar @calls, $rounds < 4 ? $first + $rounds : 4, 'calls');
				for my $i (1 .. ($rounds < 4 ? $rounds : 3))
				{
					my @sent = map { $_->{id} // $_->{Id} } @{ decode_json($calls[$i]{body})->{records} };
					$rows == 401 ? is_deeply([ sort @sent ], [ sort @ids ], 'they alone are sent again')
					  : is(scalar @sent, 100, 'all are sent again, as it is all or nothing');
				}
				$sim->control('DELETE', 'locks');
			});
	}
}

$node->stop;
done_testing();
