-- TOKEN is a bearer token. TOKENS names a file with one a line: each request has the next, beginning
-- behind the first SKIP of them.
wrk.headers["Host"] = "api.example.test"
wrk.headers["User-Agent"] = "bench/1.0"
wrk.headers["Accept"] = "application/json"

if os.getenv("TOKEN") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN") end

if os.getenv("TOKENS") then
  local requests = {}
  local i = tonumber(os.getenv("SKIP"))
  function init(_)
    for token in io.lines(os.getenv("TOKENS")) do
      wrk.headers["Authorization"] = "Bearer " .. token
      requests[#requests + 1] = wrk.format()
    end
  end
  function request()
    i = i % #requests + 1
    return requests[i]
  end
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format('JSON {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.status,
    e.connect + e.read + e.write + e.timeout))
end
