/*
 * test_query_job.c
 *		Parts of jobs: the poll schedule, codes in texts, ids, sums, links.
 */
#include "sf_job.h"
#include "sf_query_job.h"
#include "sf_query_job_links.h"
#include "sf_sum.h"
#include "tap.h"

/* Polls that a job of so many milliseconds takes. */
static int
polls_within(int poll_max_ms, int64_t duration)
{
	int64_t now = 0;
	int polls = 0;

	for (;;)
	{
		now += sf_job_poll_interval(polls++, poll_max_ms);
		if (now >= duration)
			return polls;
	}
}

static void
test_poll_schedule(void)
{
	static const int expected[] = {20,	 40,   80,	  160,	 320,	640,   1280,
								   2560, 5120, 10000, 10000, 30000, 30000, 30000};

	for (int i = 0; i < 14; i++)
	{
		ok(sf_job_poll_interval(i, 10000) == expected[i], "wait %d ms before poll %d",
		   expected[i], i + 1);
	}
	ok(polls_within(10000, 600000) - 1 <= 30, "%d polls are made before ten minutes are over",
	   polls_within(10000, 600000) - 1);
	is_int(sf_job_poll_interval(0, 10), 10, "a short maximum counts from the first poll");
}

static void
test_codes(void)
{
	static const struct
	{
		const char *text;
		const char *code;
	} cases[] = {
		{"InvalidBatch : Failed to process query: QUERY_TIMEOUT: Your query …",
		 "QUERY_TIMEOUT"},
		{"MALFORMED_QUERY: unexpected token: FROM", "MALFORMED_QUERY"},
		{"something went wrong", ""},
		{"", ""},
		{"ID: too short for a code", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sf_error err = {0};

		sf_job_code_from_text(cases[i].text, &err);
		is_text(err.code, cases[i].code, cases[i].text);
	}
}

static void
test_unsupported(void)
{
	sf_error err = {.cls = SF_ERR_REMOTE};

	ok(!sf_query_job_is_unsupported(&err), "any error is not \"unsupported\"");
	strcpy(err.code, "INVALIDENTITY");
	ok(sf_query_job_is_unsupported(&err), "INVALIDENTITY is");
	strcpy(err.code, "API_ERROR");
	strcpy(err.message, "x: Selecting compound data not supported in Bulk Query");
	ok(sf_query_job_is_unsupported(&err), "compound data is");
	strcpy(err.message, "x: Aggregate Relationships not supported in Bulk Query");
	ok(sf_query_job_is_unsupported(&err), "aggregates are");
	strcpy(err.code, "MALFORMED_QUERY");
	strcpy(err.message, "x: unexpected token");
	ok(!sf_query_job_is_unsupported(&err), "a wrong query is not");
}

static void
test_sum(void)
{
	static char text[5000];
	sf_sum whole = {0};
	bool same = true;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char) (i * 2654435761u >> 13);
	sf_sum_add(&whole, text, sizeof(text));
	for (size_t piece = 1; piece < 300; piece++)
	{
		sf_sum s = {0};

		for (size_t at = 0; at < sizeof(text); at += piece)
			sf_sum_add(&s, text + at, sizeof(text) - at < piece ? sizeof(text) - at : piece);
		same = same && sf_sum_equal(&whole, &s);
	}
	ok(same, "a sum does not depend on how the text is cut");
	same = false;
	for (size_t i = 0; i < sizeof(text); i++)
	{
		sf_sum s = {0};

		text[i] ^= 1;
		sf_sum_add(&s, text, sizeof(text));
		text[i] ^= 1;
		same = same || sf_sum_equal(&whole, &s);
	}
	ok(!same, "every byte counts");
	{
		sf_sum s = {0};

		sf_sum_add(&s, text + 2560, 2440);
		sf_sum_add(&s, text, 2560);
		ok(!sf_sum_equal(&whole, &s), "order counts");
		sf_sum_reset(&s);
		sf_sum_add(&s, text, sizeof(text) - 1);
		ok(!sf_sum_equal(&whole, &s), "length counts");
	}
}

static void
test_links_parts(void)
{
	sf_links l = {0};
	sf_error err = {0};
	char name[32];
	char *got;
	int n = 0;

	for (int i = 0; i < 200; i++)
	{
		snprintf(name, sizeof(name), "L%d", i);
		sf_links_add(&l, name, &err);
	}
	while ((got = sf_links_take(&l)) != NULL)
	{
		snprintf(name, sizeof(name), "L%d", n++);
		if (strcmp(got, name) != 0)
			break;
		free(got);
	}
	ok(n == 200 && got == NULL, "links come out in their order");
	is_int(sf_links_add(&l, "L77", &err), SF_FAILED, "one that came before is refused");
	is_int(err.cls, SF_ERR_PROTOCOL, "as untrustworthy");
	sf_error_reset(&err);
	for (int i = 200; i < 200 + SF_LINKS_MAX; i++)
	{
		snprintf(name, sizeof(name), "L%d", i);
		sf_links_add(&l, name, &err);
	}
	is_int(err.cls, SF_ERR_NONE, "as many wait as may");
	is_int(sf_links_add(&l, "one more", &err), SF_FAILED, "and no more");
	is_int(err.cls, SF_ERR_LIMIT, "which is a limit");
	sf_links_free(&l);
}

int
main(void)
{
	test_poll_schedule();
	test_codes();
	test_unsupported();
	test_sum();
	test_links_parts();
	return tap_done();
}
