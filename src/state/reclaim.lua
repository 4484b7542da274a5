-- Sets a claim anew where it is the expected one or none, in one atomic step.
--
-- KEYS  1 the claim    ARGV  1 the expected value    2 the new one    3 its TTL, ms
-- Returns the value that holds.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
