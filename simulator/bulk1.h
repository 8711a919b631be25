/*
 * bulk1.h
 *		Bulk API 1.0 (/services/async/XX.X) as the rest of sfsim sees it.
 */
#ifndef SFSIM_BULK1_H
#define SFSIM_BULK1_H

#include "server.h"

typedef struct srv_bulk1 srv_bulk1;

srv_bulk1 *bulk1_new(srv *s);
void bulk1_free(srv_bulk1 *b);

extern const srv_endpoint bulk1_routes[];

/*
 * Process batches that are due by the org's clock.  Cheap when there are none; called before each request, so that what
 * a batch has written is seen by whoever asks next.
 */
void bulk1_tick(srv *s);

/*
 * Rows for the lists of jobs, of jobType Classic: skip so many, append at most max JSON objects with commas between
 * them, return how many there are in all.  query: only query jobs, else only the others.
 */
int64_t bulk1_classic_rows(srv *s, bool query, int64_t skip, int64_t max, sim_buf *out);

/* Forget every job; returns how many there were. */
int bulk1_drop_all(srv *s);

/* All jobs with their files into a directory that exists, and back in place of those that are there. */
bool bulk1_save(srv *s, const char *dir, sim_error *err);
bool bulk1_restore(srv *s, const char *dir, sim_error *err);

#endif /* SFSIM_BULK1_H */
