/*
 * test_auth.c
 *		Which flow, what is sent, what an answer means; tokens, and that they end nowhere else.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "peer.h"
#include "sf_auth_config.h"
#include "sf_auth_soap.h"
#include "sf_xml.h"
#include "tap.h"

#define TOKEN_OK                                                                              \
	"{\"access_token\":\"00Dx!TOKEN\",\"instance_url\":\"%b\",\"id\":\"x\",\"token_type\":"   \
	"\"Bearer\",\"issued_at\":\"1\",\"signature\":\"s\"}"
#define EMPTY_RESULT "{\"totalSize\":0,\"done\":true,\"records\":[]}"
#define EXPIRED                                                                               \
	"[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"

static const sf_column columns[] = {{"Id", SF_COLUMN_TEXT}, {"Name", SF_COLUMN_TEXT}};

static char *test_key; /* PEM; made for this run */

static void
make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	EVP_PKEY *key = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) <= 0 ||
		EVP_PKEY_keygen(ctx, &key) <= 0 ||
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		exit(1);
	len = BIO_get_mem_data(bio, &data);
	test_key = strndup(data, (size_t) len);
	BIO_free(bio);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
}

/* ---- configuration ----------------------------------------------------------------- */

static void
check_flow(sf_config cfg, sf_auth_flow expected, const char *name)
{
	sf_error err = {0};
	sf_auth_flow flow = SF_AUTH_INFER;
	sf_status st = sf_config_check(&cfg, &flow, &err);

	ok(st == SF_OK && flow == expected, "inferred: %s", name);
	if (st != SF_OK)
		diag("%s", err.message);
}

static void
check_refused(sf_config cfg, const char *part)
{
	sf_error err = {0};

	ok(sf_config_check(&cfg, NULL, &err) == SF_FAILED && err.cls == SF_ERR_CONFIG &&
		   strstr(err.message, part) != NULL,
	   "refused: %s", part);
	if (err.cls == SF_ERR_NONE || strstr(err.message, part) == NULL)
		diag("%s", err.message);
}

static void
test_config(void)
{
#define SECRET .client_id = "id", .client_secret = "secret"
	check_flow((sf_config){SECRET}, SF_AUTH_CLIENT_CREDENTIALS, "client credentials");
	check_flow((sf_config){SECRET, .username = "u", .password = "p"}, SF_AUTH_PASSWORD,
			   "password");
	check_flow((sf_config){.username = "u", .password = "p", .security_token = "t"},
			   SF_AUTH_SOAP, "soap");
	check_flow((sf_config){.client_id = "id", .username = "u", .private_key = test_key},
			   SF_AUTH_JWT, "jwt");
	check_flow((sf_config){.client_id = "id", .refresh_token = "r"}, SF_AUTH_REFRESH_TOKEN,
			   "refresh token");
	check_flow((sf_config){.access_token = "t", .instance_url = "https://a.my.salesforce.com"},
			   SF_AUTH_ACCESS_TOKEN, "access token");
	check_flow((sf_config){SECRET, .username = "u", .password = "p", .auth = SF_AUTH_SOAP},
			   SF_AUTH_SOAP, "named by hand, the rest is left alone");

	check_refused((sf_config){0}, "no Salesforce credentials");
	check_refused((sf_config){.client_id = "id"}, "\"client_secret\" is missing");
	check_refused((sf_config){.username = "u"}, "\"password\" is missing");
	check_refused((sf_config){.access_token = "t"}, "\"instance_url\" is missing");
	check_refused((sf_config){.client_id = "id", .private_key = test_key},
				  "\"username\" is missing");
	check_refused((sf_config){SECRET, .refresh_token = "r", .password = "p"},
				  "\"password\" does not belong");
	check_refused((sf_config){SECRET, .auth = SF_AUTH_JWT}, "\"private_key\" is missing");
	check_refused((sf_config){.client_id = "i", .username = "u", .private_key = "nonsense"},
				  "key");
	check_refused((sf_config){SECRET, .login_url = "http://login.salesforce.com"}, "https://");
	check_refused((sf_config){SECRET, .login_url = "ftp://login.salesforce.com"}, "login_url");
	check_refused((sf_config){SECRET, .login_url = "https://u:p@login.salesforce.com"},
				  "login_url");
	check_refused((sf_config){SECRET, .login_url = "https://login.salesforce.com/?a=b"},
				  "query");
	check_refused((sf_config){.access_token = "t", .instance_url = "http://x.salesforce.com"},
				  "instance_url");
	check_refused((sf_config){SECRET, .api_version = "62"}, "api_version");
	check_refused((sf_config){SECRET, .api_version = "v62.0"}, "api_version");
	check_refused((sf_config){SECRET, .api_version = "46.0"}, "older than 47.0");
	check_refused((sf_config){.client_id = "a\r\nX: y", .client_secret = "s"},
				  "control character");
	check_flow((sf_config){SECRET, .login_url = "http://127.0.0.1:1234"},
			   SF_AUTH_CLIENT_CREDENTIALS, "http to loopback");
}

static void
test_audience(void)
{
	static const struct
	{
		const char *login_url;
		const char *audience;
	} cases[] = {
		{"https://login.salesforce.com", "https://login.salesforce.com"},
		{"https://login.salesforce.com/", "https://login.salesforce.com"},
		{"https://test.salesforce.com", "https://test.salesforce.com"},
		{"https://acme.my.salesforce.com", "https://login.salesforce.com"},
		{"https://acme-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"},
		{"https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"},
		{"https://acme--uat.my.salesforce.com", "https://test.salesforce.com"},
		{"https://fun-1234.scratch.my.salesforce.com", "https://test.salesforce.com"},
		{"https://acme.my.site.com/partners/", "https://acme.my.site.com/partners"},
		{"http://127.0.0.1:8080", "https://login.salesforce.com"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sf_config cfg = {.login_url = cases[i].login_url,
						 .client_id = "id",
						 .username = "u",
						 .private_key = test_key};
		sf_auth_config c;
		sf_error err = {0};

		sf_auth_config_copy(&c, &cfg, &err);
		is_text(sf_buf_text(&c.audience), cases[i].audience, cases[i].login_url);
		sf_auth_config_clear(&c);
	}
}

static void
test_soap_texts(void)
{
	sf_buf b;
	const char *xml =
		"<?xml version=\"1.0\"?><e:Envelope><e:Body><loginResponse><result>"
		"<serverUrl>https://a&amp;b/&#x41;&#66;</serverUrl><empty/><two><in>x</in></two>"
		"<sf:code a=\"b\">1 &lt; 2</sf:code></result></loginResponse>";

	sf_buf_init(&b, 10000);
	sf_soap_login_request(&b, "a<b", "p&\"'", "tok>");
	ok(strstr(sf_buf_text(&b), "<username>a&lt;b</username><password>p&amp;&quot;&apos;tok&gt;"
							   "</password>") != NULL,
	   "everything is escaped, password and token are one text");
	sf_buf_reset(&b);
	ok(sf_xml_element(xml, strlen(xml), "serverUrl", &b), "an element");
	is_text(sf_buf_text(&b), "https://a&b/AB", "entities are resolved");
	sf_buf_reset(&b);
	ok(sf_xml_element(xml, strlen(xml), "code", &b), "an element with prefix and attribute");
	is_text(sf_buf_text(&b), "1 < 2", "its text");
	sf_buf_reset(&b);
	ok(!sf_xml_element(xml, strlen(xml), "missing", &b), "one that is not there");
	sf_buf_reset(&b);
	ok(!sf_xml_element(xml, strlen(xml), "two", &b), "one that is not flat");
	for (size_t n = 0; n < strlen(xml); n++)
	{
		char *cut = malloc(n + 1);

		memcpy(cut, xml, n);
		sf_buf_reset(&b);
		sf_xml_element(cut, n, "code", &b);
		free(cut);
	}
	ok(true, "cut anywhere, it reads no further");
	sf_buf_free(&b);
}

/* ---- logins ------------------------------------------------------------------------ */

/* Runs one small query by REST; returns its status. */
static sf_status
run(sf_config *cfg, peer *p, sf_error *err, sf_session **keep)
{
	sf_query_spec spec = {.soql = "SELECT Id, Name FROM Account",
						  .columns = columns,
						  .ncolumns = 2,
						  .transport = SF_TRANSPORT_REST};
	sf_session *s;
	sf_query *q;
	sf_status st = SF_FAILED;
	char rows[256];

	cfg->login_url = peer_url(p);
	s = sf_session_new(cfg, err);
	if (s == NULL)
		return SF_FAILED;
	q = sf_query_start(s, &spec, err);
	if (q != NULL)
		st = read_all(s, q, 2, rows, sizeof(rows), err);
	sf_query_free(q);
	if (keep != NULL)
		*keep = s;
	else
		sf_session_free(s);
	return st;
}

static void
test_flows(void)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .status = 200, .body = TOKEN_OK},
		{"GET", "/services/data/v62.0/query", "Authorization: Bearer 00Dx!TOKEN\r\n",
		 .status = 200, .body = EMPTY_RESULT},
	};
	peer *p = peer_start(rules, 2);
	sf_error err = {0};
	sf_config cfg = {.client_id = "i d", .client_secret = "s&=+%"};
	sf_session *s;
	char line[256];

	is_int(run(&cfg, p, &err, &s), SF_DONE, "client credentials");
	ok(strstr(peer_last_request(p, 0), "grant_type=client_credentials&client_id=i%20d&"
									   "client_secret=s%26%3D%2B%25") != NULL,
	   "its form");
	ok(strstr(peer_last_request(p, 0), "Authorization") == NULL, "no token in a login");
	ok(sf_session_logged_in(s), "logged in");
	is_text(sf_session_instance_url(s), peer_url(p), "instance");
	while (sf_session_trace(s, line, sizeof(line)))
		ok(strstr(line, "TOKEN") == NULL && strstr(line, "secret") == NULL, "traced: %s",
		   strncmp(line, "POST", 4) == 0 ? "login" : "query");
	sf_session_free(s);

	cfg = (sf_config){.client_id = "i",
					  .client_secret = "s",
					  .username = "u@x",
					  .password = "p",
					  .security_token = "T"};
	is_int(run(&cfg, p, &err, NULL), SF_DONE, "password");
	ok(strstr(peer_last_request(p, 0), "grant_type=password&username=u%40x&password=pT&") !=
		   NULL,
	   "its form");
	cfg = (sf_config){.client_id = "i", .refresh_token = "R"};
	is_int(run(&cfg, p, &err, NULL), SF_DONE, "refresh token");
	ok(strstr(peer_last_request(p, 0),
			  "grant_type=refresh_token&refresh_token=R&client_id=i") != NULL,
	   "its form");
	cfg = (sf_config){.client_id = "i", .username = "u", .private_key = test_key};
	is_int(run(&cfg, p, &err, NULL), SF_DONE, "jwt");
	ok(strstr(peer_last_request(p, 0), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
									   "jwt-bearer&assertion=eyJ") != NULL,
	   "its form");
	peer_stop(p);
}

static void
test_access_token(void)
{
	peer_rule rules[] = {
		{"GET", "/services/data/v62.0/query", "Bearer GOOD\r\n", .status = 200,
		 .body = EMPTY_RESULT},
		{"GET", "/services/data/v62.0/query", .status = 401, .body = EXPIRED},
	};
	peer *p = peer_start(rules, 2);
	sf_error err = {0};
	sf_config cfg = {.access_token = "GOOD", .instance_url = peer_url(p)};

	is_int(run(&cfg, p, &err, NULL), SF_DONE, "access token");
	cfg.access_token = "BAD";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a refused one");
	ok(err.cls == SF_ERR_AUTH && strstr(err.hint, "access_token") != NULL, "says what to do");
	is_int(peer_used(p, 1), 1, "asked once");
	sf_error_reset(&err);
	cfg.access_token = "a\nb";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a token with a line break");
	is_int(peer_requests(p), 2, "goes nowhere");
	peer_stop(p);
}

#define SOAP(host, expired, session)                                                          \
	"<soapenv:Envelope><soapenv:Body><loginResponse><result><passwordExpired>" expired        \
	"</passwordExpired><serverUrl>" host                                                      \
	"/services/Soap/u/62.0/00Dx</serverUrl><sessionId>" session                               \
	"</sessionId></result></loginResponse></soapenv:Body></soapenv:Envelope>"

static void
test_soap_login(void)
{
	peer_rule rules[] = {
		{"POST", "/services/Soap/u/64.0$", "good", .status = 200,
		 .body = SOAP("%b", "false", "00Dx!TOKEN")},
		{"POST", "/services/Soap/u/64.0$", "expired", .status = 200,
		 .body = SOAP("%b", "true", "00Dx!TOKEN")},
		{"POST", "/services/Soap/u/64.0$", .status = 500,
		 .body =
			 "<e:Envelope><e:Body><e:Fault><faultcode>sf:INVALID_LOGIN</faultcode>"
			 "<faultstring>INVALID_LOGIN: Invalid username, password, security token; or user "
			 "locked out. (you sent hunter2)</faultstring></e:Fault></e:Body></e:Envelope>"},
		{"GET", "/services/data/v66.0/query", "Bearer 00Dx!TOKEN\r\n", .status = 200,
		 .body = EMPTY_RESULT},
	};
	peer *p = peer_start(rules, 4);
	sf_error err = {0};
	sf_config cfg = {.username = "good", .password = "hunter2", .api_version = "66.0"};

	is_int(run(&cfg, p, &err, NULL), SF_DONE, "soap, its version capped");
	ok(strcasestr(peer_last_request(p, 0), "SOAPAction: login\r\n") != NULL, "its action");
	cfg.username = "expired";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "an expired password");
	ok(err.cls == SF_ERR_AUTH && strstr(err.message, "expired") != NULL, "says so");
	sf_error_reset(&err);
	cfg.username = "bad";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a refused login");
	is_text(err.code, "INVALID_LOGIN", "code");
	is_text(
		err.message,
		"could not log in to Salesforce: INVALID_LOGIN: Invalid username, password, security "
		"token; or user locked out. (you sent ***)",
		"message, without the password it echoes");
	is_int(peer_used(p, 2), 1, "not tried again");
	peer_stop(p);
}

static void
test_refusals(void)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", "=redirect", .status = 302,
		 .headers = "Location: https://elsewhere.example/x?y\r\n"},
		{"POST", "/services/oauth2/token", "=offsite", .status = 200,
		 .body = "{\"access_token\":\"T\",\"instance_url\":\"http://evil.example\"}"},
		{"POST", "/services/oauth2/token", "=elsewhere", .status = 200,
		 .body = "{\"access_token\":\"T\",\"instance_url\":\"https://evil.invalid\"}"},
		{"POST", "/services/oauth2/token", "=hiccup", .times = 1, .status = 503},
		{"POST", "/services/oauth2/token", "=hiccup", .status = 200, .body = TOKEN_OK},
		{"POST", "/services/oauth2/token", .status = 400,
		 .body = "{\"error\":\"invalid_client\",\"error_description\":\"invalid client "
				 "credentials "
				 "sesame\"}"},
		{"GET", "/services/data/v62.0/query", .status = 200, .body = EMPTY_RESULT},
	};
	peer *p = peer_start(rules, 7);
	sf_error err = {0};
	sf_config cfg = {.client_id = "x", .client_secret = "sesame"};

	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a refused login");
	ok(err.cls == SF_ERR_AUTH && err.http_status == 400, "is an authentication error");
	is_text(err.code, "invalid_client", "its code");
	ok(strstr(err.message, "sesame") == NULL && strstr(err.message, "***") != NULL,
	   "the secret it echoes is not shown");
	ok(strstr(err.hint, "client_secret") != NULL, "a hint");
	is_int(peer_used(p, 5), 1, "not tried again");
	sf_error_reset(&err);

	cfg.client_id = "redirect";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a redirect is not followed");
	ok(strstr(err.message, "\"elsewhere.example\"") != NULL, "its target is named");
	sf_error_reset(&err);
	cfg.client_id = "offsite";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "an instance without TLS is refused");
	is_int(err.cls, SF_ERR_PROTOCOL, "… as untrustworthy");
	sf_error_reset(&err);
	cfg.client_id = "elsewhere";
	cfg.allowed_hosts = "*.salesforce.com, *.force.com";
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "an instance that is not allowed is refused");
	is_text(err.message,
			"the login named \"evil.invalid\", a host to which no token may be sent",
			"… by name, before anything is sent there");
	sf_error_reset(&err);
	cfg.client_id = "hiccup";
	is_int(run(&cfg, p, &err, NULL), SF_DONE, "a login that was not taken is repeated");
	peer_stop(p);
}

/* ---- tokens that end --------------------------------------------------------------- */

static void
test_relogin(void)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .times = 1, .status = 200,
		 .body = "{\"access_token\":\"ONE\",\"instance_url\":\"%b\"}"},
		{"POST", "/services/oauth2/token", .status = 200,
		 .body = "{\"access_token\":\"TWO\",\"instance_url\":\"%b\"}"},
		{"GET", "/services/data/v62.0/query", "Bearer ONE\r\n", .times = 1, .status = 200,
		 .body = EMPTY_RESULT},
		{"GET", "/services/data/v62.0/query", "Bearer ONE\r\n", .status = 401,
		 .body = EXPIRED},
		{"GET", "/services/data/v62.0/query", "Bearer TWO\r\n", .status = 200,
		 .body = EMPTY_RESULT},
	};
	peer *p = peer_start(rules, 5);
	sf_error err = {0};
	sf_config cfg = {.client_id = "x", .client_secret = "y"};
	sf_query_spec spec = {.soql = "SELECT Id, Name FROM Account",
						  .columns = columns,
						  .ncolumns = 2,
						  .transport = SF_TRANSPORT_REST};
	sf_session *s;
	sf_query *queries[4];
	char rows[64];
	int done = 0;

	is_int(run(&cfg, p, &err, &s), SF_DONE, "the first token works");
	for (int i = 0; i < 4; i++)
		queries[i] = sf_query_start(s, &spec, &err);
	for (int i = 0; i < 4; i++)
	{
		done += read_all(s, queries[i], 2, rows, sizeof(rows), &err) == SF_DONE;
		sf_query_free(queries[i]);
	}
	is_int(done, 4, "four queries whose token has expired all succeed");
	is_int(peer_used(p, 3), 4, "all four were refused once");
	is_int(peer_used(p, 1), 1, "and shared one login");
	sf_session_free(s);
	peer_stop(p);
}

static void
test_no_login_loop(void)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .status = 200, .body = TOKEN_OK},
		{"GET", "/services/data/v62.0/query", .status = 401, .body = EXPIRED},
	};
	peer_rule incurable[] = {
		{"POST", "/services/oauth2/token", .status = 200, .body = TOKEN_OK},
		{"GET", "/services/data/v62.0/query", .status = 401,
		 .body = "[{\"message\":\"This session is not valid for use with the REST API\","
				 "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
	};
	peer *p = peer_start(rules, 2);
	sf_error err = {0};
	sf_config cfg = {.client_id = "x", .client_secret = "y"};

	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "refused after a new login too");
	is_int(err.cls, SF_ERR_AUTH, "an authentication error");
	is_text(err.code, "INVALID_SESSION_ID", "with Salesforce's code");
	is_int(peer_used(p, 0), 2, "two logins, no more");
	is_int(peer_used(p, 1), 2, "two requests");
	peer_stop(p);

	p = peer_start(incurable, 2);
	sf_error_reset(&err);
	is_int(run(&cfg, p, &err, NULL), SF_FAILED, "a refusal that no login cures");
	is_int(peer_used(p, 0), 1, "no second login");
	ok(err.cls == SF_ERR_AUTH && err.hint[0] != '\0', "a hint");
	peer_stop(p);
}

/* A job sleeps between two polls while another query loses the token for good. */
static void
test_login_for_a_sleeper(void)
{
#define A_JOB "/services/data/v62.0/jobs/query/750000000000001AAA"
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .status = 200, .body = TOKEN_OK},
		{"GET", "/services/data/v62.0/query", .status = 401, .body = EXPIRED},
		{"POST", "/services/data/v62.0/jobs/query$", .status = 200,
		 .body = "{\"id\":\"750000000000001AAA\"}"},
		{"GET", A_JOB "$", .times = 4, .status = 200, .body = "{\"state\":\"InProgress\"}"},
		{"GET", A_JOB "$", .status = 200,
		 .body = "{\"state\":\"JobComplete\",\"numberRecordsProcessed\":0}"},
		{"GET", A_JOB "/results$", .status = 200,
		 .headers = "Content-Type: text/csv\r\nSforce-NumberOfRecords: 0\r\n"
					"Sforce-Locator: null\r\n",
		 .body = "\"Id\",\"Name\"\n"},
		{"DELETE", A_JOB "$", .status = 204},
	};
	peer *p = peer_start(rules, 7);
	sf_error err = {0};
	sf_config cfg = {.client_id = "x", .client_secret = "y", .login_url = peer_url(p)};
	sf_query_spec spec = {.soql = "SELECT Id, Name FROM Account",
						  .columns = columns,
						  .ncolumns = 2,
						  .transport = SF_TRANSPORT_BULK};
	sf_session *s = sf_session_new(&cfg, &err);
	sf_query *job = sf_query_start(s, &spec, &err);
	sf_query *refused;
	char rows[64];

	spec.transport = SF_TRANSPORT_REST;
	refused = sf_query_start(s, &spec, &err);
	is_int(read_all(s, refused, 2, rows, sizeof(rows), &err), SF_FAILED,
		   "one query is refused twice");
	sf_error_reset(&err);
	if (!is_int(read_all(s, job, 2, rows, sizeof(rows), &err), SF_DONE,
				"a job that slept meanwhile logs in for its next poll"))
		diag("%s", err.message);
	sf_query_free(refused);
	sf_query_free(job);
	drive_cleanup(s);
	is_int(peer_used(p, 6), 1, "and is deleted");
	sf_session_free(s);
	peer_stop(p);
}

int
main(void)
{
	int fds = count_fds();

	make_key();
	test_config();
	test_audience();
	test_soap_texts();
	test_flows();
	test_access_token();
	test_soap_login();
	test_refusals();
	test_relogin();
	test_no_login_loop();
	test_login_for_a_sleeper();
	is_int(count_fds(), fds, "no descriptor is left open");
	free(test_key);
	return tap_done();
}
