#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/command.h"
#include "auth/sign.h"

static const char help[] =
	"usage: rowlock keys --out FOLDER [--algorithm NAME]\n"
	"\n"
	"Makes a pair of keys for tokens: FOLDER/jwt.key, which signs them and is nobody else's, and\n"
	"FOLDER/jwt.pub, which a service checks them with. Files that are there stay as they are.\n"
	"\n"
	"  --out FOLDER        made when it is not there\n"
	"  --algorithm NAME    RS256 (the default), PS256, ES256 or EdDSA\n";

enum { PATH_BYTES = 4096 };

static bool fail_file(const char *path, const char *what)
{
	fprintf(stderr, "rowlock keys: %s %s: %s\n", what, path, strerror(errno));
	return false;
}

/* A new file, with all of the text or not at all. */
static bool write_file(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		if (errno == EEXIST) {
			fprintf(stderr, "rowlock keys: %s is there already; nothing was written\n", path);
			return false;
		}
		return fail_file(path, "cannot make");
	}
	ssize_t written = write(fd, text.ptr, text.len);
	bool good = written >= 0 && (size_t)written == text.len && fsync(fd) == 0;
	if (close(fd) != 0 || !good) {
		(void)fail_file(path, "cannot write");
		(void)unlink(path);
		return false;
	}
	return true;
}

static bool path_in(const char *folder, const char *name, char path[PATH_BYTES])
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);
	if (len < 0 || len >= PATH_BYTES) {
		fprintf(stderr, "rowlock keys: the path of the folder is too long\n");
		return false;
	}
	return true;
}

static bool write_pair(const char *folder, struct str private_key, struct str public_key)
{
	char private_path[PATH_BYTES];
	char public_path[PATH_BYTES];
	if (!path_in(folder, "jwt.key", private_path) || !path_in(folder, "jwt.pub", public_path)) {
		return false;
	}
	if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
		return fail_file(folder, "cannot make the folder");
	}
	if (!write_file(private_path, private_key, 0600)) {
		return false;
	}
	if (!write_file(public_path, public_key, 0644)) {
		(void)unlink(private_path);
		return false;
	}
	printf("%s\n%s\n", private_path, public_path);
	return true;
}

static bool make(const char *folder, enum auth_algorithm algorithm)
{
	struct buf private_key;
	struct buf public_key;
	struct error error = {0};
	buf_init(&private_key, SIGN_PEM_BYTES);
	buf_init(&public_key, SIGN_PEM_BYTES);
	bool good = sign_make_keys(algorithm, &private_key, &public_key, &error)
		? write_pair(folder, buf_str(&private_key), buf_str(&public_key))
		: command_fail("keys", &error);
	buf_finish(&private_key);
	buf_finish(&public_key);
	return good;
}

static enum exit_code run(int argc, char **argv)
{
	const char *folder = NULL;
	const char *name = "RS256";
	const struct option options[] = {
		{.name = "out", .value = &folder},
		{.name = "algorithm", .value = &name},
		{0},
	};
	int operands = options_read(argc, argv, options);
	if (operands != 0 || folder == NULL || folder[0] == '\0') {
		fputs(operands < 0 ? "" : "rowlock keys: give --out FOLDER and nothing else\n", stderr);
		return EXIT_USAGE;
	}
	enum auth_algorithm algorithm = auth_algorithm_parse(str_from(name));
	if (algorithm == AUTH_NO_ALGORITHM || algorithm == AUTH_HS256) {
		fprintf(stderr, "rowlock keys: --algorithm takes RS256, PS256, ES256 or EdDSA, not %s\n",
				name);
		return EXIT_USAGE;
	}
	return make(folder, algorithm) ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_keys = {
	.name = "keys",
	.summary = "make a pair of keys for tokens",
	.help = help,
	.run = run,
};
