# Random conditions: what Salesforce answers together with what is checked here must be exactly what
# PostgreSQL says of the same rows.
#
# The truth is a local copy, made without pushdown.  Every condition runs against it and against
# the foreign table by REST, by bulk, with its constants as parameters of a generic plan, as a
# count and under a LIMIT.  The seed is fixed, so a failure can be repeated; SFBULK_SEED and
# SFBULK_CONDITIONS choose others.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use SfRandom;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SFBULK_SEED} // 20261123;
my $conditions = $ENV{SFBULK_CONDITIONS} // 1000;
srand($seed);

my $sim = sfsim_start(rows => { Account => 300, Invoice__c => 600, Contact => 300 });
my $node = node_start('main');
# What is asked for shall not go for the room that answers take in the log.
$sim->set(log_body_kb => 16);
server_create($node, $sim);
server_create($node, $sim, name => 'plain', options => { pushdown => 'false' });
my %objects = (invoice__c => 'Invoice__c', account => 'Account', contact => 'Contact');
tables_import($node, sort keys %objects);
tables_import($node, (sort keys %objects), { schema => 'plain', server => 'plain' });
tables_import($node, (sort keys %objects), { schema => 'bulk' });
$node->safe_psql('postgres', join '', map { "ALTER FOREIGN TABLE bulk.$_ OPTIONS (transport 'bulk');" } keys %objects);

# a parent's fields, with parents that are missing
$node->safe_psql('postgres', <<'SQL');
ALTER FOREIGN TABLE sf.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
ALTER FOREIGN TABLE bulk.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
ALTER FOREIGN TABLE plain.invoice__c ADD account_name text OPTIONS (field 'Account__r.Name'),
	ADD account_revenue numeric OPTIONS (field 'Account__r.AnnualRevenue'),
	ADD account_deleted boolean OPTIONS (field 'Account__r.IsDeleted');
CREATE SCHEMA local;
CREATE TABLE local.invoice__c AS SELECT * FROM plain.invoice__c;
CREATE TABLE local.account AS SELECT * FROM plain.account;
CREATE TABLE local.contact AS SELECT * FROM plain.contact;
SQL

my $random = SfRandom->new($node, schema => 'local', tables => [ sort keys %objects ]);

# ---- run -----------------------------------------------------------------------------------------------

my (@wanted, @script);
my $digest = q{count(*) || ' ' || coalesce(md5(string_agg(id, ',' ORDER BY id)), '')};
push @script, "SET TimeZone = 'Europe/Vienna';", 'SET plan_cache_mode = force_generic_plan;';
for my $i (1 .. $conditions)
{
	my $table = pick('invoice__c', 'invoice__c', 'account', 'contact');
	my $generic = $i % 4 == 0;

	$random->parameters($generic);
	my $where = $random->condition([ [ $table, '' ] ], pick(0, 0, 1, 2));
	my ($parameters, $types) = $random->parameters(0);
	my @schemas = ('local', 'sf', $i % 8 == 0 ? 'bulk' : ());
	for my $schema (@schemas)
	{
		if ($generic && @$parameters)
		{
			push @script,
			  'PREPARE q(' . join(', ', @$types) . ") AS SELECT $i, '$schema rows', $digest FROM $schema.$table WHERE $where;",
			  'EXECUTE q(' . join(', ', @$parameters) . ');', 'DEALLOCATE q;';
		}
		else
		{
			push @script, "SELECT $i, '$schema rows', $digest FROM $schema.$table WHERE $where;";
			push @script, "SELECT $i, '$schema count', count(*) FROM $schema.$table WHERE $where;" if $i % 3 == 0;
			push @script,
			  "SELECT $i, '$schema limit', count(*) FROM (SELECT id FROM $schema.$table WHERE $where LIMIT 7) s;"
			  if $i % 3 == 1;
		}
	}
	$wanted[$i] = "$table WHERE $where" . ($generic ? ' with ' . join(', ', @$parameters) : '');
}

my $file = PostgreSQL::Test::Utils::tempdir() . '/conditions.sql';
open my $out, '>:raw', $file or die $!;
print $out "$_\n" for @script;
close $out;
my $output = '';
my $errors = '';
IPC::Run::run(
	[
		'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('postgres'), '-f', $file
	],
	'<', \undef, '>', \$output, '2>', \$errors) or diag "psql ended with $?";

is($errors, '', "no condition fails (seed $seed)") or diag substr $errors, 0, 4000;

my (%truth, %got);
for (split /\n/, $output)
{
	my ($i, $what, $result) = split /\|/;
	my ($schema, $kind) = split / /, $what;
	if ($schema eq 'local') { $truth{"$i $kind"} = $result; }
	else { push @{ $got{"$i $kind"} }, [ $schema, $result ]; }
}

my %compared;
my @wrong;
my $nonempty = 0;
for my $key (sort keys %got)
{
	my ($i, $kind) = split / /, $key;
	for (@{ $got{$key} })
	{
		my ($schema, $result) = @$_;
		$compared{"$schema $kind"}++;
		push @wrong, "$schema $kind of $wanted[$i]: got $result, not $truth{$key}" if $result ne ($truth{$key} // 'nothing');
	}
	$nonempty++ if $kind eq 'rows' && ($truth{$key} // '0') !~ /^0 /;
}
is(scalar @wrong, 0, 'the same rows with and without pushdown') or diag join "\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ];
cmp_ok($compared{'sf rows'} // 0, '==', $conditions, "all $conditions conditions were compared");
cmp_ok($compared{'bulk rows'} // 0, '>=', int($conditions / 8), 'by bulk, too');
cmp_ok($compared{'sf count'} // 0, '>', $conditions / 5, 'as counts, too');
cmp_ok($compared{'sf limit'} // 0, '>', $conditions / 5, 'under a LIMIT, too');
cmp_ok($nonempty, '>', $conditions / 4, 'many conditions have rows');

# Sent they were: most requests had a WHERE clause, some a LIMIT, some were counts.
my @sent = $sim->soql;
cmp_ok(scalar(grep { / WHERE / } @sent), '>', @sent / 2, 'most conditions were sent');
cmp_ok(scalar(grep { / LIMIT 7/ } @sent), '>', 0, 'a LIMIT was sent');
cmp_ok(scalar(grep { /SELECT COUNT\(\)/ } @sent), '>', 0, 'a count was sent');
is_deeply($sim->jobs, [], 'no job is left behind');

done_testing();
