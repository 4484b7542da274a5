-- The time by which the topic's events are dated, of the server that holds it.
-- KEYS  1 the topic's stream, which says where to ask
-- Returns ms since the epoch.
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)
