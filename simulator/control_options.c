/*
 * control_options.c
 *		Options and switches as JSON: what GET and POST /__sfsim/options show and take.
 */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "server.h"

typedef enum opt_kind
{
	OPT_INT,
	OPT_INT64,
	OPT_BOOL,
	OPT_SHAPE,
	OPT_STATE
} opt_kind;

typedef struct opt_def
{
	const char *name;
	opt_kind kind;
	size_t offset;
	int64_t min;
	int64_t max;
} opt_def;

static const opt_def opt_defs[] = {
#define OPTION(name, type, kind, dflt, least, most)                                           \
	{#name, OPT_##kind, offsetof(srv_options, name), least, most},
#include "options.def"
#undef OPTION
};

static const char *const shape_names[] = {"doc", "postman", "chunks", "off"};

void
control_options_json(srv *s, sim_buf *b)
{
	srv_options opt = srv_options_get(s);
	const char *name;

	sim_buf_char(b, '{');
	for (size_t i = 0; i < sizeof(opt_defs) / sizeof(*opt_defs); i++)
	{
		const opt_def *d = &opt_defs[i];
		const char *at = (const char *) &opt + d->offset;

		sim_buf_printf(b, "%s\"%s\":", i ? "," : "", d->name);
		switch (d->kind)
		{
			case OPT_INT:
				sim_buf_printf(b, "%d", *(const int *) at);
				break;
			case OPT_INT64:
				sim_buf_printf(b, "%lld", (long long) *(const int64_t *) at);
				break;
			case OPT_BOOL:
				sim_buf_str(b, *(const bool *) at ? "true" : "false");
				break;
			case OPT_SHAPE:
				sim_buf_printf(b, "\"%s\"", shape_names[*(const srv_pages_shape *) at]);
				break;
			case OPT_STATE:
				sim_buf_printf(b, "\"%s\"", job_state_name(*(const srv_state *) at));
				break;
		}
	}
	for (int i = 0; (name = sim_org_switch_name(i)) != NULL; i++)
	{
		char value[128] = "";

		sim_org_get_switch(s->org, name, value, sizeof(value));
		sim_buf_printf(b, ",\"%s\":", name);
		sim_json_string(b, value, strlen(value));
	}
	sim_buf_char(b, '}');
}

/* Put one value into opt; false and *err when it does not fit. */
static bool
set_option(srv_options *opt, const opt_def *d, const cJSON *v, sim_error *err)
{
	char *at = (char *) opt + d->offset;
	const char *text = cJSON_GetStringValue(v);
	bool number = cJSON_IsNumber(v) && v->valuedouble >= (double) d->min &&
				  v->valuedouble <= (double) d->max;

	switch (d->kind)
	{
		case OPT_INT:
			if (number)
				*(int *) at = (int) v->valuedouble;
			return number ||
				   sim_error_set(err, "INVALID_INPUT", "%s is out of range", d->name);
		case OPT_INT64:
			if (number)
				*(int64_t *) at = (int64_t) v->valuedouble;
			return number ||
				   sim_error_set(err, "INVALID_INPUT", "%s is out of range", d->name);
		case OPT_BOOL:
			if (!cJSON_IsBool(v))
				return sim_error_set(err, "INVALID_INPUT", "%s is true or false", d->name);
			*(bool *) at = cJSON_IsTrue(v);
			return true;
		case OPT_SHAPE:
			for (int i = 0; text && i <= PAGES_OFF; i++)
				if (strcmp(shape_names[i], text) == 0)
				{
					*(srv_pages_shape *) at = (srv_pages_shape) i;
					return true;
				}
			return sim_error_set(err, "INVALID_INPUT", "%s is doc, postman, chunks or off",
								 d->name);
		case OPT_STATE:
			if (!cJSON_IsNull(v) &&
				(text == NULL ||
				 (strcmp(text, "none") != 0 && job_state_parse(text) != JOB_UPLOAD_COMPLETE &&
				  job_state_parse(text) != JOB_IN_PROGRESS)))
				return sim_error_set(err, "INVALID_INPUT",
									 "%s is UploadComplete, InProgress or none", d->name);
			*(srv_state *) at = text ? job_state_parse(text) : JOB_STATES;
			return true;
	}
	return false;
}

/* One member of POST /options: an option, a credential or an engine switch. */
static bool
apply_member(srv *s, srv_options *opt, const cJSON *v, sim_error *err)
{
	const char *text = cJSON_GetStringValue(v);

	for (size_t i = 0; i < sizeof(opt_defs) / sizeof(*opt_defs); i++)
		if (strcmp(opt_defs[i].name, v->string) == 0)
			return set_option(opt, &opt_defs[i], v, err);
	if (text && auth_set_credential(s, v->string, text))
		return true;
	if (cJSON_IsBool(v))
		text = cJSON_IsTrue(v) ? "true" : "false";
	if (text == NULL)
		return sim_error_set(err, "INVALID_INPUT", "unknown option \"%s\"", v->string);
	return sim_org_set_switch(s->org, v->string, text, err);
}

bool
control_options_apply(srv *s, const cJSON *values, sim_error *err)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, values)
	{
		srv_options opt = srv_options_get(s);

		if (!apply_member(s, &opt, v, err))
			return false;
		pthread_mutex_lock(&s->lock);
		s->options = opt;
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}
