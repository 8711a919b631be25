/*
 * pages_cut.c
 *		Pages of other sizes than the rendered ones, cut from their plain files and kept the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages_int.h"

/* Append rows [first, first + count) of the plain files to out. */
static bool
copy_rows(srv_render *r, int64_t first, int64_t count, sim_buf *out)
{
	while (count > 0)
	{
		const page *p = &r->pages[first / r->page_rows];
		int64_t from = first - p->first;
		int64_t n = p->rows - from < count ? p->rows - from : count;
		size_t want = p->starts[from + n] - p->starts[from];
		char *dst = sim_buf_reserve(out, want);
		char path[384];
		size_t got = 0;
		int fd;

		page_path(r, p, false, path, sizeof(path));
		fd = dst ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		while (fd >= 0 && got < want)
		{
			ssize_t k = pread(fd, dst + got, want - got, (off_t) (p->starts[from] + got));

			if (k < 0 && errno == EINTR)
				continue;
			if (k <= 0)
				break;
			got += (size_t) k;
		}
		if (fd >= 0)
			close(fd);
		if (fd < 0 || got < want)
			return false;
		out->len += want;
		first += n;
		count -= n;
	}
	return true;
}

/* Find or make the page [first, first + count) that is no base page; cut_lock held. */
static const page *
cut_page(srv_render *r, int64_t first, int64_t count)
{
	page p = {.first = first, .rows = count, .starts = NULL};
	sim_buf text = {0};
	page *bigger;
	bool ok;

	for (int i = 0; i < r->ncuts; i++)
		if (r->cuts[i].first == first && r->cuts[i].rows == count)
			return &r->cuts[i];
	sim_buf_add(&text, r->header.data, r->header.len);
	ok = copy_rows(r, first, count, &text) && page_store(r, &p, &text);
	sim_buf_free(&text);
	if (!ok || (bigger = realloc(r->cuts, sizeof(page) * (size_t) (r->ncuts + 1))) == NULL)
		return NULL;
	r->cuts = bigger;
	r->cuts[r->ncuts] = p;
	return &r->cuts[r->ncuts++];
}

bool
render_page(srv_render *r, int64_t first, int64_t count, char **plain, char **gz,
			sim_error *err)
{
	int64_t index = first / r->page_rows;
	char path[384];
	const page *p = NULL;

	/* nothing changes in a finished rendering but its cut pages */
	pthread_mutex_lock(&r->cut_lock);
	if (index < r->npages && r->pages[index].first == first && r->pages[index].rows == count)
		p = &r->pages[index];
	else if (first >= 0 && count > 0 && first + count <= r->rows)
		p = cut_page(r, first, count);
	if (p)
	{
		page_path(r, p, false, path, sizeof(path));
		*plain = strdup(path);
		page_path(r, p, true, path, sizeof(path));
		*gz = strdup(path);
	}
	pthread_mutex_unlock(&r->cut_lock);
	if (p && *plain && *gz)
		return true;
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not read a result page");
}
