/*
 * sf_ingest_job_feed.h
 *		The data of a Bulk API 1.0 ingest job on its way into batches (level 3, part of sf_ingest_job).
 */
#ifndef SF_INGEST_JOB_FEED_H
#define SF_INGEST_JOB_FEED_H

#include "sf_batch_cut.h"
#include "sf_buf.h"
#include "sf_http.h"

typedef struct sf_batch_feed
{
	int64_t total; /* bytes of the data; -1 before it is known */
	int64_t at;	   /* offset of the byte that is wanted next */

	sf_buf header; /* the header row, with its LF; every batch begins with it */
	bool header_known;

	/* the batch at hand */
	sf_batch_cut cut;
	int64_t start;	 /* offset of its first row */
	size_t approved; /* bytes from at on that are whole rows of it */
	sf_buf carry;	 /* a row that came in pieces, the last one before at */
	bool carry_whole;
	size_t carry_sent;
	bool full; /* it has all its rows */
} sf_batch_feed;

/* batch_rows 0: as many as there may be. */
extern void sf_batch_feed_init(sf_batch_feed *f, int batch_rows);
extern void sf_batch_feed_free(sf_batch_feed *f);

/* Takes the header row as far as it is there; returns the bytes taken. */
extern size_t sf_batch_feed_header(sf_batch_feed *f, const char *data, size_t len);

/* All of the data was taken. */
extern bool sf_batch_feed_has_all(const sf_batch_feed *f);

/* A request for the batch at hand begins: gives it the header row. */
extern void sf_batch_feed_begin(sf_batch_feed *f, sf_http_request *req);

/* Gives it rows; returns the bytes taken, 0 while it is full, or the batch is. */
extern size_t
sf_batch_feed_rows(sf_batch_feed *f, sf_http_request *req, const char *data, size_t len);

/* Gives it what is left, and ends it, once the batch has all its rows. */
extern void sf_batch_feed_finish(sf_batch_feed *f, sf_http_request *req);

/* The next batch begins behind this one; or this one is to be given again, from its first row on. */
extern void sf_batch_feed_next(sf_batch_feed *f);
extern void sf_batch_feed_rewind(sf_batch_feed *f);

/* SF_FAILED when something is wrong with the data: a row that fits into no batch.  rows were in those before. */
extern sf_status
sf_batch_feed_check(const sf_batch_feed *f, const char *job_id, int64_t rows, sf_error *err);

#endif /* SF_INGEST_JOB_FEED_H */
