/*
 * option.h
 *		The option table and its generic checker, shared by option.c, option_check.c, option_host.c
 *		and import.c.
 */
#ifndef SFB_OPTION_H
#define SFB_OPTION_H

#include "sfbulk_fdw.h"

/* Where an option may be set; an option legal in two places has both bits. */
#define SFB_ON_SERVER 0x01
#define SFB_ON_USER	  0x02
#define SFB_ON_TABLE  0x04
#define SFB_ON_COLUMN 0x08
#define SFB_ON_IMPORT 0x10

/* How a value is checked and what C type it is stored as. */
typedef enum SfbOptionType
{
	SFB_OPT_TEXT,  /* char *: anything but empty */
	SFB_OPT_BOOL,  /* bool */
	SFB_OPT_INT,   /* int, min..max */
	SFB_OPT_MS,	   /* int: milliseconds, or a number with a unit of time */
	SFB_OPT_BYTES, /* int: bytes, or a number with a unit of size */
	SFB_OPT_REAL,  /* double, min..max */
	SFB_OPT_CHUNK, /* int: min..max, or "true" for what Salesforce takes by itself, or "false" for 0 */
	SFB_OPT_RESERVE, /* double: a count of at least 1, or a share below 1 written as "10%" */
	SFB_OPT_ENUM,	 /* an enum, from values */
	SFB_OPT_URL,	 /* char *: https, host in sfbulk_fdw.allowed_hosts */
	SFB_OPT_VERSION, /* char *: API version */
	SFB_OPT_OBJECT,	 /* char *: API name of an object */
	SFB_OPT_FIELD,	 /* char *: API name or dotted path of a field, or Lead:Who.Email */
	SFB_OPT_NAME,	 /* char *: API name of a field, without a path */
	SFB_OPT_ID,		 /* char *: id of a record, 15 or 18 characters */
	SFB_OPT_LIST,	 /* char *: texts as an array literal */
	SFB_OPT_SOQL,	 /* char *: a SELECT */
	SFB_OPT_PEM,	 /* char *: a private key */
	SFB_OPT_FILE	 /* char *: absolute path of a file on the server's machine */
} SfbOptionType;

/* The typed struct that an option is stored in. */
typedef enum SfbOptionTarget
{
	SFB_TO_CONFIG, /* sf_config */
	SFB_TO_TABLE,  /* SfbTableOptions */
	SFB_TO_COLUMN, /* SfbColumn */
	SFB_TO_IMPORT, /* SfbImportOptions */
	SFB_TO_SERVER, /* SfbServerOptions */
	SFB_TO_KEYFILE /* char *: sfb_client_config reads it into sf_config.private_key */
} SfbOptionTarget;

typedef struct SfbEnumValue
{
	const char *name;
	int value;
} SfbEnumValue;

/* Flags. */
#define SFB_OPT_SECRET	  0x01 /* its value is never shown */
#define SFB_OPT_SUPERUSER 0x02 /* only a superuser may set it */
#define SFB_OPT_REQUIRED  0x04 /* must be there, unless `unless` is */
#define SFB_OPT_NEGATED	  0x08 /* a boolean stored the other way round */

typedef struct SfbOption
{
	const char *name;
	int where; /* SFB_ON_… bits */
	SfbOptionType type;
	double min;
	double max;
	const SfbEnumValue *values;
	int flags;
	const char *unless; /* the option that excludes this one, or NULL */
	const char *def;	/* default as text, or NULL */
	SfbOptionTarget target;
	size_t offset; /* in the target */
} SfbOption;

/* Options of a server that neither its sessions nor its tables need. */
typedef struct SfbServerOptions
{
	double
		api_reserve; /* daily API calls that must remain: a count, a share below 1; 0 is none */
} SfbServerOptions;

/* Options of IMPORT FOREIGN SCHEMA. */
typedef enum SfbNameStyle
{
	SFB_NAMES_LOWER,
	SFB_NAMES_SNAKE,
	SFB_NAMES_EXACT
} SfbNameStyle;

typedef struct SfbImportOptions
{
	SfbNameStyle names;
	bool custom_only;
	bool compound;
	bool not_null;
	int float8_numbers;		/* 1: numbers as float8, 0: as numeric */
	int text_multipicklist; /* 1: as text, 0: as text[] */
} SfbImportOptions;

/* ---- option.c ---------------------------------------------------------------------- */

/* The table; ends with an entry whose name is NULL. */
extern const SfbOption sfb_options[];

/*
 * Stores the defaults of a target, or the options that belong to it, into a typed struct.  Options of
 * other targets are passed over.  ERROR when a value does not fit.
 */
extern void sfb_option_defaults(SfbOptionTarget target, void *base);
extern void sfb_option_apply(List *options, SfbOptionTarget target, void *base);

/*
 * What the options of a column, of which attname and pgtype are set and the rest is zero, make of it.  The
 * field is attname itself where no option names one.
 */
extern void sfb_column_apply(List *options, SfbColumn *column);

/* The SfbType of a column of that type on that field without the option "type". */
extern SfbType sfb_assumed_type(Oid pgtype, const char *field);

/* A way to log in as the option auth names it. */
extern const char *sfb_auth_name(sf_auth_flow flow);

/*
 * True for the Id of a record or of a parent ("Account.Id"): the one field whose type its name tells, so
 * that a text column on it is an id without an option.
 */
extern bool sfb_is_id_field(const char *field);

/*
 * How Salesforce names the way to the record that a lookup refers to, by its rule: Account for AccountId,
 * Account__r for Account__c; palloc'd, or NULL.  Some standard fields have names of their own, for
 * which there is an option.  Source: object reference, "relationshipName" of describe.
 */
extern char *sfb_relationship_name(const char *field);

/* ---- option_check.c ---------------------------------------------------------------- */

/* The catalog's bit and the word for it in messages; 0 for a catalog that takes no options. */
extern int sfb_option_place(Oid catalog, const char **noun);

/* ERROR unless every option may be set at this place to its value by the current user. */
extern void sfb_option_check_list(List *options, int place, const char *noun);

/* Checks one value and stores it at `to`, a pointer to the C type of the option's type. */
extern void sfb_option_store(const SfbOption *option, const char *value, void *to);

/* True for a well-formed API name (letters, digits, underscores), or with dots a path of them. */
extern bool sfb_valid_api_name(const char *name, bool path);

/* ---- option_host.c ----------------------------------------------------------------- */

/*
 * ERROR unless the URL is https (or http to a loopback host) and its host is one that credentials may
 * be sent to: matched by sfbulk_fdw.allowed_hosts, or a loopback host while trusted.
 */
extern void sfb_check_url(const char *option, const char *url, bool trusted);

#endif /* SFB_OPTION_H */
