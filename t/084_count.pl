# count(*) where REST cannot: a job that could read the rows' Ids counts, and nothing is downloaded.
use strict;
use warnings;

use SfFault;
use SfPsql;
use SfTest;
use Test::More;

my $t = SfFault->new('count');
my ($sim, $node, $c) = ($t->sim, $t->node, $t->backend);
my $slow = { %$query, query => '*COUNT*', error => 'query_timeout', count => 0 };
my $accounts = $c->value('SELECT count(*) FROM rest.account');

# The SOQL of jobs that were created; of a long one the beginning, as the log has it.
sub jobs_made
{
	return [ map { $_->{body} =~ /"query":"([^"]*)/ ? $1 : undef }
		  grep { $_->{method} eq 'POST' && $_->{path} =~ m{/jobs/query$} } @{ $sim->log } ];
}

# What came besides jobs: counts that REST was asked for, and rows.
sub asked
{
	return { map { $_->[0] => requests($sim->log, $_->[1]) }
		  [ rest => $query ], [ pages => $page ], [ links => $links ], [ deleted => $delete ] };
}

$t->run('a count that takes too long', by => 'auto', faults => $slow,
	sql => 'SELECT count(*) FROM %s.account', rows => $accounts,
	log => sub {
		is_deeply(jobs_made(), ['SELECT Id FROM Account'], 'one job');
		is_deeply(asked(), { rest => 1, pages => 0, links => 0, deleted => 1 },
			'no row is downloaded');
	});

$t->run('with conditions, joined to a parent', by => 'auto', faults => $slow,
	sql => q{SELECT count(*) FROM %s.contact c JOIN %s.account a ON a.id = c.accountid
		WHERE a.createddate > '2001-02-03' AND c.id IS NOT NULL},
	rows => $c->value(q{SELECT count(*) FROM (SELECT * FROM rest.contact OFFSET 0) c
		JOIN (SELECT * FROM rest.account OFFSET 0) a ON a.id = c.accountid
		WHERE a.createddate > '2001-02-03'}),
	log => sub {
		is(scalar @{ jobs_made() }, 1, 'one job');
		like(jobs_made()->[0],
			qr/^SELECT Id FROM Contact WHERE .*Account\.CreatedDate > 2001-02-03T/,
			'with all conditions');
		is(asked()->{pages}, 0, 'no row is downloaded');
	});

$t->run('by bulk', by => 'bulk', rows => $accounts, sql => 'SELECT count(*) FROM %s.account',
	log => sub {
		is_deeply(jobs_made(), ['SELECT Id FROM Account'], 'one job');
		is_deeply(asked(), { rest => 0, pages => 0, links => 0, deleted => 1 },
			'and nothing else');
	});

my $ids = join ', ', map { sprintf "'001%012d'", $_ } 1 .. 1000;
my $some = $c->value('SELECT id FROM rest.account ORDER BY id LIMIT 1');
$t->run('a query that makes no URI', by => 'auto', rows => 1,
	sql => "SELECT count(*) FROM %s.account WHERE id IN ($ids, '$some') OR numberofemployees = -12345",
	log => sub {
		is(scalar @{ jobs_made() }, 1, 'one job');
		is(asked()->{rest}, 0, 'REST is not asked');
	});

$t->run('a number that is wanted again and again', by => 'auto', faults => $slow, rows => 3 * $accounts,
	sql => 'SELECT sum(x.n) FROM generate_series(1, 3) g,
		LATERAL (SELECT count(*) + 0 * g AS n FROM %s.account) x',
	log => sub {
		is(scalar @{ jobs_made() }, 1, 'one job');
		is(asked()->{rest}, 1, 'one question');
	});

$t->run('EXPLAIN says what happened', by => 'auto', faults => $slow,
	sql => 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT count(*) FROM %s.account',
	rows => join("\n", 'Foreign Scan (actual rows=1 loops=1)', '  Output: (count(*))',
		'  Salesforce Object: Account', '  SOQL: SELECT COUNT() FROM Account',
		'  Transport: auto (a count is one request, or a job where REST cannot count)',
		'  Transport Used: bulk', '  Rows Received: 1'));

# ---- failures --------------------------------------------------------------------------------

$t->run('by REST alone', by => 'rest', faults => $slow, error => '57014',
	sql => 'SELECT count(*) FROM %s.account', message => qr/QUERY_TIMEOUT/,
	log => sub { is_deeply(jobs_made(), [], 'no job'); });
$t->run('another error', by => 'auto', error => '42703',
	faults => { %$query, query => '*COUNT*', status => 400,
		body => '[{"message":"no such thing","errorCode":"INVALID_FIELD"}]' },
	sql => 'SELECT count(*) FROM %s.account', message => qr/INVALID_FIELD/,
	log => sub { is_deeply(jobs_made(), [], 'no job'); });
$t->run('a job that fails', by => 'auto', error => 'HV000',
	faults => [ $slow, { %$create, job => { fail => 'InvalidBatch : too much' } } ],
	sql => 'SELECT count(*) FROM %s.account', message => qr/failed.*too much/);
$t->run('an object that jobs do not read', by => 'auto', error => '57014',
	faults => [ $slow, { %$create, status => 400,
			body => q([{"errorCode":"INVALIDENTITY","message":"Entity 'Account' is not
				supported by the Bulk API."}]) =~ s/\s+/ /gr } ],
	sql => 'SELECT count(*) FROM %s.account', message => qr/QUERY_TIMEOUT/,
	log => sub { is(asked()->{rest}, 1, 'REST is asked once'); });
$t->run('cancelled while the job counts', by => 'auto', error => '57014',
	faults => [ $slow, { %$create, job => { hold => 'InProgress' } } ],
	sql => 'SELECT count(*) FROM %s.account',
	during => sub {
		my (undef, $pid) = @_;
		$sim->wait_request(%$poll);
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	},
	message => qr/canceling statement due to user request/);

$t->finish;
done_testing();
