/* Files of time zones: what is read gives an offset of less than a day at any moment. */
#include <assert.h>

#include "base/arena.h"
#include "codec/date.h"
#include "codec/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { DAY_MINUTES = 24 * 60 };
	static const int64_t moments[] = {
		INT64_MIN,
		DATE_FIRST_DAY * DATE_DAY_MICROS,
		-1,
		0,
		INT64_C(1614556800000000),
		INT64_C(1625140800000000),
		(DATE_LAST_DAY + 1) * DATE_DAY_MICROS - 1,
		INT64_MAX,
	};
	struct str bytes = {(const char *)data, size};
	struct arena arena;
	struct zone zone;
	arena_init(&arena, 4096);
	if (zone_from_file(bytes, &arena, &zone)) {
		for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
			int minutes = zone_minutes(&zone, moments[i]);
			assert(minutes > -DAY_MINUTES && minutes < DAY_MINUTES);
		}
	}
	arena_finish(&arena);
	return 0;
}
