# api_reserve: nothing new begins when no more API calls are left than it keeps back, and nobody is asked for that.
use strict;
use warnings;

use SfTest;
use SfPsql;
use Test::More;

my $sim = sfsim_start(rows => { Account => 3000, Contact => 200 });
my $node = node_start('main');
server_create($node, $sim);
tables_import($node, 'account', 'contact');

my $c = SfPsql->new($node);

# A statement that must be refused with nothing sent.
sub refused
{
	my ($name, $sql, $backend) = @_;

	$sim->log_clear;
	my $r = ($backend // $c)->query($sql);
	is($r->{error} ? $r->{error}{sqlstate} : 'none', '53400', "$name: refused")
	  or diag($r->{messages});
	is_deeply([ map { "$_->{method} $_->{path}" } @{ $sim->log } ], [], "$name: nothing is sent");
	return $r->{error};
}

sub reserve
{
	my ($value) = @_;
	$c->value('ALTER SERVER sf OPTIONS (' . (defined $value ? "SET api_reserve '$value'" : 'DROP api_reserve') . ')');
	return;
}

# ---- a count ------------------------------------------------------------------------------------

$sim->set(api_max => 1000);
$c->value(q{ALTER SERVER sf OPTIONS (ADD api_reserve '1000')});
is($c->value('SELECT count(*) FROM sf.contact'), 200, 'a first statement, when nothing is known');
my $e = refused('a scan by REST', 'SELECT count(*) FROM sf.contact');
is($e->{message}, 'too few API calls are left today for server "sf"', 'the message');
like($e->{detail}, qr/^\d{3} of 1,?000 calls are left, and 1,?000 are reserved\.$/, 'the detail');
done_testing;
