# SfProxy.pm
#		A proxy for one test: SfProxy->new, ->url, ->lines (the request lines that it got), ->stop.
#		It knows CONNECT and nothing else, and has a process for each connection.

package SfProxy;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Utils;

sub new
{
	my ($class) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die "proxy: $!";
	my $log = PostgreSQL::Test::Utils::tempdir() . '/proxy';
	my $self = bless { port => $listen->sockport, log => $log }, $class;

	append_to_file($log, '');
	$self->{pid} = fork // die "fork: $!";
	if (!$self->{pid})
	{
		$SIG{CHLD} = 'IGNORE';
		while (my $client = $listen->accept)
		{
			next if fork;
			eval { serve($client, $log) };
			POSIX::_exit(0);
		}
		POSIX::_exit(0);
	}
	return $self;
}

sub url { return "http://127.0.0.1:$_[0]{port}"; }

sub lines
{
	my ($self) = @_;
	return split /\n/, slurp_file($self->{log});
}

# One connection: its head is read, the rest passed on both ways.
sub serve
{
	my ($client, $log) = @_;
	my $head = '';

	while ($head !~ /\r\n\r\n/)
	{
		sysread($client, $head, 65536, length $head) or return;
	}
	my ($line) = $head =~ /^(.*)\r\n/;
	append_to_file($log, "$line\n");
	return if $line !~ /^CONNECT (\S+) /;
	my $server = IO::Socket::INET->new($1) or return;
	syswrite $client, "HTTP/1.1 200 Connection established\r\n\r\n";
	my $select = IO::Select->new($client, $server);
	while (1)
	{
		for my $from ($select->can_read)
		{
			my $data;
			sysread($from, $data, 65536) or return;
			my $to = $from == $client ? $server : $client;
			while (length $data)
			{
				my $n = syswrite($to, $data) // return;
				substr($data, 0, $n) = '';
			}
		}
	}
	return;
}

sub stop
{
	my ($self) = @_;
	local $?;
	return if !$self->{pid};
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	delete $self->{pid};
	return;
}

sub DESTROY { $_[0]->stop; return; }

1;
