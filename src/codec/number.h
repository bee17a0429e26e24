/*
 * Numbers as text: canonical 64-bit integers, doubles and scaled decimals.
 *
 * Ownership: none. Threads: all. Errors: enum number_result. Limits: 64 bits; decimals 18 digits.
 */
#ifndef ROWLOCK_CODEC_NUMBER_H
#define ROWLOCK_CODEC_NUMBER_H

#include "base/buf.h"

enum number_result {
	NUMBER_OK,
	NUMBER_SYNTAX,      /* it is no number of this kind */
	NUMBER_OUT_OF_RANGE /* it is one, but does not fit */
};

/* "0", "-7", "42"; no plus sign, leading zero, "-0", fraction or exponent. */
enum number_result number_parse_integer(struct str text, int64_t *ret_number);
/* A JSON number. Out of range: it would be infinite. */
enum number_result number_parse_double(struct str text, double *ret_number);
/* A JSON number without exponent, as an integer scaled by 10^scale. Out of range: more than
 * `precision` digits in all; NUMBER_SYNTAX: no number; more than `scale` digits that are not
 * trailing zeros behind the point: NUMBER_OUT_OF_RANGE (nothing is rounded). */
enum number_result number_parse_decimal(struct str text, int precision, int scale,
										int64_t *ret_scaled);
/* The shortest text of a scaled decimal: 1505000 at scale 4 is 150.5. */
void number_write_decimal(struct buf *buf, int64_t scaled, int scale);

#endif
