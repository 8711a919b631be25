/*
 * render_format.h
 *		Values as FORMAT() of SOQL writes them.
 */
#ifndef SFSIM_RENDER_FORMAT_H
#define SFSIM_RENDER_FORMAT_H

#include "engine.h"

/* Append a number of a field type with so many digits behind the point: 1,234.5, $44,000.00, 12% */
void sim_format_number(sim_type type, int scale, double d, sim_buf *out);

/* Append a date (days), datetime (milliseconds) or time (milliseconds since midnight). */
void sim_format_moment(sim_type type, int64_t i, sim_buf *out);

#endif /* SFSIM_RENDER_FORMAT_H */
