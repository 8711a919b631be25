/*
 * usage.h
 *		The books: what this database cluster has spent in Salesforce, and what it last heard of the orgs' limits.
 *
 * One file in the data directory, pg_stat/sfbulk_fdw.usage, as pg_stat_statements keeps its own there: no
 * preloading is needed, restarts change nothing, and read-only, aborted and standby transactions count as
 * well.  A record is of fixed size with a checksum.  Each backend appends what its transaction has spent
 * when that ends; who finds the file grown writes it anew with one record a key.
 */
#ifndef SFB_USAGE_H
#define SFB_USAGE_H

#include "governor.h"

#include "port/pg_crc32c.h"

/* What the numbers of a record of kind SFB_BOOK_USAGE are. */
enum SfbUsageNumber
{
	SfbUsageApiCalls,
	SfbUsageLogins,
	SfbUsageQueryJobs,
	SfbUsageIngestJobs,
	SfbUsageBatches,
	SfbUsageResultBytes,
	SfbUsageBytesSent,
	SfbUsageBytesReceived,
	SfbUsageNumbers
};

typedef enum SfbBookKind
{
	SFB_BOOK_HEADER =
		1,		   /* the first: number[0] records were there when the file was written anew */
	SFB_BOOK_HOUR, /* spent in the hour from `at` on */
	SFB_BOOK_DAY,  /* spent on the day of UTC from `at` on */
	SFB_BOOK_CALLS, /* API calls as the org said at `at`: number[0] used, number[1] allowed */
	SFB_BOOK_QUOTA /* number[0] an sf_quota, [1] allowed, [2] left at `at`, [3] of it spent since */
} SfbBookKind;

typedef struct SfbBookRecord
{
	uint32 magic;
	pg_crc32c crc; /* of all that follows */
	uint32 kind;   /* SfbBookKind */
	Oid database;
	Oid server;
	Oid role;		/* who spent; of readings none */
	Oid mapping;	/* of readings: the user mapping */
	uint32 reserve; /* 0 */
	uint64 org;		/* hash of its instance URL; 0 before a login */
	int64 at;		/* TimestampTz */
	int64 number[SfbUsageNumbers];
	char object[SF_OBJECT_MAX];
} SfbBookRecord;

/* How far a reader is in the file. */
typedef struct SfbBookPlace
{
	uint64 device;
	uint64 inode;
	int64 offset;
} SfbBookPlace;

/* ---- usage_file.c: none of it throws by itself, nor waits for longer than a fifth of a second ---------- */

extern int64 sfb_book_hour(TimestampTz at);
extern int64 sfb_book_day(TimestampTz at);

/* True when both are of one key, so that their numbers can be added. */
extern bool sfb_book_same(const SfbBookRecord *a, const SfbBookRecord *b);

/* Appends; fills in magic and checksum.  False when nothing was written. */
extern bool sfb_book_append(SfbBookRecord *records, int count);

/*
 * Shows each sound record behind the place, in the file's order, and moves the place on.  When the file is
 * another one than before, begin(arg) is called first and it is read from its beginning.
 */
extern void sfb_book_read(SfbBookPlace *place, void (*begin)(void *arg),
						  void (*take)(const SfbBookRecord *record, void *arg), void *arg);

/* Writes the file anew without what was spent by this database. */
extern bool sfb_book_forget(Oid database);

/* ---- usage.c ------------------------------------------------------------------------------- */

/* What of a session is in the books: its owner keeps it, zeros at first. */
typedef struct SfbUsageTold
{
	int64 used;
	TimestampTz calls_at;
	TimestampTz quota_at[SF_QUOTA_COUNT];
} SfbUsageTold;

/* Takes over what a session has spent and heard; written with the next sfb_usage_write.  Never throws. */
extern void
sfb_usage_take(sf_session *session, const SfbSessionOrigin *origin, SfbUsageTold *told);

/* Writes what was taken over.  What cannot be written is kept for the next time.  Never throws. */
extern void sfb_usage_write(void);

/* The same for all sessions, if the last time was a minute ago: for long transactions. */
extern void sfb_usage_tick(void);

/* ---- in session.c: takes over from all sessions, and writes ---------------------------------- */

extern void sfb_sessions_write_usage(void);

/* ---- what is known of an org: usage_org.c ------------------------------------------------------ */

/* Hours that are looked at: those of the window, and the one that it began in at the oldest reading. */
#define SFB_ORG_HOURS 50

typedef struct SfbOrgQuota
{
	int64 max;
	int64 left;		/* at the reading; of files in MB, as Salesforce says it */
	int64 spent;	/* by this cluster since; of files in bytes */
	TimestampTz at; /* 0: not known */
} SfbOrgQuota;

typedef struct SfbOrgHour
{
	TimestampTz at;	  /* its beginning */
	int64 calls;	  /* API calls of the cluster */
	int64 here;		  /* … of this database */
	int64 query_jobs; /* of the cluster */
} SfbOrgHour;

typedef struct SfbOrg
{
	uint64 org;
	int64 used; /* API calls as it said last */
	int64 max;
	TimestampTz at; /* 0: it has not said */
	SfbOrgQuota quotas[SF_QUOTA_COUNT];
	SfbOrgHour hours[SFB_ORG_HOURS]; /* in no order; at is 0 where there is none */
} SfbOrg;

/*
 * What the books say of the org of a session, which need not have logged in yet; NULL when nothing.  Writes
 * first what this backend has to say.
 */
extern SfbOrg *sfb_org_of(sf_session *session, const SfbSessionOrigin *origin);

/* The number that stands for an org. */
extern uint64 sfb_org_number(const char *instance_url);

#endif /* SFB_USAGE_H */
