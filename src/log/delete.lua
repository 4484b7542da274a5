-- Forgets a topic and tells its followers.
-- KEYS  1 the topic's stream
-- Returns 1 where there was one, else 0.
local existed = redis.call('DEL', KEYS[1])
if existed == 1 then redis.call('SPUBLISH', KEYS[1], 'D') end
return existed
