-- GET of a random line of BENCH_FILE, with BENCH_TOKEN when there is one.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local texts = {}

local token = os.getenv("BENCH_TOKEN")

function init(args)
	if token ~= "" then
		wrk.headers["Authorization"] = "Bearer " .. token
	end
	seed()
	for path in io.lines(os.getenv("BENCH_FILE")) do
		texts[#texts + 1] = wrk.format("GET", path)
	end
end

function request()
	return texts[math.random(#texts)]
end
