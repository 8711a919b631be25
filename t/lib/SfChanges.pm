# SfChanges.pm
#		Random changes of an org, made as other clients make them, on the org's own clock.
#
#	my $org = SfChanges->new($sim, object => 'Thing__c', prefix => 'a7T', sql => $session, hard => 'hard.thing__c');
#	$org->change(12);			# about so many records: inserts, updates, deletes, undeletes, hard deletes
#	$org->pass(0, 1, 600);		# the clock goes on by one of so many seconds
#	my $touched = $org->touched;	# what has been changed since the last call: { id => 1 }
#
# The clock is frozen, so that a second is as long as the test wants it to be.  A record may be saved up to
# "late" seconds before it is seen, as those of a long transaction are: its SystemModstamp is that much older.
#
# The caller calls srand: the same seed makes the same changes.

package SfChanges;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use SfRandom;

my $json = JSON::PP->new->utf8->canonical;

# The fields of the object, as a file for sfsim --schema.
sub schema
{
	my ($object, $prefix) = @_;
	my ($true, $false) = (JSON::PP::true, JSON::PP::false);
	my @read = (createable => $false, updateable => $false, nillable => $false);

	return $json->encode({
		name => $object, label => 'Thing', labelPlural => 'Things', keyPrefix => $prefix, custom => $true,
		fields => [
			{ name => 'Id', type => 'id', @read },
			{ name => 'IsDeleted', type => 'boolean', @read },
			{ name => 'Name', type => 'string', length => 80, nameField => $true },
			{ name => 'CreatedDate', type => 'datetime', @read },
			{ name => 'LastModifiedDate', type => 'datetime', @read },
			{ name => 'SystemModstamp', type => 'datetime', @read },
			{ name => 'Text__c', type => 'string', length => 255 },
			{ name => 'Long__c', type => 'textarea', length => 32768, filterable => $false, sortable => $false,
				groupable => $false, aggregatable => $false },
			{ name => 'Number__c', type => 'double', precision => 16, scale => 3 },
			{ name => 'Flag__c', type => 'boolean', nillable => $false },
			{ name => 'Day__c', type => 'date' },
			{ name => 'At__c', type => 'datetime' },
			{ name => 'Tags__c', type => 'multipicklist', length => 4099, restrictedPicklist => $false,
				picklistValues => [ map { { value => $_, label => $_, active => $true } } 'a', 'b c', 'd"e' ] }
		] });
}

sub new
{
	my ($class, $sim, %opt) = @_;
	my $self = bless { sim => $sim, late => 0, touched => {}, live => {}, bin => {}, purged => {}, %opt }, $class;

	$self->{http} = HTTP::Tiny->new(timeout => 60, keep_alive => 1);
	$self->{base} = $sim->url . '/services/data/v62.0';
	$sim->control('POST', 'clock', { freeze => JSON::PP::true });
	my $all = $self->request('GET', "/query?q=SELECT+Id+FROM+$self->{object}");
	$self->{live}{ $_->{Id} } = 1 for @{ $all->{records} };
	die 'not all records came at once' if !$all->{done};
	return $self;
}

# One request, with a new session where the clock has ended the last one; dies unless it succeeds.
sub request
{
	my ($self, $method, $path, $content, %headers) = @_;
	my $answer;

	for my $again (0, 1)
	{
		$self->{token} = $self->{sim}->token if $again || !defined $self->{token};
		my $body = defined $content && ref $content ? $json->encode($content) : $content;
		$body =~ s/SESSION_ID/$self->{token}/ if defined $body;
		$answer = $self->{http}->request($method, $path =~ /^http/ ? $path : "$self->{base}$path", {
			headers => { Authorization => "Bearer $self->{token}",
				(defined $body ? ('Content-Type' => 'application/json') : ()), %headers },
			(defined $body ? (content => $body) : ()) });
		last if $answer->{success} || ($answer->{status} != 401 && $answer->{content} !~ /INVALID_SESSION_ID/);
	}
	die "$method $path: $answer->{status} $answer->{content}" if !$answer->{success};
	return $answer->{content} =~ /^[\[{]/ ? $json->decode($answer->{content}) : $answer->{content};
}

# The answers of a Collections call; dies when a record was refused.
sub collection
{
	my ($self, $method, $path, $content) = @_;
	my $answer = $self->request($method, $path, $content);
	for (@$answer)
	{
		die "$method $path: " . $json->encode($_) if !$_->{success};
		$self->{touched}{ $_->{id} } = 1;
	}
	return map { $_->{id} } @$answer;
}

# ---- the clock -------------------------------------------------------------------------------------------

sub now { return $_[0]{sim}->control('GET', 'clock')->{now_ms}; }

# One of so many seconds go by; they need not be whole.
sub pass
{
	my ($self, @seconds) = @_;
	my $ms = int(1000 * pick(@seconds));
	$self->{sim}->control('POST', 'clock', { advance_ms => $ms }) if $ms > 0;
	return;
}

# Does something as if it had been done up to "late" seconds ago, and is only seen now.
sub lately
{
	my ($self, $code) = @_;
	return $code->() if !$self->{late} || chance(0.5);
	my $now = $self->now;
	my $then = $now - 1000 * pick(1, $self->{late}, int(1 + rand $self->{late}));
	$self->set_clock($then);
	my @result = eval { $code->() };
	my $error = $@;
	$self->set_clock($now);
	die $error if $error;
	return @result;
}

sub set_clock
{
	my ($self, $ms) = @_;
	my ($sec, $min, $hour, $day, $month, $year) = gmtime int($ms / 1000);
	$self->{sim}->control('POST', 'clock', {
		set => sprintf('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', $year + 1900, $month + 1, $day, $hour, $min, $sec,
			$ms % 1000) });
	return;
}

# ---- records ---------------------------------------------------------------------------------------------

my @texts = ('x', 'ä ö', "it's", '"quoted"', "two\nlines", 'a,b', '0', 'null', '#N/A', "tab\tbed", '\\', "\x{1F600}");

sub values_of
{
	my ($self) = @_;
	my %values = (
		Name => 'Thing ' . ++$self->{number},
		Text__c => pick(undef, @texts) , Long__c => pick(undef, 'short', 'long ' x pick(1, 100, 3000)),
		Number__c => pick(undef, 0, -1, 0.125, 123456789.5, int(rand 1000)),
		Flag__c => pick(JSON::PP::true, JSON::PP::false), Day__c => pick(undef, '1999-12-31', '2024-02-29'),
		At__c => pick(undef, '2024-02-29T12:34:56Z'), Tags__c => pick(undef, 'a', 'a;b c', 'd"e'));
	return %values;
}

# Some of them, each once.
sub some
{
	my ($from, $n) = @_;
	my @from = sort keys %$from;
	my @picked;
	while ($n-- > 0 && @from)
	{
		push @picked, splice @from, int rand @from, 1;
	}
	return @picked;
}

sub insert
{
	my ($self, $n) = @_;
	my @records = map { { attributes => { type => $self->{object} }, $self->values_of } } 1 .. $n;
	my @ids = $self->lately(sub { $self->collection('POST', '/composite/sobjects', { records => \@records }) });
	$self->{live}{$_} = 1 for @ids;
	return;
}

# Each gets some of the fields, sometimes values that it has already.
sub update
{
	my ($self, $n) = @_;
	my @records;
	for my $id (some($self->{live}, $n))
	{
		my %values = $self->values_of;
		delete $values{$_} for grep { $_ ne 'Text__c' && chance(0.5) } sort keys %values;
		push @records, { attributes => { type => $self->{object} }, id => $id, %values };
	}
	$self->lately(sub { $self->collection('PATCH', '/composite/sobjects', { records => \@records }) }) if @records;
	return;
}

sub delete
{
	my ($self, $n) = @_;
	my @ids = some($self->{live}, $n) or return;
	$self->lately(sub { $self->collection('DELETE', '/composite/sobjects?ids=' . join ',', @ids) });
	delete @{ $self->{live} }{@ids};
	@{ $self->{bin} }{@ids} = (1) x @ids;
	return;
}

# undelete() of the SOAP API: REST has none.
sub undelete
{
	my ($self, $n) = @_;
	my @ids = some($self->{bin}, $n) or return;
	my $list = join '', map { "<ids>$_</ids>" } @ids;
	my $envelope = '<?xml version="1.0" encoding="UTF-8"?>'
	  . '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
	  . '<e:Header><SessionHeader><sessionId>SESSION_ID</sessionId></SessionHeader></e:Header>'
	  . "<e:Body><undelete>$list</undelete></e:Body></e:Envelope>";
	my $answer = $self->lately(sub {
		$self->request('POST', $self->{sim}->url . '/services/Soap/u/62.0', $envelope,
			'Content-Type' => 'text/xml', SOAPAction => '""');
	});
	die "undelete: $answer" if () = $answer =~ /<success>true/g, ($answer =~ s/<success>true//gr) =~ /<success>/;
	delete @{ $self->{bin} }{@ids};
	@{ $self->{live} }{@ids} = (1) x @ids;
	@{ $self->{touched} }{@ids} = (1) x @ids;
	return;
}

# By SQL in another session: a job of the operation hardDelete, and other changes.
sub hard_delete
{
	my ($self, $n) = @_;
	my @ids = some($self->{live}, $n) or return;
	@{ $self->{touched} }{@ids} = (1) x @ids;
	$self->{sql}->value("DELETE FROM $self->{hard} WHERE id = ANY ('{" . join(',', @ids) . "}')");
	delete @{ $self->{live} }{@ids};
	@{ $self->{purged} }{@ids} = (1) x @ids;
	return;
}

sub update_by_sql
{
	my ($self, $n) = @_;
	my @ids = some($self->{live}, $n) or return;
	@{ $self->{touched} }{@ids} = (1) x @ids;
	$self->lately(sub {
		$self->{sql}->value("UPDATE $self->{hard} SET text__c = 'by SQL " . ++$self->{number}
			  . "' WHERE id = ANY ('{" . join(',', @ids) . "}')");
	});
	return;
}

# About so many records are changed, in one way or several.
sub change
{
	my ($self, $n) = @_;
	while ($n > 0)
	{
		my $part = 1 + int rand $n;
		my $how = pick(('insert') x 4, ('update') x 8, ('delete') x 4, ('undelete') x 3, 'update_by_sql',
			(($self->{purge} // 1) && chance(0.3) ? 'hard_delete' : 'update'));
		$how = 'insert' if keys %{ $self->{live} } < 20 && $how =~ /^(?:hard_)?delete/;
		$how = 'delete' if keys %{ $self->{live} } > 150 && $how eq 'insert';
		$self->$how($part);
		$n -= $part;
		$self->pass(0, 0, 0, 0.5, 1) if chance(0.2);
	}
	return;
}

# ---- what has been done ------------------------------------------------------------------------------------

# The Ids of records that were changed since the last call.
sub touched
{
	my ($self) = @_;
	my $touched = $self->{touched};
	$self->{touched} = {};
	return $touched;
}

# Records that were deleted for good, until this is told that somebody has noticed.
sub purged { return $_[0]{purged}; }
sub noticed { my ($self) = @_; $self->{purged} = {}; return; }

1;
