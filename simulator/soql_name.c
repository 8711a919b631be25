/*
 * soql_name.c
 *		Polymorphic references: the Name object, and the rows that are really behind it.
 *
 * What.Name, Owner.Type, Who.FirstName: the relationship leads to an object called Name, whose fields
 * are those of whatever row is there.  In SQL that is one outer join per object that the reference may
 * point to (and that has the field), of which at most one finds a row.
 */
#include "soql.h"

#include <string.h>
#include <strings.h>

#define TEXT(n, l, size)                                                                      \
	{                                                                                         \
		.name = n, .label = l, .type = SIM_T_STRING, .length = size                           \
	}
#define IDS(n, l, to)                                                                         \
	{                                                                                         \
		.name = n, .label = l, .type = SIM_T_REFERENCE, .length = 18, .ref_to = to            \
	}

static const sim_field name_fields[] = {
	{.name = "Id", .label = "Name ID", .type = SIM_T_ID, .length = 18},
	TEXT("Name", "Name", 255),
	TEXT("LastName", "Last Name", 80),
	TEXT("FirstName", "First Name", 40),
	TEXT("MiddleName", "Middle Name", 40),
	TEXT("Suffix", "Suffix", 40),
	{.name = "Type", .label = "Type", .type = SIM_T_PICKLIST, .length = 40},
	TEXT("Alias", "Alias", 8),
	IDS("UserRoleId", "Role ID", "UserRole"),
	IDS("RecordTypeId", "Record Type ID", "RecordType"),
	{.name = "IsActive", .label = "Active", .type = SIM_T_BOOLEAN},
	IDS("ProfileId", "Profile ID", "Profile"),
	TEXT("Title", "Title", 128),
	{.name = "Email", .label = "Email", .type = SIM_T_EMAIL, .length = 80},
	{.name = "Phone", .label = "Phone", .type = SIM_T_PHONE, .length = 40},
	TEXT("Username", "Username", 80),
	TEXT("NameOrAlias", "Name or Alias", 255),
	{.name = "LastViewedDate", .label = "Last Viewed Date", .type = SIM_T_DATETIME},
	{.name = "LastReferencedDate", .label = "Last Referenced Date", .type = SIM_T_DATETIME},
};

const sim_object soql_name_object = {
	.name = "Name",
	.label = "Name",
	.plural = "Names",
	.fields = name_fields,
	.nfields = (int) (sizeof(name_fields) / sizeof(name_fields[0])),
};

const sim_field *
soql_name_field(const char *name)
{
	for (int i = 0; i < soql_name_object.nfields; i++)
	{
		if (strcasecmp(name_fields[i].name, name) == 0)
			return &name_fields[i];
	}
	return NULL;
}

const sim_object *
soql_ids_of(const soql_field *f)
{
	if (f->field->type == SIM_T_ID)
		return f->table->kind == SOQL_TABLE_NAME ? NULL : f->table->object;
	return soql_is_packed(f) ? NULL : sim_object_find(f->field->ref_to);
}

bool
soql_is_packed(const soql_field *f)
{
	if (f->field->type == SIM_T_ID)
		return f->table->kind == SOQL_TABLE_NAME;
	return f->field->type == SIM_T_REFERENCE && sim_field_is_poly(f->field);
}

soql_table *
soql_target(soql_plan *plan, soql_table *name, const sim_object *obj)
{
	for (soql_table *t = plan->tables; t != NULL; t = t->next)
	{
		if (t->kind == SOQL_TABLE_TARGET && t->parent == name && t->object == obj)
			return t;
	}
	return soql_add_table(plan, SOQL_TABLE_TARGET, obj, name, NULL);
}

/* What of a real object stands for a field of the Name object; NULL: nothing. */
static const sim_field *
name_source(const sim_object *obj, const sim_field *f)
{
	const sim_field *own;

	if (strcmp(f->name, "Name") != 0)
	{
		own = sim_field_find(obj, f->name);
		return own != NULL && sim_type_kind(own->type) == sim_type_kind(f->type) ? own : NULL;
	}
	for (int i = 0; i < obj->nfields; i++)
	{
		if (obj->fields[i].flags & SF_NAME)
			return &obj->fields[i];
	}
	return NULL;
}

static void
table_column(const soql_table *t, const char *name, sim_buf *b)
{
	char text[200];

	sqlite3_snprintf((int) sizeof(text), text, "t%d.\"%w\"", t->no, name);
	sim_buf_str(b, text);
}

void
soql_id_sql(const soql_table *t, sim_buf *b)
{
	if (t->kind == SOQL_TABLE_NAME)
		table_column(t->parent, t->link->name, b);
	else
		table_column(t, "Id", b);
}

/* A field of the Name object: that of the one target whose join found a row. */
static bool
name_column(soql_plan *plan, const soql_field *f, sim_buf *b)
{
	bool text = sim_type_is_text(f->field->type);
	const char *target;
	int found = 0;

	sim_buf_str(b, text ? "(coalesce(NULL" : "coalesce(NULL");
	for (int i = 0; (target = sim_field_ref(f->table->link, i)) != NULL; i++)
	{
		const sim_object *obj = sim_object_find(target);
		const sim_field *own;
		soql_table *t;

		if (obj == NULL || !sim_object_queryable(obj) ||
			(own = name_source(obj, f->field)) == NULL || !sim_field_has_column(own))
			continue;
		if ((t = soql_target(plan, f->table, obj)) == NULL)
			return false;
		sim_buf_str(b, ", ");
		table_column(t, own->name, b);
		found++;
	}
	/* coalesce() takes no less than two */
	sim_buf_str(b, found == 0 ? ", NULL)" : ")");
	if (text)
		sim_buf_str(b, " COLLATE SF_CI)");
	return true;
}

bool
soql_column_sql(soql_plan *plan, const soql_field *f, sim_buf *b)
{
	if (f->table->kind != SOQL_TABLE_NAME)
		table_column(f->table, f->field->name, b);
	else if (f->field->type == SIM_T_ID)
		soql_id_sql(f->table, b);
	else if (strcmp(f->field->name, "Type") == 0)
	{
		sim_buf_str(b, "(sf_ref_type(");
		soql_id_sql(f->table, b);
		sim_buf_str(b, ") COLLATE SF_CI)");
	}
	else
		return name_column(plan, f, b);
	return true;
}

void
soql_from_sql(const soql_plan *plan, sim_buf *b)
{
	for (const soql_table *t = plan->tables; t != NULL; t = t->next)
	{
		if (t->parent == NULL)
		{
			sim_buf_printf(b, " FROM \"%s\" t%d", t->object->name, t->no);
			continue;
		}
		if (t->kind == SOQL_TABLE_NAME)
			continue;
		sim_buf_printf(b, " LEFT JOIN \"%s\" t%d ON t%d.\"Id\" = ", t->object->name, t->no,
					   t->no);
		if (t->kind == SOQL_TABLE_TARGET)
		{
			/* a packed reference to another object is no row number of this one */
			soql_id_sql(t->parent, b);
			sim_buf_printf(b, " - %lld", (long long) sim_ref_pack(t->object, 0));
		}
		else
			table_column(t->parent, t->link->name, b);
	}
}
