-- Names of a group whose time is up by Redis' clock, the longest lapsed first.
--
-- KEYS  1 the group    ARGV  1 how many at most
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, ARGV[1])
