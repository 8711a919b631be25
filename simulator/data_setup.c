/*
 * data_setup.c
 *		Generators of what an administrator sets up, of dependent picklists and of attachments.
 */
#include "data_gen.h"
#include "schema_tables.h"

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

/* "Edit", of lists of access levels. */
void
gen_third(const sim_gen *g, sim_cell *out)
{
	gen_set_text(out, g->field->picks[2].value);
}

void
gen_first_only(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, g->row == 0);
}

/* ---------------------------------------------------------------- dependent picklists */

/* A value that goes with the controlling one; null where that is null. */
void
gen_dependent(const sim_gen *g, sim_cell *out)
{
	const sim_field *by = sim_field_find(g->object, g->field->controller);
	const sim_pick *fit[16];
	unsigned n = 0;
	int which = -1;

	if (by == NULL)
		return;
	sim_data_cell(g->seed, g->object, (int) (by - g->object->fields), g->row, g->rows, out);
	for (int i = 0; out->kind == SIM_CELL_TEXT && by->picks[i].value != NULL; i++)
	{
		if (strlen(by->picks[i].value) == out->len &&
			memcmp(by->picks[i].value, out->text, out->len) == 0)
			which = i;
	}
	out->kind = SIM_CELL_NULL;
	for (const sim_pick *p = g->field->picks; which >= 0 && n < 16 && p->value != NULL; p++)
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
