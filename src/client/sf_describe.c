/*
 * sf_describe.c
 *		Metadata: which objects there are, and their fields.
 */
#include "sf_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"

/* Subrequests of one /composite call (REST guide). */
#define GROUP_MAX 25

/*
 * Most text of one answer.  A describe has 100 to 700 kB, so 25 of them may be more than this: then
 * they are asked for in smaller groups.  GET /sobjects has about 1.1 kB for each of some 1,500
 * objects.
 */
#define DESCRIBE_MAX (12 * 1024 * 1024)

/* A large object has some 900 fields. */
#define FIELDS_MAX 5000

struct sf_describe
{
	sf_http *http;
	sf_http_account *account;
	char api_version[8];
	bool global;
	sf_http_request *req;

	char **names;
	int nnames;
	int group_size;
	int asked;		 /* names[asked] is the first that no answer has covered */
	int group_first; /* the group that is read: names[group_first] … */
	int group_count;
	int group_pos; /* objects of it that were handed out */

	sf_json *answer;
	const sf_json *list; /* its array of objects or responses */
	const sf_json *node; /* global: the next object */
	sf_object object;
	sf_field *fields;
	const char *
		*texts; /* lists of its fields, one behind the other: picklist values, objects */
};

/* ---- requests ---------------------------------------------------------------------- */

static sf_status
ask_global(sf_describe *d, sf_error *err)
{
	char url[64];
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .url = url,
						 .doing = "list the objects of the org",
						 .retry = SF_RETRY_HARMLESS,
						 .account = d->account,
						 .body_max = DESCRIBE_MAX};

	snprintf(url, sizeof(url), "/services/data/v%s/sobjects", d->api_version);
	d->req = sf_http_start(d->http, &spec, err);
	return d->req != NULL ? SF_OK : SF_FAILED;
}

static sf_status
ask_group(sf_describe *d, sf_error *err)
{
	char url[64];
	sf_http_spec spec = {.method = SF_HTTP_POST,
						 .url = url,
						 .doing = "describe objects",
						 .retry = SF_RETRY_HARMLESS, /* it only has GETs inside */
						 .account = d->account,
						 .content_type = "application/json; charset=UTF-8",
						 .body_max = DESCRIBE_MAX};
	sf_buf body;
	int end = d->asked + d->group_size;

	if (end > d->nnames)
		end = d->nnames;
	sf_buf_init(&body, SF_BODY_SMALL);
	sf_buf_puts(&body, "{\"allOrNone\":false,\"compositeRequest\":[");
	for (int i = d->asked; i < end; i++)
		sf_buf_printf(
			&body,
			"%s{\"method\":\"GET\",\"url\":\"/services/data/v%s/sobjects/%s/describe\","
			"\"referenceId\":\"r%d\"}",
			i > d->asked ? "," : "", d->api_version, d->names[i], i);
	sf_buf_puts(&body, "]}");
	if (sf_buf_check(&body, "the request for describes", err) == SF_OK)
	{
		snprintf(url, sizeof(url), "/services/data/v%s/composite", d->api_version);
		spec.body = sf_buf_text(&body);
		spec.body_len = body.len;
		d->req = sf_http_start(d->http, &spec, err);
	}
	sf_buf_free(&body);
	return d->req != NULL ? SF_OK : SF_FAILED;
}

static sf_describe *
describe_new(sf_http *h, const char *api_version, sf_error *err)
{
	sf_describe *d = calloc(1, sizeof(*d));

	if (d == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	d->http = h;
	d->account = sf_http_current_account(h);
	d->group_size = GROUP_MAX;
	snprintf(d->api_version, sizeof(d->api_version), "%s", api_version);
	return d;
}

sf_describe *
sf_describe_new_global(sf_http *h, const char *api_version, sf_error *err)
{
	sf_describe *d = describe_new(h, api_version, err);

	if (d == NULL)
		return NULL;
	d->global = true;
	if (ask_global(d, err) != SF_OK)
	{
		sf_describe_free(d);
		return NULL;
	}
	return d;
}

/* An object's name becomes part of a path. */
static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 255 &&
		   strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
			   len;
}

sf_describe *
sf_describe_new_objects(sf_http *h, const char *api_version, const char *const *names,
						int nnames, sf_error *err)
{
	sf_describe *d = describe_new(h, api_version, err);
	sf_status st = SF_OK;

	if (d == NULL)
		return NULL;
	d->names = calloc((size_t) nnames + 1, sizeof(*d->names));
	if (d->names == NULL)
		st = sf_error_nomem(err);
	for (int i = 0; i < nnames && st == SF_OK; i++)
	{
		if (!is_name(names[i]))
			st = sf_error_set(err, SF_ERR_CONFIG, "invalid object name \"%.100s\"", names[i]);
		else if ((d->names[i] = strdup(names[i])) == NULL)
			st = sf_error_nomem(err);
		d->nnames = i + 1;
	}
	if (st != SF_OK || (nnames > 0 && ask_group(d, err) != SF_OK))
	{
		sf_describe_free(d);
		return NULL;
	}
	return d;
}

void
sf_describe_free(sf_describe *d)
{
	if (d == NULL)
		return;
	sf_http_end(d->req);
	sf_json_free(d->answer);
	for (int i = 0; i < d->nnames; i++)
		free(d->names[i]);
	free(d->names);
	free(d->fields);
	free(d->texts);
	free(d);
}

/* ---- answers ----------------------------------------------------------------------- */

static sf_status
take_answer(sf_describe *d, sf_error *err)
{
	const char *what = d->global ? "list of objects" : "answer to the describes";
	const sf_json_field fields[] = {
		{d->global ? "sobjects" : "compositeResponse", SF_FIELD_ARRAY, &d->list, true}};
	size_t len;
	const char *body = sf_http_body(d->req, &len);
	sf_json *answer;

	/* the old tree first: two of them would be the peak of memory */
	sf_json_free(d->answer);
	d->answer = NULL;
	answer = sf_json_parse(body, len, what, err);
	sf_http_end(d->req);
	d->req = NULL;
	if (answer == NULL)
		return SF_FAILED;
	d->answer = answer;
	if (sf_json_read(answer, what, fields, 1, err) != SF_OK)
		return SF_FAILED;
	d->node = sf_json_first(d->list);
	if (!d->global)
	{
		d->group_first = d->asked;
		d->group_count =
			d->nnames - d->asked < d->group_size ? d->nnames - d->asked : d->group_size;
		d->group_pos = 0;
		d->asked += d->group_count;
		/* the next group comes while this one is read */
		if (d->asked < d->nnames)
			return ask_group(d, err);
	}
	return SF_OK;
}

static sf_status
receive(sf_describe *d, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(d->req, &why);

	if (st == SF_OK)
		return take_answer(d, err);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (why.cls == SF_ERR_LIMIT && !d->global && d->group_size > 1)
	{
		sf_http_end(d->req);
		d->req = NULL;
		d->group_size /= 2;
		return ask_group(d, err) == SF_OK ? SF_WAIT : SF_FAILED;
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = why;
	return SF_FAILED;
}

/* Most texts that the lists of these fields can have. */
static size_t
count_texts(const sf_json *fields)
{
	size_t n = 0;

	for (const sf_json *field = sf_json_first(fields); field != NULL;
		 field = sf_json_next(field))
		n += (size_t) sf_json_count(sf_json_get(field, "picklistValues")) +
			 (size_t) sf_json_count(sf_json_get(field, "referenceTo"));
	return n;
}

/* The active values of a picklist, into the room that was counted for them. */
static sf_status
read_values(const sf_json *list, sf_field *f, const char **texts, sf_error *err)
{
	f->values = texts;
	for (const sf_json *node = sf_json_first(list); node != NULL; node = sf_json_next(node))
	{
		const char *value = NULL;
		bool active = false;
		/* where only these may be written, none must get lost */
		const sf_json_field fields[] = {
			{"value", SF_FIELD_STRING, &value, f->restricted_picklist},
			{"active", SF_FIELD_BOOL, &active, f->restricted_picklist},
		};

		if (sf_json_read(node, "describe of a picklist value", fields, 2, err) != SF_OK)
			return SF_FAILED;
		if (active && value != NULL)
			texts[f->nvalues++] = value;
	}
	if (f->restricted_picklist)
	{
		f->picklist = f->values;
		f->npicklist = f->nvalues;
	}
	return SF_OK;
}

/* What a lookup may refer to, likewise. */
static void
read_references(const sf_json *list, sf_field *f, const char **texts)
{
	f->references = texts;
	for (const sf_json *node = sf_json_first(list); node != NULL; node = sf_json_next(node))
	{
		const char *object = sf_json_text(node);

		if (object != NULL)
			texts[f->nreference_to++] = object;
	}
	f->reference_to = f->nreference_to > 0 ? texts[0] : NULL;
}

/* A text, or what a checkbox begins with; an expression goes first. */
static const char *
default_of(const sf_json *node)
{
	const char *formula = sf_json_text(sf_json_get(node, "defaultValueFormula"));
	const sf_json *value = sf_json_get(node, "defaultValue");
	bool flag;

	if (formula != NULL)
		return formula;
	if (sf_json_bool(value, &flag))
		return flag ? "true" : "false";
	return sf_json_text(value);
}

/* texts: room for the field's lists. */
static sf_status
read_field(const sf_json *node, sf_field *f, const char **texts, sf_error *err)
{
	const sf_json *reference_to = NULL;
	const sf_json *picklist = NULL;
	const sf_json_field fields[] = {
		{"name", SF_FIELD_STRING, &f->name, true},
		{"label", SF_FIELD_STRING, &f->label, false},
		{"type", SF_FIELD_STRING, &f->type, true},
		{"compoundFieldName", SF_FIELD_STRING, &f->compound_field_name, false},
		{"relationshipName", SF_FIELD_STRING, &f->relationship_name, false},
		{"referenceTo", SF_FIELD_ARRAY, &reference_to, false},
		{"calculatedFormula", SF_FIELD_STRING, &f->formula, false},
		{"controllerName", SF_FIELD_STRING, &f->controller, false},
		{"inlineHelpText", SF_FIELD_STRING, &f->help, false},
		{"length", SF_FIELD_INT, &f->length, false},
		{"byteLength", SF_FIELD_INT, &f->byte_length, false},
		{"precision", SF_FIELD_INT, &f->precision, false},
		{"scale", SF_FIELD_INT, &f->scale, false},
		{"digits", SF_FIELD_INT, &f->digits, false},
		{"nillable", SF_FIELD_BOOL, &f->nillable, false},
		{"filterable", SF_FIELD_BOOL, &f->filterable, false},
		{"sortable", SF_FIELD_BOOL, &f->sortable, false},
		{"groupable", SF_FIELD_BOOL, &f->groupable, false},
		{"aggregatable", SF_FIELD_BOOL, &f->aggregatable, false},
		{"createable", SF_FIELD_BOOL, &f->createable, false},
		{"updateable", SF_FIELD_BOOL, &f->updateable, false},
		{"calculated", SF_FIELD_BOOL, &f->calculated, false},
		{"caseSensitive", SF_FIELD_BOOL, &f->case_sensitive, false},
		{"unique", SF_FIELD_BOOL, &f->unique, false},
		{"externalId", SF_FIELD_BOOL, &f->external_id, false},
		{"idLookup", SF_FIELD_BOOL, &f->id_lookup, false},
		{"nameField", SF_FIELD_BOOL, &f->name_field, false},
		{"custom", SF_FIELD_BOOL, &f->custom, false},
		{"restrictedPicklist", SF_FIELD_BOOL, &f->restricted_picklist, false},
		{"dependentPicklist", SF_FIELD_BOOL, &f->dependent_picklist, false},
		{"autoNumber", SF_FIELD_BOOL, &f->auto_number, false},
		{"encrypted", SF_FIELD_BOOL, &f->encrypted, false},
		{"htmlFormatted", SF_FIELD_BOOL, &f->html_formatted, false},
		{"defaultedOnCreate", SF_FIELD_BOOL, &f->defaulted_on_create, false},
		{"cascadeDelete", SF_FIELD_BOOL, &f->cascade_delete, false},
		{"restrictedDelete", SF_FIELD_BOOL, &f->restricted_delete, false},
		{"deprecatedAndHidden", SF_FIELD_BOOL, &f->deprecated_and_hidden, false},
		{"picklistValues", SF_FIELD_ARRAY, &picklist, false},
	};

	memset(f, 0, sizeof(*f));
	if (sf_json_read(node, "describe of a field", fields, sizeof(fields) / sizeof(fields[0]),
					 err) != SF_OK)
		return SF_FAILED;
	if (f->label == NULL)
		f->label = f->name;
	f->default_value = default_of(node);
	read_references(reference_to, f, texts);
	return read_values(picklist, f, texts + f->nreference_to, err);
}

static sf_status
read_object(sf_describe *d, const sf_json *node, const sf_object **object, sf_error *err)
{
	sf_object *o = &d->object;
	const sf_json *list = NULL;
	const sf_json_field fields[] = {
		{"name", SF_FIELD_STRING, &o->name, true},
		{"label", SF_FIELD_STRING, &o->label, false},
		{"labelPlural", SF_FIELD_STRING, &o->label_plural, false},
		{"keyPrefix", SF_FIELD_STRING, &o->key_prefix, false},
		{"custom", SF_FIELD_BOOL, &o->custom, false},
		{"customSetting", SF_FIELD_BOOL, &o->custom_setting, false},
		{"queryable", SF_FIELD_BOOL, &o->queryable, false},
		{"createable", SF_FIELD_BOOL, &o->createable, false},
		{"updateable", SF_FIELD_BOOL, &o->updateable, false},
		{"deletable", SF_FIELD_BOOL, &o->deletable, false},
		{"undeletable", SF_FIELD_BOOL, &o->undeletable, false},
		{"mergeable", SF_FIELD_BOOL, &o->mergeable, false},
		{"retrieveable", SF_FIELD_BOOL, &o->retrieveable, false},
		{"replicateable", SF_FIELD_BOOL, &o->replicateable, false},
		{"searchable", SF_FIELD_BOOL, &o->searchable, false},
		{"triggerable", SF_FIELD_BOOL, &o->triggerable, false},
		{"deprecatedAndHidden", SF_FIELD_BOOL, &o->deprecated_and_hidden, false},
		{"fields", SF_FIELD_ARRAY, &list, !d->global},
	};
	int n = 0;
	size_t ntexts = 0;

	memset(o, 0, sizeof(*o));
	if (sf_json_read(node, "describe of an object", fields, sizeof(fields) / sizeof(fields[0]),
					 err) != SF_OK)
		return SF_FAILED;
	if (o->label == NULL)
		o->label = o->name;
	*object = o;
	if (d->global)
		return SF_OK;

	n = sf_json_count(list);
	if (n > FIELDS_MAX)
		return sf_error_set(err, SF_ERR_LIMIT, "object %s has more than %d fields", o->name,
							FIELDS_MAX);
	free(d->fields);
	free(d->texts);
	d->fields = calloc((size_t) n + 1, sizeof(*d->fields));
	d->texts = calloc(count_texts(list) + 1, sizeof(*d->texts));
	if (d->fields == NULL || d->texts == NULL)
		return sf_error_nomem(err);
	for (const sf_json *field = sf_json_first(list); field != NULL;
		 field = sf_json_next(field))
	{
		sf_field *f = &d->fields[o->nfields];

		if (read_field(field, f, d->texts + ntexts, err) != SF_OK)
		{
			sf_error_detail(err, "It is field number %d of object %s.", o->nfields + 1,
							o->name);
			return SF_FAILED;
		}
		ntexts += (size_t) (f->nreference_to + f->nvalues);
		o->nfields++;
	}
	o->fields = d->fields;
	return SF_OK;
}

/* The answer to one subrequest: found by its id, whatever the order. */
static sf_status
read_response(sf_describe *d, int which, const sf_object **object, sf_error *err)
{
	char reference[16];
	char doing[300];
	const sf_json *body;
	int64_t status = 0;

	snprintf(reference, sizeof(reference), "r%d", which);
	for (const sf_json *node = sf_json_first(d->list); node != NULL; node = sf_json_next(node))
	{
		const char *id = sf_json_text(sf_json_get(node, "referenceId"));

		if (id == NULL || strcmp(id, reference) != 0)
			continue;
		body = sf_json_get(node, "body");
		if (!sf_json_int64(sf_json_get(node, "httpStatusCode"), &status) || status == 200)
			return read_object(d, body, object, err);
		snprintf(doing, sizeof(doing), "describe object %s", d->names[which]);
		return sf_json_node_error(body, (int) status, SF_ERR_REMOTE, doing, err);
	}
	return sf_error_set(err, SF_ERR_PROTOCOL, "the answer to the describes lacks object %s",
						d->names[which]);
}

sf_status
sf_describe_next(sf_describe *d, const sf_object **object, sf_error *err)
{
	sf_status st;

	for (;;)
	{
		if (d->global && d->node != NULL)
		{
			const sf_json *node = d->node;

			d->node = sf_json_next(node);
			return read_object(d, node, object, err);
		}
		if (!d->global && d->group_pos < d->group_count)
			return read_response(d, d->group_first + d->group_pos++, object, err);
		if (d->req == NULL)
			return SF_DONE;
		st = receive(d, err);
		if (st != SF_OK)
			return st;
	}
}
