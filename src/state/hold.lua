-- Holds names in a group, a sorted set of names by the ms at which their time is up; Redis' own clock decides.
--
-- KEYS  1 the group    ARGV  1 TTL, ms    2 how many may be held, or empty    3… the names
-- Returns 1, or 0 where there would be more than may be: then nothing has been done.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if ARGV[2] ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
  local more = 0
  for i = 3, #ARGV do
    if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then more = more + 1 end
  end
  if redis.call('ZCARD', KEYS[1]) + more > tonumber(ARGV[2]) then return 0 end
end

local due = string.format('%.0f', now + tonumber(ARGV[1]))
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], due, ARGV[i]) end
-- What has lapsed in a group without a limit is yet to be found; one with a limit is nobody's when all of it has.
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
