/*
 * pages_int.h
 *		A rendering of a query, as the files that make, cut and keep its pages share it.
 */
#ifndef SFSIM_PAGES_INT_H
#define SFSIM_PAGES_INT_H

#include "server.h"

typedef struct page
{
	int64_t first;
	int64_t rows;
	uint32_t *starts; /* rows + 1 offsets in the plain file; NULL for cut pages */
} page;

typedef struct render_read
{
	const sim_object *object;
	uint64_t version;
} render_read;

struct srv_render
{
	srv *s;
	char *key; /* what makes two renderings the same */
	char *soql;
	char *version;
	unsigned flags;
	char delim;
	bool crlf;
	bool shuffle;
	int page_rows;
	int gzip_level;
	int nreads; /* objects that the rows come from, as they stood when the rendering began */
	render_read *reads;
	bool is_volatile; /* they depend on the moment, too */
	uint64_t clock_epoch;
	char dir[256];

	/* guarded by the table's lock */
	int refs;
	bool busy; /* its thread runs */
	int64_t bytes;
	int64_t plain; /* of those, in plain files of base pages */
	int64_t used;  /* monotonic ms of the last release */
	srv_render *next;

	/* guarded by the own lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	render_state state;
	sim_error err;
	bool cancel;
	bool read_all;
	int pending; /* pages on their way to disk */
	int64_t rows;
	page *pages; /* of page_rows rows each, the last one shorter */
	int npages;
	int space;
	sim_buf header;

	pthread_mutex_t cut_lock; /* one cut page is made at a time */
	page *cuts;
	int ncuts;
};

/* Name of a page's file. */
void page_path(const srv_render *r, const page *p, bool gz, char *out, size_t size);

/* Store one page, both ways.  False on I/O errors. */
bool page_store(srv_render *r, const page *p, const sim_buf *text);

/* A rendering without pages and with a directory of its own; takes the key over.  NULL on errors.  Table's lock held. */
srv_render *render_make(srv *s, const srv_render_key *key, const srv_options *opt, char *text);

/* Free one that is in no list, and remove its files. */
void render_free(srv_render *r);

/* Table's lock held: put one that is complete into the list, with one user. */
void render_adopt(srv *s, srv_render *r);

/* The table's lock. */
void pages_lock(srv *s);
void pages_unlock(srv *s);

#endif /* SFSIM_PAGES_INT_H */
