/*
 * store_objects.c
 *		Fields of the standard objects that follow from other fields, or from other rows.
 *
 * Each object has one function, which sees the row that is about to be written.  A field that the
 * schema does not have (number -1) is passed over.
 */
#include "store_int.h"
#include "calendar.h"
#include "clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The row that is being made: what is set now, and what it was. */
typedef struct making
{
	sim_txn *t;
	store_plan *p;
	const store_cell *old; /* NULL: a new row */
	sim_error *err;
} making;

static const store_cell no_value = {0};

static int
field_no(const making *m, const char *name)
{
	return store_field_no(m->p->obj, name);
}

/* The value that the row is going to have. */
static const store_cell *
value_of(const making *m, const char *name)
{
	int field = field_no(m, name);

	if (field < 0)
		return &no_value;
	return m->p->changed[field] || m->old == NULL ? &m->p->cell[field] : &m->old[field];
}

static const store_cell *
value_before(const making *m, const char *name)
{
	int field = field_no(m, name);

	return field < 0 || m->old == NULL ? &no_value : &m->old[field];
}

/* Did the client send a value? */
static bool
sent(const making *m, const char *name)
{
	int field = field_no(m, name);

	return field >= 0 && m->p->given[field] && m->p->cell[field].kind != STORE_NULL;
}

/* Did the client send anything, null too? */
static bool
mentioned(const making *m, const char *name)
{
	int field = field_no(m, name);

	return field >= 0 && m->p->given[field];
}

static bool
is_text(const store_cell *cell, const char *text)
{
	return cell->kind == STORE_TEXT && cell->len == strlen(text) &&
		   memcmp(cell->text, text, cell->len) == 0;
}

static bool
same(const store_cell *a, const store_cell *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == STORE_TEXT)
		return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	return a->kind == STORE_NULL || (a->kind == STORE_INT ? a->i == b->i : a->d == b->d);
}

static void
set_int(const making *m, const char *name, int64_t i)
{
	store_set_int(m->p, field_no(m, name), i);
}

static void
set_real(const making *m, const char *name, double d)
{
	store_set_real(m->p, field_no(m, name), d);
}

static void
set_text(const making *m, const char *name, const char *text)
{
	store_set_text(m->p, field_no(m, name), text, strlen(text));
}

static void
set_cell(const making *m, const char *name, const store_cell *cell)
{
	int field = field_no(m, name);

	if (field < 0)
		return;
	m->p->cell[field] = *cell;
	m->p->changed[field] = true;
}

static int64_t
this_second(void)
{
	return sim_floor_div(sim_clock_now(), 1000) * 1000;
}

static double
number_of(const store_cell *cell)
{
	return cell->kind == STORE_REAL ? cell->d : cell->kind == STORE_INT ? (double) cell->i : 0;
}

/* Cents, halves away from zero. */
static double
to_cents(double d)
{
	return round(d * 100 * (1 + 4.5e-16)) / 100;
}

/*
 * All fields of the row that a reference leads to, or NULL: none, or *m->err has what went wrong (*failed).
 * *to gets its object.
 */
static const store_cell *
parent(const making *m, const char *name, const sim_object **to, bool *failed)
{
	int field = field_no(m, name);
	const store_cell *ref = value_of(m, name);
	const sim_field *f;
	int64_t number = ref->i;
	store_plan *p;
	store_cell *cells;

	*failed = false;
	*to = NULL;
	if (field < 0 || ref->kind != STORE_INT)
		return NULL;
	f = &m->p->obj->fields[field];
	*to = sim_field_is_poly(f) ? sim_ref_unpack(ref->i, &number) : sim_object_find(f->ref_to);
	if (*to == NULL || !sim_object_queryable(*to))
		return NULL;
	*failed = true;
	p = store_plan_of(m->t, *to, m->err);
	if (p == NULL)
		return NULL;
	switch (store_row_state(m->t, p, number, m->err))
	{
		case -1:
			return NULL;
		case 0:
			*failed = false;
			return NULL;
		default:
			break;
	}
	cells = store_alloc(&m->t->store->arena, sizeof(*cells) * (size_t) (*to)->nfields);
	if (cells == NULL)
	{
		sim_error_set(m->err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	if (!store_fetch(m->t, p, number, cells, m->err))
		return NULL;
	*failed = false;
	return cells;
}

static const store_cell *
of_parent(const sim_object *obj, const store_cell *cells, const char *name)
{
	int field = cells == NULL ? -1 : store_field_no(obj, name);

	return field < 0 ? &no_value : &cells[field];
}

/* ---------------------------------------------------------------- sales */

/* What comes with the stages that an org has at first. */
static const struct
{
	const char *stage;
	double probability;
	const char *forecast;
} stages[] = {{"Prospecting", 10, "Pipeline"},
			  {"Qualification", 10, "Pipeline"},
			  {"Needs Analysis", 20, "Pipeline"},
			  {"Value Proposition", 50, "Pipeline"},
			  {"Id. Decision Makers", 60, "Pipeline"},
			  {"Perception Analysis", 70, "Pipeline"},
			  {"Proposal/Price Quote", 75, "Pipeline"},
			  {"Negotiation/Review", 90, "Pipeline"},
			  {"Closed Won", 100, "Closed"},
			  {"Closed Lost", 0, "Omitted"}};

/* A new stage brings its probability and forecast along, unless the client sets them. */
static bool
make_opportunity(const making *m)
{
	const store_cell *stage = value_of(m, "StageName");

	if (!sent(m, "StageName") || same(stage, value_before(m, "StageName")))
		return true;
	if (m->old != NULL)
		set_int(m, "LastStageChangeDate", this_second());
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
	{
		if (!is_text(stage, stages[i].stage))
			continue;
		if (!sent(m, "Probability"))
			set_real(m, "Probability", stages[i].probability);
		if (!sent(m, "ForecastCategoryName"))
			set_text(m, "ForecastCategoryName", stages[i].forecast);
	}
	return true;
}

/* "<opportunity> <product>" */
static bool
name_line(const making *m, const store_cell *opportunity, const store_cell *product)
{
	size_t len = opportunity->len + product->len + 1;
	char *text = store_alloc(&m->t->store->arena, len + 1);

	if (text == NULL)
		return sim_error_set(m->err, "UNKNOWN_EXCEPTION", "out of memory");
	if (opportunity->kind != STORE_TEXT || product->kind != STORE_TEXT)
		return true;
	memcpy(text, opportunity->text, opportunity->len);
	text[opportunity->len] = ' ';
	memcpy(text + opportunity->len + 1, product->text, product->len);
	store_set_text(m->p, field_no(m, "Name"), text, len);
	return true;
}

static bool
integrity(const making *m, const char *what)
{
	return sim_error_set(m->err, "FIELD_INTEGRITY_EXCEPTION",
						 "field integrity exception: unknown (%s)", what);
}

/* Sales price and total price: one follows from the other. */
static bool
price_line(const making *m)
{
	double quantity = number_of(value_of(m, "Quantity"));

	if (sent(m, "UnitPrice") && sent(m, "TotalPrice"))
		return integrity(m, "only one of unit price or total price may be specified");
	if (m->old == NULL && !sent(m, "UnitPrice") && !sent(m, "TotalPrice"))
		return integrity(m, "must specify either total price or unit price");
	if (sent(m, "TotalPrice"))
	{
		if (quantity != 0)
			set_real(m, "UnitPrice",
					 to_cents(number_of(value_of(m, "TotalPrice")) / quantity));
	}
	else if (sent(m, "UnitPrice") || sent(m, "Quantity"))
		set_real(m, "TotalPrice", to_cents(number_of(value_of(m, "UnitPrice")) * quantity));
	return true;
}

static bool
make_line_item(const making *m)
{
	const sim_object *entry_object;
	const sim_object *other;
	const store_cell *entry;
	const store_cell *opportunity;
	bool failed;

	if (!price_line(m))
		return false;
	if (m->old != NULL)
		return true;
	if (field_no(m, "PricebookEntryId") >= 0 && !sent(m, "PricebookEntryId"))
	{
		sim_error_set(m->err, "REQUIRED_FIELD_MISSING",
					  "Required fields are missing: [PricebookEntryId]");
		return sim_error_field(m->err, "PricebookEntryId");
	}
	entry = parent(m, "PricebookEntryId", &entry_object, &failed);
	if (failed)
		return false;
	opportunity = parent(m, "OpportunityId", &other, &failed);
	if (failed)
		return false;
	if (entry == NULL)
		return true;
	set_cell(m, "Product2Id", of_parent(entry_object, entry, "Product2Id"));
	set_cell(m, "ProductCode", of_parent(entry_object, entry, "ProductCode"));
	set_cell(m, "ListPrice", of_parent(entry_object, entry, "UnitPrice"));
	return name_line(m, of_parent(other, opportunity, "Name"),
					 of_parent(entry_object, entry, "Name"));
}

/*
 * Price book entries of the same product: one in the same price book is a duplicate, and without one in the
 * standard price book there is none in another.
 */
static bool
check_entries(const making *m)
{
	int product = field_no(m, "Product2Id");
	int64_t found[SIM_MATCHES_MAX];
	const sim_object *to;
	const store_cell *own;
	bool failed;
	bool standard;
	int n;

	if (product < 0 || m->p->cell[product].kind != STORE_INT)
		return true;
	own = parent(m, "Pricebook2Id", &to, &failed);
	if (failed)
		return false;
	standard = own == NULL || of_parent(to, own, "IsStandard")->i != 0;
	n = store_find(m->t, m->p, product, &m->p->cell[product], found, SIM_MATCHES_MAX, m->err);
	for (int i = 0; i < n; i++)
	{
		store_cell *cells =
			store_alloc(&m->t->store->arena, sizeof(*cells) * (size_t) m->p->obj->nfields);
		store_plan *books = to == NULL ? NULL : store_plan_of(m->t, to, m->err);
		const store_cell *book;
		store_cell *other;

		other = books == NULL
					? NULL
					: store_alloc(&m->t->store->arena, sizeof(*other) * (size_t) to->nfields);
		if (cells == NULL || other == NULL)
			return sim_error_set(m->err, "UNKNOWN_EXCEPTION", "out of memory");
		if (!store_fetch(m->t, m->p, found[i], cells, m->err))
			return false;
		book = of_parent(m->p->obj, cells, "Pricebook2Id");
		if (same(book, value_of(m, "Pricebook2Id")))
			return sim_error_set(m->err, "DUPLICATE_VALUE",
								 "This price definition already exists in this price book");
		if (book->kind == STORE_INT && store_fetch(m->t, books, book->i, other, NULL))
			standard = standard || of_parent(to, other, "IsStandard")->i != 0;
	}
	if (n >= 0 && !standard)
		return sim_error_set(m->err, "STANDARD_PRICE_NOT_DEFINED",
							 "Before creating a custom price, create a standard price.");
	return n >= 0;
}

static bool
make_entry(const making *m)
{
	const sim_object *to;
	bool failed;
	const store_cell *product;

	if (m->old != NULL)
		return true;
	product = parent(m, "Product2Id", &to, &failed);
	if (failed || !check_entries(m))
		return false;
	set_cell(m, "Name", of_parent(to, product, "Name"));
	set_cell(m, "ProductCode", of_parent(to, product, "ProductCode"));
	return true;
}

/* ---------------------------------------------------------------- service and activities */

/* When a status became the closing one, or nothing when it is not. */
static void
closed_at(const making *m, const char *field, const char *closing)
{
	bool closed = is_text(value_of(m, "Status"), closing);
	bool was = is_text(value_before(m, "Status"), closing);

	if (closed && !was)
		set_int(m, field, this_second());
	else if (!closed && was)
		set_cell(m, field, &no_value);
}

static bool
make_case(const making *m)
{
	const sim_object *to;
	const store_cell *contact;
	bool failed;

	closed_at(m, "ClosedDate", "Closed");
	if (!mentioned(m, "ContactId"))
		return true;
	contact = parent(m, "ContactId", &to, &failed);
	if (failed)
		return false;
	if (contact != NULL && !mentioned(m, "AccountId") &&
		(m->old == NULL || value_before(m, "AccountId")->kind == STORE_NULL))
		set_cell(m, "AccountId", of_parent(to, contact, "AccountId"));
	set_cell(m, "ContactPhone", of_parent(to, contact, "Phone"));
	set_cell(m, "ContactMobile", of_parent(to, contact, "MobilePhone"));
	set_cell(m, "ContactEmail", of_parent(to, contact, "Email"));
	set_cell(m, "ContactFax", of_parent(to, contact, "Fax"));
	return true;
}

/* The account of an activity: that of what it is about, else that of whom. */
static bool
account_of_activity(const making *m)
{
	static const char *const ways[] = {"WhatId", "WhoId"};

	if (!mentioned(m, "WhatId") && !mentioned(m, "WhoId"))
		return true;
	set_cell(m, "AccountId", &no_value);
	for (int i = 0; i < 2; i++)
	{
		const sim_object *to;
		bool failed;
		const store_cell *cells = parent(m, ways[i], &to, &failed);
		const store_cell *account;

		if (failed)
			return false;
		if (cells == NULL)
			continue;
		account = of_parent(to, cells, strcmp(to->name, "Account") == 0 ? "Id" : "AccountId");
		if (account->kind != STORE_INT)
			continue;
		set_cell(m, "AccountId", account);
		break;
	}
	return true;
}

static bool
make_task(const making *m)
{
	set_int(m, "IsClosed", is_text(value_of(m, "Status"), "Completed"));
	set_int(m, "IsHighPriority", is_text(value_of(m, "Priority"), "High"));
	closed_at(m, "CompletedDateTime", "Completed");
	if (m->old == NULL && !sent(m, "TaskSubtype"))
		set_text(m, "TaskSubtype", "Task");
	return account_of_activity(m);
}

/* Begin of an event, from whichever field the client used; false: there is none. */
static bool
event_start(const making *m, int64_t *start)
{
	static const char *const moments[] = {"StartDateTime", "ActivityDateTime"};

	for (int i = 0; i < 2; i++)
	{
		if (sent(m, moments[i]))
		{
			*start = value_of(m, moments[i])->i;
			return true;
		}
	}
	if (sent(m, "ActivityDate"))
	{
		*start = value_of(m, "ActivityDate")->i * MS_PER_DAY;
		return true;
	}
	*start = value_before(m, "StartDateTime")->i;
	return value_before(m, "StartDateTime")->kind == STORE_INT;
}

static bool
event_minutes(const making *m, int64_t start, int64_t *minutes)
{
	*minutes = value_before(m, "DurationInMinutes")->i;
	if (sent(m, "DurationInMinutes"))
		*minutes = value_of(m, "DurationInMinutes")->i;
	else if (sent(m, "EndDateTime"))
		*minutes = sim_floor_div(value_of(m, "EndDateTime")->i - start, 60000);
	else if (value_of(m, "IsAllDayEvent")->i)
		*minutes = 1440;
	else
		return value_before(m, "DurationInMinutes")->kind == STORE_INT;
	return true;
}

static bool
event_incomplete(const making *m, bool no_start, bool no_minutes)
{
	sim_error_set(m->err, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s%s%s]",
				  no_minutes ? "DurationInMinutes" : "", no_minutes && no_start ? ", " : "",
				  no_start ? "ActivityDateTime" : "");
	if (no_minutes)
		sim_error_field(m->err, "DurationInMinutes");
	if (no_start)
		sim_error_field(m->err, "ActivityDateTime");
	return false;
}

static bool
make_event(const making *m)
{
	int64_t start;
	int64_t minutes;
	bool has_start = event_start(m, &start);
	bool has_minutes = event_minutes(m, start, &minutes);
	int64_t end;

	if (!has_start || !has_minutes)
		return event_incomplete(m, !has_start, !has_minutes);
	if (minutes < 0)
	{
		sim_error_set(m->err, "FIELD_INTEGRITY_EXCEPTION",
					  "End Date Time: the end of an event is before its start");
		return sim_error_field(m->err, "EndDateTime");
	}
	end = start + minutes * 60000;
	set_int(m, "StartDateTime", start);
	set_int(m, "ActivityDateTime", start);
	set_int(m, "ActivityDate", sim_floor_div(start, MS_PER_DAY));
	set_int(m, "DurationInMinutes", minutes);
	set_int(m, "EndDateTime", end);
	set_int(m, "EndDate", sim_floor_div(end, MS_PER_DAY));
	if (m->old == NULL && !sent(m, "EventSubtype"))
		set_text(m, "EventSubtype", "Event");
	return account_of_activity(m);
}

static bool
make_attachment(const making *m)
{
	const store_cell *body = value_of(m, "Body");

	if (mentioned(m, "Body"))
		set_int(m, "BodyLength", body->kind == STORE_BLOB ? (int64_t) body->len : 0);
	return true;
}

/* A user can log in at once, unless the client says otherwise. */
static bool
make_user(const making *m)
{
	if (m->old != NULL)
		return true;
	if (!mentioned(m, "IsActive"))
		set_int(m, "IsActive", 1);
	if (!sent(m, "UserType"))
		set_text(m, "UserType", "Standard");
	return true;
}

/* ---------------------------------------------------------------- by object */

static const struct
{
	const char *object;
	bool (*make)(const making *m);
} makers[] = {{"Opportunity", make_opportunity},
			  {"OpportunityLineItem", make_line_item},
			  {"PricebookEntry", make_entry},
			  {"Case", make_case},
			  {"Task", make_task},
			  {"Event", make_event},
			  {"Attachment", make_attachment},
			  {"User", make_user}};

#define NMAKERS ((int) (sizeof(makers) / sizeof(makers[0])))

static int
maker_of(const sim_object *obj)
{
	int i = 0;

	while (i < NMAKERS && strcmp(makers[i].object, obj->name) != 0)
		i++;
	return i;
}

bool
store_derives(const store_plan *p)
{
	return maker_of(p->obj) < NMAKERS;
}

bool
store_derive(sim_txn *t, store_plan *p, const store_cell *old, sim_error *err)
{
	making m = {t, p, old, err};
	int i = maker_of(p->obj);

	return i == NMAKERS || makers[i].make(&m);
}

/* ---------------------------------------------------------------- other rows */

/* Amount, quantity and price book of an opportunity follow from its lines. */
static const char lines_sql[] =
	"UPDATE \"Opportunity\" AS o SET "
	"\"HasOpportunityLineItem\" = l.n > 0, "
	"\"Amount\" = CASE WHEN l.n > 0 THEN round(l.amount, 2) ELSE o.\"Amount\" END, "
	"\"TotalOpportunityQuantity\" = CASE WHEN l.n > 0 THEN l.quantity ELSE NULL END, "
	"\"Pricebook2Id\" = coalesce(o.\"Pricebook2Id\", l.book) "
	"FROM (SELECT count(*) AS n, sum(i.\"TotalPrice\") AS amount, "
	"sum(i.\"Quantity\") AS quantity, max(e.\"Pricebook2Id\") AS book "
	"FROM \"OpportunityLineItem\" i LEFT JOIN \"PricebookEntry\" e ON e.\"Id\" = "
	"i.\"PricebookEntryId\" WHERE (i.\"OpportunityId\" || '') IS NOT NULL AND "
	"(i.\"OpportunityId\" + 0) = ?1 AND i.\"IsDeleted\" = 0 AND i.\"Id\" != ?2) AS l "
	"WHERE o.\"Id\" = ?1";

bool
store_after(sim_txn *t, store_plan *p, int64_t number, bool erased, sim_error *err)
{
	int field;
	store_cell *cells;
	const sim_object *to = sim_object_find("Opportunity");
	sqlite3_stmt *st = NULL;
	bool ok;

	if (strcmp(p->obj->name, "OpportunityLineItem") != 0 || to == NULL)
		return true;
	field = store_field_no(p->obj, "OpportunityId");
	cells = store_alloc(&t->store->arena, sizeof(*cells) * (size_t) p->obj->nfields);
	if (cells == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	if (field < 0 || !store_fetch(t, p, number, cells, err) || !store_index(t, p, field, err))
		return field < 0;
	ok = sqlite3_prepare_v2(t->db, lines_sql, -1, &st, NULL) == SQLITE_OK &&
		 store_bind(st, 1, &cells[field]) &&
		 sqlite3_bind_int64(st, 2, erased ? number : 0) == SQLITE_OK;
	ok = ok ? store_run(t, st, err) : store_failed(t, err);
	sqlite3_finalize(st);
	t->counts.touched[sim_object_index(to)] = true;
	return ok;
}
