/*
 * faults.h
 *		What the files of the fault machinery share; the rest of sfsim sees server.h.
 *
 * faults.c keeps the list and finds what addresses a request, faults_spec.c checks what is asked for,
 * faults_act.c does it to an answer and its connection, faults_edit.c to its body; gate.c is what
 * waits.
 */
#ifndef SFSIM_FAULTS_H
#define SFSIM_FAULTS_H

#include <cjson/cJSON.h>

#include "server.h"

/* One fault of the list.  Its spec never changes; a request that it acts on holds a reference. */
struct srv_fault
{
	int64_t id;
	cJSON *spec;
	srv_gate *gate;
	int refs; /* this and what follows is guarded by the list's lock */
	int seen;
	int fired;
	struct srv_fault *next;
};

/* Members of a spec: the item, its text, its number (true is 1); NULL or dflt when it has none. */
const cJSON *fault_item(const cJSON *spec, const char *name);
const char *fault_text(const cJSON *spec, const char *name);
int64_t fault_int(const cJSON *spec, const char *name, int64_t dflt);

/* Bytes given as text (member name) or in hex (member hex_name), appended to out. */
void fault_bytes(const cJSON *spec, const char *name, const char *hex_name, sim_buf *out);

/* A ready answer, by the name that "error" gives. */
typedef struct fault_preset
{
	const char *name;
	int status;
	const char *code;	 /* an error array with this errorCode, or NULL: body as it stands */
	const char *message; /* of the error, or the body */
	const char *type;	 /* content type of a body that stands for itself */
} fault_preset;
const fault_preset *fault_preset_find(const char *name);

/* Is this a fault?  False and *err: a test that misspells a fault must fail there, not pass without it. */
bool fault_check(const cJSON *spec, sim_error *err);

/* What the spec does to a body, in the order in which the documentation lists it. */
void fault_edit(const cJSON *spec, srv_response *resp);

/* A glob (star, ?, [a-z], [!a-z], backslash) over len bytes; a star crosses everything. */
bool fault_glob(const char *pattern, const char *text, size_t len);

#endif /* SFSIM_FAULTS_H */
