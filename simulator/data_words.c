/*
 * data_words.c
 *		Raw material of the generated rows, and the texts that break clients.
 */
#include "data.h"

#define WORDS(name, list)                                                                     \
	const sim_words sim_words_##name = {list, (int) (sizeof(list) / sizeof((list)[0]))}

static const char *const company[] = {
	"Acme",		 "Globex",	 "Initech",	  "Umbrella", "Hooli",	  "Vandelay",	"Stark",
	"Wayne",	 "Wonka",	 "Cyberdyne", "Tyrell",	  "Soylent",  "Massive",	"Oscorp",
	"Gringotts", "Duff",	 "Bluth",	  "Dunder",	  "Sterling", "Pied Piper", "Aperture",
	"Weyland",	 "Nakatomi", "Virtucon",  "Monarch",  "Zorin",	  "Brawndo",	"Octan",
	"Müller",	 "Société",	 "Ångström",  "Łódź"};
WORDS(company, company);

static const char *const suffix[] = {"Inc",		 "Corp",	 "LLC",		"Ltd",		  "GmbH",
									 "Holdings", "Partners", "Group",	"Industries", "& Sons",
									 "S.A.",	 "K.K.",	 "Systems", "Logistics"};
WORDS(suffix, suffix);

static const char *const first[] = {
	"James", "Mary",   "Robert", "Patricia", "John",  "Jennifer", "Michael", "Linda",
	"David", "Sarah",  "José",	 "Zoë",		 "Björn", "Chloé",	  "Søren",	 "Ayşe",
	"Yūki",	 "Dmitri", "Fatima", "Wei",		 "Priya", "Kwame",	  "Ingrid",	 "Mateo"};
WORDS(first, first);

static const char *const last[] = {
	"Smith",	"Johnson",	 "Williams",  "Brown",	  "Jones",	  "García",
	"Miller",	"Davis",	 "Martínez",  "O'Brien",  "D'Angelo", "Nguyễn",
	"Schröder", "Kowalski",	 "Ivanov",	  "Tanaka",	  "Kim",	  "Okafor",
	"Haddad",	"Lindqvist", "Fernández", "van Dijk", "McDonald", "Öztürk"};
WORDS(last, last);

static const char *const street[] = {
	"Main St",	 "Oak Avenue", "Station Road", "Hauptstraße", "Rue de Rivoli", "Elm Street",
	"Park Lane", "Market Sq",  "Calle Mayor",  "Broadway",	  "High Street"};
WORDS(street, street);

static const char *const city[] = {"San Francisco", "New York", "Chicago", "Austin",
								   "London",		"Berlin",	"Zürich",  "São Paulo",
								   "Tokyo",			"Kraków",	"Malmö",   "Reykjavík"};
WORDS(city, city);

static const char *const state[] = {"CA", "NY", "IL",	  "TX",
									"WA", "MA", "Bayern", "Île-de-France"};
WORDS(state, state);

static const char *const country[] = {"USA",	"United Kingdom", "Germany", "Switzerland",
									  "Brazil", "Japan",		  "Poland",	 "Sweden"};
WORDS(country, country);

/* Strung together into sentences; together with the blank about 30 characters each. */
static const char *const prose[] = {
	"Follow up after the quarterly review", "payment is due within thirty days",
	"the customer asked for a discount",	"shipment delayed at the border",
	"please check the purchase order",		"new contact in procurement",
	"contract signed, waiting for legal",	"they said \"call us next week\"",
	"renewal is expected in spring",		"delivery to the warehouse in Köln",
	"see the attached specification",		"partial delivery; rest on back order",
	"price list of last year applies",		"escalated to the regional manager",
	"invoice was sent twice by mistake",	"budget approved by the board"};
WORDS(prose, prose);

static const char *const noun[] = {"Widgets",	  "Licences", "Support", "Consulting",
								   "Hardware",	  "Training", "Hosting", "Freight",
								   "Spare parts", "Audit",	  "Upgrade", "Renewal"};
WORDS(noun, noun);

/* At most 40 characters each; none starts or ends with a blank (the org trims those). */
static const char *const awkward[] = {
	"acme",
	"ACME",
	"Acme",
	"O'Brien & \"Sons\"",
	"\"quoted\"",
	"\"",
	"\"\"",
	"a,b",
	",",
	"first line\nsecond line",
	"tab\there",
	"#N/A",
	"null",
	"NULL",
	"12345",
	"007",
	"1e5",
	"9.0E7",
	"-1",
	"0",
	"true",
	"\\",
	"back\\slash\\n",
	"100%",
	"50%_x",
	"%",
	"_",
	"'",
	"it''s",
	"a;b;c",
	"<b>bold</b> &amp; more",
	"{\"json\": [1, null]}",
	"2024-02-29",
	"1700-01-01T00:00:00Z",
	"Ünïcödé",
	"ÜNÏCÖDÉ",
	"ünïcödé",
	"Straße",
	"STRASSE",
	"Œuvre",
	"œuvre",
	"Ελλάδα",
	"ΕΛΛΆΔΑ",
	"ΟΔΟΣ",
	"οδος",
	"Привет",
	"ПРИВЕТ",
	"日本語株式会社",
	"😀 emoji 👩‍👩‍👧",
	"𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
	"شركة",
	"עברית",
	"e\u0301 combining",
	"é precomposed",
	"\u00a0no-break\u00a0",
	"zero\u200bwidth",
	"\ufeffbyte order mark",
	"line\u2028separator",
	"İstanbul",
	"ıstanbul",
	"ﬁ ligature",
	"SELECT Id FROM Account",
	"$$dollar$$",
	"{1,2}",
	"=1+1",
	"x",
	"X",
};
WORDS(awkward, awkward);

static const char *const awkward_long[] = {
	"Dear Sir,\r\n\r\nwe wrote \"yesterday\", and again today.\r\nRegards",
	"line one\nline two\n\nline four after a blank one",
	"\"starts with a quote\nand goes on\",\"looks like\",\"more cells\"",
	"comma, semicolon; pipe| tab\tcaret^ backquote`",
	"old Mac\rline ends\rhere",
	"mixed\nline\r\nends\rin one",
	"\"\n\"",
	"0015g00000ABCDEAAA\n0015g00000ABCDFAAA",
	"ends with a quote\"",
	"non-BMP 😀😃😄 across\na line end 🇩🇪",
	"#N/A\n#N/A",
};
WORDS(awkward_long, awkward_long);
