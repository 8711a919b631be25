/*
 * multipart.h
 *		multipart/form-data bodies taken apart.
 */
#ifndef SFSIM_MULTIPART_H
#define SFSIM_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY_SIZE 72 /* 70 characters (RFC 2046), two of room */

/* One part: its headers that matter ("" when absent), and its data inside of the body. */
typedef struct multipart_part
{
	char name[128];
	char filename[256];
	char type[128]; /* Content-Type */
	const char *data;
	size_t len;
} multipart_part;

/* The boundary of a Content-Type header, quoted or not; false: it is none of multipart, or has none. */
bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_SIZE]);

/*
 * The next part of a body; *at is 0 at first.  1: there is one, 0: the closing boundary, -1: malformed.  Lines may end
 * with LF alone.
 */
int multipart_next(const char *body, size_t len, const char *boundary, size_t *at,
				   multipart_part *out);

#endif /* SFSIM_MULTIPART_H */
