#include "api/mount.h"

void mount_init(struct mount *mount, struct str path)
{
	size_t slash = path.len;
	while (slash > 0 && path.ptr[slash - 1] != '/') {
		slash--;
	}
	*mount = (struct mount){path, str_slice(path, 0, slash > 0 ? slash - 1 : 0)};
}

/* `/a` and `/a/b`, not `/ab`. */
static bool begins_with(struct str path, struct str folders)
{
	return str_starts_with(path, folders) &&
		(path.len == folders.len || path.ptr[folders.len] == '/');
}

bool mount_holds(const struct mount *mount, struct str path)
{
	return begins_with(path, mount->path);
}

size_t mount_inside(const struct mount *mount, struct str path, struct str ret_paths[2])
{
	struct str below = str_slice(path, mount->path.len, path.len);
	struct str named = str_slice(path, mount->parent.len, path.len);
	bool whole = below.len <= 1; /* `/orders` is a resource sooner than the start page */
	below = below.len == 0 ? STR("/") : below;
	ret_paths[0] = whole ? named : below;
	ret_paths[1] = whole ? below : named;
	return mount->path.len > 0 ? 2 : 1;
}

void mount_write(const struct mount *mount, struct str path, struct buf *text)
{
	if (mount != NULL) {
		struct str folder = str_slice(mount->path, mount->parent.len, mount->path.len);
		bool there = folder.len > 0 &&
			begins_with(str_slice(path, 0, str_find(path, '?', 0)), folder);
		buf_append(text, there ? mount->parent : mount->path);
	}
	buf_append(text, path);
}
