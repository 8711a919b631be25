/*
 * pages_save.c
 *		Renderings of finished query jobs on disk: for snapshots, and orgs that outlive the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "pages_int.h"

#define MAX_PAGE_ROWS 1000000

bool
srv_link_file(const char *from, const char *to)
{
	char buf[65536];
	ssize_t n = -1;
	bool ok;
	int in, out;

	if (link(from, to) == 0)
		return true;
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = in >= 0 && out >= 0;
	while (ok && (n = read(in, buf, sizeof(buf))) > 0)
		ok = write(out, buf, (size_t) n) == n;
	ok = ok && n == 0;
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) != 0)
		ok = false;
	return ok;
}

/* Name of page i of a saved rendering. */
static void
saved_path(const char *dir, int i, bool gz, char *out, size_t size)
{
	snprintf(out, size, "%s/page%d.csv%s", dir, i, gz ? ".gz" : "");
}

bool
render_save(srv_render *r, const char *dir, cJSON *out)
{
	cJSON *pages = cJSON_AddArrayToObject(out, "pages");
	char from[400];
	char to[400];
	bool ok;

	if (pages == NULL || render_poll(r, 0, NULL) != RENDER_DONE ||
		(mkdir(dir, 0700) != 0 && errno != EEXIST))
		return false;
	ok = cJSON_AddNumberToObject(out, "page_rows", r->page_rows) &&
		 cJSON_AddNumberToObject(out, "gzip_level", r->gzip_level);
	for (int i = 0; ok && i < r->npages; i++)
	{
		cJSON *rows = cJSON_CreateNumber((double) r->pages[i].rows);

		ok = rows != NULL;
		if (ok)
			cJSON_AddItemToArray(pages, rows);
		for (int gz = 0; ok && gz < 2; gz++)
		{
			page_path(r, &r->pages[i], gz, from, sizeof(from));
			saved_path(dir, i, gz, to, sizeof(to));
			ok = srv_link_file(from, to);
		}
	}
	return ok;
}

/* Where the rows of a page begin; its header goes into *header.  NULL: not as many rows as it says. */
static uint32_t *
find_starts(const sim_buf *text, int64_t rows, sim_buf *header)
{
	uint32_t *starts = calloc((size_t) rows + 1, sizeof(*starts));
	int64_t n = -1; /* the header line comes first */
	bool quoted = false;

	for (size_t i = 0; starts && i < text->len && n < rows; i++)
	{
		if (text->data[i] == '"')
			quoted = !quoted;
		if (text->data[i] != '\n' || quoted)
			continue;
		starts[++n] = (uint32_t) i + 1;
		if (n == 0 && header->len == 0)
			sim_buf_add(header, text->data, i + 1);
	}
	if (starts && (n != rows || starts[rows] != text->len))
	{
		free(starts);
		return NULL;
	}
	return starts;
}

/* Page i with its files; false: they do not fit. */
static bool
load_page(srv_render *r, const char *dir, int i, int64_t rows)
{
	page *p = &r->pages[i];
	char from[400];
	char to[400];
	sim_buf text = {0};
	struct stat st;
	bool ok = rows >= 0 && rows <= MAX_PAGE_ROWS;

	*p = (page){.first = r->rows, .rows = rows};
	saved_path(dir, i, false, from, sizeof(from));
	ok = ok && srv_read_file(from, &text) && text.len <= UINT32_MAX;
	if (ok)
		p->starts = find_starts(&text, rows, &r->header);
	r->npages = i + 1;
	sim_buf_free(&text);
	for (int gz = 0; p->starts && ok && gz < 2; gz++)
	{
		saved_path(dir, i, gz, from, sizeof(from));
		page_path(r, p, gz, to, sizeof(to));
		ok = srv_link_file(from, to) && stat(to, &st) == 0;
		r->bytes += ok ? st.st_size : 0;
		r->plain += ok && !gz ? st.st_size : 0;
	}
	r->rows += rows;
	return ok && p->starts;
}

srv_render *
render_load(srv *s, const char *dir, const cJSON *in)
{
	const cJSON *pages = cJSON_GetObjectItemCaseSensitive(in, "pages");
	const cJSON *page_rows = cJSON_GetObjectItemCaseSensitive(in, "page_rows");
	int n = cJSON_GetArraySize(pages);
	srv_render_key key = {"", NULL, 0, "", ',', false};
	srv_options opt = srv_options_get(s);
	char *name = strdup("");
	srv_render *r = NULL;
	const cJSON *rows;
	bool ok = name && cJSON_IsNumber(page_rows) && page_rows->valuedouble >= 1 &&
			  page_rows->valuedouble <= MAX_PAGE_ROWS && n > 0;
	int i = 0;

	pages_lock(s);
	if (ok)
	{
		opt.page_rows = (int) page_rows->valuedouble;
		r = render_make(s, &key, &opt, name);
	}
	else
		free(name);
	pages_unlock(s);
	if (r == NULL)
		return NULL;

	/* nobody finds it by its query, and it goes with its job */
	r->is_volatile = true;
	r->clock_epoch = UINT64_MAX;
	r->pages = calloc((size_t) n, sizeof(*r->pages));
	r->space = n;
	ok = r->pages != NULL;
	cJSON_ArrayForEach (rows, pages)
	{
		ok = ok && cJSON_IsNumber(rows) &&
			 (i + 1 == n || (int) rows->valuedouble == r->page_rows) &&
			 load_page(r, dir, i, (int64_t) rows->valuedouble);
		i++;
	}
	if (!ok)
	{
		render_free(r);
		return NULL;
	}
	pages_lock(s);
	render_adopt(s, r);
	pages_unlock(s);
	return r;
}
