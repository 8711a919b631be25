/*
 * ingest_int.h
 *		The processing of one ingest job, as ingest_run.c and ingest_results.c share it.
 */
#ifndef SFSIM_INGEST_INT_H
#define SFSIM_INGEST_INT_H

#include <stdio.h>

#include "csv_in.h"
#include "job.h"

typedef enum ingest_op
{
	INGEST_INSERT,
	INGEST_UPDATE,
	INGEST_UPSERT,
	INGEST_DELETE,
	INGEST_HARD_DELETE
} ingest_op;

/* Where an internal batch begins. */
typedef struct ingest_batch
{
	int64_t offset;
	int64_t row;
} ingest_batch;

/* A result file while it is written. */
typedef struct ingest_file
{
	FILE *f;
	int64_t mark;  /* its length at the beginning of the chunk */
	int64_t *rows; /* where each row begins, for another order of them; NULL: not needed */
	size_t nrows;
	size_t space;
	size_t mark_rows;
} ingest_file;

typedef struct ingest_run
{
	srv *s;
	job *j;
	srv_options opt; /* as they were when processing began */
	int fd;			 /* of the upload; -1: there is none */
	ingest_op op;
	bool deletes;
	const sim_object *object;
	const sim_field *key; /* of an upsert */

	int ncolumns;
	int id_column;	/* -1: none */
	int key_column; /* of an upsert, the same */
	sim_in *in;		/* by column */
	int *order;		/* of the columns in result files */
	sim_in *cells;	/* of the row at hand */

	int64_t first; /* offset of the first row */
	int64_t rows;  /* of the upload, as far as it can be read */
	int64_t end;   /* rows that may be processed */
	int64_t stop;  /* and those that will be */
	ingest_batch *batches;
	int nbatches;
	int batch_space;

	sim_keys keys; /* of an upsert: those that rows of the present chunk share */

	ingest_file success;
	ingest_file failed;
	bool bad_files;
	sim_buf text;
	sim_error err; /* of the job: message as it is shown */
} ingest_run;

void ingest_run_free(ingest_run *r);

/* A reader of the upload from this offset on; NULL: no memory. */
csv_in *ingest_reader(const ingest_run *r, int64_t offset);

/* The result files: begin them, remember where a chunk begins, forget the rows since, end them. */
bool ingest_files_open(ingest_run *r);
void ingest_files_mark(ingest_run *r);
void ingest_files_rollback(ingest_run *r);
bool ingest_files_close(ingest_run *r);

/* One row for them. */
void ingest_success_row(ingest_run *r, const csv_in *c, const char *id, bool created);
void ingest_failed_row(ingest_run *r, const csv_in *c, const char *id, const sim_error *err);

#endif /* SFSIM_INGEST_INT_H */
