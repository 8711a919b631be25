/*
 * sf_describe.h
 *		Metadata (level 3): GET /sobjects, and describes 25 at a time by POST /composite.
 *
 * Sources: REST guide, resources_describeGlobal, resources_sobject_describe,
 * resources_composite_composite; SOAP guide, DescribeSObjectResult.
 */
#ifndef SF_DESCRIBE_H
#define SF_DESCRIBE_H

#include "sf_http.h"

/* The public sf_describe is this one; see sf_client.h for what the functions promise. */

extern sf_describe *sf_describe_new_global(sf_http *h, const char *api_version, sf_error *err);
extern sf_describe *
sf_describe_new_objects(sf_http *h, const char *api_version, const char *const *names,
						int nnames, sf_error *err);

/* sf_describe_next and sf_describe_free of sf_client.h are implemented in sf_describe.c. */

#endif /* SF_DESCRIBE_H */
