/*
 * bulk1_load.c
 *		Bulk API 1.0: a batch of records goes through the store; one result for each, in order.
 */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bulk1_int.h"
#include "xml.h"

/* A batch on its way. */
typedef struct load
{
	srv_bulk1 *b;
	const bulk1_job *j;
	bulk1_batch *t;
	bulk1_type format; /* of the results */
	const sim_field *key;
	bulk1_rows *ahead; /* of an upsert by an external id: reads a chunk before it is written */
	sim_keys keys;	   /* those that several of its rows share */
	bulk1_outcome *o;
	int64_t row;
} load;

/* ---------------------------------------------------------------- results */

static void
begin_results(load *l)
{
	if (l->format == BULK1_CSV)
		sim_buf_str(&l->o->answer, "\"Id\",\"Success\",\"Created\",\"Error\"\n");
	else if (l->format == BULK1_JSON)
		sim_buf_char(&l->o->answer, '[');
	else
		sim_buf_str(&l->o->answer,
					"<?xml version=\"1.0\" encoding=\"UTF-8\"?><results xmlns=\"" BULK1_NS
					"\">");
}

static void
end_results(load *l)
{
	if (l->format == BULK1_JSON)
		sim_buf_char(&l->o->answer, ']');
	else if (l->format == BULK1_XML)
		sim_buf_str(&l->o->answer, "</results>");
}

static void
csv_result(sim_buf *out, const char *id, bool success, bool created, const sim_error *err)
{
	sim_buf text = {0};

	sim_buf_printf(out, "\"%s\",\"%s\",\"%s\",\"", id, success ? "true" : "false",
				   created ? "true" : "false");
	if (!success)
		sim_error_bulk(err, &text);
	for (size_t i = 0; i < text.len; i++)
	{
		if (text.data[i] == '"')
			sim_buf_char(out, '"');
		sim_buf_char(out, text.data[i]);
	}
	sim_buf_str(out, "\"\n");
	sim_buf_free(&text);
}

static void
xml_result(sim_buf *out, const char *id, bool success, bool created, const sim_error *err)
{
	sim_buf_str(out, "<result>");
	if (!success)
	{
		sim_buf_str(out, "<errors>");
		for (int i = 0; i < err->nfields; i++)
			xml_element(out, "fields", err->fields[i]);
		xml_element(out, "message", err->message);
		xml_element(out, "statusCode", err->code);
		sim_buf_str(out, "</errors>");
	}
	if (*id)
		xml_element(out, "id", id);
	sim_buf_printf(out, "<success>%s</success><created>%s</created></result>",
				   success ? "true" : "false", created ? "true" : "false");
}

static void
json_result(sim_buf *out, const char *id, bool success, bool created, const sim_error *err)
{
	sim_buf_printf(out, "{\"success\":%s,\"created\":%s,\"id\":", success ? "true" : "false",
				   created ? "true" : "false");
	if (*id)
		sim_buf_printf(out, "\"%s\"", id);
	else
		sim_buf_str(out, "null");
	sim_buf_str(out, ",\"errors\":[");
	if (!success)
	{
		sim_buf_str(out, "{\"message\":");
		sim_json_string(out, err->message, strlen(err->message));
		sim_buf_str(out, ",\"fields\":[");
		for (int i = 0; i < err->nfields; i++)
		{
			if (i > 0)
				sim_buf_char(out, ',');
			sim_json_string(out, err->fields[i], strlen(err->fields[i]));
		}
		sim_buf_printf(out, "],\"statusCode\":\"%s\",\"extendedErrorDetails\":null}",
					   err->code);
	}
	sim_buf_str(out, "]}");
}

static void
put_result(load *l, const char *id, bool success, bool created, const sim_error *err)
{
	sim_buf *out = &l->o->answer;

	if (l->format == BULK1_CSV)
		csv_result(out, id, success, created, err);
	else if (l->format == BULK1_XML)
		xml_result(out, id, success, created, err);
	else
	{
		if (l->row > 0)
			sim_buf_char(out, ',');
		json_result(out, id, success, created, err);
	}
	l->row++;
	l->o->processed++;
	if (!success)
		l->o->failed++;
}

/* ---------------------------------------------------------------- writing */

/* The external id of a row; NULL: there is none. */
static const sim_in *
key_cell(const load *l, const sim_write *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->in[i].field == l->key)
			return w->in[i].text ? &w->in[i] : NULL;
	return NULL;
}

/* Which external ids do several of the next n rows share? */
static void
find_keys(load *l, int64_t n)
{
	sim_keys_free(&l->keys);
	l->keys.field = l->key;
	for (int64_t i = 0; i < n; i++)
	{
		sim_write w = {0};
		sim_error err = {0};
		const sim_in *cell = bulk1_rows_next(l->ahead, &w, &err) ? key_cell(l, &w) : NULL;

		if (cell)
			sim_keys_add(&l->keys, cell->text, cell->len);
	}
	sim_keys_done(&l->keys);
}

static bool
write_row(load *l, sim_txn *txn, const sim_write *w, char id[SIM_ID_SIZE], bool *created,
		  sim_error *err)
{
	bulk1_op op = l->j->op;

	if (op == BULK1_INSERT)
	{
		if (w->id)
		{
			sim_error_set(err, "INVALID_FIELD_FOR_INSERT_UPDATE",
						  "cannot specify Id in an insert call");
			return sim_error_field(err, "Id");
		}
		*created = true;
		return sim_insert(txn, w, id, err);
	}
	if (op == BULK1_UPSERT)
	{
		const sim_in *cell = l->ahead ? key_cell(l, w) : NULL;

		if (cell && sim_keys_shared(&l->keys, cell->text, cell->len, err))
			return false;
		return sim_upsert(txn, w, l->key, id, created, NULL, err);
	}
	if (w->id == NULL)
		return sim_error_set(err, "MISSING_ARGUMENT", "Id not specified in %s call",
							 op == BULK1_UPDATE ? "an update" : "a delete");
	/* results tell the id in its long form */
	sim_id_normalise(w->id, strlen(w->id), id);
	if (op == BULK1_UPDATE)
		return sim_update(txn, w, err);
	return sim_delete(txn, w->id, op == BULK1_HARD_DELETE, err);
}

/* One chunk of rows is one transaction. */
static bool
write_chunk(load *l, bulk1_rows *rows, int64_t n)
{
	srv *s = l->b->s;
	bool contend = srv_options_get(s).lock_contention;
	sim_error err = {0};
	sim_txn *txn = sim_txn_begin(s->org, &l->j->write, &err);

	if (txn == NULL)
		return bulk1_fail(l->o, "InternalServerError", "%s", err.message);
	for (int64_t i = 0; i < n; i++)
	{
		char id[SIM_ID_SIZE] = "";
		bool created = false;
		sim_write w = {0};
		bool ok;

		memset(&err, 0, sizeof(err));
		ok = bulk1_rows_next(rows, &w, &err) &&
			 (!contend || bulk1_lock_parents(l->b, l->t, &w, &err)) &&
			 write_row(l, txn, &w, id, &created, &err);
		if (!ok)
			bulk1_rows_refused(rows, &err);
		put_result(l, ok ? id : "", ok, ok && created, &err);
	}
	if (!sim_txn_commit(txn, &err))
		return bulk1_fail(l->o, "InternalServerError", "%s", err.message);
	return true;
}

static void
write_rows(load *l, bulk1_rows *rows)
{
	int64_t left = bulk1_rows_count(rows);
	int chunk = srv_options_get(l->b->s).chunk_rows;

	begin_results(l);
	while (left > 0)
	{
		int64_t n = left < chunk ? left : chunk;

		if (l->ahead)
			find_keys(l, n);
		if (!write_chunk(l, rows, n))
			return;
		left -= n;
	}
	end_results(l);
	l->o->done = true;
}

/* ---------------------------------------------------------------- the text of a batch */

/* Into UTF-8; false: the batch fails. */
static bool
decode(const char *charset, sim_buf *text, bulk1_outcome *o)
{
	iconv_t cd = iconv_open("UTF-8", charset);
	sim_buf out = {0};
	char *in = text->data;
	size_t left = text->len;
	bool ok = cd != (iconv_t) -1;

	if (!ok)
		return bulk1_fail(o, "ClientInputError", "Unsupported charset: %s", charset);
	while (ok && left > 0)
	{
		char piece[4096];
		char *to = piece;
		size_t room = sizeof(piece);
		size_t rc = iconv(cd, &in, &left, &to, &room);

		sim_buf_add(&out, piece, sizeof(piece) - room);
		ok = (rc != (size_t) -1 || errno == E2BIG) && !out.failed;
	}
	iconv_close(cd);
	sim_buf_free(text);
	*text = out;
	return ok || bulk1_fail(o, "ClientInputError", "The data are not in charset %s", charset);
}

static void
load_text(srv_bulk1 *b, bulk1_batch *t, const sim_buf *text, const bulk1_zip *zip,
		  bulk1_outcome *o)
{
	const bulk1_job *j = t->job;
	load l = {.b = b, .j = j, .t = t, .format = bulk1_text_type(j->type), .o = o};
	bulk1_rows *rows = bulk1_rows_new(j, text->data ? text->data : "", text->len, zip, o);

	if (rows == NULL)
		return;
	if (j->op == BULK1_UPSERT)
		l.key = sim_field_find(j->object, j->external_id);
	if (l.key && sim_field_type(l.key) != SIM_T_ID)
		l.ahead = bulk1_rows_new(j, text->data ? text->data : "", text->len, zip, o);
	write_rows(&l, rows);
	if (l.ahead)
		bulk1_rows_free(l.ahead);
	sim_keys_free(&l.keys);
	bulk1_rows_free(rows);
}

void
bulk1_load(srv_bulk1 *b, const bulk1_job *j, bulk1_batch *t, bulk1_outcome *o)
{
	sim_buf request = {0};
	sim_buf text = {0};
	sim_error err = {0};
	bulk1_zip *zip = NULL;

	if (!bulk1_blob_get(&t->request, &request))
		bulk1_fail(o, "InternalServerError", "the request is gone");
	else if (t->request.len > BULK1_MAX_BYTES)
		bulk1_fail(o, "InvalidBatch", "Exceeded maximum batch size of %d bytes",
				   BULK1_MAX_BYTES);
	else if (!bulk1_is_zip(j->type))
	{
		/* CSV and XML look after bytes that are no UTF-8 themselves */
		const char *charset = t->charset[0]			  ? t->charset
							  : j->type == BULK1_JSON ? "UTF-8"
													  : NULL;

		if ((charset == NULL || decode(charset, &request, o)) &&
			(j->spec == NULL || bulk1_spec_apply(j, &request, o)))
			load_text(b, t, &request, NULL, o);
	}
	else if ((zip = bulk1_zip_open(request.data ? request.data : "", request.len, &err)) ==
			 NULL)
		bulk1_fail(o, "InvalidBatch", "%s", err.message);
	else
	{
		int rc = bulk1_zip_read(zip, "request.txt", &text, &err);

		if (rc < 0)
			bulk1_fail(o, "InvalidBatch", "%s", err.message);
		else if (rc == 0)
			bulk1_fail(o, "InvalidBatch", "request.txt not found in the zip file");
		else
			load_text(b, t, &text, zip, o);
	}
	bulk1_zip_close(zip);
	sim_buf_free(&text);
	sim_buf_free(&request);
}
