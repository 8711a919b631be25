# The simulator's logins: sessions and their end, OAuth flows and errors, identity, SOAP.
use strict;
use warnings;

use Digest::SHA qw(sha256 hmac_sha256_base64);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IPC::Run qw(start timeout);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

my $sfsim = $ENV{SFSIM} || './sfsim';
plan skip_all => "no simulator at $sfsim" unless -x $sfsim;

my $dir = tempdir(CLEANUP => 1);
my ($out, $err) = ('', '');
$ENV{TMPDIR} = $dir;
my $sim = start(
	[ $sfsim, '--port', '0', '--env', '--rows', 'Account=3', '--rows', 'User=4', '--die-with-parent' ],
	\undef, \$out, \$err, timeout(120));
$sim->pump until $out =~ /^SF_REFRESH_TOKEN=.*\n/m;
my %env = $out =~ /^(SF_\w+)='(.*)'$/mg;
s/'\\''/'/g for values %env;
my $base = $env{SF_URL};
my $json = JSON::PP->new->utf8;
my $http = HTTP::Tiny->new(timeout => 60, max_redirect => 0);
my @client = (client_id => $env{SF_CLIENT_ID}, client_secret => $env{SF_CLIENT_SECRET});
my $secret = "$env{SF_PASSWORD}$env{SF_SECURITY_TOKEN}";
my $back = 'http://localhost:1717/OauthRedirect';

sub body { return $json->decode($_[0]{content}); }

# Keys of a flat JSON object in the order in which they stand.
sub keys_of { return join ' ', $_[0]{content} =~ /"(\w+)":(?=["tf\d])/g; }

sub control
{
	my ($what, $body) = @_;
	my $r = $http->post("$base/__sfsim/$what", { content => $json->encode($body) });
	die "$what: $r->{status} $r->{content}" unless $r->{success};
	return $r->{content} =~ /^[\[{]/ ? body($r) : undef;
}

sub option { return control('options', {@_}); }
sub advance { return control('clock', { advance_ms => $_[0] * 1000 }); }

sub form
{
	my ($fields, $what, %headers) = @_;
	return $http->post_form("$base/services/oauth2/" . ($what // 'token'), $fields,
		{ headers => \%headers });
}

# Status, error and description of an OAuth error.
sub error_of
{
	my ($r) = @_;
	my $b = eval { body($r) } || {};
	return "$r->{status} " . join(': ', map { $_ // '' } @$b{qw(error error_description)});
}

sub get
{
	my ($path, $token, %headers) = @_;
	$headers{Authorization} = "Bearer $token" if defined $token;
	return $http->get("$base$path", { headers => \%headers });
}

sub works { return get('/services/data/v62.0/limits', $_[0])->{status} == 200; }

sub password_token
{
	return form([ grant_type => 'password', @client,
		username => $_[0] // $env{SF_USERNAME}, password => $secret ]);
}

subtest 'token answers' => sub {
	my $r = password_token();
	is(keys_of($r), 'access_token instance_url id token_type issued_at signature', 'password flow');
	my $b = body($r);
	is($b->{signature},
		hmac_sha256_base64("$b->{id}$b->{issued_at}", $env{SF_CLIENT_SECRET}) . '=',
		'the signature can be verified');
	like($b->{access_token}, qr/^00D\w{12}![\w.]+$/, 'a session token');
	is($r->{headers}{'content-type'}, 'application/json;charset=UTF-8', 'content type');
	is(keys_of(form([ grant_type => 'client_credentials', @client ])),
		'access_token signature scope instance_url id token_type issued_at api_instance_url',
		'client credentials');
	is(keys_of(form([ grant_type => 'refresh_token', @client, refresh_token => $env{SF_REFRESH_TOKEN} ])),
		'access_token signature scope instance_url id token_type issued_at', 'refresh');
};

subtest 'errors of the token endpoint' => sub {
	is(error_of(form([ grant_type => 'magic' ])),
		'400 unsupported_grant_type: grant type not supported', 'unknown grant type');
	is(error_of(form([])), '400 unsupported_grant_type: grant type not supported', 'none');
	is(error_of(form([ grant_type => 'password' ])),
		'400 invalid_request: missing required parameter: client_id', 'no client');
	is(error_of(form([ grant_type => 'password', client_id => 'x' ])),
		'400 invalid_client_id: client identifier invalid', 'another client');
	is(error_of(form([ grant_type => 'password', @client[ 0, 1 ], client_secret => 'x' ])),
		'400 invalid_client: invalid client credentials', 'another secret');
	is(error_of(form([ grant_type => 'password', @client ])),
		'400 invalid_request: missing required parameter: username', 'no user name');
	is(error_of(form([ grant_type => 'password', @client, username => 'x' ])),
		'400 invalid_request: missing required parameter: password', 'no password');
	is(error_of(form([ grant_type => 'password', @client, username => 'x', password => 'y' ])),
		'400 invalid_grant: authentication failure', 'another password');
	is(error_of(form([ grant_type => 'refresh_token', @client ])),
		'400 invalid_request: missing required parameter: refresh_token', 'no refresh token');
	is(error_of(form([ grant_type => 'urn:ietf:params:oauth:grant-type:jwt-bearer' ])),
		'400 invalid_request: missing required parameter: assertion', 'no assertion');
	is(error_of(form([ grant_type => 'client_credentials' ], undef,
				Authorization => 'Basic ' . encode_base64("$env{SF_CLIENT_ID}:x", ''))),
		'400 invalid_client: invalid client credentials', 'another secret by HTTP Basic');
	option(user_active => JSON::PP::false);
	is(error_of(password_token()), '400 inactive_user: user is inactive', 'inactive user');
	option(user_active => JSON::PP::true, org_active => JSON::PP::false);
	is(error_of(password_token()), '400 inactive_org: organization is inactive', 'inactive org');
	option(org_active => JSON::PP::true, max_logins => 0);
	is(error_of(password_token()), '400 rate_limit_exceeded: login rate exceeded', 'too many logins');
	advance(3600);
	option(max_logins => 2);
	is_deeply([ map { password_token()->{status} } 1 .. 3 ], [ 200, 200, 400 ], 'counted by the hour');
	advance(3600);
	is(password_token()->{status}, 200, 'and forgotten after one');
	option(max_logins => 3600);
};

subtest 'the end of a session' => sub {
	my $token = body(password_token())->{access_token};
	advance(7199);
	ok(works($token), 'a session lives for two hours');
	advance(7199);
	ok(works($token), 'use prolongs it');
	advance(3000);
	ok(works($token), 'in its first half it does not');
	advance(4300);
	ok(!works($token), 'so it ends two hours after the use that did');
	option(session_seconds => 60);
	$token = body(password_token())->{access_token};
	advance(61);
	my $r = get('/services/data/v62.0/limits', $token);
	is("$r->{status} " . body($r)->[0]{errorCode}, '401 INVALID_SESSION_ID', 'session_seconds');
	option(session_seconds => 7200);
	$token = body(password_token())->{access_token};
	is(form([ token => $token ], 'revoke')->{status}, 200, 'revoke');
	ok(!works($token), 'ends the session');
	is(error_of(form([ token => $token ], 'revoke')),
		'400 unsupported_token_type: this token type is not supported', 'only once');
	$token = body(password_token())->{access_token};
	is($http->get("$base/services/oauth2/revoke?token=" . ($token =~ s/!/%21/r))->{status}, 200,
		'revoke by GET');
	ok(!works($token), 'ends it too');
};

# A code for a grant, as a browser would bring it back.
sub code
{
	my (%more) = @_;
	my $query = $http->www_form_urlencode({
		response_type => 'code', client_id => $env{SF_CLIENT_ID}, redirect_uri => $back,
		scope => 'api refresh_token', %more });
	my $r = $http->get("$base/services/oauth2/authorize?$query");
	return $r if wantarray;
	my ($code) = ($r->{headers}{location} // '') =~ /[?&]code=([^&]+)/;
	$code =~ s/%(..)/chr hex $1/ge if defined $code;
	return $code;
}

sub redeem
{
	my ($code, %more) = @_;
	return form({ grant_type => 'authorization_code', @client, code => $code,
			redirect_uri => $back, %more });
}

subtest 'authorization code' => sub {
	my ($r) = code(state => 'a b&c');
	is($r->{status}, 302, 'a redirect');
	like($r->{headers}{location}, qr{^\Q$back\E\?code=aPrx[^&]+&state=a%20b%26c$}, 'with code and state');
	my $code = code();
	$r = redeem($code);
	is(keys_of($r), 'access_token refresh_token signature scope instance_url id token_type issued_at',
		'the code becomes a token');
	my $b = body($r);
	ok(works($b->{access_token}), 'that works');
	is($b->{scope}, 'api refresh_token', 'with the scope asked for');
	is(error_of(redeem($code)), '400 invalid_grant: expired authorization code', 'a code works once');
	is(error_of(redeem('x')), '400 invalid_grant: invalid authorization code', 'nobody\'s code');
	$code = code();
	is(error_of(redeem($code, redirect_uri => 'http://localhost/')),
		'400 redirect_uri_mismatch: redirect_uri must match configuration', 'another address');
	advance(901);
	is(error_of(redeem($code)), '400 invalid_grant: expired authorization code', 'an old code');
	ok(!exists body(redeem(scalar code(scope => 'api')))->{refresh_token},
		'no refresh token without that scope');

	my $verifier = 'v' x 64;
	my $challenge = encode_base64(sha256($verifier), '');
	$challenge =~ tr{+/=}{-_}d;
	$code = code(code_challenge => $challenge, code_challenge_method => 'S256');
	is(error_of(redeem($code)), '400 invalid_grant: invalid code verifier', 'PKCE: no verifier');
	is(error_of(redeem($code, code_verifier => 'w' x 64)),
		'400 invalid_grant: invalid code verifier', 'PKCE: another verifier');
	is(redeem($code, code_verifier => $verifier)->{status}, 200, 'PKCE: the verifier');

	($r) = code(client_id => 'x');
	is("$r->{status} $r->{content}",
		'400 error=invalid_client_id&error_description=client identifier invalid', 'unknown app');
	($r) = code(redirect_uri => 'nowhere');
	like($r->{content}, qr/^error=redirect_uri_mismatch/, 'no address to go to');
	($r) = code(response_type => 'x', state => 's');
	like($r->{headers}{location}, qr/\?error=unsupported_response_type&.*&state=s$/, 'response type');
	($r) = code(scope => 'everything');
	like($r->{headers}{location}, qr/\?error=invalid_scope&/, 'scope');
	option(approve => JSON::PP::false);
	($r) = code();
	is($r->{headers}{location},
		"$back?error=access_denied&error_description=end-user%20denied%20authorization", 'refusal');
	option(approve => JSON::PP::true);
	($r) = code(response_type => 'token');
	like($r->{headers}{location},
		qr{^\Q$back\E#access_token=00D[^&]+&refresh_token=5Aep[^&]+&instance_url=.*&token_type=Bearer$},
		'user-agent flow');
};

subtest 'grants' => sub {
	my @grants = map { body(redeem(scalar code())) } 1 .. 6;
	my $refresh = sub {
		return form([ grant_type => 'refresh_token', client_id => $env{SF_CLIENT_ID},
			refresh_token => $_[0]{refresh_token} ]);
	};
	is(error_of($refresh->($grants[0])), '400 invalid_grant: expired access/refresh token',
		'a sixth grant revokes the first');
	ok(!works($grants[0]{access_token}), 'with its sessions');
	is($refresh->($grants[1])->{status}, 200, 'the second lives');
	my $again = body($refresh->($grants[5]))->{access_token};
	is(form([ token => $grants[5]{refresh_token} ], 'revoke')->{status}, 200, 'revoke a refresh token');
	ok(!works($grants[5]{access_token}) && !works($again), 'ends all its sessions');
	is($refresh->($grants[5])->{status}, 400, 'and itself');
	option(rotate_refresh_token => JSON::PP::true);
	my $new = body($refresh->($grants[4]));
	ok($new->{refresh_token} && $new->{refresh_token} ne $grants[4]{refresh_token}, 'rotation');
	is($refresh->($grants[4])->{status}, 400, 'the old refresh token is void');
	is($refresh->($new)->{status}, 200, 'the new one is good');
	option(rotate_refresh_token => JSON::PP::false);
};

subtest 'device flow' => sub {
	my $start = sub { return body(form([ response_type => 'device_code', @client[ 0, 1 ] ])) };
	my $poll = sub {
		return form([ grant_type => 'device', @client[ 0, 1 ], code => $_[0]{device_code} ]);
	};
	my $d = $start->();
	is(join(' ', sort keys %$d), 'device_code interval user_code verification_uri', 'codes');
	is(error_of($poll->($d)), '400 authorization_pending: authorization pending', 'pending');
	is(error_of($poll->($d)), '400 slow_down: polling too frequently', 'too fast');
	advance(6);
	is(error_of($poll->($d)), '400 authorization_pending: authorization pending', 'later');
	is($http->get($d->{verification_uri})->{status}, 200, 'the page for the user');
	is($http->get("$d->{verification_uri}?user_code=XXXX")->{status}, 404, 'a wrong code');
	is($http->post_form($d->{verification_uri}, [ user_code => $d->{user_code} ])->{status}, 200,
		'the user consents');
	my $r = $poll->($d);
	ok($r->{success} && works(body($r)->{access_token}), 'a token');
	is($poll->($d)->{status}, 400, 'only once');
	$d = $start->();
	option(approve => JSON::PP::false);
	$http->post_form($d->{verification_uri}, [ user_code => $d->{user_code} ]);
	is(error_of($poll->($d)), '400 access_denied: end-user denied authorization', 'refusal');
	option(approve => JSON::PP::true);
	$d = $start->();
	advance(601);
	is(error_of($poll->($d)), '400 invalid_grant: expired authorization code', 'too late');
};

subtest 'introspection' => sub {
	my $grant = body(redeem(scalar code()));
	my $look = sub { return form([ @client, token => $_[0] ], 'introspect') };
	my $r = $look->($grant->{access_token});
	is(keys_of($r), 'active scope client_id username sub token_type exp iat nbf', 'an access token');
	my $b = body($r);
	is("$b->{token_type} $b->{username}", "access_token $env{SF_USERNAME}", 'whose it is');
	is($b->{exp} - $b->{iat}, 7200, 'how long it lives');
	is($b->{sub}, $grant->{id}, 'sub is the identity URL');
	$r = $look->($grant->{refresh_token});
	is(keys_of($r), 'active scope client_id username sub token_type iat nbf', 'a refresh token');
	is(body($r)->{token_type}, 'refresh_token', 'is told as such');
	is($look->('x')->{content}, '{"active":false}', 'nobody\'s');
	is($look->(body(password_token())->{access_token})->{content}, '{"active":false}',
		'tokens of the password flow cannot be looked into');
	advance(7201);
	is($look->($grant->{access_token})->{content}, '{"active":false}', 'a session that ended');
	is(error_of(form([ token => 'x' ], 'introspect')), '401 invalid_client: invalid client credentials',
		'not for everybody');
};

subtest 'identity' => sub {
	my $grant = body(redeem(scalar code()));
	my ($path) = $grant->{id} =~ m{^\Q$base\E(/id/00D\w{15}/005\w{15})$};
	ok($path, 'the identity URL');
	my $r = get($path, $grant->{access_token});
	is($r->{status}, 200, 'answers');
	my @keys = qw(id asserted_user user_id organization_id username nick_name display_name email
	  email_verified first_name last_name timezone photos addr_street addr_city addr_state addr_country
	  addr_zip mobile_phone mobile_phone_verified is_lightning_login_user status urls active user_type
	  language locale utcOffset last_modified_date);
	is_deeply([ sort keys %{ body($r) } ], [ sort @keys ], 'all keys');
	my $at = -1;
	ok(!(grep { my $next = index($r->{content}, "\"$_\":"); my $bad = $next < $at; $at = $next; $bad }
			grep { !/^(?:photos|status|urls)$/ } @keys), 'in the order of real answers');
	is(body($r)->{username}, $env{SF_USERNAME}, 'of our user');
	is(body($r)->{urls}{rest}, "$base/services/data/v{version}/", 'urls with a place for the version');
	is(body(get("$path?version=latest", $grant->{access_token}))->{urls}{rest},
		"$base/services/data/v66.0/", 'version=latest');
	$r = get('/services/oauth2/userinfo', $grant->{access_token});
	is_deeply([ sort keys %{ body($r) } ], [ sort qw(sub user_id organization_id preferred_username
			  nickname name email email_verified given_name family_name zoneinfo photos profile picture
			  address is_salesforce_integration_user urls active user_type language locale utcOffset
			  updated_at) ], 'userinfo');
	is(get("$path?oauth_token=" . ($grant->{access_token} =~ s/!/%21/r))->{status}, 200,
		'the token as a parameter');
	for ([ $path, 'x', 403, 'Bad_OAuth_Token' ], [ $path, undef, 403, 'Missing_OAuth_Token' ],
		[ $path =~ s/00D\w{15}/00D000000000001EAA/r, $grant->{access_token}, 403, 'Wrong_Org' ],
		[ $path =~ s/005\w{15}/00500000000zzzzAAA/r, $grant->{access_token}, 404, 'Bad_Id' ],
		[ '/services/oauth2/userinfo', 'x', 403, 'Bad_OAuth_Token' ])
	{
		$r = get($_->[0], $_->[1]);
		is("$r->{status} $r->{content}", "$_->[2] $_->[3]", $_->[3]);
	}
};

subtest 'another user' => sub {
	my $token = body(password_token('USER01@sfsim.example.com'))->{access_token};
	ok(works($token), 'every row of User may log in, in any case');
	my $b = body(get('/services/oauth2/userinfo', $token));
	is($b->{preferred_username}, 'user01@sfsim.example.com', 'as himself');
	my $admin = body(password_token());
	$b = body(get($admin->{id} =~ s/^\Q$base\E//r, $token));
	is("$b->{username} " . ($b->{asserted_user} ? 1 : 0), "$env{SF_USERNAME} 0",
		'and may look at others');
	is(error_of(password_token("x' OR Username != 'x")), '400 invalid_grant: authentication failure',
		'a user name is not SOQL');
};

# A SOAP call with or without a session.
sub soap
{
	my ($call, $version, $session, $flavour) = @_;
	my $header = $session ? "<SessionHeader><sessionId>$session</sessionId></SessionHeader>" : '';
	return $http->post("$base/services/Soap/" . ($flavour // 'u') . "/$version", {
			headers => { 'Content-Type' => 'text/xml', SOAPAction => '""' },
			content => '<?xml version="1.0" encoding="UTF-8"?><e:Envelope '
			  . 'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header xmlns="urn:partner.soap.'
			  . "sforce.com\">$header</e:Header><e:Body xmlns=\"urn:partner.soap.sforce.com\">$call"
			  . '</e:Body></e:Envelope>' });
}

sub login_call
{
	my ($user, $password) = @_;
	s/&/&amp;/g, s/</&lt;/g, s/>/&gt;/g for my @text = ($user, $password);
	return "<login><username>$text[0]</username><password>$text[1]</password></login>";
}

subtest 'SOAP' => sub {
	my $login = login_call($env{SF_USERNAME}, $secret);
	my $r = soap($login, '62.0');
	is("$r->{status} $r->{headers}{'content-type'}", '200 text/xml;charset=UTF-8', 'login');
	my @names = $r->{content} =~ /<(\w+)(?: [^>]*)?>/g;
	is(join(' ', @names[ 0 .. 6 ]),
		'loginResponse result metadataServerUrl passwordExpired sandbox serverUrl sessionId',
		'members in order');
	like($r->{content}, qr{<serverUrl>\Q$base\E/services/Soap/u/62\.0/00D\w{12}</serverUrl>}, 'serverUrl');
	my ($session) = $r->{content} =~ m{<sessionId>([^<]+)};
	ok(works($session), 'the session works for REST');
	$r = soap($login, '62.0', undef, 'c');
	like($r->{content}, qr{xmlns="urn:enterprise\.soap.*<serverUrl>\Q$base\E/services/Soap/c/}s, 'enterprise');

	$r = soap('<getUserInfo/>', '62.0', $session);
	like($r->{content}, qr{<LimitInfoHeader>.*<getUserInfoResponse><result><accessibilityMode>false<}s,
		'getUserInfo');
	like($r->{content}, qr{<sessionSecondsValid>7200<.*<userName>\Q$env{SF_USERNAME}\E<}s, 'facts');
	$r = soap('<getServerTimestamp/>', '65.0', $session);
	like($r->{content}, qr{<timestamp>\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z</timestamp>}, 'getServerTimestamp');

	my $leads = sub {
		my $all = shift;
		return body(get("/services/data/v62.0/query$all?q=SELECT+Id+FROM+Lead+ORDER+BY+Id", $session));
	};
	my $before = $leads->('');
	my $id = $before->{records}[0]{Id};
	$r = soap("<delete><ids>$id</ids><ids>x</ids></delete>", '62.0', $session);
	like(
		$r->{content},
		qr{<deleteResponse><result><id>$id</id><success>true</success></result><result><errors><message>[^<]*</message>
		<statusCode>MALFORMED_ID</statusCode></errors><id\ xsi:nil="true"/><success>false</success></result>}x,
		'delete');
	is($leads->('')->{totalSize}, $before->{totalSize} - 1, 'it is gone');
	is($leads->('All')->{records}[0]{Id}, $id, 'to the recycle bin');
	$r = soap("<undelete><ids>$id</ids></undelete>", '62.0', $session);
	like($r->{content}, qr{<undeleteResponse><result><id>$id</id><success>true</success></result>}, 'undelete');
	is_deeply($leads->(''), $before, 'and back');
	$r = soap("<undelete><ids>$id</ids></undelete>", '62.0', $session);
	like($r->{content}, qr{<statusCode>UNDELETE_FAILED<}, 'once only');

	my $faults = sub {
		my ($answer, $code, $name) = @_;
		like("$answer->{status} $answer->{content}",
			qr{^500 .*<faultcode>sf:$code</faultcode><faultstring>$code: .*<sf:exceptionCode>$code<}s, $name);
	};
	$faults->(soap('<getUserInfo/>', '62.0', 'x'), 'INVALID_SESSION_ID', 'another session');
	$faults->(soap('<getUserInfo/>', '62.0'), 'INVALID_SESSION_ID', 'no session');
	$faults->(soap('<undelete><ids>x</ids></undelete>', '62.0'), 'INVALID_SESSION_ID', 'nor for rows');
	$faults->(soap('<delete>' . '<ids>x</ids>' x 201 . '</delete>', '62.0', $session),
		'EXCEEDED_ID_LIMIT', 'too many rows');
	$faults->(soap($login, '65.0'), 'UNSUPPORTED_API_VERSION', 'login() ends with 64.0');
	$faults->(soap($login, '30.0'), 'UNSUPPORTED_API_VERSION', 'a retired version');
	$faults->(soap('<fly/>', '62.0', $session), 'UNKNOWN_EXCEPTION', 'no such call');
	$faults->(soap('<login><username>a&b</username></login>', '62.0'), 'UNKNOWN_EXCEPTION',
		'not well-formed');
	$faults->(soap(login_call($env{SF_USERNAME}, 'x'), '62.0'), 'INVALID_LOGIN', 'another password');
	option(soap_login => JSON::PP::false);
	$faults->(soap($login, '62.0'), 'INVALID_OPERATION', 'switched off');
	option(soap_login => JSON::PP::true, max_logins => 0);
	$faults->(soap($login, '62.0'), 'LOGIN_RATE_EXCEEDED', 'too many logins');
	option(max_logins => 3600, user_active => JSON::PP::false);
	$faults->(soap($login, '62.0'), 'INVALID_LOGIN', 'inactive user');
	option(user_active => JSON::PP::true, password_expired => JSON::PP::true);
	$r = soap($login, '62.0');
	like("$r->{status} $r->{content}", qr{^200 .*<passwordExpired>true<}s, 'expired password');
	my ($poor) = $r->{content} =~ m{<sessionId>([^<]+)};
	$r = get('/services/data/v62.0/limits', $poor);
	is("$r->{status} " . body($r)->[0]{errorCode}, '403 INVALID_OPERATION_WITH_EXPIRED_PASSWORD',
		'whose session is good for nothing');
	option(password_expired => JSON::PP::false);

	is(soap('<logout/>', '62.0', $session)->{status}, 200, 'logout');
	ok(!works($session), 'ends the session');
};

subtest 'reset' => sub {
	my $token = body(password_token())->{access_token};
	form([ token => $env{SF_REFRESH_TOKEN} ], 'revoke');
	my $refresh = sub { return form([ grant_type => 'refresh_token', @client, refresh_token => $env{SF_REFRESH_TOKEN} ]) };
	is($refresh->()->{status}, 400, 'the configured refresh token can be revoked');
	option(password => 'other');
	is(password_token()->{status}, 400, 'the password can be changed');
	control('reset', {});
	is($refresh->()->{status} . password_token()->{status}, '200200', 'a reset brings back the credentials');
	ok(works($token), 'and leaves sessions alone');
};

$sim->kill_kill;
done_testing();
