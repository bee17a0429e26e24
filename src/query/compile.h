/*
 * Compiles what a service file says in text about its resources: the conditions of unique rules,
 * checks and indexes become checked conditions, computed fields become expressions. Done once,
 * after the file is loaded and before a store or a route sees the model.
 *
 * Ownership: results are in the model's own arena. Threads: one; the model is shared later.
 * Errors: problems in the report, with their places. Limits: those of the query grammar.
 */
#ifndef ROWLOCK_QUERY_COMPILE_H
#define ROWLOCK_QUERY_COMPILE_H

#include "model/model.h"

/* False when something is wrong; the report says what. Does nothing the second time. */
bool query_compile(struct model *model, struct model_report *report);

#endif
