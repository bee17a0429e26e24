-- PUT of a random user's rating of one of 1000 items.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function init(args)
	seed()
end

function request()
	return put(math.random(USERS), math.random(1000), math.random(3))
end
