-- Sends the requests of a file, one after the other, and counts the answers by status.
-- Arguments: the file, in which each request stands behind its length in bytes and a newline;
-- and "once" or "again", which says what follows the last one.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  statuses = {}
  requests = {}
  place = 0
  is_used_up = false
  is_cyclic = args[2] == "again"
  local file = assert(io.open(args[1], "rb"))
  local length = file:read("*n")
  while length do
    file:read(1)
    table.insert(requests, file:read(length))
    length = file:read("*n")
  end
  file:close()
end

function request()
  if place == #requests then
    if not is_cyclic then
      is_used_up = true
      wrk.thread:stop()
      return requests[place]
    end
    place = 0
  end
  place = place + 1
  return requests[place]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
  local counts = {}
  local used_up = false
  for _, thread in ipairs(threads) do
    used_up = used_up or thread:get("is_used_up")
    for status, count in pairs(thread:get("statuses")) do
      table.insert(counts, string.format('"%d": %d', status, count))
    end
  end
  local errors = summary.errors
  io.write(string.format(
    '{"seconds": %f, "p50_ms": %f, "p99_ms": %f, "broken": %d, "late": %d, "used_up": %s, "statuses": {%s}}\n',
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write, errors.timeout, tostring(used_up), table.concat(counts, ", ")
  ))
end
