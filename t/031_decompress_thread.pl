# Large results are decompressed in a thread of the backend: the same rows with it and without, and no
# thread is left however the scan ends.
use strict;
use warnings;

use SfPsql;
use SfTest;
use Test::More;

my $rows = 20000;
my $sim = sfsim_start(rows => { Account => $rows });
my $node = node_start('main');
server_create($node, $sim, options => { transport => 'bulk' });
tables_import($node, 'account');
server_create($node, $sim, name => 'plain',
	options => { transport => 'bulk', compression => 'false' });
tables_import($node, 'account', { server => 'plain', schema => 'plain' });
$sim->set(page_rows => 5000);

my $c = SfPsql->new($node);
my $sum = 'count(*), sum(hashtextextended(a::text, 0)::numeric)';

sub threads
{
	opendir(my $dir, '/proc/' . $c->pid . '/task') or die "no threads to see: $!";
	return scalar grep { !/^\./ } readdir $dir;
}

# The processors that the backend may use decide whether there is a thread.
open(my $status, '<', '/proc/' . $c->pid . '/status') or die $!;
my ($cpus) = map { /^Cpus_allowed:\s+([0-9a-f,]+)/ ? $1 : () } <$status>;
my $with = ($cpus =~ tr/0-9a-f//cdr) =~ /^0*[1248]0*$/ ? 1 : 2;
note("threads expected while a result is decompressed: $with");

my $expected = $c->value("SELECT $sum FROM plain.account a");
like($expected, qr/^$rows\|/, 'what was not compressed');
is(threads(), 1, 'needs no thread');

is($c->value("SELECT $sum FROM sf.account a"), $expected, 'the same rows with a thread');
is(threads(), 1, 'which is gone afterwards');
$c->value('SET sfbulk_fdw.decompress_thread = off');
is($c->value("SELECT $sum FROM sf.account a"), $expected, 'the same rows without one');

# Where in a scan it is there, and how it ends.
sub open_cursor
{
	$c->value('BEGIN; DECLARE c CURSOR FOR SELECT * FROM sf.account; MOVE 7000 IN c');
	return;
}

open_cursor();
is(threads(), 1, 'no thread while the setting is off');
$c->value('COMMIT; RESET sfbulk_fdw.decompress_thread');

open_cursor();
is(threads(), $with, 'a thread in the middle of a scan');
$c->value('CLOSE c');
is(threads(), 1, 'none after the cursor is closed');
$c->value('COMMIT');

open_cursor();
$c->value('ROLLBACK');
is(threads(), 1, 'none after a rollback');

is($c->query('SELECT count(1 / (length(a::text) * 0 + n - 9000)) FROM
	(SELECT a, row_number() OVER () AS n FROM sf.account a) s')->{error}{sqlstate},
	'22012', 'an error in the middle of a scan');
is(threads(), 1, 'none after an error');

open_cursor();
$c->begin('SELECT pg_sleep(1000)');
wait_for('the backend to sleep',
	sub { $node->safe_psql('postgres', 'SELECT wait_event FROM pg_stat_activity WHERE pid = '
			. $c->pid) eq 'PgSleep' });
$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $c->pid . ')');
is($c->end->{error}{sqlstate}, '57014', 'a cancel, which reaches the backend and not the thread');
$c->value('ROLLBACK');
is(threads(), 1, 'none after a cancel');

# Downloads that break while the thread works on what came before.
for my $nth (1, 3)
{
	for my $how ([ 'is cut', { truncate => 200_000 } ], [ 'ends early', { gzip_cut => 200_000 } ])
	{
		$sim->reset;
		$sim->set(page_rows => 5000);
		$sim->fault({ method => 'GET', path => '*/results', nth => $nth, count => 1,
			%{ $how->[1] } });
		is($c->value("SELECT $sum FROM sf.account a"), $expected, "page $nth $how->[0] once");
		is($sim->control('GET', 'faults')->[0]{fired}, 1, 'which it did');
		is(threads(), 1, 'and no thread is left');
	}
}
is_deeply($sim->jobs, [], 'no job is left');

# A backend that ends in the middle of a scan does so in order.
open_cursor();
$c->close;
wait_for('the backend to end', sub { !-d '/proc/' . $c->pid });
is_deeply($sim->jobs, [], 'and takes its job with it');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server goes on');

done_testing();
