/*
 * query_columns.c
 *		What a query selects, as GET /query?q=…&columns=true tells it: the sf CLI asks so after every query of
 *		"sf data query".  In no guide; members and their order are those of answers that the CLI's own tests keep.
 */
#include "query.h"
#include "schema.h"

#include <ctype.h>
#include <string.h>

/* The type that Apex has for it. */
static const char *
apex_type(sim_type type)
{
	switch (type)
	{
		case SIM_T_ID:
		case SIM_T_REFERENCE:
			return "Id";
		case SIM_T_BOOLEAN:
			return "Boolean";
		case SIM_T_INT:
			return "Integer";
		case SIM_T_LONG:
			return "Long";
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			return "Decimal";
		case SIM_T_DATE:
			return "Date";
		case SIM_T_DATETIME:
			return "Datetime";
		case SIM_T_TIME:
			return "Time";
		case SIM_T_BASE64:
			return "Blob";
		case SIM_T_ADDRESS:
			return "Address";
		case SIM_T_LOCATION:
			return "Location";
		case SIM_T_ANYTYPE:
			return "Object";
		default:
			return "String";
	}
}

static void
put_text(sim_buf *out, const char *key, const char *text)
{
	sim_buf_printf(out, ",\"%s\":", key);
	if (text == NULL)
		sim_buf_str(out, "null");
	else
		sim_json_string(out, text, strlen(text));
}

static void
put_bool(sim_buf *out, const char *key, bool yes)
{
	sim_buf_printf(out, ",\"%s\":%s", key, yes ? "true" : "false");
}

/* Function number n of the list: "avg(Amount)".  False when the item is a plain field. */
static bool
function_text(const soql_plan *plan, int n, sim_buf *out)
{
	const soql_item *item = plan->tree->items;

	while (item != NULL && n-- > 0)
		item = item->next;
	if (item == NULL || item->kind != SOQL_I_EXPR || item->expr.func == NULL)
		return false;
	for (const char *p = item->expr.func; *p != '\0'; p++)
		sim_buf_char(out, (char) tolower((unsigned char) *p));
	sim_buf_char(out, '(');
	if (item->expr.inner != NULL)
		sim_buf_printf(out, "%s(", item->expr.inner);
	for (int i = 0; i < item->expr.path.nsteps; i++)
		sim_buf_printf(out, "%s%s", i > 0 ? "." : "", item->expr.path.step[i]);
	sim_buf_str(out, item->expr.inner != NULL ? "))" : ")");
	return true;
}

static void put_items(const query_shape *shape, const query_node *node, sim_buf *out);

/* A field, or an expression of an aggregate query. */
static void
put_column(const query_shape *shape, const query_item *item, sim_buf *out)
{
	const soql_column *c = item->column;
	const sim_field *f = c->pub.field;
	sim_buf function = {0};
	bool is_function =
		shape->plan->is_aggregate && function_text(shape->plan, c->no, &function);
	const char *type = is_function || f == NULL ? NULL : apex_type(sim_field_type(f));
	bool writable = !is_function && f != NULL && !sim_field_is_compound(f);

	sim_buf_printf(out, "{\"aggregate\":%s", is_function ? "true" : "false");
	put_text(out, "apexType", type);
	put_bool(out, "booleanType", type != NULL && strcmp(type, "Boolean") == 0);
	put_text(out, "columnName", item->key);
	put_bool(out, "custom", !is_function && f != NULL && sim_field_is_custom(f));
	put_text(out, "displayName", is_function && function.data ? function.data : item->key);
	put_text(out, "foreignKeyName", NULL);
	put_bool(out, "insertable", writable && sim_field_createable(f));
	sim_buf_str(out, ",\"joinColumns\":[]");
	put_bool(out, "numberType", c->pub.kind == SIM_INT || c->pub.kind == SIM_DOUBLE);
	put_bool(out, "textType", type != NULL && strcmp(type, "String") == 0);
	put_bool(out, "updatable", writable && sim_field_updateable(f));
	sim_buf_char(out, '}');
	sim_buf_free(&function);
}

/* A parent with what is selected of it, or a subquery: key is the foreign key of the former. */
static void
put_join(const query_shape *shape, const query_item *item, const query_node *inner,
		 const char *key, sim_buf *out)
{
	sim_buf_printf(out, "{\"aggregate\":%s,\"apexType\":null,\"booleanType\":false",
				   key == NULL ? "true" : "false");
	put_text(out, "columnName", item->key);
	put_bool(out, "custom", false);
	put_text(out, "displayName", item->key);
	put_text(out, "foreignKeyName", key);
	sim_buf_str(out, ",\"insertable\":false,\"joinColumns\":[");
	put_items(shape, inner, out);
	sim_buf_str(out, "],\"numberType\":false,\"textType\":false,\"updatable\":false}");
}

static void
put_items(const query_shape *shape, const query_node *node, sim_buf *out)
{
	/* a parent of which TYPEOF selects has its fields in variants */
	const query_node *from = node->items == NULL && node->variants ? node->variants : node;

	for (const query_item *i = from->items; i != NULL; i = i->next)
	{
		if (i != from->items)
			sim_buf_char(out, ',');
		if (i->column != NULL)
			put_column(shape, i, out);
		else if (i->node != NULL)
			put_join(shape, i, i->node, sim_field_name(i->node->table->link), out);
		else
			put_join(&shape->children[i->child], i, shape->children[i->child].record, NULL,
					 out);
	}
}

void
sim_query_columns_json(const sim_query *q, sim_buf *out)
{
	const soql_plan *plan = q->shape->plan;
	bool id = false;

	for (const query_item *i = q->shape->record->items; i != NULL; i = i->next)
		id |= i->column != NULL && i->column->pub.field != NULL && !plan->is_aggregate &&
			  sim_field_type(i->column->pub.field) == SIM_T_ID;
	sim_buf_str(out, "{\"columnMetadata\":[");
	put_items(q->shape, q->shape->record, out);
	sim_buf_char(out, ']');
	put_text(out, "entityName", sim_object_name(plan->object));
	put_bool(out, "groupBy", plan->tree->groups != NULL);
	put_bool(out, "idSelected", id);
	put_text(out, "keyPrefix", sim_object_prefix(plan->object));
	sim_buf_char(out, '}');
}
