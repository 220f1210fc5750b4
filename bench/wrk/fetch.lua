-- One request again and again, with a body of so many bytes when there is a second argument; prints one
-- line of JSON.
--
--   wrk -t1 -c64 -d5s -s fetch.lua http://127.0.0.1:8080/echo -- POST 1024

function init(arguments)
  wrk.method = arguments[1] or 'GET'
  local length = tonumber(arguments[2]) or 0
  if length > 0 then
    wrk.body = string.rep('x', length)
    wrk.headers['Content-Type'] = 'application/octet-stream'
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
