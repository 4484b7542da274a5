-- Of each name, 1 where it is held in the group by Redis' clock, else 0.
--
-- KEYS  1 the group    ARGV  the names
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local answers = {}
for i, score in ipairs(redis.call('ZMSCORE', KEYS[1], unpack(ARGV))) do
  answers[i] = (score and tonumber(score) > now) and 1 or 0
end
return answers
