/*
 * scene.h
 *		A query, its session and a scripted peer: what tests of queries share.
 */
#ifndef SCENE_H
#define SCENE_H

#include "peer.h"
#include "tap.h"

#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}
#define V	"/services/data/v62.0"
#define JOB V "/jobs/query/750000000000001AAA"

#define CREATED                                                                               \
	"{\"id\":\"750000000000001AAA\",\"state\":\"UploadComplete\",\"apiVersion\":62.0}"
#define STATE(state, rest)                                                                    \
	"{\"id\":\"750000000000001AAA\",\"state\":\"" state "\",\"jobType\":\"V2Query\"" rest "}"
#define COMPLETE(n) STATE("JobComplete", ",\"numberRecordsProcessed\":" #n ",\"retries\":0")

#define CREATE                                                                                \
	{                                                                                         \
		"POST", V "/jobs/query$", .status = 200, .body = CREATED                              \
	}
#define POLL(n)                                                                               \
	{                                                                                         \
		"GET", JOB "$", .status = 200, .body = COMPLETE(n)                                    \
	}
#define DELETE_JOB                                                                            \
	{                                                                                         \
		"DELETE", JOB "$", .status = 204                                                      \
	}
#define ABORT                                                                                 \
	{                                                                                         \
		"PATCH", JOB "$", "{\"state\":\"Aborted\"}", .status = 200, .body = CREATED           \
	}

#define CSV_TYPE			   "Content-Type: text/csv\r\n"
#define PAGE_HEADERS(n)		   CSV_TYPE "Sforce-NumberOfRecords: " #n "\r\n"
#define CHAIN_HEADERS(n, next) PAGE_HEADERS(n) "Sforce-Locator: " next "\r\n"
#define PAGE(locator, n, text)                                                                \
	{                                                                                         \
		"GET", JOB "/results?locator=" locator "$",                                           \
			.status = 200, .headers = PAGE_HEADERS(n), .body = "\"Id\",\"Name\"\n" text       \
	}

#define ONE_LINK(link)                                                                        \
	{                                                                                         \
		"GET", JOB "/resultPages$", .status = 200, .body = link                               \
	}
#define LINK_A                                                                                \
	"{\"resultPages\":[{\"resultUrl\":\"" JOB "/results?locator=A\"}],\"nextRecordsUrl\":"    \
	"null,\"done\":true}"

/* The columns of every query here. */
static const sf_column columns[] = {{"Id", SF_COLUMN_TEXT}, {"Name", SF_COLUMN_TEXT}};

typedef struct scene
{
	peer *p;
	sf_session *s;
	sf_query *q;
	sf_query_spec spec;
	sf_error err;
	sf_status st;
	sf_query_stats stats;
	char rows[4096];
} scene;

/* Starts peer, session and query. */
static inline void
open_scene(scene *sc, peer_rule *rules, int nrules, sf_transport transport)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};

	memset(&sc->err, 0, sizeof(sc->err));
	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	sc->s = sf_session_new(&cfg, &sc->err);
	sc->spec.soql = sc->spec.soql != NULL ? sc->spec.soql : "SELECT Id, Name FROM Account";
	sc->spec.transport = transport;
	if (!sc->spec.count_only)
	{
		sc->spec.columns = columns;
		sc->spec.ncolumns = 2;
	}
	sc->q = sf_query_start(sc->s, &sc->spec, &sc->err);
	if (sc->q == NULL)
	{
		diag("%s", sc->err.message);
		exit(1);
	}
}

static inline void
read_scene(scene *sc)
{
	sf_error_reset(&sc->err);
	sc->st = read_all(sc->s, sc->q, sc->spec.count_only ? 1 : 2, sc->rows, sizeof(sc->rows),
					  &sc->err);
	sf_query_get_stats(sc->q, &sc->stats);
}

/* Frees everything after the clean-up has run; complains about requests without a rule. */
static inline void
close_scene(scene *sc, const char *name)
{
	sf_query_free(sc->q);
	drive_cleanup(sc->s);
	ok(sf_session_cleanup_pending(sc->s) == 0 && peer_unexpected(sc->p) == 0,
	   "%s: cleaned up, nothing unexpected", name);
	sf_session_free(sc->s);
	peer_stop(sc->p);
	sc->spec = (sf_query_spec){0};
}

#define COUNT(rules) ((int) (sizeof(rules) / sizeof((rules)[0])))

/* Runs rules through to the end and expects these rows. */
#define EXPECT_ROWS(name, transport, expected, ...)                                           \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {0};                                                                      \
		open_scene(&sc_, rules_, COUNT(rules_), transport);                                   \
		read_scene(&sc_);                                                                     \
		if (!is_int(sc_.st, SF_DONE, name))                                                   \
			diag("%s", sc_.err.message);                                                      \
		is_text(sc_.rows, expected, name);                                                    \
		close_scene(&sc_, name);                                                              \
	} while (0)

/* … and expects an error of this class with this text in it. */
#define EXPECT_ERROR(name, transport, class, text, ...)                                       \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {0};                                                                      \
		open_scene(&sc_, rules_, COUNT(rules_), transport);                                   \
		read_scene(&sc_);                                                                     \
		is_int(sc_.st, SF_FAILED, name);                                                      \
		if (!ok(sc_.err.cls == class && strstr(sc_.err.message, text) != NULL, "%s: %s",      \
				name, text))                                                                  \
			diag("class %d: %s", sc_.err.cls, sc_.err.message);                               \
		close_scene(&sc_, name);                                                              \
	} while (0)

#endif /* SCENE_H */
