/*
 * MariaDB's dialect (10.11; MySQL is kept in mind): InnoDB, utf8mb4 compared by code points, upsert
 * by ON DUPLICATE KEY, tallies by triggers.
 *
 * Values are bound as their types say: decimals as NEWDECIMAL, dates and times as such. The tables
 * of a model are made with foreign_key_checks=0: they may refer to each other.
 *
 * Ownership: constant. Threads: all. Errors: none.
 * Limits: see sql.c; texts that are equal in their first MARIA_SORT_BYTES bytes stand in no
 * particular order, and may be one group where other groups are sorted.
 */
#ifndef ROWLOCK_SQL_MARIA_H
#define ROWLOCK_SQL_MARIA_H

struct sql_dialect;

#define MARIA_SORT_BYTES "65536"

/* What the texts need in a session. */
#define MARIA_SESSION                                                                              \
	"SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin,SESSION time_zone='+00:00',"                      \
	"SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_IN_DATE,NO_ZERO_DATE,"     \
	"NO_AUTO_VALUE_ON_ZERO',SESSION max_sort_length=" MARIA_SORT_BYTES                             \
	",SESSION default_regex_flags=''"

extern const struct sql_dialect sql_dialect_maria;

#endif
