/*
 * data_setup.c
 *		Generators of what an administrator sets up, of dependent picklists and of attachments.
 */
#include "data_gen.h"
#include "schema_tables.h"

#include <math.h>

/* ---------------------------------------------------------------- a text per row */

/* What the first rows of small objects have. */
static const struct
{
	const sim_object *object;
	const char *field;
	const char *texts[4];
} setup_texts[] = {
	{&sim_pricebook2, "Name", {"Standard Price Book", "Partner Price Book"}},
	{&sim_profile, "Name", {"System Administrator", "Standard User", "Read Only"}},
	{&sim_group, "Name", {"Support Queue", "Sales Queue", "Everybody in Sales"}},
	{&sim_group, "DeveloperName", {"Support_Queue", "Sales_Queue", "Everybody_in_Sales"}},
	{&sim_group, "Type", {"Queue", "Queue", "Regular"}},
	{&sim_organization, "Name", {"sfsim"}},
	{&sim_organization, "TimeZoneSidKey", {"GMT"}},
	{&sim_organization, "UiSkin", {"Theme3"}},
	{&sim_organization, "SignupCountryIsoCode", {"US"}},
	{&sim_organization, "OrganizationType", {"Developer Edition"}},
	{&sim_organization, "InstanceName", {"SIM1"}},
};

void
gen_setup(const sim_gen *g, sim_cell *out)
{
	for (int i = 0; i < COUNT(setup_texts); i++)
	{
		if (setup_texts[i].object->slot != g->object->slot ||
			strcmp(setup_texts[i].field, g->field->name) != 0)
			continue;
		if (g->row < COUNT(setup_texts[i].texts) && setup_texts[i].texts[g->row] != NULL)
		{
			gen_set_text(out, setup_texts[i].texts[g->row]);
			return;
		}
	}
	gen_begin(out);
	gen_add(out, g->object->label);
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row + 1, 1);
}

/* Name, DeveloperName and IsActive of the record types that describes list. */
void
gen_record_type_part(const sim_gen *g, sim_cell *out)
{
	const sim_record_type *type = &account_record_types[g->row % RECORD_TYPE_ROWS];

	if (g->field->type == SIM_T_BOOLEAN)
		gen_set_int(out, !type->inactive);
	else
		gen_set_text(out, g->field->name[0] == 'N' ? type->name : type->developer_name);
}

void
gen_nickname(const sim_gen *g, sim_cell *out)
{
	gen_begin(out);
	gen_add(out, g->row == 0 ? "admin" : "user");
	if (g->row > 0)
		gen_add_number(out, (uint64_t) g->row, 2);
}

void
gen_yes(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_int(out, 1);
}

void
gen_one(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_int(out, 1);
}

/* Sums over rows that nobody made. */
void
gen_zero(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_int(out, 0);
}

void
gen_no_amount(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_real(out, 0);
}

/* "Edit", of lists of access levels; "Draft". */
void
gen_third(const sim_gen *g, sim_cell *out)
{
	gen_pick_at(g, 2, out);
}

void
gen_first_only(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, g->row == 0);
}

/* ---------------------------------------------------------------- dependent picklists */

/* Fields that depend on each other in a circle, as a schema file may have it, have no values. */
static bool
is_circle(const sim_object *obj, const sim_field *f)
{
	for (int depth = 0; f != NULL && f->controller != NULL; depth++)
	{
		if (depth == 8)
			return true;
		f = sim_field_find(obj, f->controller);
	}
	return false;
}

/* Number of the controlling field's entry, of a boolean 0 or 1; -1: null. */
static int
controlling_entry(const sim_gen *g, sim_cell *cell)
{
	const sim_field *by = sim_field_find(g->object, g->field->controller);

	if (by == NULL || is_circle(g->object, g->field))
		return -1;
	sim_data_cell(g->seed, g->object, (int) (by - g->object->fields), g->row, g->rows, cell);
	if (by->type == SIM_T_BOOLEAN && cell->kind == SIM_CELL_INT)
		return cell->i != 0;
	for (int i = 0; cell->kind == SIM_CELL_TEXT && by->picks && by->picks[i].value; i++)
	{
		if (strlen(by->picks[i].value) == cell->len &&
			memcmp(by->picks[i].value, cell->text, cell->len) == 0)
			return i;
	}
	return -1;
}

/* A value that goes with the controlling one; null where that is null. */
void
gen_dependent(const sim_gen *g, sim_cell *out)
{
	const sim_pick *fit[16];
	unsigned n = 0;
	int which = controlling_entry(g, out);

	out->kind = SIM_CELL_NULL;
	for (const sim_pick *p = g->field->picks; which >= 0 && n < 16 && p && p->value; p++)
	{
		if (!p->inactive && sim_pick_valid_for(p, which))
			fit[n++] = p;
	}
	if (n > 0 && !gen_is_null(g, 20))
		gen_set_text(out, fit[g->hash % n]->value);
}

/* ---------------------------------------------------------------- numbers */

void
gen_row_number(const sim_gen *g, sim_cell *out)
{
	if (g->row % 50 != 49)
		gen_set_real(out, (double) (g->row + 100001));
}

/* 1 to 3, of the lines of one parent. */
void
gen_position(const sim_gen *g, sim_cell *out)
{
	gen_set_real(out, (double) (g->row % 3 + 1));
}

/* As many digits as the field takes, but no more than six before the point. */
void
gen_sized(const sim_gen *g, sim_cell *out)
{
	int digits = g->field->precision > 0 ? g->field->precision - g->field->scale : 6;
	double unit = pow(10, g->field->scale > 6 ? 6 : g->field->scale);
	double limit = pow(10, digits < 0 ? 0 : digits > 6 ? 6 : digits) * unit;

	if (!gen_is_null(g, 10))
		gen_set_real(out, (double) (int64_t) (g->hash % (uint64_t) limit) / unit);
}

void
gen_sized_int(const sim_gen *g, sim_cell *out)
{
	int digits = g->field->digits > 0 && g->field->digits < 6 ? g->field->digits : 6;

	if (!gen_is_null(g, 10))
		gen_set_int(out, (int64_t) (g->hash % (uint64_t) pow(10, digits)));
}

void
gen_digits(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 40))
		return;
	gen_begin(out);
	gen_add_number(out, g->hash % 1000000000, 9);
}

void
gen_year(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 40))
		return;
	gen_begin(out);
	gen_add_number(out, 1900 + g->hash % 124, 4);
}

/* ---------------------------------------------------------------- products, attachments */

void
gen_product(const sim_gen *g, sim_cell *out)
{
	gen_begin(out);
	gen_add(out, gen_pick_word(g, &sim_words_noun, 0));
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row * 100 + 100, 4);
}

void
gen_attachment_name(const sim_gen *g, sim_cell *out)
{
	gen_begin(out);
	gen_add(out, gen_pick_word(g, &sim_words_noun, 0));
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row + 1, 1);
	gen_add(out, ".bin");
}

void
gen_attachment_type(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_text(out, "application/octet-stream");
}

static size_t
attachment_size(const sim_gen *g)
{
	return 1 + gen_mix((uint64_t) g->row ^ 0xa77a) % 900;
}

void
gen_attachment_length(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, (int64_t) attachment_size(g));
}

/* Bytes that are no text; as many as the length says. */
void
gen_attachment_body(const sim_gen *g, sim_cell *out)
{
	out->kind = SIM_CELL_BLOB;
	out->text = out->buf;
	out->len = attachment_size(g);
	for (size_t i = 0; i < out->len; i++)
		out->buf[i] = (char) (gen_mix(g->hash + i) & 0xff);
}
