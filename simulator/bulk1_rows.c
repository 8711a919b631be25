/*
 * bulk1_rows.c
 *		Records of a batch: CSV lines, <sObject> elements, JSON objects, all as cells for the store.
 *
 * The whole text is looked at first: a name that is no field, or a text that cannot be read, fails the batch before any record
 * is written.  In XML and JSON each record has its own fields; what they say is looked up once for all records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "bulk1_int.h"
#include "csv_in.h"
#include "text.h"
#include "xml.h"

#define MAX_COLUMNS 5000

/* A name that the batch uses: "Name", "Account.Key__c", "Lead:Who.Email". */
typedef struct column
{
	char *name;
	bool is_id;
	bool unknown; /* no field of the object: in JSON each record that has it is refused */
	sim_in cell;
} column;

struct bulk1_rows
{
	const bulk1_job *j;
	bulk1_type format;
	const bulk1_zip *zip;
	int64_t count;
	column *columns;
	int ncolumns;
	int column_space;
	int guess; /* where the next name probably is */

	/* CSV */
	csv_in *csv;

	/* XML and JSON: the next record */
	xml_doc *doc;
	const xml_node *node;
	cJSON *tree;
	const cJSON *item;

	/* the present record */
	sim_in *cells;
	int ncells;
	int cell_space;
	char id[64];
	sim_buf *files; /* attachments, as base64 */
	int nfiles;
};

/* ---------------------------------------------------------------- names */

static column *
find_column(bulk1_rows *r, const char *name)
{
	for (int i = 0; i < r->ncolumns; i++)
	{
		int at = (r->guess + i) % r->ncolumns;

		if (strcmp(r->columns[at].name, name) == 0)
		{
			r->guess = at + 1;
			return &r->columns[at];
		}
	}
	return NULL;
}

/* A name that the batch uses; NULL with *o filled in. */
static column *
add_column(bulk1_rows *r, const char *name, size_t len, bulk1_outcome *o)
{
	sim_error err = {0};
	column *c;

	if (r->ncolumns >= MAX_COLUMNS)
	{
		bulk1_fail(o, "InvalidBatch", "Too many fields in the batch: %d", r->ncolumns);
		return NULL;
	}
	if (r->ncolumns == r->column_space)
	{
		int space = r->column_space ? 2 * r->column_space : 32;
		column *more = realloc(r->columns, (size_t) space * sizeof(*more));

		if (more == NULL)
		{
			bulk1_fail(o, "InternalServerError", "out of memory");
			return NULL;
		}
		r->columns = more;
		r->column_space = space;
	}
	c = &r->columns[r->ncolumns];
	memset(c, 0, sizeof(*c));
	c->is_id = len == 2 && strncasecmp(name, "Id", 2) == 0;
	if (!c->is_id && (r->j->op == BULK1_DELETE || r->j->op == BULK1_HARD_DELETE))
	{
		bulk1_fail(o, "InvalidBatch", "The '%s' batch must contain only ids",
				   bulk1_op_name(r->j->op));
		return NULL;
	}
	c->unknown = !c->is_id && !sim_in_header(r->j->object, name, len, &c->cell, &err);
	if (c->unknown && r->format != BULK1_JSON)
	{
		bulk1_fail(o, "InvalidBatch", "%s", err.message);
		return NULL;
	}
	c->name = strndup(name, len);
	if (c->name == NULL)
	{
		bulk1_fail(o, "InternalServerError", "out of memory");
		return NULL;
	}
	r->ncolumns++;
	return c;
}

static bool
use_name(bulk1_rows *r, const char *name, bulk1_outcome *o)
{
	return (r->ncolumns > 0 && find_column(r, name)) || add_column(r, name, strlen(name), o);
}

/* "Lead:Who.Email" of its parts; type may be NULL.  False: too long for any name. */
static bool
path_name(const char *type, const char *relation, const char *field, char out[512])
{
	return snprintf(out, 512, "%s%s%s.%s", type ? type : "", type ? ":" : "", relation,
					field) < 512;
}

/* ---------------------------------------------------------------- cells */

static sim_in *
add_cell(bulk1_rows *r, const sim_in *pattern)
{
	if (r->ncells == r->cell_space)
	{
		int space = r->cell_space ? 2 * r->cell_space : 32;
		sim_in *more = realloc(r->cells, (size_t) space * sizeof(*more));

		if (more == NULL)
			return NULL;
		r->cells = more;
		r->cell_space = space;
	}
	r->cells[r->ncells] = *pattern;
	return &r->cells[r->ncells++];
}

/* "#file" in a base64 field stands for a file of the zip. */
static bool
attach(bulk1_rows *r, sim_in *cell, sim_error *err)
{
	sim_buf file = {0};
	sim_buf *more;
	sim_buf *text;
	char *name = strndup(cell->text, cell->len);
	int rc;

	if (name == NULL || *name != '#')
	{
		free(name);
		sim_error_set(err, "INVALID_FIELD", "Binary file reference does not start with #");
		return sim_error_field(err, sim_field_name(cell->field));
	}
	rc = bulk1_zip_read(r->zip, name + 1, &file, err);
	if (rc <= 0)
	{
		sim_error_set(err, "INVALID_FIELD", "Binary file not found: %s", name + 1);
		free(name);
		sim_buf_free(&file);
		return sim_error_field(err, sim_field_name(cell->field));
	}
	free(name);
	more = realloc(r->files, (size_t) (r->nfiles + 1) * sizeof(*more));
	if (more)
	{
		char *to;

		r->files = more;
		text = &r->files[r->nfiles++];
		memset(text, 0, sizeof(*text));
		to = sim_buf_reserve(text, file.len / 3 * 4 + 8);
		if (to)
			text->len = (size_t) EVP_EncodeBlock(
				(unsigned char *) to, (unsigned char *) (file.data ? file.data : ""),
				(int) file.len);
		cell->text = text->data ? text->data : "";
		cell->len = text->len;
	}
	sim_buf_free(&file);
	return more != NULL || sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
}

/* A text value of a column; empty ones say nothing. */
static bool
text_value(bulk1_rows *r, const column *c, const char *text, size_t len, sim_error *err)
{
	sim_in *cell;

	if (c->is_id)
	{
		snprintf(r->id, sizeof(r->id), "%.*s", (int) (len < 60 ? len : 60), text);
		return true;
	}
	if (len == 0)
		return true;
	cell = add_cell(r, &c->cell);
	if (cell == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	cell->text = text;
	cell->len = len;
	if (r->zip && sim_field_type(cell->field) == SIM_T_BASE64)
		return attach(r, cell, err);
	return true;
}

static bool
null_value(bulk1_rows *r, const column *c, sim_error *err)
{
	sim_in *cell = c->is_id ? NULL : add_cell(r, &c->cell);

	if (cell)
		cell->kind = SIM_IN_NULL;
	return cell || c->is_id || sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
}

/* ---------------------------------------------------------------- CSV */

static bool
survey_csv(bulk1_rows *r, csv_in *c, bulk1_outcome *o)
{
	sim_error err = {0};
	int64_t chars = 0;
	int columns;
	int rc = csv_in_next(c, &err);

	if (rc == 0)
		return bulk1_fail(o, "InvalidBatch", "Records not found");
	columns = rc > 0 ? csv_in_count(c) : 0;
	for (int i = 0; i < columns; i++)
	{
		size_t len;
		const char *name = csv_in_cell(c, i, &len);

		if (!add_column(r, name, len, o))
			return false;
	}
	while (rc > 0)
	{
		chars += csv_in_chars(c);
		rc = csv_in_next(c, &err);
		if (rc > 0 && csv_in_count(c) > columns)
			return bulk1_fail(o, "InvalidBatch",
							  "Failed to parse CSV. A record has more values than the header "
							  "row has names");
		r->count += rc > 0;
	}
	if (rc < 0)
		return bulk1_fail(o, err.code, "%s", err.message);
	if (chars > BULK1_MAX_CHARS)
		return bulk1_fail(o, "InvalidBatch",
						  "Exceeded maximum number of characters per batch: %d",
						  BULK1_MAX_CHARS);
	return true;
}

static bool
open_csv(bulk1_rows *r, const char *text, size_t len, bulk1_outcome *o)
{
	const char *eol = r->j->line_ending;
	csv_in_eol kind = *eol == '\0'			   ? CSV_IN_ANY
					  : strcmp(eol, "LF") == 0 ? CSV_IN_LF
											   : CSV_IN_CRLF;
	csv_in *c = csv_in_memory(text, len, ',', kind);
	bool ok = c != NULL && survey_csv(r, c, o);

	csv_in_free(c);
	if (!ok)
		return o->message[0] ? false : bulk1_fail(o, "InternalServerError", "out of memory");
	r->csv = csv_in_memory(text, len, ',', kind);
	return (r->csv && csv_in_next(r->csv, NULL) > 0) ||
		   bulk1_fail(o, "InternalServerError", "out of memory");
}

static bool
next_csv(bulk1_rows *r, sim_error *err)
{
	if (csv_in_next(r->csv, err) <= 0)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "The record cannot be read");
	for (int i = 0; i < r->ncolumns && i < csv_in_count(r->csv); i++)
	{
		size_t len;
		const char *text = csv_in_cell(r->csv, i, &len);
		const column *c = &r->columns[i];
		sim_in probe = c->cell;
		bool absent = false;

		if (!c->is_id)
			sim_in_csv(&probe, text, len, &absent);
		if (absent)
			continue;
		if (!c->is_id && probe.kind == SIM_IN_NULL)
		{
			if (!null_value(r, c, err))
				return false;
		}
		else if (!text_value(r, c, text, len, err))
			return false;
	}
	return sim_in_csv_read(r->cells, r->ncells, err);
}

/* ---------------------------------------------------------------- XML */

/* The field inside of <Relation><sObject>…; *type gets what <type> says, or NULL.  NULL: none. */
static const xml_node *
xml_parent_field(const xml_node *relation, const char **type)
{
	const xml_node *parent = xml_child(relation, "sObject");
	const xml_node *found = NULL;

	if (parent == NULL)
		parent = relation;
	*type = NULL;
	for (const xml_node *n = parent->child; n; n = n->next)
	{
		/* alone it is a field of that name */
		if (strcmp(n->name, "type") == 0 && (n->next || found))
			*type = n->text;
		else
			found = n;
	}
	return found;
}

/* The name of an element of a record, and where its value is. */
static bool
xml_name(const xml_node *n, char name[512], const xml_node **value)
{
	const char *type;

	*value = n;
	if (n->child == NULL)
		return snprintf(name, 512, "%s", n->name) < 512;
	*value = xml_parent_field(n, &type);
	return *value && path_name(type, n->name, (*value)->name, name);
}

static bool
survey_xml(bulk1_rows *r, const char *text, size_t len, bulk1_outcome *o)
{
	sim_error err = {0};
	const xml_node *root;

	r->doc = xml_parse(text, len, &err);
	if (r->doc == NULL)
		return bulk1_fail(o, "InvalidBatch", "Failed to parse XML. %s", err.message);
	root = xml_root(r->doc);
	if (strcmp(root->name, "sObjects") != 0)
		return bulk1_fail(o, "InvalidBatch", "Unable to find sObjects");
	for (const xml_node *record = root->child; record; record = record->next)
	{
		if (strcmp(record->name, "sObject") != 0)
			return bulk1_fail(o, "InvalidBatch", "Unable to find sObject: %.100s",
							  record->name);
		r->count++;
		for (const xml_node *n = record->child; n; n = n->next)
		{
			const xml_node *value;
			char name[512];

			if (!xml_name(n, name, &value))
				return bulk1_fail(o, "InvalidBatch", "Field name not found : %.200s", n->name);
			if (!use_name(r, name, o))
				return false;
		}
	}
	r->node = root->child;
	return true;
}

static bool
next_xml(bulk1_rows *r, sim_error *err)
{
	const xml_node *record = r->node;

	r->node = record->next;
	for (const xml_node *n = record->child; n; n = n->next)
	{
		const xml_node *value;
		char name[512];
		const column *c;
		bool ok;

		if (!xml_name(n, name, &value) || (c = find_column(r, name)) == NULL)
			continue;
		ok = xml_is_nil(value) ? null_value(r, c, err)
							   : text_value(r, c, value->text, value->len, err);
		if (!ok)
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- JSON */

/* As in XML; the type may also stand in attributes. */
static const cJSON *
json_parent_field(const cJSON *relation, const char **type)
{
	const cJSON *found = NULL;
	const cJSON *n;

	*type = NULL;
	cJSON_ArrayForEach (n, relation)
	{
		if (strcmp(n->string, "attributes") == 0)
			*type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(n, "type"));
		else if (strcmp(n->string, "type") == 0 && cJSON_GetArraySize(relation) > 1)
			*type = cJSON_GetStringValue(n);
		else
			found = n;
	}
	return found;
}

static bool
json_name(const cJSON *n, char name[512], const cJSON **value)
{
	const char *type;

	*value = n;
	if (!cJSON_IsObject(n))
		return snprintf(name, 512, "%s", n->string) < 512;
	*value = json_parent_field(n, &type);
	return *value && path_name(type, n->string, (*value)->string, name);
}

static bool
survey_json(bulk1_rows *r, const char *text, size_t len, bulk1_outcome *o)
{
	const cJSON *record;

	r->tree = cJSON_ParseWithLength(text, len);
	if (!cJSON_IsArray(r->tree))
		return bulk1_fail(o, "InvalidBatch",
						  "Failed to parse JSON. The batch is not an array of "
						  "records");
	cJSON_ArrayForEach (record, r->tree)
	{
		const cJSON *n;

		if (!cJSON_IsObject(record))
			return bulk1_fail(o, "InvalidBatch",
							  "Failed to parse JSON. A record is not an object");
		r->count++;
		cJSON_ArrayForEach (n, record)
		{
			const cJSON *value;
			char name[512];

			if (strcmp(n->string, "attributes") == 0)
				continue;
			if (!json_name(n, name, &value))
				return bulk1_fail(o, "InvalidBatch", "Field name not found : %.200s",
								  n->string);
			if (!use_name(r, name, o))
				return false;
		}
	}
	r->item = r->tree->child;
	return true;
}

static bool
json_value(bulk1_rows *r, const column *c, const cJSON *v, sim_error *err)
{
	sim_in *cell;

	if (c->unknown)
		return sim_error_set(err, "INVALID_FIELD",
							 "Unexpected JsonMappingException: No such column '%s' on sobject "
							 "of type %s",
							 c->name, sim_object_name(r->j->object));
	if (cJSON_IsNull(v))
		return null_value(r, c, err);
	if (cJSON_IsString(v))
		return text_value(r, c, v->valuestring, strlen(v->valuestring), err);
	if (c->is_id || !(cJSON_IsBool(v) || cJSON_IsNumber(v)))
		return sim_error_set(err, "JSON_PARSER_ERROR", "Unexpected value of field %s",
							 c->name);
	cell = add_cell(r, &c->cell);
	if (cell == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	cell->kind = cJSON_IsBool(v) ? SIM_IN_BOOL : SIM_IN_NUMBER;
	cell->yes = cJSON_IsTrue(v);
	cell->number = v->valuedouble;
	return true;
}

static bool
next_json(bulk1_rows *r, sim_error *err)
{
	const cJSON *record = r->item;
	const cJSON *n;

	r->item = record->next;
	cJSON_ArrayForEach (n, record)
	{
		const cJSON *value;
		char name[512];
		const column *c;

		if (strcmp(n->string, "attributes") == 0 || !json_name(n, name, &value) ||
			(c = find_column(r, name)) == NULL)
			continue;
		if (!json_value(r, c, value, err))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- all formats */

bulk1_rows *
bulk1_rows_new(const bulk1_job *j, const char *text, size_t len, const bulk1_zip *zip,
			   bulk1_outcome *o)
{
	bulk1_rows *r = calloc(1, sizeof(*r));
	bool ok;

	if (r == NULL)
	{
		bulk1_fail(o, "InternalServerError", "out of memory");
		return NULL;
	}
	r->j = j;
	r->zip = zip;
	r->format = bulk1_text_type(j->type);
	if (r->format != BULK1_CSV && sim_text_chars(text, len) > BULK1_MAX_CHARS)
		ok =
			bulk1_fail(o, "InvalidBatch",
					   "Exceeded maximum number of characters per batch: %d", BULK1_MAX_CHARS);
	else if (r->format == BULK1_CSV)
		ok = open_csv(r, text, len, o);
	else if (r->format == BULK1_XML)
		ok = survey_xml(r, text, len, o);
	else
		ok = survey_json(r, text, len, o);
	if (ok && r->count == 0)
		ok = bulk1_fail(o, "InvalidBatch", "Records not found");
	else if (ok && r->count > BULK1_MAX_RECORDS)
		ok = bulk1_fail(o, "InvalidBatch", "Exceeded maximum number of records per batch: %d",
						BULK1_MAX_RECORDS);
	if (ok)
		return r;
	bulk1_rows_free(r);
	return NULL;
}

void
bulk1_rows_free(bulk1_rows *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < r->ncolumns; i++)
		free(r->columns[i].name);
	for (int i = 0; i < r->nfiles; i++)
		sim_buf_free(&r->files[i]);
	free(r->columns);
	free(r->files);
	free(r->cells);
	csv_in_free(r->csv);
	xml_free(r->doc);
	cJSON_Delete(r->tree);
	free(r);
}

int64_t
bulk1_rows_count(const bulk1_rows *r)
{
	return r->count;
}

bool
bulk1_rows_next(bulk1_rows *r, sim_write *w, sim_error *err)
{
	bool ok;

	for (int i = 0; i < r->nfiles; i++)
		sim_buf_free(&r->files[i]);
	r->nfiles = 0;
	r->ncells = 0;
	r->id[0] = '\0';
	ok = r->format == BULK1_CSV	  ? next_csv(r, err)
		 : r->format == BULK1_XML ? next_xml(r, err)
								  : next_json(r, err);
	w->object = r->j->object;
	w->id = r->id[0] ? r->id : NULL;
	w->in = r->cells;
	w->n = r->ncells;
	return ok;
}

void
bulk1_rows_refused(const bulk1_rows *r, sim_error *err)
{
	if (r->format != BULK1_CSV)
		return;
	for (int i = 0; i < r->ncolumns; i++)
		if (sim_in_csv_unread(r->columns[i].cell.field, err))
		{
			size_t len;
			const char *text = csv_in_cell(r->csv, i, &len);

			sim_in_csv_error(r->columns[i].cell.field, i, text, len, err);
			return;
		}
}
