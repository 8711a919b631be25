/*
 * org_int.h
 *		The org from the inside: what org.c and org_copy.c share.
 */
#ifndef SFSIM_ORG_INT_H
#define SFSIM_ORG_INT_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "data.h"
#include "org.h"

/* Idle connections that are kept open; more threads than this are not expected. */
#define ORG_POOL 16

/* Most reference fields that get an index because of subqueries. */
#define ORG_INDEXES 256

struct sim_org
{
	char dir[PATH_MAX];
	char file[PATH_MAX + 32];
	char id[SIM_ID_SIZE];
	uint64_t seed;
	sim_population rows[SIM_MAX_OBJECTS];  /* by slot; as generated */
	_Atomic int64_t live[SIM_MAX_OBJECTS]; /* now */
	_Atomic int64_t deleted[SIM_MAX_OBJECTS];
	_Atomic uint64_t version;
	_Atomic uint64_t changes[SIM_MAX_OBJECTS]; /* of rows, by object */
	_Atomic uint64_t switch_changes;
	_Atomic int publishing; /* a commit is under way: no counter can be trusted */
	struct sim_store *store;

	bool keep;		/* the directory and its files outlive the program */
	bool was_there; /* the rows were found, not made */
	int file_no;	/* the file is org-NUMBER.db */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t thawed;
	bool frozen; /* nobody gets a connection */
	int out;	 /* connections that are lent */
	sim_switches switches;
	sqlite3 *idle[ORG_POOL];
	int nidle;
	const sim_field *indexed[ORG_INDEXES]; /* references with an index of their own */
	int nindexed;
};

/* A new connection to the org's file; NULL and *err on failure. */
sqlite3 *org_open_database(sim_org *org, const char *pragmas, sim_error *err);

/* Use the directory, which stays, and the file that is there, if there is one (org->was_there). */
bool org_find_files(sim_org *org, const char *dir, sim_error *err);

/* At the end: the files, unless they are to stay. */
void org_remove_files(sim_org *org);

#endif /* SFSIM_ORG_INT_H */
