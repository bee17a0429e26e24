#include "query/expression.h"

#include "sql/sql_priv.h"

void sql_write_expression(struct sql *sql, size_t alias, const struct expression *expression)
{
	sql_write(sql, str_from(sql->dialect->expression_function));
	buf_append_byte(&sql->text, '(');
	sql_param_pointer(sql, expression);
	buf_append_byte(&sql->text, ',');
	sql_param_made(sql, (struct value){.kind = VALUE_INTEGER, .integer = sql->today});
	for (size_t i = 0; i < expression->field_count; i++) {
		buf_append_byte(&sql->text, ',');
		sql_write_column(sql, alias, expression->fields[i]);
	}
	buf_append_byte(&sql->text, ')');
}
