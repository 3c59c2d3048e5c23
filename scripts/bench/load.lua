-- Sends the requests of a file in order and counts the responses by status.
-- Arguments: the file, which has the length in bytes and a newline before each request;
-- and "again" to repeat the requests from the start, or "once" to stop after the last one.

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, microseconds; } timeval; int gettimeofday(timeval *, void *);")

local threads = {}
local clock = ffi.new("timeval")

local function now()
  ffi.C.gettimeofday(clock, nil)
  return tonumber(clock.seconds) + tonumber(clock.microseconds) / 1e6
end

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  statuses = {}
  requests = {}
  place = 0
  is_cyclic = args[2] == "again"
  local file = assert(io.open(args[1], "rb"))
  local length = file:read("*n")
  while length do
    file:read(1)
    table.insert(requests, file:read(length))
    length = file:read("*n")
  end
  file:close()
  started = now()
end

function request()
  if place == #requests then
    if not is_cyclic then
      seconds = seconds or now() - started
      wrk.thread:stop()
      return requests[place] -- wrk requires one, but closes the connection before it reads the response
    end
    place = 0
  end
  place = place + 1
  return requests[place]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

-- Prints a line of JSON. `seconds` ends with the last request if there were too few of them.
function done(summary, latency)
  local counts = {}
  local took = summary.duration / 1e6
  for _, thread in ipairs(threads) do
    took = thread:get("seconds") or took
    for status, count in pairs(thread:get("statuses")) do
      table.insert(counts, string.format('"%d": %d', status, count))
    end
  end
  local errors = summary.errors
  io.write(string.format(
    '{"seconds": %f, "p50_ms": %f, "p99_ms": %f, "broken": %d, "late": %d, "statuses": {%s}}\n',
    took, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write, errors.timeout, table.concat(counts, ", ")
  ))
end
