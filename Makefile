# Makefile - sfbulk_fdw (a PGXS module), sfsim (the simulator) and their tests.
#
#	make			the extension and the simulator
#	make install	the extension, into the PostgreSQL that PG_CONFIG names
#	make demo		what it does, start to end, in a private PostgreSQL; installs packages when needed
#	make test		every test of the project; installs packages when needed
#	make conformance	real clients and the shapes of recorded traffic against sfsim; installs packages, and npm's
#	make unit lint fuzz bench bench-read bench-write bench-sim format		one piece of it
#	make mutation	the rules of exactness taken away one by one: a test has to notice each; half an hour
#	make asan-sim	sfsim under AddressSanitizer and UndefinedBehaviorSanitizer: build/asan/sfsim
#
# Variables: PG_CONFIG, CC, COPT (more compiler flags), ISAL=auto|yes|no (inflate by ISA-L or zlib),
# FUZZ_SECONDS (per target), BENCH_ROWS, BENCH_ROUNDS.
#
# PGXS claims "check" and "installcheck"; "make test" runs the same files without an installation.

# What the first PostgreSQL in the PATH says, when it can build modules, else Debian's folder.
# Neither needs to exist yet: demo, test and lint call scripts/setup before they look again.
PG_CONFIG := $(or $(PG_CONFIG),$(firstword $(foreach p,$(shell command -v pg_config 2>/dev/null) \
	$(wildcard /usr/lib/postgresql/15/bin/pg_config),$(if $(wildcard $(shell $(p) --pgxs \
	2>/dev/null)),$(p))) pg_config))
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# ---- the extension -----------------------------------------------------------------------

EXTENSION = sfbulk_fdw
MODULE_big = sfbulk_fdw
DATA = sfbulk_fdw--1.0.sql

CLIENT_OBJS = \
	src/client/sf_auth.o \
	src/client/sf_auth_config.o \
	src/client/sf_auth_soap.o \
	src/client/sf_batch_cut.o \
	src/client/sf_buf.o \
	src/client/sf_bulk1.o \
	src/client/sf_client.o \
	src/client/sf_client_ingest.o \
	src/client/sf_client_jobs.o \
	src/client/sf_client_pages.o \
	src/client/sf_client_collections.o \
	src/client/sf_client_plan.o \
	src/client/sf_client_query.o \
	src/client/sf_client_results.o \
	src/client/sf_client_watch.o \
	src/client/sf_collections.o \
	src/client/sf_collections_rows.o \
	src/client/sf_csv.o \
	src/client/sf_csv_columns.o \
	src/client/sf_describe.o \
	src/client/sf_explain.o \
	src/client/sf_http.o \
	src/client/sf_http_account.o \
	src/client/sf_http_headers.o \
	src/client/sf_http_queue.o \
	src/client/sf_http_request.o \
	src/client/sf_http_retry.o \
	src/client/sf_http_trace.o \
	src/client/sf_http_upload.o \
	src/client/sf_id.o \
	src/client/sf_inflate.o \
	src/client/sf_inflate_ahead.o \
	src/client/sf_ingest_job.o \
	src/client/sf_ingest_job_bulk1.o \
	src/client/sf_ingest_job_feed.o \
	src/client/sf_ingest_job_text.o \
	src/client/sf_ingest_results.o \
	src/client/sf_ingest_results_bulk1.o \
	src/client/sf_job.o \
	src/client/sf_job_info.o \
	src/client/sf_job_list.o \
	src/client/sf_json.o \
	src/client/sf_json_error.o \
	src/client/sf_json_rows.o \
	src/client/sf_jwt.o \
	src/client/sf_limits.o \
	src/client/sf_mux.o \
	src/client/sf_org.o \
	src/client/sf_query_job.o \
	src/client/sf_query_job1.o \
	src/client/sf_query_job_links.o \
	src/client/sf_query_job_lists.o \
	src/client/sf_query_job_pages.o \
	src/client/sf_query_result1.o \
	src/client/sf_rest.o \
	src/client/sf_rest_json.o \
	src/client/sf_secret.o \
	src/client/sf_soql.o \
	src/client/sf_status.o \
	src/client/sf_sum.o \
	src/client/sf_url.o \
	src/client/sf_utf8.o \
	src/client/sf_xml.o

FDW_OBJS = \
	src/fdw/analyze.o \
	src/fdw/apply.o \
	src/fdw/async.o \
	src/fdw/ask.o \
	src/fdw/convert.o \
	src/fdw/drift.o \
	src/fdw/encode.o \
	src/fdw/error.o \
	src/fdw/estimate.o \
	src/fdw/explain.o \
	src/fdw/explain_remote.o \
	src/fdw/fetch_list.o \
	src/fdw/fields.o \
	src/fdw/function_rows.o \
	src/fdw/functions.o \
	src/fdw/governor.o \
	src/fdw/hooks.o \
	src/fdw/idset.o \
	src/fdw/import.o \
	src/fdw/import_column.o \
	src/fdw/lists.o \
	src/fdw/literal.o \
	src/fdw/literal_day.o \
	src/fdw/literal_set.o \
	src/fdw/load.o \
	src/fdw/load_calls.o \
	src/fdw/load_jobs.o \
	src/fdw/load_merge.o \
	src/fdw/load_progress.o \
	src/fdw/load_report.o \
	src/fdw/look.o \
	src/fdw/look_check.o \
	src/fdw/look_tables.o \
	src/fdw/look_jobs.o \
	src/fdw/look_paths.o \
	src/fdw/look_query.o \
	src/fdw/look_sessions.o \
	src/fdw/modify.o \
	src/fdw/modify_columns.o \
	src/fdw/modify_explain.o \
	src/fdw/option.o \
	src/fdw/option_check.o \
	src/fdw/option_host.o \
	src/fdw/outcome.o \
	src/fdw/parallel.o \
	src/fdw/plan.o \
	src/fdw/plan_join.o \
	src/fdw/plan_path.o \
	src/fdw/plan_target.o \
	src/fdw/plan_upper.o \
	src/fdw/progress.o \
	src/fdw/progress_shmem.o \
	src/fdw/progress_view.o \
	src/fdw/request.o \
	src/fdw/scan.o \
	src/fdw/scan_groups.o \
	src/fdw/scan_queries.o \
	src/fdw/scan_rows.o \
	src/fdw/session.o \
	src/fdw/shippable.o \
	src/fdw/soql.o \
	src/fdw/spool.o \
	src/fdw/sync.o \
	src/fdw/sync_rows.o \
	src/fdw/sync_schema.o \
	src/fdw/sync_state.o \
	src/fdw/sync_target.o \
	src/fdw/truncate.o \
	src/fdw/usage.o \
	src/fdw/usage_file.o \
	src/fdw/usage_org.o \
	src/fdw/wait.o \
	src/fdw/writeback.o

OBJS = sfbulk_fdw.o $(CLIENT_OBJS) $(FDW_OBJS)

# The loops that see every byte of a bulk result, or of a load.
HOT_OBJS = src/client/sf_csv.o src/fdw/convert.o src/fdw/encode.o

# ---- the simulator -----------------------------------------------------------------------

SIM_OBJS = $(patsubst simulator/%.c,build/sim/%.o,$(filter-out simulator/test_%,$(wildcard simulator/*.c)))
SIM_LIBS = -lmicrohttpd -lsqlite3 -lcjson -lcrypto -lz -lpthread -lm

# ---- flags -------------------------------------------------------------------------------

CPP_PROBE = $(shell printf '\043include <$(1)>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)

# ISA-L inflates three times as fast as zlib; where it is missing, zlib does the same work.
ISAL ?= auto
ifeq ($(filter auto yes no,$(ISAL)),)
$(error ISAL must be auto, yes or no, not "$(ISAL)")
endif
HAVE_ISAL := $(if $(filter auto,$(ISAL)),$(or $(call CPP_PROBE,isa-l/igzip_lib.h),no),$(ISAL))
INFLATE_CPPFLAGS_yes = -DSF_HAVE_ISAL
INFLATE_LIBS_yes = -lisal
INFLATE_LIBS_no = -lz

WARNINGS = -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes
# What PGXS asks for besides, so that code that passes as a plain C library passes there too.
PLAIN_WARNINGS = $(WARNINGS) -Wpointer-arith -Wmissing-format-attribute -Wcast-function-type \
	-Wformat-security -Werror=vla
CLIENT_LIBS = -lcurl -lcjson -lcrypto -lpthread
SIM_CPPFLAGS = -D_GNU_SOURCE
CLIENT_CPPFLAGS = -D_GNU_SOURCE

# PostgreSQL's configure chose its flags for gcc; clang does not know all of them.
CC_IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1))
CLANG_QUIET = $(if $(CC_IS_CLANG),-Wno-unknown-warning-option -Wno-ignored-optimization-argument)

ifneq ($(PGXS),)
# No bitcode: it would need the same clang that PostgreSQL was built with, for code whose time
# goes into waiting, inflating and splitting.  "make with_llvm=yes" still builds it.
override with_llvm := $(if $(filter command,$(origin with_llvm)),$(with_llvm),no)

# PostgreSQL's headers are system headers here: our warnings are for our code.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CFLAGS = -std=gnu11 $(WARNINGS) $(CLANG_QUIET) -fvisibility=hidden -MMD -MP
SHLIB_LINK = $(CLIENT_LIBS) $(INFLATE_LIBS_$(HAVE_ISAL))

REGRESS = $(sort $(patsubst sql/%.sql,%,$(wildcard sql/*.sql)))
TAP_TESTS = 1

include $(PGXS)

# The client is compiled as the plain C library that it is.
$(CLIENT_OBJS): override CPPFLAGS += $(CLIENT_CPPFLAGS)
$(CLIENT_OBJS): override CFLAGS += -Wno-declaration-after-statement
src/client/sf_inflate.o: override CPPFLAGS += $(INFLATE_CPPFLAGS_$(HAVE_ISAL))
ifeq ($(COPT),)
$(HOT_OBJS): override CFLAGS += -O3
endif
else
all install: no-postgresql
.PHONY: no-postgresql install
no-postgresql:
	@echo 'No PostgreSQL to build against: "$(PG_CONFIG) --pgxs" names no file.' >&2
	@echo 'Run scripts/setup, or say PG_CONFIG=/path/to/pg_config.' >&2
	@false
endif

-include $(OBJS:.o=.d)

# ---- modules of the regression tests: parts of src/fdw with functions that SQL can call ----------

TEST_MODULE_SOURCES := $(wildcard test/*/sfb_test_*.c)
TEST_MODULES := $(patsubst %.c,build/%.so,$(notdir $(TEST_MODULE_SOURCES)))
.PHONY: test-module
test-module: $(TEST_MODULES)
ifneq ($(PGXS),)
vpath sfb_test_%.c $(dir $(TEST_MODULE_SOURCES))
build/sfb_test_%.so: sfb_test_%.c build/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_SL) $(CPPFLAGS) -shared -MT $@ -MF $(@:.so=.d) -o $@ $<
-include $(TEST_MODULES:.so=.d)
endif

# ---- rebuild when the flags change -------------------------------------------------------

# A file that changes only when what is compiled with changes: gcc after clang, ISAL=no after
# ISAL=yes, another PostgreSQL.  Objects depend on it.
FLAGS_NOW := $(CC) $(COPT) $(PG_CONFIG) $(HAVE_ISAL) $(shell $(PG_CONFIG) --version 2>/dev/null)
ifeq ($(filter clean distclean,$(MAKECMDGOALS)),)
$(shell mkdir -p build && { printf '%s\n' '$(FLAGS_NOW)' | cmp -s - build/flags || \
	printf '%s\n' '$(FLAGS_NOW)' >build/flags; })
endif
build/flags: ;
$(OBJS): build/flags

# ---- sfsim -------------------------------------------------------------------------------

SIM_CFLAGS = -std=gnu11 $(PLAIN_WARNINGS) -O2 -g -fno-strict-aliasing $(COPT)

.PHONY: sim
# Installing the extension needs no simulator, and so none of its libraries.
all: $(if $(filter-out install,$(or $(MAKECMDGOALS),all)),sfsim)
sim: sfsim

sfsim: $(SIM_OBJS)
	$(CC) $(SIM_CFLAGS) -o $@ $(SIM_OBJS) $(SIM_LIBS)

build/sim/%.o: simulator/%.c build/flags
	@mkdir -p $(@D)
	$(CC) $(SIM_CFLAGS) $(SIM_CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(SIM_OBJS:.o=.d)

# ---- unit tests, under AddressSanitizer and UndefinedBehaviorSanitizer --------------------
#
# Every test/unit/test_*.c is one program that prints TAP, linked with the client and with the
# other files of test/unit; every test/unit/sim_*.c is one for the simulator, linked with that.  The code
# under test comes out of an archive, so that a test may include a .c file to see its insides.

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-U_FORTIFY_SOURCE
UNIT_CFLAGS = -std=gnu11 $(PLAIN_WARNINGS) -O1 -g $(SANITIZE) $(COPT)

UNIT_SOURCES := $(wildcard test/unit/test_*.c)
UNIT_SIM_SOURCES := $(wildcard test/unit/sim_*.c)
UNIT_SHARED := $(filter-out $(UNIT_SOURCES) $(UNIT_SIM_SOURCES),$(wildcard test/unit/*.c))
UNIT_BACKENDS := zlib $(if $(filter yes,$(HAVE_ISAL)),isal)
UNIT_PROGRAMS := $(foreach b,$(UNIT_BACKENDS),$(UNIT_SOURCES:test/unit/%.c=build/unit-$(b)/%)) \
	$(UNIT_SIM_SOURCES:test/unit/%.c=build/unit-sim/%)

# $(1): directory under build/, $(2): compiler and flags
define sanitized_objects
build/$(1)/%.o: %.c build/flags
	@mkdir -p $$(@D)
	$(2) -MMD -MP -c -o $$@ $$<
build/$(1)/libclient.a: $(patsubst %.c,build/$(1)/%.o,$(wildcard src/client/*.c))
	@rm -f $$@
	$(AR) rcs $$@ $$^
build/$(1)/libsim.a: $(patsubst build/sim/%,build/$(1)/simulator/%,$(filter-out build/sim/main.o,$(SIM_OBJS)))
	@rm -f $$@
	$(AR) rcs $$@ $$^
-include $$(wildcard build/$(1)/*/*.d build/$(1)/*/*/*.d)
endef

UNIT_zlib_LIBS = $(CLIENT_LIBS) -lz
UNIT_isal_LIBS = $(CLIENT_LIBS) -lisal -lz
$(eval $(call sanitized_objects,unit-zlib,$$(CC) $$(UNIT_CFLAGS) $$(CLIENT_CPPFLAGS) -Isrc/client))
$(eval $(call sanitized_objects,unit-isal,$$(CC) $$(UNIT_CFLAGS) $$(CLIENT_CPPFLAGS) -DSF_HAVE_ISAL -Isrc/client))
$(eval $(call sanitized_objects,unit-sim,$$(CC) $$(UNIT_CFLAGS) $$(SIM_CPPFLAGS) -iquote simulator))

build/unit-zlib/% build/unit-isal/%: LIBS_OF = $(UNIT_$(patsubst build/unit-%,%,$(@D))_LIBS)
build/unit-zlib/%: build/unit-zlib/test/unit/%.o $(UNIT_SHARED:%.c=build/unit-zlib/%.o) build/unit-zlib/libclient.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBS_OF) -lpthread -lm
build/unit-isal/%: build/unit-isal/test/unit/%.o $(UNIT_SHARED:%.c=build/unit-isal/%.o) build/unit-isal/libclient.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(LIBS_OF) -lpthread -lm
build/unit-sim/%: build/unit-sim/test/unit/%.o build/unit-sim/libsim.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(SIM_LIBS)

# sfsim itself under the same: what its tests in t/ run against in the layer "asan" of scripts/test.
build/asan/sfsim: build/unit-sim/simulator/main.o build/unit-sim/libsim.a
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(SIM_LIBS)
.PHONY: asan-sim
asan-sim: build/asan/sfsim

.PHONY: unit unit-build
.SECONDARY:
unit-build: $(UNIT_PROGRAMS)
unit: unit-build
	$(if $(UNIT_PROGRAMS),prove --failures --exec '' $(UNIT_PROGRAMS))

# ---- fuzzing ------------------------------------------------------------------------------
#
# Every test/fuzz/fuzz_*.c has an LLVMFuzzerTestOneInput; test/fuzz/corpus/NAME/ holds its
# seeds and test/fuzz/NAME.dict its dictionary, where there are any.  Those named fuzz_sim_* are linked with
# the simulator, the others with the client.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS = -std=gnu11 $(PLAIN_WARNINGS) -O1 -g $(SANITIZE) $(CLIENT_CPPFLAGS) -Isrc/client
FUZZ_SIM_SOURCES := $(wildcard test/fuzz/fuzz_sim_*.c)
FUZZ_SOURCES := $(filter-out $(FUZZ_SIM_SOURCES),$(wildcard test/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(FUZZ_SOURCES:test/fuzz/%.c=build/fuzz/%) \
	$(FUZZ_SIM_SOURCES:test/fuzz/%.c=build/fuzz-sim/%)
FUZZ_SIM_CFLAGS = -std=gnu11 $(PLAIN_WARNINGS) -O1 -g $(SANITIZE) $(SIM_CPPFLAGS) -iquote simulator
FUZZ_INFLATE = $(if $(filter yes,$(HAVE_ISAL)),-DSF_HAVE_ISAL)

$(eval $(call sanitized_objects,fuzz,$$(FUZZ_CC) $$(FUZZ_CFLAGS) $$(FUZZ_INFLATE) -fsanitize=fuzzer-no-link))

$(eval $(call sanitized_objects,fuzz-sim,$$(FUZZ_CC) $$(FUZZ_SIM_CFLAGS) -fsanitize=fuzzer-no-link))

build/fuzz-sim/%: build/fuzz-sim/test/fuzz/%.o build/fuzz-sim/libsim.a
	$(FUZZ_CC) $(FUZZ_SIM_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(SIM_LIBS)

build/fuzz/%: build/fuzz/test/fuzz/%.o build/fuzz/libclient.a
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(CLIENT_LIBS) -lz $(if $(FUZZ_INFLATE),-lisal)

.PHONY: fuzz fuzz-build
fuzz-build: $(FUZZ_PROGRAMS)
fuzz: fuzz-build
	scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_PROGRAMS)

# ---- scripts ------------------------------------------------------------------------------

# These install what is missing first, so they may run where nothing above could be built.
.PHONY: setup demo test conformance mutation lint bench bench-csv bench-read bench-write format
setup:
	@scripts/setup
demo:
	@scripts/demo
test:
	@scripts/test
conformance:
	@scripts/conformance
mutation:
	@scripts/mutate
lint:
	@scripts/setup
	@scripts/lint
bench-read:
	@bench/read
bench-write:
	@bench/write
bench: bench-csv bench-read bench-write bench-sim

# How many small requests sfsim answers on one core.
build/bench_sim_load: bench/sim_load.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(PLAIN_WARNINGS) -O2 -g $(SIM_CPPFLAGS) -o $@ $<
bench-sim:
	@bench/sim

# What a row costs in the client alone.
build/bench_csv: bench/bench_csv.c $(CLIENT_OBJS)
	$(CC) -std=gnu11 $(PLAIN_WARNINGS) -O2 -g $(CLIENT_CPPFLAGS) -Isrc/client -o $@ $^ \
		$(CLIENT_LIBS) $(INFLATE_LIBS_$(HAVE_ISAL)) -lz
bench-csv: build/bench_csv
	build/bench_csv
format:
	clang-format -i $$(find sfbulk_fdw.c src simulator test -name '*.[ch]')

EXTRA_CLEAN = build sfsim $(OBJS:.o=.d) regression.diffs regression.out results tmp_check log
ifeq ($(PGXS),)
clean:
	rm -rf $(OBJS) $(EXTRA_CLEAN) sfbulk_fdw.so
endif

# What the scripts need to know of the above.
.PHONY: print-%
print-%:
	@echo $($*)
