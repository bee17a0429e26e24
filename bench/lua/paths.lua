-- GET of a random line of BENCH_FILE.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local texts = {}

function init(args)
	seed()
	for path in io.lines(os.getenv("BENCH_FILE")) do
		texts[#texts + 1] = wrk.format("GET", path)
	end
end

function request()
	return texts[math.random(#texts)]
end
