# The objects of the simulated org over HTTP: describes, rows that fit together, and --schema.
use strict;
use warnings;

use SfTest;
use Test::More;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IPC::Run qw(run);
use JSON::PP;

my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8;

sub write_file
{
	my ($name, $text) = @_;
	open my $f, '>', "$dir/$name" or die "$dir/$name: $!";
	print $f $text;
	close $f;
	return "$dir/$name";
}

# What a describe of another org may look like: two objects that point to each other, one unknown target.
my @file = (
	{
		name => 'Depot__c', label => 'Depot', labelPlural => 'Depots', keyPrefix => 'a7Z',
		custom => JSON::PP::true, feedEnabled => JSON::PP::true,
		childRelationships => [ {
			childSObject => 'Crate__c', field => 'Depot__c', relationshipName => 'Boxes__r',
			cascadeDelete => JSON::PP::true, restrictedDelete => JSON::PP::false
		} ],
		fields => [
			{ name => 'Id', type => 'id', nillable => JSON::PP::false },
			{ name => 'Name', type => 'string', length => 80, nameField => JSON::PP::true },
			{ name => 'City__c', type => 'picklist', length => 255, picklistValues =>
				[ map { { value => $_, label => "The $_", active => JSON::PP::true } } qw(Bonn Ulm) ] },
			{ name => 'Planet__c', type => 'reference', referenceTo => ['Planet__c'],
				relationshipName => 'Planet__r' }
		]
	},
	{
		name => 'Crate__c', label => 'Crate', labelPlural => 'Crates',
		fields => [
			{ name => 'Id', type => 'id', nillable => JSON::PP::false },
			{ name => 'Name', type => 'string', length => 80, autoNumber => JSON::PP::true,
				createable => JSON::PP::false, updateable => JSON::PP::false },
			{ name => 'Depot__c', type => 'reference', referenceTo => ['Depot__c'],
				relationshipName => 'Depot__r', nillable => JSON::PP::false,
				cascadeDelete => JSON::PP::true, relationshipOrder => 0 },
			{ name => 'Weight__c', type => 'double', precision => 7, scale => 2 }
		]
	});
my $schema = write_file('depot.json', $json->encode({ sobjects => \@file }));

my $sim = sfsim_start(
	rows => { Depot__c => 40, Crate__c => 300, Account => 50 },
	args => [ '--schema', $schema, '--env' ]);
my $http = HTTP::Tiny->new(timeout => 60);
my $data = $sim->url . '/services/data/v59.0';

sub get
{
	my ($path) = @_;
	my $r = $http->get("$data$path", { headers => { Authorization => 'Bearer ' . $sim->env('SF_TOKEN') } });
	return ($r->{status}, $json->decode($r->{content}));
}

sub rows
{
	my ($soql) = @_;
	$soql =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
	my ($status, $answer) = get("/query?q=$soql");
	return $status == 200 ? $answer->{records} : $answer;
}

sub describe { return (get("/sobjects/$_[0]/describe"))[1]; }
sub field
{
	my ($of, $name) = @_;
	my ($f) = grep { $_->{name} eq $name } @{ $of->{fields} };
	return $f;
}

# ---- the list ----

my (undef, $global) = get('/sobjects');
my @names = map { $_->{name} } @{ $global->{sobjects} };
is_deeply(\@names, [ sort @names ], 'objects are listed by name');
my %there = map { $_ => 1 } @names;
is_deeply([ grep { !$there{$_} } qw(Account Contact Lead Opportunity OpportunityLineItem Case Task Event User
	Product2 Pricebook2 PricebookEntry RecordType Attachment OpportunityContactRole Group Profile Organization
	Invoice__c Line__c Depot__c Crate__c Planet__c) ], [], 'all of them');
my ($user) = grep { $_->{name} eq 'User' } @{ $global->{sobjects} };
ok(!$user->{deletable} && $user->{createable} && !$user->{undeletable}, 'users cannot be deleted');

# ---- describes ----

my $account = describe('Account');
is_deeply([ map { $_->{name} } @{ $account->{fields} }[ 0 .. 8 ] ],
	[ qw(Id IsDeleted MasterRecordId Name Type RecordTypeId ParentId BillingStreet BillingCity) ],
	'fields come in the order of a real describe');
my @children = grep { $_->{childSObject} eq 'Opportunity' } @{ $account->{childRelationships} };
is_deeply([ map { "$_->{field} $_->{relationshipName}" } @children ], ['AccountId Opportunities'], 'children');
is_deeply([ map { $_->{developerName} } @{ $account->{recordTypeInfos} } ],
	[ qw(Business Reseller Branch_Office Master) ], 'record types');
is_deeply([ map { "$_->{DeveloperName} $_->{Id}" } @{ rows('SELECT Id, DeveloperName FROM RecordType ORDER BY Id') } ],
	[ map { "$_->{developerName} $_->{recordTypeId}" } @{ $account->{recordTypeInfos} }[ 0 .. 2 ] ],
	'the same as in RecordType');
my $market = field($account, 'Market__c');
is($market->{controllerName}, 'Region__c', 'a dependent picklist');
is_deeply([ map { $_->{validFor} } @{ $market->{picklistValues} }[ 0, 2 ] ], [ qw(gAAA QAAA) ], 'and its bits');
my $case = describe('Case');
ok($case->{urls}{caseArticleSuggestions} && !$case->{urls}{namedLayouts}, 'links that only cases have');
is_deeply($account->{fields}[0]{referenceTo}, [], 'lists are there when they are empty');

# ---- rows ----

is(substr(rows('SELECT Id FROM Organization')->[0]{Id}, 0, 15), substr($sim->env('SF_TOKEN'), 0, 15),
	'the organization is that of the session');
my @cases = grep { $_->{Contact} }
  @{ rows('SELECT Id, AccountId, ContactEmail, Contact.AccountId, Contact.Email FROM Case LIMIT 100') };
cmp_ok(scalar @cases, '>', 50, 'cases have contacts');
is_deeply([ grep { ($_->{AccountId} // '') ne ($_->{Contact}{AccountId} // '')
	|| ($_->{ContactEmail} // '') ne ($_->{Contact}{Email} // '') } @cases ], [], 'and the account of theirs');
my $lines = rows('SELECT Id, Quantity, UnitPrice, TotalPrice, Product2Id, PricebookEntry.Product2Id,'
	. ' Opportunity.HasOpportunityLineItem FROM OpportunityLineItem LIMIT 50');
is_deeply([ grep { abs($_->{Quantity} * $_->{UnitPrice} - $_->{TotalPrice}) > 0.005
	|| $_->{Product2Id} ne $_->{PricebookEntry}{Product2Id} || !$_->{Opportunity}{HasOpportunityLineItem} } @$lines ],
	[], 'products of an opportunity fit to their prices');
is(rows('SELECT Id FROM Line__c WHERE Invoice__c = null')->[0], undef, 'a detail has a master');

# ---- --schema ----

my $depot = describe('Depot__c');
for my $key (qw(label labelPlural keyPrefix custom feedEnabled))
{
	is($depot->{$key}, $file[0]{$key}, "Depot__c: $key as in the file");
}
for my $f (@{ $file[0]{fields} })
{
	my $mine = field($depot, $f->{name});
	is($json->canonical->encode($mine->{$_}), $json->canonical->encode($f->{$_}), "Depot__c.$f->{name}: $_ as in the file")
	  for sort keys %$f;
}
my $crate = describe('Crate__c');
my $crates = rows('SELECT Id, Name, Weight__c, Depot__r.Name FROM Crate__c');
is(@$crates, 300, 'its rows are there');
is_deeply([ grep { !$_->{Depot__r}{Name} || $_->{Name} !~ /^\d{8}$/ } @$crates ], [], 'with values by type');
my ($depots) = grep { $_->{Boxes__r} } @{ rows('SELECT Id, (SELECT Id, Depot__c FROM Boxes__r) FROM Depot__c') };
is($depots->{Boxes__r}{records}[0]{Depot__c}, $depots->{Id}, 'the way back has the name of the file');
my ($task) = grep { $_->{Who} } @{ rows("SELECT Id, WhoId, Who.Type, Who.Name FROM Task WHERE Who.Type = 'Lead' LIMIT 5") };
like($task->{WhoId}, qr/^00Q/, 'polymorphic references lead to one of their objects');
is(rows('SELECT Id FROM Depot__c LIMIT 1')->[0]{Id} =~ /^a7Z/ ? 1 : 0, 1, 'ids begin with its prefix');

# ---- fields that go and come while it runs ----

sub schema { return $sim->control('POST', 'schema', $_[0]); }
sub refusal { my $r = rows($_[0]); return ref $r eq 'ARRAY' && $r->[0]{errorCode} ? $r->[0]{errorCode} : ''; }
my ($id, $weight) = @{ $crates->[0] }{qw(Id Weight__c)};
my $soql = "SELECT Id, Weight__c FROM Crate__c WHERE Id = '$id'";
is(rows($soql)->[0]{Weight__c}, $weight, 'a field before it goes');
schema({ object => 'crate__c', field => 'weight__c', hidden => JSON::PP::true });
is(field(describe('Crate__c'), 'Weight__c'), undef, 'a hidden field is in no describe');
is(refusal($soql), 'INVALID_FIELD', 'and in no query');
ok(!exists((get("/sobjects/Crate__c/$id"))[1]->{Weight__c}), 'nor in a row');
my $patch = $http->request('PATCH', "$data/sobjects/Crate__c/$id", { content => '{"Weight__c": 1}', headers =>
	{ Authorization => 'Bearer ' . $sim->env('SF_TOKEN'), 'Content-Type' => 'application/json' } });
like($patch->{content}, qr/No such column 'Weight__c' on sobject of type Crate__c/, 'nor can it be written');
schema({ object => 'Contact', field => 'AccountId', hidden => JSON::PP::true });
is(refusal('SELECT Account.Name FROM Contact'), 'INVALID_FIELD', 'a hidden lookup leads nowhere');
is(refusal('SELECT (SELECT Id FROM Contacts) FROM Account'), 'INVALID_TYPE', 'and not back');
ok(!(grep { $_->{childSObject} eq 'Contact' && $_->{field} eq 'AccountId' } @{ describe('Account')->{childRelationships} }),
	'nor do describes tell of it');
schema({ object => 'Crate__c', field => 'Weight__c', hidden => JSON::PP::false });
is(rows($soql)->[0]{Weight__c}, $weight, 'shown again it has its value');
schema({ object => 'Crate__c', field => 'Weight__c', describe => { filterable => JSON::PP::false, length => 7 } });
is(refusal('SELECT Id FROM Crate__c WHERE Weight__c > 1'), 'INVALID_FIELD', 'a field that is no longer filterable');
is(field(describe('Crate__c'), 'Weight__c')->{length}, 7, 'describes say what they are told');
is(scalar @{ $sim->control('GET', 'schema') }, 2, 'the changes are listed');
for ([ { object => 'Crate__c', field => 'Id', hidden => JSON::PP::true }, qr/every user sees Crate__c\.Id/ ],
	[ { object => 'Crate__c', field => 'Nix__c' }, qr/there is no field \\"Nix__c\\" of \\"Crate__c/ ],
	[ { object => 'Crate__c', field => 'Weight__c', hide => JSON::PP::true }, qr/not \\"hide/ ])
{
	ok(!eval { schema($_->[0]); 1 } && $@ =~ $_->[1], "refused: $_->[1]") or diag $@;
}
is($sim->control('DELETE', 'schema')->{removed}, 2, 'all as at the start');
is($json->canonical->encode(describe('Crate__c')->{fields}), $json->canonical->encode($crate->{fields}),
	'and in describes as well');
$sim->stop;

my $sfsim = $ENV{SFSIM} || './sfsim';
for (
	[ '{"name":"Foo__c","keyPrefix":"001","fields":[]}', qr/Foo__c: the key prefix "001" is that of Account/ ],
	[ '{"name":"Foo__c","fields":[{"name":"Bar__c","type":"nix"}]}', qr/Foo__c\.Bar__c: "nix" is no type/ ],
	[ '{"name":"Foo', qr/line 1: not JSON/ ])
{
	my ($text, $message) = @$_;
	my $bad = write_file('bad.json', $text);
	run [ $sfsim, '--schema', $bad ], '<', \undef, '>', \my $out, '2>', \my $err;
	is($? >> 8, 2, 'a file that is refused ends the program');
	like($err, qr/^sfsim: --schema \Q$bad\E: $message/, 'with a text that says why');
}

done_testing();
