/*
 * auth.h
 *		Users, sessions, grants and credentials, as the files of authentication share them.
 *
 * auth.c keeps them; auth_token.c, auth_code.c, auth_identity.c and soap.c are the endpoints.  Every row of User is
 * a user who may log in; all have the one password and security token that the org hands out.
 */
#ifndef SFSIM_AUTH_H
#define SFSIM_AUTH_H

#include "server.h"

#define AUTH_NAME_SIZE	256
#define AUTH_CRED_SIZE	256
#define AUTH_SCOPE_SIZE 160

/* How a session came about. */
typedef enum auth_flow
{
	AUTH_SOAP,
	AUTH_PASSWORD,
	AUTH_CLIENT,
	AUTH_JWT,
	AUTH_GRANT, /* with a refresh token behind it */
	AUTH_DIRECT /* the control endpoint's and --env's: as good as any */
} auth_flow;

/* A row of User. */
typedef struct auth_user
{
	char id[SIM_ID_SIZE];
	char username[AUTH_NAME_SIZE];
	char email[AUTH_NAME_SIZE];
	char name[AUTH_NAME_SIZE];
	char first[AUTH_NAME_SIZE];
	char last[AUTH_NAME_SIZE];
	char timezone[64];
	char locale[32];
	char language[32];
	char modified[40]; /* 2026-01-31T08:00:00Z */
	bool active;
} auth_user;

typedef struct auth_session
{
	char text[AUTH_TOKEN_SIZE];
	char user[SIM_ID_SIZE];
	char username[AUTH_NAME_SIZE];
	char scope[AUTH_SCOPE_SIZE];
	auth_flow flow;
	int64_t issued;	 /* ms, the org's clock */
	int64_t renewed; /* ms, its monotonic one: the timeout counts from here */
	int64_t grant;	 /* of AUTH_GRANT */
} auth_session;

/* Somebody's consent to an app: lives as long as its refresh token. */
typedef struct auth_grant
{
	int64_t id;
	char refresh[AUTH_TOKEN_SIZE];
	char user[SIM_ID_SIZE];
	char scope[AUTH_SCOPE_SIZE];
	int64_t issued;
} auth_grant;

/* The user of this name (any case) or id; false when there is none. */
bool auth_user_by_name(srv *s, const char *username, auth_user *out);
bool auth_user_by_id(srv *s, const char *id, auth_user *out);

/* The user whom the client credentials flow and --env run as. */
bool auth_user_admin(srv *s, auth_user *out);

/* Is it the credential of this name?  An empty text never is. */
bool auth_credential_is(srv *s, const char *name, const char *given);

/*
 * May the user log in now?  NULL, or the OAuth error code with its text: org or user inactive, too many logins in
 * this hour (each call counts as one).
 */
const char *auth_login_refused(srv *s, const auth_user *user, const char **description);

/* A new session; grant may be NULL. */
void auth_session_new(srv *s, const auth_user *user, auth_flow flow, const auth_grant *grant,
					  char out[AUTH_TOKEN_SIZE]);

/* Copy of a living session, which counts as used by this; false when there is none of that text. */
bool auth_session_find(srv *s, const char *text, auth_session *copy);

/* The same without its counting as use. */
bool auth_session_peek(srv *s, const char *text, auth_session *copy);

/* As auth_session_find() for the request's session (X-SFDC-Session, Authorization, or neither: false). */
bool auth_session_of(const srv_request *req, auth_session *copy);

/* Token of "Authorization: Bearer …"; NULL when there is none. */
const char *auth_bearer(const srv_request *req);

/*
 * A new grant; when the user has max_grants already, the oldest is revoked (protocol notes, 5.1).  False: no
 * memory.
 */
bool auth_grant_new(srv *s, const auth_user *user, const char *scope, auth_grant *copy);

/* The grant of a refresh token; with rotate the token is replaced by a new one. */
bool auth_grant_find(srv *s, const char *refresh, bool rotate, auth_grant *copy);

/* Revoke an access token, or a refresh token with all its access tokens; false: nobody's. */
bool auth_revoke_token(srv *s, const char *text);

/* PEM of the key that JWT assertions are verified with, malloc'd; NULL until one is set. */
char *auth_jwt_key(srv *s);

/* Milliseconds that a session lives from its last use on, at most. */
int64_t auth_session_ms(srv *s);

/* https://host/id/00D…/005… */
void auth_identity_url(srv *s, const char *user, char *out, size_t size);

/* {"error":…,"error_description":…} */
void auth_error(srv_request *req, int status, const char *error, const char *description);

/* Append "key":"value" to an object that was begun by nothing, "{" or a member. */
void auth_member(sim_buf *b, const char *key, const char *value);

/* The parameters of a request: its form body, or else its query. */
const char *auth_form(const srv_request *req);

/*
 * Codes and devices (auth_code.c).  Redeeming gives user and scope; else the error code with its text.
 */
typedef struct auth_codes auth_codes;
auth_codes *auth_codes_new(void);
void auth_codes_clear(auth_codes *c);
void auth_codes_free(auth_codes *c);
auth_codes *auth_codes_of(srv *s);
const char *auth_code_redeem(srv_request *req, const char *form, auth_user *user,
							 char scope[AUTH_SCOPE_SIZE], const char **description);
const char *auth_device_redeem(srv_request *req, const char *form, auth_user *user,
							   char scope[AUTH_SCOPE_SIZE], const char **description);
void auth_device_start(srv_request *req, const char *form);

/* The access token answer of the user-agent flow goes into a redirect: members as key=value&…. */
void auth_token_fragment(srv_request *req, const auth_user *user, const char *scope,
						 const char *state, sim_buf *out);

#endif /* SFSIM_AUTH_H */
