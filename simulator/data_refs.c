/*
 * data_refs.c
 *		Generators of references, and of values that follow from other rows or other fields.
 *
 * A row of an opportunity, a case or an activity fits to the rows it points to: the account of a case is that
 * of its contact, a price that of its price book entry, an event ends after it starts.
 */
#include "data_gen.h"
#include "calendar.h"
#include "schema_tables.h"

#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- references */

static void
set_reference(const sim_gen *g, const sim_object *to, int64_t row, sim_cell *out)
{
	int64_t number = sim_object_base(to) + row;

	gen_set_int(out, sim_field_is_poly(g->field) ? sim_ref_pack(to, number) : number);
}

/* A target that has rows, when there are several: the hash says which. */
static const sim_object *
choose_target(const sim_gen *g)
{
	const sim_object *can[8];
	const char *name;
	unsigned n = 0;

	for (int i = 0; n < 8 && (name = sim_field_ref(g->field, i)) != NULL; i++)
	{
		const sim_object *to = sim_object_find(name);

		if (to != NULL && g->rows[to->slot].total > 0)
			can[n++] = to;
	}
	return n == 0 ? NULL : can[(g->hash >> 52) % n];
}

/* A row of the parent that is not deleted; earlier than this one in the own object. */
static void
reference(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = choose_target(g);
	int64_t limit;
	int64_t row;

	if (to == NULL)
		return;
	limit = to == g->object ? g->row : g->rows[to->slot].total;
	if (limit <= 0)
		return;
	row = (int64_t) (g->hash % (uint64_t) limit);
	if (sim_row_is_deleted(&g->rows[to->slot], row))
		row--;
	set_reference(g, to, row, out);
}

void
gen_reference(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 5))
		reference(g, out);
}

void
gen_reference_sparse(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 60))
		reference(g, out);
}

/* The first user owns a third of everything. */
void
gen_owner(const sim_gen *g, sim_cell *out)
{
	int64_t users = g->rows[sim_user.slot].total;

	if (users > 0)
		set_reference(g, &sim_user,
					  g->hash % 3 == 0 ? 0 : (int64_t) ((g->hash >> 8) % (uint64_t) users),
					  out);
}

/* The first row of the target: the profile of the administrator, the standard price book. */
void
gen_first(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = sim_object_find(g->field->ref_to);

	if (to == NULL || g->rows[to->slot].total <= 0)
		return;
	if (g->row == 0 || g->rows[to->slot].total == 1)
		set_reference(g, to, 0, out);
	else
		reference(g, out);
}

/* Lines of a parent stand together, three by three; the first lines belong to the first parents. */
#define LINES_OF_ONE 3

void
gen_parent_of_lines(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = sim_object_find(g->field->ref_to);
	int64_t parents = to == NULL ? 0 : g->rows[to->slot].total;
	int64_t row = g->row / LINES_OF_ONE;

	if (parents <= 0)
		return;
	row %= parents;
	if (sim_row_is_deleted(&g->rows[to->slot], row))
		row--;
	set_reference(g, to, row, out);
}

static bool
opportunity_has_lines(const sim_gen *g)
{
	return !g->deleted &&
		   g->row * LINES_OF_ONE < g->rows[sim_opportunity_line_item.slot].total;
}

void
gen_has_lines(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, opportunity_has_lines(g));
}

void
gen_pricebook(const sim_gen *g, sim_cell *out)
{
	if (opportunity_has_lines(g) && g->rows[sim_pricebook2.slot].total > 0)
		set_reference(g, &sim_pricebook2, 0, out);
}

/* Entries go round the products; each second one is of the standard price book. */
void
gen_entry_book(const sim_gen *g, sim_cell *out)
{
	int64_t books = g->rows[sim_pricebook2.slot].total;

	if (books > 0)
		set_reference(g, &sim_pricebook2, g->row % 2 < books ? g->row % 2 : 0, out);
}

void
gen_entry_product(const sim_gen *g, sim_cell *out)
{
	int64_t products = g->rows[sim_product2.slot].total;
	int64_t row;

	if (products <= 0)
		return;
	row = g->row / 2 % products;
	if (sim_row_is_deleted(&g->rows[sim_product2.slot], row))
		row--;
	set_reference(g, &sim_product2, row, out);
}

/* An entry of the standard price book. */
void
gen_line_entry(const sim_gen *g, sim_cell *out)
{
	int64_t entries = g->rows[sim_pricebook_entry.slot].total;
	int64_t row;

	if (entries <= 0)
		return;
	row = (int64_t) (g->hash % (uint64_t) ((entries + 1) / 2)) * 2;
	if (sim_row_is_deleted(&g->rows[sim_pricebook_entry.slot], row))
		row = 0;
	set_reference(g, &sim_pricebook_entry, row, out);
}

void
gen_record_type(const sim_gen *g, sim_cell *out)
{
	int n = 0;

	while (account_record_types[n].developer_name != NULL)
		n++;
	if (!gen_is_null(g, 20))
		gen_set_int(out, account_record_types[g->hash % (unsigned) n].number);
}

/* ---------------------------------------------------------------- from other rows */

/* Another field of the same row, or one of another row; what it has for a text lasts as long as out. */
static void
value_of(const sim_gen *g, const sim_object *obj, const char *field, int64_t row,
		 sim_cell *out)
{
	const sim_field *f = sim_field_find(obj, field);

	out->kind = SIM_CELL_NULL;
	if (f != NULL && row >= 0 && row < g->rows[obj->slot].total)
		sim_data_cell(g->seed, obj, (int) (f - obj->fields), row, g->rows, out);
}

/* Where a reference field of this row leads: object and row; NULL when it is null. */
static const sim_object *
follow(const sim_gen *g, const char *field, int64_t *row)
{
	const sim_field *f = sim_field_find(g->object, field);
	const sim_object *to;
	sim_cell *cell;
	int64_t number;

	if (f == NULL || (cell = malloc(sizeof(*cell))) == NULL)
		return NULL;
	value_of(g, g->object, field, g->row, cell);
	number = cell->i;
	to = cell->kind == SIM_CELL_NULL ? NULL
		 : sim_field_is_poly(f)		 ? sim_ref_unpack(cell->i, &number)
									 : sim_object_find(f->ref_to);
	free(cell);
	if (to != NULL)
		*row = number - sim_object_base(to);
	return to;
}

/* What is copied from the row that a reference points to. */
static const struct
{
	const sim_object *object;
	const char *field;
	const char *via;
	const char *from;
} copies[] = {
	{&sim_case, "AccountId", "ContactId", "AccountId"},
	{&sim_case, "ContactPhone", "ContactId", "Phone"},
	{&sim_case, "ContactMobile", "ContactId", "MobilePhone"},
	{&sim_case, "ContactEmail", "ContactId", "Email"},
	{&sim_case, "ContactFax", "ContactId", "Fax"},
	{&sim_asset, "AccountId", "ContactId", "AccountId"},
	{&sim_pricebook_entry, "Name", "Product2Id", "Name"},
	{&sim_pricebook_entry, "ProductCode", "Product2Id", "ProductCode"},
	{&sim_opportunity_line_item, "Product2Id", "PricebookEntryId", "Product2Id"},
	{&sim_opportunity_line_item, "ListPrice", "PricebookEntryId", "UnitPrice"},
	{&sim_opportunity_line_item, "UnitPrice", "PricebookEntryId", "UnitPrice"},
	{&sim_opportunity_line_item, "Name", "Product2Id", "Name"},
	{&sim_opportunity_line_item, "ProductCode", "Product2Id", "ProductCode"},
};

void
gen_copy(const sim_gen *g, sim_cell *out)
{
	for (int i = 0; i < COUNT(copies); i++)
	{
		const sim_object *to;
		int64_t row;

		if (copies[i].object->slot != g->object->slot ||
			strcmp(copies[i].field, g->field->name) != 0)
			continue;
		to = follow(g, copies[i].via, &row);
		if (to != NULL)
			value_of(g, to, copies[i].from, row, out);
		return;
	}
}

/* The account of an activity: that of what it is about, else that of the contact it is with. */
void
gen_activity_account(const sim_gen *g, sim_cell *out)
{
	static const char *const ways[] = {"WhatId", "WhoId"};

	for (int i = 0; i < 2; i++)
	{
		int64_t row;
		const sim_object *to = follow(g, ways[i], &row);

		if (to == NULL)
			continue;
		if (to->slot == sim_account.slot)
			gen_set_int(out, sim_object_base(to) + row);
		else
			value_of(g, to, "AccountId", row, out);
		if (out->kind != SIM_CELL_NULL)
			return;
	}
}

/* Quantity times price. */
void
gen_line_total(const sim_gen *g, sim_cell *out)
{
	sim_cell *price = malloc(sizeof(*price));

	if (price == NULL)
		return;
	value_of(g, g->object, "UnitPrice", g->row, price);
	value_of(g, g->object, "Quantity", g->row, out);
	if (price->kind == SIM_CELL_REAL && out->kind == SIM_CELL_REAL)
		gen_set_real(out, round(price->d * out->d * 100) / 100);
	else
		out->kind = SIM_CELL_NULL;
	free(price);
}

/* Is text field "field" of this row that text? */
static bool
row_says(const sim_gen *g, const char *field, const char *text)
{
	sim_cell *cell = malloc(sizeof(*cell));
	bool same;

	if (cell == NULL)
		return false;
	value_of(g, g->object, field, g->row, cell);
	same = cell->kind == SIM_CELL_TEXT && cell->len == strlen(text) &&
		   memcmp(cell->text, text, cell->len) == 0;
	free(cell);
	return same;
}

/* As the computed ForecastCategory has it. */
void
gen_forecast(const sim_gen *g, sim_cell *out)
{
	if (row_says(g, "StageName", "Closed Won"))
		gen_set_text(out, "Closed");
	else
		gen_set_text(out, row_says(g, "StageName", "Closed Lost") ? "Omitted" : "Pipeline");
}

/* When a closed case was closed, a completed task completed. */
void
gen_closed(const sim_gen *g, sim_cell *out)
{
	if (row_says(g, "Status", "Closed") || row_says(g, "Status", "Completed"))
		value_of(g, g->object, "LastModifiedDate", g->row, out);
}

void
gen_task_closed(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, row_says(g, "Status", "Completed"));
}

void
gen_task_urgent(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, row_says(g, "Priority", "High"));
}

/* ---------------------------------------------------------------- leads */

static bool
is_converted(const sim_gen *g)
{
	return g->row % 10 == 3;
}

void
gen_converted(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, is_converted(g));
}

void
gen_lead_status(const sim_gen *g, sim_cell *out)
{
	gen_pick_at(g, is_converted(g) ? 2 : (int) (g->hash % 2), out);
}

void
gen_converted_date(const sim_gen *g, sim_cell *out)
{
	if (!is_converted(g))
		return;
	value_of(g, g->object, "CreatedDate", g->row, out);
	gen_set_int(out, sim_floor_div(out->i, MS_PER_DAY));
}

/* The contact it became, that contact's account, and now and then an opportunity. */
void
gen_converted_to(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = sim_object_find(g->field->ref_to);
	int64_t contacts = g->rows[sim_contact.slot].total;
	int64_t contact = contacts > 0 ? g->row * 7 % contacts : 0;

	if (!is_converted(g) || to == NULL || g->rows[to->slot].total <= 0 || contacts <= 0)
		return;
	if (sim_row_is_deleted(&g->rows[sim_contact.slot], contact))
		contact--;
	if (to->slot == sim_contact.slot)
		set_reference(g, to, contact, out);
	else if (to->slot == sim_account.slot)
		value_of(g, &sim_contact, "AccountId", contact, out);
	else if (g->hash % 2 == 0)
		reference(g, out);
}

/* ---------------------------------------------------------------- events */

/* Half hours of working days around 2024; all fields of one row agree. */
static int64_t
event_start(const sim_gen *g)
{
	uint64_t h = gen_mix((uint64_t) g->row ^ 0xe7e47);
	int64_t day = 19358 + (int64_t) (h % 1000);

	return day * MS_PER_DAY + (16 + (int64_t) (h >> 20) % 20) * 1800000;
}

static int64_t
event_minutes(const sim_gen *g)
{
	return 30 + (int64_t) (gen_mix((uint64_t) g->row ^ 0xd04a) % 4) * 30;
}

void
gen_event_start(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, event_start(g));
}

void
gen_event_end(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, event_start(g) + event_minutes(g) * 60000);
}

void
gen_event_day(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, event_start(g) / MS_PER_DAY);
}

void
gen_event_minutes(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, event_minutes(g));
}
