# Sessions that end, logins that fail, quotas that are used up: one new login where that helps,
# never a second one, and never a request more to an org that has said no.
use strict;
use warnings;

use SfFault;
use SfTest;
use Test::More;

my $t = SfFault->new('session');

# What a statement of each transport asks for, in order.
my %steps = (
	bulk => [
		[ create => $create ], [ poll => $poll ], [ resultPages => $links ],
		[ page => $page ], [ 'a later page' => { %$page, nth => 7 } ]
	],
	rest => [
		[ query => $query ], [ nextRecords => $more ],
		[ 'a later nextRecords' => { %$more, nth => 4 } ]
	]);

for my $by (qw(bulk rest))
{
	for (@{ $steps{$by} }, $by eq 'bulk' ? [ delete => $delete ] : ())
	{
		my ($step, $what) = @$_;

		$t->run("the session ends before $step", by => $by, warm => 1,
			faults => { %$what, expire_token => JSON::PP::true }, logins => 1);
		$t->run("the token is refused once at $step", by => $by, warm => 1,
			faults => { %$what, error => 'session_expired' }, logins => 1);
	}
	for (@{ $steps{$by} })
	{
		my ($step, $what) = @$_;


		# the token that was refused twice is given up; where a job is left, its deletion logs in
		$t->run("every token is refused at $step", by => $by, warm => 1,
			faults => { %$what, error => 'session_expired', count => 0 },
			logins => $by eq 'rest' || $step eq 'create' ? 1 : 2,
			error => '28000', message => qr/INVALID_SESSION_ID: Session expired or invalid/,
			detail => qr/refused again after a new login/);
		$t->run("no session helps at $step: $_", by => $by, warm => 1,
			faults => { %$what, error => $_, count => 0 }, logins => 0,
			error => '28000', message => qr/not valid for use with|not attached to Agent/,
			hint => qr/A new login would not help/)
		  for qw(session_not_rest session_no_agent);
		$t->run("no calls are left today at $step", by => $by, warm => 1,
			faults => { %$what, error => 'request_limit', count => 0 }, logins => 0,
			error => '53400', message => qr/REQUEST_LIMIT_EXCEEDED: TotalRequests/,
			log => sub {
				my $nth = $what->{nth} // 1;

				# pages are asked for several at a time, each of them once
				cmp_ok(requests($_[0], $what), '<=', $nth - 1 + ($step =~ /page$/ ? 5 : 1),
					'it is not asked again');
			});
		$t->run("too many long requests at $step", by => $by, warm => 1,
			faults => { %$what, error => 'concurrent_limit' }, logins => 0);
	}
}

# A token that is dropped by the server under several downloads at once is renewed once.
$t->run('the session ends under all downloads', by => 'bulk', warm => 1,
	faults => { %$page, hold => 'before', count => 5 }, logins => 1,
	during => sub {
		my ($sim) = @_;

		$sim->wait_request(path => '*/results', state => 'held', count => 5);
		$sim->expire_tokens;
		$sim->release;
	});

# ... and again later in the same statement: each time it had worked in between.
$t->run('the session ends twice, far apart', by => 'rest', warm => 1,
	faults => [ map { { %$more, nth => $_, expire_token => JSON::PP::true } } 1, 4 ],
	logins => 2);
$t->run('the session ends twice in a job', by => 'bulk', warm => 1,
	faults => [ map { { %$_, expire_token => JSON::PP::true } } $poll, $links ],
	logins => 2);

# Logins that do not succeed.
my @no = (count => 0, by => 'rest');
$t->run('login: wrong secret', by => $_, logins => 1,
	faults => { %$login, status => 400, count => 0,
		body => '{"error":"invalid_client","error_description":"invalid client credentials"}' },
	error => '28000', message => qr/could not log in to Salesforce: invalid_client/,
	hint => qr/client_secret/)
  for qw(bulk rest auto);
$t->run('login: daily limit', by => 'rest', logins => 1,
	faults => { %$login, error => 'request_limit', count => 0 },
	error => '53400', message => qr/log in to Salesforce: REQUEST_LIMIT_EXCEEDED/);
$t->run("login: $_", by => 'rest', logins => 1,
	faults => { %$login, status => 200, body => $_, count => 0 },
	error => '08P01', message => qr/answer to the login/)
  for '', 'garbage', '[]', '{}', '{"access_token":1,"instance_url":"https://x.salesforce.com"}',
  '{"access_token":"00Dx"}';
$t->run("login: named host $_", by => 'rest', logins => 1,
	faults => { %$login, status => 200, count => 0,
		body => qq({"access_token":"00Dx!AQ","instance_url":"$_"}) },
	error => '08P01', message => qr/the login named/)
  for 'http://collect.example.com', 'ftp://x', 'https://a@b.example.com/', 'nonsense';
$t->run('login: token that breaks a header', by => 'rest', logins => 1,
	faults => { %$login, status => 200, count => 0, body =>
			sprintf('{"access_token":"00D\r\nX-Evil: 1","instance_url":"%s"}', $t->sim->url) },
	error => '28000', message => qr/token has a character/);
$t->run('login: HTML', by => 'rest', faults => { %$login, error => 'html_200', count => 0 },
	error => '08P01', message => qr/answer to the login/);
$t->run('login: redirected', by => 'rest', logins => 1,
	faults => { %$login, status => 302, count => 0, body => '',
		headers => { Location => 'https://collect.example.com/services/oauth2/token' } },
	error => 'HV000', message => qr/redirected to "collect\.example\.com"/,
	hint => qr/login_url/);
$t->run('query: redirected', by => 'rest', warm => 1,
	faults => { %$query, status => 302, count => 0, body => '',
		headers => { Location => 'https://collect.example.com/' } },
	error => 'HV000', message => qr/redirected to "collect\.example\.com"/,
	hint => qr/instance_url/);

$t->finish;
done_testing();
