#include "api/assets.h"

/* A build without Swagger UI. */
const struct asset assets[1] = {{.name = {NULL, 0}}};
const size_t asset_count = 0;
