-- 90 % lists, 10 % writes. The writes replace existing rows: the lists keep their length,
-- however many writes a system gets done.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local texts

function init(args)
	seed()
	texts = gets("/ratings")
end

function request()
	local user = math.random(USERS)
	if math.random(10) == 1 then
		return put(user, math.random(ITEMS), math.random(3))
	end
	return texts[user]
end
