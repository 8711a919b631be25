/*
 * sf_limits.h
 *		What the org has and may still do (level 3): GET /limits and /limits/recordCount.
 *
 * Sources: REST guide, resources_limits, resources_record_count; recordings of real orgs.
 */
#ifndef SF_LIMITS_H
#define SF_LIMITS_H

#include "sf_http.h"

/* One of the two lists. */
typedef struct sf_limit_list sf_limit_list;

/* Queues GET /limits.  NULL with *err filled. */
extern sf_limit_list *sf_limit_list_start(sf_http *h, const char *api_version, sf_error *err);

/* Queues GET /limits/recordCount for objects; SF_ERR_CONFIG for a name that cannot be an object's. */
extern sf_limit_list *
sf_limit_list_start_counts(sf_http *h, const char *api_version, const char *const *objects,
						   int nobjects, sf_error *err);

/* As sf_limits_next and sf_record_counts_next of sf_client.h, for a list of its kind. */
extern sf_status sf_limit_list_next(sf_limit_list *l, const sf_limit **limit, sf_error *err);
extern sf_status
sf_limit_list_next_count(sf_limit_list *l, const sf_record_count **count, sf_error *err);

extern int sf_limit_list_calls(const sf_limit_list *l);

extern void sf_limit_list_free(sf_limit_list *l);

#endif /* SF_LIMITS_H */
