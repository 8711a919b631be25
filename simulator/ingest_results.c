/*
 * ingest_results.c
 *		Result files of ingest jobs: successfulResults, failedResults, unprocessedrecords (protocol notes, 2.5
 *		and 11).
 *
 * Files are in the job's directory.  Rows that were processed are written while that goes on; what else belongs into
 * the files (headers of empty ones, the unprocessed rows) is added when somebody asks for the first time.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "calendar.h"
#include "ingest_int.h"

/* Answers above this are sent from the file. */
#define FILE_ANSWER (1 << 20)

static const char *const file_names[] = {"upload", "success", "failed", "unprocessed"};

void
ingest_remove_files(job *j)
{
	char path[400];

	if (j->dir[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(file_names) / sizeof(*file_names); i++)
		for (int gz = 0; gz < 2; gz++)
		{
			ingest_path(j, file_names[i], gz, path);
			unlink(path);
		}
	rmdir(j->dir);
}

/* ---------------------------------------------------------------- cells */

void
ingest_quote(sim_buf *out, const char *text, size_t len)
{
	sim_buf_char(out, '"');
	for (const char *end = text + len; text < end;)
	{
		const char *quote = memchr(text, '"', (size_t) (end - text));
		const char *stop = quote ? quote + 1 : end;

		sim_buf_add(out, text, (size_t) (stop - text));
		if (quote)
			sim_buf_char(out, '"');
		text = stop;
	}
	sim_buf_char(out, '"');
}

/* Dates and datetimes: the value's text; false when it is none. */
static bool
echo_time(sim_type type, const char *text, size_t len, char out[SIM_DATETIME_SIZE], size_t *n)
{
	int64_t days, ms;

	if (type == SIM_T_TIME)
	{
		if (!sim_parse_time(text, len, &ms))
			return false;
		*n = sim_format_time(ms, out);
		return true;
	}
	if (len == 11 && text[10] == 'Z')
		len--;
	if (sim_parse_date(text, len, &days))
		ms = days * MS_PER_DAY;
	else if (sim_parse_datetime(text, len, &ms))
		days = sim_floor_div(ms, MS_PER_DAY);
	else
		return false;
	*n = type == SIM_T_DATE ? sim_format_date(days, out) : sim_format_datetime(ms, "Z", out);
	return true;
}

void
ingest_echo(const sim_field *field, const char *text, size_t len, sim_buf *out)
{
	sim_type type = sim_field_type(field);
	char number[64];
	char value[SIM_DATETIME_SIZE > SIM_DOUBLE_SIZE ? SIM_DATETIME_SIZE : SIM_DOUBLE_SIZE];
	size_t n = 0;
	char *end;
	double d;

	switch (type)
	{
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			if (len == 0 || len >= sizeof(number) || text[0] == ' ' ||
				memchr("+-.0123456789", text[0], 13) == NULL || memchr(text, 'x', len) ||
				memchr(text, 'X', len))
				break;
			memcpy(number, text, len);
			number[len] = '\0';
			d = strtod(number, &end);
			if (*end == '\0' && end == number + len && isfinite(d))
				n = sim_format_double(d, value);
			break;
		case SIM_T_BOOLEAN:
			if ((len == 4 && strncasecmp(text, "true", 4) == 0) || (len == 1 && *text == '1'))
				n = (size_t) snprintf(value, sizeof(value), "true");
			else if ((len == 5 && strncasecmp(text, "false", 5) == 0) ||
					 (len == 1 && *text == '0'))
				n = (size_t) snprintf(value, sizeof(value), "false");
			break;
		case SIM_T_DATE:
		case SIM_T_DATETIME:
		case SIM_T_TIME:
			if (!echo_time(type, text, len, value, &n))
				n = 0;
			break;
		default:
			break;
	}
	if (n > 0)
		ingest_quote(out, value, n);
	else
		ingest_quote(out, text, len);
}

/* ---------------------------------------------------------------- order of columns */

static const csv_in *sort_header;

static int
compare_names(const void *a, const void *b)
{
	size_t alen, blen;
	const char *at = csv_in_cell(sort_header, *(const int *) a, &alen);
	const char *bt = csv_in_cell(sort_header, *(const int *) b, &blen);
	int rc = strncasecmp(at, bt, alen < blen ? alen : blen);

	return rc ? rc : (alen > blen) - (alen < blen);
}

/*
 * The header line that follows the sf__ columns: the upload's own text, or its names in alphabetical order when a fault
 * wants them so (r->order is that order then).
 */
static void
header_text(ingest_run *r, const csv_in *c, sim_buf *out)
{
	static pthread_mutex_t sorting = PTHREAD_MUTEX_INITIALIZER;
	size_t len;
	const char *raw = csv_in_raw(c, &len);
	bool quoted = len > 0 && raw[0] == '"';

	for (int i = 0; r->order && i < r->ncolumns; i++)
		r->order[i] = i;
	if (r->order == NULL || !r->j->orders.reorder_columns)
	{
		sim_buf_add(out, raw, len);
		return;
	}
	pthread_mutex_lock(&sorting);
	sort_header = c;
	qsort(r->order, (size_t) r->ncolumns, sizeof(*r->order), compare_names);
	pthread_mutex_unlock(&sorting);
	for (int i = 0; i < r->ncolumns; i++)
	{
		const char *name = csv_in_cell(c, r->order[i], &len);

		if (i)
			sim_buf_char(out, r->j->delim);
		if (quoted)
			ingest_quote(out, name, len);
		else
			sim_buf_add(out, name, len);
	}
}

/* ---------------------------------------------------------------- writing while rows are processed */

static void
put(ingest_run *r, ingest_file *f)
{
	if (r->text.failed || fwrite(r->text.data, 1, r->text.len, f->f) != r->text.len)
		r->bad_files = true;
}

static void
end_line(const job *j, sim_buf *b)
{
	sim_buf_str(b, j->crlf ? "\r\n" : "\n");
}

/* The header of a file: two columns of Salesforce's, then the upload's. */
static void
first_line(const job *j, const char *second, const char *header, size_t len, sim_buf *b)
{
	sim_buf_printf(b, "\"sf__Id\"%c\"%s\"", j->delim, second);
	if (len > 0)
		sim_buf_char(b, j->delim);
	sim_buf_add(b, header, len);
	end_line(j, b);
}

static bool
begin_file(ingest_run *r, ingest_file *f, const char *name, const char *second,
		   const sim_buf *header)
{
	char path[400];

	ingest_path(r->j, name, false, path);
	f->f = fopen(path, "w+e");
	if (f->f == NULL)
		return false;
	sim_buf_reset(&r->text);
	first_line(r->j, second, header->data, header->len, &r->text);
	put(r, f);
	return true;
}

bool
ingest_files_open(ingest_run *r)
{
	csv_in *c = ingest_reader(r, 0);
	sim_buf header = {0};
	sim_error err;
	bool ok;

	r->order = calloc((size_t) r->ncolumns + 1, sizeof(*r->order));
	ok = c && r->order && csv_in_next(c, &err) > 0;
	if (ok)
	{
		sim_buf_str(&header, "");
		header_text(r, c, &header);
		ok = begin_file(r, &r->success, "success", "sf__Created", &header) &&
			 begin_file(r, &r->failed, "failed", "sf__Error", &header) && !r->bad_files;
	}
	sim_buf_free(&header);
	csv_in_free(c);
	return ok;
}

void
ingest_files_mark(ingest_run *r)
{
	ingest_file *files[] = {&r->success, &r->failed};

	for (int i = 0; i < 2; i++)
	{
		files[i]->mark = ftello(files[i]->f);
		files[i]->mark_rows = files[i]->nrows;
	}
}

void
ingest_files_rollback(ingest_run *r)
{
	ingest_file *files[] = {&r->success, &r->failed};

	for (int i = 0; i < 2; i++)
	{
		if (fflush(files[i]->f) != 0 ||
			ftruncate(fileno(files[i]->f), (off_t) files[i]->mark) != 0 ||
			fseeko(files[i]->f, (off_t) files[i]->mark, SEEK_SET) != 0)
			r->bad_files = true;
		files[i]->nrows = files[i]->mark_rows;
	}
}

static bool
shuffles(const ingest_run *r)
{
	return r->opt.shuffle_results || r->j->orders.shuffle_rows;
}

/* Remember where the next row begins. */
static void
note_row(ingest_run *r, ingest_file *f)
{
	if (!shuffles(r))
		return;
	if (f->nrows == f->space)
	{
		size_t space = f->space ? 2 * f->space : 1024;
		int64_t *bigger = realloc(f->rows, space * sizeof(*bigger));

		if (bigger == NULL)
		{
			r->bad_files = true;
			return;
		}
		f->rows = bigger;
		f->space = space;
	}
	f->rows[f->nrows++] = ftello(f->f);
}

/* The upload's columns of the present record, each behind a delimiter. */
static void
echo_row(ingest_run *r, const csv_in *c, sim_buf *b)
{
	for (int k = 0; k < r->ncolumns; k++)
	{
		int i = r->order[k];
		size_t len;
		const char *text = csv_in_cell(c, i, &len);

		sim_buf_char(b, r->j->delim);
		if (r->opt.echo_parsed && r->in[i].field && r->in[i].kind != SIM_IN_KEY)
			ingest_echo(r->in[i].field, text, len, b);
		else
			ingest_quote(b, text, len);
	}
	end_line(r->j, b);
}

void
ingest_success_row(ingest_run *r, const csv_in *c, const char *id, bool created)
{
	sim_buf_reset(&r->text);
	note_row(r, &r->success);
	sim_buf_printf(&r->text, "\"%s\"%c\"%s\"", id, r->j->delim, created ? "true" : "false");
	echo_row(r, c, &r->text);
	put(r, &r->success);
}

void
ingest_failed_row(ingest_run *r, const csv_in *c, const char *id, const sim_error *err)
{
	sim_buf message = {0};

	sim_buf_reset(&r->text);
	note_row(r, &r->failed);
	ingest_quote(&r->text, id, strlen(id));
	sim_buf_char(&r->text, r->j->delim);
	sim_buf_str(&message, "");
	sim_error_bulk(err, &message);
	ingest_quote(&r->text, message.data ? message.data : "", message.len);
	sim_buf_free(&message);
	echo_row(r, c, &r->text);
	put(r, &r->failed);
}

/* ---------------------------------------------------------------- another order of rows */

/* Read exactly these bytes of a file. */
static bool
read_at(int fd, char *to, size_t len, int64_t at)
{
	while (len > 0)
	{
		ssize_t n = pread(fd, to, len, (off_t) at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		at += n;
		len -= (size_t) n;
	}
	return true;
}

/* Write the rows of a finished file in another order: deterministic, so that a test can be run again. */
static bool
shuffle_file(ingest_run *r, ingest_file *f, const char *name)
{
	char path[400], temp[408];
	int64_t end = ftello(f->f);
	int64_t *order = f->nrows > 1 ? malloc(f->nrows * sizeof(*order)) : NULL;
	uint32_t seed = 12345u;
	bool ok = order != NULL;
	sim_buf row = {0};
	FILE *out;

	if (f->nrows < 2)
		return true;
	ingest_path(r->j, name, false, path);
	snprintf(temp, sizeof(temp), "%s.new", path);
	out = ok && fflush(f->f) == 0 ? fopen(temp, "we") : NULL;
	for (size_t i = 0; ok && i < f->nrows; i++)
		order[i] = (int64_t) i;
	for (size_t i = f->nrows; ok && i > 1; i--)
	{
		size_t k;
		int64_t tmp = order[i - 1];

		seed = seed * 1664525u + 1013904223u;
		k = (size_t) (((uint64_t) seed * i) >> 32);
		order[i - 1] = order[k];
		order[k] = tmp;
	}
	ok = out != NULL;
	for (size_t i = 0; ok && i <= f->nrows; i++)
	{
		int64_t from = i == 0 ? 0 : f->rows[order[i - 1]];
		int64_t to = i == 0									? f->rows[0]
					 : (size_t) order[i - 1] + 1 < f->nrows ? f->rows[order[i - 1] + 1]
															: end;
		char *dst;

		sim_buf_reset(&row);
		dst = sim_buf_reserve(&row, (size_t) (to - from));
		ok = dst && read_at(fileno(f->f), dst, (size_t) (to - from), from) &&
			 fwrite(dst, 1, (size_t) (to - from), out) == (size_t) (to - from);
	}
	if (out && fclose(out) != 0)
		ok = false;
	ok = ok && rename(temp, path) == 0;
	sim_buf_free(&row);
	free(order);
	return ok;
}

static void
end_file(ingest_run *r, ingest_file *f, const char *name)
{
	if (f->f == NULL)
		return;
	if (shuffles(r) && !r->bad_files && !shuffle_file(r, f, name))
		r->bad_files = true;
	if (fclose(f->f) != 0)
		r->bad_files = true;
	f->f = NULL;
	free(f->rows);
	f->rows = NULL;
}

bool
ingest_files_close(ingest_run *r)
{
	end_file(r, &r->success, "success");
	end_file(r, &r->failed, "failed");
	free(r->order);
	r->order = NULL;
	return !r->bad_files;
}

/* ---------------------------------------------------------------- what is added later */

/* A file with nothing but its header, when it is not there. */
static bool
header_only(const job *j, const char *name, const char *second, const char *header, size_t len)
{
	char path[400];
	sim_buf b = {0};
	int fd;
	bool ok;

	ingest_path(j, name, false, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST;
	first_line(j, second, header, len, &b);
	ok = !b.failed && write(fd, b.data, b.len) == (ssize_t) b.len;
	sim_buf_free(&b);
	return close(fd) == 0 && ok;
}

/* The rest of the upload, from this offset on, as it is. */
static bool
copy_rest(int fd, int64_t from, FILE *out)
{
	char buf[65536];
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), (off_t) from)) > 0)
	{
		if (fwrite(buf, 1, (size_t) n, out) != (size_t) n)
			return false;
		from += n;
	}
	return n == 0;
}

/* Rows of the upload that nobody has looked at, behind the header, which c has just read. */
static bool
unprocessed_rows(const job *j, int fd, csv_in *c, FILE *out)
{
	int64_t at = csv_in_offset(c);
	int64_t row = 0;
	sim_buf b = {0};
	sim_error err;
	bool ok = true;
	int rc;

	if (j->state == JOB_COMPLETE && j->orders.unprocessed_from == 0)
		return true;
	while (ok && (rc = csv_in_next(c, &err)) != 0)
	{
		if (rc < 0)
		{
			ok = copy_rest(fd, at, out);
			break;
		}
		at = csv_in_offset(c);
		if (row++ < j->next_row)
			continue;
		sim_buf_reset(&b);
		for (int i = 0; i < csv_in_count(c); i++)
		{
			size_t len;
			const char *text = csv_in_cell(c, i, &len);

			if (i)
				sim_buf_char(&b, j->delim);
			ingest_quote(&b, text, len);
		}
		end_line(j, &b);
		ok = !b.failed && fwrite(b.data, 1, b.len, out) == b.len;
	}
	sim_buf_free(&b);
	return ok;
}

static bool
write_unprocessed(const job *j, int fd, csv_in *c, const char *header, size_t len)
{
	char path[400];
	FILE *out;
	bool ok;

	ingest_path(j, "unprocessed", false, path);
	out = fopen(path, "we");
	if (out == NULL)
		return false;
	ok = fwrite(header, 1, len, out) == len &&
		 (len == 0 || fputs(j->crlf ? "\r\n" : "\n", out) >= 0);
	ok = ok && (c == NULL || unprocessed_rows(j, fd, c, out));
	return fclose(out) == 0 && ok;
}

bool
ingest_complete_files(srv *s, job *j)
{
	static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;
	char path[400];
	const char *header = "";
	csv_in *c = NULL;
	size_t len = 0;
	sim_error err;
	bool ok;
	int fd;

	(void) s;
	pthread_mutex_lock(&adding);
	if (j->files_done)
	{
		pthread_mutex_unlock(&adding);
		return true;
	}
	ingest_path(j, "upload", false, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
	{
		/* whatever line endings it has: it need not have been readable */
		c = csv_in_file(fd, 0, j->delim, CSV_IN_ANY);
		if (c)
			csv_in_next(c, &err);
		if (c)
			header = csv_in_raw(c, &len);
	}
	ok = header_only(j, "success", "sf__Created", header, len) &&
		 header_only(j, "failed", "sf__Error", header, len) &&
		 write_unprocessed(j, fd, c, header, len);
	csv_in_free(c);
	if (fd >= 0)
		close(fd);
	j->files_done = ok;
	pthread_mutex_unlock(&adding);
	return ok;
}

/* ---------------------------------------------------------------- answers */

/* Compress a file beside itself; false on errors. */
static bool
compress_file(const char *path, const char *path_gz, int level)
{
	char temp[416];
	char mode[8];
	char buf[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gzFile out;
	ssize_t n = 0;
	bool ok;

	if (access(path_gz, R_OK) == 0)
	{
		if (fd >= 0)
			close(fd);
		return true;
	}
	snprintf(temp, sizeof(temp), "%s.%lx", path_gz, (unsigned long) pthread_self());
	snprintf(mode, sizeof(mode), "wbe%d", level);
	out = fd >= 0 ? gzopen(temp, mode) : NULL;
	ok = out != NULL;
	while (ok && (n = read(fd, buf, sizeof(buf))) > 0)
		ok = gzwrite(out, buf, (unsigned) n) == (int) n;
	ok = ok && n == 0;
	if (out && gzclose(out) != Z_OK)
		ok = false;
	if (fd >= 0)
		close(fd);
	return ok && rename(temp, path_gz) == 0;
}

static void
send_file(srv_request *req, const job *j, const char *name)
{
	srv_options opt = srv_options_get(req->srv);
	char path[400], path_gz[400];
	struct stat st;
	bool ok;

	ingest_path(j, name, false, path);
	ingest_path(j, name, true, path_gz);
	ok = stat(path, &st) == 0;
	srv_text(req, 200, opt.csv_charset ? "text/csv; charset=UTF-8" : "text/csv", NULL);
	if (ok && st.st_size <= FILE_ANSWER)
		ok = srv_read_file(path, &req->resp.body);
	else if (ok)
	{
		ok = compress_file(path, path_gz, opt.gzip_level);
		req->resp.file = strdup(path);
		req->resp.file_gz = strdup(path_gz);
		ok = ok && req->resp.file && req->resp.file_gz;
	}
	if (!ok)
	{
		srv_response_reset(&req->resp);
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	}
}

static void
results(srv_request *req, const char *name)
{
	srv *s = req->srv;
	job *j = job_lock(req, JOB_V2_INGEST);

	if (j == NULL)
		return;
	if (j->state < JOB_COMPLETE)
	{
		job_not_ready(req, j->state);
		job_unlock(req);
		return;
	}

	/* an aborted job is still at its last chunk, a scripted one may be anywhere */
	job_ref(j);
	while (j->running)
		pthread_cond_wait(&s->jobs->changed, &s->jobs->lock);
	job_unlock(req);
	if (ingest_complete_files(s, j))
		send_file(req, j, name);
	else
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	job_unref(s, j);
}

void
ingest_successful(srv_request *req)
{
	results(req, "success");
}

void
ingest_failed(srv_request *req)
{
	results(req, "failed");
}

void
ingest_unprocessed(srv_request *req)
{
	results(req, "unprocessed");
}
