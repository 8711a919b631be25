/*
 * composite_graph.c
 *		/composite/graph: composite requests side by side, each of which succeeds or fails as a whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "composite.h"

#define MAX_GRAPHS 75
#define MAX_NODES  500

/* Is the graph well-formed?  All of them are looked at before the first one runs. */
static bool
check_graph(srv_request *req, const cJSON *graph, sim_error *err)
{
	const char *id = rest_json_string(graph, "graphId");
	part *parts = NULL;
	int n = 0;
	bool ok;

	if (id == NULL || *id == '\0')
		return sim_error_set(err, "INVALID_INPUT", "Each graph must have a graphId.");
	ok = parts_read(req, cJSON_GetObjectItemCaseSensitive(graph, "compositeRequest"),
					MAX_NODES, &parts, &n, err);
	parts_free(parts, n);
	return ok;
}

/* Run one graph; false: *err is about the request as a whole. */
static bool
run_graph(srv_request *req, const cJSON *graph, sim_buf *out, sim_error *err)
{
	const char *id = rest_json_string(graph, "graphId");
	part *parts = NULL;
	int n = 0;
	sim_write_opts opts;
	sim_txn *txn;
	bool ok, good;

	ok = parts_read(req, cJSON_GetObjectItemCaseSensitive(graph, "compositeRequest"),
					MAX_NODES, &parts, &n, err);
	rest_write_opts(req, &opts);
	if (ok && (txn = sim_txn_begin(req->srv->org, &opts, err)) == NULL)
		ok = false;
	if (ok)
	{
		good = parts_run(req, parts, n, txn);
		if (good)
			ok = sim_txn_commit(txn, err);
		else
			sim_txn_abort(txn);
	}
	if (ok)
	{
		sim_buf_str(out, "{\"graphId\":");
		sim_json_string(out, id, strlen(id));
		sim_buf_str(out, ",\"graphResponse\":{\"compositeResponse\":[");
		parts_answer(out, parts, n);
		sim_buf_printf(out, "]},\"isSuccessful\":%s}", good ? "true" : "false");
	}
	parts_free(parts, n);
	return ok;
}

void
rest_graph(srv_request *req)
{
	cJSON *tree;
	const cJSON *graphs, *graph;
	sim_buf out = {0};
	sim_error err;
	int nodes = 0;
	bool ok = true;

	if (!rest_json_body(req, &tree))
		return;
	graphs = cJSON_GetObjectItemCaseSensitive(tree, "graphs");
	cJSON_ArrayForEach (graph, graphs)
	{
		nodes +=
			cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(graph, "compositeRequest"));
	}
	if (!cJSON_IsArray(graphs) || cJSON_GetArraySize(graphs) == 0)
		ok = sim_error_set(&err, "INVALID_INPUT", "The request has no graphs.");
	else if (cJSON_GetArraySize(graphs) > MAX_GRAPHS || nodes > MAX_NODES)
		ok = sim_error_set(&err, "LIMIT_EXCEEDED",
						   "The request can’t contain more than %d graphs or %d operations.",
						   MAX_GRAPHS, MAX_NODES);
	cJSON_ArrayForEach (graph, graphs)
	{
		ok = ok && check_graph(req, graph, &err);
	}
	sim_buf_str(&out, "{\"graphs\":[");
	if (ok)
		cJSON_ArrayForEach (graph, graphs)
		{
			if (graph != graphs->child)
				sim_buf_char(&out, ',');
			if (!(ok = run_graph(req, graph, &out, &err)))
				break;
		}
	sim_buf_str(&out, "]}");
	if (ok)
		sim_buf_add(srv_json(req, 200), out.data, out.len);
	else
		srv_error(req, 400, err.code, "%s", err.message);
	sim_buf_free(&out);
	cJSON_Delete(tree);
}
