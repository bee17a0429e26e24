#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/command_store.h"
#include "link/credential.h"
#include "link/mend.h"

static const char help[] =
	"usage: rowlock links [options] FILE check|repair|release\n"
	"\n"
	"Compares the references between this service and others, and mends what differs: rows that\n"
	"are older than their reference, and what a restored backup has left on one side.\n"
	"\n"
	"  check      says what differs; the exit code is 1 when something does\n"
	"  repair     rows here that refer to others without a hold, or with one that the other\n"
	"             service does not have, get a hold\n"
	"  release    holds of others on rows here that no row of theirs uses are deleted\n"
	"\n"
	"  --peer RESOURCE   only with this resource of another service; with `release` also one that\n"
	"                    the service file does not name any more: then all its holds go\n"
	"  --store URL       instead of the one of the service file\n"
	"\n"
	"The other services must run. LINK_KEY is the key that services know each other by. No server\n"
	"may have the SQLite file.\n";

static const struct action {
	const char *name;
	bool rows;
	bool holds;
	bool act;
} actions[] = {
	{"check", true, true, false},
	{"repair", true, false, true},
	{"release", false, true, true},
};

struct order {
	const struct action *action;
	const char *peer;
	const char *key; /* LINK_KEY */
	size_t left;     /* notes about what differs still */
	size_t notes;
};

static const char *rows_of(uint64_t count)
{
	return count == 1 ? "row" : "rows";
}

static void tell_rows(const struct mend_note *note, bool act)
{
	const struct reference *reference = &note->link->reference;
	unsigned long long count = note->count;
	struct str there = reference->target->name;
	printf("%.*s (", STR_ARG(note->resource->name));
	for (size_t i = 0; i < reference->fields.count; i++) {
		printf("%s%.*s", i > 0 ? ", " : "", STR_ARG(reference->fields.items[i]->name));
	}
	printf("): ");
	if (note->what == MEND_DANGLING) {
		printf("%llu of the rows of %.*s that are referred to %s not there\n", count,
			   STR_ARG(there), count == 1 ? "is" : "are");
	} else if (note->what == MEND_WITHOUT) {
		printf("%llu %s without a hold of %.*s%s\n", count, rows_of(count), STR_ARG(there),
			   act ? "; held now" : "");
	} else {
		printf("%llu %s with a hold that %.*s does not have%s\n", count, rows_of(count),
			   STR_ARG(there), act ? "; held anew" : "");
	}
}

static void tell_holds(const struct mend_note *note, const struct order *order)
{
	unsigned long long count = note->count;
	printf("%.*s: %llu %s of %.*s ", STR_ARG(note->resource->name), count,
		   count == 1 ? "hold" : "holds", STR_ARG(note->from));
	if (note->what == MEND_UNUSED) {
		printf("that no row uses%s\n", order->action->act ? "; released" : "");
	} else if (order->action->act && order->peer[0] != '\0') {
		printf("released\n");
	} else {
		printf("that the service file does not name; `release --peer %.*s` deletes them\n",
			   STR_ARG(note->from));
	}
}

static void tell(void *context, const struct mend_note *note)
{
	struct order *order = context;
	bool act = order->action->act;
	order->notes++;
	bool mends = act && (note->what != MEND_UNKNOWN || order->peer[0] != '\0');
	order->left += !mends || note->what == MEND_DANGLING ? 1 : 0;
	if (note->link != NULL) {
		tell_rows(note, act);
	} else {
		tell_holds(note, order);
	}
}

static bool mend(struct order *order, const struct command_store *store, struct loop *loop,
				 struct error *error)
{
	struct store_session *session = store_attach(store->store, loop, error);
	if (session == NULL) {
		return false;
	}
	struct peers *peers = peers_create(loop, str_from(order->key));
	const struct mend_options options = {
		.asker = &link_asker_peers,
		.look = peers_look,
		.decide = peers_decide,
		.peers = peers,
		.loop = loop,
		.session = session,
		.model = store->service->model,
		.peer = str_from(order->peer),
		.act = order->action->act,
		.told = tell,
		.context = order,
	};
	bool ok = (!order->action->rows || mend_rows(&options, error)) &&
		(!order->action->holds || mend_holds(&options, error));
	peers_close(peers);
	store_detach(session);
	return ok;
}

static bool run_order(struct order *order, const struct command_store *store)
{
	struct error error = {0};
	if (!credential_check_key(str_from(order->key), &error)) {
		return command_fail("links", &error);
	}
	struct loop *loop = loop_create(&error);
	bool ok = loop != NULL && mend(order, store, loop, &error);
	if (loop != NULL) {
		loop_stop(loop);
		loop_run(loop);
		loop_destroy(loop);
	}
	if (ok && order->notes == 0) {
		printf("nothing differs\n");
	}
	fflush(stdout);
	return (ok || command_fail("links", &error)) && order->left == 0;
}

static enum exit_code run(int argc, char **argv)
{
	const char *url = NULL;
	const char *key = command_environment("LINK_KEY");
	struct order order = {.peer = "", .key = key != NULL ? key : ""};
	const struct option options[] = {
		{.name = "peer", .value = &order.peer},
		{.name = "store", .value = &url},
		{0},
	};
	int operands = options_read(argc, argv, options);
	if (operands < 0) {
		return EXIT_USAGE;
	}
	for (size_t i = 0; operands == 2 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		order.action = strcmp(argv[2], actions[i].name) == 0 ? &actions[i] : order.action;
	}
	if (order.action == NULL) {
		fputs("rowlock links: give a service file and one of check, repair, release\n", stderr);
		return EXIT_USAGE;
	}
	struct command_store store;
	bool ok = command_store_open(&store, "links", argv[1], url) && run_order(&order, &store);
	command_store_close(&store);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_links = {
	.name = "links",
	.summary = "compare references with other services, and mend them",
	.help = help,
	.run = run,
};
