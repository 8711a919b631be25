/*
 * sf_ingest_job_feed.c
 *		The data of a Bulk API 1.0 ingest job on its way into batches.
 *
 * Rows are found in the data as it comes (sf_batch_cut), and go to the network as far as they are whole and fit; a
 * row that comes in pieces waits in carry.  What does not fit is asked for again, as the next batch's first row.
 */
#include "sf_ingest_job_feed.h"

#include <inttypes.h>

/* A header row has at most 32,000 characters (Bulk API guide). */
#define HEADER_MAX (128 * 1024)

_Static_assert(HEADER_MAX < SF_UPLOAD_BYTES, "an upload takes a header row at once");

void
sf_batch_feed_init(sf_batch_feed *f, int batch_rows)
{
	sf_buf_init(&f->header, HEADER_MAX);
	sf_buf_init(&f->carry, SF_BATCH_BYTES_MAX);
	f->total = -1;
	f->cut.max_bytes = SF_BATCH_BYTES_MAX;
	f->cut.max_rows = batch_rows > 0 ? batch_rows : SF_BATCH_ROWS_MAX;
}

void
sf_batch_feed_free(sf_batch_feed *f)
{
	sf_buf_free(&f->header);
	sf_buf_free(&f->carry);
}

bool
sf_batch_feed_has_all(const sf_batch_feed *f)
{
	return f->total >= 0 && f->at >= f->total && f->carry.len == 0;
}

void
sf_batch_feed_begin(sf_batch_feed *f, sf_http_request *req)
{
	sf_http_upload_put(req, sf_buf_text(&f->header), f->header.len);
}

void
sf_batch_feed_next(sf_batch_feed *f)
{
	f->start = f->at;
	sf_batch_feed_rewind(f);
}

void
sf_batch_feed_rewind(sf_batch_feed *f)
{
	f->at = f->start;
	f->approved = 0;
	sf_buf_reset(&f->carry);
	f->carry_whole = false;
	f->carry_sent = 0;
	f->full = false;
	sf_batch_cut_begin(&f->cut, f->header.len);
}

size_t
sf_batch_feed_header(sf_batch_feed *f, const char *data, size_t len)
{
	size_t n = sf_batch_cut_read(&f->cut, data, len, &f->header_known);

	if (sf_buf_append(&f->header, data, n) != SF_OK)
	{
		f->header_known = false;
		return 0;
	}
	f->at += (int64_t) n;
	if (f->header_known)
		sf_batch_feed_next(f);
	return n;
}

/* Sends what carry has; true when nothing of it is left. */
static bool
send_carry(sf_batch_feed *f, sf_http_request *req)
{
	f->carry_sent +=
		sf_http_upload_put(req, f->carry.data + f->carry_sent, f->carry.len - f->carry_sent);
	if (f->carry_sent < f->carry.len)
		return false;
	sf_buf_reset(&f->carry);
	f->carry_whole = false;
	f->carry_sent = 0;
	return true;
}

/* The row in carry is whole: it is one of the batch, or the next one's first. */
static void
end_carry(sf_batch_feed *f)
{
	if (sf_batch_cut_take(&f->cut))
	{
		f->carry_whole = true;
		f->full = f->cut.rows == f->cut.max_rows;
		return;
	}
	f->full = true;
	f->at -= (int64_t) f->carry.len;
	sf_buf_reset(&f->carry);
}

/* Looks for whole rows; returns the bytes that went into carry, as they are part of one. */
static size_t
find_rows(sf_batch_feed *f, const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && !f->full)
	{
		bool ended;
		size_t row = sf_batch_cut_read(&f->cut, data + n, len - n, &ended);

		if (f->carry.len > 0 || (!ended && n == 0))
		{
			if (sf_buf_append(&f->carry, data + n, row) != SF_OK)
				return 0; /* told by the step */
			f->at += (int64_t) row;
			if (ended)
				end_carry(f);
			return row;
		}
		if (!ended)
		{
			/* looked at again when what comes before it has gone */
			sf_batch_cut_back(&f->cut);
			break;
		}
		f->full = !sf_batch_cut_take(&f->cut);
		if (!f->full)
		{
			n += row;
			f->full = f->cut.rows == f->cut.max_rows;
		}
	}
	f->approved = n;
	return 0;
}

/* The last row may lack its LF. */
static void
end_data(sf_batch_feed *f)
{
	if (f->full || f->total < 0 || f->at < f->total)
		return;
	if (f->carry.len > 0 && !f->carry_whole)
		end_carry(f);
	f->full = true;
}

void
sf_batch_feed_finish(sf_batch_feed *f, sf_http_request *req)
{
	end_data(f);
	if (f->carry_whole && !send_carry(f, req))
		return;
	/* a batch whose first row is too long is never sent */
	if (f->full && f->approved == 0 && f->cut.rows > 0)
		sf_http_upload_end(req);
}

/* As far as there is room; returns the bytes taken. */
static size_t
put_rows(sf_batch_feed *f, sf_http_request *req, const char *data, size_t len)
{
	size_t n = sf_http_upload_put(req, data, len < f->approved ? len : f->approved);

	f->approved -= n;
	f->at += (int64_t) n;
	return n;
}

size_t
sf_batch_feed_rows(sf_batch_feed *f, sf_http_request *req, const char *data, size_t len)
{
	size_t done = 0;

	if (f->total >= 0 && (int64_t) len > f->total - f->at)
		len = f->total > f->at ? (size_t) (f->total - f->at) : 0;
	while (done < len && f->carry.failed == SF_ERR_NONE)
	{
		size_t n;

		if ((f->carry_whole && !send_carry(f, req)) || (f->approved == 0 && f->full))
			break;
		if (f->approved == 0)
		{
			done += find_rows(f, data + done, len - done);
			continue;
		}
		n = put_rows(f, req, data + done, len - done);
		if (n == 0)
			break;
		done += n;
	}
	sf_batch_feed_finish(f, req);
	return done;
}

sf_status
sf_batch_feed_check(const sf_batch_feed *f, const char *job_id, int64_t rows, sf_error *err)
{
	if (f->total >= 0 && f->at > f->total)
		return sf_error_set(err, SF_ERR_CONFIG,
							"the upload to ingest job %s got too much data", job_id);
	if (sf_buf_check(&f->header, "the header row", err) != SF_OK)
		return SF_FAILED;
	if (f->carry.failed == SF_ERR_MEMORY)
		return sf_error_nomem(err);
	if (f->carry.failed == SF_ERR_NONE && !(f->full && f->cut.rows == 0))
		return SF_OK;
	sf_error_set(err, SF_ERR_LIMIT,
				 "row %" PRId64 " of ingest job %s is too long for Bulk API 1.0",
				 rows + f->cut.rows + 1, job_id);
	sf_error_detail(err, "A batch has at most %d bytes, its header row included.",
					SF_BATCH_BYTES_MAX);
	return SF_FAILED;
}
