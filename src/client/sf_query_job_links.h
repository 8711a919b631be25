/*
 * sf_query_job_links.h
 *		Which result pages a query job has (level 3, part of sf_query_job).
 *
 * A page is named by (job id, locator) alone.  Locators come from GET …/resultPages, some at a
 * time, or from the chain: each page's Sforce-Locator header names the next.
 */
#ifndef SF_QUERY_JOB_LINKS_H
#define SF_QUERY_JOB_LINKS_H

#include "sf_buf.h"

/*
 * Most pages of one job.  A page has tens of thousands of rows unless page_rows asks for small ones;
 * 16 bytes each are kept to notice one that comes twice.
 */
#define SF_PAGES_MAX 1000000

typedef struct sf_links
{
	char *waiting[SF_LINKS_MAX]; /* locators of pages to download; "" is the first page */
	int first;
	int count;
	char *next;		/* locator of the next list of links, or NULL */
	uint64_t *seen; /* hash table of locators that came */
	size_t seen_size;
	size_t seen_count;
} sf_links;

extern void sf_links_free(sf_links *l);

/*
 * Adds one page.  SF_FAILED: SF_ERR_PROTOCOL when it came before (its rows would be doubled),
 * SF_ERR_LIMIT, SF_ERR_MEMORY.
 */
extern sf_status sf_links_add(sf_links *l, const char *locator, sf_error *err);

/*
 * Says which list is read, where no list that was read here has named it: one behind the first, which may
 * be empty.  SF_FAILED as in sf_links_add.
 */
extern sf_status sf_links_expect(sf_links *l, const char *list, sf_error *err);

/* Takes the next page out (free() it), NULL when none waits. */
extern char *sf_links_take(sf_links *l);

/*
 * Reads an answer of resultPages in any of the shapes that are documented or were seen: the array
 * under resultPages or resultChunks; its elements texts, or objects with resultUrl or resultLink;
 * the next list under nextRecordsUrl or nextRecordUrl, null or missing at the end; done.  Of each
 * link only the locator is taken: hosts, versions and paths in them differ.  Sets l->next.
 * complete_known: the job says how many rows there are, so that a list that ends early is noticed.
 */
extern sf_status
sf_links_read(sf_links *l, const char *body, size_t len, bool complete_known, sf_error *err);

#endif /* SF_QUERY_JOB_LINKS_H */
