/*
 * DESIGN. A reader loads n, takes its snapshot, and trusts what it read when n was even and is the
 * same later. The writer makes n odd before COMMIT makes anything visible: were that store to pass
 * behind the commit, a reader could see new rows under an old, even n. Between them lie the system
 * calls and locks of the store; sequential consistency costs nothing next to those, and no reader
 * has to reason about less.
 */
#include "base/version.h"

void version_begin(struct version *version)
{
	/* One writer: nobody else stores between the load and the store. */
	uint64_t n = atomic_load_explicit(&version->n, memory_order_relaxed);
	if (version_settled(n)) {
		atomic_store_explicit(&version->n, n + 1, memory_order_seq_cst);
	}
}

void version_end(struct version *version)
{
	uint64_t n = atomic_load_explicit(&version->n, memory_order_relaxed);
	if (!version_settled(n)) {
		atomic_store_explicit(&version->n, n + 1, memory_order_seq_cst);
	}
}

uint64_t version_load(const struct version *version)
{
	return atomic_load_explicit(&version->n, memory_order_seq_cst);
}
