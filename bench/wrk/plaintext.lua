-- GET /plaintext, several requests in one write when an argument says so; prints one line of JSON.
--
--   wrk -t1 -c64 -d5s -s plaintext.lua http://127.0.0.1:8080/plaintext -- 16

local batch

function init(arguments)
  local depth = tonumber(arguments[1]) or 1
  if depth > 1 then
    batch = string.rep(wrk.format('GET', '/plaintext'), depth)
    request = function() return batch end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"errors":%d,'
      .. '"latencyUs":{"p50":%d,"p99":%d,"p999":%d,"max":%d}}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
