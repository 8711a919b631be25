/*
 * locks.c
 *		/__sfsim/locks: rows that somebody else seems to hold (UNABLE_TO_LOCK_ROW, ENTITY_IS_LOCKED).
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "server.h"
#include "store.h"

void
control_locks_get(srv_request *req)
{
	sim_locks_json(req->srv->org, srv_json(req, 200));
}

bool
control_locks_post(srv_request *req, const cJSON *body, sim_error *err)
{
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(body, "ids");
	const cJSON *approval = cJSON_GetObjectItemCaseSensitive(body, "approval");
	const cJSON *id;

	if (!cJSON_IsArray(ids) || (approval != NULL && !cJSON_IsBool(approval)))
		return sim_error_set(
			err, "INVALID_INPUT",
			"expected \"ids\", an array of ids, and perhaps \"approval\", true "
			"or false");
	cJSON_ArrayForEach (id, ids)
	{
		if (!sim_lock_row(req->srv->org, cJSON_GetStringValue(id), cJSON_IsTrue(approval),
						  err))
			return false;
	}
	control_locks_get(req);
	return true;
}

void
control_locks_delete(srv_request *req)
{
	const char *id = req->nsegs > 2 ? req->segs[2] : NULL;

	sim_buf_printf(srv_json(req, 200), "{\"removed\":%d}", sim_unlock_rows(req->srv->org, id));
}
