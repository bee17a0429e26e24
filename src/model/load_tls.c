#include "model/load_priv.h"

#define PAIR_HINT "tls: { certificate: server.crt, key: server.key }"

/* PEM in the service file itself would be read by all who read that. */
static void read_file_name(struct load *load, const struct node *node, const char *what,
						   struct text *ret_path)
{
	if (str_starts_with(node->text, STR("-----BEGIN"))) {
		model_report_add(load->report, node->place, "write it to a file of its own",
						 "%s is the path of a PEM file", what);
	} else {
		(void)load_path(load, node, what, ret_path);
	}
}

static void read_certificate(struct load *load, const struct node *node, void *target)
{
	read_file_name(load, node, "`certificate`", &((struct tls_files *)target)->certificate);
}

static void read_key(struct load *load, const struct node *node, void *target)
{
	read_file_name(load, node, "`key`", &((struct tls_files *)target)->key);
}

void load_tls(struct load *load, const struct node *node, void *target)
{
	static const struct word words[] = {{"certificate", read_certificate}, {"key", read_key}};
	struct tls_files *files = &load->model->tls;
	size_t errors = load->report->errors;

	(void)target;
	if (!LOAD_WORDS(load, node, words, "`tls`", files) || load->report->errors > errors) {
		return;
	}
	if (files->certificate.str.len == 0 || files->key.str.len == 0) {
		model_report_add(load->report, node->place, PAIR_HINT, "`tls` names no %s",
						 files->certificate.str.len == 0 ? "certificate" : "key");
	}
}
