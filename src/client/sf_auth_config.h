/*
 * sf_auth_config.h
 *		The checked copy of where and who (level 3, part of sf_auth).
 */
#ifndef SF_AUTH_CONFIG_H
#define SF_AUTH_CONFIG_H

#include "sf_secret.h"
#include "sf_url.h"

/* The credentials, in the order of sf_auth_config.creds; names are those of the options. */
typedef enum sf_cred
{
	SF_CRED_CLIENT_ID,
	SF_CRED_CLIENT_SECRET,
	SF_CRED_PRIVATE_KEY,
	SF_CRED_REFRESH_TOKEN,
	SF_CRED_ACCESS_TOKEN,
	SF_CRED_USERNAME,
	SF_CRED_PASSWORD,
	SF_CRED_SECURITY_TOKEN,
	SF_CRED_INSTANCE_URL,
	SF_NCREDS
} sf_cred;

/* Longest list of allowed hosts taken: a few dozen names. */
#define SF_ALLOWED_HOSTS_MAX 16384

typedef struct sf_auth_config
{
	sf_auth_flow flow; /* never SF_AUTH_INFER */
	sf_buf login_base; /* login_url without a slash at its end */
	bool login_is_loopback;
	sf_buf audience;	  /* of a JWT assertion */
	sf_buf instance;	  /* origin of instance_url; empty when not given */
	bool any_host;		  /* no list of allowed hosts was given */
	sf_buf allowed_hosts; /* what the instance that a login names must match */
	char api_version[8];  /* "62.0" */
	sf_secret creds[SF_NCREDS];
} sf_auth_config;

/* Checks as sf_config_check and copies.  Start with a zeroed struct; clear it also after failure. */
extern sf_status sf_auth_config_copy(sf_auth_config *to, const sf_config *cfg, sf_error *err);

/* Wipes and frees the copies; usable again.  Fine on a zeroed struct. */
extern void sf_auth_config_clear(sf_auth_config *c);

#endif /* SF_AUTH_CONFIG_H */
