-- GET of one fixed path with its tag. No request(): wrk then sends one fixed text.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

wrk.headers["If-None-Match"] = os.getenv("BENCH_TAG")
