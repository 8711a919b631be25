# SfBook.pm
#		The file of the books as the tests want it: records read, changed and written, with their checksums.
#
#	my $book = SfBook->new($node);
#	my @records = $book->read;			# hashes: kind, database, server, role, mapping, org, at, number, object
#	$book->write(@records);				# while nobody writes to it
#	$book->shift_hours(-25);			# all of it happened so much later

package SfBook;

use strict;
use warnings;

use constant {
	HEADER => 1, HOUR => 2, DAY => 3, CALLS => 4, QUOTA => 5,
	MAGIC => 0x53464231, LENGTH => 208, HOUR_US => 3_600_000_000,
};

# magic, checksum; kind, database, server, role, mapping, 0; org, at, numbers; object
my $form = 'L2 L6 Q q q8 Z96';

my @crc_table = map {
	my $c = $_;
	$c = $c & 1 ? 0x82F63B78 ^ ($c >> 1) : $c >> 1 for 1 .. 8;
	$c
} 0 .. 255;

sub crc32c
{
	my ($data) = @_;
	my $crc = 0xFFFFFFFF;
	$crc = $crc_table[($crc ^ $_) & 0xFF] ^ ($crc >> 8) for unpack 'C*', $data;
	return $crc ^ 0xFFFFFFFF;
}

sub new
{
	my ($class, $node) = @_;
	return bless { path => $node->data_dir . '/pg_stat/sfbulk_fdw.usage' }, $class;
}

sub path { return $_[0]{path}; }

sub slurp
{
	my ($self) = @_;
	open(my $f, '<:raw', $self->{path}) or die "$self->{path}: $!";
	local $/;
	my $data = <$f>;
	close $f;
	return $data // '';
}

# As another file of that name, so that backends read it from its beginning.
sub spew
{
	my ($self, $data) = @_;
	open(my $f, '>:raw', "$self->{path}.new") or die "$self->{path}: $!";
	print $f $data;
	close $f or die $!;
	rename "$self->{path}.new", $self->{path} or die $!;
	return;
}

# The sound records, without the header.
sub read
{
	my ($self) = @_;
	my $data = $self->slurp;
	my @records;
	for (my $at = 0; $at + LENGTH <= length $data; $at += LENGTH)
	{
		my $bytes = substr $data, $at, LENGTH;
		my ($magic, $crc, $kind, $database, $server, $role, $mapping, $zero, $org, $when, @rest) =
		  unpack $form, $bytes;
		next if $magic != MAGIC || $crc != crc32c(substr $bytes, 8) || $kind == HEADER;
		push @records, {
			kind => $kind, database => $database, server => $server, role => $role,
			mapping => $mapping, org => $org, at => $when, number => [ @rest[ 0 .. 7 ] ],
			object => $rest[8]
		};
	}
	return @records;
}

sub record
{
	my ($r) = @_;
	my $body = substr pack($form, 0, 0, @$r{qw(kind database server role mapping)}, 0, $r->{org},
		$r->{at}, map({ $_ // 0 } @{ $r->{number} }[ 0 .. 7 ]), $r->{object} // ''), 8;
	return pack('L2', MAGIC, crc32c($body)) . $body;
}

# As if it had never been written anew.
sub write
{
	my ($self, @records) = @_;
	my $header = { kind => HEADER, map({ $_ => 0 } qw(database server role mapping org at)),
		number => [0] };
	$self->spew(join '', map { record($_) } $header, @records);
	return;
}

# Everything happened so many hours later (earlier, when negative).
sub shift_hours
{
	my ($self, $hours) = @_;
	my @records = $self->read;
	$_->{at} += $hours * HOUR_US for @records;
	$self->write(@records);
	return;
}

1;
