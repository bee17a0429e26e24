-- GET of BENCH_PATH with a random number in the place of its %d.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local numbers = tonumber(os.getenv("BENCH_NUMBERS"))
local texts = {}

function init(args)
	seed()
	for number = 1, numbers do
		texts[number] = wrk.format("GET", string.format(os.getenv("BENCH_PATH"), number))
	end
end

function request()
	return texts[math.random(numbers)]
end
