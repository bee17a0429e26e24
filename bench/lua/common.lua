-- What all scenarios share: the sizes, the seed and the report in one line of JSON.
USERS = tonumber(os.getenv("BENCH_USERS"))
ITEMS = tonumber(os.getenv("BENCH_ITEMS"))

-- Every system gets the same sequence of requests in one round.
function seed()
	math.randomseed(tonumber(os.getenv("BENCH_SEED") or "1"))
end

-- One request text for each user, made before the clock starts.
function gets(suffix)
	local texts = {}
	for user = 1, USERS do
		texts[user] = wrk.format("GET", "/users/" .. user .. suffix)
	end
	return texts
end

-- The text of a PUT, without wrk.format: it would cost more than the request itself.
function put(user, item, kind)
	return "PUT /users/" .. user .. "/ratings/" .. item .. " HTTP/1.1\r\nHost: " ..
		wrk.headers["Host"] .. "\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n" ..
		'{"rating_type":' .. kind .. "}"
end

function done(summary, latency, requests)
	local errors = summary.errors
	io.write(string.format(
		'BENCH {"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,' ..
		'"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
		summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
		errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
