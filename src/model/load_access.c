#include "base/map.h"
#include "model/load_priv.h"

static const struct {
	const char *word;
	const char *what;
} actions[RULE_ACTIONS] = {
	[RULE_READ] = {"read", "`read`"},
	[RULE_CREATE] = {"create", "`create`"},
	[RULE_UPDATE] = {"update", "`update`"},
	[RULE_DELETE] = {"delete", "`delete`"},
};

static void guard(struct load *load, const struct node *node, const char *word)
{
	if (!load->model->guarded) {
		load->guarded_place = node->key.place;
		load->guarded_word = word;
	}
	load->model->guarded = true;
}

/* ---- rows ---- */

/* `all`, `never` or a condition. */
static void read_rule(struct load *load, const struct node *node, struct str role, const char *what,
					  struct row_rules *rules)
{
	struct text text;
	if (!load_text(load, node, what, &text)) {
		return;
	}
	struct row_rule *rule = &((struct row_rule *)rules->items)[rules->count++];
	*rule = (struct row_rule){.role = role, .kind = RULE_WHERE, .text = text};
	if (str_equal(text.str, STR("all"))) {
		rule->kind = RULE_ALL;
	} else if (str_equal(text.str, STR("never"))) {
		rule->kind = RULE_NEVER;
	} else if (str_find(text.str, '=', 0) == text.str.len) {
		model_report_add(load->report, node->place,
						 "all, never, or a condition such as \"owner=eq.{claims.sub}\"",
						 "%s: \"%.*s\" is no rule", what, STR_ARG(str_slice(text.str, 0, 100)));
	}
}

/* One rule for all, or a map of rules by role. */
static void read_action(struct load *load, struct draft *draft, enum rule_action action,
						const struct node *node)
{
	struct row_rules *rules = &draft->resource->rules[action];
	const char *what = actions[action].what;
	bool by_role = node->kind == NODE_MAP;
	guard(load, node, "rules");
	if (draft->tally != NULL && action != RULE_READ) {
		model_report_add(load->report, node->key.place, "its only rule is `read`",
						 "a tally is only read");
	}
	rules->items = ARENA_ARRAY(load->arena, by_role ? node->count : 1, struct row_rule);
	if (!by_role) {
		read_rule(load, node, STR("*"), what, rules);
		return;
	}
	if (node->count == 0) {
		model_report_add(load->report, node->place, "write `never`", "%s names no role", what);
	}
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		if (child->key.str.len == 0) {
			model_report_add(load->report, child->key.place, "\"*\" is for all other roles",
							 "%s: a role without a name", what);
		}
		read_rule(load, child, child->key.str, what, rules);
	}
}

#define READ(action, word)                                                                         \
	static void read_##word(struct load *load, const struct node *node, void *target)              \
	{                                                                                              \
		read_action(load, target, action, node);                                                   \
	}
READ(RULE_READ, read)
READ(RULE_CREATE, create)
READ(RULE_UPDATE, update)
READ(RULE_DELETE, delete)
#undef READ

static const struct word rule_words[] = {
	{"read", read_read},
	{"create", read_create},
	{"update", read_update},
	{"delete", read_delete},
};

/* ---- fields ---- */

/* One role, or a list of them; an empty one is nobody. */
static const struct roles *read_roles(struct load *load, const struct node *node, const char *word)
{
	bool is_list = node->kind == NODE_LIST;
	struct str *items = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct str);
	struct roles *roles = ARENA_NEW(load->arena, struct roles);
	struct map seen;
	const char *what = arena_printf(load->arena, "`%s`", word).ptr;
	guard(load, node, word);
	roles->items = items;
	map_init(&seen);
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		struct text role;
		if (!load_text(load, item, what, &role)) {
			continue;
		}
		if (map_put(&seen, role.str, (void *)item) != NULL) {
			model_report_add(load->report, item->place, NULL, "%s names \"%.*s\" twice", what,
							 STR_ARG(role.str));
		}
		items[roles->count++] = role.str;
	}
	map_finish(&seen);
	return roles;
}

/* Keys stand in addresses, orders and cursors. */
static void read_field(struct load *load, const struct draft_field *draft)
{
	struct field *field = draft->field;
	if (draft->readable_by != NULL && field->key) {
		model_report_add(load->report, draft->readable_by->key.place,
						 "whoever may read a row may read its key",
						 "`readable_by` is not for a field of the key");
	}
	if (draft->readable_by != NULL) {
		field->readable_by = read_roles(load, draft->readable_by, "readable_by");
	}
	if (draft->writable_by != NULL) {
		field->writable_by = read_roles(load, draft->writable_by, "writable_by");
	}
}

void load_access(struct load *load, struct draft *draft)
{
	size_t count = draft->field_drafts == NULL ? 0 : draft->resource->field_count;
	for (size_t i = 0; i < count; i++) {
		read_field(load, &draft->field_drafts[i]);
	}
	if (draft->rules != NULL) {
		(void)LOAD_WORDS(load, draft->rules, rule_words, "`rules`", draft);
	}
}
