-- GET /users/{random user}/counts
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local texts

function init(args)
	seed()
	texts = gets("/counts")
end

function request()
	return texts[math.random(USERS)]
end
