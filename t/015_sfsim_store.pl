# Rows of sfsim that cannot be written: switches and locks of the control endpoint, as clients see them.
use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 20, Contact => 20 });
my $http = HTTP::Tiny->new(
	default_headers => {
		'Authorization' => 'Bearer ' . $sim->env('SF_TOKEN'),
		'Content-Type' => 'application/json'
	});
my $json = JSON::PP->new->utf8->canonical;

# The status and the decoded body of a request below /services/data/v62.0/sobjects.
sub call
{
	my ($method, $path, $data) = @_;
	my $answer = $http->request(
		$method,
		$sim->url . "/services/data/v62.0/sobjects/$path",
		defined $data ? { content => $json->encode($data) } : {});
	return [
		$answer->{status} + 0,
		length $answer->{content} ? $json->decode($answer->{content}) : undef
	];
}

# What a call gives that fails with one error.
sub failure
{
	my ($code, $message, @fields) = @_;
	return [ 400, [ { errorCode => $code, message => $message, fields => \@fields } ] ];
}

my $account = call('POST', 'Account', { Name => 'Held' })->[1]{id};
my $contact = { LastName => 'Child', AccountId => $account };
my $busy =
  failure('UNABLE_TO_LOCK_ROW', "unable to obtain exclusive access to this record or 1 records: $account");

# ---- locks

is_deeply($sim->control('POST', 'locks', { ids => [ substr $account, 0, 15 ] }),
	[ { id => $account, approval => JSON::PP::false } ], 'a row is held');
is_deeply(call('PATCH', "Account/$account", { Name => 'x' }), $busy, 'it cannot be changed');
is_deeply(call('DELETE', "Account/$account"), $busy, 'nor deleted');
is_deeply(call('POST', 'Contact', $contact), $busy, 'nor get a child');
is_deeply($sim->control('DELETE', "locks/$account"), { removed => 1 }, 'it is let go');
is(call('PATCH', "Account/$account", { Name => 'x' })->[0], 204, 'and can be changed');

$sim->control('POST', 'locks', { ids => [$account], approval => JSON::PP::true });
is_deeply(
	call('PATCH', "Account/$account", { Name => 'y' }),
	failure('ENTITY_IS_LOCKED', 'the entity is locked for editing'),
	'a row that waits for an approval cannot be changed');
is(call('POST', 'Contact', $contact)->[0], 201, 'but get a child');
$sim->reset;
is_deeply($sim->control('GET', 'locks'), [], 'a reset lets all rows go');

for ({}, { ids => 7 }, { ids => ['x'] }, { ids => [], approval => 1 })
{
	ok(!eval { $sim->control('POST', 'locks', $_); 1 }, 'no locks: ' . $json->encode($_));
}

# ---- switches

call('POST', 'Account', { Name => 'Twice' });
$sim->set(duplicate_rule => 'true', validation_rule => 'true');
my $duplicate = call('POST', 'Account', { Name => 'TWICE' });
is($duplicate->[0], 400, 'a duplicate is refused');
is("$_->{errorCode}: $_->{message}", 'DUPLICATES_DETECTED: Use one of these records?', 'as one')
  for $duplicate->[1][0];
is_deeply(
	call('POST', 'Invoice__c', { Amount__c => -1 }),
	failure('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'The amount must not be negative', 'Amount__c'),
	'a validation rule');
$sim->set(storage_full => 'true');
is_deeply(
	call('POST', 'Invoice__c', { Amount__c => 1 }),
	failure('STORAGE_LIMIT_EXCEEDED', 'storage limit exceeded'),
	'no room is left');
$sim->reset;
is(call('POST', 'Account', { Name => 'TWICE' })->[0], 201, 'after a reset all is taken');

$sim->stop;
done_testing();
