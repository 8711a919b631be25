/*
 * test_watch.c
 *		One descriptor for several sessions.
 */
#include <poll.h>

#include "scene.h"

/* Is it readable? Waits for that so many milliseconds. */
static bool
readable(const sf_watch *w, int ms)
{
	struct pollfd fd = {.fd = sf_watch_fd(w), .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

static sf_query *
start_query(sf_session *s)
{
	sf_query_spec spec = {.soql = "SELECT Id, Name FROM Account",
						  .columns = columns,
						  .ncolumns = 2,
						  .transport = SF_TRANSPORT_REST};
	sf_error err = {0};

	return sf_query_start(s, &spec, &err);
}

/* Steps both whenever the watch says so, until one has a row, and no longer than patience lasts. */
static bool
wait_for_row(const sf_watch *w, sf_session *const *sessions, sf_query *q)
{
	sf_value *values;
	sf_error err = {0};

	for (;;)
	{
		for (int i = 0; i < 2; i++)
			sf_session_step(sessions[i], &err);
		if (sf_query_next_row(q, &values, &err) != SF_WAIT)
			return err.cls == SF_ERR_NONE;
		if (!readable(w, PEER_PATIENCE_MS))
			return false;
	}
}

#define ROW                                                                                   \
	{                                                                                         \
		"GET", V "/query",                                                                    \
			.status = 200,                                                                    \
			.body = "{\"totalSize\":1,\"done\":true,\"records\":[{\"attributes\":{\"type\":"  \
					"\"Account\"},\"Id\":\"1\",\"Name\":\"a\"}]}"                             \
	}

static void
test_two_sessions(void)
{
	peer_rule rules[2][2] = {{LOGIN, ROW}, {LOGIN, ROW}};
	peer *peers[2];
	sf_session *sessions[2];
	sf_query *queries[2];
	sf_error err = {0};
	sf_watch *w = sf_watch_new(&err);

	for (int i = 0; i < 2; i++)
	{
		sf_config cfg = {.client_id = "i", .client_secret = "s"};

		peers[i] = peer_start(rules[i], 2);
		cfg.login_url = peer_url(peers[i]);
		sessions[i] = sf_session_new(&cfg, &err);
		is_int(sf_watch_add(w, sessions[i], &err), SF_OK, "a session is watched");
		is_int(sf_watch_add(w, sessions[i], &err), SF_OK,
			   "… and stays when it is added again");
	}
	ok(!readable(w, 0), "nothing is due");

	for (int i = 0; i < 2; i++)
	{
		queries[i] = start_query(sessions[i]);
		ok(wait_for_row(w, sessions, queries[i]), "the answer to session %d wakes", i + 1);
	}

	/* what is left of a connection that is kept is nobody's concern */
	for (int i = 0; i < 2; i++)
		sf_session_step(sessions[i], &err);
	ok(!readable(w, 0), "nothing is due any more");
	sf_watch_ring(w, true, &err);
	ok(readable(w, PEER_PATIENCE_MS), "it rings without a session");
	sf_watch_ring(w, true, &err);
	ok(readable(w, PEER_PATIENCE_MS), "… for as long as that is wanted");
	sf_watch_ring(w, false, &err);
	ok(!readable(w, 0), "… and no longer");

	sf_query_free(queries[0]);
	sf_session_free(sessions[0]);
	ok(!readable(w, 0), "a session that is freed leaves");
	sf_query_free(queries[1]);
	queries[1] = start_query(sessions[1]);
	sessions[0] = sessions[1];
	ok(wait_for_row(w, sessions, queries[1]), "the other one stays");
	sf_query_free(queries[1]);
	sf_watch_free(w);
	sf_session_free(sessions[1]);
	for (int i = 0; i < 2; i++)
		peer_stop(peers[i]);
}

int
main(void)
{
	int fds = count_fds();

	test_two_sessions();
	sf_watch_free(NULL);
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
