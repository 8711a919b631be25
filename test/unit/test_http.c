/*
 * test_http.c
 *		sf_http against a scripted peer: back-pressure, stalls, bounds, proxies, endings.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "peer.h"
#include "sf_http.h"
#include "sf_mux.h"
#include "tap.h"

#define BIG (6 * 1024 * 1024)

static sf_http *
open_http(peer *p, int request_timeout_ms, const char *proxy)
{
	sf_http_options opts = {.proxy = proxy,
							.connect_timeout_ms = 10000,
							.request_timeout_ms = request_timeout_ms,
							.max_retries = 2};
	sf_error err = {0};
	sf_http *h = sf_http_new(&opts, &err);

	if (h == NULL || sf_http_set_session(h, peer_url(p), "TOKEN", &err) != SF_OK)
	{
		diag("%s", err.message);
		exit(1);
	}
	return h;
}

static sf_http_request *
get(sf_http *h, const char *url, bool stream)
{
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .url = url,
						 .doing = "get it",
						 .retry = SF_RETRY_HARMLESS,
						 .stream = stream};
	sf_error err = {0};

	return sf_http_start(h, &spec, &err);
}

/* One step; waits at most so long when nothing moved.  False when nothing moved until then. */
static bool
step(sf_http *h, int wait_ms)
{
	sf_error err = {0};
	bool progress = false;

	if (sf_http_step(h, &progress, &err) != SF_OK || sf_http_arm(h, &err) != SF_OK)
	{
		diag("%s", err.message);
		exit(1);
	}
	return progress ||
		   poll(&(struct pollfd){.fd = sf_http_fd(h), .events = POLLIN}, 1, wait_ms) > 0;
}

static sf_status
finish(sf_http *h, sf_http_request *req, sf_error *err)
{
	sf_status st;

	while ((st = sf_http_check(req, err)) == SF_WAIT && step(h, PEER_PATIENCE_MS))
		;
	return st;
}

static char *
big_text(void)
{
	char *text = malloc(BIG + 1);

	for (size_t i = 0; i < BIG; i++)
		text[i] = (char) ('a' + (i * 31 + i / 977) % 26);
	text[BIG] = '\0';
	return text;
}

/*
 * A download whose reader does not come: what waits is bounded, its connection is not read any
 * more, and that is no stall.
 */
static void
test_back_pressure(void)
{
	char *text = big_text();
	peer_rule rules[] = {{"GET", "/big", .status = 200, .body = text, .body_len = BIG},
						 {"GET", "/small", .status = 200, .body = "x"}};
	peer *p = peer_start(rules, 2);
	sf_http *h = open_http(p, 100, NULL);
	sf_http_request *req = get(h, "/big", true);
	sf_http_request *small;
	sf_error err = {0};
	size_t total = 0;
	size_t most = 0;
	bool same = true;
	int64_t end;
	const char *data;
	size_t len;
	sf_status st;

	while (sf_http_waiting(req) < SF_STREAM_BYTES && step(h, PEER_PATIENCE_MS))
		;
	/* three times the time after which a transfer without progress fails */
	end = sf_mux_now() + 300;
	while (sf_mux_now() < end)
	{
		step(h, 20);
		most = sf_http_waiting(req) > most ? sf_http_waiting(req) : most;
	}
	ok(most >= SF_STREAM_BYTES && most <= SF_STREAM_BYTES + 16 * 1024,
	   "what waits for a reader is bounded (%zu bytes)", most);
	ok(!step(h, 20), "a paused transfer does not wake anybody");
	is_int(sf_http_check(req, &err), SF_WAIT, "being held back is no stall");
	small = get(h, "/small", false);
	is_int(finish(h, small, &err), SF_OK, "another request goes on meanwhile");

	while ((st = sf_http_read(req, &data, &len, &err)) == SF_OK || st == SF_WAIT)
	{
		if (st == SF_WAIT)
		{
			if (!step(h, PEER_PATIENCE_MS))
				break;
			continue;
		}
		len = len > 50000 ? 50000 : len;
		same = same && memcmp(data, text + total, len) == 0;
		total += len;
		sf_http_consume(req, len);
	}
	ok(st == SF_DONE && total == BIG && same, "all of it comes when it is read");
	sf_http_end(req);
	sf_http_end(small);
	sf_http_free(h);
	peer_stop(p);
	free(text);
}

/* Many downloads share one bound. */
static void
test_many_streams(void)
{
	char *text = big_text();
	peer_rule rules[] = {{"GET", "/big", .status = 200, .body = text, .body_len = BIG}};
	peer *p = peer_start(rules, 1);
	sf_http *h = open_http(p, 20000, NULL);
	sf_http_request *reqs[20];
	size_t sum = 0;

	for (int i = 0; i < 20; i++)
		reqs[i] = get(h, "/big", true);
	while (step(h, 500))
		;
	for (int i = 0; i < 20; i++)
		sum += sf_http_waiting(reqs[i]);
	ok(sum > SF_STREAM_BYTES_ALL / 2 && sum <= SF_STREAM_BYTES_ALL + 20 * 16 * 1024,
	   "twenty downloads hold as much as eight (%zu bytes)", sum);
	for (int i = 0; i < 20; i++)
		sf_http_end(reqs[i]);
	sf_http_free(h);
	peer_stop(p);
	free(text);
}

/* Slow is not stalled; what really stalls fails, and is tried again. */
static void
test_stall(void)
{
	peer_rule rules[] = {{"GET", "/", .hang = true}};
	peer *p = peer_start(rules, 1);
	sf_http *h = open_http(p, 60, NULL);
	sf_http_request *req = get(h, "/", false);
	sf_error err = {0};

	is_int(finish(h, req, &err), SF_FAILED, "a transfer that does not move fails");
	is_int(err.cls, SF_ERR_TIMEOUT, "as a timeout");
	is_text(err.message, "could not get it: nothing came for 60 ms", "its message");
	is_int(peer_used(p, 0), 3, "after two more attempts");
	sf_http_end(req);

	/* nobody steps for longer than the timeout: that is not the server's fault */
	peer_stop(p);
	sf_http_free(h);
}

static void
test_nobody_attends(void)
{
	peer_rule rules[] = {{"GET", "/", .status = 200, .body = "late"}};
	peer *p = peer_start(rules, 1);
	sf_http *h = open_http(p, 400, NULL);
	sf_http_request *req = get(h, "/", false);
	sf_error err = {0};
	int64_t end = sf_mux_now() + 1000;

	step(h, 0);
	while (sf_mux_now() < end)
		poll(NULL, 0, 100);
	is_int(finish(h, req, &err), SF_OK, "time in which nobody stepped does not count");
	is_int(peer_used(p, 0), 1, "the first attempt succeeds");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(p);
}

static void
test_bounds(void)
{
	char *text = big_text();
	char *headers = malloc(300 * 1000);
	size_t zeros_len;
	char *zeros = calloc(1, BIG);
	char *bomb = gzip_text(zeros, BIG, &zeros_len);
	peer_rule rules[] = {
		{"GET", "/big", .status = 200, .body = text, .body_len = BIG},
		{"GET", "/bomb", .status = 200, .headers = "Content-Encoding: gzip\r\n", .body = bomb,
		 .body_len = zeros_len},
		{"GET", "/error", .status = 400, .body = text, .body_len = BIG},
	};
	peer *p = peer_start(rules, 3);
	sf_http *h = open_http(p, 20000, NULL);
	sf_error err = {0};
	sf_http_request *req = get(h, "/big", false);

	is_int(finish(h, req, &err), SF_FAILED, "an answer that is too big");
	is_int(err.cls, SF_ERR_LIMIT, "exceeds a limit");
	is_int(peer_used(p, 0), 1, "and is not asked for again");
	sf_http_end(req);
	sf_error_reset(&err);
	req = get(h, "/bomb", false);
	is_int(finish(h, req, &err), SF_FAILED, "a small answer with a big text");
	is_int(err.cls, SF_ERR_LIMIT, "exceeds it too");
	ok(strncmp(err.message, "could not ", 10) == 0, "and says while doing what");
	sf_http_end(req);
	sf_error_reset(&err);
	req = get(h, "/error", true);
	is_int(finish(h, req, &err), SF_FAILED, "a huge error");
	ok(err.cls == SF_ERR_REMOTE && err.http_status == 400, "is still the error it is");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(p);
	free(text);
	free(headers);
	free(zeros);
	free(bomb);
}

static void
test_proxy_and_redirect(void)
{
	peer_rule target_rules[] = {{"GET", "/", .status = 200, .body = "direct"}};
	peer *target = peer_start(target_rules, 1);
	char elsewhere[256];
	peer_rule proxy_rules[] = {
		{"GET", "http://127.0.0.1", .status = 200, .body = "by proxy"},
		{"GET", "/moved", .status = 307, .headers = elsewhere, .body = ""},
	};
	peer *proxy = peer_start(proxy_rules, 2);
	sf_http *h = open_http(target, 20000, peer_url(proxy));
	sf_error err = {0};
	sf_http_request *req = get(h, "/x", false);
	size_t len;

	is_int(finish(h, req, &err), SF_OK, "a proxy that is named is used, also to loopback");
	is_text(sf_http_body(req, &len), "by proxy", "its answer");
	is_int(peer_requests(target), 0, "the target sees nothing");
	sf_http_end(req);
	sf_http_free(h);

	snprintf(elsewhere, sizeof(elsewhere), "Location: %s/stolen\r\n", peer_url(target));
	h = open_http(proxy, 20000, NULL);
	req = get(h, "/moved", false);
	is_int(finish(h, req, &err), SF_FAILED, "a redirect is not followed");
	is_int(peer_requests(target), 0, "so the token goes nowhere else");
	is_int(err.http_status, 307, "its status is told");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(proxy);
	peer_stop(target);
}

static void
test_small_things(void)
{
	peer_rule rules[] = {
		{"GET", "/limits", "Authorization: Bearer TOKEN\r\n", .status = 200,
		 .headers = "Sforce-Limit-Info: api-usage=7/15000\r\n", .body = "{}"},
		{"GET", "/gone", .hang = true},
		{"DELETE", "/job", .status = 204},
	};
	peer *p = peer_start(rules, 3);
	sf_http *h = open_http(p, 20000, NULL);
	sf_http_spec spec = {.method = SF_HTTP_DELETE, .url = "/job", .doing = "delete it"};
	sf_error err = {0};
	sf_http_request *req = get(h, "/limits", false);
	int64_t used;
	int64_t max;
	size_t len;

	ok(!sf_http_api_usage(h, &used, &max), "api usage is not known yet");
	is_int(finish(h, req, &err), SF_OK, "a request");
	ok(sf_http_api_usage(h, &used, &max) && used == 7 && max == 15000, "now it is");
	ok(strstr(peer_last_request(p, 0), "Accept-Encoding: gzip\r\n") != NULL,
	   "gzip is asked for");
	sf_http_end(req);

	req = sf_http_start(h, &spec, &err);
	is_int(finish(h, req, &err), SF_OK, "an answer without a body");
	is_text(sf_http_body(req, &len), "", "is an empty text");
	sf_http_end(req);

	req = get(h, "/gone", false);
	while (peer_used(p, 1) == 0 && step(h, 1000))
		;
	sf_http_end(req);
	ok(!sf_http_busy(h), "a request that is ended leaves nothing under way");
	req = get(h, "/limits", false);
	is_int(finish(h, req, &err), SF_OK, "and the next one works");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(p);
}

/* Programs that the process starts must not inherit connections. */
static void
test_close_on_exec(void)
{
	peer_rule rules[] = {{"GET", "/it", .status = 200, .body = "it"}};
	peer *p = peer_start(rules, 1);
	sf_http *h = open_http(p, 20000, NULL);
	sf_error err = {0};
	sf_http_request *req = get(h, "/it", false);
	int port = atoi(strrchr(peer_url(p), ':') + 1);
	int connections = 0;
	int inherited = 0;

	finish(h, req, &err);
	for (int fd = 0; fd < 1024; fd++)
	{
		struct sockaddr_in to;
		socklen_t len = sizeof(to);

		/* the peer's own ends lead to other ports */
		if (getpeername(fd, (struct sockaddr *) &to, &len) != 0 || to.sin_family != AF_INET ||
			ntohs(to.sin_port) != port)
			continue;
		connections++;
		inherited += (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
	}
	is_int(connections, 1, "a connection is kept");
	is_int(inherited, 0, "and closed on exec");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(p);
}

int
main(void)
{
	int fds = count_fds();

	test_back_pressure();
	test_many_streams();
	test_stall();
	test_nobody_attends();
	test_bounds();
	test_proxy_and_redirect();
	test_small_things();
	test_close_on_exec();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
