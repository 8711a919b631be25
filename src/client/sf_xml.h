/*
 * sf_xml.h
 *		The flat XML of a login's answer and of Bulk API 1.0 (level 1).
 *
 * No XML parser: elements are found by name, whatever their prefix and attributes, and what they hold is
 * text.  Neither comments nor CDATA are known; Salesforce's answers have none.
 */
#ifndef SF_XML_H
#define SF_XML_H

#include "sf_buf.h"

/*
 * Appends the text of the first element of that name, with entities resolved.  False when there is
 * none, it holds other elements, or the buffer is full.
 */
extern bool sf_xml_element(const char *xml, size_t len, const char *name, sf_buf *out);

/*
 * Finds the next element of that name, which holds no other one of it: *inner is what stands between its
 * tags, and *xml and *len become what follows.  False at the end.
 */
extern bool sf_xml_next(const char **xml, size_t *len, const char *name, const char **inner,
						size_t *inner_len);

#endif /* SF_XML_H */
