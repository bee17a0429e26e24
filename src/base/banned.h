/*
 * Calls that are banned in this project. The build puts this header in front of every file,
 * so nobody needs to include it.
 *
 * A banned call does not compile; the name in the message says what to use instead. The system
 * headers that declare these functions come first, so that the macros do not disturb them.
 */
#ifndef ROWLOCK_BASE_BANNED_H
#define ROWLOCK_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef strcpy
#define strcpy(...) strcpy_is_banned_use_snprintf_or_str

#undef stpcpy
#define stpcpy(...) stpcpy_is_banned_use_snprintf_or_str

#undef strcat
#define strcat(...) strcat_is_banned_use_snprintf_or_buf

#undef strncpy
#define strncpy(...) strncpy_is_banned_use_snprintf_or_memcpy

#undef strncat
#define strncat(...) strncat_is_banned_use_snprintf_or_buf

#undef sprintf
#define sprintf(...) sprintf_is_banned_use_snprintf

#undef vsprintf
#define vsprintf(...) vsprintf_is_banned_use_vsnprintf

#undef strtok
#define strtok(...) strtok_is_banned_use_str

#undef gets
#define gets(...) gets_is_banned_use_fgets

#undef atoi
#define atoi(...) atoi_is_banned_use_number_parse

#undef atol
#define atol(...) atol_is_banned_use_number_parse

#undef atoll
#define atoll(...) atoll_is_banned_use_number_parse

#undef atof
#define atof(...) atof_is_banned_use_number_parse

#endif
