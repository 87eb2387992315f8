-- Sends the request bodies of the file named first, one a line, in turn; says at the end what came of it, as JSON.
local threads, requests = {}, {}
sent = 0 -- global, for done() to read in each thread

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  for body in io.lines(arguments[1]) do
    local headers = { ["content-type"] = "application/json", ["accept"] = "application/json" }
    requests[#requests + 1] = wrk.format("POST", wrk.path, headers, body)
  end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors, begun = summary.errors, 0
  for _, thread in ipairs(threads) do
    begun = begun + thread:get("sent")
  end
  io.write(string.format(
    '\n{"sent": %d, "answered": %d, "microseconds": %d, "bytes": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    begun, summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
