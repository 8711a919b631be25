# Options that change what a statement sends: assignment rules, hard deletion, lookups by external id, in
# both ways that rows can go.
use strict;
use warnings;

use JSON::PP;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 3, Contact => 5, Case => 0, Lead => 0, Task => 0 });
my $node = node_start('write_options');

server_create($node, $sim);
tables_import($node, 'account', 'contact', '"case"', 'lead', 'task');

# The requests that match, of what came since the last call.
sub requests
{
	my ($pattern) = @_;
	my @found = @{ $sim->log($pattern) };
	$sim->log_clear;
	return @found;
}

sub query
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# ---- assignment rules

my $rule = '01Q5g000000Rule';
query(qq{ALTER FOREIGN TABLE sf."case" OPTIONS (ADD assignment_rule_id '$rule')});
requests(qr/./);
query(q{INSERT INTO sf."case" (subject) VALUES ('by a call')});
my ($call) = requests(qr{^POST .*/composite/sobjects});
is($call->{headers}{'Sforce-Auto-Assign'}, $rule, 'the rule of a call is a header');

query(q{ALTER FOREIGN TABLE sf."case" OPTIONS (ADD transport 'bulk')});
query(q{INSERT INTO sf."case" (subject) VALUES ('by a job')});
my ($job) = requests(qr{^POST .*/jobs/ingest});
is(decode_json($job->{body})->{assignmentRuleId}, $rule, 'the rule of a job is in its body');
is(query(q{SELECT string_agg(subject, ',' ORDER BY subject) FROM sf."case"}), 'by a call,by a job',
	'both were made');

query(q{INSERT INTO sf.lead (lastname, company, email) VALUES ('L', 'C', 'l@example.com')});
($call) = requests(qr{^POST .*/composite/sobjects});
ok(!exists $call->{headers}{'Sforce-Auto-Assign'}, 'without the option nothing is said of rules');

# ---- hard deletion: by a job, however few rows there are

query(q{ALTER FOREIGN TABLE sf.contact OPTIONS (ADD hard_delete 'true')});
my $id = query('SELECT id FROM sf.contact LIMIT 1');
my ($rc, $out, $err) = $node->psql('postgres', "DELETE FROM sf.contact WHERE id = '$id'");
like($err, qr/ERROR: .*FEATURENOTENABLED/, 'the user needs a permission for it');
is(query('SELECT count(*) FROM sf.contact'), 5, 'without it nothing is deleted');
$sim->set(hard_delete => JSON::PP::true);
requests(qr/./);
query("DELETE FROM sf.contact WHERE id = '$id'");
($job) = requests(qr{^POST .*/jobs/ingest});
is(decode_json($job->{body})->{operation}, 'hardDelete', 'the operation of the job');
is(query('SELECT count(*) FROM sf.contact'), 4, 'the record is gone');
query(q{CREATE FOREIGN TABLE bin (id text, isdeleted boolean) SERVER sf
	OPTIONS (object 'Contact', query_all 'true')});
is(query("SELECT count(*) FROM bin WHERE id = '$id'"), 0, 'and not in the recycle bin');

# ---- lookups

query(q{ALTER FOREIGN TABLE sf.task ADD COLUMN who text OPTIONS (field 'Lead:Who.Email')});
for my $by ('rest', 'bulk')
{
	query(qq{ALTER FOREIGN TABLE sf.task OPTIONS (ADD transport '$by')});
	requests(qr/./);
	query(qq{INSERT INTO sf.task (subject, who) VALUES ('$by', 'l\@example.com')});
	my ($sent) = requests($by eq 'rest' ? qr{^POST .*sobjects} : qr{^PUT });
	if ($by eq 'rest')
	{
		is_deeply(
			decode_json($sent->{body})->{records}[0]{Who},
			{ attributes => { type => 'Lead' }, Email => 'l@example.com' },
			'rest: the object is named with the lookup');
	}
	else
	{
		is($sent->{body}, "Subject,Lead:Who.Email\nbulk,l\@example.com\n",
			'bulk: the object is named in the header');
	}
	is(query(qq{SELECT t.whoid = l.id FROM sf.task t, sf.lead l WHERE t.subject = '$by'}), 't',
		"$by: the task has the lead");
	query(q{ALTER FOREIGN TABLE sf.task OPTIONS (DROP transport)});
}
is(query(q{SELECT count(*) FILTER (WHERE who IS NULL), count(*) FROM sf.task}), '2|2',
	'such a column reads as null');

done_testing();
