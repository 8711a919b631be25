/*
 * test_http_parts.c
 *		The parts of sf_http that need no network: headers, retries, queue, trace, mux.
 */
#include <poll.h>
#include <unistd.h>

#include "sf_http_headers.h"
#include "sf_http_queue.h"
#include "sf_http_retry.h"
#include "sf_http_trace.h"
#include "sf_mux.h"
#include "tap.h"

static bool
line(sf_http_headers *h, const char *text)
{
	return sf_http_headers_line(h, text, strlen(text));
}

static void
test_headers(void)
{
	sf_http_headers h;
	char *big;

	sf_http_headers_reset(&h);
	line(&h, "HTTP/1.1 100 Continue\r\n");
	line(&h, "Sforce-Locator: old\r\n");
	line(&h, "\r\n");
	line(&h, "HTTP/1.1 200 OK\r\n");
	is_int(h.status, 200, "status of the last answer");
	ok(!h.has_locator, "a status line starts all over");
	line(&h, "content-type:  Text/CSV; charset=UTF-8\r\n");
	is_text(h.content_type, "text/csv", "content type without parameters, lower case");
	line(&h, "SFORCE-NUMBEROFRECORDS: 50000\r\n");
	is_int(h.records, 50000, "header names in any case");
	line(&h, "sforce-locator: MDowR2FIbjAwMDAwNXMyVDRLQUk6MQ \r\n");
	is_text(h.locator, "MDowR2FIbjAwMDAwNXMyVDRLQUk6MQ", "locator without blanks");
	ok(h.has_locator && !h.last_page, "… is not the last page");
	line(&h, "Sforce-Locator: null\r\n");
	ok(h.has_locator && h.last_page, "the text null is the last page");
	line(&h, "Sforce-Limit-Info: api-usage=25/15000; per-app-api-usage=17/250(appName=x)\r\n");
	ok(h.api_used == 25 && h.api_max == 15000, "api usage");
	line(&h, "Sforce-Limit-Info: per-app-api-usage=17/250(appName=x)\r\n");
	ok(h.api_used == 25, "per-app usage is not taken for it");
	is_int(h.date, -1, "no date");
	line(&h, "Date: Tue, 29 Feb 2000 23:59:58 GMT\r\n");
	is_int(h.date, 951868798, "a date, in seconds");
	line(&h, "Date: Tue, 29 Feb 2000 23:59:58 CET\r\n");
	line(&h, "Date: Tue, 29 ebM 2000 23:59:58 GMT\r\n");
	line(&h, "Date: 951868799\r\n");
	is_int(h.date, 951868798, "other forms are left out");
	line(&h, "date: Fri, 27 Nov 2026 03:02:49 GMT\r\n");
	is_int(h.date, 1795748569, "a later one");
	line(&h, "Content-Encoding: gzip\r\n");
	ok(h.gzip && !h.unknown_encoding, "gzip");
	line(&h, "Content-Encoding: br\r\n");
	ok(!h.gzip && h.unknown_encoding, "an encoding nobody asked for");
	line(&h, "Location: https://acme.my.salesforce.com/services/x?secret=1\r\n");
	is_text(h.location_host, "acme.my.salesforce.com", "of a redirect only the host is kept");
	ok(h.malformed == NULL, "nothing malformed so far");
	line(&h, "Sforce-NumberOfRecords: 12x\r\n");
	is_text(h.malformed, "Sforce-NumberOfRecords", "a number that is none");

	sf_http_headers_reset(&h);
	line(&h, "HTTP/2 204\r\n");
	is_int(h.status, 204, "status line of another version");
	line(&h, "Sforce-Locator: a b\r\n");
	is_text(h.malformed, "Sforce-Locator", "a locator with a blank");
	sf_http_headers_reset(&h);
	line(&h, "Sforce-NumberOfRecords: 99999999999999999999\r\n");
	ok(h.records == -1 && h.malformed != NULL, "a number that is too long");

	big = malloc(SF_HEADERS_MAX);
	memset(big, 'x', SF_HEADERS_MAX);
	sf_http_headers_reset(&h);
	line(&h, "HTTP/1.1 200 OK\r\n");
	ok(!sf_http_headers_line(&h, big, SF_HEADERS_MAX), "headers are bounded");
	free(big);
}

static bool
allowed(sf_retry_policy policy, bool answered, bool sent, int status, const char *body)
{
	sf_attempt a = {.answered = answered,
					.sent = sent,
					.status = status,
					.body = body,
					.body_len = strlen(body)};

	return sf_retry_allowed(policy, &a);
}

static void
test_retry(void)
{
	static const int always[] = {420, 429, 503};
	static const int harmless[] = {500, 502, 504};
	static const int never[] = {200, 300, 302, 400, 401, 404, 409, 410, 412, 414, 431};
	uint64_t seed = 7;
	int64_t low = 1 << 30;
	int64_t high = 0;

	for (size_t i = 0; i < sizeof(always) / sizeof(int); i++)
		ok(allowed(SF_RETRY_REFUSED, true, true, always[i], ""), "%d: always", always[i]);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(int); i++)
		ok(allowed(SF_RETRY_HARMLESS, true, true, harmless[i], "") &&
			   !allowed(SF_RETRY_REFUSED, true, true, harmless[i], ""),
		   "%d: only where harmless", harmless[i]);
	for (size_t i = 0; i < sizeof(never) / sizeof(int); i++)
		ok(!allowed(SF_RETRY_HARMLESS, true, true, never[i], ""), "%d: never", never[i]);
	ok(allowed(SF_RETRY_REFUSED, false, false, 0, ""), "not sent: always");
	ok(!allowed(SF_RETRY_REFUSED, false, true, 0, ""),
	   "lost after sending: not where it matters");
	ok(allowed(SF_RETRY_HARMLESS, false, true, 0, ""), "lost after sending: where harmless");
	ok(!allowed(SF_RETRY_HARMLESS, true, true, 403,
				"[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":"
				"\"REQUEST_LIMIT_EXCEEDED\"}]"),
	   "the day's limit is not hammered");
	ok(allowed(
		   SF_RETRY_HARMLESS, true, true, 403,
		   "[{\"message\":\"ConcurrentRequests (Concurrent API Requests) Limit exceeded.\","
		   "\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"),
	   "too many at this moment: passes");
	ok(!allowed(SF_RETRY_HARMLESS, true, true, 500, "<faultcode>sf:INVALID_LOGIN</faultcode>"),
	   "a SOAP fault is an answer");
	ok(sf_retry_outcome_unknown(&(sf_attempt){.sent = true}), "lost: unknown");
	ok(sf_retry_outcome_unknown(&(sf_attempt){.sent = true, .answered = true, .status = 504}),
	   "a gateway's timeout: unknown");
	ok(!sf_retry_outcome_unknown(&(sf_attempt){.sent = true, .answered = true, .status = 400}),
	   "refused: known");
	ok(!sf_retry_outcome_unknown(&(sf_attempt){.sent = false}), "not sent: known");
	ok(sf_retry_may_have_acted(&(sf_attempt){.sent = true}), "lost: may have acted");
	ok(!sf_retry_may_have_acted(&(sf_attempt){.sent = false}), "not sent: cannot have");
	for (int status = 500; status < 530; status++)
		ok(sf_retry_may_have_acted(&(sf_attempt){
			   .sent = true, .answered = true, .status = status}) == (status != 503),
		   "status %d %s", status, status != 503 ? "may have acted" : "refuses");
	ok(!sf_retry_may_have_acted(&(sf_attempt){.sent = true, .answered = true, .status = 429}),
	   "status 429 refuses");

	for (int i = 0; i < 1000; i++)
	{
		int64_t d = sf_retry_delay_ms(1, -1, &seed);

		low = d < low ? d : low;
		high = d > high ? d : high;
	}
	ok(low >= 100 && low < 120 && high <= 200 && high > 180, "first delay is 100 to 200 ms");
	ok(sf_retry_delay_ms(3, -1, &seed) >= 900 && sf_retry_delay_ms(3, -1, &seed) <= 1800,
	   "third delay is nine times that");
	ok(sf_retry_delay_ms(100, -1, &seed) <= 30000, "delays are bounded");
	is_int(sf_retry_delay_ms(1, 7, &seed), 7000, "Retry-After counts");
	is_int(sf_retry_delay_ms(1, 1000000, &seed), 120000, "… up to two minutes");
}

static void
test_queue(void)
{
	sf_chunk_pool pool = {0};
	sf_chunk_queue q = {0};
	static char in[3 * SF_CHUNK_SIZE + 5];
	size_t total = 0;
	bool same = true;
	size_t len;
	const char *data;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char) (i * 7 + i / 251);
	for (size_t at = 0; at < sizeof(in); at += 16000)
		sf_chunk_put(&q, &pool, in + at, sizeof(in) - at < 16000 ? sizeof(in) - at : 16000);
	is_int((long long) q.bytes, sizeof(in), "all bytes are there");
	while ((data = sf_chunk_peek(&q, &len)) != NULL)
	{
		size_t n = len > 1000 ? 1000 : len;

		same = same && memcmp(data, in + total, n) == 0;
		total += n;
		sf_chunk_consume(&q, &pool, n);
	}
	ok(same && total == sizeof(in), "they come out as they went in");
	is_int(pool.nunused, 4, "chunks go back to the pool");
	sf_chunk_put(&q, &pool, "x", 1);
	is_int(pool.nunused, 3, "… and are used again");
	sf_chunk_clear(&q, &pool);
	is_int(pool.nunused, 4, "clearing gives them back");
	sf_chunk_pool_free(&pool);
}

static void
test_trace(void)
{
	static sf_http_trace t;
	char buf[SF_TRACE_LENGTH];
	int n = 0;

	sf_http_trace_add(&t, "GET", "https://h.example/services/data/v62.0/query?q=SELECT+Secret",
					  200, 12, 345, "");
	ok(sf_http_trace_take(&t, buf, sizeof(buf)), "a line");
	is_text(buf, "GET /services/data/v62.0/query? 200 12 ms 345 bytes", "without its query");
	ok(!sf_http_trace_take(&t, buf, sizeof(buf)), "no more");
	for (int i = 0; i < SF_TRACE_LINES + 10; i++)
		sf_http_trace_add(&t, "GET", "/x", 200, i, 0, "(note)");
	sf_http_trace_take(&t, buf, sizeof(buf));
	is_text(buf, "(10 older lines were dropped)", "a full ring says so");
	sf_http_trace_take(&t, buf, sizeof(buf));
	is_text(buf, "GET /x 200 10 ms 0 bytes (note)", "… and goes on with the oldest it has");
	while (sf_http_trace_take(&t, buf, sizeof(buf)))
		n++;
	is_int(n, SF_TRACE_LINES - 1, "as many as it holds");
}

static bool
is_readable(int fd, int ms)
{
	return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ms) == 1;
}

static void
test_mux(void)
{
	sf_error err = {0};
	sf_mux *mux = sf_mux_new(&err);
	sf_mux_event events[8];
	int64_t before = sf_mux_now();
	int fds[2];
	int n;

	if (pipe(fds) != 0)
		exit(1);
	ok(!is_readable(sf_mux_fd(mux), 0), "nothing yet");
	sf_mux_set_timer(mux, sf_mux_now() + 20, &err);
	ok(is_readable(sf_mux_fd(mux), 10000) && sf_mux_now() >= before + 20, "the timer fires");
	sf_mux_take(mux, events, 8, &n, &err);
	is_int(n, 0, "a timer is no event");
	ok(!is_readable(sf_mux_fd(mux), 0), "it fires once");
	sf_mux_set_timer(mux, sf_mux_now() - 1000, &err);
	ok(is_readable(sf_mux_fd(mux), 10000), "a time that has passed fires at once");
	sf_mux_set_timer(mux, SF_MUX_NEVER, &err);
	ok(!is_readable(sf_mux_fd(mux), 0), "a timer can be stopped");

	sf_mux_watch(mux, fds[0], true, false, &err);
	ok(!is_readable(sf_mux_fd(mux), 0), "an empty pipe");
	if (write(fds[1], "x", 1) != 1)
		exit(1);
	ok(is_readable(sf_mux_fd(mux), 10000), "a byte makes it readable");
	sf_mux_take(mux, events, 8, &n, &err);
	ok(n == 1 && events[0].fd == fds[0] && events[0].readable,
	   "the event names the descriptor");
	sf_mux_watch(mux, fds[0], false, false, &err);
	ok(!is_readable(sf_mux_fd(mux), 0), "not watched any more");
	is_int(sf_mux_watch(mux, fds[0], false, false, &err), SF_OK, "stopping twice is fine");
	sf_mux_watch(mux, fds[1], false, true, &err);
	sf_mux_take(mux, events, 8, &n, &err);
	ok(n == 1 && events[0].writable, "a pipe with room is writable");
	close(fds[0]);
	close(fds[1]);
	is_int(sf_mux_watch(mux, fds[1], false, false, &err), SF_OK, "a closed one is fine too");
	sf_mux_free(mux);
	sf_mux_free(NULL);
}

int
main(void)
{
	test_headers();
	test_retry();
	test_queue();
	test_trace();
	test_mux();
	return tap_done();
}
