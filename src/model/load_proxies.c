#include "model/load_priv.h"

void load_proxies(struct load *load, const struct node *node, void *target)
{
	bool is_list = node->kind == NODE_LIST;
	struct cidr *proxies = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct cidr);
	size_t count = 0;

	(void)target;
	if (is_list && (node->count == 0 || node->count > MODEL_PROXIES_MAX)) {
		model_report_add(load->report, node->place, "leave it out: then nobody is believed",
						 "`trusted_proxies` names 1 to %d addresses", MODEL_PROXIES_MAX);
		return;
	}
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		struct text text;

		if (!load_text(load, item, "`trusted_proxies`", &text)) {
			continue;
		}
		if (!cidr_parse(text.str, &proxies[count++])) {
			model_report_add(
				load->report, item->place,
				"write ADDRESS or ADDRESS/BITS, such as 127.0.0.1 or 10.0.0.0/8; names "
				"are not looked up",
				"\"%.*s\" is no block of addresses", STR_ARG(str_slice(text.str, 0, 200)));
		}
	}
	load->model->trusted_proxies = proxies;
	load->model->trusted_proxy_count = count;
}
