/*
 * composite.h
 *		Requests inside of requests: what /composite, /composite/batch and /composite/graph share.
 */
#ifndef SFSIM_COMPOSITE_H
#define SFSIM_COMPOSITE_H

#include "rest.h"

/* size of the text that says why a part was not run */
#define PART_WHY 640

/* One part: as the client wrote it, and what became of it. */
typedef struct part
{
	const struct cJSON *spec;
	const char *method;
	const char *url;
	const char *reference;
	srv_request *req;	/* NULL: it was not run */
	struct cJSON *body; /* of its answer, when later parts look into it */
	int status;
	char why[PART_WHY]; /* not run: the text of PROCESSING_HALTED */
} part;

/*
 * Run one request through the routing tables.  url begins with "/services/data/"; headers and body are of the
 * part and may be NULL.  The caller frees the request; NULL: no memory.
 */
srv_request *part_run(srv_request *outer, sim_txn *txn, const char *method, const char *url,
					  const struct cJSON *headers, const struct cJSON *body);

/* The body of an answer as it stands in the whole: JSON, a text as a JSON string, null when there is none. */
void part_body(sim_buf *out, const srv_request *req);

/*
 * The parts of "compositeRequest" (malloc'd, *n of them): each with a method, a URL and a reference of its own.
 * False: *err says what is wrong.
 */
bool parts_read(const srv_request *outer, const struct cJSON *list, int most, part **parts,
				int *n, sim_error *err);
void parts_free(part *parts, int n);

/*
 * Run them in order, references resolved, parts that depend on failed ones left out.  txn: all of them write
 * in it, and the first failure ends it: false, nothing of it may be kept.
 */
bool parts_run(srv_request *outer, part *parts, int n, sim_txn *txn);

/* [{"body":…,"httpHeaders":{…},"httpStatusCode":…,"referenceId":…}, …] without the brackets. */
void parts_answer(sim_buf *out, const part *parts, int n);

/* composite_refs.c: replace the @{…} of a text or a tree by what the parts before have answered. */
bool refs_in_url(const char *url, const part *parts, int n, sim_buf *out, char why[PART_WHY]);
struct cJSON *refs_in_tree(const struct cJSON *tree, const part *parts, int n, bool null_ok,
						   char why[PART_WHY]);

#endif /* SFSIM_COMPOSITE_H */
