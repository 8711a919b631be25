/*
 * ids.h
 *		Ids inside the engine: how literals of a query compare with numbered rows.
 */
#ifndef SFSIM_IDS_H
#define SFSIM_IDS_H

#include "engine.h"

/*
 * Where a well-formed id (15 or 18 characters) stands among the ids of a prefix: 0 and *number
 * when it is one of ours, -1 when it sorts before all of them, 1 when behind all.
 */
int sim_id_place(const char *id, const char *prefix, int64_t *number);

/* The value of a base-62 digit, 0 to 61; -1 when it is none. */
int sim_id_digit(char c);

#endif /* SFSIM_IDS_H */
