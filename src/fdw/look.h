/*
 * look.h
 *		What the files of sfbulk_check share (look_check.c, look_tables.c).
 */
#ifndef SFB_LOOK_H
#define SFB_LOOK_H

#include "functions.h"

typedef enum SfbVerdict
{
	SFB_CHECK_BAD,
	SFB_CHECK_GOOD,
	SFB_CHECK_UNKNOWN /* not checked */
} SfbVerdict;

/* A row of the answer. */
typedef struct SfbFinding
{
	const char *name;
	SfbVerdict verdict;
	const char *detail; /* or NULL */
	const char *hint;	/* or NULL */
} SfbFinding;

typedef struct SfbCheckup
{
	ForeignServer *server;
	UserMapping *user;	 /* NULL when there is none that works */
	sf_session *session; /* likewise */
	SfbGuard *guard;	 /* of the question under way */
	sf_error error;		 /* of the last one that has failed */
	List *findings;		 /* of SfbFinding */
	int next;			 /* of them that is given */
} SfbCheckup;

/* Adds a row; the texts are kept as they are. */
extern void sfb_check_note(SfbCheckup *c, const char *name, SfbVerdict verdict,
						   const char *detail, const char *hint);

/* Adds a row that says what c->error says. */
extern void sfb_check_note_error(SfbCheckup *c, const char *name);

/*
 * Runs a step that may fail for what can be told, in a subtransaction.  True, or false with what it said in
 * *error; a cancel and the like go on as what they are.
 */
typedef void (*SfbCheckStep)(SfbCheckup *c, void *arg);
extern bool sfb_check_try(SfbCheckup *c, SfbCheckStep step, void *arg, ErrorData **error);

/* The foreign tables of the server: are their objects and fields there? */
extern void sfb_check_tables(SfbCheckup *c);

#endif /* SFB_LOOK_H */
