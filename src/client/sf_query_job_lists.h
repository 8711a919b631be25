/*
 * sf_query_job_lists.h
 *		Finding out which result pages a complete query job has (level 3, part of sf_query_job).
 *
 * Sources: Bulk API 2.0 guide, query_get_job_results, query_get_parallel_job_results.
 *
 * Either lists of links are asked for, each of which names the next, or the pages are a chain, in
 * which each page's answer names the next.
 */
#ifndef SF_QUERY_JOB_LISTS_H
#define SF_QUERY_JOB_LISTS_H

#include "sf_http.h"
#include "sf_query_job_links.h"

/* The result that requests are about. */
typedef struct sf_query_result
{
	sf_http *http;
	sf_http_account *account;
	char api_version[8]; /* must be the one the job was created with */
	char job_id[SF_JOB_ID_MAX];
	int64_t records; /* numberRecordsProcessed, or -1 */
	int page_rows;	 /* maxRecords, or 0 */
	bool bulk1;		 /* a job of Bulk API 1.0, whose pages are files of batches */
} sf_query_result;

typedef struct sf_query_lists
{
	const sf_query_result *result;
	bool chain;			  /* pages name each other; there are no lists */
	bool started;		  /* a list was used: no way back to the chain */
	sf_links links;		  /* what waits to be taken, and the next list's locator */
	sf_http_request *req; /* the list that is asked for, or NULL */
	sf_http_cost cost;	  /* of the lists that were read */
} sf_query_lists;

/*
 * Queues GET …/jobs/query/<id>/<what>[?locator=…][&maxRecords=…]; a page is read as a stream.  "" is
 * the first page or list; nfailed as in sf_http_spec.  With bulk1: GET …/job/<id>/batch/<locator>.  NULL
 * with *err filled.
 */
extern sf_http_request *
sf_query_result_ask(const sf_query_result *result, const char *what, const char *locator,
					bool is_page, int nfailed, sf_error *err);

/*
 * Asks for the list with this locator, "" for the first.  Where there are no lists, as before 58.0
 * and for pages of a chosen size, the first page of the chain is added at once, without a request.
 * result must outlive *l, which starts as zeros.
 */
extern sf_status sf_query_lists_ask(sf_query_lists *l, const sf_query_result *result,
									const char *locator, sf_error *err);

/*
 * SF_WAIT while a list is under way, else SF_OK: what it named is in l->links.  When the first list
 * turns out not to be there, or nobody understands it, l->chain is set and the first page of the chain
 * is in l->links instead.  SF_FAILED with *err filled.
 */
extern sf_status sf_query_lists_step(sf_query_lists *l, sf_error *err);

/* Drops what is under way. */
extern void sf_query_lists_free(sf_query_lists *l);

#endif /* SF_QUERY_JOB_LISTS_H */
