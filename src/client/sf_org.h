/*
 * sf_org.h
 *		What somebody wants to know who checks a connection: is the login host there, who is logged in, which
 *		API versions are there (level 3).
 *
 * Sources: REST guide, resources_versions; Salesforce Help, OpenID Connect userinfo; recordings.
 */
#ifndef SF_ORG_H
#define SF_ORG_H

#include "sf_auth_config.h"
#include "sf_http.h"

typedef struct sf_org sf_org;

/* As sf_org_ask_start and so on of sf_client_org.h.  cfg is borrowed for as long as the question lives. */
extern sf_org *
sf_org_start(sf_http *h, const sf_auth_config *cfg, sf_org_question question, sf_error *err);
extern sf_status sf_org_check(sf_org *o, const sf_org_facts **facts, sf_error *err);
extern void sf_org_free(sf_org *o);

#endif /* SF_ORG_H */
