# SfPsql.pm
#		One connection that stays: statements one after the other, or begun now and finished
#		later, with what became of them.  What tests of sessions, cursors and cancels need.
#
#	my $c = SfPsql->new($node, dbname => 'postgres', user => ...);
#	my $r = $c->query('SELECT 1');		# { rows => "1", error => undef, messages => "" }
#	$c->begin('SELECT ... FROM sf.account');
#	... wait for the simulator, pg_cancel_backend($c->pid) ...
#	$r = $c->end;						# the same hash
#	is($r->{error}{sqlstate}, '57014');
#	$c->close;
#
# Every wait ends after PostgreSQL::Test's usual patience, with a death.

package SfPsql;

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Utils;

sub new
{
	my ($class, $node, %opt) = @_;
	my $connstr = $node->connstr($opt{dbname} // 'postgres');
	$connstr .= " user=$opt{user}" if defined $opt{user};
	my $self = bless { in => '', out => '', err => '', n => 0 }, $class;

	$self->{limit} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	local $ENV{PGAPPNAME} = $opt{name} // 'sfbulk test';
	$self->{process} = IPC::Run::start(
		[
			$node->installed_command('psql'), '-XAtq', '-v', 'VERBOSITY=verbose',
			'-f', '-', $connstr
		],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{limit});
	$self->{limit}->reset;
	my $start = $self->query('SELECT pg_backend_pid()');
	die "no connection: $start->{messages}" if $start->{error};
	$self->{pid} = $start->{rows};
	return $self;
}

# The backend's process id.
sub pid { return $_[0]{pid}; }

# Sends statements (of one or several lines, without backslash commands that end psql).
sub begin
{
	my ($self, $sql) = @_;
	my $mark = 'end of statement ' . ++$self->{n};
	$self->{mark} = $mark;
	$self->{in} .= "$sql\n;\n\\echo $mark\n\\warn $mark\n";
	$self->{limit}->start($PostgreSQL::Test::Utils::timeout_default);
	$self->{process}->pump_nb;
	return;
}

# Waits until they are done: { rows, error, messages }.  error is undef or the first ERROR or FATAL as
# { sqlstate, message, detail, hint, context }; a connection that is gone without one is "crash".
sub end
{
	my ($self) = @_;
	my $mark = $self->{mark} // die 'nothing was begun';
	my $gone = 0;

	until ($self->{out} =~ /^\Q$mark\E\n/m && $self->{err} =~ /^\Q$mark\E\n/m)
	{
		if (!$self->{process}->pumpable)
		{
			$gone = 1;
			last;
		}
		$self->{process}->pump;
	}
	$self->{limit}->reset;
	delete $self->{mark};
	if ($gone)
	{
		eval { $self->{process}->finish };
		delete $self->{process};
	}

	my ($rows, $messages) = @$self{qw(out err)};
	s/^\Q$mark\E\n//mg for $rows, $messages;
	$messages =~ s/^psql:<stdin>:\d+: //mg;
	@$self{qw(out err)} = ('', '');
	chomp $rows;
	my %result = (rows => $rows, messages => $messages, gone => $gone, error => undef);
	if ($messages =~ /(?:ERROR|FATAL|PANIC):  (\w{5}): ((?:.*\n?)*)/)
	{
		my ($sqlstate, $rest) = ($1, $2);

		# what follows of other messages, such as warnings of its transaction's end
		$rest =~ s/^(?:WARNING|NOTICE|INFO|LOG|ERROR|FATAL):  .*//ms;
		my %error = (sqlstate => $sqlstate, detail => '', hint => '', context => '');
		($error{message}) = $rest =~ /^(.*)/;
		$error{ lc $1 } //= '', $error{ lc $1 } = $2
		  while $rest =~ /^(DETAIL|HINT|CONTEXT):  (.*(?:\n(?![A-Z]+:).*)*)/mg;
		$result{error} = \%error;
	}
	elsif ($gone)
	{
		$result{error} =
		  { sqlstate => 'crash', message => $messages, detail => '', hint => '', context => '' };
	}
	return \%result;
}

sub query
{
	my ($self, $sql) = @_;
	$self->begin($sql);
	return $self->end;
}

# The only value, or all rows, of statements that must not fail.
sub value
{
	my ($self, $sql) = @_;
	my $result = $self->query($sql);
	die "$sql: $result->{messages}" if $result->{error};
	return $result->{rows};
}

# Ends the client as a machine that is switched off, in the middle of whatever it does.
sub kill_client
{
	my ($self) = @_;
	return if !$self->{process};
	$self->{process}->kill_kill(grace => 0);
	delete $self->{process};
	return;
}

sub close
{
	my ($self) = @_;
	return if !$self->{process};
	$self->{in} .= "\\q\n";
	$self->{limit}->start($PostgreSQL::Test::Utils::timeout_default);
	eval { $self->{process}->finish };
	delete $self->{process};
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	$self->kill_client;
	return;
}

1;
