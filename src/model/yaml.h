/*
 * YAML text as a small tree of scalars, maps and lists, each with its place. The environment is
 * filled into scalars here, after parsing, so that its values can never change the shape of a file.
 *
 * A part that is wrong (a tag, an alias, a variable that is not set) is reported and becomes
 * NODE_BROKEN; readers pass over those in silence, so that one mistake gives one message.
 *
 * Ownership: the tree and its texts are arena. Threads: plain data once built.
 * Errors: problems in the report. Limits: text 1 MiB, before and after filling; depth 16; one
 * document; no anchors, aliases or tags; keys are scalars.
 */
#ifndef ROWLOCK_MODEL_YAML_H
#define ROWLOCK_MODEL_YAML_H

#include "model/model.h"

#define YAML_MAX_BYTES ((size_t)1 << 20)
#define YAML_MAX_DEPTH 16

enum node_kind { NODE_BROKEN, NODE_SCALAR, NODE_MAP, NODE_LIST };

/* What YAML 1.2's core schema takes a scalar for. */
enum scalar {
	SCALAR_TEXT,
	SCALAR_NULL,
	SCALAR_TRUE,
	SCALAR_FALSE,
	SCALAR_NUMBER,     /* its text is a JSON number */
	SCALAR_ODD_NUMBER, /* a number in YAML, but not as JSON writes it: 0x1F, +5, 05, .inf */
};

/* Bytes [from, to) of a scalar that came from the environment. */
struct node_span {
	size_t from;
	size_t to;
	const struct node_span *next;
};

struct node {
	enum node_kind kind;
	struct place place;
	struct text key; /* when it is the value of a map's entry */
	struct str text; /* scalar, with the environment filled in; UTF-8 without NUL */
	bool plain;      /* scalar without quotes */
	bool variable;   /* a ${…} stands in it: where a number is wanted quotes do not matter */
	const struct node_span *filled;
	const struct node *first; /* children, in the order of the file */
	const struct node *next;
	size_t count;
};

/* NULL when nothing can be built at all, which is then in the report. */
const struct node *yaml_parse(struct str text, model_environment *environment, struct arena *arena,
							  struct model_report *report);
enum scalar yaml_scalar(const struct node *node);
/* Whether the byte of the scalar's text at this offset came from the environment. */
bool yaml_from_environment(const struct node *node, size_t offset);
/* Writes a tree as JSON. `text` is called for each text scalar before it is written, and may be
 * NULL; its false, and a number that JSON cannot hold, make the result false. */
typedef bool yaml_check_text(void *context, const struct node *node);
bool yaml_write_json(struct buf *buf, const struct node *node, yaml_check_text *text, void *context,
					 struct model_report *report);
/* The same for the same content: comments, quotes' style and white space do not count. */
uint64_t yaml_hash(const struct node *root);

/* ---- yaml_write.c: texts as a service file holds them ---- */

/* A value: in quotes when YAML or the loader's ${…} would take it for something else. */
void yaml_write_value(struct buf *yaml, struct str text);
/* The same, always in quotes: a text that is no word of the service file. */
void yaml_write_literal(struct buf *yaml, struct str text);
/* A key of a map, in which ${…} means nothing. */
void yaml_write_key(struct buf *yaml, struct str text);

#endif
