/*
 * clock.h
 *		The org's clock: virtual, so that a test can move it.
 *
 * It runs as the machine's clock does until somebody moves or freezes it.  Everything that Salesforce
 * would date or let expire goes by it (created dates, job durations, token and locator lifetimes,
 * TODAY); what waits in this program (holds, delays, the log) goes by the machine's.
 */
#ifndef SFSIM_CLOCK_H
#define SFSIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z of the org's clock. */
int64_t sim_clock_now(void);

/*
 * Milliseconds that only grow, by which durations are measured.  sim_clock_advance() moves it, sim_clock_set()
 * does not, sim_clock_freeze() stops it.
 */
int64_t sim_clock_mono(void);

/* Let ms (not negative) pass at once. */
void sim_clock_advance(int64_t ms);

/* Make it this moment; it runs on from there.  Durations are not touched. */
void sim_clock_set(int64_t now_ms);

/* Stop it, or let it run on from where it stands. */
void sim_clock_freeze(bool on);
bool sim_clock_frozen(void);

/* Has it been moved or frozen since the last reset? */
bool sim_clock_moved(void);

/* Back to the machine's clock.  Durations keep what has passed. */
void sim_clock_reset(void);

/* How it stands, for snapshots.  Loading leaves durations alone. */
typedef struct sim_clock_state
{
	bool frozen;
	bool moved;
	int64_t offset; /* ms to the machine's clock */
	int64_t now;	/* when frozen */
} sim_clock_state;
void sim_clock_save(sim_clock_state *out);
void sim_clock_load(const sim_clock_state *in);

/* Grows whenever the clock is moved, frozen or reset: answers that depend on the day may differ. */
uint64_t sim_clock_epoch(void);

#endif /* SFSIM_CLOCK_H */
