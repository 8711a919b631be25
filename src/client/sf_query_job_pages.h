/*
 * sf_query_job_pages.h
 *		The rows of a complete query job (level 3, part of sf_query_job), or of a batch of Bulk API 1.0.
 *
 * Sources: Bulk API 2.0 guide, query_get_job_results, query_get_parallel_job_results,
 * query-compression; Bulk API guide, asynch_api_batches_get_results.
 *
 * Several pages are downloaded at a time.  Each waits as it came, compressed and bounded, until the
 * reader turns to it; only then it gets a decoder and a CSV parser.  The reader stays on a page
 * while it has rows and turns to another one when it has none at the moment.  Which pages there are
 * it finds out itself, or it is told: then several readers can share a result.
 *
 * What makes a result whole: every page ends as its encoding says it must, has the rows that its
 * Sforce-NumberOfRecords promises, and all pages together have numberRecordsProcessed rows.  A
 * download that breaks is started again; what was handed out of it is skipped and compared.
 */
#ifndef SF_QUERY_JOB_PAGES_H
#define SF_QUERY_JOB_PAGES_H

#include "sf_http.h"

typedef struct sf_query_pages sf_query_pages;

/* Most pages downloaded at a time. */
#define SF_STREAMS_MAX 20

typedef struct sf_query_pages_spec
{
	const char *api_version; /* must be the one the job was created with */
	const char *job_id;
	const char *const *columns; /* names in the order of the rows; copied */
	int ncolumns; /* 0: those of the file, which the first page names and the others must have */
	int64_t records; /* numberRecordsProcessed, or -1 */
	int page_rows;	 /* maxRecords, or 0 */
	int streams;	 /* 1..SF_STREAMS_MAX */
	int max_retries; /* new downloads of one page */
	bool no_threads; /* never decompress in a thread (sf_inflate_ahead.h) */
	bool given;		 /* which pages to read says sf_pages_give */
	bool chain;		 /* with given: each page's answer names the next page */
	bool files;		 /* with given: they are result files of Bulk API 1.0 */
} sf_query_pages_spec;

/* What was read of the files of one batch. */
typedef struct sf_files_read
{
	int files;
	int64_t rows;
} sf_files_read;

/* The only cell of a result file of Bulk API 1.0 that has no rows. */
#define SF_BULK1_NO_ROWS "Records not found for this query"

typedef struct sf_query_pages_info
{
	int64_t rows; /* handed out */
	int pages;	  /* read to their end */
	sf_http_cost cost;
} sf_query_pages_info;

/* Queues the first request.  NULL with *err filled. */
extern sf_query_pages *
sf_query_pages_start(sf_http *h, const sf_query_pages_spec *spec, sf_error *err);

/* Looks after links and downloads.  SF_WAIT, or SF_FAILED. */
extern sf_status sf_query_pages_step(sf_query_pages *p, sf_error *err);

/* The next row as in sf_query_next_row. */
extern sf_status sf_query_pages_next_row(sf_query_pages *p, sf_value **values, sf_error *err);

/* The columns, once there was a row. */
extern int sf_query_pages_ncolumns(const sf_query_pages *p);
extern const char *sf_query_pages_column(const sf_query_pages *p, int i);

extern void sf_query_pages_get_info(const sf_query_pages *p, sf_query_pages_info *info);

/* A reader with spec.given is an sf_pages of sf_client.h: what is peculiar to it is declared there. */

/*
 * With spec.files: gives a result file, "<batch id>/result/<result id>", which has so many rows (-1: its
 * batch has several files).  When it was read, it is counted in *read, which must outlive the reader.  Only
 * while sf_query_pages_has_room.
 */
extern sf_status sf_query_pages_give_file(sf_query_pages *p, const char *file, int64_t records,
										  sf_files_read *read, sf_error *err);

/* True when a page that is given now is asked for at once. */
extern bool sf_query_pages_has_room(const sf_query_pages *p);

/* Drops all downloads.  NULL is fine. */
extern void sf_query_pages_free(sf_query_pages *p);

#endif /* SF_QUERY_JOB_PAGES_H */
