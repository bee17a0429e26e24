-- GET /users/{random user}/ratings
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local texts

function init(args)
	seed()
	texts = gets("/ratings")
end

function request()
	return texts[math.random(USERS)]
end
