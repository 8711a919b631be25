# Random changes of an org before, during and after syncs, on the org's own clock: the copy must be what the
# org holds.
#
# The truth is the org itself, read whole without conditions.  After every sync each record that was not
# touched while it ran must be in the copy as it is in the org; one that was touched may still be in its old
# state, but only if the next sync will find it: its SystemModstamp must not be before what that one asks for.
# Records that were deleted for good stay until a sync repairs.
#
# The seed is fixed, so a failure can be repeated; SFB_SEED and SFB_ROUNDS choose others.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfChanges;
use SfPsql;
use SfRandom;
use SfTest;
use Test::More;

my $seed = $ENV{SFB_SEED} // 20261127;
my $rounds = $ENV{SFB_ROUNDS} // 500;
srand($seed);
note "SFB_SEED=$seed SFB_ROUNDS=$rounds";

my $object = 'Thing__c';
my $limit = 25; # rows that come by REST

my $dir = tempdir(CLEANUP => 1);
open my $file, '>:raw', "$dir/schema.json" or die $!;
print $file SfChanges::schema($object, 'a7T');
close $file;

my $sim = sfsim_start(rows => { $object => 60 }, args => [ '--schema', "$dir/schema.json" ]);
my $node = node_start('main');
server_create($node, $sim, options => { rest_row_limit => $limit });
tables_import($node, 'thing__c');
tables_import($node, 'thing__c', { schema => 'truth' });
tables_import($node, 'thing__c', { schema => 'hard' });
$node->safe_psql('postgres', q{
	ALTER FOREIGN TABLE truth.thing__c OPTIONS (transport 'rest', pushdown 'false', page_rows '2000');
	ALTER FOREIGN TABLE hard.thing__c OPTIONS (hard_delete 'true');
	-- what is not as it should be; c is the copy, o the org
	CREATE FUNCTION wrong(OUT id text, OUT what text, OUT stamp timestamptz) RETURNS SETOF record LANGUAGE plpgsql AS $$
	BEGIN
		RETURN QUERY
		WITH o AS MATERIALIZED (SELECT t.id, t::text AS whole, t.systemmodstamp FROM truth.thing__c t),
			c AS MATERIALIZED (SELECT t.id, t::text AS whole FROM public.thing t)
		SELECT coalesce(o.id, c.id), CASE WHEN c.id IS NULL THEN 'missing' WHEN o.id IS NULL THEN 'extra' ELSE 'old' END,
			o.systemmodstamp
		  FROM o FULL JOIN c ON o.id = c.id WHERE o.whole IS DISTINCT FROM c.whole ORDER BY 1;
	END $$});

# Time goes by: at once, within a second, a few, minutes, and hours in which sessions end.
my @while = (0, 0, 0.3, 1, 2, 7, 45, 100);
my @between = (@while, @while, 60, 600, 601, 3600, 20000);

my $started = time;
my %seen;	# what has been done, for the figures at the end
my @failures;

# ---- one sync ----------------------------------------------------------------------------------------------

# Requests of a sync at which others may get in between; rows is what must be there for it to come to them.  What
# is changed up to a point that has "reads" is in this very sync; what is deleted is, up to the last of them.
my %points = (
	'before the describe' => { hold => { path => '*/composite', hold => 'before' }, reads => 1 },
	'after the describe' => { hold => { path => '*/composite', hold => 'after' }, reads => 1 },
	'before the changed rows' => { hold => { method => 'GET', path => '*/query', hold => 'before' }, reads => 1 },
	'after the changed rows' => { hold => { method => 'GET', path => '*/query', hold => 'after' } },
	'before the job' => { hold => { method => 'POST', path => '*/jobs/query', hold => 'before' }, rows => 'bulk', reads => 1 },
	'before the job runs' => { job => 'UploadComplete', rows => 'bulk' },
	'while the job runs' => { job => 'InProgress', rows => 'bulk' },
	'between pages of the job' => { hold => { path => '*/results', nth => 2, hold => 'before' }, rows => 'bulk' },
	'before the deleted rows' => { hold => { method => 'GET', path => '*/queryAll', hold => 'before' } },
	'after the deleted rows' => { hold => { method => 'GET', path => '*/queryAll', hold => 'after' } });

package Run
{
	# What syncs a copy: new(session, org, the least overlap of all its runs in seconds)
	sub new
	{
		my ($class, $sql, $org, $overlap) = @_;
		return bless { sql => $sql, org => $org, overlap => $overlap, name => '' }, $class;
	}

	sub call
	{
		my ($self, %options) = @_;
		my $list = join '', map { ", $_ => $options{$_}" } sort keys %options;
		return "CALL sfbulk_sync('sf.thing__c', 'public.thing', overlap => '$self->{overlap} seconds'$list)";
	}

	sub fail
	{
		my ($self, $what) = @_;
		push @failures, "$self->{name}: $what";
		return;
	}

	# Everything that is wrong but may be: what was touched meanwhile and will be found, and what is gone for good.
	sub check
	{
		my ($self, $touched, $point) = @_;
		my $reads = $point && $points{$point}{reads};
		my $deletes = $point && $point ne 'after the deleted rows';
		my $purged = $self->{org}->purged;
		my $result = $self->{sql}->query(qq{
			SELECT w.id, w.what, w.stamp, w.stamp >= s.watermark - interval '$self->{overlap} seconds', s.watermark
			  FROM wrong() w, sfbulk_sync_state s WHERE s.target = 'public.thing'::regclass});

		return $self->fail($result->{messages}) if $result->{error};
		for (split /\n/, $result->{rows})
		{
			my ($id, $what, $stamp, $found, $watermark) = split /\|/;
			next if $what eq 'extra' && $purged->{$id};
			my $due = $what eq 'extra' ? $deletes : $reads;
			next if $touched->{$id} && !$due && ($what eq 'extra' || $found eq 't');
			$self->fail("$what: $id"
				  . ($due ? " touched $point"
					: $touched->{$id} ? " of $stamp, which nobody will ask for again" : ', which nobody has touched')
				  . " (watermark $watermark)");
		}
		return;
	}

	# One sync without anybody else.
	sub sync
	{
		my ($self, %options) = @_;
		$self->{org}->touched;
		my $result = $self->{sql}->query($self->call(%options));
		return $self->fail($result->{messages}) if $result->{error};
		$self->{org}->noticed if $options{repair} || $options{full_refresh_every};
		$self->check({});
		return $result;
	}

	# One sync, stopped at a point, where $meanwhile changes something.
	sub sync_at
	{
		my ($self, $point, $meanwhile, %options) = @_;
		my $at = $points{$point};
		my %purged_before = %{ $self->{org}->purged };

		$self->{org}->touched;
		$sim->log_clear;
		if ($at->{hold})
		{
			$sim->fault({ %{ $at->{hold} }, count => 1, name => 'point' });
		}
		else
		{
			$sim->fault({ method => 'POST', path => '*/jobs/query', count => 1, name => 'point',
				job => { hold => $at->{job} } });
		}
		$self->{sql}->begin($self->call(%options));
		# held, or a job's state was asked for once; a sync that does not come to it is not waited for for long
		my $reached = eval {
			$sim->control('GET', 'wait?timeout_ms=20000&' . ($at->{hold} ? "state=held&path=$at->{hold}{path}"
					: 'method=GET&path=*/jobs/query/750*'));
			1;
		};
		$meanwhile->() if $reached;
		my $faults = $sim->control('GET', 'faults');
		$sim->release;
		$sim->fault_clear;
		my $result = $self->{sql}->end;
		return $self->fail("$point: $result->{messages}") if $result->{error};
		return $self->fail("$point was not reached") if !$reached || !$faults->[0]{fired};
		$seen{$point}++;
		$self->check($self->{org}->touched, $point);
		if ($options{repair} || $options{full_refresh_every})
		{
			# those that went before it began
			delete @{ $self->{org}->purged }{ keys %purged_before };
		}
		return $result;
	}

	# One sync that fails at a request; the copy and its state stay as they were.
	sub sync_failing
	{
		my ($self, $fault, %options) = @_;
		my $state = q{SELECT (SELECT watermark FROM sfbulk_sync_state WHERE target = 'public.thing'::regclass),
			md5(string_agg(t::text, ',' ORDER BY id)), sum(('x' || md5(xmin::text))::bit(32)::bigint) FROM public.thing t};
		my $before = $self->{sql}->value($state);

		$sim->fault({ %$fault, count => 0, name => 'failure' });
		my $result = $self->{sql}->query($self->call(%options));
		my $fired = $sim->control('GET', 'faults')->[0]{fired};
		$sim->fault_clear;
		return 0 if !$fired;
		$seen{'failed'}++;
		$self->fail('no error, though a request failed') if !$result->{error};
		$self->fail('a sync that failed has changed something') if $self->{sql}->value($state) ne $before;
		return 1;
	}
}

# ---- the org and its first copy --------------------------------------------------------------------------------

my $first = SfPsql->new($node);
my $second = SfPsql->new($node);
$_->value("SET statement_timeout = '60s'; SET sfbulk_fdw.write_summary = off") for $first, $second;
my $org = SfChanges->new($sim, object => $object, sql => $second, hard => 'hard.thing__c');
$sim->set(hard_delete => JSON::PP::true, page_rows => 10, log_body_kb => 4, log_mb => 8);
my $run = Run->new($first, $org, 60);
$run->{name} = 'first sync';
$run->sync;
is_deeply(\@failures, [], 'the first sync makes the copy') or BAIL_OUT('nothing to go on with');

sub one_of { my ($rows) = @_; return pick(grep { ($points{$_}{rows} // 'rest') eq $rows } sort keys %points); }

# What fails, so that there is nothing to be retried: the describe, the rows, a page, the deleted ones.
my @faults = (
	{ path => '*/composite', error => 'not_found' },
	{ method => 'GET', path => '*/query', status => 400, body => '[{"errorCode":"MALFORMED_QUERY","message":"no"}]' },
	{ method => 'GET', path => '*/queryAll', error => 'not_found' },
	{ path => '*/results', error => 'invalid_locator' },
	{ method => 'POST', path => '*/jobs/query', job => { fail => 'InternalServerError' } });

# ---- rounds ------------------------------------------------------------------------------------------------------

my $last;
for my $round (1 .. $rounds)
{
	$run->{name} = $last = "round $round";
	my $kind = rand;
	my %options;
	$options{repair} = 'true' if chance(0.06);
	$options{full_refresh_every} = "'0'" if !%options && chance(0.03);
	$org->{late} = chance(0.5) ? 60 : 0;

	if ($kind < 0.12)
	{
		# so many changes that the rows come as the point wants them
		my $point = one_of(pick('rest', 'bulk'));
		delete $options{full_refresh_every};
		$org->pass(130);
		$run->sync; # so that no earlier change is asked for again
		$org->update($points{$point}{rows} ? $limit + 10 : 5);
		$org->pass(@while);
		$run->sync_at($point, sub {
			$org->pass(@while);
			$org->change(1 + int rand 6);
			$org->pass(@while);
		}, %options);
	}
	elsif ($kind < 0.17)
	{
		$org->update(15) if chance(0.5);
		$org->update($limit + 10) if chance(0.3);
		$org->change(4);
		$run->sync_failing(pick(@faults));
		$org->pass(@while);
		$org->change(2) if chance(0.5);
		$run->sync(%options);
	}
	else
	{
		# as many changes as go by REST, or by bulk; often none at all
		$org->change(pick(0, 1, 1, 2, 3, 5, 10, chance(0.1) ? 60 : 4));
		$org->pass(@while);
		$run->sync(%options);
	}
	$seen{ join ' ', map { "$_" } sort keys %options }++ if %options;
	$org->pass(@between);
	last if @failures > 20;
}

is($last, "round $rounds", "all $rounds rounds (seed $seed)");
$run->{name} = 'the last sync';
$run->sync(repair => 'true');
is($first->value('SELECT count(*) FROM wrong()'), '0', 'after the last sync the copy is what the org holds');
is($first->value('SELECT count(*) FROM thing'), scalar(keys %{ $org->{live} }), 'all of it');

# ---- the second of the watermark, and what is seen late -------------------------------------------------------------
#
# Without any overlap whatever was changed in the second of the watermark is still found; with one, also what was
# saved exactly so long before it.

my $edges = int($rounds / 6);
for my $overlap (0, 30)
{
	$run->{overlap} = $overlap;
	for my $round (1 .. $edges)
	{
		$run->{name} = "overlap $overlap, round $round";
		$org->{late} = $overlap;
		$org->change(1 + int rand 4) if chance(0.7);
		my $kind = rand;
		if ($kind < 0.3)
		{
			my $point = one_of('rest');
			$run->sync_at($point, sub { $org->change(1 + int rand 4); $org->pass(0, 0, 1, 2, 40); });
		}
		elsif ($kind < 0.45)
		{
			$run->sync_failing(pick(@faults[ 0 .. 2 ]));
			$org->pass(0, 0, 0.7, 1, 31);
			$org->change(1) if chance(0.5);
			$run->sync;
		}
		else
		{
			$run->sync;
		}
		# the same second, or one behind it
		$org->change(1 + int rand 3);
		$org->pass(0, 0, 0, 0.4, 1, 2, 31);
		last if @failures > 20;
	}
	$run->{name} = "overlap $overlap, the last sync";
	$run->sync(repair => 'true');
	is($first->value('SELECT count(*) FROM wrong()'), '0', "overlap $overlap: the copy is what the org holds");
}

is(scalar @failures, 0, 'after each sync') or diag join "\n", "SFB_SEED=$seed", @failures;
note time - $started, ' s';
note join "\n", map { "$_: $seen{$_}" } sort keys %seen;
SKIP:
{
	skip 'few rounds', 1 if $rounds < 400;
	is_deeply([ grep { !$seen{$_} } 'failed', 'repair', 'full_refresh_every', keys %points ], [], 'everything was tried');
}
is_deeply($sim->jobs, [], 'no job is left behind');
$_->close for $first, $second;
$node->stop;
done_testing();
