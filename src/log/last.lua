-- Finds where the last COUNT events begin, without sending them.
-- KEYS  1 the topic's stream
-- ARGV  1 COUNT
-- Returns the id of the first of them, or nil where there is none.
local entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
local first = entries[#entries]
return first and first[1]
