/*
 * data.h
 *		Deterministic rows: every value follows from seed, object, row and field alone.
 *
 * A value never depends on the values before it, so rows can be made in any order and a row
 * keeps its values however many rows the object has (references excepted: they point to rows
 * that exist).
 */
#ifndef SFSIM_DATA_H
#define SFSIM_DATA_H

#include "schema.h"

#define SIM_CELL_SIZE 1024

typedef enum sim_cell_kind
{
	SIM_CELL_NULL,
	SIM_CELL_INT,
	SIM_CELL_REAL,
	SIM_CELL_TEXT,
	SIM_CELL_BLOB
} sim_cell_kind;

/* One generated value; text points into buf, at a constant, or into the generator's memory. */
typedef struct sim_cell
{
	sim_cell_kind kind;
	int64_t i;
	double d;
	const char *text;
	size_t len;
	char buf[SIM_CELL_SIZE];
} sim_cell;

/* How many rows an object has, and which of them are deleted. */
typedef struct sim_population
{
	int64_t total;	 /* live and deleted */
	int64_t deleted; /* spread evenly over the table */
} sim_population;

/* What a generator may look at. */
typedef struct sim_gen
{
	uint64_t hash; /* of seed, object, row and field */
	uint64_t seed;
	int64_t row;  /* from 0 */
	int field_no; /* the field's seed_no */
	const sim_field *field;
	const sim_object *object;
	bool deleted;				/* the row is soft-deleted */
	const sim_population *rows; /* by slot */
} sim_gen;

/* Live rows asked for -> how many to make. */
sim_population sim_population_for(const sim_object *obj, int64_t live);

/* Is this row one of the soft-deleted ones? */
bool sim_row_is_deleted(const sim_population *p, int64_t row);

/* Fill one cell. */
void sim_data_cell(uint64_t seed, const sim_object *obj, int field_no, int64_t row,
				   const sim_population *rows, sim_cell *out);

/* ---- generators named by schema_*.c; see data.c, data_text.c and data_refs.c for what each makes */
void gen_id(const sim_gen *g, sim_cell *out);
void gen_deleted(const sim_gen *g, sim_cell *out);
void gen_reference(const sim_gen *g, sim_cell *out);
void gen_reference_sparse(const sim_gen *g, sim_cell *out);
void gen_owner(const sim_gen *g, sim_cell *out);
void gen_created(const sim_gen *g, sim_cell *out);
void gen_modified(const sim_gen *g, sim_cell *out);
void gen_company(const sim_gen *g, sim_cell *out);
void gen_invoice_name(const sim_gen *g, sim_cell *out);
void gen_deal(const sim_gen *g, sim_cell *out);
void gen_first_name(const sim_gen *g, sim_cell *out);
void gen_last_name(const sim_gen *g, sim_cell *out);
void gen_email(const sim_gen *g, sim_cell *out);
void gen_phone(const sim_gen *g, sim_cell *out);
void gen_url(const sim_gen *g, sim_cell *out);
void gen_street(const sim_gen *g, sim_cell *out);
void gen_city(const sim_gen *g, sim_cell *out);
void gen_state(const sim_gen *g, sim_cell *out);
void gen_postcode(const sim_gen *g, sim_cell *out);
void gen_country(const sim_gen *g, sim_cell *out);
void gen_latitude(const sim_gen *g, sim_cell *out);
void gen_longitude(const sim_gen *g, sim_cell *out);
void gen_pick(const sim_gen *g, sim_cell *out);
void gen_pick_required(const sim_gen *g, sim_cell *out);
void gen_multi(const sim_gen *g, sim_cell *out);
void gen_prose(const sim_gen *g, sim_cell *out);
void gen_long_prose(const sim_gen *g, sim_cell *out);
void gen_html(const sim_gen *g, sim_cell *out);
void gen_words(const sim_gen *g, sim_cell *out);
void gen_money(const sim_gen *g, sim_cell *out);
void gen_revenue(const sim_gen *g, sim_cell *out);
void gen_percent(const sim_gen *g, sim_cell *out);
void gen_percent_steps(const sim_gen *g, sim_cell *out);
void gen_double(const sim_gen *g, sim_cell *out);
void gen_int(const sim_gen *g, sim_cell *out);
void gen_employees(const sim_gen *g, sim_cell *out);
void gen_long(const sim_gen *g, sim_cell *out);
void gen_bool(const sim_gen *g, sim_cell *out);
void gen_true(const sim_gen *g, sim_cell *out);
void gen_date(const sim_gen *g, sim_cell *out);
void gen_close_date(const sim_gen *g, sim_cell *out);
void gen_birthdate(const sim_gen *g, sim_cell *out);
void gen_datetime(const sim_gen *g, sim_cell *out);
void gen_time(const sim_gen *g, sim_cell *out);
void gen_code(const sim_gen *g, sim_cell *out);
void gen_key_ci(const sim_gen *g, sim_cell *out);
void gen_key_cs(const sim_gen *g, sim_cell *out);
void gen_secret(const sim_gen *g, sim_cell *out);
void gen_blob(const sim_gen *g, sim_cell *out);
void gen_username(const sim_gen *g, sim_cell *out);
void gen_alias(const sim_gen *g, sim_cell *out);
void gen_constant(const sim_gen *g, sim_cell *out);
void gen_false(const sim_gen *g, sim_cell *out);
void gen_number(const sim_gen *g, sim_cell *out);
void gen_quantity(const sim_gen *g, sim_cell *out);
void gen_price(const sim_gen *g, sim_cell *out);
void gen_first(const sim_gen *g, sim_cell *out);
void gen_parent_of_lines(const sim_gen *g, sim_cell *out);
void gen_has_lines(const sim_gen *g, sim_cell *out);
void gen_pricebook(const sim_gen *g, sim_cell *out);
void gen_entry_book(const sim_gen *g, sim_cell *out);
void gen_entry_product(const sim_gen *g, sim_cell *out);
void gen_line_entry(const sim_gen *g, sim_cell *out);
void gen_record_type(const sim_gen *g, sim_cell *out);
void gen_copy(const sim_gen *g, sim_cell *out);
void gen_activity_account(const sim_gen *g, sim_cell *out);
void gen_line_total(const sim_gen *g, sim_cell *out);
void gen_forecast(const sim_gen *g, sim_cell *out);
void gen_closed(const sim_gen *g, sim_cell *out);
void gen_task_closed(const sim_gen *g, sim_cell *out);
void gen_task_urgent(const sim_gen *g, sim_cell *out);
void gen_converted(const sim_gen *g, sim_cell *out);
void gen_lead_status(const sim_gen *g, sim_cell *out);
void gen_converted_date(const sim_gen *g, sim_cell *out);
void gen_converted_to(const sim_gen *g, sim_cell *out);
void gen_event_start(const sim_gen *g, sim_cell *out);
void gen_event_end(const sim_gen *g, sim_cell *out);
void gen_event_day(const sim_gen *g, sim_cell *out);
void gen_event_minutes(const sim_gen *g, sim_cell *out);
void gen_setup(const sim_gen *g, sim_cell *out);
void gen_record_type_part(const sim_gen *g, sim_cell *out);
void gen_nickname(const sim_gen *g, sim_cell *out);
void gen_yes(const sim_gen *g, sim_cell *out);
void gen_one(const sim_gen *g, sim_cell *out);
void gen_third(const sim_gen *g, sim_cell *out);
void gen_first_only(const sim_gen *g, sim_cell *out);
void gen_dependent(const sim_gen *g, sim_cell *out);
void gen_row_number(const sim_gen *g, sim_cell *out);
void gen_position(const sim_gen *g, sim_cell *out);
void gen_attachment_type(const sim_gen *g, sim_cell *out);
void gen_sized(const sim_gen *g, sim_cell *out);
void gen_sized_int(const sim_gen *g, sim_cell *out);
void gen_zero(const sim_gen *g, sim_cell *out);
void gen_no_amount(const sim_gen *g, sim_cell *out);
void gen_digits(const sim_gen *g, sim_cell *out);
void gen_year(const sim_gen *g, sim_cell *out);
void gen_attachment_name(const sim_gen *g, sim_cell *out);
void gen_attachment_body(const sim_gen *g, sim_cell *out);
void gen_attachment_length(const sim_gen *g, sim_cell *out);
void gen_product(const sim_gen *g, sim_cell *out);

/* ---- words (data_words.c) */
typedef struct sim_words
{
	const char *const *word;
	int n;
} sim_words;

extern const sim_words sim_words_company;
extern const sim_words sim_words_suffix;
extern const sim_words sim_words_first;
extern const sim_words sim_words_last;
extern const sim_words sim_words_street;
extern const sim_words sim_words_city;
extern const sim_words sim_words_state;
extern const sim_words sim_words_country;
extern const sim_words sim_words_prose;
extern const sim_words sim_words_noun;
extern const sim_words sim_words_awkward;	   /* short texts that break clients */
extern const sim_words sim_words_awkward_long; /* texts with line ends, for text areas */

#endif /* SFSIM_DATA_H */
