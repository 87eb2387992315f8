-- Sends the request bodies of the file named first, one a line, in turn; says at the end what came of it, as JSON.
local requests, sent = {}, 0

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
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "bytes": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
