/*
 * auth_int.h
 *		What auth.c and auth_keep.c share: how sessions, grants and credentials are kept.
 */
#ifndef SFSIM_AUTH_INT_H
#define SFSIM_AUTH_INT_H

#include "auth.h"

#define BUCKETS		8192 /* a power of two */
#define MAX_COUNTED 256

typedef struct session
{
	auth_session pub;
	struct session *same_bucket;
	struct session *older; /* by time of issue */
	struct session *newer;
} session;

typedef struct grant
{
	auth_grant pub;
	struct grant *older;
} grant;

typedef struct credential
{
	const char *name;
	char value[AUTH_CRED_SIZE];
} credential;

/* Logins of a user in the present hour. */
typedef struct login_count
{
	char user[SIM_ID_SIZE];
	int64_t since;
	int n;
} login_count;

enum
{
	CRED_CLIENT_ID,
	CRED_CLIENT_SECRET,
	CRED_PASSWORD,
	CRED_SECURITY_TOKEN,
	CRED_REFRESH_TOKEN,
	CRED_COUNT
};

struct srv_auth
{
	pthread_mutex_t lock;
	session *buckets[BUCKETS];
	session *oldest;
	session *newest;
	int nsessions;
	grant *grants; /* newest first */
	int64_t next_grant;
	login_count logins[MAX_COUNTED];
	int nlogins;
	credential creds[CRED_COUNT];
	char *jwt_key; /* PEM, NULL until one is given */
	auth_codes *codes;
};

/* The lock is held for these: out of all lists and freed, into all lists, the one of that text if it lives. */
void auth_drop_session(srv_auth *a, session *s);
void auth_add_session(srv_auth *a, session *n);
session *auth_living_session(srv_auth *a, const char *text, int64_t lifetime);

#endif /* SFSIM_AUTH_INT_H */
