-- No request(): wrk then sends one fixed text.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")
