/*
 * CSV (RFC 4180): a pull reader and the function that writes a field. A header row names the
 * columns; lines end with CRLF, LF or CR; a field may stand in double quotes, where quotes are
 * doubled and line ends are text; a BOM before the first line is passed over; empty lines too.
 *
 * Ownership: fields are borrowed from the input, or arena when quotes had to be taken out. The
 * arena given first also holds the array of fields and must outlive the reader.
 * Threads: one reader, one thread.
 * Errors: ERROR_BODY with the byte offset; message and details name line and column (from 1); they
 * stick until csv_recover(). Limits: CSV_FIELDS a line.
 */
#ifndef ROWLOCK_CODEC_CSV_H
#define ROWLOCK_CODEC_CSV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { CSV_FIELDS = 2000 };

struct csv_field {
	struct str text;
	bool quoted; /* "" is an empty text where nothing might be null */
	size_t at;   /* where it begins in the input */
};

struct csv_reader {
	struct str input;
	size_t at;        /* next byte */
	size_t line;      /* of the record that was read last, from 1 */
	size_t next_line; /* the line in which `at` stands */
	struct arena *arena;
	struct csv_field *fields; /* arena: of the record that was read last; room for CSV_FIELDS */
	size_t field_count;
	struct error error;
};

enum csv_event { CSV_ERROR, CSV_END, CSV_RECORD };

void csv_reader_init(struct csv_reader *reader, struct str input, struct arena *arena);
/* Fields of a record with quotes to take out go to `arena` from here on. */
void csv_reader_use(struct csv_reader *reader, struct arena *arena);
enum csv_event csv_next(struct csv_reader *reader);
/* After an error: goes on with the line behind the one that is wrong; when a quote is never closed,
 * that is the one in which it stands. */
void csv_recover(struct csv_reader *reader);

/* Writes a field, in quotes when it holds a comma, a quote, CR or LF, or begins or ends with a
 * space, and the text NULL, which would be read as none. */
void csv_write_field(struct buf *buf, struct str text);

#endif
