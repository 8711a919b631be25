/*
 * schema_change.c
 *		/__sfsim/schema: fields that go and come, and say other things of themselves, while the org runs.
 *
 *	GET    /schema      what has been changed
 *	POST   /schema      {"object": "Account", "field": "X__c", "hidden": true, "describe": {"length": 80}}
 *	DELETE /schema      all as at the start
 *
 * A hidden field is what field-level security and a deletion make of one, seen from outside: neither describes
 * nor queries nor writes know it; its values stay and are there again when it is shown.  What "describe" names
 * is said instead by describes; filterable, sortable, groupable, aggregatable, createable and updateable count
 * for queries and writes as well.  What a field is stored as never changes.  null takes a member back.
 *
 * Queries and jobs that have begun go on with the schema that they began with.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "schema.h"
#include "server.h"

/* What has been changed of a field; never freed, so that it may be read without a lock being held for long. */
typedef struct change
{
	const sim_object *obj;
	const sim_field *field;
	bool hidden;
	cJSON *described;
	struct change *next;
} change;

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static change *changes;
static _Atomic unsigned version;

/* The lock is held. */
static change *
find(const sim_field *f)
{
	change *c = changes;

	while (c != NULL && c->field != f)
		c = c->next;
	return c;
}

unsigned
sim_schema_version(void)
{
	return atomic_load(&version);
}

bool
sim_field_hidden(const sim_field *f)
{
	const change *c;
	bool hidden;

	if (atomic_load(&version) == 0)
		return false;
	pthread_rwlock_rdlock(&lock);
	c = find(f);
	hidden = c != NULL && c->hidden;
	pthread_rwlock_unlock(&lock);
	return hidden;
}

bool
sim_field_says(const sim_field *f, const char *key, bool otherwise)
{
	const change *c;

	if (atomic_load(&version) == 0)
		return otherwise;
	pthread_rwlock_rdlock(&lock);
	c = find(f);
	if (c != NULL && c->described != NULL)
	{
		const cJSON *said = cJSON_GetObjectItemCaseSensitive(c->described, key);

		otherwise = cJSON_IsBool(said) ? cJSON_IsTrue(said) : otherwise;
	}
	pthread_rwlock_unlock(&lock);
	return otherwise;
}

cJSON *
sim_field_said(const sim_field *f)
{
	const change *c;
	cJSON *said = NULL;

	if (atomic_load(&version) == 0)
		return NULL;
	pthread_rwlock_rdlock(&lock);
	c = find(f);
	if (c != NULL && c->described != NULL)
		said = cJSON_Duplicate(c->described, true);
	pthread_rwlock_unlock(&lock);
	return said;
}

/* ---------------------------------------------------------------- the endpoint */

/* The lock is held. */
static void
put_change(cJSON *list, const change *c)
{
	cJSON *o;

	if (!c->hidden && c->described == NULL)
		return;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "object", sim_object_name(c->obj));
	cJSON_AddStringToObject(o, "field", sim_field_name(c->field));
	cJSON_AddBoolToObject(o, "hidden", c->hidden);
	if (c->described != NULL)
		cJSON_AddItemToObject(o, "describe", cJSON_Duplicate(c->described, true));
	cJSON_AddItemToArray(list, o);
}

void
control_schema_get(srv_request *req)
{
	cJSON *list = cJSON_CreateArray();
	char *text;

	pthread_rwlock_rdlock(&lock);
	for (const change *c = changes; c != NULL; c = c->next)
		put_change(list, c);
	pthread_rwlock_unlock(&lock);
	text = cJSON_PrintUnformatted(list);
	sim_buf_str(srv_json(req, 200), text ? text : "[]");
	cJSON_free(text);
	cJSON_Delete(list);
}

/* Each member is one that we know, of the right type. */
static bool
check_body(const cJSON *body, sim_error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, body)
	{
		bool text = strcmp(item->string, "object") == 0 || strcmp(item->string, "field") == 0;

		if (text ? !cJSON_IsString(item)
			: strcmp(item->string, "hidden") == 0
				? !cJSON_IsBool(item)
				: strcmp(item->string, "describe") != 0 ||
					  !(cJSON_IsObject(item) || cJSON_IsNull(item)))
			return sim_error_set(err, "INVALID_INPUT",
								 "expected \"object\", \"field\", and \"hidden\" or "
								 "\"describe\", an object or null; not \"%.100s\"",
								 item->string);
	}
	return true;
}

/* Members of the body's "describe" in the place of those of that name; null takes one away.  The lock is held. */
static void
describe_as(change *c, const cJSON *described)
{
	const cJSON *item;

	if (c->described == NULL)
		c->described = cJSON_CreateObject();
	cJSON_ArrayForEach (item, described)
	{
		cJSON_DeleteItemFromObjectCaseSensitive(c->described, item->string);
		if (!cJSON_IsNull(item))
			cJSON_AddItemToObject(c->described, item->string, cJSON_Duplicate(item, true));
	}
	if (!cJSON_IsObject(described) || c->described->child == NULL)
	{
		cJSON_Delete(c->described);
		c->described = NULL;
	}
}

bool
control_schema_post(srv_request *req, const cJSON *body, sim_error *err)
{
	const char *object =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "object"));
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "field"));
	const cJSON *hidden = cJSON_GetObjectItemCaseSensitive(body, "hidden");
	const cJSON *described = cJSON_GetObjectItemCaseSensitive(body, "describe");
	const sim_object *obj = sim_object_find(object);
	const sim_field *f = obj && name ? sim_field_find_any(obj, name) : NULL;
	change *c;

	if (!check_body(body, err))
		return false;
	if (f == NULL)
		return sim_error_set(err, "INVALID_INPUT",
							 "there is no field \"%.100s\" of \"%.100s\"", name ? name : "",
							 object ? object : "");
	if (cJSON_IsTrue(hidden) && !sim_field_permissionable(f))
		return sim_error_set(err, "INVALID_INPUT", "every user sees %s.%s",
							 sim_object_name(obj), sim_field_name(f));
	pthread_rwlock_wrlock(&lock);
	c = find(f);
	if (c == NULL && (c = calloc(1, sizeof(*c))) != NULL)
	{
		c->obj = obj;
		c->field = f;
		c->next = changes;
		changes = c;
	}
	if (c != NULL && hidden != NULL)
		c->hidden = cJSON_IsTrue(hidden);
	if (c != NULL && described != NULL)
		describe_as(c, described);
	atomic_fetch_add(&version, 1);
	pthread_rwlock_unlock(&lock);
	if (c == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	control_schema_get(req);
	return true;
}

int
sim_schema_restore(void)
{
	int n = 0;

	pthread_rwlock_wrlock(&lock);
	for (change *c = changes; c != NULL; c = c->next)
	{
		n += c->hidden || c->described != NULL;
		c->hidden = false;
		cJSON_Delete(c->described);
		c->described = NULL;
	}
	if (n > 0)
		atomic_fetch_add(&version, 1);
	pthread_rwlock_unlock(&lock);
	return n;
}
