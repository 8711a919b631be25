/*
 * parallel.c
 *		Bulk scans that several processes share, by Bulk API 2.0.
 *
 * A page of a bulk result is named by (job id, locator) alone, so any process can read it.  The leader
 * has the job: it waits until that is complete, before it starts workers that could do nothing before, and
 * deletes it when the scan ends.  Each participant, the leader included, has a session of its own with a
 * login of its own, takes locators out of shared memory, some pages ahead, and reads those pages
 * whole.  Whoever finds no locator there asks for the next list of links (or, where the server has none,
 * starts the next page of the chain, whose answer names the one behind it).
 *
 * Nobody may wait for a participant that waits for somebody else.  A worker waits for the leader whenever
 * its tuple queue is full, and that can be for as long as the leader waits in its own part of the scan.  So
 * what others wait for, finding out which pages there are, is begun and ended without a row in between.
 *
 * What only all together can know is counted in shared memory: who is the last to finish checks that all
 * pages have as many rows as the job says.
 */
#include "scan.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "planner.h"
#include "progress.h"

/* Rows between two looks at whether another page is worth taking; a page has tens of thousands. */
#define LOOK_ROWS 1000

/* Most pages that a participant has before it: the client's most, less one that is nearly read. */
#define OPEN_MAX 19

/* Page links in a list, as documented. */
#define LIST_PAGES 5

/*
 * Places of the table of locators that came, at most three quarters of them taken.  What comes when it is
 * full is looked up, but not remembered: the number of rows decides then.
 */
#define SEEN_SIZE 32768
#define SEEN_MAX  (SEEN_SIZE / 4 * 3)

/* ---- the shared state ------------------------------------------------------------------------- */

/* What participants have read, or spent. */
typedef struct SharedTotals
{
	int64 rows;
	int64 pages;
	int64 api_calls;
	int64 retries;
	int64 wire_bytes;
	int64 text_bytes;
} SharedTotals;

typedef struct SfbShared
{
	/* set by the leader before anybody else looks */
	sf_job_result result;
	bool never;				 /* no row can be, and there is no job */
	int participants;		 /* as planned; there may be fewer */
	SfbProgressRef progress; /* where it is shown, … */
	int job_calls;			 /* … with what the job has cost */
	int64 job_bytes;

	slock_t mutex;			 /* of all below, but for what is the finder's */
	ConditionVariable moved; /* somebody found out something, or the scan is stopped */
	bool finding;			 /* somebody finds out which pages come next */
	bool chain;				 /* pages name each other; there are no lists of links */
	bool found_all;			 /* no further locators will come */
	bool stopped;			 /* nobody wants more rows */
	int nlocators;			 /* in the last list */
	int taken;				 /* of these */
	int64 given;			 /* pages that participants took */
	int64 done;				 /* and read to their end */
	int64 done_rows;		 /* of those */
	SharedTotals totals;	 /* a little late, while somebody reads */

	/* the finder's; the list is everybody's while it is not finding */
	int nseen;
	uint64 seen[SEEN_SIZE];
	char next_list[SF_LOCATOR_MAX];
	char locators[SF_LINKS_MAX][SF_LOCATOR_MAX];
} SfbShared;

/* A participant. */
typedef struct SfbParallel
{
	SfbShared *shared;		/* NULL: the scan is like any other */
	SfbGuard *pages;		/* owns the sf_pages */
	SfbGuard *links;		/* owns the sf_page_links while it finds out */
	int64 given;			/* pages that it took */
	sf_query_stats counted; /* of its pages, what the shared totals have */
	int look;				/* rows until it looks for another */
	bool ended;				/* there are no more to take */
	bool finished;			/* all of them are read */

	SharedTotals totals; /* the leader's copy, when the shared memory is gone */
	char job_id[SF_JOB_ID_MAX];
} SfbParallel;

static bool
is_stopped(void *arg)
{
	SfbShared *shared = arg;
	bool stopped;

	SpinLockAcquire(&shared->mutex);
	stopped = shared->stopped;
	SpinLockRelease(&shared->mutex);
	return stopped;
}

/* Is there news for somebody who waits for locators? */
static bool
is_found(void *arg)
{
	SfbShared *shared = arg;
	bool found;

	SpinLockAcquire(&shared->mutex);
	found = !shared->finding || shared->stopped;
	SpinLockRelease(&shared->mutex);
	return found;
}

/* ---- planning --------------------------------------------------------------------------------- */

/* Asked before anything is known of the relation but its options. */
bool
sfbulkIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	SfbTableOptions *options = sfb_table_options(rte->relid);

	(void) root;
	(void) rel;

	/* Which files a result of Bulk API 1.0 has shows batch by batch: only who has the job knows. */
	return options->transport != SF_TRANSPORT_REST && options->bulk_api == SFB_BULK_2;
}

/*
 * Among how many the work of workers, and of a leader that also gathers their rows, is divided: as
 * PostgreSQL has it for its own parallel scans.
 */
static double
parallel_divisor(int workers)
{
	double divisor = workers;

	if (parallel_leader_participation && workers < 4)
		divisor += 1.0 - 0.3 * workers;
	return divisor;
}

/* Bytes of a row as it comes, with the columns that only the conditions need. */
static int
row_width(RelOptInfo *rel, SfbRelPlan *plan)
{
	SfbMember *member = linitial(plan->members);
	int width = MAXALIGN(SizeofHeapTupleHeader);

	for (int i = 0; i < member->natts; i++)
	{
		int known = rel->attr_widths[i + 1 - rel->min_attr];

		if (sfb_is_needed(member, i))
			width += known > 0 ? known
							   : get_typavgwidth(member->columns[i].pgtype,
												 member->columns[i].typmod);
	}
	return width;
}

void
sfb_add_partial_paths(RelOptInfo *rel, SfbRelPlan *plan)
{
	double pages;
	int workers;
	double divisor;
	Cost startup;
	Cost total;
	Cost transfer = sfb_cost_transfer(rel, plan);
	ForeignPath *path;

	if (plan->transport != SF_TRANSPORT_BULK || plan->limited || plan->may_be_cut ||
		!rel->consider_parallel || !bms_is_empty(rel->lateral_relids))
		return;
	pages = plan->fetched * row_width(rel, plan) / BLCKSZ;
	workers = compute_parallel_worker(rel, pages, -1, max_parallel_workers_per_gather);
	if (workers <= 0)
		return;

	/* The job takes as long as ever, and so do its rows over the wire. */
	divisor = parallel_divisor(workers);
	sfb_cost_scan(rel, plan, &startup, &total);
	total = startup + transfer + (total - startup - transfer) / divisor;
	path = sfb_foreignscan_path(plan->root, rel, clamp_row_est(rel->rows / divisor), startup,
								total, NIL, NULL, list_make1(plan));
	path->path.parallel_aware = true;
	path->path.parallel_workers = workers;
	add_partial_path(rel, (Path *) path);
}

/* ---- a participant comes and goes --------------------------------------------------------------- */

static void
destroy_pages(void *object)
{
	sf_pages_free(object);
}

static void
destroy_links(void *object)
{
	sf_page_links_free(object);
}

void
sfb_parallel_init(SfbScanState *scan)
{
	scan->parallel = palloc0(sizeof(SfbParallel));
	scan->parallel->pages = sfb_guard_new(scan->guard->session, destroy_pages);
	scan->parallel->links = sfb_guard_new(scan->guard->session, destroy_links);
}

static void
add_totals(SfbShared *shared, const sf_query_stats *stats)
{
	SpinLockAcquire(&shared->mutex);
	shared->totals.rows += stats->rows;
	shared->totals.pages += stats->pages;
	shared->totals.api_calls += stats->api_calls;
	shared->totals.retries += stats->retries;
	shared->totals.wire_bytes += stats->wire_bytes;
	shared->totals.text_bytes += stats->text_bytes;
	SpinLockRelease(&shared->mutex);
}

/* Adds what this process has read since the last time. */
static void
count_pages(SfbParallel *par)
{
	sf_query_stats stats;
	sf_query_stats more;

	if (par->shared == NULL || par->pages->object == NULL)
		return;
	sf_pages_get_stats(par->pages->object, &stats);
	more = stats;
	more.rows -= par->counted.rows;
	more.pages -= par->counted.pages;
	more.api_calls -= par->counted.api_calls;
	more.retries -= par->counted.retries;
	more.wire_bytes -= par->counted.wire_bytes;
	more.text_bytes -= par->counted.text_bytes;
	add_totals(par->shared, &more);
	par->counted = stats;
}

/* Ends what this process does for the shared scan, finished or not. */
static void
leave(SfbParallel *par)
{
	count_pages(par);
	memset(&par->counted, 0, sizeof(par->counted));
	sfb_guard_clear(par->pages);
	sfb_guard_clear(par->links);
	par->given = 0;
	par->look = 0;
	par->ended = false;
	par->finished = false;
}

/* The job is complete, or waited for; then the shared state is as before the first row. */
static void
publish(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbShared *shared = scan->parallel->shared;
	sf_query_stats stats;
	sf_status st;

	leave(scan->parallel);
	if (!scan->never)
		sfb_progress_start(scan->progress);
	shared->never = scan->never;
	memset(&shared->result, 0, sizeof(shared->result));
	while (!scan->never && (st = sf_query_job_ready(sfb_scan_query(scan), &shared->result,
													&scan->error)) != SF_OK)
	{
		if (st == SF_FAILED)
			sfb_report(ERROR, &scan->error);
		sfb_wait_for(scan->guard->session, SFB_WAIT_JOB);
	}
	memcpy(scan->parallel->job_id, shared->result.job_id, sizeof(scan->parallel->job_id));

	shared->finding = false;
	shared->chain = false;
	shared->found_all = false;
	shared->stopped = false;
	shared->nlocators = 0;
	shared->taken = 0;
	shared->given = 0;
	shared->done = 0;
	shared->done_rows = 0;
	shared->totals.rows = 0;
	shared->nseen = 0;
	memset(shared->seen, 0, sizeof(shared->seen));
	shared->next_list[0] = '\0';

	sfb_queries_stats(scan, &stats);
	shared->job_calls = stats.api_calls;
	shared->job_bytes = stats.wire_bytes;
	sfb_progress_publish(scan->progress, &shared->progress);
}

Size
sfbulkEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	SfbScanState *scan = node->fdw_state;

	(void) pcxt;
	/* All scans of the plan come by here before the first of them waits for its job. */
	if (scan->rescan || !scan->started)
		sfb_scan_start(node);
	return sizeof(SfbShared);
}

void
sfbulkInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	SfbScanState *scan = node->fdw_state;
	SfbShared *shared = coordinate;

	memset(&shared->totals, 0, sizeof(shared->totals));
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->moved);
	shared->participants = pcxt->nworkers + 1;
	scan->parallel->shared = shared;
	publish(node);
}

/* All workers of the run before are gone.  Parameters may have changed since. */
void
sfbulkReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
								 void *coordinate)
{
	SfbScanState *scan = node->fdw_state;

	(void) pcxt;
	scan->parallel->shared = coordinate;
	sfb_scan_start(node);
	publish(node);
}

void
sfbulkInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	SfbScanState *scan = node->fdw_state;
	SfbParallel *par = scan->parallel;

	(void) toc;
	par->shared = coordinate;
	memcpy(par->job_id, par->shared->result.job_id, sizeof(par->job_id));
	if (!par->shared->never)
		sfb_progress_start_for(scan->progress, &par->shared->progress);
}

/*
 * No more rows are wanted of this process; if it is the leader, of nobody.  Its workers may be at work
 * still, as nodes above are shut down after those below, so the job stays until the scan ends.
 */
void
sfbulkShutdownForeignScan(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbParallel *par = scan ? scan->parallel : NULL;
	SfbShared *shared = par ? par->shared : NULL;

	SfbProgressRef ref;

	if (shared == NULL)
		return;
	leave(par);
	sfb_progress_publish(scan->progress, &ref);
	sfb_progress_end(scan->progress);
	if (!IsParallelWorker())
	{
		SpinLockAcquire(&shared->mutex);
		shared->stopped = true;
		par->totals = shared->totals;
		SpinLockRelease(&shared->mutex);
		ConditionVariableBroadcast(&shared->moved);
		scan->done = true;
	}
	par->shared = NULL;
}

/* ---- which pages there are ---------------------------------------------------------------------- */

/* A locator must come once, or rows would be doubled; seed keeps lists and pages apart. */
static void
remember(SfbScanState *scan, const char *locator, uint64 seed)
{
	SfbShared *shared = scan->parallel->shared;
	uint64 hash =
		hash_bytes_extended((const unsigned char *) locator, (int) strlen(locator), seed);
	uint32 i = (uint32) hash % SEEN_SIZE;

	if (hash == 0)
		hash = 1;
	for (; shared->seen[i] != 0; i = (i + 1) % SEEN_SIZE)
	{
		if (shared->seen[i] != hash)
			continue;
		sf_error_reset(&scan->error);
		scan->error.cls = SF_ERR_PROTOCOL;
		snprintf(scan->error.message, sizeof(scan->error.message),
				 "the locator \"%s\" of a result page came twice", locator);
		strlcpy(scan->error.job_id, scan->parallel->job_id, sizeof(scan->error.job_id));
		sfb_report(ERROR, &scan->error);
	}
	if (shared->nseen < SEEN_MAX)
	{
		shared->seen[i] = hash;
		shared->nseen++;
	}
}

/* Tells the others what was found out. */
static void
publish_locators(SfbShared *shared, int n, bool chain, bool all)
{
	SpinLockAcquire(&shared->mutex);
	shared->nlocators = n;
	shared->taken = 0;
	shared->chain = chain;
	shared->found_all = all;
	shared->finding = false;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->moved);
}

/* Waits for an answer of our session; false when the scan was stopped meanwhile. */
static bool
wait_for_answer(SfbScanState *scan)
{
	SfbShared *shared = scan->parallel->shared;

	sfb_wait_condition(scan->guard->session, &shared->moved, is_stopped, shared);
	return !is_stopped(shared);
}

/* Asks for the next list of links and tells the others. */
static void
find_list(SfbScanState *scan)
{
	SfbParallel *par = scan->parallel;
	SfbShared *shared = par->shared;
	sf_page_links *links = sf_page_links_start(scan->guard->session, &shared->result,
											   shared->next_list, &scan->error);
	const char *locator;
	const char *next;
	sf_query_stats stats;
	sf_status st;
	int n = 0;

	if (links == NULL)
		sfb_report(ERROR, &scan->error);
	par->links->object = links;
	while ((st = sf_page_links_next(links, &locator, &scan->error)) != SF_DONE)
	{
		if (st == SF_FAILED)
			sfb_report(ERROR, &scan->error);
		if (st == SF_WAIT && !wait_for_answer(scan))
			break;
		if (st != SF_OK)
			continue;
		if (n >= SF_LINKS_MAX)
			elog(ERROR, "a list of result pages has more links than it may");
		remember(scan, locator, 0);
		strlcpy(shared->locators[n++], locator, SF_LOCATOR_MAX);
	}
	next = st == SF_DONE ? sf_page_links_next_list(links) : NULL;
	if (next != NULL)
	{
		remember(scan, next, 1);
		strlcpy(shared->next_list, next, SF_LOCATOR_MAX);
	}
	sf_page_links_get_stats(links, &stats);
	add_totals(shared, &stats);
	publish_locators(shared, n, sf_page_links_chain(links),
					 next == NULL && !sf_page_links_chain(links));
	sfb_guard_clear(par->links);
}

/* Waits until the page of the chain that we have just taken names the next, and tells the others. */
static void
follow_chain(SfbScanState *scan)
{
	SfbParallel *par = scan->parallel;
	SfbShared *shared = par->shared;
	const char *next = NULL;
	sf_status st;

	while ((st = sf_pages_next_locator(par->pages->object, &next, &scan->error)) != SF_OK)
	{
		if (st == SF_FAILED)
			sfb_report(ERROR, &scan->error);
		if (!wait_for_answer(scan))
			break;
	}
	if (next != NULL)
	{
		remember(scan, next, 0);
		strlcpy(shared->locators[0], next, SF_LOCATOR_MAX);
	}
	publish_locators(shared, next != NULL ? 1 : 0, true, next == NULL);
}

/* ---- taking pages --------------------------------------------------------------------------------- */

typedef enum Taken
{
	TAKEN_ONE,
	TAKEN_NONE, /* somebody finds out which come next, and we have something else to do */
	TAKEN_ALL	/* there are no more */
} Taken;

/*
 * Pages that one participant may have before it.  Several, so that it need not wait for answers; towards the end
 * fewer, so that nobody sits on pages while others have none.  Behind a list that is not the last there are
 * about as many pages as a list has.
 */
static int
share_of_pages(const SfbShared *shared)
{
	int left = shared->nlocators - shared->taken + (shared->found_all ? 0 : LIST_PAGES);

	return 1 + left / (2 * shared->participants);
}

/*
 * One look at the shared state, for somebody who has so many pages before him; *find: it is on us to find
 * out what comes next.
 */
static Taken
take_locator(SfbShared *shared, int nopen, char *locator, bool *chain, bool *find)
{
	Taken taken = TAKEN_NONE;

	*find = false;
	SpinLockAcquire(&shared->mutex);
	*chain = shared->chain;
	if (shared->stopped)
		taken = TAKEN_ALL;
	else if (shared->finding || (nopen > 0 && nopen >= share_of_pages(shared)))
		taken = TAKEN_NONE;
	else if (shared->taken < shared->nlocators)
	{
		strlcpy(locator, shared->locators[shared->taken++], SF_LOCATOR_MAX);
		shared->given++;
		taken = TAKEN_ONE;
		*find = shared->finding = shared->chain;
	}
	else if (shared->found_all)
		taken = TAKEN_ALL;
	else
		*find = shared->finding = true;
	SpinLockRelease(&shared->mutex);
	return taken;
}

/* Pages that one participant downloads at a time, as its part of those of all; one comes while one is read. */
static int
my_streams(const SfbScanState *scan)
{
	int participants = scan->parallel->shared->participants;
	int streams = (scan->options->download_streams + participants - 1) / participants;

	return Min(Max(streams, 2), OPEN_MAX);
}

/* Makes the reader at its first page, when it is known how pages are found. */
static void
start_pages(SfbScanState *scan, bool chain)
{
	SfbShared *shared = scan->parallel->shared;
	sf_pages_spec spec = {
		.result = &shared->result,
		.columns = scan->columns,
		.ncolumns = scan->nfields,
		.download_streams = my_streams(scan) + 1, /* one is nearly read */
		.no_threads = true,						  /* other processors have workers */
		.chain = chain,
	};

	scan->parallel->pages->object = sf_pages_start(scan->guard->session, &spec, &scan->error);
	if (scan->parallel->pages->object == NULL)
		sfb_report(ERROR, &scan->error);
}

/*
 * Takes a page beside the nopen ones that we have, if there is one; waits for one only where there is nothing
 * else to do.
 */
static Taken
take_page(SfbScanState *scan, int nopen, bool idle)
{
	SfbParallel *par = scan->parallel;
	SfbShared *shared = par->shared;
	char locator[SF_LOCATOR_MAX];
	bool chain;
	bool find;
	Taken taken;

	for (;;)
	{
		taken = take_locator(shared, nopen, locator, &chain, &find);
		if (taken == TAKEN_ONE || taken == TAKEN_ALL)
			break;
		if (find)
			find_list(scan);
		else if (idle)
			sfb_wait_condition(NULL, &shared->moved, is_found, shared);
		else
			break;
	}
	if (taken != TAKEN_ONE)
		return taken;

	if (par->pages->object == NULL)
		start_pages(scan, chain);
	if (sf_pages_give(par->pages->object, locator, &scan->error) != SF_OK)
		sfb_report(ERROR, &scan->error);
	par->given++;
	if (find)
		follow_chain(scan);
	sfb_kick(scan->guard->session);
	return taken;
}

/* Takes another page where that is of use; true when that changes what can be read. */
static bool
look_for_page(SfbScanState *scan)
{
	SfbParallel *par = scan->parallel;
	sf_query_stats stats = {0};
	int nopen = 0;

	par->look = LOOK_ROWS;
	if (par->pages->object != NULL)
		nopen = sf_pages_open(par->pages->object);
	if (par->ended || nopen >= my_streams(scan))
		return false;
	if (par->pages->object != NULL)
		sf_pages_get_stats(par->pages->object, &stats);
	switch (take_page(scan, nopen, par->given == stats.pages))
	{
		case TAKEN_ONE:
			return true;
		case TAKEN_NONE:
			return false;
		case TAKEN_ALL:
			break;
	}
	par->ended = true;
	if (par->pages->object != NULL)
		sf_pages_end(par->pages->object);
	return true;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

/* All that this participant took is read whole.  The last one knows whether that is everything. */
static void
finish(SfbScanState *scan)
{
	SfbParallel *par = scan->parallel;
	SfbShared *shared = par->shared;
	sf_query_stats stats;
	bool last;
	int64 rows;

	par->finished = true;
	if (par->pages->object == NULL)
		return;
	sf_pages_get_stats(par->pages->object, &stats);
	SpinLockAcquire(&shared->mutex);
	shared->done += stats.pages;
	shared->done_rows += stats.rows;
	rows = shared->done_rows;
	last = shared->done == shared->given && !shared->stopped;
	SpinLockRelease(&shared->mutex);
	if (last && sf_pages_check_total(par->pages->object, rows, &scan->error) != SF_OK)
		sfb_report(ERROR, &scan->error);
}

bool
sfb_parallel_next_row(SfbScanState *scan, sf_value **values)
{
	SfbParallel *par = scan->parallel;

	if (par->finished || par->shared->never)
		return false;
	if (--par->look < 0)
		look_for_page(scan);
	for (;;)
	{
		sf_status st = SF_DONE;

		if (par->pages->object != NULL)
			st = sf_pages_next_row(par->pages->object, values, &scan->error);
		switch (st)
		{
			case SF_OK:
				return true;
			case SF_WAIT:
				if (!look_for_page(scan) && !wait_for_answer(scan))
				{
					par->finished = true;
					return false;
				}
				break;
			case SF_DONE:
				finish(scan);
				return false;
			case SF_FAILED:
				/* when the scan is stopped, its job may be gone */
				if (!is_stopped(par->shared))
					sfb_report(ERROR, &scan->error);
				par->finished = true;
				return false;
		}
	}
}

/* ---- for scan.c ------------------------------------------------------------------------------------ */

bool
sfb_parallel_is_shared(const SfbScanState *scan)
{
	return scan->parallel != NULL && scan->parallel->shared != NULL;
}

const char *
sfb_parallel_job(const SfbScanState *scan)
{
	return scan->parallel->job_id;
}

void
sfb_parallel_fill(SfbScanState *scan, SfbProgressInfo *info)
{
	SfbShared *shared = scan->parallel->shared;

	/* the leader waits for the job */
	if (shared->result.job_id[0] == '\0')
		return;
	count_pages(scan->parallel);
	info->phase = "downloading";
	SpinLockAcquire(&shared->mutex);
	info->rows_done = shared->totals.rows;
	info->bytes = shared->job_bytes + shared->totals.wire_bytes;
	info->api_calls = shared->job_calls + shared->totals.api_calls;
	SpinLockRelease(&shared->mutex);
}

void
sfb_parallel_add_stats(const SfbScanState *scan, sf_query_stats *stats)
{
	const SharedTotals *totals = &scan->parallel->totals;

	stats->rows += totals->rows;
	stats->pages += (int) totals->pages;
	stats->api_calls += (int) totals->api_calls;
	stats->retries += (int) totals->retries;
	stats->wire_bytes += totals->wire_bytes;
	stats->text_bytes += totals->text_bytes;
}

void
sfb_parallel_end(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;

	/* A plan that ends before it was shut down ends its workers after us. */
	sfbulkShutdownForeignScan(node);
	leave(scan->parallel);
}
