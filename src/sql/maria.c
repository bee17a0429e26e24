#include "sql/maria.h"

#include "sql/maria_priv.h"

const struct sql_dialect sql_dialect_maria = {
	.name = "mariadb",
	.quote = '`',
	.max_name = 64,
	.derived_names = true,
	.max_open = 76, /* it could hold more; a query that one store takes, all take */
	.path = maria_write_path,
	.matching = maria_write_matching,
	.cast = maria_write_cast,
	.casts_after = true,
	.average = maria_write_average,
	.literal = maria_write_literal,
	.column_type = maria_column_type,
	.column_key = maria_column_key,
	.column_auto = maria_column_auto,
	.table_end = maria_table_end,
	.json_check = "JSON_VALID",
	.constraints_last = true,
	.tally_trigger = maria_tally_trigger,
	.tally_heads = true,
};
