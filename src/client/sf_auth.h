/*
 * sf_auth.h
 *		One login (level 3).
 */
#ifndef SF_AUTH_H
#define SF_AUTH_H

#include "sf_auth_config.h"
#include "sf_http.h"

typedef struct sf_auth sf_auth;

/* Queues the login request of the configured flow.  cfg is borrowed until sf_auth_end. */
extern sf_auth *sf_auth_start(sf_http *h, const sf_auth_config *cfg, sf_error *err);

/*
 * How it stands: SF_WAIT; SF_OK: token and instance are there; SF_FAILED with SF_ERR_AUTH when
 * the credentials were refused, else with what went wrong on the way.
 */
extern sf_status sf_auth_check(sf_auth *a, sf_error *err);

/* After SF_OK: "https://host[:port]" and the token (owned by a). */
extern const char *sf_auth_instance(const sf_auth *a);
extern const char *sf_auth_token(const sf_auth *a);

/* The new refresh token where the app rotates them, else NULL. */
extern const char *sf_auth_new_refresh_token(const sf_auth *a);

/* Drops it in whatever state, wiped.  NULL is fine. */
extern void sf_auth_end(sf_auth *a);

#endif /* SF_AUTH_H */
