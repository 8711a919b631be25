/*
 * sf_collections.h
 *		One sObject Collections call (level 3): up to 200 records inserted, updated, upserted, deleted.
 *
 * Sources: REST guide, resources_composite_sobjects_collections_create, …_update, …_upsert,
 * …_delete; recordings of real orgs.
 */
#ifndef SF_COLLECTIONS_H
#define SF_COLLECTIONS_H

#include "sf_buf.h"
#include "sf_http.h"

/*
 * Appends the JSON records of CSV rows (in the form that sf_client.h describes) to out, separated by
 * commas.  *keyless is set when a row to be upserted has no external id.  SF_FAILED: SF_ERR_PROTOCOL
 * when the text is no such CSV or has another number of rows, SF_ERR_DATA with row and column for a
 * null that cannot be sent, what is no number or boolean though its column is, a NUL byte and invalid
 * UTF-8.
 */
extern sf_status sf_collections_records(sf_buf *out, const sf_collections_spec *spec,
										bool *keyless, sf_error *err);

/*
 * Queues the call, for sf_collections_check and its companions of sf_client.h.  owner is what
 * sf_collections_owner gives back.
 */
extern sf_collections *
sf_collections_new(sf_session *owner, sf_http *h, const char *api_version,
				   const sf_collections_spec *spec, sf_error *err);
extern sf_session *sf_collections_owner(const sf_collections *c);

/* True when a request has left: somebody should wait for its answer. */
extern bool sf_collections_was_sent(const sf_collections *c);

/* From now on its answer is of interest for a warning only; no further attempts are made. */
extern void sf_collections_discard(sf_collections *c);

/*
 * Waits for the answer of a discarded call: SF_WAIT, SF_DONE when nothing was saved, SF_FAILED with a
 * warning of what was, or that it is not known.
 */
extern sf_status sf_collections_cleanup_step(sf_collections *c, sf_error *err);

/* The warning when nobody waits any longer. */
extern void sf_collections_give_up(const sf_collections *c, sf_error *err);

/* Frees it in whatever state, without network I/O.  NULL is fine. */
extern void sf_collections_destroy(sf_collections *c);

#endif /* SF_COLLECTIONS_H */
