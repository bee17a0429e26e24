#include <stdio.h>
#include <string.h>

#include "app/command.h"

static const struct option *find(const struct option *options, const char *name, size_t len)
{
	for (; options->name != NULL; options++) {
		if (strlen(options->name) == len && strncmp(options->name, name, len) == 0) {
			return options;
		}
	}
	return NULL;
}

/* Takes the option at argv[*at]; moves *at to its value when that is the next word. */
static bool read_option(int argc, char **argv, int *at, const struct option *options)
{
	const char *name = argv[*at] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option *option = find(options, name, len);
	if (option == NULL) {
		fprintf(stderr, "rowlock %s: unknown option --%.*s\n", argv[0], (int)len, name);
		return false;
	}
	if (option->flag != NULL) {
		*option->flag = true;
		if (equals != NULL) {
			fprintf(stderr, "rowlock %s: --%s takes no value\n", argv[0], option->name);
		}
		return equals == NULL;
	}
	const char *value = equals != NULL ? equals + 1 : NULL;
	if (value == NULL && *at + 1 < argc) {
		value = argv[++*at];
	}
	if (value == NULL) {
		fprintf(stderr, "rowlock %s: --%s needs a value\n", argv[0], option->name);
		return false;
	}
	if (option->each != NULL) {
		return option->each(option->context, value);
	}
	*option->value = value;
	return true;
}

int options_read(int argc, char **argv, const struct option *options)
{
	int operands = 0;
	bool over = false;
	for (int i = 1; i < argc; i++) {
		if (!over && strcmp(argv[i], "--") == 0) {
			over = true;
		} else if (!over && strncmp(argv[i], "--", 2) == 0) {
			if (!read_option(argc, argv, &i, options)) {
				fprintf(stderr, "Try `rowlock %s --help`.\n", argv[0]);
				return -1;
			}
		} else if (!over && argv[i][0] == '-' && argv[i][1] != '\0') {
			fprintf(stderr, "rowlock %s: unknown option %s\nTry `rowlock %s --help`.\n", argv[0],
					argv[i], argv[0]);
			return -1;
		} else {
			argv[++operands] = argv[i];
		}
	}
	return operands;
}
