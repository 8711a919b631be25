# Any query as JSON: sfbulk_query, by REST and by bulk.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $sim = sfsim_start(rows => { Account => 60, Contact => 2500, Opportunity => 60, Task => 60, Case => 60 });
my $node = node_start('look_query');
server_create($node, $sim, options => { max_retries => 1 });
tables_import($node, 'account', 'contact');
my $c = SfPsql->new($node);

sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, 'no error: ' . substr($sql, 0, 150))
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

sub q_sql { my ($soql, @rest) = @_; return 'sfbulk_query(' . join(', ', quote_sql('sf'), quote_sql($soql), @rest) . ')'; }
sub sent { my ($pattern) = @_; return scalar @{ $sim->log($pattern) }; }

subtest 'the same rows by REST and by bulk' => sub {
	for my $object ('Account', 'Contact', 'Opportunity', 'Task', 'Case', 'User')
	{
		my @fields = split /\n/, run("SELECT field FROM sfbulk_fields('sf', '$object') WHERE pg_type IS NOT NULL");
		my @parents = split /\n/, run("SELECT DISTINCT relationship FROM sfbulk_fields('sf', '$object') WHERE relationship IN ('Owner', 'Account', 'Parent', 'CreatedBy')");
		my $soql = 'SELECT ' . join(', ', @fields, map { ("$_.Name", "$_.CreatedDate") } grep { $_ ne 'Owner' && "$object $_" ne 'Case Parent' } @parents);
		$soql .= ', Account.Owner.Name, Account.AnnualRevenue, Account.Owner.IsActive' if $object eq 'Contact' || $object eq 'Opportunity';
		$soql .= ', Owner.Name' if grep { $_ eq 'Owner' } @parents;
		$soql .= " FROM $object ORDER BY Id LIMIT 60";
		cmp_ok(scalar @fields, '>', 10, "fields of $object");
		is(run("SELECT count(*), count(*) FILTER (WHERE r.j = b.j) FROM (SELECT j, row_number() OVER () AS n FROM " . q_sql($soql, "'rest'") . ' j) r
			JOIN (SELECT j, row_number() OVER () AS n FROM ' . q_sql($soql, "'bulk'") . ' j) b ON r.j->>\'Id\' = b.j->>\'Id\''),
			run("SELECT least(60, count(*)), least(60, count(*)) FROM " . q_sql("SELECT Id FROM $object", "'rest'")), "rows of $object");
	}
	is(scalar @{ $sim->jobs }, 0, 'no job is left');
	my $types = run('SELECT jsonb_typeof(j->\'AnnualRevenue\'), jsonb_typeof(j->\'IsDeleted\'), jsonb_typeof(j->\'Owner\'), jsonb_typeof(j->\'Parent\'), j->>\'CreatedDate\' ~ \'[+]0000$\'
		FROM ' . q_sql('SELECT AnnualRevenue, IsDeleted, CreatedDate, Owner.Name, Parent.Name FROM Account WHERE AnnualRevenue != NULL AND ParentId = NULL LIMIT 1', "'bulk'") . ' j');
	is($types, 'number|boolean|object|null|t', 'types by bulk');
};

subtest 'ways' => sub {
	$sim->log_clear;
	is(run('SELECT count(*) FROM ' . q_sql('SELECT Id FROM Account')), 60, 'few rows');
	is(sent(qr{^POST .*/jobs/query}), 0, 'by REST');
	is(run('SELECT count(DISTINCT j->>\'Id\') FROM ' . q_sql('SELECT Id FROM Contact') . ' j'), 2500, 'many rows');
	is(sent(qr{^POST .*/jobs/query}), 1, 'by a job');
	is(run('SELECT count(DISTINCT j->>\'Id\') FROM ' . q_sql('SELECT Id FROM Contact', "'rest'") . ' j'), 2500, 'or by REST all the same');
	is(sent(qr{^POST .*/jobs/query}), 1, 'page after page');
	cmp_ok(sent(qr{^GET .*/query/01g}), '>=', 1, 'by links');
	run("ALTER SERVER sf OPTIONS (ADD rest_row_limit '10', ADD page_rows '500')");
	$sim->log_clear;
	is(run('SELECT count(*) FROM ' . q_sql('SELECT Id FROM Account')), 60, 'rest_row_limit');
	is(sent(qr{^POST .*/jobs/query}), 1, 'is heard');
	is(run('SELECT count(*) FROM ' . q_sql('SELECT Id FROM Contact')), 2500, 'page_rows');
	cmp_ok(sent(qr{/results}), '>=', 5, 'are heard');
	is(run('SELECT count(*) FROM ' . q_sql('SELECT Name, BillingAddress, (SELECT Id FROM Contacts) FROM Account')), 60, 'what bulk does not do');
	run('ALTER SERVER sf OPTIONS (DROP rest_row_limit, DROP page_rows)');
	fails('SELECT * FROM ' . q_sql('SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry', "'bulk'"), 'HV000', qr/could not create a query job/);
	is(scalar @{ $sim->jobs }, 0, 'no job is left');
	run(q{INSERT INTO sf.account (name) VALUES ('short lived'); DELETE FROM sf.account WHERE name = 'short lived'});
	is(run(q{SELECT count(*) FROM sfbulk_query('sf', 'SELECT Id, Name FROM Account', '} . $_ . q{', query_all => true) j WHERE j->>'Name' = 'short lived'}), 1, "queryAll by $_")
	  for 'rest', 'bulk';
	is(run(q{SELECT count(*) FROM sfbulk_query('sf', 'SELECT Id, Name FROM Account') j WHERE j->>'Name' = 'short lived'}), 0, 'query');
};

subtest 'shapes' => sub {
	is(run('SELECT * FROM ' . q_sql('SELECT COUNT() FROM Account')), '{"count": 60}', 'COUNT()');
	is(run('SELECT * FROM ' . q_sql("select count ( ) from Account where Name = 'nobody'")), '{"count": 0}', 'of none');
	is(run('SELECT * FROM ' . q_sql('SELECT COUNT() FROM Account', "'bulk'")), '{"count": 60}', 'by a job');
	is(run('SELECT * FROM ' . q_sql('SELECT COUNT(Id) n, MIN(CreatedDate) FROM Account WHERE Id = NULL')), '{"n": 0, "expr0": null}', 'aggregates');
	is(run('SELECT * FROM ' . q_sql("SELECT Id FROM Account WHERE Name = 'nobody'", "'$_'")), '', "no rows by $_") for 'rest', 'bulk';
	is(run('SELECT j->\'BillingAddress\' ? \'city\' FROM ' . q_sql("  \n SELECT BillingAddress FROM Account WHERE BillingCity != NULL LIMIT 1") . ' j'), 't', 'a compound field');
	is(run(q{SELECT count(*) FROM (SELECT * FROM } . q_sql('SELECT FIELDS(ALL) FROM Account LIMIT 3') . q{ j) s WHERE j ? 'Name' AND NOT j::text ~ 'attributes'}), 3, 'FIELDS(ALL)');
};

subtest 'subqueries with many rows' => sub {
	my $id = run(q{SELECT min(id) FROM sf.account});
	run(q{INSERT INTO sf.contact (lastname, accountid) SELECT 'child ' || n, '} . $id . q{' FROM generate_series(1, 700) n});
	run("ALTER SERVER sf OPTIONS (ADD page_rows '200')");
	my $soql = "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName LIKE 'child %') FROM Account WHERE Id = '$id'";
	$sim->log_clear;
	is(run(q{SELECT j->'Contacts'->>'totalSize', j->'Contacts'->>'done', jsonb_array_length(j->'Contacts'->'records'),
		(SELECT count(DISTINCT r->>'LastName') FROM jsonb_array_elements(j->'Contacts'->'records') r), j->'Contacts' ? 'nextRecordsUrl' FROM } . q_sql($soql) . ' j'),
		'700|true|700|700|f', 'are all there');
	is(sent(qr{^GET .*/query/01g}), 3, 'page after page');
	$sim->fault({ method => 'GET', path => '*/query/01g*', replace => { find => '"totalSize":700', with => '"totalSize":700' },
		status => 200, content_type => 'application/json', body => '{"totalSize":700,"done":true,"records":[]}' });
	fails('SELECT * FROM ' . q_sql($soql), '08P01', qr/^the subquery gave 200 rows, but its totalSize is 700$/);
	$sim->fault_clear;
	$sim->fault({ method => 'GET', path => '*/query/01g*', hold => 'before' });
	$c->begin('SELECT * FROM ' . q_sql($soql));
	$sim->wait_request(method => 'GET', path => '*/query/01g*', state => 'held');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
	is($c->end->{error}{sqlstate}, '57014', 'cancelled');
	$sim->release;
	$sim->fault_clear;
	run('ALTER SERVER sf OPTIONS (DROP page_rows)');
	run(q{DELETE FROM sf.contact WHERE lastname LIKE 'child %'});
};

subtest 'read as far as wanted' => sub {
	$sim->log_clear;
	is(run('SELECT count(*) FROM (SELECT * FROM ' . q_sql('SELECT Id FROM Contact', "'rest'") . ' LIMIT 3) s'), 3, 'LIMIT');
	cmp_ok(sent(qr{^GET .*/query}), '<=', 2, 'no more than a page ahead');
	is(run('SELECT count(*) FROM (SELECT * FROM ' . q_sql('SELECT Id FROM Contact', "'bulk'") . ' LIMIT 3) s'), 3, 'of a job');
	is(scalar @{ $sim->jobs }, 0, 'which is gone then');
	is(run('SELECT count(*) FROM (VALUES (\'Account\'), (\'User\')) o(name) CROSS JOIN LATERAL sfbulk_query(\'sf\', \'SELECT Id FROM \' || o.name || \' LIMIT 2\')'), 4, 'LATERAL');
	run('BEGIN; DECLARE q CURSOR FOR SELECT * FROM ' . q_sql('SELECT Id FROM Contact', "'bulk'"));
	run('FETCH 5 FROM q');
	is(scalar @{ $sim->jobs }, 1, 'a cursor has its job');
	run('ROLLBACK');
	is(scalar @{ $sim->jobs }, 0, 'as long as it lasts');
};

subtest 'what is refused' => sub {
	fails('SELECT * FROM ' . q_sql($_), '22023', qr/^the query must be SOQL that begins with SELECT$/)
	  for '', 'DELETE FROM Account', 'SELECTED', 'FIND {x}';
	fails('SELECT * FROM ' . q_sql($_), '0A000', qr/^the query must do nothing but read$/)
	  for 'SELECT Id FROM Account FOR UPDATE', "SELECT Id FROM Account LIMIT 1 for  view \n", 'SELECT Id FROM Account FOR REFERENCE',
	  'SELECT Id FROM Account UPDATE VIEWSTAT', 'SELECT Id FROM Account UPDATE TRACKING, VIEWSTAT';
	is(run('SELECT count(*) FROM ' . q_sql("SELECT Id FROM Account WHERE Name = 'FOR VIEW'")), 0, 'in a text it is one');
	fails('SELECT * FROM ' . q_sql('SELECT Id FROM Account', "'fast'"), '22023', qr/^invalid transport: "fast"$/);
	fails('SELECT * FROM sfbulk_query(\'sf\', NULL)', '22004', qr/^the query must not be null$/);
	fails('SELECT * FROM sfbulk_query(\'sf\', \'SELECT Id FROM Account\', NULL)', '22004', qr/^the transport must not be null$/);
	fails('SELECT * FROM ' . q_sql('SELECT Nope FROM Account'), '42703', qr/INVALID_FIELD/);
	fails('SELECT * FROM ' . q_sql('SELECT Id FROM Nope', "'bulk'"), '42P01', qr/INVALID_TYPE/);
	$sim->fault({ method => 'GET', path => '*/query', status => 200, content_type => 'application/json', body => '{"totalSize":2,"done":true,"records":[{"Id":"1"}]}' });
	fails('SELECT * FROM ' . q_sql('SELECT Id FROM Account'), '08P01', qr/gave 1 rows, but its totalSize is 2/);
	run('CREATE ROLE other; SET ROLE other');
	fails('SELECT * FROM ' . q_sql('SELECT Id FROM Account'), '42501', qr/^permission denied for foreign server sf$/);
	run('RESET ROLE; GRANT USAGE ON FOREIGN SERVER sf TO other; SET ROLE other');
	fails('SELECT * FROM ' . q_sql('SELECT Id FROM Account'), '42704', qr/^user mapping not found/);
	run('RESET ROLE');
	is(scalar @{ $sim->jobs }, 0, 'no job is left');
};

subtest 'pages and columns by bulk' => sub {
	run("ALTER SERVER sf OPTIONS (ADD page_rows '500')");
	# a page whose columns are others
	$sim->fault({ method => 'GET', path => '*/results', nth => 3, replace => { find => '"LastName"', with => '"FirstName"' } });
	my $e = fails('SELECT count(*) FROM ' . q_sql('SELECT Id, LastName FROM Contact', "'bulk'"), '08P01', qr/^result pages of a job have different columns$/);
	$sim->fault_clear;
	# one that breaks off is read again
	$sim->fault({ method => 'GET', path => '*/results', nth => 2, truncate => 2000 });
	is(run('SELECT count(*), count(DISTINCT j->>\'Id\') FROM ' . q_sql('SELECT Id, LastName FROM Contact', "'bulk'") . ' j'), '2500|2500', 'a page that broke off');
	$sim->fault_clear;
	# an org that does not describe the object: texts
	$sim->fault({ method => 'POST', path => '*/composite', status => 200, content_type => 'application/json', count => 0,
		body => '{"compositeResponse":[{"body":[{"errorCode":"NOT_FOUND","message":"no"}],"httpStatusCode":404,"referenceId":"r0"}]}' });
	is(run('SELECT DISTINCT jsonb_typeof(j->\'IsDeleted\') FROM ' . q_sql('SELECT IsDeleted FROM Contact', "'bulk'") . ' j'), 'string', 'without describes');
	$sim->fault_clear;
	is(scalar @{ $sim->jobs }, 0, 'no job is left');
};

$c->close;
$node->stop;
$sim->stop;
done_testing();
