/*
 * DESIGN. Each group of counts (those of one user, of all types) has a header row. Whoever changes
 * counts locks the header first, so that the counts behind it are one writer's alone and may be
 * changed in any order. An INSERT does it before it touches its row; the store does it before an
 * UPDATE or DELETE (sql_tally_lock()), and the triggers before these are for writers that are not
 * ours. So locks are taken in one order: headers by their key, rows, counts.
 */
#include "sql/maria_priv.h"

static void write_object(const char *suffix, struct buf *name, struct buf *text)
{
	buf_append(name, str_from(suffix));
	sql_shorten_name(&sql_dialect_maria, name);
	sql_put_name(&sql_dialect_maria, buf_str(name), text);
}

static void write_head_name(const struct resource *tally, struct buf *text)
{
	struct buf name;
	buf_init(&name, SIZE_MAX);
	sql_tally_head_name(&sql_dialect_maria, tally, &name);
	sql_put_name(&sql_dialect_maria, buf_str(&name), text);
	buf_finish(&name);
}

static void write_head_table(const struct resource *tally, struct buf *name, struct buf *text)
{
	const struct field_list prefix = sql_tally_prefix(tally);
	buf_append(text, STR("CREATE TABLE "));
	write_object(".head", name, text);
	buf_append(text, STR(" (\n"));
	for (size_t i = 0; i < prefix.count; i++) {
		buf_append(text, STR("  "));
		sql_put_name(&sql_dialect_maria, prefix.items[i]->name, text);
		buf_append_byte(text, ' ');
		maria_column_type(tally, resource_field(tally, prefix.items[i]->name), text);
		buf_append(text, STR(" NOT NULL,\n"));
	}
	buf_append(text, STR("  PRIMARY KEY ("));
	sql_write_fields(&sql_dialect_maria, text, "", &prefix);
	buf_append(text, STR(")\n) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"));
}

/* `NEW.a AS a,NEW.b AS b` */
static void write_named(const struct field_list *fields, const char *row, struct buf *text)
{
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(text, i > 0 ? STR(",") : STR(""));
		buf_append(text, str_from(row));
		sql_put_name(&sql_dialect_maria, fields->items[i]->name, text);
		buf_append(text, STR(" AS "));
		sql_put_name(&sql_dialect_maria, fields->items[i]->name, text);
	}
}

/* ` ON DUPLICATE KEY UPDATE a=VALUES(a)`: the row is locked, and stays. */
static void write_touch(const struct field_list *prefix, struct buf *text)
{
	buf_append(text, STR(" ON DUPLICATE KEY UPDATE "));
	sql_put_name(&sql_dialect_maria, prefix->items[0]->name, text);
	buf_append(text, STR("=VALUES("));
	sql_put_name(&sql_dialect_maria, prefix->items[0]->name, text);
	buf_append_byte(text, ')');
}

static void write_insert_head(const struct resource *tally, struct buf *text)
{
	const struct field_list prefix = sql_tally_prefix(tally);
	buf_append(text, STR("INSERT INTO "));
	write_head_name(tally, text);
	buf_append(text, STR(" ("));
	sql_write_fields(&sql_dialect_maria, text, "", &prefix);
	buf_append(text, STR(") "));
}

static void touch_one(const struct resource *tally, const char *row, struct buf *text)
{
	const struct field_list prefix = sql_tally_prefix(tally);
	write_insert_head(tally, text);
	buf_append(text, STR("VALUES ("));
	sql_write_fields(&sql_dialect_maria, text, row, &prefix);
	buf_append_byte(text, ')');
	write_touch(&prefix, text);
}

/* `NOT (OLD.a<=>NEW.a AND …)` */
static void write_moved(const struct field_list *by, struct buf *text)
{
	buf_append(text, STR("IF NOT ("));
	for (size_t i = 0; i < by->count; i++) {
		buf_append(text, i > 0 ? STR(" AND OLD.") : STR("OLD."));
		sql_put_name(&sql_dialect_maria, by->items[i]->name, text);
		buf_append(text, STR("<=>NEW."));
		sql_put_name(&sql_dialect_maria, by->items[i]->name, text);
	}
	buf_append(text, STR(") THEN\n  "));
}

/* Both headers, in the order of their keys. */
static void touch_both(const struct resource *tally, struct buf *text)
{
	const struct field_list prefix = sql_tally_prefix(tally);
	write_moved(&tally->by, text);
	write_insert_head(tally, text);
	buf_append(text, STR("SELECT * FROM (SELECT "));
	write_named(&prefix, "OLD.", text);
	buf_append(text, STR(" UNION SELECT "));
	sql_write_fields(&sql_dialect_maria, text, "NEW.", &prefix);
	buf_append(text, STR(" ORDER BY "));
	sql_write_fields(&sql_dialect_maria, text, "", &prefix);
	buf_append(text, STR(") AS _0"));
	write_touch(&prefix, text);
	buf_append(text, STR(";\nEND IF"));
}

static void write_insert_counts(const struct resource *tally, struct buf *text)
{
	buf_append(text, STR("INSERT INTO "));
	sql_put_name(&sql_dialect_maria, tally->name, text);
	buf_append(text, STR(" ("));
	sql_write_fields(&sql_dialect_maria, text, "", &tally->by);
	buf_append(text, STR(",`count`) VALUES ("));
}

static void write_added(struct buf *text)
{
	buf_append(text, STR(") ON DUPLICATE KEY UPDATE `count`=`count`+VALUES(`count`)"));
}

static void count_more(const struct resource *tally, struct buf *text)
{
	write_insert_counts(tally, text);
	sql_write_fields(&sql_dialect_maria, text, "NEW.", &tally->by);
	buf_append(text, STR(",1"));
	write_added(text);
}

static void count_less(const struct resource *tally, struct buf *text)
{
	buf_append(text, STR("UPDATE "));
	sql_put_name(&sql_dialect_maria, tally->name, text);
	buf_append(text, STR(" SET `count`=`count`-1 WHERE "));
	for (size_t i = 0; i < tally->by.count; i++) {
		buf_append(text, i > 0 ? STR(" AND ") : STR(""));
		sql_put_name(&sql_dialect_maria, tally->by.items[i]->name, text);
		buf_append(text, STR("=OLD."));
		sql_put_name(&sql_dialect_maria, tally->by.items[i]->name, text);
	}
}

static void count_both(const struct resource *tally, struct buf *text)
{
	write_moved(&tally->by, text);
	write_insert_counts(tally, text);
	sql_write_fields(&sql_dialect_maria, text, "OLD.", &tally->by);
	buf_append(text, STR(",-1),("));
	sql_write_fields(&sql_dialect_maria, text, "NEW.", &tally->by);
	buf_append(text, STR(",1"));
	write_added(text);
	buf_append(text, STR(";\nEND IF"));
}

/* A count that falls to 0 stays: the next row of its group is then an update in place. */
bool maria_tally_trigger(const struct resource *tally, size_t number, struct buf *text,
						 struct buf *name)
{
	static const struct {
		const char *name;
		const char *event;
		const char *touched; /* the row whose header is touched; NULL: it counts */
		void (*write)(const struct resource *tally, struct buf *text);
	} triggers[] = {
		{".before_insert", " BEFORE INSERT ON ", "NEW.", NULL},
		{".insert", " AFTER INSERT ON ", NULL, count_more},
		{".before_delete", " BEFORE DELETE ON ", "OLD.", NULL},
		{".delete", " AFTER DELETE ON ", NULL, count_less},
		{".before_update", " BEFORE UPDATE ON ", NULL, touch_both},
		{".update", " AFTER UPDATE ON ", NULL, count_both},
	};
	if (number == 0) {
		write_head_table(tally, name, text);
		return true;
	}
	if (--number >= sizeof(triggers) / sizeof(triggers[0])) {
		return false;
	}
	buf_append(text, STR("CREATE TRIGGER "));
	write_object(triggers[number].name, name, text);
	buf_append(text, str_from(triggers[number].event));
	sql_put_name(&sql_dialect_maria, tally->tally_of->name, text);
	buf_append(text, STR(" FOR EACH ROW\n"));
	if (triggers[number].write != NULL) {
		triggers[number].write(tally, text);
	} else {
		touch_one(tally, triggers[number].touched, text);
	}
	return true;
}
