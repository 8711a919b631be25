/*
 * schema_load.c
 *		Objects and fields from describe files (--schema).
 *
 * A file is what GET …/sobjects/X/describe answers, an array of such, or {"sobjects": […]}.  What the engine
 * needs of a field is read into a sim_field; the file's own words stay with it and go into describes
 * as they are.  A field that the program knows keeps its data, one that it does not know gets data by its type.
 *
 * All memory lives as long as the program: objects are never unloaded.
 */
#include "schema_load.h"
#include "data.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX (256 * 1024 * 1024)
#define STUBS_MAX                                                                             \
	10 /* references with more targets than this get no objects for those that are missing */

/* ---------------------------------------------------------------- memory */

/* Whatever is read stays, what came of a file that was refused as well; all can be reached from here. */
typedef struct kept
{
	struct kept *next;
	cJSON *document;
	max_align_t data[];
} kept;

static kept *all_kept;

/* Zeroed memory for good; NULL when there is none. */
void *
schema_keep(size_t size)
{
	kept *k = calloc(1, sizeof(*k) + size);

	if (k == NULL)
		return NULL;
	k->next = all_kept;
	all_kept = k;
	return k->data;
}

/* ---------------------------------------------------------------- errors, small readers */

bool
schema_no_memory(schema_loader *l)
{
	return sim_error_set(l->err, "INVALID_SCHEMA", "%s: out of memory", l->path);
}

/* Names of objects, fields and relationships; what SQL and SOQL can take. */
bool
schema_is_name(const char *s)
{
	size_t n = 0;

	if (s == NULL || !isalpha((unsigned char) s[0]) || strncasecmp(s, "sqlite_", 7) == 0)
		return false;
	while (isalnum((unsigned char) s[n]) || s[n] == '_')
		n++;
	return s[n] == '\0' && n <= 80;
}

const char *
schema_text(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

/* What a boolean member says; "absent" when it is not there. */
bool
schema_flag(const cJSON *o, const char *key, bool absent)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : absent;
}

/* ---------------------------------------------------------------- one object */

void
schema_inherit(cJSON *o, const cJSON *before)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, before)
	{
		cJSON *copy;

		if (strcmp(item->string, "fields") == 0 || cJSON_HasObjectItem(o, item->string))
			continue;
		copy = cJSON_Duplicate(item, true);
		if (copy != NULL)
			cJSON_AddItemToObject(o, item->string, copy);
	}
}

/* The field of that name among the first n. */
static const sim_field *
among(const sim_field *fields, int n, const char *name)
{
	for (int i = 0; i < n; i++)
	{
		if (strcasecmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

/* Fields in the order of the file, then those that only the program knows, or that every object needs. */
static sim_field *
load_fields(schema_loader *l, cJSON *o, const char *name, const sim_object *old, int *n)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "fields");
	int max = cJSON_GetArraySize(list) + (old ? old->nfields : 1);
	cJSON *item;
	sim_field *fields;

	*n = 0;
	if (max > SIM_MAX_FIELDS)
	{
		sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: more than %d fields", l->path, name,
					  SIM_MAX_FIELDS);
		return NULL;
	}
	fields = schema_keep((size_t) max * sizeof(*fields));
	if (fields == NULL)
	{
		schema_no_memory(l);
		return NULL;
	}
	cJSON_ArrayForEach (item, list)
	{
		const char *field = schema_text(item, "name");

		if (!schema_is_name(field) || among(fields, *n, field) != NULL)
		{
			sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: field %d %s%.100s", l->path, name,
						  *n + 1,
						  schema_is_name(field) ? "is there twice: " : "has no proper name: ",
						  field ? field : "none");
			return NULL;
		}
		if (!schema_load_field(l, item, name, old ? sim_field_find(old, field) : NULL,
							   &fields[*n]))
			return NULL;
		(*n)++;
	}
	if (old == NULL && among(fields, *n, "Id") == NULL)
		fields[(*n)++] =
			(sim_field){.name = "Id",
						.label = "Record ID",
						.type = SIM_T_ID,
						.length = 18,
						.flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_IDLOOKUP,
						.gen = gen_id};
	for (int i = 0; old != NULL && i < old->nfields; i++)
	{
		if (among(fields, *n, old->fields[i].name) == NULL)
			fields[(*n)++] = old->fields[i];
	}
	return fields;
}

static unsigned
object_flags(const cJSON *o, bool prefixed)
{
	static const struct
	{
		const char *key;
		unsigned flag;
	} table[] = {
		{"createable", SO_CREATEABLE},
		{"updateable", SO_UPDATEABLE},
		{"deletable", SO_DELETABLE},
		{"undeletable", SO_UNDELETABLE},
		{"mergeable", SO_MERGEABLE},
		{"replicateable", SO_REPLICATEABLE},
		{"searchable", SO_SEARCHABLE},
		{"layoutable", SO_LAYOUTABLE},
		{"searchLayoutable", SO_SEARCH_LAYOUT},
		{"compactLayoutable", SO_COMPACT},
		{"triggerable", SO_TRIGGERABLE},
		{"mruEnabled", SO_MRU},
		{"feedEnabled", SO_FEED},
		{"deepCloneable", SO_DEEP_CLONE},
		{"customSetting", SO_SETTING},
		{"activateable", SO_ACTIVATEABLE},
		{"deprecatedAndHidden", SO_DEPRECATED},
	};
	static const struct
	{
		const char *key;
		unsigned flag;
	} links[] = {{"approvalLayouts", SO_APPROVAL},
				 {"listviews", SO_LISTVIEWS},
				 {"quickActions", SO_QUICK_ACTIONS}};
	const cJSON *urls = cJSON_GetObjectItemCaseSensitive(o, "urls");
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		/* what the file does not say a custom object can */
		if (schema_flag(o, table[i].key, i < 3))
			flags |= table[i].flag;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
	{
		if (cJSON_GetObjectItemCaseSensitive(urls, links[i].key) != NULL)
			flags |= links[i].flag;
	}
	if (!schema_flag(o, "queryable", true) || !prefixed)
		flags |= SO_NOQUERY;
	return flags;
}

/* Prefixes of what the server itself gives ids to (jobs, batches, locators). */
static bool
is_reserved(const char *prefix)
{
	static const char *const reserved[] = {"750", "751", "752", "01g", "0Ga", "07L", "707"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
	{
		if (strcmp(prefix, reserved[i]) == 0)
			return true;
	}
	return false;
}

/* The file's prefix, or a free one. */
static bool
load_prefix(schema_loader *l, cJSON *o, sim_object *obj, const sim_object *old)
{
	const char *said = schema_text(o, "keyPrefix");
	char *own;

	if (old != NULL)
	{
		if (said != NULL && old->prefix != NULL && strcmp(said, old->prefix) != 0)
			return sim_error_set(
				l->err, "INVALID_SCHEMA",
				"%s: %s has the key prefix \"%.20s\" in the file, and \"%s\" here", l->path,
				obj->name, said, old->prefix);
		obj->prefix = old->prefix;

		/* lists that leave prefixes out do not take away ours */
		if (said == NULL)
			cJSON_DeleteItemFromObjectCaseSensitive(o, "keyPrefix");
		return true;
	}
	if (said != NULL && (strlen(said) != 3 || is_reserved(said)))
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s cannot have the key prefix \"%.20s\"", l->path, obj->name,
							 said);
	obj->prefix = said;
	if (said != NULL || !schema_flag(o, "queryable", true))
		return true;
	own = schema_keep(4);
	if (own == NULL)
		return schema_no_memory(l);
	if (!sim_schema_free_prefix(own))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: no key prefix is left",
							 l->path, obj->name);
	obj->prefix = own;
	return true;
}

static int
name_number(const char *name)
{
	unsigned h = 5381;

	for (; *name != '\0'; name++)
		h = h * 33 + (unsigned char) tolower((unsigned char) *name);
	return 64 + (int) (h % 150);
}

static bool
load_object(schema_loader *l, cJSON *o)
{
	const char *name = schema_text(o, "name");
	const sim_object *old = sim_object_find(name);
	sim_object *obj = schema_keep(sizeof(*obj));
	sim_error why;
	int n;

	if (obj == NULL)
		return schema_no_memory(l);
	if (old != NULL)
		*obj = *old;
	obj->name = old ? old->name : name;
	obj->label = schema_text(o, "label");
	obj->plural = schema_text(o, "labelPlural");
	if (obj->label == NULL)
		obj->label = old ? old->label : name;
	if (obj->plural == NULL)
		obj->plural = old ? old->plural : obj->label;
	obj->fields = load_fields(l, o, name, old, &n);
	obj->nfields = n;
	if (old != NULL)
		schema_inherit(o, old->described);
	obj->described = o;
	if (old == NULL)
		obj->seed_no = name_number(name);
	if (obj->fields == NULL || !load_prefix(l, o, obj, old))
		return false;

	/* what the program can do with its own objects it still can; a stub becomes a full object */
	if (old == NULL || (old->flags & SO_STUB))
		obj->flags = object_flags(o, obj->prefix != NULL);
	if (!sim_schema_add(obj, &why))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s", l->path, why.message);
	return true;
}

/* ---------------------------------------------------------------- what belongs to several objects */

/* What the parent's describe says of the way back, if it is in the file. */
static const cJSON *
find_child(const schema_loader *l, const char *parent, const char *child, const char *field)
{
	for (int i = 0; i < l->nobjects; i++)
	{
		const char *name = schema_text(l->objects[i], "name");
		const cJSON *item;

		if (name == NULL || strcasecmp(name, parent) != 0)
			continue;
		cJSON_ArrayForEach (
			item, cJSON_GetObjectItemCaseSensitive(l->objects[i], "childRelationships"))
		{
			const char *from = schema_text(item, "childSObject");
			const char *by = schema_text(item, "field");

			if (from && by && strcasecmp(from, child) == 0 && strcasecmp(by, field) == 0)
				return item;
		}
	}
	return NULL;
}

/* "Order_Lines__r": the usual name of the way back to a custom object. */
static char *
usual_way_back(const sim_object *obj)
{
	size_t len = strlen(obj->plural);
	char *way = schema_keep(len + 5);
	size_t n = 0;

	if (way == NULL)
		return NULL;
	for (size_t i = 0; i < len && n < 70; i++)
	{
		if (isalnum((unsigned char) obj->plural[i]))
			way[n++] = obj->plural[i];
		else if (n > 0 && way[n - 1] != '_')
			way[n++] = '_';
	}
	memcpy(way + n, "__r", 4);
	return schema_is_name(way) ? way : NULL;
}

static void
name_way_back(const schema_loader *l, const sim_object *obj, sim_field *f)
{
	const cJSON *child = find_child(l, f->ref_to, obj->name, f->name);
	const char *way;

	if (child != NULL)
	{
		way = schema_text(child, "relationshipName");
		if (way != NULL && schema_is_name(way))
			f->ref_children = way;
		if (schema_flag(child, "cascadeDelete", false))
			f->flags |= SF_CASCADE;
		if (schema_flag(child, "restrictedDelete", false))
			f->flags |= SF_RESTRICT_DELETE;
	}
	else if (f->ref_children == NULL && sim_field_is_custom(f))
	{
		/* two ways back from one object would have one name */
		for (const sim_field *other = obj->fields; other < f; other++)
		{
			if (other->ref_to != NULL && other->ref_children != NULL &&
				strcasecmp(other->ref_to, f->ref_to) == 0)
				return;
		}
		f->ref_children = usual_way_back(obj);
	}
}

/* A target that nobody knows becomes an object that can be described and queried, and has no rows. */
static bool
add_stub(schema_loader *l, const char *name)
{
	static const sim_object *like;
	sim_object *obj = schema_keep(sizeof(*obj));
	char *prefix = schema_keep(4);
	sim_error why;

	if (like == NULL)
		like = sim_object_find("Solution");
	if (obj == NULL || prefix == NULL)
		return schema_no_memory(l);
	if (!sim_schema_free_prefix(prefix))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: no key prefix is left",
							 l->path, name);
	*obj = (sim_object){.name = name,
						.label = name,
						.plural = name,
						.prefix = prefix,
						.flags = SO_STUB | SO_FIXED_ROWS | SO_REPLICATEABLE,
						.fields = like->fields,
						.nfields = like->nfields,
						.seed_no = name_number(name)};
	if (!sim_schema_add(obj, &why))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s", l->path, why.message);
	return true;
}

static bool
complete_references(schema_loader *l)
{
	for (int i = 0; i < l->nobjects; i++)
	{
		const sim_object *obj = sim_object_find(schema_text(l->objects[i], "name"));

		for (int k = 0; k < obj->nfields; k++)
		{
			/* made by load_fields(): ours to change */
			sim_field *f = (sim_field *) &obj->fields[k];
			const char *to;
			int n = 0;

			if (f->described == NULL)
				continue;
			if (f->ref_to == NULL)
			{
				schema_forget_targets(f);
				continue;
			}
			name_way_back(l, obj, f);
			while (sim_field_ref(f, n) != NULL)
				n++;
			for (int t = 0; n <= STUBS_MAX && (to = sim_field_ref(f, t)) != NULL; t++)
			{
				if (sim_object_find(to) == NULL && !add_stub(l, to))
					return false;
			}
			if (!sim_field_is_poly(f) && sim_object_find(f->ref_to)->prefix == NULL)
				schema_forget_targets(f);
		}
	}
	return true;
}

/* ---------------------------------------------------------------- the file */

static bool
read_file(schema_loader *l, sim_buf *out)
{
	FILE *f = fopen(l->path, "rb");
	char block[65536];
	size_t n;
	bool ok = f != NULL;

	while (ok && (n = fread(block, 1, sizeof(block), f)) > 0)
	{
		sim_buf_add(out, block, n);
		ok = !out->failed && out->len <= FILE_MAX;
	}
	ok = ok && !ferror(f);
	if (!ok)
		sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s", l->path,
					  f && out->len > FILE_MAX ? "too large" : strerror(errno));
	if (f != NULL)
		fclose(f);
	return ok;
}

static bool
parse(schema_loader *l, const sim_buf *text)
{
	const char *end = NULL;
	int line = 1;

	if (text->data != NULL)
		l->root = cJSON_ParseWithLengthOpts(text->data, text->len, &end, false);
	if (l->root != NULL)
	{
		if (schema_keep(0) == NULL)
		{
			cJSON_Delete(l->root);
			return schema_no_memory(l);
		}
		all_kept->document = l->root;
		return true;
	}
	for (const char *p = text->data; end != NULL && p < end; p++)
		line += *p == '\n';
	return sim_error_set(l->err, "INVALID_SCHEMA", "%s: line %d: not JSON", l->path, line);
}

/* A list, or nothing at all. */
static bool
has_list(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return item == NULL || cJSON_IsArray(item);
}

static bool
collect(schema_loader *l)
{
	cJSON *list = l->root;
	cJSON *inner = cJSON_GetObjectItemCaseSensitive(l->root, "sobjects");
	cJSON *item;
	int n = 0;

	if (cJSON_IsArray(inner))
		list = inner;
	l->nobjects = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 1;
	l->objects = calloc((size_t) l->nobjects + 1, sizeof(*l->objects));
	if (l->objects == NULL)
		return schema_no_memory(l);
	if (!cJSON_IsArray(list))
		l->objects[n++] = list;
	else
	{
		cJSON_ArrayForEach (item, list)
			l->objects[n++] = item;
	}
	for (int i = 0; i < n; i++)
	{
		const char *name = schema_text(l->objects[i], "name");

		if (!cJSON_IsObject(l->objects[i]) || name == NULL ||
			!has_list(l->objects[i], "fields"))
			return sim_error_set(l->err, "INVALID_SCHEMA",
								 "%s: object %d: not the describe of an object, which has a "
								 "\"name\" and \"fields\"",
								 l->path, i + 1);
		if (!schema_is_name(name))
			return sim_error_set(l->err, "INVALID_SCHEMA",
								 "%s: object %d: \"%.100s\" is no name of an object", l->path,
								 i + 1, name);
	}
	return true;
}

bool
sim_schema_load(const char *path, sim_error *err)
{
	schema_loader l = {.path = path, .err = err};
	sim_buf text = {0};
	bool ok = read_file(&l, &text) && parse(&l, &text) && collect(&l);

	for (int i = 0; ok && i < l.nobjects; i++)
		ok = load_object(&l, l.objects[i]);
	ok = ok && complete_references(&l);
	sim_buf_free(&text);
	free(l.objects);
	return ok;
}
